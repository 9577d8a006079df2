#!/usr/bin/env bash
# with_postgres.sh PROGRAM: run it with a PostgreSQL of its own, whose socket is in the folder KW_TEST_POSTGRES. 77: there is none.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/postgres.sh"
if ! pg_find; then
    echo "skipped: the Debian package postgresql is not installed"
    exit 77
fi
work=$(mktemp -d)
chmod 0711 "$work"
finish() {
    pg_stop "$work/postgres" || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 143' TERM INT
pg_init "$work/postgres"
pg_start "$work/postgres"
KW_TEST_POSTGRES=$work/postgres "$@"
