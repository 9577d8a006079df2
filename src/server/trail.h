/*
 * Records of the audit trail that no answer waits for: refusals, ends of Sessions, channels. They queue on the loop and go to the
 * store in batches, one job at a time, so that a storm of them takes one worker and one commit for many.
 *
 * What strangers can cause is bounded: past an allowance their records are counted instead of written, and the count is recorded.
 */
#ifndef KW_SERVER_TRAIL_H
#define KW_SERVER_TRAIL_H

#include "base/clock.h"
#include "base/job.h"
#include "base/log.h"
#include "store/store.h"

typedef struct kw_trail kw_trail;

typedef struct kw_trail_env {
    const kw_clock *clock;
    const kw_executor *executor;
    const kw_log *log;
    kw_store *store; /* NULL: records go nowhere */
    kw_string source;
} kw_trail_env;

kw_status kw_trail_new(const kw_trail_env *env, kw_trail **out);
/* Copied; `source` null: that of the environment. `is_stranger`: nothing proves where it came from. */
void kw_trail_put(kw_trail *trail, const kw_audit_record *record, bool is_stranger);
/* Writes what still waits; blocks. A job under way is let go: it frees what it holds when it returns. */
void kw_trail_free(kw_trail *trail);

#endif
