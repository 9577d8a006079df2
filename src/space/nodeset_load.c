/* Which files there are, what they need of each other, and then one after the other. */
#include "space/nodeset_load.h"

#include "base/try.h"
#include "space/nodeset_internal.h"
#include "ua/codec.h"
#include "ua/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX ((size_t)1 << 30) /* what is known of all files until the last is read */
#define FACT_ROOM 64

/* --- what is wrong --------------------------------------------------------------------------------------------------------------- */

kw_status kw_load_refuse(kw_nodeset_load *load, uint32_t line, const char *format, ...)
{
    kw_nodeset_report *report = load->report;
    if (report->error[0] != '\0') { /* the first one is the cause */
        return KW_BAD_DECODING_ERROR;
    }
    const int used = snprintf(report->error, sizeof(report->error), "%.200s:%u: ", load->file_name, line);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(report->error + used, sizeof(report->error) - (size_t)used, format, arguments);
    va_end(arguments);
    return KW_BAD_DECODING_ERROR;
}

kw_status kw_load_fail(kw_nodeset_load *load, uint32_t line, kw_status status)
{
    if (load->report->error[0] == '\0') {
        (void)kw_load_refuse(load, line, "%s",
                             status == KW_BAD_ENCODING_LIMITS_EXCEEDED || status == KW_BAD_OUT_OF_MEMORY
                                 ? "this is more than there is room for"
                                 : "this cannot be loaded");
    }
    return status;
}

/* --- the head of a file: NamespaceUris and Models ---------------------------------------------------------------------------------- */

