/* What the model allows: which nodes which references may join. OPC 10000-3, 7. */
#include "base/try.h"
#include "service/node_management.h"

#include <keyway/node_ids.h>

#define OBJECTS (KW_NODE_CLASS_OBJECT | KW_NODE_CLASS_OBJECT_TYPE)
#define VARIABLES (KW_NODE_CLASS_VARIABLE | KW_NODE_CLASS_VARIABLE_TYPE)
#define ANY 0xFFu
#define ANCESTORS_MAX 256 /* of one node; a model with more of them is none that anybody understands */

typedef struct reference_rule {
    uint32_t type; /* and its subtypes */
    uint32_t sources, targets;
} reference_rule;

/* A reference of one of these types must fit one row of that type; of other types any will do. */
static const reference_rule RULES[] = {
    {KW_ID_HAS_PROPERTY, ANY, KW_NODE_CLASS_VARIABLE},
    {KW_ID_HAS_COMPONENT, OBJECTS, KW_NODE_CLASS_OBJECT | KW_NODE_CLASS_VARIABLE | KW_NODE_CLASS_METHOD},
    {KW_ID_HAS_COMPONENT, VARIABLES, KW_NODE_CLASS_VARIABLE},
    {KW_ID_ORGANIZES, OBJECTS | KW_NODE_CLASS_VIEW, ANY},
    {KW_ID_HAS_SUBTYPE, KW_NODE_CLASS_OBJECT_TYPE, KW_NODE_CLASS_OBJECT_TYPE},
    {KW_ID_HAS_SUBTYPE, KW_NODE_CLASS_VARIABLE_TYPE, KW_NODE_CLASS_VARIABLE_TYPE},
    {KW_ID_HAS_SUBTYPE, KW_NODE_CLASS_REFERENCE_TYPE, KW_NODE_CLASS_REFERENCE_TYPE},
    {KW_ID_HAS_SUBTYPE, KW_NODE_CLASS_DATA_TYPE, KW_NODE_CLASS_DATA_TYPE},
    {KW_ID_HAS_TYPE_DEFINITION, KW_NODE_CLASS_OBJECT, KW_NODE_CLASS_OBJECT_TYPE},
    {KW_ID_HAS_TYPE_DEFINITION, KW_NODE_CLASS_VARIABLE, KW_NODE_CLASS_VARIABLE_TYPE},
    {KW_ID_HAS_MODELLING_RULE, KW_NODE_CLASS_OBJECT | KW_NODE_CLASS_VARIABLE | KW_NODE_CLASS_METHOD, KW_NODE_CLASS_OBJECT},
    {KW_ID_HAS_ENCODING, KW_NODE_CLASS_DATA_TYPE, KW_NODE_CLASS_OBJECT},
};

bool kw_id_is_local(const kw_space *space, const kw_expanded_node_id *id, kw_node_id *out)
{
    *out = id->node_id;
    if (id->server_index != 0) {
        return false;
    }
    if (id->namespace_uri.len == 0) {
        return true;
    }
    out->ns = kw_space_namespace_find(space, id->namespace_uri);
    return out->ns != UINT16_MAX;
}

static bool is_a(const kw_space *space, const kw_node_id *type, uint32_t base)
{
    return kw_space_is_subtype(space, type, &KW_NODE_ID(0, base));
}

bool kw_reference_is_hierarchical(const kw_space *space, const kw_node_id *type)
{
    return is_a(space, type, KW_ID_HIERARCHICAL_REFERENCES);
}

kw_status kw_reference_type_check(const kw_space *space, const kw_access *access, const kw_node_id *type)
{
    kw_node_ref node;
    if (!kw_space_find(space, type, &node) || kw_node_class_of(&node) != KW_NODE_CLASS_REFERENCE_TYPE ||
        !kw_node_is_visible(space, access, &node)) {
        return KW_BAD_REFERENCE_TYPE_ID_INVALID;
    }
    return kw_node_is_abstract(&node) ? KW_BAD_REFERENCE_NOT_ALLOWED : KW_GOOD;
}

/* --- NodeClasses -------------------------------------------------------------------------------------------------------------------- */

