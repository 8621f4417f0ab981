package pki

import (
	"crypto/rand"
	"math/big"

	"stepca/keyfile"
)

// passwordAlphabet is what generated passwords are made of, so that they can be
// selected with a double click and typed on any keyboard.
const passwordAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// RandomPassword returns a password of n letters and digits, 5.9 bits each.
func RandomPassword(n int) (keyfile.Secret, error) {
	password := make([]byte, n)
	for i := range password {
		j, err := rand.Int(rand.Reader, big.NewInt(int64(len(passwordAlphabet))))
		if err != nil {
			return keyfile.Secret{}, err
		}
		password[i] = passwordAlphabet[j.Int64()]
	}
	return keyfile.NewSecret(password), nil
}
