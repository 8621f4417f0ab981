package config_test

import (
	"bytes"
	"encoding/json"
	"testing"
)

// compact returns JSON without white space.
func compact(t *testing.T, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return b.String()
}
