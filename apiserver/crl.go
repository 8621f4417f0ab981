package apiserver

import (
	"errors"
	"net/http"
	"strings"

	"stepca/ca"
)

// crl is GET /crl for the default issuer's list and GET /crl/{issuer} for that
// of another; DER, or PEM if the query has "pem". The lists are in memory, so
// that a request costs no signature; conditional requests are answered by ETag.
func (s *Server) crl(x *exchange) error {
	if s.cfg.Revocation == nil {
		return noCRL(nil)
	}
	crl, err := s.cfg.Revocation.CRL(x.r.Context(), strings.TrimSuffix(x.param, ".crl"))
	if err != nil {
		return noCRL(err)
	}
	h := x.Header()
	h.Set("ETag", crl.ETag)
	h.Set("Expires", crl.NextUpdate.UTC().Format(http.TimeFormat))
	if x.r.URL.Query().Has("pem") {
		h.Set("Content-Type", "application/x-pem-file")
		h.Set("Content-Disposition", `attachment; filename="crl.pem"`)
		h.Set("ETag", strings.TrimSuffix(crl.ETag, `"`)+`-pem"`)
		h.Set("Last-Modified", crl.ThisUpdate.UTC().Format(http.TimeFormat))
		if x.r.Header.Get("If-None-Match") == h.Get("ETag") {
			x.WriteHeader(http.StatusNotModified)
			return nil
		}
		if x.r.Method == http.MethodHead {
			x.WriteHeader(http.StatusOK)
			return nil
		}
		crl.WritePEM(x) // a failure to write is the client's loss
		return nil
	}
	h.Set("Content-Type", "application/pkix-crl")
	h.Set("Content-Disposition", `attachment; filename="crl.crl"`)
	http.ServeContent(x, x.r, "", crl.ThisUpdate, crl.Reader())
	return nil
}

// noCRL words the absence of a list as clients know it. Trouble that is not
// absence keeps its kind.
func noCRL(err error) error {
	if err != nil && !errors.Is(err, ca.ErrNotFound) {
		return err
	}
	return &ca.Error{Kind: ca.ErrNotFound, Detail: unexpectedStatus(http.StatusNotFound), Cause: err}
}
