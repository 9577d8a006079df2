/*
 * EphemeralKeys and EccEncryptedSecrets. OPC 10000-6, 6.8.2; OPC 10000-4, 7.40.2.5. The endpoint is one without security whose
 * UserTokenPolicies protect their secrets: all that is looked at here is in the token.
 */
#include "identity/ecdh_header.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <string.h>

static const struct row {
    const char *policy;
    kw_key_type key;
} ROWS[] = {
    {"ECC_nistP256", KW_KEY_EC_P256},         {"ECC_nistP384", KW_KEY_EC_P384},
    {"ECC_brainpoolP256r1", KW_KEY_EC_BP256}, {"ECC_brainpoolP384r1", KW_KEY_EC_BP384},
    {"ECC_curve25519", KW_KEY_ED25519},       {"ECC_curve448", KW_KEY_ED448},
    {"ECC_nistP256_AesGcm", KW_KEY_EC_P256},  {"ECC_nistP384_ChaChaPoly", KW_KEY_EC_P384},
};
enum { ROW_COUNT = sizeof(ROWS) / sizeof(ROWS[0]) };

static const kw_security_policy *policy_of(const struct row *row)
{
    return kw_security_policy_by_name(kw_string_from(row->policy));
}

static void configure(kw_test_world *world, kw_server_config *config)
{
    config->identity.secret_policy = policy_of(world->options.ctx);
}

static kw_test_world *world_of(const struct row *row)
{
    return kw_test_world_with_user(
        &(kw_test_world_options){.configure = configure, .ctx = (void *)(uintptr_t)row, .server = kw_test_identity_of("server", row->key)});
}

static kw_test_client *client_of(kw_test_world *world, const struct row *row)
{
    return kw_test_client_new(world,
                              &(kw_test_client_options){.policy = &KW_POLICY_NONE, .identity = kw_test_identity_of("client", row->key)});
}

/* A Session that has asked for a key, and what it was given. */
typedef struct keyed {
    kw_test_session session;
    kw_bytes key;
} keyed;

static keyed open_keyed(kw_test_client *client, const struct row *row)
{
    keyed k;
    kw_create_session_request *request = kw_test_creation(client);
    assert_status(kw_ecdh_ask(policy_of(row), client->world->arena, &request->request_header.additional_header), KW_GOOD);
    assert_status(kw_test_create_session_with(client, request, &k.session), KW_GOOD);
    assert_status(kw_ecdh_read(&k.session.created->response_header.additional_header, policy_of(row),
                               client->world->env.identity->certificate, &k.key),
                  KW_GOOD);
    assert_int_equal(k.key.len, policy_of(row)->nonce_len);
    return k;
}

static kw_bytes seal(kw_test_client *client, const keyed *k, const struct row *row, kw_secret_format format,
                     const kw_application_identity *signer, const char *password)
{
    kw_test_world *world = client->world;
    kw_bytes sealed = KW_BYTES_NULL;
    assert_status(kw_secret_seal_ecc(format, signer, policy_of(row), k->key, k->session.nonce, kw_string_from(password), world->clock->utc,
                                     &world->random.random, world->arena, &sealed),
                  KW_GOOD);
    return sealed;
}

/* A good answer brings the next key. */
static kw_status send(kw_test_client *client, keyed *k, const struct row *row, kw_bytes sealed)
{
    const kw_user_name_identity_token token = {.policy_id = kw_test_policy(client, &k->session, KW_USER_TOKEN_TYPE_USER_NAME)->policy_id,
                                               .user_name = KW_STRING(KW_TEST_USER),
                                               .password = sealed};
    kw_activate_session_request *request =
        kw_test_activation(client, &k->session, kw_test_user_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, &token));
    const void *response = NULL;
    const kw_status status = kw_test_call(client, &k->session, KW_TYPE_ACTIVATE_SESSION_REQUEST, request, &response);
    if (!kw_status_is_bad(status)) {
        const kw_activate_session_response *activated = response;
        k->session.nonce = activated->server_nonce;
        assert_status(
            kw_ecdh_read(&activated->response_header.additional_header, policy_of(row), client->world->env.identity->certificate, &k->key),
            KW_GOOD);
        assert_int_equal(k->key.len, policy_of(row)->nonce_len);
    }
    return status;
}

