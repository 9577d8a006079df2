/* A Server as a whole: configuration, parts, shutdown. */
#include "base/try.h"
#include "server/server_internal.h"
#include "service/subscription.h"

#include <stdlib.h>

#define KW_VERSION_TEXT "0.1.0"
#define CONFIG_ARENA ((size_t)4 << 20)
#define RESPONSE_MAX ((size_t)64 << 20)

void kw_server_config_defaults(kw_server_config *config)
{
    *config = (kw_server_config){.port = 4840,
                                 .discovery_on_none = true,
                                 .require_crl = true,
                                 .channel_limits = KW_CHANNEL_LIMITS_DEFAULT,
                                 .session_limits = KW_SESSION_LIMITS_DEFAULT,
                                 .service_limits = KW_SERVICE_LIMITS_DEFAULT,
                                 .codec_limits = KW_UA_LIMITS_DEFAULT,
                                 .max_connections = 2000,
                                 .max_connections_per_address = 1000,
                                 .max_pending_requests = 100,
                                 .max_memory = UINT64_C(512) << 20,
                                 .passwords = KW_PASSWORD_RULES_DEFAULT,
                                 .max_users = 10000,
                                 .identity = KW_IDENTITY_CONFIG_DEFAULT};
}

static kw_status copy_config(kw_server *server, const kw_server_config *config)
{
    kw_arena *a = server->arena;
    server->config = *config;
    server->config.application_uri = kw_arena_copy(a, config->application_uri);
    server->config.application_name = kw_arena_copy(a, config->application_name);
    server->config.product_uri = kw_arena_copy(a, config->product_uri);
    kw_string *hosts = KW_ARENA_ARRAY(a, kw_string, config->host_count);
    kw_server_endpoint *endpoints = KW_ARENA_ARRAY(a, kw_server_endpoint, config->endpoint_count);
    if (hosts == NULL || endpoints == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < config->host_count; i++) {
        hosts[i] = kw_arena_copy(a, config->hosts[i]);
    }
    server->config.endpoint_count = 0;
    for (size_t i = 0; i < config->endpoint_count; i++) {
        if (kw_server_can_offer(server->env.identity, config->endpoints[i].policy)) {
            endpoints[server->config.endpoint_count++] = config->endpoints[i];
        }
    }
    server->config.hosts = hosts;
    server->config.endpoints = endpoints;
    return server->config.application_uri.len > 0 ? KW_GOOD : KW_BAD_CONFIGURATION_ERROR;
}

static bool allows_session(void *ctx, const kw_security_policy *policy, kw_message_security_mode mode)
{
    return kw_server_offers(ctx, policy, mode);
}

static kw_status make_gate(kw_server *server)
{
    kw_identity_config identity = server->config.identity;
    identity.audience = server->config.application_uri;
    identity.allow_missing_crl = !server->config.require_crl;
    identity.namespaces = kw_space_namespaces(server->space, &identity.namespace_count);
    if (identity.secret_policy == NULL && server->env.identity != NULL && server->env.identity->key != NULL) {
        identity.secret_policy = kw_security_policy_for_secrets(kw_private_key_type(server->env.identity->key), 0);
    }
    KW_TRY(kw_identity_gate_new(&identity, server->env.store, server->env.clock, server->env.random, server->env.log, &server->gate));
    kw_identity_gate_set_user_trust(server->gate, server->env.user_trust);
    kw_identity_gate_set_application_trust(server->gate, server->env.trust);
    kw_identity_gate_set_directory(server->gate, server->env.directory);
    if (server->env.fetch != NULL) {
        kw_identity_gate_set_fetch(server->gate, server->env.fetch);
        kw_identity_gate_watch_issuers(server->gate, server->env.timers, server->env.executor);
    }
    return KW_GOOD;
}

static void on_session_closed(void *ctx, kw_session *session, bool delete_subscriptions)
{
    kw_server *server = ctx;
    kw_subscriptions_session_closed(server->services.subscriptions, session, delete_subscriptions);
    kw_server_answer_closed(server, session);
    for (kw_session_listener *l = server->session_listeners; l != NULL; l = l->next) {
        l->closed(l->ctx, kw_session_id(session));
    }
}

static void on_identity_changed(void *ctx, kw_session *session)
{
    const kw_server *server = ctx;
    kw_subscriptions_identity_changed(server->services.subscriptions, session);
}

/* What reads Roles and users from the store as it was last read. */
static void on_store_changed(void *ctx)
{
    kw_administration_follow(((kw_server *)ctx)->administration);
}

static void apply_change(void *ctx, void (*done)(void *done_ctx), void *done_ctx)
{
    kw_sessions_review(((kw_server *)ctx)->sessions, done, done_ctx);
}

