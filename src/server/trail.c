#include "server/trail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_MAX 4096 /* records that wait for their turn */
#define BATCH_MAX 256
#define STRANGERS_BURST 100                /* records that strangers may cause at once … */
#define STRANGERS_EVERY_MS UINT64_C(10000) /* … and one more that often */

typedef struct entry {
    struct entry *next;
    uint64_t stands_for;    /* records: itself, or those that it says are missing */
    kw_audit_record record; /* its strings follow the structure */
} entry;

typedef struct batch {
    kw_job job;
    kw_trail *trail; /* NULL: it was freed meanwhile */
    kw_store *store;
    kw_status status;
    size_t count;
    entry *entries[BATCH_MAX];
    kw_audit_record records[BATCH_MAX];
} batch;

struct kw_trail {
    kw_trail_env env;
    char *source;
    entry *first, **last;
    size_t waiting;
    batch *under_way;
    uint64_t lost;              /* records that were not even queued, since the last that said so */
    uint64_t allowance, filled; /* of strangers; monotonic ms when it was last looked at */
};

kw_status kw_trail_new(const kw_trail_env *env, kw_trail **out)
{
    kw_trail *trail = calloc(1, sizeof(*trail));
    char *source = trail != NULL ? strndup((const char *)env->source.data, env->source.len) : NULL;
    if (source == NULL) {
        free(trail);
        return KW_BAD_OUT_OF_MEMORY;
    }
    trail->env = *env;
    trail->source = source;
    trail->env.source = kw_string_from(source);
    trail->last = &trail->first;
    trail->allowance = STRANGERS_BURST;
    trail->filled = kw_clock_ms(env->clock);
    *out = trail;
    return KW_GOOD;
}

/* --- the queue ------------------------------------------------------------------------------------------------------------- */

static kw_string put_string(uint8_t **at, kw_string s)
{
    const kw_string copy = {s.data != NULL ? *at : NULL, s.len};
    if (s.data != NULL && s.len > 0) {
        memcpy(*at, s.data, s.len);
        *at += s.len;
    }
    return copy;
}

static entry *copy_of(const kw_trail *trail, const kw_audit_record *r)
{
    const kw_string source = r->source.data != NULL ? r->source : trail->env.source;
    entry *e = calloc(1, sizeof(*e) + r->event.len + source.len + r->user.len + r->client.len + r->detail.len);
    if (e == NULL) {
        return NULL;
    }
    uint8_t *at = (uint8_t *)(e + 1);
    e->record = *r;
    e->record.time = r->time != 0 ? r->time : kw_clock_utc(trail->env.clock);
    e->record.source = put_string(&at, source);
    e->record.event = put_string(&at, r->event);
    e->record.user = put_string(&at, r->user);
    e->record.client = put_string(&at, r->client);
    e->record.detail = put_string(&at, r->detail);
    return e;
}

static bool enqueue(kw_trail *trail, const kw_audit_record *record, uint64_t stands_for)
{
    entry *e = trail->waiting < WAITING_MAX ? copy_of(trail, record) : NULL;
    if (e == NULL) {
        return false;
    }
    e->stands_for = stands_for;
    *trail->last = e;
    trail->last = &e->next;
    trail->waiting++;
    return true;
}

static entry *dequeue(kw_trail *trail)
{
    entry *e = trail->first;
    trail->first = e->next;
    trail->last = trail->first != NULL ? trail->last : &trail->first;
    trail->waiting--;
    return e;
}

static bool stranger_may(kw_trail *trail)
{
    const uint64_t now = kw_clock_ms(trail->env.clock);
    const uint64_t earned = (now - trail->filled) / STRANGERS_EVERY_MS;
    trail->filled += earned * STRANGERS_EVERY_MS;
    trail->allowance = earned < STRANGERS_BURST - trail->allowance ? trail->allowance + earned : STRANGERS_BURST;
    if (trail->allowance == 0) {
        return false;
    }
    trail->allowance--;
    return true;
}

