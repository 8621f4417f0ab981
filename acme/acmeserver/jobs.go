package acmeserver

import (
	"context"
	"sync"
)

// jobs are the validations and finalizations under way in this process, by the ID
// of their challenge or order: at most one each.
type jobs struct {
	ctx    context.Context // of all jobs; ended by close
	cancel context.CancelFunc

	mu      sync.Mutex // guards the rest
	running map[string]*job
	closed  bool
	group   sync.WaitGroup
}

// A job is work that goes on after the request that began it.
type job struct {
	done chan struct{} // closed at its end
	wake chan struct{} // holds one token: someone asks to go on at once
}

func newJobs() *jobs {
	j := &jobs{running: make(map[string]*job)}
	j.ctx, j.cancel = context.WithCancel(context.Background())
	return j
}

// start begins a job unless it is under way already; that one is then woken. It
// returns nil if there are too many, or if the server stops.
func (j *jobs) start(id string, f func(ctx context.Context, wake <-chan struct{})) *job {
	j.mu.Lock()
	defer j.mu.Unlock()
	if w := j.running[id]; w != nil {
		select {
		case w.wake <- struct{}{}:
		default:
		}
		return w
	}
	if j.closed || len(j.running) >= maxValidations {
		return nil
	}
	w := &job{done: make(chan struct{}), wake: make(chan struct{}, 1)}
	j.running[id] = w
	j.group.Go(func() {
		defer func() {
			j.mu.Lock()
			delete(j.running, id)
			j.mu.Unlock()
			close(w.done)
		}()
		f(j.ctx, w.wake)
	})
	return w
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
