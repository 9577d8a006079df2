"""The check of the layers finds what is planted, and nothing else."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import check_layers


class Layers(unittest.TestCase):
    def offences(self, files):
        """Of a tree with these files: path -> text."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return check_layers.check(root)

    def assert_refused(self, room, header, why):
        files = {f"src/{room}/a.c": f"/* one */\n#include {header}\n"}
        if header.startswith('"') and "/" in header:
            files["src/" + header.strip('"')] = ""
        found = self.offences(files)
        self.assertEqual(1, len(found), found)
        self.assertTrue(found[0].startswith(f"src/{room}/a.c:2: #include {header} ("), found)
        self.assertIn(why, found[0])

    def assert_allowed(self, room, header):
        files = {f"src/{room}/a.c": f"#include {header}\n"}
        if header.startswith('"'):
            files["src/" + header.strip('"')] = ""
        self.assertEqual([], self.offences(files))

    def test_rooms_below_and_the_own_one_are_allowed(self):
        for room, header in (
            ("app", '"gateway/gateway.h"'),
            ("session", '"identity/gate.h"'),
            ("session", '"session/session_internal.h"'),
            ("store", '"ua/text.h"'),
            ("http", '"crypto/key.h"'),
            ("base", "<keyway/arena.h>"),
            ("client", "<keyway/client.h>"),
            ("client", "<uv.h>"),
            ("ua", "<string.h>"),
        ):
            with self.subTest(room=room, header=header):
                self.assert_allowed(room, header)

    def test_a_room_above_is_refused(self):
        self.assert_refused("base", '"ua/codec.h"', "ua is above base")
        self.assert_refused("session", '"space/space.h"', "space is above session")
        self.assert_refused("server", '"client/url.h"', "client is above server")
        self.assert_refused("ua", "<keyway/client.h>", "client is above ua")

    def test_what_a_room_knows_nothing_of_is_refused(self):
        self.assert_refused("client", '"server/server.h"', "client knows nothing of server")
        self.assert_refused("space", '"channel/channel.h"', "space knows nothing of channel")
        self.assert_refused("http", '"ua/text.h"', "http knows nothing of ua")
        self.assert_refused("store", '"ua/codec.h"', "store knows nothing of ua/codec.h")
        self.assert_refused("base", "<keyway/types.h>", "ua is above base")

    def test_sockets_and_libraries_stay_in_their_rooms(self):
        self.assert_refused("session", "<sys/socket.h>", "does no I/O")
        self.assert_refused("service", "<netinet/in.h>", "does no I/O")
        self.assert_refused("channel", "<uv.h>", "stands behind client, server")
        self.assert_refused("server", "<sqlite3.h>", "stands behind store")
        self.assert_refused("space", "<openssl/evp.h>", "stands behind")

    def test_inner_headers_and_names_without_a_room_are_refused(self):
        self.assert_refused("session", '"identity/identity_internal.h"', "an inner header of identity")
        self.assert_refused("session", '"activate.h"', "the room is part of the name")

    def test_a_header_that_is_not_there_is_refused(self):
        found = self.offences({"src/session/a.c": '#include "base/nothing.h"\n'})
        self.assertIn("there is no such file", found[0])

    def test_public_headers_include_public_headers_only(self):
        found = self.offences({"include/keyway/a.h": '#include <keyway/bytes.h>\n#include "base/map.h"\n', "src/base/map.h": ""})
        self.assertEqual(['include/keyway/a.h:2: #include "base/map.h" (a public header includes public headers only)'], found)

    def test_a_file_outside_the_rooms_is_refused(self):
        self.assertEqual(["src/misc/a.c: not in a room"], self.offences({"src/misc/a.c": ""}))


if __name__ == "__main__":
    unittest.main()
