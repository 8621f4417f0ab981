//go:build !windows

package main

const terminalName = "/dev/tty"
