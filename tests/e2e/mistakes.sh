#!/usr/bin/env bash
# Every mistake of a user ends in one line on stderr that tells what to do, nothing on stdout, the right exit code, and nothing half
# done on disk.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"

# refuses NAME CODE PATTERN ARGUMENT…: wrong usage may show the usage in the lines after it
refuses() {
    local name=$1 expected=$2 pattern=$3 code=0 why=
    shift 3
    timeout -k 2 30 "$keyway" "$@" >out 2>err </dev/null || code=$?
    [ "$code" -eq "$expected" ] || why="exit code $code instead of $expected"
    grep -qE -- "$pattern" err || why="$why; the message does not match '$pattern'"
    [ "$(grep -cvE '^(usage: keyway |       )' err)" -eq 1 ] || why="$why; not one line"
    [ ! -s out ] || why="$why; it printed to stdout as well"
    if [ -n "$why" ]; then
        echo "FAILED  $name: $why"
        sed 's/^/    out: /' out
        sed 's/^/    err: /' err
        failures=$((failures + 1))
    fi
}

# holds NAME COMMAND…
holds() {
    local name=$1
    shift
    "$@" || { echo "FAILED  $name"; failures=$((failures + 1)); }
}


echo 'secret one' >password
: >empty.password
echo 'secret' >short.password

# --- wrong usage: 2 ---------------------------------------------------------------------------------------------------
expect 0 '^  serve ' "$keyway" --help
expect 0 '^keyway [0-9]+\.' "$keyway" --version
refuses "an unknown command" 2 "'fly' is not a command" fly
for command in init serve authority endpoints token read write browse call user role cert issuer resource key trail config; do
    expect 0 "^usage: keyway $command" "$keyway" "$command" --help
    refuses "$command with an unknown option" 2 'unknown option --nonsense' "$command" --nonsense
    refuses "$command alone" 2 "^keyway $command: " "$command"
done
expect 2 'usage: keyway COMMAND' "$keyway"
refuses "an option without its value" 2 'needs a value' user list -d
refuses "a port that is none" 2 'a number from 0 to 65533' init E --port 70000
refuses "a negative number" 2 'a number from' init E --port -1
refuses "a URI with a quote" 2 'no spaces or quotes' init E --uri 'urn:"x'
refuses "two identities" 2 'give one identity' read opc.tcp://localhost:1 i=2258 --user a --password-file password --token-file password
refuses "a user without a password" 2 'needs --password-file' read opc.tcp://localhost:1 i=2258 --user a
holds "wrong usage leaves nothing behind" test ! -e E

# --- init --------------------------------------------------------------------------------------------------------------
refuses "init without the password file" 1 'Bad_NotFound: .*nowhere' init N --admin-password-file nowhere
refuses "init with an empty password" 1 'the password is empty' init M --admin-password-file empty.password
holds "and leaves nothing behind" test ! -e M
expect 0 '^Configuration +D/keyway.yaml' "$keyway" init D --port 0 --uri urn:plant:server --host plant.example --admin-password-file password
refuses "init does not overwrite" 1 'Bad_AlreadyExists: D holds a Keyway installation already' init D --admin-password-file password
for file in D/own/server.key D/own/authority.key D/own/client.key D/own/store.key D/keyway.yaml; do
    holds "$file is for its owner alone" test "$(stat -c %a "$file")" = 600
done
expect 0 '^Password +[[:alnum:]]{20} ' "$keyway" init P --port 0
holds "no endpoint without security unless asked for" grep -q 'allow_none: false' D/keyway.yaml
holds "no anonymous users unless asked for" grep -q 'allow_anonymous: false' D/keyway.yaml

