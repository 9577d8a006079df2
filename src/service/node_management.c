/* NodeManagement Service Set: AddNodes, AddReferences, DeleteNodes, DeleteReferences. OPC 10000-4, 5.8. */
#include "service/node_management.h"

#include "base/try.h"
#include "space/audit_event.h"
#include "space/rights.h"

#include <keyway/node_ids.h>

#define NAME_MAX_CODE_UNITS 512  /* of a BrowseName: OPC 10000-3, 8.3 */
#define ID_MAX_CODE_UNITS 4096   /* of a String NodeId: OPC 10000-3, 8.2.4 */
#define DELETED_WITH_IT_MAX 500u /* what hangs on a node and on nothing else */

/* A node that these eyes may see; who may not see it gets the same answer as for none. */
static kw_status find_known(const kw_space *space, const kw_access *access, const kw_node_id *id, kw_status unknown, kw_node_ref *out)
{
    return kw_space_find(space, id, out) && kw_node_is_visible(space, access, out) ? KW_GOOD : unknown;
}

static kw_reference_end end_of(const kw_node_ref *node)
{
    return (kw_reference_end){node->id, (kw_node_class)kw_node_class_of(node), node};
}

static bool is_a(const kw_space *space, const kw_node_id *type, uint32_t base)
{
    return kw_space_is_subtype(space, type, &KW_NODE_ID(0, base));
}

/* --- all four alike ---------------------------------------------------------------------------------------------------------------- */

typedef struct operation_set {
    uint32_t audit_type;
    const char *source_name, *field, *message;
    const kw_type *item_type;
} operation_set;

/* The items, `size` bytes each, and what became of all of them: the first that was refused. */
static void audit(kw_request *request, const operation_set *set, const void *items, size_t size, size_t count, kw_status status)
{
    const kw_identity_claim claim = kw_request_claim(request);
    const kw_audit_origin origin = {.status = status,
                                    .entry_id = request->header->audit_entry_id,
                                    .user = request->identity != NULL ? request->identity->name : KW_BYTES_NULL,
                                    .application_uri = claim.application_uri};
    kw_extension_object *objects = KW_ARENA_ARRAY(request->arena, kw_extension_object, count);
    kw_audit_event e;
    for (size_t i = 0; objects != NULL && i < count; i++) {
        objects[i] = kw_extension_object_of(set->item_type, (const uint8_t *)items + i * size);
    }
    kw_audit_event_begin(&e, request->context->space, set->audit_type, set->source_name, kw_string_from(set->message), &origin);
    if (objects != NULL) {
        kw_audit_event_add(&e, set->field, kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, objects, count));
    }
    kw_audit_event_raise(&e);
}

