"""Nodes out of a NodeSet2 file. Descriptions and documentation stay behind."""

import datetime
import re

from .nodes import CLASSES, Model, Node
from .xml_types import UA

XSD = "{http://opcfoundation.org/UA/2008/02/Types.xsd}"
# What every node of the models has, so that no table needs to say it. Checked, lest a new edition brings another value.
_ALWAYS = {"Executable": "true", "Historizing": "false", "MinimumSamplingInterval": "0", "WriteMask": "0", "HasNoPermissions": "false"}
_TEXT_DICTIONARY = (0, 72)  # DataTypeDictionaryType: the deprecated dictionaries in one ByteString
_ARGUMENT, _ENUM_VALUE, _EU_INFORMATION = "i=297", "i=7616", "i=888"


class Reader:
    def __init__(self, root, index):
        self.root = root
        self.aliases = {alias.get("Alias"): alias.text.strip() for alias in root.iter(UA + "Alias")}
        head = next(root.iter(UA + "Model"))
        self.model = Model(index, head.get("ModelUri"), head.get("Version"), head.get("PublicationDate"))

    def id(self, text):
        text = self.aliases.get(text.strip(), text.strip())
        match = re.fullmatch(r"(?:ns=(1);)?i=(\d+)", text)
        if match is None:
            raise ValueError("not an id of the models: " + text)
        return (int(match.group(1) or 0), int(match.group(2)))

    def read(self):
        for element in self.root:
            node_class = element.tag.replace(UA + "UA", "")
            if node_class in CLASSES:
                self._node(element, node_class)
        types = {s: t for s, k, t in self.model.references if k == (0, 40)}
        for element in self.root:
            value = element.find(UA + "Value")
            if value is not None and types.get(self.id(element.get("NodeId"))) != _TEXT_DICTIONARY:
                self.model.values[self.id(element.get("NodeId"))] = self._value(value[0])
        return self.model

    def _node(self, element, node_class):
        for name, usual in _ALWAYS.items():
            if element.get(name, usual) != usual:
                raise ValueError("%s of %s is %s" % (name, element.get("NodeId"), element.get(name)))
        namespace, name = re.fullmatch(r"(?:(\d+):)?(.*)", element.get("BrowseName")).groups()
        node = Node(self.id(element.get("NodeId")), node_class, (int(namespace or 0), name))
        display = element.find(UA + "DisplayName").text
        node.display_name = display if display != name else None
        inverse = element.find(UA + "InverseName")
        node.inverse_name = inverse.text if inverse is not None else None
        node.symbol = element.get("SymbolicName")
        node.parent = self.id(element.get("ParentNodeId")) if element.get("ParentNodeId") else None
        if node_class in ("Variable", "VariableType"):
            node.data_type = self.id(element.get("DataType", "i=24"))
        node.value_rank = int(element.get("ValueRank")) if element.get("ValueRank") else None
        node.dimensions = [int(number) for number in element.get("ArrayDimensions", "").split(",") if number]
        node.access_level = int(element.get("AccessLevel")) if element.get("AccessLevel") else None
        node.event_notifier = int(element.get("EventNotifier", "0"))
        node.restrictions = int(element.get("AccessRestrictions", "-1"))
        node.abstract = element.get("IsAbstract") == "true"
        node.symmetric = element.get("Symmetric") == "true"
        for permission in element.iter(UA + "RolePermission"):
            node.permissions.append((self.id(permission.text), int(permission.get("Permissions"))))
        self.model.nodes[node.id] = node
        for reference in element.iter(UA + "Reference"):
            kind, other = self.id(reference.get("ReferenceType")), self.id(reference.text)
            forward = reference.get("IsForward", "true") == "true"
            self.model.references.add((node.id, kind, other) if forward else (other, kind, node.id))

    def _value(self, element):
        kind = element.tag.replace(XSD, "")
        if kind.startswith("ListOf"):
            values = [self._scalar(item) for item in element]
            if not values:
                raise ValueError("an empty list")
            return values[0][0] + "[]", [value for _, value in values]
        return self._scalar(element)

    def _scalar(self, element):
        kind = element.tag.replace(XSD, "")
        if kind == "String":
            return kind, element.text or ""
        if kind == "Boolean":
            return kind, element.text.strip() == "true"
        if kind in ("Int32", "UInt32"):
            return kind, int(element.text)
        if kind == "LocalizedText":
            return kind, _text(element)
        if kind == "DateTime":
            return kind, _ticks(element.text)
        if kind == "ExtensionObject":
            return self._structure(element)
        raise ValueError("a value of type " + kind)

    def _structure(self, element):
        kind = element.find(XSD + "TypeId").find(XSD + "Identifier").text.strip()
        body = element.find(XSD + "Body")[0]
        if kind == _ARGUMENT:
            dimensions = [int(item.text) for item in body.find(XSD + "ArrayDimensions") or []]
            data_type = list(self.id(body.find(XSD + "DataType").find(XSD + "Identifier").text))
            rank = int(body.find(XSD + "ValueRank").text)
            return "Argument", [body.find(XSD + "Name").text, data_type, rank] + ([dimensions] if dimensions else [])
        if kind == _ENUM_VALUE:
            return "EnumValueType", [int(body.find(XSD + "Value").text), _text(body.find(XSD + "DisplayName"))]
        if kind == _EU_INFORMATION:
            texts = [_text(body.find(XSD + "DisplayName")), _text(body.find(XSD + "Description"))]
            return "EUInformation", [body.find(XSD + "NamespaceUri").text, int(body.find(XSD + "UnitId").text)] + texts
        raise ValueError("a structure " + kind)


def _text(element):
    """The text, or [locale, text]."""
    if element is None:
        return None
    locale, text = element.find(XSD + "Locale"), element.find(XSD + "Text")
    plain = text.text if text is not None else None
    return [locale.text, plain] if locale is not None and locale.text else plain


def _ticks(text):
    moment = datetime.datetime.strptime(text.strip(), "%Y-%m-%dT%H:%M:%SZ")
    return int((moment - datetime.datetime(1601, 1, 1)).total_seconds()) * 10000000
