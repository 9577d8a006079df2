#!/usr/bin/env bash
# What whoever keeps it running sees: a service manager, and the trail under its second name.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
here=$(realpath "$(dirname "$0")")
cd "$work"
echo admin-password-2026 >admin
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null

# a service manager: what arrives at its socket, a line for each datagram
cat >listener.py <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
while True:
    print(s.recv(1024).decode().replace("\n", " "), flush=True)
PY
mkfifo said
python3 listener.py "$work/notify" >said &
children+=("$!")
exec {said}<said
hear() { # TEXT: the next thing that is said begins so
    local line=
    if ! read -r -t 60 -u "$said" line || [[ $line != $1* ]]; then
        echo "FAILED  the service manager heard '$line' instead of '$1'"
        failures=$((failures + 1))
    fi
}
hear ready
start server env NOTIFY_SOCKET="$work/notify" "$keyway" serve -c D/keyway.yaml
hear READY=1
kill -HUP "$pid"
hear "RELOADING=1 MONOTONIC_USEC="
hear READY=1
kill "$pid"
hear STOPPING=1
wait "$pid"
# signs of life, when they are asked for: and they go on
start watched env NOTIFY_SOCKET="$work/notify" WATCHDOG_USEC=200000 "$keyway" serve -c D/keyway.yaml
hear READY=1
hear WATCHDOG=1
hear WATCHDOG=1
kill "$pid"
wait "$pid"

# the units are sound, where somebody can tell
if command -v systemd-analyze >/dev/null; then
    for unit in "$here"/../../packaging/systemd/*.service; do
        sed "s#/usr/bin/keyway#$keyway#" "$unit" >"$work/$(basename "$unit")"
        instance=$(basename "$unit")
        expect 0 "" systemd-analyze verify "$work/${instance/@/@plant}"
        cp out complaints
        expect 0 "" test ! -s complaints
    done
fi

# the trail as JSON lines, each of them whole, and the proof
"$keyway" user add -d D alice --password-file admin --role Operator >/dev/null
expect 0 "records, the chain is intact" "$keyway" log verify -d D
"$keyway" log export -d D >export.jsonl
"$keyway" trail list -d D --json >list.jsonl
expect 0 "" cmp export.jsonl list.jsonl
expect 0 "in order" python3 -c '
import json
lines = [json.loads(line) for line in open("export.jsonl")]
assert lines and [line["sequence"] for line in lines] == list(range(1, len(lines) + 1)), lines
print("in order")'
expect 2 "verify" "$keyway" log list -d D
python3 -c '
import sqlite3
c = sqlite3.connect("D/keyway.db")
for (name,) in c.execute("SELECT name FROM sqlite_master WHERE type = ?", ("trigger",)).fetchall():
    c.execute("DROP TRIGGER " + name)
c.execute("UPDATE audit SET account = ? WHERE sequence = 1", ("somebody",))
c.commit()'
expect 1 "record 1 is the first that does not fit" "$keyway" log verify -d D
verdict
