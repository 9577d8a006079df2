/* Several handles, threads and processes on one store. */
#include "store/store_internal.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void two_handles_see_each_other_s_changes(void **state)
{
    kw_test_store *t = *state;
    kw_store *other = kw_test_store_open(t);
    kw_user found;
    const uint64_t version = kw_store_version(other);
    assert_status(kw_store_user_add(t->store, &(kw_user){.name = KW_STRING("alice"), .configuration = 1}), KW_GOOD);
    assert_true(kw_store_version(other) != version);
    assert_true(kw_store_version(other) == kw_store_version(t->store));
    assert_status(kw_store_user_get(other, KW_STRING("alice"), t->arena, &found), KW_GOOD);
    assert_status(kw_store_user_set(other, &(kw_user){.name = KW_STRING("alice"), .configuration = 2}), KW_GOOD);
    assert_status(kw_store_user_get(t->store, KW_STRING("alice"), t->arena, &found), KW_GOOD);
    assert_int_equal(found.configuration, 2);
    assert_status(kw_store_user_add(other, &(kw_user){.name = KW_STRING("alice")}), KW_BAD_ALREADY_EXISTS);
    kw_store_close(other);
}

/* What the command line does while a server runs. */
static void a_change_by_another_process_shows(void **state)
{
    kw_test_store *t = *state;
    kw_store_close(t->store); /* nothing open is taken over a fork */
    t->store = NULL;
    int go[2], code = -1;
    char byte = 0;
    assert_int_equal(pipe(go), 0);
    const pid_t child = fork();
    if (child == 0) {
        kw_store *store = NULL;
        const bool done = read(go[0], &byte, 1) == 1 && kw_store_open(t->path, false, &t->clock.clock, t->arena, &store, NULL) == KW_GOOD &&
                          kw_store_user_add(store, &(kw_user){.name = KW_STRING("carol")}) == KW_GOOD;
        kw_store_close(store);
        _exit(done ? 0 : 1);
    }
    t->store = kw_test_store_open(t);
    const uint64_t version = kw_store_version(t->store);
    assert_int_equal(write(go[1], &byte, 1), 1);
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    kw_user found;
    assert_true(kw_store_version(t->store) != version);
    assert_status(kw_store_user_get(t->store, KW_STRING("carol"), t->arena, &found), KW_GOOD);
    close(go[0]);
    close(go[1]);
}

/* --- the version -------------------------------------------------------------------------------------------------- */

#define assert_moves(t, call)                                                                                                              \
    do {                                                                                                                                   \
        const uint64_t before_ = kw_store_version((t)->store);                                                                             \
        assert_status(call, KW_GOOD);                                                                                                      \
        assert_true(kw_store_version((t)->store) > before_);                                                                               \
    } while (0)

static void every_change_of_the_configuration_moves_the_version(void **state)
{
    kw_test_store *t = *state;
    kw_store *s = t->store;
    const kw_user user = {.name = KW_STRING("u")};
    const kw_role role = {.name = KW_STRING("R"), .namespace_uri = KW_STRING("urn:n"), .node_id = 1};
    const kw_role_rule rule = {.criteria = KW_CRITERIA_USER_NAME, .value = KW_STRING("u")};
    const kw_signing_key key = {
        .id = KW_STRING("k"), .alg = KW_STRING("RS256"), .private_key = KW_STRING("p"), .certificate = KW_STRING("c")};
    assert_true(kw_store_version(s) != 0);
    assert_moves(t, kw_store_user_add(s, &user));
    assert_moves(t, kw_store_user_set(s, &user));
    assert_moves(t, kw_store_role_add(s, &role));
    assert_moves(t, kw_store_role_set(s, &role));
    assert_moves(t, kw_store_role_rule_add(s, role.name, &rule));
    assert_moves(t, kw_store_role_rule_remove(s, role.name, &rule));
    assert_moves(t, kw_store_role_application_add(s, role.name, KW_STRING("urn:a")));
    assert_moves(t, kw_store_role_application_remove(s, role.name, KW_STRING("urn:a")));
    assert_moves(t, kw_store_role_remove(s, role.name));
    assert_moves(t, kw_store_user_remove(s, user.name));
    assert_moves(t, kw_store_issuer_put(s, &(kw_issuer){.uri = KW_STRING("i"), .kind = KW_STRING("jwks")}));
    assert_moves(t, kw_store_issuer_remove(s, KW_STRING("i")));
    assert_moves(t, kw_store_resource_add(s, &(kw_resource){.uri = KW_STRING("r")}));
    assert_moves(t, kw_store_resource_remove(s, KW_STRING("r")));
    assert_moves(t, kw_store_key_add(s, &key, NULL));
    assert_moves(t, kw_store_key_keep(s, key.id, 1));
    assert_moves(t, kw_store_key_reseal(s, key.id, key.private_key, KW_STRING("q")));
    assert_moves(t, kw_store_key_revoke(s, key.id, 1, NULL));
    assert_moves(t, kw_store_key_remove(s, key.id));
    assert_moves(t, kw_store_setting_put(s, KW_STRING("k"), KW_STRING("v")));
}

