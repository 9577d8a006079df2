#!/usr/bin/env bash
# The keys that sign access tokens: rotation and revocation without a restart of anything, sealed in the store.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password >admin
echo alice-password >alice
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null
"$keyway" user add -d D alice --password-file alice --role Operator >/dev/null
start authority "$keyway" authority -c D/keyway.yaml
authority=$url
authority_pid=$pid
start server "$keyway" serve -c D/keyway.yaml
server=$url
node='ns=1;s=Machine.Speed'

wrong() {
    echo "FAILED  $1"
    failures=$((failures + 1))
}
ask() { "$keyway" token -d D --authority "$authority" --resource urn:test:server --user alice --password-file alice; }
kid() { { cut -d. -f1 "$1" | tr '_-' '/+' | base64 -d 2>/dev/null || true; } | sed -n 's/.*"kid":"\([^"]*\)".*/\1/p'; } # the padding is missing
active() { "$keyway" key list -d D | awk '$3 == "active" {print $1}'; }
read_with() { "$keyway" read -d D --token-file "$1" "$server" "$node"; }
# until_done COMMAND…: what was changed is taken up within a second
until_done() {
    local tries=300
    until "$@" >"$work/out" 2>&1; do
        tries=$((tries - 1))
        read -r -t 0.05 <> <(:) || true
        [ "$tries" -gt 0 ] || { wrong "$*:"; cat "$work/out"; return; }
    done
}
is_refused() { ! "$@"; }

# --- rotation --------------------------------------------------------------------------------------------------------------------
first=$(active)
ask >first.token
[ "$(kid first.token)" = "$first" ] || wrong "a token is not signed by the active key"
expect 0 'is published; it signs from' "$keyway" key rotate -d D
ask >still.token
[ "$(kid still.token)" = "$first" ] || wrong "the next key signs before its time"
expect 0 'signs from now on' "$keyway" key rotate -d D --now
second=$(active)
[ "$second" != "$first" ] || wrong "the key is the same"
ask >second.token
[ "$(kid second.token)" = "$second" ] || wrong "a token is not signed by the new key"
expect 0 '^1200' read_with second.token
expect 0 '^1200' read_with first.token
expect 0 '"state": "retired"' "$keyway" key list -d D --json
expect 0 '"sealed": true' "$keyway" key list -d D --json
grep -q '"sealed": false' "$work/out" && wrong "a key is not sealed"

# --- revocation, with a Session that stands ---------------------------------------------------------------------------------------
timeout 60 "$keyway" watch -d D --token-file second.token "$server" "$node" >watched 2>watch.log &
watcher=$!
children+=("$watcher")
until_done grep -q 1200 watched
expect 0 'is revoked' "$keyway" key revoke -d D "$second"
until_done is_refused read_with second.token
expect 1 'Bad_IdentityTokenRejected' read_with second.token
expect 0 '^1200' read_with first.token # of a key that was not revoked
until_done is_refused grep -q "$second" <("$keyway" issuer list -d D --json)
if wait "$watcher"; then
    wrong "a Session outlives the key that it was let in by"
fi
expect 0 'Bad_SessionIdInvalid: the server has ended the Session' cat watch.log
ask >third.token
[ "$(kid third.token)" = "$(active)" ] || wrong "the key that took its place does not sign"
expect 0 '^1200' read_with third.token

# --- at rest ----------------------------------------------------------------------------------------------------------------------
expect 0 'signing keys are sealed with the new key' "$keyway" key rewrap -d D
[ "$(grep -c '^[0-9a-f]' D/own/store.key)" -eq 1 ] || wrong "the former key is still in the file"
ask >fourth.token
expect 0 '^1200' read_with fourth.token
if grep -aqF 'PRIVATE KEY' D/keyway.db D/keyway.db-*; then
    wrong "a private key stands in the store"
fi
kill "$authority_pid"
wait "$authority_pid" || true
cp D/own/store.key kept
head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >D/own/store.key
expect 1 'Bad_SecurityChecksFailed: D/own/store.key: this key does not open the signing keys' "$keyway" authority -c D/keyway.yaml
expect 1 'Bad_SecurityChecksFailed' "$keyway" key rotate -d D --now
rm D/own/store.key
expect 1 'Bad_NotFound: D/own/store.key: is missing; put back' "$keyway" authority -c D/keyway.yaml
cp kept D/own/store.key
chmod 0644 D/own/store.key
expect 1 'Bad_NotReadable: D/own/store.key.*chmod 600' "$keyway" authority -c D/keyway.yaml
chmod 0600 D/own/store.key
sed -i.bak '/key_file:/d' D/keyway.yaml
expect 1 'Bad_ConfigurationError: the signing keys in the store are sealed; set authority.key_file' "$keyway" authority -c D/keyway.yaml
expect 1 'authority.key_file is not set' "$keyway" key rewrap -d D
sed 's|key_file: .*|key_credential: signing|' D/keyway.yaml.bak >D/keyway.yaml
expect 1 'LoadCredential=signing:FILE' "$keyway" authority -c D/keyway.yaml
mkdir credentials
mv D/own/store.key credentials/signing
start authority env CREDENTIALS_DIRECTORY="$work/credentials" "$keyway" authority -c D/keyway.yaml
authority=$url
ask >fifth.token
expect 0 '^1200' read_with fifth.token
expect 0 "intact" "$keyway" trail check -d D
verdict