static kw_status make_administration(kw_server *server)
{
    const kw_administration_env env = {.space = server->space,
                                       .gate = server->gate,
                                       .store = server->env.store,
                                       .executor = server->env.executor,
                                       .clock = server->env.clock,
                                       .timers = server->env.timers,
                                       .random = server->env.random,
                                       .log = server->env.log,
                                       .server_uri = server->config.application_uri,
                                       .passwords = &server->config.passwords,
                                       .max_users = server->config.max_users,
                                       .apply = apply_change,
                                       .ctx = server};
    return kw_administration_new(&env, &server->administration);
}

static kw_status make_sessions(kw_server *server)
{
    const kw_session_env env = {.clock = server->env.clock,
                                .random = server->env.random,
                                .executor = server->env.executor,
                                .log = server->env.log,
                                .timers = server->env.timers,
                                .gate = server->gate,
                                .store = server->env.store,
                                .server_uri = server->config.application_uri,
                                .limits = &server->config.session_limits,
                                .endpoints = kw_server_endpoints,
                                .allows_session = allows_session,
                                .store_changed = on_store_changed,
                                .closed = on_session_closed,
                                .audited = kw_server_audit_session,
                                .identity_changed = on_identity_changed,
                                .diagnosed = kw_server_diagnose_session,
                                .ctx = server};
    return kw_sessions_new(&env, &server->sessions);
}

static void tell_space(kw_server *server)
{
    const kw_service_limits *limits = &server->config.service_limits;
    const kw_space_server_info info = {.state = KW_SERVER_STATE_RUNNING,
                                       .product_uri = server->config.product_uri,
                                       .product_name = server->config.application_name,
                                       .manufacturer = KW_STRING("Keyway"),
                                       .version = KW_STRING(KW_VERSION_TEXT),
                                       .max_nodes_per_read = limits->max_nodes_per_read,
                                       .max_nodes_per_write = limits->max_nodes_per_write,
                                       .max_nodes_per_call = limits->max_nodes_per_call,
                                       .max_nodes_per_browse = limits->max_nodes_per_browse,
                                       .max_nodes_per_translate = limits->max_nodes_per_translate,
                                       .max_nodes_per_register = limits->max_nodes_per_register,
                                       .max_nodes_per_node_management = limits->max_nodes_per_node_management,
                                       .max_array_length = server->config.codec_limits.max_array,
                                       .max_string_length = server->config.codec_limits.max_string,
                                       .max_byte_string_length = server->config.codec_limits.max_string,
                                       .max_sessions = server->config.session_limits.max_sessions,
                                       .max_browse_continuation_points = (uint16_t)limits->max_browse_continuation_points,
                                       .max_subscriptions = limits->max_subscriptions,
                                       .max_subscriptions_per_session = limits->max_subscriptions_per_session,
                                       .max_monitored_items = limits->max_monitored_items,
                                       .max_monitored_items_per_subscription = limits->max_monitored_items_per_subscription,
                                       .max_monitored_items_per_call = limits->max_monitored_items_per_call,
                                       .max_item_queue = limits->max_item_queue,
                                       .max_select_clauses = limits->max_select_clauses,
                                       .max_where_elements = limits->max_where_elements,
                                       .min_sampling_interval = limits->min_sampling_interval_ms};
    kw_space_set_server_info(server->space, &info);
}

static kw_status make_trail(kw_server *server)
{
    const kw_trail_env env = {.clock = server->env.clock,
                              .executor = server->env.executor,
                              .log = server->env.log,
                              .store = server->env.store,
                              .source = server->config.application_uri};
    return kw_trail_new(&env, &server->trail);
}

static void refresh(void *ctx)
{
    const kw_server *server = ctx;
    uint64_t version = 0;
    const kw_status status = kw_identity_gate_refresh(server->gate, &version);
    if (kw_status_is_bad(status)) {
        KW_LOG(server->env.log, KW_LOG_WARN, "the store cannot be read", kw_field_status("status", status));
    }
}

static kw_status make_parts(kw_server *server)
{
    const kw_space_config space = {.application_uri = server->config.application_uri,
                                   .with_gds = server->config.with_gds,
                                   .clock = server->env.clock,
                                   .random = server->env.random};
    KW_TRY(kw_space_new(&space, &server->space));
    tell_space(server);
    KW_TRY(make_trail(server));
    KW_TRY(make_gate(server));
    KW_TRY(make_sessions(server));
    KW_TRY(make_administration(server));
    const kw_string host = server->config.host_count > 0 ? server->config.hosts[0] : KW_STRING("localhost");
    server->services = (kw_service_context){.clock = server->env.clock,
                                            .random = server->env.random,
                                            .executor = server->env.executor,
                                            .log = server->env.log,
                                            .space = server->space,
                                            .sessions = server->sessions,
                                            .limits = &server->config.service_limits,
                                            .endpoints = kw_server_endpoints,
                                            .refresh = refresh,
                                            .cancel = kw_server_cancel,
                                            .ctx = server};
    KW_TRY(kw_subscriptions_new(&server->services, server->env.timers, &server->services.subscriptions));
    KW_TRY(kw_server_bind_diagnostics(server));
    return kw_server_describe(server, host, server->arena, &server->services.application);
}