static kw_status send_right(kw_test_client *client, keyed *k, const struct row *row, kw_secret_format format)
{
    return send(client, k, row, seal(client, k, row, format, client->identity, KW_TEST_PASSWORD));
}

/* Every activation brings another key, under every policy and in both dialects. */
static void cs_21_and_es_09_a_secret_for_the_key_of_the_session_is_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        kw_test_world *world = world_of(&ROWS[i]);
        kw_test_client *client = client_of(world, &ROWS[i]);
        keyed k = open_keyed(client, &ROWS[i]);
        const kw_bytes first = k.key;
        assert_status(send_right(client, &k, &ROWS[i], KW_SECRET_ECC), KW_GOOD);
        assert_false(kw_bytes_equal(first, k.key));
        assert_status(send_right(client, &k, &ROWS[i], KW_SECRET_ECC_DOTNET), KW_GOOD);
        assert_status(send(client, &k, &ROWS[i], seal(client, &k, &ROWS[i], KW_SECRET_ECC, client->identity, "a guess")),
                      KW_BAD_USER_ACCESS_DENIED);
        assert_status(send_right(client, &k, &ROWS[i], KW_SECRET_ECC), KW_GOOD); /* a failure uses nothing up */
        kw_test_world_free(world);
    }
}

static void cs_21_another_policy_is_refused_in_the_header_and_the_session_is_made(void **state)
{
    (void)state;
    const char *const others[] = {"ECC_nistP384", "Basic256Sha256", "None", "urn:nobody"};
    kw_test_world *world = world_of(&ROWS[0]);
    kw_test_client *client = client_of(world, &ROWS[0]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const kw_security_policy *policy = kw_security_policy_by_name(kw_string_from(others[i]));
        const kw_security_policy unknown = {.uri = others[i]};
        kw_create_session_request *request = kw_test_creation(client);
        kw_test_session session;
        kw_bytes key;
        assert_status(kw_ecdh_ask(policy != NULL ? policy : &unknown, world->arena, &request->request_header.additional_header), KW_GOOD);
        assert_status(kw_test_create_session_with(client, request, &session), KW_GOOD);
        assert_status(
            kw_ecdh_read(&session.created->response_header.additional_header, policy_of(&ROWS[0]), world->env.identity->certificate, &key),
            KW_BAD_SECURITY_POLICY_REJECTED);
    }
    kw_test_world_free(world);
}

/* Whatever a Server says in place of a key, it has none; what is no refusal is no answer either. */
static void cs_21_any_bad_code_in_place_of_a_key_means_that_there_is_none(void **state)
{
    (void)state;
    static const struct {
        kw_status said, read;
    } CODES[] = {{KW_BAD_SECURITY_POLICY_REJECTED, KW_BAD_SECURITY_POLICY_REJECTED},
                 {KW_BAD_NOT_SUPPORTED, KW_BAD_SECURITY_POLICY_REJECTED},
                 {KW_BAD_APPLICATION_SIGNATURE_INVALID, KW_BAD_SECURITY_POLICY_REJECTED},
                 {KW_GOOD, KW_BAD_DECODING_ERROR}};
    for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
        kw_key_value_pair pair = {.key = {0, KW_STRING("ECDHKey")}, .value = kw_variant_scalar(KW_BUILTIN_STATUS_CODE, &CODES[i].said)};
        const kw_additional_parameters_type all = {.parameters_count = 1, .parameters = &pair};
        const kw_extension_object header = kw_extension_object_of(KW_TYPE_ADDITIONAL_PARAMETERS_TYPE, &all);
        kw_bytes key;
        assert_status(kw_ecdh_read(&header, policy_of(&ROWS[0]), kw_test_identity_of("server", KW_KEY_EC_P256)->certificate, &key),
                      CODES[i].read);
        assert_int_equal(key.len, 0);
    }
}

