#!/usr/bin/env bash
# Two Authorization Services and a Server on one PostgreSQL are one: what one of them is told or finds out holds at the others. One is
# killed under load, the database is stopped and started: nothing that was acknowledged is lost, and all of it recovers by itself.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../support/postgres.sh"
if ! pg_find; then
    echo "skipped: the Debian package postgresql is not installed"
    exit 0
fi
chmod 0711 "$work"
stop_all() {
    pg_stop "$work/pg" || true
    finish
}
trap stop_all EXIT
cd "$work"
echo admin-password >admin
echo alice-password >alice
echo wrong >wrong
wrong() {
    echo "FAILED  $1"
    failures=$((failures + 1))
}

# --- a database with a user that has a password -----------------------------------------------------------------------------------
pg_init "$work/pg"
sed -i '1i local plant plant scram-sha-256' "$work/pg/data/pg_hba.conf"
pg_start "$work/pg"
sql() { pg_run "$pg_bin/psql" -q -h "$work/pg" -U keyway -d "${2:-plant}" -c "$1"; }
sql "CREATE ROLE plant LOGIN PASSWORD 'geheim-db'" postgres
sql "CREATE DATABASE plant OWNER plant" postgres
store="postgresql://plant:geheim-db@/plant?host=$work/pg"

expect 2 "a URL of PostgreSQL" "$keyway" init A --store somewhere.db
expect 1 "Bad_ResourceUnavailable: postgresql://$work/pg/plant: .*password authentication failed" \
    "$keyway" init X --store "${store/geheim-db/verraten}" --admin-password-file admin
grep -q verraten "$work/out" && wrong "a password stands in a message"
expect 0 "" "$keyway" init A --store "$store" --port 0 --uri urn:test:a --allow-anonymous --admin-password-file admin
expect 1 "Bad_ConfigurationError.*give --store-key-file" "$keyway" init B --store "$store" --admin-password-file admin
expect 0 "shared with the nodes that use it already" "$keyway" init B --store "$store" --store-key-file A/own/store.key --port 0 --uri urn:test:b --allow-anonymous --admin-password-file admin
expect 0 "" "$keyway" config check -c B/keyway.yaml
chmod 0644 B/keyway.yaml
expect 2 "holds a password and others can read this file" "$keyway" user list -d B
chmod 0600 B/keyway.yaml

# --- one service ---------------------------------------------------------------------------------------------------------------------
expect 0 "" "$keyway" user add -d A alice --password-file alice --role Operator
"$keyway" cert trust -d B A/own/client.crt >/dev/null
start authority-a "$keyway" authority -c A/keyway.yaml
a=$url
a_pid=$pid
start authority-b "$keyway" authority -c B/keyway.yaml
b=$url
start server "$keyway" serve -c B/keyway.yaml
server=$url
node='ns=1;s=Machine.Speed'
from_a=("$keyway" token -d A --authority "$a" --resource urn:test:b --user alice)
from_b=("$keyway" token -d B --authority "$b" --resource urn:test:b --user alice)
a_at_b=("$keyway" token --cert A/own/client.crt --key A/own/client.key --trust B/trust/client --authority "$b" --resource urn:test:b --user alice)

# until_done COMMAND…: again until it succeeds; what others changed is taken up within a second
until_done() {
    local tries=300
    until "$@" >"$work/out" 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { wrong "$*:"; cat "$work/out"; return; }
    done
}
read_with() { "$keyway" read -d B --token-file "$1" "$server" "$node"; }

# A token of either is good at the Server; the Role came with a user that another node's command added.
"${from_a[@]}" --password-file alice >a.token
"${from_b[@]}" --password-file alice >b.token
expect 0 '^1200' read_with a.token
expect 0 '^1200' read_with b.token

# AZ-15: a refresh token of one node is good at the other, and good once in all; the second use is noticed wherever it is.
count_records() { "$keyway" trail list -d A --json | grep '"RefreshToken"' | grep -c -- "$1" || true; }
"${from_a[@]}" --password-file alice --refresh-file kept >kept.token
cp kept used
"${a_at_b[@]}" --password-file alice --refresh-file kept >kept.token
expect 0 '^1200' read_with kept.token
[ "$(count_records '"Good"')" -eq 1 ] || wrong "the other node did not renew"
"${from_a[@]}" --password-file alice --refresh-file used >kept.token # asks anew as alice
[ "$(count_records 'used before')" -eq 1 ] || wrong "a refresh token was taken twice"
"${from_a[@]}" --password-file alice --refresh-file kept >kept.token
[ "$(count_records '"Good"')" -eq 1 ] || wrong "what came from it is still good"

