#!/usr/bin/env bash
# The three ways to an access token (docs/scenarios.md), each between processes that share nothing but certificates that were
# exchanged by hand: a Server, an Authorization Service on two nodes, an Authorization Service of somebody else, and the Client.
# RT-01, RT-04, RT-08, RT-10 … RT-15, AZ-02, AZ-03, AZ-18, AZ-19
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password >admin
echo alice-password >alice
echo wrong-password >wrong
"$keyway" init line --port 0 --uri urn:plant:line --admin-password-file admin >/dev/null
"$keyway" init plant --port 0 --uri urn:plant:gds --allow-anonymous --admin-password-file admin >/dev/null
"$keyway" init partner --port 0 --uri urn:partner:gds --admin-password-file admin >/dev/null
sed 's/allow_anonymous: true/allow_anonymous: false/' plant/keyway.yaml >plant/strict.yaml
start authority "$keyway" authority -c plant/keyway.yaml # takes anonymous Sessions: users go as an argument
authority=$url
start strict "$keyway" authority -c plant/strict.yaml # does not: the Session is the user's
strict=$url
start partner "$keyway" authority -c partner/keyway.yaml
partner=$url

# The Client has a key pair of its own and knows whom it talks to; they know it.
mkdir -p client/trusted/certs
cp plant/own/authority.crt client/trusted/certs/plant.crt
cp partner/own/authority.crt client/trusted/certs/partner.crt
cp line/own/server.crt client/trusted/certs/line.crt
me=(--cert plant/own/client.crt --key plant/own/client.key --trust client)
"$keyway" cert trust -d line plant/own/client.crt >/dev/null
"$keyway" cert trust -d partner plant/own/client.crt >/dev/null

# Out of band: the line is a resource of the plant; the line believes who signs with the plant's certificate.
"$keyway" resource add -d plant urn:plant:line >/dev/null
expect 1 "" "$keyway" token "${me[@]}" --one-step --authority "$strict" --resource urn:plant:line --user alice --password-file alice # nobody knows alice
"$keyway" read "${me[@]}" --json "$authority" 'ns=1;s=AuthorizationService.ServiceUri' 'ns=1;s=AuthorizationService.ServiceCertificate' >service.json
python3 - <<'PY'
import base64, json
uri, certificate = (r["value"] for r in json.load(open("service.json")))
open("service.uri", "w").write(uri)
open("service.crt", "wb").write(base64.b64decode(certificate))
PY
service=$(cat service.uri)
"$keyway" issuer add -d line "$service" --certificate service.crt --authority "$authority" >/dev/null
"$keyway" role grant -d line Operator --claim-role Operator >/dev/null
start line "$keyway" serve -c line/keyway.yaml
line=$url
node='ns=1;s=Machine.Speed'
reads_with() { # a token: good for Anonymous only by $1 = 1
    "$keyway" read "${me[@]}" --token-file "$2" "$line" "$node" >"$work/read" 2>&1 && [ "$1" = 0 ] && return
    [ "$1" = 1 ] && grep -q Bad_UserAccessDenied "$work/read"
}
claim() { # NAME TOKEN: what the token says
    python3 -c 'import base64, json, sys
p = open(sys.argv[2]).read().split(".")[1]
print(json.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4)))[sys.argv[1]])' "$1" "$2"
}
token() { # FILE ARGUMENTS…
    local file=$1
    shift
    "$keyway" token "${me[@]}" --one-step --resource urn:plant:line "$@" >"$file"
}

# --- implicit: the application, and the Session's user -------------------------------------------------------------------------
expect 1 Bad_UserAccessDenied "$keyway" token "${me[@]}" --one-step --resource urn:plant:line --authority "$authority" # no Role for this application
"$keyway" role grant -d plant Operator --application urn:plant:gds:client >/dev/null
token application.token --authority "$authority"
expect 0 urn:plant:gds:client claim sub application.token
expect 0 "" reads_with 0 application.token
"$keyway" role revoke -d plant Operator --application urn:plant:gds:client >/dev/null
"$keyway" user add -d plant alice --password-file alice --role Operator >/dev/null
"$keyway" user add -d plant bob --password-file alice >/dev/null
token alice.token --authority "$strict" --user alice --password-file alice
expect 0 alice claim sub alice.token
expect 0 "$service" claim iss alice.token
expect 0 urn:plant:line claim aud alice.token
expect 0 "\['Operator'\]" claim roles alice.token
expect 0 "" reads_with 0 alice.token
token bob.token --authority "$strict" --user bob --password-file alice
expect 0 "" reads_with 1 bob.token

# --- explicit: the identity is an argument, in each of its kinds -----------------------------------------------------------------
token explicit.token --authority "$authority" --user alice --password-file alice
expect 0 "" reads_with 0 explicit.token
expect 0 '^1200' "$keyway" read "${me[@]}" --authority --user alice --password-file alice "$line" "$node" # as the line says itself
expect 1 Bad_IdentityTokenRejected "$keyway" token "${me[@]}" --one-step --authority "$authority" --resource urn:plant:line --user alice --password-file wrong
for name in dora eve; do
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$name.key" -out "$name.crt" -days 2 -subj "/CN=$name/O=Plant" \
        -addext keyUsage=digitalSignature 2>/dev/null
    chmod 600 "$name.key"