/* What is missing is said where it is missing. */
static void own_up(kw_trail *trail)
{
    char detail[64];
    const int len = snprintf(detail, sizeof(detail), "{\"count\":%" PRIu64 "}", trail->lost);
    const kw_audit_record record = {
        .event = KW_STRING("RecordsLeftOut"), .status = KW_BAD_TOO_MANY_OPERATIONS, .detail = {(const uint8_t *)detail, (size_t)len}};
    if (trail->lost > 0 && enqueue(trail, &record, trail->lost)) {
        trail->lost = 0;
    }
}

/* --- jobs -------------------------------------------------------------------------------------------------------------------- */

static void write_batch(kw_job *job)
{
    batch *b = (batch *)job;
    b->status = kw_store_audit_append_all(b->store, b->records, b->count);
}

static void free_batch(batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        free(b->entries[i]);
    }
    free(b);
}

static void report(kw_trail *trail, const batch *b)
{
    if (kw_status_is_bad(b->status)) {
        KW_LOG(trail->env.log, KW_LOG_ERROR, "audit trail cannot be written", kw_field_status("status", b->status),
               kw_field_int("records", (int64_t)b->count));
        for (size_t i = 0; i < b->count; i++) {
            trail->lost += b->entries[i]->stands_for;
        }
    }
}

static batch *take_batch(kw_trail *trail)
{
    batch *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return NULL;
    }
    b->trail = trail;
    b->store = trail->env.store;
    b->status = KW_BAD_SHUTDOWN; /* what it stays if the pool closes before the job ran */
    while (b->count < BATCH_MAX && trail->first != NULL) {
        b->entries[b->count] = dequeue(trail);
        b->records[b->count] = b->entries[b->count]->record;
        b->count++;
    }
    return b;
}

/* Back to the head of the queue, in order: the pool is full, somebody comes by later. */
static void put_back(kw_trail *trail, batch *b)
{
    while (b->count > 0) {
        entry *e = b->entries[--b->count];
        e->next = trail->first;
        trail->last = trail->first != NULL ? trail->last : &e->next;
        trail->first = e;
        trail->waiting++;
    }
    free_batch(b);
}

static void start(kw_trail *trail);

static void batch_done(kw_job *job)
{
    batch *b = (batch *)job;
    kw_trail *trail = b->trail;
    if (trail != NULL) {
        trail->under_way = NULL;
        report(trail, b);
    }
    const bool goes_on = trail != NULL && !kw_status_is_bad(b->status); /* what cannot be written now waits for the next that comes */
    free_batch(b);
    if (goes_on) {
        start(trail);
    }
}

static void start(kw_trail *trail)
{
    own_up(trail);
    batch *b = trail->under_way == NULL && trail->first != NULL ? take_batch(trail) : NULL;
    if (b == NULL) {
        return;
    }
    b->job.run = write_batch;
    b->job.done = batch_done;
    trail->under_way = b;
    if (kw_status_is_bad(kw_executor_submit(trail->env.executor, &b->job))) {
        trail->under_way = NULL;
        put_back(trail, b);
    }
}

void kw_trail_put(kw_trail *trail, const kw_audit_record *record, bool is_stranger)
{
    if (trail->env.store == NULL) {
        return;
    }
    if ((is_stranger && !stranger_may(trail)) || !enqueue(trail, record, 1)) {
        trail->lost++;
        return;
    }
    start(trail);
}

void kw_trail_free(kw_trail *trail)
{
    if (trail == NULL) {
        return;
    }
    if (trail->under_way != NULL) {
        trail->under_way->trail = NULL;
    }
    if (trail->env.store != NULL) {
        own_up(trail);
    }
    while (trail->first != NULL) {
        batch *b = take_batch(trail);
        if (b == NULL) {
            free(dequeue(trail)); /* no memory to write it down, none to keep it */
            continue;
        }
        write_batch(&b->job);
        report(trail, b);
        free_batch(b);
    }
    free(trail->source);
    free(trail);
}
