package issue

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"sync"

	zcrypto "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"

	"stepca/ca"
)

// A LintMode says how often certificates are linted before they are signed.
type LintMode string

// The lint modes. A full run costs almost as much as all signatures of a
// request, and its verdict depends on the shape of the contents far more than on
// their values, which the other checks cover.
const (
	LintShape  LintMode = "shape"  // once for each shape of contents; the default
	LintAlways LintMode = "always" // every certificate
	LintOff    LintMode = "off"
)

// ParseLintMode parses the value of "lint" in ca.json; "" is LintShape.
func ParseLintMode(s string) (LintMode, error) {
	switch mode := LintMode(s); mode {
	case "":
		return LintShape, nil
	case LintShape, LintAlways, LintOff:
		return mode, nil
	}
	return "", fmt.Errorf("lint mode %q is unknown: use shape, always or off", s)
}

// maxShapes bounds the memory of shapes that passed. Beyond it every new shape
// is linted each time.
const maxShapes = 4096

// A linter refuses contents that zlint's RFC 5280 and RFC 5480 sets find an
// error in. Its zero value lints by shape.
type linter struct {
	mode LintMode

	mu     sync.Mutex // guards passed
	passed map[[sha256.Size]byte]bool
}

// tolerated are lints whose errors the reference's users live with: names longer
// than the subject attribute's bound (RFC 5280 appendix A, ub-common-name) are
// common where host names are generated.
var tolerated = []string{
	"e_subject_common_name_max_length",
	"e_subject_organization_name_max_length",
	"e_subject_organizational_unit_name_max_length",
}

// check lints contents, unless their shape passed before.
func (l *linter) check(tbs *x509.Certificate, pub crypto.PublicKey, authority *Authority) error {
	if l.mode == LintOff {
		return nil
	}
	shape := shapeOf(tbs, pub, authority)
	if l.mode != LintAlways && l.known(shape) {
		return nil
	}
	if err := lintContents(tbs, pub, authority); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.passed == nil {
		l.passed = make(map[[sha256.Size]byte]bool)
	}
	if len(l.passed) < maxShapes {
		l.passed[shape] = true
	}
	return nil
}

func (l *linter) known(shape [sha256.Size]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.passed[shape]
}

// lintContents signs the contents with a throw-away key of the issuer's kind,
// since lints read finished certificates, and runs the lints on the result.
func lintContents(tbs *x509.Certificate, pub crypto.PublicKey, authority *Authority) error {
	registry, err := lints()
	if err != nil {
		return err
	}
	key, err := throwAwayKey(authority.Certificate().PublicKey)
	if err != nil {
		return err
	}
	issuer := *authority.Certificate()
	issuer.PublicKey = key.Public()
	der, err := x509.CreateCertificate(rand.Reader, tbs, &issuer, pub, key)
	if err != nil {
		return err
	}
	crt, err := zcrypto.ParseCertificate(der)
	if err != nil {
		return ca.Errorf(ca.ErrForbidden, "the certificate would be malformed: %w", err)
	}
	results := zlint.LintCertificateEx(crt, registry)
	if !results.ErrorsPresent && !results.FatalsPresent {
		return nil
	}
	return ca.Errorf(ca.ErrForbidden, "the certificate would break %s", strings.Join(failures(results, registry), "; "))
}

// failures words the lints that found an error, in a stable order.
func failures(results *zlint.ResultSet, registry lint.Registry) []string {
	var texts []string
	for name, result := range results.Results {
		if result.Status < lint.Error {
			continue
		}
		text := name
		if l := registry.CertificateLints().ByName(name); l != nil {
			text = fmt.Sprintf("%s (%s, lint %s)", l.Citation, strings.TrimSuffix(l.Description, "."), name)
		}
		if result.Details != "" {
			text += ": " + result.Details
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// lints is built at first use: it is not needed to start.
var lints = sync.OnceValues(func() (lint.Registry, error) {
	return lint.GlobalRegistry().Filter(lint.FilterOptions{
		IncludeSources: lint.SourceList{lint.RFC5280, lint.RFC5480},
		ExcludeNames:   tolerated,
	})
})

func throwAwayKey(like crypto.PublicKey) (crypto.Signer, error) {
	switch key := like.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.GenerateKey(key.Curve, rand.Reader)
	case *rsa.PublicKey:
		return lintRSAKey()
	case ed25519.PublicKey:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// lintRSAKey is made once: generating an RSA key takes long, and its signatures
// never leave this file.
var lintRSAKey = sync.OnceValues(func() (*rsa.PrivateKey, error) {
	return rsa.GenerateKey(rand.Reader, 2048)
})
