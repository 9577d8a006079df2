#!/usr/bin/env python3
"""Turn the official model files into the tables of schema/.

    tools/make_schema.py DIRECTORY-WITH-THE-MODEL-FILES [SCHEMA-DIRECTORY]

Run by maintainers when a new edition of the model is taken up; docs/schema.md says what goes in and what comes out.
"""

import os
import sys
import xml.etree.ElementTree as ElementTree

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from keyway_schema import nodes, status, types, xml_nodes, xml_types  # noqa: E402


def service_ids(path):
    wanted = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, number, binary = line.strip().split(",")
                wanted[name] = (int(number), int(binary))
    return wanted


def make_status(source, target):
    rows = []
    with open(os.path.join(source, "StatusCode.csv"), encoding="utf-8-sig") as file:
        for line in file:
            if line.strip():
                name, value = line.split(",")[:2]
                rows.append((name.strip(), int(value, 16)))
    status.write(os.path.join(target, "status_codes.csv"), rows)


def check_against_dictionary(all_types, dictionary):
    """Both files describe most structures: they must agree on what travels."""
    for node in dictionary.iter(xml_types.BSD + "StructuredType"):
        item = all_types.find(node.get("Name").replace("ThreeD", "3D"))
        if item is None or item.kind != "structure":
            continue
        theirs = xml_types.dictionary_fields(node, inherited=True)
        ours = all_types.all_fields(item)
        left = [(f.name, all_types.wire_type(f.type_name, f.subtypes), f.array, f.optional) for f in ours]
        right = [(f.name, all_types.wire_type(f.type_name.replace("ThreeD", "3D")), f.array, f.optional) for f in theirs]
        if left != right:
            print("differs from the binary dictionary: %s\n  %s\n  %s" % (item.name, left, right), file=sys.stderr)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    source = sys.argv[1]
    target = sys.argv[2] if len(sys.argv) == 3 else os.path.join(HERE, "..", "schema")
    core = ElementTree.parse(os.path.join(source, "Opc.Ua.NodeSet2.xml")).getroot()
    dictionary = ElementTree.parse(os.path.join(source, "Opc.Ua.Types.bsd")).getroot()

    make_status(source, target)
    names, core_types, parents = xml_types.from_nodeset(core)
    for item in xml_types.from_dictionary(dictionary, service_ids(os.path.join(target, "service_ids.csv"))):
        core_types.add(item)
    check_against_dictionary(core_types, dictionary)
    types.write(os.path.join(target, "types.txt"), core_types)

    gds = ElementTree.parse(os.path.join(source, "Opc.Ua.Gds.NodeSet2.xml")).getroot()
    _, gds_types, _ = xml_types.from_nodeset(gds, "ns=1;", (names, core_types, parents))
    types.write(os.path.join(target, "gds_types.txt"), gds_types)
    nodes.write(os.path.join(target, "ns0"), xml_nodes.Reader(core, 0).read())
    nodes.write(os.path.join(target, "gds"), xml_nodes.Reader(gds, 1).read())


if __name__ == "__main__":
    main()
