/*
 * PostgreSQL: for stores that many nodes share. The tables are in a schema of their own. Turns are advisory locks, taken when a
 * transaction begins and let go by its end, however that comes; so no statement finds what it read before changed by another node,
 * and two turns of different kinds do not wait for each other.
 */
#include "base/try.h"
#include "store/postgres_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READERS 4
#define WRITERS 4
#define LOCKS 1264941431 /* "Keyw": the first half of our advisory locks; the second is the kind of turn */

static kw_postgres *own(kw_sql *sql)
{
    return (kw_postgres *)sql;
}

static const char *reason(kw_sql *sql)
{
    static const struct {
        const char *state, *sentence;
    } SENTENCES[] = {
        {"42501", "the user of the database may not make or change the tables of the store"},
        {"53100", "the disk of the database is full"},
        {"53", "the database has no room for another connection"},
        {"57014", "another process keeps the store busy; try again"},
        {"25006", "the database can only be read"},
        {"", "the database refuses what the store needs"},
    };
    const char *failure = own(sql)->failure;
    size_t i = 0;
    if (failure[0] == '\0') {
        return "the database cannot be reached";
    }
    while (strncmp(failure, SENTENCES[i].state, strlen(SENTENCES[i].state)) != 0) {
        i++;
    }
    return SENTENCES[i].sentence;
}

/* --- transactions ------------------------------------------------------------------------------------------------------ */

/* A turn that changes the schema may take as long as the tables are large. */
static kw_status ask_for_turn(kw_postgres *p, kw_sql_turn turn)
{
    char text[256];
    snprintf(text, sizeof(text), "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;%s SELECT pg_advisory_xact_lock(%d, %d)",
             turn == KW_TURN_SCHEMA ? " SET LOCAL statement_timeout = 0;" : "", LOCKS, (int)turn);
    return kw_postgres_answer(p, PQsendQuery(p->db, text), turn == KW_TURN_SCHEMA, NULL);
}

static void roll_back(kw_postgres *p)
{
    const kw_sql_fate fate = p->base.fate;
    if (fate == KW_SQL_LOST || fate == KW_SQL_UNSURE || PQtransactionStatus(p->db) == PQTRANS_IDLE) {
        return;
    }
    if (!kw_status_is_bad(kw_postgres_run(p, "ROLLBACK", NULL))) {
        p->base.fate = fate;
    }
}

static kw_status begin(kw_sql *sql, kw_sql_turn turn)
{
    kw_postgres *p = own(sql);
    p->is_writing = turn != KW_TURN_LOOK && turn != KW_TURN_READ;
    if (turn == KW_TURN_LOOK) {
        return KW_GOOD;
    }
    const kw_status status =
        turn == KW_TURN_READ ? kw_postgres_run(p, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL) : ask_for_turn(p, turn);
    if (kw_status_is_bad(status)) {
        roll_back(p);
    }
    return status;
}

static kw_status commit(kw_postgres *p)
{
    PGresult *result = NULL;
    p->is_committing = p->is_writing; /* what was only read can be read again */
    const kw_status status = kw_postgres_run(p, "COMMIT", &result);
    p->is_committing = false;
    KW_TRY(status);
    /* Where a statement had failed it rolls back, and says so. */
    const bool is_committed = strcmp(PQcmdStatus(result), "COMMIT") == 0;
    PQclear(result);
    return is_committed ? KW_GOOD : KW_BAD_INTERNAL_ERROR;
}

static kw_status end(kw_sql *sql, kw_status status)
{
    kw_postgres *p = own(sql);
    if (kw_status_is_bad(status)) {
        roll_back(p);
        return status;
    }
    if (PQtransactionStatus(p->db) == PQTRANS_IDLE) { /* one statement, no more */
        return status;
    }
    KW_TRY(commit(p));
    return status;
}

static kw_status define(kw_sql *sql, const char *text)
{
    kw_postgres *p = own(sql);
    char *words = kw_postgres_define_words(text);
    const kw_status status = words == NULL ? KW_BAD_OUT_OF_MEMORY : kw_postgres_answer(p, PQsendQuery(p->db, words), true, NULL);
    free(words);
    return status;
}

