/* ServerDiagnostics of the Server Object: counts, and what its Sessions do and who they are. OPC 10000-5, 6.3.3 … 6.3.5. */
#include "base/try.h"
#include "server/server_internal.h"
#include "service/subscription.h"

#include <stddef.h>

#define SESSION_DIAGNOSTICS_ARRAY 3707u
#define SESSION_SECURITY_DIAGNOSTICS_ARRAY 3708u
#define SERVER_DIAGNOSTICS_SUMMARY 2275u
#define SAMPLING_INTERVAL_DIAGNOSTICS_ARRAY 2289u
#define SUBSCRIPTION_DIAGNOSTICS_ARRAY 2290u
#define ENABLED_FLAG 2294u

/* --- counts ---------------------------------------------------------------------------------------------------------------- */

void kw_server_count_request(kw_server *server, kw_status result)
{
    const bool is_security = kw_session_is_about_security(result);
    server->requests[is_security ? KW_REQUEST_SECURITY : kw_status_is_bad(result) ? KW_REQUEST_BAD : KW_REQUEST_GOOD]++;
    server->rejected_requests += kw_status_is_bad(result);
    server->security_rejected_requests += is_security;
}

kw_server_diagnostics_summary_data_type kw_server_summarize(const kw_server *server)
{
    kw_server_diagnostics_summary_data_type summary = {.rejected_requests_count = server->rejected_requests,
                                                       .security_rejected_requests_count = server->security_rejected_requests};
    kw_subscriptions_summary(server->services.subscriptions, &summary);
    kw_sessions_summary(server->sessions, &summary);
    return summary;
}

/* What is always in the address space says nothing while the collection is switched off. */
static kw_status check_enabled(const kw_server *server)
{
    return server->has_diagnostics ? KW_GOOD : KW_BAD_NOT_READABLE;
}

static kw_status read_summary(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    kw_server_diagnostics_summary_data_type *summary = KW_ARENA_NEW(arena, kw_server_diagnostics_summary_data_type);
    kw_extension_object *object = KW_ARENA_NEW(arena, kw_extension_object);
    (void)access;
    KW_TRY(check_enabled(ctx));
    if (summary == NULL || object == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *summary = kw_server_summarize(ctx);
    *object = kw_extension_object_of(KW_TYPE_SERVER_DIAGNOSTICS_SUMMARY_DATA_TYPE, summary);
    out->has_value = true;
    out->value = kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, object);
    return KW_GOOD;
}

/* The Variables below the summary: which UInt32 of it each one is. */
typedef struct count_of {
    uint32_t node;
    size_t offset;
} count_of;

#define COUNT(node, field)                                                                                                                 \
    {                                                                                                                                      \
        node, offsetof(kw_server_diagnostics_summary_data_type, field)                                                                     \
    }

static const count_of COUNTS[] = {
    COUNT(2276, server_view_count),
    COUNT(2277, current_session_count),
    COUNT(2278, cumulated_session_count),
    COUNT(2279, security_rejected_session_count),
    COUNT(3705, rejected_session_count),
    COUNT(2281, session_timeout_count),
    COUNT(2282, session_abort_count),
    COUNT(2284, publishing_interval_count),
    COUNT(2285, current_subscription_count),
    COUNT(2286, cumulated_subscription_count),
    COUNT(2287, security_rejected_requests_count),
    COUNT(2288, rejected_requests_count),
};

typedef struct count_context {
    const kw_server *server;
    size_t offset;
} count_context;