static kw_status check_count(const kw_request *request, size_t count)
{
    if (count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    return count > request->context->limits->max_nodes_per_node_management ? KW_BAD_TOO_MANY_OPERATIONS : KW_GOOD;
}

static kw_status worse(kw_status so_far, kw_status next)
{
    return kw_status_is_bad(so_far) ? so_far : next;
}

/* --- AddNodes ------------------------------------------------------------------------------------------------------------------------ */

static kw_status check_name(const kw_space *space, const kw_qualified_name *name)
{
    size_t namespaces;
    (void)kw_space_namespaces(space, &namespaces);
    const bool is_good =
        name->ns < namespaces && name->name.len > 0 && name->name.len <= NAME_MAX_CODE_UNITS && kw_utf8_is_valid(name->name, false);
    return is_good ? KW_GOOD : KW_BAD_BROWSE_NAME_INVALID;
}

/* Children of one kind have names of their own, but for what is merely organized. OPC 10000-3, 4.5. */
static kw_status check_siblings(const kw_space *space, const kw_node_ref *parent, const kw_add_nodes_item *item)
{
    kw_reference_view r;
    if (!is_a(space, &item->reference_type_id, KW_ID_AGGREGATES)) {
        return KW_GOOD;
    }
    for (size_t cursor = 0; kw_space_next_reference(space, parent, &cursor, &r);) {
        kw_node_ref child;
        if (!r.is_forward || !kw_node_id_equal(&r.type, &item->reference_type_id) || !kw_space_find(space, &r.target, &child)) {
            continue;
        }
        const kw_qualified_name name = kw_node_browse_name(space, &child);
        if (kw_qualified_name_equal(&name, &item->browse_name)) {
            return KW_BAD_BROWSE_NAME_DUPLICATED;
        }
    }
    return KW_GOOD;
}

static bool is_good_id(const kw_space *space, const kw_node_id *id)
{
    const uint16_t gds = kw_space_namespace_find(space, KW_STRING(KW_GDS_NAMESPACE_URI));
    size_t namespaces;
    (void)kw_space_namespaces(space, &namespaces);
    if (id->ns == 0 || id->ns == gds || id->ns >= namespaces) { /* the standard's are not ours to give */
        return false;
    }
    if (id->kind == KW_NODE_ID_NUMERIC) {
        return id->id.numeric != 0;
    }
    if (id->kind == KW_NODE_ID_STRING) {
        return id->id.string.len > 0 && id->id.string.len <= ID_MAX_CODE_UNITS && kw_utf8_is_valid(id->id.string, false);
    }
    return id->kind == KW_NODE_ID_GUID || (id->id.string.len > 0 && id->id.string.len <= ID_MAX_CODE_UNITS);
}

static kw_status choose_id(kw_space *space, const kw_access *access, const kw_expanded_node_id *wanted, kw_node_id *id)
{
    kw_node_ref there;
    if (kw_node_id_is_null(&wanted->node_id) && wanted->namespace_uri.len == 0 && wanted->server_index == 0) {
        *id = kw_space_unused_id(space);
        return KW_GOOD;
    }
    if (!kw_id_is_local(space, wanted, id) || !is_good_id(space, id)) {
        return KW_BAD_NODE_ID_REJECTED;
    }
    if (!kw_space_find(space, id, &there)) {
        return KW_GOOD;
    }
    return kw_node_is_visible(space, access, &there) ? KW_BAD_NODE_ID_EXISTS : KW_BAD_NODE_ID_REJECTED;
}

static kw_status check_class(kw_node_class node_class)
{
    const bool is_one = node_class > KW_NODE_CLASS_UNSPECIFIED && node_class <= KW_NODE_CLASS_VIEW && (node_class & (node_class - 1)) == 0;
    return is_one ? KW_GOOD : KW_BAD_NODE_CLASS_INVALID;
}

static bool is_type(kw_node_class node_class)
{
    return node_class == KW_NODE_CLASS_OBJECT_TYPE || node_class == KW_NODE_CLASS_VARIABLE_TYPE ||
           node_class == KW_NODE_CLASS_REFERENCE_TYPE || node_class == KW_NODE_CLASS_DATA_TYPE;
}

/* *has_type: of Objects and Variables, which must have one that is not abstract; all others must have none. */
static kw_status find_type(const kw_space *space, const kw_access *access, const kw_add_nodes_item *item, bool *has_type, kw_node_ref *type)
{
    kw_node_id id;
    *has_type = item->node_class == KW_NODE_CLASS_OBJECT || item->node_class == KW_NODE_CLASS_VARIABLE;
    if (!*has_type) {
        return kw_node_id_is_null(&item->type_definition.node_id) ? KW_GOOD : KW_BAD_TYPE_DEFINITION_INVALID;
    }
    const uint8_t wanted = item->node_class == KW_NODE_CLASS_OBJECT ? KW_NODE_CLASS_OBJECT_TYPE : KW_NODE_CLASS_VARIABLE_TYPE;
    const bool is_good = kw_id_is_local(space, &item->type_definition, &id) && kw_space_find(space, &id, type) &&
                         kw_node_is_visible(space, access, type) && kw_node_class_of(type) == wanted && !kw_node_is_abstract(type);
    return is_good ? KW_GOOD : KW_BAD_TYPE_DEFINITION_INVALID;
}

static kw_status check_place(const kw_space *space, const kw_access *access, const kw_add_nodes_item *item, const kw_node_ref *parent,
                             const kw_node_id *id)
{
    const kw_reference_end source = end_of(parent), target = {*id, item->node_class, NULL};
    KW_TRY(kw_reference_type_check(space, access, &item->reference_type_id));
    if (!kw_reference_is_hierarchical(space, &item->reference_type_id) ||
        (is_type(item->node_class) && !is_a(space, &item->reference_type_id, KW_ID_HAS_SUBTYPE))) { /* a type has a supertype */
        return KW_BAD_REFERENCE_NOT_ALLOWED;
    }
    KW_TRY(kw_reference_check(space, &item->reference_type_id, &source, &target));
    return check_siblings(space, parent, item);
}

/* AddNode is a right to a namespace: below the parent it covers that of the parent, in another one that one must grant it. */
static kw_status check_namespace(const kw_space *space, const kw_access *access, const kw_node_ref *parent, uint16_t ns)
{
    kw_permission_list list;
    if (ns == parent->id.ns) {
        return KW_GOOD;
    }
    kw_namespace_permission_list(space, ns, &list);
    for (size_t i = 0; i < list.count; i++) {
        const kw_node_permission row = kw_permission_row(&list, i);
        if ((row.permissions & KW_PERMISSION_ADD_NODE) != 0 && kw_identity_has_role(access->identity, row.role_ns, row.role_id)) {
            return KW_GOOD;
        }
    }
    return KW_BAD_USER_ACCESS_DENIED;
}

static kw_status describe(kw_request *request, const kw_access *access, const kw_add_nodes_item *item, const kw_node_ref *parent,
                          kw_node_spec *spec)
{
    kw_space *space = request->context->space;
    kw_node_ref type;
    bool has_type;
    *spec = (kw_node_spec){.parent = parent->id, .reference_type = item->reference_type_id, .browse_name = item->browse_name};
    KW_TRY(check_class(item->node_class));
    KW_TRY(check_name(space, &item->browse_name));
    KW_TRY(choose_id(space, access, &item->requested_new_node_id, &spec->id));
    KW_TRY(check_namespace(space, access, parent, spec->id.ns));
    KW_TRY(check_place(space, access, item, parent, &spec->id));
    KW_TRY(find_type(space, access, item, &has_type, &type));
    if (has_type) {
        spec->type_definition = type.id;
    }
    return kw_node_attributes_take(space, item, has_type ? &type : NULL, spec);
}

static kw_status tell_added(kw_request *request, const kw_node_id *parent_id, const kw_node_id *id)
{
    const kw_space *space = request->context->space;
    kw_model_changes changes;
    kw_node_ref parent, node;
    KW_TRY(kw_model_changes_init(&changes, request, 2));
    if (kw_space_find(space, parent_id, &parent) && kw_space_find(space, id, &node)) {
        kw_model_changes_add(&changes, &node, KW_MODEL_CHANGE_STRUCTURE_VERB_MASK_NODE_ADDED);
        kw_model_changes_add(&changes, &parent, KW_MODEL_CHANGE_STRUCTURE_VERB_MASK_REFERENCE_ADDED);
        kw_model_changes_tell(&changes);
    }
    return KW_GOOD;
}

static kw_status add_node(kw_request *request, const kw_access *access, const kw_add_nodes_item *item, kw_node_id *added)
{
    kw_space *space = request->context->space;
    kw_node_id parent_id;
    kw_node_ref parent;
    kw_node_spec spec;
    if (!kw_id_is_local(space, &item->parent_node_id, &parent_id)) {
        return KW_BAD_PARENT_NODE_ID_INVALID;
    }
    KW_TRY(find_known(space, access, &parent_id, KW_BAD_PARENT_NODE_ID_INVALID, &parent));
    KW_TRY(kw_node_check(space, access, &parent, KW_PERMISSION_ADD_NODE | KW_PERMISSION_ADD_REFERENCE));
    KW_TRY(describe(request, access, item, &parent, &spec));
    if (kw_space_node_count(space) >= request->context->limits->max_nodes) {
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
    KW_TRY(kw_space_add_node(space, item->node_class, &spec));
    *added = spec.id;
    return tell_added(request, &spec.parent, &spec.id);
}

void kw_service_add_nodes(kw_request *request)
{
    static const operation_set SET = {KW_ID_AUDIT_ADD_NODES_EVENT_TYPE, "NodeManagement/AddNodes", "NodesToAdd", "nodes were added",
                                      KW_TYPE_ADD_NODES_ITEM};
    const kw_add_nodes_request *body = request->body;
    kw_add_nodes_response *response = request->response;
    const kw_access access = kw_request_access(request);
    kw_status status = check_count(request, body->nodes_to_add_count), worst = status;
    if (!kw_status_is_bad(status)) {
        response->results = KW_ARENA_ARRAY(request->arena, kw_add_nodes_result, body->nodes_to_add_count);
        worst = status = response->results != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; !kw_status_is_bad(status) && i < body->nodes_to_add_count; i++) {
        kw_add_nodes_result *result = &response->results[response->results_count++];
        *result = (kw_add_nodes_result){.status_code = KW_GOOD};
        result->status_code = add_node(request, &access, &body->nodes_to_add[i], &result->added_node_id);
        worst = worse(worst, result->status_code);
    }
    audit(request, &SET, body->nodes_to_add, sizeof(body->nodes_to_add[0]), response->results_count, worst);
    request->finish(request, status);
}

/* --- AddReferences ---------------------------------------------------------------------------------------------------------------------- */

/* This Server is the only one that its ServerArray names. */
static kw_status local_target(const kw_request *request, kw_string server_uri, const kw_expanded_node_id *target, kw_node_id *id)
{
    const kw_space *space = request->context->space;
    kw_expanded_node_id here = *target;
    size_t count;
    if (server_uri.len > 0) { /* it overrides the serverIndex */
        if (!kw_bytes_equal(server_uri, kw_space_namespaces(space, &count)[1])) {
            return KW_BAD_SERVER_URI_INVALID;
        }
        here.server_index = 0;
    }
    if (here.server_index != 0) {
        return KW_BAD_SERVER_URI_INVALID;
    }
    return kw_id_is_local(space, &here, id) ? KW_GOOD : KW_BAD_TARGET_NODE_ID_INVALID;
}

static kw_status tell_joined(kw_request *request, const kw_node_id *a, const kw_node_id *b, bool both, uint8_t verb)
{
    const kw_space *space = request->context->space;
    kw_model_changes changes;
    kw_node_ref node;
    KW_TRY(kw_model_changes_init(&changes, request, 2));
    if (kw_space_find(space, a, &node)) {
        kw_model_changes_add(&changes, &node, verb);
    }
    if (both && kw_space_find(space, b, &node)) {
        kw_model_changes_add(&changes, &node, verb);
    }
    kw_model_changes_tell(&changes);
    return KW_GOOD;
}

/* Types do not list their instances. */
static bool is_one_way(const kw_node_id *type)
{
    return kw_node_id_equal(type, &KW_NODE_ID(0, KW_ID_HAS_TYPE_DEFINITION));
}

static kw_status add_reference(kw_request *request, const kw_access *access, const kw_add_references_item *item)
{
    kw_space *space = request->context->space;
    const kw_node_id *type = &item->reference_type_id;
    kw_node_ref source, target;
    kw_node_id target_id;
    KW_TRY(find_known(space, access, &item->source_node_id, KW_BAD_SOURCE_NODE_ID_INVALID, &source));
    KW_TRY(kw_node_check(space, access, &source, KW_PERMISSION_ADD_REFERENCE));
    KW_TRY(kw_reference_type_check(space, access, type));
    KW_TRY(local_target(request, item->target_server_uri, &item->target_node_id, &target_id));
    KW_TRY(find_known(space, access, &target_id, KW_BAD_TARGET_NODE_ID_INVALID, &target));
    if (kw_node_class_of(&target) != item->target_node_class) {
        return KW_BAD_NODE_CLASS_INVALID;
    }
    if (!is_one_way(type) || !item->is_forward) { /* it shows there */
        KW_TRY(kw_node_check(space, access, &target, KW_PERMISSION_ADD_REFERENCE));
    }
    if (source.instances != NULL || target.instances != NULL) {
        return KW_BAD_REFERENCE_NOT_ALLOWED; /* what a Session shows of itself is as it is */
    }
    const kw_reference_end a = end_of(&source), b = end_of(&target);
    const kw_reference_end *from = item->is_forward ? &a : &b, *to = item->is_forward ? &b : &a;
    KW_TRY(kw_reference_check(space, type, from, to));
    KW_TRY(kw_space_add_reference(space, &from->id, type, &to->id));
    return tell_joined(request, &source.id, &target.id, !is_one_way(type), KW_MODEL_CHANGE_STRUCTURE_VERB_MASK_REFERENCE_ADDED);
}

void kw_service_add_references(kw_request *request)
{
    static const operation_set SET = {KW_ID_AUDIT_ADD_REFERENCES_EVENT_TYPE, "NodeManagement/AddReferences", "ReferencesToAdd",
                                      "references were added", KW_TYPE_ADD_REFERENCES_ITEM};
    const kw_add_references_request *body = request->body;
    kw_add_references_response *response = request->response;
    const kw_access access = kw_request_access(request);
    kw_status status = check_count(request, body->references_to_add_count);
    if (!kw_status_is_bad(status)) {
        status = kw_request_statuses(request, body->references_to_add_count, &response->results, &response->results_count);
    }
    kw_status worst = status;
    for (size_t i = 0; i < response->results_count; i++) {
        response->results[i] = add_reference(request, &access, &body->references_to_add[i]);
        worst = worse(worst, response->results[i]);
    }
    audit(request, &SET, body->references_to_add, sizeof(body->references_to_add[0]), response->results_count, worst);
    request->finish(request, status);
}

/* --- DeleteNodes ------------------------------------------------------------------------------------------------------------------------ */

typedef struct doomed {
    kw_node_ref *nodes;
    size_t count;
} doomed;

static bool is_doomed(const doomed *all, const kw_node_id *id)
{
    for (size_t i = 0; i < all->count; i++) {
        if (kw_node_id_equal(&all->nodes[i].id, id)) {
            return true;
        }
    }
    return false;
}

static kw_status check_removal(const kw_space *space, const kw_access *access, const kw_node_ref *node)
{
    kw_node_id subtype;
    KW_TRY(kw_node_check(space, access, node, KW_PERMISSION_DELETE_NODE));
    return kw_node_is_removable(node) && !kw_space_target(space, node, KW_ID_HAS_SUBTYPE, true, &subtype) ? KW_GOOD
                                                                                                          : KW_BAD_NO_DELETE_RIGHTS;
}

/* Does it hang on a node that stays? */
static bool has_another_parent(const kw_space *space, const doomed *all, const kw_node_ref *node)
{
    kw_reference_view r;
    for (size_t cursor = 0; kw_space_next_reference(space, node, &cursor, &r);) {
        kw_node_ref parent;
        if (!r.is_forward && kw_reference_is_hierarchical(space, &r.type) && !is_doomed(all, &r.target) &&
            kw_space_find(space, &r.target, &parent)) {
            return true;
        }
    }
    return false;
}

/* The parts of one of them: they go with the whole, or nobody would ever find them again. */
static kw_status gather_parts(const kw_space *space, const kw_access *access, doomed *all, size_t of)
{
    const kw_node_ref whole = all->nodes[of];
    kw_reference_view r;
    for (size_t cursor = 0; kw_space_next_reference(space, &whole, &cursor, &r);) {
        kw_node_ref part;
        if (!r.is_forward || !is_a(space, &r.type, KW_ID_AGGREGATES) || is_doomed(all, &r.target) ||
            !kw_space_find(space, &r.target, &part) || has_another_parent(space, all, &part)) {
            continue;
        }
        const kw_status status = check_removal(space, access, &part);
        if (kw_status_is_bad(status)) { /* that there is one of which one may know nothing is told to nobody */
            return status == KW_BAD_NODE_ID_UNKNOWN ? KW_BAD_NO_DELETE_RIGHTS : status;
        }
        if (all->count == DELETED_WITH_IT_MAX) {
            return KW_BAD_RESOURCE_UNAVAILABLE;
        }
        all->nodes[all->count++] = part;
    }
    return KW_GOOD;
}

static kw_status gather(kw_request *request, const kw_access *access, const kw_node_ref *node, doomed *all)
{
    *all = (doomed){KW_ARENA_ARRAY(request->arena, kw_node_ref, DELETED_WITH_IT_MAX), 0};
    if (all->nodes == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    all->nodes[all->count++] = *node;
    for (size_t i = 0; i < all->count; i++) {
        KW_TRY(gather_parts(request->context->space, access, all, i));
    }
    return KW_GOOD;
}

/* While they are there; so are the parents that lose one. */
static kw_status tell_doomed(kw_request *request, const doomed *all)
{
    enum { PARENTS_MAX = 16 };
    const kw_space *space = request->context->space;
    kw_model_changes changes;
    kw_reference_view r;
    KW_TRY(kw_model_changes_init(&changes, request, all->count + PARENTS_MAX));
    for (size_t i = 0; i < all->count; i++) {
        kw_model_changes_add(&changes, &all->nodes[i], KW_MODEL_CHANGE_STRUCTURE_VERB_MASK_NODE_DELETED);
    }
    for (size_t cursor = 0; kw_space_next_reference(space, &all->nodes[0], &cursor, &r);) {
        kw_node_ref parent;
        if (!r.is_forward && kw_reference_is_hierarchical(space, &r.type) && kw_space_find(space, &r.target, &parent)) {
            kw_model_changes_add(&changes, &parent, KW_MODEL_CHANGE_STRUCTURE_VERB_MASK_REFERENCE_DELETED);
        }
    }
    kw_model_changes_tell(&changes);
    return KW_GOOD;
}

static kw_status delete_node(kw_request *request, const kw_access *access, const kw_delete_nodes_item *item)
{
    kw_space *space = request->context->space;
    kw_node_ref node;
    doomed all;
    if (kw_node_id_is_null(&item->node_id)) {
        return KW_BAD_NODE_ID_INVALID;
    }
    KW_TRY(find_known(space, access, &item->node_id, KW_BAD_NODE_ID_UNKNOWN, &node));
    KW_TRY(check_removal(space, access, &node));
    KW_TRY(gather(request, access, &node, &all));
    KW_TRY(tell_doomed(request, &all));
    for (size_t i = all.count - 1; i > 0; i--) { /* the smallest parts first */
        KW_TRY(kw_space_remove(space, &all.nodes[i].id));
    }
    KW_TRY(item->delete_target_references ? kw_space_remove(space, &item->node_id) : kw_space_remove_alone(space, &item->node_id));
    return item->delete_target_references && kw_space_is_named(space, &item->node_id) ? KW_UNCERTAIN_REFERENCE_NOT_DELETED : KW_GOOD;
}

void kw_service_delete_nodes(kw_request *request)
{
    static const operation_set SET = {KW_ID_AUDIT_DELETE_NODES_EVENT_TYPE, "NodeManagement/DeleteNodes", "NodesToDelete",
                                      "nodes were deleted", KW_TYPE_DELETE_NODES_ITEM};
    const kw_delete_nodes_request *body = request->body;
    kw_delete_nodes_response *response = request->response;
    const kw_access access = kw_request_access(request);
    kw_status status = check_count(request, body->nodes_to_delete_count);
    if (!kw_status_is_bad(status)) {
        status = kw_request_statuses(request, body->nodes_to_delete_count, &response->results, &response->results_count);
    }
    kw_status worst = status;
    for (size_t i = 0; i < response->results_count; i++) {
        response->results[i] = delete_node(request, &access, &body->nodes_to_delete[i]);
        worst = worse(worst, response->results[i]);
    }
    audit(request, &SET, body->nodes_to_delete, sizeof(body->nodes_to_delete[0]), response->results_count, worst);
    request->finish(request, status);
}

/* --- DeleteReferences ------------------------------------------------------------------------------------------------------------------- */

static bool is_there(const kw_space *space, const kw_node_ref *source, const kw_delete_references_item *item, const kw_node_id *target)
{
    kw_reference_view r;
    for (size_t cursor = 0; kw_space_next_reference(space, source, &cursor, &r);) {
        if (r.is_forward == item->is_forward && kw_node_id_equal(&r.type, &item->reference_type_id) &&
            kw_node_id_equal(&r.target, target)) {
            return true;
        }
    }
    return false;
}

static kw_status remove_local(kw_request *request, const kw_access *access, const kw_delete_references_item *item,
                              const kw_node_ref *source)
{
    kw_space *space = request->context->space;
    kw_expanded_node_id target = {.server_index = 0};
    kw_node_ref node;
    if (!kw_id_is_local(space, &item->target_node_id, &target.node_id)) {
        return KW_BAD_TARGET_NODE_ID_INVALID;
    }
    KW_TRY(find_known(space, access, &target.node_id, KW_BAD_TARGET_NODE_ID_INVALID, &node));
    if (item->delete_bidirectional) {
        KW_TRY(kw_node_check(space, access, &node, KW_PERMISSION_REMOVE_REFERENCE));
    }
    if (!is_there(space, source, item, &target.node_id)) {
        return KW_BAD_NOT_FOUND;
    }
    if (is_one_way(&item->reference_type_id) ||
        kw_status_is_bad(kw_space_remove_reference(space, &source->id, &item->reference_type_id, item->is_forward, &target,
                                                   item->delete_bidirectional))) {
        return KW_BAD_NO_DELETE_RIGHTS; /* every instance has a type; and the standard's own stay */
    }
    return tell_joined(request, &source->id, &target.node_id, item->delete_bidirectional,
                       KW_MODEL_CHANGE_STRUCTURE_VERB_MASK_REFERENCE_DELETED);
}

static kw_status delete_reference(kw_request *request, const kw_access *access, const kw_delete_references_item *item)
{
    kw_space *space = request->context->space;
    kw_node_ref source, type;
    KW_TRY(find_known(space, access, &item->source_node_id, KW_BAD_SOURCE_NODE_ID_INVALID, &source));
    KW_TRY(kw_node_check(space, access, &source, KW_PERMISSION_REMOVE_REFERENCE));
    KW_TRY(find_known(space, access, &item->reference_type_id, KW_BAD_REFERENCE_TYPE_ID_INVALID, &type));
    if (kw_node_class_of(&type) != KW_NODE_CLASS_REFERENCE_TYPE) {
        return KW_BAD_REFERENCE_TYPE_ID_INVALID;
    }
    if (item->target_node_id.server_index == 0) {
        return remove_local(request, access, item, &source);
    }
    if (kw_status_is_bad(kw_space_remove_reference(space, &source.id, &type.id, item->is_forward, &item->target_node_id, false))) {
        return KW_BAD_SERVER_INDEX_INVALID; /* no reference leads there */
    }
    return tell_joined(request, &source.id, &source.id, false, KW_MODEL_CHANGE_STRUCTURE_VERB_MASK_REFERENCE_DELETED);
}

void kw_service_delete_references(kw_request *request)
{
    static const operation_set SET = {KW_ID_AUDIT_DELETE_REFERENCES_EVENT_TYPE, "NodeManagement/DeleteReferences", "ReferencesToDelete",
                                      "references were deleted", KW_TYPE_DELETE_REFERENCES_ITEM};
    const kw_delete_references_request *body = request->body;
    kw_delete_references_response *response = request->response;
    const kw_access access = kw_request_access(request);
    kw_status status = check_count(request, body->references_to_delete_count);
    if (!kw_status_is_bad(status)) {
        status = kw_request_statuses(request, body->references_to_delete_count, &response->results, &response->results_count);
    }
    kw_status worst = status;
    for (size_t i = 0; i < response->results_count; i++) {
        response->results[i] = delete_reference(request, &access, &body->references_to_delete[i]);
        worst = worse(worst, response->results[i]);
    }
    audit(request, &SET, body->references_to_delete, sizeof(body->references_to_delete[0]), response->results_count, worst);
    request->finish(request, status);
}