# --- users -------------------------------------------------------------------------------------------------------------
refuses "user without a folder" 2 '\-d DIR is missing' user list
refuses "user with an unknown word" 2 "unknown word 'ad'" user ad -d D bob
refuses "user add without a name" 2 "name is missing" user add -d D
refuses "user add without a password" 2 '\-\-password-file F is missing' user add -d D bob
refuses "user add with an empty password" 1 'the password is empty' user add -d D bob --password-file empty.password
refuses "user add with a short password" 1 'Bad_OutOfRange: .*8 to 256 characters' user add -d D bob --password-file short.password
expect 0 '^user bob added' "$keyway" user add -d D bob --password-file password --role Operator --role Observer
refuses "user add twice" 1 "Bad_AlreadyExists: there is a user 'bob' already" user add -d D bob --password-file password
refuses "user add with an unknown Role" 1 "there is no Role 'Boss'" user add -d D carl --password-file password --role Boss
expect 0 '^bob +active +(Observer, Operator|Operator, Observer)' "$keyway" user list -d D
holds "a refused user add leaves no user" test -z "$(grep '^carl' out)"
expect 0 '^user bob disabled' "$keyway" user disable -d D bob
expect 0 '^bob +disabled' "$keyway" user list -d D
expect 0 '^user bob enabled' "$keyway" user enable -d D bob
refuses "user passwd with a short password" 1 'Bad_OutOfRange: .*8 to 256 characters' user passwd -d D bob --password-file short.password
expect 0 '^password of bob changed' "$keyway" user passwd -d D bob --password-file password
expect 0 '^password of bob changed' "$keyway" user passwd -d D bob --password-file password --must-change-password
expect 0 '^bob +must change password' "$keyway" user list -d D
expect 0 '"name": "bob"' "$keyway" user list -d D --json
holds "user list shows no hashes" test -z "$(grep -iE 'argon|hash|secret' out)"
expect 0 '^user bob removed' "$keyway" user remove -d D bob
refuses "user remove twice" 1 "Bad_NotFound: there is no user 'bob'" user remove -d D bob
refuses "user disable of nobody" 1 "Bad_NotFound: there is no user 'bob'" user disable -d D bob

# --- Roles -------------------------------------------------------------------------------------------------------------
expect 0 '^SecurityAdmin +user +admin' "$keyway" role list -d D
expect 0 '^Role Painter added' "$keyway" role add -d D Painter
refuses "role add twice" 1 "Bad_AlreadyExists: " role add -d D Painter
expect 0 '^Role Painter granted to group plant/painters' "$keyway" role grant -d D Painter --group plant/painters
refuses "role grant twice" 1 'Bad_AlreadyExists: ' role grant -d D Painter --group plant/painters
refuses "role grant to nobody" 2 'give one of --user' role grant -d D Painter
refuses "role grant to two at once" 2 'give one of --user' role grant -d D Painter --user a --group b
refuses "role grant to half a thumbprint" 2 '40 hexadecimal digits' role grant -d D Painter --thumbprint AABB
refuses "role grant of no Role" 1 'Bad_NotFound: ' role grant -d D Nobody --user a
expect 0 '^Painter +group +plant/painters' "$keyway" role list -d D
expect 0 '"wellKnown": false' "$keyway" role list -d D --json
expect 0 '^Role Painter revoked from group' "$keyway" role revoke -d D Painter --group plant/painters
refuses "role revoke twice" 1 'Bad_NotFound: ' role revoke -d D Painter --group plant/painters
expect 0 '^Role Painter removed' "$keyway" role remove -d D Painter
refuses "role remove of a well-known one" 1 'fixed by the standard' role remove -d D Operator
refuses "Anonymous stays as it is" 1 'fixed by the standard' role grant -d D Anonymous --user a

