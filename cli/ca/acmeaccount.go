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
	"strings"

	"github.com/mholt/acmez/v3/acme"

	"stepca/cli"
	"stepca/keyfile"
)

// A storedAccount is the file of an ACME account: one a directory, in the user's
// acme directory, and used again for the next certificate.
type storedAccount struct {
	Directory string `json:"directory"`
	Location  string `json:"location"`
	Key       string `json:"key"` // PEM, PKCS #8, in the clear as those of other ACME clients
}

// accountFile is where the account with a server is kept.
func accountFile(env *cli.Env, directory string) string {
	sum := sha256.Sum256([]byte(directory))
	return filepath.Join(env.Path.Dir(), "acme", hex.EncodeToString(sum[:8])+".json")
}

// account returns the account with the server: the stored one if the server
// still knows it, else a new one.
func (f *acmeFlags) account(ctx context.Context, env *cli.Env, c *acme.Client) (acme.Account, error) {
	file := accountFile(env, c.Directory)
	key, err := loadAccountKey(file)
	if err != nil {
		return acme.Account{}, err
	}
	if key != nil {
		account, err := c.GetAccount(ctx, acme.Account{PrivateKey: key})
		if err == nil && account.Status == acme.StatusValid {
			return f.updated(ctx, c, account)
		}
		if problem, ok := errors.AsType[acme.Problem](err); err != nil && (!ok || problem.Type != acme.ProblemTypeAccountDoesNotExist) {
			return acme.Account{}, acmeError("Unable to use the account in "+file, err)
		}
	}
	return f.newAccount(ctx, env, c, file)
}

// updated brings the contacts of an account up to date, if any were given.
func (f *acmeFlags) updated(ctx context.Context, c *acme.Client, account acme.Account) (acme.Account, error) {
	if len(f.contacts) == 0 {
		return account, nil
	}
	account.Contact = contactURLs(f.contacts)
	updated, err := c.UpdateAccount(ctx, account)
	if err != nil {
		return acme.Account{}, acmeError("Unable to update the account", err)
	}
	return updated, nil
}

func (f *acmeFlags) newAccount(ctx context.Context, env *cli.Env, c *acme.Client, file string) (acme.Account, error) {
	key, err := keyfile.Generate(keyfile.KeySpec{})
	if err != nil {
		return acme.Account{}, err
	}
	account := acme.Account{PrivateKey: key, Contact: contactURLs(f.contacts), TermsOfServiceAgreed: true}
	if f.eabKeyID != "" {
		mac, err := env.ReadFile(f.eabKeyFile)
		if err != nil {
			return acme.Account{}, err
		}
		text := strings.TrimRight(strings.TrimSpace(string(mac)), "=")
		if err := account.SetExternalAccountBinding(ctx, c, acme.EAB{KeyID: f.eabKeyID, MACKey: text}); err != nil {
			return acme.Account{}, fmt.Errorf("binding the account to key %q: %w", f.eabKeyID, err)
		}
	}
	if account, err = c.NewAccount(ctx, account); err != nil {
		return acme.Account{}, acmeError("Unable to create an account", err)
	}
	return account, storeAccount(file, c.Directory, account)
}

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

// loadAccountKey returns the key of a stored account, nil if there is none.
func loadAccountKey(file string) (crypto.Signer, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, cli.FileError(err)
	}
	var stored storedAccount
	if err := json.Unmarshal(data, &stored); err != nil {
		return nil, fmt.Errorf("%s is not an ACME account; move it away: %w", file, err)
	}
	key, err := keyfile.ParsePrivateKey(file, []byte(stored.Key), keyfile.Password{})
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the key in %s cannot sign; move the file away", file)
	}
	return signer, nil
}

func storeAccount(file, directory string, account acme.Account) error {
	key, err := keyfile.EncodePrivateKey(account.PrivateKey, keyfile.PKCS8, nil)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(storedAccount{directory, account.Location, string(key)}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return cli.FileError(err)
	}
	return cli.FileError(keyfile.WriteFile(file, append(data, '\n'), 0o600))
}
