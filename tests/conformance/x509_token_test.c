/* X509IdentityToken: a Certificate, and a signature that proves its key. OPC 10000-4, 7.40.5. */
#include "support/kw_test_user.h"
#include "support/test.h"

#include <string.h>

static const kw_application_identity *user_of(kw_test_world *world)
{
    const kw_application_identity *user = kw_test_user_identity("a user", 2048);
    kw_test_trust_add(&world->user_trust, user);
    return user;
}

/* The signature of the token over these parts. */
static kw_status activate_signed(kw_test_client *client, kw_test_session *session, const kw_private_key *key, const kw_bytes *parts,
                                 size_t count)
{
    kw_test_user user = kw_test_certificate(client, session, kw_test_user_identity("a user", 2048));
    user.signature = kw_test_sign(client, key, parts, count);
    return kw_test_activate(client, session, user);
}

static void as_18_and_x5_01_the_user_is_the_subject_of_the_certificate(void **state)
{
    kw_test_world *world = *state;
    const kw_application_identity *user = user_of(world);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_THUMBPRINT, kw_certificate_thumbprint_hex(user->certificate));
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    assert_status(kw_test_activate(client, &session, kw_test_certificate(client, &session, user)), KW_GOOD);
    const kw_identity *identity = kw_session_identity(kw_test_session_of(world, &session));
    assert_int_equal(identity->kind, KW_USER_TOKEN_TYPE_CERTIFICATE);
    assert_true(kw_bytes_equal(identity->name, kw_certificate_subject(user->certificate)));
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static void as_18_and_as_69_the_key_is_that_of_the_users_certificate(void **state)
{
    user_of(*state);
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_bytes parts[] = {kw_test_leaf(*state, session.server_certificate), session.nonce};
    assert_status(activate_signed(client, &session, client->identity->key, parts, 2), KW_BAD_USER_SIGNATURE_INVALID);
    assert_status(activate_signed(client, &session, kw_test_user_identity("a user", 2048)->key, parts, 2), KW_GOOD);
}

static void as_19_the_server_certificate_and_the_last_nonce_are_signed(void **state)
{
    const kw_application_identity *user = user_of(*state);
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_bytes certificate = kw_test_leaf(*state, session.server_certificate);
    const kw_bytes first = session.nonce;
    assert_status(kw_test_activate(client, &session, kw_test_certificate(client, &session, user)), KW_GOOD);
    const kw_bytes stale[] = {certificate, first};
    const kw_bytes swapped[] = {session.nonce, certificate};
    const kw_bytes right[] = {certificate, session.nonce};
    assert_status(activate_signed(client, &session, user->key, stale, 2), KW_BAD_USER_SIGNATURE_INVALID);
    assert_status(activate_signed(client, &session, user->key, swapped, 2), KW_BAD_USER_SIGNATURE_INVALID);
    assert_status(activate_signed(client, &session, user->key, right, 1), KW_BAD_USER_SIGNATURE_INVALID);
    assert_status(activate_signed(client, &session, user->key, right, 2), KW_GOOD);
}

static void as_57_and_x5_02_without_a_signature_a_certificate_proves_nothing(void **state)
{
    const kw_application_identity *user = user_of(*state);
    const kw_test_client_options ways[] = {{.policy = NULL}, {.mode = KW_MESSAGE_SECURITY_MODE_SIGN}, {.policy = &KW_POLICY_NONE}};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        kw_test_client *client = kw_test_client_new(*state, &ways[i]);
        kw_test_session session = kw_test_created(client);
        kw_test_user claims = kw_test_certificate(client, &session, user);
        const kw_signature_data signature = claims.signature;
        claims.signature = (kw_signature_data){.algorithm = KW_BYTES_NULL};
        assert_status(kw_test_activate(client, &session, claims), KW_BAD_USER_SIGNATURE_INVALID);
        claims.signature.algorithm = signature.algorithm;
        assert_status(kw_test_activate(client, &session, claims), KW_BAD_USER_SIGNATURE_INVALID);
        claims.signature = signature;
        assert_status(kw_test_activate(client, &session, claims), KW_GOOD);
    }
}

static void as_59_the_algorithm_is_that_of_the_user_token_policy(void **state)
{
    const kw_application_identity *user = user_of(*state);
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    static const char *const OTHERS[] = {NULL, "", "http://opcfoundation.org/UA/security/rsa-pss-sha2-256",
                                         "http://www.w3.org/2000/09/xmldsig#rsa-sha1"};
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
        kw_test_user claims = kw_test_certificate(client, &session, user);
        claims.signature.algorithm = kw_string_from(OTHERS[i]);
        assert_status(kw_test_activate(client, &session, claims), KW_BAD_USER_SIGNATURE_INVALID);
    }
}

