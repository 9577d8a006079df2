#!/usr/bin/env bash
# IT-03: keys of an issuer that are fetched over HTTPS, by discovery; the issuer changes its key; it goes away.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password >admin
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null
start server "$keyway" serve -c D/keyway.yaml
server=$url
"$keyway" role grant -d D Operator --claim-role op >/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout web.key -out web.crt -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null

cat >idp.py <<'PY'
import base64, http.server, json, ssl, subprocess, sys, time
b64 = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
def key(kid):
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", kid + ".pem"], check=True, stderr=subprocess.DEVNULL)
def jwk(kid):
    out = subprocess.run(["openssl", "rsa", "-in", kid + ".pem", "-noout", "-modulus"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    n = bytes.fromhex(out.decode().strip().split("=")[1])
    return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": b64(n), "e": "AQAB"}
def token(issuer, kid):
    now = int(time.time())
    text = (b64(json.dumps({"alg": "RS256", "kid": kid}).encode()) + "." + b64(json.dumps(
        {"iss": issuer, "sub": "carol", "aud": "urn:test:server", "iat": now, "exp": now + 600, "roles": ["op"]}).encode())).encode()
    return text.decode() + "." + b64(subprocess.run(["openssl", "dgst", "-sha256", "-sign", kid + ".pem"], input=text, stdout=subprocess.PIPE, check=True).stdout)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        issuer = "https://localhost:%d" % self.server.server_port
        if self.path == "/.well-known/openid-configuration":
            body = {"issuer": issuer, "jwks_uri": issuer + "/keys"}
        elif self.path == "/keys":
            body = {"keys": [jwk(kid) for kid in open("published").read().split()]}
        else:
            self.send_error(404)
            return
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *a):
        pass
if sys.argv[1] == "key": key(sys.argv[2])
elif sys.argv[1] == "token": print(token(sys.argv[2], sys.argv[3]))
else:
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("web.crt", "web.key")
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    print("ready https://localhost:%d" % httpd.server_port, flush=True)
    httpd.serve_forever()
PY
python3 idp.py key one
python3 idp.py key two
echo one >published
start idp python3 idp.py serve
issuer=$url
idp=$pid
node='ns=1;s=Machine.Speed'

expect 1 'Bad_' "$keyway" issuer add -d D "$issuer" --discover "$issuer" # nobody vouches for this certificate
expect 1 'Bad_SecurityChecksFailed' "$keyway" issuer add -d D "$issuer/other" --discover "$issuer" --ca-file web.crt
expect 1 'Bad_' "$keyway" issuer add -d D "$issuer" --jwks "$issuer/nothing" --ca-file web.crt
expect 0 'accepted' "$keyway" issuer add -d D "$issuer" --discover "$issuer" --ca-file web.crt
expect 0 'discover' "$keyway" issuer list -d D
python3 idp.py token "$issuer" one >one.jwt
expect 0 '^1200' "$keyway" read -d D --token-file one.jwt "$server" "$node"

# A token with a new key is understood at once, without a word to the Server.
echo two >published
python3 idp.py token "$issuer" two >two.jwt
expect 0 '^1200' "$keyway" read -d D --token-file two.jwt "$server" "$node"
# AS-66: the old key is not published any more.
expect 1 'Bad_IdentityTokenRejected' "$keyway" read -d D --token-file one.jwt "$server" "$node"

# The issuer is away: what was fetched is still good.
kill "$idp"
wait "$idp" 2>/dev/null || true
expect 0 '^1200' "$keyway" read -d D --token-file two.jwt "$server" "$node"
expect 1 'Bad_' "$keyway" issuer add -d D "$issuer" --discover "$issuer" --ca-file web.crt
verdict
