"""The C of the DataTypes: keyway/generated_types.h and type_table.c."""

from .names import c_string, constant, member, snake
from .types import BUILTIN_INDEX, BUILTINS

_EXTENSION_OBJECT = BUILTIN_INDEX["Structure"]
_INT32 = BUILTIN_INDEX["Int32"]


class Layout:
    """Which types become C, in an order in which each is complete before it is used by value."""

    def __init__(self, types):
        self.types = types
        self.enums = [item for item in types if item.kind == "enum"]
        self.options = [item for item in types if item.kind == "options"]
        self.structures = self._ordered([item for item in types if item.kind == "structure"])
        self.index = {name: number for name, number in BUILTIN_INDEX.items()}
        for item in self.enums + self.structures:
            self.index[item.name] = len(self.index)
        self._least = {}

    def _ordered(self, structures):
        done, order = set(), []

        def visit(item, path):
            if item.name in done:
                return
            if item.name in path:  # also by an array: the codec bounds no recursion but that of Variant and its like
                raise ValueError("a structure contains itself: " + item.name)
            for field in self.types.all_fields(item):
                inner = self.types.find(self.wire(field))
                if inner is not None and inner.kind == "structure":
                    visit(inner, path + [item.name])
            done.add(item.name)
            order.append(item)

        for item in sorted(structures, key=lambda s: s.id):
            visit(item, [])
        return order

    def wire(self, field):
        return self.types.wire_type(field.type_name, field.subtypes)

    def c_type(self, name):
        return BUILTINS[BUILTIN_INDEX[name]][1] if name in BUILTIN_INDEX else "kw_" + snake(name)

    def least(self, name):
        """The fewest bytes that a value takes on the wire."""
        if name in BUILTIN_INDEX:
            return BUILTINS[BUILTIN_INDEX[name]][2]
        item = self.types.find(name)
        if item.kind == "enum" or item.union:
            return 4
        if name not in self._least:
            size = 4 if self.types.has_optional_fields(item) else 0
            for field in self.types.all_fields(item):
                if not field.optional:
                    size += 4 if field.array else self.least(self.wire(field))
            self._least[name] = size
        return self._least[name]


def header(layout):
    out = [
        "/* Generated from schema/types.txt. How names are made is said in <keyway/types.h>, which includes this file. */",
        "#ifndef KEYWAY_GENERATED_TYPES_H",
        "#define KEYWAY_GENERATED_TYPES_H",
        "",
        "#include <keyway/types.h>",
        "",
        "extern KW_API const kw_type kw_type_table[];",
        "",
    ]
    for item in layout.enums:
        out += ["typedef int32_t kw_%s;" % snake(item.name)]
        if item.values:
            names = ["    KW_%s_%s = %d," % (constant(item.name), constant(name), value) for name, value in item.values]
            out += ["enum {"] + names + ["};"]
    out.append("")
    for item in layout.options:
        out.append("typedef %s kw_%s;" % (layout.c_type(layout.types.wire_type(item.base)), snake(item.name)))
        for name, bit in item.values:
            out.append("#define KW_%s_%s 0x%Xu" % (constant(item.name), constant(name), 1 << bit))
    out.append("")
    for item in layout.structures:
        out.append("typedef struct kw_%s kw_%s;" % (snake(item.name), snake(item.name)))
    for item in layout.structures:
        out += ["", "struct kw_%s {" % snake(item.name)] + _members(layout, item) + ["};"]
    out.append("")
    for number, row in enumerate(BUILTINS):
        if number:
            out.append("#define KW_TYPE_%s (&kw_type_table[%d])" % (_builtin_constant(row[0]), number))
    for item in layout.enums + layout.structures:
        out.append("#define KW_TYPE_%s (&kw_type_table[%d])" % (constant(item.name), layout.index[item.name]))
    _check_unique(out)
    return "\n".join(out + ["", "#endif", ""])


def _builtin_constant(name):
    renamed = {"SByte": "SBYTE", "UInt16": "UINT16", "UInt32": "UINT32", "UInt64": "UINT64"}
    renamed.update({"Structure": "EXTENSION_OBJECT", "BaseDataType": "VARIANT"})
    return renamed.get(name) or constant(name)


def _check_unique(lines):
    seen = set()
    for line in lines:
        words = line.split()
        name = None
        if line.startswith("#define"):
            name = words[1]
        elif line.startswith("    KW_"):
            name = words[0]
        if name is not None:
            if name in seen:
                raise ValueError("defined twice: " + name)
            seen.add(name)


