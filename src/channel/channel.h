/*
 * UA-TCP and UA SecureConversation as a state machine: bytes in, bytes out, no I/O. OPC 10000-6, 6.7 and 7.1.
 *
 * One kw_channel per connection, one SecureChannel per kw_channel. All calls and all events happen on the owner's thread.
 * Private-key work of OpenSecureChannel goes to the executor; meanwhile the channel keeps what arrives (at most one receive
 * buffer) and is "busy": the owner stops reading until the `ready` event.
 */
#ifndef KW_CHANNEL_CHANNEL_H
#define KW_CHANNEL_CHANNEL_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/job.h"
#include "base/log.h"
#include "base/timer.h"
#include "crypto/certificate.h"
#include "crypto/policy.h"
#include "crypto/trust.h"

#include <keyway/types.h>

typedef struct kw_channel kw_channel;

/* Buffers under 8192 bytes are raised to it, any other 0 means the default: no value switches a limit off. */
typedef struct kw_channel_limits {
    uint32_t receive_buffer, send_buffer; /* bytes of a chunk; ≥ 8192 */
    uint32_t max_message;                 /* body bytes of a reassembled message, both ways */
    uint32_t max_chunks;
    uint32_t min_lifetime_ms, max_lifetime_ms; /* of a security token */
    uint32_t hello_timeout_ms;                 /* connect → HEL */
    uint32_t open_timeout_ms;                  /* HEL → OPN done */
    uint32_t message_timeout_ms;               /* first chunk → last chunk of a message: an absolute deadline */
} kw_channel_limits;

/* 65,535-byte buffers, 16 MiB and 1,024 chunks, 10 s … 1 h, time-outs 5 s, 10 s, 30 s. */
extern const kw_channel_limits KW_CHANNEL_LIMITS_DEFAULT;

typedef struct kw_channel_open_audit {
    kw_status status;
    bool is_renewal;
    const kw_security_policy *policy; /* NULL: unknown URI */
    kw_string policy_uri;
    kw_message_security_mode mode;
    const kw_certificate *client_certificate; /* NULL: none or not parsable */
    kw_bytes sender;                          /* what came as certificate */
    kw_string audit_entry_id;                 /* of the RequestHeader; null: it could not be read */
    uint32_t requested_lifetime;
    uint32_t channel_id;
} kw_channel_open_audit;

/*
 * What happens; ctx is the owner's. None of them may free the channel; kw_channel_free after `closed` or from outside.
 * `send`, `message` and `closed` are needed, the others may be NULL.
 */
typedef struct kw_channel_events {
    void (*send)(void *ctx, kw_bytes chunk); /* put on the wire, in order; borrowed for the call */
    void (*opened)(void *ctx);               /* the SecureChannel stands (first OPN) */
    /* A whole message. The arena (with the body in it) now belongs to the owner; the first thing in the body is the type's NodeId. */
    void (*message)(void *ctx, uint32_t request_id, kw_bytes body, kw_arena *arena);
    /* Client: the peer aborted the response to this request. Server: a request was given up. */
    void (*aborted)(void *ctx, uint32_t request_id, kw_status error);
    void (*ready)(void *ctx); /* no longer busy: read on */
    /* Flush what was sent, then close the connection. Exactly once; no event follows. KW_GOOD: orderly; else what the peer was told. */
    void (*closed)(void *ctx, kw_status reason);
    /* Audit: an OpenSecureChannel was answered (KW_GOOD) or refused (the detailed reason, never told to the peer). */
    void (*audit_open)(void *ctx, const kw_channel_open_audit *audit);
} kw_channel_events;

/* The structure and the limits are copied; what the pointers lead to outlives the channel and its jobs (trust, clock). */
typedef struct kw_channel_env {
    const kw_clock *clock;
    const kw_random *random;
    const kw_executor *executor;
    const kw_log *log;
    kw_timers *timers;
    const kw_channel_limits *limits;
    const kw_application_identity *identity; /* own certificate and key; retained. NULL: policy None alone */
    kw_trust_list *trust;
    bool require_crl;
    /* An arena for a message that begins; NULL: out of memory budget (the channel closes with Bad_TcpNotEnoughResources). */
    kw_arena *(*take_arena)(void *ctx);
    /* Back with one whose message never became whole; NULL: kw_arena_free. */
    void (*drop_arena)(void *ctx, kw_arena *arena);
    const kw_channel_events *events;
    void *ctx;
} kw_channel_env;