done
dora=(--user-cert dora.crt --user-key dora.key)
expect 1 Bad_IdentityTokenRejected "$keyway" token "${me[@]}" --one-step --authority "$authority" --resource urn:plant:line "${dora[@]}"
"$keyway" cert trust -d plant --users dora.crt >/dev/null
"$keyway" role grant -d plant Operator --thumbprint "$(openssl x509 -in dora.crt -noout -fingerprint -sha1 | sed 's/.*=//; s/://g')" >/dev/null
token dora.token --authority "$authority" "${dora[@]}"
expect 0 "CN=dora" claim sub dora.token
expect 0 "" reads_with 0 dora.token
expect 1 Bad_IdentityTokenRejected "$keyway" token "${me[@]}" --one-step --authority "$authority" --resource urn:plant:line --user-cert dora.crt --user-key eve.key
expect 1 Bad_NotFound "$keyway" token "${me[@]}" --one-step --authority "$authority" --resource urn:no:such "${dora[@]}"

# --- chained: a token of the partner becomes one of the plant ---------------------------------------------------------------------
"$keyway" user add -d partner carol --password-file alice --role Engineer >/dev/null
"$keyway" resource add -d partner urn:plant:gds:authority >/dev/null
"$keyway" token "${me[@]}" --one-step --authority "$partner" --resource urn:plant:gds:authority --user carol --password-file alice >carol.partner
expect 1 Bad_IdentityTokenRejected "$keyway" token "${me[@]}" --one-step --authority "$authority" --resource urn:plant:line --token-file carol.partner
"$keyway" read "${me[@]}" --user carol --password-file alice --json "$partner" 'ns=1;s=AuthorizationService.ServiceCertificate' |
    python3 -c 'import base64, json, sys; sys.stdout.buffer.write(base64.b64decode(json.load(sys.stdin)[0]["value"]))' >partner.crt
"$keyway" issuer add -d plant urn:partner:gds:tokens --certificate partner.crt >/dev/null
token stranger.token --authority "$authority" --token-file carol.partner # believed, without a Role here
expect 0 "" reads_with 1 stranger.token
"$keyway" role grant -d plant Operator --claim-role urn:partner:gds:tokens/Engineer >/dev/null
for node_of_plant in "$authority" "$strict"; do # as an argument, and as the Session's user
    token carol.token --authority "$node_of_plant" --token-file carol.partner
    expect 0 carol claim sub carol.token
    expect 0 "$service" claim iss carol.token
    expect 0 "\['Operator'\]" claim roles carol.token
    expect 0 "" reads_with 0 carol.token
done
expect 1 Bad_IdentityTokenRejected "$keyway" read "${me[@]}" --token-file carol.partner "$line" "$node" # the line knows no partner

# --- explicit and chained once more, in the two steps of StartRequestToken and FinishRequestToken ----------------------------------
# AZ-06, AZ-11, AZ-13, AZ-19: a password, a user certificate, a token of somebody else
for who in "--user alice --password-file alice" "--user-cert dora.crt --user-key dora.key" "--token-file carol.partner"; do
    # shellcheck disable=SC2086
    "$keyway" token "${me[@]}" --resource urn:plant:line --authority "$authority" $who >steps.token
    expect 0 "\\['Operator'\\]" claim roles steps.token
    expect 0 "" reads_with 0 steps.token
done
expect 1 Bad_UserSignatureInvalid "$keyway" token "${me[@]}" --resource urn:plant:line --authority "$authority" --user-cert dora.crt --user-key eve.key

# --- the administrator's word -----------------------------------------------------------------------------------------------------
printf '  require_signed_secrets: true\n  requestors: [urn:plant:gds:client]\n' >more.yaml
sed '/token_lifetime: 3600/r more.yaml' plant/keyway.yaml >plant/signed.yaml
start signed "$keyway" authority -c plant/signed.yaml
token signed.token --authority "$url" --user alice --password-file alice
token signed.token --authority "$url" --token-file carol.partner
expect 1 Bad_IdentityTokenInvalid "$keyway" token "${me[@]}" --one-step --dotnet-secrets --authority "$url" --resource urn:plant:line --user alice --password-file alice
sed 's/urn:plant:gds:client/urn:other/' plant/signed.yaml >plant/others.yaml
start others "$keyway" authority -c plant/others.yaml
expect 1 Bad_UserAccessDenied "$keyway" token "${me[@]}" --one-step --authority "$url" --resource urn:plant:line --user alice --password-file alice

# Nothing secret reached a log, and every node wrote into one trail.
for log in *.log; do
    for secret in alice-password wrong-password "$(cut -d. -f3 carol.partner)" "$(cut -d. -f3 carol.token)"; do
        if grep -qF -- "$secret" "$log"; then
            echo "a secret stands in $log"
            failures=$((failures + 1))
        fi
    done
done
expect 0 intact "$keyway" trail check -d plant
expect 0 intact "$keyway" trail check -d line
verdict
