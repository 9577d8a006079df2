#!/usr/bin/env bash
# SIGHUP: a new certificate for HTTPS, while a connection stands; a broken one changes nothing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password-2026 >admin
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null
certificate() { # SERIAL
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost \
        -days 2 -set_serial "$1" -keyout "$work/new.key" -out "$work/new.crt" 2>/dev/null
    chmod 0600 new.key
}
certificate 11
mv new.crt D/own/web.crt
mv new.key D/own/web.key
sed -i 's|^https:|&\n  certificate: own/web.crt\n  key: own/web.key|' D/keyway.yaml
start authority "$keyway" authority -c D/keyway.yaml
read -r -t 60 -u "$pipe" issuer
port=${issuer##*:}

# hold.py PORT: a connection that stands; for each line on stdin a request on it: prints its status
cat >hold.py <<'PY'
import http.client, ssl, sys
context = ssl._create_unverified_context()
connection = http.client.HTTPSConnection("localhost", int(sys.argv[1]), context=context, timeout=60)
connection.connect()
standing = connection.sock
for _ in sys.stdin:
    connection.request("GET", "/jwks")
    answer = connection.getresponse()
    answer.read()
    print(answer.status, "same" if connection.sock is standing else "another", flush=True)
PY
mkfifo asked
python3 hold.py "$port" <asked >held &
children+=("$!")
exec {asked}>asked
held() { # COUNT: so many answers came on the connection that stands
    echo >&"$asked"
    expect 0 "" timeout 60 bash -c "until [ \$(grep -c '^200 same$' held) -eq $1 ]; do read -r -t 0.05 <> <(:) || true; done"
}
shows() { # SERIAL: what a new connection is shown
    expect 0 "serial=$1" bash -c "openssl s_client -connect localhost:$port </dev/null 2>/dev/null | openssl x509 -noout -serial"
}
hang_up() { # COUNT TEXT: and wait until that was logged so often
    kill -HUP "$pid"
    expect 0 "" timeout 60 bash -c "until [ \$(grep -c '$2' authority.log) -eq $1 ]; do read -r -t 0.05 <> <(:) || true; done"
}
held 1
shows 0B
certificate 12
mv new.crt D/own/web.crt
mv new.key D/own/web.key
hang_up 1 'https certificate taken'
held 2
shows 0C
certificate 13
mv new.crt D/own/web.crt # without its key
hang_up 1 'https certificate kept.*web.key.*does not belong to this key'
held 3
shows 0C
echo nonsense >D/own/web.crt
hang_up 1 'https certificate kept.*web.crt.*not a certificate'
shows 0C
certificate 14
mv new.crt D/own/web.crt
mv new.key D/own/web.key
hang_up 2 'https certificate taken'
held 4
shows 0E
verdict
