/*
 * The throttle and the store. Read at most once in a second and then only what changed; written past the threshold alone, at most
 * once in a second for all counts together, except when a lock-out begins. One thread at a time, and never with the lock held.
 */
#include "identity/throttle_internal.h"

#include <string.h>

#define INTERVAL_MS 1000
#define BATCH 64
#define NEWS_ARENA ((size_t)16 << 20)

/* --- from the store --------------------------------------------------------------------------------------------------- */

static uint64_t locked_until(const kw_throttle *t, const kw_lockout *row, uint64_t now, int64_t utc)
{
    const int64_t longest = (int64_t)t->config.lockout_s * KW_TICKS_PER_S;
    int64_t left = row->locked_until - utc;
    left = left < longest ? left : longest; /* the clock of who wrote it may have been elsewhere */
    return left > 0 ? now + (uint64_t)(left / KW_TICKS_PER_MS) + 1 : 0;
}

/* `sent`: what this row contains of ours that was still noted as unsent. */
static void take_row(kw_throttle *t, kw_count_table *table, kw_count *c, const kw_lockout *row, int64_t sent, uint64_t now)
{
    const int64_t utc = kw_clock_utc(t->clock);
    if (row->cleared > c->known) {
        c->unsent = 0;
        c->known = row->cleared;
        memset(c->subjects, 0, sizeof(c->subjects));
    } else {
        c->unsent -= sent;
    }
    const int64_t most = (int64_t)t->rule.most * KW_LOCKOUT_ONE;
    int64_t total = (int64_t)kw_lockout_left(row->failures, utc - row->updated, t->rule.fade) + c->unsent;
    total = total < 0 ? 0 : total < most ? total : most;
    c->failures = (uint32_t)total;
    c->as_of = now;
    c->locked_until = locked_until(t, row, now, utc);
    c->is_stored = true;
    kw_throttle_clean(t, c);
    kw_throttle_changed(t, table, c, now);
}

static bool says_something(const kw_lockout *row)
{
    return row->failures > 0 || row->locked_until > 0;
}

static void take_news(kw_throttle *t, const kw_lockout *rows, size_t count, uint64_t seen, uint64_t all_cleared)
{
    const uint64_t now = kw_clock_ms(t->clock);
    pthread_mutex_lock(&t->lock);
    if (all_cleared > t->seen) {
        kw_throttle_forget_all(t);
    }
    for (size_t i = 0; i < count; i++) {
        kw_count_table *table = kw_throttle_table_of(t, rows[i].key);
        kw_count *c = table != NULL ? kw_throttle_find(t, table, rows[i].key, now) : NULL;
        if (table != NULL && c == NULL && says_something(&rows[i])) {
            c = kw_throttle_need(t, table, rows[i].key, now);
        }
        if (c != NULL && c != t->overflow) {
            take_row(t, table, c, &rows[i], 0, now);
        }
    }
    t->seen = seen;
    pthread_mutex_unlock(&t->lock);
}

static void read_news(kw_throttle *t)
{
    kw_arena *arena = kw_arena_new(NEWS_ARENA);
    kw_lockout *rows = NULL;
    size_t count = 0;
    uint64_t seen = t->seen, all_cleared = 0; /* `seen` changes here alone */
    const kw_status status =
        arena != NULL ? kw_store_lockout_news(t->store, &seen, arena, &all_cleared, &rows, &count) : KW_BAD_OUT_OF_MEMORY;
    if (kw_status_is_bad(status)) {
        KW_LOG(t->log, KW_LOG_ERROR, "lock-outs cannot be read", kw_field_status("status", status));
    } else {
        take_news(t, rows, count, seen, all_cleared);
    }
    kw_arena_free(arena);
}

/* --- to the store ----------------------------------------------------------------------------------------------------- */

typedef struct batch {
    kw_lockout_change changes[BATCH];
    kw_lockout results[BATCH];
    uint8_t keys[BATCH][KW_COUNT_KEY_MAX];
    size_t count;
} batch;

