/* Roles of the store as Objects of RoleType in the RoleSet. OPC 10000-18, 4.2 … 4.4. */
#include "base/try.h"
#include "space/administration_internal.h"

#include <keyway/node_ids.h>

#include <stdlib.h>
#include <string.h>

/* RO-06: for administrators on an encrypted channel, and others do not even see them. */
#define RESTRICTIONS (KW_RESTRICTION_SIGNING | KW_RESTRICTION_ENCRYPTION | KW_RESTRICTION_BROWSE)
#define ROLE_ANONYMOUS 15644
#define ROLE_SECURITY_ADMIN 15704
#define ROLE_SET 15606
#define ADD_ROLE 16301
#define REMOVE_ROLE 16304

static const kw_node_permission FOR_ADMINISTRATORS[] = {
    {0, ROLE_SECURITY_ADMIN,
     KW_PERMISSION_BROWSE | KW_PERMISSION_READ_ROLE_PERMISSIONS | KW_PERMISSION_READ | KW_PERMISSION_WRITE | KW_PERMISSION_CALL |
         KW_PERMISSION_RECEIVE_EVENTS},
};
/* That there is such a Role is no secret. */
static const kw_node_permission FOR_ALL[] = {
    {0, ROLE_ANONYMOUS, KW_PERMISSION_BROWSE},
    {0, ROLE_SECURITY_ADMIN,
     KW_PERMISSION_BROWSE | KW_PERMISSION_READ_ROLE_PERMISSIONS | KW_PERMISSION_READ | KW_PERMISSION_CALL | KW_PERMISSION_RECEIVE_EVENTS},
};

/* --- Roles of the tables ------------------------------------------------------------------------------------------------------------ */

static kw_status bind_child(kw_role_node *role, const kw_node_ref *child)
{
    kw_space *space = role->administration->env.space;
    const kw_string name = kw_node_browse_name(space, child).name;
    for (size_t i = 0; i < KW_ROLE_PROPERTIES; i++) {
        if (kw_string_equals(name, KW_ROLE_PROPERTY[i].name)) {
            KW_TRY(kw_space_bind_value_later(space, &child->id, KW_ROLE_PROPERTY[i].read, KW_ROLE_PROPERTY[i].write, role));
        }
    }
    for (size_t i = 0; i < KW_ROLE_METHODS; i++) {
        if (kw_string_equals(name, KW_ROLE_METHOD[i].name)) {
            KW_TRY(kw_space_bind_method(space, &child->id, KW_ROLE_METHOD[i].call, role));
        }
    }
    return kw_space_restrict(space, &child->id, RESTRICTIONS);
}

static bool is_child(const kw_reference_view *r)
{
    return r->is_forward && r->type.ns == 0 && (r->type.id.numeric == KW_ID_HAS_PROPERTY || r->type.id.numeric == KW_ID_HAS_COMPONENT);
}

static kw_status bind_children(kw_role_node *role, const kw_node_ref *node)
{
    const kw_space *space = role->administration->env.space;
    kw_reference_view r;
    for (size_t cursor = 0; kw_space_next_reference(space, node, &cursor, &r);) {
        kw_node_ref child;
        if (is_child(&r) && kw_space_find(space, &r.target, &child)) {
            KW_TRY(bind_child(role, &child));
        }
    }
    return KW_GOOD;
}

/* --- Roles of one's own --------------------------------------------------------------------------------------------------------------- */

/* "Role.50000.AddIdentity", in the namespace of this Server's own nodes. */
static kw_node_id child_id(kw_arena *arena, const kw_role_node *role, const char *name)
{
    return (kw_node_id){
        .ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_arena_format(arena, "Role.%u.%s", (unsigned)role->id.id.numeric, name)};
}

