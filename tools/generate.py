#!/usr/bin/env python3
"""Turn the tables of schema/ into C. Called by the build; needs nothing but Python's own library.

    tools/generate.py SCHEMA-DIRECTORY OUTPUT-DIRECTORY
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from keyway_schema import c_nodes, c_types, nodes, status, types  # noqa: E402


def write(directory, name, text):
    path = os.path.join(directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    schema, out = sys.argv[1:]

    codes = status.read(os.path.join(schema, "status_codes.csv"))
    write(out, "keyway/status_codes.h", status.header(codes))
    write(out, "status_names.c", status.table(codes))

    core = types.read(os.path.join(schema, "types.txt"))
    layout = c_types.Layout(core)
    write(out, "keyway/generated_types.h", c_types.header(layout))
    write(out, "type_table.c", c_types.table(layout))

    models = [nodes.read(os.path.join(schema, "ns0"), 0), nodes.read(os.path.join(schema, "gds"), 1)]
    write(out, "keyway/node_ids.h", c_nodes.ids_header(models))
    write(out, "nodeset_table.c", c_nodes.table(models, [core, types.read(os.path.join(schema, "gds_types.txt"), core)]))


if __name__ == "__main__":
    main()