static void audit_looks_and_failures_leave_the_version(void **state)
{
    kw_test_store *t = *state;
    kw_user found, *users;
    size_t count;
    const kw_user user = {.name = KW_STRING("u")};
    assert_status(kw_store_user_add(t->store, &user), KW_GOOD);
    const uint64_t version = kw_store_version(t->store);
    assert_status(kw_store_audit_append(t->store, &(kw_audit_record){.event = KW_STRING("e")}), KW_GOOD);
    assert_status(kw_store_user_get(t->store, user.name, t->arena, &found), KW_GOOD);
    assert_status(kw_store_user_list(t->store, t->arena, &users, &count), KW_GOOD);
    assert_status(kw_store_user_add(t->store, &user), KW_BAD_ALREADY_EXISTS);
    assert_status(kw_store_user_remove(t->store, KW_STRING("v")), KW_BAD_NOT_FOUND);
    kw_test_store_reopen(t);
    assert_true(kw_store_version(t->store) == version);
}

/* --- who waits for whom ------------------------------------------------------------------------------------------- */

typedef struct adder {
    pthread_t thread;
    kw_store *store;
    kw_status status;
} adder;

static void *add_bob(void *argument)
{
    adder *a = argument;
    a->status = kw_store_user_add(a->store, &(kw_user){.name = KW_STRING("bob")});
    return NULL;
}

/* Another process writes; a thread of ours waits for it. Who only looks waits for neither. */
static void a_look_does_not_wait_for_a_writer(void **state)
{
    kw_test_store *t = *state;
    kw_user found;
    adder bob = {.store = t->store};
    assert_status(kw_store_user_add(t->store, &(kw_user){.name = KW_STRING("alice")}), KW_GOOD);
    const uint64_t version = kw_store_version(t->store);
    void *holder = kw_test_store_hold(t);
    assert_int_equal(pthread_create(&bob.thread, NULL, add_bob, &bob), 0);
    while (kw_pool_taken(&t->store->writers) == 0) { /* until it is in the call */
    }
    assert_true(kw_store_version(t->store) == version);
    assert_status(kw_store_user_get(t->store, KW_STRING("alice"), t->arena, &found), KW_GOOD);
    assert_status(kw_store_user_get(t->store, KW_STRING("bob"), t->arena, &found), KW_BAD_NOT_FOUND);
    kw_test_store_let_go(t, holder);
    assert_int_equal(pthread_join(bob.thread, NULL), 0);
    assert_status(bob.status, KW_GOOD);
    assert_status(kw_store_user_get(t->store, KW_STRING("bob"), t->arena, &found), KW_GOOD);
}

#define CHANGES 200

typedef struct changer {
    pthread_t thread;
    kw_store *store;
    int good;
} changer;

/* Alice comes and goes: as Engineer, then as Observer too, then neither in one step. */
static void *add_and_remove_alice(void *argument)
{
    changer *c = argument;
    const kw_string alice = KW_STRING("alice");
    const kw_role_rule rule = {.criteria = KW_CRITERIA_USER_NAME, .value = alice};
    for (int i = 0; i < CHANGES; i++) {
        c->good += kw_store_user_add(c->store, &(kw_user){.name = alice}) == KW_GOOD;
        c->good += kw_store_role_rule_add(c->store, KW_STRING("Engineer"), &rule) == KW_GOOD;
        c->good += kw_store_role_rule_add(c->store, KW_STRING("Observer"), &rule) == KW_GOOD;
        c->good += kw_store_user_remove(c->store, alice) == KW_GOOD;
    }
    return NULL;
}

static size_t rules_of(const kw_role *roles, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (kw_string_equals(roles[i].name, name)) {
            return roles[i].rule_count;
        }
    }
    fail_msg("no Role %s", name);
    return 0;
}

