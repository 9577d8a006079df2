/*
 * Token requests between StartRequestToken and FinishRequestToken. Each belongs to its Session, is good for one use, and goes with the
 * Session or after KW_TOKEN_REQUEST_MS (AZ-08). Bounded per Session and in all. For the loop.
 */
#ifndef KW_AUTHORITY_TOKEN_REQUESTS_H
#define KW_AUTHORITY_TOKEN_REQUESTS_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/timer.h"
#include "identity/receiver_key.h"

#include <keyway/types.h>

#define KW_TOKEN_REQUEST_MS 60000u /* AZ-09: Clients finish at once */
#define KW_TOKEN_REQUESTS_PER_SESSION 4u
#define KW_TOKEN_REQUESTS_MAX 10000u
#define KW_TOKEN_DATA_MIN 32u /* random bytes of either side */
#define KW_TOKEN_DATA_MAX 128u

typedef struct kw_token_requests kw_token_requests;

typedef struct kw_token_request {
    kw_string resource, policy_id;
    kw_bytes requestor_data, service_data; /* of X509 users; at most KW_TOKEN_DATA_MAX */
    kw_receiver_key *key;                  /* what a secret is to be sealed for; NULL: no EphemeralKey */
} kw_token_request;

/* Borrows all for its life. NULL: out of memory. */
kw_token_requests *kw_token_requests_new(const kw_clock *clock, const kw_random *random, kw_timers *timers);
void kw_token_requests_free(kw_token_requests *requests); /* NULL is fine */
/* A copy of *request (with a reference of its own to the key), under a random RequestId. Bad_TooManyOperations. */
kw_status kw_token_requests_add(kw_token_requests *requests, const kw_node_id *session, const kw_token_request *request, kw_guid *id);
/* Out of the table, into the arena; the reference to the key is the caller's. Bad_NotFound: unknown, of another Session, used or too old. */
kw_status kw_token_requests_take(kw_token_requests *requests, const kw_node_id *session, const kw_guid *id, kw_arena *arena,
                                 kw_token_request *out);
void kw_token_requests_drop_session(kw_token_requests *requests, const kw_node_id *session);
size_t kw_token_requests_count(const kw_token_requests *requests);

#endif
