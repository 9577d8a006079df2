/* A request on its way to the loop, an answer on its way back. */
#include "http/server_internal.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX ((size_t)8 << 20)

/* What every answer says, unless it says otherwise: nothing here is to be kept, framed, or run. */
static const struct {
    const char *name, *value;
} ALWAYS[] = {
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
};

/* --- in -------------------------------------------------------------------------------------------------------------------- */

static kw_string header(struct evhttp_request *origin, const char *name, kw_arena *arena)
{
    return kw_arena_copy(arena, kw_string_from(evhttp_find_header(evhttp_request_get_input_headers(origin), name)));
}

static kw_bytes body_of(struct evhttp_request *origin, kw_arena *arena)
{
    struct evbuffer *buffer = evhttp_request_get_input_buffer(origin);
    const size_t len = evbuffer_get_length(buffer);
    uint8_t *data = kw_arena_alloc(arena, len);
    if (data == NULL || evbuffer_copyout(buffer, data, len) != (ev_ssize_t)len) {
        return KW_BYTES_NULL;
    }
    return (kw_bytes){data, len};
}

/* Only what names a place here: "GET https://elsewhere/" is not for us. */
static void read_target(struct evhttp_request *origin, kw_arena *arena, kw_http_request *out)
{
    kw_string target = kw_arena_copy(arena, kw_string_from(evhttp_request_get_uri(origin)));
    if (target.len == 0 || target.data[0] != '/') {
        return;
    }
    const uint8_t *mark = memchr(target.data, '?', target.len);
    out->path = (kw_string){target.data, mark != NULL ? (size_t)(mark - target.data) : target.len};
    if (mark != NULL) {
        out->query = (kw_string){mark + 1, target.len - out->path.len - 1};
    }
}

static kw_string address_of(struct evhttp_connection *connection, kw_arena *arena)
{
    char *address = NULL;
    ev_uint16_t port = 0;
    evhttp_connection_get_peer(connection, &address, &port);
    return kw_arena_copy(arena, kw_string_from(address));
}

/* False: what is not there is not understood, or there is no memory. */
static bool read_request(struct evhttp_request *origin, kw_arena *arena, kw_http_request *out)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(origin);
    read_target(origin, arena, out);
    out->method = evhttp_request_get_command(origin) == EVHTTP_REQ_POST ? KW_STRING("POST") : KW_STRING("GET");
    out->host = header(origin, "Host", arena);
    out->origin = header(origin, "Origin", arena);
    out->authorization = header(origin, "Authorization", arena);
    out->content_type = header(origin, "Content-Type", arena);
    out->cookie = header(origin, "Cookie", arena);
    out->accept_language = header(origin, "Accept-Language", arena);
    out->fetch_site = header(origin, "Sec-Fetch-Site", arena);
    out->body = body_of(origin, arena);
    out->client_certificate = kw_http_tls_peer_certificate(connection, arena);
    out->address = address_of(connection, arena);
    return out->path.data != NULL && out->body.data != NULL;
}

static void run_exchange(kw_job *job)
{
    kw_http_exchange *exchange = (kw_http_exchange *)job;
    exchange->server->handle(exchange->server->ctx, exchange);
}

static void enter(kw_http_server *server, kw_http_exchange *exchange)
{
    exchange->older = server->newest;
    if (server->newest != NULL) {
        server->newest->newer = exchange;
    }
    server->newest = exchange;
}

static void leave(kw_http_exchange *exchange)
{
    if (exchange->older != NULL) {
        exchange->older->newer = exchange->newer;
    }
    if (exchange->newer != NULL) {
        exchange->newer->older = exchange->older;
    } else {
        exchange->server->newest = exchange->older;
    }
}

