/* The Server Object and its neighbours: what ns 0 says about this very server. OPC 10000-5, 6.3. */
#include "base/try.h"
#include "space/space_internal.h"
#include "ua/codec.h"

#include <keyway/node_ids.h>

void kw_space_set_server_info(kw_space *space, const kw_space_server_info *info)
{
    space->info = *info;
}

void kw_space_set_server_state(kw_space *space, kw_server_state state)
{
    space->info.state = state;
}

/* --- values -------------------------------------------------------------------------------------------------------------- */

/* Each of these reads one thing; the node they belong to is in the table below. */
typedef kw_status (*info_read)(const kw_space *space, kw_arena *arena, kw_variant *out);

typedef struct live_value {
    uint32_t id;
    info_read read;
} live_value;

#define SCALAR(c_type, builtin, value_)                                                                                                    \
    do {                                                                                                                                   \
        c_type *scalar_ = KW_ARENA_NEW(arena, c_type);                                                                                     \
        if (scalar_ == NULL) {                                                                                                             \
            return KW_BAD_OUT_OF_MEMORY;                                                                                                   \
        }                                                                                                                                  \
        *scalar_ = (value_);                                                                                                               \
        *out = kw_variant_scalar(builtin, scalar_);                                                                                        \
        return KW_GOOD;                                                                                                                    \
    } while (0)

static kw_build_info build_info(const kw_space *space)
{
    return (kw_build_info){.product_uri = space->info.product_uri,
                           .manufacturer_name = space->info.manufacturer,
                           .product_name = space->info.product_name,
                           .software_version = space->info.version,
                           .build_number = space->info.version,
                           .build_date = space->started};
}

static kw_status put_structure(kw_arena *arena, const kw_type *type, const void *value, kw_variant *out)
{
    SCALAR(kw_extension_object, KW_BUILTIN_EXTENSION_OBJECT, kw_extension_object_of(type, value));
}

