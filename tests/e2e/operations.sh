#!/usr/bin/env bash
# What whoever keeps it running sees: a service manager, health and numbers, and the trail under its second name.
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

# numbers and health, of a Server and of an Authorization Service
echo 'metrics_listen: "127.0.0.1:0"' >>D/keyway.yaml
monitor_of() { # NAME: where it answers
    echo "http://127.0.0.1:$(sed -n 's/.* metrics address=127.0.0.1 port=\([0-9]*\)$/\1/p' "$work/$1.log" | tail -1)"
}
value() { # MONITOR METRIC: its value
    curl -sS --fail "$1/metrics" | awk -v name="$2" '$1 == name { print $2 }'
}
moved() { # MONITOR METRIC BEFORE
    expect 0 "" awk -v before="$3" -v after="$(value "$1" "$2")" 'BEGIN { exit !(after > before) }'
}
start measured "$keyway" serve -c D/keyway.yaml
server=$url
server_monitor=$(monitor_of measured)
server_pid=$pid
start authority "$keyway" authority -c D/keyway.yaml
authority=$url
authority_pid=$pid
monitor=$(monitor_of authority)
expect 0 '"state":"ok"' curl -sS --fail "$server_monitor/healthz"
expect 0 '"state":"ok"' curl -sS --fail "$monitor/healthz"
expect 0 '^404$' curl -sS -o /dev/null -w '%{http_code}\n' "$monitor/elsewhere"
expect 0 '^405$' curl -sS -o /dev/null -w '%{http_code}\n' -X POST "$monitor/metrics"
expect 0 'text/plain; version=0.0.4' curl -sS -o /dev/null -w '%{content_type}\n' "$monitor/metrics"
issued='keyway_access_tokens_total{method="opcua",grant="FinishRequestToken",result="issued"}'
refused='keyway_identity_proofs_total{token="user_name",result="refused"}'
issued_before=$(value "$monitor" "$issued") refused_before=$(value "$server_monitor" "$refused")
records_before=$(value "$monitor" keyway_audit_records_total)
sessions_before=$(value "$server_monitor" keyway_sessions_created_total)
"$keyway" user add -d D bob --password-file admin --role Operator >/dev/null
expect 0 "" "$keyway" token -d D --authority "$authority" --resource urn:test:server --user bob --password-file admin
echo wrong-password-2026 >wrong
expect 1 "" "$keyway" read -d D --user bob --password-file wrong "$server" "ns=1;s=Machine.Speed"
moved "$monitor" "$issued" "$issued_before"
moved "$monitor" keyway_audit_records_total "$records_before"
moved "$server_monitor" "$refused" "$refused_before"
moved "$server_monitor" keyway_sessions_created_total "$sessions_before"
moved "$server_monitor" keyway_process_resident_memory_bytes 0
expect 0 "" curl -sS "$server_monitor/metrics"
cp out metrics
expect 1 "" grep -qE 'bob|password-2026' metrics
# a file that is gone is noticed, and also that it is back
health_becomes() { # CODE
    local got=
    until got=$(curl -sS -o /dev/null -w '%{http_code}' "$server_monitor/healthz") && [ "$got" = "$1" ]; do :; done
}
export -f health_becomes
export server_monitor
mv D/keyway.db D/elsewhere
expect 0 "" timeout 60 bash -c "health_becomes 503"
expect 0 'store unavailable' curl -sS "$server_monitor/healthz"
expect 0 '^keyway_store_up 0' curl -sS "$server_monitor/metrics"
mv D/elsewhere D/keyway.db
expect 0 "" timeout 60 bash -c "health_becomes 200"
kill "$server_pid" "$authority_pid"
wait "$server_pid" "$authority_pid"

# an address that is none, and one that others reach: there it speaks TLS
sed -i 's/^metrics_listen.*/metrics_listen: "localhost:9464"/' D/keyway.yaml
expect 2 "metrics_listen: 'localhost:9464' is not ADDRESS:PORT" "$keyway" config check -c D/keyway.yaml
expect 2 "metrics_listen" "$keyway" serve -c D/keyway.yaml
sed -i 's/^metrics_listen.*/metrics_listen: "0.0.0.0:0"/' D/keyway.yaml
start outside "$keyway" serve -c D/keyway.yaml
port=$(sed -n 's/.* metrics address=0.0.0.0 port=\([0-9]*\)$/\1/p' outside.log)
expect 0 '"state":"ok"' curl -sS --cacert D/own/server.crt "https://localhost:$port/healthz"
kill "$pid"
wait "$pid"

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
