// Package deptest holds the import rule of this module: a package imports only
// the rooms that the table below draws under it. It has a test and nothing else.
package deptest

import (
	"bufio"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "stepca"
	top    = "../.." // the module's directory
)

// rule says what each room may import of this module, directly. A room is a
// package, or with /* all packages in folders below it that have no line of
// their own. Before the colon stands who, after it whom. The standard library
// and other modules are free, but for those in foreign. The picture is in
// docs/architecture.md: a new room gets a line here and a place there.
const rule = `
	# Leaves: nothing of ours.
	ca:
	plainjson:
	jsonobject:
	jose: plainjson
	keyfile:
	buildinfo:
	internal/deptest:
	internal/cleanenv:
	internal/freeport:
	internal/sockdir:
	internal/sqltest: internal/freeport internal/sockdir

	# Keys and records: an interface, and an engine a folder.
	kms: keyfile
	kms/kmstest: kms keyfile
	kms/*: kms keyfile
	kv:
	kv/txn: kv
	kv/storedir: kv
	kv/kvtest: kv
	kv/groupcommit: kv kv/txn
	kv/*: kv kv/txn kv/storedir kv/groupcommit
	store: ca kv plainjson

	# Who may have what, and what it looks like.
	template: ca
	policy: ca
	webhook: ca jose
	provisioner: ca jose keyfile plainjson jsonobject
	upstream: ca jose

	# The pipeline.
	issue: ca kms policy store template
	revocation: ca store

	# Protocols.
	acme: ca jose store
	acme/va: ca jose acme
	acme/acmeserver: ca jose keyfile acme acme/va store provisioner policy issue revocation
	scep: ca issue provisioner keyfile kms template store
	api: ca plainjson
	apiserver: ca api issue provisioner revocation store template
	admin: ca api jose policy provisioner store
	client: ca api jose keyfile

	# Assembly.
	config: ca jose keyfile kms policy provisioner template
	config/pki: ca config jose keyfile template
	server: ca jose keyfile kms kv kv/mem store template policy webhook provisioner upstream issue revocation acme acme/va acme/acmeserver scep api apiserver admin config
	server/builtin: config keyfile kms kms/* kv kv/* server
	server/command: config config/pki keyfile kms server buildinfo

	# The command line.
	cli: ca config keyfile kms buildinfo
	cli/authority: ca api client config config/pki jose keyfile kms cli cli/oidc
	cli/clitest: cli kms buildinfo
	cli/ari: acme
	cli/oidc: jose cli
	cli/*: ca api client config config/pki jose jsonobject keyfile kms template issue provisioner server acme cli cli/ari cli/authority
	cli/ca: ca api client config config/pki jose keyfile kms acme template cli cli/ari cli/authority cli/ca/provisioner cli/certificate

	# Programs choose what is linked.
	cmd/step: config kms/* kv server server/builtin cli cli/* buildinfo
	cmd/step-ca: config keyfile kms kms/* kv kv/* server server/builtin server/command buildinfo
	bench: *

	# Help for tests.
	internal/*: *
`

// foreign modules are the system that this project replaces.
var foreign = []string{
	"go.step.sm/",
	"github.com/smallstep/certificates",
	"github.com/smallstep/cli",
	"github.com/smallstep/cli-utils",
	"github.com/smallstep/nosql",
	"github.com/smallstep/linkedca",
}

// testOnly rooms are for tests and for each other.
var testOnly = []string{"internal/catest", "internal/sqltest", "kv/kvtest", "kms/kmstest", "cli/clitest"}

// A room is a line of the rule.
type room struct {
	name    string
	imports []string
}

func parseRule(t *testing.T) []room {
	t.Helper()
	var rooms []room
	for line := range strings.Lines(rule) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, imports, ok := strings.Cut(line, ":")
		if !ok {
			t.Fatalf("rule: %q has no colon", line)
		}
		if slices.ContainsFunc(rooms, func(r room) bool { return r.name == name }) {
			t.Fatalf("rule: two lines for %s", name)
		}
		rooms = append(rooms, room{name, strings.Fields(imports)})
	}
	return rooms
}

// matches reports whether a pattern of the rule means pkg.
func matches(pattern, pkg string) bool {
	folder, ok := strings.CutSuffix(pattern, "*")
	if !ok {
		return pattern == pkg
	}
	return strings.HasPrefix(pkg, folder) && pkg != folder
}

// find returns the line for pkg: its own, or the longest pattern that means it.
func find(rooms []room, pkg string) *room {
	var best *room
	for i := range rooms {
		r := &rooms[i]
		if r.name == pkg {
			return r
		}
		if matches(r.name, pkg) && (best == nil || len(r.name) > len(best.name)) {
			best = r
		}
	}
	return best
}

