#!/usr/bin/env python3
"""Check who includes whom: one folder of src/ is one room, and a room includes only rooms below it.

usage: check_layers.py [ROOT]

Prints each offending #include as FILE:LINE: text (why) and exits 1 when there is one.
"""

import re
import sys
from pathlib import Path

# From top to bottom.
ROOMS = (
    "app gateway authority device http client server service space session identity store channel crypto ua base"
).split()

# Below, and still none of its business.
KNOWS_NOTHING_OF = {
    "http": set(ROOMS[ROOMS.index("http") + 1 :]) - {"crypto", "base"},  # nothing of OPC UA
    "client": {"server", "service", "space", "session"},
    "space": {"channel"},
    "identity": {"channel"},
    "store": {"channel", "ua/codec.h"},  # rows, not the wire
}

# Public headers belong to a room too; what is not named here belongs to the room of its name, or to ua.
PUBLIC_OF_BASE = {"arena", "bytes", "status", "status_codes"}

# The protocol core does no I/O.
SOCKETS = re.compile(r"(uv|sys/socket|sys/un|sys/epoll|netdb|poll|netinet/.*|arpa/.*)\.h$|uv/")
HAS_SOCKETS = {"app", "gateway", "authority", "http", "client", "server", "store"}  # store: a database

# A library stands behind few rooms, so that it can be replaced.
LIBRARIES = {
    "argon2.h": {"identity"},
    "curl/": {"http"},
    "cyaml/": {"app"},
    "event2/": {"http"},
    "expat.h": {"space"},
    "lber.h": {"authority"},
    "ldap.h": {"authority"},
    "jansson.h": {"identity", "client", "authority", "app"},
    "libpq-fe.h": {"store"},
    "p11-kit/": {"crypto"},
    "openssl/": {"crypto", "store", "http"},
    "sqlite3.h": {"store"},
    "uv.h": {"client", "server"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"(?P<own>[^"]*)"|<(?P<system>[^>]*)>)')


def public_room(header):
    """The room of <keyway/HEADER>."""
    name = header.removesuffix(".h")
    if name in PUBLIC_OF_BASE:
        return "base"
    return name if name in ROOMS else "ua"


def room_error(room, other, header):
    """Why `room` may not include `header` of the room `other`; None when it may."""
    if other == room:
        return None
    if ROOMS.index(other) < ROOMS.index(room):
        return f"{other} is above {room}"
    forbidden = KNOWS_NOTHING_OF.get(room, ())
    if other in forbidden or header in forbidden:
        return f"{room} knows nothing of {header if header in forbidden else other}"
    return None


def own_error(root, room, header):
    """`header` was included with quotes, from a file of `room` (None: of include/)."""
    if room is None:
        return "a public header includes public headers only"
    other = header.split("/")[0]
    if "/" not in header or other not in ROOMS:
        return 'the room is part of the name: "room/file.h"'
    if not (root / "src" / header).is_file():
        return "there is no such file"
    if header.endswith("_internal.h") and other != room:
        return f"an inner header of {other}"
    return room_error(room, other, header)


def system_error(room, header):
    """`header` was included with angle brackets."""
    if header.startswith("keyway/"):
        return None if room is None else room_error(room, public_room(header[len("keyway/") :]), header)
    for library, rooms in LIBRARIES.items():
        if header.startswith(library) and room not in rooms:
            return f"{library.rstrip('/')} stands behind {', '.join(sorted(rooms))}"
    if SOCKETS.match(header) and room not in HAS_SOCKETS:
        return f"{room or 'a public header'} does no I/O"
    return None


def check_file(root, path, room):
    """Offences of one file, as lines of text."""
    offences = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        if match["own"] is not None:
            error = own_error(root, room, match["own"])
        else:
            error = system_error(room, match["system"])
        if error:
            offences.append(f"{path.relative_to(root)}:{number}: {line.strip()} ({error})")
    return offences


def check(root):
    """Offences of the tree at `root`, as lines of text."""
    offences = []
    for path in sorted((root / "src").rglob("*.[ch]")):
        parts = path.relative_to(root / "src").parts
        if len(parts) < 2 or parts[0] not in ROOMS:
            offences.append(f"{path.relative_to(root)}: not in a room")
        else:
            offences += check_file(root, path, parts[0])
    for path in sorted((root / "include").rglob("*.h")):
        offences += check_file(root, path, None)
    return offences


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    offences = check(root)
    print("\n".join(offences) if offences else "every room includes only what is below it")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())
