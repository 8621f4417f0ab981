package kms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"stepca/cli"
	"stepca/kms"
)

// signFlags are those of step kms sign.
type signFlags struct {
	manager
	file, alg, saltLength, format, passwordFile string
	pss, verify                                 bool
}

func sign(env *cli.Env) *cobra.Command {
	var f signFlags
	cmd := &cobra.Command{
		Use:   "sign <uri> [<digest>]",
		Short: "sign a digest or a file",
		Long: `**step kms sign** signs a digest, which is given in hexadecimal or read as it is from
standard input, or with --in a file. It prints the signature.

## POSITIONAL ARGUMENTS
<uri>
    The key.

<digest>
    The digest, in hexadecimal.`,
		Example: `Sign a file with a key in the TPM:
$ step kms sign tpmkms:name=web --in document.txt

Sign a digest that another program made:
$ openssl dgst -sha256 -binary document.txt | step kms sign tpmkms:name=web --format hex`,
		Args: cli.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(formats, f.format) {
				return cli.InvalidValue("format", f.format, formats...)
			}
			return f.use(cmd.Context(), env, args[0], f.passwordFile, func(engine kms.Engine) error {
				signer, err := engine.Signer(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				sig, err := f.sign(env, signer, args[1:])
				if err != nil {
					return err
				}
				return f.write(env, signer.Public(), sig)
			})
		},
	}
	f.define(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.file, "in", "", "sign this `file`")
	flags.StringVar(&f.alg, "alg", "", "the `hash` to sign with: SHA256, SHA384 or SHA512; the default fits the key")
	flags.BoolVar(&f.pss, "pss", false, "sign with RSA-PSS")
	flags.StringVar(&f.saltLength, "salt-length", "equal-hash", "the `length` of the salt of RSA-PSS: equal-hash, auto or a number of bytes")
	flags.StringVar(&f.format, "format", "base64", "the `format` of the signature: base64, hex, jws or raw")
	flags.BoolVar(&f.verify, "verify", false, "verify the signature before it is printed")
	flags.StringVar(&f.passwordFile, "password-file", "", "the `file` with the password of a key in a file")
	return cmd
}

// sign returns the signature. digest has the positional argument, if there is one.
func (f *signFlags) sign(env *cli.Env, signer crypto.Signer, digest []string) ([]byte, error) {
	opts, err := f.options(signer.Public())
	if err != nil {
		return nil, err
	}
	data, err := f.input(env, digest)
	if err != nil {
		return nil, err
	}
	hash := opts.HashFunc()
	if f.file == "" {
		if size := hash.Size(); hash != 0 && len(data) != size {
			return nil, fmt.Errorf("a digest of %d bytes is none of %s, which has %d; use the '--alg' or '--in' flag", len(data), hash, size)
		}
		sig, err := signer.Sign(rand.Reader, data, opts)
		if err != nil {
			return nil, err
		}
		return sig, f.check(signer.Public(), data, sig, opts)
	}
	sig, err := crypto.SignMessage(signer, rand.Reader, data, opts)
	if err != nil {
		return nil, err
	}
	if hash != 0 {
		h := hash.New()
		h.Write(data)
		data = h.Sum(nil)
	}
	return sig, f.check(signer.Public(), data, sig, opts)
}

// input is what to sign: the file, or a digest.
func (f *signFlags) input(env *cli.Env, digest []string) ([]byte, error) {
	switch {
	case f.file != "" && len(digest) > 0:
		return nil, errors.New("flag '--in' and the positional argument <digest> are mutually exclusive")
	case f.file != "":
		return env.ReadFile(f.file)
	case len(digest) > 0:
		data, err := hex.DecodeString(digest[0])
		if err != nil {
			return nil, fmt.Errorf("the positional argument <digest> is not hexadecimal: %w", err)
		}
		return data, nil
	}
	const maxMessage = 1 << 20 // of Ed25519 keys, which sign no digests
	return io.ReadAll(io.LimitReader(env.Stdin, maxMessage))
}

var hashes = map[string]crypto.Hash{"SHA256": crypto.SHA256, "SHA384": crypto.SHA384, "SHA512": crypto.SHA512}

