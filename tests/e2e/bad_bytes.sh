#!/usr/bin/env bash
# Malformed and oversized bytes: an ERR message or a closed connection, a log line, and a server that lives on.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$work"
echo admin-password >admin
"$keyway" init D --port 0 --uri urn:test:server --allow-none --allow-anonymous --admin-password-file admin >/dev/null
start server "$keyway" serve -c D/keyway.yaml

cat >attack.py <<'PY'
import random, socket, struct, sys
host, port = sys.argv[1].split("//")[1].rsplit(":", 1)
random.seed(7)
u32 = lambda v: struct.pack("<I", v & 0xFFFFFFFF)
text = lambda s: u32(len(s)) + s
def hello(url=b"opc.tcp://localhost", receive=65535, send=65535, size=0, chunks=0, version=0):
    body = u32(version) + u32(receive) + u32(send) + u32(size) + u32(chunks) + text(url)
    return b"HELF" + u32(8 + len(body)) + body
def talk(*messages):
    """What the server says until it closes or answers; None: it did neither."""
    with socket.create_connection((host, int(port)), 5) as s:
        s.settimeout(8)
        try:
            for m in messages:
                s.sendall(m)
            got = b""
            while True:
                more = s.recv(65536)
                if not more:
                    return got, True
                got += more
                if got[:3] == b"ERR":
                    return got, False
        except (ConnectionError, BrokenPipeError):
            return b"", True
        except socket.timeout:
            return got, None
OPN_NONE = b"".join([u32(0), text(b"http://opcfoundation.org/UA/SecurityPolicy#None"), u32(-1), u32(-1), u32(1), u32(1)])
def opn(body, policy=OPN_NONE):
    return b"OPNF" + u32(8 + len(policy) + len(body)) + policy + body
bad = 0
def refused(name, *messages):
    global bad
    got, closed = talk(*messages)
    if closed is None:
        print("FAILED ", name, ": neither ERR nor closed:", got[:40])
        bad += 1
for size in (0, 1, 7, 0x7FFFFFFF, 0xFFFFFFFF):
    for kind in (b"HELF", b"OPNF", b"MSGF", b"CLOF"):
        refused(f"{kind} of size {size}", kind + u32(size) + b"\0" * 64)
refused("garbage", bytes(random.randrange(256) for _ in range(4096)))
refused("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
refused("a URL of 5000 bytes", hello(b"o" * 5000))
refused("HEL twice", hello(), hello())
refused("MSG before OPN", hello(), b"MSGF" + u32(32) + b"\0" * 24)
refused("an unknown policy", hello(), opn(b"\0" * 64, u32(0) + text(b"urn:nothing") + u32(-1) + u32(-1) + u32(1) + u32(1)))
refused("a policy URI without end", hello(), b"OPNF" + u32(40) + u32(0) + u32(0x7FFFFFFF) + b"x" * 24)
refused("an OPN whose body is rubbish", hello(), opn(bytes(random.randrange(256) for _ in range(100))))
refused("a secured OPN with a stranger's rubbish", hello(), opn(b"\1" * 512, u32(0) + text(b"http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256") + text(b"\x30\x82" + b"\0" * 300) + text(b"\0" * 20)))
for _ in range(200):
    m = bytearray(hello() + opn(bytes(random.randrange(256) for _ in range(random.randrange(150)))))
    for _ in range(random.randrange(1, 6)):
        m[random.randrange(len(m))] = random.randrange(256)
    try:
        with socket.create_connection((host, int(port)), 5) as s:
            s.sendall(bytes(m))
    except ConnectionError:
        pass
sys.exit(1 if bad else 0)
PY
expect 0 "" python3 attack.py "$url"
expect 0 '^0' "$keyway" read -d D --anonymous "$url" i=2259
kill -0 "$pid" || { echo "the server is gone"; failures=$((failures + 1)); }
grep -q "Bad_Tcp" server.log || { echo "no log line about it"; failures=$((failures + 1)); }
# Orderly end.
kill -TERM "$pid"
code=0
wait "$pid" || code=$?
[ "$code" -eq 0 ] || { echo "SIGTERM: exit code $code"; failures=$((failures + 1)); }
verdict