# --- certificates ------------------------------------------------------------------------------------------------------
expect 0 '^ApplicationUri +urn:plant:server$' "$keyway" cert show -d D D/own/server.crt
expect 0 '"plant.example"' "$keyway" cert show -d D D/own/server.crt --json
expect 0 '^D/own/spare.crt and D/own/spare.key written' "$keyway" cert create -d D --out spare --uri urn:spare --host spare.example
refuses "cert create does not overwrite" 1 'Bad_' cert create -d D --out spare --uri urn:spare --host spare.example
refuses "cert create without a name" 2 '\-\-out NAME is missing' cert create -d D
refuses "cert check of a stranger" 1 'Bad_CertificateUntrusted: .*would be refused' cert check -d D D/own/spare.crt
expect 0 '^trusted: ' "$keyway" cert trust -d D D/own/spare.crt
expect 0 'is trusted$' "$keyway" cert check -d D D/own/spare.crt
expect 0 '^trusted .* urn:spare ' "$keyway" cert list -d D
expect 0 'is no longer trusted$' "$keyway" cert reject -d D D/own/spare.crt
refuses "cert check of a former friend" 1 'Bad_CertificateUntrusted' cert check -d D D/own/spare.crt
refuses "cert reject twice" 1 'is not in the trust list' cert reject -d D D/own/spare.crt
refuses "cert show of a key" 1 'not a certificate' cert show -d D D/own/spare.key
refuses "cert show of nothing" 1 'not a certificate' cert show -d D nowhere
refuses "cert crl of no CRL" 1 'this CRL cannot be used' cert crl -d D D/own/spare.crt
expect 0 '^STATE' "$keyway" cert list -d D --users

# --- issuers, resources, keys -------------------------------------------------------------------------------------------
expect 0 '^urn:plant:server:tokens +jwks' "$keyway" issuer list -d D
refuses "issuer add without keys" 2 'give one of --jwks, --certificate' issuer add -d D urn:other
echo '{"keys": []}' >empty.jwks
echo '{"keys": [' >broken.jwks
refuses "issuer add with an empty JWK Set" 1 'no usable signature key' issuer add -d D urn:other --jwks empty.jwks
refuses "issuer add with a broken JWK Set" 1 'broken.jwks: ' issuer add -d D urn:other --jwks broken.jwks
refuses "issuer add with a missing file" 1 'nowhere: cannot be read' issuer add -d D urn:other --jwks nowhere
expect 0 'tokens of urn:other are accepted' "$keyway" issuer add -d D urn:other --certificate D/own/spare.crt
expect 0 'tokens of urn:other are refused' "$keyway" issuer remove -d D urn:other
refuses "issuer remove twice" 1 'there is no issuer urn:other' issuer remove -d D urn:other
expect 0 'resource urn:press registered' "$keyway" resource add -d D urn:press --name Press --token-lifetime 600
refuses "resource add twice" 1 'Bad_AlreadyExists: ' resource add -d D urn:press
refuses "resource with a token for a second" 2 'a number from 10' resource add -d D urn:x --token-lifetime 1
expect 0 '^urn:press +Press +600 s' "$keyway" resource list -d D
expect 0 'resource urn:press removed' "$keyway" resource remove -d D urn:press
refuses "resource remove twice" 1 'there is no resource urn:press' resource remove -d D urn:press
expect 0 ' active ' "$keyway" key list -d D
former=$(awk '$3 == "active" {print $1}' out)
expect 0 'is published; it signs from' "$keyway" key rotate -d D
refuses "key rotate while a next key waits" 1 'Bad_InvalidState: there is a next key already' key rotate -d D
expect 0 "^$former .* active " "$keyway" key list -d D
holds "one key waits" test "$(grep -c ' next ' out)" -eq 1
expect 0 'signs from now on' "$keyway" key rotate -d D --now
expect 0 "^$former .* retired " "$keyway" key list -d D
holds "one key signs" test "$(grep -c ' active ' out)" -eq 1
refuses "key revoke without a key" 2 'KEY' key revoke -d D
refuses "key revoke of no key" 1 'Bad_NotFound: there is no key 00FF' key revoke -d D 00FF
expect 0 "$former is revoked" "$keyway" key revoke -d D "$former"
refuses "key revoke twice" 1 'Bad_NotFound: ' key revoke -d D "$former"
refuses "--now with another word" 2 '\-\-now goes with rotate' key list -d D --now
refuses "--keep-file with another word" 2 'goes with rewrap' key rotate -d D --keep-file
refuses "key with an unknown word" 2 "unknown word 'turn'" key turn -d D
expect 0 'the chain is intact' "$keyway" trail check -d D

