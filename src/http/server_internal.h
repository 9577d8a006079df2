/* Inner seam of the HTTP server. */
#ifndef KW_HTTP_SERVER_INTERNAL_H
#define KW_HTTP_SERVER_INTERNAL_H

#include "http/server.h"

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#define KW_HTTP_ADDRESSES_MAX 16

struct kw_http_exchange {
    kw_job job; /* first: what the mailbox carries */
    kw_http_server *server;
    kw_arena *arena;
    kw_http_request request;
    kw_http_response response;
    struct evhttp_request *origin;   /* touched by the server's thread alone; NULL once its connection is gone for good */
    kw_http_exchange *next;          /* among the answered ones */
    kw_http_exchange *older, *newer; /* among all */
};

struct kw_http_server {
    void (*handle)(void *ctx, kw_http_exchange *exchange);
    void *ctx;
    const kw_mailbox *mailbox;
    const kw_log *log;
    uint32_t max_connections;
    bool asks_for_certificate, has_tls;

    /* the thread and what belongs to it */
    pthread_t thread;
    bool is_running; /* of the owner: the thread is to be joined */
    struct event_base *base;
    struct evhttp *http;
    struct event *wake, *room; /* answers are there; look whether there is room for connections again */
    struct evconnlistener *listeners[KW_HTTP_ADDRESSES_MAX];
    size_t listener_count;
    kw_http_exchange *newest;

    /* between the threads */
    pthread_mutex_t lock;
    kw_http_exchange *answered, **answered_end;
    bool is_stopping;
    SSL_CTX *tls; /* NULL: none */
};

/* server_tls.c */
kw_status kw_http_tls_new(const kw_application_identity *identity, bool asks_for_certificate, SSL_CTX **out);
struct bufferevent *kw_http_tls_accept(struct event_base *base, void *server);
/* DER of the leaf that the other side showed; null: none. */
kw_bytes kw_http_tls_peer_certificate(struct evhttp_connection *connection, kw_arena *arena);

/* server.c: stop taking connections while there are too many. */
void kw_http_mind_connections(kw_http_server *server);

/* server_exchange.c */
void kw_http_on_request(struct evhttp_request *origin, void *server);
void kw_http_send_answered(kw_http_server *server);

#endif
