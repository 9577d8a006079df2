/*
 * The audit trail: append-only, each record chained to the one before it by SHA-256. The head (count and last hash) is kept apart,
 * so that a tail cut off shows too. Concurrent appends share a commit: the first to come writes for all that wait.
 */
#include "base/cursor.h"
#include "base/try.h"
#include "store/rows.h"

#include <openssl/evp.h>
#include <string.h>

#define HASH_LEN 32
#define BATCH 500
#define VERIFY_ARENA ((size_t)64 << 20)

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

/* --- the chain -------------------------------------------------------------------------------------------------------------- */

/* Lengths go in with the fields: no two records have the same bytes. */
static kw_status hash_record(const uint8_t *former, uint64_t sequence, const kw_audit_record *r, uint8_t out[HASH_LEN])
{
    kw_writer w;
    kw_writer_init(&w, (size_t)1 << 20);
    kw_write_raw(&w, (kw_bytes){former, HASH_LEN});
    kw_write_u64(&w, sequence);
    kw_write_i64(&w, r->time);
    kw_write_u32(&w, r->status);
    kw_write_bytes(&w, r->event);
    kw_write_bytes(&w, r->source);
    kw_write_bytes(&w, r->user);
    kw_write_bytes(&w, r->client);
    kw_write_bytes(&w, r->detail);
    kw_status status = kw_writer_status(&w);
    if (!kw_status_is_bad(status) && EVP_Digest(w.data, w.len, out, NULL, EVP_sha256(), NULL) != 1) {
        status = KW_BAD_INTERNAL_ERROR;
    }
    kw_writer_clear(&w);
    return status;
}

static kw_status read_head(kw_store *s, uint64_t *sequence, uint8_t hash[HASH_LEN])
{
    kw_arena *arena = kw_arena_new(HASH_LEN * 2);
    KW_STATEMENT(q, s, "SELECT sequence, hash FROM audit_head WHERE id = 1");
    kw_status status = arena != NULL ? kw_step(q) : KW_BAD_OUT_OF_MEMORY;
    if (status == KW_GOOD) {
        const kw_bytes found = kw_column_blob(q, 1, arena);
        *sequence = (uint64_t)kw_column_int(q, 0);
        status = found.len == HASH_LEN ? KW_GOOD : KW_BAD_SECURITY_CHECKS_FAILED;
        if (!kw_status_is_bad(status)) {
            memcpy(hash, found.data, HASH_LEN);
        }
    }
    kw_statement_done(q);
    kw_arena_free(arena);
    return status == KW_GOOD_NO_DATA ? KW_BAD_SECURITY_CHECKS_FAILED : status;
}

static kw_status write_head(kw_store *s, uint64_t sequence, const uint8_t hash[HASH_LEN])
{
    KW_STATEMENT(q, s, "UPDATE audit_head SET sequence = ?, hash = ? WHERE id = 1");
    kw_bind_int(q, 1, (int64_t)sequence);
    kw_bind_blob(q, 2, (kw_bytes){hash, HASH_LEN});
    return kw_run(q);
}

