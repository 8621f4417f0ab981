package acmeserver

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
)

// jobs are the validations and finalizations under way in this process, by the ID
// of their challenge or order: at most one each.
type jobs struct {
	ctx    context.Context // of all jobs; ended by close
	cancel context.CancelFunc

	mu      sync.Mutex // guards the rest
	running map[string]*job
	owners  map[string]int // how many of them, by owner
	closed  bool
	group   sync.WaitGroup
}

// A job is work that goes on after the request that began it.
type job struct {
	done chan struct{} // closed at its end
	wake chan struct{} // holds one token: someone asks to go on at once
}

func newJobs() *jobs {
	j := &jobs{running: make(map[string]*job), owners: make(map[string]int)}
	j.ctx, j.cancel = context.WithCancel(context.Background())
	return j
}

// finalizing is the owner of all finalizations: validations, which wait for
// strangers, do not take their places.
const finalizing = ""

// start begins a job unless it is under way already; that one is then woken. owner
// is the ID of the account whose validation it is, or finalizing. began is false for
// a job under way, which does not call f. The job is nil if there are too many, of
// this owner or of all, or if the server stops.
func (j *jobs) start(id, owner string, f func(ctx context.Context, wake <-chan struct{})) (_ *job, began bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if w := j.running[id]; w != nil {
		select {
		case w.wake <- struct{}{}:
		default:
		}
		return w, false
	}
	if j.closed || j.full(owner) {
		return nil, false
	}
	w := &job{done: make(chan struct{}), wake: make(chan struct{}, 1)}
	j.running[id] = w
	j.owners[owner]++
	j.group.Go(func() {
		defer func() {
			j.mu.Lock()
			delete(j.running, id)
			if j.owners[owner]--; j.owners[owner] == 0 {
				delete(j.owners, owner)
			}
			j.mu.Unlock()
			close(w.done)
		}()
		f(j.ctx, w.wake)
	})
	return w, true
}

// full reports whether there are too many jobs for another one of an owner.
func (j *jobs) full(owner string) bool {
	if owner == finalizing {
		return j.owners[owner] >= maxFinalizations
	}
	return j.owners[owner] >= maxValidationsOfAccount || len(j.running)-j.owners[finalizing] >= maxValidations
}

// has reports whether a job is under way.
func (j *jobs) has(id string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.running[id] != nil
}

// close ends all jobs and waits for them.
func (j *jobs) close() {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	j.cancel()
	j.group.Wait()
}

// recovered makes a panic the error of the deferring function. In a job it would
// end the server, which net/http prevents in a handler only.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
	}
}
