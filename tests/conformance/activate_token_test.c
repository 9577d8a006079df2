/* ActivateSession: which UserIdentityTokens are taken, and how one that is not is answered. OPC 10000-4, 5.7.3, 7.40.3, 7.41. */
#include "support/kw_test_user.h"
#include "support/test.h"
#include "ua/codec.h"

static kw_test_user anonymous_as(kw_test_world *world, kw_string policy_id)
{
    kw_anonymous_identity_token *token = KW_ARENA_NEW(world->arena, kw_anonymous_identity_token);
    token->policy_id = policy_id;
    return kw_test_user_of(KW_TYPE_ANONYMOUS_IDENTITY_TOKEN, token);
}

static kw_status try(kw_test_client *client, kw_test_user user)
{
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    return kw_test_activate(client, &session, user);
}

/* --- anonymous ----------------------------------------------------------------------------------------------------------- */

static void an_01_and_as_56_null_and_empty_tokens_are_anonymous(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_user users[] = {kw_test_nobody(), anonymous_as(world, KW_BYTES_NULL), anonymous_as(world, KW_STRING("")),
                                  anonymous_as(world, KW_STRING("anonymous"))};
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        kw_test_session session;
        assert_status(kw_test_create_session(client, &session), KW_GOOD);
        assert_status(kw_test_activate(client, &session, users[i]), KW_GOOD);
        assert_int_equal(kw_session_identity(kw_test_session_of(world, &session))->kind, KW_USER_TOKEN_TYPE_ANONYMOUS);
    }
}

/* An ExtensionObject with a type and no body says nothing either. */
static void as_56_a_token_without_a_body_is_anonymous(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const uint32_t encoding_of_anonymous = 321;
    const kw_test_user user = {.token = {.type_id = KW_NODE_ID(0, encoding_of_anonymous), .encoding = KW_EXTENSION_NONE}};
    assert_status(try(client, user), KW_GOOD);
}

