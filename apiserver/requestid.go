package apiserver

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"stepca/api"
)

// maxRequestID bounds a request ID that a client chose.
const maxRequestID = 128

// requestID returns the ID under which a request is logged: the client's if it
// is short printable ASCII, else a new UUID. legacy names the header that is
// read if the usual one is absent.
func requestID(h http.Header, legacy string) string {
	id := h.Get(api.HeaderRequestID)
	if id == "" {
		id = h.Get(legacy)
	}
	if id == "" || len(id) > maxRequestID {
		return uuid.NewString()
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] >= 0x7f {
			return uuid.NewString()
		}
	}
	return id
}

type requestIDKey struct{}

// WithRequestID returns a context that carries the request ID to a mounted
// handler.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the request ID of a mounted handler's context, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
