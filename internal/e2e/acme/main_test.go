//go:build unix

package acme

import (
	"flag"
	"os"
	"syscall"
	"testing"
)

// TestMain lets four tests run at a time unless told otherwise: the work is done in
// other processes, which wait for each other most of the time.
func TestMain(m *testing.M) {
	syscall.Umask(0o022) // servers that become other users read files of the tests
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		flag.Set("test.parallel", "4")
	}
	os.Exit(m.Run())
}
