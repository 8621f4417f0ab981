package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// build compiles the server under measurement.
func (b *bench) build(ctx context.Context) error {
	progress("building step-ca")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.binary, "stepca/cmd/step-ca")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	return b.forget(ctx)
}

// forget makes the kernel drop the pages of the program that the linker has just
// written, so that the server starts from the disk as an installed one does: of a
// file that was written the kernel maps larger pieces, and 7 MiB that nobody uses
// would count as memory of the server.
func (b *bench) forget(ctx context.Context) error {
	file, err := os.Open(b.binary)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Sync(); err != nil {
		return err
	}
	// Without the dd of GNU the memory comes out a little higher.
	exec.CommandContext(ctx, "dd", "if="+b.binary, "iflag=nocache", "count=0").Run()
	return nil
}

// oneProcessor returns the command, held to the first processor we may use where
// there is taskset, and with one thread of Go code at a time in any case.
func oneProcessor(ctx context.Context, name string, args ...string) *exec.Cmd {
	if taskset, err := exec.LookPath("taskset"); err == nil {
		args = append([]string{"-c", "0", name}, args...)
		name = taskset
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	return cmd
}

// A process is a running step-ca.
type process struct {
	*authority
	cmd   *exec.Cmd
	ready time.Duration // from the start to the first answer
	prof  string        // address of its profiles
}

// start runs the server and waits until it answers.
func (b *bench) start(ctx context.Context, a *authority, args ...string) (*process, error) {
	p := &process{authority: a, cmd: oneProcessor(ctx, b.binary, append([]string{a.path("ca.json"), "--quiet"}, args...)...)}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	p.cmd.Stderr = null // an *os.File, so that writing the log costs the server what it costs
	p.cmd.Env = append(p.cmd.Env, "STEPPATH="+a.dir)
	if b.profile != "" {
		if p.prof, err = freeAddress(); err != nil {
			return nil, err
		}
		p.cmd.Env = append(p.cmd.Env, "STEP_PROF_ADDR="+p.prof)
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.wait(); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	p.ready = time.Since(began)
	return p, nil
}

// startTimeout is far more than any start should take.
const startTimeout = time.Minute

func (p *process) wait() error {
	client := p.client(nil, false)
	defer client.CloseIdleConnections()
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(time.Millisecond) {
		resp, err := client.Get(p.url("/health"))
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return fmt.Errorf("the server did not answer within %v: try it with step-ca %s", startTimeout, p.path("ca.json"))
}

// stop ends the server and waits for it.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return p.cmd.Wait()
}

// clockTick is the unit of times in /proc/PID/stat, the same on all platforms
// that Go runs on (sysconf(_SC_CLK_TCK)).
const clockTick = 10 * time.Millisecond

// cpuTime returns the processor time a process has used, in user and kernel mode.
// The kernel's account by thread is finer than that in stat, where there is one.
func cpuTime(pid string) (time.Duration, error) {
	threads, err := filepath.Glob("/proc/" + pid + "/task/*/schedstat")
	if err != nil || len(threads) == 0 {
		return cpuTicks(pid)
	}
	var total time.Duration
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		ran, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		total += time.Duration(n)
	}
	return total, nil
}

// cpuTicks reads utime and stime, fields 14 and 15 of proc_pid_stat(5).
func cpuTicks(pid string) (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // after the name, which may have spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%s/stat: too few fields", pid)
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/%s/stat: %w", pid, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// memory returns the resident memory of the server in bytes: what it has now, and
// the most it had.
func (p *process) memory() (now, peak int64, err error) {
	text, err := os.ReadFile("/proc/" + p.pid() + "/status")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			now = kib << 10
		case "VmHWM":
			peak = kib << 10
		}
	}
	return now, peak, nil
}

func (p *process) pid() string { return strconv.Itoa(p.cmd.Process.Pid) }
