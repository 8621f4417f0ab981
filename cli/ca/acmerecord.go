package ca

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stepca/cli"
	"stepca/keyfile"
)

// An acmeRecord is what is kept of how a certificate was got by ACME, so that it
// can be renewed and revoked without saying all that again. It is a file in the
// user's acme directory that is named by the certificate, until that expires.
type acmeRecord struct {
	Directory string    `json:"directory"`
	Expires   time.Time `json:"expires"`
	Lifetime  string    `json:"lifetime,omitempty"` // a Go duration, if --not-after asked for one
	Roots     []string  `json:"roots,omitempty"`    // files of --root, now and before
	Profile   string    `json:"profile,omitempty"`  // draft-ietf-acme-profiles

	// How names were proved. One is set, or none for a web server of our own at
	// its usual address.
	Webroot    string   `json:"webroot,omitempty"`
	HTTPListen string   `json:"httpListen,omitempty"`
	TLSListen  string   `json:"tlsListen,omitempty"`
	DNSHook    []string `json:"dnsHook,omitempty"` // words
}

func acmeRecordDir(env *cli.Env) string { return filepath.Join(env.Path.Dir(), "acme", "certificates") }

func acmeRecordFile(env *cli.Env, crt *x509.Certificate) string {
	sum := sha256.Sum256(crt.Raw)
	return filepath.Join(acmeRecordDir(env), hex.EncodeToString(sum[:])+".json")
}

// recordOf returns the record of a certificate, nil if there is none.
func recordOf(env *cli.Env, crt *x509.Certificate) (*acmeRecord, error) {
	file := acmeRecordFile(env, crt)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, cli.FileError(err)
	}
	rec := new(acmeRecord)
	if err := json.Unmarshal(data, rec); err != nil {
		return nil, fmt.Errorf("%s does not say where the certificate came from; delete it, and use the '--acme' flag: %w", file, err)
	}
	return rec, nil
}

// haveRecords reports whether any certificate has one.
func haveRecords(env *cli.Env) bool {
	entries, err := os.ReadDir(acmeRecordDir(env))
	return err == nil && len(entries) > 0
}

// belongsTo reports whether the certificate came from an ACME server of the CA at
// that URL, "" for none: then the CA renews and revokes it without ACME.
func (rec *acmeRecord) belongsTo(caURL string) bool {
	directory, err1 := url.Parse(rec.Directory)
	ca, err2 := url.Parse(caURL)
	if err1 != nil || err2 != nil || !strings.HasPrefix(directory.Path, acmePath) {
		return false
	}
	return strings.EqualFold(directory.Hostname(), ca.Hostname()) && httpsPort(directory) == httpsPort(ca)
}

func httpsPort(u *url.URL) string { return cmp.Or(u.Port(), "443") }

// record describes how the flags get a certificate, with these files of roots.
func (f *acmeFlags) record(directory string, roots []string, lifetime time.Duration) (*acmeRecord, error) {
	rec := &acmeRecord{Directory: directory, Profile: f.profile}
	if lifetime > 0 {
		rec.Lifetime = lifetime.String()
	}
	var err error
	for _, root := range roots {
		if root == "" {
			continue
		}
		if root, err = filepath.Abs(root); err != nil {
			return nil, err
		}
		rec.Roots = unique(append(rec.Roots, root))
	}
	switch {
	case f.webroot != "":
		rec.Webroot, err = filepath.Abs(f.webroot)
	case f.tlsALPN:
		rec.TLSListen = f.tlsListen
	case len(f.hookWords) > 0:
		rec.DNSHook = append([]string(nil), f.hookWords...)
		if strings.ContainsRune(rec.DNSHook[0], filepath.Separator) {
			rec.DNSHook[0], err = filepath.Abs(rec.DNSHook[0])
		}
	default:
		rec.HTTPListen = f.httpListen
	}
	return rec, err
}

// adopt takes from a record the profile and how names are proved, unless the flags
// of the command say that.
func (f *acmeFlags) adopt(cmd *cobra.Command, rec *acmeRecord) {
	f.profile = cmp.Or(f.profile, rec.Profile)
	if f.standalone || f.webroot != "" || f.tlsALPN || f.dnsHook != "" {
		return
	}
	f.webroot, f.hookWords = rec.Webroot, rec.DNSHook
	if f.tlsALPN = rec.TLSListen != ""; f.tlsALPN && !cmd.Flags().Changed("tls-listen") {
		f.tlsListen = rec.TLSListen
	}
	if rec.HTTPListen != "" && !cmd.Flags().Changed("http-listen") {
		f.httpListen = rec.HTTPListen
	}
}

// notKept is the notice that there is no record of a certificate, and why.
const notKept = "How to renew the certificate is not kept; use the '--acme' flag then: %v"

// save writes the record of a certificate and removes those of certificates that
// have expired. The certificate is worth more than the record: what goes wrong is
// only told.
func (rec *acmeRecord) save(env *cli.Env, crt *x509.Certificate) {
	rec.Expires = crt.NotAfter
	data, err := json.MarshalIndent(rec, "", "  ")
	if err == nil {
		err = cli.FileError(keyfile.WriteFile(acmeRecordFile(env, crt), append(data, '\n'), keyfile.SecretPerm))
	}
	if err != nil {
		env.Noticef(notKept, err)
		return
	}
	entries, err := os.ReadDir(acmeRecordDir(env))
	if err != nil {
		return
	}
	for _, entry := range entries {
		removeExpired(env, filepath.Join(acmeRecordDir(env), entry.Name()))
	}
}

// recordKept is how long after the certificate its record is kept: an expired one
// can be replaced by a new order.
const recordKept = 30 * 24 * time.Hour

func removeExpired(env *cli.Env, file string) {
	var rec acmeRecord
	data, err := os.ReadFile(file)
	if err == nil && json.Unmarshal(data, &rec) == nil && env.Now().After(rec.Expires.Add(recordKept)) {
		os.Remove(file)
	}
}
