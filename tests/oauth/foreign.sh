#!/usr/bin/env bash
# A Server that takes the tokens of oidc-provider by its JWKS, and goes on when the provider changes its keys.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../e2e/lib.sh"
. "$here/prepare.sh"
cd "$work"
echo adminpw-2026 >admin
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null
sed -i 's/^identity:/identity:\n  issuer_refresh: 30/' D/keyway.yaml
openssl req -x509 -newkey rsa:2048 -nodes -keyout web.key -out web.crt -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
start provider node "$here/provider.mjs" web.key web.crt
provider=$url
start server "$keyway" serve -c D/keyway.yaml
server=$url
"$keyway" role grant -d D Operator --claim-role "$provider/op" >/dev/null
"$keyway" issuer add -d D "$provider" --discover "$provider" --ca-file web.crt >/dev/null

token() {
    curl -sS --cacert web.crt -u carol:carol-secret -d grant_type=client_credentials "$provider/token" |
        python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])' >"$1"
}
reads() { "$keyway" read -d D --token-file "$1" "$server" 'ns=1;s=Machine.Speed'; }

token first
expect 0 '^[0-9]' reads first
curl -sS --cacert web.crt -X POST "$provider/rotate" >/dev/null
token second
# The new key is looked for when it is needed, though not at once after the last look: try again for a minute.
for _ in $(seq 60); do
    reads second >/dev/null 2>&1 && break
    sleep 1
done
expect 0 '^[0-9]' reads second
expect 0 '^[0-9]' reads first
verdict
