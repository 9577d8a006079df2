/* Encoding of Variant and ExtensionObject. OPC 10000-6, 5.2.2.15 and 5.2.2.16. */
#include "ua/codec_internal.h"

static void encode_dimensions(kw_encoder *e, const kw_variant *v)
{
    if (!kw_dimensions_fit(v->dimensions, v->dimension_count, v->count)) {
        kw_writer_fail(e->w, KW_BAD_ENCODING_ERROR);
        return;
    }
    kw_encode_array(e, KW_TYPE_INT32, v->dimensions, v->dimension_count);
}

static void encode_variant_value(kw_encoder *e, const kw_type *type, const kw_variant *v)
{
    const bool has_dimensions = v->is_array && v->dimension_count > 0;
    kw_write_u8(e->w, (uint8_t)(v->type | (v->is_array ? KW_VARIANT_IS_ARRAY : 0) | (has_dimensions ? KW_VARIANT_HAS_DIMENSIONS : 0)));
    if (v->is_array) {
        kw_encode_array(e, type, v->data, v->count);
    } else {
        kw_encode_value(e, type, v->data);
    }
    if (has_dimensions) {
        encode_dimensions(e, v);
    }
}

void kw_encode_variant(kw_encoder *e, const kw_variant *v)
{
    if (v->type == KW_BUILTIN_NULL) {
        kw_write_u8(e->w, 0);
        return;
    }
    const kw_type *type = kw_type_builtin((kw_builtin)v->type);
    if (type == NULL || (!v->is_array && (v->type == KW_BUILTIN_VARIANT || v->data == NULL))) {
        kw_writer_fail(e->w, KW_BAD_ENCODING_ERROR);
        return;
    }
    if (kw_encoder_enter(e)) {
        encode_variant_value(e, type, v);
        e->depth--;
    }
}

static void encode_known_body(kw_encoder *e, const kw_extension_object *object)
{
    if (object->type->binary_id == 0) {
        kw_writer_fail(e->w, KW_BAD_ENCODING_ERROR);
        return;
    }
    kw_encode_node_id(e, &KW_NODE_ID(0, object->type->binary_id));
    kw_write_u8(e->w, KW_EXTENSION_BINARY);
    const size_t length_at = e->w->len;
    kw_write_u32(e->w, 0);
    if (!kw_encoder_enter(e)) {
        return;
    }
    kw_encode_value(e, object->type, object->value);
    e->depth--;
    const size_t body = e->w->len - length_at - sizeof(uint32_t);
    if (kw_status_is_bad(kw_writer_status(e->w))) {
        return;
    }
    if (body > INT32_MAX) {
        kw_writer_fail(e->w, KW_BAD_ENCODING_LIMITS_EXCEEDED);
        return;
    }
    kw_writer_patch_u32(e->w, length_at, (uint32_t)body);
}

void kw_encode_extension_object(kw_encoder *e, const kw_extension_object *object)
{
    if (object->type != NULL && object->value != NULL) {
        encode_known_body(e, object);
        return;
    }
    kw_encode_node_id(e, &object->type_id);
    kw_write_u8(e->w, (uint8_t)object->encoding);
    if (object->encoding != KW_EXTENSION_NONE) {
        kw_write_bytes(e->w, object->body);
    }
}
