package client_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"

	"stepca/api"
	"stepca/client"
)

// A web service that knows nothing but a one-time token gets a certificate,
// keeps it valid, and demands one of its clients.
func ExampleClient_Enroll() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	token := os.Getenv("TOKEN") // made by step ca token

	ca, err := client.Bootstrap(ctx, token, client.Config{})
	if err != nil {
		log.Fatal(err)
	}
	identity, err := ca.Enroll(ctx, token, client.IdentityConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer identity.Close()

	server := &http.Server{
		Addr:      ":8443",
		TLSConfig: identity.ServerTLS(nil),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "Hello, %s!\n", r.TLS.PeerCertificates[0].Subject.CommonName)
		}),
	}
	context.AfterFunc(ctx, func() { server.Shutdown(context.WithoutCancel(ctx)) })
	log.Print(server.ListenAndServeTLS("", ""))
}

// The other side: a client that presents its own certificate.
func ExampleIdentity_HTTPClient() {
	ctx := context.Background()
	token := os.Getenv("TOKEN")
	ca, err := client.Bootstrap(ctx, token, client.Config{})
	if err != nil {
		log.Fatal(err)
	}
	identity, err := ca.Enroll(ctx, token, client.IdentityConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer identity.Close()

	resp, err := identity.HTTPClient().Get("https://service.internal:8443/")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
}

// A deployment tool mints tokens for the machines that it sets up.
func ExampleClient_JWKProvisioner() {
	ctx := context.Background()
	ca, err := client.New(ctx, "ca.internal", client.Config{RootFile: "root_ca.crt"})
	if err != nil {
		log.Fatal(err)
	}
	signer, err := ca.JWKProvisioner(ctx, "admin", "", []byte(os.Getenv("PASSWORD")))
	if err != nil {
		log.Fatal(err)
	}
	token, err := signer.Token(client.TokenOptions{
		Route:   api.PathSign,
		Subject: "web1.internal",
		SANs:    []string{"web1.internal", "10.0.0.7"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token)
}
