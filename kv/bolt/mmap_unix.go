//go:build !windows && (amd64 || arm64 || ppc64 || ppc64le || s390x || riscv64 || loong64)

package bolt

// initialMmapSize is the address space set aside at the start, in bytes: until
// the file outgrows it, no commit waits for Views.
const initialMmapSize = 1 << 30
