package config

import (
	"fmt"
	"strings"
)

// A Severity says what a fault means for the server.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // the server does not start
	SeverityWarning Severity = "warning" // it starts, and something is not as it seems
)

// A Fault is something wrong with a configuration.
type Fault struct {
	Path       string   // in the file: authority.provisioners[2].name; "" is the file as a whole
	Severity   Severity // how bad it is
	Message    string   // what is wrong; errors that the reference has too are in its words
	Suggestion string   // what to do; "" if that is plain
}

// String returns "path: message; suggestion". A message that begins with the
// path stands without it.
func (f Fault) String() string {
	text := f.Message
	if f.Path != "" && !strings.HasPrefix(text, f.Path) {
		text = f.Path + ": " + text
	}
	if f.Suggestion != "" {
		text += "; " + f.Suggestion
	}
	return text
}

// Faults are all that was found, errors first.
type Faults []Fault

// Errors returns the errors among the faults.
func (f Faults) Errors() Faults { return f.withSeverity(SeverityError) }

// Warnings returns the warnings among the faults.
func (f Faults) Warnings() Faults { return f.withSeverity(SeverityWarning) }

func (f Faults) withSeverity(s Severity) Faults {
	var out Faults
	for _, fault := range f {
		if fault.Severity == s {
			out = append(out, fault)
		}
	}
	return out
}

// Err returns nil if there are no errors, else an error of type *FaultsError.
func (f Faults) Err() error {
	if errs := f.Errors(); len(errs) > 0 {
		return &FaultsError{errs}
	}
	return nil
}

// A FaultsError says that a configuration cannot be used.
type FaultsError struct{ Faults Faults }

// Error returns the first error, which is the one that the reference has, with
// its place, and how many there are besides.
func (e *FaultsError) Error() string {
	text := e.Faults[0].String()
	if more := len(e.Faults) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more; see all with step-ca check)", more)
	}
	return text
}

// A report collects faults.
type report struct{ faults Faults }

func (r *report) errorf(path, format string, args ...any) *Fault {
	return r.add(SeverityError, path, format, args...)
}

func (r *report) warnf(path, format string, args ...any) *Fault {
	return r.add(SeverityWarning, path, format, args...)
}

// add appends a fault and returns it, for a suggestion to be added at once.
func (r *report) add(s Severity, path, format string, args ...any) *Fault {
	r.faults = append(r.faults, Fault{Path: path, Severity: s, Message: fmt.Sprintf(format, args...)})
	return &r.faults[len(r.faults)-1]
}

// suggest sets what to do about the fault.
func (f *Fault) suggest(format string, args ...any) { f.Suggestion = fmt.Sprintf(format, args...) }

// sorted returns the faults, errors first, otherwise as they were found.
func (r *report) sorted() Faults { return append(r.faults.Errors(), r.faults.Warnings()...) }
