#!/usr/bin/env bash
# Runs every fuzz target of the module for a while: fuzz.sh [duration]
set -euo pipefail
cd "$(dirname "$0")/.."

duration=${1:-10s}
grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do
  sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$dir"/*_test.go | while read -r target; do
    echo "== $dir $target"
    # By default one minute goes into making one new input smaller.
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$duration" -fuzzminimizetime 50x "$dir"
  done
done
