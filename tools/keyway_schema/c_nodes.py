"""The C of the nodes: keyway/node_ids.h and nodeset_table.c."""

from . import binary
from .names import c_string, constant
from .nodes import CLASSES, symbols
from .types import BUILTIN_INDEX, BUILTINS

_SCALAR, _READABLE = -1, 1
_CHUNK = 90


class Pool:
    """Bytes that each stand once."""

    def __init__(self):
        self.data = bytearray()
        self.places = {}

    def slice(self, data):
        if not data:
            return "{0, 0}"
        if data not in self.places:
            self.places[data] = len(self.data)
            self.data += data
        return "{%d, %d}" % (self.places[data], len(data))

    def text(self, text):
        return self.slice(text.encode("utf-8") if text else b"")


class Rows:
    """Lists whose runs are shared."""

    def __init__(self):
        self.rows = []
        self.places = {}

    def place(self, run):
        run = tuple(run)
        if not run:
            return 0
        if run not in self.places:
            self.places[run] = len(self.rows)
            self.rows += run
        return self.places[run]


def ids_header(models):
    names = symbols(models)
    out = [
        "/* Generated from schema/: NodeIds by their symbolic path. KW_ID_… are of ns 0, KW_GDS_ID_… of http://opcfoundation.org/UA/GDS/. */",
        "#ifndef KEYWAY_NODE_IDS_H",
        "#define KEYWAY_NODE_IDS_H",
        "",
    ]
    seen = set()
    for node_id in sorted(names):
        name = ("KW_GDS_ID_" if node_id[0] else "KW_ID_") + constant(names[node_id])
        if name in seen:
            raise ValueError("two nodes are called " + name)
        seen.add(name)
        out.append("#define %s %d" % (name, node_id[1]))
    return "\n".join(out + ["", "#endif", ""])


def table(models, model_types):
    pool, permissions, dimensions = Pool(), Rows(), Rows()
    out = []
    for model, types in zip(models, model_types):
        out += _model(model, types, pool, permissions, dimensions)
    head = ["/* Generated from schema/: the nodes of ns 0 and of the GDS model. */", '#include "ua/nodeset.h"', ""]
    head += _bytes(pool.data)
    head += ["", "const kw_nodeset_permission kw_nodeset_permissions[] = {"]
    head += ["    {%d, %d, 0x%X}," % (role[1], role[0], bits) for role, bits in permissions.rows]
    head += ["};", "", "const uint32_t kw_nodeset_dimensions[] = {"]
    head += ["    %d," % number for number in dimensions.rows or [0]]
    head += ["};", ""]
    out += ["", "const kw_nodeset kw_nodesets[KW_MODEL_COUNT] = {"]
    for model in models:
        size = "sizeof({0}) / sizeof({0}[0])"
        nodes, additions = "nodes_of_%d" % model.index, "additions_of_%d" % model.index
        texts = ", ".join(c_string(text) for text in (model.uri, model.version, model.date))
        extra = "%s, %s" % (additions, size.format(additions)) if _additions(model) else "NULL, 0"
        out.append("    {%s, %s, %s, %s, references_of_%d}," % (texts, nodes, size.format(nodes), extra, model.index))
    return "\n".join(head + out + ["};", ""])


def _bytes(data):
    out = ["const uint8_t kw_nodeset_bytes[] = {"]
    for start in range(0, len(data), _CHUNK):
        out.append(",".join(map(str, data[start:start + _CHUNK])) + ",")
    return out + ["};"]


def _ends(model):
    """{node: [(type, other end, is forward)]} of both directions."""
    ends = {}
    for source, kind, target in model.references:
        if kind[0] != 0:
            raise ValueError("a ReferenceType that is not of ns 0")
        ends.setdefault(source, []).append((kind[1], target, True))
        ends.setdefault(target, []).append((kind[1], source, False))
    return {node: sorted(rows, key=lambda row: (not row[2], row[0], row[1])) for node, rows in ends.items()}


def _additions(model):
    return sorted(node for node in _ends(model) if node not in model.nodes)


def _model(model, types, pool, permissions, dimensions):
    ends = _ends(model)
    references, places = [], {}
    for node in sorted(ends):
        places[node] = (len(references), len(ends[node]))
        references += ends[node]
    definitions = _definitions(model, types)
    out = ["", "static const kw_nodeset_reference references_of_%d[] = {" % model.index]
    out += ["    {%d, %d, %d, %d}," % (other[1], kind, other[0], forward) for kind, other, forward in references]
    out += ["};", "", "static const kw_nodeset_node nodes_of_%d[] = {" % model.index]
    for node_id in sorted(model.nodes):
        node = model.nodes[node_id]
        first, count = places.get(node_id, (0, 0))
        value = binary.variant(*model.values[node_id]) if node_id in model.values else b""
        has_value = node.node_class in ("Variable", "VariableType")
        data_type = node.data_type or (0, 0)
        rank = node.value_rank if node.value_rank is not None else _SCALAR
        access = node.access_level if node.access_level is not None else _READABLE
        cells = [
            node_id[1], first, count,
            pool.text(node.browse_name[1]), pool.text(node.display_name or node.browse_name[1]), pool.text(node.inverse_name),
            pool.slice(value), pool.slice(definitions.get(node_id, b"")),
            data_type[1], permissions.place(node.permissions), dimensions.place(node.dimensions), node.restrictions,
            len(node.permissions), len(node.dimensions), CLASSES[node.node_class], node.browse_name[0], data_type[0],
            rank if has_value else 0, access if node.node_class == "Variable" else 0, node.event_notifier,
            int(node.abstract), int(node.symmetric),
        ]  # fmt: skip
        out.append("    {%s}," % ", ".join(map(str, cells)))
    out.append("};")
    additions = [node for node in sorted(ends) if node not in model.nodes]
    if additions:
        out += ["", "static const kw_nodeset_addition additions_of_%d[] = {" % model.index]
        for node in additions:
            if node[0] != 0:
                raise ValueError("a reference to a node of no model: %s" % (node,))
            out.append("    {%d, %d, %d}," % ((node[1],) + places[node]))
        out.append("};")
    return out


def _definitions(model, types):
    def id_of(name):
        own = {"Enumeration": (0, 29), "Union": (0, 12756), "Structure": (0, 22)}
        item = types.find(name)
        return own.get(name) or ((types.model_of(name), item.id) if item else (0, _builtin_id(name)))

    found = {}
    for item in types:
        node_id = (model.index, item.id)
        if node_id in model.nodes:  # the structures of the services have no node
            found[node_id] = binary.definition(types, item, id_of)
    return found


def _builtin_id(name):
    return BUILTINS[BUILTIN_INDEX[name]][3]
