/* Decoding of Variant and ExtensionObject, where the bytes say what type follows. OPC 10000-6, 5.2.2.15 and 5.2.2.16. */
#include "ua/codec_internal.h"

#define LAST_RESERVED_TYPE 31 /* 26..31 are kept for later built-in types, which look like a ByteString to us */

static void decode_dimensions(kw_decoder *d, kw_variant *out)
{
    void *dimensions = NULL;
    size_t count = 0;
    kw_decode_array(d, KW_TYPE_INT32, &dimensions, &count);
    if (!kw_dimensions_fit(dimensions, count, out->count)) {
        kw_reader_fail(d->r, KW_BAD_DECODING_ERROR);
        return;
    }
    out->dimensions = dimensions;
    out->dimension_count = count;
}

static void decode_variant_value(kw_decoder *d, uint8_t mask, const kw_type *type, kw_variant *out)
{
    void *data = NULL;
    out->type = type->builtin;
    if (mask & KW_VARIANT_IS_ARRAY) {
        out->is_array = true;
        kw_decode_array(d, type, &data, &out->count);
        out->data = data;
        if (mask & KW_VARIANT_HAS_DIMENSIONS) {
            decode_dimensions(d, out);
        }
        return;
    }
    data = kw_decoder_alloc(d, 1, type->size);
    if (data != NULL) {
        kw_decode_value(d, type, data);
        out->data = data;
    }
}

void kw_decode_variant(kw_decoder *d, kw_variant *out)
{
    const uint8_t mask = kw_read_u8(d->r);
    uint8_t id = mask & KW_VARIANT_TYPE_MASK;
    if (mask == KW_BUILTIN_NULL) {
        return;
    }
    if (id > KW_BUILTIN_DIAGNOSTIC_INFO && id <= LAST_RESERVED_TYPE) {
        id = KW_BUILTIN_BYTE_STRING;
    }
    const kw_type *type = kw_type_builtin((kw_builtin)id);
    const bool is_array = (mask & KW_VARIANT_IS_ARRAY) != 0;
    const bool is_allowed = type != NULL && (is_array || (id != KW_BUILTIN_VARIANT && !(mask & KW_VARIANT_HAS_DIMENSIONS)));
    if (!is_allowed) {
        kw_reader_fail(d->r, KW_BAD_DECODING_ERROR);
        return;
    }
    if (kw_decoder_enter(d)) { /* */
        decode_variant_value(d, mask, type, out);
        d->depth--;
    }
}

/* The body has its own length: fields past the end of a shorter one are an error, bytes past the last field are skipped. */
static void decode_known_body(kw_decoder *d, const kw_type *type, kw_extension_object *out)
{
    void *value = kw_decoder_alloc(d, 1, type->size);
    if (value == NULL || !kw_decoder_enter(d)) {
        return;
    }
    kw_reader body = kw_reader_of(out->body);
    kw_decoder inner = {.r = &body, .arena = d->arena, .limits = d->limits, .depth = d->depth};
    kw_decode_value(&inner, type, value);
    d->depth--;
    if (kw_status_is_bad(kw_reader_status(&body))) {
        kw_reader_fail(d->r, kw_reader_status(&body));
        return;
    }
    out->body = KW_BYTES_NULL;
    out->type = type;
    out->value = value;
}

void kw_decode_extension_object(kw_decoder *d, kw_extension_object *out)
{
    kw_decode_node_id(d, &out->type_id);
    const uint8_t encoding = kw_read_u8(d->r);
    switch (encoding) {
    case KW_EXTENSION_NONE:
        return;
    case KW_EXTENSION_XML:
        out->encoding = KW_EXTENSION_XML;
        out->body = kw_decode_string(d);
        return;
    case KW_EXTENSION_BINARY:
        break;
    default:
        kw_reader_fail(d->r, KW_BAD_DECODING_ERROR);
        return;
    }
    out->encoding = KW_EXTENSION_BINARY;
    out->body = kw_decode_string(d);
    const bool is_ours = out->type_id.ns == 0 && out->type_id.kind == KW_NODE_ID_NUMERIC && out->body.data != NULL;
    const kw_type *type = is_ours ? kw_type_by_binary_id(out->type_id.id.numeric) : NULL;
    if (type != NULL) {
        decode_known_body(d, type, out);
    }
}
