package template

import (
	"fmt"
	"strings"
	"text/template"
	"time"
)

func timeFuncs() template.FuncMap {
	return template.FuncMap{
		"toTime":        toTime,
		"formatTime":    func(v any) string { return toTime(v).Format(time.RFC3339) },
		"parseTime":     parseTime,
		"mustParseTime": mustParseTime,
		"toTimeLayout":  toTimeLayout,
	}
}

// unixTimer is how a JWT NumericDate gives its time.
type unixTimer interface{ Time() time.Time }

// toTime returns a time or a number of Unix seconds as a time in UTC. Compatible:
// anything else, strings included, is now.
func toTime(v any) time.Time {
	switch v := v.(type) {
	case time.Time:
		return v.UTC()
	case *time.Time:
		if v != nil {
			return v.UTC()
		}
	case int64:
		return time.Unix(v, 0).UTC()
	case int:
		return time.Unix(int64(v), 0).UTC()
	case int32:
		return time.Unix(int64(v), 0).UTC()
	case float64:
		return time.Unix(int64(v), 0).UTC()
	case unixTimer:
		return v.Time().UTC()
	}
	return time.Now().UTC()
}

// parseTime is mustParseTime whose errors are the zero time.
func parseTime(args ...string) time.Time {
	t, err := mustParseTime(args...)
	if err != nil {
		return time.Time{}
	}
	return t
}

// mustParseTime parses an RFC 3339 time, or with more arguments a layout, a time
// in it, and the zone that holds where it names none. Without any it is now.
func mustParseTime(args ...string) (time.Time, error) {
	var t time.Time
	var err error
	switch len(args) {
	case 0:
		t = time.Now()
	case 1:
		t, err = time.Parse(time.RFC3339, args[0])
	case 2:
		t, err = time.Parse(toTimeLayout(args[0]), args[1])
	case 3:
		var zone *time.Location
		if zone, err = time.LoadLocation(args[2]); err == nil {
			t, err = time.ParseInLocation(toTimeLayout(args[0]), args[1], zone)
		}
	default:
		err = fmt.Errorf("unsupported number of parameters %d", len(args))
	}
	if err != nil {
		return time.Time{}, err
	}
	return t.UTC(), nil
}

// timeLayouts lists the layouts of package time by name.
var timeLayouts = [...]struct{ name, layout string }{
	{"Layout", time.Layout},
	{"ANSIC", time.ANSIC},
	{"UnixDate", time.UnixDate},
	{"RubyDate", time.RubyDate},
	{"RFC822", time.RFC822},
	{"RFC822Z", time.RFC822Z},
	{"RFC850", time.RFC850},
	{"RFC1123", time.RFC1123},
	{"RFC1123Z", time.RFC1123Z},
	{"RFC3339", time.RFC3339},
	{"RFC3339Nano", time.RFC3339Nano},
	{"Kitchen", time.Kitchen},
	{"Stamp", time.Stamp},
	{"StampMilli", time.StampMilli},
	{"StampMicro", time.StampMicro},
	{"StampNano", time.StampNano},
	{"DateTime", time.DateTime},
	{"DateOnly", time.DateOnly},
	{"TimeOnly", time.TimeOnly},
}

// toTimeLayout returns the layout of a name, in any case and with or without
// "time." before it; a layout is returned as it is.
func toTimeLayout(name string) string {
	short := name
	if prefix := "time."; len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
		short = name[len(prefix):]
	}
	for _, l := range timeLayouts {
		if strings.EqualFold(short, l.name) {
			return l.layout
		}
	}
	return name
}
