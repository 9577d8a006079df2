"""From the standard's CamelCase to the names that the C code uses."""

import re

_KEYWORDS = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    bool true false linux unix""".split()
)


def snake(name):
    """CreateSessionRequest -> create_session_request, X509IdentityToken -> x509_identity_token, 3DVector -> three_d_vector."""
    name = re.sub(r"^3D", "ThreeD", name)
    name = re.sub(r"[^A-Za-z0-9]+", "_", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([A-Z])([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"_+", "_", name).strip("_").lower()


def member(name):
    """A name that can stand in a structure."""
    plain = snake(name)
    return plain + "_" if plain in _KEYWORDS else plain


def constant(name):
    return snake(name).upper()


def c_string(text):
    """A C string literal of UTF-8 text; octal escapes, so that no escape can swallow what follows it."""
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 0x20 <= byte < 0x7F and char != "?":
            out.append(char)
        else:
            out.append("\\%03o" % byte)
    return '"' + "".join(out) + '"'
