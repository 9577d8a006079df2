/* Encoding of the built-in types but Variant and ExtensionObject. OPC 10000-6, 5.2.2. */
#include "ua/codec_internal.h"

static void encode_guid(kw_encoder *e, const kw_guid *guid)
{
    kw_write_u32(e->w, guid->data1);
    kw_write_u16(e->w, guid->data2);
    kw_write_u16(e->w, guid->data3);
    kw_write_raw(e->w, (kw_bytes){guid->data4, sizeof guid->data4});
}

static void encode_numeric_id(kw_encoder *e, uint8_t flags, uint16_t ns, uint32_t id)
{
    if (ns == 0 && id <= UINT8_MAX) {
        kw_write_u8(e->w, flags | KW_NODE_ID_TWO_BYTE);
        kw_write_u8(e->w, (uint8_t)id);
    } else if (ns <= UINT8_MAX && id <= UINT16_MAX) {
        kw_write_u8(e->w, flags | KW_NODE_ID_FOUR_BYTE);
        kw_write_u8(e->w, (uint8_t)ns);
        kw_write_u16(e->w, (uint16_t)id);
    } else {
        kw_write_u8(e->w, flags | KW_NODE_ID_NUMERIC_FULL);
        kw_write_u16(e->w, ns);
        kw_write_u32(e->w, id);
    }
}

static void encode_node_id_flagged(kw_encoder *e, uint8_t flags, uint16_t ns, const kw_node_id *id)
{
    switch (id->kind) {
    case KW_NODE_ID_NUMERIC:
        encode_numeric_id(e, flags, ns, id->id.numeric);
        return;
    case KW_NODE_ID_STRING:
    case KW_NODE_ID_OPAQUE:
        kw_write_u8(e->w, flags | id->kind);
        kw_write_u16(e->w, ns);
        kw_write_bytes(e->w, id->id.string);
        return;
    case KW_NODE_ID_GUID:
        kw_write_u8(e->w, flags | id->kind);
        kw_write_u16(e->w, ns);
        encode_guid(e, &id->id.guid);
        return;
    default:
        kw_writer_fail(e->w, KW_BAD_ENCODING_ERROR);
        return;
    }
}

void kw_encode_node_id(kw_encoder *e, const kw_node_id *id)
{
    encode_node_id_flagged(e, 0, id->ns, id);
}

void kw_encode_expanded_node_id(kw_encoder *e, const kw_expanded_node_id *id)
{
    const bool has_uri = id->namespace_uri.data != NULL, has_server = id->server_index != 0;
    const uint8_t flags = (uint8_t)((has_uri ? KW_NODE_ID_HAS_URI : 0) | (has_server ? KW_NODE_ID_HAS_SERVER : 0));
    encode_node_id_flagged(e, flags, has_uri ? 0 : id->node_id.ns, &id->node_id);
    if (has_uri) {
        kw_write_bytes(e->w, id->namespace_uri);
    }
    if (has_server) {
        kw_write_u32(e->w, id->server_index);
    }
}

static void encode_localized_text(kw_encoder *e, const kw_localized_text *text)
{
    const bool has_locale = text->locale.data != NULL, has_text = text->text.data != NULL;
    kw_write_u8(e->w, (uint8_t)((has_locale ? KW_LOCALIZED_HAS_LOCALE : 0) | (has_text ? KW_LOCALIZED_HAS_TEXT : 0)));
    if (has_locale) {
        kw_write_bytes(e->w, text->locale);
    }
    if (has_text) {
        kw_write_bytes(e->w, text->text);
    }
}

static void encode_picoseconds(kw_encoder *e, uint16_t picoseconds)
{
    kw_write_u16(e->w, picoseconds > KW_PICOSECONDS_MAX ? KW_PICOSECONDS_MAX : picoseconds);
}

static void encode_data_value(kw_encoder *e, const kw_data_value *v)
{
    if (!kw_encoder_enter(e)) {
        return;
    }
    kw_write_u8(e->w, (uint8_t)((v->has_value ? KW_DATA_VALUE_HAS_VALUE : 0) | (v->has_status ? KW_DATA_VALUE_HAS_STATUS : 0) |
                                (v->has_source_timestamp ? KW_DATA_VALUE_HAS_SOURCE_TIMESTAMP : 0) |
                                (v->has_server_timestamp ? KW_DATA_VALUE_HAS_SERVER_TIMESTAMP : 0) |
                                (v->has_source_picoseconds ? KW_DATA_VALUE_HAS_SOURCE_PICOSECONDS : 0) |
                                (v->has_server_picoseconds ? KW_DATA_VALUE_HAS_SERVER_PICOSECONDS : 0)));
    if (v->has_value) {
        kw_encode_variant(e, &v->value);
    }
    if (v->has_status) {
        kw_write_u32(e->w, v->status);
    }
    if (v->has_source_timestamp) {
        kw_write_i64(e->w, v->source_timestamp);
    }
    if (v->has_source_picoseconds) {
        encode_picoseconds(e, v->source_picoseconds);
    }
    if (v->has_server_timestamp) {
        kw_write_i64(e->w, v->server_timestamp);
    }
    if (v->has_server_picoseconds) {
        encode_picoseconds(e, v->server_picoseconds);
    }
    e->depth--;
}

