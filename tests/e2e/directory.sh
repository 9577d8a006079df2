#!/usr/bin/env bash
# Users and groups of a directory: docs/directory.md as written, then slapd with TLS, nested groups, mistakes, outage and recovery.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$(dirname "$0")/lib.sh"
. "$root/tests/support/slapd.sh"
command -v slapd >/dev/null || { echo "slapd is missing"; exit 1; }
cd "$work"

end_directories() {
    slapd_stop "$work/first"
    slapd_stop "$work/second"
    slapd_stop "$work/page/company"
    finish
}
trap end_directories EXIT

# --- the page: its commands, on a free port ---------------------------------------------------------------------------------
script=$(awk '/^## Try it on this machine first/ {inside = 1} inside && /^```$/ {exit} inside && shown {print} inside && /^```sh$/ {shown = 1}' \
    "$root/docs/directory.md" | sed "s|^PATH=.*|PATH=\"$work/bin:\$PATH:/usr/sbin\"|; s|^PORT=.*|PORT=$(free_port)|")
[ -n "$script" ] || { echo "docs/directory.md has no commands"; exit 1; }
mkdir page bin
ln -s "$keyway" bin/keyway
output=$(cd page && bash -m -c "trap 'kill \$(jobs -p) 2>/dev/null || true' EXIT; set -e; $script" 2>errors) || {
    echo "the commands of docs/directory.md failed:"
    cat errors
    exit 1
}
for line in 'group operators' '^1200' 'no Role, no value'; do
    grep -q "$line" <<<"$output" || { echo "docs/directory.md does not show '$line':"; echo "$output"; cat errors; exit 1; }
done

# --- a directory with TLS ----------------------------------------------------------------------------------------------------
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 -subj /CN=other 2>/dev/null
mkdir first second
openssl req -newkey rsa:2048 -nodes -keyout first/server.key -out server.csr -subj /CN=localhost 2>/dev/null
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out first/server.crt \
    -extfile <(echo subjectAltName=IP:127.0.0.1) 2>/dev/null

person() {
    printf 'dn: uid=%s,ou=people,%s\nobjectClass: inetOrgPerson\ncn: %s\nsn: Example\nuserPassword: password of %s\n\n' \
        "$2" "$slapd_base" "$1" "$1"
}
group() {
    printf 'dn: cn=%s,ou=groups,%s\nobjectClass: groupOfNames\nmember: %s\n\n' "$1" "$slapd_base" "$2"
}
{
    printf 'dn: %s\nobjectClass: domain\n\n' "$slapd_base"
    for unit in people groups services; do
        printf 'dn: ou=%s,%s\nobjectClass: organizationalUnit\n\n' "$unit" "$slapd_base"
    done
    printf 'dn: cn=keyway,ou=services,%s\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\nuserPassword: password of the account\n\n' \
        "$slapd_base"
    person anna anna
    person ben ben
    person brackets 'b(r)a*c\2c k' # the comma of a name, in a DN
    group staff "cn=operators,ou=groups,$slapd_base"
    group operators "uid=anna,ou=people,$slapd_base"
    group round "cn=circle,ou=groups,$slapd_base"
    group circle "cn=round,ou=groups,$slapd_base" | sed "s|^\$|member: uid=ben,ou=people,$slapd_base\n|"
} >tree.ldif
slapd_make "$work/first" tree.ldif
slapd_make "$work/second" tree.ldif
plain=$(free_port)
tls=$(free_port)
slapd_start "$work/first" "ldap://127.0.0.1:$plain ldaps://127.0.0.1:$tls ldaps://127.0.0.2:$tls"
first=ldap://127.0.0.1:$plain

echo admin-password >admin
for user in anna ben brackets; do echo "password of $user" >"$user"; done
echo wrong >wrong
: >empty
"$keyway" init D --port 0 --uri urn:test:server --allow-anonymous --admin-password-file admin >/dev/null
(umask 077 && echo 'password of the account' >D/directory.password)
cp ca.pem other.pem D/
cp D/keyway.yaml without.yaml

# configured LINE…: D/keyway.yaml with these lines in the section `directory`, beside those that all have
configured() {
    cp without.yaml D/keyway.yaml
    {
        printf 'directory:\n  bind_dn: cn=keyway,ou=services,%s\n  password_file: directory.password\n' "$slapd_base"
        printf '  base: ou=people,%s\n  retry: 1\n  recheck: 1\n  max_age: 86400\n' "$slapd_base"
        printf '  %s\n' "$@"
    } >>D/keyway.yaml
}
by_search="group_base: ou=groups,$slapd_base"
ask=("$keyway" directory test -c D/keyway.yaml)

