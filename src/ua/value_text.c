/* Values for people: one line that no control character of a value can break out of. */
#include "base/cursor.h"
#include "ua/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT ((size_t)64 << 10)
#define MAX_HEX 64u
#define MAX_DEPTH 100u

typedef struct printer {
    kw_writer w;
    kw_arena *arena;
    uint32_t depth;
} printer;

static void print_value(printer *p, const kw_type *type, const void *value);

static void print(printer *p, const char *text)
{
    kw_write_raw(&p->w, kw_string_from(text));
}

__attribute__((format(printf, 2, 3))) static void print_format(printer *p, const char *format, ...)
{
    char text[64];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print(p, text);
}

/* C0 and C1 controls and DEL would be orders to a terminal; what is not UTF-8 is shown byte by byte. */
static void print_escaped(printer *p, kw_string s, bool quote)
{
    const bool is_utf8 = kw_utf8_is_valid(s, true);
    for (size_t i = 0; i < s.len; i++) {
        const uint8_t c = s.data[i];
        const bool is_c1 = is_utf8 && c == 0xC2 && i + 1 < s.len && s.data[i + 1] < 0xA0;
        if (quote && (c == '"' || c == '\\')) {
            print_format(p, "\\%c", c);
        } else if (c == '\n') {
            print(p, "\\n");
        } else if (c == '\t') {
            print(p, "\\t");
        } else if (is_c1) {
            print_format(p, "\\u%04x", s.data[++i]);
        } else if (c < 0x20 || c == 0x7F || (c >= 0x80 && !is_utf8)) {
            print_format(p, "\\x%02x", c);
        } else {
            kw_write_u8(&p->w, c);
        }
    }
}

static void print_string(printer *p, kw_string s)
{
    if (s.data == NULL) {
        print(p, "null");
        return;
    }
    print(p, "\"");
    print_escaped(p, s, true);
    print(p, "\"");
}

static void print_hex(printer *p, kw_bytes bytes)
{
    if (bytes.data == NULL) {
        print(p, "null");
        return;
    }
    print(p, "0x");
    for (size_t i = 0; i < bytes.len && i < MAX_HEX; i++) {
        print_format(p, "%02x", bytes.data[i]);
    }
    if (bytes.len > MAX_HEX) {
        print_format(p, "... (%zu bytes)", bytes.len);
    }
}

/* As few digits as say which number it is. */
static void print_real(printer *p, double value, int least, int most, bool is_float)
{
    char text[40];
    for (int digits = least; digits <= most; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        const bool is_exact = is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
        if (is_exact) {
            break;
        }
    }
    print(p, text);
}

static void print_array(printer *p, const kw_type *type, const void *data, size_t count)
{
    if (data == NULL) {
        print(p, "null");
        return;
    }
    print(p, "[");
    for (size_t i = 0; i < count && p->w.len < MAX_TEXT && !kw_status_is_bad(kw_writer_status(&p->w)); i++) {
        print(p, i > 0 ? ", " : "");
        print_value(p, type, (const uint8_t *)data + i * type->size);
    }
    print(p, "]");
}

static void print_variant(printer *p, const kw_variant *v)
{
    const kw_type *type = kw_type_builtin((kw_builtin)v->type);
    if (type == NULL || (!v->is_array && v->data == NULL)) {
        print(p, "null");
    } else if (v->is_array) {
        for (size_t i = 0; i < v->dimension_count; i++) {
            print_format(p, "%s%" PRId32, i > 0 ? "x" : "", v->dimensions[i]);
        }
        print_array(p, type, v->data, v->count);
    } else {
        print_value(p, type, v->data);
    }
}

static void print_field(printer *p, const kw_type_field *field, const uint8_t *value)
{
    const void *at = value + field->offset;
    if (field->is_array) {
        print_array(p, field->type, *(const void *const *)at, *(const size_t *)(const void *)(value + field->count_offset));
    } else if (field->is_optional) {
        print_value(p, field->type, *(const void *const *)at);
    } else {
        print_value(p, field->type, at);
    }
}

