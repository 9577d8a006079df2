#include "app/values.h"

#include "base/try.h"
#include "ua/base64.h"
#include "ua/codec.h"
#include "ua/text.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *kw_builtin_name(kw_builtin type)
{
    const kw_type *descriptor = type != KW_BUILTIN_NULL ? kw_type_builtin(type) : NULL;
    return descriptor != NULL ? descriptor->name : "Null";
}

/* --- to JSON ----------------------------------------------------------------------------------------------------------------- */

static json_t *value_json(kw_arena *arena, const kw_type *type, const void *value);

static json_t *base64_json(kw_arena *arena, kw_bytes bytes)
{
    return bytes.data != NULL ? kw_json_string(kw_base64_encode(arena, bytes)) : json_null();
}

static json_t *real_json(double v)
{
    return isfinite(v) ? json_real(v) : json_string(isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
}

static json_t *qualified_json(const kw_qualified_name *name)
{
    return json_pack("{s:i,s:o}", "namespace", (int)name->ns, "name", kw_json_string(name->name));
}

static json_t *extension_json(kw_arena *arena, const kw_extension_object *object)
{
    if (object->type != NULL) {
        return value_json(arena, object->type, object->value);
    }
    if (object->encoding == KW_EXTENSION_NONE) {
        return json_null();
    }
    return json_pack("{s:o,s:o}", "typeId", kw_json_string(kw_node_id_format(arena, &object->type_id)), "body",
                     base64_json(arena, object->body));
}

static json_t *builtin_json(kw_arena *arena, kw_builtin type, const void *value)
{
    switch (type) {
    case KW_BUILTIN_BOOLEAN:
        return json_boolean(*(const bool *)value);
    case KW_BUILTIN_SBYTE:
        return json_integer(*(const int8_t *)value);
    case KW_BUILTIN_BYTE:
        return json_integer(*(const uint8_t *)value);
    case KW_BUILTIN_INT16:
        return json_integer(*(const int16_t *)value);
    case KW_BUILTIN_UINT16:
        return json_integer(*(const uint16_t *)value);
    case KW_BUILTIN_INT32:
        return json_integer(*(const int32_t *)value);
    case KW_BUILTIN_UINT32:
        return json_integer(*(const uint32_t *)value);
    case KW_BUILTIN_INT64:
        return json_integer(*(const int64_t *)value);
    case KW_BUILTIN_UINT64: /* past what JSON integers hold here: as text, as OPC 10000-6 does it */
        return *(const uint64_t *)value <= INT64_MAX
                   ? json_integer((json_int_t) * (const uint64_t *)value)
                   : kw_json_string(kw_arena_format(arena, "%llu", (unsigned long long)*(const uint64_t *)value));
    case KW_BUILTIN_FLOAT:
        return real_json((double)*(const float *)value);
    case KW_BUILTIN_DOUBLE:
        return real_json(*(const double *)value);
    case KW_BUILTIN_STRING:
    case KW_BUILTIN_XML_ELEMENT:
        return kw_json_string(*(const kw_string *)value);
    case KW_BUILTIN_DATE_TIME:
        return kw_json_string(kw_date_time_format(arena, *(const kw_date_time *)value));
    case KW_BUILTIN_GUID:
        return kw_json_string(kw_guid_format(arena, value));
    case KW_BUILTIN_BYTE_STRING:
        return base64_json(arena, *(const kw_bytes *)value);
    case KW_BUILTIN_NODE_ID:
        return kw_json_string(kw_node_id_format(arena, value));
    case KW_BUILTIN_EXPANDED_NODE_ID:
        return kw_json_string(kw_expanded_node_id_format(arena, value));
    case KW_BUILTIN_STATUS_CODE:
        return json_string(kw_status_name(*(const kw_status *)value));
    case KW_BUILTIN_QUALIFIED_NAME:
        return qualified_json(value);
    case KW_BUILTIN_LOCALIZED_TEXT:
        return json_pack("{s:o,s:o}", "locale", kw_json_string(((const kw_localized_text *)value)->locale), "text",
                         kw_json_string(((const kw_localized_text *)value)->text));
    case KW_BUILTIN_EXTENSION_OBJECT:
        return extension_json(arena, value);
    case KW_BUILTIN_DATA_VALUE:
        return kw_data_value_json(arena, value);
    case KW_BUILTIN_VARIANT:
        return kw_variant_json(arena, value);
    default:
        return json_null();
    }
}

static json_t *array_json(kw_arena *arena, const kw_type *type, const void *data, size_t count)
{
    if (data == NULL) {
        return json_null();
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, value_json(arena, type, (const uint8_t *)data + i * type->size));
    }
    return array;
}

