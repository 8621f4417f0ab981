package template

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"stepca/ca"
)

// run executes a template that is not a certificate.
func run(t *testing.T, text string, data any) (string, error) {
	t.Helper()
	tmpl, err := parseText("test", text, x509Funcs())
	if err != nil {
		t.Fatal(err)
	}
	out, err := execute(tmpl, data)
	return string(out), err
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	data := map[string]any{"Time": time.Date(2020, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)), "Unix": float64(1.9)}
	for text, want := range map[string]string{
		`{{ asn1Enc "x" }}`:                                                       "EwF4",
		`{{ asn1Enc "foo:bar" }}`:                                                 "EwNiYXI=",
		`{{ asn1Enc "int:-5" }}`:                                                  "AgH7",
		`{{ asn1Enc "bool:true" }}`:                                               "AQH/",
		`{{ asn1Enc "boolean:0" }}`:                                               "AQEA",
		`{{ asn1Enc "oid:1.2.3" }}`:                                               "BgIqAw==",
		`{{ asn1Enc "numeric:12" }}`:                                              "EgIxMg==",
		`{{ asn1Enc "utc:2020-01-02T03:04:05Z" }}`:                                "Fw0yMDAxMDIwMzA0MDVa",
		`{{ asn1Enc "utc:2020-01-02T04:04:05+01:00" }}`:                           "Fw0yMDAxMDIwMzA0MDVa",
		`{{ asn1Enc "generalized:2020-01-02T03:04:05Z" }}`:                        "GA8yMDIwMDEwMjAzMDQwNVo=",
		`{{ asn1Enc (printf "generalized:%s" .Time) }}`:                           "GA8yMDIwMDEwMjAyMDQwNVo=",
		`{{ asn1Enc "raw:BQA=" }}`:                                                "BQA=",
		`{{ asn1Enc "utf8:é" }}`:                                                  "DALDqQ==",
		`{{ asn1Enc "ia5:a@b" }}`:                                                 "FgNhQGI=",
		`{{ asn1Enc "printable:a&*" }}`:                                           "EwNhJio=",
		`{{ asn1Enc "int,explicit,application:5" }}`:                              "YAMCAQU=",
		`{{ asn1Seq (asn1Enc "int:1") (asn1Enc "ia5:x") }}`:                       "MAYCAQEWAXg=",
		`{{ asn1Set (asn1Enc "int:2") (asn1Enc "int:1") }}`:                       "MQYCAQICAQE=",
		`{{ asn1Marshal 5 "explicit" "tag:3" }}`:                                  "owMCAQU=",
		`{{ toTime 0 | formatTime }}`:                                             "1970-01-01T00:00:00Z",
		`{{ formatTime .Time }}`:                                                  "2020-01-02T02:04:05Z",
		`{{ formatTime .Unix }}`:                                                  "1970-01-01T00:00:01Z",
		`{{ toTimeLayout "time.kitchen" }}`:                                       "3:04PM",
		`{{ toTimeLayout "TIME.DateOnly" }}`:                                      "2006-01-02",
		`{{ toTimeLayout "Mon" }}`:                                                "Mon",
		`{{ parseTime "2020-01-02T03:04:05+01:00" }}`:                             "2020-01-02 02:04:05 +0000 UTC",
		`{{ (parseTime "x").IsZero }}`:                                            "true",
		`{{ (parseTime "a" "b" "c" "d").IsZero }}`:                                "true",
		`{{ parseTime "time.DateOnly" "2020-01-02" | formatTime }}`:               "2020-01-02T00:00:00Z",
		`{{ parseTime "DateOnly" "2020-01-02" "America/New_York" | formatTime }}`: "2020-01-02T05:00:00Z",
		`{{ mustParseTime "15:04" "10:00" "UTC" | formatTime }}`:                  "0000-01-01T10:00:00Z",
		`{{ printf "%05.1f|%-4s|%*d" 1.25 "a" 3 7 }} {{ join "," (list 1 2) }} {{ regexReplaceAll "(a)b" "xab" "${1}c" }}`:                              "001.2|a   |  7 1,2 xac",
		`{{ printf "99999999999 %[1]d%% 99999999999 %.3s" 1 "abcd" }}`:                                                                                  "99999999999 1% 99999999999 abc",
		`{{ .Missing }}|{{ toJson .Missing }}`:                                                                                                          "<no value>|null",
		`{{ upper "a" | repeat 3 | quote }} {{ until 3 }} {{ seq 1 2 5 }} {{ list 1 2 }}`:                                                               `"AAA" [0 1 2] 1 3 5 [1 2]`,
		`{{ "a b" | replace " " "-" | indent 2 }}`:                                                                                                      "  a-b",
		`{{ range $i, $e := untilStep 0 6 2 }}{{ if $i }},{{ end }}{{ $e }}{{ end }}`:                                                                   "0,2,4",
		`{{ define "x" }}[{{ . }}]{{ end }}{{ template "x" 1 }}{{ range list 1 2 3 }}{{ if eq . 2 }}{{ continue }}{{ end }}{{ . }}{{ else }}-{{ end }}`: "[1]13",
	} {
		got, err := run(t, text, data)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got != want {
			t.Errorf("%s = %q, want %q", text, got, want)
		}
	}
}

