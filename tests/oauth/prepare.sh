# Sourced by the scripts here: what they need of npm, or the end.
# shellcheck shell=bash
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    echo "skipped: openid-client needs Node.js 20, this is $(node --version)"
    exit 0
fi
if [ ! -d "$here/node_modules/openid-client" ]; then
    (cd "$here" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
fi