static json_t *field_json(kw_arena *arena, const kw_type_field *field, const void *value)
{
    const uint8_t *base = value;
    if (field->is_array) {
        size_t count;
        const void *data;
        memcpy(&count, base + field->count_offset, sizeof(count));
        memcpy(&data, base + field->offset, sizeof(data));
        return array_json(arena, field->type, data, count);
    }
    if (field->is_optional) {
        const void *data;
        memcpy(&data, base + field->offset, sizeof(data));
        return data != NULL ? value_json(arena, field->type, data) : NULL;
    }
    return value_json(arena, field->type, base + field->offset);
}

static json_t *structure_json(kw_arena *arena, const kw_type *type, const void *value)
{
    json_t *object = json_object();
    uint32_t chosen = 0;
    if (type->kind == KW_KIND_UNION) {
        memcpy(&chosen, value, sizeof(chosen));
    }
    for (size_t i = 0; i < type->field_count; i++) {
        if (type->kind == KW_KIND_UNION && chosen != i + 1) {
            continue;
        }
        json_t *member = field_json(arena, &type->fields[i], value);
        if (member != NULL) {
            json_object_set_new(object, type->fields[i].name, member);
        }
    }
    return object;
}

static json_t *value_json(kw_arena *arena, const kw_type *type, const void *value)
{
    switch (type->kind) {
    case KW_KIND_BUILTIN:
        return builtin_json(arena, (kw_builtin)type->builtin, value);
    case KW_KIND_ENUM:
        return json_integer(*(const int32_t *)value);
    default:
        return structure_json(arena, type, value);
    }
}

json_t *kw_variant_json(kw_arena *arena, const kw_variant *v)
{
    const kw_type *type = v->type != KW_BUILTIN_NULL ? kw_type_builtin((kw_builtin)v->type) : NULL;
    if (type == NULL || v->data == NULL) {
        return json_null();
    }
    return v->is_array ? array_json(arena, type, v->data, v->count) : value_json(arena, type, v->data);
}

json_t *kw_data_value_json(kw_arena *arena, const kw_data_value *v)
{
    json_t *object = json_pack("{s:o,s:s,s:s}", "value", kw_variant_json(arena, &v->value), "type",
                               kw_builtin_name((kw_builtin)v->value.type), "status", kw_status_name(v->has_status ? v->status : KW_GOOD));
    if (v->has_source_timestamp) {
        json_object_set_new(object, "sourceTimestamp", kw_json_string(kw_date_time_format(arena, v->source_timestamp)));
    }
    if (v->has_server_timestamp) {
        json_object_set_new(object, "serverTimestamp", kw_json_string(kw_date_time_format(arena, v->server_timestamp)));
    }
    return object;
}

/* --- from text ------------------------------------------------------------------------------------------------------------------ */

static kw_status parse_integer(const char *text, long long min, long long max, long long *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 0);
    return *text != '\0' && *end == '\0' && errno == 0 && *out >= min && *out <= max ? KW_GOOD : KW_BAD_TYPE_MISMATCH;
}

#define PARSE_INTEGER(type_, min_, max_)                                                                                                   \
    do {                                                                                                                                   \
        long long number_;                                                                                                                 \
        KW_TRY(parse_integer(text, min_, max_, &number_));                                                                                 \
        *(type_ *)out = (type_)number_;                                                                                                    \
        return KW_GOOD;                                                                                                                    \
    } while (0)

static kw_status parse_boolean(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    return *out || strcmp(text, "false") == 0 || strcmp(text, "0") == 0 ? KW_GOOD : KW_BAD_TYPE_MISMATCH;
}

static kw_status parse_real(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return *text != '\0' && *end == '\0' ? KW_GOOD : KW_BAD_TYPE_MISMATCH;
}

static kw_status parse_uint64(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 0);
    return *text != '\0' && *text != '-' && *end == '\0' && errno == 0 ? KW_GOOD : KW_BAD_TYPE_MISMATCH;
}