static void x5_01_bytes_that_are_no_certificate_are_invalid(void **state)
{
    const kw_application_identity *user = user_of(*state);
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_created(client);
    const kw_bytes der = kw_certificate_der(user->certificate);
    const kw_bytes wrong[] = {KW_BYTES_NULL, KW_STRING(""), KW_STRING("no certificate"), {der.data, der.len - 1}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        kw_test_user claims = kw_test_certificate(client, &session, user);
        ((kw_x509_identity_token *)claims.token.value)->certificate_data = wrong[i];
        assert_status(kw_test_activate(client, &session, claims), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
}

static void x5_04_and_as_66_the_user_is_looked_up_in_the_trust_list_of_users(void **state)
{
    kw_test_world *world = *state;
    const kw_application_identity *stranger = kw_test_user_identity("a stranger", 2048);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    assert_status(kw_test_activate(client, &session, kw_test_certificate(client, &session, stranger)), KW_BAD_IDENTITY_TOKEN_REJECTED);
    /* The application's own Certificate is trusted, but as an application. */
    assert_status(kw_test_activate(client, &session, kw_test_certificate(client, &session, client->identity)),
                  KW_BAD_IDENTITY_TOKEN_REJECTED);
    kw_test_trust_add(&world->user_trust, stranger);
    assert_status(kw_test_activate(client, &session, kw_test_certificate(client, &session, stranger)), KW_GOOD);
    kw_test_trust_remove(&world->user_trust, stranger);
    assert_status(kw_test_activate(client, &session, kw_test_certificate(client, &session, stranger)), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

static void x5_04_an_expired_certificate_is_refused(void **state)
{
    kw_test_world *world = *state;
    const kw_application_identity *client_identity = kw_test_identity("client", 2048);
    const int64_t day = 24 * 3600 * KW_TICKS_PER_S;
    kw_application_identity old = {NULL, client_identity->key}; /* any key will do */
    const kw_certificate_request request = {
        .common_name = "was here", .not_before = world->clock->utc - 2 * day, .not_after = world->clock->utc - day};
    assert_status(kw_certificate_create(&request, old.key, &KW_RANDOM_SYSTEM, &old.certificate), KW_GOOD);
    kw_test_trust_add(&world->user_trust, &old);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    assert_status(kw_test_activate(client, &session, kw_test_certificate(client, &session, &old)), KW_BAD_IDENTITY_TOKEN_REJECTED);
    kw_certificate_release(old.certificate);
}

static void x5_05_the_key_fits_the_policy(void **state)
{
    kw_test_world *world = *state;
    kw_application_identity curve = {NULL, NULL};
    const kw_certificate_request request = {
        .common_name = "on a curve", .not_before = world->clock->utc, .not_after = world->clock->utc + 3600 * KW_TICKS_PER_S};
    assert_status(kw_private_key_generate(KW_KEY_EC_P256, 0, &curve.key), KW_GOOD);
    assert_status(kw_certificate_create(&request, curve.key, &KW_RANDOM_SYSTEM, &curve.certificate), KW_GOOD);
    kw_test_trust_add(&world->user_trust, &curve);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    kw_test_user claims = kw_test_certificate(client, &session, kw_test_user_identity("a user", 2048));
    ((kw_x509_identity_token *)claims.token.value)->certificate_data = kw_certificate_der(curve.certificate);
    const kw_bytes parts[] = {kw_test_leaf(world, session.server_certificate), session.nonce};
    uint8_t joined[8192];
    assert_true(parts[0].len + parts[1].len <= sizeof(joined));
    memcpy(joined, parts[0].data, parts[0].len);
    memcpy(joined + parts[0].len, parts[1].data, parts[1].len);
    assert_status(kw_jose_sign(KW_STRING("ES256"), curve.key, (kw_bytes){joined, parts[0].len + parts[1].len}, world->arena,
                               &claims.signature.signature),
                  KW_GOOD);
    assert_status(kw_test_activate(client, &session, claims), KW_BAD_IDENTITY_TOKEN_INVALID);
    kw_certificate_release(curve.certificate);
    kw_private_key_release(curve.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KW_TEST_IN_WORLD(as_18_and_x5_01_the_user_is_the_subject_of_the_certificate),
        KW_TEST_IN_WORLD(as_18_and_as_69_the_key_is_that_of_the_users_certificate),
        KW_TEST_IN_WORLD(as_19_the_server_certificate_and_the_last_nonce_are_signed),
        KW_TEST_IN_WORLD(as_57_and_x5_02_without_a_signature_a_certificate_proves_nothing),
        KW_TEST_IN_WORLD(as_59_the_algorithm_is_that_of_the_user_token_policy),
        KW_TEST_IN_WORLD(x5_01_bytes_that_are_no_certificate_are_invalid),
        KW_TEST_IN_WORLD(x5_04_and_as_66_the_user_is_looked_up_in_the_trust_list_of_users),
        KW_TEST_IN_WORLD(x5_04_an_expired_certificate_is_refused),
        KW_TEST_IN_WORLD(x5_05_the_key_fits_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
