/* Inner seam of the session room. */
#ifndef KW_SESSION_INTERNAL_H
#define KW_SESSION_INTERNAL_H

#include "base/map.h"
#include "identity/channel_bound.h"
#include "session/session.h"

#include <stddef.h>

#define KW_NONCE_LEN 32
#define KW_TOKEN_LEN 32

typedef struct kw_session_pending kw_session_pending;
typedef struct kw_review_waiter kw_review_waiter;

/* Looking for changed rights; see review.c. */
typedef struct kw_reviews {
    kw_timer timer;
    uint64_t seen;                      /* the state of the store that all Sessions have been held against */
    uint64_t directory_at;              /* when users of the directory are looked up next, which changes no state of the store */
    bool is_running, is_wanted;         /* under way; and once more after that */
    kw_review_waiter *waiting, *served; /* for the next run; for the one under way */
    bool is_blind;                      /* the last look failed */
} kw_reviews;

/* Of all Sessions since the start. OPC 10000-5, 12.9 */
typedef struct kw_session_totals {
    uint32_t created, rejected, security_rejected, timeouts, aborts;
} kw_session_totals;

#define KW_SESSION_COUNTERS                                                                                                                \
    ((offsetof(kw_session_diagnostics_data_type, unregister_nodes_count) - offsetof(kw_session_diagnostics_data_type, read_count)) /       \
         sizeof(kw_service_counter_data_type) +                                                                                            \
     1)
#define KW_SESSION_USERS 16 /* of ClientUserIdHistory, the latest */

#define KW_CLIENT_NONCE_MAX 128

struct kw_sessions {
    kw_session_env env;
    kw_session_limits limits;
    kw_arena *arena;  /* server_uri */
    kw_map *by_token; /* 32 bytes -> kw_session */
    kw_map *by_id;    /* 16 bytes of the SessionId -> kw_session */
    kw_session_totals totals;
    kw_session *oldest, *newest; /* in order of creation */
    kw_session *lingering;       /* closed ones, see linger.c */
    kw_session_pending *pending; /* jobs under way */
    kw_reviews reviews;
};

struct kw_session {
    uint32_t references; /* loop only */
    kw_sessions *sessions;
    kw_session *prev, *next;
    kw_session_state state;
    uint8_t token[KW_TOKEN_LEN];
    kw_node_id id; /* Guid, ns 1 */
    char *name, *client_uri;
    kw_channel *channel; /* borrowed; NULL: gone, waiting for a transfer */
    const kw_security_policy *policy;
    kw_message_security_mode mode;
    kw_certificate *client_certificate; /* NULL with None */
    char *peer_address, *endpoint_url;  /* of the last activation */
    uint8_t nonce[KW_NONCE_LEN];
    uint8_t client_nonce[KW_CLIENT_NONCE_MAX]; /* CB-08: of CreateSession, for good */
    size_t client_nonce_len;
    bool is_activating;                   /* one ActivateSession at a time */
    const kw_security_policy *key_policy; /* of the EphemeralKeys that were asked for; NULL: none were */
    kw_receiver_key *key;                 /* the last that was given out; NULL: none */
    kw_identity *identity;
    uint64_t rights_version; /* the state of the store that its rights were held against */
    kw_arena *locale_arena;  /* made anew with each list */
    kw_string *locales;
    size_t locale_count;
    uint64_t timeout_ms, last_request; /* monotonic */
    kw_timer timer;                    /* time-out, or activation deadline */
    kw_timer expiry_timer;             /* of the identity */
    uint64_t identity_ends;            /* monotonic, when the token and its grace have passed */
    kw_date_time watched_expiry;       /* of the identity that identity_ends was worked out for; 0: none */
    uint32_t max_response_message;
    /* for the diagnostics */
    kw_date_time connected;
    uint8_t *description; /* UA binary: ApplicationDescription, serverUri, endpointUrl of CreateSession */
    size_t description_len;
    char *users[KW_SESSION_USERS]; /* oldest first; NULL: anonymous */
    size_t user_count;
    uint32_t unauthorized;
    kw_service_counter_data_type requests, counters[KW_SESSION_COUNTERS];
    uint32_t lingers; /* how many things of its user's stay; it is in the list of those that linger while there are any */
    void *attachment;
    void (*release_attachment)(void *data);
};

/* ECDHPolicyUri and what comes of it; keys.c. */
typedef struct kw_key_wish {
    bool is_asked;                    /* so that there is an answer */
    const kw_security_policy *policy; /* NULL: one that is not taken here */
    kw_receiver_key *key;             /* made by the job; NULL: none */
} kw_key_wish;

/* A create or activate whose job is under way. Everything the job reads is its own, retained, or in the request's arena. */
struct kw_session_pending {
    kw_job job;
    kw_session_pending *next;
    kw_sessions *sessions;
    kw_session *session; /* retained */
    kw_channel *channel; /* NULL once it is gone */
    uint32_t channel_id;
    kw_arena *arena; /* of the request */
    kw_session_done done;
    void *ctx;
    kw_status status;
    kw_refusal refusal; /* of a bad status */
    kw_date_time asked; /* when the request came */
    bool is_recorded;   /* the audit trail knows of it */
    const kw_request_header *header;
    uint32_t delay_ms;                     /* before the answer: what the proof said */
    kw_timer delay;                        /* runs while the answer waits */
    void (*resume)(kw_session_pending *p); /* when it has waited long enough, or its channel is gone */
    /* what the job needs of the channel */
    const kw_security_policy *policy;
    kw_message_security_mode mode;
    kw_application_identity own;
    kw_certificate *client_certificate;
    kw_string peer_address, endpoint_url;
    kw_bytes channel_thumbprint, client_nonce;
    kw_key_wish wish;
    union {
        struct {
            const kw_create_session_request *request;
            kw_create_session_response *response;
        } create;
        struct {
            const kw_activate_session_request *request;
            kw_activate_session_response *response;
            uint8_t nonce[KW_NONCE_LEN];
            kw_receiver_use use; /* of the key that the Client was given last; retained */
            kw_identity *former; /* on a transfer: who it must be again; NULL otherwise */
            kw_identity *identity;
        } activate;
    } as;
};

