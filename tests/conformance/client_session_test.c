/* ActivateSession as the Client of the library does it: what it sends, what it signs, what it does after a refusal. OPC 10000-4, 5.7.3. */
#include "identity/secret_format.h"
#include "support/kw_test_rogue.h"
#include "support/test.h"

#include <string.h>

static const kw_activate_session_request *last_activation(const kw_test_rogue *rogue, kw_bytes *nonce)
{
    const kw_test_request *request = kw_test_rogue_last(rogue, KW_TYPE_ACTIVATE_SESSION_REQUEST);
    assert_non_null(request);
    *nonce = request->nonce;
    return request->value;
}

static void assert_signed(const kw_security_policy *policy, const kw_signature_data *signature, const kw_certificate *by,
                          const kw_application_identity *server, kw_bytes nonce)
{
    const kw_bytes parts[] = {kw_certificate_der(server->certificate), nonce};
    assert_true(kw_string_equals(signature->algorithm, policy->asym_signature_uri));
    assert_status(kw_asym_verify(policy, kw_certificate_public_key(by), parts, 2, signature->signature), KW_GOOD);
}

static const kw_security_policy *basic256sha256(void)
{
    return kw_security_policy_by_name(KW_STRING("Basic256Sha256"));
}

/* By the application that made the Session, over the server's certificate and the nonce that was the last one when it was sent. */
static void assert_proven(const kw_test_rogue *rogue)
{
    kw_bytes nonce;
    const kw_activate_session_request *request = last_activation(rogue, &nonce);
    assert_signed(basic256sha256(), &request->client_signature, kw_test_identity("client", 2048)->certificate, rogue->identity, nonce);
}

/* --- order ---------------------------------------------------------------------------------------------------------------- */

static const kw_type *type_after(const kw_test_rogue *rogue, const kw_type *type)
{
    for (size_t i = 0; i + 1 < rogue->request_count; i++) {
        if (rogue->requests[i].type == type) {
            return rogue->requests[i + 1].type;
        }
    }
    return NULL;
}

static void as_02_nothing_is_sent_before_the_session_has_a_user(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_connect(*state, NULL);
    assert_status(kw_test_network_read(*state, client, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_NOT_ACTIVATED);
    assert_status(kw_client_idle(client, 3600000), KW_BAD_SERVER_NOT_CONNECTED);
    assert_ptr_equal(rogue->requests[rogue->request_count - 1].type, KW_TYPE_CREATE_SESSION_REQUEST);
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_GOOD);
    assert_status(kw_test_network_read(*state, client, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    assert_ptr_equal(type_after(rogue, KW_TYPE_CREATE_SESSION_REQUEST), KW_TYPE_ACTIVATE_SESSION_REQUEST);
}

static void as_02_close_session_may_come_instead(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_connect(*state, NULL);
    assert_status(kw_client_disconnect(client), KW_GOOD);
    assert_ptr_equal(type_after(rogue, KW_TYPE_CREATE_SESSION_REQUEST), KW_TYPE_CLOSE_SESSION_REQUEST);
}

/* --- CreateSession ---------------------------------------------------------------------------------------------------------- */

static void cs_01_and_cs_05_and_cs_06_create_session_says_what_it_should(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_test_network_connect(*state, NULL);
    const kw_test_request *request = kw_test_rogue_last(rogue, KW_TYPE_CREATE_SESSION_REQUEST);
    const kw_create_session_request *creation = request->value;
    const kw_certificate *client = kw_test_identity("client", 2048)->certificate;
    assert_true(kw_node_id_is_null(&creation->request_header.authentication_token));
    assert_int_equal(creation->server_uri.len, 0);
    assert_true(kw_string_equals(creation->endpoint_url, KW_TEST_NETWORK_URL));
    assert_true(kw_bytes_equal(creation->client_description.application_uri, kw_certificate_application_uri(client)));
    assert_true(kw_bytes_equal(creation->client_certificate, kw_certificate_chain(client)));
    assert_true(kw_bytes_equal(request->sender, kw_certificate_der(client)));
}

static void cs_09_the_client_nonce_has_32_bytes_and_is_new_each_time(void **state)
{
    enum { TIMES = 3 };
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_client(*state, NULL);
    kw_bytes nonces[TIMES];
    for (size_t i = 0; i < TIMES; i++) {
        assert_status(kw_client_connect(client, KW_TEST_NETWORK_URL), KW_GOOD);
        const kw_create_session_request *creation = kw_test_rogue_last(rogue, KW_TYPE_CREATE_SESSION_REQUEST)->value;
        nonces[i] = creation->client_nonce;
        assert_int_equal(nonces[i].len, 32);
        for (size_t j = 0; j < i; j++) {
            assert_false(kw_bytes_equal(nonces[i], nonces[j]));
        }
    }
}

/* --- proof of the application ------------------------------------------------------------------------------------------------- */

static void as_04_to_as_06_every_activation_of_a_client_is_signed(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_connect(*state, NULL);
    kw_bytes former = KW_BYTES_NULL;
    for (int i = 0; i < 3; i++) {
        kw_bytes nonce;
        assert_status(kw_client_activate(client, i == 1 ? &KW_TEST_OPERATOR : &KW_TEST_NOBODY), KW_GOOD);
        assert_proven(rogue);
        last_activation(rogue, &nonce);
        assert_false(kw_bytes_equal(nonce, former));
        former = nonce;
    }
}

/* A nonce that the server has given out stands for one proof: the next one is made with the next nonce. */
static void as_07_and_as_43_and_as_62_the_proof_is_made_with_the_last_nonce(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_connect(*state, NULL);
    kw_bytes first, second;
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_GOOD);
    const kw_signature_data earlier = last_activation(rogue, &first)->client_signature;
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_GOOD);
    const kw_signature_data later = last_activation(rogue, &second)->client_signature;
    assert_false(kw_bytes_equal(first, second));
    assert_false(kw_bytes_equal(earlier.signature, later.signature));
    assert_proven(rogue);
}

