#include "base/try.h"
#include "store/store_internal.h"

#include <stdlib.h>

static kw_status open_writer(kw_store *s, const char *location, bool create, kw_arena *arena, kw_string *why)
{
    const char *reason = NULL;
    const kw_status status = kw_sql_open(location, create, &s->writer.sql, &reason);
    if (kw_status_is_bad(status)) {
        *why = kw_string_from(reason);
        return status;
    }
    return kw_store_migrate(s->writer.sql, arena, why);
}

static kw_status open_reader(kw_store *s, const char *location, kw_string *why)
{
    const char *reason = NULL;
    const kw_status status = kw_sql_open(location, false, &s->reader.sql, &reason);
    if (kw_status_is_bad(status)) {
        *why = kw_string_from(reason);
    }
    return status;
}

kw_status kw_store_open(const char *location, bool create, const kw_clock *clock, kw_arena *arena, kw_store **out, kw_string *why)
{
    kw_string ignored;
    why = why != NULL ? why : &ignored;
    kw_store *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        *why = KW_STRING("out of memory");
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = open_writer(s, location, create, arena, why);
    if (!kw_status_is_bad(status)) {
        status = open_reader(s, location, why);
    }
    if (kw_status_is_bad(status)) {
        kw_sql_close(s->writer.sql);
        free(s);
        return status;
    }
    pthread_mutex_init(&s->writer.lock, NULL);
    pthread_mutex_init(&s->reader.lock, NULL);
    kw_audit_queue_init(&s->audit);
    s->clock = clock;
    *out = s;
    return KW_GOOD;
}

void kw_store_close(kw_store *s)
{
    if (s != NULL) {
        kw_sql_close(s->reader.sql);
        kw_sql_close(s->writer.sql);
        kw_audit_queue_clear(&s->audit);
        pthread_mutex_destroy(&s->reader.lock);
        pthread_mutex_destroy(&s->writer.lock);
        free(s);
    }
}

static kw_status begin(kw_connection *connection, kw_sql_mode mode)
{
    pthread_mutex_lock(&connection->lock);
    const kw_status status = kw_sql_begin(connection->sql, mode);
    if (kw_status_is_bad(status)) {
        pthread_mutex_unlock(&connection->lock);
    }
    return status;
}

static kw_status end(kw_connection *connection, kw_status status)
{
    const kw_status ended = kw_sql_end(connection->sql, status);
    pthread_mutex_unlock(&connection->lock);
    return ended;
}

kw_status kw_store_begin(kw_store *s)
{
    return begin(&s->writer, KW_SQL_WRITE);
}

kw_status kw_store_end(kw_store *s, kw_status status)
{
    return end(&s->writer, status);
}

kw_status kw_store_look(kw_store *s)
{
    return begin(&s->reader, KW_SQL_READ);
}

kw_status kw_store_looked(kw_store *s, kw_status status)
{
    return end(&s->reader, status);
}

kw_status kw_store_touch(kw_store *s)
{
    KW_STATEMENT(q, s->writer.sql, "UPDATE change_counter SET value = value + 1 WHERE id = 1");
    return kw_run(q);
}

kw_status kw_store_expect_change(kw_store *s, kw_status status)
{
    return !kw_status_is_bad(status) && kw_sql_changes(s->writer.sql) == 0 ? KW_BAD_NOT_FOUND : status;
}

int64_t kw_store_now(const kw_store *s)
{
    return kw_clock_utc(s->clock);
}

kw_status kw_store_check_key(kw_string key)
{
    return !kw_bytes_is_empty(key) && kw_utf8_is_valid(key, false) ? KW_GOOD : KW_BAD_INVALID_ARGUMENT;
}

static kw_status read_counter(kw_sql *sql, uint64_t *value)
{
    KW_STATEMENT(q, sql, "SELECT value FROM change_counter WHERE id = 1");
    const kw_status status = kw_step(q);
    if (status == KW_GOOD) {
        *value = (uint64_t)kw_column_int(q, 0);
    }
    kw_statement_done(q);
    return status;
}

/* The counter is part of each transaction that changes something: it tells of other processes too, and not of the audit trail. */
uint64_t kw_store_version(kw_store *s)
{
    uint64_t version = 0;
    pthread_mutex_lock(&s->reader.lock);
    const kw_status status = read_counter(s->reader.sql, &version);
    pthread_mutex_unlock(&s->reader.lock);
    return status == KW_GOOD ? version : 0;
}
