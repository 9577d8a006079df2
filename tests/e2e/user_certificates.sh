#!/usr/bin/env bash
# Users who prove themselves by a certificate: their own trust list, their own key, Roles by thumbprint and by subject.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password >admin
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null
start server "$keyway" serve -c D/keyway.yaml
node='ns=1;s=Machine.Speed'
for name in dora eve; do
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$name.key" -out "$name.crt" -days 2 -subj "/CN=$name/O=Plant" \
        -addext keyUsage=digitalSignature 2>/dev/null
    chmod 600 "$name.key"
done
dora=(--user-cert dora.crt --user-key dora.key)

expect 1 Bad_IdentityTokenRejected "$keyway" read -d D "${dora[@]}" "$url" i=2259
expect 0 "rejected" "$keyway" cert list -d D --users
expect 0 "trusted" "$keyway" cert trust -d D --users dora.crt
expect 0 '^0' "$keyway" read -d D "${dora[@]}" "$url" i=2259
expect 1 Bad_UserAccessDenied "$keyway" read -d D "${dora[@]}" "$url" "$node"
thumbprint=$(openssl x509 -in dora.crt -noout -fingerprint -sha1 | sed 's/.*=//; s/://g')
expect 0 granted "$keyway" role grant -d D Operator --thumbprint "$thumbprint"
expect 0 '^1200' "$keyway" read -d D "${dora[@]}" "$url" "$node"
expect 0 revoked "$keyway" role revoke -d D Operator --thumbprint "$thumbprint"
expect 1 Bad_UserAccessDenied "$keyway" read -d D "${dora[@]}" "$url" "$node"

# Somebody else's key, somebody who is not trusted, an application's certificate, and one that was trusted before.
expect 1 "Bad_UserSignatureInvalid|Bad_IdentityTokenRejected" "$keyway" read -d D --user-cert dora.crt --user-key eve.key "$url" i=2259
expect 1 Bad_IdentityTokenRejected "$keyway" read -d D --user-cert eve.crt --user-key eve.key "$url" i=2259
expect 1 Bad_IdentityTokenRejected "$keyway" read -d D --user-cert D/own/client.crt --user-key D/own/client.key "$url" i=2259
expect 0 "no longer trusted" "$keyway" cert reject -d D --users dora.crt
expect 1 Bad_IdentityTokenRejected "$keyway" read -d D "${dora[@]}" "$url" i=2259
verdict