kw_status kw_server_new(const kw_server_config *config, const kw_server_env *env, kw_server **out)
{
    kw_server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    server->env = *env;
    kw_budget_init(&server->budget, (size_t)config->max_memory);
    kw_writer_init(&server->response, RESPONSE_MAX);
    server->arena = kw_arena_new(CONFIG_ARENA);
    kw_status status = server->arena != NULL ? copy_config(server, config) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = make_parts(server);
    }
    if (kw_status_is_bad(status)) {
        kw_server_free(server);
        return status;
    }
    *out = server;
    return KW_GOOD;
}

void kw_server_free(kw_server *server)
{
    if (server == NULL) {
        return;
    }
    server->session_listeners = NULL;
    kw_administration_finish_waiting(server->administration);
    kw_sessions_free(server->sessions);
    kw_administration_free(server->administration);
    kw_trail_free(server->trail);
    kw_subscriptions_free(server->services.subscriptions);
    kw_identity_gate_free(server->gate);
    kw_space_free(server->space);
    while (server->pool_count > 0) {
        kw_arena_free(server->pool[--server->pool_count]);
    }
    kw_writer_clear(&server->response);
    kw_arena_free(server->arena);
    free(server);
}

kw_space *kw_server_space(kw_server *server)
{
    return server->space;
}

kw_sessions *kw_server_sessions(kw_server *server)
{
    return server->sessions;
}

kw_identity_gate *kw_server_gate(kw_server *server)
{
    return server->gate;
}

void kw_server_record(kw_server *server, const kw_audit_record *record, bool is_stranger)
{
    kw_trail_put(server->trail, record, is_stranger);
}

void kw_server_add_session_listener(kw_server *server, kw_session_listener *listener)
{
    listener->next = server->session_listeners;
    server->session_listeners = listener;
}

void kw_server_remove_session_listener(kw_server *server, kw_session_listener *listener)
{
    kw_session_listener **link = &server->session_listeners;
    while (*link != NULL && *link != listener) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = listener->next;
    }
}

void kw_server_set_port(kw_server *server, uint16_t port)
{
    const kw_string host = server->config.host_count > 0 ? server->config.hosts[0] : KW_STRING("localhost");
    server->config.port = port;
    (void)kw_server_describe(server, host, server->arena, &server->services.application); /* as before when there is no memory */
}

kw_string kw_server_url(const kw_server *server)
{
    return server->services.application.discovery_urls[0];
}

/* --- shutdown ---------------------------------------------------------------------------------------------------------------- */

void kw_server_shutdown(kw_server *server, void (*drained)(void *ctx), void *ctx)
{
    server->is_shutting_down = true;
    kw_space_set_server_state(server->space, KW_SERVER_STATE_SHUTDOWN);
    kw_subscriptions_refuse_requests(server->services.subscriptions, KW_BAD_SHUTDOWN);
    kw_sessions_end_all(server->sessions, "the Server stops");
    server->drained = drained;
    server->drained_ctx = ctx;
    if (server->connection_count == 0) {
        server->drained = NULL;
        drained(ctx);
        return;
    }
    for (kw_connection *c = server->connections, *next; c != NULL; c = next) {
        next = c->next;
        c->is_busy = true; /* closing may settle it at once */
        kw_channel_close(c->channel, KW_BAD_SHUTDOWN);
        c->is_busy = false;
        kw_connection_settle(c);
    }
}

void kw_server_recheck_trust(kw_server *server)
{
    for (kw_connection *c = server->connections, *next; c != NULL; c = next) {
        const kw_certificate *peer = kw_channel_peer_certificate(c->channel);
        next = c->next;
        if (peer == NULL || !kw_channel_is_open(c->channel)) {
            continue;
        }
        const kw_certificate_checks checks = {
            .role = KW_CERT_CLIENT, .policy = kw_channel_policy(c->channel), .require_crl = server->config.require_crl};
        const kw_status status = kw_trust_list_check(server->env.trust, peer, &checks);
        if (kw_status_is_bad(status)) { /* attack A-85 */
            KW_LOG(server->env.log, KW_LOG_WARN, "no longer trusted", kw_field_status("status", status),
                   kw_field_str("certificate", kw_certificate_subject(peer)));
            kw_server_audit_certificate(c, peer, status);
            c->is_busy = true;
            kw_channel_close(c->channel, KW_BAD_SECURITY_CHECKS_FAILED);
            c->is_busy = false;
            kw_connection_settle(c);
        }
    }
    kw_sessions_review(server->sessions, NULL, NULL); /* and the users' Certificates */
}
