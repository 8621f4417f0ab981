package ca

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"stepca/acme"
	"stepca/cli"
	"stepca/keyfile"
)

// acmeCommand is step ca acme.
func acmeCommand(env *cli.Env) *cobra.Command {
	return cli.Group("acme", "manage ACME accounts, and keys to make them with",
		`**step ca acme** manages the ACME accounts of this user, and what the ACME provisioners of
an authority keep.`,
		accountsCommand(env),
		cli.Group("eab", "manage keys for external account binding",
			`**step ca acme eab** manages the keys that an ACME client needs to create an account
with a provisioner that has requireEAB set (external account binding, RFC 8555 §7.3.4).
Each key binds one account.

The commands work on the configuration and the database of the authority on this
machine, as the user that step-ca runs as. It may run meanwhile.`,
			addEAB(env), listEAB(env), removeEAB(env)))
}

// keyBook is the part of the authority that these commands need.
type keyBook interface {
	AddExternalKey(ctx context.Context, provisioner, reference string) (*acme.ExternalKey, error)
	ExternalKeys(ctx context.Context, provisioner, cursor string, limit int) ([]*acme.ExternalKey, string, error)
	RemoveExternalKey(ctx context.Context, provisioner, id string) error
}

// eabFlags are those of all three.
type eabFlags struct {
	config, passwordFile string
}

func (f *eabFlags) define(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.config, "ca-config", "", "the configuration `file` of the authority, instead of $STEPPATH/config/ca.json")
	cmd.Flags().StringVar(&f.passwordFile, "password-file", "", "the `file` with the password of the authority's keys")
	cli.ContextFlag(cmd)
}

// with opens the authority for do.
func (f *eabFlags) with(ctx context.Context, env *cli.Env, do func(keyBook) error) error {
	if env.OpenRecords == nil {
		return errors.New("this program is built without a certificate authority, whose database this command needs")
	}
	opts := cli.OfflineOptions{ConfigFile: f.config, Prompt: env.Password("", "password-file")}
	if opts.ConfigFile == "" {
		opts.ConfigFile = env.Path.CAConfig()
	}
	if f.passwordFile != "" {
		password, err := cli.LoadPassword(f.passwordFile)
		if err != nil {
			return err
		}
		opts.Password = keyfile.NewSecret(password)
	}
	records, err := env.OpenRecords(ctx, env, opts)
	if err != nil {
		return cli.FileError(err)
	}
	book, ok := records.(keyBook)
	if !ok {
		return errors.Join(errors.New("this authority keeps no ACME keys"), records.Close())
	}
	return errors.Join(do(book), records.Close())
}

// Columns, as scripts know them.
const (
	addColumns  = "%-36s%-28s%-48s%s\n"
	listColumns = "%-36s%-28s%-16s%-30s%-30s%-40s%s\n"
	listTime    = "2006-01-02 15:04:05 -07:00"
)

func addEAB(env *cli.Env) *cobra.Command {
	var f eabFlags
	cmd := &cobra.Command{
		Use:   "add <provisioner> [<eab-key-reference>]",
		Short: "make a key for one ACME account",
		Long: `**step ca acme eab add** makes a key with which one ACME account can be created, and prints
it: the key ID and the key are for the client, which needs both. The key is not shown
again.`,
		Example: `Make a key for certbot, which takes it as --eab-kid and --eab-hmac-key:
$ step ca acme eab add acme web-server`,
		Args: cli.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			reference := ""
			if len(args) > 1 {
				reference = args[1]
			}
			return f.with(cmd.Context(), env, func(book keyBook) error {
				key, err := book.AddExternalKey(cmd.Context(), args[0], reference)
				if err != nil {
					return fmt.Errorf("error creating ACME EAB key: %w", err)
				}
				fmt.Fprintf(env.Stdout, addColumns, "Key ID", "Provisioner", "Key (base64, raw url encoded)", "Reference")
				fmt.Fprintf(env.Stdout, addColumns, key.ID, args[0], base64.RawURLEncoding.EncodeToString(key.Secret), key.Reference)
				return nil
			})
		},
	}
	f.define(cmd)
	return cmd
}

func listEAB(env *cli.Env) *cobra.Command {
	var (
		f       eabFlags
		limit   int
		noPager bool
	)
	cmd := &cobra.Command{
		Use:   "list <provisioner> [<eab-key-reference>]",
		Short: "list the keys of a provisioner",
		Long: `**step ca acme eab list** lists the keys for external account binding of a provisioner,
newest first, or the one with a reference. The keys themselves are not shown. On a
terminal, the program of $PAGER shows the list.`,
		Example: `List the keys of a provisioner:
$ step ca acme eab list acme`,
		Args: cli.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			words := pager(env)
			if noPager {
				words = nil
			}
			return paged(cmd.Context(), env, words, func(w io.Writer) error {
				return f.with(cmd.Context(), env, func(book keyBook) error {
					return printKeys(cmd.Context(), w, book, args, limit)
				})
			})
		},
	}
	f.define(cmd)
	cmd.Flags().BoolVar(&noPager, "no-pager", false, "print the list itself, where a terminal would have it in $PAGER")
	cmd.Flags().IntVar(&limit, "limit", 0, "the `number` of keys to read at a time; all are listed")
	return cmd
}

// printKeys prints all keys, or the one whose reference is the second argument.
func printKeys(ctx context.Context, w io.Writer, book keyBook, args []string, limit int) error {
	found := false
	for cursor := ""; ; {
		page, next, err := book.ExternalKeys(ctx, args[0], cursor, limit)
		if err != nil {
			return fmt.Errorf("error retrieving ACME EAB keys: %w", err)
		}
		for _, k := range page {
			if len(args) > 1 && k.Reference != args[1] {
				continue
			}
			if !found {
				fmt.Fprintf(w, listColumns, "Key ID", "Provisioner", "Key (masked)", "Created At", "Bound At", "Account", "Reference")
			}
			found = true
			fmt.Fprintf(w, listColumns, k.ID, args[0], "*****", shownTime(k.CreatedAt), shownTime(k.BoundAt), k.AccountID, k.Reference)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if !found {
		fmt.Fprintf(w, "No ACME EAB keys stored for provisioner %s\n", args[0])
	}
	return nil
}

func shownTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(listTime)
}

func removeEAB(env *cli.Env) *cobra.Command {
	var f eabFlags
	cmd := &cobra.Command{
		Use:   "remove <provisioner> <eab-key-id>",
		Short: "delete a key",
		Long: `**step ca acme eab remove** deletes a key for external account binding. No account can be
created with it any more; one that was stays.`,
		Example: `Delete a key:
$ step ca acme eab remove acme Lk2bHxJyWJY1ySN1pEnXLJwzyDWXgvyD`,
		Args: cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.with(cmd.Context(), env, func(book keyBook) error {
				if err := book.RemoveExternalKey(cmd.Context(), args[0], args[1]); err != nil {
					return fmt.Errorf("error deleting ACME EAB key: %w", err)
				}
				fmt.Fprintln(env.Stdout, "Key was deleted successfully!")
				return nil
			})
		},
	}
	f.define(cmd)
	return cmd
}
