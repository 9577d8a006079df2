/* Services without a Session: SessionlessInvoke. OPC 10000-4, 6.3; for RequestAccessToken OPC 10000-12, 9.5.4 (1.04). */
#include "support/kw_test_authority.h"
#include "support/test.h"
#include "ua/codec.h"

#define MESSAGE_MAX ((size_t)1 << 20)
#define APPLICATION "urn:keyway:test:client"

/* Everything that can be said around a request; zeros are right. */
typedef struct invocation {
    kw_node_id token; /* authenticationToken */
    kw_sessionless_invoke_request_type envelope;
    size_t trailing; /* bytes after the end */
    bool by_data_type;
} invocation;

static uint32_t send(kw_test_client *client, const invocation *how, const kw_type *type, void *request)
{
    kw_request_header *header = request;
    kw_sessionless_invoke_request_type envelope = how->envelope;
    kw_writer w;
    kw_writer_init(&w, MESSAGE_MAX);
    header->authentication_token = how->token;
    header->request_handle = 42;
    envelope.service_id = envelope.service_id != 0 ? envelope.service_id : type->data_type_id;
    if (how->by_data_type) {
        const kw_node_id id = KW_NODE_ID(0, KW_TYPE_SESSIONLESS_INVOKE_REQUEST_TYPE->data_type_id);
        kw_ua_encode(&w, KW_TYPE_NODE_ID, &id);
        kw_ua_encode(&w, KW_TYPE_SESSIONLESS_INVOKE_REQUEST_TYPE, &envelope);
    } else {
        kw_ua_encode_message(&w, KW_TYPE_SESSIONLESS_INVOKE_REQUEST_TYPE, &envelope);
    }
    kw_ua_encode(&w, type, request);
    for (size_t i = 0; i < how->trailing; i++) {
        kw_write_u8(&w, 0);
    }
    assert_status(kw_writer_status(&w), KW_GOOD);
    const uint32_t id = kw_test_send_bytes(client, kw_writer_bytes(&w));
    kw_writer_clear(&w);
    return id;
}

static void *decode(kw_test_world *world, kw_reader *r, const kw_type *type)
{
    void *value = kw_arena_alloc(world->arena, type->size);
    assert_non_null(value);
    assert_status(kw_ua_decode(r, world->arena, NULL, type, value), KW_GOOD);
    return value;
}

/* The fault, or what is in the envelope of the answer. */
static kw_status answer(kw_test_client *client, uint32_t id, const kw_type *expected, const void **response)
{
    kw_test_world *world = client->world;
    uint32_t type_id = 0;
    kw_reader r = kw_reader_of(kw_test_answer_bytes(client, id));
    assert_status(kw_ua_decode_message_id(&r, world->arena, &type_id), KW_GOOD);
    if (type_id == KW_TYPE_SERVICE_FAULT->binary_id) {
        const kw_service_fault *fault = decode(world, &r, KW_TYPE_SERVICE_FAULT);
        assert_int_equal(fault->response_header.request_handle, 42);
        return fault->response_header.service_result;
    }
    assert_int_equal(type_id, KW_TYPE_SESSIONLESS_INVOKE_RESPONSE_TYPE->binary_id);
    const kw_sessionless_invoke_response_type *envelope = decode(world, &r, KW_TYPE_SESSIONLESS_INVOKE_RESPONSE_TYPE);
    assert_int_equal(envelope->service_id, expected->data_type_id);
    if (envelope->namespace_uris_count > 0) {
        assert_text(envelope->namespace_uris[0], KW_TEST_SERVER);
    }
    const kw_response_header *header = decode(world, &r, expected);
    assert_int_equal(kw_reader_left(&r), 0);
    assert_int_equal(header->request_handle, 42);
    *response = header;
    return header->service_result;
}

static kw_status invoke(kw_test_client *client, const invocation *how, const kw_type *type, void *request, const kw_type *expected,
                        const void **response)
{
    const uint32_t id = send(client, how, type, request);
    while (!kw_test_is_answered(client, id) && kw_test_world_step(client->world)) {
    }
    return answer(client, id, expected, response);
}