/* What binds the proofs of both sides to the channel. With SecureChannelEnhancements alone. */
kw_channel_binding kw_pending_binding(const kw_session_pending *p, kw_bytes server_nonce);

/* table.c */
kw_session *kw_session_find(kw_sessions *sessions, const kw_node_id *token);
/* Out of the table, never to be served again. */
void kw_session_shut(kw_session *session, bool delete_subscriptions);
/* The same for a Session that nobody asked to close: it is audited as Session/Timeout or Session/Terminated. */
void kw_session_end(kw_session *session, kw_session_cause cause, const char *why, bool delete_subscriptions);
/* And with more to say about why. */
void kw_session_end_for(kw_session *session, kw_session_cause cause, const kw_refusal *refusal, bool delete_subscriptions);
/* Room for one more: quota of this client, then the oldest that was never activated goes (CS-19). */
kw_status kw_sessions_make_room(kw_sessions *sessions, const kw_certificate *client_certificate, kw_string peer_address);
void kw_session_keep_alive(kw_session *session);
/* Takes the reference; tells those who watch over rights, and watches its expiry. */
void kw_session_set_identity(kw_session *session, kw_identity *identity);

/* pending.c */
kw_session_pending *kw_pending_new(kw_sessions *sessions, kw_session *session, kw_channel *channel, kw_string peer_address,
                                   const kw_request_header *header, kw_arena *arena, kw_session_done done, void *ctx);
/* Who asks, as failures are counted; all of it borrowed from p. */
kw_identity_claim kw_pending_claim(const kw_session_pending *p);
/* Among those who are on the way in. */
kw_status kw_pending_submit(kw_session_pending *p);
/* AS-25: go on with resume(p) after p->delay_ms, at once when it is 0. A channel has only so many that wait; this one is refused then. */
void kw_pending_delay(kw_session_pending *p, void (*resume)(kw_session_pending *p));
/* May another one of this channel begin that could end up waiting? */
bool kw_pending_has_room(const kw_sessions *sessions, const kw_channel *channel);
/* Those that wait go on at once; nobody waits for their answer. */
void kw_pending_channel_gone(kw_sessions *sessions, const kw_channel *channel);
/* Unlink, release, tell. */
void kw_pending_finish(kw_session_pending *p, kw_status status);

/* keys.c: EphemeralKeys for EccEncryptedSecrets, in every response once one was asked for (CS-21) */
/* On the loop: what the request asks for, else what the Session was asked for before. */
void kw_session_take_wish(kw_session_pending *p);
/* In the job: make the key and say so in the response's AdditionalHeader. */
kw_status kw_session_make_key(kw_session_pending *p, kw_response_header *header);
/* On the loop: from now on it is the Session's, in place of the former one. */
void kw_session_give_key(kw_session_pending *p);

/* expiry.c */
void kw_session_watch_expiry(kw_session *session);
/* Replace an identity whose time is over (for every request: no more than that); false: the Session had to be closed. */
bool kw_session_check_expiry(kw_session *session);

/* linger.c */
/* The user of a Session that lingers is not let in any more. */
void kw_session_end_lingering(kw_session *session, const char *why);
void kw_sessions_forget_lingering(kw_sessions *sessions);

/* review.c */
void kw_reviews_start(kw_sessions *sessions);
void kw_reviews_stop(kw_sessions *sessions);
/* An identity was made by what the store said at `version`: if Sessions were held against a later state already, look again. */
void kw_reviews_catch_up(kw_sessions *sessions, uint64_t version);
/* The context that the Session's user is in, borrowed from the Session. */
kw_identity_claim kw_session_claim(const kw_session *session);

/* diagnostics.c */
kw_bytes kw_session_key(const kw_node_id *id); /* in by_id */
void kw_session_describe(kw_session *session, const kw_create_session_request *request);
void kw_session_note_user(kw_session *session);
void kw_session_forget_description(kw_session *session);
void kw_sessions_tally(kw_sessions *sessions, const kw_session_event *event);

/* audit.c */
/* What a request under way is about, as far as its kind does not matter. */
kw_session_event kw_pending_event(const kw_session_pending *p, kw_session_cause cause);
/* The same for a request that did not come that far. */
kw_session_event kw_refused_event(const kw_sessions *sessions, kw_session_cause cause, kw_status status, const kw_channel *channel,
                                  kw_string peer_address, const kw_request_header *header);
/* And for what happens to a Session. */
kw_session_event kw_session_event_of(const kw_session *session, kw_session_cause cause);
/* In a job: into the audit trail, durable when it returns. False: it is not there, and to be counted where it is missing. */
bool kw_session_record(kw_sessions *sessions, const kw_session_event *event, kw_arena *arena);
/* On the loop: into the log, and to whoever listens. */
void kw_session_report(kw_sessions *sessions, const kw_session_event *event);

#endif
