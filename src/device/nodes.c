/* Nodes of a device: what all have in common, Objects, removal. */
#include "base/try.h"
#include "device/device_internal.h"
#include "space/node.h"
#include "ua/codec.h"

#include <keyway/node_ids.h>

#include <stdlib.h>
#include <string.h>

#define OWN_NAMESPACE 1u
#define PATH_MAX_LEN 2000
#define REMOVAL_MAX ((size_t)1 << 30) /* the ids of a million nodes */
#define USER_ROLES_MAX 256

/* --- things ---------------------------------------------------------------------------------------------------------------------- */

void *kw_device_keep(kw_device *device, size_t size)
{
    kw_device_thing *thing = calloc(1, size);
    if (thing != NULL) {
        thing->next = device->things;
        device->things = thing;
    }
    return thing;
}

/* --- who ------------------------------------------------------------------------------------------------------------------------- */

kw_status kw_device_user_of(const kw_access *access, kw_arena *arena, kw_device_user *out)
{
    const kw_identity *identity = access->identity;
    const size_t count = identity != NULL ? identity->role_count : 0;
    kw_string *roles = KW_ARENA_ARRAY(arena, kw_string, count);
    if (roles == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        roles[i] = identity->roles[i].name;
    }
    *out = (kw_device_user){.kind = identity != NULL ? identity->kind : KW_USER_TOKEN_TYPE_ANONYMOUS,
                            .name = identity != NULL ? identity->name : KW_BYTES_NULL,
                            .roles = roles,
                            .role_count = count,
                            .is_encrypted = access->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT,
                            .session_id = access->session_id};
    return KW_GOOD;
}

bool kw_device_user_has_role(const kw_device_user *user, const char *role)
{
    for (size_t i = 0; i < user->role_count; i++) {
        if (kw_string_equals(user->roles[i], role)) {
            return true;
        }
    }
    return false;
}

/* The well-known Roles. OPC 10000-18, 4.3. */
static bool find_role(const char *name, uint32_t *id)
{
    static const struct {
        const char *name;
        uint32_t id;
    } ROLES[] = {{"Anonymous", 15644}, {"AuthenticatedUser", 15656}, {"Observer", 15668},       {"Operator", 15680},
                 {"Engineer", 16036},  {"Supervisor", 15692},        {"ConfigureAdmin", 15716}, {"SecurityAdmin", 15704}};
    for (size_t i = 0; name != NULL && i < sizeof(ROLES) / sizeof(ROLES[0]); i++) {
        if (strcmp(ROLES[i].name, name) == 0) {
            *id = ROLES[i].id;
            return true;
        }
    }
    return false;
}

/* --- what all nodes have ------------------------------------------------------------------------------------------------------------ */

static kw_status describe_rights(kw_device *device, const kw_device_node *node, kw_node_spec *spec)
{
    kw_node_permission *permissions = KW_ARENA_ARRAY(device->arena, kw_node_permission, node->right_count);
    if (permissions == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < node->right_count; i++) {
        permissions[i].permissions = node->rights[i].may;
        if (!find_role(node->rights[i].role, &permissions[i].role_id)) {
            return kw_device_fail(device, KW_BAD_NOT_FOUND, "%s: %s is none of the well-known Roles", node->name,
                                  node->rights[i].role != NULL ? node->rights[i].role : "(NULL)");
        }
    }
    spec->permissions = permissions;
    spec->permission_count = node->right_count;
    return KW_GOOD;
}

