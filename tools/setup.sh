# Sourced by ./run and ./test: what they need from the system, and how they build. Debian 12 and its relatives.
# shellcheck shell=bash

# Tools that keep caches want a home; a container or a service often has none.
kw_home() {
    if [ -z "${HOME:-}" ] || [ ! -w "${HOME:-}" ]; then
        mkdir -p "$KW_ROOT/build/home"
        export HOME="$KW_ROOT/build/home"
    fi
}

kw_missing=()

# kw_want PACKAGE COMMAND…: remember the package when the command, which tries what the package brings, fails.
kw_want() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 </dev/null || kw_missing+=("$package")
}

kw_has_c_headers() {
    printf '#include <stdio.h>\n' | gcc -E -
}

# The formatting is that of version 14; others lay out differently.
kw_clang_format() {
    local tool
    for tool in clang-format-14 clang-format; do
        if "$tool" --version 2>/dev/null | grep -q 'version 14\.'; then
            echo "$tool"
            return 0
        fi
    done
    return 1
}

kw_want_to_build() {
    kw_want gcc command -v gcc
    kw_want libc6-dev kw_has_c_headers
    kw_want cmake command -v cmake
    kw_want ninja-build command -v ninja
    kw_want pkg-config command -v pkg-config
    kw_want python3 python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))'
    kw_want libssl-dev pkg-config --exists 'openssl >= 3.0'
    kw_want libuv1-dev pkg-config --exists libuv
    kw_want libjansson-dev pkg-config --exists jansson
    kw_want libargon2-dev pkg-config --exists libargon2
    kw_want libsqlite3-dev pkg-config --exists sqlite3
    kw_want libpq-dev pkg-config --exists libpq
    kw_want libcurl4-openssl-dev pkg-config --exists 'libcurl >= 7.85'
    kw_want libevent-dev pkg-config --exists libevent libevent_openssl libevent_pthreads
    kw_want libldap-dev pkg-config --exists ldap lber
    kw_want libp11-kit-dev pkg-config --exists p11-kit-1
    kw_want libexpat1-dev pkg-config --exists expat
    kw_want libcyaml-dev pkg-config --exists libcyaml
    kw_want libyaml-dev pkg-config --exists yaml-0.1 # libcyaml names it, its package does not bring it
}

# Its programs are not on the path.
kw_has_postgres() {
    command -v initdb || ls /usr/lib/postgresql/*/bin/initdb
}

kw_want_to_test() {
    kw_want libcmocka-dev pkg-config --exists cmocka
    kw_want postgresql kw_has_postgres
}

# Administrators' programs are not on everybody's path. Its service is not wanted: the tests run their own.
kw_has_slapd() {
    PATH=$PATH:/usr/sbin command -v slapd
}

kw_want_to_test_all() {
    kw_want_to_test
    kw_want slapd kw_has_slapd
    kw_want ldap-utils command -v ldapmodify
    kw_want softhsm2 command -v softhsm2-util
    kw_want opensc command -v pkcs11-tool
    kw_want clang command -v clang
    kw_want clang-format-14 kw_clang_format
    kw_want clang-tidy command -v clang-tidy
    kw_want openssl command -v openssl
    if [ -x "$KW_ROOT/tests/interop/run.sh" ]; then
        kw_want nodejs command -v node
        kw_want npm command -v npm
    fi
}

kw_as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# kw_apt_get ARGUMENT…: quietly; what it said is shown when it failed.
kw_apt_get() {
    local log
    log=$(mktemp)
    if ! kw_as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# kw_install OFFLINE WANTED…: install what the functions WANTED… find missing; nothing happens when nothing is.
kw_install() {
    local offline=$1 wanted
    shift
    kw_missing=()
    for wanted in "$@"; do "$wanted"; done
    if [ ${#kw_missing[@]} -eq 0 ]; then
        return 0
    fi
    if [ "$offline" = yes ] || ! command -v apt-get >/dev/null || { [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; }; then
        echo "error: these Debian packages are missing: ${kw_missing[*]}" >&2
        return 1
    fi
    echo "installing ${kw_missing[*]}"
    kw_apt_get update || return 1
    kw_apt_get install --no-install-recommends "${kw_missing[@]}" || return 1

    kw_missing=()
    for wanted in "$@"; do "$wanted"; done
    if [ ${#kw_missing[@]} -gt 0 ]; then
        echo "error: installed, but still not found: ${kw_missing[*]}" >&2
        return 1
    fi
}

# kw_configure DIRECTORY OPTION…: with the compiler cache where there is one.
kw_configure() {
    local directory=$1
    shift
    if command -v ccache >/dev/null; then
        export CMAKE_C_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=$KW_ROOT CCACHE_NOHASHDIR=1
    fi
    cmake -S "$KW_ROOT" -B "$directory" -G Ninja --log-level=NOTICE "$@"
}

# kw_build DIRECTORY [TARGET]
kw_build() {
    NINJA_STATUS='[%f/%t] ' cmake --build "$1" ${2:+--target "$2"}
}
