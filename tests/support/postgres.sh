# Sourced: a PostgreSQL of the test's own, in a folder, reachable by a socket in it and by nothing else.
# shellcheck shell=bash

# pg_find: sets pg_bin, the folder of its programs; they are not on the path
pg_find() {
    local candidate
    pg_bin=
    for candidate in $(ls -dr /usr/lib/postgresql/*/bin 2>/dev/null) "$(dirname "$(command -v initdb 2>/dev/null || echo /)")"; do
        if [ -x "$candidate/initdb" ] && [ -x "$candidate/pg_ctl" ]; then
            pg_bin=$candidate
            return 0
        fi
    done
    return 1
}

# The server refuses to run as root.
pg_run() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

# pg_init FOLDER: which is made. Its texts are sorted by a language, so that it shows when ours are.
pg_init() {
    local locale=(--locale=C.UTF-8)
    mkdir -m 0700 "$1"
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres "$1"
    fi
    if [ "$("$pg_bin/initdb" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')" -ge 15 ]; then
        locale+=(--locale-provider=icu --icu-locale=en-US)
    fi
    pg_run "$pg_bin/initdb" -D "$1/data" -U keyway -A trust -N -E UTF8 "${locale[@]}" >"$1.log" 2>&1 || {
        cat "$1.log"
        return 1
    }
}

# pg_start FOLDER [SETTING…]
pg_start() {
    local folder=$1 setting options="-c listen_addresses= -c unix_socket_directories=$1 -c fsync=off -c deadlock_timeout=50ms"
    shift
    for setting in "$@"; do options+=" -c $setting"; done
    pg_run "$pg_bin/pg_ctl" -D "$folder/data" -l "$folder/log" -o "$options" -w -t 60 start >"$folder.log" 2>&1 || {
        cat "$folder.log" "$folder/log"
        return 1
    }
}

# pg_stop FOLDER [fast|immediate]: by the process id that the server left there
pg_stop() {
    if [ -f "$1/data/postmaster.pid" ]; then
        pg_run "$pg_bin/pg_ctl" -D "$1/data" -m "${2:-immediate}" -w stop >/dev/null 2>&1
    fi
}
