#include "base/try.h"
#include "store/store_internal.h"

#include <stdlib.h>

kw_status kw_store_open(const char *location, bool create, const kw_clock *clock, kw_arena *arena, kw_store **out, kw_string *why)
{
    const char *reason = "out of memory";
    (void)arena;
    kw_store *s = calloc(1, sizeof(*s));
    kw_status status = s != NULL ? kw_sql_open(location, create, &s->sql, &reason) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = kw_store_migrate(s->sql, &reason);
    }
    if (kw_status_is_bad(status)) {
        if (why != NULL) {
            *why = kw_string_from(reason);
        }
        if (s != NULL) {
            kw_sql_close(s->sql);
        }
        free(s);
        return status;
    }
    pthread_mutex_init(&s->lock, NULL);
    kw_audit_queue_init(&s->audit);
    s->clock = clock;
    *out = s;
    return KW_GOOD;
}

void kw_store_close(kw_store *s)
{
    if (s != NULL) {
        kw_sql_close(s->sql);
        kw_audit_queue_clear(&s->audit);
        pthread_mutex_destroy(&s->lock);
        free(s);
    }
}

void kw_store_lock(kw_store *s)
{
    pthread_mutex_lock(&s->lock);
}

void kw_store_unlock(kw_store *s)
{
    pthread_mutex_unlock(&s->lock);
}

kw_status kw_store_begin(kw_store *s)
{
    kw_store_lock(s);
    const kw_status status = kw_sql_exec(s->sql, "BEGIN IMMEDIATE");
    if (kw_status_is_bad(status)) {
        kw_store_unlock(s);
    }
    return status;
}

kw_status kw_store_end(kw_store *s, kw_status status)
{
    kw_status ended = kw_sql_exec(s->sql, kw_status_is_bad(status) ? "ROLLBACK" : "COMMIT");
    if (kw_status_is_bad(ended) && !kw_status_is_bad(status)) { /* nothing was stored: leave no open transaction behind */
        kw_sql_exec(s->sql, "ROLLBACK");
    }
    kw_store_unlock(s);
    return kw_status_is_bad(status) ? status : ended;
}

kw_status kw_store_touch(kw_store *s)
{
    KW_STATEMENT(q, s, "UPDATE change_counter SET value = value + 1 WHERE id = 1");
    return kw_run(q);
}

kw_status kw_store_expect_change(kw_store *s, kw_status status)
{
    return !kw_status_is_bad(status) && kw_sql_changes(s->sql) == 0 ? KW_BAD_NOT_FOUND : status;
}

int64_t kw_store_now(const kw_store *s)
{
    return kw_clock_utc(s->clock);
}

static uint64_t read_counter(kw_store *s)
{
    kw_statement *q = kw_sql_statement(s->sql, "SELECT value FROM change_counter WHERE id = 1");
    const uint64_t value = q != NULL && kw_step(q) == KW_GOOD ? (uint64_t)kw_column_int(q, 0) : 0;
    kw_statement_done(q);
    return value;
}

uint64_t kw_store_version(kw_store *s)
{
    kw_store_lock(s);
    const uint64_t version = read_counter(s);
    kw_store_unlock(s);
    return version;
}

/* --- settings ------------------------------------------------------------------------------------------------------------- */

static kw_status put_setting(kw_store *s, kw_string key, kw_string value)
{
    KW_STATEMENT(q, s, "INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
    kw_bind_text(q, 1, key);
    kw_bind_text(q, 2, value);
    KW_TRY(kw_run(q));
    return kw_store_touch(s);
}

kw_status kw_store_setting_put(kw_store *s, kw_string key, kw_string value)
{
    KW_TRY(kw_store_begin(s));
    return kw_store_end(s, put_setting(s, key, value));
}

static kw_status get_setting(kw_store *s, kw_string key, kw_arena *arena, kw_string *value)
{
    KW_STATEMENT(q, s, "SELECT value FROM setting WHERE key = ?");
    kw_bind_text(q, 1, key);
    const kw_status status = kw_step(q);
    if (status == KW_GOOD) {
        *value = kw_column_text(q, 0, arena);
    }
    kw_statement_done(q);
    return status == KW_GOOD_NO_DATA ? KW_BAD_NOT_FOUND : status;
}

kw_status kw_store_setting_get(kw_store *s, kw_string key, kw_arena *arena, kw_string *value)
{
    kw_store_lock(s);
    const kw_status status = get_setting(s, key, arena, value);
    kw_store_unlock(s);
    return status;
}
