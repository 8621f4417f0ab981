package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"stepca/api"
)

// SSHSign asks for an SSH certificate.
func (c *Client) SSHSign(ctx context.Context, req *api.SSHSignRequest) (*api.SSHSignResponse, error) {
	return c.issueSSH(ctx, api.PathSSHSign, req)
}

// SSHRenew asks for an SSH host certificate like the one in the token, with a
// new validity.
func (c *Client) SSHRenew(ctx context.Context, req *api.SSHRenewRequest) (*api.SSHSignResponse, error) {
	return c.issueSSH(ctx, api.PathSSHRenew, req)
}

// SSHRekey is SSHRenew with a new public key.
func (c *Client) SSHRekey(ctx context.Context, req *api.SSHRekeyRequest) (*api.SSHSignResponse, error) {
	return c.issueSSH(ctx, api.PathSSHRekey, req)
}

func (c *Client) issueSSH(ctx context.Context, path string, req any) (*api.SSHSignResponse, error) {
	answer, err := post[api.SSHSignResponse](ctx, c, path, req)
	if err != nil {
		return nil, err
	}
	if answer.Certificate.Certificate == nil {
		return nil, errNoCertificate
	}
	return answer, nil
}

// SSHRevoke revokes an SSH certificate. The serial number in req is decimal and
// the token's subject.
func (c *Client) SSHRevoke(ctx context.Context, req *api.RevokeRequest) error {
	_, err := post[api.RevokeResponse](ctx, c, api.PathSSHRevoke, req)
	return err
}

// SSHRoots returns the keys that sign SSH certificates of this CA.
func (c *Client) SSHRoots(ctx context.Context) (*api.SSHRoots, error) {
	return get[api.SSHRoots](ctx, c, api.PathSSHRoots)
}

// SSHFederation returns the keys of this CA and of those it is federated with.
func (c *Client) SSHFederation(ctx context.Context) (*api.SSHRoots, error) {
	return get[api.SSHRoots](ctx, c, api.PathSSHFederation)
}

// SSHConfig returns OpenSSH configuration rendered from the CA's templates.
func (c *Client) SSHConfig(ctx context.Context, req *api.SSHConfigRequest) (*api.SSHConfigResponse, error) {
	return post[api.SSHConfigResponse](ctx, c, api.PathSSHConfig, req)
}

// SSHCheckHost reports whether there is a host certificate for the principal that
// has neither expired nor been revoked.
func (c *Client) SSHCheckHost(ctx context.Context, req *api.SSHCheckHostRequest) (bool, error) {
	answer, err := post[api.SSHCheckHostResponse](ctx, c, api.PathSSHCheckHost, req)
	if err != nil {
		return false, err
	}
	return answer.Exists, nil
}

// SSHHosts returns the hosts that have a valid certificate.
func (c *Client) SSHHosts(ctx context.Context) ([]api.SSHHost, error) {
	var all []api.SSHHost
	path, last := api.PathSSHHosts, ""
	for range maxPages {
		page, err := get[api.SSHHosts](ctx, c, path)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Hosts...)
		switch page.NextCursor {
		case "":
			return all, nil
		case last:
			return nil, errors.New("the certificate authority's list of hosts does not advance")
		}
		last = page.NextCursor
		path = api.PathSSHHosts + "?" + url.Values{"cursor": {last}}.Encode()
	}
	return nil, errors.New("the certificate authority's list of hosts does not end")
}

// SSHBastion returns the jump host through which a host is to be reached.
func (c *Client) SSHBastion(ctx context.Context, req *api.SSHBastionRequest) (*api.SSHBastionResponse, error) {
	return post[api.SSHBastionResponse](ctx, c, api.PathSSHBastion, req)
}

// SSHKRL returns the key revocation list of the CA, in the binary form that
// OpenSSH's PROTOCOL.krl describes: the SSH certificates that are revoked.
func (c *Client) SSHKRL(ctx context.Context) ([]byte, error) {
	reply, err := c.do(ctx, http.MethodGet, api.PathSSHKRL, nil, nil, maxCRL)
	if err != nil {
		return nil, err
	}
	return reply.body, nil
}
