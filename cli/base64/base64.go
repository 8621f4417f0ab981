// Package base64 has the step base64 command.
package base64

import (
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"stepca/cli"
)

// flags are those of step base64.
type flags struct{ decode, raw, url bool }

// Command is step base64.
func Command(env *cli.Env) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "base64 [<text>...]",
		Short: "encode and decode base64 (RFC 4648)",
		Long: `**step base64** encodes or decodes text, or what it reads from standard input. To decode
it finds out by itself which alphabet was used and whether there is padding, unless
--raw or --url say so.

## POSITIONAL ARGUMENTS
<text>
    The text; several are joined with spaces. Standard input by default.`,
		Example: `Encode:
$ step base64 These are the times

Decode:
$ echo VGhlc2UgYXJlIHRoZSB0aW1lcw | step base64 --decode

Look into a token:
$ echo $TOKEN | cut -d. -f2 | step base64 -d`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error { return f.run(env, args) },
	}
	cmd.Flags().BoolVarP(&f.decode, "decode", "d", false, "decode")
	cmd.Flags().BoolVarP(&f.raw, "raw", "r", false, "without padding")
	cmd.Flags().BoolVarP(&f.url, "url", "u", false, "in the alphabet for URLs and file names")
	return cmd
}

func (f *flags) run(env *cli.Env, args []string) error {
	data, err := f.input(env, args)
	if err != nil {
		return err
	}
	if !f.decode {
		_, err := fmt.Fprintln(env.Stdout, f.encoding().EncodeToString(data))
		return err
	}
	text := strings.TrimSpace(string(data))
	encoding := f.encoding()
	if !f.raw && !f.url {
		encoding = guess(text)
	}
	decoded, err := encoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("error decoding input: %w", err)
	}
	_, err = env.Stdout.Write(decoded)
	return err
}

// input is the arguments, standard input, or what the user types.
func (f *flags) input(env *cli.Env, args []string) ([]byte, error) {
	if len(args) > 0 {
		return []byte(strings.Join(args, " ")), nil
	}
	if file, ok := env.Stdin.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		verb := "encode"
		if f.decode {
			verb = "decode"
		}
		text, err := env.Prompt.Text(cli.Question{Label: "Please enter text to " + verb})
		return []byte(text), err
	}
	data, err := io.ReadAll(env.Stdin)
	if err != nil {
		return nil, fmt.Errorf("error reading standard input: %w", err)
	}
	return data, nil
}

func (f *flags) encoding() *base64.Encoding {
	switch {
	case f.raw && f.url:
		return base64.RawURLEncoding
	case f.raw:
		return base64.RawStdEncoding
	case f.url:
		return base64.URLEncoding
	}
	return base64.StdEncoding
}

// guess returns the encoding that text seems to be in.
func guess(text string) *base64.Encoding {
	f := flags{raw: !strings.HasSuffix(text, "="), url: strings.ContainsAny(text, "-_")}
	return f.encoding()
}
