/* From a URL to a connection: what the URL leaves open is set so that nothing travels unprotected and nothing waits for ever. */
#include "base/secret.h"
#include "base/try.h"
#include "store/postgres_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 80
#define VERSION_MIN 120000

typedef struct parameters {
    const char *keywords[OPTIONS_MAX + 1], *values[OPTIONS_MAX + 1];
    size_t count;
} parameters;

static void put(parameters *p, const char *keyword, const char *value)
{
    if (p->count < OPTIONS_MAX) {
        p->keywords[p->count] = keyword;
        p->values[p->count++] = value;
    }
}

/* --- the URL ----------------------------------------------------------------------------------------------------------- */

/* What the URL or the environment says; NULL: nothing. */
static const char *said(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (strcmp(o->keyword, keyword) == 0) {
            return o->val != NULL ? o->val : o->envvar != NULL ? getenv(o->envvar) : NULL;
        }
    }
    return NULL;
}

static bool is_local(const char *host, size_t len)
{
    static const char *const LOCAL[] = {"localhost", "127.0.0.1", "::1"};
    for (size_t i = 0; i < sizeof(LOCAL) / sizeof(LOCAL[0]); i++) {
        if (strlen(LOCAL[i]) == len && memcmp(LOCAL[i], host, len) == 0) {
            return true;
        }
    }
    return len == 0 || host[0] == '/' || host[0] == '@'; /* a socket of this machine */
}

/* One or several, with commas between. */
static bool are_local(const char *hosts)
{
    for (const char *at = hosts; at != NULL; at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL) {
        if (!is_local(at, strcspn(at, ","))) {
            return false;
        }
    }
    return true;
}

/* A service file may name any host. */
static bool is_elsewhere(const PQconninfoOption *options)
{
    return said(options, "service") != NULL || !are_local(said(options, "host")) || !are_local(said(options, "hostaddr"));
}

static void put_default(parameters *p, const PQconninfoOption *options, const char *keyword, const char *value)
{
    if (said(options, keyword) == NULL) {
        put(p, keyword, value);
    }
}

static void choose(parameters *p, const PQconninfoOption *options)
{
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val != NULL) {
            put(p, o->keyword, o->val);
        }
    }
    put(p, "client_encoding", "UTF8");
    put(p, "fallback_application_name", "keyway");
    put_default(p, options, "connect_timeout", "5");
    put_default(p, options, "target_session_attrs", "read-write"); /* of several hosts: the one that is no standby */
    put_default(p, options, "keepalives_idle", "15");
    put_default(p, options, "tcp_user_timeout", "10000");
    if (is_elsewhere(options)) {
        put_default(p, options, "sslmode", "verify-full");
    }
}

/* --- the connection ---------------------------------------------------------------------------------------------------- */

static void ignore_notice(void *ctx, const char *text)
{
    (void)ctx;
    (void)text;
}

/* The library's words name host, port, user and database, and no password. In one line. */
static kw_string reason(PGconn *db, kw_arena *arena)
{
    const char *text = PQerrorMessage(db);
    const size_t len = strlen(text);
    char *copy = arena != NULL && len > 0 ? kw_arena_array(arena, len, 1) : NULL;
    size_t used = 0;
    if (copy == NULL) {
        return KW_STRING("the database cannot be reached");
    }
    for (size_t i = 0; i < len; i++) {
        const bool is_space = strchr(" \t\n", text[i]) != NULL;
        if (!is_space) {
            copy[used++] = text[i];
        } else if (used > 0 && copy[used - 1] != ' ') {
            copy[used++] = ' ';
        }
    }
    used -= used > 0 && copy[used - 1] == ' ';
    return (kw_string){(const uint8_t *)copy, used};
}

static kw_status check_server(PGconn *db, kw_string *why)
{
    const char *encoding = PQparameterStatus(db, "server_encoding");
    if (PQserverVersion(db) < VERSION_MIN) {
        *why = KW_STRING("the database is older than PostgreSQL 12");
        return KW_BAD_CONFIGURATION_ERROR;
    }
    if (encoding == NULL || (strcmp(encoding, "UTF8") != 0 && strcmp(encoding, "SQL_ASCII") != 0)) {
        *why = KW_STRING("the database has another encoding than UTF8");
        return KW_BAD_CONFIGURATION_ERROR;
    }
    return KW_GOOD;
}

