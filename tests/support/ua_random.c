#include "support/ua_random.h"

#include "ua/codec.h"

#include <string.h>

#define DEEP 4

uint32_t kw_ua_random_next(kw_ua_random *r)
{
    r->state += 0x9E3779B97F4A7C15u; /* splitmix64 */
    uint64_t z = r->state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ (z >> 31)) >> 16);
}

static uint32_t below(kw_ua_random *r, uint32_t bound)
{
    return kw_ua_random_next(r) % bound;
}

static bool coin(kw_ua_random *r)
{
    return below(r, 2) == 1;
}

static kw_bytes some_bytes(kw_ua_random *r)
{
    const uint32_t len = below(r, 8);
    if (len == 7) {
        return KW_BYTES_NULL;
    }
    uint8_t *data = kw_arena_alloc(r->arena, len);
    for (uint32_t i = 0; i < len; i++) {
        data[i] = (uint8_t)('a' + below(r, 26));
    }
    return (kw_bytes){data, len};
}

static void *some_array(kw_ua_random *r, const kw_type *type, size_t count)
{
    uint8_t *data = kw_arena_array(r->arena, count, type->size);
    for (size_t i = 0; i < count; i++) {
        kw_ua_random_value(r, type, data + i * type->size);
    }
    return data;
}

static kw_node_id some_node_id(kw_ua_random *r)
{
    static const uint8_t kinds[] = {KW_NODE_ID_NUMERIC, KW_NODE_ID_STRING, KW_NODE_ID_GUID, KW_NODE_ID_OPAQUE};
    kw_node_id id = {.ns = (uint16_t)(coin(r) ? below(r, 3) : below(r, 65536)), .kind = kinds[below(r, 4)]};
    switch (id.kind) {
    case KW_NODE_ID_NUMERIC:
        id.id.numeric = kw_ua_random_next(r) >> below(r, 32);
        break;
    case KW_NODE_ID_GUID:
        kw_ua_random_value(r, KW_TYPE_GUID, &id.id.guid);
        break;
    default:
        id.id.string = some_bytes(r);
        break;
    }
    return id;
}

static kw_variant some_variant(kw_ua_random *r)
{
    const bool is_array = coin(r);
    uint32_t type = below(r, 26);
    if (r->depth > DEEP && type >= KW_BUILTIN_EXTENSION_OBJECT) {
        type = KW_BUILTIN_INT32;
    }
    if (type == KW_BUILTIN_NULL || (type == KW_BUILTIN_VARIANT && !is_array)) {
        return KW_VARIANT_NULL;
    }
    const kw_type *element = kw_type_builtin((kw_builtin)type);
    if (!is_array) {
        return kw_variant_scalar((kw_builtin)type, some_array(r, element, 1));
    }
    const bool is_matrix = coin(r);
    const size_t count = is_matrix ? 6 : below(r, 4);
    kw_variant v = kw_variant_array((kw_builtin)type, some_array(r, element, count), count);
    if (is_matrix) {
        static const int32_t dimensions[] = {2, 3};
        v.dimensions = dimensions;
        v.dimension_count = 2;
    }
    return v;
}

static kw_extension_object some_extension_object(kw_ua_random *r)
{
    const kw_type *type = kw_type_at(below(r, (uint32_t)kw_type_count()));
    switch (below(r, 4)) {
    case 0:
        return (kw_extension_object){0};
    case 1:
        return (kw_extension_object){.type_id = KW_NODE_ID(2, 1 + below(r, 1000)), .encoding = KW_EXTENSION_BINARY, .body = some_bytes(r)};
    case 2:
        return (kw_extension_object){.type_id = KW_NODE_ID_TEXT(1, "Type"), .encoding = KW_EXTENSION_XML, .body = some_bytes(r)};
    default:
        if (type->binary_id == 0 || r->depth > DEEP) {
            return (kw_extension_object){0};
        }
        return kw_extension_object_of(type, some_array(r, type, 1));
    }
}

static kw_data_value some_data_value(kw_ua_random *r)
{
    kw_data_value v = {.has_value = coin(r),
                       .has_status = coin(r),
                       .has_source_timestamp = coin(r),
                       .has_server_timestamp = coin(r),
                       .has_source_picoseconds = coin(r),
                       .has_server_picoseconds = coin(r)};
    if (v.has_value) {
        v.value = some_variant(r);
    }
    v.status = v.has_status ? kw_ua_random_next(r) : 0;
    v.source_timestamp = v.has_source_timestamp ? (int64_t)kw_ua_random_next(r) << 30 : 0;
    v.server_timestamp = v.has_server_timestamp ? (int64_t)kw_ua_random_next(r) << 30 : 0;
    v.source_picoseconds = v.has_source_picoseconds ? (uint16_t)below(r, 10000) : 0;
    v.server_picoseconds = v.has_server_picoseconds ? (uint16_t)below(r, 10000) : 0;
    return v;
}

