# Sourced: a directory of the test's own, in a folder, on a port of 127.0.0.1. It ends with slapd_stop, by its process id.
# shellcheck shell=bash
PATH=$PATH:/usr/sbin
slapd_base=dc=plant,dc=example

# free_port: one that nobody listens on just now
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# slapd_make FOLDER LDIF-FILE: its configuration and data; with server.crt and server.key in FOLDER it has TLS
slapd_make() {
    mkdir -p "$1/data"
    cat >"$1/slapd.conf" <<END
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile $1/slapd.pid
END
    if [ -f "$1/server.crt" ]; then
        printf 'TLSCertificateFile %s\nTLSCertificateKeyFile %s\n' "$1/server.crt" "$1/server.key" >>"$1/slapd.conf"
    fi
    cat >>"$1/slapd.conf" <<END
database mdb
directory $1/data
suffix $slapd_base
rootdn cn=admin,$slapd_base
rootpw change-me
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact=cn=keyway,ou=services,$slapd_base read by * none
END
    slapadd -q -f "$1/slapd.conf" -l "$2"
}

# slapd_start FOLDER URLS: it listens when this returns
slapd_start() {
    slapd -f "$1/slapd.conf" -h "$2"
}

# slapd_stop FOLDER: it is gone when this returns
slapd_stop() {
    local pid
    pid=$(cat "$1/slapd.pid" 2>/dev/null) || return 0
    kill "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}

# slapd_change URL: LDIF of changes on standard input
slapd_change() {
    ldapmodify -x -H "$1" -D "cn=admin,$slapd_base" -w change-me >/dev/null
}
