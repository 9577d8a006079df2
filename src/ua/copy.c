/* Deep copies into an arena. */
#include "ua/codec_internal.h"

#include <string.h>

typedef struct copier {
    kw_arena *arena;
    kw_status status;
    uint32_t depth;
} copier;

static void copy_value(copier *c, const kw_type *type, const void *value, void *out);

static void fail(copier *c)
{
    c->status = KW_BAD_ENCODING_LIMITS_EXCEEDED;
}

static kw_bytes copy_bytes(copier *c, kw_bytes bytes)
{
    const kw_bytes copy = kw_arena_copy(c->arena, bytes);
    if (copy.data == NULL && bytes.data != NULL) {
        fail(c);
    }
    return copy;
}

static void *copy_array(copier *c, const kw_type *type, const void *data, size_t count)
{
    uint8_t *copy = data != NULL ? kw_arena_array(c->arena, count, type->size) : NULL;
    if (copy == NULL) {
        if (data != NULL) {
            fail(c);
        }
        return NULL;
    }
    for (size_t i = 0; i < count && c->status == KW_GOOD; i++) {
        copy_value(c, type, (const uint8_t *)data + i * type->size, copy + i * type->size);
    }
    return copy;
}

static void copy_field(copier *c, const kw_type_field *field, const uint8_t *value, uint8_t *out)
{
    if (!field->is_array && !field->is_optional) {
        copy_value(c, field->type, value + field->offset, out + field->offset);
        return;
    }
    const void *data = *(const void *const *)(const void *)(value + field->offset);
    const size_t count = field->is_array ? *(const size_t *)(const void *)(value + field->count_offset) : 1;
    *(void **)(void *)(out + field->offset) = copy_array(c, field->type, data, count);
    if (field->is_array) {
        *(size_t *)(void *)(out + field->count_offset) = count;
    }
}

static void copy_structure(copier *c, const kw_type *type, const uint8_t *value, uint8_t *out)
{
    memset(out, 0, type->size);
    if (type->kind == KW_KIND_UNION) {
        uint32_t which;
        memcpy(&which, value, sizeof which);
        memcpy(out, &which, sizeof which);
        if (which > 0 && which <= type->field_count) {
            copy_field(c, &type->fields[which - 1], value, out);
        }
        return;
    }
    for (uint16_t i = 0; i < type->field_count; i++) {
        copy_field(c, &type->fields[i], value, out);
    }
}

static void copy_variant(copier *c, const kw_variant *v, kw_variant *out)
{
    *out = *v;
    const kw_type *type = kw_type_builtin((kw_builtin)v->type);
    if (type != NULL) {
        out->data = copy_array(c, type, v->data, v->is_array ? v->count : 1);
    }
    out->dimensions = v->dimension_count > 0 ? copy_array(c, KW_TYPE_INT32, v->dimensions, v->dimension_count) : NULL;
}

static void copy_extension_object(copier *c, const kw_extension_object *object, kw_extension_object *out)
{
    *out = *object;
    copy_value(c, KW_TYPE_NODE_ID, &object->type_id, &out->type_id);
    if (object->type != NULL && object->value != NULL) {
        out->body = KW_BYTES_NULL;
        out->value = copy_array(c, object->type, object->value, 1);
    } else {
        out->body = copy_bytes(c, object->body);
    }
}

static void copy_builtin(copier *c, kw_builtin type, size_t size, const void *value, void *out)
{
    memcpy(out, value, size); /* whatever points elsewhere is replaced below */
    switch (type) {
    case KW_BUILTIN_STRING:
    case KW_BUILTIN_BYTE_STRING:
    case KW_BUILTIN_XML_ELEMENT:
        *(kw_bytes *)out = copy_bytes(c, *(const kw_bytes *)value);
        return;
    case KW_BUILTIN_NODE_ID: {
        kw_node_id *id = out;
        if (id->kind == KW_NODE_ID_STRING || id->kind == KW_NODE_ID_OPAQUE) {
            id->id.string = copy_bytes(c, id->id.string);
        }
        return;
    }
    case KW_BUILTIN_EXPANDED_NODE_ID: {
        kw_expanded_node_id *id = out;
        copy_value(c, KW_TYPE_NODE_ID, &((const kw_expanded_node_id *)value)->node_id, &id->node_id);
        id->namespace_uri = copy_bytes(c, id->namespace_uri);
        return;
    }
    case KW_BUILTIN_QUALIFIED_NAME:
        ((kw_qualified_name *)out)->name = copy_bytes(c, ((const kw_qualified_name *)value)->name);
        return;
    case KW_BUILTIN_LOCALIZED_TEXT:
        ((kw_localized_text *)out)->locale = copy_bytes(c, ((const kw_localized_text *)value)->locale);
        ((kw_localized_text *)out)->text = copy_bytes(c, ((const kw_localized_text *)value)->text);
        return;
    case KW_BUILTIN_EXTENSION_OBJECT:
        copy_extension_object(c, value, out);
        return;
    case KW_BUILTIN_DATA_VALUE:
        copy_variant(c, &((const kw_data_value *)value)->value, &((kw_data_value *)out)->value);
        return;
    case KW_BUILTIN_VARIANT:
        copy_variant(c, value, out);
        return;
    case KW_BUILTIN_DIAGNOSTIC_INFO: {
        kw_diagnostic_info *info = out;
        info->additional_info = copy_bytes(c, info->additional_info);
        info->inner = copy_array(c, KW_TYPE_DIAGNOSTIC_INFO, info->inner, 1);
        return;
    }
    default:
        return;
    }
}

/* Every step down counts here, so the bound is some times that of the codec: it only keeps the stack safe. */
#define MAX_DEPTH 1000

static void copy_value(copier *c, const kw_type *type, const void *value, void *out)
{
    if (c->depth >= MAX_DEPTH) {
        fail(c);
        return;
    }
    c->depth++;
    if (type->kind == KW_KIND_BUILTIN || type->kind == KW_KIND_ENUM) {
        copy_builtin(c, (kw_builtin)type->builtin, type->size, value, out);
    } else {
        copy_structure(c, type, value, out);
    }
    c->depth--;
}

kw_status kw_ua_copy(kw_arena *arena, const kw_type *type, const void *value, void *out)
{
    copier c = {.arena = arena, .status = KW_GOOD};
    copy_value(&c, type, value, out);
    return c.status;
}
