/* Refresh tokens as the store keeps them: good once, for one Client, until the end of their time or of their user. */
#include "support/kw_test_store.h"
#include "support/test.h"

#include <stdio.h>

#define LIFE (600 * KW_TICKS_PER_S)
#define MOST 3

static const kw_bytes FIRST = {(const uint8_t *)"11111111111111111111111111111111", 32};
static const kw_bytes SECOND = {(const uint8_t *)"22222222222222222222222222222222", 32};
static const kw_bytes THIRD = {(const uint8_t *)"33333333333333333333333333333333", 32};

static kw_refresh_grant grant(const kw_test_store *t, const char *id, const char *subject)
{
    return (kw_refresh_grant){.id = kw_string_from(id),
                              .secret_hash = FIRST,
                              .application = KW_STRING("urn:client"),
                              .subject = kw_string_from(subject),
                              .account = kw_string_from(subject),
                              .resource = KW_STRING("urn:server"),
                              .detail = KW_STRING("{}"),
                              .expires = t->clock.utc + LIFE};
}

static void add(kw_test_store *t, const char *id, const char *subject)
{
    const kw_refresh_grant row = grant(t, id, subject);
    assert_status(kw_store_refresh_grant_add(t->store, &row, MOST), KW_GOOD);
}

static kw_status look(kw_test_store *t, const char *id)
{
    kw_refresh_grant found;
    return kw_store_refresh_grant_get(t->store, kw_string_from(id), t->arena, &found);
}

static kw_status rotate(kw_test_store *t, kw_bytes from, kw_bytes to, bool *is_reused)
{
    return kw_store_refresh_grant_rotate(t->store, KW_STRING("a"), from, to, t->clock.utc + LIFE, is_reused);
}

static void what_was_granted_is_found_again(void **state)
{
    kw_test_store *t = *state;
    kw_refresh_grant found;
    add(t, "a", "alice");
    kw_test_store_reopen(t);
    assert_status(kw_store_refresh_grant_get(t->store, KW_STRING("a"), t->arena, &found), KW_GOOD);
    assert_true(kw_bytes_equal(found.secret_hash, FIRST));
    assert_text(found.application, "urn:client");
    assert_text(found.subject, "alice");
    assert_text(found.account, "alice");
    assert_text(found.resource, "urn:server");
    assert_text(found.detail, "{}");
    assert_int_equal(found.created, t->clock.utc);
    assert_int_equal(found.expires, t->clock.utc + LIFE);
    assert_status(look(t, "b"), KW_BAD_NOT_FOUND);
    const kw_refresh_grant again = grant(t, "a", "alice");
    assert_status(kw_store_refresh_grant_add(t->store, &again, MOST), KW_BAD_ALREADY_EXISTS);
}

static void a_secret_is_good_once_and_a_second_use_ends_them_all(void **state)
{
    kw_test_store *t = *state;
    bool is_reused = true;
    add(t, "a", "alice");
    assert_status(rotate(t, FIRST, SECOND, &is_reused), KW_GOOD);
    assert_false(is_reused);
    assert_status(rotate(t, SECOND, THIRD, &is_reused), KW_GOOD);
    assert_false(is_reused);
    assert_status(rotate(t, FIRST, SECOND, &is_reused), KW_GOOD);
    assert_true(is_reused);
    assert_status(rotate(t, THIRD, FIRST, &is_reused), KW_BAD_NOT_FOUND);
    assert_status(look(t, "a"), KW_BAD_NOT_FOUND);
}

static void two_nodes_cannot_rotate_the_same_secret(void **state)
{
    kw_test_store *t = *state;
    bool is_reused = false;
    kw_store *other = kw_test_store_open(t);
    add(t, "a", "alice");
    assert_status(rotate(t, FIRST, SECOND, &is_reused), KW_GOOD);
    assert_status(kw_store_refresh_grant_rotate(other, KW_STRING("a"), FIRST, THIRD, t->clock.utc + LIFE, &is_reused), KW_GOOD);
    assert_true(is_reused);
    kw_store_close(other);
}

static void an_expired_one_is_not_there(void **state)
{
    kw_test_store *t = *state;
    bool is_reused = false;
    add(t, "a", "alice");
    kw_test_clock_advance(&t->clock, 300000);
    assert_status(rotate(t, FIRST, SECOND, &is_reused), KW_GOOD); /* lives from now on */
    kw_test_clock_advance(&t->clock, 599999);
    assert_status(look(t, "a"), KW_GOOD);
    kw_test_clock_advance(&t->clock, 1);
    assert_status(look(t, "a"), KW_BAD_NOT_FOUND);
    add(t, "b", "bob"); /* sweeps */
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM refresh_grant"), 1);
}

static void the_oldest_make_room(void **state)
{
    kw_test_store *t = *state;
    for (int i = 0; i < 5; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%d", i);
        kw_test_clock_advance(&t->clock, 1000);
        add(t, id, "alice");
    }
    add(t, "b", "bob");
    assert_int_equal(kw_test_store_query(t, "SELECT COUNT(*) FROM refresh_grant"), MOST + 1);
    assert_status(look(t, "1"), KW_BAD_NOT_FOUND);
    assert_status(look(t, "2"), KW_GOOD);
    assert_status(look(t, "4"), KW_GOOD);
}

static kw_user user(const char *name, const char *hash)
{
    return (kw_user){.name = kw_string_from(name), .password_hash = kw_string_from(hash)};
}

