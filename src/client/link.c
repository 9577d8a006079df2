/* Sockets of the Client: the only place where it waits. */
#include "client/client_internal.h"

#include <stdlib.h>
#include <string.h>

#define CLOSE_WAIT_MS 1000

/* --- events of the channel ------------------------------------------------------------------------------------------ */

typedef struct write_request {
    uv_write_t request;
    uint8_t data[];
} write_request;

static void on_written(uv_write_t *request, int status)
{
    (void)status; /* a broken connection shows on the reading side */
    free(request->data);
}

static void fail_link(kw_link *link, kw_status status)
{
    if (!link->is_closed) {
        link->is_closed = true;
        link->failure = kw_status_is_bad(status) ? status : KW_BAD_CONNECTION_CLOSED;
    }
}

static void on_send(void *ctx, kw_bytes chunk)
{
    kw_link *link = ctx;
    write_request *write = malloc(sizeof(*write) + chunk.len);
    if (write == NULL) {
        fail_link(link, KW_BAD_OUT_OF_MEMORY);
        return;
    }
    memcpy(write->data, chunk.data, chunk.len);
    write->request.data = write;
    const uv_buf_t buffer = uv_buf_init((char *)write->data, (unsigned)chunk.len);
    if (uv_write(&write->request, (uv_stream_t *)&link->tcp, &buffer, 1, on_written) != 0) {
        free(write);
        fail_link(link, KW_BAD_CONNECTION_CLOSED);
    }
}

static void on_opened(void *ctx)
{
    kw_link *link = ctx;
    link->is_opened = true;
}

static void on_message(void *ctx, uint32_t request_id, kw_bytes body, kw_arena *arena)
{
    kw_link *link = ctx;
    if (request_id != link->awaited_id || link->reply_arena != NULL) {
        kw_arena_free(arena); /* nobody waits for it any more */
        return;
    }
    link->reply_arena = arena;
    link->reply = body;
}

static void on_aborted(void *ctx, uint32_t request_id, kw_status error)
{
    kw_link *link = ctx;
    if (request_id == link->awaited_id) {
        link->awaited_error = kw_status_is_bad(error) ? error : KW_BAD_COMMUNICATION_ERROR;
    }
}

static void on_ready(void *ctx)
{
    (void)ctx; /* our jobs are done at once: a client channel is never busy */
}

static void on_closed(void *ctx, kw_status reason)
{
    fail_link(ctx, reason);
}

static void on_audit_open(void *ctx, const struct kw_channel_open_audit *audit)
{
    (void)ctx;
    (void)audit; /* a Client keeps no audit trail */
}

static const kw_channel_events EVENTS = {on_send, on_opened, on_message, on_aborted, on_ready, on_closed, on_audit_open};

static kw_arena *take_arena(void *ctx)
{
    (void)ctx;
    return kw_arena_new(KW_CLIENT_ARENA);
}

/* --- waiting --------------------------------------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *tick)
{
    kw_link *link = tick->data;
    kw_timers_advance(link->timers, kw_clock_ms(&KW_CLOCK_SYSTEM));
}

/* Run the loop until `done`, a failure, or the deadline. */
static kw_status run_until(kw_link *link, bool (*done)(const kw_link *), uint64_t deadline)
{
    while (!done(link)) {
        const uint64_t now = kw_clock_ms(&KW_CLOCK_SYSTEM);
        if (link->is_closed) {
            return link->failure;
        }
        if (now >= deadline) {
            return KW_BAD_TIMEOUT;
        }
        const uint64_t next = kw_timers_next(link->timers);
        const uint64_t wake = next < deadline ? next : deadline;
        uv_timer_start(&link->tick, on_tick, wake > now ? wake - now : 0, 0);
        uv_run(&link->loop, UV_RUN_ONCE);
    }
    return KW_GOOD;
}

static bool is_connected(const kw_link *link)
{
    return link->is_connected;
}

static bool is_opened(const kw_link *link)
{
    return link->is_opened;
}

static bool has_reply(const kw_link *link)
{
    return link->reply_arena != NULL || kw_status_is_bad(link->awaited_error);
}

/* --- the socket ------------------------------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    kw_link *link = handle->data;
    (void)suggested;
    *out = uv_buf_init((char *)link->buffer, sizeof(link->buffer));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    kw_link *link = stream->data;
    (void)buffer;
    if (count < 0) {
        fail_link(link, KW_BAD_CONNECTION_CLOSED);
        return;
    }
    if (link->channel != NULL && !link->is_closed) {
        kw_channel_input(link->channel, (kw_bytes){link->buffer, (size_t)count});
    }
}

static void on_connected(uv_connect_t *request, int status)
{
    kw_link *link = request->data;
    if (status == UV_ECANCELED) {
        return;
    }
    if (status < 0) {
        fail_link(link, KW_BAD_CONNECTION_REJECTED);
        return;
    }
    link->is_connected = true;
}

static void on_handle_closed(uv_handle_t *handle)
{
    kw_link *link = handle->data;
    link->tcp_is_open = false;
}

static kw_status connect_address(kw_link *link, const struct sockaddr *address, uint64_t deadline)
{
    uv_connect_t request = {.data = link};
    link->is_closed = false;
    link->failure = KW_GOOD;
    uv_tcp_init(&link->loop, &link->tcp);
    link->tcp.data = link;
    link->tcp_is_open = true;
    uv_tcp_nodelay(&link->tcp, 1);
    kw_status status = uv_tcp_connect(&request, &link->tcp, address, on_connected) == 0 ? KW_GOOD : KW_BAD_CONNECTION_REJECTED;
    if (!kw_status_is_bad(status)) {
        status = run_until(link, is_connected, deadline);
    }
    if (kw_status_is_bad(status)) { /* the request lives on our stack: wait until the handle let go of it */
        uv_close((uv_handle_t *)&link->tcp, on_handle_closed);
        while (link->tcp_is_open) {
            uv_run(&link->loop, UV_RUN_ONCE);
        }
    }
    return status;
}