/* The server's certificate, with another one behind it as its chain. */
static kw_status present_a_chain(kw_test_rogue *rogue, const kw_type *type, void *response)
{
    if (type == KW_TYPE_CREATE_SESSION_RESPONSE) {
        kw_create_session_response *created = response;
        const kw_bytes leaf = created->server_certificate, issuer = kw_certificate_der(kw_test_identity("issuer", 2048)->certificate);
        uint8_t *chain = kw_arena_alloc(rogue->network->world->arena, leaf.len + issuer.len);
        memcpy(chain, leaf.data, leaf.len);
        memcpy(chain + leaf.len, issuer.data, issuer.len);
        created->server_certificate = (kw_bytes){chain, leaf.len + issuer.len};
    }
    return KW_GOOD;
}

static void as_44_of_a_chain_the_leaf_is_signed(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    rogue->edit = present_a_chain;
    kw_client *client = kw_test_network_connect(*state, NULL);
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_GOOD);
    assert_proven(rogue);
}

static void as_04_to_as_06_and_as_46_the_proof_is_taken_under_every_policy_and_mode(void **state)
{
    static const char *const POLICIES[] = {"Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"};
    for (size_t i = 0; i < 6; i++) {
        const kw_client_config config = {.policy = POLICIES[i / 2],
                                         .mode = i % 2 == 0 ? KW_MESSAGE_SECURITY_MODE_SIGN : KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT};
        kw_test_network *network = kw_test_network_new(NULL);
        kw_client *client = kw_test_network_open(network, &config);
        assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
        assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_GOOD); /* with the nonce of the first activation */
        assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
        kw_test_network_free(network);
    }
    (void)state;
}

static void as_47_no_software_certificates_are_sent(void **state)
{
    kw_bytes nonce;
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_test_network_open(*state, NULL);
    assert_int_equal(last_activation(rogue, &nonce)->client_software_certificates_count, 0);
}

static void as_33_and_as_34_and_as_48_locales_go_in_their_order(void **state)
{
    static const char *const LOCALES[] = {"de-AT", "en", NULL};
    kw_bytes nonce;
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_test_network_open(*state, &(kw_client_config){.locales = LOCALES});
    const kw_activate_session_request *request = last_activation(rogue, &nonce);
    assert_int_equal(request->locale_ids_count, 2);
    assert_true(kw_string_equals(request->locale_ids[0], "de-AT"));
    assert_true(kw_string_equals(request->locale_ids[1], "en"));
}

/* --- proof of the user ---------------------------------------------------------------------------------------------------------- */

static void as_15_and_as_17_and_as_58_a_password_goes_with_its_name(void **state)
{
    kw_bytes nonce;
    kw_secret secret = KW_SECRET_NONE;
    kw_secret_facts facts;
    const char *why = NULL;
    kw_test_network *network = *state;
    kw_test_rogue *rogue = kw_test_rogue_new(network);
    kw_test_network_open(network, NULL);
    const kw_activate_session_request *request = last_activation(rogue, &nonce);
    const kw_user_name_identity_token *token = kw_extension_object_get(&request->user_identity_token, KW_TYPE_USER_NAME_IDENTITY_TOKEN);
    const kw_secret_open how = {.policy = basic256sha256(),
                                .receiver = rogue->identity,
                                .nonce = nonce,
                                .now = network->world->clock->utc,
                                .window_s = 60,
                                .max_len = 1024,
                                .allow_legacy = true};
    assert_true(kw_string_equals(token->user_name, KW_TEST_USER));
    assert_status(kw_secret_unseal(&how, token->password, &secret, &facts, &why), KW_GOOD);
    assert_true(kw_string_equals(kw_secret_bytes(&secret), KW_TEST_PASSWORD));
    kw_secret_clear(&secret);
    assert_int_equal(request->user_token_signature.signature.len, 0);
    assert_int_equal(request->user_token_signature.algorithm.len, 0);
}

