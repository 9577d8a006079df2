#include "space/rights.h"

#include "base/try.h"
#include "space/space_internal.h"
#include "ua/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEY_MAX 512

/* --- what is laid over one node -------------------------------------------------------------------------------------------------- */

static kw_laid_rights *copy_rights(const kw_rights *rights)
{
    kw_laid_rights *copy = calloc(1, sizeof(*copy) + rights->permission_count * sizeof(kw_node_permission));
    if (copy == NULL) {
        return NULL;
    }
    copy->has_permissions = rights->has_permissions;
    copy->has_restrictions = rights->has_restrictions;
    copy->restrictions = rights->restrictions;
    copy->count = rights->permission_count;
    for (size_t i = 0; i < rights->permission_count; i++) {
        copy->rows[i] = rights->permissions[i];
    }
    return copy;
}

static void free_values(kw_map *map)
{
    size_t cursor = 0;
    void *laid;
    while (map != NULL && kw_map_next(map, &cursor, NULL, &laid)) {
        free(laid);
    }
    kw_map_free(map);
}

static void clear_set(kw_rights_set *set)
{
    free_values(set->nodes);
    for (size_t i = 0; i < KW_NAMESPACES_MAX; i++) {
        free(set->defaults[i]);
    }
    *set = (kw_rights_set){.nodes = NULL};
}

void kw_rights_clear(kw_space *space)
{
    clear_set(&space->configured);
    free_values(space->written);
}

static const kw_laid_rights *get(const kw_map *map, const kw_node_id *id)
{
    uint8_t buffer[KEY_MAX];
    if (map == NULL || kw_map_count(map) == 0) {
        return NULL;
    }
    const kw_bytes key = kw_node_id_key(id, buffer, sizeof(buffer), NULL);
    return key.data != NULL ? kw_map_get(map, key) : NULL;
}

const kw_laid_rights *kw_rights_written(const kw_space *space, const kw_node_id *id)
{
    return get(space->written, id);
}

const kw_laid_rights *kw_rights_configured(const kw_space *space, const kw_node_id *id)
{
    return get(space->configured.nodes, id);
}

/* Takes *laid, also when it fails. */
static kw_status put(kw_map *map, const kw_node_id *id, kw_laid_rights *laid)
{
    uint8_t buffer[KEY_MAX];
    void *former = NULL;
    const kw_bytes key = kw_node_id_key(id, buffer, sizeof(buffer), NULL);
    const kw_status status = key.data != NULL ? kw_map_put(map, key, laid, &former) : KW_BAD_NODE_ID_INVALID;
    free(kw_status_is_bad(status) ? (void *)laid : former);
    return status;
}

/* --- changing it -------------------------------------------------------------------------------------------------------------------- */

kw_status kw_space_watch_rights(kw_space *space, void (*changed)(void *ctx), void *ctx)
{
    if (space->rights_listener_count == KW_RIGHTS_LISTENERS_MAX) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    space->rights_listeners[space->rights_listener_count++] = (kw_rights_listener){changed, ctx};
    return KW_GOOD;
}

void kw_space_unwatch_rights(kw_space *space, void (*changed)(void *ctx), void *ctx)
{
    size_t kept = 0;
    for (size_t i = 0; i < space->rights_listener_count; i++) {
        if (space->rights_listeners[i].changed != changed || space->rights_listeners[i].ctx != ctx) {
            space->rights_listeners[kept++] = space->rights_listeners[i];
        }
    }
    space->rights_listener_count = kept;
}

static void tell(const kw_space *space)
{
    for (size_t i = 0; i < space->rights_listener_count; i++) {
        space->rights_listeners[i].changed(space->rights_listeners[i].ctx);
    }
}