static kw_status call(kw_test_client *client, const invocation *how, const kw_node_id *method, const kw_variant *inputs, size_t count,
                      kw_call_method_result *result)
{
    kw_call_method_request one = {
        .object_id = KW_AUTHORITY_OBJECT, .method_id = *method, .input_arguments = (kw_variant *)inputs, .input_arguments_count = count};
    kw_call_request request = {.methods_to_call = &one, .methods_to_call_count = 1};
    const void *response = NULL;
    const kw_status status = invoke(client, how, KW_TYPE_CALL_REQUEST, &request, KW_TYPE_CALL_RESPONSE, &response);
    if (kw_status_is_bad(status)) {
        return status;
    }
    *result = ((const kw_call_response *)response)->results[0];
    return result->status_code;
}

static kw_status request_token(kw_test_client *client, const invocation *how, const kw_extension_object *token, kw_string *issued)
{
    const kw_extension_object none = {.type = NULL};
    const kw_string uri = KW_STRING(KW_TEST_SERVER);
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, token != NULL ? token : &none),
                                 kw_variant_scalar(KW_BUILTIN_STRING, &uri)};
    kw_call_method_result result;
    const kw_status status = call(client, how, &KW_TEST_REQUEST_ACCESS_TOKEN, inputs, 2, &result);
    if (!kw_status_is_bad(status)) {
        *issued = *(const kw_string *)kw_variant_get(&result.output_arguments[0], KW_BUILTIN_STRING);
    }
    return status;
}

static kw_status read_value(kw_test_client *client, const invocation *how, const kw_node_id *node, kw_data_value *out)
{
    kw_read_value_id what = {.node_id = *node, .attribute_id = 13};
    kw_read_request request = {.timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_NEITHER, .nodes_to_read_count = 1, .nodes_to_read = &what};
    const void *response = NULL;
    const kw_status status = invoke(client, how, KW_TYPE_READ_REQUEST, &request, KW_TYPE_READ_RESPONSE, &response);
    if (kw_status_is_bad(status)) {
        return status;
    }
    *out = ((const kw_read_response *)response)->results[0];
    return out->has_status ? out->status : KW_GOOD;
}

static kw_node_id bearer(uint8_t kind, kw_string token)
{
    return (kw_node_id){.kind = kind, .id.string = token};
}

/* A token for this very Server, of its own Authorization Service. */
static kw_string token_of_user(kw_test_client *client)
{
    const kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    kw_string token = KW_BYTES_NULL;
    assert_status(kw_test_request_token(client, &session, NULL, &token), KW_GOOD);
    return token;
}

static const invocation PLAIN = {.trailing = 0};

/* --- who asks -------------------------------------------------------------------------------------------------------------------- */

static void rt_05_without_a_token_the_application_asks(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_string issued = KW_BYTES_NULL;
    assert_status(request_token(client, &PLAIN, NULL, &issued), KW_BAD_USER_ACCESS_DENIED);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_APPLICATION, APPLICATION);
    assert_status(request_token(client, &PLAIN, NULL, &issued), KW_GOOD);
    const kw_jwt claims = kw_test_token_claims(world, issued);
    assert_text(claims.sub, APPLICATION);
    assert_int_equal(claims.role_count, 1);
    assert_text(claims.roles[0], "Operator");
    assert_int_equal(kw_sessions_count(kw_server_sessions(world->server)), 0);
}

static void rt_05_an_access_token_in_the_header_says_who_asks(void **state)
{
    static const uint8_t KINDS[] = {KW_NODE_ID_STRING, KW_NODE_ID_OPAQUE};
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_string token = token_of_user(client);
    for (size_t i = 0; i < 2; i++) {
        const invocation how = {.token = bearer(KINDS[i], token), .by_data_type = i == 1};
        kw_string issued = KW_BYTES_NULL;
        assert_status(request_token(client, &how, NULL, &issued), KW_GOOD);
        const kw_jwt claims = kw_test_token_claims(world, issued);
        assert_text(claims.sub, KW_TEST_USER);
        assert_text(claims.roles[0], "Operator");
    }
}

static void rt_05_an_identity_may_be_the_argument(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_user_name_identity_token token = {
        .policy_id = kw_test_authority_policy(client, &session, KW_USER_TOKEN_TYPE_USER_NAME)->policy_id,
        .user_name = KW_STRING(KW_TEST_USER),
        .password = kw_test_authority_seal(client, client->identity, KW_STRING(KW_TEST_PASSWORD), 0)};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, &token);
    kw_string issued = KW_BYTES_NULL;
    assert_status(request_token(client, &PLAIN, &object, &issued), KW_GOOD);
    assert_status(request_token(client, &PLAIN, &object, &issued), KW_BAD_IDENTITY_TOKEN_REJECTED); /* once */
}

