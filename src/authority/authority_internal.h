/* Inner seam of the authority room. */
#ifndef KW_AUTHORITY_INTERNAL_H
#define KW_AUTHORITY_INTERNAL_H

#include "authority/authority.h"
#include "authority/key_ring.h"
#include "authority/ledger.h"
#include "authority/targets.h"
#include "authority/token_requests.h"
#include "identity/jwt.h"

#include <pthread.h>

/* How old what is remembered of the store may be; what this process changed is known at once. */
#define KW_AUTHORITY_LATELY_MS 20u

/* The active signing key, read again when the store changes, and when its time is over. */
typedef struct kw_signer {
    pthread_mutex_t lock;
    uint64_t version;    /* of the store when it was read */
    int64_t from, until; /* DateTime: when it was read, and when another one signs */
    bool is_loaded;
    kw_private_key *key;
    char *kid, *alg;
    uint8_t *certificate;
    size_t certificate_len;
} kw_signer;

/* signing_watch.c: the life of the keys goes on while nobody asks. */
typedef struct kw_signing_watch {
    kw_job job; /* first */
    kw_timer timer;
    const kw_key_ring *ring; /* NULL: not begun */
    const kw_server_env *env;
    kw_status status;
} kw_signing_watch;

struct kw_token_call; /* token_call.h */

struct kw_authority {
    kw_arena *arena; /* copies of the configuration */
    kw_authority_config config;
    kw_node_id object;
    kw_session_listener listener;
    kw_server *server;
    const kw_server_env *env;
    kw_signer signer;
    kw_targets targets;
    kw_ledger *ledger;
    kw_rate *rate; /* of requests for tokens, by ApplicationUri */
    kw_signing_watch watch;
    struct kw_token_call *waiting; /* whose answer is delayed */
    kw_token_requests *requests;   /* between StartRequestToken and FinishRequestToken */
};

/* signer.c: what signs now; the key is retained, the strings are copied to the arena. Bad_NotFound: the store has no key. */
typedef struct kw_signer_view {
    kw_private_key *key;
    kw_string kid, alg;
    kw_bytes certificate;
} kw_signer_view;

void kw_signer_init(kw_signer *signer);
void kw_signer_clear(kw_signer *signer);
kw_status kw_signer_get(kw_authority *authority, kw_arena *arena, kw_signer_view *out);

void kw_signing_watch_start(kw_signing_watch *watch, const kw_key_ring *ring, const kw_server_env *env);
void kw_signing_watch_stop(kw_signing_watch *watch);

/* key_safe.c: as it goes into the store; in the arena, or `pem` itself. */
kw_status kw_key_close(const kw_key_ring *ring, const kw_signing_key *row, kw_bytes pem, kw_arena *arena, kw_bytes *out);
/* key_ring.c */
void kw_keys_wipe(kw_signing_key *keys, size_t count);
/* keys.c: the issuer's rows have the keys that verify now, and no others. */
kw_status kw_keys_publish(const kw_key_ring *ring);

/* Is it among the resources that the service is for? */
bool kw_authority_serves(const kw_authority *authority, kw_string resource);

/* nodes.c: the Object with its Properties and Methods. */
kw_status kw_authority_add_nodes(kw_authority *authority);

/* policies.c: the UserTokenPolicies of the service: what may come as identityToken. */
kw_status kw_authority_policies(kw_authority *authority, kw_arena *arena, kw_user_token_policy **out, size_t *count);
/* The one of this PolicyId. Bad_IdentityTokenInvalid. */
kw_status kw_authority_policy(kw_authority *authority, kw_string policy_id, kw_arena *arena, kw_user_token_policy *out);

/* look_again.c: the user with the Roles of now, one reference. Bad_IdentityTokenRejected: is not let in any more. In a job. */
kw_status kw_authority_look_again(kw_authority *authority, const kw_identity *was, const kw_identity_claim *claim, kw_arena *arena,
                                  kw_identity **who);

/* token_call.c: answer all that wait, the service ends. */
void kw_authority_finish_waiting(kw_authority *authority);

/* The Methods, each in its file. */
void kw_authority_request_access_token(void *ctx, kw_call *call);
void kw_authority_start_request_token(void *ctx, kw_call *call);
void kw_authority_finish_request_token(void *ctx, kw_call *call);
void kw_authority_refresh_token(void *ctx, kw_call *call);

#endif