static bool fits_the_classes(const kw_space *space, const kw_node_id *type, kw_node_class source, kw_node_class target)
{
    bool is_ruled = false;
    for (size_t i = 0; i < sizeof(RULES) / sizeof(RULES[0]); i++) {
        if (is_a(space, type, RULES[i].type)) {
            is_ruled = true;
            if ((RULES[i].sources & source) != 0 && (RULES[i].targets & target) != 0) {
                return true;
            }
        }
    }
    return !is_ruled;
}

/* --- there is one already ------------------------------------------------------------------------------------------------------------- */

static bool has_one(const kw_space *space, const kw_reference_end *end, uint32_t type, bool is_forward)
{
    kw_node_id other;
    return end->node != NULL && kw_space_target(space, end->node, type, is_forward, &other);
}

static bool is_property(const kw_space *space, const kw_reference_end *end)
{
    kw_node_id type;
    return end->node != NULL && kw_space_target(space, end->node, KW_ID_HAS_TYPE_DEFINITION, true, &type) &&
           kw_node_id_equal(&type, &KW_NODE_ID(0, KW_ID_PROPERTY_TYPE));
}

static bool is_one_too_many(const kw_space *space, const kw_node_id *type, const kw_reference_end *source, const kw_reference_end *target)
{
    if (is_a(space, type, KW_ID_HAS_TYPE_DEFINITION)) {
        return has_one(space, source, KW_ID_HAS_TYPE_DEFINITION, true);
    }
    if (is_a(space, type, KW_ID_HAS_SUBTYPE)) {
        return has_one(space, target, KW_ID_HAS_SUBTYPE, false);
    }
    return is_a(space, type, KW_ID_HAS_PROPERTY) && is_property(space, source); /* Properties have none */
}

/* --- loops ------------------------------------------------------------------------------------------------------------------------------ */

typedef struct ancestors {
    kw_node_ref nodes[ANCESTORS_MAX];
    size_t count;
} ancestors;

static bool is_among(const ancestors *all, const kw_node_id *id)
{
    for (size_t i = 0; i < all->count; i++) {
        if (kw_node_id_equal(&all->nodes[i].id, id)) {
            return true;
        }
    }
    return false;
}

/* The parents of one of them by references of HasChild. False: `wanted` is one of them, or there are too many. */
static bool climb(const kw_space *space, ancestors *all, size_t from, const kw_node_id *wanted)
{
    const kw_node_ref node = all->nodes[from];
    kw_reference_view r;
    for (size_t cursor = 0; kw_space_next_reference(space, &node, &cursor, &r);) {
        kw_node_ref parent;
        if (r.is_forward || !is_a(space, &r.type, KW_ID_HAS_CHILD)) {
            continue;
        }
        if (kw_node_id_equal(&r.target, wanted)) {
            return false;
        }
        if (is_among(all, &r.target) || !kw_space_find(space, &r.target, &parent)) {
            continue;
        }
        if (all->count == ANCESTORS_MAX) {
            return false;
        }
        all->nodes[all->count++] = parent;
    }
    return true;
}

static bool makes_a_loop(const kw_space *space, const kw_reference_end *source, const kw_reference_end *target)
{
    ancestors all = {.count = 0};
    if (source->node == NULL) {
        return false;
    }
    all.nodes[all.count++] = *source->node;
    for (size_t i = 0; i < all.count; i++) {
        if (!climb(space, &all, i, &target->id)) {
            return true;
        }
    }
    return false;
}

kw_status kw_reference_check(const kw_space *space, const kw_node_id *type, const kw_reference_end *source, const kw_reference_end *target)
{
    if (kw_node_id_equal(&source->id, &target->id) && kw_reference_is_hierarchical(space, type)) {
        return KW_BAD_INVALID_SELF_REFERENCE;
    }
    if (!fits_the_classes(space, type, source->node_class, target->node_class) || is_one_too_many(space, type, source, target)) {
        return KW_BAD_REFERENCE_NOT_ALLOWED;
    }
    return is_a(space, type, KW_ID_HAS_CHILD) && makes_a_loop(space, source, target) ? KW_BAD_REFERENCE_NOT_ALLOWED : KW_GOOD;
}
