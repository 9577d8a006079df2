#include "store/pool.h"

#define FIRST_WAIT_MS 100u
#define LAST_WAIT_MS 5000u

void kw_pool_init(kw_pool *p, const char *location, const kw_clock *clock, size_t max, kw_sql *first)
{
    *p = (kw_pool){.location = location, .clock = clock, .max = max < KW_POOL_MAX ? max : KW_POOL_MAX};
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    if (first != NULL) {
        p->idle[p->idle_count++] = first;
        p->open = 1;
    }
}

static void close_idle(kw_pool *p)
{
    while (p->idle_count > 0) {
        kw_sql_close(p->idle[--p->idle_count]);
        p->open--;
    }
}

void kw_pool_clear(kw_pool *p)
{
    close_idle(p);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
}

/* After a failure one at a time tries to connect, and not too often. */
static bool may_connect(const kw_pool *p)
{
    return p->open < p->max && (p->failures == 0 || (p->trying == 0 && kw_clock_ms(p->clock) >= p->not_before));
}

/* There is no connection to wait for. */
static bool is_down(const kw_pool *p)
{
    return p->failures > 0 && p->open == p->trying && !may_connect(p);
}

static void wait_for_turn(kw_pool *p)
{
    const uint64_t ticket = p->next++;
    while (ticket != p->serving || (p->idle_count == 0 && !may_connect(p) && !is_down(p))) {
        pthread_cond_wait(&p->changed, &p->lock);
    }
    p->serving++;
    pthread_cond_broadcast(&p->changed);
}

static void note_connection(kw_pool *p, bool is_open)
{
    p->trying--;
    if (is_open) {
        p->failures = 0;
        return;
    }
    p->open--;
    const unsigned wait = p->failures < 6 ? FIRST_WAIT_MS << p->failures : LAST_WAIT_MS;
    p->failures++;
    p->not_before = kw_clock_ms(p->clock) + wait;
}

/* The lock is held on entry and on return, and let go while it is tried: that may take a while. */
static kw_status connect_now(kw_pool *p, kw_sql **out)
{
    kw_string why;
    p->trying++;
    p->open++;
    pthread_mutex_unlock(&p->lock);
    const kw_status status = kw_sql_open(p->location, false, NULL, out, &why);
    pthread_mutex_lock(&p->lock);
    note_connection(p, !kw_status_is_bad(status));
    pthread_cond_broadcast(&p->changed);
    return kw_status_is_bad(status) ? KW_BAD_RESOURCE_UNAVAILABLE : KW_GOOD;
}

kw_status kw_pool_take(kw_pool *p, kw_sql **out)
{
    kw_status status = KW_GOOD;
    pthread_mutex_lock(&p->lock);
    wait_for_turn(p);
    if (p->idle_count > 0) {
        *out = p->idle[--p->idle_count];
    } else if (is_down(p)) {
        status = KW_BAD_RESOURCE_UNAVAILABLE;
    } else {
        status = connect_now(p, out);
    }
    pthread_mutex_unlock(&p->lock);
    return status;
}

void kw_pool_give(kw_pool *p, kw_sql *sql, bool is_lost)
{
    pthread_mutex_lock(&p->lock);
    if (is_lost) {
        kw_sql_close(sql);
        p->open--;
        close_idle(p);
    } else {
        p->idle[p->idle_count++] = sql;
    }
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

size_t kw_pool_taken(kw_pool *p)
{
    pthread_mutex_lock(&p->lock);
    const size_t taken = p->open - p->idle_count;
    pthread_mutex_unlock(&p->lock);
    return taken;
}
