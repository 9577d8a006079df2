/* RequestAccessToken: identities that come as an argument, who signs them, and when. OPC 10000-12, 9.5.4 (1.04); 9.6.5 (1.05). */
#include "support/kw_test_authority.h"
#include "support/test.h"

/* One Client with an anonymous Session: what it gets, it gets by the argument. */
typedef struct asker {
    kw_test_world *world;
    kw_test_client *client;
    kw_test_session session;
} asker;

static asker asker_in(kw_test_world *world)
{
    asker a = {.world = world, .client = kw_test_client_new(world, NULL)};
    a.session = kw_test_open(a.client);
    return a;
}

static kw_status ask(const asker *a, const kw_type *type, const void *token)
{
    const kw_extension_object object = kw_extension_object_of(type, token);
    return kw_test_request_token(a->client, &a->session, &object, NULL);
}

static kw_string policy_id(const asker *a, kw_user_token_type type)
{
    return kw_test_authority_policy(a->client, &a->session, type)->policy_id;
}

static kw_status ask_with_secret(const asker *a, kw_bytes sealed)
{
    const kw_user_name_identity_token token = {
        .policy_id = policy_id(a, KW_USER_TOKEN_TYPE_USER_NAME), .user_name = KW_STRING(KW_TEST_USER), .password = sealed};
    return ask(a, KW_TYPE_USER_NAME_IDENTITY_TOKEN, &token);
}

/* The user's password, sealed at a time that is off by so many seconds. */
static kw_bytes password(const asker *a, const kw_application_identity *signer, const char *text, int seconds)
{
    return kw_test_authority_seal(a->client, signer, kw_string_from(text), seconds);
}

static kw_status ask_with_password(const asker *a, const kw_application_identity *signer, const char *text)
{
    return ask_with_secret(a, password(a, signer, text, 0));
}

static kw_status ask_with_certificate(const asker *a, kw_bytes data)
{
    const kw_x509_identity_token token = {.policy_id = policy_id(a, KW_USER_TOKEN_TYPE_CERTIFICATE), .certificate_data = data};
    return ask(a, KW_TYPE_X509_IDENTITY_TOKEN, &token);
}

static kw_status ask_with_token(const asker *a, kw_bytes data)
{
    const kw_issued_identity_token token = {.policy_id = policy_id(a, KW_USER_TOKEN_TYPE_ISSUED_TOKEN), .token_data = data};
    return ask(a, KW_TYPE_ISSUED_IDENTITY_TOKEN, &token);
}

/* --- PolicyId, type, protection ----------------------------------------------------------------------------------------------- */

