/*
 * Failed attempts, shared by all nodes. Nodes add what they counted (never their totals), so that an attacker gains nothing by
 * going from one to the other. What an administrator clears stays as a row with the number of that change until it fades: a node
 * that comes with older counts is told so.
 */
#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define TOMBSTONE_TICKS (3600 * KW_TICKS_PER_S) /* longer than a count stays unwritten */

#define COLUMNS "key, failures, updated, locked_until, sequence, cleared"

typedef struct state {
    int64_t sequence, cleared;
} state;

uint32_t kw_lockout_left(uint32_t failures, int64_t elapsed, int64_t fade)
{
    if (elapsed <= 0 || fade <= 0) { /* the wall clock may have been set back */
        return failures;
    }
    const int64_t whole = elapsed / fade;
    if (whole > failures / KW_LOCKOUT_ONE) {
        return 0;
    }
    const uint32_t gone = (uint32_t)whole * KW_LOCKOUT_ONE + (uint32_t)((double)(elapsed % fade) * KW_LOCKOUT_ONE / (double)fade);
    return gone < failures ? failures - gone : 0;
}

static void read_state_row(kw_statement *q, kw_arena *arena, void *row)
{
    (void)arena;
    *(state *)row = (state){.sequence = kw_column_int(q, 0), .cleared = kw_column_int(q, 1)};
}

static kw_status read_state(kw_sql *sql, state *out)
{
    KW_STATEMENT(q, sql, "SELECT sequence, cleared FROM lockout_state WHERE id = 1");
    return kw_row_read(q, NULL, read_state_row, out);
}

static kw_status write_state(kw_sql *sql, const state *now)
{
    KW_STATEMENT(q, sql, "UPDATE lockout_state SET sequence = ?, cleared = ? WHERE id = 1");
    kw_bind_int(q, 1, now->sequence);
    kw_bind_int(q, 2, now->cleared);
    return kw_run(q);
}

/* --- adding ------------------------------------------------------------------------------------------------------- */

/* All but the key, which the caller has. */
static void read_numbers(kw_statement *q, kw_arena *arena, void *row)
{
    kw_lockout *l = row;
    (void)arena;
    l->failures = (uint32_t)kw_column_int(q, 1);
    l->updated = kw_column_int(q, 2);
    l->locked_until = kw_column_int(q, 3);
    l->sequence = (uint64_t)kw_column_int(q, 4);
    l->cleared = (uint64_t)kw_column_int(q, 5);
}

static kw_status find(kw_sql *sql, kw_string key, kw_lockout *out)
{
    *out = (kw_lockout){.key = key};
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM lockout WHERE key = ?");
    kw_bind_text(q, 1, key);
    const kw_status status = kw_row_read(q, NULL, read_numbers, out);
    return status == KW_BAD_NOT_FOUND ? KW_GOOD : status;
}

static kw_status put(kw_sql *sql, const kw_lockout *l)
{
    KW_STATEMENT(q, sql,
                 "INSERT INTO lockout (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
                 " failures = excluded.failures, updated = excluded.updated, locked_until = excluded.locked_until,"
                 " sequence = excluded.sequence, cleared = excluded.cleared");
    kw_bind_text(q, 1, l->key);
    kw_bind_int(q, 2, l->failures);
    kw_bind_int(q, 3, l->updated);
    kw_bind_int(q, 4, l->locked_until);
    kw_bind_int(q, 5, (int64_t)l->sequence);
    kw_bind_int(q, 6, (int64_t)l->cleared);
    return kw_run(q);
}

static uint32_t sum(uint32_t count, int64_t change, uint32_t most)
{
    const int64_t total = (int64_t)count + change, limit = (int64_t)most * KW_LOCKOUT_ONE;
    return total < 0 ? 0 : (uint32_t)(total < limit ? total : limit);
}

static kw_status add_one(kw_turn *t, const kw_lockout_rule *rule, const kw_lockout_change *change, const state *now, kw_lockout *out)
{
    KW_TRY(find(t->sql, change->key, out));
    const int64_t time = kw_turn_now(t);
    out->failures = kw_lockout_left(out->failures, time - out->updated, rule->fade);
    out->updated = time;
    if (change->known < out->cleared || change->known < (uint64_t)now->cleared) {
        return KW_GOOD; /* void: the row tells the caller */
    }
    out->failures = sum(out->failures, change->failures, rule->most);
    out->locked_until = change->locked_until > out->locked_until ? change->locked_until : out->locked_until;
    out->sequence = (uint64_t)now->sequence;
    return put(t->sql, out);
}

static kw_status drop_faded(kw_sql *sql, int64_t time, int64_t fade)
{
    KW_STATEMENT(q, sql, "DELETE FROM lockout WHERE locked_until <= ? AND updated <= ? - failures * ? / 1000 AND updated <= ?");
    kw_bind_int(q, 1, time);
    kw_bind_int(q, 2, time);
    kw_bind_int(q, 3, fade);
    kw_bind_int(q, 4, time - TOMBSTONE_TICKS);
    return kw_run(q);
}

static kw_status drop_excess(kw_sql *sql, int64_t time, size_t max)
{
    KW_STATEMENT(q, sql,
                 "DELETE FROM lockout WHERE key IN (SELECT key FROM lockout WHERE locked_until <= ? ORDER BY updated"
                 " LIMIT (SELECT CASE WHEN COUNT(*) > ? THEN COUNT(*) - ? ELSE 0 END FROM lockout))");
    kw_bind_int(q, 1, time);
    kw_bind_int(q, 2, (int64_t)max);
    kw_bind_int(q, 3, (int64_t)max);
    return kw_run(q);
}

