// Command bench measures what requests cost a running CA: `make bench`, or
// go run ./bench.
//
// It builds step-ca, runs it as a process of its own on one processor with an
// embedded store, and drives it over loopback. What counts is the processor time
// the server spends on a request, divided by that of the public-key operations
// which the request cannot do without (its floor), measured on the same
// processor right before and after. Such a ratio means the same on every
// machine; absolute times do not, so they are printed but never written to
// docs/performance.md.
//
// It measures on Linux, where the kernel accounts for processes in /proc.
package main
