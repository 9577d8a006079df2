/* What the OAuth side of the Authorization Service keeps: clients, codes, devices, tokens that were taken back. */
#include "support/kw_test_store.h"
#include "support/test.h"

#include <pthread.h>
#include <stdio.h>

#define LIFE (600 * KW_TICKS_PER_S)

static const kw_bytes HASH = {(const uint8_t *)"\0\1\2\3aaaaaaaaaaaaaaaaaaaaaaaaaaaa", 32};
static const kw_bytes OTHER = {(const uint8_t *)"\0\1\2\3bbbbbbbbbbbbbbbbbbbbbbbbbbbb", 32};

/* --- clients ------------------------------------------------------------------------------------------------------ */

static void a_client_is_kept_changed_and_removed(void **state)
{
    kw_test_store *t = *state;
    kw_oauth_client found, *all;
    size_t count;
    kw_oauth_client client = {.id = KW_STRING("app"),
                              .name = KW_STRING("App"),
                              .secret_hash = HASH,
                              .grants = KW_STRING("client_credentials"),
                              .may_introspect = true};
    assert_status(kw_store_oauth_client_set(t->store, &client), KW_BAD_NOT_FOUND);
    assert_status(kw_store_oauth_client_add(t->store, &client), KW_GOOD);
    assert_status(kw_store_oauth_client_add(t->store, &client), KW_BAD_ALREADY_EXISTS);
    kw_test_store_reopen(t);
    assert_status(kw_store_oauth_client_get(t->store, client.id, t->arena, &found), KW_GOOD);
    assert_text(found.name, "App");
    assert_true(kw_bytes_equal(found.secret_hash, HASH));
    assert_null_text(found.jwks);
    assert_null_text(found.certificate_hash);
    assert_text(found.grants, "client_credentials");
    assert_true(found.may_introspect && !found.is_disabled);
    assert_int_equal(found.created, t->clock.utc);
    client.secret_hash = KW_BYTES_NULL;
    client.jwks = KW_STRING("{}");
    client.is_disabled = true;
    assert_status(kw_store_oauth_client_set(t->store, &client), KW_GOOD);
    assert_status(kw_store_oauth_client_list(t->store, t->arena, &all, &count), KW_GOOD);
    assert_int_equal(count, 1);
    assert_null_text(all[0].secret_hash);
    assert_text(all[0].jwks, "{}");
    assert_true(all[0].is_disabled);
    assert_status(kw_store_oauth_client_remove(t->store, client.id), KW_GOOD);
    assert_status(kw_store_oauth_client_remove(t->store, client.id), KW_BAD_NOT_FOUND);
    assert_status(kw_store_oauth_client_get(t->store, client.id, t->arena, &found), KW_BAD_NOT_FOUND);
}

/* --- codes -------------------------------------------------------------------------------------------------------- */

static kw_oauth_code code(const kw_test_store *t, kw_bytes hash, const char *account)
{
    return (kw_oauth_code){.hash = hash,
                           .client = KW_STRING("app"),
                           .redirect_uri = KW_STRING("https://app/cb"),
                           .challenge = KW_STRING("challenge"),
                           .account = kw_string_from(account),
                           .detail = KW_STRING("{}"),
                           .expires = t->clock.utc + LIFE};
}

static void a_code_is_good_once_and_until_its_end(void **state)
{
    kw_test_store *t = *state;
    kw_oauth_code first = code(t, HASH, "alice"), second = code(t, OTHER, "alice"), found;
    bool is_reused = true;
    assert_status(kw_store_oauth_code_take(t->store, HASH, t->arena, &found, &is_reused), KW_BAD_NOT_FOUND);
    assert_status(kw_store_oauth_code_add(t->store, &first), KW_GOOD);
    assert_status(kw_store_oauth_code_add(t->store, &second), KW_GOOD);
    assert_status(kw_store_oauth_code_take(t->store, HASH, t->arena, &found, &is_reused), KW_GOOD);
    assert_false(is_reused);
    assert_text(found.redirect_uri, "https://app/cb");
    assert_text(found.challenge, "challenge");
    assert_text(found.account, "alice");
    assert_status(kw_store_oauth_code_take(t->store, HASH, t->arena, &found, &is_reused), KW_GOOD);
    assert_true(is_reused);
    kw_test_clock_advance(&t->clock, LIFE / KW_TICKS_PER_MS);
    assert_status(kw_store_oauth_code_take(t->store, OTHER, t->arena, &found, &is_reused), KW_BAD_NOT_FOUND);
}

