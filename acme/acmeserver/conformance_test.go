package acmeserver_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConformanceTable holds the table in the documentation to the tests that
// there are.
func TestConformanceTable(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../../docs/acme-conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, pattern := range []string{"*_test.go", "../*_test.go", "../va/*_test.go", "../../server/*_test.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	var tests strings.Builder
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(data)
	}
	names := regexp.MustCompile(`\bTest[A-Z][A-Za-z0-9]+`).FindAllString(string(table), -1)
	if len(names) < 30 {
		t.Errorf("the table names %d tests only", len(names))
	}
	for _, name := range names {
		if !strings.Contains(tests.String(), "func "+name+"(t *testing.T)") {
			t.Errorf("the table names %s, and there is no such test", name)
		}
	}
}
