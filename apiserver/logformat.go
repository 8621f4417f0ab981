package apiserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A LogFormat is a form of the access log.
type LogFormat string

// The formats of the access log ("logger.format" in ca.json).
const (
	LogText   LogFormat = "text"   // key=value
	LogJSON   LogFormat = "json"   // one object a line, keys sorted
	LogCommon LogFormat = "common" // the web servers' common log format, nearly
)

// ParseLogFormat parses logger.format, without regard to case; "" is LogText.
func ParseLogFormat(s string) (LogFormat, error) {
	switch f := LogFormat(strings.ToLower(s)); f {
	case "":
		return LogText, nil
	case LogText, LogJSON, LogCommon:
		return f, nil
	}
	return "", fmt.Errorf("unsupported logger.format '%s'", s)
}

// jsonLine and textLine have the time of logging as "time", which moves the
// time of the request to "fields.time".
func jsonLine(fields map[string]any, level string) []byte {
	fields["fields.time"] = fields["time"]
	fields["time"] = time.Now().UTC().Format(time.RFC3339)
	fields["level"], fields["msg"] = level, ""
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(fields); err != nil {
		return fmt.Appendf(nil, `{"level":"error","msg":%q}`+"\n", "access log: "+err.Error())
	}
	return b.Bytes()
}

var levelColors = map[string]string{"info": "\x1b[36m", "warning": "\x1b[33m", "error": "\x1b[31m"}

func (l *AccessLog) textLine(fields map[string]any, level string) []byte {
	fields["fields.time"] = fields["time"]
	delete(fields, "time")
	var b bytes.Buffer
	shown := level
	if l.Color {
		shown = levelColors[level] + level + "\x1b[0m"
	}
	fmt.Fprintf(&b, "time=%q level=%s", time.Now().UTC().Format(time.RFC3339), shown)
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		b.WriteByte(' ')
		b.WriteString(k)
		b.WriteByte('=')
		b.WriteString(textValue(fields[k]))
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// textValue quotes what is not plain, as logfmt does.
func textValue(v any) string {
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	default:
		s = fmt.Sprint(v)
	}
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._/@^+", r)
	}
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) >= 0 {
		return strconv.Quote(s)
	}
	return s
}

func commonLine(fields map[string]any) []byte {
	get := func(name string) string {
		if s := fmt.Sprint(fields[name]); s != "" {
			return s
		}
		return "-"
	}
	return fmt.Appendf(nil, "%s %s %s %s %s %s \"%s %s %s\" %s %s\n",
		get("request-id"), get("remote-address"), get("name"), get("user-id"), get("time"), get("duration"),
		get("method"), get("path"), get("protocol"), get("status"), get("size"))
}

func oneLine(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }
