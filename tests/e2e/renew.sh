#!/usr/bin/env bash
# One who stays: over several lives of his access token and over connections that are cut.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
cd "$work"
echo admin-password >admin
echo alice-password >alice
"$keyway" init D --port 0 --uri urn:test:server --host localhost --host 127.0.0.1 --host 127.0.0.2 --admin-password-file admin >/dev/null
"$keyway" user add -d D alice --password-file alice --role Operator >/dev/null
sed -i "s/^  listen:.*/  listen: [\"127.0.0.1\"]/" D/keyway.yaml
sed -i 's/token_lifetime: 3600/token_lifetime: 10/' D/keyway.yaml
start authority "$keyway" authority -c D/keyway.yaml
authority=$url
start server "$keyway" serve -c D/keyway.yaml
port=${url##*:}
port=${port%%/*}
node='ns=1;s=Machine.Speed'

# In front of the server; SIGUSR1 cuts every connection.
start proxy python3 "$here/proxy.py" "$port"
proxy=$pid

# stays FILE LINES: until the reader has written that many values; false when it ends before
stays() {
    while [ "$(wc -l <"$1")" -lt "$2" ]; do
        kill -0 "$reader" 2>/dev/null || return 1
        read -r -t 0.2 <>"$work/never" || true
    done
}
mkfifo never

: >values
"$keyway" read -d D --authority "$authority" --user alice --password-file alice --every 1 "$url" "$node" >>values 2>reader.log &
reader=$!
children+=("$reader")
for lines in 3 9 16 24; do
    stays values "$lines" || break
    kill -USR1 "$proxy"
done
stays values 27 || true
if [ "$(wc -l <values)" -lt 27 ] || grep -vq '^1200' values; then
    echo "the values do not go on:"
    tail -3 values
    cat reader.log
    failures=$((failures + 1))
fi
kill "$reader" 2>/dev/null || true
wait "$reader" 2>/dev/null || true
expect 0 "intact" "$keyway" trail check -d D
# At the server: one Session, activated again and again, and on a channel of its own after each cut.
"$keyway" trail list -d D --json >trail
python3 - <<'PY' || failures=$((failures + 1))
import json
rows = [r for r in map(json.loads, open("trail")) if r["source"] == "urn:test:server"]
created = [json.loads(r["detail"])["session"] for r in rows if r["event"] == "CreateSession"]
activated = [json.loads(r["detail"]) for r in rows if r["event"] == "ActivateSession" and r["status"] == "Good"]
sessions, channels = {a["session"] for a in activated}, {a["channel"] for a in activated}
if len(created) != 1 or sessions != set(created) or len(channels) < 4 or len(activated) < 6:
    raise SystemExit(f"created {created}, activated {sessions} on {channels}, {len(activated)} times")
PY
verdict
