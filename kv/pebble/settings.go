package pebble

import (
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// The settings below hold a million certificates (five million keys) in little
// memory: what is resident grows with these sizes, not with the data.
const (
	memTableSize = 4 << 20  // bytes; replayed at start, so small keeps starting fast too
	cacheSize    = 16 << 20 // bytes of memtables, and of blocks with the Bloom filters in use, which need about half
	openFiles    = 200      // table files kept open
	fileSize     = 8 << 20  // bytes of a table file at the bottom level
	bloomBits    = 10       // per key: 1% of Inserts of new keys read a block in vain
)

// l0Threshold is twice the number of flushed memtables, one over the other, that are
// compacted into the level below. Keys such as hashes are spread over all of that
// level, so each compaction writes all of it again: with a quarter of this, and so
// four times the compactions, issuing an SSH certificate costs the store a fifth
// more. A look-up has to ask the filters of all of them.
const l0Threshold = 16

// settings returns Pebble's options.
func settings(fs vfs.FS, failure *failure) *pebble.Options {
	o := &pebble.Options{
		FS:                          fs,
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: 3,
		CacheSize:                   cacheSize,
		MaxOpenFiles:                openFiles,
		L0CompactionThreshold:       l0Threshold,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               16 << 20,
		CompactionConcurrencyRange:  func() (lower, upper int) { return 1, 2 },
		Logger:                      failure,
		EventListener:               failure.listener(),
	}
	o.Experimental.FileCacheShards = 2
	// Fast codecs at all levels: Zstandard at the lower ones would save a sixth of
	// the disk for some percent of the processor.
	o.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	for i := range o.Levels {
		o.TargetFileSizes[i] = fileSize
		o.Levels[i].BlockSize = 8 << 10
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
		o.Levels[i].FilterType = pebble.TableFilter
	}
	return o
}
