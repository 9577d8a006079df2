/* Users of a directory at the gate: who is asked, what their groups give, and what becomes of them when it says otherwise. UN-11, RO-15. */
#include "support/kw_test_token_request.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#define RECHECK_MS 10000 /* less than a Session without requests lives */
#define MAX_AGE_MS 600000
#define WITHIN_MS 2000

/* A directory with one user, anna. */
typedef struct fake_directory {
    kw_user_directory seam;
    kw_status status; /* of every answer; Good: as the password says */
    const char *id;
    bool is_operator;
    unsigned proofs, looks;
} fake_directory;

static fake_directory fake;

static kw_status answer(kw_string name, kw_arena *arena, kw_directory_user *out, const char **why)
{
    *why = "as the test says";
    if (kw_status_is_bad(fake.status)) {
        return fake.status;
    }
    if (!kw_string_equals(name, "anna") && !kw_string_equals(name, KW_TEST_USER)) {
        return KW_BAD_USER_ACCESS_DENIED;
    }
    kw_string *groups = KW_ARENA_ARRAY(arena, kw_string, 1);
    groups[0] = KW_STRING("operators");
    *out = (kw_directory_user){.id = kw_string_from(fake.id), .groups = groups, .group_count = fake.is_operator ? 1 : 0};
    return KW_GOOD;
}

static kw_status prove(void *ctx, kw_string name, kw_bytes password, kw_arena *arena, kw_directory_user *out, const char **why)
{
    (void)ctx;
    fake.proofs++;
    const kw_status status = answer(name, arena, out, why);
    return kw_status_is_bad(status) || kw_string_equals(password, "word of anna") ? status : KW_BAD_USER_ACCESS_DENIED;
}

static kw_status look_up(void *ctx, kw_string name, kw_arena *arena, kw_directory_user *out, const char **why)
{
    (void)ctx;
    fake.looks++;
    return answer(name, arena, out, why);
}

static void connect_directory(kw_test_world *world, kw_server_config *config)
{
    (void)config;
    fake = (fake_directory){.seam = {.prove = prove, .look_up = look_up, .recheck_s = RECHECK_MS / 1000, .max_age_s = MAX_AGE_MS / 1000},
                            .id = "entry 1",
                            .is_operator = true};
    world->env.directory = &fake.seam;
}

static int setup(void **state)
{
    kw_test_world *world = kw_test_token_world(&(kw_test_world_options){.configure = connect_directory});
    kw_test_world_grant(world, "Operator", KW_CRITERIA_GROUP_ID, "operators");
    *state = world;
    return 0;
}

static void with_throttle(kw_test_world *world, kw_server_config *config)
{
    connect_directory(world, config);
    config->identity.throttle = KW_IDENTITY_CONFIG_DEFAULT.throttle;
}

static int setup_guessed(void **state)
{
    *state = kw_test_token_world(&(kw_test_world_options){.configure = with_throttle});
    return 0;
}

static int teardown(void **state)
{
    kw_test_world_free(*state);
    return 0;
}

static kw_status try_user(kw_test_client *client, const char *name, const char *password)
{
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    return kw_test_activate(client, &session, kw_test_user_name(client, &session, name, password));
}

static kw_status may(kw_test_client *client, const kw_test_session *session)
{
    return kw_test_read(client, session, &KW_TEST_SECRET, NULL);
}

static void un_11_users_of_the_store_come_first_and_others_are_the_directorys(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    assert_status(try_user(client, KW_TEST_USER, KW_TEST_PASSWORD), KW_GOOD);
    assert_status(try_user(client, KW_TEST_USER, "word of anna"), KW_BAD_USER_ACCESS_DENIED); /* though the directory would take it */
    assert_int_equal(fake.proofs, 0);
    const kw_test_session session = kw_test_open_as(client, "anna", "word of anna");
    assert_status(may(client, &session), KW_GOOD);
    assert_int_equal(fake.proofs, 1);
}

