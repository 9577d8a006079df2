#include "base/job.h"

static kw_status run_now(void *ctx, kw_job *job)
{
    (void)ctx;
    job->run(job);
    job->done(job);
    return KW_GOOD;
}

const kw_executor KW_EXECUTOR_INLINE = {run_now, 0};