static kw_status parse_scalar(kw_arena *arena, kw_builtin type, const char *text, void *out)
{
    const kw_string copy = kw_arena_copy(arena, kw_string_from(text));
    double real;
    switch (type) {
    case KW_BUILTIN_BOOLEAN:
        return parse_boolean(text, out);
    case KW_BUILTIN_SBYTE:
        PARSE_INTEGER(int8_t, INT8_MIN, INT8_MAX);
    case KW_BUILTIN_BYTE:
        PARSE_INTEGER(uint8_t, 0, UINT8_MAX);
    case KW_BUILTIN_INT16:
        PARSE_INTEGER(int16_t, INT16_MIN, INT16_MAX);
    case KW_BUILTIN_UINT16:
        PARSE_INTEGER(uint16_t, 0, UINT16_MAX);
    case KW_BUILTIN_INT32:
        PARSE_INTEGER(int32_t, INT32_MIN, INT32_MAX);
    case KW_BUILTIN_UINT32:
    case KW_BUILTIN_STATUS_CODE:
        PARSE_INTEGER(uint32_t, 0, UINT32_MAX);
    case KW_BUILTIN_INT64:
        PARSE_INTEGER(int64_t, LLONG_MIN, LLONG_MAX);
    case KW_BUILTIN_UINT64:
        return parse_uint64(text, out);
    case KW_BUILTIN_FLOAT:
        KW_TRY(parse_real(text, &real));
        *(float *)out = (float)real;
        return KW_GOOD;
    case KW_BUILTIN_DOUBLE:
        return parse_real(text, out);
    case KW_BUILTIN_STRING:
    case KW_BUILTIN_XML_ELEMENT:
    case KW_BUILTIN_BYTE_STRING: /* the bytes as they are typed */
        *(kw_bytes *)out = copy;
        return KW_GOOD;
    case KW_BUILTIN_DATE_TIME:
        return kw_date_time_parse(copy, out);
    case KW_BUILTIN_GUID:
        return kw_guid_parse(copy, out);
    case KW_BUILTIN_NODE_ID:
        return kw_node_id_parse(copy, arena, out);
    case KW_BUILTIN_EXPANDED_NODE_ID:
        return kw_expanded_node_id_parse(copy, arena, out);
    case KW_BUILTIN_LOCALIZED_TEXT:
        *(kw_localized_text *)out = (kw_localized_text){KW_BYTES_NULL, copy};
        return KW_GOOD;
    case KW_BUILTIN_QUALIFIED_NAME:
        *(kw_qualified_name *)out = (kw_qualified_name){0, copy};
        return KW_GOOD;
    default:
        return KW_BAD_NOT_SUPPORTED;
    }
}

static kw_status parse_element(kw_arena *arena, kw_builtin type, const json_t *element, void *out)
{
    char *text = json_is_string(element) ? strdup(json_string_value(element)) : json_dumps(element, JSON_ENCODE_ANY);
    const kw_status status = text != NULL ? parse_scalar(arena, type, text, out) : KW_BAD_TYPE_MISMATCH;
    free(text);
    return status;
}

static kw_status parse_array(kw_arena *arena, kw_builtin type, const char *text, kw_variant *out)
{
    const size_t size = kw_type_builtin(type)->size;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_array(json)) {
        json_decref(json);
        return KW_BAD_TYPE_MISMATCH;
    }
    const size_t count = json_array_size(json);
    uint8_t *data = kw_arena_array(arena, count, size);
    kw_status status = data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    for (size_t i = 0; i < count && !kw_status_is_bad(status); i++) {
        status = parse_element(arena, type, json_array_get(json, i), data + i * size);
    }
    json_decref(json);
    *out = kw_variant_array(type, data, count);
    return status;
}

kw_status kw_variant_parse(kw_arena *arena, kw_builtin type, bool is_array, const char *text, kw_variant *out)
{
    if (is_array) {
        return parse_array(arena, type, text, out);
    }
    void *data = kw_arena_alloc(arena, sizeof(kw_expanded_node_id));
    if (data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(parse_scalar(arena, type, text, data));
    *out = kw_variant_scalar(type, data);
    return KW_GOOD;
}

kw_builtin kw_builtin_of_node_id(const kw_node_id *data_type)
{
    const bool is_standard = data_type->ns == 0 && data_type->kind == KW_NODE_ID_NUMERIC;
    return is_standard ? kw_builtin_of_data_type(data_type->id.numeric) : KW_BUILTIN_NULL;
}