static kw_status add_property(kw_role_node *role, kw_arena *arena, const kw_role_property *property)
{
    kw_space *space = role->administration->env.space;
    const kw_node_id id = child_id(arena, role, property->name);
    KW_TRY(kw_space_add_variable(space, &(kw_node_spec){.id = id,
                                                        .parent = role->id,
                                                        .type_definition = KW_NODE_ID(0, KW_ID_PROPERTY_TYPE),
                                                        .browse_name = {0, kw_string_from(property->name)},
                                                        .permissions = FOR_ADMINISTRATORS,
                                                        .permission_count = 1,
                                                        .restrictions = RESTRICTIONS,
                                                        .data_type = KW_NODE_ID(0, property->data_type),
                                                        .value_rank = property->value_rank,
                                                        .read = property->read,
                                                        .ctx = role}));
    return kw_space_bind_value_later(space, &id, property->read, property->write, role);
}

static kw_status add_method(kw_role_node *role, kw_arena *arena, const kw_role_method *method)
{
    return kw_space_add_method(role->administration->env.space, &(kw_node_spec){.id = child_id(arena, role, method->name),
                                                                                .parent = role->id,
                                                                                .browse_name = {0, kw_string_from(method->name)},
                                                                                .permissions = FOR_ADMINISTRATORS,
                                                                                .permission_count = 1,
                                                                                .restrictions = RESTRICTIONS,
                                                                                .inputs = &method->input,
                                                                                .input_count = 1,
                                                                                .call = method->call,
                                                                                .ctx = role});
}

static kw_status add_children(kw_role_node *role, kw_arena *arena)
{
    for (size_t i = 0; i < KW_ROLE_PROPERTIES; i++) {
        KW_TRY(add_property(role, arena, &KW_ROLE_PROPERTY[i]));
    }
    for (size_t i = 0; i < KW_ROLE_METHODS; i++) {
        KW_TRY(add_method(role, arena, &KW_ROLE_METHOD[i]));
    }
    return KW_GOOD;
}