static kw_diagnostic_info some_diagnostic_info(kw_ua_random *r)
{
    kw_diagnostic_info info = {.has_symbolic_id = coin(r),
                               .has_namespace_uri = coin(r),
                               .has_locale = coin(r),
                               .has_localized_text = coin(r),
                               .has_additional_info = coin(r),
                               .has_inner_status_code = coin(r)};
    info.symbolic_id = info.has_symbolic_id ? (int32_t)below(r, 10) : 0;
    info.namespace_uri = info.has_namespace_uri ? -1 : 0;
    info.locale = info.has_locale ? (int32_t)below(r, 10) : 0;
    info.localized_text = info.has_localized_text ? (int32_t)below(r, 10) : 0;
    info.additional_info = info.has_additional_info ? some_bytes(r) : KW_BYTES_NULL;
    info.inner_status_code = info.has_inner_status_code ? kw_ua_random_next(r) : 0;
    if (r->depth < DEEP && coin(r)) {
        info.inner = some_array(r, KW_TYPE_DIAGNOSTIC_INFO, 1);
    }
    return info;
}

static void fill_builtin(kw_ua_random *r, const kw_type *type, void *out)
{
    switch ((kw_builtin)type->builtin) {
    case KW_BUILTIN_BOOLEAN:
        *(bool *)out = coin(r);
        return;
    case KW_BUILTIN_FLOAT:
        *(float *)out = (float)kw_ua_random_next(r) / 7.0f;
        return;
    case KW_BUILTIN_DOUBLE:
        *(double *)out = (double)kw_ua_random_next(r) / 7.0;
        return;
    case KW_BUILTIN_STRING:
    case KW_BUILTIN_BYTE_STRING:
    case KW_BUILTIN_XML_ELEMENT:
        *(kw_bytes *)out = some_bytes(r);
        return;
    case KW_BUILTIN_NODE_ID:
        *(kw_node_id *)out = some_node_id(r);
        return;
    case KW_BUILTIN_EXPANDED_NODE_ID: {
        kw_expanded_node_id id = {.node_id = some_node_id(r), .namespace_uri = some_bytes(r), .server_index = below(r, 3)};
        id.node_id.ns = id.namespace_uri.data != NULL ? 0 : id.node_id.ns;
        *(kw_expanded_node_id *)out = id;
        return;
    }
    case KW_BUILTIN_QUALIFIED_NAME:
        *(kw_qualified_name *)out = (kw_qualified_name){.ns = (uint16_t)below(r, 5), .name = some_bytes(r)};
        return;
    case KW_BUILTIN_LOCALIZED_TEXT:
        *(kw_localized_text *)out = (kw_localized_text){.locale = some_bytes(r), .text = some_bytes(r)};
        return;
    case KW_BUILTIN_EXTENSION_OBJECT:
        *(kw_extension_object *)out = some_extension_object(r);
        return;
    case KW_BUILTIN_DATA_VALUE:
        *(kw_data_value *)out = some_data_value(r);
        return;
    case KW_BUILTIN_VARIANT:
        *(kw_variant *)out = some_variant(r);
        return;
    case KW_BUILTIN_DIAGNOSTIC_INFO:
        *(kw_diagnostic_info *)out = some_diagnostic_info(r);
        return;
    default: /* integers, DateTime, StatusCode, Guid: any bytes will do */
        for (uint32_t i = 0; i < type->size; i++) {
            ((uint8_t *)out)[i] = (uint8_t)kw_ua_random_next(r);
        }
        return;
    }
}

static void fill_field(kw_ua_random *r, const kw_type_field *field, uint8_t *out)
{
    if (field->is_array) {
        const size_t count = r->depth > DEEP ? 0 : below(r, 3);
        const bool is_null = count == 0 && coin(r);
        *(void **)(void *)(out + field->offset) = is_null ? NULL : some_array(r, field->type, count);
        *(size_t *)(void *)(out + field->count_offset) = count;
    } else if (field->is_optional) {
        *(void **)(void *)(out + field->offset) = coin(r) ? some_array(r, field->type, 1) : NULL;
    } else {
        kw_ua_random_value(r, field->type, out + field->offset);
    }
}

void kw_ua_random_value(kw_ua_random *r, const kw_type *type, void *out)
{
    memset(out, 0, type->size);
    r->depth++;
    if (type->kind == KW_KIND_BUILTIN) {
        fill_builtin(r, type, out);
    } else if (type->kind == KW_KIND_ENUM) {
        *(int32_t *)out = (int32_t)below(r, 8) - 1;
    } else if (type->kind == KW_KIND_UNION) {
        const uint32_t which = below(r, type->field_count + 1u);
        memcpy(out, &which, sizeof which);
        if (which > 0) {
            fill_field(r, &type->fields[which - 1], out);
        }
    } else {
        for (uint16_t i = 0; i < type->field_count; i++) {
            fill_field(r, &type->fields[i], out);
        }
    }
    r->depth--;
}