static void un_11_unknown_and_wrong_answer_alike_and_an_empty_password_is_nobodys(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    assert_status(try_user(client, "anna", "wrong"), KW_BAD_USER_ACCESS_DENIED);
    assert_status(try_user(client, "nobody", "wrong"), KW_BAD_USER_ACCESS_DENIED);
    const unsigned before = fake.proofs;
    assert_status(try_user(client, "anna", ""), KW_BAD_USER_ACCESS_DENIED);
    assert_int_equal(fake.proofs, before);
}

static void a_directory_that_is_away_is_no_guess_and_nothing_to_users_of_the_store(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    fake.status = KW_BAD_RESOURCE_UNAVAILABLE;
    assert_status(try_user(client, "anna", "word of anna"), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_status(try_user(client, KW_TEST_USER, KW_TEST_PASSWORD), KW_GOOD);
    fake.status = KW_GOOD;
    assert_status(try_user(client, "anna", "word of anna"), KW_GOOD);
}

static void ro_15_a_group_that_was_left_takes_its_role_from_the_live_session(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open_as(client, "anna", "word of anna");
    fake.is_operator = false;
    kw_test_world_advance(*state, RECHECK_MS + WITHIN_MS);
    assert_status(may(client, &session), KW_BAD_USER_ACCESS_DENIED);
    fake.is_operator = true;
    kw_test_world_advance(*state, RECHECK_MS + WITHIN_MS);
    assert_status(may(client, &session), KW_GOOD);
}

static void expect_ended(kw_test_world *world, kw_test_client *client, const kw_test_session *session)
{
    kw_test_world_advance(world, RECHECK_MS + WITHIN_MS);
    assert_true(kw_status_is_bad(kw_test_read(client, session, &KW_TEST_PUBLIC, NULL)));
}

static void ro_15_a_user_who_is_gone_or_another_one_loses_the_session(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "anna", "word of anna");
    fake.id = "entry 2";
    expect_ended(world, client, &session);
    session = kw_test_open_as(client, "anna", "word of anna");
    fake.status = KW_BAD_USER_ACCESS_DENIED;
    expect_ended(world, client, &session);
    fake.status = KW_GOOD;
    session = kw_test_open_as(client, "anna", "word of anna");
    kw_test_world_add_user(world, "anna", "another word", 0); /* from now on that is who the name is */
    expect_ended(world, client, &session);
}

static void ro_15_while_the_directory_is_away_a_session_keeps_its_rights_for_so_long(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open_as(client, "anna", "word of anna");
    fake.status = KW_BAD_RESOURCE_UNAVAILABLE;
    for (unsigned passed = 0; passed < MAX_AGE_MS - 2 * RECHECK_MS; passed += RECHECK_MS / 2) { /* the Session is in use */
        kw_test_world_advance(world, RECHECK_MS / 2);
        assert_status(may(client, &session), KW_GOOD);
    }
    assert_true(fake.looks > 0);
    kw_test_world_advance(world, RECHECK_MS);
    kw_test_world_advance(world, RECHECK_MS);
    expect_ended(world, client, &session);
}

/* Whatever is typed, that is no guess at anybody's password. */
static void um_21_and_um_22_the_password_of_a_directorys_user_is_changed_elsewhere(void **state)
{
    const kw_node_id management = {.id.numeric = KW_ID_USER_MANAGEMENT}, method = {.id.numeric = KW_ID_USER_MANAGEMENT_CHANGE_PASSWORD};
    const kw_string texts[] = {KW_STRING("wrong"), KW_STRING("another word")};
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_STRING, &texts[0]), kw_variant_scalar(KW_BUILTIN_STRING, &texts[1])};
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open_as(client, "anna", "word of anna");
    const unsigned proofs = fake.proofs;
    for (unsigned i = 0; i < 2 * KW_IDENTITY_CONFIG_DEFAULT.throttle.lockout_after; i++) {
        assert_status(kw_test_call_method(client, &session, &management, &method, inputs, 2, NULL), KW_BAD_NOT_SUPPORTED);
    }
    assert_int_equal(fake.proofs, proofs);
    assert_status(try_user(client, "anna", "word of anna"), KW_GOOD); /* neither slowed down nor locked out */
}

