package kvtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"stepca/kv"
)

// crashDir tells the test binary, started by Crash, to be the process that dies.
const crashDir = "KVTEST_CRASH_DIR"

// crashRounds is how often the process is killed, each time on what the one
// before left.
const crashRounds = 3

// Crash starts the test binary again as a process that writes without pause,
// kills it in the middle, and checks that all it acknowledged is in the store,
// and everything whole. It must be the only thing that the calling test does.
func Crash(t *testing.T, open Open) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeUntilKilled(t, open(t, dir))
	}
	t.Parallel()
	dir := t.TempDir()
	var acknowledged []string
	for round := range crashRounds {
		acknowledged = append(acknowledged, killWriter(t, dir, round)...)
		e := open(t, dir)
		checkAcknowledged(t, e, acknowledged)
		closeEngine(t, e)
	}
	if len(acknowledged) == 0 {
		t.Error("the writer acknowledged nothing before it was killed")
	}
}

// crashParts is the number of keys that each transaction writes.
const crashParts = 5

// writeUntilKilled never returns.
func writeUntilKilled(t *testing.T, e kv.Engine) {
	var mu sync.Mutex // one line at a time
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				err := e.Update(context.Background(), func(tx kv.Tx) error {
					for part := range crashParts {
						if err := tx.Insert("b", fmt.Appendf(nil, "%s/%d", id, part), []byte(strings.Repeat(id, 20))); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Errorf("Update before the crash = %v", err)
					return
				}
				mu.Lock()
				fmt.Println("ACK", id)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	os.Exit(1)
}

// killWriter runs a writer for some 100 ms and returns what it acknowledged.
func killWriter(t *testing.T, dir string, round int) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(t.Name(), "/")
	cmd := exec.Command(self, "-test.run=^"+name+"$", "-test.v=false")
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	lines := bufio.NewScanner(out)
	var timer *time.Timer
	for lines.Scan() {
		id, ok := strings.CutPrefix(lines.Text(), "ACK ")
		if !ok {
			t.Errorf("the writer says %q", lines.Text())
			continue
		}
		if timer == nil { // it is at work
			timer = time.AfterFunc(time.Duration(80+37*round)*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		acknowledged = append(acknowledged, id)
	}
	if err := cmd.Wait(); err == nil || timer == nil {
		t.Errorf("the writer ended by itself: %v", err)
	}
	if n := len(acknowledged); n > 0 {
		acknowledged = acknowledged[:n-1] // the last line may be cut off
	}
	return acknowledged
}

func checkAcknowledged(t *testing.T, e kv.Engine, acknowledged []string) {
	t.Helper()
	parts := map[string]int{}
	view(t, e, func(r kv.Reader) error {
		for en, err := range r.Scan("b", kv.Range{}) {
			if err != nil {
				return err
			}
			id, _, ok := strings.Cut(string(en.Key), "/")
			if !ok || string(en.Value) != strings.Repeat(id, 20) {
				return errors.New("a damaged entry: " + string(en.Key))
			}
			parts[id]++
		}
		return nil
	})
	for id, n := range parts {
		if n != crashParts {
			t.Errorf("transaction %s left %d of its %d keys", id, n, crashParts)
		}
	}
	lost := 0
	for _, id := range acknowledged {
		if parts[id] == 0 {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged transactions are lost", lost, len(acknowledged))
	}
	t.Logf("%d acknowledged, %d stored", len(acknowledged), len(parts))
}
