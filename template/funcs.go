package template

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"reflect"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/Masterminds/sprig/v3"
)

// sprigFuncs returns sprig's text functions without those that read the server's
// environment, and with bounds on those that could exhaust it. The map is shared
// and must not be changed.
var sprigFuncs = sync.OnceValue(func() template.FuncMap {
	funcs := sprig.TxtFuncMap()
	delete(funcs, "env")
	delete(funcs, "expandenv")
	boundCounts(funcs)
	funcs["getHostByName"] = hostByName
	// Go's own, so that they are bounded like the others.
	funcs["print"] = fmt.Sprint
	funcs["printf"] = fmt.Sprintf
	funcs["println"] = fmt.Sprintln
	for name, f := range funcs {
		funcs[name] = boundResult(name, f)
	}
	return funcs
})

// certificateFuncs adds what templates of both kinds of certificates have.
var certificateFuncs = sync.OnceValue(func() template.FuncMap {
	funcs := merged(sprigFuncs(), timeFuncs())
	funcs["fail"] = func(message string) (string, error) { return "", &FailError{Message: message} }
	return funcs
})

// x509Funcs adds what only X.509 templates have.
var x509Funcs = sync.OnceValue(func() template.FuncMap {
	return merged(certificateFuncs(), asn1Funcs())
})

func merged(maps ...template.FuncMap) template.FuncMap {
	all := template.FuncMap{}
	for _, m := range maps {
		for name, f := range m {
			all[name] = f
		}
	}
	return all
}

// boundCounts bounds the functions whose work or result grows with a number, so
// that repeat 1000000000 fails instead of taking a gigabyte.
func boundCounts(funcs template.FuncMap) {
	repeat := funcs["repeat"].(func(int, string) string)
	funcs["repeat"] = func(n int, s string) (string, error) {
		if n < 0 || n > 0 && len(s) > maxOutput/n {
			return "", errTooLarge("repeat")
		}
		return repeat(n, s), nil
	}
	replace := funcs["replace"].(func(string, string, string) string)
	funcs["replace"] = func(old, new, s string) (string, error) {
		if grown := strings.Count(s, old) * len(new); grown > maxOutput {
			return "", errTooLarge("replace")
		}
		return replace(old, new, s), nil
	}
	for _, name := range []string{"indent", "nindent"} {
		indent := funcs[name].(func(int, string) string)
		funcs[name] = func(n int, s string) (string, error) {
			lines := strings.Count(s, "\n") + 1
			if n < 0 || n > maxOutput/lines {
				return "", errTooLarge(name)
			}
			return indent(n, s), nil
		}
	}
	for _, name := range []string{"randAlphaNum", "randAlpha", "randAscii", "randNumeric"} {
		random := funcs[name].(func(int) string)
		funcs[name] = func(n int) (string, error) {
			if n < 0 || n > maxOutput {
				return "", errTooLarge(name)
			}
			return random(n), nil
		}
	}
	randBytes := funcs["randBytes"].(func(int) (string, error))
	funcs["randBytes"] = func(n int) (string, error) {
		if n < 0 || n > maxOutput {
			return "", errTooLarge("randBytes")
		}
		return randBytes(n)
	}
	boundRanges(funcs)
}

// maxRange is how many numbers until, untilStep and seq may list.
const maxRange = 1 << 16

func boundRanges(funcs template.FuncMap) {
	until := funcs["until"].(func(int) []int)
	funcs["until"] = func(n int) ([]int, error) {
		if n > maxRange || n < -maxRange {
			return nil, errTooLarge("until")
		}
		return until(n), nil
	}
	untilStep := funcs["untilStep"].(func(int, int, int) []int)
	funcs["untilStep"] = func(start, stop, step int) ([]int, error) {
		if rangeTooLong(start, stop, step) {
			return nil, errTooLarge("untilStep")
		}
		return untilStep(start, stop, step), nil
	}
	seq := funcs["seq"].(func(...int) string)
	funcs["seq"] = func(params ...int) (string, error) {
		long := false
		switch len(params) {
		case 1:
			long = rangeTooLong(1, params[0], 1)
		case 2:
			long = rangeTooLong(params[0], params[1], 1)
		case 3:
			long = rangeTooLong(params[0], params[2], params[1])
		}
		if long {
			return "", errTooLarge("seq")
		}
		return seq(params...), nil
	}
}

// rangeTooLong counts in floating point, where nothing overflows.
func rangeTooLong(start, stop, step int) bool {
	if step == 0 {
		return false // sprig lists nothing
	}
	distance := float64(stop) - float64(start)
	n := distance / float64(step)
	return n > maxRange || n < -maxRange
}

func errTooLarge(name string) error {
	return fmt.Errorf("the result of %s would be too large", name)
}

// boundResult returns f, or for a function that returns a string or a list, one
// that fails when the result exceeds the limit of the output. So no expression,
// however nested in loops, grows a value without end.
func boundResult(name string, f any) any {
	fv := reflect.ValueOf(f)
	ft := fv.Type()
	if ft.NumOut() == 0 {
		return f
	}
	switch ft.Out(0).Kind() {
	case reflect.String, reflect.Slice, reflect.Interface:
	default:
		return f
	}
	in := make([]reflect.Type, ft.NumIn())
	for i := range in {
		in[i] = ft.In(i)
	}
	errorType := reflect.TypeFor[error]()
	bounded := reflect.FuncOf(in, []reflect.Type{ft.Out(0), errorType}, ft.IsVariadic())
	return reflect.MakeFunc(bounded, func(args []reflect.Value) []reflect.Value {
		var out []reflect.Value
		if ft.IsVariadic() {
			out = fv.CallSlice(args)
		} else {
			out = fv.Call(args)
		}
		if len(out) == 1 {
			out = append(out, reflect.Zero(errorType))
		}
		if sizeOf(out[0]) > maxOutput {
			return []reflect.Value{reflect.Zero(ft.Out(0)), reflect.ValueOf(errTooLarge(name))}
		}
		return out
	}).Interface()
}

// sizeOf returns the length of a string or list, and 0 of anything else.
func sizeOf(v reflect.Value) int {
	if v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String, reflect.Slice:
		return v.Len()
	}
	return 0
}

// lookupTimeout bounds the name resolution of getHostByName.
const lookupTimeout = 2 * time.Second

// hostByName returns one of the addresses of a host.
func hostByName(name string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupHost(ctx, name)
	if err != nil {
		return "", err
	}
	if len(addrs) == 0 {
		return "", errors.New("host has no address")
	}
	return addrs[rand.IntN(len(addrs))], nil
}