static void an_02_an_unknown_policy_id_is_refused(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    assert_status(try(client, anonymous_as(world, KW_STRING("no such policy"))), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void an_03_and_as_56_and_as_66_anonymous_is_refused_where_it_is_not_offered(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_with_user(&(kw_test_world_options){.configure = kw_test_no_anonymous});
    kw_test_client *client = kw_test_client_new(world, NULL);
    assert_status(try(client, kw_test_nobody()), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(try(client, anonymous_as(world, KW_BYTES_NULL)), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(try(client, anonymous_as(world, KW_STRING("anonymous"))), KW_BAD_IDENTITY_TOKEN_REJECTED);
    kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    kw_test_world_free(world);
}

/* --- the policy ------------------------------------------------------------------------------------------------------------- */

static void as_55_and_as_65_and_tp_02_the_policy_is_one_of_the_endpoint_in_use(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_client *other =
        kw_test_client_new(*state, &(kw_test_client_options){.policy = kw_security_policy_by_name(KW_STRING("Aes256_Sha256_RsaPss"))});
    kw_test_session session, there;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    assert_status(kw_test_create_session(other, &there), KW_GOOD);
    kw_user_name_identity_token *token = kw_test_user_name_token(client, &session, KW_SECRET_LEGACY, KW_TEST_USER, KW_TEST_PASSWORD);
    const kw_string right = token->policy_id;
    token->policy_id = kw_test_policy(other, &there, KW_USER_TOKEN_TYPE_USER_NAME)->policy_id;
    const kw_test_user user = kw_test_user_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, token);
    assert_false(kw_bytes_equal(token->policy_id, right));
    assert_status(kw_test_activate(client, &session, user), KW_BAD_IDENTITY_TOKEN_INVALID);
    token->policy_id = right;
    assert_status(kw_test_activate(client, &session, user), KW_GOOD);
}

static void as_55_and_as_16_the_type_is_that_of_the_policy(void **state)
{
    kw_test_world *world = *state;
    kw_test_world_trust_issuer(world, "urn:test:issuer");
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    const kw_user_token_type types[] = {KW_USER_TOKEN_TYPE_ANONYMOUS, KW_USER_TOKEN_TYPE_CERTIFICATE, KW_USER_TOKEN_TYPE_ISSUED_TOKEN};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        kw_user_name_identity_token *token = kw_test_user_name_token(client, &session, KW_SECRET_LEGACY, KW_TEST_USER, KW_TEST_PASSWORD);
        token->policy_id = kw_test_policy(client, &session, types[i])->policy_id;
        assert_status(kw_test_activate(client, &session, kw_test_user_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, token)),
                      KW_BAD_IDENTITY_TOKEN_INVALID);
    }
    assert_status(try(client, anonymous_as(world, kw_test_policy(client, &session, KW_USER_TOKEN_TYPE_USER_NAME)->policy_id)),
                  KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void no_user_names(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.allow_user_name = false;
}

static void as_55_and_tp_08_a_kind_that_is_not_announced_is_refused(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_with_user(&(kw_test_world_options){.configure = no_user_names});
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    kw_user_name_identity_token token = {.policy_id = KW_STRING("username_Basic256Sha256"),
                                         .user_name = KW_STRING(KW_TEST_USER),
                                         .password = kw_test_seal(client, &session, KW_SECRET_LEGACY, KW_STRING(KW_TEST_PASSWORD)),
                                         .encryption_algorithm = kw_string_from(client->policy->asym_encryption_uri)};
    assert_status(kw_test_activate(client, &session, kw_test_user_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, &token)),
                  KW_BAD_IDENTITY_TOKEN_INVALID);
    kw_test_world_free(world);
}

static void as_65_what_is_no_user_identity_token_is_invalid(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_argument argument = {.name = KW_STRING("an Argument")};
    const kw_user_identity_token base = {.policy_id = KW_STRING("anonymous")};
    const kw_test_user users[] = {
        kw_test_user_of(KW_TYPE_ARGUMENT, &argument),        /* a structure of another kind */
        kw_test_user_of(KW_TYPE_USER_IDENTITY_TOKEN, &base), /* the abstract one */
        {.token = {.type_id = KW_NODE_ID(0, 4711), .encoding = KW_EXTENSION_BINARY, .body = KW_STRING("unknown")}},
        {.token = {.type_id = KW_NODE_ID(0, 321), .encoding = KW_EXTENSION_XML, .body = KW_STRING("<AnonymousIdentityToken/>")}}};
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        assert_status(try(client, users[i]), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
}

/* --- user names --------------------------------------------------------------------------------------------------------------- */

static void as_15_and_as_17_and_as_67_the_password_proves_the_user(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const char *const wrong[] = {"", "A password", "a password ", "a passwor"};
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, KW_TEST_USER, wrong[i])),
                      KW_BAD_USER_ACCESS_DENIED);
    }
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, KW_TEST_USER, KW_TEST_PASSWORD)), KW_GOOD);
}

static void as_58_a_user_token_signature_that_is_not_needed_is_not_looked_at(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    kw_test_user user = kw_test_user_name(client, &session, KW_TEST_USER, KW_TEST_PASSWORD);
    user.signature = (kw_signature_data){KW_STRING("urn:no:algorithm"), KW_STRING("no signature")};
    assert_status(kw_test_activate(client, &session, user), KW_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KW_TEST_IN_WORLD(an_01_and_as_56_null_and_empty_tokens_are_anonymous),
        KW_TEST_IN_WORLD(as_56_a_token_without_a_body_is_anonymous),
        KW_TEST_IN_WORLD(an_02_an_unknown_policy_id_is_refused),
        cmocka_unit_test(an_03_and_as_56_and_as_66_anonymous_is_refused_where_it_is_not_offered),
        KW_TEST_IN_WORLD(as_55_and_as_65_and_tp_02_the_policy_is_one_of_the_endpoint_in_use),
        KW_TEST_IN_WORLD(as_55_and_as_16_the_type_is_that_of_the_policy),
        cmocka_unit_test(as_55_and_tp_08_a_kind_that_is_not_announced_is_refused),
        KW_TEST_IN_WORLD(as_65_what_is_no_user_identity_token_is_invalid),
        KW_TEST_IN_WORLD(as_15_and_as_17_and_as_67_the_password_proves_the_user),
        KW_TEST_IN_WORLD(as_58_a_user_token_signature_that_is_not_needed_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
