/* A server that does not keep to the rules, and the Client of the library: nothing that proves a user goes there. OPC 10000-4, 5.7.2, 6.1. */
#include "support/kw_test_rogue.h"
#include "support/test.h"

#include <string.h>

/* Refused with this status, and with a sentence; the user was not told to it. */
static void assert_refused(kw_test_network *network, const kw_test_rogue *rogue, kw_status expected)
{
    kw_client *client = kw_test_network_client(network, NULL);
    assert_status(kw_client_connect(client, KW_TEST_NETWORK_URL), expected);
    assert_string_not_equal(kw_client_error(client), "");
    assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_BAD_SERVER_NOT_CONNECTED);
    assert_null(kw_test_rogue_last(rogue, KW_TYPE_ACTIVATE_SESSION_REQUEST));
}

/* Goes through the edits that rogue->ctx points to; each changes what CreateSession answers. */
typedef void kw_test_edit(kw_test_rogue *rogue, kw_create_session_response *response);

static kw_status edit_creation(kw_test_rogue *rogue, const kw_type *type, void *response)
{
    if (type == KW_TYPE_CREATE_SESSION_RESPONSE) {
        (*(kw_test_edit *const *)rogue->ctx)(rogue, response);
    }
    return KW_GOOD;
}

static void assert_creations_refused(kw_test_edit *const *edits, size_t count, kw_status expected)
{
    for (size_t i = 0; i < count; i++) {
        kw_test_network *network = kw_test_network_new(NULL);
        kw_test_rogue *rogue = kw_test_rogue_new(network);
        rogue->edit = edit_creation;
        rogue->ctx = (void *)&edits[i];
        assert_refused(network, rogue, expected);
        kw_test_network_free(network);
    }
}

#define ASSERT_REFUSED(expected, ...)                                                                                                      \
    do {                                                                                                                                   \
        static kw_test_edit *const EDITS[] = {__VA_ARGS__};                                                                                \
        assert_creations_refused(EDITS, sizeof(EDITS) / sizeof(EDITS[0]), expected);                                                       \
    } while (false)

static kw_bytes changed(const kw_test_rogue *rogue, kw_bytes of, size_t at)
{
    const kw_bytes copy = kw_arena_copy(rogue->network->world->arena, of);
    ((uint8_t *)copy.data)[at] ^= 1;
    return copy;
}

/* --- the certificate ------------------------------------------------------------------------------------------------------------ */

static void show_another(kw_test_rogue *rogue, kw_create_session_response *response)
{
    (void)rogue;
    response->server_certificate = kw_certificate_chain(kw_test_identity("stranger", 2048)->certificate);
}

static void show_none(kw_test_rogue *rogue, kw_create_session_response *response)
{
    (void)rogue;
    response->server_certificate = KW_BYTES_NULL;
}

static void show_nonsense(kw_test_rogue *rogue, kw_create_session_response *response)
{
    (void)rogue;
    response->server_certificate = KW_STRING("not a certificate");
}

static void cs_17_the_certificate_is_that_of_the_channel(void **state)
{
    (void)state;
    ASSERT_REFUSED(KW_BAD_CERTIFICATE_INVALID, show_another, show_none, show_nonsense);
}

/* --- its proof ------------------------------------------------------------------------------------------------------------------- */

static void sign_with_another_key(kw_test_rogue *rogue, kw_create_session_response *response)
{
    const kw_create_session_request *request = kw_test_rogue_last(rogue, KW_TYPE_CREATE_SESSION_REQUEST)->value;
    const kw_bytes parts[] = {request->client_certificate, request->client_nonce};
    assert_status(kw_asym_sign(kw_security_policy_by_name(KW_STRING("Basic256Sha256")), kw_test_identity("stranger", 2048)->key, parts, 2,
                               rogue->network->world->arena, &response->server_signature.signature),
                  KW_GOOD);
}

static void sign_another_nonce(kw_test_rogue *rogue, kw_create_session_response *response)
{
    const kw_create_session_request *request = kw_test_rogue_last(rogue, KW_TYPE_CREATE_SESSION_REQUEST)->value;
    const kw_bytes parts[] = {request->client_certificate, changed(rogue, request->client_nonce, 0)};
    assert_status(kw_asym_sign(kw_security_policy_by_name(KW_STRING("Basic256Sha256")), rogue->identity->key, parts, 2,
                               rogue->network->world->arena, &response->server_signature.signature),
                  KW_GOOD);
}

