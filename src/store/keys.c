/* Signing keys. What their times mean is the authority's to say; here is what must happen as one. */
#include "base/try.h"
#include "store/rows.h"
#include "store/store_internal.h"

#define COLUMNS "id, alg, private_key, certificate, not_before, not_after, signs_from, kept_for, revoked"
#define NEWEST " ORDER BY signs_from DESC, position DESC"

static void read_row(kw_statement *q, kw_arena *arena, void *row)
{
    *(kw_signing_key *)row = (kw_signing_key){.id = kw_column_text(q, 0, arena),
                                              .alg = kw_column_text(q, 1, arena),
                                              .private_key = kw_column_blob(q, 2, arena),
                                              .certificate = kw_column_blob(q, 3, arena),
                                              .not_before = kw_column_int(q, 4),
                                              .not_after = kw_column_int(q, 5),
                                              .signs_from = kw_column_int(q, 6),
                                              .kept_for = kw_column_int(q, 7),
                                              .revoked = kw_column_int(q, 8)};
}

static kw_status list(kw_sql *sql, kw_arena *arena, kw_signing_key **out, size_t *count)
{
    KW_STATEMENT(q, sql, "SELECT " COLUMNS " FROM signing_key" NEWEST);
    return kw_rows_read(q, arena, sizeof(kw_signing_key), read_row, (void **)out, count);
}

kw_status kw_store_key_list(kw_store *s, kw_arena *arena, kw_signing_key **out, size_t *count)
{
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, list(t.sql, arena, out, count));
    }
    return t.status;
}

/* --- new ones ------------------------------------------------------------------------------------------------------------------ */

static kw_status insert(kw_turn *t, const kw_signing_key *key, int64_t signs_from)
{
    KW_STATEMENT(q, t->sql,
                 "INSERT INTO signing_key (" COLUMNS ", position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?,"
                 " (SELECT COALESCE(MAX(position), 0) + 1 FROM signing_key))");
    kw_bind_text(q, 1, key->id);
    kw_bind_text(q, 2, key->alg);
    kw_bind_blob(q, 3, key->private_key);
    kw_bind_blob(q, 4, key->certificate);
    kw_bind_int(q, 5, key->not_before);
    kw_bind_int(q, 6, key->not_after);
    kw_bind_int(q, 7, signs_from);
    kw_bind_int(q, 8, key->kept_for);
    kw_bind_int(q, 9, 0);
    KW_TRY(kw_run(q));
    return kw_turn_touch(t);
}

static kw_status check_newest(kw_turn *t, kw_string expected)
{
    KW_STATEMENT(q, t->sql, "SELECT id FROM signing_key" NEWEST " LIMIT 1");
    const kw_status status = kw_step(q);
    const bool is_same = status == KW_GOOD ? kw_bytes_equal(kw_column_borrow(q, 0), expected) : expected.len == 0;
    kw_statement_done(q);
    return kw_status_is_bad(status) || is_same ? status : KW_BAD_INVALID_STATE;
}

static kw_status add(kw_turn *t, const kw_signing_key *key, const kw_string *newest)
{
    if (newest != NULL) {
        KW_TRY(check_newest(t, *newest));
    }
    return insert(t, key, key->signs_from);
}

kw_status kw_store_key_add(kw_store *s, const kw_signing_key *key, const kw_string *newest)
{
    KW_TRY(kw_store_check_key(key->id));
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, add(&t, key, newest));
    }
    return t.status;
}

/* --- changes ------------------------------------------------------------------------------------------------------------------- */

static kw_status start(kw_turn *t, kw_string id, int64_t when)
{
    KW_STATEMENT(q, t->sql, "UPDATE signing_key SET signs_from = ? WHERE id = ? AND signs_from > ?");
    kw_bind_int(q, 1, when);
    kw_bind_text(q, 2, id);
    kw_bind_int(q, 3, when);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_key_start(kw_store *s, kw_string id, int64_t when)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, start(&t, id, when));
    }
    return t.status;
}

