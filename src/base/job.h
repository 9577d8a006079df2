/*
 * Slow work: RSA private-key operations, password hashing, token verification, SQL.
 *
 * The core describes it as a job and hands it to an executor; it comes back on the thread (loop) that submitted it.
 * In the server the executor is the offload pool; in tests and in the simulation it may run at once, or when told.
 */
#ifndef KW_BASE_JOB_H
#define KW_BASE_JOB_H

#include <keyway/status.h>

typedef struct kw_job kw_job;

/* What a source has shown of itself. */
typedef enum kw_standing {
    KW_STANDING_KNOWN,   /* it has proven a user before */
    KW_STANDING_UNKNOWN, /* nothing yet */
    KW_STANDING_SUSPECT  /* it guesses: others go first */
} kw_standing;

struct kw_job {
    void (*run)(kw_job *job);  /* on a worker: touches nothing but the job's own data and thread-safe services */
    void (*done)(kw_job *job); /* on the submitting loop, exactly once, also when the pool shuts down; may free the job */
    /* Who asks. 0: a live Session, or the Server itself; goes first. Others are on the way in, and take turns by source. */
    uint64_t source;
    bool is_password;                           /* hashes a password: few at a time; it has a source */
    kw_standing (*standing)(const kw_job *job); /* of the source, as it is now; on any thread, as `run`. NULL: unknown */
    kw_job *next;                               /* the executor's */
    void *executor_data;                        /* the executor's */
};

typedef struct kw_executor {
    /* Bad_TooManyOperations when the bounded queue is full: then neither run nor done is called. */
    kw_status (*submit)(void *ctx, kw_job *job);
    void *ctx;
} kw_executor;

/* Runs job->run and job->done before submit returns. */
extern const kw_executor KW_EXECUTOR_INLINE;

/* The way back to a loop for what happens on other threads. */
typedef struct kw_mailbox {
    /* job->run is called soon on the loop's thread, job->done is not. From any thread; never refuses. Posts of one thread keep their order. */
    void (*post)(void *ctx, kw_job *job);
    void *ctx;
} kw_mailbox;

static inline kw_status kw_executor_submit(const kw_executor *e, kw_job *job)
{
    return e->submit(e->ctx, job);
}

#endif
