/* What those need who change the model at run time: NodeIds, versions, what may go. */
#include "base/cursor.h"
#include "space/space_internal.h"

#include <keyway/node_ids.h>

#include <inttypes.h>
#include <stdio.h>

#define FIRST_GIVEN 0x80000000u /* applications count from below */

size_t kw_space_node_count(const kw_space *space)
{
    return space->store.by_id.count;
}

kw_node_id kw_space_unused_id(kw_space *space)
{
    kw_node_id id = KW_NODE_ID(1, 0);
    do {
        space->last_given = space->last_given < FIRST_GIVEN || space->last_given == UINT32_MAX ? FIRST_GIVEN : space->last_given + 1;
        id.id.numeric = space->last_given;
    } while (kw_nodes_find(&space->store, &id) != NULL); /* nor one that somebody still names */
    return id;
}

bool kw_space_is_named(const kw_space *space, const kw_node_id *id)
{
    return kw_nodes_find(&space->store, id) != NULL;
}

bool kw_node_is_removable(const kw_node_ref *node)
{
    if (node->table != NULL || node->instances != NULL || node->own->live != NULL) {
        return false;
    }
    return node->own->node_class != KW_NODE_CLASS_METHOD || node->own->behind.method == NULL;
}

void kw_space_new_version(kw_space *space, const kw_node_id *id)
{
    kw_node_ref node, property;
    kw_reference_view r;
    if (!kw_space_find(space, id, &node)) {
        return;
    }
    for (size_t cursor = 0; kw_space_next_reference(space, &node, &cursor, &r);) {
        if (!r.is_forward || !kw_node_id_equal(&r.type, &KW_NODE_ID(0, KW_ID_HAS_PROPERTY)) ||
            !kw_space_find(space, &r.target, &property) || !kw_string_equals(kw_node_browse_name(space, &property).name, "NodeVersion")) {
            continue;
        }
        char text[24];
        snprintf(text, sizeof(text), "%" PRIu64, ++space->model_version);
        const kw_string version = kw_string_from(text);
        const kw_variant value = kw_variant_scalar(KW_BUILTIN_STRING, &version);
        (void)kw_space_set_value(space, &property.id, &value); /* without memory the old one stays */
        return;
    }
}
