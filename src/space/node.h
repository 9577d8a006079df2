/*
 * Nodes as the services see them: the tables, what was laid over them, and the application's own, in one view.
 * Borrowed from the space; good until the space is changed.
 */
#ifndef KW_SPACE_NODE_H
#define KW_SPACE_NODE_H

#include "space/space.h"

typedef struct kw_node kw_node;
struct kw_nodeset_node;

typedef struct kw_node_ref {
    kw_node_id id;
    const struct kw_nodeset_node *table;       /* NULL: an own node */
    uint8_t model;                             /* of table */
    const kw_node *own;                        /* own node or overlay; NULL: only the table */
    const struct kw_made_instances *instances; /* own is what this node has in common with others; NULL: a node by itself */
    uint32_t part;                             /* of an instance */
} kw_node_ref;

typedef struct kw_reference_view {
    kw_node_id type, target;
    bool is_forward;
    bool is_remote; /* the target is not of this address space: target, namespace_uri and server_index are an ExpandedNodeId */
    kw_string namespace_uri;
    uint32_t server_index;
} kw_reference_view;

/* False: there is no such node. */
bool kw_space_find(const kw_space *space, const kw_node_id *id, kw_node_ref *out);
/*
 * Start with *cursor = 0; false at the end. Targets need not exist. A cursor stays good while nodes come and go: what was there all
 * the time comes once.
 */
bool kw_space_next_link(const kw_space *space, const kw_node_ref *node, size_t *cursor, kw_reference_view *out);
/* The same without those that are remote. */
bool kw_space_next_reference(const kw_space *space, const kw_node_ref *node, size_t *cursor, kw_reference_view *out);
bool kw_space_is_subtype(const kw_space *space, const kw_node_id *type, const kw_node_id *base); /* reflexive */
/* The first target of this reference type (no subtypes); false: none. */
bool kw_space_target(const kw_space *space, const kw_node_ref *node, uint32_t type, bool is_forward, kw_node_id *out);

uint8_t kw_node_class_of(const kw_node_ref *node);
kw_qualified_name kw_node_browse_name(const kw_space *space, const kw_node_ref *node);
kw_localized_text kw_node_display_name(const kw_space *space, const kw_node_ref *node);

bool kw_node_is_abstract(const kw_node_ref *node);
/* DataType and ValueRank of a Variable or VariableType. */
void kw_node_value_type(const kw_space *space, const kw_node_ref *node, kw_node_id *data_type, int32_t *value_rank);
/* May somebody who is not the application take it away? Not what the standard's tables or running code stand behind. */
bool kw_node_is_removable(const kw_node_ref *node);

/* --- permission.c -------------------------------------------------------------------------------------------------------- */
/* All the permission bits that this identity has on the node. */
uint32_t kw_node_permissions(const kw_space *space, const kw_access *access, const kw_node_ref *node);
/* KW_GOOD, Bad_UserAccessDenied, Bad_SecurityModeInsufficient; Bad_NodeIdUnknown for a node of which one may know nothing at all. */
kw_status kw_node_check(const kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t permission);
/* May it be seen in Browse and TranslateBrowsePaths? */
bool kw_node_is_visible(const kw_space *space, const kw_access *access, const kw_node_ref *node);

/* --- attribute.c, write.c ---------------------------------------------------------------------------------------------------- */
/* The attribute as a Variant with status and timestamps where there are some; permission is checked. */
kw_status kw_node_read(kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t attribute, kw_arena *arena,
                       kw_data_value *out);
kw_status kw_node_write(kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t attribute, kw_string index_range,
                        const kw_data_value *value, kw_arena *arena);
/*
 * The same where writing may take its time: Good_CompletesAsynchronously, and write->finish is or will be called; any other status is
 * the result. `write` has access, header, application_uri, arena and finish set, and lives until then.
 */
kw_status kw_node_write_start(kw_space *space, const kw_node_ref *node, uint32_t attribute, kw_string index_range,
                              const kw_data_value *value, kw_write *write);

/* --- range.c: NumericRange (OPC 10000-4, 7.27) ---------------------------------------------------------------------------------- */
/* The part of *value that the range names. Bad_IndexRangeInvalid, Bad_IndexRangeNoData. */
kw_status kw_range_select(kw_string range, const kw_variant *value, kw_arena *arena, kw_variant *out);
/* A copy of *whole with the range replaced by *part; one-dimensional arrays. */
kw_status kw_range_replace(kw_string range, const kw_variant *whole, const kw_variant *part, kw_arena *arena, kw_variant *out);
bool kw_value_fits(const kw_variant *value, const kw_node_id *data_type, int32_t value_rank);

/* --- method.c --------------------------------------------------------------------------------------------------------------------- */
typedef struct kw_method_view {
    kw_node_ref method;
    kw_method_call call; /* NULL: nothing behind it here */
    bool is_sessionless;
    void *ctx;
    size_t input_count, output_count;
} kw_method_view;

/* The Method of this Object, by its own id or that of the type's. Bad_NodeIdUnknown, Bad_MethodInvalid. */
kw_status kw_space_find_method(const kw_space *space, const kw_node_ref *object, const kw_node_id *method_id, kw_method_view *out);
/* Bad_TypeMismatch. */
kw_status kw_method_check_input(const kw_method_view *method, size_t index, const kw_variant *value);

#endif
