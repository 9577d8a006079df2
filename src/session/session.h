/*
 * Sessions: CreateSession, ActivateSession, CloseSession, transfer, nonces, locales, time-outs. OPC 10000-4, 5.7.
 *
 * Owned by one loop. Private-key work, password hashing and token verification go to the executor; a completion that finds its
 * Session closed is dropped. A kw_session is counted: requests and jobs hold a reference, the table holds one until it closes.
 */
#ifndef KW_SESSION_SESSION_H
#define KW_SESSION_SESSION_H

#include "channel/channel.h"
#include "identity/gate.h"

typedef struct kw_sessions kw_sessions;
typedef struct kw_session kw_session;

typedef enum kw_session_state { KW_SESSION_CREATED, KW_SESSION_ACTIVATED, KW_SESSION_CLOSED } kw_session_state;

typedef struct kw_session_limits {
    uint32_t max_sessions;                 /* 1,000 */
    uint32_t max_sessions_per_client;      /* by application certificate, or by address on None: 500 */
    double min_timeout_ms, max_timeout_ms; /* 10 s … 1 h */
    uint32_t activation_timeout_ms;        /* CreateSession → first ActivateSession: 60 s */
    uint32_t max_request_message;          /* maxRequestMessageSize */
    uint32_t review_period_ms;             /* how often to ask the store for changed users and Roles: 500 */
    uint32_t max_delayed;                  /* delayed answers that one channel may wait for: 4; past it Bad_TooManyOperations */
    uint32_t token_expiry_grace_s;         /* a Session outlives its token by so much (IT-14): 0 */
    bool allow_transfer_on_sign;           /* AS-10 on mode Sign: off, because a captured request could be replayed (attack A-100) */
} kw_session_limits;

extern const kw_session_limits KW_SESSION_LIMITS_DEFAULT;

/* Why there is something to say about a Session. */
typedef enum kw_session_cause {
    KW_SESSION_CAUSE_CREATE,
    KW_SESSION_CAUSE_ACTIVATE,
    KW_SESSION_CAUSE_CLOSE, /* CloseSession */
    KW_SESSION_CAUSE_TIMEOUT,
    KW_SESSION_CAUSE_TERMINATED, /* whatever else ends a Session */
    KW_SESSION_CAUSE_EXPIRED,    /* the proof of its user ended: it goes on as Anonymous (IT-15) */
} kw_session_cause;

/* What was asked of the Session services, or happened to a Session, and what became of it: for the audit. Borrowed for the call. */
typedef struct kw_session_event {
    kw_session_cause cause;
    kw_status status;
    const char *why;            /* for those who watch, never for the peer; NULL: nothing to add */
    kw_status user_certificate; /* what is wrong with the Certificate of an X509 user; Good: nothing, or it is about something else */
    kw_date_time time;          /* when it was asked for */
    kw_string entry_id;         /* auditEntryId of the RequestHeader: the Client's own words */
    kw_node_id session_id;      /* null: there is none */
    uint32_t channel_id;        /* 0: on none */
    kw_string peer_address;
    const kw_certificate *client_certificate; /* of the channel; NULL with None */
    kw_string client_uri;                     /* ApplicationUri: of the certificate where there is one, else as the Client says */
    kw_string claimed_uri;                    /* CREATE: what a refused Client said it was */
    const kw_identity *identity;              /* whose the Session is, after a good activation; NULL: nobody's yet */
    kw_string claimed_user;                   /* the user name of a token that proved nothing */
    double timeout_ms;                        /* CREATE: revisedSessionTimeout */
    kw_string endpoint_url;                   /* CREATE */
    const kw_extension_object *user_token;    /* ACTIVATE: with its secrets (kw_identity_redact); NULL: none */
    const kw_signed_software_certificate *software_certificates;
    size_t software_certificate_count;
    bool is_recorded;   /* in the store's audit trail already */
    bool is_locked_out; /* refused without a look, as fast as the Client cares to ask: not each of them needs a record */
} kw_session_event;