static kw_status add_all(kw_turn *t, const kw_lockout_rule *rule, const kw_lockout_change *changes, size_t count, kw_lockout *results)
{
    kw_sql *sql = t->sql;
    state now;
    KW_TRY(read_state(sql, &now));
    now.sequence++;
    for (size_t i = 0; i < count; i++) {
        KW_TRY(add_one(t, rule, &changes[i], &now, &results[i]));
    }
    KW_TRY(drop_faded(sql, kw_turn_now(t), rule->fade));
    KW_TRY(drop_excess(sql, kw_turn_now(t), rule->max_rows));
    return write_state(sql, &now);
}

kw_status kw_store_lockout_add(kw_store *s, const kw_lockout_rule *rule, const kw_lockout_change *changes, size_t count,
                               kw_lockout *results)
{
    for (size_t i = 0; i < count; i++) {
        KW_TRY(kw_store_check_key(changes[i].key));
    }
    kw_turn t = kw_turn_of(s, KW_TURN_LOCKOUTS);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add_all(&t, rule, changes, count, results));
    }
    return t.status;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_lockout *)row = (kw_lockout){.key = kw_column_text(q, 0, arena)};
    read_numbers(q, arena, row);
}

static kw_status changed_since(kw_sql *sql, uint64_t seen, kw_arena *arena, kw_lockout **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM lockout WHERE sequence > ? ORDER BY sequence");
    kw_bind_int(q, 1, (int64_t)seen);
    return kw_rows_read(q, arena, sizeof(kw_lockout), read_row, (void **)out, count);
}

static kw_status news(kw_sql *sql, uint64_t seen, kw_arena *arena, state *now, kw_lockout **out, size_t *count)
{
    *out = NULL;
    *count = 0;
    KW_TRY(read_state(sql, now));
    return (uint64_t)now->sequence != seen ? changed_since(sql, seen, arena, out, count) : KW_GOOD;
}

kw_status kw_store_lockout_news(kw_store *s, uint64_t *seen, kw_arena *arena, uint64_t *all_cleared, kw_lockout **out, size_t *count)
{
    state now = {0};
    kw_turn t = kw_turn_of(s, KW_TURN_READ);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, news(t.sql, *seen, arena, &now, out, count));
    }
    KW_TRY(t.status);
    *seen = (uint64_t)now.sequence;
    *all_cleared = (uint64_t)now.cleared;
    return KW_GOOD;
}

static kw_status list(kw_sql *sql, kw_arena *arena, kw_lockout **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM lockout WHERE failures > 0 OR locked_until > 0 ORDER BY key");
    return kw_rows_read(q, arena, sizeof(kw_lockout), read_row, (void **)out, count);
}

kw_status kw_store_lockout_list(kw_store *s, kw_arena *arena, kw_lockout **out, size_t *count)
{
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, list(t.sql, arena, out, count));
    }
    return t.status;
}

/* --- clearing ----------------------------------------------------------------------------------------------------- */

static kw_status clear_row(kw_turn *t, kw_string key, const state *now)
{
    KW_STATEMENT(q, t->sql,
                 "UPDATE lockout SET failures = 0, locked_until = 0, updated = ?, sequence = ?, cleared = ?"
                 " WHERE key = ? AND (failures > 0 OR locked_until > 0)");
    kw_bind_int(q, 1, kw_turn_now(t));
    kw_bind_int(q, 2, now->sequence);
    kw_bind_int(q, 3, now->sequence);
    kw_bind_text(q, 4, key);
    return kw_turn_expect_change(t, kw_run(q));
}

static kw_status clear_one(kw_turn *t, kw_string key)
{
    state now;
    KW_TRY(read_state(t->sql, &now));
    now.sequence++;
    KW_TRY(clear_row(t, key, &now));
    return write_state(t->sql, &now);
}

kw_status kw_store_lockout_clear(kw_store *s, kw_string key)
{
    kw_turn t = kw_turn_of(s, KW_TURN_LOCKOUTS);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, clear_one(&t, key));
    }
    return t.status;
}

static kw_status count_active(kw_sql *sql, int64_t *out)
{
    KW_STATEMENT(q, sql, "SELECT COUNT(*) FROM lockout WHERE failures > 0 OR locked_until > 0");
    const kw_status status = kw_step(q);
    *out = status == KW_GOOD ? kw_column_int(q, 0) : 0;
    kw_statement_done(q);
    return status;
}

static kw_status delete_all(kw_sql *sql)
{
    KW_STATEMENT(q, sql, "DELETE FROM lockout");
    return kw_run(q);
}

static kw_status clear_all(kw_turn *t, int64_t *count)
{
    state now;
    KW_TRY(read_state(t->sql, &now));
    now.cleared = ++now.sequence;
    KW_TRY(count_active(t->sql, count));
    KW_TRY(delete_all(t->sql));
    return write_state(t->sql, &now);
}

kw_status kw_store_lockout_clear_all(kw_store *s, size_t *count)
{
    int64_t cleared = 0;
    kw_turn t = kw_turn_of(s, KW_TURN_LOCKOUTS);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, clear_all(&t, &cleared));
    }
    KW_TRY(t.status);
    *count = (size_t)cleared;
    return KW_GOOD;
}
