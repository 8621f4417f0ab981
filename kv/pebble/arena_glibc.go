//go:build cgo && linux

package pebble

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
static void use_one_arena(void) {
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
}
#else
static void use_one_arena(void) {}
#endif
*/
import "C"

// useOneArena keeps the C library from having an arena for each thread. Pebble's
// cache and memtables are in its memory, and as blocks wander from thread to thread
// the holes they leave grow to as much again as the blocks. Memtables stay outside:
// the C library would take them into the arena after it had freed the first.
func useOneArena() { C.use_one_arena() }