static void do_not_sign(kw_test_rogue *rogue, kw_create_session_response *response)
{
    (void)rogue;
    response->server_signature = (kw_signature_data){.algorithm = KW_BYTES_NULL};
}

static void sign_by_another_algorithm(kw_test_rogue *rogue, kw_create_session_response *response)
{
    (void)rogue;
    response->server_signature.algorithm = KW_STRING("http://www.w3.org/2000/09/xmldsig#rsa-sha1");
}

static void spoil_the_signature(kw_test_rogue *rogue, kw_create_session_response *response)
{
    response->server_signature.signature = changed(rogue, response->server_signature.signature, 17);
}

static void cs_16_the_server_signature_is_checked(void **state)
{
    (void)state;
    ASSERT_REFUSED(KW_BAD_APPLICATION_SIGNATURE_INVALID, sign_with_another_key, sign_another_nonce, do_not_sign, sign_by_another_algorithm,
                   spoil_the_signature);
}

/* --- its nonce -------------------------------------------------------------------------------------------------------------------- */

static uint8_t zeros[32], many[129] = {1};

static void give_no_nonce(kw_test_rogue *rogue, kw_create_session_response *response)
{
    (void)rogue;
    response->server_nonce = KW_BYTES_NULL;
}

static void give_a_short_nonce(kw_test_rogue *rogue, kw_create_session_response *response)
{
    (void)rogue;
    response->server_nonce.len = 31;
}

static void give_a_long_nonce(kw_test_rogue *rogue, kw_create_session_response *response)
{
    (void)rogue;
    response->server_nonce = (kw_bytes){many, sizeof(many)};
}

static void give_zeros(kw_test_rogue *rogue, kw_create_session_response *response)
{
    (void)rogue;
    response->server_nonce = (kw_bytes){zeros, sizeof(zeros)};
}

static void as_61_a_nonce_that_can_be_guessed_is_refused(void **state)
{
    (void)state;
    ASSERT_REFUSED(KW_BAD_NONCE_INVALID, give_no_nonce, give_a_short_nonce, give_a_long_nonce, give_zeros);
}

/* On None nothing else is in the way of a replay. */
static void as_61_on_a_channel_without_security_too(void **state)
{
    static kw_test_edit *const EDIT = give_a_short_nonce;
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    rogue->edit = edit_creation;
    rogue->ctx = (void *)&EDIT;
    kw_client *client = kw_test_network_client(*state, &(kw_client_config){.policy = "None"});
    assert_status(kw_client_connect(client, KW_TEST_NETWORK_URL), KW_BAD_NONCE_INVALID);
    assert_null(kw_test_rogue_last(rogue, KW_TYPE_ACTIVATE_SESSION_REQUEST));
}

static kw_status repeat_the_nonce(kw_test_rogue *rogue, const kw_type *type, void *response)
{
    if (type == KW_TYPE_ACTIVATE_SESSION_RESPONSE) {
        rogue->nonce = kw_test_rogue_last(rogue, KW_TYPE_ACTIVATE_SESSION_REQUEST)->nonce;
        ((kw_activate_session_response *)response)->server_nonce = rogue->nonce;
    }
    return KW_GOOD;
}

static void as_07_and_as_08_the_same_nonce_twice_is_refused(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    rogue->edit = repeat_the_nonce;
    kw_client *client = kw_test_network_connect(*state, NULL);
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_BAD_NONCE_INVALID);
    assert_status(kw_test_network_read(*state, client, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_NOT_ACTIVATED);
}

/* --- its endpoints, that discovery showed without protection -------------------------------------------------------------------------- */

static kw_endpoint_description *copy_endpoints(const kw_test_rogue *rogue, kw_create_session_response *response)
{
    kw_endpoint_description *copy =
        KW_ARENA_ARRAY(rogue->network->world->arena, kw_endpoint_description, response->server_endpoints_count + 1);
    memcpy(copy, response->server_endpoints, response->server_endpoints_count * sizeof(*copy));
    response->server_endpoints = copy;
    return copy;
}

