#!/usr/bin/env bash
# Policy: who may get which Roles on which resource, for how long; the same decision by `keyway policy test`, over OPC UA and by OAuth.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo adminpw-2026 >admin
echo alice-password >alice
"$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin >/dev/null
"$keyway" user add -d D alice --password-file alice --role Operator --role Engineer >/dev/null
"$keyway" user add -d D bob --password-file alice --role Operator >/dev/null
start authority "$keyway" authority -c D/keyway.yaml
authority=$url
token() { "$keyway" token -d D --authority "$authority" --resource urn:test:server --user "$1" --password-file alice; }
claims() { token "$1" | python3 -c '
import base64, json, sys
c = json.loads(base64.urlsafe_b64decode(sys.stdin.read().split(".")[1] + "=="))
print(sorted(c["roles"]), c["exp"] - c["iat"])'; }

# without rules: everybody, with all that he has
expect 0 "\['Engineer', 'Operator'\] 3600" claims alice
expect 0 'every user who is proven' "$keyway" policy test -d D urn:test:server --user bob

# one rule: nobody but alice, as Operator, for ten minutes
expect 0 'user alice may have tokens' "$keyway" policy allow -d D urn:test:server --user alice --role Operator --lifetime 600
expect 0 "\['Operator'\] 600" claims alice
expect 1 Bad_UserAccessDenied token bob
expect 0 'a token for 600 s with Roles: Operator' "$keyway" policy test -d D urn:test:server --user alice
expect 1 'is for others' "$keyway" policy test -d D urn:test:server --user bob
expect 1 '"allowed": false' "$keyway" policy test -d D urn:test:server --user bob --json

# another one, by Role: what several rules let through comes together, for the shortest time
expect 0 'role Engineer' "$keyway" policy allow -d D '*' --having-role Engineer --role Engineer
expect 0 "\['Engineer', 'Operator'\] 600" claims alice
expect 1 '' token bob
expect 0 'urn:test:server' "$keyway" policy list -d D

# somebody from elsewhere, as supposed
expect 1 'is not trusted' "$keyway" policy test -d D urn:test:server --user x --issuer urn:nobody
service=$(sed -n 's/.*service_uri: "\(.*\)"/\1/p' D/keyway.yaml)
expect 0 'a token for' "$keyway" policy test -d D urn:test:server --user x --issuer "$service" --claim-role Engineer

expect 0 'command="policy allow urn:test:server|policy allow' "$keyway" trail list -d D
expect 1 '' sh -c '"$0" trail list -d D | grep "policy test"' "$keyway"
expect 0 removed "$keyway" policy remove -d D 1
expect 0 removed "$keyway" policy remove -d D 2
expect 0 '' token bob
expect 1 Bad_NotFound "$keyway" policy remove -d D 2
expect 1 Bad_NotFound "$keyway" policy allow -d D urn:unknown --anyone
expect 1 Bad_NotFound "$keyway" policy allow -d D urn:test:server --anyone --role Emperor
expect 2 'give one of' "$keyway" policy allow -d D urn:test:server
expect 2 'give one of' "$keyway" policy allow -d D urn:test:server --user a --anyone
verdict
