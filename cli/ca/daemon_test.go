package ca

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"stepca/cli"
	"stepca/cli/ari"
)

// midnight is when the clock of each bubble starts.
var midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// A suggester answers as an ACME server that is asked when to renew.
type suggester struct {
	window func(asked int) (start, end time.Time, err error)
	asked  int // how often
}

func (s *suggester) RoundTrip(r *http.Request) (*http.Response, error) {
	body := `{"renewalInfo": "https://ca.example/info"}`
	if r.URL.Path != "/directory" {
		s.asked++
		start, end, err := s.window(s.asked)
		if err != nil {
			return nil, err
		}
		body = fmt.Sprintf(`{"suggestedWindow": {"start": %q, "end": %q}, "explanationURL": "https://ca.example/why"}`,
			start.Format(time.RFC3339), end.Format(time.RFC3339))
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK",
		Header: http.Header{"Retry-After": {"21600"}}, // six hours
		Body:   io.NopCloser(strings.NewReader(body)),
	}, nil
}

// aDay returns a certificate that is valid for a day from now on.
func aDay() *tls.Certificate {
	now := time.Now()
	return &tls.Certificate{Leaf: &x509.Certificate{
		Raw: []byte(now.String()), SerialNumber: big.NewInt(now.Unix()), AuthorityKeyId: []byte{1},
		Subject: pkix.Name{CommonName: "a.example"}, NotBefore: now, NotAfter: now.Add(24 * time.Hour),
	}}
}

// replacing is a replacer that writes no files.
type replacing func() *tls.Certificate

func (f replacing) replace(context.Context, *cli.Env, *source, *tls.Certificate) (*tls.Certificate, error) {
	return f(), nil
}
func (replacing) writes() []string  { return nil }
func (replacing) announce(*cli.Env) {}

// daemon runs a daemon for a certificate of a day until it has renewed so often, and
// returns when that was, counted from the beginning.
func daemon(t *testing.T, s *suggester, when schedule, times int) (renewals []time.Duration, stdout, stderr string) {
	t.Helper()
	// The first call in a process starts a goroutine for signals that never ends:
	// not in the bubble.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	synctest.Test(t, func(t *testing.T) {
		var out, errs bytes.Buffer
		env := &cli.Env{Stdout: &out, Stderr: &errs, Now: time.Now}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r := &renewal{done: "renewed", replacer: replacing(func() *tls.Certificate {
			renewals = append(renewals, time.Since(midnight))
			if len(renewals) == times {
				cancel()
			}
			return aDay()
		})}
		src := &source{}
		if s != nil {
			src.info = &ari.Client{Directory: "https://ca.example/directory", HTTP: &http.Client{Transport: s}}
		}
		if err := r.runDaemon(ctx, env, src, aDay(), when); err != nil {
			t.Error(err)
		}
		stdout, stderr = out.String(), errs.String()
	})
	return renewals, stdout, stderr
}

// noon is the window of an operator who is content: half an hour around noon.
func noon(int) (start, end time.Time, err error) {
	return midnight.Add(12*time.Hour - 15*time.Minute), midnight.Add(12*time.Hour + 15*time.Minute), nil
}

func TestDaemonRenewsInTheWindow(t *testing.T) {
	t.Parallel()
	s := &suggester{window: noon}
	got, stdout, stderr := daemon(t, s, schedule{}, 1)
	if len(got) != 1 || got[0] < 12*time.Hour-15*time.Minute || got[0] > 12*time.Hour+15*time.Minute {
		t.Errorf("renewed after %v, want 12h ± 15m", got)
	}
	if !strings.Contains(stdout, "first renewal in 1") || !strings.Contains(stdout, ": https://ca.example/why\n") || stderr != "" {
		t.Errorf("stdout:\n%sstderr:\n%s", stdout, stderr)
	}
	if s.asked < 2 {
		t.Errorf("asked %d times, want again after six hours", s.asked)
	}
}

// An operator who pulls the window forward is obeyed when the CA is asked next; one
// who calls even the successor due does not make us renew without end.
func TestDaemonRenewsWhenToldTo(t *testing.T) {
	t.Parallel()
	s := &suggester{window: func(asked int) (start, end time.Time, err error) {
		if asked == 1 {
			return noon(asked)
		}
		return midnight.Add(-2 * time.Hour), midnight.Add(-time.Hour), nil
	}}
	got, _, _ := daemon(t, s, schedule{}, 3)
	want := []time.Duration{6 * time.Hour, 12 * time.Hour, 18 * time.Hour}
	if !slices.Equal(got, want) {
		t.Errorf("renewed after %v, want %v", got, want)
	}
}

// A CA that does not answer leaves the old rule, and is asked again.
func TestDaemonRenewsWithoutAnswer(t *testing.T) {
	t.Parallel()
	s := &suggester{window: func(int) (start, end time.Time, err error) { return start, end, errors.New("no route") }}
	got, _, stderr := daemon(t, s, schedule{}, 1)
	if len(got) != 1 || got[0] < 16*time.Hour-24*time.Hour/20 || got[0] > 16*time.Hour {
		t.Errorf("renewed after %v, want two thirds of a day", got)
	}
	if s.asked < 10 || !strings.Contains(stderr, "ERROR: ") || !strings.Contains(stderr, "asking when to renew: ") {
		t.Errorf("asked %d times, stderr:\n%s", s.asked, stderr)
	}
}

// A suggestion that comes too late is none.
func TestDaemonDoesNotLetExpire(t *testing.T) {
	t.Parallel()
	s := &suggester{window: func(int) (start, end time.Time, err error) {
		return midnight.Add(25 * time.Hour), midnight.Add(26 * time.Hour), nil
	}}
	if got, _, _ := daemon(t, s, schedule{}, 1); len(got) != 1 || got[0] > 16*time.Hour {
		t.Errorf("renewed after %v, want two thirds of a day", got)
	}
}

func TestDaemonAsksNobodyWhenTold(t *testing.T) {
	t.Parallel()
	for _, when := range []schedule{{expiresIn: 4 * time.Hour}, {period: 19 * time.Hour}} {
		s := &suggester{window: noon}
		got, _, _ := daemon(t, s, when, 1)
		if s.asked != 0 || len(got) != 1 || got[0] < 18*time.Hour || got[0] > 20*time.Hour {
			t.Errorf("%+v: renewed after %v, asked %d times", when, got, s.asked)
		}
	}
}

func TestDaemonWithoutServer(t *testing.T) {
	t.Parallel()
	got, stdout, _ := daemon(t, nil, schedule{}, 2)
	if len(got) != 2 || got[1]-got[0] > 16*time.Hour || !strings.Contains(stdout, "a.example certificate renewed, next in ") {
		t.Errorf("renewed after %v, stdout:\n%s", got, stdout)
	}
}