static kw_status read_count(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    const count_context *context = ctx;
    KW_TRY(check_enabled(context->server));
    const kw_server_diagnostics_summary_data_type summary = kw_server_summarize(context->server);
    uint32_t *count = KW_ARENA_NEW(arena, uint32_t);
    (void)access;
    if (count == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *count = *(const uint32_t *)(const void *)((const uint8_t *)&summary + context->offset);
    out->has_value = true;
    out->value = kw_variant_scalar(KW_BUILTIN_UINT32, count);
    return KW_GOOD;
}

static kw_status bind_counts(kw_server *server)
{
    for (size_t i = 0; i < sizeof(COUNTS) / sizeof(COUNTS[0]); i++) {
        count_context *context = KW_ARENA_NEW(server->arena, count_context);
        if (context == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        *context = (count_context){server, COUNTS[i].offset};
        KW_TRY(kw_space_bind_value(server->space, &KW_NODE_ID(0, COUNTS[i].node), read_count, NULL, context));
    }
    return KW_GOOD;
}

/* --- Sessions -------------------------------------------------------------------------------------------------------------- */

void kw_server_diagnose_session(void *ctx, const kw_session *session, kw_session_diagnostics_data_type *out)
{
    const kw_server *server = ctx;
    kw_subscriptions_diagnose(server->services.subscriptions, session, out);
}

/* Who may see what other Sessions do. */
static bool sees_all(const kw_access *access)
{
    return access->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT && access->identity != NULL &&
           (kw_identity_has_role(access->identity, 0, KW_SERVER_ROLE_SECURITY_ADMIN) ||
            kw_identity_has_role(access->identity, 0, KW_SERVER_ROLE_CONFIGURE_ADMIN));
}

/* One element of an array of structures. */
static kw_status describe_activity(const kw_session *session, kw_arena *arena, kw_extension_object *out)
{
    kw_session_diagnostics_data_type *one = KW_ARENA_NEW(arena, kw_session_diagnostics_data_type);
    if (one == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = kw_extension_object_of(KW_TYPE_SESSION_DIAGNOSTICS_DATA_TYPE, one);
    return kw_session_diagnostics(session, arena, one);
}

static kw_status describe_security(const kw_session *session, kw_arena *arena, kw_extension_object *out)
{
    kw_session_security_diagnostics_data_type *one = KW_ARENA_NEW(arena, kw_session_security_diagnostics_data_type);
    if (one == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = kw_extension_object_of(KW_TYPE_SESSION_SECURITY_DIAGNOSTICS_DATA_TYPE, one);
    return kw_session_security_diagnostics(session, arena, one);
}

typedef kw_status (*describe)(const kw_session *session, kw_arena *arena, kw_extension_object *out);

static kw_status put_all(const kw_server *server, describe one, kw_arena *arena, kw_data_value *out)
{
    const size_t count = kw_sessions_count(server->sessions);
    kw_extension_object *objects = KW_ARENA_ARRAY(arena, kw_extension_object, count);
    const kw_session *session;
    size_t cursor = 0, i = 0;
    if (objects == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    while (i < count && (session = kw_sessions_next(server->sessions, &cursor)) != NULL) {
        KW_TRY(one(session, arena, &objects[i++]));
    }
    out->has_value = true;
    out->value = kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, objects, i);
    return KW_GOOD;
}

/* Everybody else finds the own Session alone in the array. */
static kw_status read_activity(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    const kw_server *server = ctx;
    KW_TRY(check_enabled(server));
    if (sees_all(access)) {
        return put_all(server, describe_activity, arena, out);
    }
    const kw_session *own = kw_session_by_id(server->sessions, &access->session_id);
    kw_extension_object *object = KW_ARENA_NEW(arena, kw_extension_object);
    if (object == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (own != NULL) {
        KW_TRY(describe_activity(own, arena, object));
    }
    out->has_value = true;
    out->value = kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, object, own != NULL ? 1 : 0);
    return KW_GOOD;
}

/* The tables let only SecurityAdmin come here, over an encrypted channel. */
static kw_status read_security(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    (void)access;
    KW_TRY(check_enabled(ctx));
    return put_all(ctx, describe_security, arena, out);
}

/* --- Subscriptions --------------------------------------------------------------------------------------------------------- */

static kw_status read_subscriptions(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    const kw_server *server = ctx;
    const kw_subscriptions *subscriptions = server->services.subscriptions;
    KW_TRY(check_enabled(server));
    out->has_value = true;
    return sees_all(access)
               ? kw_subscriptions_describe_all(subscriptions, arena, &out->value)
               : kw_subscriptions_describe(subscriptions, kw_session_by_id(server->sessions, &access->session_id), arena, &out->value);
}

static kw_status read_sampling(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    const kw_server *server = ctx;
    (void)access;
    KW_TRY(check_enabled(server));
    out->has_value = true;
    return kw_subscriptions_describe_sampling(server->services.subscriptions, arena, &out->value);
}

/* --- the switch -------------------------------------------------------------------------------------------------------------- */

static kw_status read_enabled(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    (void)access;
    (void)arena;
    out->has_value = true;
    out->value = kw_variant_scalar(KW_BUILTIN_BOOLEAN, &((const kw_server *)ctx)->has_diagnostics);
    return KW_GOOD;
}

static void reset_session(void *ctx, kw_session *session)
{
    (void)ctx;
    kw_session_reset_counts(session);
}

/* Switching it on begins to count anew; what was counted stays until then. */
static kw_status write_enabled(void *ctx, const kw_access *access, const kw_data_value *value)
{
    kw_server *server = ctx;
    const bool *wanted = kw_variant_get(&value->value, KW_BUILTIN_BOOLEAN);
    if (access->mode != KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT) {
        return KW_BAD_SECURITY_MODE_INSUFFICIENT;
    }
    if (wanted == NULL) {
        return KW_BAD_TYPE_MISMATCH;
    }
    server->has_diagnostics = *wanted;
    KW_LOG(server->env.log, KW_LOG_INFO, *wanted ? "diagnostics are on" : "diagnostics are off",
           kw_field_str("user", access->identity->name));
    if (*wanted) {
        server->rejected_requests = server->security_rejected_requests = 0;
        kw_sessions_reset_totals(server->sessions);
        kw_sessions_each(server->sessions, reset_session, NULL);
        kw_subscriptions_reset_counts(server->services.subscriptions);
    }
    return KW_GOOD;
}

kw_status kw_server_bind_diagnostics(kw_server *server)
{
    static const struct {
        uint32_t node;
        kw_value_read read;
        kw_value_write write;
    } VALUES[] = {{SERVER_DIAGNOSTICS_SUMMARY, read_summary, NULL},           {SESSION_DIAGNOSTICS_ARRAY, read_activity, NULL},
                  {SESSION_SECURITY_DIAGNOSTICS_ARRAY, read_security, NULL},  {SUBSCRIPTION_DIAGNOSTICS_ARRAY, read_subscriptions, NULL},
                  {SAMPLING_INTERVAL_DIAGNOSTICS_ARRAY, read_sampling, NULL}, {ENABLED_FLAG, read_enabled, write_enabled}};
    server->has_diagnostics = true;
    KW_TRY(bind_counts(server));
    for (size_t i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++) {
        KW_TRY(kw_space_bind_value(server->space, &KW_NODE_ID(0, VALUES[i].node), VALUES[i].read, VALUES[i].write, server));
    }
    return kw_server_add_session_nodes(server);
}
