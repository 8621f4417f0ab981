package cli

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"

	"stepca/keyfile"
)

// A kmsKey signs by running the program step-kms-plugin, so that step itself
// links in no more than the key managers of env.KMS.
type kmsKey struct {
	env          *Env
	ctx          context.Context // of the command that loaded the key
	kmsURI, name string
	pub          crypto.PublicKey
}

func (env *Env) kmsSigner(ctx context.Context, kmsURI, name string) (*kmsKey, error) {
	out, err := env.runKMS(ctx, nil, withKMS([]string{"key"}, kmsURI, name)...)
	if err != nil {
		return nil, err
	}
	pub, err := keyfile.ParsePublicKey(name, out, keyfile.Password{})
	if err != nil {
		return nil, err
	}
	return &kmsKey{env: env, ctx: ctx, kmsURI: kmsURI, name: name, pub: pub}, nil
}

// Public implements crypto.Signer.
func (k *kmsKey) Public() crypto.PublicKey { return k.pub }

// Sign implements crypto.Signer. The plugin reads the digest (for Ed25519 the
// message) from its standard input.
func (k *kmsKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	args := []string{"sign", "--format", "base64"}
	if k.kmsURI != "" {
		args = append(args, "--kms", k.kmsURI)
	}
	if pss, ok := opts.(*rsa.PSSOptions); ok {
		args = append(args, "--pss", "--salt-length", strconv.Itoa(pss.SaltLength))
	}
	if _, ok := k.pub.(*rsa.PublicKey); ok {
		args = append(args, "--alg", strings.ReplaceAll(opts.HashFunc().String(), "-", ""))
	}
	out, err := k.env.runKMS(k.ctx, digest, append(args, k.name)...)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(string(bytes.TrimSpace(out)))
}

func withKMS(args []string, kmsURI, name string) []string {
	if kmsURI != "" {
		args = append(args, "--kms", kmsURI)
	}
	return append(args, name)
}

// runKMS runs the plugin and returns its standard output.
func (env *Env) runKMS(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	program, err := env.findPlugin("kms")
	if err != nil {
		return nil, errNoKMSPlugin
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("command %q failed with:\n%s", cmd.String(), bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}