static bool is_shown(const kw_type *type, uint16_t i, const uint8_t *value)
{
    if (type->kind == KW_KIND_UNION) {
        return *(const uint32_t *)(const void *)value == i + 1u;
    }
    return !type->fields[i].is_optional || *(const void *const *)(const void *)(value + type->fields[i].offset) != NULL;
}

static void print_structure(printer *p, const kw_type *type, const uint8_t *value)
{
    const char *separator = "";
    print(p, "{");
    for (uint16_t i = 0; i < type->field_count; i++) {
        if (is_shown(type, i, value)) {
            print(p, separator);
            print(p, type->fields[i].name);
            print(p, ": ");
            print_field(p, &type->fields[i], value);
            separator = ", ";
        }
    }
    print(p, "}");
}

static void print_enum(printer *p, const kw_type *type, int32_t value)
{
    for (const struct kw_enum_value *v = type->enum_values; v != NULL && v->name != NULL; v++) {
        if (v->value == value) {
            print(p, v->name);
            return;
        }
    }
    print_format(p, "%" PRId32, value);
}

static void print_extension_object(printer *p, const kw_extension_object *object)
{
    if (object->type != NULL && object->value != NULL) {
        print_value(p, object->type, object->value);
        return;
    }
    if (object->encoding == KW_EXTENSION_NONE && kw_node_id_is_null(&object->type_id)) {
        print(p, "null");
        return;
    }
    print(p, "{TypeId: ");
    print_value(p, KW_TYPE_NODE_ID, &object->type_id);
    print(p, ", Body: ");
    if (object->encoding == KW_EXTENSION_XML) {
        print_string(p, object->body);
    } else {
        print_hex(p, object->body);
    }
    print(p, "}");
}

static void print_data_value(printer *p, const kw_data_value *v)
{
    print(p, "{Value: ");
    print_variant(p, &v->value);
    if (v->has_status) {
        print(p, ", StatusCode: ");
        print(p, kw_status_name(v->status));
    }
    if (v->has_source_timestamp) {
        print(p, ", SourceTimestamp: ");
        print_value(p, KW_TYPE_DATE_TIME, &v->source_timestamp);
    }
    if (v->has_server_timestamp) {
        print(p, ", ServerTimestamp: ");
        print_value(p, KW_TYPE_DATE_TIME, &v->server_timestamp);
    }
    print(p, "}");
}

static void print_diagnostic_info(printer *p, const kw_diagnostic_info *info)
{
    print(p, "{AdditionalInfo: ");
    print_string(p, info->additional_info);
    if (info->has_inner_status_code) {
        print(p, ", InnerStatusCode: ");
        print(p, kw_status_name(info->inner_status_code));
    }
    if (info->inner != NULL) {
        print(p, ", InnerDiagnosticInfo: ");
        print_value(p, KW_TYPE_DIAGNOSTIC_INFO, info->inner);
    }
    print(p, "}");
}

static void print_localized_text(printer *p, const kw_localized_text *text)
{
    print_string(p, text->text);
    if (text->locale.len > 0) {
        print(p, "@");
        print_escaped(p, text->locale, false);
    }
}

static void print_date_time(printer *p, kw_date_time t)
{
    const kw_string text = kw_date_time_format(p->arena, t);
    kw_write_raw(&p->w, text.len > 0 ? text : KW_STRING("null"));
}

