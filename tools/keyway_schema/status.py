"""StatusCodes: schema/status_codes.csv and the C made of it."""

import re

from .names import c_string, constant


def read(path):
    """[(name as in the standard's table, value)], ordered by value."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if line and not line.startswith("#"):
                name, value = line.split(",")
                rows.append((name, int(value, 16)))
    return sorted(rows, key=lambda row: row[1])


def write(path, rows):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for name, value in sorted(rows, key=lambda row: row[1]):
            file.write("%s,0x%08X\n" % (name, value))


def symbolic(name):
    """BadTimeout -> Bad_Timeout, as the parts of the standard write it."""
    return re.sub(r"^(Good|Uncertain|Bad)(?=.)", r"\1_", name)


def header(rows):
    lines = [
        "/* Generated from schema/status_codes.csv. OPC 10000-4, 7.39; OPC 10000-6, A.2. */",
        "#ifndef KEYWAY_STATUS_CODES_H",
        "#define KEYWAY_STATUS_CODES_H",
        "",
    ]
    for name, value in rows:
        lines.append("#define KW_%s ((kw_status)0x%08Xu)" % (constant(name), value))
    lines += ["", "#endif", ""]
    return "\n".join(lines)


def table(rows):
    lines = [
        "/* Generated from schema/status_codes.csv: ordered by code. */",
        '#include "ua/status_table.h"',
        "",
        "const struct kw_status_row kw_status_table[] = {",
    ]
    for name, value in rows:
        lines.append("    {0x%08Xu, %s}," % (value, c_string(symbolic(name))))
    lines += ["};", "", "const size_t kw_status_table_count = sizeof(kw_status_table) / sizeof(kw_status_table[0]);", ""]
    return "\n".join(lines)
