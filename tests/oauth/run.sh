#!/usr/bin/env bash
# OAuth 2.0 and OpenID Connect with the libraries that others use: openid-client and jose. KEYWAY is the program under test.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../e2e/lib.sh"

. "$here/prepare.sh"
cd "$work"
echo admin-password-2026 >admin
echo alice-password >alice
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null
"$keyway" user add -d D alice --password-file alice --role Operator >/dev/null
start authority "$keyway" authority -c D/keyway.yaml
read -r _ issuer <&"$pipe"
export NODE_EXTRA_CA_CERTS=$work/D/own/authority.crt KEYWAY_DIR=$work/D ISSUER=$issuer KEYWAY=$keyway

node "$here/keys.mjs" signer
"$keyway" client add -d D by-secret --application urn:test:robot --json >secret.json
"$keyway" client add -d D by-key --jwks signer.jwks --application urn:test:robot >/dev/null
for alg in ES384 EdDSA; do
    node "$here/keys.mjs" "$alg" "$alg"
    "$keyway" client add -d D "by-$alg" --jwks "$alg.jwks" --application urn:test:robot >/dev/null
done
"$keyway" client add -d D looker --introspect --json >looker.json
"$keyway" role grant -d D Operator --application urn:test:robot >/dev/null
node "$here/programs.mjs"
"$keyway" client add -d D desk --public --name "The <desk>" --grant authorization_code --grant refresh_token --redirect http://127.0.0.1/back >/dev/null
node "$here/users.mjs"
"$keyway" client add -d D panel --public --grant urn:ietf:params:oauth:grant-type:device_code >/dev/null
node "$here/devices.mjs"
"$keyway" resource add -d D urn:test:gateway >/dev/null
"$keyway" resource add -d D urn:test:behind >/dev/null
"$keyway" client add -d D gateway --application urn:test:gateway --resource urn:test:behind \
    --grant urn:ietf:params:oauth:grant-type:token-exchange --json >gateway.json
"$keyway" token -d D --authority "$url" --resource urn:test:gateway --user alice --password-file alice >for-gateway
"$keyway" token -d D --authority "$url" --resource urn:test:server --user alice --password-file alice >for-other
node "$here/gateway.mjs"