static kw_status take_away(kw_turn *t, kw_string id, int64_t when)
{
    KW_STATEMENT(q, t->sql,
                 "UPDATE signing_key SET revoked = ?, private_key = ?, signs_from = CASE WHEN signs_from > ? THEN 0 ELSE signs_from END"
                 " WHERE id = ? AND revoked = 0");
    kw_bind_int(q, 1, when);
    kw_bind_blob(q, 2, KW_STRING(""));
    kw_bind_int(q, 3, when);
    kw_bind_text(q, 4, id);
    return kw_turn_expect_change(t, kw_run(q));
}

/* *is_needed: who has its turn was revoked. */
static kw_status look_who_signs(kw_turn *t, int64_t when, bool *is_needed)
{
    KW_STATEMENT(q, t->sql, "SELECT revoked FROM signing_key WHERE signs_from <= ?" NEWEST " LIMIT 1");
    kw_bind_int(q, 1, when);
    const kw_status status = kw_step(q);
    *is_needed = status == KW_GOOD && kw_column_int(q, 0) != 0;
    kw_statement_done(q);
    return status;
}

static kw_status start_next(kw_turn *t, int64_t when)
{
    KW_STATEMENT(q, t->sql,
                 "UPDATE signing_key SET signs_from = ? WHERE id ="
                 " (SELECT id FROM signing_key WHERE signs_from > ? ORDER BY signs_from, position LIMIT 1)");
    kw_bind_int(q, 1, when);
    kw_bind_int(q, 2, when);
    return kw_turn_expect_change(t, kw_run(q));
}

static kw_status revoke(kw_turn *t, kw_string id, int64_t when, const kw_signing_key *replacement)
{
    bool is_needed = false;
    KW_TRY(take_away(t, id, when));
    KW_TRY(look_who_signs(t, when, &is_needed));
    if (is_needed) {
        const kw_status status = start_next(t, when);
        if (status != KW_BAD_NOT_FOUND || replacement == NULL) {
            KW_TRY(status == KW_BAD_NOT_FOUND ? KW_GOOD : status);
        } else {
            KW_TRY(insert(t, replacement, when));
        }
    }
    return kw_turn_touch(t);
}

kw_status kw_store_key_revoke(kw_store *s, kw_string id, int64_t when, const kw_signing_key *replacement)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, revoke(&t, id, when, replacement));
    }
    return t.status;
}

static kw_status reseal(kw_turn *t, kw_string id, kw_bytes former, kw_bytes private_key)
{
    KW_STATEMENT(q, t->sql, "UPDATE signing_key SET private_key = ? WHERE id = ? AND private_key = ?");
    kw_bind_blob(q, 1, private_key);
    kw_bind_text(q, 2, id);
    kw_bind_blob(q, 3, former);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_key_reseal(kw_store *s, kw_string id, kw_bytes former, kw_bytes private_key)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, reseal(&t, id, former, private_key));
    }
    return t.status;
}

static kw_status keep(kw_turn *t, kw_string id, int64_t kept_for)
{
    KW_STATEMENT(q, t->sql, "UPDATE signing_key SET kept_for = ? WHERE id = ? AND kept_for < ?");
    kw_bind_int(q, 1, kept_for);
    kw_bind_text(q, 2, id);
    kw_bind_int(q, 3, kept_for);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_key_keep(kw_store *s, kw_string id, int64_t kept_for)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, keep(&t, id, kept_for));
    }
    return t.status;
}

static kw_status drop(kw_turn *t, kw_string id)
{
    KW_STATEMENT(q, t->sql, "DELETE FROM signing_key WHERE id = ?");
    kw_bind_text(q, 1, id);
    KW_TRY(kw_turn_expect_change(t, kw_run(q)));
    return kw_turn_touch(t);
}

kw_status kw_store_key_remove(kw_store *s, kw_string id)
{
    kw_turn t = kw_turn_of(s, KW_TURN_CONFIGURATION);
    while (kw_turn_begin(&t)) {
        kw_turn_end(&t, drop(&t, id));
    }
    return t.status;
}
