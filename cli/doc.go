// Package cli is the frame of the step command: what a command may touch (Env),
// how its command line is read, where the values of its flags come from, how it
// asks questions, and how it fails. The commands themselves are in the folders
// below, one for each noun (cli/certificate, cli/context …) with a file for
// each verb; cmd/step puts them together.
//
// A command is a function from *Env to *cobra.Command. Its help page, its
// manual page and its completion come from that value:
//
//	func fingerprint(env *cli.Env) *cobra.Command {
//		var format string
//		cmd := &cobra.Command{
//			Use:   "fingerprint [<crt-file>]",
//			Short: "print the fingerprint of a certificate",
//			Args:  cli.MaxArgs(1),
//			RunE:  func(cmd *cobra.Command, args []string) error { … },
//		}
//		cmd.Flags().StringVar(&format, "format", "hex", "the `encoding` of the fingerprint")
//		return cmd
//	}
//
// When RunE is called, flags hold their final values: those of the command line,
// else of STEP_ environment variables, else of the context's defaults.json, else
// their defaults; cmd.Flags().Changed tells the first three from the last. RunE
// writes results to env.Stdout and everything else to env.Stderr, returns errors
// as they are to be shown, and never exits.
//
// Package cli is not for programs that want a certificate: that is package client.
package cli
