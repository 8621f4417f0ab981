package main

import (
	"context"
	"crypto"
	"net"
	"strconv"

	"github.com/go-acme/lego/v4/certcrypto"
	"github.com/go-acme/lego/v4/certificate"
	"github.com/go-acme/lego/v4/challenge/http01"
	"github.com/go-acme/lego/v4/lego"
	"github.com/go-acme/lego/v4/registration"
)

// A user has an account.
type user struct {
	key     crypto.PrivateKey
	account *registration.Resource // nil before there is one
}

func (*user) GetEmail() string                          { return "ops@example.com" }
func (u *user) GetRegistration() *registration.Resource { return u.account }
func (u *user) GetPrivateKey() crypto.PrivateKey        { return u.key }

func withLego(_ context.Context, w world) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	u := &user{key: key}
	config := lego.NewConfig(u)
	config.CADirURL, config.Certificate.KeyType = w.directory, certcrypto.EC256
	client, err := lego.NewClient(config)
	if err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(w.http)
	if err := client.Challenge.SetHTTP01Provider(http01.NewProviderServer(host, strconv.Itoa(w.port()))); err != nil {
		return err
	}
	if u.account, err = client.Registration.Register(registration.RegisterOptions{TermsOfServiceAgreed: true}); err != nil {
		return err
	}

	request := certificate.ObtainRequest{Domains: []string{name, host}, Bundle: true, Profile: w.profile}
	first, err := client.Certificate.Obtain(request)
	if err != nil {
		return err
	}
	chain, err := certcrypto.ParsePEMBundle(first.Certificate)
	if err != nil {
		return err
	}
	info, err := client.Certificate.GetRenewalInfo(certificate.RenewalInfoRequest{Cert: chain[0]})
	if err != nil {
		return err
	}
	if err := window(info.SuggestedWindow.Start, info.SuggestedWindow.End); err != nil {
		return err
	}
	if request.ReplacesCertID, err = certificate.MakeARICertID(chain[0]); err != nil {
		return err
	}
	second, err := client.Certificate.Obtain(request)
	if err != nil {
		return err
	}
	superseded := uint(4) // RFC 5280 §5.3.1
	if err := client.Certificate.RevokeWithReason(first.Certificate, &superseded); err != nil {
		return err
	}
	if err := write("first.crt", first.Certificate); err != nil {
		return err
	}
	return write("second.crt", second.Certificate)
}
