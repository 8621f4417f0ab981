package ssh

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepca/cli"
)

// teamFlags are flags of the reference for customers of its makers, who ask a
// hosted service which authority is theirs, and the names of the context that is
// made of the answer. They are known in order to be refused with advice.
type teamFlags struct {
	team, teamAuthority, teamURL string
	profile, authority           string
}

func (f *teamFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.team, "team", "", "refused: the `ID` of a team of a hosted service")
	flags.StringVar(&f.teamAuthority, "team-authority", "", "refused: the `name` of an authority of the team")
	flags.StringVar(&f.teamURL, "team-url", "", "refused: the `URL` of the hosted service")
	flags.StringVar(&f.profile, "profile", "", "refused: the `name` of the profile of a new context")
	flags.StringVar(&f.authority, "authority", "", "refused: the `name` of the authority of a new context")
	cli.Hide(cmd, "team", "team-authority", "team-url", "profile", "authority")
}

func (f *teamFlags) check() error {
	for _, flag := range []struct{ name, value string }{
		{"team", f.team}, {"team-authority", f.teamAuthority}, {"team-url", f.teamURL}, {"profile", f.profile}, {"authority", f.authority},
	} {
		if flag.value != "" {
			return fmt.Errorf("flag '--%s' is not supported: no hosted service is asked for authorities; "+
				"run 'step ca bootstrap' with the address and the fingerprint of yours, which makes a context with '--context', and then 'step ssh config'", flag.name)
		}
	}
	return nil
}
