#!/usr/bin/env bash
# What README.md shows under "Make it yours" is run here, line by line, with the program under test.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
keyway=$(realpath "$KEYWAY")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

script=$(awk '/^## Make it yours/ {inside = 1} inside && /^```$/ {exit} inside && shown {print} inside && /^```sh$/ {shown = 1}' "$root/README.md" |
    grep -v '^PATH=')
[ -n "$script" ] || { echo "README.md has no commands under 'Make it yours'"; exit 1; }

cd "$work"
ln -s "$keyway" keyway
export PATH="$work:$PATH"
# Jobs are ended by `kill %1 %2` in the text; should a line before fail, the trap below ends them.
output=$(bash -m -c "trap 'kill \$(jobs -p) 2>/dev/null || true' EXIT; set -e; $script" 2>errors) || {
    echo "the commands of README.md failed:"
    cat errors
    exit 1
}
echo "$output"
grep -q '^1200' <<<"$output" || { echo "the read did not show the speed of the machine"; exit 1; }
grep -q 'the chain is intact' <<<"$output" || { echo "the trail was not checked"; exit 1; }
grep -qE 'RequestAccessToken|FinishRequestToken' <<<"$output" || { echo "the trail does not show the request"; exit 1; }
