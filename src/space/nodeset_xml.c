/* NodeSet2 as a row of elements: one child of the root is in memory at a time. */
#include "base/cursor.h"
#include "base/try.h"
#include "space/nodeset_internal.h"

#include <expat.h>
#include <stdio.h>
#include <string.h>

#define BUFFER (64 * 1024)
#define DEPTH_MAX 100u                /* of elements */
#define TOKEN_MAX (1024 * 1024)       /* of a tag, a comment, … */
#define TEXT_MAX ((size_t)64 << 20)   /* of the text of one element */
#define ELEMENT_MAX ((size_t)1 << 28) /* that a child of the root takes in memory */
#define ATTRIBUTES_MAX 256u

typedef struct parser {
    XML_Parser expat;
    kw_nodeset_load *load;
    const kw_xml_reader *reader;
    kw_xml root;      /* its attributes: in load->kept */
    kw_xml *current;  /* NULL: at the root */
    kw_writer text;   /* since the last tag */
    uint32_t depth;   /* of open elements */
    uint32_t skipped; /* open elements that nobody wants */
    bool is_stopped;  /* nothing more is wanted */
    kw_status status;
} parser;

static uint32_t line_of(const parser *p)
{
    return (uint32_t)XML_GetCurrentLineNumber(p->expat);
}

static void end_with(parser *p, kw_status status)
{
    if (kw_status_is_bad(status) && !kw_status_is_bad(p->status)) {
        p->status = status;
        (void)XML_StopParser(p->expat, XML_FALSE);
    }
}

/* --- elements ---------------------------------------------------------------------------------------------------------------- */

static kw_string without_prefix(kw_string tag)
{
    const uint8_t *colon = tag.len > 0 ? memchr(tag.data, ':', tag.len) : NULL;
    return colon != NULL ? (kw_string){colon + 1, tag.len - (size_t)(colon + 1 - tag.data)} : tag;
}

