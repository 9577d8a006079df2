/* Where nodes live: in chunks, found by a hash of their ids, with names that they share. */
#include "base/map.h"
#include "base/try.h"
#include "space/space_internal.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 1024u
#define NODE_CLASS_NONE 0xFFu         /* of what was given back: no node and no id, so that it is not given back again */
#define HANDLES_MAX (UINT32_MAX >> 1) /* a link has room for one bit more */

kw_status kw_text_dup(kw_string from, kw_string *to)
{
    *to = KW_BYTES_NULL;
    if (from.data == NULL) {
        return KW_GOOD;
    }
    uint8_t *copy = malloc(from.len > 0 ? from.len : 1);
    if (copy == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (from.len > 0) {
        memcpy(copy, from.data, from.len);
    }
    *to = (kw_string){copy, from.len};
    return KW_GOOD;
}

static void free_text(kw_string text)
{
    free((void *)(uintptr_t)text.data);
}

/* --- ids -------------------------------------------------------------------------------------------------------------------------- */

static bool has_text(const kw_node_id *id)
{
    return id->kind == KW_NODE_ID_STRING || id->kind == KW_NODE_ID_OPAQUE;
}

static uint64_t hash_of_id(const kw_node_store *store, const kw_node_id *id)
{
    const uint64_t k1 = store->k1 ^ ((uint64_t)id->ns << 8 | id->kind);
    switch (id->kind) {
    case KW_NODE_ID_NUMERIC:
        return kw_keyed_hash(store->k0, k1, (kw_bytes){(const uint8_t *)&id->id.numeric, sizeof(id->id.numeric)});
    case KW_NODE_ID_GUID:
        return kw_keyed_hash(store->k0, k1, (kw_bytes){(const uint8_t *)&id->id.guid, sizeof(id->id.guid)});
    default:
        return kw_keyed_hash(store->k0, k1, id->id.string);
    }
}

static uint64_t hash_of_node(const void *owner, uint32_t handle)
{
    const kw_node_store *store = owner;
    return hash_of_id(store, &kw_nodes_at(store, handle)->id);
}

static bool is_local_node(const void *owner, uint32_t handle, const void *key)
{
    const kw_node *node = kw_nodes_at(owner, handle);
    return (node->flags & NODE_IS_REMOTE) == 0 && kw_node_id_equal(&node->id, key);
}

static bool is_remote_node(const void *owner, uint32_t handle, const void *key)
{
    const kw_node *node = kw_nodes_at(owner, handle);
    const kw_expanded_node_id *id = key;
    return (node->flags & NODE_IS_REMOTE) != 0 && kw_node_id_equal(&node->id, &id->node_id) &&
           node->more->server_index == id->server_index && kw_bytes_equal(node->more->server_uri_namespace, id->namespace_uri);
}

kw_node *kw_nodes_at(const kw_node_store *store, uint32_t handle)
{
    return handle != 0 ? &store->chunks[handle / CHUNK][handle % CHUNK] : NULL;
}

kw_node *kw_nodes_find(const kw_node_store *store, const kw_node_id *id)
{
    return kw_nodes_at(store, kw_handles_find(&store->by_id, hash_of_id(store, id), is_local_node, store, id));
}

/* --- nodes ------------------------------------------------------------------------------------------------------------------------ */

static kw_node *fresh_node(kw_node_store *store)
{
    kw_node *node = kw_nodes_at(store, store->unused);
    if (node != NULL) {
        const uint32_t self = node->self;
        store->unused = node->parent;
        *node = (kw_node){.self = self};
        return node;
    }
    if (store->used == HANDLES_MAX) {
        return NULL;
    }
    const uint32_t handle = store->used + 1;
    if (handle % CHUNK == 0 || store->chunks == NULL) {
        kw_node **chunks = realloc(store->chunks, (handle / CHUNK + 1) * sizeof(kw_node *));
        if (chunks == NULL) {
            return NULL;
        }
        store->chunks = chunks;
        store->chunks[handle / CHUNK] = calloc(CHUNK, sizeof(kw_node));
        if (store->chunks[handle / CHUNK] == NULL) {
            if (handle < CHUNK) { /* the first of all: as if nothing had been tried */
                free(store->chunks);
                store->chunks = NULL;
            }
            return NULL;
        }
    }
    store->used = handle;
    node = kw_nodes_at(store, handle);
    node->self = handle;
    return node;
}

static void give_back(kw_node_store *store, kw_node *node)
{
    const uint32_t self = node->self;
    *node = (kw_node){.self = self, .parent = store->unused, .node_class = NODE_CLASS_NONE};
    store->unused = self;
}

static kw_status take_id(kw_node *node, const kw_node_id *id)
{
    node->id = *id;
    return has_text(id) ? kw_text_dup(id->id.string, &node->id.id.string) : KW_GOOD;
}

static kw_node *new_node(kw_node_store *store, const kw_node_id *id)
{
    kw_node *node = fresh_node(store);
    if (node == NULL) {
        return NULL;
    }
    if (kw_status_is_bad(take_id(node, id)) || kw_status_is_bad(kw_handles_add(&store->by_id, node->self, hash_of_node, store))) {
        if (has_text(&node->id)) {
            free_text(node->id.id.string);
        }
        give_back(store, node);
        return NULL;
    }
    return node;
}

kw_node *kw_nodes_intern(kw_node_store *store, const kw_node_id *id)
{
    kw_node *node = kw_nodes_find(store, id);
    return node != NULL ? node : new_node(store, id);
}

kw_node *kw_nodes_find_remote(const kw_node_store *store, const kw_expanded_node_id *id)
{
    return kw_nodes_at(store, kw_handles_find(&store->by_id, hash_of_id(store, &id->node_id), is_remote_node, store, id));
}

kw_node *kw_nodes_intern_remote(kw_node_store *store, const kw_expanded_node_id *id)
{
    kw_node *known = kw_nodes_find_remote(store, id), *node = known != NULL ? known : new_node(store, &id->node_id);
    if (known != NULL || node == NULL) {
        return node;
    }
    kw_node_more *more = kw_node_more_of(node);
    if (more == NULL || kw_status_is_bad(kw_text_dup(id->namespace_uri, &more->server_uri_namespace))) {
        kw_nodes_tidy(store, node);
        return NULL;
    }
    more->server_index = id->server_index;
    node->flags |= NODE_IS_REMOTE;
    return node;
}

kw_node_more *kw_node_more_of(kw_node *node)
{
    if (node->more == NULL) {
        node->more = calloc(1, sizeof(*node->more));
    }
    return node->more;
}

kw_live_value *kw_node_live_of(kw_node *node)
{
    if (node->live == NULL) {
        node->live = calloc(1, sizeof(*node->live));
    }
    return node->live;
}

static void free_more(kw_node_more *more)
{
    if (more == NULL) {
        return;
    }
    free_text(more->display_name.locale);
    free_text(more->display_name.text);
    free_text(more->description.locale);
    free_text(more->description.text);
    free_text(more->inverse_name.locale);
    free_text(more->inverse_name.text);
    free_text(more->server_uri_namespace);
    free(more->permissions);
    free(more->dimensions);
    free(more->definition);
    free(more);
}

static void drop_name(kw_node_store *store, uint32_t handle);

void kw_nodes_strip(kw_node_store *store, kw_node *node)
{
    drop_name(store, node->name);
    free_more(node->more);
    free(node->live);
    free(node->behind.value);
    node->more = NULL;
    node->live = NULL;
    node->behind.value = NULL;
    node->name = node->data_type = node->parent = 0;
    node->node_class = node->event_notifier = 0;
    node->access_level = 0;
    node->value_rank = 0;
    node->flags &= NODE_HAS_LIST | NODE_IS_KEPT;
}

static bool is_bare(const kw_node *node)
{
    kw_link link;
    size_t cursor = 0;
    return node->node_class == 0 && node->live == NULL && node->behind.value == NULL &&
           (node->more == NULL || (node->flags & NODE_IS_REMOTE) != 0) && (node->flags & NODE_IS_KEPT) == 0 &&
           !kw_links_next(node, &cursor, &link);
}

void kw_nodes_tidy(kw_node_store *store, kw_node *node)
{
    if (!is_bare(node)) {
        return;
    }
    kw_handles_remove(&store->by_id, node->self, hash_of_node, store);
    kw_nodes_strip(store, node);
    kw_links_clear(node);
    if (has_text(&node->id)) {
        free_text(node->id.id.string);
    }
    give_back(store, node);
}

/* --- names ------------------------------------------------------------------------------------------------------------------------ */

static kw_qualified_name name_at(const kw_node_store *store, uint32_t handle)
{
    const kw_shared_name *name = store->names[handle];
    return (kw_qualified_name){name->ns, {name->text, name->len}};
}

static uint64_t hash_of_name(const void *owner, uint32_t handle)
{
    const kw_node_store *store = owner;
    return kw_keyed_hash(store->k0, store->k1, name_at(store, handle).name);
}

static bool is_name(const void *owner, uint32_t handle, const void *key)
{
    const kw_qualified_name name = name_at(owner, handle);
    return kw_qualified_name_equal(&name, key);
}

static kw_status fresh_name(kw_node_store *store, uint32_t *handle)
{
    if (store->names_unused > 0) {
        *handle = store->free_names[--store->names_unused];
        return KW_GOOD;
    }
    if (store->names_used + 1 >= store->names_room) {
        const uint32_t room = store->names_room + store->names_room / 4 + 64;
        kw_shared_name **names = realloc(store->names, room * sizeof(kw_shared_name *));
        if (names == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        store->names = names;
        store->names_room = room;
    }
    *handle = ++store->names_used;
    return KW_GOOD;
}

/* Names that went leave their numbers to those that come; without memory for that the number is lost. */
static void drop_name(kw_node_store *store, uint32_t handle)
{
    if (handle == 0 || --store->names[handle]->users > 0) {
        return;
    }
    kw_handles_remove(&store->by_name, handle, hash_of_name, store);
    free(store->names[handle]);
    store->names[handle] = NULL;
    const uint32_t count = store->names_unused;
    if ((count & (count - 1)) == 0) { /* a power of two: full */
        uint32_t *more = realloc(store->free_names, (count > 0 ? (size_t)count * 2 : 1) * sizeof(*more));
        if (more == NULL) {
            return;
        }
        store->free_names = more;
    }
    store->free_names[store->names_unused++] = handle;
}

static kw_status new_name(kw_node_store *store, const kw_qualified_name *name, uint32_t *out)
{
    KW_TRY(fresh_name(store, out));
    kw_shared_name *made = malloc(sizeof(*made) + name->name.len);
    if (made == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *made = (kw_shared_name){.len = (uint32_t)name->name.len, .ns = name->ns};
    memcpy(made->text, name->name.data, name->name.len);
    store->names[*out] = made;
    return kw_handles_add(&store->by_name, *out, hash_of_name, store);
}

kw_status kw_nodes_name(kw_node_store *store, kw_node *node, const kw_qualified_name *name)
{
    if (name->name.len == 0 || name->name.len > UINT16_MAX) {
        return KW_BAD_BROWSE_NAME_INVALID;
    }
    uint32_t handle = kw_handles_find(&store->by_name, kw_keyed_hash(store->k0, store->k1, name->name), is_name, store, name);
    if (handle == 0) {
        KW_TRY(new_name(store, name, &handle));
    }
    store->names[handle]->users++;
    drop_name(store, node->name);
    node->name = handle;
    return KW_GOOD;
}

kw_qualified_name kw_nodes_name_of(const kw_node_store *store, const kw_node *node)
{
    return node->name != 0 ? name_at(store, node->name) : (kw_qualified_name){0, KW_BYTES_NULL};
}

/* --- life ------------------------------------------------------------------------------------------------------------------------- */

kw_status kw_nodes_open(kw_node_store *store)
{
    uint64_t seed[2];
    KW_TRY(kw_random_fill(&KW_RANDOM_SYSTEM, (uint8_t *)seed, sizeof(seed)));
    store->k0 = seed[0];
    store->k1 = seed[1];
    return KW_GOOD;
}

static void clear_node(kw_node *node)
{
    free_more(node->more);
    free(node->live);
    free(node->behind.value);
    kw_links_clear(node);
    if (has_text(&node->id)) {
        free_text(node->id.id.string);
    }
}

void kw_nodes_close(kw_node_store *store)
{
    for (uint32_t handle = 1; handle <= store->used; handle++) {
        clear_node(kw_nodes_at(store, handle));
    }
    for (uint32_t i = 0; store->chunks != NULL && i <= store->used / CHUNK; i++) {
        free(store->chunks[i]);
    }
    for (uint32_t i = 1; i <= store->names_used; i++) {
        free(store->names[i]);
    }
    free(store->chunks);
    free(store->names);
    free(store->free_names);
    kw_handles_clear(&store->by_id);
    kw_handles_clear(&store->by_name);
}
