#!/usr/bin/env bash
# What an access token costs a whole Authorization Service: one of its own in a folder that goes away, and bench_authority against it.
#
#   bench/authority.sh [BUILD-DIRECTORY] [--sessions N] [--seconds N]
set -euo pipefail

build=build
if [ $# -gt 0 ] && [ -d "$1" ]; then
    build=$1
    shift
fi
keyway=$(realpath "$build/keyway")
bench=$(realpath "$build/bench_authority")
work=$(mktemp -d)
pid=

finish() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap finish EXIT
cd "$work"

for name in admin alice; do
    echo "$name-password" >"$name"
done
"$keyway" init D --port 0 --uri urn:bench:server --admin-password-file admin >/dev/null
"$keyway" user add -d D alice --password-file alice --role Operator >/dev/null
sed -i 's|^authority:|&\n  request_rate: 1000000\n  request_burst: 1000000|' D/keyway.yaml
mkfifo ready
"$keyway" authority -c D/keyway.yaml >ready 2>log &
pid=$!
read -r -t 60 line <ready || { cat log >&2; exit 1; }
"$bench" "${line#ready }" --pid "$pid" --trust D/trust/client --cert D/own/client.crt --key D/own/client.key \
    --user alice --password-file alice "$@"