static void rt_05_a_wrong_token_is_nobody(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "urn:test:issuer");
    const kw_test_issuer stranger = {.uri = KW_STRING("urn:test:stranger"), .key = issuer->key};
    const kw_string good = kw_test_token(world, issuer, "dave", 600);
    const struct {
        kw_node_id token;
        kw_status status;
    } wrong[] = {{bearer(KW_NODE_ID_STRING, KW_STRING("rubbish")), KW_BAD_IDENTITY_TOKEN_INVALID},
                 {KW_NODE_ID(0, 7), KW_BAD_IDENTITY_TOKEN_INVALID},
                 {{.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = good}, KW_BAD_IDENTITY_TOKEN_INVALID},
                 {bearer(KW_NODE_ID_STRING, kw_test_token(world, issuer, "dave", -600)), KW_BAD_IDENTITY_TOKEN_REJECTED},
                 {bearer(KW_NODE_ID_STRING, kw_test_token(world, &stranger, "dave", 600)), KW_BAD_IDENTITY_TOKEN_REJECTED},
                 {kw_test_open(client).token, KW_BAD_IDENTITY_TOKEN_INVALID}}; /* that of a Session */
    kw_data_value value;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const invocation how = {.token = wrong[i].token};
        assert_status(read_value(client, &how, &KW_TEST_PUBLIC, &value), wrong[i].status);
    }
    kw_test_world_advance(world, 1000);
    assert_int_equal(kw_test_store_query(world->store,
                                         "SELECT COUNT(*) FROM audit WHERE event = 'SessionlessInvoke' AND client = '" APPLICATION
                                         "' AND detail LIKE '%Read%'"),
                     sizeof(wrong) / sizeof(wrong[0]));
    const invocation right = {.token = bearer(KW_NODE_ID_STRING, good)};
    assert_status(read_value(client, &right, &KW_TEST_PUBLIC, &value), KW_GOOD);
}

static void refuse_anonymous(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.allow_anonymous = false;
}

static void rt_05_where_nobody_is_anonymous_a_token_is_needed(void **state)
{
    kw_test_world *world = kw_test_world_with_authority(&(kw_test_world_options){.configure = refuse_anonymous});
    kw_test_client *client = kw_test_client_new(world, NULL);
    const invocation with_token = {.token = bearer(KW_NODE_ID_STRING, token_of_user(client))};
    kw_data_value value;
    assert_status(read_value(client, &PLAIN, &KW_TEST_PUBLIC, &value), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(read_value(client, &with_token, &KW_TEST_PUBLIC, &value), KW_GOOD);
    kw_test_world_free(world);
    (void)state;
}

/* Attack A-157: whose token says who may carry it. */
static void rt_05_a_token_that_is_bound_to_another_application_is_refused(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "urn:test:issuer");
    static const char *const OWNERS[] = {"client", "other"};
    for (size_t i = 0; i < 2; i++) {
        uint8_t hash[KW_HASH_MAX];
        const kw_bytes der = kw_certificate_der(kw_test_identity(OWNERS[i], 2048)->certificate);
        assert_status(kw_hash_of(KW_HASH_SHA256, &der, 1, hash), KW_GOOD);
        const kw_string bound = kw_base64url_encode(world->arena, (kw_bytes){hash, kw_hash_len(KW_HASH_SHA256)});
        const kw_string more = kw_arena_format(world->arena, ",\"cnf\":{\"x5t#S256\":\"%.*s\"}", KW_STRING_ARGS(bound));
        const kw_string claims = kw_test_claims(world, issuer, "dave", 600, kw_arena_cstring(world->arena, more));
        const invocation how = {.token = bearer(KW_NODE_ID_STRING, kw_test_jwt(world, issuer, claims))};
        kw_data_value value;
        assert_status(read_value(client, &how, &KW_TEST_PUBLIC, &value), i == 0 ? KW_GOOD : KW_BAD_IDENTITY_TOKEN_REJECTED);
    }
}

/* --- what may be done ------------------------------------------------------------------------------------------------------------- */

