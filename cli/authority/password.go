package authority

import (
	"errors"

	"stepca/cli"
	"stepca/config/pki"
	"stepca/keyfile"
)

// generatedPassword is the length of passwords that we make up, in characters.
const generatedPassword = 32

// NewPassword returns the password in the file, or asks for one when file is "";
// flag names the flag of the file. An empty answer gets a random password, which
// is shown so that it can be kept, and may be edited.
func NewPassword(env *cli.Env, file, flag, label string) (keyfile.Secret, error) {
	if file != "" {
		password, err := cli.LoadPassword(file)
		if err != nil {
			return keyfile.Secret{}, err
		}
		return keyfile.NewSecret(password), nil
	}
	answer, err := env.Prompt.Password(cli.Question{Label: label, Flag: flag})
	if err != nil {
		return keyfile.Secret{}, err
	}
	if len(answer) > 0 {
		return keyfile.NewSecret(answer), nil
	}
	generated, err := pki.RandomPassword(generatedPassword)
	if err != nil {
		return keyfile.Secret{}, err
	}
	edited, err := env.Prompt.Text(cli.Question{Label: "Password", Default: string(generated.Reveal()), Validate: func(s string) error {
		if s == "" {
			return errors.New("value is empty")
		}
		return nil
	}})
	if err != nil {
		return keyfile.Secret{}, err
	}
	return keyfile.NewSecret([]byte(edited)), nil
}
