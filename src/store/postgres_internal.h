/* Between the files of the PostgreSQL engine. */
#ifndef KW_STORE_POSTGRES_INTERNAL_H
#define KW_STORE_POSTGRES_INTERNAL_H

#include "store/sql_engine.h"

#include <libpq-fe.h>

#define KW_POSTGRES_SCHEMA "keyway"
/* Both as text in statements too. The server ends a statement first; who hears nothing from it any more gives the connection up. */
#define KW_POSTGRES_STATEMENT_MS 10000
#define KW_POSTGRES_ANSWER_MS 12000

typedef struct kw_postgres {
    kw_sql base;
    PGconn *db;
    bool is_writing; /* in the transaction under way */
    bool is_committing;
    int answer_ms;   /* how long an answer is waited for */
    char failure[6]; /* SQLSTATE of the last one; empty: the connection is lost */
    int64_t changes;
    unsigned prepared; /* statements; for their names */
} kw_postgres;

/* --- postgres_connect.c */
/* A connection with our settings. */
kw_status kw_postgres_connect(const char *url, kw_arena *arena, PGconn **out, kw_string *why);
kw_string kw_postgres_name(const char *url, kw_arena *arena);
bool kw_postgres_has_password(const char *url);

/* --- postgres_exchange.c: one question, one answer, and never waiting for ever */
/* What was sent (`sent`: what the sending function returned) is answered; *out may be NULL, else to be cleared. `patient`: no limit. */
kw_status kw_postgres_answer(kw_postgres *p, int sent, bool patient, PGresult **out);
/* Statements without parameters; *out (may be NULL): the result of the last one. */
kw_status kw_postgres_run(kw_postgres *p, const char *text, PGresult **out);

/* --- postgres_statement.c */
kw_status kw_postgres_statement_new(kw_sql *sql, const char *text, kw_statement **out);
void kw_postgres_statement_free(kw_statement *s);
kw_status kw_postgres_bind_int(kw_statement *s, int index, int64_t value);
kw_status kw_postgres_bind_text(kw_statement *s, int index, kw_string value);
kw_status kw_postgres_bind_blob(kw_statement *s, int index, kw_bytes value);
kw_status kw_postgres_bind_null(kw_statement *s, int index, bool is_blob);
kw_status kw_postgres_step(kw_statement *s);
int64_t kw_postgres_column_int(kw_statement *s, int index);
kw_status kw_postgres_column_borrow(kw_statement *s, int index, kw_bytes *out);
void kw_postgres_done(kw_statement *s);

/* --- postgres_words.c: our words in those of PostgreSQL; to be freed, NULL when there is no room */
char *kw_postgres_count_parameters(const char *text);
char *kw_postgres_define_words(const char *text);

#endif
