#!/usr/bin/env bash
# The programs of examples/, built from include/ and the shared library alone, do what the manual's first chapters say.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
examples=$(dirname "$keyway")/examples
if [ ! -d "$examples" ]; then
    echo "this build has no shared library: nothing to look at"
    exit 0
fi
cd "$work"
printf 'correct horse\n' >password

# What the library shows is what the headers declare.
nm -D --defined-only "$(dirname "$keyway")/libkeyway.so" | awk '$2 != "A" {sub(/@.*/, "", $3); print $3}' | grep -v '^kw_type_table$' | sort >exported
grep -rhoE 'KW_API [^;]*kw_[a-z0-9_]+\(' "$root/include/keyway" | grep -oE 'kw_[a-z0-9_]+\($' | tr -d '(' | sort -u >declared
expect 0 '' diff declared exported

# Your first server, your first client.
start pump "$examples/pump" pump
expect 0 'in order' "$keyway" config check -c pump/keyway.yaml
expect 0 'added' "$keyway" user add -d pump alice --password-file password --role Operator
expect 0 'written' "$keyway" cert create -d pump --out client --uri urn:example:client --host localhost
expect 0 'trusted' "$keyway" cert trust -d pump pump/own/client.crt
client=(--cert pump/own/client.crt --key pump/own/client.key --trust pump/own)
alice=(--user alice --password-file password "${client[@]}")
expect 1 'Bad_NodeIdUnknown' "$keyway" read "$url" 'ns=1;s=Motor.Speed' --anonymous "${client[@]}"
expect 0 '^1200' "$keyway" read "$url" 'ns=1;s=Motor.Speed' "${alice[@]}"
expect 0 'written' "$keyway" write "$url" 'ns=1;s=Motor.Speed' 2400 "${alice[@]}"
expect 1 'Bad_OutOfRange' "$keyway" write "$url" 'ns=1;s=Motor.Speed' 9000 "${alice[@]}"
expect 0 '^2400' "$keyway" read "$url" 'ns=1;s=Motor.Speed' "${alice[@]}"
expect 0 'Former = 2400' "$keyway" call "$url" 'ns=1;s=Motor' 'ns=1;s=Motor.Stop' "${alice[@]}"
expect 0 'stopped' "$keyway" read "$url" 'ns=1;s=Motor.State' --anonymous "${client[@]}"
kill "$pid"
wait "$pid" || { echo "the pump did not end well"; failures=$((failures + 1)); }

# A second start finds its keys and users; another ApplicationUri is not theirs.
start pump "$examples/pump" pump
expect 0 '^1200' "$keyway" read "$url" 'ns=1;s=Motor.Speed' "${alice[@]}"
kill "$pid"
wait "$pid" || true

# The two of fifteen lines, in the same directory: its keys and users are there.
mkdir -p trust
cp pump/own/client.* .
cp pump/own/server.crt trust/
start server "$examples/server" 0
expect 0 '^21.5$' "$examples/client" "$url" alice 'correct horse'
expect 1 'Bad_UserAccessDenied|Bad_IdentityTokenRejected' "$examples/client" "$url" alice wrong
kill "$pid"
expect 2 'usage' "$examples/pump"
expect 2 'usage' "$examples/client"
expect 1 'not a directory|Not a directory' "$examples/pump" /dev/null/pump

# They are as short as they say.
for example in server client; do
    lines=$(sed -n '/^int main/,/^}/p' "$root/examples/$example.c" | grep -c ';' || true)
    [ "${lines:-0}" -le 15 ] || { echo "examples/$example.c has $lines statements"; failures=$((failures + 1)); }
done

# The chapters of the manual, with the library installed somewhere: the code they show, the commands they show.
cmake --install "$(dirname "$keyway")" --prefix "$work/usr" >install.log
export PATH="$work/usr/bin:$PATH" LD_LIBRARY_PATH="$work/usr/lib" PKG_CONFIG_PATH
LD_LIBRARY_PATH=$(dirname "$(find "$work/usr" -name libkeyway.so)")
PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
mkdir manual && cd manual
blocks() { # LANGUAGE FILE
    awk -v want="\`\`\`$1" '$0 == "```" {inside = 0} inside {print} $0 == want {inside = 1}' "$root/docs/$2"
}
blocks c first-server.md >server.c
blocks c first-client.md >client.c
{
    echo 'set -e; trap '"'"'kill $(jobs -p) 2>/dev/null || true'"'"' EXIT'
    blocks sh first-server.md
    blocks sh first-client.md
} >script
expect 0 '' bash script
[ "$(grep -c '^21.5' "$work/out")" -eq 2 ] || { echo "the manual's programs did not both print 21.5:"; cat "$work/out"; failures=$((failures + 1)); }
verdict
