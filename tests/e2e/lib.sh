# Sourced by the scripts here: a folder of its own, children that are ended, waiting for "ready".
# shellcheck shell=bash
keyway=$(realpath "${KEYWAY:?the program under test}")
work=$(mktemp -d)
children=()
failures=0

finish() {
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

# start NAME COMMAND…: in the background, until it prints "ready URL"; then $url and $pid are set, and $pipe has what it prints next
start() {
    local name=$1 line=
    shift
    rm -f "$work/$name.pipe"
    mkfifo "$work/$name.pipe"
    "$@" >"$work/$name.pipe" 2>>"$work/$name.log" &
    pid=$!
    children+=("$pid")
    exec {pipe}<"$work/$name.pipe"
    if ! read -r -t 60 -u "$pipe" line || [[ $line != ready\ * ]]; then
        echo "$name did not start: $line"
        cat "$work/$name.log"
        exit 1
    fi
    url=${line#ready }
}

# expect CODE TEXT COMMAND…: this exit code, and this text on stdout or stderr ("": any)
expect() {
    local code=$1 text=$2 got=0
    shift 2
    "$@" >"$work/out" 2>&1 || got=$?
    if [ "$got" -ne "$code" ] || { [ -n "$text" ] && ! grep -qE -- "$text" "$work/out"; }; then
        echo "FAILED  $* : exit code $got instead of $code, or no '$text' in:"
        cat "$work/out"
        failures=$((failures + 1))
    fi
}

verdict() {
    [ "$failures" -eq 0 ]
}
