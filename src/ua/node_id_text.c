/* NodeId and ExpandedNodeId in text: ns=1;s=Name, svr=2;nsu=URI;i=85. OPC 10000-6, 5.1.12. */
#include "base/cursor.h"
#include "base/try.h"
#include "ua/base64.h"
#include "ua/codec.h"
#include "ua/text.h"

#include <stdio.h>
#include <string.h>

/* Take the prefix off, if it is there. */
static bool skip(kw_string *text, const char *prefix)
{
    const size_t len = strlen(prefix);
    if (text->len < len || memcmp(text->data, prefix, len) != 0) {
        return false;
    }
    *text = (kw_string){text->data + len, text->len - len};
    return true;
}

/* Everything up to the next ';', which is taken off too. */
static bool until_semicolon(kw_string *text, kw_string *part)
{
    const uint8_t *end = text->len > 0 ? memchr(text->data, ';', text->len) : NULL;
    if (end == NULL) {
        return false;
    }
    *part = (kw_string){text->data, (size_t)(end - text->data)};
    *text = (kw_string){end + 1, text->len - part->len - 1};
    return true;
}

static bool parse_number(kw_string text, uint32_t max, uint32_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text.data[i] - '0');
        if (value > max) {
            return false;
        }
    }
    *out = (uint32_t)value;
    return text.len > 0;
}

