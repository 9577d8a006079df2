/* The life of the server and of its thread. */
#include "http/server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/thread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADERS_MAX 16384
#define EVENTS_PER_CONNECTION 2 /* waited for at the same time, at most: reading and writing */
#define EVENTS_OF_OURS 32
#define BACKLOG 128
#define ROOM_CHECK_US 50000

/* --- connections ----------------------------------------------------------------------------------------------------------- */

static bool has_room(const kw_http_server *server)
{
    const int most = (int)server->max_connections * EVENTS_PER_CONNECTION + EVENTS_OF_OURS;
    return event_base_get_num_events(server->base, EVENT_BASE_COUNT_ADDED) < most;
}

void kw_http_mind_connections(kw_http_server *server)
{
    static const struct timeval SOON = {.tv_sec = 0, .tv_usec = ROOM_CHECK_US};
    if (has_room(server)) {
        return;
    }
    for (size_t i = 0; i < server->listener_count; i++) {
        evconnlistener_disable(server->listeners[i]);
    }
    event_add(server->room, &SOON);
}

static void on_room(evutil_socket_t fd, short what, void *ctx)
{
    kw_http_server *server = ctx;
    (void)fd;
    (void)what;
    for (size_t i = 0; has_room(server) && i < server->listener_count; i++) {
        evconnlistener_enable(server->listeners[i]);
    }
    kw_http_mind_connections(server);
}

/* --- listening --------------------------------------------------------------------------------------------------------------- */

typedef struct listen_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } as;
    socklen_t len;
} listen_address;

static bool read_address(const char *text, uint16_t port, listen_address *out)
{
    *out = (listen_address){.len = sizeof(out->as.v4)};
    out->as.v4.sin_family = AF_INET;
    out->as.v4.sin_port = htons(port);
    if (inet_pton(AF_INET, text, &out->as.v4.sin_addr) == 1) {
        return true;
    }
    *out = (listen_address){.len = sizeof(out->as.v6)};
    out->as.v6.sin6_family = AF_INET6;
    out->as.v6.sin6_port = htons(port);
    return inet_pton(AF_INET6, text, &out->as.v6.sin6_addr) == 1;
}

static bool is_loopback(const listen_address *address)
{
    return address->as.any.sa_family == AF_INET ? ntohl(address->as.v4.sin_addr.s_addr) >> 24 == 127
                                                : IN6_IS_ADDR_LOOPBACK(&address->as.v6.sin6_addr);
}

static const char *why_not(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "the port is in use";
    case EACCES:
        return "this port needs more rights";
    case EADDRNOTAVAIL:
        return "this machine does not have the address";
    default:
        return "the address cannot be listened on";
    }
}

static uint16_t bound_port(struct evconnlistener *listener)
{
    listen_address address = {.len = sizeof(address.as)};
    if (getsockname(evconnlistener_get_fd(listener), &address.as.any, &address.len) != 0) {
        return 0;
    }
    return ntohs(address.as.any.sa_family == AF_INET ? address.as.v4.sin_port : address.as.v6.sin6_port);
}

static kw_status listen_at(kw_http_server *server, const listen_address *address, const char **why)
{
    const unsigned family = address->as.any.sa_family == AF_INET6 ? LEV_OPT_BIND_IPV6ONLY : 0;
    struct evconnlistener *listener =
        evconnlistener_new_bind(server->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE | family,
                                BACKLOG, &address->as.any, (int)address->len);
    if (listener == NULL) {
        *why = why_not(errno);
        return KW_BAD_COMMUNICATION_ERROR;
    }
    if (evhttp_bind_listener(server->http, listener) == NULL) {
        evconnlistener_free(listener);
        return KW_BAD_OUT_OF_MEMORY;
    }
    server->listeners[server->listener_count++] = listener;
    return KW_GOOD;
}

/* An address family that this machine does not have is left out, as long as one remains. */
static kw_status listen_everywhere(kw_http_server *server, const kw_http_server_config *config, uint16_t *bound, const char **why)
{
    kw_status status = KW_BAD_INVALID_ARGUMENT;
    *bound = config->port;
    *why = "no address to listen on";
    for (size_t i = 0; i < config->address_count && server->listener_count < KW_HTTP_ADDRESSES_MAX; i++) {
        listen_address address;
        if (!read_address(config->addresses[i], *bound, &address)) {
            *why = "not an IP address to listen on";
            return KW_BAD_INVALID_ARGUMENT;
        }
        if (config->identity == NULL && !is_loopback(&address)) {
            *why = "without TLS only addresses of this machine itself will do";
            return KW_BAD_SECURITY_MODE_INSUFFICIENT;
        }
        status = listen_at(server, &address, why);
        if (kw_status_is_bad(status) && errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT) {
            return status;
        }
        if (!kw_status_is_bad(status)) {
            *bound = bound_port(server->listeners[server->listener_count - 1]);
        }
    }
    return server->listener_count > 0 ? KW_GOOD : status;
}

