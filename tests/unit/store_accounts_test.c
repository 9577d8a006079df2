/* Users, issuers, resources, signing keys and settings: each call, each refusal, and that all of it is still there after closing. */
#include "support/kw_test_store.h"
#include "support/test.h"

#include <stdio.h>

#define BYTES(literal) ((kw_bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static const kw_string BAD_KEYS[] = {{NULL, 0}, {(const uint8_t *)"", 0}, {(const uint8_t *)"a\0b", 3}, {(const uint8_t *)"\xC0\xAF", 2}};
#define BAD_KEY_COUNT (sizeof(BAD_KEYS) / sizeof(BAD_KEYS[0]))

static kw_user alice(void)
{
    return (kw_user){.name = KW_STRING("alice"),
                     .password_hash = KW_STRING("$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA"),
                     .configuration = 8,
                     .description = KW_STRING("Shift lead")};
}

/* --- users -------------------------------------------------------------------------------------------------------- */

static void a_user_is_kept_as_given(void **state)
{
    kw_test_store *t = *state;
    kw_user user = alice(), found;
    assert_status(kw_store_user_add(t->store, &user), KW_GOOD);
    kw_test_store_reopen(t);
    assert_status(kw_store_user_get(t->store, KW_STRING("alice"), t->arena, &found), KW_GOOD);
    assert_text(found.name, "alice");
    assert_true(kw_bytes_equal(found.password_hash, user.password_hash));
    assert_int_equal(found.configuration, 8);
    assert_text(found.description, "Shift lead");
    assert_int_equal(found.created, t->clock.utc);
    assert_int_equal(found.changed, t->clock.utc);
}

static void null_is_kept_apart_from_empty(void **state)
{
    kw_test_store *t = *state;
    kw_user found;
    assert_status(kw_store_user_add(t->store, &(kw_user){.name = KW_STRING("a"), .description = KW_STRING("")}), KW_GOOD);
    assert_status(kw_store_user_get(t->store, KW_STRING("a"), t->arena, &found), KW_GOOD);
    assert_null_text(found.password_hash);
    assert_text(found.description, "");
}

static void a_name_is_taken_once_and_by_its_exact_bytes(void **state)
{
    kw_test_store *t = *state;
    kw_user user = alice(), found;
    assert_status(kw_store_user_add(t->store, &user), KW_GOOD);
    user.configuration = 0;
    assert_status(kw_store_user_add(t->store, &user), KW_BAD_ALREADY_EXISTS);
    assert_status(kw_store_user_get(t->store, user.name, t->arena, &found), KW_GOOD);
    assert_int_equal(found.configuration, 8);
    assert_status(kw_store_user_get(t->store, KW_STRING("Alice"), t->arena, &found), KW_BAD_NOT_FOUND);
    assert_status(kw_store_user_get(t->store, KW_STRING("alice "), t->arena, &found), KW_BAD_NOT_FOUND);
    user.name = KW_STRING("Alice");
    assert_status(kw_store_user_add(t->store, &user), KW_GOOD);
}

static void a_user_is_changed_but_stays_who_it_was(void **state)
{
    kw_test_store *t = *state;
    kw_user user = alice(), found;
    const int64_t created = t->clock.utc;
    assert_status(kw_store_user_add(t->store, &user), KW_GOOD);
    kw_test_clock_advance(&t->clock, 5000);
    user = (kw_user){.name = user.name, .password_hash = KW_STRING("other"), .configuration = 2};
    assert_status(kw_store_user_set(t->store, &user), KW_GOOD);
    kw_test_store_reopen(t);
    assert_status(kw_store_user_get(t->store, user.name, t->arena, &found), KW_GOOD);
    assert_text(found.password_hash, "other");
    assert_int_equal(found.configuration, 2);
    assert_null_text(found.description);
    assert_int_equal(found.created, created);
    assert_int_equal(found.changed, t->clock.utc);
}

