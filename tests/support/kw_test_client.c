#include "support/kw_test_client.h"

#include "session/session_internal.h"
#include "support/kw_test_user.h"
#include "support/test.h"
#include "ua/codec.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MAX ((size_t)256 << 20)
#define MESSAGE_ARENA ((size_t)32 << 20)
#define NONCE_LEN 32

struct kw_test_answer {
    kw_test_answer *next;
    uint32_t id;
    kw_bytes body;     /* in the world's arena */
    kw_status aborted; /* bad: there is no body */
    uint64_t at;
};

/* --- events of the Client's channel -------------------------------------------------------------------------------------- */

static void on_send(void *ctx, kw_bytes chunk)
{
    kw_test_client *client = ctx;
    kw_write_raw(&client->to_server, chunk);
    assert_status(kw_writer_status(&client->to_server), KW_GOOD);
}

static void keep(kw_test_client *client, uint32_t id, kw_bytes body, kw_status aborted)
{
    kw_test_answer *answer = KW_ARENA_NEW(client->world->arena, kw_test_answer);
    assert_non_null(answer);
    *answer = (kw_test_answer){client->answers, id, kw_arena_copy(client->world->arena, body), aborted, ++client->world->answer_count};
    client->answers = answer;
}

static void on_message(void *ctx, uint32_t request_id, kw_bytes body, kw_arena *arena)
{
    keep(ctx, request_id, body, KW_GOOD);
    kw_arena_free(arena);
}

static void on_aborted(void *ctx, uint32_t request_id, kw_status error)
{
    keep(ctx, request_id, KW_BYTES_NULL, error);
}

static void on_closed(void *ctx, kw_status reason)
{
    kw_test_client *client = ctx;
    client->is_closed = true;
    client->close_reason = reason;
}

static const kw_channel_events EVENTS = {.send = on_send, .message = on_message, .aborted = on_aborted, .closed = on_closed};

static kw_arena *take_arena(void *ctx)
{
    (void)ctx;
    return kw_arena_new(MESSAGE_ARENA);
}

/* --- the Server's end of the line ------------------------------------------------------------------------------------------ */

static void transport_send(void *ctx, kw_bytes bytes)
{
    kw_test_client *client = ctx;
    kw_write_raw(&client->to_client, bytes);
    assert_status(kw_writer_status(&client->to_client), KW_GOOD);
}

static void transport_close(void *ctx)
{
    ((kw_test_client *)ctx)->server_closes = true;
}

static void transport_pause(void *ctx, bool paused)
{
    ((kw_test_client *)ctx)->is_paused = paused;
}

static void lose(kw_test_client *client)
{
    kw_connection *connection = client->connection;
    client->connection = NULL;
    if (connection != NULL) {
        kw_connection_lost(connection);
    }
}

/* What has been sent so far, out of the buffer: an input may make more of it. */
static kw_bytes take(kw_writer *w, kw_arena *arena)
{
    const kw_bytes bytes = kw_arena_copy(arena, kw_writer_bytes(w));
    kw_writer_reset(w);
    return bytes;
}

static bool deliver_to_server(kw_test_client *client)
{
    if (client->connection == NULL || client->is_paused || client->is_slow || client->to_server.len == 0) {
        return false;
    }
    kw_connection_input(client->connection, take(&client->to_server, client->world->arena));
    return true;
}

static bool deliver_to_client(kw_test_client *client)
{
    if (client->is_closed || client->to_client.len == 0) {
        return false;
    }
    kw_channel_input(client->channel, take(&client->to_client, client->world->arena));
    return true;
}

/* Either side has ended the connection and everything before that has arrived. */
static bool hang_up(kw_test_client *client)
{
    const bool ends = client->server_closes ? client->to_client.len == 0 || client->is_closed
                                            : client->is_closed && (client->to_server.len == 0 || client->is_paused);
    if (!ends || client->connection == NULL) {
        return false;
    }
    lose(client);
    if (!client->is_closed) {
        client->is_closed = true;
        client->close_reason = KW_BAD_CONNECTION_CLOSED;
    }
    return true;
}

void kw_test_world_pump(kw_test_world *world)
{
    bool moved = true;
    while (moved) {
        moved = false;
        for (kw_test_client *c = world->clients; c != NULL; c = c->next) {
            moved = deliver_to_server(c) || moved;
            moved = deliver_to_client(c) || moved;
            moved = hang_up(c) || moved;
        }
    }
}

/* --- life ---------------------------------------------------------------------------------------------------------------- */