static kw_test_tokens tokens_of_anna(kw_test_client *client, const kw_test_session *session)
{
    kw_test_tokens tokens;
    const kw_test_token_start start = kw_test_token_start_good(client, session, KW_USER_TOKEN_TYPE_USER_NAME);
    const kw_test_user anna = kw_test_token_user(client, &start, "anna", "word of anna");
    assert_status(kw_test_token_finish(client, session, &start, NULL, &anna, &tokens), KW_GOOD);
    return tokens;
}

static void az_15_a_refresh_token_asks_the_directory_anew(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    kw_test_tokens tokens = tokens_of_anna(client, &session);
    assert_true(kw_test_token_has_role(world, tokens.access, "Operator"));
    fake.is_operator = false;
    assert_status(kw_test_token_refresh(client, &session, KW_TEST_SERVER, tokens.refresh, &tokens), KW_GOOD);
    assert_false(kw_test_token_has_role(world, tokens.access, "Operator"));
    fake.status = KW_BAD_RESOURCE_UNAVAILABLE;
    kw_test_tokens none;
    assert_status(kw_test_token_refresh(client, &session, KW_TEST_SERVER, tokens.refresh, &none), KW_BAD_RESOURCE_UNAVAILABLE);
    fake.status = KW_GOOD; /* the outage has used nothing up */
    assert_status(kw_test_token_refresh(client, &session, KW_TEST_SERVER, tokens.refresh, &tokens), KW_GOOD);
    fake.status = KW_BAD_USER_ACCESS_DENIED;
    assert_status(kw_test_token_refresh(client, &session, KW_TEST_SERVER, tokens.refresh, &none), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

/* What a provider proved cannot be asked again: it holds for max_age_s, and then the user signs in once more. */
static void az_15_where_the_password_is_needed_the_proof_holds_for_so_long(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    kw_test_tokens tokens = tokens_of_anna(client, &session);
    kw_test_tokens none;
    fake.seam.needs_password = true;
    fake.status = KW_BAD_RESOURCE_UNAVAILABLE;
    assert_status(kw_test_token_refresh(client, &session, KW_TEST_SERVER, tokens.refresh, &tokens), KW_GOOD);
    assert_true(kw_test_token_has_role(world, tokens.access, "Operator"));
    for (unsigned passed = 0; passed <= MAX_AGE_MS; passed += RECHECK_MS) {
        kw_test_world_advance(world, RECHECK_MS);
    }
    kw_test_client *again = kw_test_client_new(world, NULL);
    const kw_test_session renewed = kw_test_open(again);
    assert_status(kw_test_token_refresh(again, &renewed, KW_TEST_SERVER, tokens.refresh, &none), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(un_11_users_of_the_store_come_first_and_others_are_the_directorys),
        IN_WORLD(un_11_unknown_and_wrong_answer_alike_and_an_empty_password_is_nobodys),
        IN_WORLD(a_directory_that_is_away_is_no_guess_and_nothing_to_users_of_the_store),
        IN_WORLD(ro_15_a_group_that_was_left_takes_its_role_from_the_live_session),
        IN_WORLD(ro_15_a_user_who_is_gone_or_another_one_loses_the_session),
        IN_WORLD(ro_15_while_the_directory_is_away_a_session_keeps_its_rights_for_so_long),
        cmocka_unit_test_setup_teardown(um_21_and_um_22_the_password_of_a_directorys_user_is_changed_elsewhere, setup_guessed, teardown),
        IN_WORLD(az_15_a_refresh_token_asks_the_directory_anew),
        IN_WORLD(az_15_where_the_password_is_needed_the_proof_holds_for_so_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
