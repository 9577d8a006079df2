/* Values: UA XML (OPC 10000-6, 5.3) to Variants. Structures that we do not know stay as they are written. */
#include "base/try.h"
#include "space/nodeset_internal.h"
#include "ua/base64.h"
#include "ua/codec.h"
#include "ua/text.h"

#include <keyway/node_ids.h>

#include <string.h>

static kw_status read_typed(kw_nodeset_load *load, const kw_xml *xml, const kw_type *type, void *out);

/* --- plain ones ------------------------------------------------------------------------------------------------------------- */

static kw_status read_number(kw_nodeset_load *load, const kw_xml *xml, kw_builtin type, void *out)
{
    static const struct {
        int64_t min, max;
    } RANGES[] = {[KW_BUILTIN_SBYTE] = {INT8_MIN, INT8_MAX},   [KW_BUILTIN_BYTE] = {0, UINT8_MAX},
                  [KW_BUILTIN_INT16] = {INT16_MIN, INT16_MAX}, [KW_BUILTIN_UINT16] = {0, UINT16_MAX},
                  [KW_BUILTIN_INT32] = {INT32_MIN, INT32_MAX}, [KW_BUILTIN_UINT32] = {0, UINT32_MAX},
                  [KW_BUILTIN_INT64] = {INT64_MIN, INT64_MAX}};
    int64_t value = 0;
    KW_TRY(kw_load_integer(load, xml->line, xml->text, RANGES[type].min, RANGES[type].max, &value));
    switch (kw_type_builtin(type)->size) {
    case sizeof(int8_t):
        *(int8_t *)out = (int8_t)value;
        break;
    case sizeof(int16_t):
        *(int16_t *)out = (int16_t)value;
        break;
    case sizeof(int32_t):
        *(int32_t *)out = (int32_t)value;
        break;
    default:
        *(int64_t *)out = value;
    }
    return KW_GOOD;
}

static kw_status read_float(kw_nodeset_load *load, const kw_xml *xml, float *out)
{
    double value = 0;
    KW_TRY(kw_load_double(load, xml->line, xml->text, &value));
    *out = (float)value;
    return KW_GOOD;
}

/* Before the beginning and after the end of what a DateTime can say there is nothing; without a zone it is UTC. */
static kw_status read_date_time(kw_nodeset_load *load, const kw_xml *xml, kw_date_time *out)
{
    const kw_string word = kw_xml_word(xml);
    if (word.len == 0 || memcmp(word.data, "0001-", word.len < 5 ? word.len : 5) == 0) {
        *out = 0;
        return KW_GOOD;
    }
    if (!kw_status_is_bad(kw_date_time_parse(word, out))) {
        return KW_GOOD;
    }
    const kw_string with_zone = kw_arena_format(load->arena, "%.*sZ", KW_STRING_ARGS(word));
    if (kw_status_is_bad(kw_date_time_parse(with_zone, out))) {
        return kw_load_refuse(load, xml->line, "'%.*s' is no date and time", KW_SHORT_ARGS(word));
    }
    return KW_GOOD;
}

static kw_status read_bytes(kw_nodeset_load *load, const kw_xml *xml, kw_bytes *out)
{
    uint8_t *packed = kw_arena_alloc(load->arena, xml->text.len);
    size_t length = 0;
    if (packed == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < xml->text.len; i++) {
        if (strchr(" \t\r\n", xml->text.data[i]) == NULL) {
            packed[length++] = xml->text.data[i];
        }
    }
    const kw_status status = kw_base64_decode((kw_string){packed, length}, load->arena, out);
    return status == KW_BAD_SYNTAX_ERROR ? kw_load_refuse(load, xml->line, "the ByteString is no Base64") : status;
}

static kw_status read_guid(kw_nodeset_load *load, const kw_xml *xml, kw_guid *out)
{
    const kw_xml *string = kw_xml_child(xml, "String");
    const kw_string word = kw_xml_word(string != NULL ? string : xml);
    return kw_status_is_bad(kw_guid_parse(word, out)) ? kw_load_refuse(load, xml->line, "'%.*s' is no Guid", KW_SHORT_ARGS(word)) : KW_GOOD;
}

/* --- those with parts ----------------------------------------------------------------------------------------------------------- */

static kw_string text_of(const kw_xml *xml, const char *child)
{
    const kw_xml *part = kw_xml_child(xml, child);
    return part != NULL && !kw_xml_is_nil(part) ? part->text : KW_BYTES_NULL;
}

