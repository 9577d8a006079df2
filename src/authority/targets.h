/*
 * Resources with their policy as the store has them, remembered as long as it does not change. Thread safe.
 */
#ifndef KW_AUTHORITY_TARGETS_H
#define KW_AUTHORITY_TARGETS_H

#include "authority/policy.h"
#include "base/map.h"

#include <pthread.h>

typedef struct kw_targets {
    pthread_mutex_t lock;
    uint64_t version; /* of the store that they are of */
    kw_arena *arena;
    kw_map *by_uri;
} kw_targets;

kw_status kw_targets_init(kw_targets *targets);
void kw_targets_clear(kw_targets *targets);
/* What a user may have here, and how long tokens live unless a rule says less (0: as usual). Bad_NotFound: not registered. For jobs. */
kw_status kw_targets_decide(kw_targets *targets, kw_store *store, kw_string resource, const kw_identity *who, kw_arena *arena,
                            kw_policy_verdict *verdict, uint32_t *lifetime_s);

#endif
