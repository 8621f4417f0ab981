package main

import (
	"fmt"
	"os"

	"golang.org/x/term"

	"stepca/keyfile"
)

// prompt asks for passwords at the terminal, if there is one: on /dev/tty, so
// that standard input may be anything.
func prompt() keyfile.Password {
	return keyfile.Password{
		Attempts: keyfile.TerminalAttempts,
		Ask: func(question string) ([]byte, error) {
			tty, err := os.OpenFile(terminalName, os.O_RDWR, 0)
			if err != nil {
				return nil, fmt.Errorf("%s: error allocating terminal: %w: use --password-file", question, err)
			}
			defer tty.Close()
			fmt.Fprint(tty, question+": ")
			answer, err := term.ReadPassword(int(tty.Fd()))
			fmt.Fprintln(tty)
			return answer, err
		},
	}
}