static int64_t changes(kw_sql *sql)
{
    return own(sql)->changes;
}

/* --- opening ----------------------------------------------------------------------------------------------------------- */

typedef struct surroundings {
    bool has_schema, has_version, has_tables;
} surroundings;

static kw_status look_around(kw_postgres *p, surroundings *out)
{
    PGresult *result = NULL;
    KW_TRY(kw_postgres_run(p,
                           "SELECT to_regnamespace('" KW_POSTGRES_SCHEMA "') IS NOT NULL,"
                           " to_regclass('" KW_POSTGRES_SCHEMA ".schema_version') IS NOT NULL,"
                           " EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace('" KW_POSTGRES_SCHEMA "'))",
                           &result));
    out->has_schema = PQgetvalue(result, 0, 0)[0] == 't';
    out->has_version = PQgetvalue(result, 0, 1)[0] == 't';
    out->has_tables = PQgetvalue(result, 0, 2)[0] == 't';
    PQclear(result);
    return KW_GOOD;
}

static kw_status make_schema(kw_postgres *p)
{
    surroundings now;
    KW_TRY(look_around(p, &now)); /* in the turn: another node may have been quicker */
    return now.has_schema ? KW_GOOD : kw_postgres_run(p, "CREATE SCHEMA " KW_POSTGRES_SCHEMA, NULL);
}

/* What is there already is ours, or there is nothing and we make the room for it. */
static kw_status recognize(kw_postgres *p, bool create, kw_string *why)
{
    surroundings found;
    KW_TRY(look_around(p, &found));
    if (found.has_version) {
        return KW_GOOD;
    }
    if (found.has_tables) {
        *why = KW_STRING("the schema " KW_POSTGRES_SCHEMA " of this database is not a Keyway store");
        return KW_BAD_DECODING_ERROR;
    }
    if (!create) {
        *why = KW_STRING("there is no store in this database; `keyway init --store URL DIR` makes one");
        return KW_BAD_NOT_FOUND;
    }
    KW_TRY(begin(&p->base, KW_TURN_SCHEMA));
    return end(&p->base, make_schema(p));
}

static void close_store(kw_sql *sql)
{
    PQfinish(own(sql)->db);
    free(sql);
}

static kw_status open_store(const char *location, bool create, kw_arena *arena, kw_sql **out, kw_string *why)
{
    kw_postgres *p = calloc(1, sizeof(*p));
    *why = KW_STRING("out of memory");
    if (p == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    p->base.engine = &KW_POSTGRES;
    p->answer_ms = KW_POSTGRES_ANSWER_MS;
    kw_status status = kw_postgres_connect(location, arena, &p->db, why);
    if (!kw_status_is_bad(status)) {
        *why = KW_BYTES_NULL;
        status = recognize(p, create, why);
        if (kw_status_is_bad(status) && why->data == NULL) {
            *why = kw_string_from(reason(&p->base));
        }
    }
    if (kw_status_is_bad(status)) {
        kw_sql_close(&p->base);
        return status;
    }
    *out = &p->base;
    return KW_GOOD;
}

const kw_sql_engine KW_POSTGRES = {.readers = READERS,
                                   .writers = WRITERS,
                                   .name = kw_postgres_name,
                                   .has_password = kw_postgres_has_password,
                                   .open = open_store,
                                   .close = close_store,
                                   .define = define,
                                   .reason = reason,
                                   .begin = begin,
                                   .end = end,
                                   .changes = changes,
                                   .statement_new = kw_postgres_statement_new,
                                   .statement_free = kw_postgres_statement_free,
                                   .bind_int = kw_postgres_bind_int,
                                   .bind_text = kw_postgres_bind_text,
                                   .bind_blob = kw_postgres_bind_blob,
                                   .bind_null = kw_postgres_bind_null,
                                   .step = kw_postgres_step,
                                   .column_int = kw_postgres_column_int,
                                   .column_borrow = kw_postgres_column_borrow,
                                   .done = kw_postgres_done};
