/*
 * Guessing is slow, honest users are not. Failed attempts are counted per Client (ApplicationUri and certificate on secured
 * channels, address or IPv6 network on others) and per user name. From a threshold on answers are delayed, longer each time; past
 * another one the Client is locked out for a while. Counts of a name only delay: nobody can lock out somebody else. What a Client
 * failed at with one name is forgiven when it succeeds with that name, and only that: an attacker with an account of his own does
 * not get rid of his other guesses. Failures fade with time. OPC 10000-4, 5.7.3.1 (AS-21 … AS-27).
 *
 * Counts past the threshold are shared through the store, with other nodes and with the next start. Thread safe.
 */
#ifndef KW_IDENTITY_THROTTLE_H
#define KW_IDENTITY_THROTTLE_H

#include "base/clock.h"
#include "base/job.h"
#include "base/log.h"
#include "store/store.h"

typedef struct kw_throttle_config {
    uint32_t delay_after;   /* failures that cost nothing: 3; 0: no delays */
    uint32_t delay_base_ms; /* of the first answer that is delayed, then doubling: 250 */
    uint32_t delay_max_ms;  /* 10,000 */
    uint32_t lockout_after; /* failures: 10; 0: no lock-outs */
    uint32_t lockout_s;     /* 300 */
    uint32_t window_s;      /* in which as many failures as lock somebody out fade: 900 */
    uint32_t max_entries;   /* Clients, addresses, and names that are remembered, each: 10,000 */
} kw_throttle_config;

typedef struct kw_throttle kw_throttle;

/* Who tries. Borrowed. */
typedef struct kw_attempt {
    kw_string application_uri;
    kw_string thumbprint; /* hex, of the channel's certificate; null: an unsecured channel, `address` counts */
    kw_string address;
    kw_string user_name; /* null: not a UserName token */
    int kind;            /* of token: what is forgiven by a success when there is no name */
} kw_attempt;

typedef struct kw_throttle_verdict {
    bool is_locked;    /* refuse without looking */
    uint32_t delay_ms; /* before the answer, whatever it will be */
} kw_throttle_verdict;

/* Borrows store, clock, log. */
kw_status kw_throttle_new(const kw_throttle_config *config, kw_store *store, const kw_clock *clock, const kw_log *log, kw_throttle **out);
void kw_throttle_free(kw_throttle *t); /* writes what is not written yet; NULL is fine */
/* Before an attempt. For jobs: may read the store. */
kw_throttle_verdict kw_throttle_check(kw_throttle *t, const kw_attempt *who);
/* After it. True: a lock-out began with this failure; *failures tells after how many. For jobs. */
bool kw_throttle_failed(kw_throttle *t, const kw_attempt *who, uint32_t *failures);
void kw_throttle_succeeded(kw_throttle *t, const kw_attempt *who);
/* A suspect: locked out, or three failures or more that have not faded. Known: it succeeded since the start. Does not touch the store:
 * for the loop too. */
kw_standing kw_throttle_standing(kw_throttle *t, const kw_attempt *who);
/* Locked out, and the store was asked within the last second: before that somebody may have let it in again. For the loop too. */
bool kw_throttle_is_locked(kw_throttle *t, const kw_attempt *who);
/* The Client as a number that is not 0; two may share one, and their turns with it. */
uint64_t kw_throttle_source(const kw_attempt *who);
/* How counts fade in the store under this configuration. */
kw_lockout_rule kw_throttle_rule(const kw_throttle_config *config);
/* "client:URI#THUMBPRINT" or "address:IP": how the store and the log name the Client. In the arena. */
kw_string kw_throttle_client_key(const kw_attempt *who, kw_arena *arena);

#endif
