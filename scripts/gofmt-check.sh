#!/usr/bin/env bash
# Names the Go files that gofmt would change, and fails if there are any.
set -euo pipefail

files=$(gofmt -l .)
if [ -n "$files" ]; then
  printf 'not formatted, run gofmt -w on:\n%s\n' "$files" >&2
  exit 1
fi
