package cli

import (
	"encoding/json"
	"fmt"
	"html"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// visitPages calls do for the command and all below it that help shows, with
// the words of the command but for the first, "step".
func visitPages(cmd *cobra.Command, do func(words []string, cmd *cobra.Command) error) error {
	if err := do(strings.Fields(cmd.CommandPath())[1:], cmd); err != nil {
		return err
	}
	for _, sub := range visibleCommands(cmd) {
		if err := visitPages(sub, do); err != nil {
			return err
		}
	}
	return nil
}

// exportMarkdown writes README.mdx for each command into the directory of its words.
func exportMarkdown(root *cobra.Command, dir string) error {
	return visitPages(root, func(words []string, cmd *cobra.Command) error {
		page := newPage(cmd)
		return writePage(dir, words, "README.mdx", append(page.frontMatter(cmd), page.markdown()...))
	})
}

// exportHTML writes index.html for each command into the directory of its
// words, and style.css beside the first.
func exportHTML(root *cobra.Command, dir string, report bool) error {
	err := visitPages(root, func(words []string, cmd *cobra.Command) error {
		up := strings.Repeat("../", len(words))
		return writePage(dir, words, "index.html", newPage(cmd).html(func(sub string) string {
			return sub + "/index.html"
		}, up+"style.css"))
	})
	if err == nil {
		err = writePage(dir, nil, "style.css", []byte(styleSheet))
	}
	if err == nil && report {
		err = exportReport(root, dir)
	}
	return err
}

// exportMan writes a manual page for each command, step-ca-token.1 for step ca token.
func exportMan(root *cobra.Command, dir string) error {
	return visitPages(root, func(words []string, cmd *cobra.Command) error {
		page := newPage(cmd)
		return writePage(dir, nil, strings.ReplaceAll(page.Name, " ", "-")+".1", page.man())
	})
}

// exportReport writes report.json, which says how much each page tells.
func exportReport(root *cobra.Command, dir string) error {
	type entry struct {
		Command  string   `json:"command"`
		Name     string   `json:"name"`
		Text     string   `json:"text"`
		Words    int      `json:"words"`
		Lines    int      `json:"lines"`
		Sections []string `json:"sections"`
	}
	var report struct {
		Report []entry `json:"report"`
	}
	err := visitPages(root, func(_ []string, cmd *cobra.Command) error {
		page := newPage(cmd)
		text := string(page.text(false))
		report.Report = append(report.Report, entry{
			page.Name, cmd.Name(), text, len(strings.Fields(text)), strings.Count(text, "\n"), page.titles(),
		})
		return nil
	})
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return writePage(dir, nil, "report.json", append(b, '\n'))
}

func writePage(dir string, words []string, name string, data []byte) error {
	dir = filepath.Join(append([]string{dir}, words...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return FileError(err)
	}
	return FileError(os.WriteFile(filepath.Join(dir, name), data, 0o644))
}

// serveHelp serves the pages until the process ends.
func (env *Env) serveHelp(root *cobra.Command, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("cannot serve help: %w; use another address with '--http'", err)
	}
	fmt.Fprintf(env.Stdout, "Serving HTTP on %s ...\n", listener.Addr())
	server := &http.Server{Handler: helpHandler(root), ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}

// helpHandler answers /ca/certificate with the page of step ca certificate.
func helpHandler(root *cobra.Command) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Write([]byte(styleSheet))
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		cmd := root
		for _, word := range strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' }) {
			if cmd = subcommand(cmd, word); cmd == nil {
				http.NotFound(w, r)
				return
			}
		}
		base := "/" + strings.Join(strings.Fields(cmd.CommandPath())[1:], "/")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(newPage(cmd).html(func(sub string) string {
			return html.EscapeString(strings.TrimSuffix(base, "/") + "/" + sub)
		}, "/style.css"))
	})
	return mux
}
