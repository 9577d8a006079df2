/*
 * One question, one answer. The library would wait for ever for a server that has stopped without a word; here every wait has an
 * end, after which the connection is given up.
 */
#include "base/try.h"
#include "store/postgres_internal.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- what went wrong --------------------------------------------------------------------------------------------------- */

typedef struct meaning {
    const char *state; /* SQLSTATE, or the class that it begins with */
    kw_status status;
    kw_sql_fate fate;
} meaning;

static const meaning MEANINGS[] = {
    {"23505", KW_BAD_ALREADY_EXISTS, KW_SQL_DONE},
    {"23503", KW_BAD_NOT_FOUND, KW_SQL_DONE},
    {"23", KW_BAD_INVALID_ARGUMENT, KW_SQL_DONE},      /* another constraint */
    {"22", KW_BAD_INVALID_ARGUMENT, KW_SQL_DONE},      /* a value that the type does not have */
    {"40", KW_BAD_RESOURCE_UNAVAILABLE, KW_SQL_AGAIN}, /* serialisation failure, deadlock: PostgreSQL has rolled back */
    {"42501", KW_BAD_NOT_WRITABLE, KW_SQL_DONE},
    {"25006", KW_BAD_RESOURCE_UNAVAILABLE, KW_SQL_LOST}, /* what we are connected to has become a standby */
    {"54", KW_BAD_ENCODING_LIMITS_EXCEEDED, KW_SQL_DONE},
    {"57P", KW_BAD_RESOURCE_UNAVAILABLE, KW_SQL_LOST}, /* the server goes down */
    {"08", KW_BAD_RESOURCE_UNAVAILABLE, KW_SQL_LOST},
    {"XX001", KW_BAD_DECODING_ERROR, KW_SQL_DONE},
    {"XX002", KW_BAD_DECODING_ERROR, KW_SQL_DONE},
    {"", KW_BAD_RESOURCE_UNAVAILABLE, KW_SQL_DONE},
};

static kw_status lose(kw_postgres *p)
{
    p->failure[0] = '\0';
    p->base.fate = p->is_committing ? KW_SQL_UNSURE : KW_SQL_LOST;
    return KW_BAD_RESOURCE_UNAVAILABLE;
}

/* Who waited so long does not wait again. */
static kw_status give_up(kw_postgres *p)
{
    lose(p);
    p->base.fate = KW_SQL_UNSURE;
    return KW_BAD_RESOURCE_UNAVAILABLE;
}

static kw_status refuse(kw_postgres *p, const char *state)
{
    const meaning *m = MEANINGS;
    while (strncmp(state, m->state, strlen(m->state)) != 0) {
        m++;
    }
    snprintf(p->failure, sizeof(p->failure), "%s", state);
    p->base.fate = m->fate;
    return m->status;
}

/* --- waiting ----------------------------------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Something can be read, or written when there is something to write. */
static bool wait_for_socket(PGconn *db, bool wants_write, int64_t deadline)
{
    struct pollfd socket = {.fd = PQsocket(db), .events = (short)(POLLIN | (wants_write ? POLLOUT : 0))};
    const int64_t left = deadline - now_ms();
    if (socket.fd < 0 || left <= 0) {
        return false;
    }
    return poll(&socket, 1, left > INT32_MAX ? -1 : (int)left) >= 0; /* 0: the next turn finds that the time is over */
}

static bool wait_for_answer(PGconn *db, int64_t deadline)
{
    for (;;) {
        const int unsent = PQflush(db);
        if (unsent < 0) {
            return false;
        }
        if (unsent == 0 && PQisBusy(db) == 0) {
            return true;
        }
        if (!wait_for_socket(db, unsent > 0, deadline) || PQconsumeInput(db) == 0) {
            return false;
        }
    }
}

static bool is_failure(const PGresult *result)
{
    const ExecStatusType status = PQresultStatus(result);
    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
}

static kw_status look_at(kw_postgres *p, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return state != NULL ? refuse(p, state) : lose(p); /* without one it is the library that found the connection broken */
}

/* The first failure counts; else the last result is kept. */
static kw_status collect(kw_postgres *p, int64_t deadline, PGresult **last)
{
    kw_status status = KW_GOOD;
    for (;;) {
        if (!wait_for_answer(p->db, deadline)) {
            return now_ms() >= deadline ? give_up(p) : lose(p);
        }
        PGresult *result = PQgetResult(p->db);
        if (result == NULL) {
            return status;
        }
        if (!kw_status_is_bad(status) && is_failure(result)) {
            status = look_at(p, result);
        }
        PQclear(*last);
        *last = result;
    }
}

kw_status kw_postgres_answer(kw_postgres *p, int sent, bool patient, PGresult **out)
{
    PGresult *last = NULL;
    const int64_t deadline = patient ? INT64_MAX : now_ms() + p->answer_ms;
    kw_status status = sent == 1 ? collect(p, deadline, &last) : lose(p);
    if (PQstatus(p->db) == CONNECTION_BAD && p->base.fate != KW_SQL_UNSURE) { /* also after the server had said why it goes */
        status = lose(p);
    }
    if (out != NULL && !kw_status_is_bad(status)) {
        *out = last;
    } else {
        PQclear(last);
    }
    return status;
}

kw_status kw_postgres_run(kw_postgres *p, const char *text, PGresult **out)
{
    return kw_postgres_answer(p, PQsendQuery(p->db, text), false, out);
}
