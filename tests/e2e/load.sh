#!/usr/bin/env bash
# Many Clients at once: log-ins by password, by token and anonymous beside reads, and a trust list that changes meanwhile. Nobody is refused,
# and under a sanitizer nobody is found at fault.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
bench=$(dirname "$keyway")/bench_sessions
echo admin-password >admin
echo alice-password >alice
"$keyway" init D --port 0 --uri urn:test:server --allow-none --allow-anonymous --admin-password-file admin >/dev/null
"$keyway" user add -d D alice --password-file alice --role Operator >/dev/null
start authority "$keyway" authority -c D/keyway.yaml
"$keyway" token -d D --authority "$url" --resource urn:test:server --user alice --password-file alice >token
start server "$keyway" serve -c D/keyway.yaml
secure=(--cert D/own/client.crt --key D/own/client.key --trust D/trust/client)
run() {
    "$bench" "$url" --threads 3 --seconds 2 --values 50 "$@" >"load.$RANDOM$RANDOM.json" 2>>load.err || echo "$*" >>refused
}
run --policy None &
loads=($!)
run --policy Basic256Sha256 --mode encrypt "${secure[@]}" --token-file token &
loads+=($!)
run --policy Aes128_Sha256_RsaOaep --mode sign "${secure[@]}" --user alice --password-file alice &
loads+=($!)
for i in 1 2 3 4 5; do
    "$keyway" cert create -d D --out "other$i" >/dev/null
    "$keyway" cert trust -d D "D/own/other$i.crt" >/dev/null
    "$keyway" user add -d D "user$i" --password-file alice >/dev/null
    kill -HUP "$pid"
done
wait "${loads[@]}"
if [ -e refused ] || grep -q failure load.*.json; then
    echo "somebody was refused:"
    cat refused load.err load.*.json 2>/dev/null
    failures=$((failures + 1))
fi
grep -q '"sessions_per_s"' load.*.json || { echo "nothing was measured"; failures=$((failures + 1)); }
expect 0 "intact" "$keyway" trail check -d D
if grep -E -A30 "WARNING: ThreadSanitizer|ERROR: AddressSanitizer|runtime error" server.log authority.log; then
    failures=$((failures + 1))
fi
kill -TERM "$pid"
code=0
wait "$pid" || code=$?
[ "$code" -eq 0 ] || { echo "the server ended with code $code"; tail -40 server.log; failures=$((failures + 1)); }
verdict
