/* IssuedIdentityToken: how an access token travels, and what becomes of the Session when its time is over. OPC 10000-4, 7.40.6. */
#include "support/kw_test_user.h"
#include "support/test.h"

#define ISSUER "urn:test:issuer"

static kw_test_world *world_with_issuer(const kw_test_world_options *options)
{
    kw_test_world *world = kw_test_world_with_user(options);
    kw_test_world_trust_issuer(world, ISSUER);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_ROLE, "operators");
    return world;
}

static int setup(void **state)
{
    *state = world_with_issuer(NULL);
    return 0;
}

static kw_string token_for(kw_test_world *world, int lifetime_s)
{
    return kw_test_jwt(world, &world->issuers[0],
                       kw_test_claims(world, &world->issuers[0], "somebody", lifetime_s, ",\"roles\":[\"operators\"]"));
}

static kw_test_session opened(kw_test_client *client, int lifetime_s)
{
    kw_test_session session = kw_test_created(client);
    assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, token_for(client->world, lifetime_s))), KW_GOOD);
    return session;
}

static kw_status try_token(kw_test_client *client, kw_test_session *session, const kw_issued_identity_token *token)
{
    return kw_test_activate(client, session, kw_test_user_of(KW_TYPE_ISSUED_IDENTITY_TOKEN, token));
}

static kw_issued_identity_token *token_as(kw_test_client *client, const kw_test_session *session, kw_secret_format format)
{
    return kw_test_issued_token(client, session, format, token_for(client->world, 600));
}

/* --- how it travels -------------------------------------------------------------------------------------------------------- */

static void it_01_and_it_09_a_token_of_a_trusted_issuer_opens_a_session(void **state)
{
    kw_test_world *world = *state;
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        if (kw_security_policy_at(i)->is_deprecated || kw_security_policy_at(i)->ephemeral != KW_EPHEMERAL_NONE) {
            continue;
        }
        kw_test_client *client = kw_test_client_new(world, &(kw_test_client_options){.policy = kw_security_policy_at(i)});
        kw_test_session session = opened(client, 600);
        const kw_identity *identity = kw_session_identity(kw_test_session_of(world, &session));
        assert_int_equal(identity->kind, KW_USER_TOKEN_TYPE_ISSUED_TOKEN);
        assert_text(identity->name, "somebody");
        assert_text(identity->issuer, ISSUER);
        assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
    }
}

