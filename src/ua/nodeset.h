/*
 * The nodes of ns 0 and of the GDS model (OPC 10000-12) as constant tables, generated from schema/.
 *
 * Ids are numeric. "Model" 0 is ns 0, model 1 the GDS namespace, whose index is known at run time only: where bytes from here
 * hold NodeIds or QualifiedNames, the functions below put in the indexes that the caller gives.
 * What no node of the models says is not stored: every Method is Executable, MinimumSamplingInterval is 0, Historizing is false,
 * WriteMask is 0, UserAccessLevel equals AccessLevel before permissions; there are no Descriptions.
 */
#ifndef KW_UA_NODESET_H
#define KW_UA_NODESET_H

#include "base/arena.h"

#include <keyway/types.h>

enum { KW_MODEL_CORE = 0, KW_MODEL_GDS = 1, KW_MODEL_COUNT = 2 };

/* A run of kw_nodeset_bytes. */
typedef struct kw_nodeset_slice {
    uint32_t at, len;
} kw_nodeset_slice;

typedef struct kw_nodeset_reference {
    uint32_t target;
    uint16_t type; /* ns 0; all ReferenceTypes in use are */
    uint8_t target_model;
    bool is_forward;
} kw_nodeset_reference;

typedef struct kw_nodeset_permission {
    uint32_t role; /* NodeId of the Role */
    uint8_t role_model;
    uint32_t permissions; /* PermissionType */
} kw_nodeset_permission;

typedef struct kw_nodeset_node {
    uint32_t id;
    uint32_t first_reference, reference_count;
    kw_nodeset_slice browse_name, display_name; /* without locale */
    kw_nodeset_slice inverse_name;              /* ReferenceTypes; len 0: none */
    kw_nodeset_slice value;                     /* Variables and VariableTypes: UA binary of a Variant; len 0: no value */
    kw_nodeset_slice definition;                /* DataTypes: UA binary of an ExtensionObject; len 0: none */
    uint32_t data_type;                         /* Variables and VariableTypes */
    uint16_t first_permission, first_dimension;
    int16_t access_restrictions;               /* -1: not given, the default of the namespace counts */
    uint8_t permission_count, dimension_count; /* permission_count 0: not given */
    uint8_t node_class;                        /* kw_node_class */
    uint8_t browse_name_model, data_type_model;
    int8_t value_rank;
    uint8_t access_level;   /* Variables */
    uint8_t event_notifier; /* Objects */
    bool is_abstract, is_symmetric;
} kw_nodeset_node;

/* References that another model adds to a node of ns 0. */
typedef struct kw_nodeset_addition {
    uint32_t id; /* ns 0 */
    uint32_t first_reference, reference_count;
} kw_nodeset_addition;

typedef struct kw_nodeset {
    const char *uri, *version, *publication_date;
    const kw_nodeset_node *nodes; /* ordered by id */
    size_t node_count;
    const kw_nodeset_addition *additions; /* ordered by id */
    size_t addition_count;
    const kw_nodeset_reference *references; /* both directions; both ends carry each */
} kw_nodeset;

extern const kw_nodeset kw_nodesets[KW_MODEL_COUNT];
extern const uint8_t kw_nodeset_bytes[];
extern const kw_nodeset_permission kw_nodeset_permissions[];
extern const uint32_t kw_nodeset_dimensions[];

/* NULL: no such node. */
const kw_nodeset_node *kw_nodeset_find(uint8_t model, uint32_t id);
static inline const kw_nodeset_reference *kw_nodeset_references(uint8_t model, const kw_nodeset_node *node)
{
    return kw_nodesets[model].references + node->first_reference;
}
/* What `model` adds to the references of the ns 0 node; NULL and 0: nothing. */
const kw_nodeset_reference *kw_nodeset_added_references(uint8_t model, uint32_t core_id, size_t *count);
static inline const kw_nodeset_permission *kw_nodeset_node_permissions(const kw_nodeset_node *node)
{
    return kw_nodeset_permissions + node->first_permission;
}
static inline const uint32_t *kw_nodeset_node_dimensions(const kw_nodeset_node *node)
{
    return kw_nodeset_dimensions + node->first_dimension;
}
/* Static storage; null when empty. */
static inline kw_bytes kw_nodeset_text(kw_nodeset_slice slice)
{
    return slice.len > 0 ? (kw_bytes){kw_nodeset_bytes + slice.at, slice.len} : KW_BYTES_NULL;
}

/* The Value of a node, with `gds_index` as the index of the GDS namespace; a null Variant when it has none. */
kw_status kw_nodeset_value(const kw_nodeset_node *node, uint16_t gds_index, kw_arena *arena, kw_variant *out);
/* The DataTypeDefinition likewise; a null ExtensionObject when it has none. */
kw_status kw_nodeset_definition(const kw_nodeset_node *node, uint16_t gds_index, kw_arena *arena, kw_extension_object *out);

#endif
