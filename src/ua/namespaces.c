#include "ua/namespaces.h"

typedef struct mapping {
    const uint16_t *map;
    size_t count;
} mapping;

static void map_value(const mapping *m, const kw_type *type, void *value);

static void map_index(const mapping *m, uint16_t *ns)
{
    if (*ns < m->count) {
        *ns = m->map[*ns];
    }
}

static void map_array(const mapping *m, const kw_type *type, void *data, size_t count)
{
    for (size_t i = 0; data != NULL && i < count; i++) {
        map_value(m, type, (uint8_t *)data + i * type->size);
    }
}

static void map_variant(const mapping *m, kw_variant *v)
{
    const kw_type *type = kw_type_builtin((kw_builtin)v->type);
    if (type != NULL) {
        map_array(m, type, (void *)(uintptr_t)v->data, v->is_array ? v->count : 1);
    }
}

static void map_builtin(const mapping *m, kw_builtin type, void *value)
{
    switch (type) {
    case KW_BUILTIN_NODE_ID:
        map_index(m, &((kw_node_id *)value)->ns);
        return;
    case KW_BUILTIN_EXPANDED_NODE_ID: {
        kw_expanded_node_id *id = value;
        if (id->namespace_uri.data == NULL && id->server_index == 0) {
            map_index(m, &id->node_id.ns);
        }
        return;
    }
    case KW_BUILTIN_QUALIFIED_NAME:
        map_index(m, &((kw_qualified_name *)value)->ns);
        return;
    case KW_BUILTIN_VARIANT:
        map_variant(m, value);
        return;
    case KW_BUILTIN_DATA_VALUE:
        map_variant(m, &((kw_data_value *)value)->value);
        return;
    case KW_BUILTIN_EXTENSION_OBJECT: {
        kw_extension_object *object = value;
        if (object->type != NULL && object->value != NULL) {
            map_value(m, object->type, object->value);
        } else {
            map_index(m, &object->type_id.ns);
        }
        return;
    }
    default:
        return;
    }
}

static void map_field(const mapping *m, const kw_type_field *field, uint8_t *value)
{
    void *at = value + field->offset;
    if (field->is_array) {
        map_array(m, field->type, *(void **)at, *(size_t *)(void *)(value + field->count_offset));
    } else if (field->is_optional) {
        map_array(m, field->type, *(void **)at, 1);
    } else {
        map_value(m, field->type, at);
    }
}

static void map_value(const mapping *m, const kw_type *type, void *value)
{
    if (type->kind == KW_KIND_BUILTIN) {
        map_builtin(m, (kw_builtin)type->builtin, value);
    } else if (type->kind == KW_KIND_UNION) {
        const uint32_t which = *(const uint32_t *)value;
        if (which > 0 && which <= type->field_count) {
            map_field(m, &type->fields[which - 1], value);
        }
    } else {
        for (uint16_t i = 0; i < type->field_count; i++) {
            map_field(m, &type->fields[i], value);
        }
    }
}

void kw_ua_map_namespaces(const kw_type *type, void *value, const uint16_t *map, size_t count)
{
    map_value(&(mapping){map, count}, type, value);
}
