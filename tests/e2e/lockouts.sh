#!/usr/bin/env bash
# Who guesses is locked out, an administrator sees who it is, and lets him in again without a restart.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password >admin
echo alice-password >alice
echo wrong >wrong
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null
cat >>D/keyway.yaml <<'YAML'
guessing:
  delay_base: 1
  delay_max: 1
YAML
"$keyway" user add -d D alice --password-file alice --role Operator >/dev/null
expect 0 "nobody is" "$keyway" user lockouts -d D
expect 0 '^\[\]' "$keyway" user lockouts -d D --json
expect 1 "Bad_NotFound.*client:nobody" "$keyway" user lockouts -d D --clear client:nobody
[ "$(wc -l <"$work/out")" -eq 1 ] || { echo "more than one line:"; cat "$work/out"; failures=$((failures + 1)); }
expect 2 "give one" "$keyway" user lockouts -d D --clear client:nobody --clear-all
expect 2 "unexpected" "$keyway" user lockouts -d D alice

start server "$keyway" serve -c D/keyway.yaml
node='ns=1;s=Machine.Speed'
honest=("$keyway" read -d D --user alice --password-file alice "$url" "$node")
guesses() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        expect 1 "Bad_UserAccessDenied|Bad_IdentityTokenRejected" "$keyway" read -d D --user alice --password-file wrong "$url" "$node"
    done
    expect 1 Bad_UserAccessDenied "${honest[@]}"
}
# until_done COMMAND…: again until it succeeds; servers take up a change of the store within a second
until_done() {
    local tries=200
    until "$@" >"$work/out" 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { echo "FAILED  $* :"; cat "$work/out"; failures=$((failures + 1)); return; }
    done
}
is_listed() { "$keyway" user lockouts -d D | grep -E "^client:.+ +[0-9]+ +20[0-9]{2}-"; }

expect 0 '^1200' "${honest[@]}"
guesses
until_done is_listed
key=$(awk '{print $1}' "$work/out")
expect 0 "^user:alice +[0-9]+ +-$" "$keyway" user lockouts -d D
expect 0 '"lockedUntil": "20' "$keyway" user lockouts -d D --json
expect 0 "cleared" "$keyway" user lockouts -d D --clear "$key"
expect 1 Bad_NotFound "$keyway" user lockouts -d D --clear "$key"
until_done "${honest[@]}"

guesses
until_done is_listed
expect 0 "[1-9] cleared" "$keyway" user lockouts -d D --clear-all
expect 0 "nobody is" "$keyway" user lockouts -d D
until_done "${honest[@]}"
expect 0 "LockOut +Bad_UserAccessDenied +alice +client:.* failures=10 +seconds=300" "$keyway" trail list -d D
expect 0 "^record +time +event +status +user +client +detail" "$keyway" trail list -d D
expect 0 'ActivateSession +Bad_UserAccessDenied +- +urn:.* reason="wrong password" .*peer=.*claimedUser=alice' "$keyway" trail list -d D
expect 0 'ActivateSession +Good +alice +urn:' "$keyway" trail list -d D
verdict
