package certificate

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"fmt"

	"stepca/ca"
	"stepca/cli"
	"stepca/keyfile"
	"stepca/template"
)

// createTemplates are what --template, --profile and --csr choose.
type createTemplates struct {
	certificate *template.X509
	request     *template.CSR
	user        json.RawMessage
}

// loadTemplate parses the template before a key is made or a password is asked.
func (f *createFlags) loadTemplate(env *cli.Env) (*createTemplates, error) {
	var t createTemplates
	var text string
	if f.template != "" {
		b, err := env.ReadFile(f.template)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	var err error
	if t.user, err = f.user.JSON(env); err != nil {
		return nil, err
	}
	switch {
	case f.csr && text == "":
		t.request = &template.CSR{}
	case f.csr:
		t.request, err = template.ParseCSR(text)
	case text != "":
		t.certificate, err = template.ParseX509(text)
	default:
		t.certificate, err = template.DefaultX509(builtIn(f.profile))
	}
	return &t, err
}

// builtIn is the built-in template of a profile.
func builtIn(profile string) string {
	switch profile {
	case profileIntermediate:
		return template.Intermediate
	case profileRoot:
		return template.Root
	}
	return ca.TemplateLeaf
}

// names are the subject alternative names: --san, else the subject, which CA
// certificates have not.
func (f *createFlags) names() []ca.Identifier {
	if len(f.sans) > 0 {
		return ca.ParseSANs(f.sans)
	}
	if f.template == "" && (f.profile == profileRoot || f.profile == profileIntermediate) {
		return nil
	}
	return ca.ParseSANs([]string{f.subject})
}

func (f *createFlags) data(t *createTemplates) *template.X509Data {
	return &template.X509Data{
		Subject: template.Name{CommonName: f.subject},
		SANs:    template.NewSANs(f.names()),
		User:    t.user,
	}
}

func (f *createFlags) createRequest(env *cli.Env, t *createTemplates, key crypto.Signer) error {
	rendered, err := t.request.Render(f.data(t))
	if err != nil {
		return err
	}
	csr, err := signRequest(rendered, key)
	if err != nil {
		return err
	}
	if err := f.mayWrite(env); err != nil {
		return err
	}
	saved, err := f.saveKey(env, key)
	if err != nil {
		return err
	}
	if err := env.WriteFile(f.certFile, keyfile.EncodeCertificateRequest(csr), 0o600, true); err != nil {
		return err
	}
	env.Noticef("Your certificate signing request has been saved in %s.", f.certFile)
	if saved {
		env.Noticef("Your private key has been saved in %s.", f.keyFile)
	}
	return nil
}

func signRequest(rendered *template.CertificateRequest, key crypto.Signer) (*x509.CertificateRequest, error) {
	tbs, err := rendered.X509()
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, tbs, key)
	if err != nil {
		return nil, fmt.Errorf("error creating certificate request: %w", err)
	}
	return x509.ParseCertificateRequest(der)
}

func (f *createFlags) createCertificate(ctx context.Context, env *cli.Env, t *createTemplates, key crypto.Signer, pub crypto.PublicKey) error {
	signer, err := f.issuer(ctx, env, key)
	if err != nil {
		return err
	}
	tbs, err := f.contents(env, t, key, pub)
	if err != nil {
		return err
	}
	lifetime := leafLifetime
	if f.template == "" && (f.profile == profileRoot || f.profile == profileIntermediate) {
		lifetime = caLifetime
	}
	if !tbs.NotAfter.IsZero() && tbs.NotAfter.Before(env.Now()) {
		return fmt.Errorf("%w: certificate is already expired", cli.InvalidValue("not-after", f.validity.NotAfter))
	}
	cert, err := signer.sign(env, tbs, pub, lifetime)
	if err != nil {
		return err
	}
	certs := []*x509.Certificate{cert}
	if f.bundle {
		certs = append(certs, signer.chain...)
	}
	if err := f.mayWrite(env); err != nil {
		return err
	}
	saved, err := f.saveKey(env, key)
	if err != nil {
		return err
	}
	if err := env.WriteFile(f.certFile, keyfile.EncodeCertificates(certs...), 0o600, true); err != nil {
		return err
	}
	env.Noticef("Your certificate has been saved in %s.", f.certFile)
	if saved {
		env.Noticef("Your private key has been saved in %s.", f.keyFile)
	}
	return nil
}

// issuer is that of --ca and --ca-key, else the key itself.
func (f *createFlags) issuer(ctx context.Context, env *cli.Env, key crypto.Signer) (*issuer, error) {
	if f.ca != "" {
		chain, err := keyfile.LoadCertificate(f.ca)
		if err != nil {
			return nil, err
		}
		return loadIssuer(ctx, env, []*x509.Certificate{chain}, f.caKMS, f.caKey,
			env.Password(f.caPasswordFile, "ca-password-file"))
	}
	if key == nil {
		return nil, fmt.Errorf("a public key cannot sign its own certificate: %w", cli.RequiredWithFlag("key", "ca"))
	}
	return &issuer{key: key}, nil
}

// contents renders the template for the key.
func (f *createFlags) contents(env *cli.Env, t *createTemplates, key crypto.Signer, pub crypto.PublicKey) (*x509.Certificate, error) {
	data := f.data(t)
	data.CR = &template.CertificateRequest{Subject: data.Subject, SANs: data.SANs, PublicKey: pub}
	if key != nil && !f.skipCSRSignature {
		// A template that copies the request sees one as a CA would.
		csr, err := signRequest(&template.CertificateRequest{Subject: data.Subject, SANs: data.SANs}, key)
		if err != nil {
			return nil, err
		}
		data.CR = template.NewCertificateRequest(csr)
	}
	rendered, err := t.certificate.Render(data)
	if err != nil {
		return nil, err
	}
	tbs, err := rendered.X509()
	if err != nil {
		return nil, err
	}
	return tbs, f.validity.Apply(env, tbs)
}
