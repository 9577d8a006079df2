#include "base/secret.h"
#include "base/try.h"
#include "store/store_internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static kw_status open_writer(kw_store *s, bool create, kw_arena *arena, kw_sql **out, kw_string *why)
{
    KW_TRY(kw_sql_open(s->location, create, arena, out, why));
    return kw_store_migrate(*out, arena, why);
}

static kw_status open_both(kw_store *s, bool create, kw_arena *arena, kw_string *why)
{
    kw_sql *writer = NULL, *reader = NULL;
    kw_status status = open_writer(s, create, arena, &writer, why);
    if (!kw_status_is_bad(status)) {
        status = kw_sql_open(s->location, false, arena, &reader, why);
    }
    if (kw_status_is_bad(status)) {
        kw_sql_close(writer);
        return status;
    }
    kw_pool_init(&s->writers, s->location, s->clock, kw_sql_writers(s->location), writer);
    kw_pool_init(&s->readers, s->location, s->clock, kw_sql_readers(s->location), reader);
    return KW_GOOD;
}

static kw_store *store_new(const char *location, const kw_clock *clock)
{
    kw_store *s = calloc(1, sizeof(*s));
    if (s != NULL) {
        s->clock = clock;
        s->location = strdup(location);
    }
    return s;
}

static void store_free(kw_store *s)
{
    if (s != NULL) {
        if (s->location != NULL) {
            kw_wipe(s->location, strlen(s->location)); /* there may be a password in it */
        }
        free(s->location);
        free(s);
    }
}

kw_status kw_store_open(const char *location, bool create, const kw_clock *clock, kw_arena *arena, kw_store **out, kw_string *why)
{
    kw_string ignored;
    why = why != NULL ? why : &ignored;
    kw_store *s = store_new(location, clock);
    if (s == NULL || s->location == NULL) {
        *why = KW_STRING("out of memory");
        store_free(s);
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_status status = open_both(s, create, arena, why);
    if (kw_status_is_bad(status)) {
        store_free(s);
        return status;
    }
    kw_audit_queue_init(&s->audit);
    pthread_mutex_init(&s->lately_lock, NULL);
    *out = s;
    return KW_GOOD;
}

void kw_store_close(kw_store *s)
{
    if (s != NULL) {
        kw_pool_clear(&s->readers);
        kw_pool_clear(&s->writers);
        kw_audit_queue_clear(&s->audit);
        pthread_mutex_destroy(&s->lately_lock);
        store_free(s);
    }
}

kw_string kw_store_location_name(const char *location, kw_arena *arena)
{
    return kw_sql_name(location, arena);
}

bool kw_store_location_is_file(const char *location)
{
    return kw_sql_is_file(location);
}

bool kw_store_is_there(const kw_store *s)
{
    return !kw_sql_is_file(s->location) || access(s->location, F_OK) == 0;
}

bool kw_store_location_has_password(const char *location)
{
    return kw_sql_has_password(location);
}

kw_status kw_store_check_key(kw_string key)
{
    return !kw_bytes_is_empty(key) && kw_utf8_is_valid(key, false) ? KW_GOOD : KW_BAD_INVALID_ARGUMENT;
}

kw_status kw_store_read_counter(kw_sql *sql, uint64_t *value)
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
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, kw_store_read_counter(t.sql, &version));
    }
    return kw_status_is_bad(t.status) ? 0 : version;
}

uint64_t kw_store_version_lately(kw_store *s, uint32_t max_age_ms)
{
    const uint64_t now = kw_clock_ms(s->clock);
    const uint64_t changes = atomic_load(&s->changes); /* before reading: one that comes meanwhile makes it old again */
    pthread_mutex_lock(&s->lately_lock);
    const bool is_fresh = s->lately_version != 0 && s->lately_changes == changes && now - s->lately_ms < max_age_ms;
    uint64_t version = s->lately_version;
    pthread_mutex_unlock(&s->lately_lock);
    if (is_fresh) {
        return version;
    }
    version = kw_store_version(s);
    pthread_mutex_lock(&s->lately_lock);
    s->lately_version = version;
    s->lately_changes = changes;
    s->lately_ms = now;
    pthread_mutex_unlock(&s->lately_lock);
    return version;
}