# A key that one node makes is the one that both sign with, and the Server knows it.
kid() { { cut -d. -f1 "$1" | tr '_-' '/+' | base64 -d 2>/dev/null || true; } | grep -o '"kid":"[^"]*"'; } # the padding is missing
"$keyway" key rotate -d A --now >/dev/null
signs_with_new_key() { "$@" --password-file alice >new.token && [ "$(kid new.token)" != "$(kid a.token)" ]; }
until_done signs_with_new_key "${from_b[@]}"
new=$(kid new.token)
until_done signs_with_new_key "${from_a[@]}"
[ "$(kid new.token)" = "$new" ] || wrong "two nodes sign with different keys"
until_done read_with new.token
expect 0 '^1200' read_with a.token

# Who guesses at one node is locked out at the other, until an administrator forgets it at a third.
for _ in 1 2 3 4 5 6 7 8 9 10; do
    expect 1 Bad_ "${from_a[@]}" --password-file wrong
done
is_locked() { ! "$@" --password-file alice; }
until_done is_locked "${a_at_b[@]}"
expect 0 'client:' "$keyway" user lockouts -d B
expect 0 'cleared' "$keyway" user lockouts -d B --clear-all
until_done "${a_at_b[@]}" --password-file alice
until_done "${from_a[@]}" --password-file alice

# A refresh token that one node gave is changed at the other, good once for both, and a second use ends all that came of it.
"${from_a[@]}" --password-file alice --refresh-file kept >/dev/null
cp kept used
refresh_at_a=("$keyway" token -d A --authority "$a" --resource urn:test:b)
refresh_at_b=("$keyway" token --cert A/own/client.crt --key A/own/client.key --trust B/trust/client --authority "$b" --resource urn:test:b)
expect 0 '^ey' "${refresh_at_b[@]}" --refresh-file kept
expect 0 '^ey' "${refresh_at_a[@]}" --refresh-file kept
expect 1 Bad_IdentityTokenRejected "${refresh_at_a[@]}" --refresh-file used
expect 1 Bad_IdentityTokenRejected "${refresh_at_b[@]}" --refresh-file kept

# A user that one node disables is refused by the other, and by the Server.
"$keyway" user disable -d B alice >/dev/null
until_done is_locked "${from_a[@]}"
expect 1 Bad_UserAccessDenied "$keyway" read -d B --user alice --password-file alice "$server" "$node"
"$keyway" user enable -d A alice >/dev/null
until_done "${from_b[@]}" --password-file alice
"$keyway" user lockouts -d A --clear-all >/dev/null

# --- one of them is killed under load ------------------------------------------------------------------------------------------------
echo "$a" >a.url
for n in 1 2 3 4; do
    "$keyway" user add -d A "user$n" --password-file alice >/dev/null
    : >"issued.$n"
done
# At A, and where that fails at B: who tries again succeeds. (Twice at B: the address of A that B shows to its Clients changes with each
# start of A, and a Client that sees two addresses in one connection gives it up.)
ask_at() { "$keyway" token -d "$2" --authority "$3" --resource urn:test:b --user "user$1" --password-file alice --timeout 10 2>"refused.$1" >"got.$1"; }
ask() {
    while [ ! -e stop ]; do
        if ask_at "$1" A "$(cat a.url)"; then
            echo a >>"issued.$1"
        elif ask_at "$1" B "$b" || ask_at "$1" B "$b"; then
            echo b >>"issued.$1"
        elif [ ! -e database-is-down ]; then
            cat "refused.$1" >>"refused"
        fi
    done
}
askers=()
for n in 1 2 3 4; do
    ask "$n" &
    askers+=($!)
done
acknowledged() { cat issued.? | wc -l; }
wait_for_more() {
    local goal=$(($(acknowledged) + $1))
    while [ "$(acknowledged)" -lt "$goal" ]; do read -r -t 0.02 <> <(:) || true; done
}
for round in 1 2 3; do
    wait_for_more $((4 + round))
    kill -KILL "$a_pid"
    wait "$a_pid" 2>/dev/null || true
    wait_for_more 4
    start "authority-a$round" "$keyway" authority -c A/keyway.yaml
    a_pid=$pid
    echo "$url" >a.url