static void collect(kw_throttle *t, batch *b)
{
    const uint64_t now = kw_clock_ms(t->clock);
    const int64_t utc = kw_clock_utc(t->clock);
    b->count = 0;
    pthread_mutex_lock(&t->lock);
    for (kw_count *c = t->dirty_first; c != NULL && b->count < BATCH; c = c->dirty_next) {
        kw_throttle_fade(t, c, now);
        memcpy(b->keys[b->count], c->key, c->key_len);
        const uint64_t locked_ms = c->locked_until > now ? c->locked_until - now : 0;
        b->changes[b->count] = (kw_lockout_change){.key = {b->keys[b->count], c->key_len},
                                                   .failures = c->unsent,
                                                   .locked_until = locked_ms > 0 ? utc + (int64_t)locked_ms * KW_TICKS_PER_MS : 0,
                                                   .known = c->known};
        b->count++;
    }
    pthread_mutex_unlock(&t->lock);
}

static void take_results(kw_throttle *t, const batch *b)
{
    const uint64_t now = kw_clock_ms(t->clock);
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < b->count; i++) {
        kw_count_table *table = kw_throttle_table_of(t, b->changes[i].key);
        kw_count *c = table != NULL ? kw_throttle_find(t, table, b->changes[i].key, now) : NULL;
        if (c != NULL) { /* it may have made room for another one */
            take_row(t, table, c, &b->results[i], b->changes[i].failures, now);
        }
    }
    pthread_mutex_unlock(&t->lock);
}

static void write_dirty(kw_throttle *t)
{
    batch b;
    do {
        collect(t, &b);
        if (b.count == 0) {
            return;
        }
        const kw_status status = kw_store_lockout_add(t->store, &t->rule, b.changes, b.count, b.results);
        if (kw_status_is_bad(status)) { /* they stay marked; here they hold all the same */
            KW_LOG(t->log, KW_LOG_ERROR, "lock-outs cannot be written", kw_field_status("status", status));
            return;
        }
        take_results(t, &b);
    } while (b.count == BATCH);
}

/* --- when ------------------------------------------------------------------------------------------------------------- */

static bool is_due(const kw_throttle_moment *last, uint64_t now)
{
    return !last->was || now - last->at >= INTERVAL_MS;
}

bool kw_throttle_has_read(const kw_throttle *t, uint64_t now)
{
    return !is_due(&t->read, now);
}

static bool begin(kw_throttle *t, kw_throttle_sync how)
{
    const uint64_t now = kw_clock_ms(t->clock);
    kw_throttle_moment *last = how == KW_THROTTLE_READ ? &t->read : &t->written;
    pthread_mutex_lock(&t->lock);
    bool mine = is_due(last, now) || how == KW_THROTTLE_WRITE_NOW;
    mine = mine && (how == KW_THROTTLE_READ || t->dirty_first != NULL);
    if (mine && t->is_syncing) {
        t->is_write_wanted = t->is_write_wanted || how == KW_THROTTLE_WRITE_NOW;
        mine = false;
    }
    if (mine) {
        t->is_syncing = true;
        *last = (kw_throttle_moment){true, now};
    }
    pthread_mutex_unlock(&t->lock);
    return mine;
}

/* False: a lock-out began meanwhile, and whoever noticed it left it to this thread. */
static bool end(kw_throttle *t)
{
    pthread_mutex_lock(&t->lock);
    t->is_syncing = t->is_write_wanted;
    t->is_write_wanted = false;
    const bool is_over = !t->is_syncing;
    pthread_mutex_unlock(&t->lock);
    return is_over;
}

void kw_throttle_synchronize(kw_throttle *t, kw_throttle_sync how)
{
    if (!begin(t, how)) {
        return;
    }
    if (how == KW_THROTTLE_READ) {
        read_news(t);
    } else {
        write_dirty(t);
    }
    while (!end(t)) {
        write_dirty(t);
    }
}
