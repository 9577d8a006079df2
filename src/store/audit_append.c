/*
 * Appending. A commit costs a write to the disk, so concurrent appends share one: the first that comes writes for all that wait
 * by then, and those that come meanwhile wait for the next round, led by one of them. Nobody leads more than the round that holds
 * the own record, or a busy trail would never let its leader go.
 */
#include "base/try.h"
#include "store/audit.h"

#include <stdlib.h>

#define RECORD_MAX ((size_t)1 << 20)

typedef struct kw_audit_waiter {
    const kw_audit_record *record;
    kw_status status;
    bool is_done;
    struct kw_audit_waiter *next;
} kw_audit_waiter;

void kw_audit_queue_init(kw_audit_queue *queue)
{
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->done, NULL);
    queue->first = NULL;
    queue->last = &queue->first;
    queue->has_leader = false;
}

void kw_audit_queue_clear(kw_audit_queue *queue)
{
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->done);
}

static kw_status insert(kw_sql *sql, const kw_audit_record *r, const uint8_t hash[KW_AUDIT_HASH_LEN])
{
    KW_STATEMENT(q, sql, "INSERT INTO audit (" KW_AUDIT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    kw_bind_int(q, 1, (int64_t)r->sequence);
    kw_bind_int(q, 2, r->time);
    kw_bind_text(q, 3, r->event);
    kw_bind_text(q, 4, r->source);
    kw_bind_int(q, 5, r->status);
    kw_bind_text(q, 6, r->user);
    kw_bind_text(q, 7, r->client);
    kw_bind_text(q, 8, r->detail);
    kw_bind_blob(q, 9, (kw_bytes){hash, KW_AUDIT_HASH_LEN});
    const kw_status status = kw_run(q);
    /* The number after the head is taken: somebody put a record in. */
    return status == KW_BAD_ALREADY_EXISTS ? KW_BAD_SECURITY_CHECKS_FAILED : status;
}

static kw_status write_one(kw_turn *t, const kw_audit_record *given, kw_audit_head *head)
{
    kw_audit_record r = *given;
    uint8_t hash[KW_AUDIT_HASH_LEN];
    r.sequence = head->sequence + 1;
    r.time = r.time != 0 ? r.time : kw_turn_now(t);
    KW_TRY(kw_audit_hash(head->hash, &r, hash));
    KW_TRY(insert(t->sql, &r, hash));
    head->sequence = r.sequence;
    for (size_t i = 0; i < KW_AUDIT_HASH_LEN; i++) {
        head->hash[i] = hash[i];
    }
    return KW_GOOD;
}

static kw_status write_all(kw_turn *t, const kw_audit_waiter *waiters)
{
    kw_audit_head head;
    KW_TRY(kw_audit_head_read(t->sql, &head));
    for (const kw_audit_waiter *w = waiters; w != NULL; w = w->next) {
        KW_TRY(write_one(t, w->record, &head));
    }
    return kw_audit_head_write(t->sql, &head);
}

static kw_status commit_all(kw_store *s, const kw_audit_waiter *waiters)
{
    kw_turn t = kw_turn_of(s, KW_TURN_AUDIT);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, write_all(&t, waiters));
    }
    return t.status;
}

/* One round. The queue's lock is held on entry and on return. */
static void lead(kw_store *s)
{
    kw_audit_queue *queue = &s->audit;
    kw_audit_waiter *waiters = queue->first;
    queue->first = NULL;
    queue->last = &queue->first;
    queue->has_leader = true;
    pthread_mutex_unlock(&queue->lock);
    const kw_status status = commit_all(s, waiters);
    pthread_mutex_lock(&queue->lock);
    for (const kw_audit_waiter *w = waiters; w != NULL && !kw_status_is_bad(status); w = w->next) {
        s->audit_written++;
    }
    for (; waiters != NULL; waiters = waiters->next) { /* their owners need the lock to go on */
        waiters->status = status;
        waiters->is_done = true;
    }
    queue->has_leader = false;
    pthread_cond_broadcast(&queue->done);
}

/* What can be wrong with one record is found before it joins others: a round fails as a whole. */
static kw_status check(const kw_audit_record *r)
{
    const kw_bytes fields[] = {r->event, r->source, r->user, r->client, r->detail};
    size_t room = RECORD_MAX;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].len > room) {
            return KW_BAD_ENCODING_LIMITS_EXCEEDED;
        }
        room -= fields[i].len;
    }
    return kw_bytes_is_empty(r->event) ? KW_BAD_INVALID_ARGUMENT : KW_GOOD;
}

static void enqueue(kw_audit_queue *queue, kw_audit_waiter *waiter)
{
    *queue->last = waiter;
    queue->last = &waiter->next;
}

/* They enter together, so one round takes them all. */
static kw_status wait_for(kw_store *s, kw_audit_waiter *waiters, size_t count)
{
    kw_audit_queue *queue = &s->audit;
    pthread_mutex_lock(&queue->lock);
    for (size_t i = 0; i < count; i++) {
        enqueue(queue, &waiters[i]);
    }
    while (!waiters[count - 1].is_done) {
        if (queue->has_leader) {
            pthread_cond_wait(&queue->done, &queue->lock);
        } else {
            lead(s);
        }
    }
    pthread_mutex_unlock(&queue->lock);
    return waiters[count - 1].status;
}

kw_status kw_store_audit_append(kw_store *s, const kw_audit_record *record)
{
    kw_audit_waiter waiter = {.record = record};
    KW_TRY(check(record));
    return wait_for(s, &waiter, 1);
}

kw_status kw_store_audit_append_all(kw_store *s, const kw_audit_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        KW_TRY(check(&records[i]));
    }
    kw_audit_waiter *waiters = calloc(count > 0 ? count : 1, sizeof(*waiters));
    if (waiters == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        waiters[i].record = &records[i];
    }
    const kw_status status = count > 0 ? wait_for(s, waiters, count) : KW_GOOD;
    free(waiters);
    return status;
}

uint64_t kw_store_audit_written(const kw_store *s)
{
    return s->audit_written;
}
