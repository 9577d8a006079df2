#!/usr/bin/env bash
# One who watches: over tokens that end, connections that are cut and a server that is killed, until his rights end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
cd "$work"
echo admin-password >admin
echo alice-password >alice
"$keyway" init D --port 0 --uri urn:test:server --host localhost --host 127.0.0.1 --host 127.0.0.2 --admin-password-file admin >/dev/null
"$keyway" user add -d D alice --password-file alice --role Operator >/dev/null
sed -i "s/^  listen:.*/  listen: [\"127.0.0.1\"]/" D/keyway.yaml
sed -i 's/token_lifetime: 3600/token_lifetime: 6/' D/keyway.yaml
start authority "$keyway" authority -c D/keyway.yaml
authority=$url
start server "$keyway" serve -c D/keyway.yaml
server=$pid
port=${url##*:}
port=${port%%/*}
sed -i "/^server:/,/^authority:/s/port: 0/port: $port/" D/keyway.yaml # where it comes back
speed='ns=1;s=Machine.Speed'
alice=(-d D --user alice --password-file alice)

# In front of the server; SIGUSR1 cuts every connection.
start proxy python3 "$here/proxy.py" "$port"
proxy=$pid
direct=opc.tcp://127.0.0.1:$port
through=$url
mkfifo never

# comes FILE TEXT: until the watcher has written it; false when it ends before
comes() {
    until grep -qE -- "$2" "$1"; do
        kill -0 "$watcher" 2>/dev/null || return 1
        read -r -t 0.1 <>"$work/never" || true
    done
}

# sees VALUE: a write to the machine reaches the watcher
sees() {
    "$keyway" write "${alice[@]}" "$direct" "$speed" "$1" >/dev/null
    if ! comes values "$speed +$1$"; then
        echo "the value $1 did not come:"
        tail -3 values watch.log
        failures=$((failures + 1))
    fi
}

# watch COMMAND-LINE…: in the background
watch() {
    : >values
    : >watch.log
    "$keyway" watch -d D --interval 100 "$@" "$through" "$speed" >>values 2>>watch.log &
    watcher=$!
    children+=("$watcher")
    comes values "$speed" || { cat watch.log; exit 1; }
}

# --- one Session over several tokens and connections ------------------------------------------------------------------------
watch --authority "$authority" --user alice --password-file alice
sees 1201
for speed_now in 1202 1203 1204; do
    kill -USR1 "$proxy"
    sees "$speed_now"
done
if ! grep -q 'connected again' watch.log || grep -q "watching again" watch.log; then
    echo "the Subscription did not stay:"
    cat watch.log
    failures=$((failures + 1))
fi
cp watch.log before
# How often the Session that was activated most often was.
activations() {
    "$keyway" trail list -d D --json | python3 -c '
import collections, json, sys
rows = map(json.loads, sys.stdin)
good = (r for r in rows if r["source"] == "urn:test:server" and r["event"] == "ActivateSession" and r["status"] == "Good")
print(max(collections.Counter(json.loads(r["detail"])["session"] for r in good).values()))'
}
enough=$(($(activations) + 2)) # two more tokens
while [ "$(activations)" -lt "$enough" ] && kill -0 "$watcher"; do
    read -r -t 0.5 <>"$work/never" || true
done
sees 1205
if ! cmp -s watch.log before; then
    echo "a renewed token was noticed:"
    diff before watch.log || true
    failures=$((failures + 1))
fi

# --- the server is killed and comes back -------------------------------------------------------------------------------------
printf '\nlimits:\n  max_monitored_items_per_subscription: 1\n' >>D/keyway.yaml # for what comes back
kill -KILL "$server"
wait "$server" 2>/dev/null || true # its port is free again
comes watch.log "is lost|has ended" || true
start server "$keyway" serve -c D/keyway.yaml
sees 1206
comes watch.log "watching again" || { cat watch.log; failures=$((failures + 1)); }
kill -INT "$watcher"
code=0
wait "$watcher" || code=$?
[ "$code" -eq 0 ] || { echo "Ctrl-C ended it with code $code"; failures=$((failures + 1)); }
twice=$(awk '{ print $NF }' values | grep -v '^1200$' | sort | uniq -d) # 1200 is what the machine begins with, both times
if [ -n "$twice" ]; then
    echo "something came twice: $twice"
    failures=$((failures + 1))
fi

# --- a Role that is taken away and given back, a user who is disabled ----------------------------------------------------------------------------------------------------
watch "${alice[@]:2}"
"$keyway" role revoke -d D Operator --user alice >/dev/null
comes values "$speed +Bad_UserAccessDenied$" || { cat values watch.log; failures=$((failures + 1)); }
comes watch.log "Bad_UserAccessDenied: $speed" || { cat watch.log; failures=$((failures + 1)); }
"$keyway" role grant -d D Operator --user alice >/dev/null
comes watch.log "may be read again" || { cat values watch.log; failures=$((failures + 1)); }
: >watch.log
"$keyway" user disable -d D alice >/dev/null
comes watch.log "Bad_UserAccessDenied" || grep -q "Bad_UserAccessDenied" watch.log || {
    echo "a disabled user went on watching:"
    tail -3 values watch.log
    failures=$((failures + 1))
}
kill "$watcher" 2>/dev/null || true
wait "$watcher" 2>/dev/null || true
"$keyway" user enable -d D alice >/dev/null

# --- what is printed, and what is refused --------------------------------------------------------------------------------------
expect 0 '^\{"value":1206.*"status":"Good".*"nodeId":"ns=1;s=Machine.Speed"\}$' "$keyway" watch "${alice[@]}" --json --count 1 "$direct" "$speed"
expect 1 "Bad_NodeIdUnknown: ns=1;s=Nothing" "$keyway" watch "${alice[@]}" --count 1 "$direct" "ns=1;s=Nothing"
expect 0 "Bad_NodeIdUnknown: ns=1;s=Nothing" "$keyway" watch "${alice[@]}" --count 1 "$direct" "ns=1;s=Nothing" "$speed"
expect 0 "Bad_TooManyMonitoredItems: i=2258" "$keyway" watch "${alice[@]}" --count 1 "$direct" "$speed" i=2258
expect 2 "is not a NodeId" "$keyway" watch "${alice[@]}" "$direct" "Speed"
expect 2 "interval" "$keyway" watch "${alice[@]}" --interval 0 "$direct" "$speed"
expect 0 "intact" "$keyway" trail check -d D
if grep -E -A30 "WARNING: ThreadSanitizer|ERROR: AddressSanitizer|runtime error" server.log watch.log; then
    failures=$((failures + 1))
fi
verdict
