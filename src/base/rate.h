/*
 * How often somebody may come. Each key has a bucket of turns that fills again with time; who finds it empty is to come back later.
 * Keys may be made up by others: past a bound the one that was used least recently is forgotten. Thread safe.
 */
#ifndef KW_BASE_RATE_H
#define KW_BASE_RATE_H

#include "base/clock.h"

#define KW_RATE_QUIET_MS UINT64_C(60000) /* a key that comes too often is worth a report this often */

typedef struct kw_rate_config {
    uint32_t per_second; /* turns that come back; 0: no limit */
    uint32_t burst;      /* turns at once; at least one */
    uint32_t max_keys;   /* that are remembered; 0: 10,000 */
} kw_rate_config;

typedef struct kw_rate kw_rate;

typedef struct kw_rate_refusal {
    uint32_t retry_s;     /* until there is a turn again; at least 1 */
    bool deserves_report; /* the first of this key for KW_RATE_QUIET_MS */
} kw_rate_refusal;

/* Borrows the clock. */
kw_status kw_rate_new(const kw_rate_config *config, const kw_clock *clock, kw_rate **out);
void kw_rate_free(kw_rate *rate); /* NULL is fine */
/* Take a turn; false: there is none, or no memory to count it. *refusal only then. */
bool kw_rate_take(kw_rate *rate, kw_bytes key, kw_rate_refusal *refusal);
/* Would there be one? Takes none, and keeps nothing of a key that never came. */
bool kw_rate_has(kw_rate *rate, kw_bytes key, kw_rate_refusal *refusal);
/* Did it take a turn before, as far as that is remembered? */
bool kw_rate_knows(kw_rate *rate, kw_bytes key);
size_t kw_rate_count(kw_rate *rate); /* keys that are remembered */

#endif
