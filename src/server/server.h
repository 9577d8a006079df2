/*
 * A Server: connections, dispatch of requests, life cycle. The core takes bytes from any transport; listen.h puts it on sockets.
 */
#ifndef KW_SERVER_SERVER_H
#define KW_SERVER_SERVER_H

#include "identity/password_rules.h"
#include "service/service.h"

typedef struct kw_server kw_server;
typedef struct kw_connection kw_connection;

typedef struct kw_server_endpoint {
    const kw_security_policy *policy;
    kw_message_security_mode mode;
} kw_server_endpoint;

typedef struct kw_server_config {
    kw_string application_uri, application_name, product_uri;
    const kw_string *hosts; /* names under which it is reached; the first one is in its URLs */
    size_t host_count;
    uint16_t port; /* of the URLs; set again by kw_server_set_port when any free one was taken */
    const kw_server_endpoint *endpoints;
    size_t endpoint_count;
    bool discovery_on_none; /* discovery services on a None channel although no None endpoint is offered; default true */
    bool with_gds;
    bool allow_sessionless; /* SessionlessInvoke on encrypted channels. OPC 10000-4, 6.3 */
    bool require_crl;
    kw_channel_limits channel_limits;
    kw_session_limits session_limits;
    kw_service_limits service_limits;
    kw_ua_limits codec_limits;
    uint32_t max_connections;             /* 2,000 */
    uint32_t max_connections_per_address; /* 1,000: half of all, whoever sits behind one address */
    uint32_t max_pending_requests;        /* per connection: 100; past it Bad_TcpServerTooBusy / Bad_TooManyOperations */
    uint64_t max_memory;                  /* arenas of all requests under way: 512 MiB */
    kw_password_rules passwords;          /* 8 … 256 characters */
    uint32_t max_users;                   /* past it AddUser is refused: 10,000 */
    kw_identity_config identity;          /* audience and namespaces are set by the server */
} kw_server_config;

void kw_server_config_defaults(kw_server_config *config);

/* What it runs on; borrowed for its life. */
typedef struct kw_server_env {
    const kw_clock *clock;
    const kw_random *random;
    const kw_executor *executor;
    const kw_log *log;
    kw_timers *timers;
    const kw_application_identity *identity;
    kw_trust_list *trust;
    kw_trust_list *user_trust;
    kw_store *store;
    const kw_fetch *fetch;              /* keys of issuers; NULL: those that the store has, and no look-out for others */
    const kw_user_directory *directory; /* users that the store does not have; NULL: none */
} kw_server_env;

kw_status kw_server_new(const kw_server_config *config, const kw_server_env *env, kw_server **out);
void kw_server_free(kw_server *server); /* all connections are gone already */
kw_space *kw_server_space(kw_server *server);
kw_sessions *kw_server_sessions(kw_server *server);
kw_identity_gate *kw_server_gate(kw_server *server);
/* The Certificate of a user whom a Method did not believe, as an audit event; a good status raises nothing. On the loop. */
void kw_server_audit_user_certificate(kw_server *server, const kw_call *call, kw_bytes certificate, kw_status status);
/* Into the store's audit trail, when there is time; copied. `source` null: the Server. `is_stranger`: nothing proves where it came from. */
void kw_server_record(kw_server *server, const kw_audit_record *record, bool is_stranger);
/* An access token was asked for, one way or the other: for the metrics. From any thread. */
typedef enum kw_token_way {
    KW_TOKEN_WAY_REQUEST_ACCESS_TOKEN, /* the Methods of OPC UA … */
    KW_TOKEN_WAY_FINISH_REQUEST_TOKEN,
    KW_TOKEN_WAY_REFRESH_TOKEN,
    KW_TOKEN_WAY_CLIENT_CREDENTIALS, /* … and the grants of OAuth */
    KW_TOKEN_WAY_AUTHORIZATION_CODE,
    KW_TOKEN_WAY_DEVICE_CODE,
    KW_TOKEN_WAY_OAUTH_REFRESH,
    KW_TOKEN_WAY_TOKEN_EXCHANGE,
    KW_TOKEN_WAY_OTHER, /* a grant that there is not, or nobody looked */
    KW_TOKEN_WAYS
} kw_token_way;
typedef enum kw_token_result {
    KW_TOKEN_ISSUED,
    KW_TOKEN_REFUSED,
    KW_TOKEN_PENDING, /* a device whose user has not agreed yet */
    KW_TOKEN_LIMITED, /* came too often */
    KW_TOKEN_FAILED,  /* for a lack of ours */
    KW_TOKEN_RESULTS
} kw_token_result;
void kw_server_count_token(kw_server *server, kw_token_way way, kw_token_result result);
/* Somebody came too often and was sent away for it. From any thread. */
typedef enum kw_limited_by { KW_LIMITED_BY_APPLICATION, KW_LIMITED_BY_CLIENT, KW_LIMITED_BY_ADDRESS, KW_LIMITED_BYS } kw_limited_by;
void kw_server_count_limited(kw_server *server, kw_limited_by by);
/* Who is told of each Session that closes: on the loop, not while the Server is freed. In memory of whoever listens. */
typedef struct kw_session_listener {
    void (*closed)(void *ctx, const kw_node_id *session_id);
    void *ctx;
    struct kw_session_listener *next; /* the server's */
} kw_session_listener;

void kw_server_add_session_listener(kw_server *server, kw_session_listener *listener);
void kw_server_remove_session_listener(kw_server *server, kw_session_listener *listener); /* one that was not added is fine */
void kw_server_set_port(kw_server *server, uint16_t port);
/* "opc.tcp://localhost:4840" */
kw_string kw_server_url(const kw_server *server);

/* --- transport: sockets, or a simulated network ------------------------------------------------------------------------ */
typedef struct kw_transport {
    void (*send)(void *ctx, kw_bytes bytes); /* in order; borrowed for the call. Past its bounded queue it reports by kw_connection_lost */
    void (*close)(void *ctx);                /* after what was sent; then kw_connection_lost */
    void (*pause)(void *ctx, bool paused);   /* stop or go on reading: back-pressure */
    void *ctx;
} kw_transport;

/* NULL: over capacity, close the socket. */
kw_connection *kw_server_connect(kw_server *server, const kw_transport *transport, kw_string peer_address);
void kw_connection_input(kw_connection *connection, kw_bytes bytes);
/* The transport is gone, whoever ended it: the last call for this connection. */
void kw_connection_lost(kw_connection *connection);
/* Stop taking new connections and Sessions; State becomes Shutdown; answer what is under way, then close. drained() once nothing is left. */
void kw_server_shutdown(kw_server *server, void (*drained)(void *ctx), void *ctx);
/* Trust or configuration changed: re-check the certificates of live channels, close those that fail (attack A-85). */
void kw_server_recheck_trust(kw_server *server);

#endif
