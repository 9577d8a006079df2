/* Sockets of the system, by libuv: the only place where the Client waits. */
#include "client/client_internal.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define READ_BUFFER 65536

struct kw_wire {
    uv_loop_t loop;
    uv_tcp_t tcp;
    uv_timer_t tick;
    bool tcp_is_open, is_connected, is_lost;
    kw_wire_sink sink;
    uint8_t buffer[READ_BUFFER];
};

typedef struct write_request {
    uv_write_t request;
    uint8_t data[];
} write_request;

static void on_written(uv_write_t *request, int status)
{
    (void)status; /* a broken connection shows on the reading side */
    free(request->data);
}

static kw_status wire_send(kw_wire *wire, kw_bytes bytes)
{
    write_request *write = malloc(sizeof(*write) + bytes.len);
    if (write == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    memcpy(write->data, bytes.data, bytes.len);
    write->request.data = write;
    const uv_buf_t buffer = uv_buf_init((char *)write->data, (unsigned)bytes.len);
    if (uv_write(&write->request, (uv_stream_t *)&wire->tcp, &buffer, 1, on_written) != 0) {
        free(write);
        return KW_BAD_CONNECTION_CLOSED;
    }
    return KW_GOOD;
}

static void on_tick(uv_timer_t *tick)
{
    uv_stop(tick->loop); /* ends the wait, also one that has not begun yet */
}

static void wire_wait(kw_wire *wire, uint64_t until)
{
    const uint64_t now = kw_clock_ms(&KW_CLOCK_SYSTEM);
    uv_update_time(&wire->loop);
    uv_timer_start(&wire->tick, on_tick, until > now ? until - now : 0, 0);
    uv_run(&wire->loop, UV_RUN_ONCE);
}

static bool wire_has_unsent(const kw_wire *wire)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&wire->tcp) > 0;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    kw_wire *wire = handle->data;
    (void)suggested;
    *out = uv_buf_init((char *)wire->buffer, sizeof(wire->buffer));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    kw_wire *wire = stream->data;
    (void)buffer;
    if (count < 0) {
        uv_read_stop(stream);
        wire->sink.lost(wire->sink.ctx);
    } else if (count > 0) {
        wire->sink.input(wire->sink.ctx, (kw_bytes){wire->buffer, (size_t)count});
    }
}

static void on_connected(uv_connect_t *request, int status)
{
    kw_wire *wire = request->data;
    if (status != UV_ECANCELED) {
        wire->is_connected = status == 0;
        wire->is_lost = status < 0;
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    kw_wire *wire = handle->data;
    wire->tcp_is_open = false;
}

static kw_status connect_address(kw_wire *wire, const struct sockaddr *address, uint64_t deadline)
{
    uv_connect_t request = {.data = wire};
    wire->is_lost = false;
    uv_tcp_init(&wire->loop, &wire->tcp);
    wire->tcp.data = wire;
    wire->tcp_is_open = true;
    uv_tcp_nodelay(&wire->tcp, 1);
    kw_status status = uv_tcp_connect(&request, &wire->tcp, address, on_connected) == 0 ? KW_GOOD : KW_BAD_CONNECTION_REJECTED;
    while (!kw_status_is_bad(status) && !wire->is_connected) {
        if (wire->is_lost || kw_clock_ms(&KW_CLOCK_SYSTEM) >= deadline) {
            status = wire->is_lost ? KW_BAD_CONNECTION_REJECTED : KW_BAD_TIMEOUT;
        } else {
            wire_wait(wire, deadline);
        }
    }
    if (kw_status_is_bad(status)) { /* the request lives on our stack: wait until the handle let go of it */
        uv_close((uv_handle_t *)&wire->tcp, on_handle_closed);
        while (wire->tcp_is_open) {
            uv_run(&wire->loop, UV_RUN_ONCE);
        }
    }
    return status;
}

static void wire_close(kw_wire *wire)
{
    if (wire->tcp_is_open) {
        uv_close((uv_handle_t *)&wire->tcp, on_handle_closed);
    }
    uv_close((uv_handle_t *)&wire->tick, NULL);
    uv_run(&wire->loop, UV_RUN_DEFAULT);
    uv_loop_close(&wire->loop);
    free(wire);
}

static kw_status connect_host(kw_wire *wire, const kw_url *to, uint64_t deadline)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    uv_getaddrinfo_t lookup;
    if (uv_getaddrinfo(&wire->loop, &lookup, NULL, to->host, to->port, &hints) != 0) {
        return KW_BAD_NOT_FOUND;
    }
    kw_status status = KW_BAD_CONNECTION_REJECTED;
    for (const struct addrinfo *a = lookup.addrinfo; a != NULL && kw_status_is_bad(status); a = a->ai_next) {
        status = connect_address(wire, a->ai_addr, deadline);
    }
    uv_freeaddrinfo(lookup.addrinfo);
    return status;
}

static kw_status wire_connect(void *ctx, const kw_url *to, uint64_t deadline, const kw_wire_sink *sink, kw_wire **out)
{
    kw_wire *wire = calloc(1, sizeof(*wire));
    (void)ctx;
    if (wire == NULL || uv_loop_init(&wire->loop) != 0) {
        free(wire);
        return KW_BAD_OUT_OF_MEMORY;
    }
    uv_timer_init(&wire->loop, &wire->tick);
    wire->sink = *sink;
    const kw_status status = connect_host(wire, to, deadline);
    if (kw_status_is_bad(status)) {
        wire_close(wire);
        return status;
    }
    uv_read_start((uv_stream_t *)&wire->tcp, on_alloc, on_read);
    *out = wire;
    return KW_GOOD;
}

static void wait_without(void *ctx, uint64_t until)
{
    const uint64_t now = kw_clock_ms(&KW_CLOCK_SYSTEM);
    (void)ctx;
    uv_sleep((unsigned)(until > now ? until - now : 0));
}

const kw_network KW_NETWORK_SOCKETS = {wire_connect, wire_send, wire_wait, wire_has_unsent, wire_close, wait_without, NULL};