static kw_test_client *new_client(kw_test_world *world, const kw_test_client_options *options)
{
    kw_test_client *client = KW_ARENA_NEW(world->arena, kw_test_client);
    assert_non_null(client);
    client->world = world;
    client->policy = options->policy != NULL ? options->policy : kw_security_policy_by_name(KW_STRING("Basic256Sha256"));
    client->mode = options->mode;
    if (client->mode == KW_MESSAGE_SECURITY_MODE_INVALID) {
        client->mode = client->policy->is_none ? KW_MESSAGE_SECURITY_MODE_NONE : KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT;
    }
    client->identity = options->identity != NULL ? options->identity : kw_test_identity("client", 2048);
    kw_writer_init(&client->to_server, BYTES_MAX);
    kw_writer_init(&client->to_client, BYTES_MAX);
    return client;
}

static kw_channel *new_channel(kw_test_client *client, uint32_t lifetime_ms)
{
    const kw_test_world *world = client->world;
    const kw_channel_env env = {.clock = &world->clock->clock,
                                .random = &world->random.random,
                                .executor = &KW_EXECUTOR_INLINE,
                                .log = &KW_LOG_QUIET,
                                .timers = world->timers,
                                .limits = &KW_CHANNEL_LIMITS_DEFAULT,
                                .identity = client->identity,
                                .trust = world->trust.list,
                                .take_arena = take_arena,
                                .events = &EVENTS,
                                .ctx = client};
    const kw_channel_client how = {.endpoint_url = kw_server_url(world->server),
                                   .policy = client->policy,
                                   .mode = client->mode,
                                   .server_certificate = client->policy->is_none ? NULL : world->env.identity->certificate,
                                   .lifetime_ms = lifetime_ms != 0 ? lifetime_ms : KW_CHANNEL_LIMITS_DEFAULT.max_lifetime_ms};
    return kw_channel_new_client(&env, &how);
}

kw_test_client *kw_test_client_try(kw_test_world *world, const kw_test_client_options *options)
{
    const kw_test_client_options none = {.policy = NULL};
    options = options != NULL ? options : &none;
    kw_test_client *client = new_client(world, options);
    const kw_transport transport = {transport_send, transport_close, transport_pause, client};
    if (!options->is_untrusted) {
        kw_test_trust_add(&world->trust, client->identity);
    }
    client->connection =
        kw_server_connect(world->server, &transport, kw_string_from(options->address != NULL ? options->address : "192.0.2.1"));
    if (client->connection == NULL) {
        return NULL;
    }
    client->next = world->clients;
    world->clients = client;
    client->channel = new_channel(client, options->lifetime_ms);
    assert_non_null(client->channel);
    do {
        kw_test_world_pump(world);
    } while (!client->is_closed && !kw_channel_is_open(client->channel) && kw_test_world_step(world));
    return client;
}

kw_test_client *kw_test_client_new(kw_test_world *world, const kw_test_client_options *options)
{
    kw_test_client *client = kw_test_client_try(world, options);
    assert_non_null(client);
    if (client->is_closed) {
        fail_msg("the channel was closed: %s", kw_status_name(client->close_reason));
    }
    assert_true(kw_channel_is_open(client->channel));
    return client;
}

void kw_test_client_close(kw_test_client *client)
{
    kw_channel_close(client->channel, KW_GOOD);
    kw_test_world_pump(client->world);
}

void kw_test_client_cut(kw_test_client *client)
{
    kw_writer_reset(&client->to_server);
    kw_writer_reset(&client->to_client);
    lose(client);
    if (!client->is_closed) {
        client->is_closed = true;
        client->close_reason = KW_BAD_CONNECTION_CLOSED;
    }
}

void kw_test_client_dribble(kw_test_client *client, size_t bytes)
{
    const kw_bytes all = take(&client->to_server, client->world->arena);
    const size_t first = bytes < all.len ? bytes : all.len;
    kw_write_raw(&client->to_server, (kw_bytes){all.data + first, all.len - first});
    if (client->connection != NULL && !client->is_paused && first > 0) {
        kw_connection_input(client->connection, (kw_bytes){all.data, first});
    }
    kw_test_world_pump(client->world);
}

void kw_test_clients_free(kw_test_world *world)
{
    for (kw_test_client *c = world->clients; c != NULL; c = c->next) {
        lose(c);
        kw_channel_free(c->channel);
        kw_writer_clear(&c->to_server);
        kw_writer_clear(&c->to_client);
    }
    world->clients = NULL;
}

/* --- requests ------------------------------------------------------------------------------------------------------------ */

uint32_t kw_test_send_bytes(kw_test_client *client, kw_bytes message)
{
    const uint32_t id = ++client->last_id;
    if (!client->is_closed) {
        assert_status(kw_channel_send(client->channel, id, message), KW_GOOD);
    }
    kw_test_world_pump(client->world);
    return id;
}