static kw_status read_expanded_id(kw_nodeset_load *load, const kw_xml *xml, kw_expanded_node_id *out)
{
    const kw_string text = kw_trim(text_of(xml, "Identifier"));
    return text.len > 0 ? kw_load_expanded_id(load, xml->line, text, out) : KW_GOOD;
}

static kw_status read_node_id(kw_nodeset_load *load, const kw_xml *xml, kw_node_id *out)
{
    const kw_string text = kw_trim(text_of(xml, "Identifier"));
    return text.len > 0 ? kw_load_id(load, xml->line, text, out) : KW_GOOD;
}

static kw_status read_status(kw_nodeset_load *load, const kw_xml *xml, kw_status *out)
{
    uint32_t code = 0;
    KW_TRY(kw_load_u32(load, xml->line, text_of(xml, "Code"), &code));
    *out = code;
    return KW_GOOD;
}

static kw_status read_name(kw_nodeset_load *load, const kw_xml *xml, kw_qualified_name *out)
{
    uint32_t index = 0;
    KW_TRY(kw_load_u32(load, xml->line, text_of(xml, "NamespaceIndex"), &index));
    out->name = text_of(xml, "Name");
    return kw_load_namespace(load, xml->line, index, &out->ns);
}

static kw_status read_inner_xml(kw_nodeset_load *load, const kw_xml *xml, kw_bytes *out)
{
    *out = xml->text;
    return xml->first != NULL ? kw_xml_write(xml->first, load->arena, out) : KW_GOOD;
}

static kw_status read_data_value(kw_nodeset_load *load, const kw_xml *xml, kw_data_value *out)
{
    const kw_xml *value = kw_xml_child(xml, "Value"), *status = kw_xml_child(xml, "StatusCode");
    const kw_xml *source = kw_xml_child(xml, "SourceTimestamp"), *server = kw_xml_child(xml, "ServerTimestamp");
    out->has_value = value != NULL;
    out->has_status = status != NULL;
    out->has_source_timestamp = source != NULL;
    out->has_server_timestamp = server != NULL;
    KW_TRY(value != NULL ? kw_load_value_read(load, value, &out->value) : KW_GOOD);
    KW_TRY(status != NULL ? read_status(load, status, &out->status) : KW_GOOD);
    KW_TRY(source != NULL ? read_date_time(load, source, &out->source_timestamp) : KW_GOOD);
    return server != NULL ? read_date_time(load, server, &out->server_timestamp) : KW_GOOD;
}

/* --- structures ------------------------------------------------------------------------------------------------------------------- */