/*
 * Server side. `accepts` says if (policy, mode) is offered: asked before any private-key operation. None may be answered true for
 * discovery alone; what else is let through on it is the service layer's decision. `url_is_known` NULL: any EndpointUrl.
 * `queue_up` says whose turn it is for a first OpenSecureChannel (source and standing of the job); the certificate is not proven
 * yet. NULL: nobody's in particular.
 */
typedef struct kw_channel_server {
    bool (*accepts)(void *ctx, const kw_security_policy *policy, kw_message_security_mode mode);
    bool (*url_is_known)(void *ctx, kw_string endpoint_url);
    void (*queue_up)(void *ctx, const kw_certificate *claimed, kw_job *job);
    /* Reverse connect: not empty when we opened the connection; ReverseHello goes out at once. */
    kw_string reverse_server_uri, reverse_endpoint_url;
} kw_channel_server;

kw_channel *kw_channel_new_server(const kw_channel_env *env, const kw_channel_server *server);

typedef struct kw_channel_client {
    kw_string endpoint_url;
    const kw_security_policy *policy;
    kw_message_security_mode mode;
    const kw_certificate *server_certificate; /* the one we expect and encrypt to; NULL with None. Already validated by the caller. */
    uint32_t lifetime_ms;                     /* asked for; renewed at 75 % by itself */
    /*
     * Reverse connect: not empty when the server opened the connection. HEL waits for a ReverseHello with this ServerUri and the
     * endpoint_url (null: whatever URL it names); another one is refused.
     */
    kw_string reverse_server_uri;
} kw_channel_client;

/* Client side: sends HEL at once, then OPN. NULL: out of memory, or a policy without the certificates that it needs. */
kw_channel *kw_channel_new_client(const kw_channel_env *env, const kw_channel_client *client);

/* No events after this. A job that is still under way is let go (it frees what it holds when it returns). */
void kw_channel_free(kw_channel *channel);

/*
 * Bytes from the wire, any cut. While the channel is busy it keeps at most one receive buffer from further calls; a reader that
 * does not stop loses the connection (Bad_TcpNotEnoughResources). Not from within an event.
 */
void kw_channel_input(kw_channel *channel, kw_bytes bytes);
bool kw_channel_is_busy(const kw_channel *channel);

/*
 * Send a message (NodeId of the type and structure already encoded). Server: the request's id; client: a new one per request,
 * ascending from 1. Bad_ResponseTooLarge / Bad_RequestTooLarge: past the peer's limits, nothing was sent. Bad_SecureChannelClosed.
 */
kw_status kw_channel_send(kw_channel *channel, uint32_t request_id, kw_bytes body);
/* Server: an abort chunk instead of a response. */
kw_status kw_channel_send_abort(kw_channel *channel, uint32_t request_id, kw_status error, kw_string reason);
/* Client: CLO, then closed(KW_GOOD). Server: closed(reason); with a bad reason an ERR message first. */
void kw_channel_close(kw_channel *channel, kw_status reason);

bool kw_channel_is_open(const kw_channel *channel);
uint32_t kw_channel_id(const kw_channel *channel); /* SecureChannelId; 0 before OPN */
const kw_security_policy *kw_channel_policy(const kw_channel *channel);
kw_message_security_mode kw_channel_mode(const kw_channel *channel);
const kw_certificate *kw_channel_peer_certificate(const kw_channel *channel); /* NULL with None */
kw_string kw_channel_endpoint_url(const kw_channel *channel);                 /* of HEL */
/* ChannelThumbprint: no other channel has it. Empty without SecureChannelEnhancements. OPC 10000-6, 6.7.5 */
kw_bytes kw_channel_thumbprint(const kw_channel *channel);
const kw_application_identity *kw_channel_identity(const kw_channel *channel);
/* The largest message body that the peer takes; 0: no limit. */
uint32_t kw_channel_peer_max_message(const kw_channel *channel);

#endif
