package pebble_test

import (
	"testing"

	"stepca/kv"
	"stepca/kv/kvtest"
	"stepca/kv/pebble"
)

func open(t testing.TB, dir string) kv.Engine {
	e, err := pebble.Open(t.Context(), pebble.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestConformance(t *testing.T) { kvtest.Run(t, open, kvtest.Options{}) }

func BenchmarkUpdate(b *testing.B) { kvtest.Benchmark(b, open) }

func TestCrash(t *testing.T) { kvtest.Crash(t, open) }