static kw_client_identity holder_of(kw_test_network *network, const kw_application_identity *user)
{
    kw_client_identity who = {.kind = KW_USER_TOKEN_TYPE_CERTIFICATE};
    kw_test_network_write(network, "user", user, &who.user_certificate_file, &who.user_key_file);
    return who;
}

static void as_18_and_as_19_and_as_57_and_x5_01_a_user_certificate_goes_with_a_signature(void **state)
{
    kw_bytes nonce;
    const kw_application_identity *user = kw_test_user_identity("alice", 2048);
    const kw_client_identity who = holder_of(*state, user);
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_connect(*state, NULL);
    for (int i = 0; i < 2; i++) {
        assert_status(kw_client_activate(client, &who), KW_GOOD);
        const kw_activate_session_request *request = last_activation(rogue, &nonce);
        const kw_x509_identity_token *token = kw_extension_object_get(&request->user_identity_token, KW_TYPE_X509_IDENTITY_TOKEN);
        assert_true(kw_bytes_equal(token->certificate_data, kw_certificate_der(user->certificate)));
        assert_signed(basic256sha256(), &request->user_token_signature, user->certificate, rogue->identity, nonce);
    }
}

static void as_59_and_x5_02_the_users_signature_is_made_under_the_policy_of_the_token(void **state)
{
    kw_bytes nonce;
    const kw_security_policy *pss = kw_security_policy_by_name(KW_STRING("Aes256_Sha256_RsaPss"));
    const kw_application_identity *user = kw_test_user_identity("alice", 2048);
    const kw_client_identity who = holder_of(*state, user);
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    for (size_t i = 0; i < KW_TEST_ROGUE_POLICIES; i++) {
        rogue->policies[i].security_policy_uri = kw_string_from(pss->uri);
    }
    kw_client *client = kw_test_network_connect(*state, NULL);
    assert_status(kw_client_activate(client, &who), KW_GOOD);
    assert_signed(pss, &last_activation(rogue, &nonce)->user_token_signature, user->certificate, rogue->identity, nonce);
    assert_proven(rogue); /* the application's is made under the policy of the channel */
}

static void as_18_and_as_19_a_user_certificate_is_taken_by_the_server(void **state)
{
    kw_test_network *network = *state;
    const kw_application_identity *user = kw_test_user_identity("alice", 2048);
    const kw_client_identity who = holder_of(network, user);
    kw_test_trust_add(&network->world->user_trust, user);
    kw_test_world_grant(network->world, "Operator", KW_CRITERIA_THUMBPRINT, kw_certificate_thumbprint_hex(user->certificate));
    kw_client *client = kw_test_network_connect(network, NULL);
    assert_status(kw_client_activate(client, &who), KW_GOOD);
    assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static void an_01_and_an_02_and_tp_02_nobody_names_the_policy_alone(void **state)
{
    kw_bytes nonce;
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_connect(*state, NULL);
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_GOOD);
    const kw_activate_session_request *request = last_activation(rogue, &nonce);
    const kw_anonymous_identity_token *token = kw_extension_object_get(&request->user_identity_token, KW_TYPE_ANONYMOUS_IDENTITY_TOKEN);
    assert_true(kw_string_equals(token->policy_id, "nobody"));
}

/* --- another user, a refused one, another channel ----------------------------------------------------------------------------- */

static void as_28_the_user_changes_on_the_session_that_stands(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, NULL);
    const kw_bytes session = kw_test_network_token(network, client);
    assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_GOOD);
    assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_GOOD);
    assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_true(kw_bytes_equal(kw_test_network_token(network, client), session));
}

