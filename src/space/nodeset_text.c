/* The small things that a NodeSet2 file is made of: numbers, ids, names, texts. */
#include "base/try.h"
#include "space/locale.h"
#include "space/nodeset_internal.h"
#include "ua/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 64u
#define DIMENSIONS_MAX 32u

/* --- numbers ----------------------------------------------------------------------------------------------------------------- */

static kw_status no_number(kw_nodeset_load *load, uint32_t line, kw_string text)
{
    return kw_load_refuse(load, line, "'%.*s' is no number that fits here", KW_SHORT_ARGS(text));
}

/* Terminated, for the C library. */
static bool copy_number(kw_string text, char *out)
{
    if (text.len == 0 || text.len >= NUMBER_MAX || memchr(text.data, 0, text.len) != NULL) {
        return false;
    }
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

kw_status kw_load_boolean(kw_nodeset_load *load, uint32_t line, kw_string text, bool *out)
{
    const kw_string word = kw_trim(text);
    if (text.data == NULL) {
        return KW_GOOD;
    }
    const bool is_true = kw_string_equals(word, "true") || kw_string_equals(word, "1");
    if (!is_true && !kw_string_equals(word, "false") && !kw_string_equals(word, "0")) {
        return kw_load_refuse(load, line, "'%.*s' is neither true nor false", KW_SHORT_ARGS(word));
    }
    *out = is_true;
    return KW_GOOD;
}

kw_status kw_load_integer(kw_nodeset_load *load, uint32_t line, kw_string text, int64_t min, int64_t max, int64_t *out)
{
    char number[NUMBER_MAX], *end = NULL;
    if (text.data == NULL) {
        return KW_GOOD;
    }
    if (!copy_number(kw_trim(text), number)) {
        return no_number(load, line, text);
    }
    errno = 0;
    const long long value = strtoll(number, &end, 10);
    if (errno != 0 || *end != '\0' || value < min || value > max) {
        return no_number(load, line, text);
    }
    *out = value;
    return KW_GOOD;
}

kw_status kw_load_u64(kw_nodeset_load *load, uint32_t line, kw_string text, uint64_t *out)
{
    char number[NUMBER_MAX], *end = NULL;
    if (text.data == NULL) {
        return KW_GOOD;
    }
    if (!copy_number(kw_trim(text), number) || number[0] == '-') {
        return no_number(load, line, text);
    }
    errno = 0;
    const unsigned long long value = strtoull(number, &end, 10);
    if (errno != 0 || *end != '\0') {
        return no_number(load, line, text);
    }
    *out = value;
    return KW_GOOD;
}

kw_status kw_load_u32(kw_nodeset_load *load, uint32_t line, kw_string text, uint32_t *out)
{
    int64_t value = *out;
    KW_TRY(kw_load_integer(load, line, text, 0, UINT32_MAX, &value));
    *out = (uint32_t)value;
    return KW_GOOD;
}

kw_status kw_load_double(kw_nodeset_load *load, uint32_t line, kw_string text, double *out)
{
    char number[NUMBER_MAX], *end = NULL;
    if (text.data == NULL) {
        return KW_GOOD;
    }
    if (!copy_number(kw_trim(text), number)) {
        return no_number(load, line, text);
    }
    const double value = strtod(number, &end);
    if (*end != '\0') {
        return no_number(load, line, text);
    }
    *out = value;
    return KW_GOOD;
}

kw_status kw_load_dimensions(kw_nodeset_load *load, uint32_t line, kw_string text, uint32_t **out, size_t *count)
{
    kw_string left = kw_trim(text);
    uint32_t *dimensions = KW_ARENA_ARRAY(load->arena, uint32_t, DIMENSIONS_MAX);
    *count = 0;
    if (dimensions == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    while (left.len > 0) {
        const uint8_t *comma = memchr(left.data, ',', left.len);
        const kw_string one = {left.data, comma != NULL ? (size_t)(comma - left.data) : left.len};
        if (*count == DIMENSIONS_MAX) {
            return kw_load_refuse(load, line, "more than %u dimensions", DIMENSIONS_MAX);
        }
        KW_TRY(kw_load_u32(load, line, one, &dimensions[(*count)++]));
        const size_t used = one.len + (comma != NULL ? 1 : 0);
        left = (kw_string){left.data + used, left.len - used};
    }
    *out = dimensions;
    return KW_GOOD;
}

/* --- ids ----------------------------------------------------------------------------------------------------------------------- */

kw_status kw_load_namespace(kw_nodeset_load *load, uint32_t line, uint64_t index, uint16_t *out)
{
    if (index >= load->head->uri_count) {
        return kw_load_refuse(load, line, "namespace index %llu, but NamespaceUris has %zu entries", (unsigned long long)index,
                              load->head->uri_count - 1);
    }
    *out = load->head->map[index];
    return KW_GOOD;
}

kw_status kw_load_expanded_id(kw_nodeset_load *load, uint32_t line, kw_string text, kw_expanded_node_id *out)
{
    const kw_string word = kw_trim(text);
    const kw_node_id *alias = load->aliases != NULL ? kw_map_get(load->aliases, word) : NULL;
    if (alias != NULL) {
        *out = (kw_expanded_node_id){.node_id = *alias};
        return KW_GOOD;
    }
    if (kw_status_is_bad(kw_expanded_node_id_parse(word, load->arena, out))) {
        return kw_load_refuse(load, line, "'%.*s' is neither a NodeId nor one of the Aliases", KW_SHORT_ARGS(word));
    }
    if (out->server_index != 0) {
        return kw_load_refuse(load, line, "'%.*s' is on another Server; only one's own nodes can be loaded", KW_SHORT_ARGS(word));
    }
    if (out->namespace_uri.len == 0) {
        return kw_load_namespace(load, line, out->node_id.ns, &out->node_id.ns);
    }
    const uint16_t known = kw_space_namespace_find(load->space, out->namespace_uri);
    if (known != UINT16_MAX) {
        out->node_id.ns = known;
        out->namespace_uri = KW_BYTES_NULL;
    }
    return KW_GOOD;
}

kw_status kw_load_id(kw_nodeset_load *load, uint32_t line, kw_string text, kw_node_id *out)
{
    kw_expanded_node_id expanded = {.server_index = 0};
    if (text.data == NULL) {
        return KW_GOOD;
    }
    KW_TRY(kw_load_expanded_id(load, line, text, &expanded));
    if (expanded.namespace_uri.len > 0) {
        return kw_load_refuse(load, line, "nobody here knows the namespace of '%.*s'; load the file of that model too",
                              KW_SHORT_ARGS(text));
    }
    *out = expanded.node_id;
    return KW_GOOD;
}

kw_status kw_load_name(kw_nodeset_load *load, uint32_t line, kw_string text, kw_qualified_name *out)
{
    size_t digits = 0;
    uint64_t index = 0;
    while (digits < text.len && digits < 5 && text.data[digits] >= '0' && text.data[digits] <= '9') {
        index = index * 10 + (uint64_t)(text.data[digits++] - '0');
    }
    *out = (kw_qualified_name){0, text};
    if (digits == 0 || digits == text.len || text.data[digits] != ':') {
        return KW_GOOD;
    }
    out->name = (kw_string){text.data + digits + 1, text.len - digits - 1};
    return kw_load_namespace(load, line, index, &out->ns);
}

/* --- texts --------------------------------------------------------------------------------------------------------------------- */

static kw_localized_text localized(const kw_xml *xml)
{
    const kw_string locale = kw_xml_get(xml, "Locale");
    return (kw_localized_text){locale.len > 0 ? locale : KW_BYTES_NULL, xml->text};
}

/* In the language that the dictionary translates from. */
static bool is_own_language(kw_localized_text text)
{
    return text.locale.len == 0 || kw_string_equals(text.locale, KW_LOCALE_OWN);
}

static kw_status translate(kw_nodeset_load *load, const kw_xml *xml, kw_localized_text from)
{
    const kw_localized_text to = localized(xml);
    char *text = kw_arena_cstring(load->arena, from.text), *locale = kw_arena_cstring(load->arena, to.locale);
    char *translation = kw_arena_cstring(load->arena, to.text);
    if (text == NULL || locale == NULL || translation == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_status status = kw_space_translate(load->space, text, locale, translation);
    if (status == KW_BAD_INVALID_ARGUMENT) {
        return kw_load_refuse(load, xml->line, "Locale '%.*s' names no language", KW_SHORT_ARGS(to.locale));
    }
    return status == KW_BAD_TOO_MANY_OPERATIONS ? kw_load_refuse(load, xml->line, "there are too many locales") : status;
}

kw_status kw_load_localized(kw_nodeset_load *load, const kw_xml *parent, const char *name, kw_localized_text *out)
{
    const kw_xml *first = kw_xml_child(parent, name), *chosen = first;
    if (first == NULL) {
        return KW_GOOD;
    }
    for (const kw_xml *x = first; x != NULL && !is_own_language(localized(chosen)); x = x->next) {
        chosen = kw_xml_is(x, name) && is_own_language(localized(x)) ? x : chosen;
    }
    *out = localized(chosen);
    for (const kw_xml *x = first; x != NULL && is_own_language(*out) && out->text.len > 0; x = x->next) {
        if (kw_xml_is(x, name) && x != chosen && !is_own_language(localized(x))) {
            KW_TRY(translate(load, x, *out));
        }
    }
    return KW_GOOD;
}
