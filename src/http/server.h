/*
 * A small HTTP(S) server: whole requests in, whole answers out.
 *
 * It has a thread of its own, so that TLS handshakes and slow readers cost the loop of the Server nothing. A request is handed to the
 * loop by `post`; the answer comes back by kw_http_respond from there, at once or after jobs. HTTP/1.1, TLS 1.2 and later.
 */
#ifndef KW_HTTP_SERVER_H
#define KW_HTTP_SERVER_H

#include "base/arena.h"
#include "base/job.h"
#include "base/log.h"
#include "crypto/certificate.h"

typedef struct kw_http_server kw_http_server;
typedef struct kw_http_exchange kw_http_exchange;

/* Everything in the exchange's arena, until it is answered. Null: not sent. */
typedef struct kw_http_request {
    kw_string method; /* "GET" (HEAD too: its answer is sent without the content) or "POST" */
    kw_string path;   /* as sent, not decoded; begins with '/' */
    kw_string query;  /* what follows the '?' */
    kw_string host, origin, authorization, content_type, cookie, accept_language, fetch_site; /* headers */
    kw_bytes body;
    kw_bytes client_certificate; /* DER, leaf; the other side has its key, nobody vouches for it */
    kw_string address;           /* of the other side, without port */
} kw_http_request;

typedef struct kw_http_header {
    const char *name;
    kw_string value; /* a CR, LF or NUL in it: the answer becomes 500 */
} kw_http_header;

typedef struct kw_http_response {
    int status;
    const char *content_type; /* NULL: no content */
    kw_bytes body;
    const kw_http_header *headers;
    size_t header_count;
} kw_http_response;

typedef struct kw_http_server_config {
    const char *const *addresses;
    size_t address_count;
    uint16_t port;                           /* 0: one free port for all addresses */
    const kw_application_identity *identity; /* NULL: no TLS, which only loopback addresses may do: Bad_SecurityModeInsufficient */
    bool ask_for_certificate;                /* of Clients; they need not have one */
    size_t max_body;                         /* bytes; past it 413 */
    uint32_t max_connections;                /* past it new ones wait in the kernel */
    uint32_t idle_timeout_s;                 /* for a request to arrive and an answer to be taken */
    const kw_mailbox *mailbox;               /* of the loop */
    void (*handle)(void *ctx, kw_http_exchange *exchange); /* on the loop */
    void *ctx;
    const kw_log *log;
} kw_http_server_config;

/* Listens when it returns. *why: static. Borrows mailbox and log for its life; copies the rest. */
kw_status kw_http_server_new(const kw_http_server_config *config, kw_http_server **out, uint16_t *bound, const char **why);
/*
 * Connections that begin from now on are shown this certificate; those that stand stay as they are. On the loop. Bad_InvalidState: there
 * is no TLS; Bad_CertificateInvalid, and the former one stays.
 */
kw_status kw_http_server_use_identity(kw_http_server *server, const kw_application_identity *identity);
/* No new requests from now on. Answers that come later go nowhere, and must still come. On the loop. */
void kw_http_server_stop(kw_http_server *server);
/* After every exchange was answered and the mailbox was emptied. Stops it if that was not done. */
void kw_http_server_free(kw_http_server *server);

/* On the loop. */
const kw_http_request *kw_http_request_of(const kw_http_exchange *exchange);
kw_arena *kw_http_arena(kw_http_exchange *exchange);
/* Exactly once, from the loop; the response is copied, the exchange and its arena are gone afterwards. Each answer says that it is not to
 * be stored, framed or taken for another kind of content; a header given here replaces what would be said. */
void kw_http_respond(kw_http_exchange *exchange, const kw_http_response *response);

#endif
