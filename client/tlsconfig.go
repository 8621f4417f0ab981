package client

import (
	"crypto/rsa"
	"crypto/tls"
	"net/http"
	"sync"
)

// ServerTLS returns settings for a TLS server that always presents the newest
// certificate and verifies clients against the newest roots. base holds further
// settings and is not changed; nil demands a client certificate. Without
// NextProtos, HTTP/2 and HTTP/1.1 are offered.
func (id *Identity) ServerTLS(base *tls.Config) *tls.Config {
	if base == nil {
		base = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert}
	}
	conf := base.Clone()
	if len(conf.NextProtos) == 0 {
		conf.NextProtos = []string{"h2", "http/1.1"}
	}
	conf.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		return id.usable(hello.Context()).crt, nil
	}
	perCredential := latest[*tls.Config]{id: id, make: func(cred *credential) *tls.Config {
		c := conf.Clone()
		c.ClientCAs = cred.roots
		cred.restrict(c)
		return c
	}}
	outer := conf.Clone()
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return perCredential.get(), nil }
	return outer
}

// ClientTLS returns settings for a TLS client that presents the newest
// certificate. The roots are those of now; where connections are made for longer
// than roots may last, use HTTPClient or call ClientTLS for each. base holds
// further settings and is not changed; it may be nil.
func (id *Identity) ClientTLS(base *tls.Config) *tls.Config {
	return id.clientTLS(base, id.current.Load())
}

func (id *Identity) clientTLS(base *tls.Config, cred *credential) *tls.Config {
	conf := &tls.Config{}
	if base != nil {
		conf = base.Clone()
	}
	conf.RootCAs = cred.roots
	cred.restrict(conf)
	conf.GetClientCertificate = func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return id.usable(info.Context()).crt, nil
	}
	return conf
}

// HTTPClient returns a client that presents the newest certificate and trusts
// the newest roots. It has no time-out of its own.
func (id *Identity) HTTPClient() *http.Client {
	t := &transport{}
	t.latest = latest[*http.Transport]{
		id: id,
		make: func(cred *credential) *http.Transport {
			tr := http.DefaultTransport.(*http.Transport).Clone()
			tr.TLSClientConfig = id.clientTLS(nil, cred)
			tr.ForceAttemptHTTP2 = true
			return tr
		},
		// Connections made with the old certificate end with their requests.
		drop: (*http.Transport).CloseIdleConnections,
	}
	return &http.Client{Transport: t}
}

// A transport sends each request over one that fits the newest credential.
type transport struct{ latest latest[*http.Transport] }

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.latest.get().RoundTrip(req)
}

// CloseIdleConnections is found by http.Client.CloseIdleConnections.
func (t *transport) CloseIdleConnections() { t.latest.get().CloseIdleConnections() }

// restrict applies the CA's TLS settings where base has none. Cipher suites are
// chosen by the CA for its own ECDSA key, so they bind only keys of that kind.
func (cred *credential) restrict(conf *tls.Config) {
	if conf.MinVersion == 0 {
		conf.MinVersion = tls.VersionTLS12
		if cred.options != nil {
			conf.MinVersion = max(conf.MinVersion, cred.options.MinVersion.ID())
		}
	}
	if cred.options == nil {
		return
	}
	if conf.MaxVersion == 0 {
		if v := cred.options.MaxVersion.ID(); v >= conf.MinVersion {
			conf.MaxVersion = v
		}
	}
	if _, isRSA := cred.crt.Leaf.PublicKey.(*rsa.PublicKey); !isRSA && conf.CipherSuites == nil {
		if ids := cred.options.SuiteIDs(); len(ids) > 0 {
			conf.CipherSuites = ids
		}
	}
}

// A latest caches a value that is made anew for each credential of id.
type latest[T any] struct {
	id   *Identity
	make func(*credential) T
	drop func(T) // called with a value that is no longer the latest; may be nil

	mu    sync.Mutex // guards the rest; held while making, which does not block
	cred  *credential
	value T
}

func (l *latest[T]) get() T {
	cred := l.id.current.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cred != cred {
		if l.cred != nil && l.drop != nil {
			l.drop(l.value)
		}
		l.cred, l.value = cred, l.make(cred)
	}
	return l.value
}
