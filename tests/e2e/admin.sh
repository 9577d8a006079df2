#!/usr/bin/env bash
# Administration: what is done, what is refused, in which words and with which exit code.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password >admin
echo alice-password >alice
: >empty

expect 0 "Password +[A-Za-z2-9]{20}" "$keyway" init shown --port 0
expect 0 "" "$keyway" init D --port 0 --uri urn:test:server --admin-password-file admin
expect 1 "Bad_AlreadyExists" "$keyway" init D
echo short >short
expect 1 "Bad_OutOfRange.*8 to 256 characters" "$keyway" init F --admin-password-file short
[ ! -e F/keyway.yaml ] || { echo "an installation was left behind"; failures=$((failures + 1)); }
expect 2 "uri" "$keyway" init E --uri 'a b'
expect 2 "needs a value" "$keyway" init E --port
expect 2 "number" "$keyway" init E --port x

expect 0 "user alice added" "$keyway" user add -d D alice --password-file alice --role Operator
expect 1 "Bad_AlreadyExists" "$keyway" user add -d D alice --password-file alice
expect 1 "empty" "$keyway" user add -d D bob --password-file empty
expect 1 "Bad_NotFound" "$keyway" user add -d D bob --password-file nowhere
expect 2 "password-file" "$keyway" user add -d D bob
expect 0 "disabled" "$keyway" user disable -d D alice
expect 0 '"state": "disabled"' "$keyway" user list -d D --json
expect 0 "enabled" "$keyway" user enable -d D alice
expect 1 "Bad_NotFound" "$keyway" user passwd -d D nobody --password-file alice
expect 0 "alice +active +Operator" "$keyway" user list -d D

expect 0 "" "$keyway" role add -d D Maintenance
expect 0 "granted" "$keyway" role grant -d D Maintenance --claim-role maint
expect 1 "Bad_AlreadyExists" "$keyway" role grant -d D Maintenance --claim-role maint
expect 1 "Bad_RequestNotAllowed" "$keyway" role grant -d D Anonymous --user alice
expect 1 "Bad_RequestNotAllowed" "$keyway" role remove -d D Operator
expect 2 "40" "$keyway" role grant -d D Maintenance --thumbprint xyz
expect 2 "give one" "$keyway" role grant -d D Maintenance
expect 0 "claim-role +maint" "$keyway" role list -d D
expect 0 "revoked" "$keyway" role revoke -d D Maintenance --claim-role maint
for criterion in --anonymous --authenticated --trusted-application; do
    expect 0 "granted to ${criterion#--}" "$keyway" role grant -d D Maintenance "$criterion"
done
expect 1 "Bad_AlreadyExists" "$keyway" role grant -d D Maintenance --anonymous
expect 2 "give one" "$keyway" role grant -d D Maintenance --anonymous --user alice
expect 2 "empty" "$keyway" role grant -d D Maintenance --user ""
expect 0 "revoked from anonymous" "$keyway" role revoke -d D Maintenance --anonymous
expect 0 "trusted-application" "$keyway" role list -d D

# Where a Role holds.
expect 0 "limited" "$keyway" role only -d D Maintenance --application urn:panel:7
expect 0 "only application +urn:panel:7" "$keyway" role list -d D
expect 1 "Bad_AlreadyExists" "$keyway" role only -d D Maintenance --application urn:panel:7
expect 1 "Bad_InvalidState.*only.*lift" "$keyway" role except -d D Maintenance --application urn:panel:8
expect 0 "limited" "$keyway" role except -d D Maintenance --endpoint opc.tcp://far:4840 --mode sign --policy Basic256Sha256
expect 0 "except endpoint +opc.tcp://far:4840 sign Basic256Sha256" "$keyway" role list -d D
expect 0 '"applicationsExclude": false' "$keyway" role list -d D --json
expect 0 '"mode": "sign"' "$keyway" role list -d D --json
expect 0 "lifted" "$keyway" role lift -d D Maintenance --application urn:panel:7
expect 1 "Bad_NotFound" "$keyway" role lift -d D Maintenance --application urn:panel:7
expect 0 "lifted" "$keyway" role lift -d D Maintenance --endpoint opc.tcp://far:4840 --mode sign --policy Basic256Sha256
"$keyway" role list -d D --json >roles
! grep -q '"applicationsExclude": false\|"endpointsExclude": false' roles || { echo "a Role was left to nobody"; failures=$((failures + 1)); }
expect 0 "limited" "$keyway" role only -d D Maintenance --mode encrypt
expect 0 "only endpoint +encrypt" "$keyway" role list -d D
expect 1 "Bad_RequestNotAllowed" "$keyway" role only -d D Anonymous --mode encrypt
expect 1 "Bad_NotFound" "$keyway" role only -d D Nothing --mode encrypt
expect 2 "give --application" "$keyway" role only -d D Maintenance
expect 2 "give --application" "$keyway" role only -d D Maintenance --application urn:a --mode sign
expect 2 "mode" "$keyway" role only -d D Maintenance --mode loud
expect 2 "policy" "$keyway" role only -d D Maintenance --policy Basic999
expect 0 "" "$keyway" role remove -d D Maintenance
expect 0 "" "$keyway" role add -d D Later
expect 0 '"nodeId": 50001' "$keyway" role list -d D --json
expect 0 "" "$keyway" role remove -d D Later