/* synchronous_commit: an administrator may ask for more than `on`, but not for less. */
static kw_status set_up(PGconn *db, kw_arena *arena, kw_string *why)
{
    char text[400];
    snprintf(text, sizeof(text),
             "SET search_path = " KW_POSTGRES_SCHEMA "; SET statement_timeout = %d; SET idle_in_transaction_session_timeout = %d;"
             "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
             KW_POSTGRES_STATEMENT_MS, KW_POSTGRES_ANSWER_MS);
    PGresult *result = PQexec(db, text);
    const bool is_good = PQresultStatus(result) == PGRES_TUPLES_OK && PQsetnonblocking(db, 1) == 0;
    PQclear(result);
    if (!is_good) {
        *why = reason(db, arena);
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
    return KW_GOOD;
}

static kw_status connect_with(const parameters *p, kw_arena *arena, PGconn **out, kw_string *why)
{
    PGconn *db = PQconnectdbParams(p->keywords, p->values, 0);
    kw_status status = KW_BAD_RESOURCE_UNAVAILABLE;
    if (PQstatus(db) != CONNECTION_OK) {
        *why = reason(db, arena);
    } else {
        PQsetNoticeProcessor(db, ignore_notice, NULL);
        status = check_server(db, why);
    }
    if (!kw_status_is_bad(status)) {
        status = set_up(db, arena, why);
    }
    if (kw_status_is_bad(status)) {
        PQfinish(db);
        return status;
    }
    *out = db;
    return KW_GOOD;
}

/* As the library marks what is not to be shown: passwords. */
static bool is_secret(const PQconninfoOption *o)
{
    return o->val != NULL && o->val[0] != '\0' && o->dispchar[0] == '*';
}

static void forget(PQconninfoOption *options)
{
    for (PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (is_secret(o)) {
            kw_wipe(o->val, strlen(o->val));
        }
    }
    PQconninfoFree(options);
}

/* A password without an @ behind it looks like a port, and the library would quote it. */
static kw_status check_port(const char *port, kw_string *why)
{
    if (port != NULL && strspn(port, "0123456789,") != strlen(port)) {
        *why = KW_STRING("the port in the URL of the database is not a number");
        return KW_BAD_CONFIGURATION_ERROR;
    }
    return KW_GOOD;
}

kw_status kw_postgres_connect(const char *url, kw_arena *arena, PGconn **out, kw_string *why)
{
    parameters p = {.count = 0};
    PQconninfoOption *options = PQconninfoParse(url, NULL); /* its words would quote the URL, and what is wrong may be the password */
    if (options == NULL) {
        *why = KW_STRING("this is no URL of PostgreSQL, which looks like postgresql://user@host/database?sslmode=verify-full");
        return KW_BAD_CONFIGURATION_ERROR;
    }
    kw_status status = check_port(said(options, "port"), why);
    if (!kw_status_is_bad(status)) {
        choose(&p, options);
        status = connect_with(&p, arena, out, why);
    }
    forget(options);
    return status;
}

/* --- the URL, for people ----------------------------------------------------------------------------------------------- */

static kw_string name_of(const PQconninfoOption *options, kw_arena *arena)
{
    const char *host = said(options, "host"), *port = said(options, "port"), *database = said(options, "dbname");
    const bool has_port = port != NULL && port[0] != '\0' && strspn(port, "0123456789") == strlen(port);
    return kw_arena_format(arena, "postgresql://%s%s%s/%s", host != NULL ? host : "", has_port ? ":" : "", has_port ? port : "",
                           database != NULL ? database : "");
}

kw_string kw_postgres_name(const char *url, kw_arena *arena)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (options == NULL) { /* who knows what is what in it */
        return KW_STRING("postgresql://…");
    }
    const kw_string name = name_of(options, arena);
    forget(options);
    return name;
}

bool kw_postgres_has_password(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool found = options == NULL;
    for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        found = found || is_secret(o);
    }
    if (options != NULL) {
        forget(options);
    }
    return found;
}