static kw_status read_status(const kw_space *space, kw_arena *arena, kw_variant *out)
{
    kw_server_status_data_type *status = KW_ARENA_NEW(arena, kw_server_status_data_type);
    if (status == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *status = (kw_server_status_data_type){.start_time = space->started,
                                           .current_time = kw_clock_utc(space->clock),
                                           .state = space->info.state,
                                           .build_info = build_info(space)};
    return put_structure(arena, KW_TYPE_SERVER_STATUS_DATA_TYPE, status, out);
}

static kw_status read_build_info(const kw_space *space, kw_arena *arena, kw_variant *out)
{
    kw_build_info *info = KW_ARENA_NEW(arena, kw_build_info);
    if (info == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *info = build_info(space);
    return put_structure(arena, KW_TYPE_BUILD_INFO, info, out);
}

#define READ_SCALAR(name, c_type, builtin, expression)                                                                                     \
    static kw_status name(const kw_space *space, kw_arena *arena, kw_variant *out)                                                         \
    {                                                                                                                                      \
        (void)space;                                                                                                                       \
        SCALAR(c_type, builtin, expression);                                                                                               \
    }

READ_SCALAR(read_start_time, kw_date_time, KW_BUILTIN_DATE_TIME, space->started)
READ_SCALAR(read_current_time, kw_date_time, KW_BUILTIN_DATE_TIME, kw_clock_utc(space->clock))
READ_SCALAR(read_state, int32_t, KW_BUILTIN_INT32, space->info.state)
READ_SCALAR(read_zero_u32, uint32_t, KW_BUILTIN_UINT32, 0)
READ_SCALAR(read_no_reason, kw_localized_text, KW_BUILTIN_LOCALIZED_TEXT, ((kw_localized_text){KW_BYTES_NULL, KW_BYTES_NULL}))
READ_SCALAR(read_product_uri, kw_string, KW_BUILTIN_STRING, space->info.product_uri)
READ_SCALAR(read_manufacturer, kw_string, KW_BUILTIN_STRING, space->info.manufacturer)
READ_SCALAR(read_product_name, kw_string, KW_BUILTIN_STRING, space->info.product_name)
READ_SCALAR(read_version, kw_string, KW_BUILTIN_STRING, space->info.version)
READ_SCALAR(read_service_level, uint8_t, KW_BUILTIN_BYTE, 255)
READ_SCALAR(read_true, bool, KW_BUILTIN_BOOLEAN, true)
READ_SCALAR(read_redundancy, int32_t, KW_BUILTIN_INT32, 0)
READ_SCALAR(read_sampling_rate, double, KW_BUILTIN_DOUBLE, space->info.min_sampling_interval)
READ_SCALAR(read_limit_items, uint32_t, KW_BUILTIN_UINT32, space->info.max_monitored_items_per_call)
READ_SCALAR(read_max_subscriptions, uint32_t, KW_BUILTIN_UINT32, space->info.max_subscriptions)
READ_SCALAR(read_max_items, uint32_t, KW_BUILTIN_UINT32, space->info.max_monitored_items)
READ_SCALAR(read_max_subscriptions_per_session, uint32_t, KW_BUILTIN_UINT32, space->info.max_subscriptions_per_session)
READ_SCALAR(read_max_items_per_subscription, uint32_t, KW_BUILTIN_UINT32, space->info.max_monitored_items_per_subscription)
READ_SCALAR(read_max_select, uint32_t, KW_BUILTIN_UINT32, space->info.max_select_clauses)
READ_SCALAR(read_max_where, uint32_t, KW_BUILTIN_UINT32, space->info.max_where_elements)
READ_SCALAR(read_max_queue, uint32_t, KW_BUILTIN_UINT32, space->info.max_item_queue)
READ_SCALAR(read_zero_u16, uint16_t, KW_BUILTIN_UINT16, 0)
READ_SCALAR(read_browse_points, uint16_t, KW_BUILTIN_UINT16, space->info.max_browse_continuation_points)
READ_SCALAR(read_max_array, uint32_t, KW_BUILTIN_UINT32, space->info.max_array_length)
READ_SCALAR(read_max_string, uint32_t, KW_BUILTIN_UINT32, space->info.max_string_length)
READ_SCALAR(read_max_byte_string, uint32_t, KW_BUILTIN_UINT32, space->info.max_byte_string_length)
READ_SCALAR(read_max_sessions, uint32_t, KW_BUILTIN_UINT32, space->info.max_sessions)
READ_SCALAR(read_limit_read, uint32_t, KW_BUILTIN_UINT32, space->info.max_nodes_per_read)
READ_SCALAR(read_limit_write, uint32_t, KW_BUILTIN_UINT32, space->info.max_nodes_per_write)
READ_SCALAR(read_limit_call, uint32_t, KW_BUILTIN_UINT32, space->info.max_nodes_per_call)
READ_SCALAR(read_limit_browse, uint32_t, KW_BUILTIN_UINT32, space->info.max_nodes_per_browse)
READ_SCALAR(read_limit_register, uint32_t, KW_BUILTIN_UINT32, space->info.max_nodes_per_register)
READ_SCALAR(read_limit_node_management, uint32_t, KW_BUILTIN_UINT32, space->info.max_nodes_per_node_management)
READ_SCALAR(read_limit_translate, uint32_t, KW_BUILTIN_UINT32, space->info.max_nodes_per_translate)
READ_SCALAR(read_uris_version, uint32_t, KW_BUILTIN_UINT32, space->uris_version)

static kw_status read_namespaces(const kw_space *space, kw_arena *arena, kw_variant *out)
{
    (void)arena;
    *out = kw_variant_array(KW_BUILTIN_STRING, space->namespaces, space->namespace_count);
    return KW_GOOD;
}

/* ServerArray[0] is the ApplicationUri, which is namespace 1. */
static kw_status read_servers(const kw_space *space, kw_arena *arena, kw_variant *out)
{
    (void)arena;
    *out = kw_variant_array(KW_BUILTIN_STRING, &space->namespaces[1], 1);
    return KW_GOOD;
}

static kw_status read_list(const kw_string *list, size_t count, kw_variant *out)
{
    static const kw_string NONE[1];
    *out = kw_variant_array(KW_BUILTIN_STRING, count > 0 ? list : NONE, count);
    return KW_GOOD;
}

static kw_status read_profiles(const kw_space *space, kw_arena *arena, kw_variant *out)
{
    (void)arena;
    return read_list(space->info.profiles, space->info.profile_count, out);
}

static kw_status read_locales(const kw_space *space, kw_arena *arena, kw_variant *out)
{
    (void)arena;
    return read_list(space->locales, space->locale_count, out);
}

static const live_value LIVE[] = {
    {2254, read_servers},
    {2255, read_namespaces},
    {2256, read_status},
    {2257, read_start_time},
    {2258, read_current_time},
    {2259, read_state},
    {2260, read_build_info},
    {2261, read_product_name},
    {2262, read_product_uri},
    {2263, read_manufacturer},
    {2264, read_version},
    {2265, read_version},
    {2266, read_start_time},
    {2992, read_zero_u32},
    {2993, read_no_reason},
    {2267, read_service_level},
    {2294, read_true}, /* EnabledFlag: always */
    {2994, read_true},
    {3709, read_redundancy},
    {2269, read_profiles},
    {2271, read_locales},
    {2272, read_sampling_rate},
    {2735, read_browse_points},
    {2736, read_zero_u16},
    {2737, read_zero_u16},
    {11702, read_max_array},
    {11703, read_max_string},
    {12911, read_max_byte_string},
    {24095, read_max_sessions},
    {11705, read_limit_read},
    {11707, read_limit_write},
    {11709, read_limit_call},
    {11710, read_limit_browse},
    {11711, read_limit_register},
    {11712, read_limit_translate},
    {11713, read_limit_node_management},
    {15004, read_uris_version},
    {11714, read_limit_items},
    {24096, read_max_subscriptions},
    {24097, read_max_items},
    {24098, read_max_subscriptions_per_session},
    {24104, read_max_items_per_subscription},
    {24099, read_max_select},
    {24100, read_max_where},
    {31916, read_max_queue},
};

/* The ctx of a bound value: which row, and of which space. */
typedef struct live_context {
    const kw_space *space;
    info_read read;
} live_context;

static kw_status read_live(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    const live_context *live = ctx;
    (void)access;
    out->has_value = true;
    return live->read(live->space, arena, &out->value);
}

/* --- defaults of namespaces: live Properties of their NamespaceMetadata --------------------------------------------------------------- */

typedef struct default_context {
    const kw_space *space;
    uint16_t ns;
    bool only_own;
} default_context;

static kw_status read_default_permissions(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    const default_context *d = ctx;
    kw_permission_list list;
    kw_namespace_permission_list(d->space, d->ns, &list);
    out->has_value = true;
    return kw_permission_list_value(&list, d->only_own ? access->identity : NULL, arena, &out->value);
}

static kw_status put_restrictions(kw_arena *arena, uint16_t restrictions, kw_variant *out)
{
    SCALAR(uint16_t, KW_BUILTIN_UINT16, restrictions);
}

static kw_status read_default_restrictions(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    const default_context *d = ctx;
    (void)access;
    out->has_value = true;
    return put_restrictions(arena, kw_namespace_restriction_source(d->space, d->ns).restrictions, &out->value);
}

typedef struct default_property {
    const char *name;
    uint32_t core_id; /* that of ns 0 */
    uint32_t data_type;
    int32_t rank;
    bool only_own;
    kw_value_read read;
} default_property;

static const default_property DEFAULTS[] = {
    {"DefaultRolePermissions", 16134, 96, 1, false, read_default_permissions},
    {"DefaultUserRolePermissions", 16135, 96, 1, true, read_default_permissions},
    {"DefaultAccessRestrictions", 16136, 95, -1, false, read_default_restrictions},
};

static kw_status add_default(kw_space *space, const kw_node_id *metadata, uint16_t ns, const default_property *property)
{
    default_context *context = KW_ARENA_NEW(space->arena, default_context);
    if (context == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *context = (default_context){space, ns, property->only_own};
    if (ns == 0) {
        return kw_space_bind_value(space, &KW_NODE_ID(0, property->core_id), property->read, NULL, context);
    }
    const kw_node_id id = {.ns = 1,
                           .kind = KW_NODE_ID_STRING,
                           .id.string = kw_arena_format(space->arena, "%.*s.%s", KW_STRING_ARGS(metadata->id.string), property->name)};
    return kw_space_add_variable(space, &(kw_node_spec){.id = id,
                                                        .parent = *metadata,
                                                        .type_definition = KW_NODE_ID(0, KW_ID_PROPERTY_TYPE),
                                                        .browse_name = {0, kw_string_from(property->name)},
                                                        .data_type = KW_NODE_ID(0, property->data_type),
                                                        .value_rank = property->rank,
                                                        .read = property->read,
                                                        .ctx = context});
}

static kw_status add_defaults(kw_space *space, const kw_node_id *metadata, uint16_t ns)
{
    for (size_t i = 0; i < sizeof(DEFAULTS) / sizeof(DEFAULTS[0]); i++) {
        KW_TRY(add_default(space, metadata, ns, &DEFAULTS[i]));
    }
    return KW_GOOD;
}

kw_status kw_space_bind_server_object(kw_space *space)
{
    for (size_t i = 0; i < sizeof(LIVE) / sizeof(LIVE[0]); i++) {
        live_context *context = KW_ARENA_NEW(space->arena, live_context);
        if (context == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        *context = (live_context){space, LIVE[i].read};
        KW_TRY(kw_space_bind_value(space, &KW_NODE_ID(0, LIVE[i].id), read_live, NULL, context));
    }
    return add_defaults(space, NULL, 0);
}

/* --- NamespaceMetadata of a namespace. OPC 10000-5, 6.3.14 ---------------------------------------------------------------------- */

static kw_status add_fact(kw_space *space, const kw_node_id *parent, const char *name, uint32_t data_type, int32_t rank, kw_variant value)
{
    kw_arena *scratch = kw_arena_new(8192);
    if (scratch == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_node_id id = {
        .ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_arena_format(scratch, "%.*s.%s", KW_STRING_ARGS(parent->id.string), name)};
    const kw_status status = kw_space_add_variable(space, &(kw_node_spec){.id = id,
                                                                          .parent = *parent,
                                                                          .type_definition = KW_NODE_ID(0, KW_ID_PROPERTY_TYPE),
                                                                          .browse_name = {0, kw_string_from(name)},
                                                                          .data_type = KW_NODE_ID(0, data_type),
                                                                          .value_rank = rank,
                                                                          .value = value});
    kw_arena_free(scratch);
    return status;
}

kw_status kw_space_add_metadata(kw_space *space, uint16_t index)
{
    const kw_string uri = space->namespaces[index], empty = KW_STRING("");
    const bool is_gds = space->gds != 0 && index == space->gds;
    const kw_string version = is_gds ? kw_string_from(kw_nodesets[KW_MODEL_GDS].version) : empty;
    const bool is_subset = is_gds; /* without its Directory */
    const int32_t numeric = 0;
    const kw_node_id id = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = kw_arena_format(space->arena, "Namespace.%u", index)};
    const kw_date_time published = space->started;
    KW_TRY(kw_space_add_object(
        space,
        &(kw_node_spec){.id = id, .parent = KW_NODE_ID(0, 11715), .type_definition = KW_NODE_ID(0, 11616), .browse_name = {index, uri}}));
    KW_TRY(add_fact(space, &id, "NamespaceUri", KW_BUILTIN_STRING, -1, kw_variant_scalar(KW_BUILTIN_STRING, &uri)));
    KW_TRY(add_fact(space, &id, "NamespaceVersion", KW_BUILTIN_STRING, -1, kw_variant_scalar(KW_BUILTIN_STRING, &version)));
    KW_TRY(add_fact(space, &id, "NamespacePublicationDate", KW_BUILTIN_DATE_TIME, -1, kw_variant_scalar(KW_BUILTIN_DATE_TIME, &published)));
    KW_TRY(add_fact(space, &id, "IsNamespaceSubset", KW_BUILTIN_BOOLEAN, -1, kw_variant_scalar(KW_BUILTIN_BOOLEAN, &is_subset)));
    KW_TRY(add_fact(space, &id, "StaticNodeIdTypes", 256, 1, kw_variant_array(KW_BUILTIN_INT32, &numeric, is_gds ? 1 : 0)));
    KW_TRY(add_fact(space, &id, "StaticNumericNodeIdRange", 291, 1, kw_variant_array(KW_BUILTIN_STRING, &empty, 0)));
    KW_TRY(add_fact(space, &id, "StaticStringNodeIdPattern", KW_BUILTIN_STRING, -1, kw_variant_scalar(KW_BUILTIN_STRING, &empty)));
    return add_defaults(space, &id, index);
}
