#!/usr/bin/env bash
# Shows a CA at work on this machine, with nothing but the programs in the given
# directory: init, certificate, HTTPS, renewal, revocation. What it makes lies in
# a temporary directory. Exit code 0 means that all of it went as it should.
set -euo pipefail

exec 2>&1 # one story, in order
PATH="$(cd "${1:-bin}" && pwd):$PATH"
demo=$(mktemp -d "${TMPDIR:-/tmp}/step-demo.XXXXXX")
started=()

# stop ends the programs that were started and waits for them.
stop() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  started=()
}
trap 'stop; rm -rf "$demo"' EXIT

say()  { printf '\n# %s\n' "$*"; }
show() { printf '$ %s\n' "$*"; }
run()  { show "$@"; "$@"; }
die()  { printf 'demo: %s\n' "$*"; exit 1; }

# freeport prints a port of loopback that nobody listens on.
freeport() {
  local port
  while port=$((20000 + RANDOM % 12000)); do
    (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# await waits for a line in a log and prints what its pattern captures.
await() {
  local log=$1 pattern=$2 found
  for _ in $(seq 100); do
    found=$(sed -nE "s|.*$pattern.*|\\1|p" "$log" | head -n 1)
    [ -z "$found" ] || { printf '%s\n' "$found"; return; }
    sleep 0.1
  done
  cat "$log"
  return 1
}

cd "$demo"
unset STEP_CA_URL STEP_ROOT STEP_FINGERPRINT
(umask 077; echo 'a long password, known to the demo only' >password)

say "A certificate authority: root, intermediate, configuration, database"
export STEPPATH="$demo/authority"
port=$(freeport)
run step ca init --name Demo --dns localhost --address "127.0.0.1:$port" \
  --provisioner admin --password-file password
fingerprint=$(step certificate fingerprint "$STEPPATH/certs/root_ca.crt")

say "Its server, on a free port of this machine"
show step-ca --password-file password "&"
step-ca --password-file password 2>ca.log &
started+=($!)
await ca.log '(Serving HTTPS)' >/dev/null || die "the server did not start"
url=https://localhost:$port

say "Another machine, which knows where the CA is and the fingerprint of its root"
export STEPPATH="$demo/client"
run step ca bootstrap --ca-url "$url" --fingerprint "$fingerprint"
run step ca health

say "A token for one certificate, from somebody who knows the password ..."
show "token=\$(step ca token localhost --provisioner admin --provisioner-password-file password)"
token=$(step ca token localhost --provisioner admin --provisioner-password-file password)
say "... and the certificate, for whoever holds the token"
show step ca certificate localhost localhost.crt localhost.key --token '"$token"'
step ca certificate localhost localhost.crt localhost.key --token "$token"
run step certificate inspect --short localhost.crt

say "The token worked once"
show step ca certificate localhost again.crt again.key --token '"$token"'
if step ca certificate localhost again.crt again.key --token "$token"; then die "a spent token gave a certificate"; fi

say "A web server with it"
mkdir page
echo 'Hello from a page whose certificate your own CA issued.' >page/index.html
show step fileserver page --address 127.0.0.1:0 --cert localhost.crt --key localhost.key "&"
step fileserver page --address 127.0.0.1:0 --cert localhost.crt --key localhost.key >web.log 2>&1 &
started+=($!)
web=$(await web.log '127\.0\.0\.1:([1-9][0-9]*)') || die "the web server did not start"
run step certificate verify "https://localhost:$web" --roots "$STEPPATH/certs/root_ca.crt"
if command -v curl >/dev/null; then
  run curl --silent --show-error --fail --cacert "$STEPPATH/certs/root_ca.crt" "https://localhost:$web/" | tee page.log
  grep -q 'your own CA' page.log || die "this is not the page"
fi

say "A renewal: the certificate itself is the proof"
before=$(step certificate fingerprint localhost.crt)
run step ca renew --force localhost.crt localhost.key
[ "$before" != "$(step certificate fingerprint localhost.crt)" ] || die "the certificate is still the old one"

say "A revocation, after which there is no renewal"
run step ca revoke --cert localhost.crt --key localhost.key --reason demonstration
show step ca renew --force localhost.crt localhost.key
if step ca renew --force localhost.crt localhost.key; then die "a revoked certificate was renewed"; fi

say "The end"
ca=${started[0]}
kill "$ca"
wait "$ca" || die "the server ended with exit code $?"
started=("${started[@]:1}")
stop
echo "All of it went as it should."
