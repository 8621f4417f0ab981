package va

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"stepca/acme"
)

const (
	// androidStatusURL lists the attestation keys that Google has revoked.
	androidStatusURL = "https://android.googleapis.com/attestation/status"

	androidStatusAge  = 24 * time.Hour // how long a list is used
	maxAndroidStatus  = 16 << 20       // bytes
	statusListTimeout = 10 * time.Second
)

// An AndroidStatusFunc returns Google's list of revoked attestation keys, JSON:
// {"entries": {serial number: {"status": …}}}. Serial numbers are in lower-case
// hexadecimal; the oldest entries, though, are in decimal.
type AndroidStatusFunc func(ctx context.Context) ([]byte, error)

// androidStatus keeps the list for a day.
type androidStatus struct {
	fetch AndroidStatusFunc

	mu      sync.Mutex // guards what follows; held while the list is fetched, so that one request does it
	until   time.Time
	entries map[string]string // serial number to status
}

// notRevoked refuses chains with a certificate on the list. It fails closed. With
// roots of the operator's own the list says nothing, and is not asked for unless
// one was configured.
func (v *Validator) notRevoked(ctx context.Context, req *acme.Validation, chain []*x509.Certificate) *acme.Problem {
	if req.AttestationRoots != nil && v.cfg.AndroidStatus == nil {
		return nil
	}
	entries, err := v.android.get(ctx, v.cfg.Now())
	if err != nil {
		return retryable(acme.ProblemServerInternal, err, "the list of revoked Android attestation keys cannot be had")
	}
	for _, crt := range chain {
		for _, base := range []int{16, 10} {
			switch entries[crt.SerialNumber.Text(base)] {
			case "REVOKED", "SUSPENDED":
				return bad("x5c element contains a revoked certificate")
			}
		}
	}
	return nil
}

func (s *androidStatus) get(ctx context.Context, now time.Time) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries != nil && now.Before(s.until) {
		return s.entries, nil
	}
	data, err := s.fetch(ctx)
	if err != nil {
		return nil, err
	}
	entries, err := parseAndroidStatus(data)
	if err != nil {
		return nil, err
	}
	s.entries, s.until = entries, now.Add(androidStatusAge)
	return entries, nil
}

// parseAndroidStatus returns the statuses in a list, by serial number.
func parseAndroidStatus(data []byte) (map[string]string, error) {
	var list struct {
		Entries map[string]struct {
			Status string `json:"status"`
		} `json:"entries"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("parsing the list of revoked Android keys: %w", err)
	}
	if list.Entries == nil {
		return nil, errors.New("parsing the list of revoked Android keys: it has no entries")
	}
	entries := make(map[string]string, len(list.Entries))
	for serial, entry := range list.Entries {
		entries[serial] = entry.Status
	}
	return entries, nil
}

// AndroidStatusFile is the AndroidStatusFunc for a copy of Google's list in a file,
// where the internet cannot be reached. A copy that is replaced is seen within a day.
// It fails if there is no list in the file now.
func AndroidStatusFile(name string) (AndroidStatusFunc, error) {
	read := func(context.Context) ([]byte, error) {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readStatus(f, name)
	}
	data, err := read(context.Background())
	if err != nil {
		return nil, err
	}
	if _, err := parseAndroidStatus(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return read, nil
}

// readStatus reads a list, from where its name says.
func readStatus(r io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxAndroidStatus+1))
	if err == nil && len(data) > maxAndroidStatus {
		err = fmt.Errorf("%s has more than %d bytes", name, maxAndroidStatus)
	}
	return data, err
}

// downloadAndroidStatus is the AndroidStatusFunc for Google's own list.
func (v *Validator) downloadAndroidStatus(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, statusListTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, androidStatusURL, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", UserAgent)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", androidStatusURL, resp.Status)
	}
	return readStatus(resp.Body, androidStatusURL)
}
