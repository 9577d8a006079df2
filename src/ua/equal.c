/* Deep comparison. Null and empty differ; any NaN equals any other. */
#include "ua/codec_internal.h"

#include <string.h>

static bool equal_arrays(const kw_type *type, const void *a, const void *b, size_t count);

static bool same_bytes(kw_bytes a, kw_bytes b)
{
    return (a.data == NULL) == (b.data == NULL) && kw_bytes_equal(a, b);
}

static bool equal_field(const kw_type_field *field, const uint8_t *a, const uint8_t *b)
{
    const void *at = a + field->offset, *bt = b + field->offset;
    if (!field->is_array && !field->is_optional) {
        return kw_ua_equal(field->type, at, bt);
    }
    size_t count = 1;
    if (field->is_array) {
        count = *(const size_t *)(const void *)(a + field->count_offset);
        if (count != *(const size_t *)(const void *)(b + field->count_offset)) {
            return false;
        }
    }
    return equal_arrays(field->type, *(const void *const *)at, *(const void *const *)bt, count);
}

static bool equal_arrays(const kw_type *type, const void *a, const void *b, size_t count)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    for (size_t i = 0; i < count; i++) {
        if (!kw_ua_equal(type, (const uint8_t *)a + i * type->size, (const uint8_t *)b + i * type->size)) {
            return false;
        }
    }
    return true;
}

static bool equal_structures(const kw_type *type, const uint8_t *a, const uint8_t *b)
{
    if (type->kind == KW_KIND_UNION) {
        uint32_t which;
        memcpy(&which, a, sizeof which);
        return memcmp(a, b, sizeof which) == 0 && (which == 0 || which > type->field_count || equal_field(&type->fields[which - 1], a, b));
    }
    for (uint16_t i = 0; i < type->field_count; i++) {
        if (!equal_field(&type->fields[i], a, b)) {
            return false;
        }
    }
    return true;
}

static bool equal_variants(const kw_variant *a, const kw_variant *b)
{
    if (a->type != b->type || a->is_array != b->is_array || a->dimension_count != b->dimension_count) {
        return false;
    }
    const kw_type *type = kw_type_builtin((kw_builtin)a->type);
    if (type == NULL) {
        return true;
    }
    if (a->is_array && a->count != b->count) {
        return false;
    }
    return equal_arrays(type, a->data, b->data, a->is_array ? a->count : 1) &&
           (a->dimension_count == 0 || equal_arrays(KW_TYPE_INT32, a->dimensions, b->dimensions, a->dimension_count));
}

static bool equal_extension_objects(const kw_extension_object *a, const kw_extension_object *b)
{
    if (a->type != b->type || (a->value == NULL) != (b->value == NULL)) {
        return false;
    }
    if (a->type != NULL && a->value != NULL) {
        return kw_ua_equal(a->type, a->value, b->value);
    }
    return a->encoding == b->encoding && kw_node_id_equal(&a->type_id, &b->type_id) && same_bytes(a->body, b->body);
}

static bool equal_data_values(const kw_data_value *a, const kw_data_value *b)
{
    return a->has_value == b->has_value && a->has_status == b->has_status && a->has_source_timestamp == b->has_source_timestamp &&
           a->has_server_timestamp == b->has_server_timestamp && a->has_source_picoseconds == b->has_source_picoseconds &&
           a->has_server_picoseconds == b->has_server_picoseconds && (!a->has_value || equal_variants(&a->value, &b->value)) &&
           (!a->has_status || a->status == b->status) && (!a->has_source_timestamp || a->source_timestamp == b->source_timestamp) &&
           (!a->has_server_timestamp || a->server_timestamp == b->server_timestamp) &&
           (!a->has_source_picoseconds || a->source_picoseconds == b->source_picoseconds) &&
           (!a->has_server_picoseconds || a->server_picoseconds == b->server_picoseconds);
}

static bool equal_diagnostics(const kw_diagnostic_info *a, const kw_diagnostic_info *b)
{
    const bool same = a->has_symbolic_id == b->has_symbolic_id && a->has_namespace_uri == b->has_namespace_uri &&
                      a->has_locale == b->has_locale && a->has_localized_text == b->has_localized_text &&
                      a->has_additional_info == b->has_additional_info && a->has_inner_status_code == b->has_inner_status_code &&
                      (!a->has_symbolic_id || a->symbolic_id == b->symbolic_id) &&
                      (!a->has_namespace_uri || a->namespace_uri == b->namespace_uri) && (!a->has_locale || a->locale == b->locale) &&
                      (!a->has_localized_text || a->localized_text == b->localized_text) &&
                      (!a->has_additional_info || same_bytes(a->additional_info, b->additional_info)) &&
                      (!a->has_inner_status_code || a->inner_status_code == b->inner_status_code);
    return same && equal_arrays(KW_TYPE_DIAGNOSTIC_INFO, a->inner, b->inner, 1);
}

static bool equal_node_ids(const kw_node_id *a, const kw_node_id *b)
{
    const bool has_bytes = a->kind == KW_NODE_ID_STRING || a->kind == KW_NODE_ID_OPAQUE;
    return kw_node_id_equal(a, b) && (!has_bytes || same_bytes(a->id.string, b->id.string));
}

static bool equal_builtins(kw_builtin type, size_t size, const void *a, const void *b)
{
    switch (type) {
    case KW_BUILTIN_FLOAT: {
        const float x = *(const float *)a, y = *(const float *)b;
        return x == y || (x != x && y != y);
    }
    case KW_BUILTIN_DOUBLE: {
        const double x = *(const double *)a, y = *(const double *)b;
        return x == y || (x != x && y != y);
    }
    case KW_BUILTIN_STRING:
    case KW_BUILTIN_BYTE_STRING:
    case KW_BUILTIN_XML_ELEMENT:
        return same_bytes(*(const kw_bytes *)a, *(const kw_bytes *)b);
    case KW_BUILTIN_NODE_ID:
        return equal_node_ids(a, b);
    case KW_BUILTIN_EXPANDED_NODE_ID: {
        const kw_expanded_node_id *x = a, *y = b;
        return equal_node_ids(&x->node_id, &y->node_id) && same_bytes(x->namespace_uri, y->namespace_uri) &&
               x->server_index == y->server_index;
    }
    case KW_BUILTIN_QUALIFIED_NAME:
        return ((const kw_qualified_name *)a)->ns == ((const kw_qualified_name *)b)->ns &&
               same_bytes(((const kw_qualified_name *)a)->name, ((const kw_qualified_name *)b)->name);
    case KW_BUILTIN_LOCALIZED_TEXT:
        return same_bytes(((const kw_localized_text *)a)->locale, ((const kw_localized_text *)b)->locale) &&
               same_bytes(((const kw_localized_text *)a)->text, ((const kw_localized_text *)b)->text);
    case KW_BUILTIN_EXTENSION_OBJECT:
        return equal_extension_objects(a, b);
    case KW_BUILTIN_DATA_VALUE:
        return equal_data_values(a, b);
    case KW_BUILTIN_VARIANT:
        return equal_variants(a, b);
    case KW_BUILTIN_DIAGNOSTIC_INFO:
        return equal_diagnostics(a, b);
    default: /* numbers and the Guid: no padding, no pointers */
        return memcmp(a, b, size) == 0;
    }
}

bool kw_ua_equal(const kw_type *type, const void *a, const void *b)
{
    if (type->kind == KW_KIND_BUILTIN || type->kind == KW_KIND_ENUM) {
        return equal_builtins((kw_builtin)type->builtin, type->size, a, b);
    }
    return equal_structures(type, a, b);
}