static void a_code_ends_with_its_user(void **state)
{
    kw_test_store *t = *state;
    kw_oauth_code row = code(t, HASH, "alice"), found;
    bool is_reused;
    assert_status(kw_store_user_add(t->store, &(kw_user){.name = KW_STRING("alice")}), KW_GOOD);
    assert_status(kw_store_oauth_code_add(t->store, &row), KW_GOOD);
    assert_status(kw_store_user_remove(t->store, KW_STRING("alice")), KW_GOOD);
    assert_status(kw_store_oauth_code_take(t->store, HASH, t->arena, &found, &is_reused), KW_BAD_NOT_FOUND);
}

#define TAKERS 8

typedef struct taker {
    pthread_t thread;
    kw_store *store;
    kw_arena *arena;
    int fresh, reused;
} taker;

static void *take_code(void *argument)
{
    taker *t = argument;
    kw_oauth_code found;
    bool is_reused = false;
    const kw_status status = kw_store_oauth_code_take(t->store, HASH, t->arena, &found, &is_reused);
    t->fresh = status == KW_GOOD && !is_reused;
    t->reused = status == KW_GOOD && is_reused;
    return NULL;
}

static void a_code_is_taken_once_by_all_nodes_together(void **state)
{
    kw_test_store *t = *state;
    kw_store *other = kw_test_store_open(t);
    kw_oauth_code row = code(t, HASH, "alice");
    taker takers[TAKERS];
    int fresh = 0, reused = 0;
    assert_status(kw_store_oauth_code_add(t->store, &row), KW_GOOD);
    for (int i = 0; i < TAKERS; i++) {
        takers[i] = (taker){.store = i % 2 == 0 ? t->store : other, .arena = kw_arena_new(65536)};
        assert_int_equal(pthread_create(&takers[i].thread, NULL, take_code, &takers[i]), 0);
    }
    for (int i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_join(takers[i].thread, NULL), 0);
        kw_arena_free(takers[i].arena);
        fresh += takers[i].fresh;
        reused += takers[i].reused;
    }
    assert_int_equal(fresh, 1);
    assert_int_equal(reused, TAKERS - 1);
    kw_store_close(other);
}

/* --- devices ------------------------------------------------------------------------------------------------------ */

static kw_oauth_device device(const kw_test_store *t, kw_bytes hash, const char *user_code)
{
    return (kw_oauth_device){.hash = hash,
                             .user_code = kw_string_from(user_code),
                             .client = KW_STRING("panel"),
                             .scope = KW_STRING("Operator"),
                             .expires = t->clock.utc + LIFE};
}

static void a_device_is_answered_once_and_told_once(void **state)
{
    kw_test_store *t = *state;
    kw_oauth_device row = device(t, HASH, "ABCD"), taken = device(t, OTHER, "ABCD"), found;
    assert_status(kw_store_oauth_device_add(t->store, &row), KW_GOOD);
    assert_status(kw_store_oauth_device_add(t->store, &taken), KW_BAD_ALREADY_EXISTS);
    assert_status(kw_store_oauth_device_find(t->store, KW_STRING("ABCD"), t->arena, &found), KW_GOOD);
    assert_text(found.client, "panel");
    assert_null_text(found.resource);
    assert_status(kw_store_oauth_device_ask(t->store, HASH, t->arena, &found), KW_GOOD);
    assert_int_equal(found.state, KW_DEVICE_WAITS);
    assert_int_equal(found.asked, 0);
    assert_status(kw_store_oauth_device_ask(t->store, HASH, t->arena, &found), KW_GOOD);
    assert_int_equal(found.asked, t->clock.utc);
    row.state = KW_DEVICE_AGREED;
    row.account = KW_STRING("alice");
    row.detail = KW_STRING("{}");
    assert_status(kw_store_oauth_device_answer(t->store, &row), KW_GOOD);
    assert_status(kw_store_oauth_device_answer(t->store, &row), KW_BAD_NOT_FOUND);
    assert_status(kw_store_oauth_device_find(t->store, KW_STRING("ABCD"), t->arena, &found), KW_BAD_NOT_FOUND);
    assert_status(kw_store_oauth_device_ask(t->store, HASH, t->arena, &found), KW_GOOD);
    assert_int_equal(found.state, KW_DEVICE_AGREED);
    assert_text(found.account, "alice");
    assert_status(kw_store_oauth_device_ask(t->store, HASH, t->arena, &found), KW_BAD_NOT_FOUND);
}

