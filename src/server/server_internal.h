/* Inner seam of the server room: what runs without sockets. */
#ifndef KW_SERVER_INTERNAL_H
#define KW_SERVER_INTERNAL_H

#include "server/server.h"
#include "server/trail.h"
#include "space/administration.h"

#include <stdatomic.h>

typedef struct kw_server_request kw_server_request;
typedef struct kw_sessionless kw_sessionless;

/* One request under way. It lives until it is finished, also when its connection is gone by then. */
struct kw_server_request {
    kw_request base; /* first: handlers get its address */
    kw_connection *connection;
    kw_server_request *prev, *next;
    kw_sessionless *sessionless; /* NULL: in a Session, or without need of one */
    bool is_cancelled;
};

struct kw_connection {
    kw_server *server;
    kw_connection *prev, *next;
    kw_transport transport;
    kw_channel *channel;
    char *peer_address;
    kw_server_request *requests;
    uint32_t request_count;
    bool is_lost;    /* the transport is gone */
    bool is_closing; /* told the transport to close */
    bool is_busy;    /* inside a call into the channel: not to be freed */
};

#define KW_ARENA_POOL 64

enum { KW_REQUEST_GOOD, KW_REQUEST_BAD, KW_REQUEST_SECURITY, KW_REQUEST_RESULTS };

struct kw_server {
    kw_arena *arena; /* copies of the configuration */
    kw_server_config config;
    kw_server_env env;
    kw_space *space;
    kw_sessions *sessions;
    kw_identity_gate *gate;
    kw_administration *administration;
    kw_trail *trail;
    kw_service_context services;
    kw_connection *connections;
    uint32_t connection_count;
    kw_budget budget;
    kw_arena *pool[KW_ARENA_POOL]; /* warm arenas */
    size_t pool_count;
    kw_writer response; /* reused */
    bool is_shutting_down;
    bool has_diagnostics;                  /* EnabledFlag */
    uint64_t requests[KW_REQUEST_RESULTS]; /* answered since the start */
    _Atomic uint64_t tokens[KW_TOKEN_WAYS][KW_TOKEN_RESULTS];
    _Atomic uint64_t limited[KW_LIMITED_BYS];
    uint32_t rejected_requests, security_rejected_requests; /* for the diagnostics */
    kw_session_listener *session_listeners;
    void (*drained)(void *ctx);
    void *drained_ctx;
};

/* endpoints.c */
/* The host part of opc.tcp://host:port/path; brackets of IPv6 are not part of it. Null: there is none. */
kw_string kw_server_host_of(kw_string url);
kw_status kw_server_endpoints(void *ctx, kw_string endpoint_url, kw_arena *arena, kw_endpoint_description **out, size_t *count);
/* Policies whose Certificates are not of our kind of key are not offered, whatever the configuration says. */
bool kw_server_can_offer(const kw_application_identity *own, const kw_security_policy *policy);
bool kw_server_offers(const kw_server *server, const kw_security_policy *policy, kw_message_security_mode mode);
kw_status kw_server_describe(kw_server *server, kw_string host, kw_arena *arena, kw_application_description *out);

/* dispatch.c */
void kw_server_dispatch(kw_connection *connection, uint32_t request_id, kw_bytes body, kw_arena *arena);
/* CL-02: what is under way for a Session that is closed now is answered at once. */
void kw_server_answer_closed(kw_server *server, const kw_session *session);
uint32_t kw_server_cancel(void *ctx, const kw_request *request, uint32_t request_handle);
/* The channel is gone: nobody waits any more for what Publish requests wait for. */
void kw_server_give_up_waiting(kw_connection *connection);

/* audit.c, audit_channel.c, audit_session.c: what happened becomes an event, a line in the log and a record in the trail */
void kw_server_audit_session(void *ctx, const kw_session_event *event);
void kw_server_audit_open(const kw_connection *connection, const kw_channel_open_audit *audit);
void kw_server_audit_channel_closed(const kw_connection *connection, kw_status reason);
void kw_server_audit_cancel(const kw_request *request, uint32_t request_handle);
/* A Certificate of a live channel that would not be let in any more. */
void kw_server_audit_certificate(const kw_connection *connection, const kw_certificate *certificate, kw_status status);

#define KW_SERVER_ROLE_CONFIGURE_ADMIN 15716u
#define KW_SERVER_ROLE_SECURITY_ADMIN 15704u

/* session_nodes.c: an Object for each Session. */
kw_status kw_server_add_session_nodes(kw_server *server);

/* sessionless.c: a service without a Session. OPC 10000-4, 6.3 */
bool kw_sessionless_is(uint32_t message_id);
/*
 * Reads the envelope. *service: what is invoked. Bad_ServiceUnsupported, Bad_SecurityModeInsufficient,
 * Bad_InvalidArgument (another UrisVersion), Bad_DecodingError.
 */
kw_status kw_sessionless_open(kw_connection *connection, kw_reader *r, kw_arena *arena, const kw_service **service, kw_sessionless **out);
/* Find out who asks, and let the service do it. */
void kw_sessionless_start(kw_server_request *request);
/* The envelope of its answer. */
kw_status kw_sessionless_encode(const kw_server_request *request, kw_writer *w);

/* diagnostics.c: ServerDiagnostics come alive. */
kw_status kw_server_bind_diagnostics(kw_server *server);
kw_server_diagnostics_summary_data_type kw_server_summarize(const kw_server *server);
void kw_server_count_request(kw_server *server, kw_status result);
void kw_server_diagnose_session(void *ctx, const kw_session *session, kw_session_diagnostics_data_type *out);

/* connection.c */
kw_arena *kw_server_take_arena(kw_server *server);
void kw_server_drop_arena(kw_server *server, kw_arena *arena);
/* Free it once the transport is gone and no request is under way; tells a waiting shutdown. */
void kw_connection_settle(kw_connection *connection);

#endif