/* The event as a record of the audit trail: every part of it has a bounded length. False: the arena has no room. */
bool kw_session_event_record(const kw_session_event *event, kw_string source, kw_arena *arena, kw_audit_record *out);

typedef struct kw_session_env {
    const kw_clock *clock;
    const kw_random *random;
    const kw_executor *executor;
    const kw_log *log;
    kw_timers *timers;
    kw_identity_gate *gate;
    kw_store *store; /* audit trail; NULL: none */
    kw_string server_uri;
    const kw_session_limits *limits;
    /* All endpoints of this transport, as GetEndpoints would answer for this URL. */
    kw_status (*endpoints)(void *ctx, kw_string endpoint_url, kw_arena *arena, kw_endpoint_description **out, size_t *count);
    /* May Sessions be made on this (policy, mode)? None is often open for discovery only. */
    bool (*allows_session)(void *ctx, const kw_security_policy *policy, kw_message_security_mode mode);
    void (*closed)(void *ctx, kw_session *session, bool delete_subscriptions); /* may be NULL */
    /* Another user, or other rights: by ActivateSession, by expiry, by changed rules. May be NULL. */
    void (*identity_changed)(void *ctx, kw_session *session);
    /* What the gate recalls of the store has changed: on the loop, before Sessions get their new rights. May be NULL. */
    void (*store_changed)(void *ctx);
    void (*audited)(void *ctx, const kw_session_event *event); /* on the loop, once it is decided; may be NULL */
    /* What others know for the diagnostics of a Session: Subscriptions, MonitoredItems, Publish requests. May be NULL. */
    void (*diagnosed)(void *ctx, const kw_session *session, kw_session_diagnostics_data_type *out);
    void *ctx;
} kw_session_env;

kw_status kw_sessions_new(const kw_session_env *env, kw_sessions **out);
void kw_sessions_free(kw_sessions *sessions); /* closes all, and says nothing of it any more */
/* Nobody goes on from here: for a shutdown. `why` is static. */
void kw_sessions_end_all(kw_sessions *sessions, const char *why);
size_t kw_sessions_count(const kw_sessions *sessions);
/* All Sessions, oldest first; `visit` may close the one it is given. */
void kw_sessions_each(kw_sessions *sessions, void (*visit)(void *ctx, kw_session *session), void *ctx);

/*
 * Users, Roles or trust have changed: give every Session the rights that it has by now, close those whose user is not let in any
 * more (UM-11, UM-16), then call done (may be NULL). Without being called it happens each review_period_ms when the store has changed.
 */
void kw_sessions_review(kw_sessions *sessions, void (*done)(void *ctx), void *ctx);

/* How an asynchronous call ends: on the loop, exactly once, maybe before the call returns. The response is filled when good. */
typedef void (*kw_session_done)(void *ctx, kw_status result);

void kw_session_create(kw_sessions *sessions, kw_channel *channel, kw_string peer_address, const kw_create_session_request *request,
                       kw_arena *arena, kw_create_session_response *response, kw_session_done done, void *ctx);
/* Good may be Good_PasswordChangeRequired. The channel must live until done, or kw_sessions_channel_gone is called first (done still comes). */
void kw_session_activate(kw_sessions *sessions, kw_channel *channel, kw_string peer_address, const kw_activate_session_request *request,
                         kw_arena *arena, kw_activate_session_response *response, kw_session_done done, void *ctx);
kw_status kw_session_close(kw_sessions *sessions, kw_channel *channel, kw_string peer_address, const kw_close_session_request *request);
/* The channel was closed: unactivated Sessions on it go, activated ones wait for a transfer until their time-out. */
void kw_sessions_channel_gone(kw_sessions *sessions, kw_channel *channel);

