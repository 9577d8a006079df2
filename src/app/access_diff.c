#include "app/access_diff.h"

#include "app/access_rules.h"
#include "app/output.h"
#include "base/map.h"
#include "ua/text.h"

#include <keyway/node_ids.h>

#include <stdio.h>
#include <stdlib.h>

#define KEY_MAX 4200

typedef struct comparison {
    const kw_directory *d;
    kw_access_view before, after;
    kw_role *roles;
    size_t role_count;
    kw_map *seen; /* NodeIds */
    kw_node_id *queue;
    size_t queued, room;
    json_t *changes; /* NULL: they are printed */
    size_t count;
} comparison;

/* --- all nodes --------------------------------------------------------------------------------------------------------------------------- */

static kw_status enqueue(comparison *c, const kw_node_id *id)
{
    uint8_t buffer[KEY_MAX];
    void *former = NULL;
    const kw_bytes key = kw_node_id_key(id, buffer, sizeof(buffer), NULL);
    if (key.data == NULL || kw_map_get(c->seen, key) != NULL) {
        return KW_GOOD;
    }
    if (c->queued == c->room) {
        const size_t room = c->room > 0 ? 2 * c->room : 1024;
        kw_node_id *queue = realloc(c->queue, room * sizeof(*queue));
        if (queue == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        c->queue = queue;
        c->room = room;
    }
    c->queue[c->queued++] = *id;
    return kw_map_put(c->seen, key, c, &former);
}

static kw_status collect(comparison *c)
{
    static const kw_node_id ROOT = {.id.numeric = KW_ID_ROOT_FOLDER}, HIERARCHICAL = {.id.numeric = KW_ID_HIERARCHICAL_REFERENCES};
    kw_status status = enqueue(c, &ROOT);
    for (size_t i = 0; i < c->queued && !kw_status_is_bad(status); i++) {
        kw_node_ref node;
        kw_reference_view r;
        if (!kw_space_find(c->after.space, &c->queue[i], &node)) {
            continue;
        }
        for (size_t cursor = 0; !kw_status_is_bad(status) && kw_space_next_reference(c->after.space, &node, &cursor, &r);) {
            if (r.is_forward && kw_space_is_subtype(c->after.space, &r.type, &HIERARCHICAL)) {
                status = enqueue(c, &r.target);
            }
        }
    }
    return status;
}

/* --- one node ----------------------------------------------------------------------------------------------------------------------------- */

static uint32_t rights_of(const kw_space *space, const kw_node_ref *node, uint16_t ns, uint32_t id)
{
    const kw_granted_role roles[] = {{0, KW_ID_WELL_KNOWN_ROLE_ANONYMOUS, KW_BYTES_NULL}, {ns, id, KW_BYTES_NULL}};
    const kw_identity who = {.roles = roles, .role_count = 2}; /* everybody is Anonymous, too */
    const kw_access access = {.identity = &who};
    return kw_node_permissions(space, &access, node);
}

static void tell_role(comparison *c, const char *node, kw_string role, uint32_t before, uint32_t after)
{
    json_t *gained = json_array(), *lost = json_array();
    const kw_string name = kw_escaped(c->d->arena, role);
    if (c->changes == NULL) {
        printf("%s %.*s", node, KW_STRING_ARGS(name));
    }
    for (uint32_t bit = 1; bit < KW_PERMISSION_ALL; bit <<= 1) {
        if (((before ^ after) & bit) == 0) {
            continue;
        }
        json_array_append_new((after & bit) != 0 ? gained : lost, json_string(kw_permission_name(bit)));
        if (c->changes == NULL) {
            printf(" %c%s", (after & bit) != 0 ? '+' : '-', kw_permission_name(bit));
        }
    }
    c->count++;
    if (c->changes != NULL) {
        json_array_append_new(c->changes, json_pack("{s:s,s:o,s:o,s:o}", "node", node, "role", kw_json_string(name), "gained",
                                                    json_incref(gained), "lost", json_incref(lost)));
    } else {
        putchar('\n');
    }
    json_decref(gained);
    json_decref(lost);
}

static void compare_node(comparison *c, const kw_node_id *id)
{
    kw_node_ref before, after;
    if (!kw_space_find(c->before.space, id, &before) || !kw_space_find(c->after.space, id, &after)) {
        return;
    }
    const kw_string text = kw_escaped(c->d->arena, kw_node_id_format(c->d->arena, id));
    const char *node = kw_arena_cstring(c->d->arena, text);
    for (size_t i = 0; i < c->role_count; i++) {
        const kw_role *role = &c->roles[i];
        const uint16_t ns = role->namespace_uri.len > 0 ? kw_space_namespace_find(c->after.space, role->namespace_uri) : 0;
        const uint32_t was = rights_of(c->before.space, &before, ns, role->node_id),
                       is = rights_of(c->after.space, &after, ns, role->node_id);
        if (was != is) {
            tell_role(c, node, role->name, was, is);
        }
    }
    const unsigned was = kw_node_restriction_source(c->before.space, &before).restrictions;
    const unsigned is = kw_node_restriction_source(c->after.space, &after).restrictions;
    if (was == is) {
        return;
    }
    c->count++;
    if (c->changes != NULL) {
        json_array_append_new(c->changes, json_pack("{s:s,s:i,s:i}", "node", node, "restrictionsBefore", was, "restrictionsAfter", is));
    } else {
        printf("%s AccessRestrictions 0x%x instead of 0x%x\n", node, is, was);
    }
}

/* --- all of it ------------------------------------------------------------------------------------------------------------------------------ */

static int compare(comparison *c, const char *file, const kw_config *config)
{
    int code = kw_access_view_open(c->d->config_file, c->d->config, c->d->store, &c->before);
    code = code < 0 ? kw_access_view_open(file, config, c->d->store, &c->after) : code;
    if (code >= 0) {
        return code;
    }
    kw_status status = kw_store_role_list(c->d->store, c->d->arena, &c->roles, &c->role_count);
    status = kw_status_is_bad(status) ? status : collect(c);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the rules cannot be compared");
    }
    for (size_t i = 0; i < c->queued; i++) {
        compare_node(c, &c->queue[i]);
    }
    if (c->changes != NULL) {
        return kw_print_json(json_incref(c->changes));
    }
    if (c->count == 0) {
        printf("nothing would change\n");
    }
    return KW_EXIT_DONE;
}

int kw_access_diff(const kw_directory *d, const char *file, bool json)
{
    comparison c = {.d = d, .seen = kw_map_new(), .changes = json ? json_array() : NULL};
    kw_config *config = kw_config_load(file);
    int code = KW_EXIT_USAGE;
    if (config != NULL) {
        code = c.seen != NULL ? compare(&c, file, config) : kw_fail(KW_BAD_OUT_OF_MEMORY, "out of memory");
        kw_config_free(config);
    }
    kw_access_view_close(&c.before);
    kw_access_view_close(&c.after);
    kw_map_free(c.seen);
    free(c.queue);
    json_decref(c.changes);
    return code;
}
