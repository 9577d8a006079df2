/* What is PostgreSQL's own: nodes that start together, conflicts that are tried again, connections that go away. */
#include "store/postgres_internal.h"
#include "store/store_internal.h"
#include "support/kw_test_postgres.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int setup_without_store(void **state)
{
    kw_test_store_setup(state);
    kw_test_store *t = *state;
    kw_store_close(t->store);
    t->store = NULL;
    kw_test_store_tamper(t, "DROP SCHEMA keyway CASCADE");
    return 0;
}

static void assert_refused(kw_test_store *t, const char *location, bool create, kw_status expected, const char *sentence)
{
    kw_store *store = NULL;
    kw_string why = KW_BYTES_NULL;
    assert_status(kw_store_open(location, create, &t->clock.clock, t->arena, &store, &why), expected);
    assert_null(store);
    if (strstr(kw_arena_cstring(t->arena, why), sentence) == NULL) {
        fail_msg("%s: %.*s", location, KW_STRING_ARGS(why));
    }
}

static kw_status add_user(kw_store *s, const char *name)
{
    return kw_store_user_add(s, &(kw_user){.name = kw_string_from(name)});
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static void a_missing_store_is_not_made_unasked(void **state)
{
    kw_test_store *t = *state;
    assert_refused(t, t->path, false, KW_BAD_NOT_FOUND, "`keyway init --store URL DIR` makes one");
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM pg_namespace WHERE nspname = 'keyway'"), 0);
}

static void a_missing_database_is_told(void **state)
{
    kw_test_store *t = *state;
    char url[600];
    snprintf(url, sizeof(url), "postgresql://keyway@/nowhere?host=%s", getenv("KW_TEST_POSTGRES"));
    assert_refused(t, url, true, KW_BAD_RESOURCE_UNAVAILABLE, "database \"nowhere\" does not exist");
}

static void the_tables_of_another_program_are_refused_and_kept(void **state)
{
    kw_test_store *t = *state;
    kw_test_store_tamper(t, "CREATE SCHEMA keyway; CREATE TABLE keyway.account (x INT)");
    assert_refused(t, t->path, true, KW_BAD_DECODING_ERROR, "the schema keyway of this database is not a Keyway store");
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'keyway'"), 1);
}

static void an_empty_schema_that_an_administrator_made_is_used(void **state)
{
    kw_test_store *t = *state;
    kw_test_store_tamper(t, "CREATE SCHEMA keyway");
    t->store = kw_test_store_open(t);
    assert_true(kw_store_version(t->store) != 0);
}

static void a_store_of_a_newer_keyway_is_refused_and_kept(void **state)
{
    kw_test_store *t = *state;
    kw_store_close(kw_test_store_open(t));
    const int64_t known = kw_test_store_query(t, "SELECT MAX(version) FROM schema_version");
    kw_test_store_tamper(t, "INSERT INTO schema_version VALUES (1000)");
    assert_refused(t, t->path, false, KW_BAD_CONFIGURATION_ERROR, "the store is of version 1000");
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM schema_version"), known + 1);
}

static void a_user_without_rights_is_told(void **state)
{
    kw_test_store *t = *state;
    char url[600];
    const char *rest = strchr(t->path, '@');
    snprintf(url, sizeof(url), "postgresql://powerless%s", rest);
    kw_test_store_tamper(t, "DO $$ BEGIN CREATE ROLE powerless LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    assert_refused(t, url, true, KW_BAD_NOT_WRITABLE, "may not make or change the tables");
}

typedef struct starter {
    pthread_t thread;
    kw_test_store *t;
    kw_arena *arena;
    kw_store *store;
    kw_status status;
} starter;

static void *start_node(void *argument)
{
    starter *s = argument;
    s->status = kw_store_open(s->t->path, true, &s->t->clock.clock, s->arena, &s->store, NULL);
    return NULL;
}

static void nodes_that_start_together_make_one_store(void **state)
{
    kw_test_store *t = *state;
    starter nodes[8];
    const size_t count = sizeof(nodes) / sizeof(nodes[0]);
    for (size_t i = 0; i < count; i++) {
        nodes[i] = (starter){.t = t, .arena = kw_arena_new(65536)};
        assert_int_equal(pthread_create(&nodes[i].thread, NULL, start_node, &nodes[i]), 0);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(nodes[i].thread, NULL), 0);
        assert_status(nodes[i].status, KW_GOOD);
        kw_store_close(nodes[i].store);
        kw_arena_free(nodes[i].arena);
    }
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM role WHERE name = 'Anonymous'"), 1);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) - MAX(version) FROM schema_version"), 0);
}

