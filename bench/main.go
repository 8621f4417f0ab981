package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
)

// options are the flags.
type options struct {
	requests     int // of each operation
	flows        int // of ACME
	connections  int // that are kept alive, one request at a time on each
	certificates int // stored before the last server starts
	revoked      int // stored before the second row of revoke
	http2        bool
	logger       string // format of the access log, "" for none
	json         bool
	markdown     string         // file to update, "" for none
	only         *regexp.Regexp // rows to measure
	dir          string         // for everything that is made; "" for a temporary one
	profile      string         // directory for CPU profiles, "" for none
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) == 1 && args[0] == floorsArgument {
		return printFloors(os.Stdout)
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "bench"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	}
	b := &bench{options: o, binary: filepath.Join(o.dir, "step-ca")}
	if err := b.build(ctx); err != nil {
		return err
	}
	rep, err := b.measure(ctx)
	if err != nil {
		return err
	}
	if o.markdown != "" {
		if err := updateMarkdown(o.markdown, rep); err != nil {
			return err
		}
	}
	if o.json {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "\t")
		return enc.Encode(rep)
	}
	return rep.print(os.Stdout)
}

func parse(args []string) (*options, error) {
	o := new(options)
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.requests, "requests", 4000, "`number` of requests of each operation")
	flags.IntVar(&o.flows, "flows", 2000, "`number` of ACME flows, of which 64 run at a time")
	flags.IntVar(&o.connections, "connections", 16, "`number` of connections, each with one request at a time")
	flags.IntVar(&o.certificates, "certificates", 100_000, "`number` of certificates stored before start-up, memory and disk are measured")
	flags.IntVar(&o.revoked, "revoked", 300_000, "`number` of revoked certificates stored before the second row of POST /revoke")
	flags.BoolVar(&o.http2, "http2", false, "speak HTTP/2 in place of HTTP/1.1")
	flags.StringVar(&o.logger, "logger", "", "`format` of the access log: text, json or common; none by default")
	flags.BoolVar(&o.json, "json", false, "print JSON in place of a table")
	flags.StringVar(&o.markdown, "markdown", "", "`file` whose table is replaced by the ratios of this run")
	only := flags.String("only", "", "`pattern` of the operations to measure, as \"sign|renew\"; all by default")
	flags.StringVar(&o.dir, "dir", "", "`directory` for the CA and its stores, kept; a temporary one by default")
	flags.StringVar(&o.profile, "profile", "", "existing `directory` for a CPU profile of each operation")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if o.requests < 1 || o.connections < 1 || o.flows < 0 || o.certificates < 0 || o.revoked < 0 {
		return nil, errors.New("numbers of requests and connections have to be positive")
	}
	var err error
	o.only, err = regexp.Compile(*only)
	return o, err
}

// progress tells whoever waits what is being done.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
