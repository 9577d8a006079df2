/* A connection with its SecureChannel, driven until what the caller waits for has happened. */
#include "client/client_internal.h"

#include <stdlib.h>

#define CLOSE_WAIT_MS 1000

/* --- events of the channel ------------------------------------------------------------------------------------------ */

void kw_link_fail(kw_link *link, kw_status status)
{
    if (!link->is_closed) {
        link->is_closed = true;
        link->failure = kw_status_is_bad(status) ? status : KW_BAD_CONNECTION_CLOSED;
    }
}

static void on_send(void *ctx, kw_bytes chunk)
{
    kw_link *link = ctx;
    const kw_status status = link->env->network->send(link->wire, chunk);
    if (kw_status_is_bad(status)) {
        kw_link_fail(link, status);
    }
}

static void on_opened(void *ctx)
{
    kw_link *link = ctx;
    link->is_opened = true;
}

static kw_awaited *find_awaited(kw_link *link, uint32_t request_id)
{
    kw_awaited *a = link->awaited;
    while (a != NULL && a->id != request_id) {
        a = a->next;
    }
    return a;
}

static void on_message(void *ctx, uint32_t request_id, kw_bytes body, kw_arena *arena)
{
    kw_awaited *awaited = find_awaited(ctx, request_id);
    if (awaited == NULL || awaited->arena != NULL) {
        kw_arena_free(arena); /* nobody waits for it any more */
        return;
    }
    awaited->arena = arena;
    awaited->body = body;
    awaited->order = ++awaited->link->answers;
}

static void on_aborted(void *ctx, uint32_t request_id, kw_status error)
{
    kw_awaited *awaited = find_awaited(ctx, request_id);
    if (awaited != NULL) {
        awaited->error = kw_status_is_bad(error) ? error : KW_BAD_COMMUNICATION_ERROR;
        awaited->order = ++awaited->link->answers;
    }
}

static void on_closed(void *ctx, kw_status reason)
{
    kw_link_fail(ctx, reason);
}

static const kw_channel_events EVENTS = {
    .send = on_send, .opened = on_opened, .message = on_message, .aborted = on_aborted, .closed = on_closed};

static kw_arena *take_arena(void *ctx)
{
    (void)ctx;
    return kw_arena_new(KW_CLIENT_ARENA);
}

static void on_input(void *ctx, kw_bytes bytes)
{
    kw_link *link = ctx;
    if (link->channel != NULL && !link->is_closed) {
        kw_channel_input(link->channel, bytes);
    }
}

static void on_lost(void *ctx)
{
    kw_link_fail(ctx, KW_BAD_CONNECTION_CLOSED);
}

/* --- waiting --------------------------------------------------------------------------------------------------------- */

/* Until `done`, a failure, or the deadline. What the Session needs meanwhile is done from here. */
static kw_status run_until(kw_client *client, kw_link *link, bool (*done)(const void *what), const void *what, uint64_t deadline)
{
    while (!done(what)) {
        const uint64_t now = kw_clock_ms(link->env->clock);
        kw_timers_advance(link->timers, now);
        if (link->is_closed) {
            return link->failure;
        }
        if (now >= deadline) {
            return KW_BAD_TIMEOUT;
        }
        const uint64_t upkeep = kw_client_upkeep_due(client, link), timer = kw_timers_next(link->timers);
        if (upkeep <= now) {
            kw_client_upkeep(client);
            continue;
        }
        const uint64_t next = timer < upkeep ? timer : upkeep;
        link->env->network->wait(link->wire, next < deadline ? next : deadline);
    }
    return KW_GOOD;
}

static bool is_opened(const void *what)
{
    return ((const kw_link *)what)->is_opened;
}

bool kw_awaited_is_answered(const kw_awaited *awaited)
{
    return awaited->arena != NULL || kw_status_is_bad(awaited->error);
}

static bool is_answered(const void *what)
{
    return kw_awaited_is_answered(what);
}

static bool has_any_answer(const void *what)
{
    const kw_awaited *a = ((const kw_link *)what)->awaited;
    while (a != NULL && !kw_awaited_is_answered(a)) {
        a = a->next;
    }
    return a != NULL;
}

static bool never(const void *what)
{
    (void)what;
    return false;
}

/* --- public ------------------------------------------------------------------------------------------------------------ */