static kw_status connect_host(kw_client *client, kw_link *link, const char *url, uint64_t deadline)
{
    kw_url parts;
    if (kw_status_is_bad(kw_url_parse(url, &parts))) {
        return kw_client_fail(client, KW_BAD_TCP_ENDPOINT_URL_INVALID, "%s is not a URL of the form opc.tcp://host:port", url);
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    uv_getaddrinfo_t lookup;
    if (uv_getaddrinfo(&link->loop, &lookup, NULL, parts.host, parts.port, &hints) != 0) {
        return kw_client_fail(client, KW_BAD_CONNECTION_REJECTED, "the name %s is not known; check its spelling or the name service",
                              parts.host);
    }
    kw_status status = KW_BAD_CONNECTION_REJECTED;
    for (const struct addrinfo *a = lookup.addrinfo; a != NULL && kw_status_is_bad(status); a = a->ai_next) {
        status = connect_address(link, a->ai_addr, deadline);
    }
    uv_freeaddrinfo(lookup.addrinfo);
    if (kw_status_is_bad(status)) {
        return kw_client_fail(client, status, "nobody answers at %s; is the server running, and the port right?", url);
    }
    return KW_GOOD;
}

/* --- public ------------------------------------------------------------------------------------------------------------ */

static kw_status start_channel(kw_client *client, kw_link *link, const kw_link_target *target)
{
    const kw_channel_env env = {.clock = &KW_CLOCK_SYSTEM,
                                .random = &KW_RANDOM_SYSTEM,
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
    uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read);
    link->channel = kw_channel_new_client(&env, &how);
    return link->channel != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_link *new_link(const kw_client *client)
{
    kw_link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return NULL;
    }
    link->timers = kw_timers_new(kw_clock_ms(&KW_CLOCK_SYSTEM));
    link->loop_is_open = link->timers != NULL && uv_loop_init(&link->loop) == 0;
    if (!link->loop_is_open) {
        kw_timers_free(link->timers);
        free(link);
        return NULL;
    }
    link->identity = client->identity;
    uv_timer_init(&link->loop, &link->tick);
    link->tick.data = link;
    return link;
}

static void free_link(kw_link *link)
{
    kw_channel_free(link->channel);
    if (link->tcp_is_open) {
        uv_close((uv_handle_t *)&link->tcp, on_handle_closed);
    }
    uv_close((uv_handle_t *)&link->tick, NULL);
    uv_run(&link->loop, UV_RUN_DEFAULT);
    uv_loop_close(&link->loop);
    kw_arena_free(link->reply_arena);
    kw_timers_free(link->timers);
    free(link);
}

kw_status kw_link_open(kw_client *client, const kw_link_target *target, kw_link **out)
{
    kw_link *link = new_link(client);
    if (link == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const uint64_t deadline = kw_clock_ms(&KW_CLOCK_SYSTEM) + client->timeout_ms;
    kw_status status = connect_host(client, link, target->url, deadline);
    if (kw_status_is_bad(status)) {
        free_link(link);
        return status;
    }
    status = start_channel(client, link, target);
    if (!kw_status_is_bad(status)) {
        status = run_until(link, is_opened, deadline);
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

static bool never(const kw_link *link)
{
    (void)link;
    return false;
}

void kw_link_close(kw_client *client, kw_link *link)
{
    (void)client;
    if (link == NULL) {
        return;
    }
    if (link->channel != NULL && !link->is_closed) {
        kw_channel_close(link->channel, KW_GOOD);
        if (uv_stream_get_write_queue_size((uv_stream_t *)&link->tcp) > 0) { /* let CLO out */
            link->is_closed = false;
            run_until(link, never, kw_clock_ms(&KW_CLOCK_SYSTEM) + CLOSE_WAIT_MS);
        }
    }
    free_link(link);
}

kw_status kw_link_exchange(kw_client *client, kw_link *link, kw_bytes body, uint32_t timeout_ms)
{
    kw_arena_free(link->reply_arena);
    link->reply_arena = NULL;
    link->awaited_error = KW_GOOD;
    link->awaited_id = ++link->next_request_id;
    if (link->is_closed) {
        return kw_client_fail(client, link->failure, "the connection is closed");
    }
    kw_status status = kw_channel_send(link->channel, link->awaited_id, body);
    if (!kw_status_is_bad(status)) {
        status = run_until(link, has_reply, kw_clock_ms(&KW_CLOCK_SYSTEM) + timeout_ms);
    }
    if (!kw_status_is_bad(status)) {
        status = link->awaited_error;
    }
    return kw_status_is_bad(status)
               ? kw_client_fail(client, status, "%s",
                                status == KW_BAD_TIMEOUT ? "the server did not answer in time" : "the connection broke")
               : KW_GOOD;
}
