#include "support/kw_test_postgres.h"

#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool kw_test_postgres_is_there(void)
{
    return getenv("KW_TEST_POSTGRES") != NULL;
}

static PGconn *connect_to(const char *url)
{
    PGconn *db = PQconnectdb(url);
    if (PQstatus(db) != CONNECTION_OK) {
        fail_msg("%s: %s", url, PQerrorMessage(db));
    }
    return db;
}

static void on_any_database(const char *sql)
{
    char url[512];
    snprintf(url, sizeof(url), "postgresql://keyway@/postgres?host=%s", getenv("KW_TEST_POSTGRES"));
    PGconn *db = connect_to(url);
    free(kw_test_postgres_run(db, sql));
    PQfinish(db);
}

void kw_test_postgres_create(char *url, size_t room)
{
    static unsigned count;
    char sql[128];
    count++;
    snprintf(sql, sizeof(sql), "CREATE DATABASE t%d_%u", (int)getpid(), count);
    on_any_database(sql);
    snprintf(url, room, "postgresql://keyway@/t%d_%u?host=%s", (int)getpid(), count, getenv("KW_TEST_POSTGRES"));
}

void kw_test_postgres_drop(const char *url)
{
    char sql[128];
    const char *name = strrchr(strstr(url, "@/"), '@') + 2;
    snprintf(sql, sizeof(sql), "DROP DATABASE %.*s WITH (FORCE)", (int)strcspn(name, "?"), name);
    on_any_database(sql);
}

static void ignore_notice(void *ctx, const char *text)
{
    (void)ctx;
    (void)text;
}

PGconn *kw_test_postgres_connect(const char *url)
{
    PGconn *db = connect_to(url);
    PQsetNoticeProcessor(db, ignore_notice, NULL);
    free(kw_test_postgres_run(db, "SET search_path = keyway; SET deadlock_timeout = '1min'"));
    return db;
}

char *kw_test_postgres_run(PGconn *db, const char *sql)
{
    PGresult *result = PQexec(db, sql);
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQerrorMessage(db));
    }
    char *value = PQntuples(result) > 0 && PQgetisnull(result, 0, 0) == 0 ? strdup(PQgetvalue(result, 0, 0)) : NULL;
    PQclear(result);
    return value;
}
