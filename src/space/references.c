/* References of the application, and what becomes of them when a node goes. */
#include "base/try.h"
#include "space/space_internal.h"

#include <keyway/node_ids.h>

#include <stdlib.h>
#include <string.h>

/* Types do not list their instances: there may be a million of them. */
static bool is_one_way(const kw_node_id *type)
{
    return kw_node_id_equal(type, &KW_NODE_ID(0, KW_ID_HAS_TYPE_DEFINITION));
}

static kw_link link_to(const kw_node *type, bool is_forward, const kw_node *target)
{
    return (kw_link){target->self, type->self << 1 | (is_forward ? 1u : 0u)};
}

kw_status kw_space_join(kw_space *space, kw_node *source, const kw_node_id *type_id, kw_node *target)
{
    kw_node *type = kw_nodes_intern(&space->store, type_id);
    if (source == NULL || target == NULL || type == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    type->flags |= NODE_IS_KEPT;
    KW_TRY(kw_links_add(source, link_to(type, true, target)));
    if (is_one_way(type_id)) {
        target->flags |= NODE_IS_KEPT;
        return KW_GOOD;
    }
    const kw_status status = kw_links_add(target, link_to(type, false, source));
    if (kw_status_is_bad(status)) {
        (void)kw_links_remove(source, link_to(type, true, target));
    }
    return status;
}

kw_status kw_space_join_new(kw_space *space, kw_node *parent, const kw_node_id *type_id, kw_node *node)
{
    const kw_node *type = kw_nodes_intern(&space->store, type_id);
    if (parent == NULL || type == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (kw_links_have(node, link_to(type, false, parent))) { /* it came before the node */
        return KW_GOOD;
    }
    if ((node->flags & NODE_IS_KEPT) != 0) { /* half of it may have stayed when a node of this id went */
        (void)kw_links_remove(parent, link_to(type, true, node));
    }
    return kw_space_join(space, parent, type_id, node);
}

/* --- is it there? ------------------------------------------------------------------------------------------------------------------ */

static bool tables_have(const kw_space *space, const kw_node_id *source, const kw_node_id *type, const kw_node_id *target)
{
    kw_node_ref from;
    kw_reference_view r;
    if (!kw_space_find(space, source, &from) || from.table == NULL) {
        return false;
    }
    from.own = NULL;
    for (size_t cursor = 0; kw_space_next_reference(space, &from, &cursor, &r);) {
        if (r.is_forward && kw_node_id_equal(&r.type, type) && kw_node_id_equal(&r.target, target)) {
            return true;
        }
    }
    return false;
}

/* Looked for where there is less to look through. */
static bool are_joined(const kw_node *source, const kw_node *type, const kw_node *target)
{
    if (is_one_way(&type->id) || kw_links_most(source) <= kw_links_most(target)) {
        return kw_links_have(source, link_to(type, true, target));
    }
    return kw_links_have(target, link_to(type, false, source));
}

/* --- adding ------------------------------------------------------------------------------------------------------------------------ */

kw_status kw_space_add_reference(kw_space *space, const kw_node_id *source, const kw_node_id *type, const kw_node_id *target)
{
    kw_node *from = kw_nodes_intern(&space->store, source), *to = kw_nodes_intern(&space->store, target);
    kw_node *kind = kw_nodes_intern(&space->store, type);
    if (from == NULL || to == NULL || kind == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    return are_joined(from, kind, to) || tables_have(space, source, type, target) ? KW_BAD_DUPLICATE_REFERENCE_NOT_ALLOWED
                                                                                  : kw_space_join(space, from, type, to);
}

kw_status kw_space_add_remote_reference(kw_space *space, const kw_node_id *source, const kw_node_id *type, bool is_forward,
                                        const kw_expanded_node_id *target)
{
    kw_node *from = kw_nodes_intern(&space->store, source), *kind = kw_nodes_intern(&space->store, type);
    kw_node *to = kw_nodes_intern_remote(&space->store, target);
    if (from == NULL || kind == NULL || to == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (kw_links_have(from, link_to(kind, is_forward, to))) {
        return KW_BAD_DUPLICATE_REFERENCE_NOT_ALLOWED;
    }
    kind->flags |= NODE_IS_KEPT;
    KW_TRY(kw_links_add(from, link_to(kind, is_forward, to)));
    const kw_status status = kw_links_add(to, link_to(kind, !is_forward, from)); /* so that it goes when nothing refers to it */
    if (kw_status_is_bad(status)) {
        (void)kw_links_remove(from, link_to(kind, is_forward, to));
    }
    return status;
}

/* --- removing ---------------------------------------------------------------------------------------------------------------------- */

static bool is_remote(const kw_expanded_node_id *id)
{
    return id->server_index != 0 || id->namespace_uri.len > 0;
}

static kw_status hand_permissions_down(kw_node_more *child, const kw_permission_list *list)
{
    const size_t count = list->count > 0 ? list->count : 1;
    kw_node_permission *permissions = malloc(count * sizeof(*permissions));
    if (permissions == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    permissions[0] = (kw_node_permission){0, KW_ID_WELL_KNOWN_ROLE_ANONYMOUS, 0}; /* an empty list here would be one that is inherited */
    for (size_t i = 0; i < list->count; i++) {
        permissions[i] = kw_permission_row(list, i);
    }
    free(child->permissions);
    child->permissions = permissions;
    child->permission_count = (uint32_t)count;
    return KW_GOOD;
}

/* What inherited from it has the same rights as before: nobody gains any because a node went. */
static kw_status hand_down(kw_space *space, kw_node *child, const kw_node *parent)
{
    const kw_node_ref ref = {.id = parent->id, .own = parent};
    const kw_restriction_source restrictions = kw_node_restriction_source(space, &ref);
    kw_permission_list list;
    kw_node_permission_list(space, &ref, &list);
    const bool is_restricted = restrictions.restrictions != 0 && restrictions.source != KW_RIGHTS_OF_NAMESPACE;
    const bool is_said = list.source != KW_RIGHTS_OF_NAMESPACE && list.source != KW_RIGHTS_BUILT_IN;
    kw_node_more *more = is_restricted || is_said ? kw_node_more_of(child) : NULL;
    if (more == NULL) {
        return is_restricted || is_said ? KW_BAD_OUT_OF_MEMORY : KW_GOOD;
    }
    if (is_restricted && more->restrictions == 0) {
        more->restrictions = restrictions.restrictions;
    }
    return is_said && more->permission_count == 0 ? hand_permissions_down(more, &list) : KW_GOOD;
}

static kw_status let_go(kw_space *space, const kw_node *parent, kw_node *child)
{
    if (child->parent == parent->self) {
        KW_TRY(hand_down(space, child, parent));
        child->parent = 0;
    }
    return KW_GOOD;
}

static kw_status release_children(kw_space *space, const kw_node *node)
{
    kw_link link;
    for (size_t cursor = 0; kw_links_next(node, &cursor, &link);) {
        KW_TRY(let_go(space, node, kw_nodes_at(&space->store, link.target)));
    }
    return KW_GOOD;
}

static bool is_last_to(const kw_node *node, kw_link going)
{
    kw_link link;
    for (size_t cursor = 0; kw_links_next(node, &cursor, &link);) {
        if (link.target == going.target && link.type != going.type) {
            return false;
        }
    }
    return true;
}

/* Children are found by the links of their parent: with the last of these to one of them it stops being one. */
static kw_status release_by_link(kw_space *space, const kw_node *node, kw_link going)
{
    kw_node *other = kw_nodes_at(&space->store, going.target);
    return other->parent == node->self && is_last_to(node, going) ? let_go(space, node, other) : KW_GOOD;
}

kw_status kw_space_remove_reference(kw_space *space, const kw_node_id *source, const kw_node_id *type, bool is_forward,
                                    const kw_expanded_node_id *target, bool both_ends)
{
    kw_node *from = kw_nodes_find(&space->store, source);
    kw_node *to = is_remote(target) ? kw_nodes_find_remote(&space->store, target) : kw_nodes_find(&space->store, &target->node_id);
    const kw_node *kind = kw_nodes_find(&space->store, type);
    if (from == NULL || to == NULL || kind == NULL || !kw_links_have(from, link_to(kind, is_forward, to))) {
        return KW_BAD_NOT_FOUND;
    }
    const kw_link here = link_to(kind, is_forward, to), there = link_to(kind, !is_forward, from);
    KW_TRY(release_by_link(space, from, here));
    if (both_ends || is_remote(target)) {
        KW_TRY(release_by_link(space, to, there));
        (void)kw_links_remove(to, there);
    } else if (kw_links_have(to, there)) {
        from->flags |= NODE_IS_KEPT; /* it is still named there, and nothing here tells */
    }
    (void)kw_links_remove(from, here);
    kw_nodes_tidy(&space->store, to);
    kw_nodes_tidy(&space->store, from);
    return KW_GOOD;
}

/* Its references go; those of others to it stay where `others` is false. */
static void drop_links(kw_space *space, kw_node *node, bool others)
{
    kw_link link;
    for (size_t cursor = 0; kw_links_next(node, &cursor, &link);) {
        kw_node *other = kw_nodes_at(&space->store, link.target);
        if (others || (other->flags & NODE_IS_REMOTE) != 0) {
            (void)kw_links_remove(other, (kw_link){node->self, link.type ^ 1u});
            kw_nodes_tidy(&space->store, other);
        } else {
            node->flags |= NODE_IS_KEPT; /* somebody still names it */
        }
    }
    kw_links_clear(node);
}

static kw_status remove_node(kw_space *space, const kw_node_id *id, bool others)
{
    kw_node *node = kw_nodes_find(&space->store, id);
    if (node == NULL || node->node_class == 0) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    KW_TRY(release_children(space, node));
    kw_rights_forget_written(space, id);
    kw_nodes_strip(&space->store, node);
    drop_links(space, node, others);
    kw_nodes_tidy(&space->store, node);
    return KW_GOOD;
}

kw_status kw_space_remove(kw_space *space, const kw_node_id *id)
{
    return remove_node(space, id, true);
}

kw_status kw_space_remove_alone(kw_space *space, const kw_node_id *id)
{
    return remove_node(space, id, false);
}