done
wait_for_more 4
[ ! -s refused ] || { wrong "with one node dead the other refused:"; sort refused | uniq -c; }
grep -q b issued.? || wrong "nobody had to try again"

# --- the database goes, and comes back ----------------------------------------------------------------------------------------------
touch database-is-down
pg_stop "$work/pg" immediate # as in a crash
expect 1 'Bad_ResourceUnavailable' "${from_b[@]}" --password-file alice
expect 1 "Bad_ResourceUnavailable: postgresql://$work/pg/plant" "$keyway" user list -d A
pg_start "$work/pg"
until_done "${from_b[@]}" --password-file alice
until_done "$keyway" token -d A --authority "$(cat a.url)" --resource urn:test:b --user alice --password-file alice
until_done read_with new.token
wait_for_more 8
touch stop
wait "${askers[@]}" 2>/dev/null || true

# --- the account ----------------------------------------------------------------------------------------------------------------------
expect 0 "the chain is intact" "$keyway" trail check -d B
"$keyway" trail list -d B --json >trail
for n in 1 2 3 4; do
    issued=$(wc -l <"issued.$n")
    recorded=$(grep -c "\"event\":\"\(RequestAccess\|FinishRequest\)Token\".*\"status\":\"Good\".*\"user\":\"user$n\"" trail || true)
    [ "$recorded" -ge "$issued" ] || wrong "user$n was given $issued tokens, only $recorded are in the trail"
    [ "$issued" -gt 0 ] || wrong "user$n was given nothing at all"
done

# --- to a file, and to another database, and on ---------------------------------------------------------------------------------------
expect 0 'backed up to all.backup: [0-9]+ rows' "$keyway" store backup all.backup -d A
expect 1 Bad_AlreadyExists "$keyway" store backup all.backup -d A
expect 1 'Bad_AlreadyExists.*there is a store already' "$keyway" store restore all.backup -d B
cp -r B C
sed -i 's/^store: .*/store: keyway.db/' C/keyway.yaml
expect 1 'Bad_NotFound' "$keyway" user list -d C
expect 0 'restored from all.backup' "$keyway" store restore all.backup -d C
expect 0 "the chain is intact" "$keyway" trail check -d C
expect 0 '^alice ' "$keyway" user list -d C
sql "CREATE DATABASE second OWNER plant" postgres
sed -i '1i local second plant scram-sha-256' "$work/pg/data/pg_hba.conf"
sql "SELECT pg_reload_conf()" postgres >/dev/null
expect 0 'backed up to from-file' "$keyway" store backup from-file -d C
sed -i "s|^store: .*|store: \"${store/@\/plant/@\/second}\"|" C/keyway.yaml
until_done "$keyway" store restore from-file -d C
expect 0 "the chain is intact" "$keyway" trail check -d C
start server-c "$keyway" serve -c C/keyway.yaml
expect 0 '^1200' "$keyway" read -d C --token-file new.token "$url" "$node"

# --- over a network the database proves itself, or there is no connection ------------------------------------------------------------
authority_of() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.crt" -subj "/CN=$1" -days 2 2>/dev/null
}
authority_of ca
authority_of stranger
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout db.key -out db.csr -subj /CN=db 2>/dev/null
openssl x509 -req -in db.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile <(echo subjectAltName=IP:127.0.0.1) -out db.crt 2>/dev/null
cp db.crt db.key "$work/pg"
chmod 0600 "$work/pg/db.key"
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$work/pg/db.key" "$work/pg/db.crt"
fi
sed -i '1i hostssl second plant 127.0.0.1/32 scram-sha-256' "$work/pg/data/pg_hba.conf"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
pg_stop "$work/pg" fast
pg_start "$work/pg" listen_addresses=127.0.0.1 "port=$port" ssl=on "ssl_cert_file=$work/pg/db.crt" "ssl_key_file=$work/pg/db.key"
over_tls() {
    sed -i "s|^store: .*|store: \"postgresql://plant@127.0.0.1:$port/second?passfile=$work/passfile\&sslmode=verify-full\&sslrootcert=$work/$1\"|" C/keyway.yaml
    "$keyway" user list -d C
}
echo "127.0.0.1:$port:second:plant:geheim-db" >passfile
chmod 0600 passfile
expect 0 '^alice ' over_tls ca.crt
expect 1 'Bad_ResourceUnavailable.*certificate verify failed' over_tls stranger.crt

if grep -qF geheim-db ./*.log trail; then
    wrong "the password of the database stands in a log"
fi
verdict
