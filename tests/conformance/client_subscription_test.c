/* Subscriptions of the library's Client, over everything that may happen to them. OPC 10000-4, 5.13, 5.14 and 6.7. */
#include "client/subscription_internal.h"
#include "space/event.h"
#include "support/kw_test_network.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#define INTERVAL 100
#define HEARD_MAX 64

/* What callbacks were told, in order. */
typedef struct fixture {
    kw_test_network *network;
    kw_client *client;
    kw_client_subscription *subscription;
    int32_t values[HEARD_MAX];
    kw_status statuses[HEARD_MAX];
    size_t heard; /* values and StatusCodes */
    kw_client_news news[HEARD_MAX];
    kw_status reasons[HEARD_MAX];
    size_t told;
    size_t events;
    void (*on_value)(kw_client_item *item);
    void (*on_news)(kw_client_news news);
} fixture;

static fixture *f;

static void on_change(void *ctx, kw_client_item *item, const kw_data_value *value)
{
    const int32_t *number = kw_variant_get(&value->value, KW_BUILTIN_INT32);
    assert_true(f->heard < HEARD_MAX);
    assert_ptr_equal(ctx, f);
    f->values[f->heard] = number != NULL ? *number : 0;
    f->statuses[f->heard++] = value->has_status ? value->status : KW_GOOD;
    if (f->on_value != NULL) {
        f->on_value(item);
    }
}

static void on_event(void *ctx, kw_client_item *item, const kw_variant *fields, size_t count)
{
    (void)ctx;
    (void)item;
    const kw_localized_text *message = count == 1 ? kw_variant_get(&fields[0], KW_BUILTIN_LOCALIZED_TEXT) : NULL;
    assert_non_null(message);
    assert_true(kw_string_equals(message->text, "it happened"));
    f->events++;
}

static void on_told(void *ctx, kw_client_subscription *s, kw_client_news news, kw_status status)
{
    assert_ptr_equal(ctx, f);
    assert_ptr_equal(s, f->subscription);
    assert_true(f->told < HEARD_MAX);
    f->news[f->told] = news;
    f->reasons[f->told++] = status;
    if (f->on_news != NULL) {
        f->on_news(news);
    }
}

static const kw_client_subscription_config SUBSCRIPTION = {.publishing_interval_ms = INTERVAL, .keep_alive_ms = 1000, .told = on_told};

static kw_client_item_config item_on(const kw_node_id *node)
{
    return (kw_client_item_config){.node = *node, .queue_size = 10, .changed = on_change, .ctx = f};
}

static kw_client_item *monitor(const kw_node_id *node)
{
    const kw_client_item_config wanted = item_on(node);
    kw_client_item *item = NULL;
    assert_status(kw_client_monitor(f->subscription, &wanted, 1, &item, NULL), KW_GOOD);
    assert_non_null(item);
    return item;
}

static void begin_with(const kw_test_world_options *options, const kw_client_config *config)
{
    kw_client_subscription_config wanted = SUBSCRIPTION;
    f = test_calloc(1, sizeof(*f));
    f->network = kw_test_network_new(options);
    f->client = kw_test_network_open(f->network, config);
    wanted.ctx = f;
    assert_status(kw_client_subscribe(f->client, &wanted, &f->subscription), KW_GOOD);
}