# --- what the configuration refuses -------------------------------------------------------------------------------------------
configured 'servers: ["ldap://ldap.plant.example"]' "$by_search"
expect 2 'would carry passwords in clear' "$keyway" config check -c D/keyway.yaml
configured 'servers: ["ldap://ldap.plant.example"]' 'allow_plain: true' "$by_search"
expect 0 '' "$keyway" config check -c D/keyway.yaml
configured "servers: [\"$first\"]"
expect 2 'nobody is in any group' "$keyway" config check -c D/keyway.yaml
configured "servers: [\"$first\"]" "$by_search" 'user_filter: (uid=anna)'
expect 2 'the same for every user' "$keyway" config check -c D/keyway.yaml
configured "servers: [\"$first\"]" "$by_search"
chmod 644 D/directory.password
expect 2 'others can read' "$keyway" config check -c D/keyway.yaml
chmod 600 D/directory.password

# --- who the directory knows -----------------------------------------------------------------------------------------------------
expect 0 'group operators' "${ask[@]}" anna --password-file anna
expect 1 'Bad_UserAccessDenied: wrong password' "${ask[@]}" anna --password-file wrong
expect 1 'Bad_UserAccessDenied: unknown user' "${ask[@]}" nobody --password-file wrong
expect 1 'Bad_UserAccessDenied' "${ask[@]}" anna --password-file empty
expect 1 'spelt otherwise' "${ask[@]}" ANNA --password-file anna
expect 0 'id=b' "${ask[@]}" 'b(r)a*c, k' --password-file brackets
for injected in '*' 'ann*' 'anna)(uid=ben' '*)(|(uid=*' 'anna,ou=people' 'b(r)*' '\61nna'; do
    expect 1 'Bad_UserAccessDenied' "${ask[@]}" "$injected" --password-file anna
done
expect 0 'group operators' "$keyway" directory test -d D anna
expect 0 'who       anna' "$keyway" policy test -d D urn:test:server --user anna
expect 1 'the directory: unknown user' "$keyway" policy test -d D urn:test:server --user nobody
"$keyway" user add -d D local --password-file anna >/dev/null
expect 1 'the store has a user of this name' "${ask[@]}" local
printf 'password of somebody else\n' >D/directory.password
expect 1 'does not take bind_dn' "${ask[@]}" anna
echo 'password of the account' >D/directory.password


# shows COMMAND…: all that it prints, when it succeeds
shows() {
    "$@" >"$work/shown" 2>&1 || { echo "FAILED  $* :"; cat "$work/shown"; failures=$((failures + 1)); }
}
# has TEXT, lacks TEXT: in what was shown
has() {
    grep -qxF -- "$1" "$work/shown" || { echo "FAILED  no line '$1' in:"; cat "$work/shown"; failures=$((failures + 1)); }
}
lacks() {
    ! grep -qxF -- "$1" "$work/shown" || { echo "FAILED  a line '$1' in:"; cat "$work/shown"; failures=$((failures + 1)); }
}

# Groups of groups, also those that contain each other; by name, or as memberOf has them.
shows "${ask[@]}" anna --password-file anna
has 'group operators'
lacks 'group staff'
configured "servers: [\"$first\"]" "$by_search" 'nested_groups: true'
shows "${ask[@]}" anna
has 'group operators'
has 'group staff'
lacks 'group circle'
shows "${ask[@]}" ben
has 'group circle'
has 'group round'
slapd_change "$first" <<END
dn: cn=fitters,ou=groups,$slapd_base
changetype: add
objectClass: groupOfNames
member: uid=ben,ou=people,$slapd_base
END
configured "servers: [\"$first\"]" 'group_attribute: memberOf'
shows "${ask[@]}" ben
has "group cn=fitters,ou=groups,$slapd_base"
# What a user binds with is made of the name.
configured "servers: [\"$first\"]" "$by_search" "bind_pattern: uid=%u,ou=people,$slapd_base"
expect 0 'group operators' "${ask[@]}" anna --password-file anna
expect 0 '' "${ask[@]}" 'b(r)a*c, k' --password-file brackets
expect 1 'Bad_UserAccessDenied: wrong password' "${ask[@]}" anna --password-file ben

# --- TLS --------------------------------------------------------------------------------------------------------------------------
configured "servers: [\"ldaps://127.0.0.1:$tls\"]" 'ca_file: ca.pem' "$by_search"
expect 0 'connected, with TLS' "${ask[@]}" anna --password-file anna
configured "servers: [\"ldaps://127.0.0.1:$tls\"]" 'ca_file: other.pem' "$by_search"
expect 1 'not vouched for' "${ask[@]}" anna --password-file anna
configured "servers: [\"ldaps://127.0.0.2:$tls\"]" 'ca_file: ca.pem' "$by_search" # that name is not in its certificate
expect 1 'not vouched for' "${ask[@]}" anna --password-file anna
configured "servers: [\"$first\"]" 'start_tls: true' 'ca_file: ca.pem' "$by_search"
expect 0 'connected, with TLS1' "${ask[@]}" anna --password-file anna
configured "servers: [\"$first\"]" 'start_tls: true' 'ca_file: other.pem' "$by_search"
expect 1 'TLS could not be switched on' "${ask[@]}" anna --password-file anna
backup=$(free_port)
slapd_start "$work/second" "ldap://127.0.0.1:$backup" # has no TLS
configured "servers: [\"ldap://127.0.0.1:$backup\"]" 'start_tls: true' 'ca_file: ca.pem' "$by_search"
expect 1 'TLS could not be switched on' "${ask[@]}" anna --password-file anna