static void rt_05_and_rt_20_the_channel_is_encrypted(void **state)
{
    kw_test_client *open = kw_test_client_new(*state, &(kw_test_client_options){.policy = &KW_POLICY_NONE});
    kw_test_client *readable = kw_test_client_new(*state, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    kw_string issued = KW_BYTES_NULL;
    kw_data_value value;
    assert_status(request_token(open, &PLAIN, NULL, &issued), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_status(request_token(readable, &PLAIN, NULL, &issued), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_status(read_value(open, &PLAIN, &KW_TEST_PUBLIC, &value), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_status(read_value(readable, &PLAIN, &KW_TEST_PUBLIC, &value), KW_BAD_SECURITY_MODE_INSUFFICIENT);
}

static void rt_05_a_method_that_keeps_something_for_a_session_is_refused(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const invocation how = {.token = bearer(KW_NODE_ID_STRING, token_of_user(client))};
    const kw_node_id start = KW_NODE_ID_TEXT(1, "AuthorizationService.StartRequestToken");
    const kw_node_id describe = KW_NODE_ID_TEXT(1, "AuthorizationService.GetServiceDescription");
    const kw_string text = KW_STRING("");
    const kw_bytes data = KW_BYTES_NULL;
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_STRING, &text), kw_variant_scalar(KW_BUILTIN_STRING, &text),
                                 kw_variant_scalar(KW_BUILTIN_BYTE_STRING, &data)};
    kw_call_method_result result;
    assert_status(call(client, &how, &start, inputs, 3, &result), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_status(call(client, &how, &describe, NULL, 0, &result), KW_GOOD);
}

static void the_roles_of_the_token_are_what_one_may(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const invocation entitled = {.token = bearer(KW_NODE_ID_STRING, token_of_user(client))};
    kw_data_value value;
    assert_status(read_value(client, &PLAIN, &KW_TEST_PUBLIC, &value), KW_GOOD);
    assert_status(read_value(client, &PLAIN, &KW_TEST_SECRET, &value), KW_BAD_USER_ACCESS_DENIED);
    assert_status(read_value(client, &entitled, &KW_TEST_SECRET, &value), KW_GOOD);
    assert_int_equal(*(const int32_t *)kw_variant_get(&value.value, KW_BUILTIN_INT32), 7);
}

static void a_service_that_needs_a_session_is_not_supported(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_create_subscription_request subscription = {.requested_publishing_interval = 1000};
    kw_register_nodes_request nodes = {.nodes_to_register_count = 0};
    kw_read_request read = {.nodes_to_read_count = 0};
    const invocation unknown = {.envelope = {.service_id = 1}};
    const void *response = NULL;
    assert_status(
        invoke(client, &PLAIN, KW_TYPE_CREATE_SUBSCRIPTION_REQUEST, &subscription, KW_TYPE_CREATE_SUBSCRIPTION_RESPONSE, &response),
        KW_BAD_SERVICE_UNSUPPORTED);
    assert_status(invoke(client, &PLAIN, KW_TYPE_REGISTER_NODES_REQUEST, &nodes, KW_TYPE_REGISTER_NODES_RESPONSE, &response),
                  KW_BAD_SERVICE_UNSUPPORTED);
    assert_status(invoke(client, &unknown, KW_TYPE_READ_REQUEST, &read, KW_TYPE_READ_RESPONSE, &response), KW_BAD_SERVICE_UNSUPPORTED);
}

static void forbid(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->allow_sessionless = false;
}

static void it_can_be_switched_off(void **state)
{
    kw_test_world *world = kw_test_world_with_authority(&(kw_test_world_options){.configure = forbid});
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_data_value value;
    assert_status(read_value(client, &PLAIN, &KW_TEST_PUBLIC, &value), KW_BAD_SERVICE_UNSUPPORTED);
    kw_test_world_free(world);
    (void)state;
}

/* Nobody keeps a continuation point. */
static void browse_ends_where_the_answer_ends(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_browse_description what = {.node_id = KW_NODE_ID(0, 85),
                                  .browse_direction = KW_BROWSE_DIRECTION_FORWARD,
                                  .reference_type_id = KW_NODE_ID(0, 33),
                                  .include_subtypes = true,
                                  .result_mask = 63};
    kw_browse_request request = {.nodes_to_browse = &what, .nodes_to_browse_count = 1, .requested_max_references_per_node = 1};
    const void *response = NULL;
    assert_status(invoke(client, &PLAIN, KW_TYPE_BROWSE_REQUEST, &request, KW_TYPE_BROWSE_RESPONSE, &response), KW_GOOD);
    assert_status(((const kw_browse_response *)response)->results[0].status_code, KW_BAD_NO_CONTINUATION_POINTS);
    request.requested_max_references_per_node = 0;
    assert_status(invoke(client, &PLAIN, KW_TYPE_BROWSE_REQUEST, &request, KW_TYPE_BROWSE_RESPONSE, &response), KW_GOOD);
    assert_status(((const kw_browse_response *)response)->results[0].status_code, KW_GOOD);
    assert_true(((const kw_browse_response *)response)->results[0].references_count > 1);
    uint8_t id[8] = {1};
    kw_bytes point = {id, sizeof(id)};
    kw_browse_next_request next = {.continuation_points = &point, .continuation_points_count = 1};
    assert_status(invoke(client, &PLAIN, KW_TYPE_BROWSE_NEXT_REQUEST, &next, KW_TYPE_BROWSE_NEXT_RESPONSE, &response), KW_GOOD);
    assert_status(((const kw_browse_next_response *)response)->results[0].status_code, KW_BAD_CONTINUATION_POINT_INVALID);
}

/* --- the envelope ------------------------------------------------------------------------------------------------------------------ */

static void namespaces_are_those_of_the_envelope(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_string uris[] = {KW_STRING("urn:nobody:knows"), KW_STRING(KW_TEST_SERVER)};
    const invocation how = {.envelope = {.namespace_uris = uris, .namespace_uris_count = 2}};
    kw_data_value value;
    for (uint16_t ns = 1; ns <= 3; ns++) { /* the second of the list is ours; the third is past its end */
        kw_node_id node = KW_TEST_PUBLIC;
        node.ns = ns;
        assert_status(read_value(client, &how, &node, &value), ns == 2 ? KW_GOOD : KW_BAD_NODE_ID_UNKNOWN);
    }
}

static uint32_t uris_version(kw_test_client *client)
{
    const kw_node_id node = KW_NODE_ID(0, 15004);
    kw_data_value value;
    assert_status(read_value(client, &PLAIN, &node, &value), KW_GOOD);
    return *(const uint32_t *)kw_variant_get(&value.value, KW_BUILTIN_UINT32);
}

static void a_uris_version_stands_for_the_arrays_of_the_server(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_string misleading = KW_STRING("urn:nobody:knows");
    kw_data_value value;
    uint16_t index = 0;
    const uint32_t version = uris_version(client);
    const invocation now = {.envelope = {.uris_version = version, .namespace_uris = &misleading, .namespace_uris_count = 1}};
    const invocation other = {.envelope = {.uris_version = version + 1}};
    assert_true(version > 0);
    assert_status(read_value(client, &now, &KW_TEST_PUBLIC, &value), KW_GOOD);
    assert_status(read_value(client, &other, &KW_TEST_PUBLIC, &value), KW_BAD_INVALID_ARGUMENT);
    assert_status(kw_space_namespace_add(kw_server_space(world->server), KW_STRING("urn:new"), &index), KW_GOOD);
    assert_true(uris_version(client) > version);
    assert_status(read_value(client, &now, &KW_TEST_PUBLIC, &value), KW_BAD_INVALID_ARGUMENT);
}

/* Attack A-30 */
static void nothing_follows_the_request(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const invocation how = {.trailing = 1};
    kw_data_value value;
    assert_status(read_value(client, &how, &KW_TEST_PUBLIC, &value), KW_BAD_DECODING_ERROR);
}

static void a_message_that_breaks_off_is_refused(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_read_value_id what = {.node_id = KW_TEST_PUBLIC, .attribute_id = 13};
    kw_read_request request = {.nodes_to_read_count = 1, .nodes_to_read = &what};
    const kw_sessionless_invoke_request_type envelope = {.service_id = KW_TYPE_READ_REQUEST->data_type_id};
    kw_writer w;
    kw_writer_init(&w, MESSAGE_MAX);
    kw_ua_encode_message(&w, KW_TYPE_SESSIONLESS_INVOKE_REQUEST_TYPE, &envelope);
    kw_ua_encode(&w, KW_TYPE_READ_REQUEST, &request);
    for (size_t len = 1; len < w.len; len++) {
        const void *response = NULL;
        assert_status(kw_test_answer_of(client, kw_test_send_bytes(client, (kw_bytes){w.data, len}), &response), KW_BAD_DECODING_ERROR);
    }
    kw_writer_clear(&w);
}

/* --- who guesses ------------------------------------------------------------------------------------------------------------------- */

static void throttle(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.throttle = KW_IDENTITY_CONFIG_DEFAULT.throttle;
    config->identity.throttle.delay_after = 1;
}

static void who_guesses_waits_and_only_some_may(void **state)
{
    kw_test_world *world = kw_test_world_with_authority(&(kw_test_world_options){.configure = throttle});
    kw_test_client *client = kw_test_client_new(world, NULL);
    const invocation wrong = {.token = bearer(KW_NODE_ID_STRING, KW_STRING("rubbish"))};
    kw_read_request request = {.nodes_to_read_count = 0};
    const void *response = NULL;
    uint32_t ids[6];
    assert_status(invoke(client, &wrong, KW_TYPE_READ_REQUEST, &request, KW_TYPE_READ_RESPONSE, &response), KW_BAD_IDENTITY_TOKEN_INVALID);
    for (size_t i = 0; i < 6; i++) {
        ids[i] = send(client, &wrong, KW_TYPE_READ_REQUEST, &request);
        assert_int_equal(kw_test_is_answered(client, ids[i]), i >= KW_SESSION_LIMITS_DEFAULT.max_delayed);
    }
    assert_status(answer(client, ids[5], KW_TYPE_READ_RESPONSE, &response), KW_BAD_TOO_MANY_OPERATIONS);
    kw_test_world_advance(world, 15000);
    assert_status(answer(client, ids[0], KW_TYPE_READ_RESPONSE, &response), KW_BAD_IDENTITY_TOKEN_INVALID);
    send(client, &wrong, KW_TYPE_READ_REQUEST, &request);
    kw_test_client_cut(client); /* nothing is left of what waits */
    kw_test_world_free(world);
    (void)state;
}

static void what_nobody_waits_for_is_not_done(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const int32_t value = 43;
    kw_write_value what = {
        .node_id = KW_TEST_SECRET, .attribute_id = 13, .value = {.has_value = true, .value = kw_variant_scalar(KW_BUILTIN_INT32, &value)}};
    kw_write_request request = {.nodes_to_write = &what, .nodes_to_write_count = 1};
    const invocation how = {.token = bearer(KW_NODE_ID_STRING, token_of_user(client))};
    kw_data_value found;
    kw_test_world_hold(world);
    send(client, &how, KW_TYPE_WRITE_REQUEST, &request);
    kw_test_client_cut(client);
    kw_test_world_run(world);
    kw_test_client *other = kw_test_client_new(world, NULL);
    assert_status(read_value(other, &how, &KW_TEST_SECRET, &found), KW_GOOD);
    assert_int_equal(*(const int32_t *)kw_variant_get(&found.value, KW_BUILTIN_INT32), 7);
    const void *response = NULL;
    assert_status(invoke(other, &how, KW_TYPE_WRITE_REQUEST, &request, KW_TYPE_WRITE_RESPONSE, &response), KW_GOOD);
    assert_status(((const kw_write_response *)response)->results[0], KW_GOOD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_authority_setup, kw_test_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(rt_05_without_a_token_the_application_asks),
                                       TEST(rt_05_an_access_token_in_the_header_says_who_asks),
                                       TEST(rt_05_an_identity_may_be_the_argument),
                                       TEST(rt_05_a_wrong_token_is_nobody),
                                       cmocka_unit_test(rt_05_where_nobody_is_anonymous_a_token_is_needed),
                                       TEST(rt_05_and_rt_20_the_channel_is_encrypted),
                                       TEST(rt_05_a_method_that_keeps_something_for_a_session_is_refused),
                                       TEST(the_roles_of_the_token_are_what_one_may),
                                       TEST(a_service_that_needs_a_session_is_not_supported),
                                       cmocka_unit_test(it_can_be_switched_off),
                                       TEST(browse_ends_where_the_answer_ends),
                                       TEST(namespaces_are_those_of_the_envelope),
                                       TEST(a_uris_version_stands_for_the_arrays_of_the_server),
                                       TEST(rt_05_a_token_that_is_bound_to_another_application_is_refused),
                                       TEST(nothing_follows_the_request),
                                       TEST(a_message_that_breaks_off_is_refused),
                                       cmocka_unit_test(who_guesses_waits_and_only_some_may),
                                       TEST(what_nobody_waits_for_is_not_done)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