static kw_user_token_policy *copy_policies(const kw_test_rogue *rogue, kw_endpoint_description *of)
{
    kw_user_token_policy *copy = KW_ARENA_ARRAY(rogue->network->world->arena, kw_user_token_policy, of->user_identity_tokens_count);
    memcpy(copy, of->user_identity_tokens, of->user_identity_tokens_count * sizeof(*copy));
    of->user_identity_tokens = copy;
    return copy;
}

/* Somebody had left one out of discovery. */
static void know_one_more(kw_test_rogue *rogue, kw_create_session_response *response)
{
    kw_endpoint_description *all = copy_endpoints(rogue, response);
    all[response->server_endpoints_count] = all[response->server_endpoints_count - 1];
    all[response->server_endpoints_count++].security_policy_uri =
        kw_string_from(kw_security_policy_by_name(KW_STRING("Aes256_Sha256_RsaPss"))->uri);
}

/* Somebody had added one. */
static void know_one_less(kw_test_rogue *rogue, kw_create_session_response *response)
{
    (void)rogue;
    response->server_endpoints_count--;
}

static void know_none(kw_test_rogue *rogue, kw_create_session_response *response)
{
    (void)rogue;
    response->server_endpoints_count = 0;
}

static void name_another_mode(kw_test_rogue *rogue, kw_create_session_response *response)
{
    copy_endpoints(rogue, response)[0].security_mode = KW_MESSAGE_SECURITY_MODE_SIGN;
}

static void name_another_url(kw_test_rogue *rogue, kw_create_session_response *response)
{
    copy_endpoints(rogue, response)[1].endpoint_url = KW_STRING("opc.tcp://other.example:4840");
}

static void name_another_level(kw_test_rogue *rogue, kw_create_session_response *response)
{
    copy_endpoints(rogue, response)[2].security_level++;
}

/* Somebody had taken the protection off the password. */
static void name_another_token_policy(kw_test_rogue *rogue, kw_create_session_response *response)
{
    copy_policies(rogue, &copy_endpoints(rogue, response)[2])[1].security_policy_uri = KW_BYTES_NULL;
}

static void cs_18_other_endpoints_than_discovery_showed_are_refused(void **state)
{
    (void)state;
    ASSERT_REFUSED(KW_BAD_SECURITY_CHECKS_FAILED, know_one_more, know_one_less, know_none, name_another_mode, name_another_url,
                   name_another_level, name_another_token_policy);
}

static void turn_around(kw_test_rogue *rogue, kw_create_session_response *response)
{
    kw_endpoint_description *all = copy_endpoints(rogue, response);
    const kw_endpoint_description first = all[0];
    all[0] = all[2];
    all[2] = first;
}

static void cs_18_their_order_does_not_count(void **state)
{
    static kw_test_edit *const EDIT = turn_around;
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    rogue->edit = edit_creation;
    rogue->ctx = (void *)&EDIT;
    kw_test_network_open(*state, NULL);
    assert_non_null(kw_test_rogue_last(rogue, KW_TYPE_ACTIVATE_SESSION_REQUEST));
}

/* Whoever takes all security off what discovery shows gets nothing: a Client with a certificate means to use it. */
static void cs_18_and_es_12_without_any_security_left_nothing_is_opened(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    rogue->endpoint_count = 1;
    assert_refused(*state, rogue, KW_BAD_SECURITY_POLICY_REJECTED);
    assert_null(kw_test_rogue_last(rogue, KW_TYPE_CREATE_SESSION_REQUEST));
}

/* --- what cannot be an answer ---------------------------------------------------------------------------------------------------------- */

static kw_status give_fewer_results(kw_test_rogue *rogue, const kw_type *type, void *response)
{
    (void)rogue;
    if (type == KW_TYPE_READ_RESPONSE) {
        ((kw_read_response *)response)->results_count = 0;
    }
    return KW_GOOD;
}

static void an_answer_without_results_is_not_believed(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_open(*state, NULL);
    rogue->edit = give_fewer_results;
    assert_true(kw_status_is_bad(kw_test_network_read(*state, client, &KW_TEST_PUBLIC, NULL)));
}

