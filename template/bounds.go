package template

import (
	"fmt"
	"reflect"
	"strings"
	"text/template"
)

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
	boundProducts(funcs)
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

// boundProducts bounds the functions that write one argument at each of many
// places in another.
func boundProducts(funcs template.FuncMap) {
	replace := funcs["replace"].(func(string, string, string) string)
	funcs["replace"] = func(old, new, s string) (string, error) {
		if strings.Count(s, old)*len(new) > maxOutput {
			return "", errTooLarge("replace")
		}
		return replace(old, new, s), nil
	}
	join := funcs["join"].(func(string, any) string)
	funcs["join"] = func(sep string, list any) (string, error) {
		if sizeOf(reflect.ValueOf(list))*len(sep) > maxOutput {
			return "", errTooLarge("join")
		}
		return join(sep, list), nil
	}
	wrapWith := funcs["wrapWith"].(func(int, string, string) string)
	funcs["wrapWith"] = func(width int, sep, s string) (string, error) {
		if (len(s)/max(width, 1)+1)*len(sep) > maxOutput {
			return "", errTooLarge("wrapWith")
		}
		return wrapWith(width, sep, s), nil
	}
	for _, name := range []string{"regexReplaceAll", "regexReplaceAllLiteral"} {
		replaceAll := funcs[name].(func(string, string, string) string)
		funcs[name] = func(regex, s, replacement string) (string, error) {
			if tooManyCopies(s, replacement) {
				return "", errTooLarge(name)
			}
			return replaceAll(regex, s, replacement), nil
		}
	}
	for _, name := range []string{"mustRegexReplaceAll", "mustRegexReplaceAllLiteral"} {
		replaceAll := funcs[name].(func(string, string, string) (string, error))
		funcs[name] = func(regex, s, replacement string) (string, error) {
			if tooManyCopies(s, replacement) {
				return "", errTooLarge(name)
			}
			return replaceAll(regex, s, replacement)
		}
	}
}

// tooManyCopies assumes the worst, a match before each byte of s, and allows for
// it being rare.
func tooManyCopies(s, replacement string) bool {
	const slack = 64
	return (len(s)+1)*len(replacement) > slack*maxOutput
}

// boundPrintf is fmt.Sprintf for formats whose widths and precisions together
// stay within the limit of the output.
func boundPrintf(format string, args ...any) (string, error) {
	star := 0 // the largest width that an argument can give
	for _, arg := range args {
		if n, ok := arg.(int); ok {
			star = max(star, min(max(n, -n), maxOutput+1))
		}
	}
	total := 0
	for _, directive := range strings.Split(strings.ReplaceAll(format, "%%", ""), "%")[1:] {
		if total += paddingOf(directive, star); total > maxOutput {
			return "", errTooLarge("printf")
		}
	}
	return fmt.Sprintf(format, args...), nil
}

// paddingOf returns the sum of width and precision at the head of a directive,
// where each "*" counts as star.
func paddingOf(directive string, star int) int {
	total, number := 0, 0
	for i := 0; i < len(directive); i++ {
		c := directive[i]
		switch {
		case '0' <= c && c <= '9':
			number = min(number*10+int(c-'0'), maxOutput+1)
			continue
		case c == '*':
			total += star
		case c == ']': // what came before was the index of an argument
			number = 0
		case strings.IndexByte("+-# .[", c) < 0: // the verb
			return total + number
		}
		total, number = total+number, 0
	}
	return total + number
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
