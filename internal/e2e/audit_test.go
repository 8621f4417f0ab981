//go:build unix

package e2e

import (
	"context"
	"iter"

	"stepca/ca"
	"stepca/store"
)

// certificates lists all of a store.
func certificates(s *store.Store) iter.Seq2[*store.Certificate, error] {
	return pages(func(ctx context.Context, p store.Page) ([]*store.Certificate, string, error) {
		return s.Certificates(ctx, store.Query{Page: p})
	})
}

// revocations lists all of a store.
func revocations(s *store.Store) iter.Seq2[*ca.Revocation, error] { return pages(s.Revocations) }

func pages[T any](list func(context.Context, store.Page) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var p store.Page
		for {
			page, next, err := list(context.Background(), p)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			p.Cursor = next
		}
	}
}
