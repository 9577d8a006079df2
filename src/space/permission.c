/* The one place that says who may do what with a node. OPC 10000-3, 4.9 and 5.2.9 … 5.2.11. */
#include "space/space_internal.h"

/* Where nobody said anything: everybody may look, read and call; nobody may change. */
#define DEFAULT_PERMISSIONS (KW_PERMISSION_BROWSE | KW_PERMISSION_READ | KW_PERMISSION_CALL)

static uint32_t of_table(const kw_space *space, const kw_access *access, const kw_node_ref *node)
{
    uint32_t permissions = 0;
    const kw_nodeset_permission *rows = kw_nodeset_node_permissions(node->table);
    for (uint8_t i = 0; i < node->table->permission_count; i++) {
        const uint16_t ns = rows[i].role_model == KW_MODEL_GDS ? space->gds : 0;
        if (kw_identity_has_role(access->identity, ns, rows[i].role)) {
            permissions |= rows[i].permissions;
        }
    }
    return permissions;
}

const kw_node_more *kw_node_permission_source(const kw_space *space, const kw_node *node)
{
    while (node != NULL && (node->more == NULL || node->more->permission_count == 0)) { /* inherited */
        node = kw_nodes_at(&space->store, node->parent);
    }
    return node != NULL ? node->more : NULL;
}

static uint32_t of_own(const kw_space *space, const kw_access *access, const kw_node *node)
{
    uint32_t permissions = 0;
    const kw_node_more *source = kw_node_permission_source(space, node);
    if (source == NULL) {
        return DEFAULT_PERMISSIONS;
    }
    for (uint32_t i = 0; i < source->permission_count; i++) {
        if (kw_identity_has_role(access->identity, source->permissions[i].role_ns, source->permissions[i].role_id)) {
            permissions |= source->permissions[i].permissions;
        }
    }
    return permissions;
}

uint32_t kw_node_permissions(const kw_space *space, const kw_access *access, const kw_node_ref *node)
{
    if (access->identity == NULL) {
        return 0;
    }
    if (node->instances != NULL) {
        return kw_instance_permissions(node, access, of_own(space, access, node->own));
    }
    if (node->table == NULL) {
        return of_own(space, access, node->own);
    }
    return node->table->permission_count > 0 ? of_table(space, access, node) : DEFAULT_PERMISSIONS;
}

uint16_t kw_node_restrictions(const kw_node_ref *node)
{
    const uint16_t own = node->own != NULL && node->own->more != NULL ? node->own->more->restrictions : 0;
    const uint16_t table = node->table != NULL && node->table->access_restrictions > 0 ? (uint16_t)node->table->access_restrictions : 0;
    return own | table;
}

static bool is_channel_good_enough(const kw_access *access, uint32_t restrictions)
{
    if ((restrictions & KW_RESTRICTION_ENCRYPTION) != 0 && access->mode != KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT) {
        return false;
    }
    if ((restrictions & KW_RESTRICTION_SIGNING) != 0 && access->mode != KW_MESSAGE_SECURITY_MODE_SIGN &&
        access->mode != KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT) {
        return false;
    }
    return (restrictions & KW_RESTRICTION_SESSION) == 0 || access->has_session;
}

kw_status kw_node_check(const kw_space *space, const kw_access *access, const kw_node_ref *node, uint32_t permission)
{
    const uint32_t granted = kw_node_permissions(space, access, node);
    if (granted == 0) { /* who may do nothing with it learns nothing of it; that the standard's nodes exist is no secret (UM-01) */
        return node->table != NULL ? KW_BAD_USER_ACCESS_DENIED : KW_BAD_NODE_ID_UNKNOWN;
    }
    const uint32_t restrictions = kw_node_restrictions(node);
    const bool is_browse = permission == KW_PERMISSION_BROWSE;
    if ((!is_browse || (restrictions & KW_RESTRICTION_BROWSE) != 0) && !is_channel_good_enough(access, restrictions)) {
        return KW_BAD_SECURITY_MODE_INSUFFICIENT;
    }
    return (granted & permission) == permission ? KW_GOOD : KW_BAD_USER_ACCESS_DENIED;
}

bool kw_node_is_visible(const kw_space *space, const kw_access *access, const kw_node_ref *node)
{
    return !kw_status_is_bad(kw_node_check(space, access, node, KW_PERMISSION_BROWSE));
}
