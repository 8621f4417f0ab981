//go:build unix

package acme

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets four tests run at a time unless told otherwise: the work is done in
// other processes, which wait for each other most of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		flag.Set("test.parallel", "4")
	}
	os.Exit(m.Run())
}