uint32_t kw_test_send(kw_test_client *client, const kw_test_session *session, const kw_type *type, void *request)
{
    kw_request_header *header = request;
    kw_writer w;
    header->request_handle = header->request_handle != 0 ? header->request_handle : client->last_id + 1;
    header->timestamp = client->world->clock->utc;
    if (session != NULL) {
        header->authentication_token = session->token;
    }
    kw_writer_init(&w, BYTES_MAX);
    assert_status(kw_ua_encode_message(&w, type, request), KW_GOOD);
    const uint32_t id = kw_test_send_bytes(client, kw_writer_bytes(&w));
    kw_writer_clear(&w);
    return id;
}

static kw_test_answer *find_answer(const kw_test_client *client, uint32_t id)
{
    kw_test_answer *a = client->answers;
    while (a != NULL && a->id != id) {
        a = a->next;
    }
    return a;
}

kw_bytes kw_test_answer_bytes(const kw_test_client *client, uint32_t id)
{
    const kw_test_answer *answer = find_answer(client, id);
    return answer != NULL ? answer->body : KW_BYTES_NULL;
}

uint64_t kw_test_answered_at(const kw_test_client *client, uint32_t id)
{
    const kw_test_answer *answer = find_answer(client, id);
    return answer != NULL ? answer->at : 0;
}

bool kw_test_is_answered(const kw_test_client *client, uint32_t id)
{
    return find_answer(client, id) != NULL;
}

kw_status kw_test_answer_of(kw_test_client *client, uint32_t id, const void **response)
{
    const kw_test_answer *answer = find_answer(client, id);
    uint32_t type_id = 0;
    if (answer == NULL) {
        assert_true(client->is_closed);
        return KW_BAD_SECURE_CHANNEL_CLOSED;
    }
    if (kw_status_is_bad(answer->aborted)) {
        return answer->aborted;
    }
    kw_reader r = kw_reader_of(answer->body);
    assert_status(kw_ua_decode_message_id(&r, client->world->arena, &type_id), KW_GOOD);
    const kw_type *type = kw_type_by_binary_id(type_id);
    assert_non_null(type);
    void *value = kw_arena_alloc(client->world->arena, type->size);
    assert_non_null(value);
    assert_status(kw_ua_decode(&r, client->world->arena, NULL, type, value), KW_GOOD);
    assert_int_equal(kw_reader_left(&r), 0);
    if (response != NULL) {
        *response = value;
    }
    return ((const kw_response_header *)value)->service_result;
}

kw_status kw_test_call(kw_test_client *client, const kw_test_session *session, const kw_type *type, void *request, const void **response)
{
    const uint32_t id = kw_test_send(client, session, type, request);
    while (!kw_test_is_answered(client, id) && kw_test_world_step(client->world)) {
    }
    return kw_test_answer_of(client, id, response);
}

/* --- signatures ------------------------------------------------------------------------------------------------------------ */

kw_signature_data kw_test_sign(kw_test_client *client, const kw_private_key *key, const kw_bytes *parts, size_t count)
{
    kw_signature_data signature = {.algorithm = kw_string_from(client->policy->asym_signature_uri)};
    if (!client->policy->is_none) {
        assert_status(kw_asym_sign(client->policy, key, parts, count, client->world->arena, &signature.signature), KW_GOOD);
    }
    return signature;
}

kw_bytes kw_test_leaf(kw_test_world *world, kw_bytes chain)
{
    kw_certificate *certificate = NULL;
    assert_status(kw_certificate_parse(chain, &certificate), KW_GOOD);
    const kw_bytes leaf = kw_arena_copy(world->arena, kw_certificate_der(certificate));
    kw_certificate_release(certificate);
    return leaf;
}

/* --- Sessions -------------------------------------------------------------------------------------------------------------- */

static kw_bytes new_nonce(kw_test_world *world)
{
    uint8_t nonce[NONCE_LEN];
    assert_status(kw_random_fill(&world->random.random, nonce, sizeof(nonce)), KW_GOOD);
    return kw_arena_copy(world->arena, (kw_bytes){nonce, sizeof(nonce)});
}

kw_create_session_request *kw_test_creation(kw_test_client *client)
{
    kw_create_session_request *request = KW_ARENA_NEW(client->world->arena, kw_create_session_request);
    assert_non_null(request);
    request->client_description =
        (kw_application_description){.application_uri = kw_certificate_application_uri(client->identity->certificate),
                                     .application_name = {KW_STRING("en"), KW_STRING("Test")},
                                     .application_type = KW_APPLICATION_TYPE_CLIENT};
    request->endpoint_url = kw_server_url(client->world->server);
    request->session_name = KW_STRING("Test");
    request->client_nonce = new_nonce(client->world);
    request->client_certificate = client->policy->is_none ? KW_BYTES_NULL : kw_certificate_chain(client->identity->certificate);
    request->requested_session_timeout = 60000;
    return request;
}

