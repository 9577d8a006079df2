#!/usr/bin/env bash
# StartRequestToken, FinishRequestToken and RefreshToken between separate processes: narrowed, renewed, reused, disabled.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password >admin
echo alice-password >alice
"$keyway" init D --port 0 --uri urn:test:server --allow-anonymous --admin-password-file admin >/dev/null
"$keyway" user add -d D alice --password-file alice --role Operator --role Observer >/dev/null
start authority "$keyway" authority -c D/keyway.yaml
authority=$url
start server "$keyway" serve -c D/keyway.yaml
server=$url
node='ns=1;s=Machine.Speed'
ask=("$keyway" token -d D --authority "$authority" --resource urn:test:server)
as_alice=(--user alice --password-file alice)

# records EVENT TEXT: how many records of the trail have both
records() {
    "$keyway" trail list -d D --json | grep "$1" | grep -c -- "$2" || true
}

# roles TOKEN-FILE: what the token claims
roles() {
    python3 -c 'import base64, json, sys; t = open(sys.argv[1]).read().split(".")[1]; print(sorted(json.loads(base64.urlsafe_b64decode(t + "=="))["roles"]))' "$1"
}

# AZ-06, AZ-11, AZ-14: two steps to a token that opens a Session; both expiry times are told
"${ask[@]}" "${as_alice[@]}" --refresh-file kept --json >answer
python3 - <<'PY'
import json, datetime
answer = json.load(open("answer"))
now = datetime.datetime.now(datetime.timezone.utc)
for name, seconds in (("expires", 3600), ("refreshExpires", 86400)):
    left = (datetime.datetime.fromisoformat(answer[name].replace("Z", "+00:00")) - now).total_seconds()
    assert seconds - 120 < left <= seconds + 1, (name, left)
assert len(answer["refreshToken"]) == 64 and answer["refreshToken"] == open("kept").read()
open("first.token", "w").write(answer["accessToken"])
PY
[ "$(stat -c %a kept)" = 600 ]
expect 0 '^1200' "$keyway" read -d D --token-file first.token "$server" "$node"
[ "$(records FinishRequestToken '"Good"')" -eq 1 ]
[ "$(records RequestAccessToken .)" -eq 0 ]

# AZ-12: no more Roles than were asked for, and none that alice does not have
"${ask[@]}" "${as_alice[@]}" --role Observer >narrow.token
[ "$(roles narrow.token)" = "['Observer']" ]
[ "$(roles first.token)" = "['Observer', 'Operator']" ]
expect 0 . "$keyway" write -d D --token-file first.token "$server" "$node" 1200
expect 1 Bad_UserAccessDenied "$keyway" write -d D --token-file narrow.token "$server" "$node" 1200
expect 1 Bad_UserAccessDenied "${ask[@]}" "${as_alice[@]}" --role SecurityAdmin
expect 1 Bad_InvalidArgument "${ask[@]}" "${as_alice[@]}" --role Gardener

# AZ-15: the refresh token alone brings the next tokens, without the user
cp kept used
chmod 600 used
"${ask[@]}" --refresh-file kept >second.token
! cmp -s kept used
expect 0 '^1200' "$keyway" read -d D --token-file second.token "$server" "$node"
expect 1 Bad_IdentityTokenRejected "$keyway" token -d D --authority "$authority" --resource urn:unknown --refresh-file kept

# AZ-15: whoever uses an old one ends them all; that is in the trail
expect 1 Bad_IdentityTokenRejected "${ask[@]}" --refresh-file used
[ "$(records RefreshToken 'used before')" -eq 1 ]
expect 1 Bad_IdentityTokenRejected "${ask[@]}" --refresh-file kept

# With a user at hand the Client asks anew, and keeps what it gets.
"${ask[@]}" "${as_alice[@]}" --refresh-file kept >third.token
"${ask[@]}" --refresh-file kept >fourth.token

# A Role that is taken away is not in the next token; a user that is disabled gets none; a new password ends what the old one got.
"$keyway" role revoke -d D Operator --user alice >/dev/null
"${ask[@]}" --refresh-file kept >fifth.token
[ "$(roles fifth.token)" = "['Observer']" ]
"$keyway" user disable -d D alice >/dev/null
expect 1 Bad_IdentityTokenRejected "${ask[@]}" --refresh-file kept
"$keyway" user enable -d D alice >/dev/null
"${ask[@]}" "${as_alice[@]}" --refresh-file kept >/dev/null
"$keyway" user passwd -d D alice --password-file alice >/dev/null
expect 1 Bad_IdentityTokenRejected "${ask[@]}" --refresh-file kept

# What somebody was granted is seen and ended: the refresh token at once, the access token too.
"${ask[@]}" "${as_alice[@]}" --refresh-file kept >sixth.token
expect 0 '^1200' "$keyway" read -d D --token-file sixth.token "$server" "$node"
expect 0 'alice +urn:.* urn:test:server .* never' "$keyway" grant list -d D --user alice
expect 2 'say which' "$keyway" grant revoke -d D
expect 1 'Bad_NotFound' "$keyway" grant revoke -d D --user nobody
expect 0 '1 grant revoked' "$keyway" grant revoke -d D --user alice
expect 0 'there are no such grants' "$keyway" grant list -d D --user alice
expect 1 Bad_IdentityTokenRejected "${ask[@]}" --refresh-file kept
expect 1 Bad_IdentityTokenRejected "$keyway" read -d D --token-file sixth.token "$server" "$node"
[ "$(records Command 'grant revoke -d D --user alice')" -eq 1 ]

# AZ-13: a user certificate signs for this request on this channel; the refresh token ends with the trust in it
openssl req -x509 -newkey rsa:2048 -nodes -keyout erin.key -out erin.crt -days 2 -subj /CN=erin -addext keyUsage=digitalSignature 2>/dev/null
chmod 600 erin.key
as_erin=(--user-cert erin.crt --user-key erin.key)
expect 1 Bad_IdentityTokenRejected "${ask[@]}" "${as_erin[@]}"
"$keyway" cert trust -d D --users erin.crt >/dev/null
"${ask[@]}" "${as_erin[@]}" --refresh-file erin.kept >erin.token
expect 0 '^0' "$keyway" read -d D --token-file erin.token "$server" i=2259
expect 0 . "${ask[@]}" --refresh-file erin.kept
"$keyway" cert reject -d D --users erin.crt >/dev/null
expect 1 Bad_IdentityTokenRejected "${ask[@]}" --refresh-file erin.kept

# Nothing secret reached a log or the trail.
"$keyway" trail list -d D --json >trail.json
for secret in alice-password "$(cat used)" "$(cat kept)"; do
    if grep -qF -- "$secret" server.log authority.log trail.json; then
        echo "a secret stands in a log"
        failures=$((failures + 1))
    fi
done
expect 0 "intact" "$keyway" trail check -d D
verdict