/* --- secrets ------------------------------------------------------------------------------------------------------ */

static void a_password_is_in_no_message(void **state)
{
    kw_test_store *t = *state;
    static const char *const URLS[] = {
        "postgresql://u:geheim@localhost:port/db",
        "postgresql://u:ge%heim@localhost/db",
        "postgresql://u:geheim@[::1/db",
        "postgresql://localhost/db?password=geheim&nonsense=geheim",
        "postgresql://u:geheim@localhost:1/db",
        "postgresql://u:geheim@/db?host=/nowhere/geh&password=geheim",
        "postgresql://u@localhost:1/db?password=geheim",
        "postgresql://u:geheim@localhost:1/db?sslmode=nonsense",
        "postgresql://u:geheim/db",
    };
    for (size_t i = 0; i < sizeof(URLS) / sizeof(URLS[0]); i++) {
        kw_store *store = NULL;
        kw_string why = KW_BYTES_NULL;
        assert_true(kw_status_is_bad(kw_store_open(URLS[i], true, &t->clock.clock, t->arena, &store, &why)));
        assert_true(why.len > 0);
        const kw_string name = kw_store_location_name(URLS[i], t->arena);
        if (strstr(kw_arena_cstring(t->arena, why), "heim") != NULL || strstr(kw_arena_cstring(t->arena, name), "heim") != NULL) {
            fail_msg("%s: %.*s; %.*s", URLS[i], KW_STRING_ARGS(why), KW_STRING_ARGS(name));
        }
    }
}

static void a_store_is_named_by_host_and_database(void **state)
{
    kw_test_store *t = *state;
    static const struct {
        const char *location, *name;
        bool has_password;
    } CASES[] = {
        {"postgresql://u:geheim@db.plant:5433/keyway?sslmode=require", "postgresql://db.plant:5433/keyway", true},
        {"postgresql://u@a,b/keyway", "postgresql://a,b/keyway", false},
        {"postgres://a/keyway?password=x", "postgresql://a/keyway", true},
        {"postgresql://u:geheim", "postgresql://u/", false},
        {"/var/lib/keyway/store.db", "/var/lib/keyway/store.db", false},
        {"mysql://u:geheim@host/db", "mysql://…", true},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_string_equal(kw_arena_cstring(t->arena, kw_store_location_name(CASES[i].location, t->arena)), CASES[i].name);
        assert_int_equal(kw_store_location_has_password(CASES[i].location), CASES[i].has_password);
    }
}

/* A server that knows no TLS: it says no to the first question of each caller, until nobody can call any more. */
static void *say_no(void *argument)
{
    const int listener = *(int *)argument;
    for (;;) {
        char question[8];
        const int caller = accept(listener, NULL, NULL);
        if (caller < 0) {
            return NULL;
        }
        if (recv(caller, question, sizeof(question), MSG_WAITALL) == (ssize_t)sizeof(question)) {
            send(caller, "N", 1, MSG_NOSIGNAL);
        }
        close(caller);
    }
}

