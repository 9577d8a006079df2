"""Nodes: the tables <model>_nodes.txt, <model>_references.txt and <model>_values.txt, read and written.

An id is a number for ns 0 and a number after `g` for the GDS model.

    nodes       id TAB class TAB BrowseName TAB attributes      BrowseName with `g:` in front when its namespace is the GDS one
    references  source TAB type:target,target type:target       forward ones; each stands once
    values      id TAB type TAB JSON                            type[] an array; see binary.py for what the JSON is
"""

import json

CLASSES = {"Object": 1, "Variable": 2, "Method": 4, "ObjectType": 8, "VariableType": 16, "ReferenceType": 32, "DataType": 64, "View": 128}
NO_RESTRICTIONS = -1


class Node:
    def __init__(self, node_id, node_class, browse_name):
        self.id, self.node_class = node_id, node_class
        self.browse_name = browse_name  # (model, name)
        self.display_name = None  # None: as the BrowseName
        self.inverse_name = None
        self.symbol = None  # None: made of the BrowseName
        self.parent = None  # for the symbolic path
        self.data_type = None
        self.value_rank = None
        self.dimensions = []
        self.access_level = None
        self.event_notifier = 0
        self.restrictions = NO_RESTRICTIONS
        self.permissions = []  # (role id, bits)
        self.abstract = self.symmetric = False

    def line(self):
        name = ("g:" if self.browse_name[0] else "") + self.browse_name[1]
        return "\t".join([id_text(self.id), self.node_class, name, " ".join(self._attributes())]).rstrip("\t")

    def _attributes(self):
        out = []
        if self.parent is not None:
            out.append("in=" + id_text(self.parent))
        if self.data_type is not None:
            out.append("type=" + id_text(self.data_type))
        if self.value_rank is not None:
            out.append("rank=%d" % self.value_rank)
        if self.dimensions:
            out.append("dims=" + ",".join(map(str, self.dimensions)))
        if self.access_level is not None:
            out.append("access=%d" % self.access_level)
        if self.event_notifier:
            out.append("events=%d" % self.event_notifier)
        if self.restrictions != NO_RESTRICTIONS:
            out.append("restrictions=%d" % self.restrictions)
        if self.permissions:
            out.append("permissions=" + ",".join("%s:%d" % (id_text(role), bits) for role, bits in self.permissions))
        out += ["abstract"] * self.abstract + ["symmetric"] * self.symmetric
        for key, text in (("inverse", self.inverse_name), ("display", self.display_name), ("symbol", self.symbol)):
            if text is not None:
                out.append("%s=%s" % (key, text.replace(" ", "%20")))
        return out

    @staticmethod
    def parse(line):
        parts = line.split("\t")
        name = (1, parts[2][2:]) if parts[2].startswith("g:") else (0, parts[2])
        node = Node(parse_id(parts[0]), parts[1], name)
        for word in parts[3].split() if len(parts) > 3 else []:
            node._set(*word.partition("=")[::2])
        return node

    def _set(self, key, text):
        plain = text.replace("%20", " ")
        if key in ("abstract", "symmetric"):
            setattr(self, key, True)
        elif key == "permissions":
            pairs = [pair.split(":") for pair in text.split(",")]
            self.permissions = [(parse_id(role), int(bits)) for role, bits in pairs]
        elif key == "dims":
            self.dimensions = [int(number) for number in text.split(",")]
        elif key in ("in", "type"):
            setattr(self, {"in": "parent", "type": "data_type"}[key], parse_id(text))
        elif key in ("inverse", "display", "symbol"):
            setattr(self, {"inverse": "inverse_name", "display": "display_name", "symbol": "symbol"}[key], plain)
        else:
            number = {"rank": "value_rank", "access": "access_level", "events": "event_notifier", "restrictions": "restrictions"}
            setattr(self, number[key], int(text))


class Model:
    def __init__(self, index, uri, version, date):
        self.index, self.uri, self.version, self.date = index, uri, version, date
        self.nodes = {}  # id: Node
        self.references = set()  # (source, type, target), forward
        self.values = {}  # id: (type, value)


def id_text(node_id):
    return ("g" if node_id[0] else "") + str(node_id[1])


def parse_id(text):
    return (1, int(text[1:])) if text.startswith("g") else (0, int(text))


def write(prefix, model):
    with open(prefix + "_nodes.txt", "w", encoding="utf-8", newline="\n") as file:
        file.write("# %s %s %s\n" % (model.uri, model.version, model.date))
        for node_id in sorted(model.nodes):
            file.write(model.nodes[node_id].line() + "\n")
    with open(prefix + "_references.txt", "w", encoding="utf-8", newline="\n") as file:
        by_source = {}
        for source, kind, target in model.references:
            by_source.setdefault(source, {}).setdefault(kind, []).append(target)
        for source in sorted(by_source):
            groups = by_source[source]
            words = ["%s:%s" % (id_text(kind), ",".join(map(id_text, sorted(groups[kind])))) for kind in sorted(groups)]
            file.write("%s\t%s\n" % (id_text(source), " ".join(words)))
    with open(prefix + "_values.txt", "w", encoding="utf-8", newline="\n") as file:
        for node_id in sorted(model.values):
            kind, value = model.values[node_id]
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            file.write("%s\t%s\t%s\n" % (id_text(node_id), kind, text))


def read(prefix, index):
    with open(prefix + "_nodes.txt", encoding="utf-8") as file:
        model = Model(index, *file.readline().split()[1:])
        for line in file:
            node = Node.parse(line.rstrip("\n"))
            model.nodes[node.id] = node
    with open(prefix + "_references.txt", encoding="utf-8") as file:
        for line in file:
            source, words = line.rstrip("\n").split("\t")
            for word in words.split():
                kind, targets = word.split(":")
                for target in targets.split(","):
                    model.references.add((parse_id(source), parse_id(kind), parse_id(target)))
    with open(prefix + "_values.txt", encoding="utf-8") as file:
        for line in file:
            node_id, kind, text = line.rstrip("\n").split("\t", 2)
            model.values[parse_id(node_id)] = (kind, json.loads(text))
    return model


def symbols(models):
    """{id: the symbolic path, as the official lists of NodeIds write it}."""
    nodes = {}
    for model in models:
        nodes.update(model.nodes)
    encoded = {target: source for model in models for source, kind, target in model.references if kind == (0, 38)}
    names = {}

    def name(node_id):
        if node_id not in names:
            node = nodes[node_id]
            own = node.symbol or "".join(char for char in node.browse_name[1] if char not in "<> ")
            if node_id in encoded and node.parent is None:
                own = name(encoded[node_id]) + "_Encoding_" + own
            elif node.parent in nodes:
                own = name(node.parent) + "_" + own
            names[node_id] = own
        return names[node_id]

    for node_id in nodes:
        name(node_id)
    return names
