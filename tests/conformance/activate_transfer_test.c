/* ActivateSession over another SecureChannel: the Session moves, if it is the same application and the same user. OPC 10000-4, 5.7.3. */
#include "support/kw_test_user.h"
#include "support/test.h"

/* Still on its first channel, still the operator's. */
static void assert_untouched(kw_test_client *first, kw_test_session *session)
{
    assert_status(kw_test_read(first, session, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_status(kw_test_activate(first, session, kw_test_operator(first, session)), KW_GOOD);
}

static void as_09_and_cs_02_the_first_activation_stays_on_the_channel_of_create_session(void **state)
{
    kw_test_client *first = kw_test_client_new(*state, NULL);
    kw_test_client *second = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(first, &session), KW_GOOD);
    assert_status(kw_test_activate(second, &session, kw_test_nobody()), KW_BAD_SECURE_CHANNEL_ID_INVALID);
    assert_status(kw_test_activate(first, &session, kw_test_nobody()), KW_GOOD);
}

static void as_10_and_as_13_a_session_moves_and_leaves_the_old_channel(void **state)
{
    kw_test_client *first = kw_test_client_new(*state, NULL);
    kw_test_client *second = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open_as(first, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(kw_test_activate(second, &session, kw_test_operator(second, &session)), KW_GOOD);
    assert_status(kw_test_read(second, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_status(kw_test_read(first, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SECURE_CHANNEL_ID_INVALID);
    assert_status(kw_test_close_session(first, &session, true), KW_BAD_SECURE_CHANNEL_ID_INVALID);
    assert_status(kw_test_read(second, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD); /* what was refused did no harm */
}

static void as_10_a_session_outlives_its_connection(void **state)
{
    kw_test_client *first = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open_as(first, KW_TEST_USER, KW_TEST_PASSWORD);
    kw_test_client_cut(first);
    kw_test_client *second = kw_test_client_new(*state, NULL);
    assert_status(kw_test_read(second, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SECURE_CHANNEL_ID_INVALID);
    assert_status(kw_test_activate(second, &session, kw_test_operator(second, &session)), KW_GOOD);
    assert_status(kw_test_read(second, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static void as_11_another_application_cannot_take_it(void **state)
{
    const kw_application_identity *other = kw_test_identity("other", 2048);
    kw_test_client *first = kw_test_client_new(*state, NULL);
    kw_test_client *second = kw_test_client_new(*state, &(kw_test_client_options){.identity = other});
    kw_test_session session = kw_test_open_as(first, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(kw_test_activate(second, &session, kw_test_operator(second, &session)), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_untouched(first, &session);
}

/* Who can make a channel without security could otherwise take over what was protected. */
static void as_11_another_policy_or_mode_cannot_take_it(void **state)
{
    const kw_test_client_options ways[] = {{.policy = &KW_POLICY_NONE},
                                           {.mode = KW_MESSAGE_SECURITY_MODE_SIGN},
                                           {.policy = kw_security_policy_by_name(KW_STRING("Aes128_Sha256_RsaOaep"))}};
    kw_test_client *first = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open_as(first, KW_TEST_USER, KW_TEST_PASSWORD);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        kw_test_client *second = kw_test_client_new(*state, &ways[i]);
        assert_status(kw_test_activate(second, &session, kw_test_nobody()), KW_BAD_SECURITY_CHECKS_FAILED);
    }
    assert_untouched(first, &session);
}

static void as_12_and_as_71_another_user_cannot_take_it(void **state)
{
    kw_test_world *world = *state;
    kw_test_world_add_user(world, "guest", "another password", 0);
    kw_test_client *first = kw_test_client_new(world, NULL);
    kw_test_client *second = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(first, KW_TEST_USER, KW_TEST_PASSWORD);
    const kw_test_user guest = kw_test_user_name(second, &session, "guest", "another password");
    assert_status(kw_test_activate(second, &session, guest), KW_BAD_IDENTITY_CHANGE_NOT_SUPPORTED);
    assert_status(kw_test_activate(second, &session, kw_test_nobody()), KW_BAD_IDENTITY_CHANGE_NOT_SUPPORTED);
    assert_untouched(first, &session);
}

/* The same name by another kind of proof is not the same user. */
static void as_12_the_kind_of_proof_is_part_of_the_user(void **state)
{
    kw_test_world *world = *state;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "urn:test:issuer");
    kw_test_client *first = kw_test_client_new(world, NULL);
    kw_test_client *second = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(first, KW_TEST_USER, KW_TEST_PASSWORD);
    const kw_test_user token = kw_test_issued(second, &session, kw_test_token(world, issuer, KW_TEST_USER, 600));
    assert_status(kw_test_activate(second, &session, token), KW_BAD_IDENTITY_CHANGE_NOT_SUPPORTED);
    assert_untouched(first, &session);
}

/* Compared is who it is: nonce and cipher text differ, and so may the token. */
static void as_12_a_new_token_of_the_same_subject_is_the_same_user(void **state)
{
    kw_test_world *world = *state;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "urn:test:issuer");
    const kw_test_issuer *other = kw_test_world_trust_issuer(world, "urn:test:other-issuer");
    kw_test_client *first = kw_test_client_new(world, NULL);
    kw_test_client *second = kw_test_client_new(world, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(first, &session), KW_GOOD);
    assert_status(kw_test_activate(first, &session, kw_test_issued(first, &session, kw_test_token(world, issuer, "somebody", 600))),
                  KW_GOOD);
    const kw_test_user namesake = kw_test_issued(second, &session, kw_test_token(world, other, "somebody", 600));
    assert_status(kw_test_activate(second, &session, namesake), KW_BAD_IDENTITY_CHANGE_NOT_SUPPORTED);
    const kw_test_user same = kw_test_issued(second, &session, kw_test_token(world, issuer, "somebody", 900));
    assert_status(kw_test_activate(second, &session, same), KW_GOOD);
}

static void as_12_an_anonymous_session_moves_as_anonymous(void **state)
{
    kw_test_client *first = kw_test_client_new(*state, NULL);
    kw_test_client *second = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(first);
    assert_status(kw_test_activate(second, &session, kw_test_operator(second, &session)), KW_BAD_IDENTITY_CHANGE_NOT_SUPPORTED);
    assert_status(kw_test_activate(second, &session, kw_test_anonymous(second, &session)), KW_GOOD);
    assert_status(kw_test_activate(second, &session, kw_test_operator(second, &session)), KW_GOOD); /* there it may change */
}

static void as_14_the_old_channel_keeps_its_other_sessions(void **state)
{
    kw_test_client *first = kw_test_client_new(*state, NULL);
    kw_test_client *second = kw_test_client_new(*state, NULL);
    kw_test_session moves = kw_test_open(first);
    kw_test_session stays = kw_test_open(first);
    assert_status(kw_test_activate(second, &moves, kw_test_nobody()), KW_GOOD);
    assert_status(kw_test_read(first, &stays, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    assert_false(first->is_closed);
    assert_status(kw_test_read(second, &stays, &KW_TEST_PUBLIC, NULL), KW_BAD_SECURE_CHANNEL_ID_INVALID);
}

/* A captured ActivateSession could be played on another channel of mode Sign: only by the administrator's word. */
static void as_10_in_mode_sign_a_session_moves_only_where_it_is_allowed(void **state)
{
    const kw_test_client_options sign = {.mode = KW_MESSAGE_SECURITY_MODE_SIGN};
    kw_test_client *first = kw_test_client_new(*state, &sign);
    kw_test_client *second = kw_test_client_new(*state, &sign);
    kw_test_session session = kw_test_open(first);
    assert_status(kw_test_activate(second, &session, kw_test_nobody()), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_status(kw_test_read(first, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
}

static void allow_transfer_on_sign(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->session_limits.allow_transfer_on_sign = true;
}

static void as_10_in_mode_sign_a_session_moves_where_it_is_allowed(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_new(&(kw_test_world_options){.configure = allow_transfer_on_sign});
    const kw_test_client_options sign = {.mode = KW_MESSAGE_SECURITY_MODE_SIGN};
    kw_test_client *first = kw_test_client_new(world, &sign);
    kw_test_client *second = kw_test_client_new(world, &sign);
    kw_test_session session = kw_test_open(first);
    assert_status(kw_test_activate(second, &session, kw_test_nobody()), KW_GOOD);
    assert_status(kw_test_read(second, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    kw_test_world_free(world);
}

/* While the proof is under way the Session is where it was; what comes over the old channel afterwards is too late. */
static void as_13_requests_are_answered_on_the_old_channel_until_the_new_one_is_accepted(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *first = kw_test_client_new(world, NULL);
    kw_test_client *second = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open(first);
    kw_activate_session_request *request = kw_test_activation(second, &session, kw_test_nobody());
    kw_test_world_hold(world);
    const uint32_t id = kw_test_send(second, &session, KW_TYPE_ACTIVATE_SESSION_REQUEST, request);
    assert_false(kw_test_is_answered(second, id));
    assert_status(kw_test_read(first, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    kw_test_world_run(world);
    assert_status(kw_test_answer_of(second, id, NULL), KW_GOOD);
    assert_status(kw_test_read(first, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SECURE_CHANNEL_ID_INVALID);
}

/* The new channel goes while the proof is under way: nothing has happened. */
static void as_30_a_transfer_to_a_channel_that_is_gone_leaves_the_session(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *first = kw_test_client_new(world, NULL);
    kw_test_client *second = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(first, KW_TEST_USER, KW_TEST_PASSWORD);
    kw_activate_session_request *request = kw_test_activation(second, &session, kw_test_operator(second, &session));
    kw_test_world_hold(world);
    kw_test_send(second, &session, KW_TYPE_ACTIVATE_SESSION_REQUEST, request);
    kw_test_client_cut(second);
    kw_test_world_run(world);
    assert_untouched(first, &session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KW_TEST_IN_WORLD(as_09_and_cs_02_the_first_activation_stays_on_the_channel_of_create_session),
        KW_TEST_IN_WORLD(as_10_and_as_13_a_session_moves_and_leaves_the_old_channel),
        KW_TEST_IN_WORLD(as_10_a_session_outlives_its_connection),
        KW_TEST_IN_WORLD(as_11_another_application_cannot_take_it),
        KW_TEST_IN_WORLD(as_11_another_policy_or_mode_cannot_take_it),
        KW_TEST_IN_WORLD(as_12_and_as_71_another_user_cannot_take_it),
        KW_TEST_IN_WORLD(as_12_the_kind_of_proof_is_part_of_the_user),
        KW_TEST_IN_WORLD(as_12_a_new_token_of_the_same_subject_is_the_same_user),
        KW_TEST_IN_WORLD(as_12_an_anonymous_session_moves_as_anonymous),
        KW_TEST_IN_WORLD(as_14_the_old_channel_keeps_its_other_sessions),
        KW_TEST_IN_WORLD(as_10_in_mode_sign_a_session_moves_only_where_it_is_allowed),
        cmocka_unit_test(as_10_in_mode_sign_a_session_moves_where_it_is_allowed),
        KW_TEST_IN_WORLD(as_13_requests_are_answered_on_the_old_channel_until_the_new_one_is_accepted),
        KW_TEST_IN_WORLD(as_30_a_transfer_to_a_channel_that_is_gone_leaves_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