static kw_status copy_attributes(kw_arena *arena, const char *const *pairs, kw_xml *xml)
{
    size_t count = 0;
    while (pairs[2 * count] != NULL) {
        count++;
    }
    if (count > ATTRIBUTES_MAX) {
        return KW_BAD_ENCODING_LIMITS_EXCEEDED;
    }
    kw_xml_attribute *attributes = KW_ARENA_ARRAY(arena, kw_xml_attribute, count);
    for (size_t i = 0; attributes != NULL && i < count; i++) {
        attributes[i].name = kw_arena_copy(arena, kw_string_from(pairs[2 * i]));
        attributes[i].value = kw_arena_copy(arena, kw_string_from(pairs[2 * i + 1]));
        if (attributes[i].name.data == NULL || attributes[i].value.data == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
    }
    xml->attributes = attributes;
    xml->attribute_count = count;
    return attributes != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status fill_element(kw_arena *arena, const char *tag, const char *const *attributes, uint32_t line, kw_xml *xml)
{
    xml->tag = kw_arena_copy(arena, kw_string_from(tag));
    if (xml->tag.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    xml->name = without_prefix(xml->tag);
    xml->text = KW_STRING("");
    xml->line = line;
    return copy_attributes(arena, attributes, xml);
}

static kw_status open_root(parser *p, const char *tag, const char *const *attributes)
{
    KW_TRY(fill_element(p->load->kept, tag, attributes, line_of(p), &p->root));
    return kw_xml_is(&p->root, "UANodeSet")
               ? KW_GOOD
               : kw_load_refuse(p->load, line_of(p), "<%.*s> is no UANodeSet; give a NodeSet2 file", KW_SHORT_ARGS(p->root.tag));
}

static kw_status open_element(parser *p, const char *tag, const char *const *attributes)
{
    kw_xml *xml = KW_ARENA_NEW(p->load->arena, kw_xml);
    if (xml == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(fill_element(p->load->arena, tag, attributes, line_of(p), xml));
    xml->parent = p->current != NULL ? p->current : &p->root;
    if (p->current != NULL && p->current->last != NULL) {
        p->current->last->next = xml;
    } else if (p->current != NULL) {
        p->current->first = xml;
    }
    if (p->current != NULL) {
        p->current->last = xml;
    }
    p->current = xml;
    return KW_GOOD;
}

static void on_start(void *ctx, const char *tag, const char **attributes)
{
    parser *p = ctx;
    if (p->is_stopped || kw_status_is_bad(p->status)) {
        return;
    }
    if (++p->depth > DEPTH_MAX) {
        end_with(p, kw_load_refuse(p->load, line_of(p), "elements are nested deeper than %u levels", DEPTH_MAX));
        return;
    }
    kw_writer_reset(&p->text);
    if (p->skipped > 0) {
        p->skipped++;
        return;
    }
    if (p->depth == 1) {
        end_with(p, open_root(p, tag, attributes));
        return;
    }
    const kw_xml_verdict verdict = p->depth == 2 ? p->reader->wants(without_prefix(kw_string_from(tag))) : KW_XML_TAKE;
    if (verdict == KW_XML_SKIP) {
        p->skipped = 1;
    } else if (verdict == KW_XML_STOP) {
        p->is_stopped = true;
        (void)XML_StopParser(p->expat, XML_FALSE);
    } else {
        const kw_status status = open_element(p, tag, attributes);
        end_with(p, kw_status_is_bad(status) ? kw_load_fail(p->load, line_of(p), status) : status);
    }
}

static kw_status close_element(parser *p)
{
    kw_xml *xml = p->current;
    if (xml->first == NULL && p->text.len > 0) {
        xml->text = kw_arena_copy(p->load->arena, kw_writer_bytes(&p->text));
        if (xml->text.data == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
    }
    if (p->depth > 2) {
        p->current = (kw_xml *)(uintptr_t)xml->parent;
        return KW_GOOD;
    }
    const kw_status status = p->reader->item(p->load, xml);
    p->current = NULL;
    kw_arena_reset(p->load->arena);
    return status;
}

static void on_end(void *ctx, const char *tag)
{
    parser *p = ctx;
    (void)tag;
    if (p->is_stopped || kw_status_is_bad(p->status)) {
        return;
    }
    if (p->skipped > 0) {
        p->skipped--;
    } else if (p->depth > 1) {
        const kw_status status = close_element(p);
        end_with(p, kw_status_is_bad(status) ? kw_load_fail(p->load, line_of(p), status) : status);
    }
    p->depth--;
    kw_writer_reset(&p->text);
}

static void on_text(void *ctx, const char *text, int length)
{
    parser *p = ctx;
    if (p->is_stopped || p->skipped > 0 || p->current == NULL || kw_status_is_bad(p->status)) {
        return;
    }
    kw_write_raw(&p->text, (kw_bytes){(const uint8_t *)text, (size_t)length});
    if (kw_status_is_bad(kw_writer_status(&p->text))) {
        end_with(p, kw_load_fail(p->load, line_of(p), kw_writer_status(&p->text)));
    }
}

/* Entities would make a small file a large one, and read others. */
static void on_doctype(void *ctx, const char *name, const char *system, const char *public, int has_subset)
{
    parser *p = ctx;
    (void)name;
    (void)system;
    (void)public;
    (void)has_subset;
    end_with(p, kw_load_refuse(p->load, line_of(p), "a document type is not allowed; take <!DOCTYPE …> out of the file"));
}

/* --- the file ------------------------------------------------------------------------------------------------------------------ */

static kw_status feed(parser *p, size_t *total, bool *is_end)
{
    const kw_nodeset_file *file = p->load->head->file;
    void *buffer = XML_GetBuffer(p->expat, BUFFER);
    size_t length = 0;
    if (buffer == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t more = 1; more > 0 && length < BUFFER; length += more) { /* the parser looks at what is not closed once per buffer */
        KW_TRY(file->read(file->ctx, (uint8_t *)buffer + length, BUFFER - length, &more));
    }
    *is_end = length == 0;
    *total += length;
    const enum XML_Status parsed = XML_ParseBuffer(p->expat, (int)length, *is_end);
    if (kw_status_is_bad(p->status) || p->is_stopped) {
        return p->status;
    }
    if (parsed == XML_STATUS_ERROR) {
        return kw_load_refuse(p->load, line_of(p), "%s; the XML is broken there", XML_ErrorString(XML_GetErrorCode(p->expat)));
    }
    /* What is not closed yet would be looked at again and again as it grows. */
    const XML_Index done = XML_GetCurrentByteIndex(p->expat);
    if (done >= 0 && *total - (size_t)done > TOKEN_MAX + BUFFER) {
        return kw_load_refuse(p->load, line_of(p), "a tag or comment is longer than %d bytes", TOKEN_MAX);
    }
    return KW_GOOD;
}

static kw_status read_all(parser *p)
{
    const kw_nodeset_file *file = p->load->head->file;
    bool is_end = false;
    size_t total = 0;
    KW_TRY(file->rewind(file->ctx));
    while (!is_end && !p->is_stopped) {
        KW_TRY(feed(p, &total, &is_end));
    }
    return KW_GOOD;
}

kw_status kw_xml_read(kw_nodeset_load *load, const kw_xml_reader *reader)
{
    parser p = {.load = load, .reader = reader, .status = KW_GOOD};
    p.expat = XML_ParserCreate(NULL);
    load->arena = kw_arena_new(ELEMENT_MAX);
    kw_status status = p.expat != NULL && load->arena != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        kw_writer_init(&p.text, TEXT_MAX);
        XML_SetUserData(p.expat, &p);
        XML_SetElementHandler(p.expat, on_start, on_end);
        XML_SetCharacterDataHandler(p.expat, on_text);
        XML_SetStartDoctypeDeclHandler(p.expat, on_doctype);
        status = read_all(&p);
        status = kw_status_is_bad(status) ? kw_load_fail(load, line_of(&p), status) : status;
        kw_writer_clear(&p.text);
    }
    if (p.expat != NULL) {
        XML_ParserFree(p.expat);
    }
    kw_arena_free(load->arena);
    load->arena = NULL;
    return status;
}

/* --- looking at elements --------------------------------------------------------------------------------------------------------- */

bool kw_xml_is(const kw_xml *xml, const char *name)
{
    return kw_string_equals(xml->name, name);
}

kw_string kw_xml_get(const kw_xml *xml, const char *attribute)
{
    for (size_t i = 0; i < xml->attribute_count; i++) {
        if (kw_string_equals(xml->attributes[i].name, attribute)) {
            return xml->attributes[i].value;
        }
    }
    return KW_BYTES_NULL;
}

const kw_xml *kw_xml_child(const kw_xml *xml, const char *name)
{
    const kw_xml *child = xml->first;
    while (child != NULL && !kw_xml_is(child, name)) {
        child = child->next;
    }
    return child;
}

bool kw_xml_is_nil(const kw_xml *xml)
{
    for (size_t i = 0; i < xml->attribute_count; i++) {
        if (kw_string_equals(without_prefix(xml->attributes[i].name), "nil")) {
            return kw_string_equals(xml->attributes[i].value, "true") || kw_string_equals(xml->attributes[i].value, "1");
        }
    }
    return false;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

kw_string kw_trim(kw_string text)
{
    while (text.len > 0 && is_space(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.data[text.len - 1])) {
        text.len--;
    }
    return text;
}

kw_string kw_xml_word(const kw_xml *xml)
{
    return kw_trim(xml->text);
}

/* --- as text --------------------------------------------------------------------------------------------------------------------- */

static void put(kw_writer *w, const char *text)
{
    kw_write_raw(w, kw_string_from(text));
}

static void put_escaped(kw_writer *w, kw_string text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.data[i]) {
        case '&':
            put(w, "&amp;");
            break;
        case '<':
            put(w, "&lt;");
            break;
        case '>':
            put(w, "&gt;");
            break;
        case '"':
            put(w, "&quot;");
            break;
        default:
            kw_write_u8(w, text.data[i]);
        }
    }
}

static void put_attribute(kw_writer *w, const kw_xml_attribute *attribute)
{
    put(w, " ");
    kw_write_raw(w, attribute->name);
    put(w, "=\"");
    put_escaped(w, attribute->value);
    put(w, "\"");
}

/* Namespaces that were declared further up. */
static void put_inherited(kw_writer *w, const kw_xml *xml)
{
    for (const kw_xml *above = xml->parent; above != NULL; above = above->parent) {
        for (size_t i = 0; i < above->attribute_count; i++) {
            const kw_xml_attribute *a = &above->attributes[i];
            bool is_known = a->name.len < 5 || memcmp(a->name.data, "xmlns", 5) != 0;
            for (const kw_xml *nearer = xml; !is_known && nearer != above; nearer = nearer->parent) {
                for (size_t n = 0; n < nearer->attribute_count; n++) {
                    is_known = is_known || kw_bytes_equal(nearer->attributes[n].name, a->name);
                }
            }
            if (!is_known) {
                put_attribute(w, a);
            }
        }
    }
}

static void put_element(kw_writer *w, const kw_xml *xml, bool is_whole) /* as deep as the file: bounded */
{
    put(w, "<");
    kw_write_raw(w, xml->tag);
    for (size_t i = 0; i < xml->attribute_count; i++) {
        put_attribute(w, &xml->attributes[i]);
    }
    if (is_whole) {
        put_inherited(w, xml);
    }
    put(w, ">");
    put_escaped(w, xml->text);
    for (const kw_xml *child = xml->first; child != NULL; child = child->next) {
        put_element(w, child, false);
    }
    put(w, "</");
    kw_write_raw(w, xml->tag);
    put(w, ">");
}

kw_status kw_xml_write(const kw_xml *xml, kw_arena *arena, kw_string *out)
{
    kw_writer w;
    kw_writer_init(&w, TEXT_MAX);
    put_element(&w, xml, true);
    kw_status status = kw_writer_status(&w);
    *out = !kw_status_is_bad(status) ? kw_arena_copy(arena, kw_writer_bytes(&w)) : KW_BYTES_NULL;
    kw_writer_clear(&w);
    return kw_status_is_bad(status) ? status : out->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}
