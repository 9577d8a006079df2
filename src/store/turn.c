/* Transactions that are tried again. */
#include "base/try.h"
#include "store/store_internal.h"

#include <stdatomic.h>
#include <time.h>

#define TRIES 10
#define LONGEST_WAIT_MS 100u

kw_turn kw_turn_of(kw_store *s, kw_sql_turn kind)
{
    return (kw_turn){.store = s, .kind = kind, .status = KW_GOOD};
}

static kw_pool *pool_of(kw_turn *t)
{
    const bool is_reader = t->kind == KW_TURN_READ || t->kind == KW_TURN_LOOK;
    return is_reader ? &t->store->readers : &t->store->writers;
}

/* Those that were in each other's way part. */
static void wait_a_little(unsigned tries)
{
    const unsigned ms = tries < 7 ? 1u << tries : LONGEST_WAIT_MS;
    nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

/* Give the connection back, and say whether it is worth another try. */
static bool part(kw_turn *t)
{
    const kw_sql_fate fate = kw_sql_get_fate(t->sql);
    kw_pool_give(pool_of(t), t->sql, fate == KW_SQL_LOST || fate == KW_SQL_UNSURE);
    t->sql = NULL;
    t->tries++;
    if (!kw_status_is_bad(t->status) || t->tries == TRIES || (fate != KW_SQL_AGAIN && fate != KW_SQL_LOST)) {
        return false;
    }
    if (fate == KW_SQL_AGAIN) {
        wait_a_little(t->tries);
    }
    return true;
}

bool kw_turn_begin(kw_turn *t)
{
    while (!t->is_over) {
        t->status = kw_pool_take(pool_of(t), &t->sql);
        if (kw_status_is_bad(t->status)) {
            break;
        }
        t->status = kw_sql_begin(t->sql, t->kind);
        if (!kw_status_is_bad(t->status)) {
            return true;
        }
        t->is_over = !part(t);
    }
    return false;
}

void kw_turn_end(kw_turn *t, kw_status status)
{
    t->status = kw_sql_end(t->sql, status);
    t->is_over = !part(t);
    if (t->kind == KW_TURN_CONFIGURATION && !kw_status_is_bad(t->status)) {
        atomic_fetch_add(&t->store->changes, 1);
    }
}

kw_status kw_turn_touch(kw_turn *t)
{
    KW_STATEMENT(q, t->sql, "UPDATE change_counter SET value = value + 1 WHERE id = 1");
    return kw_run(q);
}

kw_status kw_turn_expect_change(kw_turn *t, kw_status status)
{
    return !kw_status_is_bad(status) && kw_sql_changes(t->sql) == 0 ? KW_BAD_NOT_FOUND : status;
}

int64_t kw_turn_now(const kw_turn *t)
{
    return kw_clock_utc(t->store->clock);
}