/* --- the thread ---------------------------------------------------------------------------------------------------------------- */

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    kw_http_server *server = ctx;
    (void)fd;
    (void)what;
    kw_http_send_answered(server);
    pthread_mutex_lock(&server->lock);
    const bool is_stopping = server->is_stopping;
    pthread_mutex_unlock(&server->lock);
    if (is_stopping) {
        event_base_loopbreak(server->base);
    }
}

static void *run(void *ctx)
{
    kw_http_server *server = ctx;
    event_base_dispatch(server->base);
    for (kw_http_exchange *e = server->newest; e != NULL; e = e->older) {
        e->origin = NULL; /* it goes with its connection */
    }
    evhttp_free(server->http);
    server->http = NULL;
    return NULL;
}

static void release(kw_http_server *server)
{
    if (server->http != NULL) {
        evhttp_free(server->http);
    }
    if (server->wake != NULL) {
        event_free(server->wake);
    }
    if (server->room != NULL) {
        event_free(server->room);
    }
    if (server->base != NULL) {
        event_base_free(server->base);
    }
    SSL_CTX_free(server->tls);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

static kw_status set_up(kw_http_server *server, const kw_http_server_config *config)
{
    evthread_use_pthreads();
    server->base = event_base_new();
    server->http = server->base != NULL ? evhttp_new(server->base) : NULL;
    server->wake = server->base != NULL ? event_new(server->base, -1, EV_PERSIST, on_wake, server) : NULL;
    server->room = server->base != NULL ? event_new(server->base, -1, EV_TIMEOUT, on_room, server) : NULL;
    if (server->http == NULL || server->wake == NULL || server->room == NULL || event_add(server->wake, NULL) != 0) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    evhttp_set_bevcb(server->http, kw_http_tls_accept, server);
    evhttp_set_gencb(server->http, kw_http_on_request, server);
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD);
    evhttp_set_max_headers_size(server->http, HEADERS_MAX);
    evhttp_set_max_body_size(server->http, (ev_ssize_t)config->max_body);
    evhttp_set_timeout(server->http, (int)config->idle_timeout_s);
    return KW_GOOD;
}

kw_status kw_http_server_new(const kw_http_server_config *config, kw_http_server **out, uint16_t *bound, const char **why)
{
    kw_http_server *server = calloc(1, sizeof(*server));
    kw_status status;
    *why = "there is no memory for it";
    if (server == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    pthread_mutex_init(&server->lock, NULL);
    server->handle = config->handle;
    server->ctx = config->ctx;
    server->mailbox = config->mailbox;
    server->log = config->log;
    server->max_connections = config->max_connections;
    server->asks_for_certificate = config->ask_for_certificate;
    server->has_tls = config->identity != NULL;
    server->answered_end = &server->answered;
    status = set_up(server, config);
    if (!kw_status_is_bad(status) && config->identity != NULL) {
        status = kw_http_tls_new(config->identity, config->ask_for_certificate, &server->tls);
        *why = kw_status_is_bad(status) ? "its certificate and key cannot be used for TLS" : *why;
    }
    if (!kw_status_is_bad(status)) {
        status = listen_everywhere(server, config, bound, why);
    }
    if (!kw_status_is_bad(status) && pthread_create(&server->thread, NULL, run, server) != 0) {
        status = KW_BAD_OUT_OF_MEMORY;
    }
    if (kw_status_is_bad(status)) {
        release(server);
        return status;
    }
    server->is_running = true;
    *out = server;
    return KW_GOOD;
}

void kw_http_server_stop(kw_http_server *server)
{
    if (server == NULL || !server->is_running) {
        return;
    }
    pthread_mutex_lock(&server->lock);
    server->is_stopping = true;
    pthread_mutex_unlock(&server->lock);
    event_active(server->wake, EV_TIMEOUT, 0);
    pthread_join(server->thread, NULL);
    server->is_running = false;
}

void kw_http_server_free(kw_http_server *server)
{
    if (server != NULL) {
        kw_http_server_stop(server);
        kw_http_send_answered(server);
        release(server);
    }
}