static void print_number(printer *p, kw_builtin type, const void *value)
{
    switch (type) {
    case KW_BUILTIN_SBYTE:
        print_format(p, "%d", *(const int8_t *)value);
        return;
    case KW_BUILTIN_BYTE:
        print_format(p, "%u", *(const uint8_t *)value);
        return;
    case KW_BUILTIN_INT16:
        print_format(p, "%d", *(const int16_t *)value);
        return;
    case KW_BUILTIN_UINT16:
        print_format(p, "%u", *(const uint16_t *)value);
        return;
    case KW_BUILTIN_INT32:
        print_format(p, "%" PRId32, *(const int32_t *)value);
        return;
    case KW_BUILTIN_UINT32:
        print_format(p, "%" PRIu32, *(const uint32_t *)value);
        return;
    case KW_BUILTIN_INT64:
        print_format(p, "%" PRId64, *(const int64_t *)value);
        return;
    case KW_BUILTIN_UINT64:
        print_format(p, "%" PRIu64, *(const uint64_t *)value);
        return;
    case KW_BUILTIN_FLOAT:
        print_real(p, (double)*(const float *)value, 6, 9, true);
        return;
    default:
        print_real(p, *(const double *)value, 15, 17, false);
        return;
    }
}

static void print_builtin(printer *p, kw_builtin type, const void *value)
{
    switch (type) {
    case KW_BUILTIN_NULL:
        print(p, "null");
        return;
    case KW_BUILTIN_BOOLEAN:
        print(p, *(const bool *)value ? "true" : "false");
        return;
    case KW_BUILTIN_STRING:
    case KW_BUILTIN_XML_ELEMENT:
        print_string(p, *(const kw_string *)value);
        return;
    case KW_BUILTIN_BYTE_STRING:
        print_hex(p, *(const kw_bytes *)value);
        return;
    case KW_BUILTIN_DATE_TIME:
        print_date_time(p, *(const kw_date_time *)value);
        return;
    case KW_BUILTIN_GUID:
        kw_write_raw(&p->w, kw_guid_format(p->arena, value));
        return;
    case KW_BUILTIN_NODE_ID:
        print_escaped(p, kw_node_id_format(p->arena, value), false);
        return;
    case KW_BUILTIN_EXPANDED_NODE_ID:
        print_escaped(p, kw_expanded_node_id_format(p->arena, value), false);
        return;
    case KW_BUILTIN_STATUS_CODE:
        print(p, kw_status_name(*(const kw_status *)value));
        return;
    case KW_BUILTIN_QUALIFIED_NAME:
        print_format(p, "%u:", ((const kw_qualified_name *)value)->ns);
        print_escaped(p, ((const kw_qualified_name *)value)->name, false);
        return;
    case KW_BUILTIN_LOCALIZED_TEXT:
        print_localized_text(p, value);
        return;
    case KW_BUILTIN_EXTENSION_OBJECT:
        print_extension_object(p, value);
        return;
    case KW_BUILTIN_DATA_VALUE:
        print_data_value(p, value);
        return;
    case KW_BUILTIN_VARIANT:
        print_variant(p, value);
        return;
    case KW_BUILTIN_DIAGNOSTIC_INFO:
        print_diagnostic_info(p, value);
        return;
    default:
        print_number(p, type, value);
        return;
    }
}

static void print_value(printer *p, const kw_type *type, const void *value)
{
    if (p->depth >= MAX_DEPTH) {
        print(p, "...");
        return;
    }
    p->depth++;
    if (type->kind == KW_KIND_BUILTIN) {
        print_builtin(p, (kw_builtin)type->builtin, value);
    } else if (type->kind == KW_KIND_ENUM) {
        print_enum(p, type, *(const int32_t *)value);
    } else {
        print_structure(p, type, value);
    }
    p->depth--;
}

kw_string kw_ua_format(kw_arena *arena, const kw_type *type, const void *value)
{
    printer p = {.arena = arena};
    kw_writer_init(&p.w, MAX_TEXT);
    print_value(&p, type, value);
    const kw_string text = kw_arena_copy(arena, kw_writer_bytes(&p.w));
    kw_writer_clear(&p.w);
    return text;
}

kw_string kw_variant_format(kw_arena *arena, const kw_variant *v)
{
    return kw_ua_format(arena, KW_TYPE_VARIANT, v);
}
