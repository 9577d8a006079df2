/*
 * Instances of an ObjectType that are made when somebody looks, out of what the application knows: nothing is kept for them.
 *
 * Each is a component of one Object of ns 0. Its parts are what the type declares below itself, at any depth; they have the names,
 * DataTypes and references of the declarations.
 */
#ifndef KW_SPACE_INSTANCES_H
#define KW_SPACE_INSTANCES_H

#include "space/space.h"

#define KW_INSTANCE_PARTS_MAX 64 /* with the Object itself, which is part 0 */

/* Of a part, by its declaration in ns 0 (the ObjectType for part 0). */
typedef struct kw_instance_rights {
    const kw_node_permission *permissions; /* static; RolePermissions */
    size_t permission_count;
    uint16_t restrictions;
} kw_instance_rights;

typedef struct kw_instances {
    uint32_t parent, type; /* ns 0 */
    /* Is this the id of an instance that is there, or of a part of one? */
    bool (*find)(void *ctx, const kw_node_id *id, uint32_t *part);
    /* The id of a part of the instance that `id` is of. */
    kw_node_id (*id_of)(const kw_node_id *id, uint32_t part);
    /* The next one: start with *cursor = 0; false at the end. */
    bool (*next)(void *ctx, size_t *cursor, kw_node_id *id);
    kw_string (*name)(void *ctx, const kw_node_id *id); /* BrowseName in namespace 1; borrowed */
    kw_instance_rights (*rights)(uint32_t declaration);
    /* PermissionType bits, when the Roles alone would give `by_role`. */
    uint32_t (*permissions)(void *ctx, const kw_access *access, const kw_node_id *id, uint32_t declaration, uint32_t by_role);
    /* The Value of a Variable among the parts. As kw_value_read. */
    kw_status (*read)(void *ctx, const kw_node_id *id, uint32_t declaration, kw_arena *arena, kw_data_value *out);
    void *ctx;
} kw_instances;

/* Copied. Bad_TooManyOperations: the type declares too many parts. */
kw_status kw_space_add_instances(kw_space *space, const kw_instances *instances);

#endif
