/* Variables of a device: kept here, in the owner's memory, or behind functions. */
#include "base/try.h"
#include "device/device_internal.h"

#include <string.h>

typedef struct device_variable {
    kw_device_thing thing;
    kw_device *device;
    kw_node_id id;
    kw_builtin type;
    void *memory;
    kw_status (*read)(void *ctx, const kw_device_user *user, kw_arena *arena, kw_data_value *out);
    kw_status (*write)(void *ctx, const kw_device_user *user, const kw_variant *value);
    void *ctx;
} device_variable;

/* --- in the owner's memory ------------------------------------------------------------------------------------------------------- */

/* In one piece, where the machine can. */
static void copy_value(void *to, const void *from, size_t size)
{
    switch (size) {
    case 1:
        __atomic_store_n((uint8_t *)to, __atomic_load_n((const uint8_t *)from, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
        break;
    case 2:
        __atomic_store_n((uint16_t *)to, __atomic_load_n((const uint16_t *)from, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
        break;
    case 4:
        __atomic_store_n((uint32_t *)to, __atomic_load_n((const uint32_t *)from, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
        break;
    case 8:
        __atomic_store_n((uint64_t *)to, __atomic_load_n((const uint64_t *)from, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
        break;
    default:
        memcpy(to, from, size);
    }
}

static kw_status read_memory(const device_variable *v, kw_arena *arena, kw_data_value *out)
{
    const size_t size = kw_type_builtin(v->type)->size;
    void *copy = kw_arena_alloc(arena, size);
    if (copy == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    copy_value(copy, v->memory, size);
    *out = (kw_data_value){.has_value = true, .value = kw_variant_scalar(v->type, copy)};
    return KW_GOOD;
}

/* Those that are one piece, and lead nowhere else. */
static bool is_plain(kw_builtin type)
{
    return (type >= KW_BUILTIN_BOOLEAN && type <= KW_BUILTIN_DOUBLE) || type == KW_BUILTIN_DATE_TIME || type == KW_BUILTIN_GUID ||
           type == KW_BUILTIN_STATUS_CODE;
}

/* --- as the space asks ------------------------------------------------------------------------------------------------------------- */

static kw_status on_read(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    const device_variable *v = ctx;
    kw_device_user user;
    if (v->read == NULL) {
        return read_memory(v, arena, out);
    }
    KW_TRY(kw_device_user_of(access, arena, &user));
    return v->read(v->ctx, &user, arena, out);
}

#define USER_ARENA ((size_t)256 << 10)

static kw_status ask_owner(const device_variable *v, const kw_access *access, const kw_variant *value)
{
    kw_device_user user;
    kw_arena *arena = v->write != NULL ? kw_arena_new(USER_ARENA) : NULL;
    if (v->write == NULL) {
        return KW_GOOD;
    }
    kw_status status = arena != NULL ? kw_device_user_of(access, arena, &user) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = v->write(v->ctx, &user, value);
    }
    kw_arena_free(arena);
    return status;
}

static kw_status on_write(void *ctx, const kw_access *access, const kw_data_value *value)
{
    const device_variable *v = ctx;
    KW_TRY(ask_owner(v, access, &value->value));
    if (v->memory != NULL) {
        copy_value(v->memory, value->value.data, kw_type_builtin(v->type)->size);
        return KW_GOOD;
    }
    return v->read != NULL ? KW_GOOD : kw_space_set_value(kw_server_space(v->device->server), &v->id, &value->value);
}

/* --- adding -------------------------------------------------------------------------------------------------------------------------- */

static kw_status check(kw_device *device, const kw_device_variable *variable)
{
    const char *name = variable->node.name;
    if (kw_type_builtin(variable->type) == NULL) {
        return kw_device_fail(device, KW_BAD_DATA_TYPE_ID_UNKNOWN, "%s: a Variable needs a built-in type", name);
    }
    if (variable->memory != NULL && (variable->read != NULL || variable->is_array)) {
        return kw_device_fail(device, KW_BAD_INVALID_ARGUMENT, "%s: memory holds one scalar, and has no function to read it", name);
    }
    if (variable->memory != NULL && variable->writable && !is_plain(variable->type)) {
        return kw_device_fail(device, KW_BAD_INVALID_ARGUMENT, "%s: this type points elsewhere: it is written by a function", name);
    }
    if (variable->read != NULL && variable->writable && variable->write == NULL) {
        return kw_device_fail(device, KW_BAD_INVALID_ARGUMENT, "%s: what is read by a function is written by one", name);
    }
    return KW_GOOD;
}

kw_status kw_device_add_variable(kw_device *device, const kw_device_variable *variable, kw_node_id *id)
{
    kw_node_spec spec;
    KW_TRY(kw_device_describe(device, &variable->node, &spec));
    KW_TRY(check(device, variable));
    device_variable *v = kw_device_keep(device, sizeof(*v));
    if (v == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    v->device = device;
    v->id = spec.id;
    v->type = variable->type;
    v->memory = variable->memory;
    v->read = variable->read;
    v->write = variable->write;
    v->ctx = variable->ctx;
    spec.data_type = KW_NODE_ID(0, variable->type);
    spec.value_rank = variable->is_array ? 1 : -1;
    spec.writable = variable->writable;
    spec.value = variable->value;
    const bool is_live = variable->memory != NULL || variable->read != NULL;
    spec.read = is_live ? on_read : NULL;
    spec.write = variable->writable && (is_live || variable->write != NULL) ? on_write : NULL;
    spec.ctx = spec.read != NULL || spec.write != NULL ? v : NULL;
    return kw_device_added(device, kw_space_add_variable(kw_server_space(device->server), &spec), &variable->node, &spec, id);
}

kw_status kw_device_set_value(kw_device *device, const kw_node_id *id, const kw_variant *value)
{
    const kw_status status = kw_space_set_value(kw_server_space(device->server), id, value);
    return kw_status_is_bad(status) ? kw_device_fail(device, status, "the value was not taken: %s", kw_status_name(status)) : KW_GOOD;
}
