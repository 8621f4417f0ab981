package ca

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mholt/acmez/v3/acme"

	"stepca/cli"
	"stepca/keyfile"
)

// A storedAccount is the file of an ACME account: one a directory, in the user's
// acme directory, and used again for the next certificate.
type storedAccount struct {
	Directory string `json:"directory"`
	Location  string `json:"location"` // "" while the server is asked for a new account
	Key       string `json:"key"`      // PEM, PKCS #8, in the clear as those of other ACME clients

	// NextKey is set while the key is being changed. Which of the two the server
	// knows is then to be found out.
	NextKey string `json:"nextKey,omitempty"`
}

// accountFile is where the account with a server is kept.
func accountFile(env *cli.Env, directory string) string {
	sum := sha256.Sum256([]byte(directory))
	return filepath.Join(env.Path.Dir(), "acme", hex.EncodeToString(sum[:8])+".json")
}

// account returns the account with the server: the stored one if the server
// still knows it, else a new one.
func (a *acmeClient) account(ctx context.Context) (acme.Account, error) {
	account, err := a.storedAccount(ctx)
	if err != nil {
		return acme.Account{}, err
	}
	if account.PrivateKey == nil {
		return a.newAccount(ctx, account.Location)
	}
	return a.updated(ctx, account)
}

// storedAccount returns the account of the file; without a key if there is no file,
// or the server does not know the account.
func (a *acmeClient) storedAccount(ctx context.Context) (acme.Account, error) {
	file := accountFile(a.env, a.Directory)
	location, keys, err := loadAccount(file)
	if err != nil {
		return acme.Account{}, err
	}
	for _, key := range keys {
		account, err := a.GetAccount(ctx, acme.Account{PrivateKey: key})
		if problem, ok := errors.AsType[acme.Problem](err); ok && problem.Type == acme.ProblemTypeAccountDoesNotExist {
			continue
		}
		if err != nil {
			return acme.Account{}, acmeError("Unable to use the account in "+file, err)
		}
		if account.Status != acme.StatusValid {
			return acme.Account{}, fmt.Errorf("the account in %s is %s; move the file away to make a new one", file, printable(account.Status))
		}
		if len(keys) > 1 || location == "" { // a change of keys was interrupted, or what made the account
			return account, storeAccount(file, a.Directory, account, nil)
		}
		return account, nil
	}
	if location != "" {
		a.env.Noticef("%s does not know the account in %s any more.", a.Directory, file)
	}
	return acme.Account{Location: location}, nil
}

// updated brings the contacts of an account up to date, if any were given.
func (a *acmeClient) updated(ctx context.Context, account acme.Account) (acme.Account, error) {
	contacts := contactURLs(a.flags.contacts)
	if len(contacts) == 0 || slices.Equal(contacts, account.Contact) {
		return account, nil
	}
	account.Contact = contacts
	updated, err := a.UpdateAccount(ctx, account)
	if err != nil {
		return acme.Account{}, acmeError("Unable to update the account", err)
	}
	updated.Location = account.Location // which servers need not repeat
	return updated, nil
}

// newAccount makes an account, in the place of one that the server has forgotten,
// whose URL is given, or "".
func (a *acmeClient) newAccount(ctx context.Context, forgotten string) (acme.Account, error) {
	directory, err := a.directory(ctx)
	if err != nil {
		return acme.Account{}, err
	}
	if meta := directory.Meta; meta != nil && meta.TermsOfService != "" {
		a.env.Noticef("With a new account you agree to the terms of service at %s", printable(meta.TermsOfService))
	}
	file := accountFile(a.env, a.Directory)
	key, err := newAccountKey(file, a.Directory, forgotten)
	if err != nil {
		return acme.Account{}, err
	}
	account := acme.Account{PrivateKey: key, Contact: contactURLs(a.flags.contacts), TermsOfServiceAgreed: true}
	if a.flags.eabKeyID != "" {
		mac, err := a.env.ReadFile(a.flags.eabKeyFile)
		if err != nil {
			return acme.Account{}, err
		}
		text := base64URL.Replace(strings.TrimRight(strings.TrimSpace(string(mac)), "="))
		if err := account.SetExternalAccountBinding(ctx, a.Client, acme.EAB{KeyID: a.flags.eabKeyID, MACKey: text}); err != nil {
			return acme.Account{}, fmt.Errorf("binding the account to key %q: %w", a.flags.eabKeyID, err)
		}
	}
	if account, err = a.NewAccount(ctx, account); err != nil {
		return acme.Account{}, bindingHint(acmeError("Unable to create an account", err), err)
	}
	return account, storeAccount(file, a.Directory, account, nil)
}

