#!/usr/bin/env bash
# Installs the Debian packages in .ci/packages that are missing. Without root or
# apt-get it names them: tests that need one are skipped, or fail if CI is set. And
# it builds Pebble, the ACME server of Let's Encrypt for tests, from the tools' module.
set -euo pipefail
cd "$(dirname "$0")/.."

# again runs a command, in CI up to four times: a mirror may be slow, or a machine
# that has just started may be updating itself.
again() {
  for pause in ${CI:+10 30 60}; do
    "$@" && return
    echo "Failed; again in $pause seconds: $*" >&2
    sleep "$pause"
  done
  "$@"
}

apt() { apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 --quiet "$@"; }

if ! again go tool -modfile=tools/go.mod -n pebble >/dev/null; then
  echo "Pebble cannot be built; its tests cannot run" >&2
  [ -z "${CI:-}" ] || exit 1
fi

missing=()
for package in $(sed 's/#.*//' .ci/packages); do
  status=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Missing packages, whose tests cannot run: ${missing[*]}" >&2
  echo "On Debian, as root: apt-get install --no-install-recommends ${missing[*]}" >&2
  [ -z "${CI:-}" ] || exit 1
  exit 0
fi

# Tests start what they need on ports of their own; no service of a package is to run.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
again apt update || echo "Installing with the lists of packages that are there" >&2
again apt install --yes --no-install-recommends "${missing[@]}"