# --- configuration ------------------------------------------------------------------------------------------------------
expect 0 'is in order$' "$keyway" config check -c D/keyway.yaml
cp D/keyway.yaml good.yaml
# wrong NAME KEY SED-SCRIPT: one line that names the file and the key, exit code 2, from `config check` and from `serve`
wrong() {
    sed -E "$3" good.yaml >D/keyway.yaml
    holds "$1: the file was changed" test -n "$(diff good.yaml D/keyway.yaml)"
    refuses "config: $1" 2 "^keyway: D/keyway.yaml: .*$2" config check -c D/keyway.yaml
    refuses "serve: $1" 2 "^keyway: D/keyway.yaml: .*$2" serve -c D/keyway.yaml
}
wrong "an unknown key" 'allow_nothing' 's/allow_none/allow_nothing/'
wrong "an unknown section" 'sever' 's/^server:/sever:/'
wrong "no number" 'port' 's/^  port: 0/  port: many/'
wrong "a negative number" 'port' 's/^  port: 0/  port: -1/'
wrong "a port that is too high" 'port' 's/^  port: 0/  port: 70000/'
wrong "no truth value" 'allow_none' 's/allow_none: false/allow_none: perhaps/'
wrong "an unknown policy" 'security.policies: .Basic512' 's/Basic256Sha256/Basic512/'
wrong "None among the policies" 'allow_none' 's/Basic256Sha256/None/'
wrong "an unknown mode" 'security.modes' 's/\[sign, encrypt\]/[sign, whisper]/'
wrong "an unknown level" 'log_level' 's/^log_level: info/log_level: loud/'
wrong "an unknown algorithm" 'authority.signing_algorithm' 's/RS256/HS256/'
wrong "a missing certificate" 'server.certificate: .*none.crt' 's/own\/server.crt/own\/none.crt/'
wrong "a missing key file" 'server.key: .*none.key' 's/own\/server.key/own\/none.key/'
wrong "a missing value" 'server.uri' '/uri: "urn:plant:server"$/d'
wrong "a name where an address belongs" 'application.listen' 's/"0.0.0.0"/"localhost"/'
wrong "an address without its port" 'metrics_listen' '$ametrics_listen: "127.0.0.1"'
wrong "a port that is none" 'metrics_listen' '$ametrics_listen: "127.0.0.1:70000"'
wrong "a key twice" 'port' 's/^(  port: 0)/\1\n\1/'
wrong "bad YAML" '' 's/^security:/security: [/'
wrong "a queue without end" 'limits.max_item_queue' '$alimits:\n  max_item_queue: 4000000000'
wrong "passwords longer than can be sent" 'identity.password_max_length' 's/^identity:/identity:\n  password_max_length: 300/'
wrong "passwords that cannot be" 'identity.password_min_length' 's/^identity:/identity:\n  password_min_length: 30\n  password_max_length: 20/'
sed 's/^identity:/identity:\n  password_needs_digit: true/' good.yaml >D/keyway.yaml
refuses "a password without what it needs" 1 'among them a digit' user add -d D dora --password-file password
printf '' >D/keyway.yaml
refuses "an empty file" 2 '^keyway: D/keyway.yaml: ' config check -c D/keyway.yaml
refuses "no file" 2 '^keyway: nowhere.yaml: cannot be opened' config check -c nowhere.yaml
refuses "no file for serve" 2 '^keyway: nowhere.yaml: cannot be opened' serve -c nowhere.yaml
refuses "no installation" 2 'cannot be opened' user list -d nowhere
cp good.yaml D/keyway.yaml
sed 's/urn:plant:server"/urn:plant:other"/' good.yaml >D/keyway.yaml
refuses "a certificate for another application" 1 'Bad_CertificateUriInvalid: .*the ApplicationUri' serve -c D/keyway.yaml
cp good.yaml D/keyway.yaml
cp D/own/spare.key D/own/server.key
refuses "a key that belongs to another certificate" 1 'Bad_' serve -c D/keyway.yaml
echo 'not a store, certainly not' >D/keyway.db
rm -f D/keyway.db-wal D/keyway.db-shm
refuses "a store that is none" 1 'keyway.db: ' user list -d D
verdict
