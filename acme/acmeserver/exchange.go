package acmeserver

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"stepca/acme"
	"stepca/ca"
	"stepca/jose"
	"stepca/provisioner"
)

// An exchange is one request with its answer.
type exchange struct {
	w    http.ResponseWriter // for Header and send
	s    *Server
	r    *http.Request
	args []string // IDs in the path

	status int    // of the answer; zero until there is one
	body   []byte // of the answer

	prov *provisioner.ACME
	ref  ca.ProvisionerRef // of prov

	// What follows is set when the JWS was verified.
	header  jose.Header
	payload []byte
	key     *jose.JWK     // that signed
	account *acme.Account // whose key that is; nil if it was named by jwk

	// nonce is yet to be spent in the store; nil if it is, or if none are stored.
	nonce *ca.OneTimeID
}

// answer checks the request and runs the handler. Whatever that does, there is no
// answer before the nonce is spent.
func (x *exchange) answer(r *route) error {
	if r.key == unsigned {
		return r.handler(x.s, x)
	}
	x.startSigned()
	if err := x.authenticate(r); err != nil {
		return err // nobody has signed this: it is not worth a write, and had no effect
	}
	if !r.writes {
		if err := x.settleNonce(); err != nil {
			return err
		}
	}
	refused := r.handler(x.s, x)
	err := x.s.endNonce(x.r.Context(), x.nonce, refused)
	if refused == nil && err != nil {
		x.takeBack()
	}
	return err
}

// startSigned sets the headers that go with a nonce (RFC 8555 §6.5, §7.1).
func (x *exchange) startSigned() {
	h := x.Header()
	h.Set("Replay-Nonce", x.s.nonces.issue())
	h.Set("Cache-Control", "no-store")
	h.Set("Link", x.indexLink())
}

// indexLink is on all resources but the directory (RFC 8555 §7.1).
func (x *exchange) indexLink() string { return "<" + x.url(pathDirectory) + `>;rel="index"` }

// spent passes on the result of a transaction that the nonce was a part of. One that
// failed did not spend it.
func (x *exchange) spent(err error) error {
	if err == nil {
		x.nonce = nil
	}
	return err
}

// settleNonce spends the nonce before anything else is done.
func (x *exchange) settleNonce() error {
	if x.nonce == nil {
		return nil
	}
	return x.spent(x.s.store.UseNonce(x.r.Context(), x.nonce))
}

// endNonce spends the nonce, nil if a transaction of the request did, also if the
// client went away. err is why the request was refused, nil if it was not. That the
// nonce was used before goes before it.
func (s *Server) endNonce(ctx context.Context, nonce *ca.OneTimeID, err error) error {
	if nonce == nil {
		return err
	}
	if used := s.store.UseNonce(context.WithoutCancel(ctx), nonce); used != nil {
		return errors.Join(used, err)
	}
	return err
}

// base returns https:// and the host that the client used.
func (x *exchange) base() string {
	if x.r.Host != "" {
		return "https://" + x.r.Host
	}
	host := x.s.cfg.Hosts[0]
	if x.s.cfg.Port != "" && x.s.cfg.Port != "443" {
		return "https://" + net.JoinHostPort(host, x.s.cfg.Port)
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return "https://" + host
}

// url returns the URL of a resource of this provisioner.
func (x *exchange) url(segments ...string) string {
	return x.base() + Prefixes[0] + url.PathEscape(x.prov.Name) + "/" + strings.Join(segments, "/")
}

// findProvisioner finds the provisioner of an escaped name, or answers that there
// is none.
func (x *exchange) findProvisioner(escaped string) bool {
	name, err := url.PathUnescape(escaped)
	_, exists := x.s.cfg.Provisioners.ByName(name)
	if err != nil || !exists {
		// Not a problem of ACME's: there is no ACME server here.
		x.writeJSON(http.StatusNotFound, map[string]string{
			"type": "notFound", "detail": "resource not found", "message": "provisioner " + clip(name) + " not found",
		})
		return false
	}
	p, err := x.s.cfg.Provisioners.ACME(name)
	switch {
	case errors.Is(err, ca.ErrNotFound):
		x.problem(unauthorized("provisioner must be of type ACME"))
	case err != nil:
		x.problem(unauthorized("provisioner is disabled due to an initialization error"))
	default:
		x.prov, x.ref = p, p.Ref()
	}
	return err == nil
}

func (x *exchange) requestID() string { return x.s.cfg.RequestID(x.r.Context()) }

// decode reads the JSON object of a payload.
func (x *exchange) decode(dst any) error {
	if len(x.payload) == 0 {
		return malformed("the payload is empty, where a JSON object is needed")
	}
	err := jose.Unmarshal(x.payload, dst)
	if err == nil && (!utf8.Valid(x.payload) || !bytes.HasPrefix(bytes.TrimLeft(x.payload, " \t\r\n"), []byte("{"))) {
		err = errors.New("no object, or not in UTF-8")
	}
	if err != nil {
		return malformed("the payload is not the JSON object that is needed: %w", err)
	}
	return nil
}

// postAsGet refuses a payload (RFC 8555 §6.3).
func (x *exchange) postAsGet() error {
	if len(x.payload) > 0 {
		return malformed("expected POST-as-GET, with an empty payload")
	}
	return nil
}
