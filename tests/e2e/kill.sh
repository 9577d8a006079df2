#!/usr/bin/env bash
# SIGKILL the Authorization Service again and again while tokens are requested and users are added: what was acknowledged is there
# afterwards, and the audit trail is whole.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password >admin
echo alice-password >alice
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null
"$keyway" user add -d D alice --password-file alice --role Operator >/dev/null

# Four Clients that ask until they are told to stop, and note each token that they were given.
ask() {
    while [ ! -e stop ]; do
        if "$keyway" token -d D --authority "$(cat authority.url)" --resource urn:test:server --user alice --password-file alice --timeout 2 \
            >"got.$1" 2>/dev/null && [ -s "got.$1" ]; then
            echo x >>"issued.$1"
        fi
    done
}
add_users() {
    local n=0
    while [ ! -e stop ]; do
        n=$((n + 1))
        if "$keyway" user add -d D "user$n" --password-file alice >/dev/null 2>&1; then
            echo "user$n" >>added
        fi
    done
}

start authority "$keyway" authority -c D/keyway.yaml
echo "$url" >authority.url
askers=()
for i in 1 2 3 4; do
    : >"issued.$i"
    ask "$i" &
    askers+=($!)
done
: >added
add_users &
askers+=($!)

# Each round: wait until more was acknowledged than before, then kill at once.
acknowledged() {
    cat issued.* added | wc -l
}
for round in 1 2 3 4 5 6; do
    goal=$(($(acknowledged) + 3 + round * 2))
    while [ "$(acknowledged)" -lt "$goal" ]; do read -r -t 0.02 <> <(:) || true; done
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
    start authority "$keyway" authority -c D/keyway.yaml
    echo "$url" >authority.url
done
touch stop
wait "${askers[@]}" 2>/dev/null || true

issued=$(cat issued.* | wc -l)
recorded=$("$keyway" trail list -d D --json | grep -c '"event":"\(RequestAccess\|FinishRequest\)Token".*"status":"Good"')
if [ "$recorded" -lt "$issued" ]; then
    echo "$issued tokens were given out, only $recorded are in the trail"
    failures=$((failures + 1))
fi
expect 0 "the chain is intact" "$keyway" trail check -d D
"$keyway" user list -d D >users
while read -r name; do
    grep -q "^$name " users || { echo "$name was acknowledged and is gone"; failures=$((failures + 1)); }
done <added
expect 0 " active " "$keyway" key list -d D
expect 0 '^ey' "$keyway" token -d D --authority "$url" --resource urn:test:server --user alice --password-file alice
[ "$issued" -gt 0 ] && [ -s added ] || { echo "nothing was acknowledged at all"; failures=$((failures + 1)); }
verdict
