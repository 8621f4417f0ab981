package ssh

import (
	"slices"
	"strings"
)

// userPrincipals are the principals of a user certificate that names none: the
// login name that the key ID suggests, its local part, and the key ID itself.
func userPrincipals(keyID string) []string {
	local := keyID
	if i := strings.LastIndexByte(keyID, '@'); i > 0 {
		local = keyID[:i]
	}
	var principals []string
	for _, name := range []string{loginName(local), local, keyID} {
		if name != "" && !slices.Contains(principals, name) {
			principals = append(principals, name)
		}
	}
	return principals
}

// loginName makes a name that every Unix accepts: letters in lower case, digits
// and hyphens stay, dots go, and the rest becomes an underscore.
func loginName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-':
			return r
		case r == '.':
			return -1
		}
		return '_'
	}, strings.ToLower(s))
}
