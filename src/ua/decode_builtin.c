/* Decoding of the built-in types but Variant and ExtensionObject. OPC 10000-6, 5.2.2. */
#include "ua/codec_internal.h"

kw_bytes kw_decode_string(kw_decoder *d)
{
    const kw_bytes bytes = kw_read_bytes(d->r);
    if (bytes.len > d->limits->max_string) {
        kw_reader_fail(d->r, KW_BAD_ENCODING_LIMITS_EXCEEDED);
        return KW_BYTES_NULL;
    }
    return bytes;
}

static void decode_guid(kw_decoder *d, kw_guid *out)
{
    out->data1 = kw_read_u32(d->r);
    out->data2 = kw_read_u16(d->r);
    out->data3 = kw_read_u16(d->r);
    for (size_t i = 0; i < sizeof out->data4; i++) {
        out->data4[i] = kw_read_u8(d->r);
    }
}

static void decode_node_id_body(kw_decoder *d, uint8_t form, kw_node_id *out)
{
    switch (form) {
    case KW_NODE_ID_TWO_BYTE:
        out->kind = KW_NODE_ID_NUMERIC;
        out->id.numeric = kw_read_u8(d->r);
        return;
    case KW_NODE_ID_FOUR_BYTE:
        out->kind = KW_NODE_ID_NUMERIC;
        out->ns = kw_read_u8(d->r);
        out->id.numeric = kw_read_u16(d->r);
        return;
    case KW_NODE_ID_NUMERIC_FULL:
        out->kind = KW_NODE_ID_NUMERIC;
        out->ns = kw_read_u16(d->r);
        out->id.numeric = kw_read_u32(d->r);
        return;
    case KW_NODE_ID_STRING:
    case KW_NODE_ID_OPAQUE:
        out->kind = form;
        out->ns = kw_read_u16(d->r);
        out->id.string = kw_decode_string(d);
        return;
    case KW_NODE_ID_GUID:
        out->kind = form;
        out->ns = kw_read_u16(d->r);
        decode_guid(d, &out->id.guid);
        return;
    default: /* reserved forms and flags */
        kw_reader_fail(d->r, KW_BAD_DECODING_ERROR);
        return;
    }
}

void kw_decode_node_id(kw_decoder *d, kw_node_id *out)
{
    decode_node_id_body(d, kw_read_u8(d->r), out);
}

void kw_decode_expanded_node_id(kw_decoder *d, kw_expanded_node_id *out)
{
    const uint8_t form = kw_read_u8(d->r);
    decode_node_id_body(d, form & (uint8_t) ~(KW_NODE_ID_HAS_URI | KW_NODE_ID_HAS_SERVER), &out->node_id);
    if (form & KW_NODE_ID_HAS_URI) {
        out->namespace_uri = kw_decode_string(d);
        out->node_id.ns = out->namespace_uri.data != NULL ? 0 : out->node_id.ns; /* the URI counts */
    }
    if (form & KW_NODE_ID_HAS_SERVER) {
        out->server_index = kw_read_u32(d->r);
    }
}

static void decode_localized_text(kw_decoder *d, kw_localized_text *out)
{
    const uint8_t mask = kw_read_u8(d->r);
    if (mask & ~(KW_LOCALIZED_HAS_LOCALE | KW_LOCALIZED_HAS_TEXT)) {
        kw_reader_fail(d->r, KW_BAD_DECODING_ERROR);
        return;
    }
    if (mask & KW_LOCALIZED_HAS_LOCALE) {
        out->locale = kw_decode_string(d);
    }
    if (mask & KW_LOCALIZED_HAS_TEXT) {
        out->text = kw_decode_string(d);
    }
}

static uint16_t decode_picoseconds(kw_decoder *d)
{
    const uint16_t picoseconds = kw_read_u16(d->r);
    return picoseconds > KW_PICOSECONDS_MAX ? KW_PICOSECONDS_MAX : picoseconds;
}

static void decode_data_value_fields(kw_decoder *d, uint8_t mask, kw_data_value *out)
{
    out->has_value = (mask & KW_DATA_VALUE_HAS_VALUE) != 0;
    out->has_status = (mask & KW_DATA_VALUE_HAS_STATUS) != 0;
    out->has_source_timestamp = (mask & KW_DATA_VALUE_HAS_SOURCE_TIMESTAMP) != 0;
    out->has_source_picoseconds = (mask & KW_DATA_VALUE_HAS_SOURCE_PICOSECONDS) != 0;
    out->has_server_timestamp = (mask & KW_DATA_VALUE_HAS_SERVER_TIMESTAMP) != 0;
    out->has_server_picoseconds = (mask & KW_DATA_VALUE_HAS_SERVER_PICOSECONDS) != 0;
    if (out->has_value) {
        kw_decode_variant(d, &out->value);
    }
    if (out->has_status) {
        out->status = kw_read_u32(d->r);
    }
    if (out->has_source_timestamp) {
        out->source_timestamp = kw_read_i64(d->r);
    }
    if (out->has_source_picoseconds) {
        out->source_picoseconds = decode_picoseconds(d);
    }
    if (out->has_server_timestamp) {
        out->server_timestamp = kw_read_i64(d->r);
    }
    if (out->has_server_picoseconds) {
        out->server_picoseconds = decode_picoseconds(d);
    }
}

