package store

import (
	"context"
	"crypto/rand"
	"time"

	"stepca/ca"
	"stepca/kv"
)

// A Refusal records that something was asked for and not given. It holds no
// secrets: no token, and a name only as long as MaxRefusalText.
type Refusal struct {
	Time        time.Time         `json:"time"` // zero in RecordRefusal means now
	Operation   ca.Operation      `json:"operation,omitempty"`
	Provisioner ca.ProvisionerRef `json:"provisioner,omitzero"` // zero if none was found
	RequestID   string            `json:"requestId,omitempty"`
	RemoteAddr  string            `json:"remoteAddr,omitempty"`
	Subject     string            `json:"subject,omitempty"` // who, or for whom
	Names       []ca.Identifier   `json:"names,omitempty"`
	Step        string            `json:"step,omitempty"` // of the pipeline: authorize, render, check
	Reason      string            `json:"reason"`         // which rule, in words
}

// Bounds of what refusals may cost. Refused requests need no permission, so they
// are counted before they are kept.
const (
	refusalQueue   = 256   // waiting to be written
	refusalsHourly = 1_000 // written by one server; the rest is counted only
	refusalBatch   = 64    // written in one transaction

	MaxRefusalText  = 300 // octets of Subject, Reason and each name
	MaxRefusalNames = 10
)

// RecordRefusal hands a refusal to the background writer (Run) and returns at
// once. Under overload it is dropped and counted, see RefusalsMissed.
func (s *Store) RecordRefusal(r *Refusal) {
	if s.tokensOnly {
		return
	}
	rec := *r
	if rec.Time.IsZero() {
		rec.Time = s.now()
	}
	rec.Time = rec.Time.UTC()
	rec.shorten()
	select {
	case s.refusals <- &rec:
	default:
		s.refusalsMissed.Add(1)
	}
}

// RefusalsMissed returns how many refusals were dropped since New.
func (s *Store) RefusalsMissed() int64 { return s.refusalsMissed.Load() }

func (r *Refusal) shorten() {
	for _, text := range []*string{&r.Subject, &r.Reason, &r.RequestID, &r.RemoteAddr} {
		*text = (*text)[:min(len(*text), MaxRefusalText)]
	}
	names := make([]ca.Identifier, min(len(r.Names), MaxRefusalNames))
	for i := range names {
		names[i] = r.Names[i]
		names[i].Value = names[i].Value[:min(len(names[i].Value), MaxRefusalText)]
	}
	r.Names = names
}

// Refusals returns a page of refusals, newest first.
func (s *Store) Refusals(ctx context.Context, p Page) (page []*Refusal, next string, err error) {
	if s.tokensOnly {
		return nil, "", errNoDatabase()
	}
	err = s.engine.View(ctx, func(r kv.Reader) error {
		page, next, err = list(r, bucketRefusals, newestFirst(nil), p, func(e kv.Entry) (*Refusal, error) {
			return decode[Refusal](bucketRefusals, e.Key, e.Value)
		})
		return err
	})
	return page, next, err
}

// writeRefusals writes what RecordRefusal hands over until ctx ends, and then
// what is left.
func (s *Store) writeRefusals(ctx context.Context) {
	var hour time.Time
	written := 0
	for {
		batch := s.nextRefusals(ctx)
		if len(batch) == 0 {
			return
		}
		if h := s.now().Truncate(time.Hour); !h.Equal(hour) {
			hour, written = h, 0
		}
		if room := refusalsHourly - written; len(batch) > room {
			s.refusalsMissed.Add(int64(len(batch) - room))
			batch = batch[:room]
		}
		written += len(batch)
		if err := s.insertRefusals(context.WithoutCancel(ctx), batch); err != nil {
			s.refusalsMissed.Add(int64(len(batch)))
			s.log.Error("refusals were not recorded", "count", len(batch), "error", err)
		}
	}
}

// nextRefusals waits for a refusal and returns it with those behind it; nothing
// once ctx ended and the queue is empty.
func (s *Store) nextRefusals(ctx context.Context) []*Refusal {
	var batch []*Refusal
	select {
	case r := <-s.refusals:
		batch = append(batch, r)
	case <-ctx.Done():
	}
	for len(batch) < refusalBatch {
		select {
		case r := <-s.refusals:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

func (s *Store) insertRefusals(ctx context.Context, batch []*Refusal) error {
	if len(batch) == 0 {
		return nil
	}
	return s.engine.Update(ctx, func(tx kv.Tx) error {
		for _, r := range batch {
			key := appendTime(nil, r.Time)
			key = append(key, byte(r.Time.Nanosecond()/10_000_000)) // order within the second
			key = append(key, rand.Text()[:8]...)
			if err := put(tx, bucketRefusals, key, r); err != nil {
				return err
			}
		}
		return nil
	})
}
