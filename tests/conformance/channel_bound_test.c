/*
 * Proofs that hold for one channel: SecureChannelEnhancements. OPC 10000-4, 6.1.8; OPC 10000-6, 6.7.5. What is signed is put together
 * here by hand.
 */
#include "crypto/symmetric.h"
#include "support/kw_test_token_request.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <string.h>

static const struct row {
    const char *policy;
    kw_key_type key;
    kw_hash hash;
} ROWS[] = {
    {"ECC_nistP256_AesGcm", KW_KEY_EC_P256, KW_HASH_SHA256},         {"ECC_nistP384_ChaChaPoly", KW_KEY_EC_P384, KW_HASH_SHA384},
    {"ECC_brainpoolP256r1_AesGcm", KW_KEY_EC_BP256, KW_HASH_SHA256}, {"ECC_curve25519_ChaChaPoly", KW_KEY_ED25519, KW_HASH_SHA256},
    {"ECC_curve448_AesGcm", KW_KEY_ED448, KW_HASH_SHA384},           {"RSA_DH_ChaChaPoly", KW_KEY_RSA, KW_HASH_SHA256},
};
enum { ROW_COUNT = sizeof(ROWS) / sizeof(ROWS[0]), PARTS_MAX = 8 };

static const kw_application_identity *who(const char *name, const struct row *row)
{
    return row->key == KW_KEY_RSA ? kw_test_identity(name, 2048) : kw_test_identity_of(name, row->key);
}

static const kw_security_policy *policy_of(const struct row *row)
{
    return kw_security_policy_by_name(kw_string_from(row->policy));
}

static void offer_it(kw_test_world *world, kw_server_config *config)
{
    kw_server_endpoint *endpoint = KW_ARENA_NEW(world->arena, kw_server_endpoint);
    *endpoint = (kw_server_endpoint){policy_of(world->options.ctx), KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT};
    config->endpoints = endpoint;
    config->endpoint_count = 1;
}

typedef struct meeting {
    const struct row *row;
    kw_test_world *world;
    kw_test_client *client;
    kw_test_session session;
    kw_bytes client_nonce, thumbprint;
} meeting;

static meeting meet_in(kw_test_world *world, const struct row *row)
{
    meeting m = {.row = row, .world = world};
    m.client = kw_test_client_new(m.world, &(kw_test_client_options){.policy = policy_of(row), .identity = who("client", row)});
    kw_create_session_request *request = kw_test_creation(m.client);
    m.client_nonce = request->client_nonce;
    m.thumbprint = kw_channel_thumbprint(m.client->channel);
    assert_status(kw_test_create_session_with(m.client, request, &m.session), KW_GOOD);
    return m;
}

static kw_test_world_options options_for(const struct row *row)
{
    return (kw_test_world_options){.configure = offer_it, .ctx = (void *)(uintptr_t)row, .server = who("server", row)};
}

static meeting meet(const struct row *row)
{
    const kw_test_world_options options = options_for(row);
    return meet_in(kw_test_world_new(&options), row);
}

/* H: of the leaf. */
static kw_bytes h(const meeting *m, const kw_application_identity *of)
{
    uint8_t hash[KW_HASH_MAX];
    const kw_bytes der = kw_certificate_der(of->certificate);
    assert_status(kw_hash_of(m->row->hash, &der, 1, hash), KW_GOOD);
    return kw_arena_copy(m->world->arena, (kw_bytes){hash, kw_hash_len(m->row->hash)});
}

static kw_status activate(meeting *m, const kw_bytes *parts, size_t count)
{
    kw_activate_session_request *request = kw_test_activation(m->client, &m->session, kw_test_nobody());
    request->client_signature = kw_test_sign(m->client, m->client->identity->key, parts, count);
    return kw_test_activate_with(m->client, &m->session, request);
}

static kw_status activate_rightly(meeting *m)
{
    const kw_bytes server = h(m, who("server", m->row)), client = h(m, who("client", m->row));
    const kw_bytes parts[] = {m->thumbprint, m->session.nonce, server, server, client, m->client_nonce};
    return activate(m, parts, 6);
}