func TestNow(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{{ formatTime "x" }}`, `{{ formatTime nil }}`, `{{ parseTime | formatTime }}`, `{{ now | formatTime }}`} {
		got, err := run(t, text, nil)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		at, err := time.Parse(time.RFC3339, got)
		if err != nil || time.Since(at).Abs() > time.Minute || at.Location() != time.UTC {
			t.Errorf("%s = %q, want about now in UTC", text, got)
		}
	}
}

func TestFunctionErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{ asn1Enc "printable:é" }}`:                         "invalid printable value",
		`{{ asn1Enc "int:x" }}`:                               "invalid syntax",
		`{{ asn1Enc "oid:1" }}`:                               "two arcs",
		`{{ asn1Enc "oid:1.40" }}`:                            "out of range",
		`{{ asn1Enc "ia5:é" }}`:                               "ASCII",
		`{{ asn1Enc "numeric:a" }}`:                           "invalid character",
		`{{ asn1Enc "utc:x" }}`:                               "RFC 3339",
		`{{ asn1Enc "raw:!" }}`:                               "base64",
		`{{ asn1Seq "!" }}`:                                   "base64",
		`{{ asn1Marshal nil }}`:                               "",
		`{{ asn1Marshal (dict) }}`:                            "unknown Go type",
		`{{ mustParseTime "x" }}`:                             "cannot parse",
		`{{ mustParseTime 1 2 3 4 }}`:                         "expected string",
		`{{ mustParseTime "1" "2" "3" "4" }}`:                 "unsupported number of parameters",
		`{{ repeat 1000000000 "a" }}`:                         "result of repeat would be too large",
		`{{ repeat -1 "a" }}`:                                 "result of repeat would be too large",
		`{{ until 1000000000 }}`:                              "result of until would be too large",
		`{{ untilStep 0 -1000000000 -1 }}`:                    "result of untilStep would be too large",
		`{{ seq 1000000000 }}`:                                "result of seq would be too large",
		`{{ randAlphaNum 1000000000 }}`:                       "result of randAlphaNum would be too large",
		`{{ randBytes 1000000000 }}`:                          "result of randBytes would be too large",
		`{{ indent 1000000000 "a" }}`:                         "result of indent would be too large",
		`{{ repeat 1048576 "a" | replace "a" "aaaaaaaaaa" }}`: "result of replace would be too large",
		`{{ $s := "aaaaaaaa" }}{{ range until 60 }}{{ $s = cat $s $s }}{{ end }}`:                   "result of cat would be too large",
		`{{ $s := "aaaaaaaa" }}{{ range until 60 }}{{ $s = printf "%s%s" $s $s }}{{ end }}`:         "result of printf would be too large",
		`{{ $s := list 1 2 }}{{ range until 60 }}{{ $s = concat $s $s }}{{ end }}`:                  "result of concat would be too large",
		`{{ $s := "\"" }}{{ range until 60 }}{{ $s = toJson $s }}{{ end }}`:                         "result of toJson would be too large",
		`{{ $l := until 60000 }}{{ range $l }}{{ range $l }}{{ end }}{{ end }}`:                     "steps",
		`{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}`:                             "invoke one another more than 100 deep",
		`{{ define "x" }}{{ range until 2 }}{{ template "x" }}{{ end }}{{ end }}{{ template "x" }}`: "invoke one another",
		`{{ range until 60000 }}0123456789012345678901234567890{{ end }}`:                           "output exceeds",
		`{{ $b := repeat 1048576 "a" }}{{ join $b (until 1000) }}`:                                  "result of join would be too large",
		`{{ $b := repeat 1048576 "a" }}{{ wrapWith 1 $b $b }}`:                                      "result of wrapWith would be too large",
		`{{ $b := repeat 1048576 "a" }}{{ regexReplaceAll "a" $b $b }}`:                             "result of regexReplaceAll would be too large",
		`{{ $b := repeat 1048576 "a" }}{{ mustRegexReplaceAllLiteral "a" $b $b }}`:                  "result of mustRegexReplaceAllLiteral would be too large",
		`{{ printf "%[1]999999d%[1]999999d" 1 }}`:                                                   "result of printf would be too large",
		`{{ printf "%*d" 99999999 1 }}`:                                                             "result of printf would be too large",
		`{{ index .X 3 }}`:                                                                          "", // panics inside are errors too
		`{{ getHostByName "host.invalid." }}`:                                                       "host.invalid",
	} {
		_, err := run(t, text, map[string]any{"X": []int{1}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error = %v, want one with %q", text, err, want)
		}
	}
}

