/* Requests of a Client that nobody waits for. */
#include "support/kw_test_network.h"
#include "support/test.h"

#define VALUE 13u

typedef struct answers {
    size_t count, good, closed, timeouts, again;
    bool tries_again;
    kw_status refused;
    kw_client *client;
} answers;

static kw_status begin_read(answers *a);

static void on_read(void *ctx, kw_status status, const void *response)
{
    answers *a = ctx;
    const kw_read_response *read = response;
    a->count++;
    a->closed += status == KW_BAD_CONNECTION_CLOSED;
    a->timeouts += status == KW_BAD_TIMEOUT;
    if (!kw_status_is_bad(status)) {
        assert_int_equal(read->results_count, 1);
        assert_true(read->results[0].has_value);
        a->good++;
    } else {
        assert_null(response);
    }
    if (a->tries_again) {
        a->refused = begin_read(a);
    }
    if (a->again > 0) {
        a->again--;
        assert_status(begin_read(a), KW_GOOD);
    }
}

static kw_status begin_read(answers *a)
{
    kw_read_value_id node = {.node_id = KW_TEST_PUBLIC, .attribute_id = VALUE};
    kw_read_request request = {.nodes_to_read = &node, .nodes_to_read_count = 1, .timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_NEITHER};
    return kw_client_begin(a->client, KW_TYPE_READ_REQUEST, &request, KW_TYPE_READ_RESPONSE, on_read, a);
}

static kw_client *connected(kw_test_network *n)
{
    kw_client *client = kw_test_network_connect(n, NULL);
    assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_GOOD);
    return client;
}

static int set_up(void **state)
{
    *state = kw_test_network_new(NULL);
    return 0;
}

static int tear_down(void **state)
{
    kw_test_network_free(*state);
    return 0;
}

static void requests_overlap_and_their_answers_come_while_time_passes(void **state)
{
    answers a = {.client = connected(*state)};
    for (size_t i = 0; i < 20; i++) {
        assert_status(begin_read(&a), KW_GOOD);
    }
    assert_int_equal(kw_client_pending(a.client), 20);
    assert_int_equal(a.count, 0);
    assert_status(kw_client_idle(a.client, 1000), KW_GOOD);
    assert_int_equal(a.good, 20);
    assert_int_equal(kw_client_pending(a.client), 0);
}

static void an_answer_may_begin_the_next_request(void **state)
{
    answers a = {.client = connected(*state), .again = 5};
    assert_status(begin_read(&a), KW_GOOD);
    assert_status(kw_client_idle(a.client, 1000), KW_GOOD);
    assert_int_equal(a.good, 6);
}

static void a_call_that_waits_does_not_lose_them(void **state)
{
    answers a = {.client = connected(*state)};
    assert_status(begin_read(&a), KW_GOOD);
    assert_status(kw_test_network_read(*state, a.client, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    assert_int_equal(a.count, 0); /* functions are called from kw_client_idle alone */
    assert_status(kw_client_idle(a.client, 0), KW_GOOD);
    assert_int_equal(a.good, 1);
}

static void a_broken_connection_ends_them_and_the_client_goes_on(void **state)
{
    kw_test_network *n = *state;
    answers a = {.client = connected(n)};
    n->to_client_left = 0; /* the answer does not pass, and the connection breaks of it */
    assert_status(begin_read(&a), KW_GOOD);
    assert_status(kw_client_idle(a.client, 5000), KW_GOOD);
    assert_int_equal(a.closed, 1);
    assert_status(begin_read(&a), KW_GOOD);
    assert_status(kw_client_idle(a.client, 1000), KW_GOOD);
    assert_int_equal(a.good, 1);
}

static void a_server_that_says_nothing_costs_the_time_out(void **state)
{
    kw_test_network *n = *state;
    answers a = {.client = connected(n)};
    n->to_client_left = 0;
    n->is_dropping = true;
    assert_status(begin_read(&a), KW_GOOD);
    (void)kw_client_idle(a.client, 9999);
    assert_int_equal(a.count, 0);
    (void)kw_client_idle(a.client, 1);
    assert_int_equal(a.timeouts, 1);
}

static void what_is_under_way_ends_with_the_session(void **state)
{
    answers a = {.client = connected(*state), .tries_again = true};
    assert_status(begin_read(&a), KW_GOOD);
    assert_status(kw_client_disconnect(a.client), KW_GOOD);
    assert_int_equal(a.count, 1);
    assert_status(a.refused, KW_BAD_SERVER_NOT_CONNECTED); /* what its function wanted to begin */
    assert_int_equal(a.closed, 1);
    assert_status(begin_read(&a), KW_BAD_SERVER_NOT_CONNECTED);
}

static void there_is_a_bound(void **state)
{
    answers a = {.client = connected(*state)};
    for (size_t i = 0; i < KW_CLIENT_REQUESTS_MAX; i++) {
        assert_status(begin_read(&a), KW_GOOD);
    }
    assert_status(begin_read(&a), KW_BAD_TOO_MANY_OPERATIONS);
    assert_status(kw_client_disconnect(a.client), KW_GOOD);
    assert_int_equal(a.count, KW_CLIENT_REQUESTS_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_overlap_and_their_answers_come_while_time_passes),
        TEST(an_answer_may_begin_the_next_request),
        TEST(a_call_that_waits_does_not_lose_them),
        TEST(a_broken_connection_ends_them_and_the_client_goes_on),
        TEST(a_server_that_says_nothing_costs_the_time_out),
        TEST(what_is_under_way_ends_with_the_session),
        TEST(there_is_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