/* Note N1: the nonce of before is good for the next try, and the user of before stays. */
static void as_28_and_as_30_after_a_refusal_the_session_goes_on(void **state)
{
    kw_test_network *network = *state;
    kw_client_identity wrong = KW_TEST_OPERATOR;
    wrong.password = KW_STRING("not the password");
    kw_client *client = kw_test_network_open(network, NULL);
    for (int i = 0; i < 2; i++) {
        assert_status(kw_client_activate(client, &wrong), KW_BAD_USER_ACCESS_DENIED);
        assert_string_not_equal(kw_client_error(client), "");
        assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    }
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_GOOD);
    assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_GOOD);
    assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static kw_status refuse_names(kw_test_rogue *rogue, const kw_type *type, void *response)
{
    const kw_test_request *request = kw_test_rogue_last(rogue, KW_TYPE_ACTIVATE_SESSION_REQUEST);
    const bool is_name =
        request != NULL && kw_extension_object_get(&((const kw_activate_session_request *)request->value)->user_identity_token,
                                                   KW_TYPE_USER_NAME_IDENTITY_TOKEN) != NULL;
    if (type != KW_TYPE_ACTIVATE_SESSION_RESPONSE || !is_name) {
        return KW_GOOD;
    }
    if (rogue->ctx != NULL) { /* a whole response, with a nonce in it */
        ((kw_response_header *)response)->service_result = KW_BAD_USER_ACCESS_DENIED;
        return KW_GOOD;
    }
    rogue->nonce = request->nonce; /* a fault: the one that it made went nowhere */
    return KW_BAD_USER_ACCESS_DENIED;
}

static void as_06_and_as_62_a_refusal_changes_the_nonce_only_when_it_brings_one(void **state)
{
    for (int brings_one = 0; brings_one < 2; brings_one++) {
        kw_test_rogue *rogue = kw_test_rogue_new(*state);
        rogue->edit = refuse_names;
        rogue->ctx = brings_one ? rogue : NULL;
        kw_client *client = kw_test_network_connect(*state, NULL);
        assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_BAD_USER_ACCESS_DENIED);
        assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_GOOD);
        assert_proven(rogue);
        assert_status(kw_client_disconnect(client), KW_GOOD);
    }
}

static void as_10_the_session_moves_to_a_new_channel(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, NULL);
    const kw_bytes session = kw_test_network_token(network, client);
    for (int i = 0; i < 3; i++) {
        kw_test_network_cut(network);
        assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
        assert_true(kw_bytes_equal(kw_test_network_token(network, client), session));
    }
}

static void as_04_and_as_10_and_as_13_the_move_is_proven_and_nothing_comes_before_it(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_open(*state, NULL);
    kw_test_network_cut(*state);
    const size_t before = rogue->request_count;
    assert_status(kw_test_network_read(*state, client, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    assert_ptr_equal(rogue->requests[before].type, KW_TYPE_ACTIVATE_SESSION_REQUEST);
    assert_ptr_equal(rogue->requests[before + 1].type, KW_TYPE_READ_REQUEST);
    assert_int_equal(rogue->request_count, before + 2);
    assert_proven(rogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KW_TEST_ON_NETWORK(as_02_nothing_is_sent_before_the_session_has_a_user),
        KW_TEST_ON_NETWORK(as_02_close_session_may_come_instead),
        KW_TEST_ON_NETWORK(cs_01_and_cs_05_and_cs_06_create_session_says_what_it_should),
        KW_TEST_ON_NETWORK(cs_09_the_client_nonce_has_32_bytes_and_is_new_each_time),
        KW_TEST_ON_NETWORK(as_04_to_as_06_every_activation_of_a_client_is_signed),
        KW_TEST_ON_NETWORK(as_07_and_as_43_and_as_62_the_proof_is_made_with_the_last_nonce),
        KW_TEST_ON_NETWORK(as_44_of_a_chain_the_leaf_is_signed),
        cmocka_unit_test(as_04_to_as_06_and_as_46_the_proof_is_taken_under_every_policy_and_mode),
        KW_TEST_ON_NETWORK(as_47_no_software_certificates_are_sent),
        KW_TEST_ON_NETWORK(as_33_and_as_34_and_as_48_locales_go_in_their_order),
        KW_TEST_ON_NETWORK(as_15_and_as_17_and_as_58_a_password_goes_with_its_name),
        KW_TEST_ON_NETWORK(as_18_and_as_19_and_as_57_and_x5_01_a_user_certificate_goes_with_a_signature),
        KW_TEST_ON_NETWORK(as_59_and_x5_02_the_users_signature_is_made_under_the_policy_of_the_token),
        KW_TEST_ON_NETWORK(as_18_and_as_19_a_user_certificate_is_taken_by_the_server),
        KW_TEST_ON_NETWORK(an_01_and_an_02_and_tp_02_nobody_names_the_policy_alone),
        KW_TEST_ON_NETWORK(as_28_the_user_changes_on_the_session_that_stands),
        KW_TEST_ON_NETWORK(as_28_and_as_30_after_a_refusal_the_session_goes_on),
        KW_TEST_ON_NETWORK(as_06_and_as_62_a_refusal_changes_the_nonce_only_when_it_brings_one),
        KW_TEST_ON_NETWORK(as_10_the_session_moves_to_a_new_channel),
        KW_TEST_ON_NETWORK(as_04_and_as_10_and_as_13_the_move_is_proven_and_nothing_comes_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
