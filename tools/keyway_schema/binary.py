"""UA binary of the values in the tables. OPC 10000-6, 5.2.

JSON forms: numbers, Booleans and Strings as they are; DateTime its ticks; LocalizedText "text" or ["locale", "text"];
Argument [name, [model, DataType], rank, dimensions?]; EnumValueType [value, text]; EUInformation [uri, unit, text, text].
"""

import struct

_IDS = {"Boolean": 1, "Int32": 6, "UInt32": 7, "String": 12, "DateTime": 13, "LocalizedText": 21, "ExtensionObject": 22}
_FORMATS = {"Int32": "<i", "UInt32": "<I", "DateTime": "<q"}
_ENCODINGS = {"Argument": 298, "EnumValueType": 8251, "EUInformation": 889}


def i32(value):
    return struct.pack("<i", value)


def u32(value):
    return struct.pack("<I", value)


def string(text):
    if text is None:
        return i32(-1)
    data = text.encode("utf-8")
    return i32(len(data)) + data


def localized_text(value):
    locale, text = value if isinstance(value, list) else (None, value)
    mask = (1 if locale is not None else 0) | (2 if text is not None else 0)
    return bytes([mask]) + (string(locale) if mask & 1 else b"") + (string(text) if mask & 2 else b"")


def node_id(value):
    model, number = value
    if model == 0 and number <= 0xFF:
        return struct.pack("<BB", 0, number)
    if number <= 0xFFFF:
        return struct.pack("<BBH", 1, model, number)
    return struct.pack("<BHI", 2, model, number)


def array(items):
    return i32(len(items)) + b"".join(items)


def extension_object(encoding_id, body):
    return node_id((0, encoding_id)) + b"\x01" + i32(len(body)) + body


def _argument(value):
    name, data_type, rank = value[:3]
    dimensions = [u32(number) for number in (value[3] if len(value) > 3 else [])]
    return string(name) + node_id(data_type) + i32(rank) + (array(dimensions) if dimensions else i32(-1)) + localized_text(None)


def _enum_value(value):
    return struct.pack("<q", value[0]) + localized_text(value[1]) + localized_text(None)


def _eu_information(value):
    return string(value[0]) + i32(value[1]) + localized_text(value[2]) + localized_text(value[3])


_BODIES = {"Argument": _argument, "EnumValueType": _enum_value, "EUInformation": _eu_information}


def _element(kind, value):
    if kind in _BODIES:
        return extension_object(_ENCODINGS[kind], _BODIES[kind](value))
    if kind == "String":
        return string(value)
    if kind == "LocalizedText":
        return localized_text(value)
    if kind == "Boolean":
        return b"\x01" if value else b"\x00"
    return struct.pack(_FORMATS[kind], value)


def variant(kind, value):
    element = kind.replace("[]", "")
    built_in = _IDS["ExtensionObject" if element in _BODIES else element]
    if kind.endswith("[]"):
        return bytes([built_in | 0x80]) + array([_element(element, item) for item in value])
    return bytes([built_in]) + _element(element, value)


_STRUCTURE_DEFINITION, _ENUM_DEFINITION = 122, 123
_PLAIN, _OPTIONAL, _UNION, _SUBTYPES, _UNION_SUBTYPES = 0, 1, 2, 3, 4


def definition(types, item, id_of):
    """The DataTypeDefinition of a type; b"" when it has none. id_of: name of a DataType -> (model, id)."""
    if item.kind == "structure":
        return extension_object(_STRUCTURE_DEFINITION, _structure_definition(types, item, id_of))
    if item.values:
        fields = [struct.pack("<q", number) + localized_text(name) + localized_text(None) + string(name) for name, number in item.values]
        return extension_object(_ENUM_DEFINITION, array(fields))
    return b""


def _structure_definition(types, item, id_of):
    fields = types.all_fields(item)
    subtypes = any(field.subtypes for field in fields)
    kind = _OPTIONAL if any(field.optional for field in fields) else _SUBTYPES if subtypes else _PLAIN
    if item.union:
        kind = _UNION_SUBTYPES if subtypes else _UNION
    base = id_of(item.base) if item.base else ((0, 12756) if item.union else (0, 22))
    encoding = (id_of(item.name)[0], item.binary_id) if item.binary_id else (0, 0)
    rows = []
    for field in fields:
        flag = field.subtypes if kind in (_SUBTYPES, _UNION_SUBTYPES) else field.optional
        head = string(field.name) + localized_text(None) + node_id(id_of(field.type_name)) + i32(1 if field.array else -1)
        rows.append(head + i32(-1) + u32(0) + (b"\x01" if flag else b"\x00"))
    return node_id(encoding) + node_id(base) + i32(kind) + array(rows)