static void cs_21_who_asks_for_no_key_gets_none(void **state)
{
    (void)state;
    kw_test_world *world = world_of(&ROWS[0]);
    kw_test_client *client = client_of(world, &ROWS[0]);
    const kw_test_session session = kw_test_created(client);
    assert_null(session.created->response_header.additional_header.type);
    kw_test_world_free(world);
}

static void es_10_a_key_is_good_once_and_in_its_session(void **state)
{
    (void)state;
    kw_test_world *world = world_of(&ROWS[0]);
    kw_test_client *client = client_of(world, &ROWS[0]);
    keyed k = open_keyed(client, &ROWS[0]), other = open_keyed(client, &ROWS[0]);
    keyed crossed = k;
    crossed.key = other.key; /* another Session's */
    assert_status(send_right(client, &crossed, &ROWS[0], KW_SECRET_ECC), KW_BAD_IDENTITY_TOKEN_INVALID);
    keyed used = k;
    assert_status(send_right(client, &k, &ROWS[0], KW_SECRET_ECC), KW_GOOD);
    used.session.nonce = k.session.nonce; /* everything new but the key */
    assert_status(send_right(client, &used, &ROWS[0], KW_SECRET_ECC), KW_BAD_IDENTITY_TOKEN_INVALID);
    kw_test_world_free(world);
}

static void es_09_somebody_else_signs_nothing(void **state)
{
    (void)state;
    kw_test_world *world = world_of(&ROWS[0]);
    kw_test_client *client = client_of(world, &ROWS[0]);
    keyed k = open_keyed(client, &ROWS[0]);
    const kw_application_identity *stranger = kw_test_identity_of("stranger", KW_KEY_EC_P256);
    assert_status(send(client, &k, &ROWS[0], seal(client, &k, &ROWS[0], KW_SECRET_ECC, stranger, KW_TEST_PASSWORD)),
                  KW_BAD_IDENTITY_TOKEN_INVALID);
    kw_test_world_free(world);
}

/* --- who is trusted because of a CA ---------------------------------------------------------------------------------------------- */

static void configure_without_lists(kw_test_world *world, kw_server_config *config)
{
    configure(world, config);
    config->require_crl = false;
}

static kw_application_identity signed_by(const kw_test_world *world, const kw_application_identity *ca, const char *name)
{
    kw_application_identity who;
    const kw_certificate_request request = {.application_uri = ca != NULL ? "urn:keyway:test:signed" : NULL,
                                            .common_name = name,
                                            .not_before = world->clock->utc,
                                            .not_after = world->clock->utc + 365 * 24 * 3600 * KW_TICKS_PER_S,
                                            .is_ca = ca == NULL,
                                            .issuer_key = ca != NULL ? ca->key : NULL,
                                            .issuer = ca != NULL ? ca->certificate : NULL};
    assert_status(kw_private_key_generate(KW_KEY_EC_P256, 0, &who.key), KW_GOOD);
    assert_status(kw_certificate_create(&request, who.key, &KW_RANDOM_SYSTEM, &who.certificate), KW_GOOD);
    return who;
}

static void release(const kw_application_identity *who)
{
    kw_certificate_release(who->certificate);
    kw_private_key_release(who->key);
}

/* On a channel without security the application is known by what it signed; its CA has no revocation list. */
static void es_09_a_missing_revocation_list_counts_as_it_does_for_channels(void **state)
{
    (void)state;
    for (int is_required = 0; is_required < 2; is_required++) {
        kw_test_world *world =
            kw_test_world_with_user(&(kw_test_world_options){.configure = is_required ? configure : configure_without_lists,
                                                             .ctx = (void *)(uintptr_t)&ROWS[0],
                                                             .server = kw_test_identity_of("server", ROWS[0].key)});
        const kw_application_identity ca = signed_by(world, NULL, "CA"), who = signed_by(world, &ca, "signed");
        kw_test_trust_add(&world->trust, &ca);
        kw_test_client *client = client_of(world, &ROWS[0]);
        keyed k = open_keyed(client, &ROWS[0]);
        assert_status(send(client, &k, &ROWS[0], seal(client, &k, &ROWS[0], KW_SECRET_ECC, &who, KW_TEST_PASSWORD)),
                      is_required ? KW_BAD_IDENTITY_TOKEN_INVALID : KW_GOOD);
        release(&who);
        release(&ca);
        kw_test_world_free(world);
    }
}

