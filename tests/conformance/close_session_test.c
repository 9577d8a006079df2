/* CloseSession. OPC 10000-4, 5.7.4. */
#include "support/kw_test_user.h"
#include "support/test.h"

static void cl_01_nothing_is_served_afterwards(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    assert_null(kw_test_session_of(*state, &session));
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_ID_INVALID);
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_BAD_SESSION_ID_INVALID);
    assert_status(kw_test_close_session(client, &session, true), KW_BAD_SESSION_ID_INVALID);
    kw_test_open(client); /* the channel is as good as before */
}

/* A Method that waits until it is told: what is outstanding is then seen. */
static void keep_call(void *ctx, kw_call *call)
{
    *(kw_call **)ctx = call;
}

static const kw_node_id OBJECT = {.ns = 0, .kind = KW_NODE_ID_NUMERIC, .id.numeric = 85};
static const kw_node_id METHOD = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = {(const uint8_t *)"Wait", 4}};

static void add_waiting_method(kw_test_world *world, kw_call **waiting)
{
    const kw_node_spec spec = {.id = METHOD, .parent = OBJECT, .browse_name = {1, KW_STRING("Wait")}, .call = keep_call, .ctx = waiting};
    assert_status(kw_space_add_method(kw_server_space(world->server), &spec), KW_GOOD);
}

static uint32_t start_waiting(kw_test_client *client, const kw_test_session *session)
{
    kw_call_method_request method = {.object_id = OBJECT, .method_id = METHOD};
    kw_call_request request = {.methods_to_call = &method, .methods_to_call_count = 1};
    const uint32_t id = kw_test_send(client, session, KW_TYPE_CALL_REQUEST, &request);
    assert_false(kw_test_is_answered(client, id));
    return id;
}

static void cl_02_what_is_outstanding_is_answered(void **state)
{
    kw_test_world *world = *state;
    kw_call *waiting = NULL;
    add_waiting_method(world, &waiting);
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_session other = kw_test_open(client);
    const uint32_t id = start_waiting(client, &session);
    kw_call *of_session = waiting;
    const uint32_t id_of_other = start_waiting(client, &other);
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    assert_status(kw_test_answer_of(client, id, NULL), KW_BAD_SESSION_CLOSED);
    assert_false(kw_test_is_answered(client, id_of_other));
    of_session->finish(of_session, KW_GOOD); /* too late: nobody hears of it */
    waiting->finish(waiting, KW_GOOD);
    kw_test_world_pump(world);
    assert_status(kw_test_answer_of(client, id, NULL), KW_BAD_SESSION_CLOSED);
    assert_status(kw_test_answer_of(client, id_of_other, NULL), KW_GOOD);
    assert_status(kw_test_read(client, &other, &KW_TEST_PUBLIC, NULL), KW_GOOD);
}

static void cl_02_an_activation_that_is_under_way_is_answered_too(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open(client);
    kw_activate_session_request *request = kw_test_activation(client, &session, kw_test_nobody());
    kw_test_world_hold(world);
    const uint32_t id = kw_test_send(client, &session, KW_TYPE_ACTIVATE_SESSION_REQUEST, request);
    kw_close_session_request close = {.delete_subscriptions = true};
    const uint32_t closing = kw_test_send(client, &session, KW_TYPE_CLOSE_SESSION_REQUEST, &close);
    kw_test_world_run(world);
    assert_status(kw_test_answer_of(client, closing, NULL), KW_GOOD);
    assert_status(kw_test_answer_of(client, id, NULL), KW_BAD_SESSION_CLOSED);
    assert_null(kw_test_session_of(world, &session));
}

static void cl_02_holds_when_time_closes_the_session(void **state)
{
    kw_test_world *world = *state;
    kw_call *waiting = NULL;
    add_waiting_method(world, &waiting);
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const uint32_t id = start_waiting(client, &session);
    kw_test_world_advance(world, 61000);
    assert_status(kw_test_answer_of(client, id, NULL), KW_BAD_SESSION_CLOSED);
    waiting->finish(waiting, KW_GOOD);
}

static void cl_04_before_activation_only_its_channel_may_close_it(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_client *other = kw_test_client_new(*state, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    assert_status(kw_test_close_session(other, &session, true), KW_BAD_SECURE_CHANNEL_ID_INVALID);
    assert_non_null(kw_test_session_of(*state, &session));
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
}

static void cl_06_an_unknown_token_is_refused(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_node_id tokens[] = {KW_NODE_ID_NULL,
                                 KW_NODE_ID(0, 1),
                                 session.id,
                                 {.kind = KW_NODE_ID_OPAQUE, .id.string = KW_STRING("0123456789abcdef0123456789abcdef")},
                                 {.kind = KW_NODE_ID_OPAQUE, .id.string = {session.token.id.string.data, session.token.id.string.len - 1}},
                                 {.ns = 1, .kind = KW_NODE_ID_OPAQUE, .id.string = session.token.id.string}};
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        const kw_test_session unknown = {.token = tokens[i]};
        assert_status(kw_test_close_session(client, &unknown, true), KW_BAD_SESSION_ID_INVALID);
    }
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KW_TEST_IN_WORLD(cl_01_nothing_is_served_afterwards),
        KW_TEST_IN_WORLD(cl_02_what_is_outstanding_is_answered),
        KW_TEST_IN_WORLD(cl_02_an_activation_that_is_under_way_is_answered_too),
        KW_TEST_IN_WORLD(cl_02_holds_when_time_closes_the_session),
        KW_TEST_IN_WORLD(cl_04_before_activation_only_its_channel_may_close_it),
        KW_TEST_IN_WORLD(cl_06_an_unknown_token_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
