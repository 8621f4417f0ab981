package apiserver

import (
	"bytes"
	"net/http"
	"time"

	"stepca/ca"
)

// sshKRL is GET /ssh/krl: the revoked SSH certificates, for RevokedKeys in
// sshd_config. The list is in memory; conditional requests are answered by ETag.
// There is no Last-Modified, which could not tell two lists of a second apart.
func (s *Server) sshKRL(x *exchange) error {
	if s.cfg.Revocation == nil {
		return ca.Hidden(ca.ErrNotFound, "there is no KRL without a database")
	}
	krl, err := s.cfg.Revocation.KRL(x.r.Context())
	if err != nil {
		return err
	}
	h := x.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="revoked_keys"`)
	h.Set("ETag", krl.ETag)
	http.ServeContent(x, x.r, "", time.Time{}, bytes.NewReader(krl.Bytes))
	return nil
}