/* Two who change a password at once: the second one learns that what it was sure of is no longer so. */
static void a_password_is_changed_only_from_the_one_that_was_meant(void **state)
{
    kw_test_store *t = *state;
    const kw_string first = KW_STRING("$first"), second = KW_STRING("$second"), third = KW_STRING("$third");
    kw_user user = {.name = KW_STRING("alice"), .password_hash = first};
    assert_status(kw_store_user_add(t->store, &user), KW_GOOD);
    kw_user_change change = {.name = user.name, .password_hash = &second, .former_hash = &first};
    assert_status(kw_store_user_change(t->store, &change), KW_GOOD);
    change.password_hash = &third;
    assert_status(kw_store_user_change(t->store, &change), KW_BAD_INVALID_STATE);
    assert_status(kw_store_user_get(t->store, user.name, t->arena, &user), KW_GOOD);
    assert_true(kw_bytes_equal(user.password_hash, second));
    change.former_hash = NULL;
    assert_status(kw_store_user_change(t->store, &change), KW_GOOD);
    assert_status(kw_store_user_get(t->store, user.name, t->arena, &user), KW_GOOD);
    assert_true(kw_bytes_equal(user.password_hash, third));
    change.name = KW_STRING("nobody");
    assert_status(kw_store_user_change(t->store, &change), KW_BAD_NOT_FOUND);
}

static void an_unknown_user_is_not_found_and_not_made(void **state)
{
    kw_test_store *t = *state;
    kw_user user = alice(), *users;
    kw_user found = {.configuration = 77};
    size_t count = 99;
    assert_status(kw_store_user_get(t->store, user.name, t->arena, &found), KW_BAD_NOT_FOUND);
    assert_int_equal(found.configuration, 77); /* untouched on failure */
    for (size_t i = 0; i < BAD_KEY_COUNT; i++) {
        assert_status(kw_store_user_get(t->store, BAD_KEYS[i], t->arena, &found), KW_BAD_NOT_FOUND);
    }
    assert_status(kw_store_user_set(t->store, &user), KW_BAD_NOT_FOUND);
    assert_status(kw_store_user_remove(t->store, user.name), KW_BAD_NOT_FOUND);
    assert_status(kw_store_user_list(t->store, t->arena, &users, &count), KW_GOOD);
    assert_int_equal(count, 0);
}

static void a_removed_user_is_gone(void **state)
{
    kw_test_store *t = *state;
    kw_user user = alice(), found;
    assert_status(kw_store_user_add(t->store, &user), KW_GOOD);
    assert_status(kw_store_user_remove(t->store, user.name), KW_GOOD);
    kw_test_store_reopen(t);
    assert_status(kw_store_user_get(t->store, user.name, t->arena, &found), KW_BAD_NOT_FOUND);
    assert_status(kw_store_user_add(t->store, &user), KW_GOOD);
}

static void users_are_listed_by_name(void **state)
{
    kw_test_store *t = *state;
    kw_user *users;
    size_t count;
    for (int i = 39; i >= 0; i--) { /* more than one growth of the list */
        const kw_string name = kw_arena_format(t->arena, "user-%02d", i);
        assert_status(kw_store_user_add(t->store, &(kw_user){.name = name, .configuration = (uint32_t)i}), KW_GOOD);
    }
    assert_status(kw_store_user_list(t->store, t->arena, &users, &count), KW_GOOD);
    assert_int_equal(count, 40);
    for (uint32_t i = 0; i < 40; i++) {
        assert_true(kw_bytes_equal(users[i].name, kw_arena_format(t->arena, "user-%02u", i)));
        assert_int_equal(users[i].configuration, i);
    }
}

/* Whatever language a database was made for. */
static void texts_are_listed_in_the_order_of_their_bytes(void **state)
{
    kw_test_store *t = *state;
    static const char *const ORDER[] = {"B", "Z", "_", "a", "b-a", "ba", "z", "\xC3\xA4"};
    const size_t all = sizeof(ORDER) / sizeof(ORDER[0]);
    kw_user *users;
    size_t count;
    for (size_t i = 0; i < all; i++) {
        const kw_user user = {.name = kw_string_from(ORDER[all - 1 - i])};
        assert_status(kw_store_user_add(t->store, &user), KW_GOOD);
    }
    assert_status(kw_store_user_list(t->store, t->arena, &users, &count), KW_GOOD);
    assert_int_equal(count, all);
    for (size_t i = 0; i < all; i++) {
        assert_text(users[i].name, ORDER[i]);
    }
}

static void a_name_that_engines_differ_about_is_refused(void **state)
{
    kw_test_store *t = *state;
    for (size_t i = 0; i < BAD_KEY_COUNT; i++) {
        assert_status(kw_store_user_add(t->store, &(kw_user){.name = BAD_KEYS[i]}), KW_BAD_INVALID_ARGUMENT);
        assert_status(kw_store_role_add(t->store, &(kw_role){.name = BAD_KEYS[i]}), KW_BAD_INVALID_ARGUMENT);
        assert_status(kw_store_issuer_put(t->store, &(kw_issuer){.uri = BAD_KEYS[i], .kind = KW_STRING("jwks")}), KW_BAD_INVALID_ARGUMENT);
        assert_status(kw_store_resource_add(t->store, &(kw_resource){.uri = BAD_KEYS[i]}), KW_BAD_INVALID_ARGUMENT);
        assert_status(kw_store_key_add(t->store, &(kw_signing_key){.id = BAD_KEYS[i]}, NULL), KW_BAD_INVALID_ARGUMENT);
        assert_status(kw_store_setting_put(t->store, BAD_KEYS[i], KW_STRING("v")), KW_BAD_INVALID_ARGUMENT);
    }
}

