/* UserNameIdentityToken: how the password travels, and who gets in with it. OPC 10000-4, 7.40.4, 7.40.2. */
#include "support/kw_test_user.h"
#include "support/test.h"

#include <string.h>

static kw_status try_token(kw_test_client *client, kw_test_session *session, const kw_user_name_identity_token *token)
{
    return kw_test_activate(client, session, kw_test_user_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, token));
}

static kw_user_name_identity_token *right_token(kw_test_client *client, const kw_test_session *session, kw_secret_format format)
{
    return kw_test_user_name_token(client, session, format, KW_TEST_USER, KW_TEST_PASSWORD);
}

/* --- protection ---------------------------------------------------------------------------------------------------------- */

static void un_01_and_as_20_a_password_in_clear_is_refused_where_the_policy_encrypts(void **state)
{
    const kw_test_client_options ways[] = {{.policy = NULL}, {.mode = KW_MESSAGE_SECURITY_MODE_SIGN}, {.policy = &KW_POLICY_NONE}};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        kw_test_client *client = kw_test_client_new(*state, &ways[i]);
        kw_test_session session = kw_test_created(client);
        kw_user_name_identity_token *token = right_token(client, &session, KW_SECRET_LEGACY);
        token->password = KW_STRING(KW_TEST_PASSWORD);
        assert_status(try_token(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
        token->encryption_algorithm = KW_BYTES_NULL;
        assert_status(try_token(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
        assert_status(try_token(client, &session, right_token(client, &session, KW_SECRET_LEGACY)), KW_GOOD);
    }
}

static void un_06_every_format_on_every_policy(void **state)
{
    const kw_secret_format formats[] = {KW_SECRET_LEGACY, KW_SECRET_RSA, KW_SECRET_RSA_DOTNET};
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        if (kw_security_policy_at(i)->is_deprecated || kw_security_policy_at(i)->ephemeral != KW_EPHEMERAL_NONE) {
            continue;
        }
        kw_test_client *client = kw_test_client_new(*state, &(kw_test_client_options){.policy = kw_security_policy_at(i)});
        kw_test_session session = kw_test_created(client);
        for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
            assert_status(try_token(client, &session, right_token(client, &session, formats[f])), KW_GOOD);
            const kw_test_user wrong = kw_test_user_name_as(client, &session, formats[f], KW_TEST_USER, "wrong");
            assert_status(kw_test_activate(client, &session, wrong), KW_BAD_USER_ACCESS_DENIED);
        }
    }
}

static void un_03_and_un_09_with_the_policy_none_the_password_is_its_bytes(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_with_user(&(kw_test_world_options){.configure = kw_test_clear_on_encrypted});
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    assert_status(try_token(client, &session, right_token(client, &session, KW_SECRET_CLEAR)), KW_GOOD);
    kw_user_name_identity_token *token = right_token(client, &session, KW_SECRET_CLEAR);
    token->encryption_algorithm = kw_string_from(client->policy->asym_encryption_uri);
    assert_status(try_token(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
    token->encryption_algorithm = KW_BYTES_NULL;
    token->password = kw_test_seal(client, &session, KW_SECRET_RSA, KW_STRING(KW_TEST_PASSWORD)); /* protected where nothing is to be */
    assert_status(try_token(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
    token->password = kw_test_seal(client, &session, KW_SECRET_LEGACY, KW_STRING(KW_TEST_PASSWORD));
    assert_true(kw_status_is_bad(try_token(client, &session, token)));
    kw_test_world_free(world);
}

static void un_05_and_un_08_in_clear_is_not_offered_in_mode_sign(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_with_user(&(kw_test_world_options){.configure = kw_test_clear_on_encrypted});
    const kw_test_client_options ways[] = {{.mode = KW_MESSAGE_SECURITY_MODE_SIGN}, {.policy = &KW_POLICY_NONE}};
    for (size_t i = 0; i < 2; i++) {
        kw_test_client *client = kw_test_client_new(world, &ways[i]);
        kw_test_session session = kw_test_created(client);
        const kw_user_name_identity_token token = {
            .policy_id = KW_STRING("username_clear"), .user_name = KW_STRING(KW_TEST_USER), .password = KW_STRING(KW_TEST_PASSWORD)};
        assert_status(try_token(client, &session, &token), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
    kw_test_world_free(world);
}

/* --- the nonce --------------------------------------------------------------------------------------------------------------- */

static void un_07_and_es_11_the_nonce_inside_is_the_last_one(void **state)
{
    const kw_secret_format formats[] = {KW_SECRET_LEGACY, KW_SECRET_RSA, KW_SECRET_RSA_DOTNET};
    for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
        kw_test_client *client = kw_test_client_new(*state, NULL);
        kw_test_session session = kw_test_created(client);
        const kw_user_name_identity_token *early = right_token(client, &session, formats[f]);
        assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
        assert_status(try_token(client, &session, early), KW_BAD_IDENTITY_TOKEN_INVALID); /* signed anew, sealed before */
        assert_status(try_token(client, &session, right_token(client, &session, formats[f])), KW_GOOD);
    }
}

static void un_07_a_secret_of_another_session_is_refused(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session one = kw_test_created(client);
    kw_test_session two = kw_test_created(client);
    assert_status(try_token(client, &two, right_token(client, &one, KW_SECRET_LEGACY)), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(try_token(client, &two, right_token(client, &one, KW_SECRET_RSA)), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(try_token(client, &one, right_token(client, &one, KW_SECRET_LEGACY)), KW_GOOD);
}

/* --- the algorithm ------------------------------------------------------------------------------------------------------------ */

static void un_09_the_legacy_block_names_the_algorithm_of_the_policy(void **state)
{
    static const char *const OTHERS[] = {NULL, "", "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
                                         "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256", "urn:no:algorithm"};
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
        kw_user_name_identity_token *token = right_token(client, &session, KW_SECRET_LEGACY);
        token->encryption_algorithm = kw_string_from(OTHERS[i]);
        assert_status(try_token(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
    assert_status(try_token(client, &session, right_token(client, &session, KW_SECRET_LEGACY)), KW_GOOD);
}

static void un_09_an_encrypted_secret_needs_no_algorithm(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_string algorithms[] = {KW_BYTES_NULL, KW_STRING(""), kw_string_from(client->policy->asym_encryption_uri)};
    for (size_t i = 0; i < 3; i++) {
        kw_user_name_identity_token *token = right_token(client, &session, KW_SECRET_RSA);
        token->encryption_algorithm = algorithms[i];
        assert_status(try_token(client, &session, token), KW_GOOD);
    }
    kw_user_name_identity_token *token = right_token(client, &session, KW_SECRET_RSA);
    token->encryption_algorithm = KW_STRING("urn:no:algorithm");
    assert_status(try_token(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void un_10_long_passwords_are_taken_and_sent_as_encrypted_secret(void **state)
{
    kw_test_world *world = *state;
    char text[601];
    memset(text, 'x', sizeof(text));
    text[600] = '\0';
    kw_test_world_add_user(world, "long", text, 0);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    kw_bytes sealed;
    assert_status(kw_secret_seal(KW_SECRET_LEGACY, client->policy, world->env.identity->certificate, session.nonce,
                                 (kw_bytes){(const uint8_t *)text, 65}, world->clock->utc, &world->random.random, world->arena, &sealed),
                  KW_BAD_INVALID_ARGUMENT); /* as sender: never more than 64 bytes */
    assert_status(kw_test_activate(client, &session, kw_test_user_name_as(client, &session, KW_SECRET_RSA, "long", text)), KW_GOOD);
    const kw_test_user blocks = kw_test_user_name_as(client, &session, KW_SECRET_LEGACY_LONG, "long", text);
    assert_status(kw_test_activate(client, &session, blocks), KW_GOOD); /* as receiver: what is in the field */
}

/* --- who gets in ---------------------------------------------------------------------------------------------------------------- */

static void un_11_and_um_12_a_disabled_user_is_as_unknown(void **state)
{
    kw_test_world *world = *state;
    const uint32_t disabled = 2;
    kw_test_world_add_user(world, "gone", KW_TEST_PASSWORD, disabled);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_status unknown = kw_test_activate(client, &session, kw_test_user_name(client, &session, "nobody", KW_TEST_PASSWORD));
    assert_status(unknown, KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, "gone", KW_TEST_PASSWORD)), unknown);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, "gone", "wrong")), unknown);
}

static void as_65_a_name_that_is_none_is_invalid(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_string names[] = {KW_BYTES_NULL, KW_STRING(""), KW_STRING("operator\0"), KW_STRING("\xff\xfe")};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        kw_user_name_identity_token *token = right_token(client, &session, KW_SECRET_LEGACY);
        token->user_name = names[i];
        assert_status(try_token(client, &session, token), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
}

static void un_04_without_a_policy_of_its_own_that_of_the_channel_counts(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_user_token_policy bare = {.policy_id = KW_STRING("bare"), .token_type = KW_USER_TOKEN_TYPE_USER_NAME};
    kw_user_name_identity_token *token = right_token(client, &session, KW_SECRET_LEGACY);
    token->policy_id = bare.policy_id;
    const kw_test_user user = kw_test_user_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, token);
    kw_identity_claim claim = {.token = &user.token,
                               .policies = &bare,
                               .policy_count = 1,
                               .channel_policy = client->policy,
                               .mode = client->mode,
                               .receiver = world->env.identity,
                               .server_nonce = session.nonce};
    kw_identity *identity = NULL;
    assert_status(kw_identity_prove(kw_server_gate(world->server), &claim, &identity, NULL, NULL), KW_GOOD);
    kw_identity_release(identity);
    token->password = KW_STRING(KW_TEST_PASSWORD); /* in clear it is not taken: Basic256Sha256 counts */
    assert_status(kw_identity_prove(kw_server_gate(world->server), &claim, &identity, NULL, NULL), KW_BAD_IDENTITY_TOKEN_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KW_TEST_IN_WORLD(un_01_and_as_20_a_password_in_clear_is_refused_where_the_policy_encrypts),
        KW_TEST_IN_WORLD(un_06_every_format_on_every_policy),
        cmocka_unit_test(un_03_and_un_09_with_the_policy_none_the_password_is_its_bytes),
        cmocka_unit_test(un_05_and_un_08_in_clear_is_not_offered_in_mode_sign),
        KW_TEST_IN_WORLD(un_07_and_es_11_the_nonce_inside_is_the_last_one),
        KW_TEST_IN_WORLD(un_07_a_secret_of_another_session_is_refused),
        KW_TEST_IN_WORLD(un_09_the_legacy_block_names_the_algorithm_of_the_policy),
        KW_TEST_IN_WORLD(un_09_an_encrypted_secret_needs_no_algorithm),
        KW_TEST_IN_WORLD(un_10_long_passwords_are_taken_and_sent_as_encrypted_secret),
        KW_TEST_IN_WORLD(un_11_and_um_12_a_disabled_user_is_as_unknown),
        KW_TEST_IN_WORLD(as_65_a_name_that_is_none_is_invalid),
        KW_TEST_IN_WORLD(un_04_without_a_policy_of_its_own_that_of_the_channel_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