static void decode_data_value(kw_decoder *d, kw_data_value *out)
{
    const uint8_t mask = kw_read_u8(d->r);
    if (mask > 0x3F) {
        kw_reader_fail(d->r, KW_BAD_DECODING_ERROR);
        return;
    }
    if (kw_decoder_enter(d)) {
        decode_data_value_fields(d, mask, out);
        d->depth--;
    }
}

static void decode_diagnostic_info(kw_decoder *d, kw_diagnostic_info *out)
{
    const uint8_t mask = kw_read_u8(d->r);
    if (mask > 0x7F) {
        kw_reader_fail(d->r, KW_BAD_DECODING_ERROR);
        return;
    }
    if (!kw_decoder_enter(d)) { /* */
        return;
    }
    out->has_symbolic_id = (mask & KW_DIAGNOSTIC_HAS_SYMBOLIC_ID) != 0;
    out->has_namespace_uri = (mask & KW_DIAGNOSTIC_HAS_NAMESPACE_URI) != 0;
    out->has_locale = (mask & KW_DIAGNOSTIC_HAS_LOCALE) != 0;
    out->has_localized_text = (mask & KW_DIAGNOSTIC_HAS_LOCALIZED_TEXT) != 0;
    out->has_additional_info = (mask & KW_DIAGNOSTIC_HAS_ADDITIONAL_INFO) != 0;
    out->has_inner_status_code = (mask & KW_DIAGNOSTIC_HAS_INNER_STATUS) != 0;
    out->symbolic_id = out->has_symbolic_id ? kw_read_i32(d->r) : 0;
    out->namespace_uri = out->has_namespace_uri ? kw_read_i32(d->r) : 0;
    out->locale = out->has_locale ? kw_read_i32(d->r) : 0;
    out->localized_text = out->has_localized_text ? kw_read_i32(d->r) : 0;
    if (out->has_additional_info) {
        out->additional_info = kw_decode_string(d);
    }
    if (out->has_inner_status_code) {
        out->inner_status_code = kw_read_u32(d->r);
    }
    if (mask & KW_DIAGNOSTIC_HAS_INNER) {
        out->inner = kw_decoder_alloc(d, 1, sizeof *out->inner);
        if (out->inner != NULL) {
            decode_diagnostic_info(d, out->inner);
        }
    }
    d->depth--;
}

void kw_decode_builtin(kw_decoder *d, kw_builtin type, void *out)
{
    kw_reader *r = d->r;
    switch (type) {
    case KW_BUILTIN_NULL:
        return;
    case KW_BUILTIN_BOOLEAN:
        *(bool *)out = kw_read_u8(r) != 0;
        return;
    case KW_BUILTIN_SBYTE:
    case KW_BUILTIN_BYTE:
        *(uint8_t *)out = kw_read_u8(r);
        return;
    case KW_BUILTIN_INT16:
    case KW_BUILTIN_UINT16:
        *(uint16_t *)out = kw_read_u16(r);
        return;
    case KW_BUILTIN_INT32:
    case KW_BUILTIN_UINT32:
    case KW_BUILTIN_STATUS_CODE:
        *(uint32_t *)out = kw_read_u32(r);
        return;
    case KW_BUILTIN_INT64:
    case KW_BUILTIN_UINT64:
    case KW_BUILTIN_DATE_TIME:
        *(uint64_t *)out = kw_read_u64(r);
        return;
    case KW_BUILTIN_FLOAT:
        *(float *)out = kw_read_f32(r);
        return;
    case KW_BUILTIN_DOUBLE:
        *(double *)out = kw_read_f64(r);
        return;
    case KW_BUILTIN_STRING:
    case KW_BUILTIN_BYTE_STRING:
    case KW_BUILTIN_XML_ELEMENT:
        *(kw_bytes *)out = kw_decode_string(d);
        return;
    case KW_BUILTIN_GUID:
        decode_guid(d, out);
        return;
    case KW_BUILTIN_NODE_ID:
        kw_decode_node_id(d, out);
        return;
    case KW_BUILTIN_EXPANDED_NODE_ID:
        kw_decode_expanded_node_id(d, out);
        return;
    case KW_BUILTIN_QUALIFIED_NAME:
        ((kw_qualified_name *)out)->ns = kw_read_u16(r);
        ((kw_qualified_name *)out)->name = kw_decode_string(d);
        return;
    case KW_BUILTIN_LOCALIZED_TEXT:
        decode_localized_text(d, out);
        return;
    case KW_BUILTIN_EXTENSION_OBJECT:
        kw_decode_extension_object(d, out);
        return;
    case KW_BUILTIN_DATA_VALUE:
        decode_data_value(d, out);
        return;
    case KW_BUILTIN_VARIANT:
        kw_decode_variant(d, out);
        return;
    case KW_BUILTIN_DIAGNOSTIC_INFO:
        decode_diagnostic_info(d, out);
        return;
    }
}
