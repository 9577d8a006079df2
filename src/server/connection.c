/* Connections: a transport, its channel, and the requests that came over it. */
#include "server/server_internal.h"

#include <stdlib.h>
#include <string.h>

#define REQUEST_ARENA ((size_t)64 << 20) /* one request with its response */

/* --- arenas --------------------------------------------------------------------------------------------------------------- */

kw_arena *kw_server_take_arena(kw_server *server)
{
    return server->pool_count > 0 ? server->pool[--server->pool_count] : kw_arena_new_within(REQUEST_ARENA, &server->budget);
}

void kw_server_drop_arena(kw_server *server, kw_arena *arena)
{
    if (server->pool_count == KW_ARENA_POOL) {
        kw_arena_free(arena);
        return;
    }
    kw_arena_reset(arena);
    server->pool[server->pool_count++] = arena;
}

/* --- events of the channel -------------------------------------------------------------------------------------------------- */

static void on_send(void *ctx, kw_bytes chunk)
{
    kw_connection *c = ctx;
    if (!c->is_lost) {
        c->transport.send(c->transport.ctx, chunk);
    }
}

static void on_message(void *ctx, uint32_t request_id, kw_bytes body, kw_arena *arena)
{
    kw_server_dispatch(ctx, request_id, body, arena);
}

static void on_ready(void *ctx)
{
    kw_connection *c = ctx;
    if (!c->is_lost) {
        c->transport.pause(c->transport.ctx, false);
    }
}

/* Answers and losses on the way must not free the connection under our feet. */
static void leave_channel(kw_connection *c)
{
    const bool was_busy = c->is_busy;
    c->is_busy = true;
    kw_server_give_up_waiting(c);
    kw_sessions_channel_gone(c->server->sessions, c->channel);
    c->is_busy = was_busy;
}

static void on_closed(void *ctx, kw_status reason)
{
    kw_connection *c = ctx;
    leave_channel(c);
    kw_server_audit_channel_closed(c, reason);
    if (kw_status_is_bad(reason)) {
        KW_LOG(c->server->env.log, KW_LOG_WARN, "connection closed", kw_field_status("status", reason),
               kw_field_text("peer", c->peer_address));
    }
    if (!c->is_lost && !c->is_closing) {
        c->is_closing = true;
        c->transport.close(c->transport.ctx);
    }
}

static void on_audit_open(void *ctx, const kw_channel_open_audit *audit)
{
    kw_server_audit_open(ctx, audit);
}

static kw_arena *take_arena(void *ctx)
{
    const kw_connection *c = ctx;
    return kw_server_take_arena(c->server);
}

static void drop_arena(void *ctx, kw_arena *arena)
{
    const kw_connection *c = ctx;
    kw_server_drop_arena(c->server, arena);
}

static bool accepts(void *ctx, const kw_security_policy *policy, kw_message_security_mode mode)
{
    const kw_connection *c = ctx;
    return kw_server_offers(c->server, policy, mode) ||
           (policy->is_none && mode == KW_MESSAGE_SECURITY_MODE_NONE && c->server->config.discovery_on_none);
}

static kw_standing suspect(const kw_job *job)
{
    (void)job;
    return KW_STANDING_SUSPECT;
}

/* By address: the certificate is only shown. Who shows that of a guesser waits as the guesser does. */
static void queue_up(void *ctx, const kw_certificate *claimed, kw_job *job)
{
    const kw_connection *c = ctx;
    const kw_identity_claim from = {.address = kw_string_from(c->peer_address)};
    const kw_identity_claim shown = {.client_certificate = claimed,
                                     .application_uri = claimed != NULL ? kw_certificate_application_uri(claimed) : KW_BYTES_NULL,
                                     .address = from.address};
    job->source = kw_identity_source(&from);
    job->standing = kw_identity_standing(c->server->gate, &shown) == KW_STANDING_SUSPECT ? suspect : NULL;
}

static const kw_channel_events EVENTS = {
    .send = on_send, .message = on_message, .ready = on_ready, .closed = on_closed, .audit_open = on_audit_open};

/* --- life ---------------------------------------------------------------------------------------------------------------------- */

static uint32_t count_of_address(const kw_server *server, kw_string address)
{
    uint32_t count = 0;
    for (const kw_connection *c = server->connections; c != NULL; c = c->next) {
        count += kw_string_equals(address, c->peer_address);
    }
    return count;
}

static kw_channel *new_channel(kw_connection *c)
{
    const kw_server_env *env = &c->server->env;
    const kw_channel_env channel_env = {.clock = env->clock,
                                        .random = env->random,
                                        .executor = env->executor,
                                        .log = env->log,
                                        .timers = env->timers,
                                        .limits = &c->server->config.channel_limits,
                                        .identity = env->identity,
                                        .trust = env->trust,
                                        .require_crl = c->server->config.require_crl,
                                        .take_arena = take_arena,
                                        .drop_arena = drop_arena,
                                        .events = &EVENTS,
                                        .ctx = c};
    const kw_channel_server how = {.accepts = accepts, .queue_up = queue_up};
    return kw_channel_new_server(&channel_env, &how);
}

kw_connection *kw_server_connect(kw_server *server, const kw_transport *transport, kw_string peer_address)
{
    if (server->is_shutting_down || server->connection_count >= server->config.max_connections ||
        count_of_address(server, peer_address) >= server->config.max_connections_per_address) {
        KW_LOG(server->env.log, KW_LOG_WARN, "connection refused: too many", kw_field_str("peer", peer_address));
        return NULL;
    }
    kw_connection *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    c->server = server;
    c->transport = *transport;
    c->peer_address = strndup(peer_address.data != NULL ? (const char *)peer_address.data : "", peer_address.len);
    c->channel = c->peer_address != NULL ? new_channel(c) : NULL;
    if (c->channel == NULL) {
        free(c->peer_address);
        free(c);
        return NULL;
    }
    c->next = server->connections;
    if (c->next != NULL) {
        c->next->prev = c;
    }
    server->connections = c;
    server->connection_count++;
    return c;
}

void kw_connection_input(kw_connection *c, kw_bytes bytes)
{
    if (c->is_lost || c->is_closing) {
        return;
    }
    c->is_busy = true;
    kw_channel_input(c->channel, bytes);
    c->is_busy = false;
    if (kw_channel_is_busy(c->channel) && !c->is_lost && !c->is_closing) {
        c->transport.pause(c->transport.ctx, true);
    }
    kw_connection_settle(c);
}

void kw_connection_lost(kw_connection *c)
{
    if (!c->is_lost) {
        const bool was_busy = c->is_busy;
        c->is_lost = c->is_busy = true; /* answers that wait end here, and with the last one the connection could */
        leave_channel(c);
        if (kw_channel_is_open(c->channel)) {
            kw_server_audit_channel_closed(c, KW_BAD_CONNECTION_CLOSED);
        }
        c->is_busy = was_busy;
    }
    kw_connection_settle(c);
}

void kw_connection_settle(kw_connection *c)
{
    kw_server *server = c->server;
    if (!c->is_lost || c->is_busy || c->request_count > 0) {
        return;
    }
    *(c->prev != NULL ? &c->prev->next : &server->connections) = c->next;
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    server->connection_count--;
    kw_channel_free(c->channel);
    free(c->peer_address);
    free(c);
    if (server->is_shutting_down && server->connection_count == 0 && server->drained != NULL) {
        void (*drained)(void *) = server->drained;
        server->drained = NULL;
        drained(server->drained_ctx);
    }
}