# --- servers that take a connection and say nothing: the next one is asked ---------------------------------------------------------
cat >hole.py <<'PY'
import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(100)
print("ready %d" % s.getsockname()[1], flush=True)
while True:
    time.sleep(1000)
PY
start hole python3 hole.py
hole=$url
for way in "ldap://127.0.0.1:$hole" "ldaps://127.0.0.1:$hole"; do
    configured "servers: [\"$way\", \"$first\"]" 'ca_file: ca.pem' 'connect_timeout: 200' 'timeout: 200' "$by_search"
    expect 0 'group operators' "${ask[@]}" anna --password-file anna
done
configured "servers: [\"ldap://127.0.0.1:$hole\", \"$first\"]" 'start_tls: true' 'ca_file: ca.pem' 'connect_timeout: 200' 'timeout: 200' \
    "$by_search"
expect 0 'group operators' "${ask[@]}" anna --password-file anna

# --- tokens -------------------------------------------------------------------------------------------------------------------------
configured "servers: [\"ldaps://127.0.0.1:$tls\", \"ldap://127.0.0.1:$backup\"]" 'ca_file: ca.pem' "$by_search"
"$keyway" role grant -d D Operator --group operators >/dev/null
"$keyway" role grant -d D Operator --user local >/dev/null
start authority "$keyway" authority -c D/keyway.yaml
authority=$url
start server "$keyway" serve -c D/keyway.yaml
server=$url
read_as() {
    "$keyway" read -d D --authority "$authority" --user "$1" --password-file "$2" "$server" 'ns=1;s=Machine.Speed'
}
token_as() {
    "$keyway" token -d D --authority "$authority" --resource urn:test:server --user "$1" --password-file "$2"
}
expect 0 '^1200' read_as anna anna
expect 0 '^1200' "$keyway" read -d D --user anna --password-file anna "$server" 'ns=1;s=Machine.Speed' # at the Server itself
expect 1 'Bad_(UserAccessDenied|IdentityTokenRejected)' token_as anna wrong
expect 1 'Bad_(UserAccessDenied|IdentityTokenRejected)' token_as nobody wrong
expect 1 'Bad_(UserAccessDenied|IdentityTokenRejected)' token_as anna empty
expect 0 . token_as ben ben
expect 1 Bad_UserAccessDenied read_as ben ben # without the Role

# Removed from the group: the next token is without the Role, also when it comes by a refresh token.
"$keyway" token -d D --authority "$authority" --resource urn:test:server --user anna --password-file anna --refresh-file kept >early.token
expect 0 '^1200' "$keyway" read -d D --token-file early.token "$server" 'ns=1;s=Machine.Speed'
slapd_change "$first" <<END
dn: cn=operators,ou=groups,$slapd_base
changetype: modify
replace: member
member: uid=ben,ou=people,$slapd_base
END
expect 1 Bad_UserAccessDenied read_as anna anna
expect 0 '^1200' read_as ben ben
"$keyway" token -d D --authority "$authority" --resource urn:test:server --refresh-file kept >late.token
expect 1 Bad_UserAccessDenied "$keyway" read -d D --token-file late.token "$server" 'ns=1;s=Machine.Speed'
slapd_change "$first" <<END
dn: uid=anna,ou=people,$slapd_base
changetype: delete
END
expect 1 'Bad_(UserAccessDenied|IdentityTokenRejected)' token_as anna anna
expect 1 Bad_IdentityTokenRejected "$keyway" token -d D --authority "$authority" --resource urn:test:server --refresh-file kept

# --- outage and recovery ---------------------------------------------------------------------------------------------------------------
slapd_stop "$work/first"
expect 0 '^1200' read_as anna anna # by the second server, which still has her
slapd_stop "$work/second"
for _ in $(seq 12); do # more than a Client may fail
    expect 1 Bad_ResourceUnavailable token_as anna anna
done
expect 0 '^1200' read_as local anna
slapd_start "$work/second" "ldap://127.0.0.1:$backup"
for _ in $(seq 100); do
    read_as anna anna >"$work/out" 2>&1 && break
    sleep 0.1
done
expect 0 '^1200' read_as anna anna
expect 0 'does not serve' grep 'does not serve' authority.log
expect 0 'serves again' grep 'serves again' authority.log
expect 0 'intact' "$keyway" trail check -d D
! grep -rq 'password of' authority.log server.log || { echo "a password is in a log"; exit 1; }
verdict