void kw_http_on_request(struct evhttp_request *origin, void *ctx)
{
    kw_http_server *server = ctx;
    kw_arena *arena = kw_arena_new(ARENA_MAX);
    kw_http_exchange *exchange = arena != NULL ? KW_ARENA_NEW(arena, kw_http_exchange) : NULL;
    if (exchange == NULL) {
        kw_arena_free(arena);
        evhttp_send_error(origin, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    *exchange = (kw_http_exchange){.server = server, .arena = arena, .origin = origin};
    if (!read_request(origin, arena, &exchange->request)) {
        kw_arena_free(arena);
        evhttp_send_error(origin, HTTP_BADREQUEST, NULL);
        return;
    }
    enter(server, exchange);
    exchange->job.run = run_exchange;
    server->mailbox->post(server->mailbox->ctx, &exchange->job);
}

const kw_http_request *kw_http_request_of(const kw_http_exchange *exchange)
{
    return &exchange->request;
}

kw_arena *kw_http_arena(kw_http_exchange *exchange)
{
    return exchange->arena;
}

/* --- out ------------------------------------------------------------------------------------------------------------------- */

static bool is_one_line(kw_string value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '\r' || value.data[i] == '\n' || value.data[i] == '\0') {
            return false;
        }
    }
    return true;
}

static bool copy_response(kw_http_exchange *exchange, const kw_http_response *response)
{
    kw_http_header *headers = KW_ARENA_ARRAY(exchange->arena, kw_http_header, response->header_count);
    exchange->response = *response;
    exchange->response.headers = headers;
    exchange->response.body = kw_arena_copy(exchange->arena, response->body);
    for (size_t i = 0; headers != NULL && i < response->header_count; i++) {
        const char *value = kw_arena_cstring(exchange->arena, response->headers[i].value);
        if (value == NULL || !is_one_line(response->headers[i].value)) {
            return false;
        }
        headers[i] = (kw_http_header){response->headers[i].name, kw_string_from(value)};
    }
    return headers != NULL && (exchange->response.body.data != NULL || response->body.data == NULL);
}

void kw_http_respond(kw_http_exchange *exchange, const kw_http_response *response)
{
    kw_http_server *server = exchange->server;
    if (!copy_response(exchange, response)) {
        exchange->response = (kw_http_response){.status = HTTP_INTERNAL};
    }
    pthread_mutex_lock(&server->lock);
    *server->answered_end = exchange;
    server->answered_end = &exchange->next;
    pthread_mutex_unlock(&server->lock);
    event_active(server->wake, EV_TIMEOUT, 0);
}

static void add_headers(struct evhttp_request *origin, const kw_http_response *response)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(origin);
    if (response->content_type != NULL) {
        evhttp_add_header(headers, "Content-Type", response->content_type);
    }
    for (size_t i = 0; i < response->header_count; i++) {
        evhttp_add_header(headers, response->headers[i].name, (const char *)response->headers[i].value.data);
    }
    for (size_t i = 0; i < sizeof(ALWAYS) / sizeof(ALWAYS[0]); i++) {
        if (evhttp_find_header(headers, ALWAYS[i].name) == NULL) {
            evhttp_add_header(headers, ALWAYS[i].name, ALWAYS[i].value);
        }
    }
}

static void send_answer(const kw_http_exchange *exchange)
{
    const kw_http_response *response = &exchange->response;
    struct evbuffer *body = evbuffer_new();
    if (body != NULL && response->body.len > 0) {
        evbuffer_add(body, response->body.data, response->body.len);
    }
    add_headers(exchange->origin, response);
    evhttp_send_reply(exchange->origin, response->status, NULL, body); /* of a connection that is gone: releases the request */
    if (body != NULL) {
        evbuffer_free(body);
    }
}

void kw_http_send_answered(kw_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    kw_http_exchange *answered = server->answered;
    server->answered = NULL;
    server->answered_end = &server->answered;
    pthread_mutex_unlock(&server->lock);
    for (kw_http_exchange *e = answered, *next; e != NULL; e = next) {
        next = e->next;
        leave(e);
        if (e->origin != NULL) {
            send_answer(e);
        }
        kw_arena_free(e->arena); /* the exchange lives in it */
    }
}
