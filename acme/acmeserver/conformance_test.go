package acmeserver_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stepca/internal/catest"
)

// A demand is what a section of a standard asks of a server.
type demand struct {
	section, what string
	test          func(t *testing.T, w *world)
}

// A world is a CA with accounts to be made, whose challenges the test judges.
type world struct {
	ca *catest.CA
	v  *validator
}

// newWorld runs a CA with an ACME provisioner that edit may change.
func newWorld(t *testing.T, edit func(p map[string]any)) *world {
	t.Helper()
	v := new(validator)
	return &world{newCA(t, v, edit), v}
}

func (w *world) client(t *testing.T) *client { return newClient(t, w.ca) }

func (w *world) account(t *testing.T) *client { return newClient(t, w.ca).register() }

func optionsWith(edit func(cfg map[string]any)) catest.Options { return catest.Options{Edit: edit} }

// hold tests demands, each as a subtest section/what.
func hold(t *testing.T, demands []demand) {
	t.Helper()
	w := newWorld(t, nil)
	for len(demands) > 0 {
		section := demands[0].section
		n := slices.IndexFunc(demands, func(d demand) bool { return d.section != section })
		if n < 0 {
			n = len(demands)
		}
		t.Run(section, func(t *testing.T) {
			for _, d := range demands[:n] {
				t.Run(d.what, func(t *testing.T) { d.test(t, w) })
			}
		})
		demands = demands[n:]
	}
}

func TestRFC8555(t *testing.T) {
	t.Parallel()
	hold(t, slices.Concat(chapter6, chapter7, section73, section74, chapter8))
}

func TestRFC8738(t *testing.T) {
	t.Parallel()
	hold(t, rfc8738)
}

func TestRFC9773(t *testing.T) {
	t.Parallel()
	hold(t, rfc9773)
}

// TestConformanceTable holds the tables in the documentation to the tests that there
// are: what it names exists, and what is tested by section is in it.
func TestConformanceTable(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/acme-conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	var tests strings.Builder
	demands := regexp.MustCompile(`(?m)^\t\{"([0-9.]+)", "([^"]+)", func`)
	tested := map[string]bool{}
	for _, pattern := range []string{"*_test.go", "../*_test.go", "../va/*_test.go", "../../server/*_test.go", "../../issue/*_test.go", "../../internal/e2e/*_test.go", "../../internal/e2e/acme/*_test.go", "../../cli/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(text)
			for _, d := range demands.FindAllStringSubmatch(string(text), -1) {
				row := "| " + d[1] + " | " + d[2] + " |"
				if tested[row] = true; !strings.Contains(page, row) {
					t.Errorf("%s tests what the page does not tell of: %s", name, row)
				}
			}
		}
	}
	for _, row := range regexp.MustCompile(`(?m)^\| [0-9.]+ \| [^|]+ \|`).FindAllString(page, -1) {
		if !tested[row] {
			t.Errorf("the page tells of what is not tested: %s", row)
		}
	}
	if len(tested) < 80 {
		t.Errorf("only %d demands found", len(tested))
	}
	names := regexp.MustCompile(`\bTest[A-Z][A-Za-z0-9]+`).FindAllString(page, -1)
	if len(names) < 30 {
		t.Errorf("the page names %d tests only", len(names))
	}
	for _, name := range names {
		if !strings.Contains(tests.String(), "func "+name+"(t *testing.T)") {
			t.Errorf("the page names %s, and there is no such test", name)
		}
	}
}