static void it_04_and_it_24_the_legacy_block_is_refused(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    assert_status(try_token(client, &session, token_as(client, &session, KW_SECRET_LEGACY_LONG)), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(try_token(client, &session, token_as(client, &session, KW_SECRET_RSA)), KW_GOOD);
    assert_status(try_token(client, &session, token_as(client, &session, KW_SECRET_RSA_DOTNET)), KW_GOOD);
}

static void accept_legacy(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.accept_legacy_issued_token = true;
}

static void it_04_the_legacy_block_is_taken_by_configuration(void **state)
{
    (void)state;
    kw_test_world *world = world_with_issuer(&(kw_test_world_options){.configure = accept_legacy});
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_issued_identity_token *token = token_as(client, &session, KW_SECRET_LEGACY_LONG);
    assert_status(try_token(client, &session, token), KW_GOOD);
    assert_status(try_token(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID); /* the nonce inside was used */
    assert_status(try_token(client, &session, token_as(client, &session, KW_SECRET_RSA)), KW_GOOD);
    kw_test_world_free(world);
}

static void it_05_and_it_06_a_token_in_clear_is_refused_where_the_policy_encrypts(void **state)
{
    const kw_test_client_options ways[] = {{.policy = NULL}, {.mode = KW_MESSAGE_SECURITY_MODE_SIGN}, {.policy = &KW_POLICY_NONE}};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        kw_test_client *client = kw_test_client_new(*state, &ways[i]);
        kw_test_session session = kw_test_created(client);
        kw_issued_identity_token *token = token_as(client, &session, KW_SECRET_RSA);
        assert_false(kw_string_equals(kw_test_policy(client, &session, KW_USER_TOKEN_TYPE_ISSUED_TOKEN)->security_policy_uri, ""));
        token->token_data = token_for(*state, 600);
        assert_status(try_token(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
}

static void it_10_and_it_20_and_it_22_with_the_policy_none_token_data_is_the_token(void **state)
{
    (void)state;
    kw_test_world *world = world_with_issuer(&(kw_test_world_options){.configure = kw_test_clear_on_encrypted});
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    kw_issued_identity_token *token = token_as(client, &session, KW_SECRET_CLEAR);
    assert_status(try_token(client, &session, token), KW_GOOD);
    token->token_data = kw_test_seal(client, &session, KW_SECRET_RSA, token_for(world, 600));
    assert_status(try_token(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
    token->token_data = kw_test_seal(client, &session, KW_SECRET_LEGACY_LONG, token_for(world, 600));
    assert_status(try_token(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
    token = token_as(client, &session, KW_SECRET_RSA); /* both kinds of policy are offered side by side */
    assert_status(try_token(client, &session, token), KW_GOOD);
    kw_test_world_free(world);
}

static void it_11_and_it_12_in_clear_is_not_offered_where_the_network_can_read(void **state)
{
    (void)state;
    kw_test_world *world = world_with_issuer(&(kw_test_world_options){.configure = kw_test_clear_on_encrypted});
    const kw_test_client_options ways[] = {{.mode = KW_MESSAGE_SECURITY_MODE_SIGN}, {.policy = &KW_POLICY_NONE}};
    for (size_t i = 0; i < 2; i++) {
        kw_test_client *client = kw_test_client_new(world, &ways[i]);
        kw_test_session session = kw_test_created(client);
        const kw_issued_identity_token token = {.policy_id = KW_STRING("jwt_clear"), .token_data = token_for(world, 600)};
        assert_status(try_token(client, &session, &token), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
    kw_test_world_free(world);
}

static void it_07_without_a_policy_of_its_own_that_of_the_channel_counts(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_user_token_policy bare = {.policy_id = KW_STRING("bare"),
                                       .token_type = KW_USER_TOKEN_TYPE_ISSUED_TOKEN,
                                       .issued_token_type = KW_STRING("http://opcfoundation.org/UA/UserToken#JWT")};
    kw_issued_identity_token *token = token_as(client, &session, KW_SECRET_RSA);
    token->policy_id = bare.policy_id;
    const kw_test_user user = kw_test_user_of(KW_TYPE_ISSUED_IDENTITY_TOKEN, token);
    const kw_identity_claim claim = {.token = &user.token,
                                     .policies = &bare,
                                     .policy_count = 1,
                                     .channel_policy = client->policy,
                                     .mode = client->mode,
                                     .receiver = world->env.identity,
                                     .server_nonce = session.nonce};
    kw_identity *identity = NULL;
    assert_status(kw_identity_prove(kw_server_gate(world->server), &claim, &identity, NULL, NULL), KW_GOOD);
    kw_identity_release(identity);
    token->token_data = token_for(world, 600);
    assert_status(kw_identity_prove(kw_server_gate(world->server), &claim, &identity, NULL, NULL), KW_BAD_IDENTITY_TOKEN_INVALID);
}

/* --- the fields of the token --------------------------------------------------------------------------------------------------- */

static void it_18_an_unknown_policy_id_is_refused(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_string others[] = {KW_STRING("jwt"), KW_STRING(""), KW_BYTES_NULL, KW_STRING("anonymous")};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        kw_issued_identity_token *token = token_as(client, &session, KW_SECRET_RSA);
        token->policy_id = others[i];
        assert_status(try_token(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
}

static void it_19_null_and_empty_policy_ids_are_the_same(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_string ids[] = {KW_BYTES_NULL, KW_STRING("")};
    for (size_t published = 0; published < 2; published++) {
        for (size_t sent = 0; sent < 2; sent++) {
            kw_test_session session = kw_test_created(client);
            kw_user_token_policy policy = *kw_test_policy(client, &session, KW_USER_TOKEN_TYPE_ISSUED_TOKEN);
            kw_issued_identity_token *token = token_as(client, &session, KW_SECRET_RSA);
            policy.policy_id = ids[published];
            token->policy_id = ids[sent];
            const kw_test_user user = kw_test_user_of(KW_TYPE_ISSUED_IDENTITY_TOKEN, token);
            const kw_identity_claim claim = {.token = &user.token,
                                             .policies = &policy,
                                             .policy_count = 1,
                                             .channel_policy = client->policy,
                                             .mode = client->mode,
                                             .receiver = world->env.identity,
                                             .server_nonce = session.nonce};
            kw_identity *identity = NULL;
            assert_status(kw_identity_prove(kw_server_gate(world->server), &claim, &identity, NULL, NULL), KW_GOOD);
            kw_identity_release(identity);
        }
    }
}

static void it_23_the_kind_of_token_follows_from_the_policy(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    kw_user_token_policy policy = *kw_test_policy(client, &session, KW_USER_TOKEN_TYPE_ISSUED_TOKEN);
    const kw_test_user user = kw_test_issued(client, &session, token_for(world, 600));
    const kw_identity_claim claim = {.token = &user.token,
                                     .policies = &policy,
                                     .policy_count = 1,
                                     .channel_policy = client->policy,
                                     .mode = client->mode,
                                     .receiver = world->env.identity,
                                     .server_nonce = session.nonce};
    kw_identity *identity = NULL;
    policy.issued_token_type = KW_STRING("http://opcfoundation.org/UA/UserToken#SAML");
    assert_status(kw_identity_prove(kw_server_gate(world->server), &claim, &identity, NULL, NULL), KW_BAD_IDENTITY_TOKEN_INVALID);
    /* And what is no JWT is refused on a JWT policy. */
    assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, KW_STRING("<saml:Assertion/>"))),
                  KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void it_26_the_encryption_algorithm_is_ignored(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_string anything[] = {KW_BYTES_NULL, KW_STRING(""), KW_STRING("urn:no:algorithm"), KW_STRING("\xff\xfe"),
                                  kw_string_from(client->policy->asym_encryption_uri)};
    for (size_t i = 0; i < sizeof(anything) / sizeof(anything[0]); i++) {
        kw_issued_identity_token *token = token_as(client, &session, KW_SECRET_RSA);
        token->encryption_algorithm = anything[i];
        assert_status(try_token(client, &session, token), KW_GOOD);
    }
}

/* --- when its time is over ---------------------------------------------------------------------------------------------------------- */

/* Time passes with a request now and then, so that the Session does not time out. */
static void pass(kw_test_client *client, const kw_test_session *session, uint64_t ms)
{
    const uint64_t step = 30000;
    for (; ms > step; ms -= step) {
        kw_test_world_advance(client->world, step);
        assert_status(kw_test_read(client, session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    }
    kw_test_world_advance(client->world, ms);
}

static void it_13_and_it_14_and_it_15_after_expiry_only_anonymous_is_left(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = opened(client, 30);
    pass(client, &session, 30000 - 1);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
    kw_test_world_advance(world, 1);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    const kw_identity *identity = kw_session_identity(kw_test_session_of(world, &session));
    assert_int_equal(identity->kind, KW_USER_TOKEN_TYPE_ANONYMOUS);
    assert_int_equal(identity->role_count, 1);
    assert_int_equal(identity->roles[0].id, 15644);
}

static void five_seconds(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.clock_skew_s = 5;
}

static void it_14_rights_end_with_the_token_also_when_it_would_be_accepted_late(void **state)
{
    (void)state;
    kw_test_world *world = world_with_issuer(&(kw_test_world_options){.configure = five_seconds});
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = opened(client, 10);
    kw_test_world_advance(world, 9999);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
    kw_test_world_advance(world, 1);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
    kw_test_world_free(world);
}

/* What is accepted is worth something: a token that comes within that time gives its rights for the rest of it. */
static void it_14_a_token_that_is_accepted_late_gives_its_rights(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_string late = token_for(world, -30);
    assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, late)), KW_GOOD);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
    kw_test_world_advance(world, 30000);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, late)), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

static void it_16_and_jw_07_without_anonymous_the_session_is_closed(void **state)
{
    (void)state;
    kw_test_world *world = world_with_issuer(&(kw_test_world_options){.configure = kw_test_no_anonymous});
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = opened(client, 30);
    kw_test_world_advance(world, 29999);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_non_null(kw_test_session_of(world, &session));
    kw_test_world_advance(world, 2);
    assert_null(kw_test_session_of(world, &session)); /* by itself: nobody has to ask */
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_ID_INVALID);
    kw_test_world_free(world);
}

static void it_17_and_jw_08_renewing_before_expiry_goes_on_without_a_gap(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = opened(client, 30);
    for (int i = 0; i < 5; i++) {
        kw_test_world_advance(world, 20000);
        assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
        assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, token_for(world, 30))), KW_GOOD);
        assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
    }
    pass(client, &session, 30000);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
}

static void it_15_a_new_token_brings_the_rights_back(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = opened(client, 10);
    pass(client, &session, 10000);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, token_for(world, 600))), KW_GOOD);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
}

/* Another user in between: the old token's end is no business of his. */
static void it_14_expiry_belongs_to_the_identity_not_to_the_session(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = opened(client, 10);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, KW_TEST_USER, KW_TEST_PASSWORD)), KW_GOOD);
    for (int i = 0; i < 4; i++) {
        kw_test_world_advance(world, 30000);
        assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kw_test_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_01_and_it_09_a_token_of_a_trusted_issuer_opens_a_session),
        TEST(it_04_and_it_24_the_legacy_block_is_refused),
        cmocka_unit_test(it_04_the_legacy_block_is_taken_by_configuration),
        TEST(it_05_and_it_06_a_token_in_clear_is_refused_where_the_policy_encrypts),
        cmocka_unit_test(it_10_and_it_20_and_it_22_with_the_policy_none_token_data_is_the_token),
        cmocka_unit_test(it_11_and_it_12_in_clear_is_not_offered_where_the_network_can_read),
        TEST(it_07_without_a_policy_of_its_own_that_of_the_channel_counts),
        TEST(it_18_an_unknown_policy_id_is_refused),
        TEST(it_19_null_and_empty_policy_ids_are_the_same),
        TEST(it_23_the_kind_of_token_follows_from_the_policy),
        TEST(it_26_the_encryption_algorithm_is_ignored),
        TEST(it_13_and_it_14_and_it_15_after_expiry_only_anonymous_is_left),
        cmocka_unit_test(it_16_and_jw_07_without_anonymous_the_session_is_closed),
        TEST(it_17_and_jw_08_renewing_before_expiry_goes_on_without_a_gap),
        cmocka_unit_test(it_14_rights_end_with_the_token_also_when_it_would_be_accepted_late),
        TEST(it_14_a_token_that_is_accepted_late_gives_its_rights),
        TEST(it_15_a_new_token_brings_the_rights_back),
        TEST(it_14_expiry_belongs_to_the_identity_not_to_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
