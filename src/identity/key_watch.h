/* Keys of issuers are looked after while nobody asks: a timer on the loop, and a job each time. */
#ifndef KW_IDENTITY_KEY_WATCH_H
#define KW_IDENTITY_KEY_WATCH_H

#include "base/job.h"
#include "base/timer.h"
#include "identity/gate.h"

typedef struct kw_key_watch {
    kw_job job; /* first */
    kw_timer timer;
    kw_identity_gate *gate;
    kw_timers *timers; /* NULL: not begun */
    const kw_executor *executor;
    bool is_more_due; /* of the job */
} kw_key_watch;

/* No job of it is under way. */
void kw_key_watch_stop(kw_key_watch *watch);

#endif