expect 0 "registered" "$keyway" resource add -d D urn:other --token-lifetime 60
expect 0 "urn:other +.*60 s" "$keyway" resource list -d D
expect 0 "" "$keyway" resource remove -d D urn:other
expect 1 "Bad_NotFound" "$keyway" resource remove -d D urn:other

expect 0 "" "$keyway" key rotate -d D --now
expect 0 " retired " "$keyway" key list -d D

expect 0 "" "$keyway" cert create -d D --out extra --uri urn:extra --host example.com
expect 0 "urn:extra" "$keyway" cert show -d D D/own/extra.crt
expect 1 "Bad_CertificateUntrusted" "$keyway" cert check -d D D/own/extra.crt
expect 0 "trusted" "$keyway" cert trust -d D D/own/extra.crt
expect 0 "is trusted" "$keyway" cert check -d D D/own/extra.crt
expect 0 "" "$keyway" cert reject -d D D/own/extra.crt
expect 1 "Bad_CertificateUntrusted" "$keyway" cert check -d D D/own/extra.crt
expect 0 "rejected +CN=" "$keyway" cert list -d D
expect 1 "not a certificate" "$keyway" cert trust -d D alice
[ "$(stat -c %a D/own/extra.key)" = 600 ] || { echo "the private key is not private"; exit 1; }

# What was changed here is in the trail: which command, by whom, and what became of it.
expect 0 "Command +Good +- +keyway +command=\"user add -d D alice --password-file alice --role Operator\" +uid=$(id -u)" "$keyway" trail list -d D
expect 0 'Command +Bad_AlreadyExists +- +keyway +command="user add -d D alice' "$keyway" trail list -d D
expect 0 'Command +Good +- +keyway +command="role grant -d D Maintenance --claim-role maint"' "$keyway" trail list -d D
expect 0 'Command +Bad_RequestNotAllowed .*command="role remove -d D Operator"' "$keyway" trail list -d D
expect 0 'command="key rotate' "$keyway" trail list -d D
expect 0 'command="cert trust' "$keyway" trail list -d D
"$keyway" trail list -d D >trail
! grep -q ' list\|alice-password' trail || { echo "looks, or secrets, are in the trail"; failures=$((failures + 1)); }
expect 0 "the chain is intact" "$keyway" trail check -d D
expect 0 "in order" "$keyway" config check -c D/keyway.yaml

# A mistake in the configuration: one line that names file, key and remedy, exit code 2.
wrong() {
    sed "$1" D/keyway.yaml >D/wrong.yaml
    expect 2 "wrong.yaml: .*$2" "$keyway" config check -c D/wrong.yaml
    [ "$(wc -l <"$work/out")" -eq 1 ] || { echo "more than one line:"; cat "$work/out"; failures=$((failures + 1)); }
    expect 2 "$2" "$keyway" serve -c D/wrong.yaml
}
wrong 's/allow_none/allow_nothing/' allow_nothing
wrong 's/port: 0/port: many/' port
wrong 's/log_level: info/log_level: loud/' log_level
wrong 's/Basic256Sha256\]/Basic999]/' "security.policies.*Basic999"
wrong 's/modes: \[sign/modes: [shout/' "security.modes"
wrong '/^store/d' "store"
wrong 's/^identity:/identity:\n  review_period: 10/' "identity.review_period"
wrong 's/RS256/HS256/' "signing_algorithm"
wrong 's/"127.0.0.1", "::1"\]/"here"]/' "listen"
wrong 's#own/server.key#own/lost.key#' "server.key"
expect 2 "cannot be opened" "$keyway" serve -c D/none.yaml
expect 2 "not a command" "$keyway" nonsense
expect 2 "unknown option" "$keyway" read --nonsense
expect 0 "usage" "$keyway" --help
expect 0 "Who you are" "$keyway" read --help
chmod 644 D/own/server.key
expect 1 "chmod 600" "$keyway" serve -c D/keyway.yaml
verdict
