package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// A row is what was measured of one operation. Durations are of one request.
type row struct {
	Operation string        `json:"operation"`
	Holds     string        `json:"floorHolds"`
	Ratio     float64       `json:"ratio"`
	Target    float64       `json:"target,omitempty"` // of Ratio; 0 for none
	CPU       time.Duration `json:"cpuNanoseconds"`
	Floor     time.Duration `json:"floorNanoseconds"`
	PerSecond float64       `json:"requestsPerSecond"`
	P50       time.Duration `json:"p50Nanoseconds"`
	P95       time.Duration `json:"p95Nanoseconds"`
	P99       time.Duration `json:"p99Nanoseconds"`
}

// A report is what a run found out. Memory and disk are in bytes.
type report struct {
	Rows []*row `json:"operations"`

	Flows     int   `json:"flows,omitempty"` // of ACME
	FlowsPeak int64 `json:"flowsPeakMemory,omitempty"`

	Certificates       int           `json:"certificates"` // stored, for what follows
	Ready              time.Duration `json:"readyNanoseconds"`
	Idle               int64         `json:"idleMemory"`
	Loaded             int64         `json:"loadedMemory"`
	Peak               int64         `json:"peakMemory"`
	DiskPerCertificate float64       `json:"diskPerCertificate"`
}

const mebibyte = 1 << 20

// print writes the tables for people.
func (r *report) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "operation\tratio\ttarget\tCPU\tfloor\trequests/s\tp50\tp95\tp99")
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%s\t%.2f\t%s\t%v\t%v\t%.0f\t%v\t%v\t%v\n", row.Operation, row.Ratio, row.target(),
			row.CPU.Round(time.Microsecond), row.Floor.Round(time.Microsecond), row.PerSecond,
			row.P50.Round(time.Microsecond), row.P95.Round(time.Microsecond), row.P99.Round(time.Microsecond))
	}
	if r.Flows > 0 {
		fmt.Fprintf(w, "\nmemory in %d ACME flows\tat most %d MiB\n", r.Flows, r.FlowsPeak/mebibyte)
	}
	if r.Certificates > 0 {
		fmt.Fprintf(w, "\nwith %d certificates stored\n", r.Certificates)
		fmt.Fprintf(w, "ready after\t%v\n", r.Ready.Round(time.Millisecond))
		fmt.Fprintf(w, "memory idle\t%d MiB\n", r.Idle/mebibyte)
		fmt.Fprintf(w, "memory under load\t%d MiB, at most %d MiB\n", r.Loaded/mebibyte, r.Peak/mebibyte)
		fmt.Fprintf(w, "disk per certificate\t%.0f bytes\n", r.DiskPerCertificate)
	}
	return w.Flush()
}

func (r *row) target() string {
	if r.Target == 0 {
		return "–"
	}
	return fmt.Sprintf("≤ %.1f", r.Target)
}

// The marks between which a document holds the table.
const (
	tableBegins = "<!-- bench: begin -->\n"
	tableEnds   = "<!-- bench: end -->"
)

// updateMarkdown replaces the table of a document.
func updateMarkdown(file string, r *report) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), tableBegins)
	_, after, ok2 := strings.Cut(rest, tableEnds)
	if !ok || !ok2 {
		return errors.New(file + " has no lines " + strings.TrimSpace(tableBegins) + " and " + tableEnds)
	}
	return os.WriteFile(file, []byte(before+tableBegins+r.markdown()+tableEnds+after), 0o644)
}

// markdown is the part of the report that means the same on another machine:
// ratios, and sizes.
func (r *report) markdown() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "| operation | floor holds | ratio | target |\n|---|---|---|---|\n")
	for _, row := range r.Rows {
		target := "–"
		if row.Target > 0 {
			target = fmt.Sprintf("≤ %.1f ×", row.Target)
		}
		fmt.Fprintf(&b, "| %s | %s | %.2f × | %s |\n", row.Operation, row.Holds, row.Ratio, target)
	}
	fmt.Fprintf(&b, "\nMeasured with %s on %s/%s.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if r.Flows > 0 {
		fmt.Fprintf(&b, "\nResident memory in %d ACME flows, %d at a time: at most %d MiB.\n", r.Flows, acmeFlows, r.FlowsPeak/mebibyte)
	}
	if r.Certificates > 0 {
		fmt.Fprintf(&b, "\n| with %d certificates stored | |\n|---|---|\n", r.Certificates)
		fmt.Fprintf(&b, "| resident memory, idle | %d MiB |\n", r.Idle/mebibyte)
		fmt.Fprintf(&b, "| resident memory under load, at most | %d MiB |\n", r.Peak/mebibyte)
		fmt.Fprintf(&b, "| disk per certificate, with its indexes | %.2f KB |\n", r.DiskPerCertificate/1000)
	}
	return b.String()
}
