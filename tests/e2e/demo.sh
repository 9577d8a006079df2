#!/usr/bin/env bash
# The demo passes, tells each step, and leaves nothing behind.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

before=$(find /tmp -maxdepth 1 -name 'keyway-demo-*' | wc -l)
expect 0 "Everything was as it should be" "$keyway" demo --once
cp "$work/out" "$work/shown"
for text in RequestAccessToken "user +alice" "role +Operator" "Good +1200" Bad_UserAccessDenied Bad_IdentityTokenRejected; do
    expect 0 "$text" cat "$work/shown"
done
expect 0 '"passed": true' "$keyway" demo --once --json
[ "$(find /tmp -maxdepth 1 -name 'keyway-demo-*' | wc -l)" -eq "$before" ] || { echo "the demo left its folder behind"; exit 1; }
verdict
