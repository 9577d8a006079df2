/* Listeners and sockets on libuv. */
#include "server/runtime_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKLOG 512
#define WRITE_QUEUE_MAX ((size_t)16 << 20) /* bytes that a slow reader may leave waiting */
#define PORT_TRIES 20

struct kw_listener {
    uv_tcp_t tcp;
    kw_runtime *runtime;
    kw_server *server;
    kw_listener *next;
};

typedef struct kw_socket client_socket;

struct kw_socket {
    uv_tcp_t tcp;
    kw_runtime *runtime;
    kw_connection *connection; /* NULL once it is lost */
    client_socket *prev, *next;
    bool is_closing, is_paused;
};

typedef struct write_request {
    uv_write_t request;
    uint8_t data[];
} write_request;

/* --- one connection ------------------------------------------------------------------------------------------------------ */

static void on_socket_closed(uv_handle_t *handle)
{
    client_socket *s = handle->data;
    kw_runtime *runtime = s->runtime;
    if (s->connection != NULL) {
        kw_connection_lost(s->connection);
    }
    *(s->prev != NULL ? &s->prev->next : &runtime->sockets) = s->next;
    if (s->next != NULL) {
        s->next->prev = s->prev;
    }
    runtime->socket_count--;
    free(s);
}

static void close_socket(client_socket *s)
{
    if (!s->is_closing) {
        s->is_closing = true;
        uv_close((uv_handle_t *)&s->tcp, on_socket_closed);
    }
}

void kw_sockets_close(kw_runtime *runtime)
{
    for (client_socket *s = runtime->sockets; s != NULL; s = s->next) {
        close_socket(s);
    }
}

static void on_written(uv_write_t *request, int status)
{
    client_socket *s = request->handle->data;
    free(request->data);
    if (status < 0 && status != UV_ECANCELED) {
        close_socket(s);
    }
}

static void transport_send(void *ctx, kw_bytes bytes)
{
    client_socket *s = ctx;
    if (s->is_closing) {
        return;
    }
    /* Most answers fit into the socket's buffer at once; only the rest is kept. */
    uv_buf_t buffer = uv_buf_init((char *)bytes.data, (unsigned)bytes.len);
    size_t done = 0;
    if (uv_stream_get_write_queue_size((uv_stream_t *)&s->tcp) == 0) {
        const int sent = uv_try_write((uv_stream_t *)&s->tcp, &buffer, 1);
        done = sent > 0 ? (size_t)sent : 0;
    }
    if (done == bytes.len) {
        return;
    }
    write_request *w = malloc(sizeof(*w) + bytes.len - done);
    if (w == NULL || uv_stream_get_write_queue_size((uv_stream_t *)&s->tcp) > WRITE_QUEUE_MAX) { /* attack A-11 */
        free(w);
        close_socket(s);
        return;
    }
    memcpy(w->data, bytes.data + done, bytes.len - done);
    w->request.data = w;
    buffer = uv_buf_init((char *)w->data, (unsigned)(bytes.len - done));
    if (uv_write(&w->request, (uv_stream_t *)&s->tcp, &buffer, 1, on_written) != 0) {
        free(w);
        close_socket(s);
    }
}

static void on_shut(uv_shutdown_t *request, int status)
{
    (void)status;
    close_socket(request->data);
    free(request);
}

/* What was sent goes out first. */
static void transport_close(void *ctx)
{
    client_socket *s = ctx;
    uv_shutdown_t *request = s->is_closing ? NULL : malloc(sizeof(*request));
    uv_read_stop((uv_stream_t *)&s->tcp);
    if (request != NULL) {
        request->data = s;
        if (uv_shutdown(request, (uv_stream_t *)&s->tcp, on_shut) == 0) {
            return;
        }
        free(request);
    }
    close_socket(s);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    client_socket *s = handle->data;
    (void)suggested;
    *out = uv_buf_init((char *)s->runtime->read_buffer, sizeof(s->runtime->read_buffer));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    client_socket *s = stream->data;
    if (count < 0) {
        close_socket(s);
    } else if (count > 0 && s->connection != NULL) {
        kw_connection_input(s->connection, (kw_bytes){(const uint8_t *)buffer->base, (size_t)count});
    }
}

static void transport_pause(void *ctx, bool paused)
{
    client_socket *s = ctx;
    if (s->is_closing || s->is_paused == paused) {
        return;
    }
    s->is_paused = paused;
    if (paused) {
        uv_read_stop((uv_stream_t *)&s->tcp);
    } else {
        uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
    }
}

/* --- accepting --------------------------------------------------------------------------------------------------------------- */

