package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"

	"github.com/cert-manager/cert-manager/third_party/forked/acme"
)

func withCertManager(ctx context.Context, w world) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	client := &acme.Client{Key: key, DirectoryURL: w.directory}
	if _, err := client.Register(ctx, &acme.Account{Contact: []string{"mailto:ops@example.com"}}, acme.AcceptTOS); err != nil {
		return err
	}
	profile := acme.WithOrderProfile(w.profile)
	first, err := order(ctx, client, w, "first.crt", profile)
	if err != nil {
		return err
	}
	info, err := client.GetRenewalInfo(ctx, first)
	if err != nil {
		return err
	}
	if err := window(info.SuggestedWindow.Start, info.SuggestedWindow.End); err != nil {
		return err
	}
	replaces, err := acme.WithOrderReplacesCertificate(first)
	if err != nil {
		return err
	}
	if _, err := order(ctx, client, w, "second.crt", profile, replaces); err != nil {
		return err
	}
	return client.RevokeCert(ctx, nil, first.Raw, acme.CRLReasonSuperseded)
}

// order gets a certificate, writes its chain to a file, and returns it.
func order(ctx context.Context, client *acme.Client, w world, file string, options ...acme.OrderOption) (*x509.Certificate, error) {
	order, err := client.AuthorizeOrder(ctx, acme.DomainIDs(name), options...)
	if err != nil {
		return nil, err
	}
	for _, url := range order.AuthzURLs {
		if err := prove(ctx, client, w, url); err != nil {
			return nil, err
		}
	}
	if order, err = client.WaitOrder(ctx, order.URI); err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, key)
	if err != nil {
		return nil, err
	}
	chain, _, err := client.CreateOrderCert(ctx, order.FinalizeURL, csr, true)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	for _, der := range chain {
		pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	if err := write(file, text.Bytes()); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(chain[0])
}

// prove fulfils an authorization with http-01.
func prove(ctx context.Context, client *acme.Client, w world, url string) error {
	authz, err := client.GetAuthorization(ctx, url)
	if err != nil {
		return err
	}
	for _, challenge := range authz.Challenges {
		if challenge.Type != "http-01" {
			continue
		}
		text, err := client.HTTP01ChallengeResponse(challenge.Token)
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", w.http)
		if err != nil {
			return err
		}
		server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == client.HTTP01ChallengePath(challenge.Token) {
				fmt.Fprint(rw, text)
			}
		})}
		defer server.Close()
		go server.Serve(l)
		if _, err := client.Accept(ctx, challenge); err != nil {
			return err
		}
	}
	_, err = client.WaitAuthorization(ctx, url)
	return err
}