static void es_04_and_es_06_a_flipped_bit_anywhere_is_noticed(void **state)
{
    (void)state;
    const struct row *rows[] = {&ROWS[0], &ROWS[4]};
    for (size_t i = 0; i < 2; i++) {
        kw_test_world *world = world_of(rows[i]);
        kw_test_client *client = client_of(world, rows[i]);
        keyed k = open_keyed(client, rows[i]);
        const kw_bytes sealed = seal(client, &k, rows[i], KW_SECRET_ECC, client->identity, KW_TEST_PASSWORD);
        uint8_t *bytes = (uint8_t *)(uintptr_t)sealed.data;
        for (size_t at = 0; at < sealed.len; at += 8) {
            bytes[at] ^= 1;
            assert_status(send(client, &k, rows[i], sealed), KW_BAD_IDENTITY_TOKEN_INVALID);
            bytes[at] ^= 1;
        }
        assert_status(send(client, &k, rows[i], sealed), KW_GOOD);
        kw_test_world_free(world);
    }
}

/* The points of small order of X25519 as public keys, and one that is not on its curve. */
static void es_10_bad_points_agree_on_nothing(void **state)
{
    (void)state;
    static const uint8_t ORDER_8[] = {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
                                      0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00};
    uint8_t off_curve[64] = {1}, zero[32] = {0}, one[32] = {1};
    const struct {
        const struct row *row;
        kw_bytes point;
    } bad[] = {
        {&ROWS[0], {off_curve, 64}}, {&ROWS[4], {zero, 32}}, {&ROWS[4], {one, 32}}, {&ROWS[4], {ORDER_8, 32}}, {&ROWS[0], {one, 32}}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        kw_receiver_use use = {.key = NULL};
        kw_secret shared = KW_SECRET_NONE;
        assert_status(kw_receiver_key_new(policy_of(bad[i].row), kw_test_identity_of("server", bad[i].row->key), &use.key), KW_GOOD);
        assert_true(kw_receiver_key_take(&use));
        assert_status(kw_receiver_key_agree(use.key, bad[i].point, &shared), KW_BAD_SECURITY_CHECKS_FAILED);
        kw_receiver_key_settle(&use, true);
        assert_false(kw_receiver_key_take(&use));
        kw_receiver_key_release(use.key);
    }
}

/* The Client believes a key only if the Server signed it. */
static void es_12_a_key_with_a_bad_signature_is_not_believed(void **state)
{
    (void)state;
    kw_test_world *world = world_of(&ROWS[0]);
    kw_test_client *client = client_of(world, &ROWS[0]);
    const keyed k = open_keyed(client, &ROWS[0]);
    kw_bytes key;
    assert_status(kw_ecdh_read(&k.session.created->response_header.additional_header, policy_of(&ROWS[0]),
                               kw_test_identity_of("stranger", KW_KEY_EC_P256)->certificate, &key),
                  KW_BAD_APPLICATION_SIGNATURE_INVALID);
    kw_test_world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cs_21_and_es_09_a_secret_for_the_key_of_the_session_is_taken),
        cmocka_unit_test(cs_21_another_policy_is_refused_in_the_header_and_the_session_is_made),
        cmocka_unit_test(cs_21_any_bad_code_in_place_of_a_key_means_that_there_is_none),
        cmocka_unit_test(cs_21_who_asks_for_no_key_gets_none),
        cmocka_unit_test(es_10_a_key_is_good_once_and_in_its_session),
        cmocka_unit_test(es_09_somebody_else_signs_nothing),
        cmocka_unit_test(es_09_a_missing_revocation_list_counts_as_it_does_for_channels),
        cmocka_unit_test(es_04_and_es_06_a_flipped_bit_anywhere_is_noticed),
        cmocka_unit_test(es_10_bad_points_agree_on_nothing),
        cmocka_unit_test(es_12_a_key_with_a_bad_signature_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
