package apiserver

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// An AccessLog writes one line for each request, after its response. A nil
// *AccessLog writes nothing. One-time tokens never appear, only their ID.
type AccessLog struct {
	Format LogFormat
	Color  bool // LogText for people: the level in colour

	// RealIP takes the client's address from the headers True-Client-IP,
	// X-Real-IP and X-Forwarded-For, as proxies set them.
	RealIP bool

	// QuietHealth leaves out successful requests of /health.
	QuietHealth bool

	mu  sync.Mutex // guards out
	out io.Writer
}

// NewAccessLog returns an AccessLog that writes to out.
func NewAccessLog(out io.Writer, format LogFormat) *AccessLog {
	return &AccessLog{Format: format, out: out}
}

// record writes the line of a finished exchange.
func (l *AccessLog) record(x *exchange) {
	if l == nil || l.QuietHealth && x.status < http.StatusBadRequest && rawPath(x.r) == "/health" {
		return
	}
	took := time.Since(x.start)
	fields := map[string]any{
		"request-id":     x.requestID,
		"remote-address": l.remoteAddress(x.r),
		"name":           "ca",
		"user-id":        "",
		"time":           x.start.UTC().Format(time.RFC3339),
		"duration-ns":    took.Nanoseconds(),
		"duration":       took.String(),
		"method":         x.r.Method,
		"path":           x.r.RequestURI,
		"protocol":       x.r.Proto,
		"status":         x.status,
		"size":           x.size,
		"referer":        oneLine(x.r.Referer()),
		"user-agent":     oneLine(x.r.UserAgent()),
	}
	for _, a := range x.attrs {
		fields[a.Key] = a.Value.Resolve().Any()
	}
	if x.err != nil {
		fields["error"] = logged(x.err.Error())
	}
	var line []byte
	switch l.Format {
	case LogJSON:
		line = jsonLine(fields, level(x.status))
	case LogCommon:
		line = commonLine(fields)
	default:
		line = l.textLine(fields, level(x.status))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.Write(line)
}

// maxLogged is how many octets of a text that anybody may send are in a line.
const maxLogged = 1 << 10

func logged(text string) string {
	if len(text) > maxLogged {
		return strings.ToValidUTF8(text[:maxLogged], "") + "…"
	}
	return text
}

func level(status int) string {
	switch {
	case status >= http.StatusInternalServerError:
		return "error"
	case status >= http.StatusBadRequest:
		return "warning"
	}
	return "info"
}

// remoteAddress returns the client's address without port.
func (l *AccessLog) remoteAddress(r *http.Request) string {
	if l.RealIP {
		forwarded, _, _ := strings.Cut(r.Header.Get("X-Forwarded-For"), ",")
		for _, s := range []string{r.Header.Get("True-Client-IP"), r.Header.Get("X-Real-IP"), forwarded} {
			if s = strings.TrimSpace(s); s != "" {
				if _, err := netip.ParseAddr(s); err == nil {
					return s
				}
				break
			}
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// A loggedToken stands for a token in the log: by its ID if it has one, else by
// its hash. It is resolved only if a line is written.
type loggedToken string

// LogValue implements slog.LogValuer.
func (t loggedToken) LogValue() slog.Value {
	if parts := strings.Split(string(t), "."); len(parts) == 3 {
		var claims struct {
			ID string `json:"jti"`
		}
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil && json.Unmarshal(payload, &claims) == nil && claims.ID != "" && len(claims.ID) <= maxLogged {
			return slog.StringValue("jti:" + claims.ID)
		}
	}
	sum := sha256.Sum256([]byte(t))
	return slog.StringValue("sha256:" + hex.EncodeToString(sum[:]))
}