static void cb_01_and_cb_05_the_server_signs_the_channel_both_certificates_and_both_nonces(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        meeting m = meet(&ROWS[i]);
        const kw_signature_data *signature = &m.session.created->server_signature;
        const kw_bytes parts[] = {m.thumbprint, m.client_nonce, h(&m, who("server", m.row)), h(&m, who("client", m.row)), m.session.nonce};
        const kw_public_key *key = kw_certificate_public_key(who("server", m.row)->certificate);
        assert_true(m.thumbprint.len >= 64);
        assert_status(kw_asym_verify(policy_of(m.row), key, parts, 5, signature->signature), KW_GOOD);
        assert_int_equal(signature->algorithm.len, 0); /* CB-07 */
        kw_test_world_free(m.world);
    }
}

static void cb_02_and_cb_08_the_client_signs_the_channel_and_the_nonce_of_its_createsession_each_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        meeting m = meet(&ROWS[i]);
        assert_status(activate_rightly(&m), KW_GOOD);
        assert_status(activate_rightly(&m), KW_GOOD); /* with the new ServerNonce and the same ClientNonce */
        kw_test_world_free(m.world);
    }
}

static void cb_02_what_lacks_a_part_or_has_another_one_is_refused(void **state)
{
    (void)state;
    meeting m = meet(&ROWS[0]);
    const kw_bytes server = h(&m, who("server", m.row)), client = h(&m, who("client", m.row)), other = h(&m, who("stranger", m.row));
    const kw_bytes wrong[][6] = {
        {KW_BYTES_NULL, m.session.nonce, server, server, client, m.client_nonce},
        {m.session.nonce, m.session.nonce, server, server, client, m.client_nonce},
        {m.thumbprint, m.client_nonce, server, server, client, m.session.nonce},
        {m.thumbprint, m.session.nonce, other, server, client, m.client_nonce},
        {m.thumbprint, m.session.nonce, server, server, other, m.client_nonce},
        {m.thumbprint, m.session.nonce, server, server, client, KW_BYTES_NULL},
        {kw_certificate_der(who("server", m.row)->certificate), m.session.nonce}, /* as the older policies have it */
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_status(activate(&m, wrong[i], 6), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    }
    assert_status(activate_rightly(&m), KW_GOOD);
    kw_test_world_free(m.world);
}

/* Attack 5.4 of the formal analysis: a Session is not carried to another channel by what was signed for the first. */
static void cb_02_a_proof_for_one_channel_says_nothing_on_another(void **state)
{
    (void)state;
    meeting m = meet(&ROWS[0]);
    assert_status(activate_rightly(&m), KW_GOOD);
    kw_test_client *second =
        kw_test_client_new(m.world, &(kw_test_client_options){.policy = policy_of(m.row), .identity = m.client->identity});
    const kw_bytes own = kw_channel_thumbprint(second->channel);
    assert_int_equal(own.len, m.thumbprint.len);
    assert_memory_not_equal(own.data, m.thumbprint.data, own.len);
    m.client = second;
    assert_status(activate_rightly(&m), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    m.thumbprint = own;
    assert_status(activate_rightly(&m), KW_GOOD);
    kw_test_world_free(m.world);
}

static void cb_07_whatever_algorithm_a_client_names_is_ignored(void **state)
{
    (void)state;
    meeting m = meet(&ROWS[0]);
    const kw_bytes server = h(&m, who("server", m.row)), client = h(&m, who("client", m.row));
    const kw_bytes parts[] = {m.thumbprint, m.session.nonce, server, server, client, m.client_nonce};
    kw_activate_session_request *request = kw_test_activation(m.client, &m.session, kw_test_nobody());
    request->client_signature = kw_test_sign(m.client, m.client->identity->key, parts, 6);
    request->client_signature.algorithm = KW_STRING("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
    assert_status(kw_test_activate_with(m.client, &m.session, request), KW_GOOD);
    kw_test_world_free(m.world);
}

/* Attack 5.3: who has learned the key of the application cannot use what a user signed for another one. */
static void cb_03_users_sign_the_channel_and_both_applications(void **state)
{
    (void)state;
    meeting m = meet(&ROWS[0]);
    const kw_application_identity *user = who("user", m.row);
    kw_test_trust_add(&m.world->user_trust, user);
    const kw_bytes server = h(&m, who("server", m.row)), client = h(&m, who("client", m.row));
    for (int is_right = 0; is_right < 2; is_right++) {
        const kw_bytes application[] = {m.thumbprint, m.session.nonce, server, server, client, m.client_nonce};
        const kw_bytes bound[] = {m.thumbprint, m.session.nonce, server, server, client, client, m.client_nonce};
        kw_test_user made = kw_test_certificate(m.client, &m.session, user); /* as the older policies have it */
        if (is_right) {
            made.signature = kw_test_sign(m.client, user->key, bound, 7);
        }
        kw_activate_session_request *request = kw_test_activation(m.client, &m.session, made);
        request->client_signature = kw_test_sign(m.client, m.client->identity->key, application, 6);
        assert_status(kw_test_activate_with(m.client, &m.session, request), is_right ? KW_GOOD : KW_BAD_USER_SIGNATURE_INVALID);
    }
    kw_test_world_free(m.world);
}

/* Who asks for a token signs the channel too: between the same two applications there is another one, and it gets nothing for it. */
static void az_13_and_cb_03_a_user_who_asks_for_a_token_signs_the_channel(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        kw_test_tokens tokens;
        const kw_test_world_options options = options_for(&ROWS[i]);
        meeting m = meet_in(kw_test_token_world(&options), &ROWS[i]);
        const kw_application_identity *user = who("user", m.row);
        kw_test_trust_add(&m.world->user_trust, user);
        assert_status(activate_rightly(&m), KW_GOOD);
        kw_test_client *second =
            kw_test_client_new(m.world, &(kw_test_client_options){.policy = policy_of(m.row), .identity = m.client->identity});
        kw_test_token_start start = kw_test_token_start_good(m.client, &m.session, KW_USER_TOKEN_TYPE_CERTIFICATE);
        kw_test_user made = kw_test_token_certificate(second, &start, user);
        assert_status(kw_test_token_finish(m.client, &m.session, &start, NULL, &made, &tokens), KW_BAD_USER_SIGNATURE_INVALID);
        start = kw_test_token_start_good(m.client, &m.session, KW_USER_TOKEN_TYPE_CERTIFICATE);
        made = kw_test_token_certificate(m.client, &start, user);
        assert_status(kw_test_token_finish(m.client, &m.session, &start, NULL, &made, &tokens), KW_GOOD);
        kw_test_world_free(m.world);
    }
}

static void cb_04_there_is_no_thumbprint_without_enhancements(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_new(NULL);
    kw_test_client *client = kw_test_client_new(world, NULL);
    assert_int_equal(kw_channel_thumbprint(client->channel).len, 0);
    kw_test_world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cb_01_and_cb_05_the_server_signs_the_channel_both_certificates_and_both_nonces),
        cmocka_unit_test(cb_02_and_cb_08_the_client_signs_the_channel_and_the_nonce_of_its_createsession_each_time),
        cmocka_unit_test(cb_02_what_lacks_a_part_or_has_another_one_is_refused),
        cmocka_unit_test(cb_02_a_proof_for_one_channel_says_nothing_on_another),
        cmocka_unit_test(cb_03_users_sign_the_channel_and_both_applications),
        cmocka_unit_test(az_13_and_cb_03_a_user_who_asks_for_a_token_signs_the_channel),
        cmocka_unit_test(cb_04_there_is_no_thumbprint_without_enhancements),
        cmocka_unit_test(cb_07_whatever_algorithm_a_client_names_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
