/* CreateSession. OPC 10000-4, 5.7.2. */
#include "support/kw_test_user.h"
#include "support/test.h"
#include "ua/codec.h"

#include <math.h>
#include <string.h>

static kw_status try_create(kw_test_client *client, kw_create_session_request *request)
{
    kw_test_session session;
    return kw_test_create_session_with(client, request, &session);
}

/* --- the request ----------------------------------------------------------------------------------------------------------- */

static void cs_01_an_authentication_token_in_the_header_is_ignored(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session other = kw_test_open(client);
    kw_create_session_request *request = kw_test_creation(client);
    request->request_header.authentication_token = other.token;
    assert_status(try_create(client, request), KW_GOOD);
    request->request_header.authentication_token = KW_NODE_ID(3, 4711);
    assert_status(try_create(client, request), KW_GOOD);
}

static void cs_02_the_token_is_good_on_its_channel_only(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_client *other = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    assert_status(kw_test_read(other, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SECURE_CHANNEL_ID_INVALID);
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
}

static void three_sessions(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->session_limits.max_sessions = 3;
}

static void cs_03_there_is_a_channel_more_than_there_are_sessions(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_new(&(kw_test_world_options){.configure = three_sessions});
    kw_test_session sessions[3];
    kw_test_client *clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = kw_test_client_new(world, NULL);
        sessions[i] = kw_test_open(clients[i]);
    }
    kw_test_client *more = kw_test_client_new(world, NULL);
    assert_status(try_create(more, kw_test_creation(more)), KW_BAD_TOO_MANY_SESSIONS);
    kw_test_client_cut(clients[0]);
    assert_status(kw_test_activate(more, &sessions[0], kw_test_nobody()), KW_GOOD); /* that is what it is for */
    kw_test_world_free(world);
}