static void a_grant_ends_with_its_user_and_with_the_password(void **state)
{
    kw_test_store *t = *state;
    kw_user alice = user("alice", "one"), bob = user("bob", "one");
    const kw_string hash = KW_STRING("two"), description = KW_STRING("works nights");
    assert_status(kw_store_user_add(t->store, &alice), KW_GOOD);
    assert_status(kw_store_user_add(t->store, &bob), KW_GOOD);
    add(t, "a", "alice");
    add(t, "b", "bob");
    alice.configuration = KW_USER_NO_CHANGE_BY_USER;
    assert_status(kw_store_user_set(t->store, &alice), KW_GOOD);
    assert_status(kw_store_user_change(t->store, &(kw_user_change){.name = alice.name, .description = &description}), KW_GOOD);
    assert_status(look(t, "a"), KW_GOOD);
    alice.password_hash = hash;
    assert_status(kw_store_user_set(t->store, &alice), KW_GOOD);
    assert_status(look(t, "a"), KW_BAD_NOT_FOUND);
    assert_status(kw_store_user_change(t->store, &(kw_user_change){.name = bob.name, .password_hash = &hash}), KW_GOOD);
    assert_status(look(t, "b"), KW_BAD_NOT_FOUND);
    add(t, "b", "bob");
    assert_status(kw_store_user_remove(t->store, bob.name), KW_GOOD);
    assert_status(look(t, "b"), KW_BAD_NOT_FOUND);
}

static void it_is_no_change_of_the_configuration(void **state)
{
    kw_test_store *t = *state;
    bool is_reused = false;
    const uint64_t version = kw_store_version(t->store);
    add(t, "a", "alice");
    assert_status(rotate(t, FIRST, SECOND, &is_reused), KW_GOOD);
    assert_int_equal(kw_store_version(t->store), version);
}

static kw_status revoke(kw_test_store *t, const char *id)
{
    const kw_revoked_token row = {.issuer = KW_STRING("urn:service"), .id = kw_string_from(id), .expires = t->clock.utc + 2 * LIFE};
    return kw_store_grant_revoke(t->store, &row);
}

static void what_is_revoked_is_gone_for_good_and_every_node_hears_of_it(void **state)
{
    kw_test_store *t = *state;
    kw_revoked_token *revoked = NULL;
    size_t count = 0;
    kw_store *other = kw_test_store_open(t);
    add(t, "a", "alice");
    add(t, "b", "alice");
    const uint64_t version = kw_store_version(other);
    assert_status(revoke(t, "a"), KW_GOOD);
    assert_status(revoke(t, "a"), KW_GOOD);
    assert_status(look(t, "a"), KW_BAD_NOT_FOUND);
    assert_status(look(t, "b"), KW_GOOD);
    assert_int_not_equal(kw_store_version(other), version);
    assert_status(kw_store_revoked_list(other, t->arena, &revoked, &count), KW_GOOD);
    assert_int_equal(count, 1);
    assert_text(revoked[0].id, "a");
    const kw_refresh_grant late = grant(t, "a", "alice"); /* who was about to give it comes too late */
    assert_status(kw_store_refresh_grant_add(other, &late, MOST), KW_BAD_ALREADY_EXISTS);
    kw_store_close(other);
}

static size_t count_of(kw_test_store *t, const char *id, const char *subject, const char *application)
{
    kw_refresh_grant *found = NULL;
    size_t count = 0;
    const kw_refresh_grant_key of = {kw_string_from(id), kw_string_from(subject), kw_string_from(application)};
    assert_status(kw_store_refresh_grant_list(t->store, &of, t->arena, &found, &count), KW_GOOD);
    return count;
}

static void live_ones_are_listed_by_whose_they_are(void **state)
{
    kw_test_store *t = *state;
    kw_refresh_grant *all = NULL;
    size_t count = 0;
    bool is_reused = false;
    add(t, "b", "bob");
    add(t, "c", "alice");
    kw_test_clock_advance(&t->clock, 300000);
    add(t, "a", "alice");
    assert_status(rotate(t, FIRST, SECOND, &is_reused), KW_GOOD);
    assert_status(kw_store_refresh_grant_list(t->store, &(kw_refresh_grant_key){.id = KW_BYTES_NULL}, t->arena, &all, &count), KW_GOOD);
    assert_int_equal(count, 3);
    assert_text(all[0].id, "c");
    assert_int_equal(all[0].used, 0);
    assert_text(all[1].id, "a");
    assert_int_equal(all[1].used, t->clock.utc);
    assert_text(all[2].id, "b");
    assert_int_equal(count_of(t, NULL, "alice", NULL), 2);
    assert_int_equal(count_of(t, NULL, "alice", "urn:client"), 2);
    assert_int_equal(count_of(t, NULL, NULL, "urn:else"), 0);
    assert_int_equal(count_of(t, "b", NULL, NULL), 1);
    assert_int_equal(count_of(t, "b", "alice", NULL), 0);
    kw_test_clock_advance(&t->clock, 300000);
    assert_int_equal(count_of(t, NULL, NULL, NULL), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_store_setup, kw_test_store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_granted_is_found_again),
        TEST(a_secret_is_good_once_and_a_second_use_ends_them_all),
        TEST(two_nodes_cannot_rotate_the_same_secret),
        TEST(an_expired_one_is_not_there),
        TEST(the_oldest_make_room),
        TEST(a_grant_ends_with_its_user_and_with_the_password),
        TEST(it_is_no_change_of_the_configuration),
        TEST(what_is_revoked_is_gone_for_good_and_every_node_hears_of_it),
        TEST(live_ones_are_listed_by_whose_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