// options returns how to sign with a key.
func (f *signFlags) options(public crypto.PublicKey) (crypto.SignerOpts, error) {
	hash, ok := hashes[f.alg]
	if f.alg != "" && !ok {
		return nil, cli.InvalidValue("alg", f.alg, "SHA256", "SHA384", "SHA512")
	}
	_, isRSA := public.(*rsa.PublicKey)
	if f.pss && !isRSA {
		return nil, errors.New("flag '--pss' is for RSA keys")
	}
	switch public := public.(type) {
	case ed25519.PublicKey:
		if f.alg != "" {
			return nil, errors.New("flag '--alg' is not for Ed25519 keys")
		}
		return crypto.Hash(0), nil
	case *ecdsa.PublicKey:
		if f.alg == "" {
			hash = map[elliptic.Curve]crypto.Hash{elliptic.P384(): crypto.SHA384, elliptic.P521(): crypto.SHA512}[public.Curve]
		}
	}
	if hash == 0 {
		hash = crypto.SHA256
	}
	if !f.pss {
		return hash, nil
	}
	salt, err := f.salt()
	return &rsa.PSSOptions{SaltLength: salt, Hash: hash}, err
}

// salt is the value of --salt-length.
func (f *signFlags) salt() (int, error) {
	switch f.saltLength {
	case "equal-hash":
		return rsa.PSSSaltLengthEqualsHash, nil
	case "auto":
		return rsa.PSSSaltLengthAuto, nil
	}
	n, err := strconv.Atoi(f.saltLength)
	if err != nil || n < 0 {
		return 0, cli.InvalidValue("salt-length", f.saltLength, "equal-hash", "auto", "a number")
	}
	return n, nil
}

// check verifies the signature if --verify is set.
func (f *signFlags) check(public crypto.PublicKey, digest, sig []byte, opts crypto.SignerOpts) error {
	if !f.verify {
		return nil
	}
	ok := false
	switch public := public.(type) {
	case ed25519.PublicKey:
		ok = ed25519.Verify(public, digest, sig)
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(public, digest, sig)
	case *rsa.PublicKey:
		if pss, isPSS := opts.(*rsa.PSSOptions); isPSS {
			ok = rsa.VerifyPSS(public, pss.Hash, digest, sig, pss) == nil
		} else {
			ok = rsa.VerifyPKCS1v15(public, opts.HashFunc(), digest, sig) == nil
		}
	}
	if !ok {
		return errors.New("the key manager made a signature that does not verify")
	}
	return nil
}

// formats are the values of --format.
var formats = []string{"base64", "hex", "jws", "raw"}

// write prints the signature.
func (f *signFlags) write(env *cli.Env, public crypto.PublicKey, sig []byte) (err error) {
	switch f.format {
	default: // base64
		_, err = fmt.Fprintln(env.Stdout, base64.StdEncoding.EncodeToString(sig))
	case "hex":
		_, err = fmt.Fprintln(env.Stdout, hex.EncodeToString(sig))
	case "raw":
		_, err = env.Stdout.Write(sig)
	case "jws":
		if key, ok := public.(*ecdsa.PublicKey); ok {
			if sig, err = fixedSize(key, sig); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintln(env.Stdout, base64.RawURLEncoding.EncodeToString(sig))
	}
	return err
}

// fixedSize returns an ECDSA signature as JWS has it (RFC 7518 §3.4): r and s,
// each as long as the order of the curve.
func fixedSize(key *ecdsa.PublicKey, der []byte) ([]byte, error) {
	r, s := new(big.Int), new(big.Int)
	input := cryptobyte.String(der)
	var inner cryptobyte.String
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !inner.ReadASN1Integer(r) || !inner.ReadASN1Integer(s) || !inner.Empty() || !input.Empty() {
		return nil, errors.New("the key manager made a signature that is not one of ECDSA")
	}
	size := (key.Params().N.BitLen() + 7) / 8
	out := make([]byte, 2*size)
	r.FillBytes(out[:size])
	s.FillBytes(out[size:])
	return out, nil
}