static uint16_t listen_elsewhere(int *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7F000002)}; /* not what one calls localhost */
    socklen_t len = sizeof(address);
    *listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(*listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(*listener, 8), 0);
    assert_int_equal(getsockname(*listener, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

/* Nothing travels unprotected unless somebody says so. */
static void a_host_elsewhere_must_prove_itself(void **state)
{
    kw_test_store *t = *state;
    static const struct {
        const char *format, *sentence;
    } CASES[] = {
        {"postgresql://u:geheim@127.0.0.2:%u/db", "server does not support SSL, but SSL was required"},
        {"postgresql://u:geheim@%%2Fnowhere,127.0.0.2:%u/db", "server does not support SSL, but SSL was required"},
        {"postgresql://u:geheim@/db?hostaddr=127.0.0.2&port=%u", "server does not support SSL, but SSL was required"},
        {"postgresql://u:geheim@127.0.0.2:%u/db?sslmode=prefer", "onnection to server at"},
    };
    int listener = -1;
    pthread_t server;
    const uint16_t port = listen_elsewhere(&listener);
    assert_int_equal(pthread_create(&server, NULL, say_no, &listener), 0);
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char url[200];
        snprintf(url, sizeof(url), CASES[i].format, port);
        assert_refused(t, url, true, KW_BAD_RESOURCE_UNAVAILABLE, CASES[i].sentence);
    }
    shutdown(listener, SHUT_RDWR);
    assert_int_equal(pthread_join(server, NULL), 0);
    close(listener);
}

static int64_t asked_of_a_connection(kw_store *s, const char *question)
{
    int64_t value = -1;
    kw_statement *q = NULL;
    kw_turn t = kw_turn_of(s, KW_TURN_LOOK);
    while (kw_turn_begin(&t)) {
        assert_status(kw_sql_statement(t.sql, question, &q), KW_GOOD);
        assert_status(kw_step(q), KW_GOOD);
        value = kw_column_int(q, 0);
        kw_statement_done(q);
        kw_turn_end(&t, KW_GOOD);
    }
    return value;
}

/* An administrator's shortcut must not lose what we acknowledge. */
static void a_commit_waits_for_the_disk(void **state)
{
    kw_test_store *t = *state;
    static const char QUESTION[] = "SELECT current_setting('synchronous_commit') = 'on'";
    kw_test_store_tamper(t, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$");
    kw_test_store_reopen(t);
    assert_int_equal(asked_of_a_connection(t->store, QUESTION), 1);
}

/* --- again -------------------------------------------------------------------------------------------------------- */

/* The first `times` that an account is written, `what` happens. */
static void let_fail(kw_test_store *t, int times, const char *what, const char *when)
{
    char sql[1000];
    snprintf(sql, sizeof(sql),
             "CREATE SEQUENCE attempts;"
             "CREATE FUNCTION failing() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN"
             " IF nextval('attempts') <= %d THEN %s; END IF; RETURN NEW; END $$;"
             "CREATE CONSTRAINT TRIGGER failing AFTER INSERT ON account %s FOR EACH ROW EXECUTE FUNCTION failing()",
             times, what, when);
    kw_test_store_tamper(t, sql);
}

static int64_t attempts(kw_test_store *t)
{
    return kw_test_store_query(t, "SELECT last_value FROM attempts");
}

#define CONFLICT "RAISE EXCEPTION 'in the way' USING ERRCODE = '40001'"
#define CUT "PERFORM pg_terminate_backend(pg_backend_pid())"

static void what_was_in_the_way_of_another_is_tried_again(void **state)
{
    kw_test_store *t = *state;
    let_fail(t, 3, CONFLICT, "");
    const uint64_t version = kw_store_version(t->store);
    assert_status(add_user(t->store, "alice"), KW_GOOD);
    assert_int_equal(attempts(t), 4);
    assert_true(kw_store_version(t->store) == version + 1);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM account"), 1);
}

static void a_conflict_at_the_commit_is_tried_again(void **state)
{
    kw_test_store *t = *state;
    let_fail(t, 2, CONFLICT, "DEFERRABLE INITIALLY DEFERRED");
    assert_status(add_user(t->store, "alice"), KW_GOOD);
    assert_int_equal(attempts(t), 3);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM account"), 1);
}

static void it_is_not_tried_for_ever(void **state)
{
    kw_test_store *t = *state;
    let_fail(t, 1000000, CONFLICT, "");
    assert_status(add_user(t->store, "alice"), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_true(attempts(t) > 1 && attempts(t) < 100);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM account"), 0);
}

typedef struct adder {
    pthread_t thread;
    kw_store *store;
    kw_status status;
} adder;

static void *add_alice(void *argument)
{
    adder *a = argument;
    a->status = add_user(a->store, "alice");
    return NULL;
}

/* Ours wrote an account and waits for the counter; the other has the counter and waits for the account. Ours gives way. */
static void who_is_chosen_to_end_a_deadlock_tries_again(void **state)
{
    kw_test_store *t = *state;
    adder a = {.store = t->store};
    PGconn *other = kw_test_postgres_connect(t->path);
    PGconn *watch = kw_test_postgres_connect(t->path);
    free(kw_test_postgres_run(other, "BEGIN; UPDATE change_counter SET value = value"));
    assert_int_equal(pthread_create(&a.thread, NULL, add_alice, &a), 0);
    char *waiting = NULL;
    while (waiting == NULL) {
        waiting = kw_test_postgres_run(watch, "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND"
                                              " datname = current_database() AND query LIKE 'UPDATE change_counter%'");
    }
    free(waiting);
    free(kw_test_postgres_run(other, "INSERT INTO account (name, configuration, created, changed) VALUES ('alice', 0, 0, 0); ROLLBACK"));
    assert_int_equal(pthread_join(a.thread, NULL), 0);
    assert_status(a.status, KW_GOOD);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM account"), 1);
    PQfinish(other);
    PQfinish(watch);
}

/* --- connections -------------------------------------------------------------------------------------------------- */

#define CUT_ALL                                                                                                                            \
    "SELECT COUNT(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"                                                                 \
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'keyway'"

static void connections_that_were_cut_are_made_anew(void **state)
{
    kw_test_store *t = *state;
    kw_user found;
    assert_status(add_user(t->store, "alice"), KW_GOOD);
    assert_true(kw_test_store_query(t, CUT_ALL) >= 2);
    assert_status(kw_store_user_get(t->store, KW_STRING("alice"), t->arena, &found), KW_GOOD);
    assert_status(add_user(t->store, "bob"), KW_GOOD);
    assert_true(kw_store_version(t->store) != 0);
}

static void what_was_cut_off_before_its_commit_is_done_once(void **state)
{
    kw_test_store *t = *state;
    let_fail(t, 1, CUT, "");
    assert_status(add_user(t->store, "alice"), KW_GOOD);
    assert_int_equal(attempts(t), 2);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM account"), 1);
}

/* Nobody knows whether it was done: it is not acknowledged, and not done twice. */
static void what_was_cut_off_at_its_commit_is_not_tried_again(void **state)
{
    kw_test_store *t = *state;
    let_fail(t, 1, CUT, "DEFERRABLE INITIALLY DEFERRED");
    assert_status(add_user(t->store, "alice"), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_int_equal(attempts(t), 1);
    assert_status(add_user(t->store, "alice"), KW_GOOD);
}

/* Not even for a superuser. */
static void close_database(kw_test_store *t, PGconn *other)
{
    char sql[200];
    const char *name = strstr(t->path, "@/") + 2;
    const int len = (int)strcspn(name, "?");
    snprintf(sql, sizeof(sql), "ALTER DATABASE %.*s ALLOW_CONNECTIONS false", len, name);
    free(kw_test_postgres_run(other, sql));
    snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '%.*s'", len, name);
    free(kw_test_postgres_run(other, sql));
}

static void open_database(kw_test_store *t, PGconn *other)
{
    char sql[200];
    const char *name = strstr(t->path, "@/") + 2;
    snprintf(sql, sizeof(sql), "ALTER DATABASE %.*s ALLOW_CONNECTIONS true", (int)strcspn(name, "?"), name);
    free(kw_test_postgres_run(other, sql));
}

static PGconn *connect_elsewhere(void)
{
    char url[600];
    snprintf(url, sizeof(url), "postgresql://keyway@/postgres?host=%s", getenv("KW_TEST_POSTGRES"));
    return kw_test_postgres_connect(url);
}

static void a_store_that_is_down_is_told_and_comes_back_by_itself(void **state)
{
    kw_test_store *t = *state;
    PGconn *other = connect_elsewhere();
    assert_status(add_user(t->store, "alice"), KW_GOOD);
    close_database(t, other);
    assert_status(add_user(t->store, "bob"), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_true(kw_store_version(t->store) == 0);
    assert_status(kw_store_audit_append(t->store, &(kw_audit_record){.event = KW_STRING("e")}), KW_BAD_RESOURCE_UNAVAILABLE);
    open_database(t, other);
    kw_test_clock_advance(&t->clock, 5000);
    assert_status(add_user(t->store, "bob"), KW_GOOD);
    assert_true(kw_store_version(t->store) != 0);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM account"), 2);
    PQfinish(other);
}

static void a_store_that_is_down_is_asked_with_growing_waits(void **state)
{
    kw_test_store *t = *state;
    static const uint64_t WAITS[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    PGconn *other = connect_elsewhere();
    const kw_pool *pool = &t->store->writers;
    close_database(t, other);
    for (unsigned i = 0; i < sizeof(WAITS) / sizeof(WAITS[0]); i++) {
        assert_status(add_user(t->store, "alice"), KW_BAD_RESOURCE_UNAVAILABLE);
        assert_int_equal(pool->failures, i + 1);
        kw_test_clock_advance(&t->clock, WAITS[i] - 1);
        assert_status(add_user(t->store, "alice"), KW_BAD_RESOURCE_UNAVAILABLE);
        assert_int_equal(pool->failures, i + 1); /* it was not even asked */
        kw_test_clock_advance(&t->clock, 1);
    }
    open_database(t, other);
    assert_status(add_user(t->store, "alice"), KW_GOOD);
    assert_int_equal(pool->failures, 0);
    PQfinish(other);
}

static kw_postgres *idle_writer(kw_test_store *t)
{
    assert_int_equal(t->store->writers.idle_count, 1);
    return (kw_postgres *)t->store->writers.idle[0];
}

static void who_waits_too_long_for_a_turn_is_told(void **state)
{
    kw_test_store *t = *state;
    void *hold = kw_test_store_hold(t);
    assert_status(kw_sql_define(&idle_writer(t)->base, "SET statement_timeout = 20"), KW_GOOD);
    assert_status(add_user(t->store, "alice"), KW_BAD_RESOURCE_UNAVAILABLE);
    kw_test_store_let_go(t, hold);
    assert_int_equal(idle_writer(t)->base.fate, KW_SQL_DONE); /* the connection is as good as before */
    assert_status(kw_sql_define(&idle_writer(t)->base, "SET statement_timeout = 10000"), KW_GOOD);
    assert_status(add_user(t->store, "alice"), KW_GOOD);
}

/* As when the machine of the server is gone: the connection is closed, and it is not tried again. */
static void a_server_that_does_not_answer_is_given_up(void **state)
{
    kw_test_store *t = *state;
    void *hold = kw_test_store_hold(t);
    idle_writer(t)->answer_ms = 20;
    assert_status(add_user(t->store, "alice"), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_int_equal(t->store->writers.open, 0);
    kw_test_store_let_go(t, hold);
    assert_status(add_user(t->store, "alice"), KW_GOOD);
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM account"), 1);
}

/* Nor does one wait for ever who calls where nobody answers. */
static void a_connection_that_does_not_come_about_is_given_up(void **state)
{
    kw_test_store *t = *state;
    int listener = -1;
    char url[200];
    snprintf(url, sizeof(url), "postgresql://u@127.0.0.2:%u/db?sslmode=disable&connect_timeout=2", listen_elsewhere(&listener));
    assert_refused(t, url, true, KW_BAD_RESOURCE_UNAVAILABLE, "timeout expired");
    close(listener);
}

static void many_threads_share_few_connections(void **state)
{
    kw_test_store *t = *state;
    adder adders[24];
    const size_t count = sizeof(adders) / sizeof(adders[0]);
    void *hold = kw_test_store_hold(t);
    for (size_t i = 0; i < count; i++) {
        adders[i] = (adder){.store = t->store};
        assert_int_equal(pthread_create(&adders[i].thread, NULL, add_alice, &adders[i]), 0);
    }
    while (kw_pool_taken(&t->store->writers) < t->store->writers.max) {
    }
    const int64_t connections =
        kw_test_store_query(t, "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'keyway'");
    assert_true(connections <= (int64_t)(t->store->writers.max + t->store->readers.max));
    kw_test_store_let_go(t, hold);
    size_t good = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(adders[i].thread, NULL), 0);
        assert_true(adders[i].status == KW_GOOD || adders[i].status == KW_BAD_ALREADY_EXISTS);
        good += adders[i].status == KW_GOOD;
    }
    assert_int_equal(good, 1);
}

/* Who appends to the trail does not wait for who changes users. */
static void turns_of_different_kinds_do_not_wait_for_each_other(void **state)
{
    kw_test_store *t = *state;
    PGconn *other = kw_test_postgres_connect(t->path);
    char sql[100];
    snprintf(sql, sizeof(sql), "BEGIN; SELECT pg_advisory_xact_lock(1264941431, %d)", KW_TURN_CONFIGURATION);
    free(kw_test_postgres_run(other, sql));
    assert_status(kw_store_audit_append(t->store, &(kw_audit_record){.event = KW_STRING("e")}), KW_GOOD);
    PQfinish(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_store_setup, kw_test_store_teardown)
#define TEST_WITHOUT(name) cmocka_unit_test_setup_teardown(name, setup_without_store, kw_test_store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_WITHOUT(a_missing_store_is_not_made_unasked),
        TEST_WITHOUT(a_missing_database_is_told),
        TEST_WITHOUT(the_tables_of_another_program_are_refused_and_kept),
        TEST_WITHOUT(an_empty_schema_that_an_administrator_made_is_used),
        TEST_WITHOUT(a_store_of_a_newer_keyway_is_refused_and_kept),
        TEST_WITHOUT(a_user_without_rights_is_told),
        TEST_WITHOUT(nodes_that_start_together_make_one_store),
        TEST_WITHOUT(a_password_is_in_no_message),
        TEST_WITHOUT(a_store_is_named_by_host_and_database),
        TEST_WITHOUT(a_host_elsewhere_must_prove_itself),
        TEST(a_commit_waits_for_the_disk),
        TEST(what_was_in_the_way_of_another_is_tried_again),
        TEST(a_conflict_at_the_commit_is_tried_again),
        TEST(it_is_not_tried_for_ever),
        TEST(who_is_chosen_to_end_a_deadlock_tries_again),
        TEST(connections_that_were_cut_are_made_anew),
        TEST(what_was_cut_off_before_its_commit_is_done_once),
        TEST(what_was_cut_off_at_its_commit_is_not_tried_again),
        TEST(a_store_that_is_down_is_told_and_comes_back_by_itself),
        TEST(a_store_that_is_down_is_asked_with_growing_waits),
        TEST(who_waits_too_long_for_a_turn_is_told),
        TEST(a_server_that_does_not_answer_is_given_up),
        TEST_WITHOUT(a_connection_that_does_not_come_about_is_given_up),
        TEST(many_threads_share_few_connections),
        TEST(turns_of_different_kinds_do_not_wait_for_each_other),
    };
    return cmocka_run_group_tests_name("store/postgres", tests, NULL, NULL);
}
