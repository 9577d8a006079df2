#!/usr/bin/env bash
# Who may see what: rules in keyway.yaml, in force at SIGHUP; why, and what a change would do. docs/access.md shows the same.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password >admin
echo alice-password >alice
connect=(--trust D/trust/client --cert D/own/client.crt --key D/own/client.key)
speed='ns=1;s=Machine.Speed'

expect 0 "" "$keyway" init D --port 0 --allow-anonymous --uri urn:test:server --admin-password-file admin
expect 0 "" "$keyway" user add -d D alice --password-file alice --role Operator
grep -q sample_machine D/keyway.yaml || { echo "the sample machine is not in the configuration"; exit 1; }
cp D/keyway.yaml D/before.yaml

# Why.
expect 0 "verdict +Write: yes" "$keyway" access explain alice "$speed" write -d D
expect 0 "role +Operator: by a rule for this user" "$keyway" access explain alice "$speed" write -d D
expect 0 "verdict +Write: no, none of the Roles has this permission" "$keyway" access explain --anonymous "$speed" write -d D
expect 0 "from the node itself, at ns=1;s=Machine.Speed" "$keyway" access explain alice /Objects/1:Machine/1:Speed -d D
expect 0 '"status": "Bad_UserAccessDenied"' "$keyway" access explain --anonymous "$speed" write -d D --json
expect 0 '"allowed": true' "$keyway" access explain alice "$speed" write -d D --json
expect 1 "Bad_NodeIdUnknown" "$keyway" access explain alice 'ns=1;s=Nothing' -d D
expect 1 "Bad_NotFound" "$keyway" access explain nobody "$speed" -d D
expect 2 "no permission" "$keyway" access explain alice "$speed" dance -d D
expect 2 "not a mode" "$keyway" access explain alice "$speed" -d D --mode loud
expect 2 "explain or diff" "$keyway" access -d D

# What a change would do; then it is made.
rules() {
    cp D/before.yaml "$1"
    cat >>"$1"
}
rules D/after.yaml <<'EOF'
access:
  - path: /Objects/1:Machine/1:Speed
    roles:
      - role: Operator
        permissions: [Browse, Read]
      - role: Engineer
        permissions: [Browse, Read, Write]
    restrictions: [encrypt, browse]
  - node: ns=1;s=Machine.Recipe
    roles:
      - role: Engineer
        permissions: [All]
  - namespace: urn:test:server
    restrictions: [sign]
EOF
expect 0 "nothing would change" "$keyway" access diff D/before.yaml -d D
expect 0 "ns=1;s=Machine.Speed Operator.* -Write" "$keyway" access diff D/after.yaml -d D
expect 0 "ns=1;s=Machine.Speed Engineer.* \+Write" "$keyway" access diff D/after.yaml -d D
expect 0 "ns=1;s=Machine.Speed AccessRestrictions 0xa instead of 0x0" "$keyway" access diff D/after.yaml -d D
expect 0 '"node": "ns=1;s=Machine.Recipe"' "$keyway" access diff D/after.yaml -d D --json

start server "$keyway" serve -c D/keyway.yaml
alice=(--user alice --password-file alice)
expect 0 "" "$keyway" write "$url" "$speed" 1000 "${connect[@]}" "${alice[@]}"
expect 0 "Recipe" "$keyway" browse "$url" 'ns=1;s=Machine' "${connect[@]}" "${alice[@]}"
cp D/after.yaml D/keyway.yaml
expect 0 "in order" "$keyway" config check D/keyway.yaml
kill -HUP "$pid"
for _ in $(seq 100); do # the signal is on its way
    "$keyway" write "$url" "$speed" 1000 "${connect[@]}" "${alice[@]}" >/dev/null 2>&1 || break
done
expect 1 "Bad_UserAccessDenied" "$keyway" write "$url" "$speed" 1000 "${connect[@]}" "${alice[@]}"
expect 1 "Bad_NodeIdUnknown" "$keyway" read "$url" 'ns=1;s=Machine.Recipe' "${connect[@]}" "${alice[@]}"
"$keyway" browse "$url" 'ns=1;s=Machine' "${connect[@]}" "${alice[@]}" >seen
grep -q Speed seen || { echo "Speed is gone"; failures=$((failures + 1)); }
! grep -q Recipe seen || { echo "a forbidden node is seen"; failures=$((failures + 1)); }
expect 0 "verdict +Write: no" "$keyway" access explain alice "$speed" write -d D
expect 0 "from a rule of the configuration" "$keyway" access explain alice "$speed" write -d D
expect 0 "EncryptionRequired" "$keyway" access explain alice "$speed" -d D --mode sign
expect 0 "answer +Bad_NodeIdUnknown" "$keyway" access explain alice 'ns=1;s=Machine.Recipe' -d D

# Slips of the pen: they are named, and a Server that runs goes on with what it had.
rules D/wrong.yaml <<<'access: [{node: "ns=1;s=Nothing", restrictions: [sign]}]'
expect 2 "there is no node 'ns=1;s=Nothing'" "$keyway" config check D/wrong.yaml
rules D/wrong.yaml <<<'access: [{node: "i=85", roles: [{role: Nobody, permissions: [Read]}]}]'
expect 2 "'Nobody' of i=85 is no Role" "$keyway" config check D/wrong.yaml
rules D/wrong.yaml <<<'access: [{node: "i=85", roles: [{role: Operator, permissions: [Dance]}]}]'
expect 2 "'Dance' of i=85 is no permission" "$keyway" config check D/wrong.yaml
rules D/wrong.yaml <<<'access: [{node: "i=85", restrictions: [loud]}]'
expect 2 "'loud' of i=85 is no restriction" "$keyway" config check D/wrong.yaml
rules D/wrong.yaml <<<'access: [{node: "i=85", path: /Objects, restrictions: [sign]}]'
expect 2 "one of node, path and namespace" "$keyway" config check D/wrong.yaml
rules D/wrong.yaml <<<'access: [{node: "i=85"}]'
expect 2 "says nothing" "$keyway" config check D/wrong.yaml
rules D/wrong.yaml <<<'access: [{namespace: "urn:other", restrictions: [sign]}]'
expect 2 "there is no namespace" "$keyway" config check D/wrong.yaml
rules D/wrong.yaml <<<'access: [{path: Objects, restrictions: [sign]}]'
expect 2 "does not begin at the Root" "$keyway" config check D/wrong.yaml
cp D/wrong.yaml D/keyway.yaml
kill -HUP "$pid"
for _ in $(seq 100); do
    ! grep -q "the rules of access stay" server.log || break
    expect 0 "" "$keyway" read "$url" i=2258 "${connect[@]}" "${alice[@]}"
done
expect 0 "the rules of access stay" cat server.log
expect 1 "Bad_NodeIdUnknown" "$keyway" read "$url" 'ns=1;s=Machine.Recipe' "${connect[@]}" "${alice[@]}"

verdict