// newAccountKey returns the key for a new account. It is in the file before the server
// is asked, and who finds one there takes that: a server has one account for a key
// (RFC 8555 §7.3.1), so commands that run at the same time make one, and a command that
// is interrupted loses none. An account that the server has forgotten stays in the file
// until there is another.
func newAccountKey(file, directory, forgotten string) (crypto.Signer, error) {
	key, err := keyfile.Generate(keyfile.KeySpec{})
	if err != nil {
		return nil, err
	}
	data, err := encodeAccount(directory, acme.Account{PrivateKey: key}, nil)
	if err != nil {
		return nil, err
	}
	if err := keyfile.CreateFile(file, data, keyfile.SecretPerm); !errors.Is(err, fs.ErrExist) {
		return key, cli.FileError(err)
	}
	location, keys, err := loadAccount(file)
	if err != nil || len(keys) == 0 || forgotten != "" && location == forgotten {
		return key, err
	}
	return keys[0], nil
}

// bindingHint adds what to do to the refusal of a server that wants accounts to be
// bound to others (RFC 8555 §7.3.4).
func bindingHint(shown, err error) error {
	problem, ok := errors.AsType[acme.Problem](err)
	if !ok || problem.Type != acme.ProblemTypeExternalAccountRequired {
		return shown
	}
	return cli.WithHint(shown, "Use the '--eab-key-id' and '--eab-key-file' flags with a key that whoever runs the server has made, for step-ca with 'step ca acme eab add'.")
}

// base64URL turns the standard alphabet, in which some servers show keys, into that
// of base64url (RFC 4648 §5).
var base64URL = strings.NewReplacer("+", "-", "/", "_")

func contactURLs(contacts []string) []string {
	var urls []string
	for _, c := range contacts {
		if !strings.HasPrefix(c, "mailto:") {
			c = "mailto:" + c
		}
		urls = append(urls, c)
	}
	return urls
}

// loadAccount returns the URL and the keys of a stored account: no key if there is no
// file, two if a change of keys was interrupted.
func loadAccount(file string) (location string, keys []crypto.Signer, err error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, cli.FileError(err)
	}
	var stored storedAccount
	if err := json.Unmarshal(data, &stored); err != nil {
		return "", nil, notAnAccount(file, err)
	}
	for i, text := range []string{stored.Key, stored.NextKey} {
		if i > 0 && text == "" {
			break
		}
		key, err := keyfile.ParsePrivateKey(file, []byte(text), keyfile.Password{})
		if err != nil {
			return "", nil, notAnAccount(file, err)
		}
		signer, ok := key.(crypto.Signer)
		if !ok {
			return "", nil, notAnAccount(file, errors.New("its key cannot sign"))
		}
		keys = append(keys, signer)
	}
	return stored.Location, keys, nil
}

func notAnAccount(file string, err error) error {
	return fmt.Errorf("%s is not an ACME account; move it away: %w", file, err)
}

// storeAccount writes the file of an account, with the key that it is going to
// have, if there is one.
func storeAccount(file, directory string, account acme.Account, next crypto.Signer) error {
	data, err := encodeAccount(directory, account, next)
	if err != nil {
		return err
	}
	return cli.FileError(keyfile.WriteFile(file, data, keyfile.SecretPerm))
}

func encodeAccount(directory string, account acme.Account, next crypto.Signer) ([]byte, error) {
	stored := storedAccount{Directory: directory, Location: account.Location}
	key, err := keyfile.EncodePrivateKey(account.PrivateKey, keyfile.PKCS8, nil)
	if err != nil {
		return nil, err
	}
	stored.Key = string(key)
	if next != nil {
		if key, err = keyfile.EncodePrivateKey(next, keyfile.PKCS8, nil); err != nil {
			return nil, err
		}
		stored.NextKey = string(key)
	}
	data, err := json.MarshalIndent(stored, "", "  ")
	return append(data, '\n'), err
}
