/* The one place that says who may do what with a node. OPC 10000-3, 4.9 and 5.2.9 … 5.2.11. */
#include "space/rights.h"
#include "space/space_internal.h"

#define ROLE_ANONYMOUS 15644u

/* Where nobody said anything: everybody may look, read, call and hear; nobody may change. */
static const kw_node_permission BUILT_IN[] = {
    {0, ROLE_ANONYMOUS, KW_PERMISSION_BROWSE | KW_PERMISSION_READ | KW_PERMISSION_CALL | KW_PERMISSION_RECEIVE_EVENTS}};

/* --- where RolePermissions come from ------------------------------------------------------------------------------------------------ */

static bool is_laid(const kw_laid_rights *laid, kw_rights_source source, const kw_node_id *carrier, kw_permission_list *out)
{
    if (laid == NULL || !laid->has_permissions) {
        return false;
    }
    *out = (kw_permission_list){.source = source, .carrier = *carrier, .rows = laid->rows, .count = laid->count};
    return true;
}

static bool is_laid_over(const kw_space *space, const kw_node_id *id, kw_permission_list *out)
{
    return is_laid(kw_rights_written(space, id), KW_RIGHTS_WRITTEN, id, out) ||
           is_laid(kw_rights_configured(space, id), KW_RIGHTS_CONFIGURED, id, out);
}

void kw_namespace_permission_list(const kw_space *space, uint16_t ns, kw_permission_list *out)
{
    const kw_node_id carrier = {.ns = ns};
    const kw_laid_rights *laid = ns < KW_NAMESPACES_MAX ? space->configured.defaults[ns] : NULL;
    if (!is_laid(laid, KW_RIGHTS_OF_NAMESPACE, &carrier, out)) {
        *out = (kw_permission_list){.source = KW_RIGHTS_BUILT_IN, .carrier = carrier, .rows = BUILT_IN, .count = 1};
    }
}

/* From a node up to the ones it inherits from; instances inherit from what they have in common. */
static const kw_node *next_carrier(const kw_space *space, const kw_node *carrier)
{
    return kw_nodes_at(&space->store, carrier->parent);
}

static bool of_own(const kw_space *space, const kw_node_ref *node, kw_permission_list *out)
{
    for (const kw_node *carrier = node->own; carrier != NULL; carrier = next_carrier(space, carrier)) {
        if (node->instances == NULL && is_laid_over(space, &carrier->id, out)) {
            return true;
        }
        if (carrier->more != NULL && carrier->more->permission_count > 0) {
            *out = (kw_permission_list){.source = KW_RIGHTS_OF_NODE,
                                        .carrier = node->instances != NULL ? node->id : carrier->id,
                                        .rows = carrier->more->permissions,
                                        .count = carrier->more->permission_count};
            return true;
        }
    }
    return false;
}

static bool of_table(const kw_space *space, const kw_node_ref *node, kw_permission_list *out)
{
    if (is_laid_over(space, &node->id, out)) {
        return true;
    }
    if (node->table->permission_count == 0) {
        return false;
    }
    *out = (kw_permission_list){.source = KW_RIGHTS_OF_NODE,
                                .carrier = node->id,
                                .table = kw_nodeset_node_permissions(node->table),
                                .count = node->table->permission_count,
                                .gds = space->gds};
    return true;
}

void kw_node_permission_list(const kw_space *space, const kw_node_ref *node, kw_permission_list *out)
{
    const bool is_said = node->table != NULL ? of_table(space, node, out) : of_own(space, node, out);
    if (!is_said) {
        kw_namespace_permission_list(space, node->id.ns, out);
    }
}

kw_node_permission kw_permission_row(const kw_permission_list *list, size_t i)
{
    if (list->table == NULL) {
        return list->rows[i];
    }
    const kw_nodeset_permission *row = &list->table[i];
    return (kw_node_permission){row->role_model == KW_MODEL_GDS ? list->gds : 0, row->role, row->permissions};
}

static uint32_t granted_by(const kw_permission_list *list, const kw_access *access)
{
    uint32_t permissions = 0;
    for (size_t i = 0; i < list->count; i++) {
        const kw_node_permission row = kw_permission_row(list, i);
        if (kw_identity_has_role(access->identity, row.role_ns, row.role_id)) {
            permissions |= row.permissions;
        }
    }
    return permissions;
}

static uint32_t granted(const kw_access *access, const kw_node_ref *node, const kw_permission_list *list)
{
    if (access->identity == NULL) {
        return 0;
    }
    const uint32_t by_role = granted_by(list, access);
    return node->instances != NULL ? kw_instance_permissions(node, access, by_role) : by_role;
}

uint32_t kw_node_permissions(const kw_space *space, const kw_access *access, const kw_node_ref *node)
{
    kw_permission_list list;
    kw_node_permission_list(space, node, &list);
    return granted(access, node, &list);
}

/* --- where AccessRestrictions come from ----------------------------------------------------------------------------------------------- */

static bool is_restricted_by(const kw_laid_rights *laid, kw_rights_source source, const kw_node_id *carrier, kw_restriction_source *out)
{
    if (laid == NULL || !laid->has_restrictions) {
        return false;
    }
    *out = (kw_restriction_source){source, *carrier, laid->restrictions};
    return true;
}

static bool is_restricted_over(const kw_space *space, const kw_node_id *id, kw_restriction_source *out)
{
    return is_restricted_by(kw_rights_written(space, id), KW_RIGHTS_WRITTEN, id, out) ||
           is_restricted_by(kw_rights_configured(space, id), KW_RIGHTS_CONFIGURED, id, out);
}

