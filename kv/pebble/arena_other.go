//go:build !cgo || !linux

package pebble

// useOneArena is for the C library of Linux only.
func useOneArena() {}