static kw_status copy_text(kw_string text, kw_arena *arena, kw_string *out)
{
    const kw_string copy = kw_arena_copy(arena, text);
    if (copy.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = copy;
    return KW_GOOD;
}

static kw_status parse_identifier(kw_string text, kw_arena *arena, kw_node_id *out)
{
    kw_status status = KW_BAD_SYNTAX_ERROR;
    if (skip(&text, "i=")) {
        out->kind = KW_NODE_ID_NUMERIC;
        status = parse_number(text, UINT32_MAX, &out->id.numeric) ? KW_GOOD : KW_BAD_SYNTAX_ERROR;
    } else if (skip(&text, "s=")) {
        out->kind = KW_NODE_ID_STRING;
        status = copy_text(text, arena, &out->id.string);
    } else if (skip(&text, "g=")) {
        out->kind = KW_NODE_ID_GUID;
        status = kw_guid_parse(text, &out->id.guid);
    } else if (skip(&text, "b=")) {
        out->kind = KW_NODE_ID_OPAQUE;
        status = kw_base64_decode(text, arena, &out->id.string);
    }
    return status == KW_BAD_SYNTAX_ERROR ? KW_BAD_NODE_ID_INVALID : status;
}

static kw_status parse_local(kw_string text, kw_arena *arena, kw_node_id *out)
{
    kw_string part;
    uint32_t ns = 0;
    if (skip(&text, "ns=") && !(until_semicolon(&text, &part) && parse_number(part, UINT16_MAX, &ns))) {
        return KW_BAD_NODE_ID_INVALID;
    }
    kw_node_id id = {.ns = (uint16_t)ns};
    KW_TRY(parse_identifier(text, arena, &id));
    *out = id;
    return KW_GOOD;
}

kw_status kw_node_id_parse(kw_string text, kw_arena *arena, kw_node_id *out)
{
    return parse_local(text, arena, out);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const uint8_t lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* In a NamespaceUri ';' and '%' are written as %3B and %25. */
static kw_status unescape_uri(kw_string text, kw_arena *arena, kw_string *out)
{
    uint8_t *uri = kw_arena_alloc(arena, text.len);
    size_t len = 0;
    if (uri == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '%') {
            const bool is_whole = i + 2 < text.len;
            const int high = is_whole ? hex_digit(text.data[i + 1]) : -1, low = is_whole ? hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return KW_BAD_NODE_ID_INVALID;
            }
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        uri[len++] = c;
    }
    *out = (kw_string){uri, len};
    return KW_GOOD;
}

kw_status kw_expanded_node_id_parse(kw_string text, kw_arena *arena, kw_expanded_node_id *out)
{
    kw_expanded_node_id id = {0};
    kw_string part;
    if (skip(&text, "svr=") && !(until_semicolon(&text, &part) && parse_number(part, UINT32_MAX, &id.server_index))) {
        return KW_BAD_NODE_ID_INVALID;
    }
    if (skip(&text, "nsu=")) {
        if (!until_semicolon(&text, &part)) {
            return KW_BAD_NODE_ID_INVALID;
        }
        KW_TRY(unescape_uri(part, arena, &id.namespace_uri));
        KW_TRY(parse_identifier(text, arena, &id.node_id));
    } else {
        KW_TRY(parse_local(text, arena, &id.node_id));
    }
    *out = id;
    return KW_GOOD;
}

static kw_string format_identifier(kw_arena *arena, const kw_node_id *id, const char *prefix)
{
    switch (id->kind) {
    case KW_NODE_ID_NUMERIC:
        return kw_arena_format(arena, "%si=%u", prefix, (unsigned)id->id.numeric);
    case KW_NODE_ID_STRING:
        return kw_arena_format(arena, "%ss=%.*s", prefix, KW_STRING_ARGS(id->id.string));
    case KW_NODE_ID_GUID:
        return kw_arena_format(arena, "%sg=%.*s", prefix, KW_STRING_ARGS(kw_guid_format(arena, &id->id.guid)));
    default:
        return kw_arena_format(arena, "%sb=%.*s", prefix, KW_STRING_ARGS(kw_base64_encode(arena, id->id.string)));
    }
}

kw_string kw_node_id_format(kw_arena *arena, const kw_node_id *id)
{
    char prefix[16] = "";
    if (id->ns != 0) {
        snprintf(prefix, sizeof prefix, "ns=%u;", id->ns);
    }
    return format_identifier(arena, id, prefix);
}

static kw_string escape_uri(kw_arena *arena, kw_string uri)
{
    uint8_t *text = kw_arena_array(arena, uri.len, 3);
    size_t len = 0;
    for (size_t i = 0; text != NULL && i < uri.len; i++) {
        const uint8_t c = uri.data[i];
        if (c == ';' || c == '%') {
            memcpy(text + len, c == ';' ? "%3B" : "%25", 3);
            len += 3;
        } else {
            text[len++] = c;
        }
    }
    return (kw_string){text, len};
}

kw_string kw_expanded_node_id_format(kw_arena *arena, const kw_expanded_node_id *id)
{
    const kw_string node =
        id->namespace_uri.data == NULL ? kw_node_id_format(arena, &id->node_id) : format_identifier(arena, &id->node_id, "");
    char server[24] = "";
    if (id->server_index != 0) {
        snprintf(server, sizeof server, "svr=%u;", (unsigned)id->server_index);
    }
    if (id->namespace_uri.data == NULL) {
        return server[0] == '\0' ? node : kw_arena_format(arena, "%s%.*s", server, KW_STRING_ARGS(node));
    }
    return kw_arena_format(arena, "%snsu=%.*s;%.*s", server, KW_STRING_ARGS(escape_uri(arena, id->namespace_uri)), KW_STRING_ARGS(node));
}

#define KEY_HEAD 7 /* form, namespace, length */

kw_bytes kw_node_id_key(const kw_node_id *id, uint8_t *buf, size_t cap, kw_arena *arena)
{
    const bool has_bytes = id->kind == KW_NODE_ID_STRING || id->kind == KW_NODE_ID_OPAQUE;
    const size_t need = has_bytes ? KEY_HEAD + id->id.string.len : sizeof(kw_guid) + KEY_HEAD;
    kw_node_id canonical = *id;
    if (has_bytes && canonical.id.string.data == NULL) { /* null and empty name the same node */
        canonical.id.string = KW_STRING("");
    }
    if (need > cap) {
        buf = arena != NULL ? kw_arena_alloc(arena, need) : NULL;
        cap = need;
    }
    if (buf == NULL) {
        return KW_BYTES_NULL;
    }
    kw_writer w;
    kw_writer_init_fixed(&w, buf, cap);
    return kw_status_is_bad(kw_ua_encode(&w, KW_TYPE_NODE_ID, &canonical)) ? KW_BYTES_NULL : kw_writer_bytes(&w);
}
