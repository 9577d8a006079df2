"""DataTypes out of the model files: the NodeSet's definitions, and the binary type dictionary for the services' structures."""

import xml.etree.ElementTree as ElementTree

from .types import BUILTIN_INDEX, Field, Type, Types

UA = "{http://opcfoundation.org/UA/2011/03/UANodeSet.xsd}"
BSD = "{http://opcfoundation.org/BinarySchema/}"

_STRUCTURE, _ENUMERATION, _UNION = "i=22", "i=29", "i=12756"
# Built-in and abstract types that the codec knows by itself; they are no rows of the table.
_OWN = set(BUILTIN_INDEX) | {"Enumeration", "Union"}


def from_nodeset(root, prefix="", base=None):
    """Types of the model whose ids begin with `prefix` ("" or "ns=1;"); `base` is (names by id, Types) of what it builds on."""
    nodes = {node.get("NodeId"): node for node in root.iter(UA + "UADataType")}
    names = {node_id: node.get("BrowseName").split(":")[-1] for node_id, node in nodes.items()}
    names.update(base[0] if base else {})
    parents = {node_id: _parent(node) for node_id, node in nodes.items()}
    encodings = _binary_encodings(root)

    def ancestors(node_id):
        while node_id is not None:
            yield node_id
            node_id = parents.get(node_id) or (base[2].get(node_id) if base else None)

    types = Types(base[1] if base else None)
    for node_id, node in nodes.items():
        name = names[node_id]
        if not prefix and name in _OWN:
            continue
        line = list(ancestors(node_id))
        number = int(node_id.split("i=")[1])
        definition = node.find(UA + "Definition")
        abstract = node.get("IsAbstract") == "true"
        if _STRUCTURE in line:
            parent = names[parents[node_id]]
            own_base = parent if parent not in ("Structure", "Union") else None
            item = Type("structure", name, number, encodings.get(node_id, 0), own_base, abstract, _UNION in line)
            item.fields = _fields(definition, names)
        elif _ENUMERATION in line:
            item = Type("enum", name, number, abstract=abstract)
            item.values = _values(definition)
        elif definition is not None and definition.get("IsOptionSet") == "true":
            item = Type("options", name, number, base=names[parents[node_id]], abstract=abstract)
            item.values = _values(definition)
        else:
            item = Type("simple", name, number, base=names[parents[node_id]], abstract=abstract)
        types.add(item)
    return names, types, parents


def _parent(node):
    for reference in node.iter(UA + "Reference"):
        if reference.get("ReferenceType") == "HasSubtype" and reference.get("IsForward") == "false":
            return reference.text.strip()
    return None


def _binary_encodings(root):
    found = {}
    for node in root.iter(UA + "UAObject"):
        if node.get("BrowseName") == "Default Binary":
            for reference in node.iter(UA + "Reference"):
                if reference.get("ReferenceType") == "HasEncoding" and reference.get("IsForward") == "false":
                    found[reference.text.strip()] = int(node.get("NodeId").split("i=")[1])
    return found


def _fields(definition, names):
    fields = []
    for field in definition.findall(UA + "Field") if definition is not None else []:
        if field.get("ValueRank") not in (None, "-1", "1"):
            raise ValueError("a field that is no scalar and no array: " + field.get("Name"))
        fields.append(
            Field(
                field.get("Name"),
                _type_name(field.get("DataType", "i=24"), names),
                field.get("ValueRank") == "1",
                field.get("IsOptional") == "true",
                field.get("AllowSubTypes") == "true",
            )
        )
    return fields


def _type_name(reference, names):
    if "i=" in reference:
        return names[reference]
    return reference


def _values(definition):
    if definition is None:
        return []
    return [(field.get("Name"), int(field.get("Value"))) for field in definition.findall(UA + "Field")]


_BSD_BUILTIN = {"CharArray": "String", "Variant": "BaseDataType", "ExtensionObject": "Structure"}


def from_dictionary(root, wanted):
    """Types that only the binary dictionary describes; wanted: {name: (DataType id, encoding id)}."""
    found = []
    for node in list(root.iter(BSD + "EnumeratedType")) + list(root.iter(BSD + "StructuredType")):
        name = node.get("Name")
        if name not in wanted:
            continue
        number, binary = wanted[name]
        if node.tag == BSD + "EnumeratedType":
            item = Type("enum", name, number)
            item.values = [(value.get("Name"), int(value.get("Value"))) for value in node.iter(BSD + "EnumeratedValue")]
        else:
            base = node.get("BaseType", "").split(":")[-1]
            item = Type("structure", name, number, binary, base if base != "ExtensionObject" else None)
            item.fields = dictionary_fields(node)
        found.append(item)
    by_name = {item.name: item for item in found}
    for item in found:
        base = by_name.get(getattr(item, "base", None))
        if base is not None:  # the dictionary does not mark every inherited field
            inherited = {field.name for field in base.fields}
            item.fields = [field for field in item.fields if field.name not in inherited]
    return found


def dictionary_fields(node, inherited=False):
    """Own fields (all with `inherited`), the length fields of arrays and the bits of optional ones left out."""
    optional = {field.get("Name") for field in node.iter(BSD + "Field") if field.get("TypeName") == "opc:Bit"}
    lengths = {field.get("LengthField") for field in node.iter(BSD + "Field")}
    fields = []
    for field in node.iter(BSD + "Field"):
        name = field.get("Name")
        if name in optional or name in lengths or (field.get("SourceType") and not inherited):
            continue
        kind = field.get("TypeName").split(":")[1]
        fields.append(Field(name, _BSD_BUILTIN.get(kind, kind), field.get("LengthField") is not None, field.get("SwitchField") in optional))
    return fields
