package mem_test

import (
	"testing"

	"stepca/kv"
	"stepca/kv/kvtest"
	"stepca/kv/mem"
)

func TestConformance(t *testing.T) {
	kvtest.Run(t, func(testing.TB, string) kv.Engine { return mem.New() }, kvtest.Options{Volatile: true})
}

func BenchmarkUpdate(b *testing.B) {
	kvtest.Benchmark(b, func(testing.TB, string) kv.Engine { return mem.New() })
}
