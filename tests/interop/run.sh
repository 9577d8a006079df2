#!/usr/bin/env bash
# Keyway and node-opcua, both ways. KEYWAY is the program under test.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
keyway=$(realpath "$KEYWAY")
work=$(mktemp -d)
children=()
passed=0
failed=0

finish() {
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

if [ ! -d "$here/node_modules/node-opcua" ]; then
    (cd "$here" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
fi

# start NAME COMMAND…: runs it and waits for its line "ready …", which is left in $work/NAME
start() {
    local name=$1
    shift
    mkfifo "$work/$name.pipe"
    "$@" >"$work/$name.pipe" 2>"$work/$name.log" &
    children+=($!)
    echo $! >"$work/$name.pid"
    exec {pipe}<"$work/$name.pipe"
    local line=
    while [[ $line != ready\ * ]]; do
        if ! read -r -t 60 -u "$pipe" line; then
            echo "$name did not start:"
            cat "$work/$name.log"
            exit 1
        fi
    done
    printf '%s\n' "$line" >"$work/$name"
    cat <&"$pipe" >/dev/null & # its further output
    children+=($!)
}

# try NAME COMMAND…
try() {
    local name=$1
    shift
    if "$@" >"$work/out" 2>"$work/err"; then
        passed=$((passed + 1))
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "FAILED  $name"
        cat "$work/out" "$work/err"
    fi
}

# count COMMAND…: it counts for itself, and says so in its last line
count() {
    local summary
    summary=$("$@" 2>&1 | tee /dev/stderr | tail -n 1) || true
    if [[ $summary =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
    else
        echo "FAILED  $* ended early"
        failed=$((failed + 1))
    fi
}

# shows TEXT COMMAND…: the command succeeds and prints the text
shows() {
    local text=$1
    shift
    "$@" | tee /dev/stderr | grep -qF -- "$text"
}

# --- a node-opcua Client against keyway serve -------------------------------------------------------------------------
echo alice-password >"$work/alice"
echo admin-password >"$work/admin"
"$keyway" init "$work/D" --port 0 --allow-none --allow-anonymous --admin-password-file "$work/admin" >/dev/null
"$keyway" user add -d "$work/D" alice --password-file "$work/alice" --role Operator >/dev/null
start keyway "$keyway" serve -c "$work/D/keyway.yaml"
read -r _ url <"$work/keyway"
certificate=$(node "$here/client.js" "$url" "$work/client-pki" prepare 2>"$work/prepare.log" | sed -n 's|^certificate ||p') || {
    echo "node-opcua does not run here:"
    cat "$work/prepare.log"
    exit 1
}
"$keyway" cert trust -d "$work/D" "$certificate" >/dev/null
count node "$here/client.js" "$url" "$work/client-pki" run alice-password

# --- … that has loaded companion models, in any order ---------------------------------------------------------------------
models=()
for model in Robotics AutoID IA Machinery Di; do
    models+=(--nodeset "$here/node_modules/node-opcua-nodesets/nodesets/Opc.Ua.$model.NodeSet2.xml")
done
models+=(--nodeset "$here/node_modules/node-opcua-nodesets/nodesets/Opc.ISA95.NodeSet2.xml")
start models "$keyway" serve -c "$work/D/keyway.yaml" "${models[@]}"
read -r _ url <"$work/models"
count node "$here/nodesets.js" "$url" "$work/client-pki"

# --- … and against keyway authority -------------------------------------------------------------------------------------
start authority "$keyway" authority -c "$work/D/keyway.yaml"
read -r _ url <"$work/authority"
resource=$("$keyway" resource list -d "$work/D" --json | sed -n 's/.*"uri": "\(.*\)",/\1/p')
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/erin.key" -out "$work/erin.crt" -days 2 -subj /CN=erin \
    -addext keyUsage=digitalSignature 2>/dev/null
"$keyway" cert trust -d "$work/D" --users "$work/erin.crt" >/dev/null
"$keyway" role grant -d "$work/D" Observer --subject CN=erin >/dev/null
"$keyway" role grant -d "$work/D" Operator --subject CN=erin >/dev/null
count node "$here/authority.js" "$url" "$work/client-pki" "$resource" alice-password "$work/erin"

# --- keyway against a node-opcua server ----------------------------------------------------------------------------------
start node node "$here/server.js" "$work/server-pki"
read -r _ url server_certificate <"$work/node"
mkdir -p "$work/trust"
cp "$server_certificate" "$work/trust/server.pem"
speed='ns=1;s=Machine.Speed'
try "endpoints" shows Basic256Sha256 "$keyway" endpoints "$url"
for endpoint in "None none" "Basic256Sha256 sign" "Basic256Sha256 encrypt" "Aes128_Sha256_RsaOaep sign" "Aes128_Sha256_RsaOaep encrypt" \
    "Aes256_Sha256_RsaPss sign" "Aes256_Sha256_RsaPss encrypt"; do
    read -r policy mode <<<"$endpoint"
    how=(--policy "$policy" --mode "$mode" --cert "$work/D/own/client.crt" --key "$work/D/own/client.key" --trust "$work/trust")
    try "$endpoint: read as Anonymous" shows 7.5 "$keyway" read "${how[@]}" "$url" "$speed"
    try "$endpoint: read as alice" shows 7.5 "$keyway" read "${how[@]}" --user alice --password-file "$work/alice" "$url" "$speed" i=2259
    try "$endpoint: browse" shows Machine.Speed "$keyway" browse "${how[@]}" --depth 3 "$url"
    try "$endpoint: call" shows "Result = 42" "$keyway" call "${how[@]}" "$url" 'ns=1;s=Machine' 'ns=1;s=Machine.Double' 21
    try "$endpoint: watch" shows 7.5 "$keyway" watch "${how[@]}" --count 1 --interval 200 "$url" "$speed"
    try "$endpoint: write" "$keyway" write "${how[@]}" --user alice --password-file "$work/alice" "$url" "$speed" 7.5
done

# … that cuts connections, and ends Sessions: the Subscription goes on, and nothing comes twice
node_server=$(cat "$work/node.pid")
# comes TEXT: until the watcher has written it, a minute at most
comes() {
    timeout 60 bash -c 'until grep -qF -- "$1" "$2"; do read -r -t 0.2 <>"$3" || true; done' - "$1" "$work/watched" "$work/never"
}
# fresh: one more value of the clock
fresh() {
    local seen
    seen=$(tail -n 1 "$work/watched")
    timeout 60 bash -c 'until [ "$(tail -n 1 "$1")" != "$2" ]; do read -r -t 0.2 <>"$3" || true; done' - "$work/watched" "$seen" "$work/never"
}
mkfifo "$work/never"
"$keyway" watch "${how[@]}" --user alice --password-file "$work/alice" --interval 200 "$url" "$speed" i=2258 >"$work/watched" 2>&1 &
watcher=$!
children+=("$watcher")
try "watch: values come" comes i=2258
kill -USR1 "$node_server"
try "watch: the connection is back" comes "connected again; what was missed"
try "watch: values go on" fresh
kill -USR2 "$node_server"
try "watch: a new Session takes the Subscription over" comes "connected again with a new Session"
try "watch: values go on with it" fresh
try "watch: nothing came twice" test -z "$(grep -v ^keyway: "$work/watched" | awk '{ print $2, $3 }' | sort | uniq -d)"
kill -INT "$watcher"
try "watch: it ends when told to" wait "$watcher"

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