static void name_peer(const uv_tcp_t *tcp, char *out, size_t cap)
{
    struct sockaddr_storage address;
    int len = sizeof(address);
    out[0] = '\0';
    if (uv_tcp_getpeername(tcp, (struct sockaddr *)&address, &len) != 0) {
        return;
    }
    if (address.ss_family == AF_INET6) {
        uv_ip6_name((const struct sockaddr_in6 *)&address, out, cap);
    } else {
        uv_ip4_name((const struct sockaddr_in *)&address, out, cap);
    }
}

static void on_connection(uv_stream_t *stream, int status)
{
    kw_listener *listener = stream->data;
    char peer[64];
    client_socket *s = status == 0 ? calloc(1, sizeof(*s)) : NULL;
    if (s == NULL) {
        return;
    }
    s->runtime = listener->runtime;
    s->next = s->runtime->sockets;
    if (s->next != NULL) {
        s->next->prev = s;
    }
    s->runtime->sockets = s;
    s->runtime->socket_count++;
    uv_tcp_init(&listener->runtime->loop, &s->tcp);
    s->tcp.data = s;
    if (uv_accept(stream, (uv_stream_t *)&s->tcp) != 0) {
        close_socket(s);
        return;
    }
    uv_tcp_nodelay(&s->tcp, 1);
    name_peer(&s->tcp, peer, sizeof(peer));
    const kw_transport transport = {.send = transport_send, .close = transport_close, .pause = transport_pause, .ctx = s};
    s->connection = kw_server_connect(listener->server, &transport, kw_string_from(peer));
    if (s->connection == NULL || uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read) != 0) {
        close_socket(s);
    }
}

static void on_listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void kw_listeners_close(kw_runtime *runtime)
{
    while (runtime->listeners != NULL) {
        kw_listener *l = runtime->listeners;
        runtime->listeners = l->next;
        uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
    }
}

static int bind_one(kw_runtime *runtime, kw_server *server, const char *address, uint16_t port, uint16_t *bound)
{
    struct sockaddr_storage where;
    int len = sizeof(where);
    kw_listener *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return UV_ENOMEM;
    }
    l->runtime = runtime;
    l->server = server;
    uv_tcp_init(&runtime->loop, &l->tcp);
    l->tcp.data = l;
    const bool is_ipv6 = strchr(address, ':') != NULL;
    int code =
        is_ipv6 ? uv_ip6_addr(address, port, (struct sockaddr_in6 *)&where) : uv_ip4_addr(address, port, (struct sockaddr_in *)&where);
    if (code == 0) {
        code = uv_tcp_bind(&l->tcp, (const struct sockaddr *)&where, is_ipv6 ? UV_TCP_IPV6ONLY : 0);
    }
    if (code == 0) {
        code = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    }
    if (code == 0) {
        code = uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&where, &len);
    }
    if (code != 0) {
        uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
        return code;
    }
    *bound = ntohs(is_ipv6 ? ((struct sockaddr_in6 *)&where)->sin6_port : ((struct sockaddr_in *)&where)->sin_port);
    l->next = runtime->listeners;
    runtime->listeners = l;
    return 0;
}

/* Take back the newest `count` listeners. */
static void unbind(kw_runtime *runtime, size_t count)
{
    for (; count > 0; count--) {
        kw_listener *l = runtime->listeners;
        runtime->listeners = l->next;
        uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
    }
}

/* A machine without IPv6 (or IPv4) serves the other. */
static bool is_missing_family(int code)
{
    return code == UV_EADDRNOTAVAIL || code == UV_EAFNOSUPPORT;
}

static int bind_all(kw_runtime *runtime, kw_server *server, const char *const *addresses, size_t count, uint16_t port, uint16_t *bound)
{
    size_t done = 0;
    int last = UV_EADDRNOTAVAIL;
    *bound = port;
    for (size_t i = 0; i < count; i++) {
        const int code = bind_one(runtime, server, addresses[i], *bound, bound);
        if (code == 0) {
            done++;
        } else if (!is_missing_family(code)) {
            unbind(runtime, done);
            return code;
        } else {
            last = code;
        }
    }
    return done > 0 ? 0 : last;
}

kw_status kw_runtime_listen(kw_runtime *runtime, kw_server *server, const char *const *addresses, size_t count, uint16_t port,
                            uint16_t *bound, const char **why)
{
    int code = UV_EADDRINUSE;
    /* A free port of the first address may be taken on the second: then another one. */
    for (int tries = 0; code == UV_EADDRINUSE && tries < (port == 0 ? PORT_TRIES : 1); tries++) {
        code = bind_all(runtime, server, addresses, count, port, bound);
    }
    if (code != 0) {
        *why = uv_strerror(code);
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
    return kw_runtime_add_server(runtime, server);
}
