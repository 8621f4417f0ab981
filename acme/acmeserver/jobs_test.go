package acmeserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A job of one owner waits for the end of the test.
func occupy(j *jobs, id, owner string) *job {
	w, _ := j.start(id, owner, func(ctx context.Context, _ <-chan struct{}) { <-ctx.Done() })
	return w
}

// One account cannot take the places of others, nor all accounts those of
// finalizations.
func TestJobsAreShared(t *testing.T) {
	t.Parallel()
	j := newJobs()
	defer j.close()
	fill := func(owner string) (n int) {
		for occupy(j, fmt.Sprint(owner, n), owner) != nil {
			n++
		}
		return n
	}
	for _, owner := range []string{"a", "b", "c", "d"} {
		if n := fill(owner); n != maxValidationsOfAccount {
			t.Errorf("account %s got %d places, want %d", owner, n, maxValidationsOfAccount)
		}
	}
	if n := fill("e"); n != maxValidations-4*maxValidationsOfAccount {
		t.Errorf("a fifth account got %d places", n)
	}
	if n := fill(finalizing); n != maxFinalizations {
		t.Errorf("%d finalizations at once, want %d", n, maxFinalizations)
	}
	if occupy(j, "a0", "a") == nil {
		t.Error("a validation under way is not found when all places are taken")
	}
}

func TestPlaceIsGivenBack(t *testing.T) {
	t.Parallel()
	j := newJobs()
	defer j.close()
	for range 3 * maxValidationsOfAccount {
		w, _ := j.start("one", "a", func(context.Context, <-chan struct{}) {})
		if w == nil {
			t.Fatal("no place, though all jobs ended")
		}
		<-w.done
	}
	if len(j.owners) != 0 || len(j.running) != 0 {
		t.Errorf("%d owners and %d jobs are remembered", len(j.owners), len(j.running))
	}
}

func TestPanicBecomesAnError(t *testing.T) {
	t.Parallel()
	err := func() (err error) {
		defer recovered(&err)
		panic("surprise")
	}()
	if err == nil || !strings.Contains(err.Error(), "panic: surprise") || !strings.Contains(err.Error(), "jobs_test.go") {
		t.Errorf("err = %v, want what happened and where", err)
	}
	want := errors.New("x")
	err = func() (err error) {
		defer recovered(&err)
		return want
	}()
	if err != want {
		t.Errorf("err = %v, want %v", err, want)
	}
}