static kw_status read_list(kw_nodeset_load *load, const kw_xml *xml, const kw_type *type, void **out, size_t *count)
{
    size_t n = 0;
    for (const kw_xml *x = xml->first; x != NULL; x = x->next) {
        n++;
    }
    uint8_t *all = kw_arena_array(load->arena, n, type->size);
    if (all == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = all;
    *count = n;
    for (const kw_xml *x = xml->first; x != NULL; x = x->next) {
        KW_TRY(read_typed(load, x, type, all));
        all += type->size;
    }
    return KW_GOOD;
}

static kw_status read_field(kw_nodeset_load *load, const kw_xml *xml, const kw_type_field *field, uint8_t *structure)
{
    void *at = structure + field->offset;
    if (kw_xml_is_nil(xml)) {
        return KW_GOOD;
    }
    if (field->is_array) {
        return read_list(load, xml, field->type, at, (size_t *)(void *)(structure + field->count_offset));
    }
    if (field->is_optional) {
        void *value = kw_arena_alloc(load->arena, field->type->size);
        if (value == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        *(void **)at = value;
        at = value;
    }
    return read_typed(load, xml, field->type, at);
}

static kw_status read_structure(kw_nodeset_load *load, const kw_xml *xml, const kw_type *type, void *out)
{
    for (uint16_t i = 0; i < type->field_count; i++) {
        const kw_xml *part = kw_xml_child(xml, type->fields[i].name);
        if (part != NULL) {
            KW_TRY(read_field(load, part, &type->fields[i], out));
        }
    }
    return KW_GOOD;
}

/* "Name_1", or the number alone. */
static kw_status read_enumeration(kw_nodeset_load *load, const kw_xml *xml, int32_t *out)
{
    kw_string text = kw_xml_word(xml);
    size_t start = text.len;
    while (start > 0 && text.data[start - 1] != '_') {
        start--;
    }
    int64_t value = 0;
    KW_TRY(kw_load_integer(load, xml->line, (kw_string){text.data + start, text.len - start}, INT32_MIN, INT32_MAX, &value));
    *out = (int32_t)value;
    return KW_GOOD;
}

/* The structure that an encoding (or the DataType itself) stands for, if it is one that we know. */
static const kw_type *type_of_encoding(const kw_nodeset_load *load, const kw_node_id *id)
{
    kw_node_ref ref;
    kw_node_id data_type = *id;
    if (id->ns != 0 || id->kind != KW_NODE_ID_NUMERIC || !kw_space_find(load->space, id, &ref)) {
        return NULL;
    }
    if (kw_node_class_of(&ref) == KW_NODE_CLASS_OBJECT && !kw_space_target(load->space, &ref, KW_ID_HAS_ENCODING, false, &data_type)) {
        return NULL;
    }
    const kw_type *type = data_type.ns == 0 ? kw_type_by_data_type(data_type.id.numeric) : NULL;
    return type != NULL && (type->kind == KW_KIND_STRUCTURE || type->kind == KW_KIND_OPTIONAL) ? type : NULL;
}

static kw_status read_extension_object(kw_nodeset_load *load, const kw_xml *xml, kw_extension_object *out)
{
    const kw_xml *type_id = kw_xml_child(xml, "TypeId"), *body = kw_xml_child(xml, "Body");
    kw_node_id id = KW_NODE_ID_NULL;
    KW_TRY(type_id != NULL ? read_node_id(load, type_id, &id) : KW_GOOD);
    if (body == NULL || body->first == NULL) {
        *out = (kw_extension_object){.type_id = id};
        return KW_GOOD;
    }
    if (kw_xml_is(body->first, "ByteString")) {
        out->type_id = id;
        out->encoding = KW_EXTENSION_BINARY;
        return read_bytes(load, body->first, &out->body);
    }
    const kw_type *type = type_of_encoding(load, &id);
    if (type == NULL) {
        out->type_id = id;
        out->encoding = KW_EXTENSION_XML;
        return kw_xml_write(body->first, load->arena, &out->body);
    }
    void *value = kw_arena_alloc(load->arena, type->size);
    if (value == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = kw_extension_object_of(type, value);
    return read_structure(load, body->first, type, value);
}

/* --- all of them -------------------------------------------------------------------------------------------------------------------- */

static kw_status read_builtin(kw_nodeset_load *load, const kw_xml *xml, kw_builtin type, void *out)
{
    switch (type) {
    case KW_BUILTIN_BOOLEAN:
        return kw_load_boolean(load, xml->line, xml->text, out);
    case KW_BUILTIN_UINT64:
        return kw_load_u64(load, xml->line, xml->text, out);
    case KW_BUILTIN_FLOAT:
        return read_float(load, xml, out);
    case KW_BUILTIN_DOUBLE:
        return kw_load_double(load, xml->line, xml->text, out);
    case KW_BUILTIN_STRING:
        *(kw_string *)out = xml->text;
        return KW_GOOD;
    case KW_BUILTIN_DATE_TIME:
        return read_date_time(load, xml, out);
    case KW_BUILTIN_GUID:
        return read_guid(load, xml, out);
    case KW_BUILTIN_BYTE_STRING:
        return read_bytes(load, xml, out);
    case KW_BUILTIN_XML_ELEMENT:
        return read_inner_xml(load, xml, out);
    case KW_BUILTIN_NODE_ID:
        return read_node_id(load, xml, out);
    case KW_BUILTIN_EXPANDED_NODE_ID:
        return read_expanded_id(load, xml, out);
    case KW_BUILTIN_STATUS_CODE:
        return read_status(load, xml, out);
    case KW_BUILTIN_QUALIFIED_NAME:
        return read_name(load, xml, out);
    case KW_BUILTIN_LOCALIZED_TEXT:
        *(kw_localized_text *)out = (kw_localized_text){text_of(xml, "Locale"), text_of(xml, "Text")};
        return KW_GOOD;
    case KW_BUILTIN_EXTENSION_OBJECT:
        return read_extension_object(load, xml, out);
    case KW_BUILTIN_DATA_VALUE:
        return read_data_value(load, xml, out);
    case KW_BUILTIN_VARIANT: {
        const kw_xml *value = kw_xml_child(xml, "Value");
        return value != NULL ? kw_load_value_read(load, value, out) : KW_GOOD;
    }
    case KW_BUILTIN_NULL:
    case KW_BUILTIN_DIAGNOSTIC_INFO:
        return kw_load_refuse(load, xml->line, "<%.*s> is no value of a Variable", KW_SHORT_ARGS(xml->tag));
    default:
        return read_number(load, xml, type, out);
    }
}

static kw_status read_typed(kw_nodeset_load *load, const kw_xml *xml, const kw_type *type, void *out)
{
    if (kw_xml_is_nil(xml)) {
        return KW_GOOD;
    }
    switch (type->kind) {
    case KW_KIND_BUILTIN:
        return read_builtin(load, xml, (kw_builtin)type->builtin, out);
    case KW_KIND_ENUM:
        return read_enumeration(load, xml, out);
    case KW_KIND_UNION:
        return kw_load_refuse(load, xml->line, "<%.*s> is a union, which cannot be read here", KW_SHORT_ARGS(xml->tag));
    default:
        return read_structure(load, xml, type, out);
    }
}

/* --- Variants ------------------------------------------------------------------------------------------------------------------------- */

static const kw_type *builtin_named(kw_string name)
{
    for (int i = KW_BUILTIN_BOOLEAN; i < KW_BUILTIN_DIAGNOSTIC_INFO; i++) {
        if (kw_string_equals(name, kw_type_builtin((kw_builtin)i)->name)) {
            return kw_type_builtin((kw_builtin)i);
        }
    }
    return NULL;
}

static kw_status read_matrix(kw_nodeset_load *load, const kw_xml *xml, kw_variant *out)
{
    const kw_xml *dimensions = kw_xml_child(xml, "Dimensions"), *elements = kw_xml_child(xml, "Elements");
    const kw_type *type = elements != NULL && elements->first != NULL ? builtin_named(elements->first->name) : NULL;
    void *data = NULL, *sizes = NULL;
    size_t count = 0, rank = 0;
    if (dimensions == NULL || type == NULL) {
        return kw_load_refuse(load, xml->line, "a Matrix has Dimensions, and Elements of a built-in type");
    }
    KW_TRY(read_list(load, dimensions, kw_type_builtin(KW_BUILTIN_INT32), &sizes, &rank));
    KW_TRY(read_list(load, elements, type, &data, &count));
    *out = kw_variant_array((kw_builtin)type->builtin, data, count);
    out->dimensions = sizes;
    out->dimension_count = rank;
    uint64_t product = 1;
    for (size_t i = 0; i < rank && product <= count; i++) {
        product *= out->dimensions[i] > 0 ? (uint64_t)out->dimensions[i] : 0;
    }
    return product == count ? KW_GOOD : kw_load_refuse(load, xml->line, "the Dimensions of the Matrix do not fit its Elements");
}

kw_status kw_load_value_read(kw_nodeset_load *load, const kw_xml *value, kw_variant *out)
{
    static const kw_string LIST_OF = {(const uint8_t *)"ListOf", 6};
    const kw_xml *xml = value->first;
    *out = KW_VARIANT_NULL;
    if (xml == NULL || kw_xml_is_nil(value) || kw_xml_is(xml, "Null")) {
        return KW_GOOD;
    }
    if (kw_xml_is(xml, "Matrix")) {
        return read_matrix(load, xml, out);
    }
    const bool is_list = xml->name.len > LIST_OF.len && memcmp(xml->name.data, LIST_OF.data, LIST_OF.len) == 0;
    const size_t skip = is_list ? LIST_OF.len : 0;
    const kw_type *type = builtin_named((kw_string){xml->name.data + skip, xml->name.len - skip});
    if (type == NULL || (!is_list && type->builtin == KW_BUILTIN_VARIANT)) {
        return kw_load_refuse(load, xml->line, "<%.*s> is no built-in type", KW_SHORT_ARGS(xml->tag));
    }
    void *data = NULL;
    size_t count = 0;
    if (is_list) {
        KW_TRY(read_list(load, xml, type, &data, &count));
        *out = kw_variant_array((kw_builtin)type->builtin, data, count);
        return KW_GOOD;
    }
    data = kw_arena_alloc(load->arena, type->size);
    if (data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = kw_variant_scalar((kw_builtin)type->builtin, data);
    return read_typed(load, xml, type, data);
}