/* Requests name such things too. */
static void what_cannot_be_stored_is_merely_not_found(void **state)
{
    kw_test_store *t = *state;
    for (size_t i = 0; i < BAD_KEY_COUNT; i++) {
        kw_resource resource;
        kw_string value;
        kw_oauth_client client;
        kw_refresh_grant grant;
        kw_oauth_device device;
        assert_status(kw_store_resource_get(t->store, BAD_KEYS[i], t->arena, &resource), KW_BAD_NOT_FOUND);
        assert_status(kw_store_setting_get(t->store, BAD_KEYS[i], t->arena, &value), KW_BAD_NOT_FOUND);
        assert_status(kw_store_oauth_client_get(t->store, BAD_KEYS[i], t->arena, &client), KW_BAD_NOT_FOUND);
        assert_status(kw_store_refresh_grant_get(t->store, BAD_KEYS[i], t->arena, &grant), KW_BAD_NOT_FOUND);
        assert_status(kw_store_oauth_device_find(t->store, BAD_KEYS[i], t->arena, &device), KW_BAD_NOT_FOUND);
    }
    assert_status(kw_store_setting_put(t->store, KW_STRING("a"), KW_STRING("b")), KW_GOOD); /* the connections are as good as before */
}

static void an_arena_without_room_is_told_and_nothing_is_half_there(void **state)
{
    kw_test_store *t = *state;
    kw_user user = alice(), *users = NULL;
    kw_user found = {.configuration = 77};
    size_t count = 99;
    char text[4001];
    snprintf(text, sizeof(text), "%4000s", "x");
    user.description = kw_string_from(text);
    kw_arena *small = kw_arena_new(2048);
    assert_status(kw_store_user_add(t->store, &user), KW_GOOD);
    assert_status(kw_store_user_get(t->store, user.name, small, &found), KW_BAD_OUT_OF_MEMORY);
    assert_status(kw_store_user_list(t->store, small, &users, &count), KW_BAD_OUT_OF_MEMORY);
    assert_int_equal(found.configuration, 77);
    assert_null(users);
    assert_int_equal(count, 99);
    assert_status(kw_store_user_get(t->store, user.name, t->arena, &found), KW_GOOD); /* the failure does not stick */
    kw_arena_free(small);
}

/* --- issuers ------------------------------------------------------------------------------------------------------ */

static void an_issuer_is_put_replaced_and_removed(void **state)
{
    kw_test_store *t = *state;
    kw_issuer *issuers;
    size_t count;
    kw_issuer issuer = {.uri = KW_STRING("https://b"),
                        .kind = KW_STRING("certificate"),
                        .keys = BYTES("\x30\x00\xFF"),
                        .location = KW_STRING("l"),
                        .authority_url = KW_STRING("opc.tcp://b"),
                        .authority_profile = KW_STRING("p"),
                        .token_endpoint = KW_STRING("e")};
    assert_status(kw_store_issuer_put(t->store, &issuer), KW_GOOD);
    assert_status(kw_store_issuer_put(t->store, &(kw_issuer){.uri = KW_STRING("https://a"), .kind = KW_STRING("jwks-url")}), KW_GOOD);
    kw_test_store_reopen(t);
    assert_status(kw_store_issuer_list(t->store, t->arena, &issuers, &count), KW_GOOD);
    assert_int_equal(count, 2);
    assert_text(issuers[0].uri, "https://a"); /* by URI */
    assert_null_text(issuers[0].keys);
    assert_null_text(issuers[0].authority_url);
    assert_text(issuers[1].kind, "certificate");
    assert_true(kw_bytes_equal(issuers[1].keys, issuer.keys)); /* with its NUL */
    assert_text(issuers[1].location, "l");
    assert_text(issuers[1].authority_url, "opc.tcp://b");
    assert_text(issuers[1].authority_profile, "p");
    assert_text(issuers[1].token_endpoint, "e");
    assert_int_equal(issuers[1].changed, t->clock.utc);

    kw_test_clock_advance(&t->clock, 1000);
    issuer = (kw_issuer){.uri = issuer.uri, .kind = KW_STRING("jwks"), .keys = BYTES("{}")};
    assert_status(kw_store_issuer_put(t->store, &issuer), KW_GOOD);
    assert_status(kw_store_issuer_remove(t->store, KW_STRING("https://a")), KW_GOOD);
    assert_status(kw_store_issuer_remove(t->store, KW_STRING("https://a")), KW_BAD_NOT_FOUND);
    assert_status(kw_store_issuer_list(t->store, t->arena, &issuers, &count), KW_GOOD);
    assert_int_equal(count, 1);
    assert_text(issuers[0].kind, "jwks");
    assert_text(issuers[0].keys, "{}");
    assert_null_text(issuers[0].location); /* the whole row is replaced */
    assert_null_text(issuers[0].token_endpoint);
    assert_int_equal(issuers[0].changed, t->clock.utc);
}