static void cs_04_several_sessions_on_one_channel(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session one = kw_test_open(client);
    const kw_test_session two = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(kw_test_read(client, &one, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_read(client, &two, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static void cs_05_a_server_uri_that_is_not_ours_is_refused(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_create_session_request *request = kw_test_creation(client);
    request->server_uri = KW_STRING("urn:some:other:server");
    assert_status(try_create(client, request), KW_BAD_SERVER_URI_INVALID);
    request->server_uri = KW_STRING(KW_TEST_SERVER);
    assert_status(try_create(client, request), KW_GOOD);
    request->server_uri = KW_STRING("");
    assert_status(try_create(client, request), KW_GOOD);
}

static void cs_08_a_session_without_a_name_gets_one(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_string names[] = {KW_BYTES_NULL, KW_STRING("")};
    kw_string given[2];
    for (int i = 0; i < 2; i++) {
        kw_test_session session;
        kw_create_session_request *request = kw_test_creation(client);
        request->session_name = names[i];
        assert_status(kw_test_create_session_with(client, request, &session), KW_GOOD);
        given[i] = kw_session_name(kw_test_session_of(world, &session));
        assert_true(given[i].len > 0);
    }
    assert_false(kw_bytes_equal(given[0], given[1]));
    kw_test_session session;
    kw_create_session_request *request = kw_test_creation(client);
    request->session_name = KW_STRING("of my own");
    assert_status(kw_test_create_session_with(client, request, &session), KW_GOOD);
    assert_text(kw_session_name(kw_test_session_of(world, &session)), "of my own");
}

static void cs_09_the_client_nonce_has_32_bytes(void **state)
{
    static const uint8_t BYTES[129];
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const struct {
        kw_bytes nonce;
        kw_status expected;
    } cases[] = {{KW_BYTES_NULL, KW_BAD_NONCE_INVALID},
                 {{BYTES, 0}, KW_BAD_NONCE_INVALID},
                 {{BYTES, 31}, KW_BAD_NONCE_INVALID},
                 {{BYTES, 32}, KW_GOOD},
                 {{BYTES, 128}, KW_GOOD},
                 {{BYTES, 129}, KW_BAD_NONCE_INVALID}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        kw_create_session_request *request = kw_test_creation(client);
        request->client_nonce = cases[i].nonce;
        assert_status(try_create(client, request), cases[i].expected);
    }
    kw_test_client *none = kw_test_client_new(*state, &(kw_test_client_options){.policy = &KW_POLICY_NONE});
    kw_create_session_request *request = kw_test_creation(none);
    request->client_nonce = KW_BYTES_NULL;
    assert_status(try_create(none, request), KW_GOOD);
}

static void cs_10_the_client_certificate_is_that_of_the_channel(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_create_session_request *request = kw_test_creation(client);
    const kw_bytes others[] = {kw_certificate_der(kw_test_identity("other", 2048)->certificate), KW_BYTES_NULL,
                               KW_STRING("no certificate")};
    for (size_t i = 0; i < 3; i++) {
        request->client_certificate = others[i];
        assert_status(try_create(client, request), KW_BAD_CERTIFICATE_INVALID);
    }
}

static void cs_11_the_application_uri_is_that_of_the_certificate(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_create_session_request *request = kw_test_creation(client);
    const kw_string others[] = {KW_STRING("urn:keyway:test:other"), KW_BYTES_NULL, KW_STRING("URN:KEYWAY:TEST:CLIENT")};
    for (size_t i = 0; i < 3; i++) {
        request->client_description.application_uri = others[i];
        assert_status(try_create(client, request), KW_BAD_CERTIFICATE_URI_INVALID);
    }
}

static void cs_12_on_none_the_certificate_is_ignored(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, &(kw_test_client_options){.policy = &KW_POLICY_NONE});
    const kw_bytes anything[] = {KW_STRING("no certificate"), kw_certificate_der(kw_test_identity("other", 2048)->certificate)};
    for (size_t i = 0; i < 2; i++) {
        kw_test_session session;
        kw_create_session_request *request = kw_test_creation(client);
        request->client_certificate = anything[i];
        assert_status(kw_test_create_session_with(client, request, &session), KW_GOOD);
        assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
        /* And it makes nobody of whoever sent it. */
        assert_true(kw_bytes_is_empty(kw_session_identity(kw_test_session_of(world, &session))->application_uri));
    }
}

/* --- time ---------------------------------------------------------------------------------------------------------------------- */

static double revised(kw_test_client *client, double requested, kw_test_session *session)
{
    kw_create_session_request *request = kw_test_creation(client);
    request->requested_session_timeout = requested;
    assert_status(kw_test_create_session_with(client, request, session), KW_GOOD);
    return session->created->revised_session_timeout;
}

static void cs_13_the_timeout_is_revised(void **state)
{
    const struct {
        double requested, revised;
    } cases[] = {{60000, 60000}, {1, 10000},    {3600000, 3600000},     {3600001, 3600000},          {1e300, 3600000},
                 {0, 3600000},   {-1, 3600000}, {(double)NAN, 3600000}, {(double)INFINITY, 3600000}, {-(double)INFINITY, 3600000}};
    kw_test_client *client = kw_test_client_new(*state, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        kw_test_session session;
        assert_true(revised(client, cases[i].requested, &session) == cases[i].revised);
    }
}

static void cs_13_a_session_without_requests_is_closed(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    assert_true(revised(client, 20000, &session) == 20000);
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
    for (int i = 0; i < 5; i++) { /* every request counts */
        kw_test_world_advance(world, 19999);
        assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    }
    kw_test_world_advance(world, 20000);
    assert_null(kw_test_session_of(world, &session));
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_ID_INVALID);
    assert_false(client->is_closed);
}

static void cs_13_a_session_that_nobody_activates_is_closed_too(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    assert_true(revised(client, 3600000, &session) == 3600000);
    kw_test_world_advance(world, 59999);
    assert_non_null(kw_test_session_of(world, &session));
    kw_test_world_advance(world, 2);
    assert_null(kw_test_session_of(world, &session));
}

/* --- the answer ------------------------------------------------------------------------------------------------------------------ */

static void cs_14_an_answer_that_is_too_large_is_a_fault(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    kw_create_session_request *request = kw_test_creation(client);
    request->max_response_message_size = 1024;
    assert_status(kw_test_create_session_with(client, request, &session), KW_GOOD);
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
    kw_read_value_id nodes[200];
    for (size_t i = 0; i < 200; i++) {
        nodes[i] = (kw_read_value_id){.node_id = KW_TEST_PUBLIC, .attribute_id = 13};
    }
    kw_read_request read = {.nodes_to_read = nodes, .nodes_to_read_count = 200};
    assert_status(kw_test_call(client, &session, KW_TYPE_READ_REQUEST, &read, NULL), KW_BAD_RESPONSE_TOO_LARGE);
    read.request_header.request_handle = 0;
    read.nodes_to_read_count = 1;
    assert_status(kw_test_call(client, &session, KW_TYPE_READ_REQUEST, &read, NULL), KW_GOOD);
    const kw_test_session unlimited = kw_test_open(client);
    read.request_header.request_handle = 0;
    read.nodes_to_read_count = 200;
    assert_status(kw_test_call(client, &unlimited, KW_TYPE_READ_REQUEST, &read, NULL), KW_GOOD);
}

enum { MANY = 100 };

static void cs_15_ids_are_unique_and_tokens_random(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session sessions[MANY];
    for (size_t i = 0; i < MANY; i++) {
        assert_status(kw_test_create_session(client, &sessions[i]), KW_GOOD);
        assert_int_equal(sessions[i].token.kind, KW_NODE_ID_OPAQUE);
        assert_true(sessions[i].token.id.string.len >= 16);
        assert_false(kw_node_id_equal(&sessions[i].id, &sessions[i].token));
        for (size_t j = 0; j < i; j++) {
            assert_false(kw_node_id_equal(&sessions[i].id, &sessions[j].id));
            assert_false(kw_node_id_equal(&sessions[i].token, &sessions[j].token));
        }
    }
}

static bool contains(kw_bytes haystack, kw_bytes needle)
{
    return haystack.data != NULL && memmem(haystack.data, haystack.len, needle.data, needle.len) != NULL;
}

static kw_string hex_of(kw_arena *arena, kw_bytes bytes)
{
    kw_string text = KW_STRING("");
    for (size_t i = 0; i < bytes.len; i++) {
        text = kw_arena_format(arena, "%.*s%02x", KW_STRING_ARGS(text), bytes.data[i]);
    }
    return text;
}

static void cs_15_the_token_is_not_in_the_trail(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    const kw_bytes token = session.token.id.string;
    const kw_bytes forms[] = {token, hex_of(world->arena, token), kw_base64url_encode(world->arena, (kw_bytes){token.data, 30})};
    kw_audit_record *records = NULL;
    size_t count = 0;
    assert_status(kw_store_audit_list(world->store->store, 0, 1000, world->arena, &records, &count), KW_GOOD);
    assert_true(count >= 3);
    for (size_t i = 0; i < count; i++) {
        for (size_t f = 0; f < 3; f++) {
            assert_false(contains(records[i].detail, forms[f]));
            assert_false(contains(records[i].client, forms[f]));
        }
    }
}

static void cs_16_the_server_signs_certificate_and_nonce(void **state)
{
    kw_test_world *world = *state;
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        const kw_security_policy *policy = kw_security_policy_at(i);
        if (policy->is_none || policy->is_deprecated || policy->ephemeral != KW_EPHEMERAL_NONE) {
            continue;
        }
        kw_test_client *client = kw_test_client_new(world, &(kw_test_client_options){.policy = policy});
        kw_create_session_request *request = kw_test_creation(client);
        kw_test_session session;
        assert_status(kw_test_create_session_with(client, request, &session), KW_GOOD);
        const kw_signature_data *signature = &session.created->server_signature;
        const kw_public_key *key = kw_certificate_public_key(world->env.identity->certificate);
        const kw_bytes parts[] = {kw_certificate_der(client->identity->certificate), request->client_nonce};
        assert_text(signature->algorithm, policy->asym_signature_uri);
        assert_status(kw_asym_verify(policy, key, parts, 2, signature->signature), KW_GOOD);
    }
}

/* A chain comes; the leaf is what is signed. */
static void cs_16_of_a_chain_the_leaf_is_signed(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_create_session_request *request = kw_test_creation(client);
    const kw_bytes leaf = kw_certificate_der(client->identity->certificate);
    const kw_bytes more = kw_certificate_der(kw_test_identity("other", 2048)->certificate);
    uint8_t blob[8192];
    assert_true(leaf.len + more.len <= sizeof(blob));
    memcpy(blob, leaf.data, leaf.len);
    memcpy(blob + leaf.len, more.data, more.len);
    request->client_certificate = (kw_bytes){blob, leaf.len + more.len};
    kw_test_session session;
    assert_status(kw_test_create_session_with(client, request, &session), KW_GOOD);
    const kw_bytes parts[] = {leaf, request->client_nonce};
    assert_status(kw_asym_verify(client->policy, kw_certificate_public_key(world->env.identity->certificate), parts, 2,
                                 session.created->server_signature.signature),
                  KW_GOOD);
}

static void cs_17_and_cs_18_certificate_and_endpoints_are_those_of_get_endpoints(void **state)
{
    const kw_test_client_options ways[] = {{.policy = NULL}, {.policy = &KW_POLICY_NONE}};
    for (size_t w = 0; w < 2; w++) {
        kw_test_world *world = *state;
        kw_test_client *client = kw_test_client_new(world, &ways[w]);
        kw_get_endpoints_request request = {.endpoint_url = kw_server_url(world->server)};
        const void *response = NULL;
        kw_test_session session;
        assert_status(kw_test_call(client, NULL, KW_TYPE_GET_ENDPOINTS_REQUEST, &request, &response), KW_GOOD);
        assert_status(kw_test_create_session(client, &session), KW_GOOD);
        const kw_get_endpoints_response *all = response;
        assert_int_equal(session.created->server_endpoints_count, all->endpoints_count);
        for (size_t i = 0; i < all->endpoints_count; i++) {
            assert_true(kw_ua_equal(KW_TYPE_ENDPOINT_DESCRIPTION, &session.created->server_endpoints[i], &all->endpoints[i]));
        }
        assert_true(kw_bytes_equal(session.created->server_certificate, kw_test_endpoint(client, &session)->server_certificate));
        assert_true(session.created->server_certificate.len > 0); /* on None too: secrets are sealed for it */
    }
}

/* --- too many ---------------------------------------------------------------------------------------------------------------------- */

static void cs_19_the_oldest_that_nobody_activated_makes_room(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_new(&(kw_test_world_options){.configure = three_sessions});
    kw_test_client *flood = kw_test_client_new(world, &(kw_test_client_options){.identity = kw_test_identity("other", 2048)});
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session mine = kw_test_open(client);
    kw_test_session unused[10];
    for (int i = 0; i < 10; i++) {
        assert_status(kw_test_create_session(flood, &unused[i]), KW_GOOD);
    }
    assert_int_equal(kw_sessions_count(kw_server_sessions(world->server)), 3);
    assert_null(kw_test_session_of(world, &unused[7]));
    assert_non_null(kw_test_session_of(world, &unused[8]));
    assert_status(kw_test_read(client, &mine, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    const kw_test_session another = kw_test_open(client); /* who means it gets in */
    assert_null(kw_test_session_of(world, &unused[8]));
    assert_status(kw_test_read(client, &another, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    kw_test_world_free(world);
}

static void cs_19_activated_sessions_are_never_closed_for_others(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_new(&(kw_test_world_options){.configure = three_sessions});
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session sessions[] = {kw_test_open(client), kw_test_open(client), kw_test_open(client)};
    assert_status(try_create(client, kw_test_creation(client)), KW_BAD_TOO_MANY_SESSIONS);
    for (int i = 0; i < 3; i++) {
        assert_status(kw_test_read(client, &sessions[i], &KW_TEST_PUBLIC, NULL), KW_GOOD);
    }
    assert_status(kw_test_close_session(client, &sessions[1], true), KW_GOOD);
    assert_status(try_create(client, kw_test_creation(client)), KW_GOOD);
    kw_test_world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KW_TEST_IN_WORLD(cs_01_an_authentication_token_in_the_header_is_ignored),
        KW_TEST_IN_WORLD(cs_02_the_token_is_good_on_its_channel_only),
        cmocka_unit_test(cs_03_there_is_a_channel_more_than_there_are_sessions),
        KW_TEST_IN_WORLD(cs_04_several_sessions_on_one_channel),
        KW_TEST_IN_WORLD(cs_05_a_server_uri_that_is_not_ours_is_refused),
        KW_TEST_IN_WORLD(cs_08_a_session_without_a_name_gets_one),
        KW_TEST_IN_WORLD(cs_09_the_client_nonce_has_32_bytes),
        KW_TEST_IN_WORLD(cs_10_the_client_certificate_is_that_of_the_channel),
        KW_TEST_IN_WORLD(cs_11_the_application_uri_is_that_of_the_certificate),
        KW_TEST_IN_WORLD(cs_12_on_none_the_certificate_is_ignored),
        KW_TEST_IN_WORLD(cs_13_the_timeout_is_revised),
        KW_TEST_IN_WORLD(cs_13_a_session_without_requests_is_closed),
        KW_TEST_IN_WORLD(cs_13_a_session_that_nobody_activates_is_closed_too),
        KW_TEST_IN_WORLD(cs_14_an_answer_that_is_too_large_is_a_fault),
        KW_TEST_IN_WORLD(cs_15_ids_are_unique_and_tokens_random),
        KW_TEST_IN_WORLD(cs_15_the_token_is_not_in_the_trail),
        KW_TEST_IN_WORLD(cs_16_the_server_signs_certificate_and_nonce),
        KW_TEST_IN_WORLD(cs_16_of_a_chain_the_leaf_is_signed),
        KW_TEST_IN_WORLD(cs_17_and_cs_18_certificate_and_endpoints_are_those_of_get_endpoints),
        cmocka_unit_test(cs_19_the_oldest_that_nobody_activated_makes_room),
        cmocka_unit_test(cs_19_activated_sessions_are_never_closed_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