static int setup(void **state)
{
    (void)state;
    begin_with(NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_test_network_free(f->network);
    test_free(f);
    return 0;
}

static void change(const kw_node_id *node, int32_t value)
{
    const kw_variant v = kw_variant_scalar(KW_BUILTIN_INT32, &value);
    assert_status(kw_space_set_value(kw_server_space(f->network->world->server), node, &v), KW_GOOD);
}

static void idle(uint32_t ms)
{
    const kw_status status = kw_client_idle(f->client, ms);
    if (kw_status_is_bad(status)) {
        fail_msg("%s: %s", kw_status_name(status), kw_client_error(f->client));
    }
}

static void assert_heard(const int32_t *expected, size_t count)
{
    for (size_t i = 0; i < count && i < f->heard; i++) {
        assert_status(f->statuses[i], KW_GOOD);
        assert_int_equal(f->values[i], expected[i]);
    }
    assert_int_equal(f->heard, count);
}

static void assert_told(const kw_client_news *expected, size_t count)
{
    for (size_t i = 0; i < count && i < f->told; i++) {
        assert_int_equal(f->news[i], expected[i]);
    }
    assert_int_equal(f->told, count);
}

#define HEARD(...) assert_heard((const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))
#define TOLD(...) assert_told((const kw_client_news[]){__VA_ARGS__}, sizeof((const kw_client_news[]){__VA_ARGS__}) / sizeof(kw_client_news))

/* The Server still has this message. */
static bool is_kept(uint32_t number)
{
    kw_arena *arena = kw_arena_new(1 << 20);
    kw_republish_request request = {.subscription_id = kw_client_subscription_id(f->subscription), .retransmit_sequence_number = number};
    void *response = NULL;
    const kw_status status =
        kw_client_service(f->client, KW_TYPE_REPUBLISH_REQUEST, &request, KW_TYPE_REPUBLISH_RESPONSE, arena, &response);
    assert_true(status == KW_GOOD || status == KW_BAD_MESSAGE_NOT_AVAILABLE);
    kw_arena_free(arena);
    return status == KW_GOOD;
}

/* --- values come -------------------------------------------------------------------------------------------------------------- */

static void each_change_is_delivered_once_and_acknowledged(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    for (int32_t i = 43; i < 63; i++) {
        idle(2 * INTERVAL);
        change(&KW_TEST_PUBLIC, i);
    }
    idle(2 * INTERVAL);
    assert_int_equal(f->heard, 21);
    for (int32_t i = 0; i < 21; i++) {
        assert_int_equal(f->values[i], 42 + i);
    }
    assert_int_equal(f->told, 0);
    idle(20 * INTERVAL); /* keep-alives carry the last acknowledgements */
    assert_false(is_kept(21));
}

static void a_session_with_a_subscription_lives_as_long_as_somebody_waits(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    idle(3 * 3600 * 1000);
    change(&KW_TEST_PUBLIC, 43);
    idle(2 * INTERVAL);
    HEARD(42, 43);
    assert_int_equal(f->told, 0);
}

static void what_came_is_taken_without_waiting(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    for (int i = 0; i < 50; i++) {
        const uint64_t before = f->network->world->clock->ms;
        idle(0);
        assert_int_equal(f->network->world->clock->ms, before);
        kw_test_world_advance(f->network->world, INTERVAL / 10);
    }
    HEARD(42);
}

static void a_refused_item_is_none(void **state)
{
    (void)state;
    const kw_node_id unknown = KW_NODE_ID(0, 4711);
    const kw_client_item_config wanted[] = {item_on(&unknown), item_on(&KW_TEST_PUBLIC)};
    kw_client_item *items[2];
    kw_status results[2];
    assert_status(kw_client_monitor(f->subscription, wanted, 2, items, results), KW_GOOD);
    assert_status(results[0], KW_BAD_NODE_ID_UNKNOWN);
    assert_status(results[1], KW_GOOD);
    assert_null(items[0]);
    assert_int_not_equal(kw_client_item_id(items[1]), 0);
    assert_status(kw_client_monitor(f->subscription, wanted, 2, NULL, NULL), KW_BAD_NODE_ID_UNKNOWN);
    assert_status(kw_client_monitor(f->subscription, wanted, 0, NULL, NULL), KW_BAD_NOTHING_TO_DO);
    idle(2 * INTERVAL);
    HEARD(42, 42);
}

static size_t many;

static void count_value(void *ctx, kw_client_item *item, const kw_data_value *value)
{
    (void)ctx;
    (void)item;
    (void)value;
    many++;
}

static void many_items_are_made_in_parts_and_taken_away(void **state)
{
    (void)state;
    enum { COUNT = 600 };
    kw_client_item_config *wanted = test_calloc(COUNT, sizeof(*wanted));
    kw_client_item **items = test_calloc(COUNT, sizeof(kw_client_item *));
    for (size_t i = 0; i < COUNT; i++) {
        wanted[i] = (kw_client_item_config){.node = KW_TEST_PUBLIC, .changed = count_value};
    }
    many = 0;
    assert_status(kw_client_monitor(f->subscription, wanted, COUNT, items, NULL), KW_GOOD);
    idle(5 * INTERVAL);
    assert_int_equal(many, COUNT);
    assert_status(kw_client_unmonitor(items, COUNT), KW_GOOD);
    change(&KW_TEST_PUBLIC, 43);
    idle(5 * INTERVAL);
    assert_int_equal(many, COUNT);
    test_free(wanted);
    test_free(items);
}

static void events_come_with_their_fields(void **state)
{
    (void)state;
    kw_qualified_name path = {0, KW_STRING("Message")};
    kw_simple_attribute_operand clause = {
        .type_definition_id = KW_NODE_ID(0, KW_ID_BASE_EVENT_TYPE), .browse_path = &path, .browse_path_count = 1, .attribute_id = 13};
    kw_event_filter filter = {.select_clauses = &clause, .select_clauses_count = 1};
    const kw_client_item_config wanted = {.node = KW_NODE_ID(0, KW_ID_SERVER),
                                          .attribute = 12,
                                          .filter = {.type = KW_TYPE_EVENT_FILTER, .value = &filter},
                                          .happened = on_event};
    const kw_event event = {
        .type = KW_ID_BASE_EVENT_TYPE, .source_node = KW_NODE_ID(0, KW_ID_SERVER), .message = KW_STRING("it happened"), .severity = 1};
    assert_status(kw_client_monitor(f->subscription, &wanted, 1, NULL, NULL), KW_GOOD);
    kw_space_raise(kw_server_space(f->network->world->server), &event);
    idle(2 * INTERVAL);
    assert_int_equal(f->events, 1);
}

/* --- changed while they live --------------------------------------------------------------------------------------------------- */

static void publishing_can_be_switched_off_and_on(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    assert_status(kw_client_set_publishing(f->subscription, false), KW_GOOD);
    change(&KW_TEST_PUBLIC, 43);
    idle(50 * INTERVAL);
    HEARD(42);
    assert_status(kw_client_set_publishing(f->subscription, true), KW_GOOD);
    idle(2 * INTERVAL);
    HEARD(42, 43);
}

static void an_item_that_only_samples_reports_nothing(void **state)
{
    (void)state;
    kw_client_item *item = monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    assert_status(kw_client_set_monitoring_mode(item, KW_MONITORING_MODE_SAMPLING), KW_GOOD);
    change(&KW_TEST_PUBLIC, 43);
    idle(2 * INTERVAL);
    HEARD(42);
    kw_test_network_restart(f->network, NULL); /* it is kept */
    idle(2000);
    change(&KW_TEST_PUBLIC, 44);
    idle(2000);
    HEARD(42);
}

static void changed_parameters_are_those_of_the_server_and_stay(void **state)
{
    (void)state;
    kw_client_item *item = monitor(&KW_TEST_PUBLIC);
    kw_client_subscription_config slow = SUBSCRIPTION;
    kw_client_item_config wanted = item_on(&KW_TEST_PUBLIC);
    slow.publishing_interval_ms = 5000;
    wanted.queue_size = 2;
    wanted.sampling_interval_ms = 1000;
    assert_status(kw_client_modify_subscription(f->subscription, &slow), KW_GOOD);
    assert_status(kw_client_modify_item(item, &wanted), KW_GOOD);
    assert_true(kw_client_subscription_interval(f->subscription) == 5000);
    for (int32_t i = 43; i < 50; i++) {
        change(&KW_TEST_PUBLIC, i);
        idle(1100);
    }
    assert_true(f->heard < 8); /* two at a time */
    kw_test_network_restart(f->network, NULL);
    idle(6000);
    assert_true(kw_client_subscription_interval(f->subscription) == 5000);
    assert_int_equal(f->values[f->heard - 1], 42); /* of the new Server */
}

/* --- connections that break ---------------------------------------------------------------------------------------------------- */

static void what_was_on_its_way_when_the_connection_broke_comes_once(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    f->network->delay_ms = 5000;
    change(&KW_TEST_PUBLIC, 43);
    idle(3 * INTERVAL); /* the message has left the Server */
    f->network->delay_ms = 0;
    kw_test_network_cut(f->network);
    change(&KW_TEST_PUBLIC, 44);
    idle(2000);
    change(&KW_TEST_PUBLIC, 45);
    idle(2000);
    HEARD(42, 43, 44, 45);
    TOLD(KW_CLIENT_NEWS_LOST, KW_CLIENT_NEWS_BACK);
    assert_status(f->reasons[0], KW_BAD_CONNECTION_CLOSED);
}

static void connections_break_again_and_again(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    for (int32_t i = 43; i < 53; i++) {
        f->network->delay_ms = i % 3 == 0 ? 1000 : 0;
        change(&KW_TEST_PUBLIC, i);
        idle((uint32_t)i % 7 * 30);
        f->network->delay_ms = 0;
        kw_test_network_cut(f->network);
        idle(5 * INTERVAL);
    }
    idle(2000);
    HEARD(42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52);
    assert_int_equal(f->told, 20);
}

static void it_goes_on_when_another_call_finds_the_connection_broken(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    change(&KW_TEST_PUBLIC, 43);
    kw_test_network_cut(f->network);
    assert_status(kw_test_network_read(f->network, f->client, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    TOLD(KW_CLIENT_NEWS_LOST);
    HEARD(42); /* callbacks come from kw_client_idle alone */
    idle(2 * INTERVAL);
    HEARD(42, 43);
    TOLD(KW_CLIENT_NEWS_LOST, KW_CLIENT_NEWS_BACK);
}

static void let_bytes_pass(kw_client_news news)
{
    if (news == KW_CLIENT_NEWS_LOST) {
        f->network->to_client_left = SIZE_MAX;
    }
}

static void a_connection_on_which_nothing_comes_any_more_is_noticed(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    f->network->is_dropping = true;
    f->network->to_client_left = 0;
    f->on_news = let_bytes_pass;
    change(&KW_TEST_PUBLIC, 43);
    idle(60000);
    HEARD(42, 43);
    TOLD(KW_CLIENT_NEWS_LOST, KW_CLIENT_NEWS_BACK);
}

static void forget_to_acknowledge(kw_client_item *item)
{
    (void)item;
    f->client->subscriptions->acknowledgement_count = 0;
}

static void messages_of_a_former_connection_are_acknowledged_in_the_end(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    f->on_value = forget_to_acknowledge; /* as if the request with it had been lost */
    idle(2 * INTERVAL);
    HEARD(42);
    assert_true(is_kept(1));
    kw_test_network_cut(f->network);
    idle(30 * INTERVAL);
    assert_false(is_kept(1));
}

/* --- messages that do not arrive ------------------------------------------------------------------------------------------------- */

static void miss_a_message(void)
{
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    change(&KW_TEST_PUBLIC, 43);
    kw_client_publish_drop(f->client); /* what the Server answers now is not heard */
    idle(INTERVAL + INTERVAL / 2);
    change(&KW_TEST_PUBLIC, 44);
    idle(20 * INTERVAL);
}

static void a_gap_is_closed_by_republish(void **state)
{
    (void)state;
    miss_a_message();
    HEARD(42, 43, 44);
    assert_int_equal(f->told, 0);
}

static void keep_few(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->service_limits.max_retransmission_messages = 1;
}

static int setup_forgetful(void **state)
{
    (void)state;
    begin_with(&(kw_test_world_options){.configure = keep_few}, NULL);
    return 0;
}

static void what_cannot_be_had_again_is_told(void **state)
{
    (void)state;
    miss_a_message();
    HEARD(42, 44); /* not once more by ResendData */
    TOLD(KW_CLIENT_NEWS_MISSED);
}

/* --- servers that say what they like ------------------------------------------------------------------------------------------------ */

/* A message with one value for this handle. */
static void receive(uint32_t number, uint32_t handle, int32_t value)
{
    kw_monitored_item_notification one = {.client_handle = handle,
                                          .value = {.has_value = true, .value = kw_variant_scalar(KW_BUILTIN_INT32, &value)}};
    kw_data_change_notification data = {.monitored_items = &one, .monitored_items_count = 1};
    kw_extension_object part = {.type = KW_TYPE_DATA_CHANGE_NOTIFICATION, .value = &data};
    const kw_publish_response response = {
        .subscription_id = kw_client_subscription_id(f->subscription),
        .notification_message = {.sequence_number = number, .notification_data = &part, .notification_data_count = 1}};
    kw_client_subscription_take(f->subscription, &response);
}

static void numbers_that_are_repeated_bring_nothing(void **state)
{
    (void)state;
    const uint32_t handle = monitor(&KW_TEST_PUBLIC)->handle;
    receive(1, handle, 1);
    receive(1, handle, 2);
    receive(2, handle, 3);
    receive(1, handle, 4);
    HEARD(1, 3);
}

static void a_number_far_ahead_costs_a_bounded_number_of_calls(void **state)
{
    (void)state;
    const uint32_t handle = monitor(&KW_TEST_PUBLIC)->handle, before = f->client->request_handle;
    receive(2000000000, handle, 1);
    assert_in_range(f->client->request_handle - before, 1, 1010);
    HEARD(1);
    TOLD(KW_CLIENT_NEWS_MISSED);
    receive(2000000001, handle, 2);
    HEARD(1, 2);
}

static void numbers_leave_out_zero(void **state)
{
    (void)state;
    const uint32_t handle = monitor(&KW_TEST_PUBLIC)->handle;
    f->subscription->next_sequence_number = UINT32_MAX;
    receive(UINT32_MAX, handle, 1);
    receive(1, handle, 2);
    receive(UINT32_MAX, handle, 3);
    HEARD(1, 2);
    assert_int_equal(f->told, 0);
}

static void values_for_nobody_and_parts_that_are_unknown_are_passed_over(void **state)
{
    (void)state;
    const uint32_t handle = monitor(&KW_TEST_PUBLIC)->handle;
    kw_event_field_list event = {.client_handle = handle};
    kw_event_notification_list events = {.events = &event, .events_count = 1};
    kw_extension_object parts[] = {{.type = KW_TYPE_EVENT_NOTIFICATION_LIST, .value = &events}, {.encoding = KW_EXTENSION_NONE}};
    const kw_publish_response response = {
        .notification_message = {.sequence_number = 1, .notification_data = parts, .notification_data_count = 2}};
    kw_client_subscription_take(f->subscription, &response);
    receive(2, handle + 1, 1);
    assert_int_equal(f->heard, 0);
    receive(3, handle, 2);
    HEARD(2);
}

/* --- Sessions and Subscriptions that end ------------------------------------------------------------------------------------------ */

static int setup_patient(void **state)
{
    (void)state;
    begin_with(NULL, &(kw_client_config){.reconnect_ms = 300000, .session_timeout_ms = 10000});
    return 0;
}

static void cl_05_a_subscription_that_outlives_its_session_is_transferred(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    const uint32_t id = kw_client_subscription_id(f->subscription);
    f->network->down_until = f->network->world->clock->ms + 60000; /* longer than the Session lives */
    change(&KW_TEST_PUBLIC, 43);
    kw_test_network_cut(f->network);
    idle(62000);
    change(&KW_TEST_PUBLIC, 44);
    idle(2000);
    HEARD(42, 43, 44); /* initial values that are not new are not delivered */
    TOLD(KW_CLIENT_NEWS_LOST, KW_CLIENT_NEWS_TRANSFERRED);
    assert_int_equal(kw_client_subscription_id(f->subscription), id);
}

static void a_transfer_repeats_no_value(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    monitor(&KW_TEST_SECRET);
    idle(2 * INTERVAL);
    assert_int_equal(f->heard, 2);
    f->network->down_until = f->network->world->clock->ms + 60000;
    kw_test_network_cut(f->network);
    idle(65000);
    assert_int_equal(f->heard, 2);
    TOLD(KW_CLIENT_NEWS_LOST, KW_CLIENT_NEWS_TRANSFERRED);
}

static void what_the_server_has_lost_is_made_again(void **state)
{
    (void)state;
    kw_client_item *item = monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    kw_test_network_restart(f->network, NULL);
    change(&KW_TEST_PUBLIC, 43);
    idle(2000);
    change(&KW_TEST_PUBLIC, 44);
    idle(2000);
    HEARD(42, 43, 44);
    TOLD(KW_CLIENT_NEWS_LOST, KW_CLIENT_NEWS_RENEWED);
    assert_int_not_equal(kw_client_item_id(item), 0);
}

static void an_item_that_cannot_be_made_again_says_why_and_comes_back(void **state)
{
    (void)state;
    const kw_role_rule rule = {KW_CRITERIA_USER_NAME, KW_STRING(KW_TEST_USER)};
    kw_client_item *item = monitor(&KW_TEST_SECRET);
    idle(2 * INTERVAL);
    HEARD(7);
    assert_status(kw_store_role_rule_remove(f->network->world->store->store, KW_STRING("Operator"), &rule), KW_GOOD);
    kw_test_network_restart(f->network, NULL);
    idle(30000);
    assert_int_equal(f->heard, 2);
    assert_status(f->statuses[1], KW_BAD_USER_ACCESS_DENIED);
    assert_int_equal(kw_client_item_id(item), 0);
    kw_test_world_grant(f->network->world, "Operator", KW_CRITERIA_USER_NAME, KW_TEST_USER);
    idle(30000);
    assert_int_equal(f->heard, 3);
    assert_int_equal(f->values[2], 7);
    TOLD(KW_CLIENT_NEWS_LOST, KW_CLIENT_NEWS_RENEWED);
}

static void a_subscription_that_the_server_deleted_is_made_again(void **state)
{
    (void)state;
    uint32_t id = kw_client_subscription_id(f->subscription);
    kw_arena *arena = kw_arena_new(1 << 20);
    kw_delete_subscriptions_request request = {.subscription_ids = &id, .subscription_ids_count = 1};
    void *response = NULL;
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    assert_status(kw_client_service(f->client, KW_TYPE_DELETE_SUBSCRIPTIONS_REQUEST, &request, KW_TYPE_DELETE_SUBSCRIPTIONS_RESPONSE, arena,
                                    &response),
                  KW_GOOD);
    kw_arena_free(arena);
    change(&KW_TEST_PUBLIC, 43);
    idle(2000);
    HEARD(42, 43);
    TOLD(KW_CLIENT_NEWS_LOST, KW_CLIENT_NEWS_RENEWED);
    assert_int_not_equal(kw_client_subscription_id(f->subscription), id);
}

static void a_subscription_that_expired_is_made_again(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    for (int i = 0; i < 40; i++) { /* a Client that does other things */
        kw_test_world_advance(f->network->world, 10000);
        assert_status(kw_test_network_read(f->network, f->client, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    }
    change(&KW_TEST_PUBLIC, 43);
    idle(2000);
    TOLD(KW_CLIENT_NEWS_LOST, KW_CLIENT_NEWS_RENEWED);
    assert_status(f->reasons[0], KW_BAD_TIMEOUT);
    assert_int_equal(f->values[f->heard - 1], 43);
}

static uint32_t allowed;

static void allow(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->service_limits.max_subscriptions = allowed;
}

static int setup_reluctant(void **state)
{
    (void)state;
    allowed = 1;
    begin_with(&(kw_test_world_options){.configure = allow}, NULL);
    return 0;
}

static void one_that_is_refused_is_tried_until_it_is_let_in(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    allowed = 0;
    kw_test_network_restart(f->network, NULL);
    const uint32_t handle = f->client->request_handle;
    idle(300000);
    TOLD(KW_CLIENT_NEWS_LOST, KW_CLIENT_NEWS_REFUSED);
    assert_status(f->reasons[1], KW_BAD_TOO_MANY_SUBSCRIPTIONS);
    assert_in_range(f->client->request_handle - handle, 10, 25); /* less and less often */
    allowed = 1;
    kw_test_network_restart(f->network, NULL);
    idle(2000);
    change(&KW_TEST_PUBLIC, 43);
    idle(2000);
    HEARD(42, 43);
    TOLD(KW_CLIENT_NEWS_LOST, KW_CLIENT_NEWS_REFUSED, KW_CLIENT_NEWS_RENEWED);
}

static uint32_t count_at_server(void)
{
    kw_data_value value;
    const kw_node_id count = KW_NODE_ID(0, KW_ID_SERVER_SERVER_DIAGNOSTICS_SERVER_DIAGNOSTICS_SUMMARY_CURRENT_SUBSCRIPTION_COUNT);
    assert_status(kw_test_network_read(f->network, f->client, &count, &value), KW_GOOD);
    return *(const uint32_t *)kw_variant_get(&value.value, KW_BUILTIN_UINT32);
}

static void one_that_nobody_knows_of_is_deleted(void **state)
{
    (void)state;
    const kw_client_subscription_config wanted = SUBSCRIPTION;
    kw_client_subscription *other = NULL;
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    f->on_news = let_bytes_pass;
    f->network->to_client_left = 1; /* the Server makes it, and its answer does not come */
    assert_status(kw_client_subscribe(f->client, &wanted, &other), KW_BAD_CONNECTION_CLOSED);
    assert_null(other);
    assert_int_equal(count_at_server(), 2);
    idle(20 * INTERVAL);
    assert_int_equal(count_at_server(), 1);
    change(&KW_TEST_PUBLIC, 43);
    idle(2 * INTERVAL);
    HEARD(42, 43);
}

static void one_that_has_been_taken_is_over(void **state)
{
    (void)state;
    uint32_t id = kw_client_subscription_id(f->subscription);
    kw_client *other = kw_test_network_open(f->network, NULL);
    kw_arena *arena = kw_arena_new(1 << 20);
    kw_transfer_subscriptions_request request = {.subscription_ids = &id, .subscription_ids_count = 1};
    void *response = NULL;
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    assert_status(kw_client_service(other, KW_TYPE_TRANSFER_SUBSCRIPTIONS_REQUEST, &request, KW_TYPE_TRANSFER_SUBSCRIPTIONS_RESPONSE, arena,
                                    &response),
                  KW_GOOD);
    kw_arena_free(arena);
    change(&KW_TEST_PUBLIC, 43);
    idle(60000);
    HEARD(42);
    TOLD(KW_CLIENT_NEWS_ENDED);
    assert_status(f->reasons[0], KW_GOOD_SUBSCRIPTION_TRANSFERRED);
    assert_status(kw_client_unsubscribe(f->subscription), KW_GOOD);
    idle(1000);
}

/* --- users ------------------------------------------------------------------------------------------------------------------------ */

static void as_31_another_proof_of_the_same_user_goes_unnoticed(void **state)
{
    (void)state;
    monitor(&KW_TEST_SECRET);
    idle(2 * INTERVAL);
    assert_status(kw_client_activate(f->client, &KW_TEST_OPERATOR), KW_GOOD);
    change(&KW_TEST_SECRET, 8);
    idle(2 * INTERVAL);
    HEARD(7, 8);
    assert_int_equal(f->told, 0);
}

static void as_32_rights_that_end_and_return_show_as_statuscode_and_value(void **state)
{
    (void)state;
    const kw_role_rule rule = {KW_CRITERIA_USER_NAME, KW_STRING(KW_TEST_USER)};
    monitor(&KW_TEST_SECRET);
    idle(2 * INTERVAL);
    assert_status(kw_store_role_rule_remove(f->network->world->store->store, KW_STRING("Operator"), &rule), KW_GOOD);
    idle(20 * INTERVAL);
    assert_int_equal(f->heard, 2);
    assert_status(f->statuses[1], KW_BAD_USER_ACCESS_DENIED);
    kw_test_world_grant(f->network->world, "Operator", KW_CRITERIA_USER_NAME, KW_TEST_USER);
    idle(20 * INTERVAL);
    assert_int_equal(f->heard, 3);
    assert_int_equal(f->values[2], 7);
    assert_int_equal(f->told, 0);
}

/* --- bounds ------------------------------------------------------------------------------------------------------------------------- */

static void take_few(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->service_limits.max_publish_requests_per_session = 1;
}

static int setup_narrow(void **state)
{
    (void)state;
    begin_with(&(kw_test_world_options){.configure = take_few}, NULL);
    return 0;
}

static void a_server_that_takes_fewer_requests_gets_fewer(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    idle(2 * INTERVAL);
    assert_int_equal(f->client->subscriptions->allowed, 1);
    const uint32_t handle = f->client->request_handle;
    idle(10000);
    assert_in_range(f->client->request_handle - handle, 1, 30); /* one for each keep-alive, and the like */
    change(&KW_TEST_PUBLIC, 43);
    idle(2 * INTERVAL);
    HEARD(42, 43);
}

/* --- callbacks ------------------------------------------------------------------------------------------------------------------------ */

static void remove_item(kw_client_item *item)
{
    assert_status(kw_client_idle(f->client, 1), KW_BAD_INVALID_STATE);
    assert_status(kw_test_network_read(f->network, f->client, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    assert_status(kw_client_unmonitor(&item, 1), KW_GOOD);
}

static void a_callback_may_take_its_item_away(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    monitor(&KW_TEST_SECRET);
    f->on_value = remove_item;
    idle(2 * INTERVAL);
    change(&KW_TEST_PUBLIC, 43);
    idle(2 * INTERVAL);
    assert_int_equal(f->heard, 2);
    assert_null(f->subscription->first_item);
}

static void remove_subscription(kw_client_item *item)
{
    (void)item;
    assert_status(kw_client_unsubscribe(f->subscription), KW_GOOD);
}

static void a_callback_may_take_the_subscription_away(void **state)
{
    (void)state;
    monitor(&KW_TEST_PUBLIC);
    monitor(&KW_TEST_SECRET);
    f->on_value = remove_subscription;
    idle(20 * INTERVAL);
    assert_int_equal(f->heard, 1);
    assert_null(f->client->subscriptions->first);
    kw_client_subscription_config wanted = SUBSCRIPTION;
    wanted.ctx = f;
    f->on_value = NULL;
    assert_status(kw_client_subscribe(f->client, &wanted, &f->subscription), KW_GOOD);
    monitor(&KW_TEST_PUBLIC);
    idle(20 * INTERVAL); /* a late Bad_NoSubscription does it no harm */
    HEARD(42, 42);
    assert_int_equal(f->told, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_change_is_delivered_once_and_acknowledged),
        TEST(a_session_with_a_subscription_lives_as_long_as_somebody_waits),
        TEST(what_came_is_taken_without_waiting),
        TEST(a_refused_item_is_none),
        TEST(many_items_are_made_in_parts_and_taken_away),
        TEST(events_come_with_their_fields),
        TEST(publishing_can_be_switched_off_and_on),
        TEST(an_item_that_only_samples_reports_nothing),
        TEST(changed_parameters_are_those_of_the_server_and_stay),
        TEST(what_was_on_its_way_when_the_connection_broke_comes_once),
        TEST(connections_break_again_and_again),
        TEST(it_goes_on_when_another_call_finds_the_connection_broken),
        TEST(a_connection_on_which_nothing_comes_any_more_is_noticed),
        TEST(messages_of_a_former_connection_are_acknowledged_in_the_end),
        TEST(a_gap_is_closed_by_republish),
        cmocka_unit_test_setup_teardown(what_cannot_be_had_again_is_told, setup_forgetful, teardown),
        TEST(numbers_that_are_repeated_bring_nothing),
        TEST(a_number_far_ahead_costs_a_bounded_number_of_calls),
        TEST(numbers_leave_out_zero),
        TEST(values_for_nobody_and_parts_that_are_unknown_are_passed_over),
        cmocka_unit_test_setup_teardown(cl_05_a_subscription_that_outlives_its_session_is_transferred, setup_patient, teardown),
        cmocka_unit_test_setup_teardown(a_transfer_repeats_no_value, setup_patient, teardown),
        TEST(what_the_server_has_lost_is_made_again),
        TEST(an_item_that_cannot_be_made_again_says_why_and_comes_back),
        TEST(a_subscription_that_the_server_deleted_is_made_again),
        TEST(a_subscription_that_expired_is_made_again),
        cmocka_unit_test_setup_teardown(one_that_is_refused_is_tried_until_it_is_let_in, setup_reluctant, teardown),
        TEST(one_that_nobody_knows_of_is_deleted),
        TEST(one_that_has_been_taken_is_over),
        TEST(as_31_another_proof_of_the_same_user_goes_unnoticed),
        TEST(as_32_rights_that_end_and_return_show_as_statuscode_and_value),
        cmocka_unit_test_setup_teardown(a_server_that_takes_fewer_requests_gets_fewer, setup_narrow, teardown),
        TEST(a_callback_may_take_its_item_away),
        TEST(a_callback_may_take_the_subscription_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
