#include "base/try.h"
#include "space/locale.h"
#include "space/space_internal.h"
#include "ua/text.h"

#include <keyway/node_ids.h>

#include <stdlib.h>

#define UNIX_2000 INT64_C(946684800)
#define SPACE_ARENA ((size_t)4 << 30)
#define GDS_DIRECTORY 141

/* --- namespaces ----------------------------------------------------------------------------------------------------------- */

uint16_t kw_space_namespace_find(const kw_space *space, kw_string uri)
{
    for (size_t i = 0; i < space->namespace_count; i++) {
        if (kw_bytes_equal(space->namespaces[i], uri)) {
            return (uint16_t)i;
        }
    }
    return UINT16_MAX;
}

const kw_string *kw_space_namespaces(const kw_space *space, size_t *count)
{
    *count = space->namespace_count;
    return space->namespaces;
}

/* Seconds since 2000. OPC 10000-4, 7.44. */
static uint32_t version_time(kw_date_time time)
{
    return (uint32_t)(kw_datetime_to_unix(time) - UNIX_2000);
}

static kw_status append_namespace(kw_space *space, kw_string uri, uint16_t *index)
{
    if (space->namespace_count == KW_NAMESPACES_MAX) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    const kw_string copy = kw_arena_copy(space->arena, uri);
    if (copy.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *index = (uint16_t)space->namespace_count;
    space->namespaces[space->namespace_count++] = copy;
    const uint32_t now = version_time(kw_clock_utc(space->clock));
    space->uris_version = now > space->uris_version ? now : space->uris_version + 1;
    return KW_GOOD;
}

uint32_t kw_space_uris_version(const kw_space *space)
{
    return space->uris_version;
}

kw_status kw_space_namespace_add(kw_space *space, kw_string uri, uint16_t *index)
{
    *index = kw_space_namespace_find(space, uri);
    if (*index != UINT16_MAX) {
        return KW_GOOD;
    }
    KW_TRY(append_namespace(space, uri, index));
    return kw_space_add_metadata(space, *index);
}

/* --- instances of the GDS model that are not ours --------------------------------------------------------------------------- */

static bool is_part(uint16_t type)
{
    return type == KW_ID_HAS_COMPONENT || type == KW_ID_HAS_PROPERTY || type == KW_ID_ORGANIZES;
}

/* The Directory (discovery and certificates) is another service; it and what belongs to it is left out. */
static void hide(kw_space *space, uint32_t id)
{
    const kw_nodeset *set = &kw_nodesets[KW_MODEL_GDS];
    const kw_nodeset_node *node = kw_nodeset_find(KW_MODEL_GDS, id);
    if (node == NULL || space->hidden[node - set->nodes]) {
        return;
    }
    space->hidden[node - set->nodes] = 1;
    const kw_nodeset_reference *references = kw_nodeset_references(KW_MODEL_GDS, node);
    for (uint32_t i = 0; i < node->reference_count; i++) {
        if (references[i].is_forward && references[i].target_model == KW_MODEL_GDS && is_part(references[i].type)) {
            hide(space, references[i].target);
        }
    }
}

static kw_status set_up_gds(kw_space *space)
{
    space->hidden = calloc(kw_nodesets[KW_MODEL_GDS].node_count, 1);
    if (space->hidden == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    hide(space, GDS_DIRECTORY);
    return append_namespace(space, KW_STRING(KW_GDS_NAMESPACE_URI), &space->gds);
}

/* --- life -------------------------------------------------------------------------------------------------------------------- */

static kw_status set_up(kw_space *space, const kw_space_config *config)
{
    uint16_t index;
    space->arena = kw_arena_new(SPACE_ARENA);
    if (space->arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_nodes_open(&space->store));
    KW_TRY(kw_space_add_words(space));
    KW_TRY(append_namespace(space, KW_STRING("http://opcfoundation.org/UA/"), &index));
    KW_TRY(append_namespace(space, config->application_uri, &index));
    if (config->with_gds) {
        KW_TRY(set_up_gds(space));
    }
    space->with_gds = config->with_gds;
    for (size_t i = 1; i < space->namespace_count; i++) {
        KW_TRY(kw_space_add_metadata(space, (uint16_t)i));
    }
    return kw_space_bind_server_object(space);
}

kw_status kw_space_new(const kw_space_config *config, kw_space **out)
{
    kw_space *space = calloc(1, sizeof(*space));
    if (space == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    space->clock = config->clock;
    space->random = config->random != NULL ? config->random : &KW_RANDOM_SYSTEM;
    space->started = kw_clock_utc(config->clock);
    space->model_version = (uint64_t)space->started; /* none comes twice */
    space->info.state = KW_SERVER_STATE_RUNNING;
    const kw_status status = set_up(space, config);
    if (kw_status_is_bad(status)) {
        kw_space_free(space);
        return status;
    }
    *out = space;
    return KW_GOOD;
}

void kw_space_free(kw_space *space)
{
    if (space == NULL) {
        return;
    }
    kw_nodes_close(&space->store);
    kw_map_free(space->dictionary);
    kw_rights_clear(space);
    kw_arena_free(space->arena);
    free(space->hidden);
    free(space);
}

/* --- finding ------------------------------------------------------------------------------------------------------------------- */

static const kw_nodeset_node *table_node(const kw_space *space, const kw_node_id *id, uint8_t *model)
{
    if (id->kind != KW_NODE_ID_NUMERIC) {
        return NULL;
    }
    if (id->ns == 0) {
        *model = KW_MODEL_CORE;
        return kw_nodeset_find(KW_MODEL_CORE, id->id.numeric);
    }
    if (!space->with_gds || id->ns != space->gds) {
        return NULL;
    }
    *model = KW_MODEL_GDS;
    const kw_nodeset_node *node = kw_nodeset_find(KW_MODEL_GDS, id->id.numeric);
    return node != NULL && !space->hidden[node - kw_nodesets[KW_MODEL_GDS].nodes] ? node : NULL;
}

bool kw_space_find(const kw_space *space, const kw_node_id *id, kw_node_ref *out)
{
    *out = (kw_node_ref){.id = *id};
    out->table = table_node(space, id, &out->model);
    const kw_node *own = kw_nodes_find(&space->store, id);
    if (own != NULL && (out->table != NULL || own->node_class != 0)) {
        out->own = own;
        out->id = own->id; /* in memory that stays */
        return true;
    }
    return out->table != NULL || kw_instance_find(space, id, out);
}

kw_node *kw_space_own(kw_space *space, const kw_node_id *id)
{
    kw_node_ref ref;
    if (!kw_space_find(space, id, &ref) || ref.instances != NULL) {
        return NULL;
    }
    return kw_nodes_intern(&space->store, id);
}

/* --- references ------------------------------------------------------------------------------------------------------------------ */

static void view_of(const kw_space *space, const kw_nodeset_reference *r, kw_reference_view *out)
{
    *out = (kw_reference_view){.type = KW_NODE_ID(0, r->type),
                               .target = KW_NODE_ID(r->target_model == KW_MODEL_GDS ? space->gds : 0, r->target),
                               .is_forward = r->is_forward};
}

/* Of the tables; false: `i` is past them. */
static bool table_reference(const kw_space *space, const kw_node_ref *node, size_t *i, kw_reference_view *out)
{
    if (node->table == NULL) {
        return false;
    }
    if (*i < node->table->reference_count) {
        view_of(space, &kw_nodeset_references(node->model, node->table)[*i], out);
        return true;
    }
    *i -= node->table->reference_count;
    size_t added = 0;
    const kw_nodeset_reference *additions =
        space->with_gds && node->model == KW_MODEL_CORE ? kw_nodeset_added_references(KW_MODEL_GDS, node->table->id, &added) : NULL;
    if (*i < added) {
        view_of(space, &additions[*i], out);
        return true;
    }
    *i -= added;
    return false;
}

static void view_link(const kw_space *space, kw_link link, kw_reference_view *out)
{
    const kw_node *target = kw_nodes_at(&space->store, link.target);
    *out = (kw_reference_view){.type = kw_nodes_at(&space->store, link.type >> 1)->id,
                               .target = target->id,
                               .is_forward = (link.type & 1u) != 0,
                               .is_remote = (target->flags & NODE_IS_REMOTE) != 0};
    if (out->is_remote) {
        out->namespace_uri = target->more->server_uri_namespace;
        out->server_index = target->more->server_index;
    }
}

/* A cursor with this bit counts the instances below the node, which come last and do not know how many references come before them. */
#define AMONG_INSTANCES (SIZE_MAX / 2 + 1)

static bool next_instance(const kw_space *space, const kw_node_ref *node, size_t *cursor, kw_reference_view *out)
{
    size_t i = *cursor & ~AMONG_INSTANCES;
    const bool is_there = kw_instance_next_below(space, node, &i, out);
    *cursor = AMONG_INSTANCES | i;
    return is_there;
}

bool kw_space_next_link(const kw_space *space, const kw_node_ref *node, size_t *cursor, kw_reference_view *out)
{
    if (node->instances != NULL) {
        return kw_instance_next_reference(node, cursor, out);
    }
    if ((*cursor & AMONG_INSTANCES) != 0) {
        return next_instance(space, node, cursor, out);
    }
    size_t i = *cursor;
    if (table_reference(space, node, &i, out)) {
        ++*cursor;
        return true;
    }
    kw_link link;
    const size_t before = *cursor - i;
    if (node->own != NULL && kw_links_next(node->own, &i, &link)) {
        *cursor = before + i;
        view_link(space, link, out);
        return true;
    }
    *cursor = AMONG_INSTANCES;
    return next_instance(space, node, cursor, out);
}

bool kw_space_next_reference(const kw_space *space, const kw_node_ref *node, size_t *cursor, kw_reference_view *out)
{
    while (kw_space_next_link(space, node, cursor, out)) {
        if (!out->is_remote) {
            return true;
        }
    }
    return false;
}

bool kw_space_target(const kw_space *space, const kw_node_ref *node, uint32_t type, bool is_forward, kw_node_id *out)
{
    kw_reference_view r;
    for (size_t cursor = 0; kw_space_next_reference(space, node, &cursor, &r);) {
        if (r.is_forward == is_forward && r.type.ns == 0 && r.type.kind == KW_NODE_ID_NUMERIC && r.type.id.numeric == type) {
            *out = r.target;
            return true;
        }
    }
    return false;
}

#define TYPE_DEPTH_MAX 64 /* no hierarchy is that deep; a cycle would be */

bool kw_space_is_subtype(const kw_space *space, const kw_node_id *type, const kw_node_id *base)
{
    kw_node_id current = *type;
    for (int depth = 0; depth < TYPE_DEPTH_MAX; depth++) {
        kw_node_ref ref;
        if (kw_node_id_equal(&current, base)) {
            return true;
        }
        if (!kw_space_find(space, &current, &ref) || !kw_space_target(space, &ref, KW_ID_HAS_SUBTYPE, false, &current)) {
            return false;
        }
    }
    return false;
}

/* --- what every node has --------------------------------------------------------------------------------------------------------- */

uint8_t kw_node_class_of(const kw_node_ref *node)
{
    return node->table != NULL ? node->table->node_class : node->own->node_class;
}

kw_qualified_name kw_node_browse_name(const kw_space *space, const kw_node_ref *node)
{
    if (node->instances != NULL && node->part == 0) {
        return (kw_qualified_name){1, kw_instance_name(node)};
    }
    if (node->table == NULL) {
        return kw_nodes_name_of(&space->store, node->own);
    }
    return (kw_qualified_name){node->table->browse_name_model == KW_MODEL_GDS ? space->gds : 0, kw_nodeset_text(node->table->browse_name)};
}

kw_localized_text kw_node_display_name(const kw_space *space, const kw_node_ref *node)
{
    if (node->instances != NULL && node->part == 0) {
        return (kw_localized_text){KW_BYTES_NULL, kw_instance_name(node)};
    }
    if (node->table == NULL) {
        const kw_node_more *more = node->own->more;
        return more != NULL && more->display_name.text.data != NULL
                   ? more->display_name
                   : (kw_localized_text){KW_BYTES_NULL, kw_nodes_name_of(&space->store, node->own).name};
    }
    return (kw_localized_text){KW_STRING(KW_LOCALE_OWN), kw_nodeset_text(node->table->display_name)};
}
