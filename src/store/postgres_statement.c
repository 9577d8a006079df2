/*
 * Prepared statements. They are prepared at their first step, when the types of their parameters are known: numbers are BIGINT,
 * blobs BYTEA, and texts what the server finds in their place (TEXT, or BYTEA for BYTETEXT). Values travel as bytes both ways.
 */
#include "base/try.h"
#include "store/postgres_internal.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETERS_MAX 32
#define NAME_MAX_LEN 16

/* pg_type.h of the server, which programs do not get. */
#define OID_INFERRED 0
#define OID_BOOL 16
#define OID_BYTEA 17
#define OID_INT8 20
#define OID_INT4 23

typedef struct statement {
    kw_statement base;
    char *text;              /* in the server's words */
    char name[NAME_MAX_LEN]; /* empty: not prepared yet */
    bool finds_nothing;      /* it is a lookup by a text that no row can have */
    int count;               /* parameters */
    Oid types[PARAMETERS_MAX];
    const char *values[PARAMETERS_MAX]; /* borrowed, or of `numbers` */
    int lengths[PARAMETERS_MAX];
    int64_t numbers[PARAMETERS_MAX]; /* big-endian */
    PGresult *result;
    int row;
} statement;

static statement *own(kw_statement *s)
{
    return (statement *)s;
}

kw_status kw_postgres_statement_new(kw_sql *sql, const char *text, kw_statement **out)
{
    statement *s = calloc(1, sizeof(*s));
    (void)sql;
    if (s != NULL) {
        s->text = kw_postgres_count_parameters(text);
    }
    if (s == NULL || s->text == NULL) {
        free(s);
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = &s->base;
    return KW_GOOD;
}

void kw_postgres_statement_free(kw_statement *s)
{
    PQclear(own(s)->result);
    free(own(s)->text);
    free(s);
}

/* --- parameters -------------------------------------------------------------------------------------------------------- */

static kw_status bind(kw_statement *base, int index, Oid type, const void *value, size_t len)
{
    statement *s = own(base);
    if (index < 1 || index > PARAMETERS_MAX) {
        return KW_BAD_INTERNAL_ERROR;
    }
    if (len > INT32_MAX) {
        return KW_BAD_ENCODING_LIMITS_EXCEEDED;
    }
    s->count = index > s->count ? index : s->count;
    s->types[index - 1] = type;
    s->values[index - 1] = value;
    s->lengths[index - 1] = (int)len;
    return KW_GOOD;
}

kw_status kw_postgres_bind_int(kw_statement *base, int index, int64_t value)
{
    statement *s = own(base);
    if (index < 1 || index > PARAMETERS_MAX) {
        return KW_BAD_INTERNAL_ERROR;
    }
    s->numbers[index - 1] = (int64_t)htobe64((uint64_t)value);
    return bind(base, index, OID_INT8, &s->numbers[index - 1], sizeof(int64_t));
}

/* The server would refuse it, which a name that somebody typed does not deserve: it is merely unknown. */
static bool is_in_no_row(const statement *s, kw_string value)
{
    static const char LOOKUP[] = "SELECT";
    return strncmp(s->text, LOOKUP, sizeof(LOOKUP) - 1) == 0 && !kw_utf8_is_valid(value, false);
}

kw_status kw_postgres_bind_text(kw_statement *s, int index, kw_string value)
{
    own(s)->finds_nothing = own(s)->finds_nothing || is_in_no_row(own(s), value);
    return bind(s, index, OID_INFERRED, value.data, value.len);
}

kw_status kw_postgres_bind_blob(kw_statement *s, int index, kw_bytes value)
{
    return bind(s, index, OID_BYTEA, value.data, value.len);
}

kw_status kw_postgres_bind_null(kw_statement *s, int index, bool is_blob)
{
    return bind(s, index, is_blob ? OID_BYTEA : OID_INFERRED, NULL, 0);
}

/* --- steps ------------------------------------------------------------------------------------------------------------- */

static kw_status prepare(kw_postgres *p, statement *s)
{
    char name[NAME_MAX_LEN];
    snprintf(name, sizeof(name), "k%u", ++p->prepared);
    KW_TRY(kw_postgres_answer(p, PQsendPrepare(p->db, name, s->text, s->count, s->types), false, NULL));
    memcpy(s->name, name, sizeof(name));
    return KW_GOOD;
}

static kw_status run(kw_postgres *p, statement *s)
{
    int formats[PARAMETERS_MAX];
    if (s->name[0] == '\0') {
        KW_TRY(prepare(p, s));
    }
    for (int i = 0; i < s->count; i++) {
        formats[i] = 1; /* bytes */
    }
    KW_TRY(kw_postgres_answer(p, PQsendQueryPrepared(p->db, s->name, s->count, s->values, s->lengths, formats, 1), false, &s->result));
    p->changes = strtoll(PQcmdTuples(s->result), NULL, 10);
    s->row = -1;
    return KW_GOOD;
}

kw_status kw_postgres_step(kw_statement *base)
{
    statement *s = own(base);
    if (s->finds_nothing) {
        return KW_GOOD_NO_DATA;
    }
    if (s->result == NULL) {
        KW_TRY(run((kw_postgres *)base->sql, s));
    }
    s->row++;
    return s->row < PQntuples(s->result) ? KW_GOOD : KW_GOOD_NO_DATA;
}

void kw_postgres_done(kw_statement *base)
{
    statement *s = own(base);
    PQclear(s->result);
    s->result = NULL;
    s->finds_nothing = false;
    memset(s->values, 0, sizeof(s->values));
}

/* --- columns ----------------------------------------------------------------------------------------------------------- */

int64_t kw_postgres_column_int(kw_statement *base, int index)
{
    const statement *s = own(base);
    const char *value = PQgetvalue(s->result, s->row, index);
    int64_t wide = 0;
    int32_t narrow = 0;
    if (PQgetisnull(s->result, s->row, index) != 0) {
        return 0;
    }
    switch (PQftype(s->result, index)) {
    case OID_INT8:
        memcpy(&wide, value, sizeof(wide));
        return (int64_t)be64toh((uint64_t)wide);
    case OID_INT4:
        memcpy(&narrow, value, sizeof(narrow));
        return (int32_t)be32toh((uint32_t)narrow);
    case OID_BOOL:
        return value[0] != 0;
    default:
        base->status = KW_BAD_INTERNAL_ERROR; /* a statement that sticks to store/sql.h has no others */
        return 0;
    }
}

kw_status kw_postgres_column_borrow(kw_statement *base, int index, kw_bytes *out)
{
    const statement *s = own(base);
    if (PQgetisnull(s->result, s->row, index) == 0) {
        *out = (kw_bytes){(const uint8_t *)PQgetvalue(s->result, s->row, index), (size_t)PQgetlength(s->result, s->row, index)};
    }
    return KW_GOOD;
}