// A value whose method panics when printed must not take the server down.
type panicky struct{}

func (panicky) String() string { panic("boom") }

func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := run(t, `{{ .M }}`, map[string]any{"M": panicky{}}); err != nil {
		t.Logf("error = %v", err) // fmt itself survives; what matters is that we do
	}
	err := safely(func() error { panic("boom") })
	if err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("safely = %v, want an error with the panic", err)
	}
}

func TestForbiddenFunctions(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"env", "expandenv", "mustToTime"} {
		_, err := ParseX509(`{{ ` + name + ` "HOME" }}`)
		if err == nil || !strings.Contains(err.Error(), `function "`+name+`" not defined`) {
			t.Errorf("parsing a template with %s: %v", name, err)
		}
	}
	if _, err := ParseSSH(`{{ asn1Enc "x" }}`); err == nil {
		t.Error("an SSH template may use asn1Enc")
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	tmpl, err := ParseX509(`{"subject": {{ if not .Token.ok }}{{ fail "no token" }}{{ end }} "x"}`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tmpl.Render(&X509Data{CR: &CertificateRequest{}})
	fail, ok := errors.AsType[*FailError](err)
	if !ok || fail.Message != "no token" {
		t.Errorf("Render = %v, want a FailError", err)
	}
	shown, ok := errors.AsType[*ca.Error](err)
	if !ok || shown.Detail != "no token" || !errors.Is(err, ca.ErrMalformed) {
		t.Errorf("Render = %v, want it to be shown as a malformed request", err)
	}
}

func TestOutputError(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]string{
		"":                            "EOF",
		" \n":                         "EOF",
		"{":                           "unexpected EOF",
		`{"subject": x}`:              "at offset 13",
		`{"keyUsage": "foo"}`:         "unsupported keyUsage foo",
		`{"extKeyUsage": ["foo"]}`:    "unsupported extKeyUsage foo",
		`{"ipAddresses": "1.2.3"}`:    `"1.2.3" is not an IP address`,
		`{"sans": "a.local"}`:         "cannot unmarshal string",
		`{"signatureAlgorithm": "x"}`: "unsupported signatureAlgorithm x",
		`{"policyIdentifiers": "1"}`:  "two arcs",
		`{"serialNumber": "x"}`:       "not a number",
		`{"serialNumber": 1.5}`:       "cannot unmarshal",
		`{"notAfter": "tomorrow"}`:    "parsing time",
		`{"uris": ":"}`:               "missing protocol scheme",
		`{"subjectKeyId": "?"}`:       "base64",
		`{"nameConstraints": {"permittedIPRanges": "10.0.0.0/99"}}`: "invalid CIDR",
		`[]`: "cannot unmarshal array",
	} {
		_, err := ParseCertificate([]byte(output))
		if _, ok := errors.AsType[*OutputError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseCertificate(%s) = %v, want an OutputError with %q", output, err, want)
		}
	}
}

// A template may change the maps it is given; the next request must not see it.
func TestDataIsNotShared(t *testing.T) {
	t.Parallel()
	tmpl, err := ParseX509(`{{ $_ := set .Config.inner "cn" (cat .Config.inner.cn "x") }}{"subject": {{ toJson .Config.inner.cn }}}`)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{"Config": map[string]any{"inner": map[string]any{"cn": "a"}}}
	for range 2 {
		c, err := tmpl.Render(&X509Data{Values: values, CR: &CertificateRequest{}})
		if err != nil {
			t.Fatal(err)
		}
		if c.Subject.CommonName != "a x" {
			t.Errorf("common name = %q, want %q", c.Subject.CommonName, "a x")
		}
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	w := limitWriter{deadline: time.Now().Add(-time.Second)}
	var err error
	for range stepsPerClock {
		_, err = w.Write(nil)
	}
	if err == nil || !strings.Contains(err.Error(), "took longer") {
		t.Errorf("Write after the deadline = %v", err)
	}
}

func FuzzEncodeValue(f *testing.F) {
	for _, seed := range []string{"x", "int:-5", "utf8,explicit:é", "raw:BQA=", "oid:2.25.1", "printable:a&", "utc:2050-01-02T03:04:05Z", "bool,set:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, err := EncodeValue(s)
		if err != nil {
			return
		}
		second, err := EncodeValue(s)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("EncodeValue(%q) = %x, then %x, %v", s, first, second, err)
		}
	})
}
