package acmeserver

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestLimitsAreDocumented holds the page to the limits that there are.
func TestLimitsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/acme.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		fmt.Sprintf("| identifiers of an order | %d |", maxIdentifiers),
		fmt.Sprintf("| octets of a request | %d |", maxBody),
		fmt.Sprintf("| new accounts from one address | %d at once, then %d a second |", accountsAtOnce, accountsPerSecond),
		fmt.Sprintf("| names in new orders of one account | %d at once, then %d a second |", ordersAtOnce, ordersPerSecond),
		fmt.Sprintf("| failed validations of one identifier for one account | %.0f at once, then %.0f a minute |", failuresAtOnce, failuresPerSecond*60),
		fmt.Sprintf("| refused revocations of what an account did not order | %.0f at once, then %.0f a minute |", failuresAtOnce, failuresPerSecond*60),
		fmt.Sprintf("| validations under way | %d, of one account %d |", maxValidations, maxValidationsOfAccount),
		fmt.Sprintf("| orders being finalized | %d |", maxFinalizations),
	} {
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/acme.md does not say %q", row)
		}
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"192.0.2.1:4711":              "192.0.2.1",
		"[::ffff:192.0.2.1]:4711":     "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:4711": "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:4711": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:4711":         "fe80::/64",
		"@":                           "@", // a socket without addresses
	} {
		if got := clientAddress(&http.Request{RemoteAddr: remote}); got != want {
			t.Errorf("clientAddress(%s) = %s, want %s", remote, got, want)
		}
	}
}
