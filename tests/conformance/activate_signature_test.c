/* ActivateSession: the proof that the caller is the application that made the Session. OPC 10000-4, 5.7.3. */
#include "support/kw_test_user.h"
#include "support/test.h"

#include <string.h>

/* Activate with clientSignature over these parts; the null user. */
static kw_status activate_signed(kw_test_client *client, kw_test_session *session, const kw_private_key *key, const kw_bytes *parts,
                                 size_t count)
{
    kw_activate_session_request *request = kw_test_activation(client, session, kw_test_nobody());
    request->client_signature = kw_test_sign(client, key, parts, count);
    return kw_test_activate_with(client, session, request);
}

static void as_01_activation_attaches_a_user(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open(client);
    assert_null_text(kw_session_identity(kw_test_session_of(world, &session))->name);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_activate(client, &session, kw_test_operator(client, &session)), KW_GOOD);
    assert_text(kw_session_identity(kw_test_session_of(world, &session))->name, KW_TEST_USER);
    assert_status(kw_test_read(client, &session, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static void as_04_and_as_68_every_activation_is_signed_not_only_the_first(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    kw_activate_session_request *request = kw_test_activation(client, &session, kw_test_nobody());
    request->client_signature = (kw_signature_data){.algorithm = KW_BYTES_NULL};
    assert_status(kw_test_activate_with(client, &session, request), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    request = kw_test_activation(client, &session, kw_test_nobody());
    request->client_signature.signature = KW_BYTES_NULL; /* the algorithm alone is none either */
    assert_status(kw_test_activate_with(client, &session, request), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
}

static void as_05_and_as_43_the_key_is_that_of_the_client_certificate(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    const kw_bytes parts[] = {kw_test_leaf(*state, session.server_certificate), session.nonce};
    const kw_private_key *other = kw_test_identity("other", 2048)->key;
    assert_status(activate_signed(client, &session, other, parts, 2), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    assert_status(activate_signed(client, &session, client->identity->key, parts, 2), KW_GOOD);
}

static void as_06_first_the_certificate_then_the_nonce(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    const kw_private_key *key = client->identity->key;
    const kw_bytes certificate = kw_test_leaf(*state, session.server_certificate);
    const kw_bytes swapped[] = {session.nonce, certificate};
    const kw_bytes own[] = {kw_certificate_der(client->identity->certificate), session.nonce};
    const kw_bytes short_nonce[] = {certificate, {session.nonce.data, session.nonce.len - 1}};
    assert_status(activate_signed(client, &session, key, swapped, 2), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    assert_status(activate_signed(client, &session, key, own, 2), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    assert_status(activate_signed(client, &session, key, short_nonce, 2), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    assert_status(activate_signed(client, &session, key, &certificate, 1), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    const kw_bytes right[] = {certificate, session.nonce};
    assert_status(activate_signed(client, &session, key, right, 2), KW_GOOD);
}

static void as_06_and_as_62_the_nonce_is_the_most_recent_one(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    const kw_test_session before = session;
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
    kw_test_session stale = before;
    assert_status(kw_test_activate(client, &stale, kw_test_nobody()), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
}

static void as_07_the_same_request_is_refused_the_second_time(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    kw_activate_session_request *request = kw_test_activation(client, &session, kw_test_operator(client, &session));
    assert_status(kw_test_activate_with(client, &session, request), KW_GOOD);
    assert_status(kw_test_activate_with(client, &session, request), KW_BAD_APPLICATION_SIGNATURE_INVALID);
}

/* With None nothing is signed: the nonce inside the secret is all there is. */
static void as_07_and_un_07_a_secret_is_refused_the_second_time_on_none_too(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, &(kw_test_client_options){.policy = &KW_POLICY_NONE});
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    kw_activate_session_request *request = kw_test_activation(client, &session, kw_test_operator(client, &session));
    assert_status(kw_test_activate_with(client, &session, request), KW_GOOD);
    assert_status(kw_test_activate_with(client, &session, request), KW_BAD_IDENTITY_TOKEN_INVALID);
}

/* What a fault does not tell cannot be asked of the next attempt: a refused call leaves the nonce as it was. */
static void as_07_a_refused_activation_does_not_use_up_the_nonce(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, KW_TEST_USER, "wrong")),
                  KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_activate(client, &session, kw_test_operator(client, &session)), KW_GOOD);
}

enum { ROUNDS = 50 };

static void as_08_and_as_60_and_as_61_every_answer_has_a_new_nonce_of_32_bytes(void **state)
{
    kw_bytes seen[2 * ROUNDS + 2];
    size_t count = 0;
    for (int none = 0; none < 2; none++) {
        const kw_test_client_options options = {.policy = none ? &KW_POLICY_NONE : NULL};
        kw_test_client *client = kw_test_client_new(*state, &options);
        kw_test_session session;
        assert_status(kw_test_create_session(client, &session), KW_GOOD);
        seen[count++] = session.nonce;
        for (int i = 0; i < ROUNDS; i++) {
            assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
            seen[count++] = session.nonce;
        }
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(seen[i].len >= 32);
        for (size_t j = 0; j < i; j++) {
            assert_false(kw_bytes_equal(seen[i], seen[j]));
        }
    }
}

static void as_29_the_signature_is_looked_at_before_the_user(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    kw_activate_session_request *request = kw_test_activation(client, &session, kw_test_user_name(client, &session, KW_TEST_USER, "wrong"));
    const kw_signature_data signature = request->client_signature;
    request->client_signature.signature = KW_BYTES_NULL;
    assert_status(kw_test_activate_with(client, &session, request), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    request->client_signature = signature;
    assert_status(kw_test_activate_with(client, &session, request), KW_BAD_USER_ACCESS_DENIED);
}

static void as_46_the_algorithm_is_that_of_the_policy(void **state)
{
    static const char *const OTHERS[] = {"", "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
                                         "http://opcfoundation.org/UA/security/rsa-pss-sha2-256", "urn:no:algorithm"};
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
        kw_activate_session_request *request = kw_test_activation(client, &session, kw_test_nobody());
        request->client_signature.algorithm = kw_string_from(OTHERS[i]);
        assert_status(kw_test_activate_with(client, &session, request), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    }
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
}

static void as_04_to_as_06_hold_for_every_policy_and_mode(void **state)
{
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        const kw_security_policy *policy = kw_security_policy_at(i);
        for (kw_message_security_mode mode = KW_MESSAGE_SECURITY_MODE_SIGN; mode <= KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT; mode++) {
            if (policy->is_none || policy->is_deprecated || policy->ephemeral != KW_EPHEMERAL_NONE) {
                continue;
            }
            kw_test_client *client = kw_test_client_new(*state, &(kw_test_client_options){.policy = policy, .mode = mode});
            kw_test_session session;
            assert_status(kw_test_create_session(client, &session), KW_GOOD);
            kw_activate_session_request *request = kw_test_activation(client, &session, kw_test_nobody());
            uint8_t *last = (uint8_t *)(uintptr_t)&request->client_signature.signature.data[request->client_signature.signature.len - 1];
            *last ^= 1;
            assert_status(kw_test_activate_with(client, &session, request), KW_BAD_APPLICATION_SIGNATURE_INVALID);
            *last ^= 1;
            assert_status(kw_test_activate_with(client, &session, request), KW_GOOD);
        }
    }
}

/* Software certificates are a thing of the past: looked at by nobody. */
static void as_47_and_as_63_and_as_64_and_as_70_software_certificates_change_nothing(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session;
    kw_signed_software_certificate certificate = {KW_STRING("no certificate"), KW_STRING("no signature")};
    const void *response = NULL;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    kw_activate_session_request *request = kw_test_activation(client, &session, kw_test_nobody());
    request->client_software_certificates = &certificate;
    request->client_software_certificates_count = 1;
    assert_status(kw_test_call(client, &session, KW_TYPE_ACTIVATE_SESSION_REQUEST, request, &response), KW_GOOD);
    assert_int_equal(((const kw_activate_session_response *)response)->results_count, 0);
    assert_int_equal(((const kw_activate_session_response *)response)->diagnostic_infos_count, 0);
}

/* --- a Server whose certificate comes with that of its CA ------------------------------------------------------------------ */

static kw_certificate *chain_of(const kw_certificate *leaf, const kw_certificate *ca)
{
    uint8_t blob[8192];
    const kw_bytes a = kw_certificate_der(leaf);
    const kw_bytes b = kw_certificate_der(ca);
    kw_certificate *chain = NULL;
    assert_true(a.len + b.len <= sizeof(blob));
    memcpy(blob, a.data, a.len);
    memcpy(blob + a.len, b.data, b.len);
    assert_status(kw_certificate_parse((kw_bytes){blob, a.len + b.len}, &chain), KW_GOOD);
    return chain;
}

static kw_certificate *issue(const kw_certificate_request *request, const kw_private_key *key)
{
    kw_certificate *certificate = NULL;
    assert_status(kw_certificate_create(request, key, &KW_RANDOM_SYSTEM, &certificate), KW_GOOD);
    return certificate;
}

static kw_application_identity server_with_chain(void)
{
    const kw_application_identity *ca = kw_test_user_identity("ca", 2048); /* its key */
    const kw_application_identity *server = kw_test_identity("server", 2048);
    const char *hosts[] = {"localhost"};
    kw_certificate_request request = {.common_name = "A CA",
                                      .is_ca = true,
                                      .not_before = kw_certificate_not_before(server->certificate),
                                      .not_after = kw_certificate_not_after(server->certificate)};
    kw_certificate *authority = issue(&request, ca->key);
    request.is_ca = false;
    request.common_name = "server";
    request.application_uri = KW_TEST_SERVER;
    request.hosts = hosts;
    request.host_count = 1;
    request.issuer = authority;
    request.issuer_key = ca->key;
    kw_certificate *leaf = issue(&request, server->key);
    kw_certificate *chain = chain_of(leaf, authority);
    kw_certificate_release(leaf);
    kw_certificate_release(authority);
    return (kw_application_identity){chain, server->key};
}

static void as_44_and_as_45_the_leaf_is_signed_and_the_chain_is_taken_too(void **state)
{
    (void)state;
    const kw_application_identity server = server_with_chain();
    kw_test_world *world = kw_test_world_new(&(kw_test_world_options){.server = &server});
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    const kw_bytes leaf = kw_test_leaf(world, session.server_certificate);
    assert_true(leaf.len < session.server_certificate.len);
    const kw_bytes over_leaf[] = {leaf, session.nonce};
    assert_status(activate_signed(client, &session, client->identity->key, over_leaf, 2), KW_GOOD);
    const kw_bytes over_chain[] = {session.server_certificate, session.nonce};
    assert_status(activate_signed(client, &session, client->identity->key, over_chain, 2), KW_GOOD);
    const kw_bytes issuer = {session.server_certificate.data + leaf.len, session.server_certificate.len - leaf.len};
    const kw_bytes over_issuer[] = {issuer, session.nonce};
    assert_status(activate_signed(client, &session, client->identity->key, over_issuer, 2), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    kw_test_world_free(world);
    kw_certificate_release(server.certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KW_TEST_IN_WORLD(as_01_activation_attaches_a_user),
        KW_TEST_IN_WORLD(as_04_and_as_68_every_activation_is_signed_not_only_the_first),
        KW_TEST_IN_WORLD(as_05_and_as_43_the_key_is_that_of_the_client_certificate),
        KW_TEST_IN_WORLD(as_06_first_the_certificate_then_the_nonce),
        KW_TEST_IN_WORLD(as_06_and_as_62_the_nonce_is_the_most_recent_one),
        KW_TEST_IN_WORLD(as_07_the_same_request_is_refused_the_second_time),
        KW_TEST_IN_WORLD(as_07_and_un_07_a_secret_is_refused_the_second_time_on_none_too),
        KW_TEST_IN_WORLD(as_07_a_refused_activation_does_not_use_up_the_nonce),
        KW_TEST_IN_WORLD(as_08_and_as_60_and_as_61_every_answer_has_a_new_nonce_of_32_bytes),
        KW_TEST_IN_WORLD(as_29_the_signature_is_looked_at_before_the_user),
        KW_TEST_IN_WORLD(as_46_the_algorithm_is_that_of_the_policy),
        KW_TEST_IN_WORLD(as_04_to_as_06_hold_for_every_policy_and_mode),
        KW_TEST_IN_WORLD(as_47_and_as_63_and_as_64_and_as_70_software_certificates_change_nothing),
        cmocka_unit_test(as_44_and_as_45_the_leaf_is_signed_and_the_chain_is_taken_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
