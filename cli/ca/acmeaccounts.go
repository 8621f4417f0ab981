package ca

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mholt/acmez/v3/acme"
	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/cli/authority"
	"stepca/keyfile"
)

// accountsCommand is step ca acme account.
func accountsCommand(env *cli.Env) *cobra.Command {
	return cli.Group("account", "manage this user's ACME accounts",
		`**step ca acme account** manages the accounts that this user has with ACME servers, one
with each. They are made by **step ca certificate** and kept in $(step path)/acme.`,
		listAccounts(env), updateAccount(env), rekeyAccount(env), deactivateAccount(env))
}

func listAccounts(env *cli.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list the accounts",
		Long: `**step ca acme account list** prints a line for each account: the directory of the ACME
server, and the URL of the account. The servers are not asked.`,
		Example: `List the accounts:
$ step ca acme account list`,
		Args: cli.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			files, err := filepath.Glob(filepath.Join(env.Path.Dir(), "acme", "*.json"))
			if err != nil {
				return err
			}
			for _, file := range files {
				data, err := os.ReadFile(file)
				if err != nil {
					return cli.FileError(err)
				}
				var stored storedAccount
				if err := json.Unmarshal(data, &stored); err != nil {
					return notAnAccount(file, err)
				}
				if stored.Location != "" { // or else there is a key, but no account yet
					fmt.Fprintf(env.Stdout, "%s %s\n", stored.Directory, stored.Location)
				}
			}
			return nil
		},
	}
}

// An accountChange is what the commands differ in that change an account.
type accountChange struct {
	use, short, long, example string
	contact                   bool // has --contact
	change                    func(context.Context, *acmeClient, acme.Account) error
	done                      string // format of the notice, with the account's URL
}

func updateAccount(env *cli.Env) *cobra.Command {
	return changeAccount(env, accountChange{
		use:   "update <directory>",
		short: "change the e-mail addresses of an account",
		long: `**step ca acme account update** gives the account with the ACME server of that directory
the addresses of --contact instead of those it has.`,
		example: `Tell Let's Encrypt another address:
$ step ca acme account update https://acme-v02.api.letsencrypt.org/directory --contact ops@example.com`,
		contact: true,
		change: func(ctx context.Context, a *acmeClient, account acme.Account) error {
			account.Contact = contactURLs(a.flags.contacts)
			_, err := a.UpdateAccount(ctx, account)
			return err
		},
		done: "The account %s has been updated.",
	})
}

func rekeyAccount(env *cli.Env) *cobra.Command {
	return changeAccount(env, accountChange{
		use:   "rekey <directory>",
		short: "give an account a new key",
		long: `**step ca acme account rekey** gives the account with the ACME server of that directory a
new key (RFC 8555 §7.3.5). The old one is worth nothing afterwards.`,
		example: `Change the key that a backup may have given away:
$ step ca acme account rekey https://ca.example.com/acme/acme/directory`,
		change: rollOver,
		done:   "The account %s has a new key.",
	})
}

func deactivateAccount(env *cli.Env) *cobra.Command {
	return changeAccount(env, accountChange{
		use:   "deactivate <directory>",
		short: "end an account",
		long: `**step ca acme account deactivate** ends the account with the ACME server of that directory
for good (RFC 8555 §7.3.6), and deletes its key. Certificates that it got stay valid.`,
		example: `End the account of a machine that is going away:
$ step ca acme account deactivate https://ca.example.com/acme/acme/directory`,
		change: func(ctx context.Context, a *acmeClient, account acme.Account) error {
			account.Status = acme.StatusDeactivated
			if _, err := a.UpdateAccount(ctx, account); err != nil {
				return err
			}
			return cli.FileError(os.Remove(accountFile(a.env, a.Directory)))
		},
		done: "The account %s has been deactivated.",
	})
}

func changeAccount(env *cli.Env, c accountChange) *cobra.Command {
	var (
		flags acmeFlags
		conn  authority.Connection
	)
	cmd := &cobra.Command{
		Use:     c.use,
		Short:   c.short,
		Long:    c.long,
		Example: c.example,
		Args:    cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.contact && len(flags.contacts) == 0 {
				return cli.RequiredFlag(cmd, "contact")
			}
			a, err := newACMEClient(env, &flags, &conn, nil, args[0])
			if err != nil {
				return err
			}
			defer a.close()
			if _, err := a.directory(cmd.Context()); err != nil {
				return err
			}
			account, err := a.storedAccount(cmd.Context())
			switch {
			case err != nil:
				return err
			case account.PrivateKey == nil:
				return fmt.Errorf("there is no account with %s in %s", args[0], accountFile(env, args[0]))
			}
			if err := c.change(cmd.Context(), a, account); err != nil {
				return acmeError("Unable to change the account", err)
			}
			env.Noticef(c.done, account.Location)
			return nil
		},
	}
	cmd.Flags().StringVar(&conn.Root, "root", "", "a PEM `file` with the root certificates to trust, besides those of the system")
	cli.ContextFlag(cmd)
	if c.contact {
		flags.defineContact(cmd)
	}
	return cmd
}

// rollOver gives the account a new key. Both keys are in the file until the server
// has agreed: whatever happens between, the account is not lost.
func rollOver(ctx context.Context, a *acmeClient, account acme.Account) error {
	key, err := keyfile.Generate(keyfile.KeySpec{})
	if err != nil {
		return err
	}
	file := accountFile(a.env, a.Directory)
	if err := storeAccount(file, a.Directory, account, key); err != nil {
		return err
	}
	changed, err := a.AccountKeyRollover(ctx, account, key)
	if _, refused := errors.AsType[acme.Problem](err); refused {
		return errors.Join(err, storeAccount(file, a.Directory, account, nil))
	}
	if err != nil {
		return err
	}
	return storeAccount(file, a.Directory, changed, nil)
}
