package main

import (
	"fmt"
	"net/http"
	"time"

	"golang.org/x/crypto/ssh"

	"stepca/api"
)

var signSSH = operation{
	name: "POST /ssh/sign (JWK token)", file: "ssh-sign", target: 2, holds: "verify, sign",
	floor:   func(f floors) time.Duration { return f.Verify + f.Sign },
	prepare: prepared((*bench).anonymous, sshSignRequests),
}

// sshSignRequests prepares tokens, each for a user of its own, and one key: the CA
// does not verify anything with it.
func sshSignRequests(p *process, n int) ([]request, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	list := make([]request, n)
	for i := range list {
		name := fmt.Sprintf("user-%08d", i)
		token, err := p.signedToken("/1.0/ssh/sign", name, map[string]any{"step": map[string]any{"ssh": map[string]any{}}})
		if err != nil {
			return nil, err
		}
		body := api.SSHSignRequest{PublicKey: pub.Marshal(), Token: token}
		if list[i], err = post("/1.0/ssh/sign", body, http.StatusCreated); err != nil {
			return nil, err
		}
	}
	return list, nil
}