static kw_status start_channel(kw_client *client, kw_link *link, const kw_link_target *target)
{
    const kw_channel_env env = {.clock = link->env->clock,
                                .random = link->env->random,
                                .executor = &KW_EXECUTOR_INLINE,
                                .log = &KW_LOG_QUIET,
                                .timers = link->timers,
                                .limits = &KW_CHANNEL_LIMITS_DEFAULT,
                                .identity = &link->identity,
                                .trust = client->trust,
                                .require_crl = true,
                                .take_arena = take_arena,
                                .events = &EVENTS,
                                .ctx = link};
    const kw_channel_client how = {.endpoint_url = target->endpoint_url,
                                   .policy = target->policy,
                                   .mode = target->mode,
                                   .server_certificate = target->server_certificate,
                                   .lifetime_ms = 3600000};
    link->channel = kw_channel_new_client(&env, &how);
    return link->channel != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

void kw_link_let_go(kw_awaited *awaited)
{
    if (awaited->link == NULL) {
        return;
    }
    kw_awaited **at = &awaited->link->awaited;
    while (*at != awaited) {
        at = &(*at)->next;
    }
    *at = awaited->next;
    awaited->link = NULL;
}

/* Answers that have come stay with those who wait for them. */
static void let_all_go(kw_link *link)
{
    while (link->awaited != NULL) {
        kw_awaited *awaited = link->awaited;
        if (!kw_awaited_is_answered(awaited)) {
            awaited->error = KW_BAD_CONNECTION_CLOSED;
            awaited->order = ++link->answers;
        }
        kw_link_let_go(awaited);
    }
}

static void free_link(kw_link *link)
{
    let_all_go(link);
    kw_channel_free(link->channel);
    if (link->wire != NULL) {
        link->env->network->close(link->wire);
    }
    kw_timers_free(link->timers);
    free(link);
}

static kw_status connect_link(kw_client *client, kw_link *link, const kw_link_target *target, uint64_t deadline)
{
    const kw_network *network = link->env->network;
    const kw_wire_sink sink = {on_input, on_lost, link};
    const kw_status status = network->connect(network->ctx, &target->to, deadline, &sink, &link->wire);
    if (status == KW_BAD_NOT_FOUND) {
        return kw_client_fail(client, KW_BAD_CONNECTION_REJECTED, "the name %s is not known; check its spelling or the name service",
                              target->to.host);
    }
    return kw_status_is_bad(status) ? kw_client_fail(client, status, "nobody answers at %s:%s; is the server running, and the port right?",
                                                     target->to.host, target->to.port)
                                    : KW_GOOD;
}

kw_status kw_link_open(kw_client *client, const kw_link_target *target, kw_link **out)
{
    kw_link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    link->env = &client->env;
    link->identity = client->identity;
    link->timers = kw_timers_new(kw_clock_ms(link->env->clock));
    const uint64_t deadline = kw_clock_ms(link->env->clock) + client->timeout_ms;
    kw_status status = link->timers != NULL ? connect_link(client, link, target, deadline) : KW_BAD_OUT_OF_MEMORY;
    if (kw_status_is_bad(status)) {
        free_link(link);
        return status;
    }
    status = start_channel(client, link, target);
    if (!kw_status_is_bad(status)) {
        status = run_until(client, link, is_opened, link, deadline);
    }
    if (kw_status_is_bad(status)) {
        free_link(link);
        return kw_client_fail(client, status, "%s",
                              status == KW_BAD_SECURITY_CHECKS_FAILED
                                  ? "the server refuses the SecureChannel; it does not trust this client's certificate yet, most likely: "
                                    "ask its administrator to accept it"
                                  : "the SecureChannel could not be opened");
    }
    *out = link;
    return KW_GOOD;
}

void kw_link_close(kw_client *client, kw_link *link)
{
    if (link == NULL) {
        return;
    }
    if (link->channel != NULL && !link->is_closed) {
        kw_channel_close(link->channel, KW_GOOD);
        if (link->env->network->has_unsent(link->wire)) { /* let CLO out */
            link->is_closed = false;
            run_until(client, link, never, NULL, kw_clock_ms(link->env->clock) + CLOSE_WAIT_MS);
        }
    }
    free_link(link);
}

kw_status kw_link_send(kw_link *link, kw_bytes body, kw_awaited *awaited)
{
    if (link->is_closed) {
        return link->failure;
    }
    awaited->next = link->awaited;
    awaited->link = link;
    awaited->id = ++link->next_request_id;
    link->awaited = awaited;
    const kw_status status = kw_channel_send(link->channel, awaited->id, body);
    if (kw_status_is_bad(status)) {
        kw_link_let_go(awaited);
    }
    return status;
}

kw_status kw_link_wait(kw_client *client, kw_link *link, kw_awaited *awaited)
{
    kw_status status = run_until(client, link, is_answered, awaited, kw_clock_ms(link->env->clock) + client->timeout_ms);
    kw_link_let_go(awaited);
    if (!kw_status_is_bad(status)) {
        status = awaited->error;
    }
    if (!kw_status_is_bad(status)) {
        return KW_GOOD;
    }
    kw_arena_free(awaited->arena);
    return kw_client_fail(client, status, "%s", status == KW_BAD_TIMEOUT ? "the server did not answer in time" : "the connection broke");
}

void kw_link_look(kw_link *link)
{
    const uint64_t now = kw_clock_ms(link->env->clock);
    link->env->network->wait(link->wire, now);
    kw_timers_advance(link->timers, now);
}

void kw_link_idle(kw_client *client, kw_link *link, uint64_t until)
{
    run_until(client, link, has_any_answer, link, until);
}
