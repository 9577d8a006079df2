/* Decoding: the way from a descriptor to its fields. OPC 10000-6, 5.2. */
#include "base/try.h"
#include "ua/codec_internal.h"

#include <string.h>

const kw_ua_limits KW_UA_LIMITS_DEFAULT = {.max_string = 16u << 20, .max_array = 1000000, .max_nesting = 100};

bool kw_decoder_enter(kw_decoder *d)
{
    if (d->depth >= d->limits->max_nesting) {
        kw_reader_fail(d->r, KW_BAD_ENCODING_LIMITS_EXCEEDED);
        return false;
    }
    d->depth++;
    return true;
}

void *kw_decoder_alloc(kw_decoder *d, size_t count, size_t size)
{
    void *memory = kw_arena_array(d->arena, count, size);
    if (memory == NULL) {
        kw_reader_fail(d->r, KW_BAD_ENCODING_LIMITS_EXCEEDED);
    }
    return memory;
}

/* what the elements need at least must be there before memory is taken. -1 is the null array. */
static bool array_count(kw_decoder *d, const kw_type *type, size_t *count)
{
    const int32_t length = kw_read_i32(d->r);
    if (kw_status_is_bad(kw_reader_status(d->r)) || length == -1) {
        return false;
    }
    if (length < 0) {
        kw_reader_fail(d->r, KW_BAD_DECODING_ERROR);
        return false;
    }
    if ((uint32_t)length > d->limits->max_array) {
        kw_reader_fail(d->r, KW_BAD_ENCODING_LIMITS_EXCEEDED);
        return false;
    }
    if (type->min_wire_size > 0 && (size_t)length > kw_reader_left(d->r) / type->min_wire_size) {
        kw_reader_fail(d->r, KW_BAD_DECODING_ERROR);
        return false;
    }
    *count = (size_t)length;
    return true;
}

void kw_decode_array(kw_decoder *d, const kw_type *type, void **data, size_t *count)
{
    size_t length = 0;
    if (!array_count(d, type, &length)) {
        return;
    }
    uint8_t *elements = kw_decoder_alloc(d, length, type->size);
    if (elements == NULL) {
        return;
    }
    if (type->kind == KW_KIND_ENUM || kw_builtin_is_plain(type->kind == KW_KIND_BUILTIN ? type->builtin : KW_BUILTIN_NULL)) {
        const kw_bytes raw = kw_read_raw(d->r, length * type->size);
        if (raw.len > 0) {
            memcpy(elements, raw.data, raw.len);
        }
    } else {
        for (size_t i = 0; i < length && !kw_status_is_bad(kw_reader_status(d->r)); i++) {
            kw_decode_value(d, type, elements + i * type->size);
        }
    }
    *data = elements;
    *count = length;
}

static void decode_field(kw_decoder *d, const kw_type_field *field, uint8_t *out)
{
    if (field->is_array) {
        kw_decode_array(d, field->type, (void **)(void *)(out + field->offset), (size_t *)(void *)(out + field->count_offset));
        return;
    }
    if (field->is_optional) {
        void *value = kw_decoder_alloc(d, 1, field->type->size);
        if (value != NULL) {
            kw_decode_value(d, field->type, value);
            *(void **)(void *)(out + field->offset) = value;
        }
        return;
    }
    kw_decode_value(d, field->type, out + field->offset);
}

static void decode_structure(kw_decoder *d, const kw_type *type, uint8_t *out)
{
    const bool masked = type->kind == KW_KIND_OPTIONAL;
    uint32_t mask = masked ? kw_read_u32(d->r) : 0;
    for (uint16_t i = 0; i < type->field_count; i++) {
        const kw_type_field *field = &type->fields[i];
        bool present = true;
        if (field->is_optional) {
            present = (mask & 1u) != 0;
            mask >>= 1;
        }
        if (present) {
            decode_field(d, field, out);
        }
    }
    if (mask != 0) { /* bits of fields that nobody knows: what follows them cannot be told */
        kw_reader_fail(d->r, KW_BAD_DECODING_ERROR);
    }
}

static void decode_union(kw_decoder *d, const kw_type *type, uint8_t *out)
{
    const uint32_t which = kw_read_u32(d->r);
    if (which > type->field_count) {
        kw_reader_fail(d->r, KW_BAD_DECODING_ERROR);
        return;
    }
    memcpy(out, &which, sizeof which); /* switch_value comes first in every union */
    if (which > 0) {
        decode_field(d, &type->fields[which - 1], out);
    }
}

void kw_decode_value(kw_decoder *d, const kw_type *type, void *out)
{
    switch ((kw_type_kind)type->kind) {
    case KW_KIND_BUILTIN:
        kw_decode_builtin(d, (kw_builtin)type->builtin, out);
        return;
    case KW_KIND_ENUM:
        *(int32_t *)out = kw_read_i32(d->r);
        return;
    case KW_KIND_STRUCTURE:
    case KW_KIND_OPTIONAL:
        decode_structure(d, type, out);
        return;
    case KW_KIND_UNION:
        decode_union(d, type, out);
        return;
    }
}

kw_status kw_ua_decode(kw_reader *r, kw_arena *arena, const kw_ua_limits *limits, const kw_type *type, void *out)
{
    KW_TRY(kw_reader_status(r));
    kw_decoder d = {.r = r, .arena = arena, .limits = limits != NULL ? limits : &KW_UA_LIMITS_DEFAULT};
    memset(out, 0, type->size);
    kw_decode_value(&d, type, out);
    return kw_reader_status(r);
}

kw_status kw_ua_decode_all(kw_bytes bytes, kw_arena *arena, const kw_ua_limits *limits, const kw_type *type, void *out)
{
    kw_reader r = kw_reader_of(bytes);
    KW_TRY(kw_ua_decode(&r, arena, limits, type, out));
    return kw_reader_left(&r) == 0 ? KW_GOOD : KW_BAD_DECODING_ERROR;
}

kw_status kw_ua_decode_message_id(kw_reader *r, kw_arena *arena, uint32_t *binary_id)
{
    kw_node_id id;
    KW_TRY(kw_ua_decode(r, arena, NULL, KW_TYPE_NODE_ID, &id));
    *binary_id = id.ns == 0 && id.kind == KW_NODE_ID_NUMERIC ? id.id.numeric : 0;
    return KW_GOOD;
}