// An edge is an import.
type edge struct{ file, from, to string }

// imports returns all imports of all files, whatever system they are for. The
// paths of packages of this module are relative to it, the others' as they are.
func imports(t *testing.T) (own, others []edge) {
	t.Helper()
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != top && (base[0] == '.' || base == "testdata" || base == "tools" || base == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		for _, spec := range f.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if inside, ok := strings.CutPrefix(to, module+"/"); ok {
				own = append(own, edge{rel, path.Dir(rel), inside})
			} else {
				others = append(others, edge{rel, path.Dir(rel), to})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return own, others
}

// TestRule compares every import with the table.
func TestRule(t *testing.T) {
	t.Parallel()
	rooms := parseRule(t)
	own, others := imports(t)
	said := make(map[string]bool)
	for _, e := range slices.Concat(own, others) {
		if find(rooms, e.from) == nil && !said[e.from] {
			said[e.from] = true
			t.Errorf("%s: %s is a room that the rule does not know: give it a line in internal/deptest, and a place in docs/architecture.md", e.file, e.from)
		}
	}
	for _, e := range own {
		if strings.HasSuffix(e.file, "_test.go") {
			continue
		}
		if message := judge(rooms, e); message != "" {
			t.Error(message)
		}
	}
}

// judge returns what is wrong with an import outside of tests, "" if nothing is.
func judge(rooms []room, e edge) string {
	from := find(rooms, e.from)
	if from == nil {
		return "" // said by TestRule
	}
	isTest := slices.Contains(testOnly, e.from) || strings.HasPrefix(e.from, "internal/")
	if slices.Contains(testOnly, e.to) && !isTest {
		return fmt.Sprintf("%s: %s is for tests only", e.file, e.to)
	}
	for _, allowed := range from.imports {
		if matches(allowed, e.to) {
			return ""
		}
	}
	return fmt.Sprintf("%s: %s imports %s, which is not below it", e.file, e.from, e.to)
}

// TestRuleHasNoCircle makes sure that the table could be drawn.
func TestRuleHasNoCircle(t *testing.T) {
	t.Parallel()
	rooms := parseRule(t)
	below := make(map[string][]string)
	own, _ := imports(t)
	for _, e := range own {
		from, to := find(rooms, e.from), find(rooms, e.to)
		if from != nil && to != nil && from != to && !strings.HasSuffix(e.file, "_test.go") {
			below[from.name] = append(below[from.name], to.name)
		}
	}
	const walking, done = 1, 2
	state := make(map[string]int)
	var walk func(name string, way []string)
	walk = func(name string, way []string) {
		way = append(way, name)
		switch state[name] {
		case walking:
			t.Errorf("rooms in a circle: %s", strings.Join(way, " → "))
		case done:
		default:
			state[name] = walking
			for _, to := range below[name] {
				walk(to, way)
			}
			state[name] = done
		}
	}
	for name := range below {
		walk(name, nil)
	}
}

// TestJudge makes sure that the rule is one that can be broken.
func TestJudge(t *testing.T) {
	t.Parallel()
	rooms := parseRule(t)
	tests := []struct {
		from, to string
		allowed  bool
	}{
		{"issue", "ca", true},
		{"ca", "issue", false},
		{"issue", "apiserver", false},
		{"jose", "ca", false},
		{"kv/pebble", "kv", true},
		{"kv/pebble", "store", false},
		{"kv/neverseen", "kv", true},
		{"provisioner", "issue", false},
		{"cli/certificate", "cli", true},
		{"cli/certificate", "cli/ca", false},
		{"server", "internal/catest", false},
		{"internal/catest", "server", true},
	}
	for _, tt := range tests {
		if got := judge(rooms, edge{"file.go", tt.from, tt.to}) == ""; got != tt.allowed {
			t.Errorf("%s imports %s: allowed = %t, want %t", tt.from, tt.to, got, tt.allowed)
		}
	}
}

// TestForeign keeps out the modules of the system that this project replaces.
func TestForeign(t *testing.T) {
	t.Parallel()
	_, others := imports(t)
	for _, e := range others {
		for _, module := range foreign {
			if e.to == module || strings.HasPrefix(e.to, strings.TrimSuffix(module, "/")+"/") {
				t.Errorf("%s imports %s: modules of the reference are not for this project", e.file, e.to)
			}
		}
	}
	f, err := os.Open(filepath.Join(top, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		for _, word := range strings.Fields(lines.Text()) {
			for _, module := range foreign {
				if word == module || strings.HasPrefix(word, strings.TrimSuffix(module, "/")+"/") {
					t.Errorf("go.mod requires %s: modules of the reference are not for this project", word)
				}
			}
		}
	}
}