static kw_status add_rule(const kw_space *space, kw_rights_set *set, const kw_rights_rule *rule)
{
    kw_node_ref node;
    const bool is_there =
        rule->is_namespace ? rule->id.ns < space->namespace_count : kw_space_find(space, &rule->id, &node) && node.instances == NULL;
    if (!is_there) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    kw_laid_rights *laid = copy_rights(&rule->rights);
    if (laid == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (!rule->is_namespace) {
        return put(set->nodes, &rule->id, laid);
    }
    free(set->defaults[rule->id.ns]);
    set->defaults[rule->id.ns] = laid;
    return KW_GOOD;
}

void kw_rights_forget_written(kw_space *space, const kw_node_id *id)
{
    uint8_t buffer[KEY_MAX];
    const kw_bytes key = kw_node_id_key(id, buffer, sizeof(buffer), NULL);
    free(space->written != NULL && key.data != NULL ? kw_map_remove(space->written, key) : NULL);
}

kw_status kw_space_configure_rights(kw_space *space, const kw_rights_rule *rules, size_t count, size_t *wrong)
{
    kw_rights_set set = {.nodes = kw_map_new()};
    kw_status status = set.nodes != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    for (size_t i = 0; i < count && !kw_status_is_bad(status); i++) {
        status = add_rule(space, &set, &rules[i]);
        *wrong = i;
    }
    if (kw_status_is_bad(status)) {
        clear_set(&set);
        return status;
    }
    clear_set(&space->configured);
    space->configured = set;
    for (size_t i = 0; i < count; i++) {
        if (!rules[i].is_namespace) {
            kw_rights_forget_written(space, &rules[i].id);
        }
    }
    tell(space);
    return KW_GOOD;
}

kw_status kw_space_write_rights(kw_space *space, const kw_node_id *id, const kw_rights *rights)
{
    const kw_laid_rights *former = kw_rights_written(space, id);
    kw_rights both = *rights;
    if (space->written == NULL && (space->written = kw_map_new()) == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (former != NULL && !both.has_permissions) {
        both.has_permissions = former->has_permissions;
        both.permissions = former->rows;
        both.permission_count = former->count;
    }
    if (former != NULL && !both.has_restrictions) {
        both.has_restrictions = former->has_restrictions;
        both.restrictions = former->restrictions;
    }
    kw_laid_rights *laid = copy_rights(&both);
    if (laid == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(put(space->written, id, laid));
    tell(space);
    return KW_GOOD;
}

/* --- names --------------------------------------------------------------------------------------------------------------------------- */

static const char *const PERMISSIONS[] = {
    "Browse", "ReadRolePermissions", "WriteAttribute",  "WriteRolePermissions", "WriteHistorizing", "Read",
    "Write",  "ReadHistory",         "InsertHistory",   "ModifyHistory",        "DeleteHistory",    "ReceiveEvents",
    "Call",   "AddReference",        "RemoveReference", "DeleteNode",           "AddNode"};

#define PERMISSION_COUNT (sizeof(PERMISSIONS) / sizeof(PERMISSIONS[0]))

const char *kw_permission_name(uint32_t bit)
{
    for (size_t i = 0; i < PERMISSION_COUNT; i++) {
        if (bit == 1u << i) {
            return PERMISSIONS[i];
        }
    }
    return NULL;
}

uint32_t kw_permission_by_name(kw_string name)
{
    for (size_t i = 0; i < PERMISSION_COUNT; i++) {
        if (name.len == strlen(PERMISSIONS[i]) && strncasecmp((const char *)name.data, PERMISSIONS[i], name.len) == 0) {
            return 1u << i;
        }
    }
    return 0;
}

const char *kw_rights_source_name(kw_rights_source source)
{
    static const char *const NAMES[] = {[KW_RIGHTS_OF_NODE] = "the node itself",
                                        [KW_RIGHTS_CONFIGURED] = "a rule of the configuration",
                                        [KW_RIGHTS_WRITTEN] = "a Write of the attribute",
                                        [KW_RIGHTS_OF_NAMESPACE] = "the default of the namespace",
                                        [KW_RIGHTS_BUILT_IN] = "what holds where nobody said anything"};
    return NAMES[source];
}