static kw_status keep(kw_nodeset_load *load, kw_string from, kw_string *to)
{
    *to = kw_arena_copy(load->kept, from);
    return from.data == NULL || to->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status read_uris(kw_nodeset_load *load, const kw_xml *xml)
{
    kw_nodeset_head *head = load->head;
    for (const kw_xml *x = xml->first; x != NULL; x = x->next) {
        const kw_string uri = kw_xml_word(x);
        if (uri.len == 0) {
            return kw_load_refuse(load, x->line, "a namespace has no URI");
        }
        if (head->uri_count == KW_NAMESPACES_MAX) {
            return kw_load_refuse(load, x->line, "more than %d namespaces", KW_NAMESPACES_MAX - 1);
        }
        KW_TRY(keep(load, uri, &head->uris[head->uri_count++]));
    }
    return KW_GOOD;
}

static kw_status read_model(kw_nodeset_load *load, const kw_xml *xml, bool is_required)
{
    kw_nodeset_model *model = KW_ARENA_NEW(load->kept, kw_nodeset_model);
    const kw_string uri = kw_xml_get(xml, "ModelUri");
    if (model == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (uri.len == 0) {
        return kw_load_refuse(load, xml->line, "<%.*s> has no ModelUri", KW_SHORT_ARGS(xml->tag));
    }
    *model = (kw_nodeset_model){.line = xml->line, .is_required = is_required, .next = load->head->models};
    KW_TRY(keep(load, uri, &model->uri));
    KW_TRY(keep(load, kw_xml_get(xml, "Version"), &model->version));
    KW_TRY(keep(load, kw_xml_get(xml, "PublicationDate"), &model->published));
    load->head->models = model;
    return KW_GOOD;
}

static kw_status read_models(kw_nodeset_load *load, const kw_xml *xml)
{
    for (const kw_xml *model = xml->first; model != NULL; model = model->next) {
        KW_TRY(read_model(load, model, false));
        for (const kw_xml *x = model->first; x != NULL; x = x->next) {
            KW_TRY(kw_xml_is(x, "RequiredModel") ? read_model(load, x, true) : KW_GOOD);
        }
    }
    return KW_GOOD;
}

static kw_xml_verdict wants_head(kw_string name)
{
    if (kw_load_class(name) != KW_NODE_CLASS_UNSPECIFIED) { /* the head is over */
        return KW_XML_STOP;
    }
    return kw_string_equals(name, "NamespaceUris") || kw_string_equals(name, "Models") ? KW_XML_TAKE : KW_XML_SKIP;
}

static kw_status take_head(kw_nodeset_load *load, const kw_xml *item)
{
    return kw_xml_is(item, "Models") ? read_models(load, item) : read_uris(load, item);
}

static void begin_file(kw_nodeset_load *load, kw_nodeset_head *head)
{
    load->head = head;
    load->file_name = head->file->name;
}

static kw_status read_head(kw_nodeset_load *load, kw_nodeset_head *head)
{
    static const kw_xml_reader READER = {wants_head, take_head};
    begin_file(load, head);
    head->uris[0] = KW_STRING("http://opcfoundation.org/UA/");
    head->uri_count = 1;
    KW_TRY(kw_xml_read(load, &READER));
    if (head->models == NULL && head->uri_count > 1) { /* files of before there were Models: the first namespace is their own */
        kw_nodeset_model *model = KW_ARENA_NEW(load->kept, kw_nodeset_model);
        if (model == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        *model = (kw_nodeset_model){.uri = head->uris[1], .line = 1};
        head->models = model;
    }
    return KW_GOOD;
}

/* --- nodes ------------------------------------------------------------------------------------------------------------------------ */

static kw_status read_aliases(kw_nodeset_load *load, const kw_xml *xml)
{
    for (const kw_xml *x = xml->first; x != NULL; x = x->next) {
        const kw_string name = kw_trim(kw_xml_get(x, "Alias"));
        kw_node_id id = KW_NODE_ID_NULL, *kept = KW_ARENA_NEW(load->kept, kw_node_id);
        if (kept == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        KW_TRY(kw_load_id(load, x->line, x->text, &id));
        KW_TRY(kw_ua_copy(load->kept, kw_type_builtin(KW_BUILTIN_NODE_ID), &id, kept));
        KW_TRY(kw_map_put(load->aliases, name, kept, NULL));
    }
    return KW_GOOD;
}

static kw_xml_verdict wants_nodes(kw_string name)
{
    const bool is_node = kw_load_class(name) != KW_NODE_CLASS_UNSPECIFIED;
    return is_node || kw_string_equals(name, "Aliases") ? KW_XML_TAKE : KW_XML_SKIP;
}

static kw_status take_nodes(kw_nodeset_load *load, const kw_xml *item)
{
    return kw_xml_is(item, "Aliases") ? read_aliases(load, item) : kw_load_add(load, item);
}

static kw_status map_namespaces(kw_nodeset_load *load, kw_nodeset_head *head)
{
    for (size_t i = 0; i < head->uri_count; i++) {
        const kw_status status = kw_space_namespace_add(load->space, head->uris[i], &head->map[i]);
        if (status == KW_BAD_TOO_MANY_OPERATIONS) {
            return kw_load_refuse(load, 1, "the Server has no room for more than %d namespaces", KW_NAMESPACES_MAX);
        }
        KW_TRY(status);
    }
    return KW_GOOD;
}

static kw_status read_nodes(kw_nodeset_load *load, kw_nodeset_head *head)
{
    static const kw_xml_reader READER = {wants_nodes, take_nodes};
    begin_file(load, head);
    load->aliases = kw_map_new();
    kw_status status = load->aliases != NULL ? map_namespaces(load, head) : KW_BAD_OUT_OF_MEMORY;
    status = kw_status_is_bad(status) ? kw_load_fail(load, 1, status) : kw_xml_read(load, &READER);
    kw_map_free(load->aliases);
    load->aliases = NULL;
    head->is_loaded = true;
    return status;
}

/* --- who needs whom ----------------------------------------------------------------------------------------------------------------- */

static const kw_nodeset_head *provider_of(const kw_nodeset_head *heads, size_t count, kw_string uri)
{
    for (size_t i = 0; i < count; i++) {
        for (const kw_nodeset_model *m = heads[i].models; m != NULL; m = m->next) {
            if (!m->is_required && kw_bytes_equal(m->uri, uri)) {
                return &heads[i];
            }
        }
    }
    return NULL;
}

/* One that the Server has without any file. */
static bool is_ours(const kw_space *space, kw_string uri)
{
    return kw_bytes_equal(uri, kw_string_from(kw_nodesets[KW_MODEL_CORE].uri)) ||
           (space->with_gds && kw_bytes_equal(uri, kw_string_from(kw_nodesets[KW_MODEL_GDS].uri)));
}

static kw_status check_models(kw_nodeset_load *load, kw_nodeset_head *heads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        begin_file(load, &heads[i]);
        for (const kw_nodeset_model *m = heads[i].models; m != NULL; m = m->next) {
            const kw_nodeset_head *provider = provider_of(heads, count, m->uri);
            if (!m->is_required && provider != &heads[i]) {
                return kw_load_refuse(load, m->line, "the model %.*s is in %.200s too; give one of the files", KW_SHORT_ARGS(m->uri),
                                      provider->file->name);
            }
            if (m->is_required && provider == NULL && !is_ours(load->space, m->uri)) {
                (void)kw_load_refuse(load, m->line, "the model %.*s is needed; give its file too", KW_SHORT_ARGS(m->uri));
                return KW_BAD_NOT_FOUND;
            }
        }
    }
    return KW_GOOD;
}

static bool is_ready(const kw_nodeset_head *heads, size_t count, const kw_nodeset_head *head)
{
    for (const kw_nodeset_model *m = head->models; m != NULL; m = m->next) {
        const kw_nodeset_head *provider = m->is_required ? provider_of(heads, count, m->uri) : NULL;
        if (provider != NULL && provider != head && !provider->is_loaded) {
            return false;
        }
    }
    return true;
}

static kw_nodeset_head *next_ready(kw_nodeset_head *heads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!heads[i].is_loaded && is_ready(heads, count, &heads[i])) {
            return &heads[i];
        }
    }
    return NULL;
}

static kw_status read_in_order(kw_nodeset_load *load, kw_nodeset_head *heads, size_t count)
{
    for (size_t done = 0; done < count; done++) {
        kw_nodeset_head *head = next_ready(heads, count);
        for (size_t i = 0; head == NULL && i < count; i++) {
            if (!heads[i].is_loaded) {
                begin_file(load, &heads[i]);
                return kw_load_refuse(load, 1, "it needs a model that needs it in turn; correct its RequiredModel");
            }
        }
        KW_TRY(read_nodes(load, head));
    }
    return KW_GOOD;
}

/* --- NamespaceMetadata -------------------------------------------------------------------------------------------------------------- */

static kw_node_id metadata_id(kw_arena *arena, uint16_t index, const char *fact)
{
    return (kw_node_id){.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_arena_format(arena, "Namespace.%u%s", index, fact)};
}

static const char *const FACTS[] = {".NamespaceUri",      ".NamespaceVersion",         ".NamespacePublicationDate",  ".IsNamespaceSubset",
                                    ".StaticNodeIdTypes", ".StaticNumericNodeIdRange", ".StaticStringNodeIdPattern", ""};

/* The file says it better. */
static kw_status drop_metadata(kw_nodeset_load *load, uint16_t index)
{
    for (size_t i = 0; i < sizeof(FACTS) / sizeof(FACTS[0]); i++) {
        const kw_node_id id = metadata_id(load->kept, index, FACTS[i]);
        const kw_status status = kw_space_remove(load->space, &id);
        KW_TRY(status == KW_BAD_NODE_ID_UNKNOWN ? KW_GOOD : status); /* of a namespace of before */
    }
    load->has_metadata[index] = false;
    return KW_GOOD;
}

static kw_status state_model(kw_nodeset_load *load, const kw_nodeset_model *model, uint16_t index)
{
    const kw_node_id version = metadata_id(load->kept, index, ".NamespaceVersion");
    const kw_node_id published = metadata_id(load->kept, index, ".NamespacePublicationDate");
    const kw_variant text = kw_variant_scalar(KW_BUILTIN_STRING, &model->version);
    kw_date_time time = 0;
    const kw_variant date = kw_variant_scalar(KW_BUILTIN_DATE_TIME, &time);
    if (model->version.len > 0) {
        KW_TRY(kw_space_set_value(load->space, &version, &text));
    }
    return !kw_status_is_bad(kw_date_time_parse(model->published, &time)) ? kw_space_set_value(load->space, &published, &date) : KW_GOOD;
}

static kw_status state_models(kw_nodeset_load *load, const kw_nodeset_head *head)
{
    for (const kw_nodeset_model *m = head->models; m != NULL; m = m->next) {
        const uint16_t index = kw_space_namespace_find(load->space, m->uri);
        if (m->is_required || index == 0 || index == UINT16_MAX) {
            continue;
        }
        KW_TRY(load->has_metadata[index] ? drop_metadata(load, index) : state_model(load, m, index));
    }
    return KW_GOOD;
}

/* --- all of it -------------------------------------------------------------------------------------------------------------------- */

static kw_status load_all(kw_nodeset_load *load, kw_nodeset_head *heads, const kw_nodeset_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        heads[i].file = &files[i];
        KW_TRY(read_head(load, &heads[i]));
    }
    KW_TRY(check_models(load, heads, count));
    KW_TRY(read_in_order(load, heads, count));
    KW_TRY(kw_load_definitions_finish(load));
    for (size_t i = 0; i < count; i++) {
        begin_file(load, &heads[i]);
        const kw_status status = state_models(load, &heads[i]);
        KW_TRY(kw_status_is_bad(status) ? kw_load_fail(load, 1, status) : status);
    }
    return KW_GOOD;
}

kw_status kw_space_load_nodesets(kw_space *space, const kw_nodeset_file *files, size_t count, kw_nodeset_report *report)
{
    *report = (kw_nodeset_report){.nodes = 0};
    if (count > KW_NODESET_FILES_MAX) {
        (void)snprintf(report->error, sizeof(report->error), "more than %u NodeSet2 files", KW_NODESET_FILES_MAX);
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    kw_nodeset_load load = {.space = space, .report = report, .file_name = "", .kept = kw_arena_new(KEPT_MAX), .plans_by_id = kw_map_new()};
    kw_nodeset_head *heads = calloc(count + 1, sizeof(*heads));
    kw_status status = load.kept != NULL && load.plans_by_id != NULL && heads != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    status = kw_status_is_bad(status) ? status : load_all(&load, heads, files, count);
    if (kw_status_is_bad(status) && report->error[0] == '\0') {
        (void)snprintf(report->error, sizeof(report->error), "the NodeSet2 files take more memory than there is");
    }
    free(heads);
    kw_map_free(load.plans_by_id);
    kw_arena_free(load.kept);
    return status;
}
