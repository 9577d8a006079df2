#!/usr/bin/env bash
# Tokens that must not open a Session: expired, for another audience, from another issuer, alg none or HS256, one bit changed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password >admin
echo alice-password >alice
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null
"$keyway" user add -d D alice --password-file alice --role Operator >/dev/null
"$keyway" user add -d D bob --password-file alice >/dev/null
printf '\nguessing:\n  delay_after: 1000\n  lockout_after: 1000\n' >>D/keyway.yaml # one Client fails here all the time
start authority "$keyway" authority -c D/keyway.yaml
authority=$url
start server "$keyway" serve -c D/keyway.yaml
server=$url
node='ns=1;s=Machine.Speed'

# The real way, three times: through the server's own hint, with a URL, and by hand.
expect 0 '^1200' "$keyway" read -d D --authority --user alice --password-file alice "$server" "$node"
expect 0 '^1200' "$keyway" read -d D --authority "$authority" --user alice --password-file alice "$server" "$node"
"$keyway" token -d D --authority "$authority" --resource urn:test:server --user alice --password-file alice >token
expect 0 '^1200' "$keyway" read -d D --token-file token "$server" "$node"
expect 1 Bad_NotFound "$keyway" token -d D --authority "$authority" --resource urn:unknown --user alice --password-file alice
expect 1 Bad_UserAccessDenied "$keyway" token -d D --authority "$authority" --resource urn:test:server --user alice --password-file admin
"$keyway" token -d D --authority "$authority" --resource urn:test:server --user bob --password-file alice >bob.token
expect 1 Bad_UserAccessDenied "$keyway" read -d D --token-file bob.token "$server" "$node"
expect 0 '^0' "$keyway" read -d D --token-file bob.token "$server" i=2259

# Tokens of a second issuer, made by openssl: first a good one, then each with one thing wrong.
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out issuer.pem 2>/dev/null
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out stranger.pem 2>/dev/null
openssl pkey -in issuer.pem -pubout -out issuer.pub
openssl req -x509 -new -key issuer.pem -subj /CN=issuer -days 2 -out issuer.crt 2>/dev/null
cat >mint.py <<'PY'
import base64, hmac, json, subprocess, sys, time
kind = sys.argv[1]
b64 = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
now = int(time.time())
header = {"alg": "RS256", "typ": "JWT"}
claims = {"iss": "urn:test:issuer", "sub": "carol", "aud": "urn:test:server", "iat": now, "nbf": now, "exp": now + 600, "roles": ["op"]}
key = "issuer.pem"
if kind == "expired": claims.update(iat=now - 7200, nbf=now - 7200, exp=now - 3600)
elif kind == "early": claims.update(nbf=now + 3600)
elif kind == "audience": claims["aud"] = "urn:test:server:other"
elif kind == "issuer": claims["iss"] = "urn:test:stranger"
elif kind == "stranger": key = "stranger.pem"
elif kind in ("none", "None", "nOnE"): header["alg"] = kind
elif kind == "hs256": header["alg"] = "HS256"
elif kind == "nosub": del claims["sub"]
elif kind == "noexp": del claims["exp"]
elif kind == "crit": header["crit"] = ["exp"]
elif kind == "jwk": header["jwk"] = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}; key = "stranger.pem"
text = (b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())).encode()
if kind in ("none", "None", "nOnE"): signature = b""
elif kind == "hs256": signature = hmac.new(open("issuer.pub", "rb").read(), text, "sha256").digest()
else: signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text, stdout=subprocess.PIPE, check=True).stdout
if kind == "flip": signature = bytes([signature[0] ^ 1]) + signature[1:]
print(text.decode() + "." + b64(signature))
PY
refused='Bad_IdentityToken(Rejected|Invalid)'
python3 mint.py good >good.token
expect 1 Bad_IdentityTokenRejected "$keyway" read -d D --token-file good.token "$server" i=2259 # nobody trusts this issuer yet
expect 0 "accepted" "$keyway" issuer add -d D urn:test:issuer --certificate issuer.crt
expect 0 '^0' "$keyway" read -d D --token-file good.token "$server" i=2259
expect 1 Bad_UserAccessDenied "$keyway" read -d D --token-file good.token "$server" "$node"
expect 0 "" "$keyway" role grant -d D Operator --claim-role urn:test:issuer/op
expect 0 '^1200' "$keyway" read -d D --token-file good.token "$server" "$node"
# JW-02, JW-03, JW-04, JW-06, JW-10, IT-03: unsigned, expired, for another audience, of another issuer, by an algorithm or a key that is not ours
for kind in expired early audience issuer stranger none None nOnE hs256 jwk flip; do
    python3 mint.py "$kind" >"$kind.token"
    expect 1 Bad_IdentityTokenRejected "$keyway" read -d D --token-file "$kind.token" "$server" i=2259
done
# JW-05: without sub, exp, or with an extension that nobody knows
for kind in nosub noexp crit; do
    python3 mint.py "$kind" >"$kind.token"
    expect 1 "$refused" "$keyway" read -d D --token-file "$kind.token" "$server" i=2259
done
echo rubbish >rubbish.token
expect 1 Bad_IdentityTokenInvalid "$keyway" read -d D --token-file rubbish.token "$server" i=2259
expect 1 "$refused" "$keyway" read -d D --legacy-token --token-file good.token "$server" i=2259 # the old block: off
expect 0 "" "$keyway" issuer remove -d D urn:test:issuer
expect 1 Bad_IdentityTokenRejected "$keyway" read -d D --token-file good.token "$server" i=2259

# A user that is disabled, a key that is rotated, a Client that is no longer trusted: taken up without a restart.
"$keyway" key rotate -d D --now >/dev/null
expect 0 '^1200' "$keyway" read -d D --token-file token "$server" "$node" # of the former key
expect 0 '^1200' "$keyway" read -d D --authority --user alice --password-file alice "$server" "$node"
"$keyway" user disable -d D alice >/dev/null
expect 1 Bad_UserAccessDenied "$keyway" read -d D --user alice --password-file alice "$server" "$node"
"$keyway" cert reject -d D D/own/client.crt >/dev/null
expect 1 Bad_SecurityChecksFailed "$keyway" read -d D --user bob --password-file alice "$server" i=2259
"$keyway" cert trust -d D D/own/client.crt >/dev/null
expect 0 '^0' "$keyway" read -d D --user bob --password-file alice "$server" i=2259

# Nothing secret reached a log.
for secret in alice-password admin-password "$(cut -d. -f3 token)"; do
    if grep -qF -- "$secret" server.log authority.log; then
        echo "a secret stands in a log"
        failures=$((failures + 1))
    fi
done
expect 0 "intact" "$keyway" trail check -d D
verdict
