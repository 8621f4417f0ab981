package authority

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// reasonCodes are the names of RFC 5280 §5.3.1, in lower case.
var reasonCodes = map[string]int{
	"unspecified":          0,
	"keycompromise":        1,
	"cacompromise":         2,
	"affiliationchanged":   3,
	"superseded":           4,
	"cessationofoperation": 5,
	"certificatehold":      6,
	"removefromcrl":        8,
	"privilegewithdrawn":   9,
	"aacompromise":         10,
}

// parseReasonCode parses a CRLReason, a number or a name in any case and with
// spaces; "" is unspecified.
func parseReasonCode(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	if n, err := strconv.Atoi(s); err == nil {
		if n < 0 || n > 10 {
			return 0, fmt.Errorf("reasonCode out of bounds. Got %d, but want value between 0 and 10", n)
		}
		return n, nil
	}
	code, ok := reasonCodes[strings.ToLower(strings.ReplaceAll(s, " ", ""))]
	if !ok {
		return 0, errors.New("unrecognized revocation reason code '" + s + "'")
	}
	return code, nil
}
