//go:build windows || !(amd64 || arm64 || ppc64 || ppc64le || s390x || riscv64 || loong64)

package bolt

// initialMmapSize leaves the first size of the memory map to bbolt: Windows
// makes the file as large as its map, and 32 bits have no address space to spare.
const initialMmapSize = 0