static kw_issuer the_issuer(kw_test_store *t)
{
    kw_issuer *issuers = NULL;
    size_t count = 0;
    assert_status(kw_store_issuer_list(t->store, t->arena, &issuers, &count), KW_GOOD);
    assert_int_equal(count, 1);
    return issuers[0];
}

static void what_was_fetched_for_an_issuer_is_kept(void **state)
{
    kw_test_store *t = *state;
    const kw_issuer issuer = {
        .uri = KW_STRING("https://a"), .kind = KW_STRING("discover"), .location = KW_STRING("https://a/x"), .ca = BYTES("pem")};
    assert_status(kw_store_issuer_put(t->store, &issuer), KW_GOOD);
    assert_int_equal(the_issuer(t).fetched, 0);
    assert_text(the_issuer(t).ca, "pem");

    kw_test_clock_advance(&t->clock, 5000);
    uint64_t version = kw_store_version(t->store);
    assert_status(kw_store_issuer_failed(t->store, &issuer, KW_STRING("no route")), KW_GOOD);
    assert_text(the_issuer(t).failure, "no route");
    assert_int_equal(the_issuer(t).fetched, 0);
    assert_true(kw_store_version(t->store) == version); /* nobody has to read everything again for that */

    assert_status(kw_store_issuer_fetched(t->store, &issuer, BYTES("{1}")), KW_GOOD);
    assert_true(kw_store_version(t->store) != version);
    kw_test_store_reopen(t);
    assert_text(the_issuer(t).keys, "{1}");
    assert_null_text(the_issuer(t).failure);
    assert_int_equal(the_issuer(t).fetched, t->clock.utc);
    assert_int_equal(the_issuer(t).changed, t->clock.utc);
    assert_text(the_issuer(t).ca, "pem");

    kw_test_clock_advance(&t->clock, 5000);
    version = kw_store_version(t->store);
    assert_status(kw_store_issuer_fetched(t->store, &issuer, BYTES("{1}")), KW_GOOD); /* the same again: the time counts, no change */
    assert_true(kw_store_version(t->store) == version);
    assert_int_equal(the_issuer(t).fetched, t->clock.utc);
    assert_int_not_equal(the_issuer(t).changed, t->clock.utc);
}

/* The administrator was faster than the fetch. */
static void what_was_fetched_for_another_row_is_dropped(void **state)
{
    kw_test_store *t = *state;
    const kw_issuer before = {.uri = KW_STRING("https://a"), .kind = KW_STRING("discover"), .location = KW_STRING("https://a/x")};
    kw_issuer after = before;
    after.location = KW_STRING("https://a/y");
    assert_status(kw_store_issuer_fetched(t->store, &before, BYTES("{1}")), KW_BAD_NOT_FOUND); /* not made by it */
    assert_status(kw_store_issuer_put(t->store, &after), KW_GOOD);
    assert_status(kw_store_issuer_fetched(t->store, &before, BYTES("{1}")), KW_BAD_NOT_FOUND);
    assert_status(kw_store_issuer_failed(t->store, &before, KW_STRING("x")), KW_BAD_NOT_FOUND);
    assert_null_text(the_issuer(t).keys);
    assert_null_text(the_issuer(t).failure);
    after.kind = KW_STRING("jwks");
    after.keys = BYTES("{2}");
    assert_status(kw_store_issuer_put(t->store, &after), KW_GOOD);
    after.kind = KW_STRING("discover");
    assert_status(kw_store_issuer_fetched(t->store, &after, BYTES("{1}")), KW_BAD_NOT_FOUND);
    assert_text(the_issuer(t).keys, "{2}");
}

