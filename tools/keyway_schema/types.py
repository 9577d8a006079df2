"""DataTypes: schema/types.txt, read and written.

    simple Duration 290 Double                    a subtype of a built-in type (or an abstract one of them)
    enum NodeClass 257                            values follow, indented: Name=Int32
    options PermissionType 94 UInt32              bits follow, indented: Name=BitNumber
    structure UserNameIdentityToken 322 324 < UserIdentityToken
        DataType id, Default Binary encoding id (0: none), base; `abstract` and `union` may stand before `structure`.
        Own fields follow, indented: `Name: Type`, Type[] an array, `?` optional, `*` subtypes allowed.
"""

BUILTINS = [
    ("Null", None, 0, 0),
    ("Boolean", "bool", 1, 1),
    ("SByte", "int8_t", 1, 2),
    ("Byte", "uint8_t", 1, 3),
    ("Int16", "int16_t", 2, 4),
    ("UInt16", "uint16_t", 2, 5),
    ("Int32", "int32_t", 4, 6),
    ("UInt32", "uint32_t", 4, 7),
    ("Int64", "int64_t", 8, 8),
    ("UInt64", "uint64_t", 8, 9),
    ("Float", "float", 4, 10),
    ("Double", "double", 8, 11),
    ("String", "kw_string", 4, 12),
    ("DateTime", "kw_date_time", 8, 13),
    ("Guid", "kw_guid", 16, 14),
    ("ByteString", "kw_bytes", 4, 15),
    ("XmlElement", "kw_bytes", 4, 16),
    ("NodeId", "kw_node_id", 2, 17),
    ("ExpandedNodeId", "kw_expanded_node_id", 2, 18),
    ("StatusCode", "kw_status", 4, 19),
    ("QualifiedName", "kw_qualified_name", 6, 20),
    ("LocalizedText", "kw_localized_text", 1, 21),
    ("Structure", "kw_extension_object", 3, 22),
    ("DataValue", "kw_data_value", 1, 23),
    ("BaseDataType", "kw_variant", 1, 24),
    ("DiagnosticInfo", "kw_diagnostic_info", 1, 25),
]
"""(name of the DataType, C type, fewest bytes on the wire, DataType id); the index is the built-in id."""

BUILTIN_INDEX = {row[0]: index for index, row in enumerate(BUILTINS)}


class Field:
    def __init__(self, name, type_name, array=False, optional=False, subtypes=False):
        self.name, self.type_name = name, type_name
        self.array, self.optional, self.subtypes = array, optional, subtypes

    def line(self):
        marks = ("[]" if self.array else "") + ("?" if self.optional else "") + ("*" if self.subtypes else "")
        return "    %s: %s%s" % (self.name, self.type_name, marks)

    @staticmethod
    def parse(text):
        name, rest = [part.strip() for part in text.split(":")]
        base = rest.rstrip("[]?*")
        marks = rest[len(base):]
        return Field(name, base, "[]" in marks, "?" in marks, "*" in marks)


class Type:
    """kind: simple, enum, options or structure."""

    def __init__(self, kind, name, type_id, binary_id=0, base=None, abstract=False, union=False):
        self.kind, self.name, self.id, self.binary_id, self.base = kind, name, type_id, binary_id, base
        self.abstract, self.union = abstract, union
        self.fields = []  # structures: own fields only
        self.values = []  # enumerations and option sets: (name, number)

    def lines(self):
        if self.kind == "structure":
            words = ["abstract"] * self.abstract + ["union"] * self.union
            words += ["structure", self.name, str(self.id), str(self.binary_id)]
            words += ["<", self.base] if self.base else []
            return [" ".join(words)] + [field.line() for field in self.fields]
        words = ["abstract"] * self.abstract + [self.kind, self.name, str(self.id)] + ([self.base] if self.base else [])
        return [" ".join(words)] + ["    %s=%d" % value for value in self.values]


class Types:
    """All DataTypes of a model by name, in the order of the table."""

    def __init__(self, base_model=None):
        self.by_name = {}
        self.base_model = base_model

    def add(self, data_type):
        if data_type.name in self.by_name:
            raise ValueError("two types are called " + data_type.name)
        self.by_name[data_type.name] = data_type

    def __iter__(self):
        return iter(self.by_name.values())

    def find(self, name):
        found = self.by_name.get(name)
        if found is None and self.base_model is not None:
            found = self.base_model.find(name)
        return found

    def model_of(self, name):
        """0 for a type of ns 0, 1 for one of the model on top of it."""
        return 1 if self.base_model is not None and name in self.by_name else 0

    def all_fields(self, data_type):
        """The base's fields first."""
        base = self.find(data_type.base) if data_type.base else None
        return (self.all_fields(base) if base else []) + data_type.fields

    def has_optional_fields(self, data_type):
        return any(field.optional for field in self.all_fields(data_type))

    def wire_type(self, name, subtypes=False):
        """What a field of this DataType is on the wire: the name of a built-in type, an enumeration or a structure."""
        if name in BUILTIN_INDEX:
            return name
        data_type = self.find(name)
        if data_type is None:
            raise ValueError("unknown type " + name)
        if data_type.kind in ("simple", "options"):
            return self.wire_type(data_type.base)
        if data_type.kind == "structure" and (data_type.abstract or subtypes):
            return "Structure"
        return name


def read(path, base_model=None):
    types, current = Types(base_model), None
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            if not line.startswith(" "):
                current = _parse_head(line.split())
                types.add(current)
            elif current.kind == "structure":
                current.fields.append(Field.parse(line))
            else:
                name, value = line.strip().split("=")
                current.values.append((name, int(value)))
    return types


def _parse_head(words):
    abstract, union = "abstract" in words, "union" in words
    words = [word for word in words if word not in ("abstract", "union", "<")]
    kind, name, type_id = words[0], words[1], int(words[2])
    if kind == "structure":
        return Type(kind, name, type_id, int(words[3]), words[4] if len(words) > 4 else None, abstract, union)
    return Type(kind, name, type_id, base=words[3] if len(words) > 3 else None, abstract=abstract)


def write(path, types):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for data_type in sorted(types, key=lambda item: item.id):
            file.write("\n".join(data_type.lines()) + "\n")
