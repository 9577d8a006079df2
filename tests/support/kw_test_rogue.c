#include "support/kw_test_rogue.h"

#include "support/test.h"

#include <string.h>

#define MESSAGE_MAX ((size_t)16 << 20)
#define NONCE_LEN 32
#define SESSION_TIMEOUT 600000

/* One connection. */
typedef struct line {
    kw_test_rogue *rogue;
    kw_transport transport;
    kw_channel *channel;
} line;

static kw_arena *arena_of(const kw_test_rogue *rogue)
{
    return rogue->network->world->arena;
}

static kw_bytes new_nonce(kw_test_rogue *rogue)
{
    uint8_t nonce[NONCE_LEN];
    assert_status(kw_random_fill(&rogue->network->world->random.random, nonce, sizeof(nonce)), KW_GOOD);
    rogue->nonce = kw_arena_copy(arena_of(rogue), (kw_bytes){nonce, sizeof(nonce)});
    return rogue->nonce;
}

/* --- answers ------------------------------------------------------------------------------------------------------------------ */

static const kw_type *get_endpoints(kw_test_rogue *rogue, void **out)
{
    kw_get_endpoints_response *response = KW_ARENA_NEW(arena_of(rogue), kw_get_endpoints_response);
    response->endpoints = rogue->endpoints;
    response->endpoints_count = rogue->endpoint_count;
    *out = response;
    return KW_TYPE_GET_ENDPOINTS_RESPONSE;
}

static kw_signature_data prove(const line *at, const kw_create_session_request *request)
{
    const kw_security_policy *policy = kw_channel_policy(at->channel);
    kw_signature_data signature = {.algorithm = KW_BYTES_NULL};
    if (!policy->is_none) {
        const kw_bytes parts[] = {kw_certificate_der(kw_channel_peer_certificate(at->channel)), request->client_nonce};
        signature.algorithm = kw_string_from(policy->asym_signature_uri);
        assert_status(kw_asym_sign(policy, at->rogue->identity->key, parts, 2, arena_of(at->rogue), &signature.signature), KW_GOOD);
    }
    return signature;
}

static const kw_type *create_session(const line *at, const kw_create_session_request *request, void **out)
{
    kw_test_rogue *rogue = at->rogue;
    kw_create_session_response *response = KW_ARENA_NEW(arena_of(rogue), kw_create_session_response);
    rogue->sessions++;
    *response = (kw_create_session_response){.session_id = KW_NODE_ID(1, rogue->sessions),
                                             .authentication_token = KW_NODE_ID(1, 1000 + rogue->sessions),
                                             .revised_session_timeout = SESSION_TIMEOUT,
                                             .server_nonce = new_nonce(rogue),
                                             .server_certificate = kw_certificate_chain(rogue->identity->certificate),
                                             .server_endpoints = rogue->endpoints,
                                             .server_endpoints_count = rogue->endpoint_count,
                                             .server_signature = prove(at, request)};
    *out = response;
    return KW_TYPE_CREATE_SESSION_RESPONSE;
}

static const kw_type *activate_session(kw_test_rogue *rogue, void **out)
{
    kw_activate_session_response *response = KW_ARENA_NEW(arena_of(rogue), kw_activate_session_response);
    response->server_nonce = new_nonce(rogue);
    *out = response;
    return KW_TYPE_ACTIVATE_SESSION_RESPONSE;
}

static const kw_type *read_values(kw_test_rogue *rogue, const kw_read_request *request, void **out)
{
    static const int32_t VALUE = 42;
    kw_read_response *response = KW_ARENA_NEW(arena_of(rogue), kw_read_response);
    response->results = KW_ARENA_ARRAY(arena_of(rogue), kw_data_value, request->nodes_to_read_count);
    response->results_count = request->nodes_to_read_count;
    for (size_t i = 0; i < response->results_count; i++) {
        response->results[i] = (kw_data_value){.has_value = true, .value = kw_variant_scalar(KW_BUILTIN_INT32, &VALUE)};
    }
    *out = response;
    return KW_TYPE_READ_RESPONSE;
}

static const kw_type *fault(kw_test_rogue *rogue, kw_status status, void **out)
{
    kw_service_fault *response = KW_ARENA_NEW(arena_of(rogue), kw_service_fault);
    response->response_header.service_result = status;
    *out = response;
    return KW_TYPE_SERVICE_FAULT;
}

