package server

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strconv"

	"stepca/keyfile"
)

// A recorder is the http.ResponseWriter of an answer that stays in this process.
type recorder struct {
	header http.Header
	sent   http.Header // header as it was when the status was written; nil before
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.sent == nil {
		r.status, r.sent = status, r.header.Clone()
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// response is the answer as the client of a connection would see it.
func (r *recorder) response(req *http.Request) *http.Response {
	r.WriteHeader(http.StatusOK) // a handler that wrote nothing
	return &http.Response{
		Status:     strconv.Itoa(r.status) + " " + http.StatusText(r.status),
		StatusCode: r.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        r.sent,
		Body:          io.NopCloser(&r.body),
		ContentLength: int64(r.body.Len()),
		Request:       req,
	}
}

// ownsKey stands in for the signature of a handshake.
func ownsKey(crt *tls.Certificate, chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return errors.New("the client certificate is empty")
	}
	key, ok := crt.PrivateKey.(crypto.Signer)
	if !ok {
		return errors.New("the client certificate has no private key that can sign")
	}
	return keyfile.CheckPair(chain[0], key)
}