/* "Parent.Name"; below Objects, or a node of another kind of id: "Name". */
static kw_status choose_id(kw_device *device, const kw_device_node *node, kw_node_id *id)
{
    const kw_string parent =
        node->parent.kind == KW_NODE_ID_STRING && node->parent.ns == OWN_NAMESPACE ? node->parent.id.string : KW_BYTES_NULL;
    const kw_string text = parent.len > 0 ? kw_arena_format(device->arena, "%.*s.%s", KW_STRING_ARGS(parent), node->name)
                                          : kw_arena_copy(device->arena, kw_string_from(node->name));
    *id = (kw_node_id){.ns = OWN_NAMESPACE, .kind = KW_NODE_ID_STRING, .id.string = text};
    if (text.len > PATH_MAX_LEN) {
        return kw_device_fail(device, KW_BAD_NODE_ID_INVALID, "%s: the names up to it are too long for a NodeId; give it one", node->name);
    }
    return text.data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status copy_id(kw_device *device, const kw_node_id *from, kw_node_id *to)
{
    *to = *from;
    if (from->kind == KW_NODE_ID_STRING || from->kind == KW_NODE_ID_OPAQUE) {
        to->id.string = kw_arena_copy(device->arena, from->id.string);
        return to->id.string.data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    }
    return KW_GOOD;
}

kw_status kw_device_describe(kw_device *device, const kw_device_node *node, kw_node_spec *spec)
{
    const bool below_objects = kw_node_id_is_null(&node->parent);
    if (node->name == NULL || *node->name == '\0') {
        return kw_device_fail(device, KW_BAD_BROWSE_NAME_INVALID, "a node needs a name");
    }
    *spec = (kw_node_spec){.parent = below_objects ? KW_NODE_ID(0, KW_ID_OBJECTS_FOLDER) : node->parent,
                           .browse_name = {node->ns != 0 ? node->ns : (uint16_t)OWN_NAMESPACE, kw_string_from(node->name)},
                           .description = {KW_BYTES_NULL, kw_string_from(node->description)}};
    if (below_objects) {
        spec->reference_type = KW_NODE_ID(0, KW_ID_ORGANIZES);
    }
    KW_TRY(kw_node_id_is_null(&node->id) ? choose_id(device, node, &spec->id) : copy_id(device, &node->id, &spec->id));
    return describe_rights(device, node, spec);
}

/* --- Objects, namespaces, removal ----------------------------------------------------------------------------------------------------- */

kw_status kw_device_namespace(kw_device *device, const char *uri, uint16_t *index)
{
    const kw_status status = kw_space_namespace_add(kw_server_space(device->server), kw_string_from(uri), index);
    return kw_status_is_bad(status) ? kw_device_fail(device, status, "there is no room for the namespace %s", uri) : KW_GOOD;
}

kw_status kw_device_added(kw_device *device, kw_status status, const kw_device_node *node, const kw_node_spec *spec, kw_node_id *id)
{
    if (kw_status_is_bad(status)) {
        const char *why = status == KW_BAD_NODE_ID_EXISTS           ? "there is a node of this id already; give it another name or id"
                          : status == KW_BAD_PARENT_NODE_ID_INVALID ? "there is no such parent; add that first"
                                                                    : kw_status_name(status);
        return kw_device_fail(device, status, "%s: %s", node->name, why);
    }
    if (id != NULL) {
        *id = spec->id;
    }
    return KW_GOOD;
}

kw_status kw_device_add_object(kw_device *device, const kw_device_node *node, kw_node_id *id)
{
    kw_node_spec spec;
    KW_TRY(kw_device_describe(device, node, &spec));
    return kw_device_added(device, kw_space_add_object(kw_server_space(device->server), &spec), node, &spec, id);
}

static bool is_part(const kw_reference_view *r)
{
    return r->type.ns == 0 && (r->type.id.numeric == KW_ID_HAS_COMPONENT || r->type.id.numeric == KW_ID_HAS_PROPERTY);
}

static bool is_own(const kw_space *space, const kw_node_id *id, kw_node_ref *node)
{
    return kw_space_find(space, id, node) && node->table == NULL && node->instances == NULL;
}

static bool is_part_of_any(const kw_space *space, const kw_node_ref *node)
{
    kw_reference_view r;
    for (size_t cursor = 0; kw_space_next_reference(space, node, &cursor, &r);) {
        kw_node_ref whole;
        if (!r.is_forward && is_part(&r) && kw_space_find(space, &r.target, &whole)) {
            return true;
        }
    }
    return false;
}

/* Nodes that are to go: copies, as their texts go with them. */
typedef struct going {
    struct going *next;
    kw_node_id id;
} going;

static kw_status push_parts(const kw_space *space, const kw_node_ref *node, kw_arena *arena, going **list)
{
    kw_reference_view r;
    for (size_t cursor = 0; kw_space_next_reference(space, node, &cursor, &r);) {
        if (!r.is_forward || !is_part(&r)) {
            continue;
        }
        going *part = KW_ARENA_NEW(arena, going);
        if (part == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        KW_TRY(kw_ua_copy(arena, kw_type_builtin(KW_BUILTIN_NODE_ID), &r.target, &part->id));
        part->next = *list;
        *list = part;
    }
    return KW_GOOD;
}

/* The whole before its parts: nothing comes twice, whatever loops there are, and what is another node's part as well stays. */
static kw_status remove_parts(kw_space *space, going *list, kw_arena *arena)
{
    while (list != NULL) {
        const going *part = list;
        kw_node_ref node;
        list = list->next;
        if (is_own(space, &part->id, &node) && !is_part_of_any(space, &node)) {
            KW_TRY(push_parts(space, &node, arena, &list));
            KW_TRY(kw_space_remove(space, &part->id));
        }
    }
    return KW_GOOD;
}

static kw_status remove_whole(kw_space *space, const kw_node_id *id, kw_arena *arena)
{
    kw_node_ref node;
    going *parts = NULL;
    if (is_own(space, id, &node)) {
        KW_TRY(push_parts(space, &node, arena, &parts));
    }
    KW_TRY(kw_space_remove(space, id));
    return remove_parts(space, parts, arena);
}

kw_status kw_device_remove(kw_device *device, const kw_node_id *id)
{
    kw_arena *arena = kw_arena_new(REMOVAL_MAX);
    const kw_status status = arena != NULL ? remove_whole(kw_server_space(device->server), id, arena) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(arena);
    return status == KW_BAD_NODE_ID_UNKNOWN ? kw_device_fail(device, status, "there is no such node of the device")
           : kw_status_is_bad(status)       ? kw_device_fail(device, status, "%s: not all of it could be removed", kw_status_name(status))
                                            : KW_GOOD;
}
