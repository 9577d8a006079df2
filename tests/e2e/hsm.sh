#!/usr/bin/env bash
# The key that seals the signing keys, wrapped by a key that does not leave a PKCS#11 token (SoftHSM).
set -euo pipefail
module=
for library in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so /usr/lib64/softhsm/libsofthsm2.so; do
    [ -z "$module" ] && [ -e "$library" ] && module=$library
done
if [ -z "$module" ] || ! command -v softhsm2-util >/dev/null || ! command -v pkcs11-tool >/dev/null; then
    echo "softhsm2 or opensc is missing" >&2
    exit 1
fi
. "$(dirname "$0")/lib.sh"
cd "$work"
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$work" >softhsm2.conf
export SOFTHSM2_CONF=$work/softhsm2.conf

wrong() {
    echo "FAILED  $1"
    failures=$((failures + 1))
}
key_on_token() { # LABEL
    pkcs11-tool --module "$module" --token-label plant --login --pin 1234 --keygen --key-type AES:32 --label "$1" --sensitive >/dev/null 2>&1
}
set_token() { # MODULE TOKEN KEY
    sed -i '/key_token:/d' D/keyway.yaml
    sed -i "s|^  key_file: .*|&\n  key_token: {module: $1, token: $2, key: $3, pin_file: own/token.pin}|" D/keyway.yaml
}
ask() { "$keyway" token -d D --authority "$authority" --resource urn:test:server --user alice --password-file alice; }
stop_authority() {
    kill "$pid"
    wait "$pid" || true
}

softhsm2-util --init-token --free --label plant --so-pin 5678 --pin 1234 >/dev/null
key_on_token keyway
echo admin-password >admin
echo alice-password >alice
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null
"$keyway" user add -d D alice --password-file alice --role Operator >/dev/null
(umask 077 && echo 1234 >D/own/token.pin)
set_token "$module" plant keyway
expect 0 'is in order' "$keyway" config check -c D/keyway.yaml

# --- from the file to the token, while it runs ----------------------------------------------------------------------------------------
start authority "$keyway" authority -c D/keyway.yaml
authority=$url
ask >/dev/null || wrong "no token with a key that is not wrapped yet"
expect 0 'sealed with the new key' "$keyway" key rewrap -d D
[ "$(grep -cE '^pkcs11:[0-9a-f]{120}$' D/own/store.key)" -eq 1 ] || wrong "the key in the file is not wrapped"
grep -qE '^[0-9a-f]' D/own/store.key && wrong "a key stands in the file as it is"
ask >/dev/null || wrong "no token after the key was wrapped"
expect 0 'signs from now on' "$keyway" key rotate -d D --now
ask >/dev/null || wrong "no token by a key that was made with the token"
stop_authority
start authority "$keyway" authority -c D/keyway.yaml
authority=$url
ask >/dev/null || wrong "no token after a restart"
expect 0 'sealed with the new key' "$keyway" key rewrap -d D
stop_authority

# --- what is wrong is said in one line --------------------------------------------------------------------------------------------------
cp D/own/store.key kept
refused() { # TEXT
    expect 1 "$1" "$keyway" config check -c D/keyway.yaml
    [ "$(wc -l <"$work/out")" -eq 1 ] || wrong "more than one line: $(cat "$work/out")"
    expect 1 "$1" "$keyway" authority -c D/keyway.yaml
}
echo 4321 >D/own/token.pin
refused "Bad_UserAccessDenied: D/own/token.pin: token 'plant' refuses this PIN"
cmp -s kept D/own/store.key || wrong "the key file has changed"
: >D/own/token.pin
refused 'Bad_IdentityTokenInvalid: D/own/token.pin: has no PIN'
echo 1234 >D/own/token.pin
chmod 0644 D/own/token.pin
refused 'Bad_IdentityTokenInvalid: D/own/token.pin.*chmod 600'
chmod 0600 D/own/token.pin
set_token /nowhere/module.so plant keyway
refused 'Bad_ResourceUnavailable: /nowhere/module.so: is no PKCS#11 module'
set_token "$module" other keyway
refused "Bad_NoCommunication: no token is labelled 'other'"
set_token "$module" plant other
refused "Bad_NoEntryExists: token 'plant': has no AES key with the label 'other'"
key_on_token other
refused "Bad_NoMatch: D/own/store.key: key 'other' of token 'plant' does not open it"
key_on_token other
refused "Bad_TooManyMatches: token 'plant': several AES keys"
sed -i '/key_token:/d' D/keyway.yaml
expect 1 'Bad_NotSupported: D/own/store.key: its key is wrapped by a token; say in authority.key_token' "$keyway" authority -c D/keyway.yaml

# --- and back ----------------------------------------------------------------------------------------------------------------------------
set_token "$module" plant keyway
expect 2 'without-token goes with rewrap' "$keyway" key rotate -d D --without-token
expect 0 'sealed with the new key' "$keyway" key rewrap -d D --without-token
[ "$(grep -cE '^[0-9a-f]{64}$' D/own/store.key)" -eq 1 ] || wrong "the key is not in the file"
grep -q pkcs11: D/own/store.key && wrong "the wrapped key is still in the file"
sed -i '/key_token:/d' D/keyway.yaml
start authority "$keyway" authority -c D/keyway.yaml
authority=$url
ask >/dev/null || wrong "no token without the token"
stop_authority
verdict