kw_status kw_test_create_session_with(kw_test_client *client, kw_create_session_request *request, kw_test_session *session)
{
    const void *response = NULL;
    const kw_status status = kw_test_call(client, NULL, KW_TYPE_CREATE_SESSION_REQUEST, request, &response);
    if (!kw_status_is_bad(status)) {
        const kw_create_session_response *created = response;
        *session = (kw_test_session){created->session_id, created->authentication_token, created->server_nonce, created->server_certificate,
                                     created};
    }
    return status;
}

kw_status kw_test_create_session(kw_test_client *client, kw_test_session *session)
{
    return kw_test_create_session_with(client, kw_test_creation(client), session);
}

kw_test_session kw_test_created(kw_test_client *client)
{
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    return session;
}

kw_activate_session_request *kw_test_activation(kw_test_client *client, const kw_test_session *session, kw_test_user user)
{
    kw_activate_session_request *request = KW_ARENA_NEW(client->world->arena, kw_activate_session_request);
    assert_non_null(request);
    request->user_identity_token = user.token;
    request->user_token_signature = user.signature;
    if (!client->policy->is_none) {
        const kw_bytes parts[] = {kw_test_leaf(client->world, session->server_certificate), session->nonce};
        request->client_signature = kw_test_sign(client, client->identity->key, parts, 2);
    }
    return request;
}

kw_status kw_test_activate_with(kw_test_client *client, kw_test_session *session, kw_activate_session_request *request)
{
    const void *response = NULL;
    const kw_status status = kw_test_call(client, session, KW_TYPE_ACTIVATE_SESSION_REQUEST, request, &response);
    if (!kw_status_is_bad(status)) {
        session->nonce = ((const kw_activate_session_response *)response)->server_nonce;
    }
    return status;
}

kw_status kw_test_activate(kw_test_client *client, kw_test_session *session, kw_test_user user)
{
    return kw_test_activate_with(client, session, kw_test_activation(client, session, user));
}

kw_test_session kw_test_open(kw_test_client *client)
{
    kw_test_session session = kw_test_created(client);
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
    return session;
}

kw_test_session kw_test_open_as(kw_test_client *client, const char *name, const char *password)
{
    kw_test_session session = kw_test_created(client);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, name, password)), KW_GOOD);
    return session;
}

kw_status kw_test_close_session(kw_test_client *client, const kw_test_session *session, bool delete_subscriptions)
{
    kw_close_session_request request = {.delete_subscriptions = delete_subscriptions};
    return kw_test_call(client, session, KW_TYPE_CLOSE_SESSION_REQUEST, &request, NULL);
}

kw_status kw_test_read(kw_test_client *client, const kw_test_session *session, const kw_node_id *node, kw_data_value *out)
{
    kw_read_value_id what = {.node_id = *node, .attribute_id = 13};
    kw_read_request request = {.timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_NEITHER, .nodes_to_read_count = 1, .nodes_to_read = &what};
    const void *response = NULL;
    const kw_status status = kw_test_call(client, session, KW_TYPE_READ_REQUEST, &request, &response);
    if (kw_status_is_bad(status)) {
        return status;
    }
    const kw_read_response *read = response;
    assert_int_equal(read->results_count, 1);
    if (out != NULL) {
        *out = read->results[0];
    }
    return read->results[0].has_status ? read->results[0].status : KW_GOOD;
}

kw_status kw_test_call_method(kw_test_client *client, const kw_test_session *session, const kw_node_id *object, const kw_node_id *method,
                              const kw_variant *inputs, size_t input_count, kw_call_method_result *out)
{
    kw_call_method_request one = {
        .object_id = *object, .method_id = *method, .input_arguments = (kw_variant *)inputs, .input_arguments_count = input_count};
    kw_call_request request = {.methods_to_call_count = 1, .methods_to_call = &one};
    const void *response = NULL;
    const kw_status status = kw_test_call(client, session, KW_TYPE_CALL_REQUEST, &request, &response);
    if (kw_status_is_bad(status)) {
        return status;
    }
    const kw_call_response *called = response;
    assert_int_equal(called->results_count, 1);
    if (out != NULL) {
        *out = called->results[0];
    }
    return called->results[0].status_code;
}

kw_session *kw_test_session_of(kw_test_world *world, const kw_test_session *session)
{
    return kw_session_find(kw_server_sessions(world->server), &session->token);
}