static void rt_02_and_rt_25_the_policy_id_is_one_of_the_service(void **state)
{
    const asker a = asker_in(*state);
    const kw_user_name_identity_token token = {.policy_id = KW_STRING("no such policy"),
                                               .user_name = KW_STRING(KW_TEST_USER),
                                               .password = password(&a, NULL, KW_TEST_PASSWORD, 0)};
    assert_status(ask(&a, KW_TYPE_USER_NAME_IDENTITY_TOKEN, &token), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void rt_03_the_type_is_that_of_the_policy(void **state)
{
    const asker a = asker_in(*state);
    const kw_issued_identity_token token = {.policy_id = policy_id(&a, KW_USER_TOKEN_TYPE_USER_NAME),
                                            .token_data = password(&a, NULL, KW_TEST_PASSWORD, 0)};
    assert_status(ask(&a, KW_TYPE_ISSUED_IDENTITY_TOKEN, &token), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void rt_06_a_policy_with_security_takes_no_clear_password(void **state)
{
    const asker a = asker_in(*state);
    assert_status(ask_with_secret(&a, KW_STRING(KW_TEST_PASSWORD)), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void rt_06_the_legacy_block_is_nothing_without_a_nonce(void **state)
{
    const asker a = asker_in(*state);
    kw_user_name_identity_token *token = kw_test_user_name_token(a.client, &a.session, KW_SECRET_LEGACY, KW_TEST_USER, KW_TEST_PASSWORD);
    token->policy_id = policy_id(&a, KW_USER_TOKEN_TYPE_USER_NAME);
    assert_status(ask(&a, KW_TYPE_USER_NAME_IDENTITY_TOKEN, token), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void az_04_every_policy_of_the_service_is_accepted(void **state)
{
    const asker a = asker_in(*state);
    const kw_application_identity *user = kw_test_user_identity("carol", 2048);
    kw_test_trust_add(&a.world->user_trust, user);
    kw_test_world_grant(a.world, "Operator", KW_CRITERIA_AUTHENTICATED_USER, NULL);
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(a.world, "urn:test:issuer");
    size_t count = 0, seen = 0;
    const kw_user_token_policy *policies = kw_test_authority_policies(a.client, &a.session, &count);
    for (size_t i = 0; i < count; i++) {
        assert_true(policies[i].security_policy_uri.len > 0);
        seen |= (size_t)1 << policies[i].token_type;
    }
    assert_int_equal(seen,
                     1u << KW_USER_TOKEN_TYPE_USER_NAME | 1u << KW_USER_TOKEN_TYPE_CERTIFICATE | 1u << KW_USER_TOKEN_TYPE_ISSUED_TOKEN);
    assert_status(ask_with_password(&a, NULL, KW_TEST_PASSWORD), KW_GOOD);
    assert_status(ask_with_certificate(&a, kw_test_authority_seal(a.client, user, KW_BYTES_NULL, 0)), KW_GOOD);
    assert_status(ask_with_token(&a, kw_test_authority_seal(a.client, NULL, kw_test_token(a.world, issuer, "dave", 600), 0)), KW_GOOD);
    const kw_anonymous_identity_token nobody = {.policy_id = KW_STRING("anonymous")};
    assert_status(ask(&a, KW_TYPE_ANONYMOUS_IDENTITY_TOKEN, &nobody), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

/* --- user name ---------------------------------------------------------------------------------------------------------------- */

static void rt_07_and_rt_09_and_rt_26_and_az_05_the_password_decides(void **state)
{
    const asker a = asker_in(*state);
    assert_status(ask_with_password(&a, NULL, KW_TEST_PASSWORD), KW_GOOD);
    assert_status(ask_with_password(&a, NULL, "guessed"), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

static void rt_08_a_password_is_signed_by_the_clients_application(void **state)
{
    const asker a = asker_in(*state);
    const kw_application_identity *other = kw_test_identity("other", 2048), *user = kw_test_user_identity("carol", 2048);
    const kw_application_identity forged = {.certificate = a.client->identity->certificate, .key = other->key};
    kw_test_trust_add(&a.world->trust, other); /* a good application, but not this one */
    kw_test_trust_add(&a.world->user_trust, user);
    assert_status(ask_with_password(&a, a.client->identity, KW_TEST_PASSWORD), KW_GOOD);
    assert_status(ask_with_password(&a, a.client->identity, "guessed"), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(ask_with_password(&a, other, KW_TEST_PASSWORD), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(ask_with_password(&a, user, KW_TEST_PASSWORD), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(ask_with_password(&a, &forged, KW_TEST_PASSWORD), KW_BAD_IDENTITY_TOKEN_INVALID);
}

/* By default the channel, which this application's key opened, is proof enough; the administrator may want the letter of it. */
static void rt_08_and_rt_14_a_signature_can_be_demanded(void **state)
{
    const kw_test_world_options options = {.authority = {.require_signed_secrets = true}};
    kw_test_world *world = kw_test_world_with_authority(&options);
    const asker a = asker_in(world);
    const kw_string token = kw_test_token(world, kw_test_world_trust_issuer(world, "urn:test:issuer"), "dave", 600);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_AUTHENTICATED_USER, NULL);
    assert_status(ask_with_password(&a, a.client->identity, KW_TEST_PASSWORD), KW_GOOD);
    assert_status(ask_with_password(&a, NULL, KW_TEST_PASSWORD), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(ask_with_token(&a, kw_test_authority_seal(a.client, a.client->identity, token, 0)), KW_GOOD);
    assert_status(ask_with_token(&a, kw_test_authority_seal(a.client, NULL, token, 0)), KW_BAD_IDENTITY_TOKEN_INVALID);
    kw_test_world_free(world);
    (void)state;
}

/* Whoever gets hold of a signed secret cannot put his own name to it: the Certificate is under the HMAC. */
static void rt_08_another_signer_cannot_be_put_in(void **state)
{
    const asker a = asker_in(*state);
    const kw_application_identity *other = kw_test_identity("other", 2048);
    const kw_security_policy *policy = kw_security_policy_by_name(KW_STRING("Basic256Sha256"));
    const kw_bytes signed_by_other = password(&a, other, KW_TEST_PASSWORD, 0);
    const kw_bytes theirs = kw_certificate_chain(other->certificate), ours = kw_certificate_chain(a.client->identity->certificate);
    const size_t before = 9 + 4 + kw_string_from(policy->uri).len, signature_len = kw_private_key_size(other->key);
    const size_t after = before + 4 + theirs.len, rest = signed_by_other.len - after - signature_len;
    kw_writer w;
    kw_writer_init(&w, 65536);
    kw_write_raw(&w, (kw_bytes){signed_by_other.data, before});
    kw_write_bytes(&w, ours);
    kw_write_raw(&w, (kw_bytes){signed_by_other.data + after, rest});
    kw_writer_patch_u32(&w, 5, (uint32_t)(w.len - 9 + signature_len));
    const kw_bytes content = kw_writer_bytes(&w);
    kw_bytes signature;
    assert_status(kw_asym_sign(policy, a.client->identity->key, &content, 1, a.world->arena, &signature), KW_GOOD);
    kw_write_raw(&w, signature);
    assert_status(ask_with_secret(&a, kw_arena_copy(a.world->arena, kw_writer_bytes(&w))), KW_BAD_IDENTITY_TOKEN_INVALID);
    kw_writer_clear(&w);
}

/* One bit in each eighth byte, over the whole of it, and every length that is too short. */
static void rt_08_a_flipped_bit_anywhere_in_a_signed_secret_is_noticed(void **state)
{
    const asker a = asker_in(*state);
    const kw_bytes sealed = password(&a, a.client->identity, KW_TEST_PASSWORD, 0);
    uint8_t *bytes = (uint8_t *)(uintptr_t)sealed.data;
    const kw_secret_open how = {.policy = a.client->policy,
                                .receiver = a.world->env.identity,
                                .now = a.world->clock->utc,
                                .window_s = 300,
                                .max_len = 1000,
                                .takes_signature = true};
    for (size_t i = 0; i < sealed.len; i += 8) {
        kw_secret secret = KW_SECRET_NONE;
        kw_secret_facts facts = {.signer = NULL};
        const char *why = NULL;
        bytes[i] ^= (uint8_t)(1u << (i / 8 % 8));
        assert_status(kw_secret_unseal(&how, sealed, &secret, &facts, &why), KW_BAD_IDENTITY_TOKEN_INVALID);
        bytes[i] ^= (uint8_t)(1u << (i / 8 % 8));
        assert_status(kw_secret_unseal(&how, (kw_bytes){bytes, i}, &secret, &facts, &why), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
    assert_status(ask_with_secret(&a, sealed), KW_GOOD);
}

/* In ActivateSession nobody signs secrets. */
static void es_07_in_a_session_a_secret_names_its_receiver(void **state)
{
    const asker a = asker_in(*state);
    kw_test_session session;
    assert_status(kw_test_create_session(a.client, &session), KW_GOOD);
    const kw_user_name_identity_token token = {.policy_id = kw_test_policy(a.client, &session, KW_USER_TOKEN_TYPE_USER_NAME)->policy_id,
                                               .user_name = KW_STRING(KW_TEST_USER),
                                               .password = password(&a, a.client->identity, KW_TEST_PASSWORD, 0)};
    assert_status(kw_test_activate(a.client, &session, kw_test_user_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, &token)),
                  KW_BAD_IDENTITY_TOKEN_INVALID);
}

/* --- user certificate --------------------------------------------------------------------------------------------------------- */

static void rt_10_and_rt_11_and_rt_12_a_user_certificate_signs_a_secret_of_nothing(void **state)
{
    const asker a = asker_in(*state);
    const kw_application_identity *user = kw_test_user_identity("carol", 2048), *stranger = kw_test_user_identity("mallory", 2048);
    const kw_application_identity forged = {.certificate = user->certificate, .key = stranger->key};
    kw_test_trust_add(&a.world->user_trust, user);
    kw_test_world_grant(a.world, "Operator", KW_CRITERIA_THUMBPRINT, kw_certificate_thumbprint_hex(user->certificate));
    const kw_x509_identity_token token = {.policy_id = policy_id(&a, KW_USER_TOKEN_TYPE_CERTIFICATE),
                                          .certificate_data = kw_test_authority_seal(a.client, user, KW_BYTES_NULL, 0)};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_X509_IDENTITY_TOKEN, &token);
    kw_string issued = KW_BYTES_NULL;
    assert_status(kw_test_request_token(a.client, &a.session, &object, &issued), KW_GOOD);
    const kw_jwt claims = kw_test_token_claims(a.world, issued);
    assert_true(kw_bytes_equal(claims.sub, kw_certificate_subject(user->certificate)));
    assert_int_equal(claims.role_count, 1);

    const kw_bytes bare = kw_certificate_chain(user->certificate);
    assert_status(ask_with_certificate(&a, bare), KW_BAD_IDENTITY_TOKEN_INVALID);
    const kw_bytes with_secret = kw_test_authority_seal(a.client, user, KW_STRING("x"), 0);
    assert_status(ask_with_certificate(&a, with_secret), KW_BAD_IDENTITY_TOKEN_INVALID);
    const kw_bytes unsigned_one = kw_test_authority_seal(a.client, NULL, KW_BYTES_NULL, 0);
    assert_status(ask_with_certificate(&a, unsigned_one), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(ask_with_certificate(&a, KW_BYTES_NULL), KW_BAD_IDENTITY_TOKEN_INVALID);
    const kw_bytes by_other_key = kw_test_authority_seal(a.client, &forged, KW_BYTES_NULL, 0);
    assert_status(ask_with_certificate(&a, by_other_key), KW_BAD_IDENTITY_TOKEN_REJECTED);
    const kw_bytes of_stranger = kw_test_authority_seal(a.client, stranger, KW_BYTES_NULL, 0);
    assert_status(ask_with_certificate(&a, of_stranger), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

/* --- tokens of others --------------------------------------------------------------------------------------------------------- */

static void rt_13_and_rt_15_the_secret_is_a_token_that_is_good(void **state)
{
    const asker a = asker_in(*state);
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(a.world, "urn:test:issuer");
    kw_test_world_grant(a.world, "Operator", KW_CRITERIA_AUTHENTICATED_USER, NULL);
    const kw_string good = kw_test_token(a.world, issuer, "dave", 600), expired = kw_test_token(a.world, issuer, "dave", -600);
    assert_status(ask_with_token(&a, kw_test_authority_seal(a.client, NULL, good, 0)), KW_GOOD);
    assert_status(ask_with_token(&a, kw_test_authority_seal(a.client, NULL, expired, 0)), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(ask_with_token(&a, kw_test_authority_seal(a.client, NULL, KW_STRING("rubbish"), 0)), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(ask_with_token(&a, good), KW_BAD_IDENTITY_TOKEN_INVALID); /* in clear */
}

static void rt_14_a_token_is_signed_by_a_user_or_by_the_application(void **state)
{
    const asker a = asker_in(*state);
    const kw_application_identity *user = kw_test_user_identity("carol", 2048), *stranger = kw_test_user_identity("mallory", 2048);
    const kw_string token = kw_test_token(a.world, kw_test_world_trust_issuer(a.world, "urn:test:issuer"), "dave", 600);
    kw_test_world_grant(a.world, "Operator", KW_CRITERIA_AUTHENTICATED_USER, NULL);
    kw_test_trust_add(&a.world->user_trust, user);
    assert_status(ask_with_token(&a, kw_test_authority_seal(a.client, a.client->identity, token, 0)), KW_GOOD);
    assert_status(ask_with_token(&a, kw_test_authority_seal(a.client, user, token, 0)), KW_GOOD);
    assert_status(ask_with_token(&a, kw_test_authority_seal(a.client, stranger, token, 0)), KW_BAD_IDENTITY_TOKEN_INVALID);
    const kw_application_identity forged = {.certificate = user->certificate, .key = stranger->key};
    assert_status(ask_with_token(&a, kw_test_authority_seal(a.client, &forged, token, 0)), KW_BAD_IDENTITY_TOKEN_INVALID);
}

/* --- SigningTime ---------------------------------------------------------------------------------------------------------------- */

static void rt_16_and_rt_17_and_rt_18_the_secret_is_of_this_time(void **state)
{
    const asker a = asker_in(*state);
    assert_status(ask_with_secret(&a, password(&a, NULL, KW_TEST_PASSWORD, -240)), KW_GOOD);
    assert_status(ask_with_secret(&a, password(&a, NULL, KW_TEST_PASSWORD, 240)), KW_GOOD);
    assert_status(ask_with_secret(&a, password(&a, NULL, KW_TEST_PASSWORD, -360)), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(ask_with_secret(&a, password(&a, NULL, KW_TEST_PASSWORD, 360)), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

static void configure_window(kw_test_world *world, kw_server_config *config)
{
    config->identity.signing_time_window_s = *(const uint32_t *)world->options.ctx;
}

static void rt_19_the_allowed_skew_is_configured(void **state)
{
    uint32_t windows[] = {60, 900};
    for (size_t i = 0; i < 2; i++) {
        const kw_test_world_options options = {.configure = configure_window, .ctx = &windows[i]};
        kw_test_world *world = kw_test_world_with_authority(&options);
        const asker a = asker_in(world);
        const int window = (int)windows[i];
        assert_status(ask_with_secret(&a, password(&a, NULL, KW_TEST_PASSWORD, -window)), KW_GOOD);
        assert_status(ask_with_secret(&a, password(&a, NULL, KW_TEST_PASSWORD, window)), KW_GOOD);
        assert_status(ask_with_secret(&a, password(&a, NULL, KW_TEST_PASSWORD, -window - 1)), KW_BAD_IDENTITY_TOKEN_REJECTED);
        assert_status(ask_with_secret(&a, password(&a, NULL, KW_TEST_PASSWORD, window + 1)), KW_BAD_IDENTITY_TOKEN_REJECTED);
        kw_test_world_free(world);
    }
    (void)state;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_authority_setup, kw_test_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(rt_02_and_rt_25_the_policy_id_is_one_of_the_service),
                                       TEST(rt_03_the_type_is_that_of_the_policy),
                                       TEST(rt_06_a_policy_with_security_takes_no_clear_password),
                                       TEST(rt_06_the_legacy_block_is_nothing_without_a_nonce),
                                       TEST(az_04_every_policy_of_the_service_is_accepted),
                                       TEST(rt_07_and_rt_09_and_rt_26_and_az_05_the_password_decides),
                                       TEST(rt_08_a_password_is_signed_by_the_clients_application),
                                       cmocka_unit_test(rt_08_and_rt_14_a_signature_can_be_demanded),
                                       TEST(rt_08_another_signer_cannot_be_put_in),
                                       TEST(rt_08_a_flipped_bit_anywhere_in_a_signed_secret_is_noticed),
                                       TEST(es_07_in_a_session_a_secret_names_its_receiver),
                                       TEST(rt_10_and_rt_11_and_rt_12_a_user_certificate_signs_a_secret_of_nothing),
                                       TEST(rt_13_and_rt_15_the_secret_is_a_token_that_is_good),
                                       TEST(rt_14_a_token_is_signed_by_a_user_or_by_the_application),
                                       TEST(rt_16_and_rt_17_and_rt_18_the_secret_is_of_this_time),
                                       cmocka_unit_test(rt_19_the_allowed_skew_is_configured)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