static void a_device_waits_until_its_end_or_its_user_s(void **state)
{
    kw_test_store *t = *state;
    kw_oauth_device row = device(t, HASH, "ABCD"), found;
    row.account = KW_STRING("alice");
    row.state = KW_DEVICE_AGREED;
    assert_status(kw_store_user_add(t->store, &(kw_user){.name = KW_STRING("alice")}), KW_GOOD);
    assert_status(kw_store_oauth_device_add(t->store, &row), KW_GOOD);
    row.state = KW_DEVICE_AGREED;
    assert_status(kw_store_oauth_device_answer(t->store, &row), KW_GOOD);
    assert_status(kw_store_user_remove(t->store, KW_STRING("alice")), KW_GOOD);
    assert_status(kw_store_oauth_device_ask(t->store, HASH, t->arena, &found), KW_BAD_NOT_FOUND);
    row = device(t, OTHER, "EFGH");
    assert_status(kw_store_oauth_device_add(t->store, &row), KW_GOOD);
    kw_test_clock_advance(&t->clock, LIFE / KW_TICKS_PER_MS);
    assert_status(kw_store_oauth_device_find(t->store, KW_STRING("EFGH"), t->arena, &found), KW_BAD_NOT_FOUND);
}

/* --- tokens that were taken back ---------------------------------------------------------------------------------- */

static void a_revoked_token_is_known_to_all_nodes_until_its_end(void **state)
{
    kw_test_store *t = *state;
    kw_store *other = kw_test_store_open(t);
    kw_revoked_token token = {.issuer = KW_STRING("urn:i"), .id = KW_STRING("1"), .expires = t->clock.utc + LIFE}, *all;
    size_t count;
    const uint64_t version = kw_store_version(other);
    assert_status(kw_store_token_revoke(t->store, &token), KW_GOOD);
    assert_status(kw_store_token_revoke(t->store, &token), KW_GOOD);
    assert_true(kw_store_version(other) > version);
    assert_status(kw_store_revoked_list(other, t->arena, &all, &count), KW_GOOD);
    assert_int_equal(count, 1);
    assert_text(all[0].issuer, "urn:i");
    assert_text(all[0].id, "1");
    assert_int_equal(all[0].expires, t->clock.utc + LIFE);
    kw_test_clock_advance(&t->clock, LIFE / KW_TICKS_PER_MS + 1);
    token = (kw_revoked_token){.issuer = KW_STRING("urn:i"), .id = KW_STRING("2"), .expires = t->clock.utc + LIFE};
    assert_status(kw_store_token_revoke(other, &token), KW_GOOD);
    assert_status(kw_store_revoked_list(t->store, t->arena, &all, &count), KW_GOOD);
    assert_int_equal(count, 1);
    assert_text(all[0].id, "2");
    kw_store_close(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_store_setup, kw_test_store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_is_kept_changed_and_removed),
        TEST(a_code_is_good_once_and_until_its_end),
        TEST(a_code_ends_with_its_user),
        TEST(a_code_is_taken_once_by_all_nodes_together),
        TEST(a_device_is_answered_once_and_told_once),
        TEST(a_device_waits_until_its_end_or_its_user_s),
        TEST(a_revoked_token_is_known_to_all_nodes_until_its_end),
    };
    return cmocka_run_group_tests_name("store/oauth", tests, NULL, NULL);
}
