/* Encoding: the way from a descriptor to its fields. OPC 10000-6, 5.2. */
#include "ua/codec_internal.h"

bool kw_encoder_enter(kw_encoder *e)
{
    if (e->depth >= KW_UA_LIMITS_DEFAULT.max_nesting) {
        kw_writer_fail(e->w, KW_BAD_ENCODING_LIMITS_EXCEEDED);
        return false;
    }
    e->depth++;
    return true;
}

void kw_encode_array(kw_encoder *e, const kw_type *type, const void *data, size_t count)
{
    if (data == NULL) {
        kw_write_i32(e->w, -1);
        return;
    }
    if (count > INT32_MAX) {
        kw_writer_fail(e->w, KW_BAD_ENCODING_LIMITS_EXCEEDED);
        return;
    }
    kw_write_i32(e->w, (int32_t)count);
    const uint8_t *elements = data;
    if (type->kind == KW_KIND_ENUM || kw_builtin_is_plain(type->kind == KW_KIND_BUILTIN ? type->builtin : KW_BUILTIN_NULL)) {
        kw_write_raw(e->w, (kw_bytes){elements, count * type->size});
        return;
    }
    for (size_t i = 0; i < count && !kw_status_is_bad(kw_writer_status(e->w)); i++) {
        kw_encode_value(e, type, elements + i * type->size);
    }
}

static void encode_field(kw_encoder *e, const kw_type_field *field, const uint8_t *value)
{
    const void *at = value + field->offset;
    if (field->is_array) {
        kw_encode_array(e, field->type, *(const void *const *)at, *(const size_t *)(const void *)(value + field->count_offset));
    } else if (field->is_optional) {
        kw_encode_value(e, field->type, *(const void *const *)at);
    } else {
        kw_encode_value(e, field->type, at);
    }
}

static bool is_absent(const kw_type_field *field, const uint8_t *value)
{
    return field->is_optional && *(const void *const *)(const void *)(value + field->offset) == NULL;
}

static void encode_mask(kw_encoder *e, const kw_type *type, const uint8_t *value)
{
    uint32_t mask = 0, bit = 1;
    for (uint16_t i = 0; i < type->field_count; i++) {
        if (type->fields[i].is_optional) {
            mask |= is_absent(&type->fields[i], value) ? 0 : bit;
            bit <<= 1;
        }
    }
    kw_write_u32(e->w, mask);
}

static void encode_structure(kw_encoder *e, const kw_type *type, const uint8_t *value)
{
    if (type->kind == KW_KIND_OPTIONAL) {
        encode_mask(e, type, value);
    }
    for (uint16_t i = 0; i < type->field_count; i++) {
        if (!is_absent(&type->fields[i], value)) {
            encode_field(e, &type->fields[i], value);
        }
    }
}

static void encode_union(kw_encoder *e, const kw_type *type, const uint8_t *value)
{
    const uint32_t which = *(const uint32_t *)(const void *)value; /* switch_value comes first in every union */
    if (which > type->field_count) {
        kw_writer_fail(e->w, KW_BAD_ENCODING_ERROR);
        return;
    }
    kw_write_u32(e->w, which);
    if (which > 0) {
        encode_field(e, &type->fields[which - 1], value);
    }
}

void kw_encode_value(kw_encoder *e, const kw_type *type, const void *value)
{
    switch ((kw_type_kind)type->kind) {
    case KW_KIND_BUILTIN:
        kw_encode_builtin(e, (kw_builtin)type->builtin, value);
        return;
    case KW_KIND_ENUM:
        kw_write_i32(e->w, *(const int32_t *)value);
        return;
    case KW_KIND_STRUCTURE:
    case KW_KIND_OPTIONAL:
        encode_structure(e, type, value);
        return;
    case KW_KIND_UNION:
        encode_union(e, type, value);
        return;
    }
}

kw_status kw_ua_encode(kw_writer *w, const kw_type *type, const void *value)
{
    kw_encoder e = {.w = w};
    kw_encode_value(&e, type, value);
    return kw_writer_status(w);
}

kw_status kw_ua_encode_message(kw_writer *w, const kw_type *type, const void *value)
{
    kw_encoder e = {.w = w};
    if (type->binary_id == 0) {
        kw_writer_fail(w, KW_BAD_ENCODING_ERROR);
    }
    kw_encode_node_id(&e, &KW_NODE_ID(0, type->binary_id));
    kw_encode_value(&e, type, value);
    return kw_writer_status(w);
}