static void an_issuer_without_a_kind_is_refused(void **state)
{
    kw_test_store *t = *state;
    assert_status(kw_store_issuer_put(t->store, &(kw_issuer){.uri = KW_STRING("https://a")}), KW_BAD_INVALID_ARGUMENT);
}

/* --- resources ---------------------------------------------------------------------------------------------------- */

static void resources_are_added_found_listed_and_removed(void **state)
{
    kw_test_store *t = *state;
    kw_resource found = {.token_lifetime_s = 77}, *resources;
    size_t count;
    const kw_resource b = {.uri = KW_STRING("urn:b"), .name = KW_STRING("Line 2"), .token_lifetime_s = 4000000000u};
    assert_status(kw_store_resource_add(t->store, &b), KW_GOOD);
    assert_status(kw_store_resource_add(t->store, &(kw_resource){.uri = KW_STRING("urn:a")}), KW_GOOD);
    assert_status(kw_store_resource_add(t->store, &b), KW_BAD_ALREADY_EXISTS);
    kw_test_store_reopen(t);
    assert_status(kw_store_resource_get(t->store, KW_STRING("urn:c"), t->arena, &found), KW_BAD_NOT_FOUND);
    assert_int_equal(found.token_lifetime_s, 77);
    assert_status(kw_store_resource_get(t->store, b.uri, t->arena, &found), KW_GOOD);
    assert_text(found.name, "Line 2");
    assert_int_equal(found.token_lifetime_s, 4000000000u);
    assert_int_equal(found.created, t->clock.utc);
    assert_status(kw_store_resource_list(t->store, t->arena, &resources, &count), KW_GOOD);
    assert_int_equal(count, 2);
    assert_text(resources[0].uri, "urn:a");
    assert_text(resources[1].uri, "urn:b");
    assert_status(kw_store_resource_remove(t->store, b.uri), KW_GOOD);
    assert_status(kw_store_resource_remove(t->store, b.uri), KW_BAD_NOT_FOUND);
    assert_status(kw_store_resource_list(t->store, t->arena, &resources, &count), KW_GOOD);
    assert_int_equal(count, 1);
}

/* --- settings ----------------------------------------------------------------------------------------------------- */

static void a_setting_is_put_and_replaced(void **state)
{
    kw_test_store *t = *state;
    kw_string value = KW_STRING("untouched");
    assert_status(kw_store_setting_get(t->store, KW_STRING("id"), t->arena, &value), KW_BAD_NOT_FOUND);
    assert_text(value, "untouched");
    assert_status(kw_store_setting_put(t->store, KW_STRING("id"), KW_STRING("1")), KW_GOOD);
    assert_status(kw_store_setting_put(t->store, KW_STRING("id"), KW_STRING("2")), KW_GOOD);
    assert_status(kw_store_setting_put(t->store, KW_STRING("null"), KW_BYTES_NULL), KW_GOOD);
    kw_test_store_reopen(t);
    assert_status(kw_store_setting_get(t->store, KW_STRING("id"), t->arena, &value), KW_GOOD);
    assert_text(value, "2");
    assert_status(kw_store_setting_get(t->store, KW_STRING("null"), t->arena, &value), KW_GOOD);
    assert_null_text(value);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_store_setup, kw_test_store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_user_is_kept_as_given),
        TEST(null_is_kept_apart_from_empty),
        TEST(a_name_is_taken_once_and_by_its_exact_bytes),
        TEST(a_user_is_changed_but_stays_who_it_was),
        TEST(a_password_is_changed_only_from_the_one_that_was_meant),
        TEST(an_unknown_user_is_not_found_and_not_made),
        TEST(a_removed_user_is_gone),
        TEST(users_are_listed_by_name),
        TEST(texts_are_listed_in_the_order_of_their_bytes),
        TEST(a_name_that_engines_differ_about_is_refused),
        TEST(what_cannot_be_stored_is_merely_not_found),
        TEST(an_arena_without_room_is_told_and_nothing_is_half_there),
        TEST(an_issuer_is_put_replaced_and_removed),
        TEST(what_was_fetched_for_an_issuer_is_kept),
        TEST(what_was_fetched_for_another_row_is_dropped),
        TEST(an_issuer_without_a_kind_is_refused),
        TEST(resources_are_added_found_listed_and_removed),
        TEST(a_setting_is_put_and_replaced),
    };
    return cmocka_run_group_tests_name("store/accounts", tests, NULL, NULL);
}
