/*
 * Inner seam of the NodeManagement Service Set. OPC 10000-4, 5.8.
 *
 * What a Client adds is held to the rules of the model (OPC 10000-3, 7): nothing that it does may make the address space one that
 * another Client cannot walk.
 */
#ifndef KW_SERVICE_NODE_MANAGEMENT_H
#define KW_SERVICE_NODE_MANAGEMENT_H

#include "service/service.h"
#include "space/node.h"

/* --- model_rules.c ---------------------------------------------------------------------------------------------------------------- */

/* The id in this Server's own terms; false: it is a node of another Server, or of a namespace that is not known here. */
bool kw_id_is_local(const kw_space *space, const kw_expanded_node_id *id, kw_node_id *out);
/* A ReferenceType that may be seen and is not abstract. Bad_ReferenceTypeIdInvalid, Bad_ReferenceNotAllowed. */
kw_status kw_reference_type_check(const kw_space *space, const kw_access *access, const kw_node_id *type);
bool kw_reference_is_hierarchical(const kw_space *space, const kw_node_id *type);

/* One end of a reference that is to be: of a node that is not there yet, its class is known. */
typedef struct kw_reference_end {
    kw_node_id id;
    kw_node_class node_class;
    const kw_node_ref *node; /* NULL: not there yet */
} kw_reference_end;

/* May there be a reference of this type from source to target? Bad_ReferenceNotAllowed, Bad_InvalidSelfReference. */
kw_status kw_reference_check(const kw_space *space, const kw_node_id *type, const kw_reference_end *source, const kw_reference_end *target);

/* --- node_attributes.c ------------------------------------------------------------------------------------------------------------ */

/* The Attributes of a new node into *spec. `type`: its TypeDefinition, of Objects and Variables. Bad_NodeAttributesInvalid. */
kw_status kw_node_attributes_take(const kw_space *space, const kw_add_nodes_item *item, const kw_node_ref *type, kw_node_spec *spec);

/* --- model_change.c --------------------------------------------------------------------------------------------------------------- */

/* What one operation changed. */
typedef struct kw_model_changes {
    kw_request *request;
    kw_model_change_structure_data_type *rows;
    size_t count, room;
} kw_model_changes;

/* Room for so many. Bad_OutOfMemory. */
kw_status kw_model_changes_init(kw_model_changes *changes, kw_request *request, size_t room);
/* While the node is there. `verb`: KW_MODEL_CHANGE_STRUCTURE_VERB_MASK_… */
void kw_model_changes_add(kw_model_changes *changes, const kw_node_ref *node, uint8_t verb);
/*
 * A new NodeVersion for those that have one, and a GeneralModelChangeEvent for those who may see every node that it names: therefore
 * before nodes go, and after nodes came.
 */
void kw_model_changes_tell(const kw_model_changes *changes);

#endif