/* Roles and rules are read with several statements, from one state: no Observer that is not an Engineer. */
static void a_list_of_roles_is_of_one_moment(void **state)
{
    kw_test_store *t = *state;
    kw_store *other = kw_test_store_open(t);
    changer c = {.store = other};
    const uint64_t end = kw_store_version(t->store) + 4 * CHANGES;
    assert_int_equal(pthread_create(&c.thread, NULL, add_and_remove_alice, &c), 0);
    while (kw_store_version(t->store) < end) {
        kw_role *roles;
        size_t count;
        kw_arena_reset(t->arena);
        assert_status(kw_store_role_list(t->store, t->arena, &roles, &count), KW_GOOD);
        assert_true(rules_of(roles, count, "Observer") <= rules_of(roles, count, "Engineer"));
    }
    assert_int_equal(pthread_join(c.thread, NULL), 0);
    assert_int_equal(c.good, 4 * CHANGES);
    kw_store_close(other);
}

/* --- what is good once -------------------------------------------------------------------------------------------- */

#define USERS_OF_A_SECRET 8
#define SECRETS 20

typedef struct taker {
    pthread_t thread;
    kw_store *store;
    int64_t until;
    uint8_t number;
    int took, grants, reuses;
} taker;

/* Each secret, and the first one of each grant. */
static void *take_secrets(void *argument)
{
    taker *t = argument;
    for (int i = 0; i < SECRETS; i++) {
        char id[16];
        bool is_reused = false;
        const uint8_t first[32] = {0}, next[32] = {t->number};
        snprintf(id, sizeof(id), "s%d", i);
        t->took += kw_store_secret_use(t->store, kw_string_from(id), t->until, 1000) == KW_GOOD;
        const kw_status rotated =
            kw_store_refresh_grant_rotate(t->store, kw_string_from(id), (kw_bytes){first, 32}, (kw_bytes){next, 32}, t->until, &is_reused);
        t->grants += rotated == KW_GOOD && !is_reused;
        t->reuses += rotated == KW_GOOD && is_reused;
    }
    return NULL;
}

static void add_grants(kw_test_store *t, int64_t until)
{
    static const uint8_t FIRST[32] = {0};
    for (int i = 0; i < SECRETS; i++) {
        char id[16];
        snprintf(id, sizeof(id), "s%d", i);
        const kw_refresh_grant grant = {.id = kw_string_from(id),
                                        .secret_hash = {FIRST, sizeof(FIRST)},
                                        .application = KW_STRING("urn:client"),
                                        .subject = KW_STRING("alice"),
                                        .resource = KW_STRING("urn:server"),
                                        .detail = KW_STRING("{}"),
                                        .expires = until};
        assert_status(kw_store_refresh_grant_add(t->store, &grant, SECRETS), KW_GOOD);
    }
}

static void what_is_good_once_is_taken_once_by_all_nodes_together(void **state)
{
    kw_test_store *t = *state;
    kw_store *other = kw_test_store_open(t);
    taker takers[USERS_OF_A_SECRET];
    int took = 0, grants = 0, reuses = 0;
    const int64_t until = t->clock.utc + 600 * KW_TICKS_PER_S;
    add_grants(t, until);
    for (uint8_t i = 0; i < USERS_OF_A_SECRET; i++) {
        takers[i] = (taker){.store = i % 2 == 0 ? t->store : other, .until = until, .number = (uint8_t)(i + 1)};
        assert_int_equal(pthread_create(&takers[i].thread, NULL, take_secrets, &takers[i]), 0);
    }
    for (size_t i = 0; i < USERS_OF_A_SECRET; i++) {
        assert_int_equal(pthread_join(takers[i].thread, NULL), 0);
        took += takers[i].took;
        grants += takers[i].grants;
        reuses += takers[i].reuses;
    }
    assert_int_equal(took, SECRETS);
    assert_int_equal(grants, SECRETS);
    assert_int_equal(reuses, SECRETS); /* the second who came ended the grant, the others found nothing */
    kw_store_close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_store_setup, kw_test_store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_handles_see_each_other_s_changes),
        TEST(a_change_by_another_process_shows),
        TEST(every_change_of_the_configuration_moves_the_version),
        TEST(audit_looks_and_failures_leave_the_version),
        TEST(a_look_does_not_wait_for_a_writer),
        TEST(a_list_of_roles_is_of_one_moment),
        TEST(what_is_good_once_is_taken_once_by_all_nodes_together),
    };
    return cmocka_run_group_tests_name("store/shared", tests, NULL, NULL);
}