kw_restriction_source kw_namespace_restriction_source(const kw_space *space, uint16_t ns)
{
    kw_restriction_source out = {KW_RIGHTS_BUILT_IN, {.ns = ns}, 0};
    const kw_node_id carrier = {.ns = ns};
    (void)is_restricted_by(ns < KW_NAMESPACES_MAX ? space->configured.defaults[ns] : NULL, KW_RIGHTS_OF_NAMESPACE, &carrier, &out);
    return out;
}

static uint16_t own_restrictions(const kw_node *node)
{
    return node != NULL && node->more != NULL ? node->more->restrictions : 0;
}

static bool own_restriction(const kw_space *space, const kw_node_ref *node, kw_restriction_source *out)
{
    for (const kw_node *carrier = node->own; carrier != NULL; carrier = next_carrier(space, carrier)) {
        if (node->instances == NULL && is_restricted_over(space, &carrier->id, out)) {
            return true;
        }
        if (own_restrictions(carrier) != 0) {
            *out = (kw_restriction_source){KW_RIGHTS_OF_NODE, node->instances != NULL ? node->id : carrier->id, own_restrictions(carrier)};
            return true;
        }
    }
    return false;
}

/* What the standard asks for, nobody takes back: others can only add to it. */
static bool table_restriction(const kw_space *space, const kw_node_ref *node, kw_restriction_source *out)
{
    const uint16_t own = own_restrictions(node->own);
    const bool is_said = node->table->access_restrictions >= 0;
    const uint16_t least = (uint16_t)(own | (is_said ? (uint16_t)node->table->access_restrictions : 0));
    if (is_restricted_over(space, &node->id, out)) {
        out->restrictions |= least;
        return true;
    }
    *out = (kw_restriction_source){KW_RIGHTS_OF_NODE, node->id, least};
    return is_said || own != 0;
}

kw_restriction_source kw_node_restriction_source(const kw_space *space, const kw_node_ref *node)
{
    kw_restriction_source out;
    const bool is_said = node->table != NULL ? table_restriction(space, node, &out) : own_restriction(space, node, &out);
    return is_said ? out : kw_namespace_restriction_source(space, node->id.ns);
}

/* --- the verdict --------------------------------------------------------------------------------------------------------------------------- */

/* Why not; NULL: it is good enough. */
static const char *lack_of_channel(const kw_access *access, uint16_t restrictions)
{
    const bool is_encrypted = access->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT;
    if ((restrictions & KW_RESTRICTION_ENCRYPTION) != 0 && !is_encrypted) {
        return "the AccessRestriction EncryptionRequired asks for an encrypted channel";
    }
    if ((restrictions & KW_RESTRICTION_SIGNING) != 0 && !is_encrypted && access->mode != KW_MESSAGE_SECURITY_MODE_SIGN) {
        return "the AccessRestriction SigningRequired asks for a signed channel";
    }
    return (restrictions & KW_RESTRICTION_SESSION) != 0 && !access->has_session ? "the AccessRestriction SessionRequired asks for a Session"
                                                                                : NULL;
}

static kw_status judge(const kw_access *access, const kw_node_ref *node, uint32_t permission, kw_verdict *v)
{
    v->why = "none of the Roles has any permission on the node";
    if (v->granted == 0) { /* who may do nothing with it learns nothing of it; that the standard's nodes exist is no secret (UM-01) */
        return node->table != NULL ? KW_BAD_USER_ACCESS_DENIED : KW_BAD_NODE_ID_UNKNOWN;
    }
    const bool is_free = permission == KW_PERMISSION_BROWSE && (v->restrictions.restrictions & KW_RESTRICTION_BROWSE) == 0;
    const char *lack = is_free ? NULL : lack_of_channel(access, v->restrictions.restrictions);
    if (lack != NULL) {
        v->why = lack;
        return KW_BAD_SECURITY_MODE_INSUFFICIENT;
    }
    if ((v->granted & permission) != permission) {
        v->why = "none of the Roles has this permission on the node";
        return KW_BAD_USER_ACCESS_DENIED;
    }
    v->why = "the Roles have the permission, and the channel is as it has to be";
    return KW_GOOD;
}

void kw_node_judge(const kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t permission, kw_verdict *out)
{
    kw_node_permission_list(space, node, &out->permissions);
    out->granted = granted(access, node, &out->permissions);
    out->restrictions = kw_node_restriction_source(space, node);
    out->status = judge(access, node, permission, out);
}

kw_status kw_node_check(const kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t permission)
{
    kw_verdict verdict;
    kw_node_judge(space, access, node, permission, &verdict);
    if (kw_status_is_bad(verdict.status) && access->refused != NULL) {
        access->refused(access, node, permission, &verdict);
    }
    return verdict.status;
}

kw_status kw_space_permits(const kw_space *space, const kw_node_id *id, const kw_access *access, uint32_t permission)
{
    kw_node_ref node;
    return kw_space_find(space, id, &node) ? kw_node_check(space, access, &node, permission) : KW_BAD_NODE_ID_UNKNOWN;
}

bool kw_node_is_visible(const kw_space *space, const kw_access *access, const kw_node_ref *node)
{
    kw_verdict verdict;
    kw_node_judge(space, access, node, KW_PERMISSION_BROWSE, &verdict);
    return !kw_status_is_bad(verdict.status);
}