static const kw_type *answer(const line *at, const kw_test_request *request, void **out)
{
    kw_test_rogue *rogue = at->rogue;
    if (request->type == KW_TYPE_GET_ENDPOINTS_REQUEST) {
        return get_endpoints(rogue, out);
    }
    if (request->type == KW_TYPE_CREATE_SESSION_REQUEST) {
        return create_session(at, request->value, out);
    }
    if (request->type == KW_TYPE_ACTIVATE_SESSION_REQUEST) {
        return activate_session(rogue, out);
    }
    if (request->type == KW_TYPE_READ_REQUEST) {
        return read_values(rogue, request->value, out);
    }
    if (request->type == KW_TYPE_CLOSE_SESSION_REQUEST) {
        *out = KW_ARENA_NEW(arena_of(rogue), kw_close_session_response);
        return KW_TYPE_CLOSE_SESSION_RESPONSE;
    }
    return fault(rogue, KW_BAD_SERVICE_UNSUPPORTED, out);
}

/* --- requests ----------------------------------------------------------------------------------------------------------------- */

static const kw_test_request *write_down(const line *at, kw_bytes body)
{
    kw_test_rogue *rogue = at->rogue;
    uint32_t id = 0;
    kw_reader r = kw_reader_of(kw_arena_copy(arena_of(rogue), body));
    assert_status(kw_ua_decode_message_id(&r, arena_of(rogue), &id), KW_GOOD);
    const kw_type *type = kw_type_by_binary_id(id);
    assert_non_null(type);
    void *value = kw_arena_alloc(arena_of(rogue), type->size);
    assert_status(kw_ua_decode(&r, arena_of(rogue), NULL, type, value), KW_GOOD);
    assert_true(rogue->request_count < KW_TEST_ROGUE_REQUESTS);
    kw_test_request *request = &rogue->requests[rogue->request_count++];
    const kw_certificate *sender = kw_channel_peer_certificate(at->channel);
    *request = (kw_test_request){.type = type,
                                 .value = value,
                                 .nonce = rogue->nonce,
                                 .sender = sender == NULL ? KW_BYTES_NULL : kw_arena_copy(arena_of(rogue), kw_certificate_der(sender))};
    return request;
}

static void on_message(void *ctx, uint32_t request_id, kw_bytes body, kw_arena *arena)
{
    const line *at = ctx;
    kw_test_rogue *rogue = at->rogue;
    void *response = NULL;
    kw_writer w;
    const kw_test_request *request = write_down(at, body);
    kw_arena_free(arena);
    const kw_type *type = answer(at, request, &response);
    ((kw_response_header *)response)->request_handle = ((const kw_request_header *)request->value)->request_handle;
    const kw_status edited = rogue->edit != NULL ? rogue->edit(rogue, type, response) : KW_GOOD;
    if (kw_status_is_bad(edited)) {
        type = fault(rogue, edited, &response);
        ((kw_response_header *)response)->request_handle = ((const kw_request_header *)request->value)->request_handle;
    }
    kw_writer_init(&w, MESSAGE_MAX);
    assert_status(kw_ua_encode_message(&w, type, response), KW_GOOD);
    assert_status(kw_channel_send(at->channel, request_id, kw_writer_bytes(&w)), KW_GOOD);
    kw_writer_clear(&w);
}

/* --- the line ------------------------------------------------------------------------------------------------------------------ */

static void on_send(void *ctx, kw_bytes chunk)
{
    const line *at = ctx;
    at->transport.send(at->transport.ctx, chunk);
}

static void on_closed(void *ctx, kw_status reason)
{
    (void)reason;
    const line *at = ctx;
    at->transport.close(at->transport.ctx);
}

static kw_arena *take_arena(void *ctx)
{
    (void)ctx;
    return kw_arena_new(MESSAGE_MAX);
}

static bool accepts(void *ctx, const kw_security_policy *policy, kw_message_security_mode mode)
{
    (void)ctx;
    return policy->is_none == (mode == KW_MESSAGE_SECURITY_MODE_NONE);
}

static void *open_line(void *ctx, const kw_transport *transport)
{
    static const kw_channel_events EVENTS = {.send = on_send, .message = on_message, .closed = on_closed};
    kw_test_rogue *rogue = ctx;
    const kw_test_world *world = rogue->network->world;
    line *at = KW_ARENA_NEW(world->arena, line);
    *at = (line){.rogue = rogue, .transport = *transport};
    const kw_channel_env env = {.clock = &world->clock->clock,
                                .random = &world->random.random,
                                .executor = &KW_EXECUTOR_INLINE,
                                .log = &KW_LOG_QUIET,
                                .timers = world->timers,
                                .limits = &KW_CHANNEL_LIMITS_DEFAULT,
                                .identity = rogue->identity,
                                .trust = world->trust.list,
                                .take_arena = take_arena,
                                .events = &EVENTS,
                                .ctx = at};
    at->channel = kw_channel_new_server(&env, &(kw_channel_server){.accepts = accepts});
    assert_non_null(at->channel);
    return at;
}

