#!/usr/bin/env bash
# clang-tidy over src/, with the commands of a build that clang was configured for.
#
# A file that was found clean is left out while its text after preprocessing, and the rules, stay the same.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1:?usage: tools/tidy.sh BUILD-DIRECTORY}
clean=$build/tidy-clean

if [ "${2:-}" = --one ]; then
    file=$3
    key=$({
        clang-tidy --version
        cat .clang-tidy
        # shellcheck disable=SC2046 # words
        clang -E -std=gnu17 -D_GNU_SOURCE -Isrc -Iinclude -I"$build/generated" $(pkg-config --cflags-only-I libpq p11-kit-1) "$file"
    } | sha256sum | cut -d ' ' -f 1)
    if [ ! -e "$clean/$key" ]; then
        clang-tidy --quiet -p "$build" "$file" 2>/dev/null
        touch "$clean/$key"
    fi
    exit 0
fi

mkdir -p "$clean"
find src -name '*.c' -print0 | sort -z | xargs -0 -P "$(nproc)" -n 1 "$0" "$build" --one
