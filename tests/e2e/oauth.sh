#!/usr/bin/env bash
# OAuth 2.0 over HTTPS, as curl sees it: metadata, keys, tokens for programs that a Server believes, and what is refused.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password-2026 >admin
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null
start server "$keyway" serve -c D/keyway.yaml
server=$url
start authority "$keyway" authority -c D/keyway.yaml
authority=$pid
read -r word issuer <&"$pipe"
[ "$word" = issuer ]

"$keyway" client add -d D robot --application urn:test:robot --json >robot.json
"$keyway" client add -d D other --grant client_credentials --resource urn:elsewhere >/dev/null
"$keyway" role grant -d D Operator --application urn:test:robot >/dev/null
secret() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["clientSecret"])' "$1"; }
ask() { curl -sS --cacert D/own/authority.crt -w '\n%{http_code}\n' "$@"; }

expect 0 "\"issuer\":\"$issuer\"" ask "$issuer/.well-known/openid-configuration"
expect 0 "\"token_endpoint\":\"$issuer/token\"" ask "$issuer/.well-known/oauth-authorization-server"
expect 0 '"kty":"RSA"' ask "$issuer/jwks"
expect 0 '^404$' ask "$issuer/elsewhere"
expect 0 '^405$' ask "$issuer/token"

# a token for a program, and the Role that its application has
ask -u "robot:$(secret robot.json)" -d grant_type=client_credentials "$issuer/token" | head -1 >answer
python3 -c 'import json; print(json.load(open("answer"))["access_token"])' >token
expect 0 '"roles": \["Operator"\]' python3 -c '
import base64, json
print(json.dumps(json.loads(base64.urlsafe_b64decode(open("token").read().split(".")[1] + "=="))))'
expect 1 "" "$keyway" read -d D "$server" "ns=1;s=Machine.Speed"
expect 0 '^[0-9]' "$keyway" read -d D --token-file token "$server" "ns=1;s=Machine.Speed"
# the same with the secret in the content
expect 0 access_token ask -d grant_type=client_credentials -d client_id=robot --data-urlencode "client_secret=$(secret robot.json)" "$issuer/token"

# a client that TLS has shown: its token is bound to its certificate
openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.crt -days 2 -subj /CN=bound 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout else.key -out else.crt -days 2 -subj /CN=bound 2>/dev/null
"$keyway" client add -d D bound --certificate tls.crt >/dev/null
bound() { ask "$@" -d grant_type=client_credentials -d client_id=bound "$issuer/token"; }
bound --cert tls.crt --key tls.key | head -1 >answer
expect 0 'x5t#S256' python3 -c '
import base64, json
print(base64.urlsafe_b64decode(json.load(open("answer"))["access_token"].split(".")[1] + "=="))'
expect 0 'invalid_client' bound
expect 0 'invalid_client' bound --cert else.crt --key else.key
python3 -c 'import json; print(json.load(open("answer"))["access_token"])' >bound.token
expect 1 Bad_IdentityTokenRejected "$keyway" read -d D --token-file bound.token "$server" "ns=1;s=Machine.Speed" # the channel has another certificate

# refused
expect 0 'invalid_client' ask -u robot:wrong -d grant_type=client_credentials "$issuer/token"
expect 0 '^401$' ask -u nobody:wrong -d grant_type=client_credentials "$issuer/token"
expect 0 'unsupported_grant_type' ask -u "robot:$(secret robot.json)" -d grant_type=password "$issuer/token"
expect 0 'invalid_request' ask -u "robot:$(secret robot.json)" -d grant_type=client_credentials -d grant_type=client_credentials "$issuer/token"
expect 0 'invalid_request' ask -u "robot:$(secret robot.json)" -H 'Content-Type: application/json' -d '{}' "$issuer/token"
expect 0 'invalid_target' ask -u "robot:$(secret robot.json)" -d grant_type=client_credentials -d resource=urn:none "$issuer/token"
expect 0 'invalid_request' ask -u "robot:$(secret robot.json)" -d grant_type=client_credentials -d client_secret=x "$issuer/token"

# given back: no Server takes it any more
expect 0 '^200$' ask -u "robot:$(secret robot.json)" --data-urlencode "token=$(cat token)" "$issuer/revoke"
expect 1 Bad_IdentityTokenRejected "$keyway" read -d D --token-file token "$server" "ns=1;s=Machine.Speed"

# removed: at once
"$keyway" client remove -d D robot >/dev/null
expect 0 'invalid_client' ask -u "robot:$(secret robot.json)" -d grant_type=client_credentials "$issuer/token"
expect 0 'TokenIssued' "$keyway" trail list -d D
expect 1 "" grep -q "$(secret robot.json)" authority.log
kill "$authority"
wait "$authority"
verdict
