package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stepca/config"
)

func TestEditProvisioners(t *testing.T) {
	t.Parallel()
	c, err := config.Parse([]byte(`{"authority":{"provisioners":[{"type":"ACME","name":"acme","future":1,"forceCN":true},{"type":"Martian","name":"m"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	a := &c.Authority
	for _, tt := range []struct {
		name string
		do   func() error
		err  string
		want string // names, types and what else there is, afterwards
	}{
		{"name taken", func() error { return a.AddProvisioner(json.RawMessage(`{"type":"JWK","name":"acme"}`)) },
			"error storing provisioner: provisioner with name acme already exists", ""},
		{"no type", func() error { return a.AddProvisioner(json.RawMessage(`{"name":"x"}`)) },
			"error storing provisioner: provisioner type cannot be empty", ""},
		{"no object", func() error { return a.AddProvisioner(json.RawMessage(`[]`)) },
			"error storing provisioner: it is not an object with the strings type and name", ""},
		{"add", func() error { return a.AddProvisioner(map[string]string{"type": "JWK", "name": "j"}) }, "",
			`[{"type":"ACME","name":"acme","future":1,"forceCN":true},{"type":"Martian","name":"m"},{"name":"j","type":"JWK"}]`},
		{"update", func() error {
			return a.UpdateProvisioner("acme", json.RawMessage(`{"type":"ACME","name":"acme2","future":1}`))
		}, "", `[{"type":"ACME","name":"acme2","future":1},{"type":"Martian","name":"m"},{"name":"j","type":"JWK"}]`},
		{"update to a name taken", func() error { return a.UpdateProvisioner("acme2", json.RawMessage(`{"type":"ACME","name":"m"}`)) },
			"error updating provisioner: provisioner with name m already exists", ""},
		{"update of nothing", func() error { return a.UpdateProvisioner("no", json.RawMessage(`{"type":"ACME","name":"m"}`)) },
			"provisioner no not found", ""},
		{"remove", func() error { return a.RemoveProvisioner("acme2") }, "", `[{"type":"Martian","name":"m"},{"name":"j","type":"JWK"}]`},
		{"remove of nothing", func() error { return a.RemoveProvisioner("acme2") }, "provisioner acme2 not found", ""},
	} {
		before, err := json.Marshal(a.Provisioners)
		if err != nil {
			t.Fatal(err)
		}
		got := tt.do()
		if tt.err != "" {
			if got == nil || !strings.HasPrefix(got.Error(), tt.err) {
				t.Errorf("%s: error %v, want %s", tt.name, got, tt.err)
			}
			tt.want = string(before)
		} else if got != nil {
			t.Errorf("%s: %v", tt.name, got)
		}
		after, err := json.Marshal(a.Provisioners)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.want, string(after)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
	if raw, ok := a.Provisioner("m"); !ok || string(raw) != `{"type":"Martian","name":"m"}` {
		t.Errorf("Provisioner gives %s, %v", raw, ok)
	}
}