static kw_status insert_record(kw_store *s, uint64_t sequence, const kw_audit_record *given, uint8_t hash[HASH_LEN])
{
    kw_audit_record r = *given;
    r.time = r.time != 0 ? r.time : kw_store_now(s);
    KW_TRY(hash_record(hash, sequence, &r, hash));
    KW_STATEMENT(q, s, "INSERT INTO audit (sequence, time, event, source, status, account, client, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    kw_bind_int(q, 1, (int64_t)sequence);
    kw_bind_int(q, 2, r.time);
    kw_bind_text(q, 3, r.event);
    kw_bind_text(q, 4, r.source);
    kw_bind_int(q, 5, r.status);
    kw_bind_text(q, 6, r.user);
    kw_bind_text(q, 7, r.client);
    kw_bind_text(q, 8, r.detail);
    kw_bind_blob(q, 9, (kw_bytes){hash, HASH_LEN});
    return kw_run(q);
}

/* --- appending ---------------------------------------------------------------------------------------------------------------- */

static kw_status write_all(kw_store *s, const kw_audit_waiter *waiters)
{
    uint64_t sequence = 0;
    uint8_t hash[HASH_LEN];
    KW_TRY(read_head(s, &sequence, hash));
    for (const kw_audit_waiter *w = waiters; w != NULL; w = w->next) {
        KW_TRY(insert_record(s, ++sequence, w->record, hash));
    }
    return write_head(s, sequence, hash);
}

static kw_status commit_all(kw_store *s, const kw_audit_waiter *waiters)
{
    KW_TRY(kw_store_begin(s));
    return kw_store_end(s, write_all(s, waiters));
}

/* Write for everybody who waits, until nobody does. The queue's lock is held on entry and on return. */
static void lead(kw_store *s)
{
    kw_audit_queue *queue = &s->audit;
    queue->has_leader = true;
    while (queue->first != NULL) {
        kw_audit_waiter *waiters = queue->first;
        queue->first = NULL;
        queue->last = &queue->first;
        pthread_mutex_unlock(&queue->lock);
        const kw_status status = commit_all(s, waiters);
        pthread_mutex_lock(&queue->lock);
        while (waiters != NULL) {
            kw_audit_waiter *next = waiters->next; /* its owner may be gone as soon as it is done */
            waiters->status = status;
            waiters->is_done = true;
            waiters = next;
        }
        pthread_cond_broadcast(&queue->done);
    }
    queue->has_leader = false;
}

kw_status kw_store_audit_append(kw_store *s, const kw_audit_record *record)
{
    kw_audit_queue *queue = &s->audit;
    kw_audit_waiter self = {.record = record};
    pthread_mutex_lock(&queue->lock);
    *queue->last = &self;
    queue->last = &self.next;
    if (!queue->has_leader) {
        lead(s);
    }
    while (!self.is_done) {
        pthread_cond_wait(&queue->done, &queue->lock);
    }
    pthread_mutex_unlock(&queue->lock);
    return self.status;
}

/* --- reading -------------------------------------------------------------------------------------------------------------------- */

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    kw_audit_record *r = row;
    *r = (kw_audit_record){.sequence = (uint64_t)kw_column_int(q, 0),
                           .time = kw_column_int(q, 1),
                           .event = kw_column_text(q, 2, arena),
                           .source = kw_column_text(q, 3, arena),
                           .status = (kw_status)kw_column_int(q, 4),
                           .user = kw_column_text(q, 5, arena),
                           .client = kw_column_text(q, 6, arena),
                           .detail = kw_column_text(q, 7, arena)};
    const kw_bytes hash = kw_column_blob(q, 8, arena);
    if (hash.len == HASH_LEN) {
        memcpy(r->hash, hash.data, HASH_LEN);
    }
}

static kw_status list(kw_store *s, uint64_t after, size_t max, kw_arena *arena, kw_audit_record **out, size_t *count)
{
    KW_STATEMENT(q, s,
                 "SELECT sequence, time, event, source, status, account, client, detail, hash FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?");
    kw_bind_int(q, 1, (int64_t)after);
    kw_bind_int(q, 2, (int64_t)max);
    return kw_rows_read(q, arena, sizeof(kw_audit_record), read_row, (void **)out, count);
}

kw_status kw_store_audit_list(kw_store *s, uint64_t after, size_t max, kw_arena *arena, kw_audit_record **out, size_t *count)
{
    kw_store_lock(s);
    const kw_status status = list(s, after, max, arena, out, count);
    kw_store_unlock(s);
    return status;
}

typedef struct chain {
    uint64_t count;
    uint8_t hash[HASH_LEN];
} chain;

/* Bad_SecurityChecksFailed at the first record that does not follow from the one before it. */
static kw_status follow(chain *c, const kw_audit_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t expected[HASH_LEN];
        KW_TRY(hash_record(c->hash, c->count + 1, &records[i], expected));
        if (records[i].sequence != c->count + 1 || memcmp(expected, records[i].hash, HASH_LEN) != 0) {
            return KW_BAD_SECURITY_CHECKS_FAILED;
        }
        memcpy(c->hash, expected, HASH_LEN);
        c->count++;
    }
    return KW_GOOD;
}

static kw_status walk(kw_store *s, kw_arena *arena, chain *c)
{
    uint64_t head_sequence = 0;
    uint8_t head_hash[HASH_LEN];
    KW_TRY(read_head(s, &head_sequence, head_hash));
    for (;;) {
        kw_audit_record *records = NULL;
        size_t count = 0;
        kw_arena_reset(arena);
        KW_TRY(list(s, c->count, BATCH, arena, &records, &count));
        KW_TRY(follow(c, records, count));
        if (count < BATCH) {
            break;
        }
    }
    return c->count == head_sequence && memcmp(c->hash, head_hash, HASH_LEN) == 0 ? KW_GOOD : KW_BAD_SECURITY_CHECKS_FAILED;
}

kw_status kw_store_audit_verify(kw_store *s, uint64_t *count, uint64_t *first_bad)
{
    chain c = {.count = 0};
    kw_arena *arena = kw_arena_new(VERIFY_ARENA);
    if (arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_store_lock(s);
    const kw_status status = walk(s, arena, &c);
    kw_store_unlock(s);
    kw_arena_free(arena);
    *count = c.count;
    *first_bad = kw_status_is_bad(status) ? c.count + 1 : 0;
    return status;
}