static kw_status answer_another_request(kw_test_rogue *rogue, const kw_type *type, void *response)
{
    (void)rogue;
    if (type == KW_TYPE_READ_RESPONSE) {
        ((kw_response_header *)response)->request_handle++;
    }
    return KW_GOOD;
}

static void an_answer_to_another_request_is_not_believed(void **state)
{
    kw_test_rogue *rogue = kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_open(*state, NULL);
    rogue->edit = answer_another_request;
    assert_status(kw_test_network_read(*state, client, &KW_TEST_PUBLIC, NULL), KW_BAD_UNKNOWN_RESPONSE);
}

/* Its NamespaceArray is an Int32. */
static void a_value_of_another_type_is_not_believed(void **state)
{
    uint16_t index = 0;
    kw_test_rogue_new(*state);
    kw_client *client = kw_test_network_open(*state, NULL);
    assert_true(kw_status_is_bad(kw_client_namespace(client, "urn:keyway", &index)));
}

/* A byte of what the server sends is wrong, each time another one. Without security it may well pass; it does no harm. */
static void any_byte_may_be_wrong_where_nothing_protects_it(void **state)
{
    enum { STEP = 41, ENOUGH = 60000 };
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_client(network, &(kw_client_config){.policy = "None", .reconnect_ms = KW_CLIENT_NEVER});
    size_t refused = 0, at = 0;
    for (; at < ENOUGH && network->spoil_at == SIZE_MAX; at += STEP) {
        uint16_t index = 0;
        kw_client_disconnect(client);
        network->spoil_at = at;
        if (kw_status_is_bad(kw_client_connect(client, KW_TEST_NETWORK_URL)) ||
            kw_status_is_bad(kw_client_activate(client, &KW_TEST_NOBODY)) ||
            kw_status_is_bad(kw_client_namespace(client, "http://opcfoundation.org/UA/", &index))) {
            refused++;
        }
    }
    assert_in_range(at, 100 * STEP, ENOUGH - 1); /* past the last byte of it */
    assert_true(refused > 20);
}

/* With security it is noticed: there is the right value, or none. */
static void any_byte_may_be_wrong_and_is_noticed_where_it_is_protected(void **state)
{
    enum { STEP = 397, ENOUGH = 40000 };
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_client(network, NULL);
    size_t at = 0;
    for (; at < ENOUGH && network->spoil_at == SIZE_MAX; at += STEP) {
        kw_data_value value;
        kw_client_disconnect(client);
        network->spoil_at = at;
        if (kw_status_is_bad(kw_client_connect(client, KW_TEST_NETWORK_URL)) ||
            kw_status_is_bad(kw_client_activate(client, &KW_TEST_OPERATOR))) {
            continue;
        }
        if (!kw_status_is_bad(kw_test_network_read(network, client, &KW_TEST_SECRET, &value))) {
            assert_int_equal(*(const int32_t *)kw_variant_get(&value.value, KW_BUILTIN_INT32), 7);
        }
    }
    assert_in_range(at, 10 * STEP, ENOUGH - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cs_17_the_certificate_is_that_of_the_channel),
        cmocka_unit_test(cs_16_the_server_signature_is_checked),
        cmocka_unit_test(as_61_a_nonce_that_can_be_guessed_is_refused),
        KW_TEST_ON_NETWORK(as_61_on_a_channel_without_security_too),
        KW_TEST_ON_NETWORK(as_07_and_as_08_the_same_nonce_twice_is_refused),
        cmocka_unit_test(cs_18_other_endpoints_than_discovery_showed_are_refused),
        KW_TEST_ON_NETWORK(cs_18_their_order_does_not_count),
        KW_TEST_ON_NETWORK(cs_18_and_es_12_without_any_security_left_nothing_is_opened),
        KW_TEST_ON_NETWORK(an_answer_without_results_is_not_believed),
        KW_TEST_ON_NETWORK(an_answer_to_another_request_is_not_believed),
        KW_TEST_ON_NETWORK(a_value_of_another_type_is_not_believed),
        KW_TEST_ON_NETWORK(any_byte_may_be_wrong_where_nothing_protects_it),
        KW_TEST_ON_NETWORK(any_byte_may_be_wrong_and_is_noticed_where_it_is_protected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
