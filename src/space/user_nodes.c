/* UserManagement: its Properties and where its Methods are. OPC 10000-18, 5.2. */
#include "base/try.h"
#include "space/administration_internal.h"
#include "ua/codec.h"

#include <keyway/node_ids.h>

static kw_status read_users(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    const kw_administration *a = ctx;
    const kw_snapshot *snapshot = NULL;
    (void)access;
    KW_TRY(kw_identity_gate_recall(a->env.gate, &snapshot));
    kw_user_management_data_type *users = KW_ARENA_ARRAY(arena, kw_user_management_data_type, snapshot->user_count);
    kw_extension_object *objects = KW_ARENA_ARRAY(arena, kw_extension_object, snapshot->user_count);
    bool is_complete = users != NULL && objects != NULL;
    for (size_t i = 0; is_complete && i < snapshot->user_count; i++) {
        const kw_known_user *user = &snapshot->users[i];
        users[i] = (kw_user_management_data_type){.user_name = kw_arena_copy(arena, user->name),
                                                  .user_configuration = user->configuration,
                                                  .description = kw_arena_copy(arena, user->description)};
        is_complete = users[i].user_name.data != NULL;
        objects[i] = kw_extension_object_of(KW_TYPE_USER_MANAGEMENT_DATA_TYPE, &users[i]);
    }
    out->has_value = true;
    out->value = kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, objects, snapshot->user_count);
    kw_snapshot_release(snapshot);
    return is_complete ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* UM-02: 0 says that there is no limit. */
static kw_status read_length(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    const kw_password_rules *rules = ((const kw_administration *)ctx)->env.passwords;
    kw_range *range = KW_ARENA_NEW(arena, kw_range);
    kw_extension_object *object = KW_ARENA_NEW(arena, kw_extension_object);
    (void)access;
    if (range == NULL || object == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *range = (kw_range){rules->min_length, rules->max_length};
    *object = kw_extension_object_of(KW_TYPE_RANGE, range);
    out->has_value = true;
    out->value = kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, object);
    return KW_GOOD;
}

static kw_status read_options(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    uint32_t *options = KW_ARENA_NEW(arena, uint32_t);
    (void)access;
    if (options == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *options = kw_password_options(((const kw_administration *)ctx)->env.passwords);
    out->has_value = true;
    out->value = kw_variant_scalar(KW_BUILTIN_UINT32, options);
    return KW_GOOD;
}

static kw_status read_restrictions(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    kw_localized_text *text = KW_ARENA_NEW(arena, kw_localized_text);
    (void)access;
    if (text == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *text = (kw_localized_text){KW_STRING("en"), kw_password_restrictions(((const kw_administration *)ctx)->env.passwords, arena)};
    out->has_value = true;
    out->value = kw_variant_scalar(KW_BUILTIN_LOCALIZED_TEXT, text);
    return text->text.data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

kw_status kw_user_nodes_new(kw_administration *a)
{
    static const struct {
        uint32_t id;
        kw_value_read read;
    } VALUES[] = {{KW_ID_USER_MANAGEMENT_USERS, read_users},
                  {KW_ID_USER_MANAGEMENT_PASSWORD_LENGTH, read_length},
                  {KW_ID_USER_MANAGEMENT_PASSWORD_OPTIONS, read_options},
                  {KW_ID_USER_MANAGEMENT_PASSWORD_RESTRICTIONS, read_restrictions}};
    static const struct {
        uint32_t id;
        kw_method_call call;
    } METHODS[] = {{KW_ID_USER_MANAGEMENT_ADD_USER, kw_user_add},
                   {KW_ID_USER_MANAGEMENT_MODIFY_USER, kw_user_modify},
                   {KW_ID_USER_MANAGEMENT_REMOVE_USER, kw_user_remove},
                   {KW_ID_USER_MANAGEMENT_CHANGE_PASSWORD, kw_user_change_password}};
    for (size_t i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++) {
        const kw_node_id id = KW_NODE_ID(0, VALUES[i].id);
        KW_TRY(kw_space_bind_value(a->env.space, &id, VALUES[i].read, NULL, a));
    }
    for (size_t i = 0; i < sizeof(METHODS) / sizeof(METHODS[0]); i++) {
        const kw_node_id id = KW_NODE_ID(0, METHODS[i].id);
        KW_TRY(kw_space_bind_method(a->env.space, &id, METHODS[i].call, a));
    }
    return KW_GOOD;
}