static kw_status add_node(kw_role_node *role)
{
    kw_arena *arena = kw_arena_new(1 << 16);
    if (arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status =
        kw_space_add_object(role->administration->env.space, &(kw_node_spec){.id = role->id,
                                                                             .parent = KW_NODE_ID(0, ROLE_SET),
                                                                             .type_definition = KW_NODE_ID(0, KW_ID_ROLE_TYPE),
                                                                             .browse_name = {role->id.ns, role->name},
                                                                             .permissions = FOR_ALL,
                                                                             .permission_count = 2});
    role->is_added = !kw_status_is_bad(status);
    if (role->is_added) {
        status = add_children(role, arena);
    }
    kw_arena_free(arena);
    return status;
}

/* With everything below it. */
static void remove_node(kw_space *space, const kw_node_id *id)
{
    kw_node_ref node;
    kw_reference_view r;
    for (bool more = true; more && kw_space_find(space, id, &node);) {
        size_t cursor = 0;
        more = false;
        while (!more && kw_space_next_reference(space, &node, &cursor, &r)) {
            more = is_child(&r);
        }
        if (more) {
            remove_node(space, &r.target);
        }
    }
    (void)kw_space_remove(space, id);
}

/* --- following the store ------------------------------------------------------------------------------------------------------------------ */

kw_role_node *kw_role_node_by_id(const kw_administration *a, const kw_node_id *id)
{
    for (kw_role_node *role = a->roles; role != NULL; role = role->next) {
        if (kw_node_id_equal(&role->id, id)) {
            return role;
        }
    }
    return NULL;
}

/* A node that somebody added to have this id is no Role, and what is below it none of its Methods. */
static bool is_taken(const kw_administration *a, const kw_node_id *id)
{
    kw_node_ref node;
    return a->has_started && kw_space_find(a->env.space, id, &node) && node.table == NULL;
}

static kw_status new_role(kw_administration *a, const kw_role *stored, const kw_node_id *id)
{
    kw_node_ref node;
    if (is_taken(a, id)) {
        return KW_BAD_NODE_ID_EXISTS;
    }
    kw_role_node *role = calloc(1, sizeof(*role) + stored->name.len);
    if (role == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    memcpy(role + 1, stored->name.data, stored->name.len);
    role->administration = a;
    role->name = (kw_string){(const uint8_t *)(role + 1), stored->name.len};
    role->id = *id;
    role->is_stored = true;
    role->next = a->roles;
    a->roles = role;
    return kw_space_find(a->env.space, id, &node) ? bind_children(role, &node) : add_node(role);
}

/* The namespace of a Role is taken into the NamespaceArray when it is not there yet. */
static kw_status node_id_of(kw_administration *a, const kw_role *stored, kw_node_id *out)
{
    uint16_t ns = 0;
    if (!kw_bytes_is_empty(stored->namespace_uri) && kw_space_namespace_find(a->env.space, stored->namespace_uri) == UINT16_MAX) {
        size_t count;
        KW_TRY(kw_space_namespace_add(a->env.space, stored->namespace_uri, &ns));
        const kw_string *all = kw_space_namespaces(a->env.space, &count);
        KW_TRY(kw_identity_gate_set_namespaces(a->env.gate, all, count));
    }
    ns = kw_bytes_is_empty(stored->namespace_uri) ? 0 : kw_space_namespace_find(a->env.space, stored->namespace_uri);
    *out = KW_NODE_ID(ns, stored->node_id);
    return KW_GOOD;
}

static kw_status follow_one(kw_administration *a, const kw_role *stored)
{
    kw_node_id id;
    KW_TRY(node_id_of(a, stored, &id));
    kw_role_node *known = kw_role_node_by_id(a, &id);
    if (known != NULL && kw_bytes_equal(known->name, stored->name)) {
        known->is_stored = true;
        return KW_GOOD;
    }
    return known == NULL ? new_role(a, stored, &id) : KW_BAD_NODE_ID_EXISTS;
}

/* Roles that are gone first: their NodeIds may be taken again. */
static void drop_missing(kw_administration *a, const kw_snapshot *snapshot)
{
    for (kw_role_node **link = &a->roles; *link != NULL;) {
        kw_role_node *role = *link;
        const kw_role *stored = kw_snapshot_role(snapshot, role->name);
        if (!role->is_added || (stored != NULL && stored->node_id == role->id.id.numeric)) {
            link = &role->next;
            continue;
        }
        *link = role->next;
        remove_node(a->env.space, &role->id);
        free(role);
    }
}

void kw_role_nodes_follow(kw_administration *a, const kw_snapshot *snapshot)
{
    drop_missing(a, snapshot);
    for (size_t i = 0; i < snapshot->role_count; i++) {
        const kw_status status = follow_one(a, &snapshot->roles[i]);
        if (kw_status_is_bad(status)) {
            KW_LOG(a->env.log, KW_LOG_ERROR, "a Role is not to be seen in the RoleSet", kw_field_str("role", snapshot->roles[i].name),
                   kw_field_status("status", status));
        }
    }
}

kw_status kw_role_nodes_new(kw_administration *a)
{
    static const struct {
        uint32_t id;
        kw_method_call call;
    } METHODS[] = {{ADD_ROLE, kw_role_set_add}, {REMOVE_ROLE, kw_role_set_remove}};
    for (size_t i = 0; i < 2; i++) {
        const kw_node_id id = KW_NODE_ID(0, METHODS[i].id);
        KW_TRY(kw_space_bind_method(a->env.space, &id, METHODS[i].call, a));
        KW_TRY(kw_space_restrict(a->env.space, &id, RESTRICTIONS));
    }
    const kw_snapshot *snapshot = NULL;
    KW_TRY(kw_identity_gate_recall(a->env.gate, &snapshot));
    kw_role_nodes_follow(a, snapshot);
    kw_snapshot_release(snapshot);
    a->has_started = true;
    return KW_GOOD;
}

void kw_role_nodes_free(kw_administration *a)
{
    while (a->roles != NULL) {
        kw_role_node *role = a->roles;
        a->roles = role->next;
        free(role);
    }
}