/* The locale goes before the localized text although its bit is the higher one. OPC 10000-6, 5.2.2.12. */
static void encode_diagnostic_info(kw_encoder *e, const kw_diagnostic_info *info)
{
    if (!kw_encoder_enter(e)) {
        return;
    }
    kw_write_u8(e->w, (uint8_t)((info->has_symbolic_id ? KW_DIAGNOSTIC_HAS_SYMBOLIC_ID : 0) |
                                (info->has_namespace_uri ? KW_DIAGNOSTIC_HAS_NAMESPACE_URI : 0) |
                                (info->has_localized_text ? KW_DIAGNOSTIC_HAS_LOCALIZED_TEXT : 0) |
                                (info->has_locale ? KW_DIAGNOSTIC_HAS_LOCALE : 0) |
                                (info->has_additional_info ? KW_DIAGNOSTIC_HAS_ADDITIONAL_INFO : 0) |
                                (info->has_inner_status_code ? KW_DIAGNOSTIC_HAS_INNER_STATUS : 0) |
                                (info->inner != NULL ? KW_DIAGNOSTIC_HAS_INNER : 0)));
    if (info->has_symbolic_id) {
        kw_write_i32(e->w, info->symbolic_id);
    }
    if (info->has_namespace_uri) {
        kw_write_i32(e->w, info->namespace_uri);
    }
    if (info->has_locale) {
        kw_write_i32(e->w, info->locale);
    }
    if (info->has_localized_text) {
        kw_write_i32(e->w, info->localized_text);
    }
    if (info->has_additional_info) {
        kw_write_bytes(e->w, info->additional_info);
    }
    if (info->has_inner_status_code) {
        kw_write_u32(e->w, info->inner_status_code);
    }
    if (info->inner != NULL) {
        encode_diagnostic_info(e, info->inner);
    }
    e->depth--;
}

void kw_encode_builtin(kw_encoder *e, kw_builtin type, const void *value)
{
    kw_writer *w = e->w;
    switch (type) {
    case KW_BUILTIN_NULL:
        return;
    case KW_BUILTIN_BOOLEAN:
        kw_write_u8(w, *(const bool *)value ? 1 : 0);
        return;
    case KW_BUILTIN_SBYTE:
    case KW_BUILTIN_BYTE:
        kw_write_u8(w, *(const uint8_t *)value);
        return;
    case KW_BUILTIN_INT16:
    case KW_BUILTIN_UINT16:
        kw_write_u16(w, *(const uint16_t *)value);
        return;
    case KW_BUILTIN_INT32:
    case KW_BUILTIN_UINT32:
    case KW_BUILTIN_STATUS_CODE:
        kw_write_u32(w, *(const uint32_t *)value);
        return;
    case KW_BUILTIN_INT64:
    case KW_BUILTIN_UINT64:
    case KW_BUILTIN_DATE_TIME:
        kw_write_u64(w, *(const uint64_t *)value);
        return;
    case KW_BUILTIN_FLOAT:
        kw_write_f32(w, *(const float *)value);
        return;
    case KW_BUILTIN_DOUBLE:
        kw_write_f64(w, *(const double *)value);
        return;
    case KW_BUILTIN_STRING:
    case KW_BUILTIN_BYTE_STRING:
    case KW_BUILTIN_XML_ELEMENT:
        kw_write_bytes(w, *(const kw_bytes *)value);
        return;
    case KW_BUILTIN_GUID:
        encode_guid(e, value);
        return;
    case KW_BUILTIN_NODE_ID:
        kw_encode_node_id(e, value);
        return;
    case KW_BUILTIN_EXPANDED_NODE_ID:
        kw_encode_expanded_node_id(e, value);
        return;
    case KW_BUILTIN_QUALIFIED_NAME:
        kw_write_u16(w, ((const kw_qualified_name *)value)->ns);
        kw_write_bytes(w, ((const kw_qualified_name *)value)->name);
        return;
    case KW_BUILTIN_LOCALIZED_TEXT:
        encode_localized_text(e, value);
        return;
    case KW_BUILTIN_EXTENSION_OBJECT:
        kw_encode_extension_object(e, value);
        return;
    case KW_BUILTIN_DATA_VALUE:
        encode_data_value(e, value);
        return;
    case KW_BUILTIN_VARIANT:
        kw_encode_variant(e, value);
        return;
    case KW_BUILTIN_DIAGNOSTIC_INFO:
        encode_diagnostic_info(e, value);
        return;
    }
}