def _members(layout, item):
    lines, names = [], set()

    def declare(indent, text, name):
        if name in names:
            raise ValueError("%s has two members called %s" % (item.name, name))
        names.add(name)
        lines.append("%s%s%s;" % (indent, text, name))

    fields = layout.types.all_fields(item)
    indent = "    "
    if item.union:
        lines += ["    uint32_t switch_value;", "    union {"]
        indent = "        "
    for field in fields:
        name, c_type = member(field.name), layout.c_type(layout.wire(field))
        if item.union and field.array:
            raise ValueError("an array in a union: " + item.name)
        if field.array:
            declare(indent, "size_t ", snake(field.name) + "_count")
        pointer = field.array or field.optional
        declare(indent, c_type + (" *" if pointer else " "), name)
    if item.union:
        lines.append("    } value;")
    if not fields:
        lines.append("    uint8_t no_fields;")
    return lines


def table(layout):
    out = ["/* Generated from schema/types.txt: a descriptor for each type. */", '#include "ua/type_table.h"', "#include <stddef.h>", ""]
    for item in layout.structures:
        out += _field_rows(layout, item)
    for item in layout.enums:
        rows = ["    {%s, %d}," % (c_string(name), value) for name, value in item.values]
        out += ["static const struct kw_enum_value values_of_%s[] = {" % snake(item.name)] + rows + ["    {NULL, 0},", "};"]
    out += ["", "const kw_type kw_type_table[] = {"]
    for number, row in enumerate(BUILTINS):
        size = "0" if row[1] is None else "sizeof(%s)" % row[1]
        name = {"Structure": "ExtensionObject", "BaseDataType": "Variant"}.get(row[0], row[0])
        out.append(
            "    {%s, KW_KIND_BUILTIN, %d, 0, %s, %d, %d, 0, NULL, NULL}," % (c_string(name), number, size, row[2], row[3] if row[3] else 0)
        )
    for item in layout.enums:
        c_name = snake(item.name)
        out.append(
            "    {%s, KW_KIND_ENUM, %d, 0, sizeof(kw_%s), 4, %d, 0, NULL, values_of_%s}," % (c_string(item.name), _INT32, c_name, item.id, c_name)
        )
    for item in layout.structures:
        out.append("    " + _structure_row(layout, item))
    out += ["};", ""]
    out.append("const size_t kw_type_table_count = sizeof(kw_type_table) / sizeof(kw_type_table[0]);")
    out += _index("kw_type_data_type_ids", [(item.id, layout.index[item.name]) for item in layout.enums + layout.structures])
    out += _index("kw_type_builtins", _builtins(layout))
    out += _index("kw_type_binary_ids", [(item.binary_id, layout.index[item.name]) for item in layout.structures if item.binary_id])
    return "\n".join(out + [""])


_NUMBERS = [26, 27, 28]  # Number, Integer, UInteger: a field of these is a Variant
_ENUMERATION = 29


def _builtins(layout):
    """(DataType id, built-in type that its values are in a Variant), subtypes of built-in types included."""
    rows = [(row[3], number) for number, row in enumerate(BUILTINS) if number]
    rows += [(number, BUILTIN_INDEX["BaseDataType"]) for number in _NUMBERS] + [(_ENUMERATION, _INT32)]
    known = {number for number, _ in rows}
    for item in layout.types:
        if item.id not in known:
            wire = layout.types.wire_type(item.name)
            rows.append((item.id, BUILTIN_INDEX.get(wire, _INT32 if item.kind == "enum" else _EXTENSION_OBJECT)))
    return rows


def _field_rows(layout, item):
    fields = layout.types.all_fields(item)
    if not fields:
        return []
    rows = []
    for field in fields:
        struct, name = "kw_" + snake(item.name), ("value." if item.union else "") + member(field.name)
        count = "offsetof(%s, %s_count)" % (struct, snake(field.name)) if field.array else "0"
        rows.append(
            "    {%s, &kw_type_table[%d], offsetof(%s, %s), %s, %s, %s},"
            % (
                c_string(field.name),
                layout.index[layout.wire(field)],
                struct,
                name,
                count,
                "true" if field.array else "false",
                "true" if field.optional else "false",
            )
        )
    return ["static const kw_type_field fields_of_%s[] = {" % snake(item.name)] + rows + ["};"]


def _structure_row(layout, item):
    fields = layout.types.all_fields(item)
    kind = "KW_KIND_STRUCTURE"
    if item.union:
        kind = "KW_KIND_UNION"
    elif layout.types.has_optional_fields(item):
        kind = "KW_KIND_OPTIONAL"
    return "{%s, %s, %d, %d, sizeof(kw_%s), %d, %d, %d, %s, NULL}," % (
        c_string(item.name),
        kind,
        _EXTENSION_OBJECT,
        len(fields),
        snake(item.name),
        layout.least(item.name),
        item.id,
        item.binary_id,
        "fields_of_" + snake(item.name) if fields else "NULL",
    )


def _index(name, pairs):
    out = ["", "const struct kw_type_id %s[] = {" % name]
    out += ["    {%d, %d}," % pair for pair in sorted(pairs)]
    return out + ["};", "const size_t %s_count = %d;" % (name, len(pairs))]
