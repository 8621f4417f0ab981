package client

import "context"

// Bootstrap returns a client of the CA that the token is for, trusting the root
// whose fingerprint the token holds. The token is not verified, and not used up:
// whoever handed it over decides which CA is trusted. Of cfg, the sources of
// trust must be unset.
func Bootstrap(ctx context.Context, token string, cfg Config) (*Client, error) {
	claims, err := ParseToken(token)
	if err != nil {
		return nil, err
	}
	caURL, fingerprint, err := claims.Authority()
	if err != nil {
		return nil, err
	}
	cfg.Fingerprint = fingerprint
	return New(ctx, caURL, cfg)
}
