#!/usr/bin/env bash
# What somebody who guesses passwords costs others: two Servers of their own in a folder that goes away, one with the default lock-outs,
# one that locks nobody out, and bench_guessing against both. Exit code 1: with lock-outs it was more than one password hash.
#
#   bench/guessing.sh [BUILD-DIRECTORY] [--threads N] [--every MS] [--samples N] [--guesses N]
set -euo pipefail

build=build
if [ $# -gt 0 ] && [ -d "$1" ]; then
    build=$1
    shift
fi
keyway=$(realpath "$build/keyway")
bench=$(realpath "$build/bench_guessing")
work=$(mktemp -d)
children=()

finish() {
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null || true
    done
    wait
    rm -rf "$work"
}
trap finish EXIT
cd "$work"

serve() { # NAME: in the background, until it is ready; then $url is set
    local line=
    mkfifo "$1.pipe"
    "$keyway" serve -c "$1/keyway.yaml" >"$1.pipe" 2>"$1.log" &
    children+=($!)
    read -r -t 60 line <"$1.pipe" || true
    url=${line#ready }
    [ "$url" != "$line" ] || { cat "$1.log" >&2; exit 1; }
}

for name in admin alice mallory; do
    echo "$name-password" >"$name"
done
"$keyway" init locking --port 0 --uri urn:bench:server --admin-password-file admin >/dev/null
for name in alice mallory; do
    "$keyway" user add -d locking "$name" --password-file "$name" --role Operator >/dev/null
done
"$keyway" cert create -d locking --out guesser --uri urn:bench:guesser >/dev/null
"$keyway" cert trust -d locking locking/own/guesser.crt >/dev/null
cp -r locking open
printf 'guessing:\n  delay_after: 1000\n  lockout_after: 1000\n' >>open/keyway.yaml

serve open
open=$url
serve locking
"$bench" "$url" --open "$open" --trust locking/trust/client \
    --user alice --password-file alice --cert locking/own/client.crt --key locking/own/client.key \
    --guesser mallory --guesser-password-file mallory --guesser-cert locking/own/guesser.crt --guesser-key locking/own/guesser.key "$@"