/*
 * The gate that every other request passes: does this Session exist, on this channel, activated? Marks it as alive.
 * Bad_SessionIdInvalid, Bad_SecureChannelIdInvalid, Bad_SessionNotActivated (and the Session is closed: AS-03).
 * An identity that expired meanwhile is replaced here before anything is served. *out is borrowed: retain to keep it.
 */
kw_status kw_session_gate(kw_sessions *sessions, kw_channel *channel, const kw_node_id *authentication_token, kw_session **out);

/* --- linger.c: Subscriptions that outlive their Session ------------------------------------------------------------------ */
/*
 * While `closed` is told of a Session: something of its user's stays, so that the user is held against the store on. Other rights
 * are told by identity_changed; one who is not let in any more (UM-11, UM-16), or whose token is believed no longer, by `closed`
 * once more, with delete_subscriptions. Once for each thing that stays; keeps the Session.
 */
void kw_session_linger(kw_session *session);
/* That thing is gone, or has another Session. */
void kw_session_let_go(kw_session *session);
/* The proof of its user holds no longer, with the grace that it has (IT-14). */
bool kw_session_is_expired(const kw_session *session);

/* --- diagnostics.c: what a Server tells about its Sessions. OPC 10000-5, 6.3.3 … 6.3.5 ---------------------------------- */
/*
 * A SessionId has its six low bits clear, so that there is room for the ids of the parts of the Object that is named by it:
 * the same Guid with the number of the part in them.
 */
#define KW_SESSION_PARTS 64u
/* The Session of this id, or of this part of it; NULL: there is none. */
kw_session *kw_session_by_id(const kw_sessions *sessions, const kw_node_id *id);
/* All of them, in no order that means anything: start with *cursor = 0; NULL at the end. May be changed meanwhile. */
kw_session *kw_sessions_next(const kw_sessions *sessions, size_t *cursor);
/* The Session's counts of `out`, which has those of others already. */
void kw_sessions_summary(const kw_sessions *sessions, kw_server_diagnostics_summary_data_type *out);
/* Was a request with this result refused for reasons of security? */
bool kw_session_is_about_security(kw_status status);
/* A request of this Session was answered. `counter`: offset in kw_session_diagnostics_data_type of what counts the service; 0: none does. */
void kw_session_count(kw_session *session, size_t counter, kw_status result);
/* Begin to count anew. */
void kw_sessions_reset_totals(kw_sessions *sessions);
void kw_session_reset_counts(kw_session *session);
/* Borrowed from the Session and the arena. Neither has the authenticationToken or a nonce (CS-15). */
kw_status kw_session_diagnostics(const kw_session *session, kw_arena *arena, kw_session_diagnostics_data_type *out);
kw_status kw_session_security_diagnostics(const kw_session *session, kw_arena *arena, kw_session_security_diagnostics_data_type *out);

kw_session *kw_session_retain(kw_session *session);
void kw_session_release(kw_session *session);
kw_session_state kw_session_state_of(const kw_session *session);
const kw_node_id *kw_session_id(const kw_session *session);
kw_string kw_session_name(const kw_session *session);
kw_identity *kw_session_identity(const kw_session *session); /* borrowed; retain for use across events. Changes with every activation */
kw_string kw_session_client_uri(const kw_session *session);
const kw_string *kw_session_locales(const kw_session *session, size_t *count);
uint32_t kw_session_max_response_message(const kw_session *session); /* 0: no limit */
const kw_channel *kw_session_channel(const kw_session *session);     /* NULL: gone, waiting for a transfer */
kw_message_security_mode kw_session_mode(const kw_session *session);
kw_receiver_key *kw_session_key_given(const kw_session *session); /* the last EphemeralKey, borrowed: retain for a job; NULL: none */
/* A place for what other rooms keep per Session (continuation points); released with the Session. */
void kw_session_attach(kw_session *session, void *data, void (*release)(void *data));
void *kw_session_attachment(const kw_session *session);

#endif
