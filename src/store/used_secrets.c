/*
 * What is good for one use: the ids of secrets that have been used, until nobody would take them any more. All nodes look here, so
 * that a secret which one of them took is refused by every other.
 */
#include "base/try.h"
#include "store/store_internal.h"

#define ROOM_SHARE 8 /* between two counts the table may grow by this part of its room: other nodes add rows too */

static kw_status drop_expired(kw_turn *t)
{
    KW_STATEMENT(q, t->sql, "DELETE FROM used_secret WHERE expires < ?");
    kw_bind_int(q, 1, kw_turn_now(t));
    return kw_run(q);
}

static kw_status count_all(kw_sql *sql, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT COUNT(*) FROM used_secret");
    const kw_status status = kw_step(q);
    *count = status == KW_GOOD ? (size_t)kw_column_int(q, 0) : 0;
    kw_statement_done(q);
    return status;
}

/* Counting all rows each time would cost more than all the rest. The turn is ours. */
static kw_status take_room(kw_turn *t, size_t max)
{
    size_t count = 0;
    if (t->store->used_secret_room == 0) {
        KW_TRY(count_all(t->sql, &count));
        if (count >= max) {
            return KW_BAD_TOO_MANY_OPERATIONS;
        }
        t->store->used_secret_room = (max - count) / ROOM_SHARE + 1;
    }
    t->store->used_secret_room--;
    return KW_GOOD;
}

static kw_status use(kw_turn *t, kw_string id, int64_t until, size_t max)
{
    KW_TRY(drop_expired(t));
    KW_TRY(take_room(t, max));
    KW_STATEMENT(q, t->sql, "INSERT INTO used_secret (id, expires) VALUES (?, ?)");
    kw_bind_text(q, 1, id);
    kw_bind_int(q, 2, until);
    return kw_run(q);
}

kw_status kw_store_secret_use(kw_store *s, kw_string id, int64_t until, size_t max)
{
    KW_TRY(kw_store_check_key(id));
    kw_turn t = kw_turn_of(s, KW_TURN_SECRETS);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, use(&t, id, until, max));
    }
    return t.status;
}
