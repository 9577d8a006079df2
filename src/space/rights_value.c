/* RolePermissions and AccessRestrictions as values: of attributes, of NamespaceMetadata. OPC 10000-3, 5.2.9 … 5.2.11. */
#include "base/try.h"
#include "space/space_internal.h"
#include "ua/codec.h"

#define ROWS_MAX 256 /* of what somebody writes: more Roles than there are have no meaning */

/* --- out ------------------------------------------------------------------------------------------------------------------------------ */

kw_status kw_permission_list_value(const kw_permission_list *list, const kw_identity *whose, kw_arena *arena, kw_variant *out)
{
    kw_role_permission_type *rows = KW_ARENA_ARRAY(arena, kw_role_permission_type, list->count);
    kw_extension_object *objects = KW_ARENA_ARRAY(arena, kw_extension_object, list->count);
    size_t count = 0;
    if (rows == NULL || objects == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < list->count; i++) {
        const kw_node_permission row = kw_permission_row(list, i);
        if (whose == NULL || kw_identity_has_role(whose, row.role_ns, row.role_id)) {
            rows[count] = (kw_role_permission_type){.role_id = KW_NODE_ID(row.role_ns, row.role_id), .permissions = row.permissions};
            objects[count] = kw_extension_object_of(KW_TYPE_ROLE_PERMISSION_TYPE, &rows[count]);
            count++;
        }
    }
    *out = kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, objects, count);
    return KW_GOOD;
}

/* --- in -------------------------------------------------------------------------------------------------------------------------------- */

/* Roles have numeric NodeIds. */
static kw_status take_row(const kw_extension_object *object, kw_node_permission *out)
{
    const kw_role_permission_type *row = kw_extension_object_get(object, KW_TYPE_ROLE_PERMISSION_TYPE);
    if (row == NULL) {
        return KW_BAD_TYPE_MISMATCH;
    }
    if (row->role_id.kind != KW_NODE_ID_NUMERIC || (row->permissions & ~KW_PERMISSION_ALL) != 0) {
        return KW_BAD_OUT_OF_RANGE;
    }
    *out = (kw_node_permission){row->role_id.ns, row->role_id.id.numeric, row->permissions};
    return KW_GOOD;
}

static kw_status take_permissions(const kw_variant *value, kw_arena *arena, kw_rights *out)
{
    const kw_extension_object *objects = value->data;
    if (value->type != KW_BUILTIN_EXTENSION_OBJECT || !value->is_array || value->dimension_count > 1) {
        return KW_BAD_TYPE_MISMATCH;
    }
    if (value->count > ROWS_MAX) {
        return KW_BAD_OUT_OF_RANGE;
    }
    kw_node_permission *rows = KW_ARENA_ARRAY(arena, kw_node_permission, value->count);
    if (rows == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < value->count; i++) {
        KW_TRY(take_row(&objects[i], &rows[i]));
    }
    *out = (kw_rights){.has_permissions = true, .permissions = rows, .permission_count = value->count};
    return KW_GOOD;
}

static kw_status take_restrictions(const kw_variant *value, kw_rights *out)
{
    const uint16_t *restrictions = kw_variant_get(value, KW_BUILTIN_UINT16);
    if (restrictions == NULL) {
        return KW_BAD_TYPE_MISMATCH;
    }
    if ((*restrictions & ~KW_RESTRICTION_ALL) != 0) {
        return KW_BAD_OUT_OF_RANGE;
    }
    *out = (kw_rights){.has_restrictions = true, .restrictions = *restrictions};
    return KW_GOOD;
}

kw_status kw_node_write_rights(kw_space *space, const kw_node_ref *node, bool is_permissions, const kw_variant *value, kw_arena *arena)
{
    kw_rights rights;
    KW_TRY(is_permissions ? take_permissions(value, arena, &rights) : take_restrictions(value, &rights));
    return kw_space_write_rights(space, &node->id, &rights);
}
