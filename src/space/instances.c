#include "space/instances.h"

#include "base/try.h"
#include "space/space_internal.h"

#include <keyway/node_ids.h>

#define ACCESS_READ 1u

/* What is alike in all instances. */
struct kw_made_instances {
    struct kw_made_instances *next;
    kw_instances of;
    uint32_t count;                               /* of parts */
    uint32_t declarations[KW_INSTANCE_PARTS_MAX]; /* ns 0; first the type */
    kw_node parts[KW_INSTANCE_PARTS_MAX];
    kw_node_more more[KW_INSTANCE_PARTS_MAX]; /* of parts */
};

/* --- the declarations ------------------------------------------------------------------------------------------------------------ */

static bool is_aggregation(const kw_nodeset_reference *r)
{
    return r->type == KW_ID_HAS_COMPONENT || r->type == KW_ID_HAS_PROPERTY;
}

/* False: it is no part. */
static bool part_of(const struct kw_made_instances *made, uint32_t declaration, uint32_t *part)
{
    for (uint32_t i = 0; i < made->count; i++) {
        if (made->declarations[i] == declaration) {
            *part = i;
            return true;
        }
    }
    return false;
}

static kw_status declare(struct kw_made_instances *made, const kw_nodeset_node *of)
{
    const kw_nodeset_reference *references = kw_nodeset_references(KW_MODEL_CORE, of);
    for (uint32_t i = 0; i < of->reference_count; i++) {
        uint32_t known;
        if (!is_aggregation(&references[i]) || !references[i].is_forward || part_of(made, references[i].target, &known)) {
            continue;
        }
        if (made->count == KW_INSTANCE_PARTS_MAX) {
            return KW_BAD_TOO_MANY_OPERATIONS;
        }
        made->declarations[made->count++] = references[i].target;
    }
    return KW_GOOD;
}

static kw_status fill_part(kw_space *space, struct kw_made_instances *made, uint32_t part, const kw_nodeset_node *table)
{
    const kw_instance_rights rights = made->of.rights(table->id);
    const bool is_variable = table->node_class == KW_NODE_CLASS_VARIABLE;
    kw_node *data_type = kw_nodes_intern(&space->store, &KW_NODE_ID(0, table->data_type));
    if (data_type == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    data_type->flags |= NODE_IS_KEPT;
    made->more[part] = (kw_node_more){.restrictions = rights.restrictions,
                                      .permissions = (kw_node_permission *)(uintptr_t)rights.permissions, /* only read */
                                      .permission_count = (uint32_t)rights.permission_count};
    made->parts[part] = (kw_node){.node_class = is_variable ? KW_NODE_CLASS_VARIABLE : KW_NODE_CLASS_OBJECT,
                                  .access_level = is_variable ? ACCESS_READ : 0,
                                  .more = &made->more[part],
                                  .data_type = data_type->self,
                                  .value_rank = table->value_rank};
    return kw_nodes_name(&space->store, &made->parts[part], &(kw_qualified_name){0, kw_nodeset_text(table->browse_name)});
}

kw_status kw_space_add_instances(kw_space *space, const kw_instances *instances)
{
    struct kw_made_instances *made = KW_ARENA_NEW(space->arena, struct kw_made_instances);
    if (made == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    made->of = *instances;
    made->declarations[made->count++] = instances->type;
    for (uint32_t i = 0; i < made->count; i++) { /* grows while it is walked */
        const kw_nodeset_node *table = kw_nodeset_find(KW_MODEL_CORE, made->declarations[i]);
        if (table == NULL) {
            return KW_BAD_NODE_ID_UNKNOWN;
        }
        KW_TRY(fill_part(space, made, i, table));
        KW_TRY(declare(made, table));
    }
    made->next = space->instances;
    space->instances = made;
    return KW_GOOD;
}

/* --- finding ------------------------------------------------------------------------------------------------------------------------ */

bool kw_instance_find(const kw_space *space, const kw_node_id *id, kw_node_ref *out)
{
    for (const struct kw_made_instances *made = space->instances; made != NULL; made = made->next) {
        if (made->of.find(made->of.ctx, id, &out->part) && out->part < made->count) {
            out->instances = made;
            out->own = &made->parts[out->part];
            return true;
        }
    }
    return false;
}

static uint32_t declaration_of(const kw_node_ref *node)
{
    return node->instances->declarations[node->part];
}

kw_string kw_instance_name(const kw_node_ref *node)
{
    return node->instances->of.name(node->instances->of.ctx, &node->id);
}

uint32_t kw_instance_permissions(const kw_node_ref *node, const kw_access *access, uint32_t by_role)
{
    return node->instances->of.permissions(node->instances->of.ctx, access, &node->id, declaration_of(node), by_role);
}

kw_status kw_instance_read(const kw_node_ref *node, kw_arena *arena, kw_data_value *out)
{
    return node->instances->of.read(node->instances->of.ctx, &node->id, declaration_of(node), arena, out);
}

/* --- references ---------------------------------------------------------------------------------------------------------------------- */

/* The reference of the declaration as the part has it; false: it has none like it. */
static bool translate(const kw_node_ref *node, const kw_nodeset_reference *r, kw_reference_view *out)
{
    uint32_t part;
    *out = (kw_reference_view){.type = KW_NODE_ID(0, r->type), .is_forward = r->is_forward};
    if (r->type == KW_ID_HAS_TYPE_DEFINITION && r->is_forward) {
        out->target = KW_NODE_ID(0, r->target);
        return true;
    }
    if (!is_aggregation(r) || !part_of(node->instances, r->target, &part)) {
        return false;
    }
    out->target = node->instances->of.id_of(&node->id, part);
    return true;
}

/* What the Object has that its type has not: a type, and a parent. */
static bool next_of_object(const kw_node_ref *node, size_t i, kw_reference_view *out)
{
    if (node->part != 0 || i > 1) {
        return false;
    }
    *out = i == 0 ? (kw_reference_view){.type = KW_NODE_ID(0, KW_ID_HAS_TYPE_DEFINITION),
                                        .target = KW_NODE_ID(0, node->instances->of.type),
                                        .is_forward = true}
                  : (kw_reference_view){.type = KW_NODE_ID(0, KW_ID_HAS_COMPONENT), .target = KW_NODE_ID(0, node->instances->of.parent)};
    return true;
}

bool kw_instance_next_reference(const kw_node_ref *node, size_t *cursor, kw_reference_view *out)
{
    const kw_nodeset_node *table = kw_nodeset_find(KW_MODEL_CORE, declaration_of(node));
    const size_t own = node->part == 0 ? 2 : 0;
    if (next_of_object(node, *cursor, out)) {
        ++*cursor;
        return true;
    }
    while (*cursor - own < table->reference_count) {
        if (translate(node, &kw_nodeset_references(KW_MODEL_CORE, table)[(*cursor)++ - own], out)) {
            return true;
        }
    }
    return false;
}

bool kw_instance_next_below(const kw_space *space, const kw_node_ref *parent, size_t *cursor, kw_reference_view *out)
{
    for (const struct kw_made_instances *made = space->instances; made != NULL; made = made->next) {
        if (parent->table != NULL && parent->model == KW_MODEL_CORE && parent->table->id == made->of.parent) {
            *out = (kw_reference_view){.type = KW_NODE_ID(0, KW_ID_HAS_COMPONENT), .is_forward = true};
            return made->of.next(made->of.ctx, cursor, &out->target);
        }
    }
    return false;
}
