//go:build unix

package e2e

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stepca/internal/catest"
	"stepca/internal/cleanenv"
	"stepca/internal/freeport"
)

// patience is how long anything may take that should take no time.
const patience = 90 * time.Second

// A process is a step-ca that a test started.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	out    transcript    // of stdout and stderr
	exited chan struct{} // closed when it ended
}

// launch starts step-ca with a configuration file and does not wait for it to serve.
func launch(t testing.TB, config string, args ...string) *process {
	t.Helper()
	return launchWith(t, exec.Command(caProgram, append([]string{config}, args...)...))
}

// launchWith is launch for a prepared command. The process ends with the test.
func launchWith(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	if cmd.Env == nil {
		cmd.Env = environment(t.TempDir())
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		cmd.Wait() // the status is in cmd.ProcessState
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("step-ca said:\n%s", p.out.tail(6000))
		}
	})
	return p
}

// environment is that of the tests, with a step path of its own and nothing of
// the user's settings.
func environment(stepPath string) []string {
	return append(cleanenv.Environ(), "STEPPATH="+stepPath, "HOME="+stepPath)
}

// serve gives a CA an address and starts step-ca with its files, until it serves.
func serve(t testing.TB, ca *catest.CA, args ...string) *process {
	t.Helper()
	if ca.URL == "" {
		address := freeport.Address(t)
		edit(t, ca, func(cfg map[string]any) { cfg["address"] = address })
		ca.URL = "https://" + address
	}
	p := launch(t, ca.ConfigFile, args...)
	p.expect("Serving HTTPS on ")
	return p
}

// edit changes ca.json.
func edit(t testing.TB, ca *catest.CA, change func(cfg map[string]any)) {
	t.Helper()
	cfg := ca.ReadConfig()
	change(cfg)
	ca.WriteConfig(cfg)
}

// expect waits until the process has said something.
func (p *process) expect(text string) {
	p.t.Helper()
	p.expectTimes(text, 1)
}

// expectTimes waits until the process has said something so many times.
func (p *process) expectTimes(text string, times int) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for strings.Count(p.out.String(), text) < times {
		ended := false
		select {
		case <-p.exited:
			ended = true
		case <-time.After(3 * time.Millisecond):
		}
		if strings.Count(p.out.String(), text) >= times {
			return
		}
		if ended {
			p.t.Fatalf("step-ca ended (%v) without saying %q", p.cmd.ProcessState, text)
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("step-ca does not say %q", text)
		}
	}
}

// kill ends the process as a power cut would, as far as the process can tell.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.exited
}

// stop asks the process to end and returns its exit code.
func (p *process) stop() int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.wait()
}

// wait returns the exit code of a process that ends by itself.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatal("step-ca does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// reload sends SIGHUP and waits for the outcome: "reloaded" or "Reload failed".
func (p *process) reload(outcome string) {
	p.t.Helper()
	times := strings.Count(p.out.String(), outcome)
	p.signal(syscall.SIGHUP)
	p.expectTimes(outcome, times+1)
}

// A transcript keeps what a process says.
type transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (tr *transcript) Write(p []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.buf.Write(p)
}

// String returns all that was said until now.
func (tr *transcript) String() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.buf.String()
}

func (tr *transcript) tail(n int) string {
	s := tr.String()
	return s[max(0, len(s)-n):]
}

// run runs a command and returns what it wrote and its exit code.
func run(t testing.TB, cmd *exec.Cmd) (stdout, stderr string, code int) {
	t.Helper()
	if cmd.Env == nil {
		cmd.Env = cleanenv.Environ()
	}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), errOut.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), errOut.String(), 0
}

// must runs a command that has to succeed and returns its standard output.
func must(t testing.TB, name string, args ...string) string {
	t.Helper()
	stdout, stderr, code := run(t, exec.Command(name, args...))
	if code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s%s", name, strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}