static void line_input(void *of, kw_bytes bytes)
{
    kw_channel_input(((line *)of)->channel, bytes);
}

static void line_lost(void *of)
{
    kw_channel_free(((line *)of)->channel);
}

/* --- what it offers -------------------------------------------------------------------------------------------------------------- */

static kw_string basic256sha256(void)
{
    return kw_string_from(kw_security_policy_by_name(KW_STRING("Basic256Sha256"))->uri);
}

static void offer_users(kw_test_rogue *rogue)
{
    const kw_user_token_policy all[KW_TEST_ROGUE_POLICIES] = {
        {.policy_id = KW_STRING("nobody"), .token_type = KW_USER_TOKEN_TYPE_ANONYMOUS},
        {.policy_id = KW_STRING("name"), .token_type = KW_USER_TOKEN_TYPE_USER_NAME, .security_policy_uri = basic256sha256()},
        {.policy_id = KW_STRING("certificate"), .token_type = KW_USER_TOKEN_TYPE_CERTIFICATE, .security_policy_uri = basic256sha256()},
        {.policy_id = KW_STRING("token"),
         .token_type = KW_USER_TOKEN_TYPE_ISSUED_TOKEN,
         .issued_token_type = KW_STRING("http://opcfoundation.org/UA/UserToken#JWT"),
         .security_policy_uri = basic256sha256()}};
    memcpy(rogue->policies, all, sizeof(all));
}

static void offer_endpoint(kw_test_rogue *rogue, kw_message_security_mode mode)
{
    rogue->endpoints[rogue->endpoint_count++] = (kw_endpoint_description){
        .endpoint_url = KW_STRING(KW_TEST_NETWORK_URL),
        .server = {.application_type = KW_APPLICATION_TYPE_SERVER},
        .security_mode = mode,
        .security_policy_uri = mode == KW_MESSAGE_SECURITY_MODE_NONE ? kw_string_from(KW_POLICY_NONE.uri) : basic256sha256(),
        .user_identity_tokens = rogue->policies,
        .user_identity_tokens_count = KW_TEST_ROGUE_POLICIES,
        .transport_profile_uri = KW_STRING(KW_TRANSPORT_UATCP),
        .security_level = (uint8_t)mode};
}

void kw_test_rogue_be(kw_test_rogue *rogue, const kw_application_identity *who, const char *uri)
{
    rogue->identity = who;
    for (size_t i = 0; i < rogue->endpoint_count; i++) {
        rogue->endpoints[i].server_certificate = kw_certificate_chain(who->certificate);
        rogue->endpoints[i].server.application_uri = uri != NULL ? kw_string_from(uri) : kw_certificate_application_uri(who->certificate);
    }
}

kw_test_rogue *kw_test_rogue_new(kw_test_network *network)
{
    kw_test_rogue *rogue = KW_ARENA_NEW(network->world->arena, kw_test_rogue);
    assert_non_null(rogue);
    rogue->network = network;
    rogue->end = (kw_test_far_end){open_line, line_input, line_lost, rogue};
    offer_users(rogue);
    offer_endpoint(rogue, KW_MESSAGE_SECURITY_MODE_NONE);
    offer_endpoint(rogue, KW_MESSAGE_SECURITY_MODE_SIGN);
    offer_endpoint(rogue, KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT);
    kw_test_rogue_be(rogue, network->world->env.identity, NULL);
    network->far_end = &rogue->end;
    return rogue;
}

const kw_test_request *kw_test_rogue_last(const kw_test_rogue *rogue, const kw_type *type)
{
    for (size_t i = rogue->request_count; i > 0; i--) {
        if (rogue->requests[i - 1].type == type) {
            return &rogue->requests[i - 1];
        }
    }
    return NULL;
}

size_t kw_test_rogue_count(const kw_test_rogue *rogue, const kw_type *type)
{
    size_t count = 0;
    for (size_t i = 0; i < rogue->request_count; i++) {
        count += rogue->requests[i].type == type;
    }
    return count;
}
