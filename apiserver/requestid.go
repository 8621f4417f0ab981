package apiserver

import (
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
