/* MonitoredItems for events, and who sees which. OPC 10000-4, 5.13.1 and 7.22.3; requirement AS-32. */
#include "space/event.h"
#include "support/kw_test_subscription.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#define PASSWORD "a password"

static int setup(void **state)
{
    kw_test_world *world = kw_test_world_new(NULL);
    kw_test_world_add_user(world, "sabine", PASSWORD, 0);
    kw_test_world_add_user(world, "petra", PASSWORD, 0);
    kw_test_world_grant(world, "SecurityAdmin", KW_CRITERIA_USER_NAME, "sabine");
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    kw_test_world_free(*state);
    return 0;
}

static kw_simple_attribute_operand field(const char *name)
{
    static kw_qualified_name names[4];
    static size_t used;
    kw_qualified_name *path = &names[used++ % 4];
    *path = (kw_qualified_name){0, kw_string_from(name)};
    return (kw_simple_attribute_operand){
        .type_definition_id = KW_NODE_ID(0, KW_ID_BASE_EVENT_TYPE), .browse_path = path, .browse_path_count = 1, .attribute_id = 13};
}

/* Message and Extra of the events whose SourceName is "test". */
static kw_status watch_events(kw_test_client *client, const kw_test_session *session, kw_filter_operator how, uint32_t queue_size)
{
    const uint32_t id = kw_test_subscribe(client, session);
    kw_simple_attribute_operand clauses[] = {field("Message"), field("Extra")}, source = field("SourceName");
    const kw_string test = KW_STRING("test");
    kw_literal_operand literal = {kw_variant_scalar(KW_BUILTIN_STRING, &test)};
    kw_extension_object operands[] = {kw_extension_object_of(KW_TYPE_SIMPLE_ATTRIBUTE_OPERAND, &source),
                                      kw_extension_object_of(KW_TYPE_LITERAL_OPERAND, &literal)};
    kw_content_filter_element element = {.filter_operator = how, .filter_operands = operands, .filter_operands_count = 2};
    const kw_event_filter filter = {
        .select_clauses = clauses, .select_clauses_count = 2, .where_clause = {.elements = &element, .elements_count = 1}};
    kw_monitored_item_create_request item = {.item_to_monitor = {.node_id = KW_NODE_ID(0, KW_ID_SERVER), .attribute_id = 12},
                                             .monitoring_mode = KW_MONITORING_MODE_REPORTING,
                                             .requested_parameters = {.queue_size = queue_size,
                                                                      .discard_oldest = true,
                                                                      .filter = kw_extension_object_of(KW_TYPE_EVENT_FILTER, &filter)}};
    return kw_test_watch_with(client, session, id, &item, NULL);
}

static void raise_event(kw_test_world *world, const char *source, const char *message, bool is_security)
{
    const uint32_t extra = 5;
    const kw_event_field fields[] = {{"Extra", kw_variant_scalar(KW_BUILTIN_UINT32, &extra)}};
    const kw_event event = {.type = KW_ID_BASE_EVENT_TYPE,
                            .source_node = KW_NODE_ID(0, KW_ID_SERVER),
                            .source_name = kw_string_from(source),
                            .time = world->clock->utc,
                            .message = kw_string_from(message),
                            .severity = 1,
                            .is_security = is_security,
                            .fields = fields,
                            .field_count = 1};
    kw_space_raise(kw_server_space(world->server), &event);
}

/* What comes with the next Publish; NULL: no events. */
static const kw_event_notification_list *next_events(kw_test_client *client, const kw_test_session *session)
{
    const kw_publish_response *response = NULL;
    assert_status(kw_test_publish(client, session, 20, &response), KW_GOOD);
    return kw_test_notification(&response->notification_message, KW_TYPE_EVENT_NOTIFICATION_LIST);
}

static void assert_message(const kw_event_field_list *event, const char *expected)
{
    const kw_localized_text *text = kw_variant_get(&event->event_fields[0], KW_BUILTIN_LOCALIZED_TEXT);
    assert_non_null(text);
    assert_text(text->text, expected);
}

static void events_come_with_the_fields_that_were_asked_for(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    assert_status(watch_events(client, &session, KW_FILTER_OPERATOR_EQUALS, 10), KW_GOOD);
    raise_event(*state, "other", "not wanted", false);
    raise_event(*state, "test", "hello", false);
    const kw_event_notification_list *events = next_events(client, &session);
    assert_non_null(events);
    assert_int_equal(events->events_count, 1);
    assert_int_equal(events->events[0].event_fields_count, 2);
    assert_message(&events->events[0], "hello");
    assert_int_equal(*(const uint32_t *)kw_variant_get(&events->events[0].event_fields[1], KW_BUILTIN_UINT32), 5);
}

static void events_of_the_audit_reach_only_those_who_watch_over_security(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session admin = kw_test_open_as(client, "sabine", PASSWORD), other = kw_test_open_as(client, "petra", PASSWORD);
    assert_status(watch_events(client, &admin, KW_FILTER_OPERATOR_EQUALS, 10), KW_GOOD);
    assert_status(watch_events(client, &other, KW_FILTER_OPERATOR_EQUALS, 10), KW_GOOD);
    raise_event(*state, "test", "secret", true);
    raise_event(*state, "test", "public", false);
    assert_int_equal(next_events(client, &admin)->events_count, 2);
    const kw_event_notification_list *events = next_events(client, &other);
    assert_int_equal(events->events_count, 1);
    assert_message(&events->events[0], "public");
}

static void as_32_events_that_were_queued_for_the_former_user_are_not_served(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open_as(client, "sabine", PASSWORD);
    assert_status(watch_events(client, &session, KW_FILTER_OPERATOR_EQUALS, 10), KW_GOOD);
    raise_event(*state, "test", "secret", true);
    assert_status(kw_test_activate(client, &session, kw_test_user_name(client, &session, "petra", PASSWORD)), KW_GOOD);
    raise_event(*state, "test", "another secret", true);
    raise_event(*state, "test", "public", false);
    const kw_event_notification_list *events = next_events(client, &session);
    assert_non_null(events);
    assert_int_equal(events->events_count, 1);
    assert_message(&events->events[0], "public");
}

static void as_32_one_who_loses_the_role_loses_what_waits(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "sabine", PASSWORD);
    const kw_role_rule rule = {KW_CRITERIA_USER_NAME, KW_STRING("sabine")};
    assert_status(watch_events(client, &session, KW_FILTER_OPERATOR_EQUALS, 10), KW_GOOD);
    raise_event(world, "test", "secret", true);
    raise_event(world, "test", "public", false);
    assert_status(kw_store_role_rule_remove(world->store->store, KW_STRING("SecurityAdmin"), &rule), KW_GOOD);
    kw_test_world_advance(world, 2000);
    const kw_event_notification_list *events = next_events(client, &session);
    assert_non_null(events);
    assert_int_equal(events->events_count, 1);
    assert_message(&events->events[0], "public");
}

static void lost_events_are_told_by_an_event(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    assert_status(watch_events(client, &session, KW_FILTER_OPERATOR_EQUALS, 2), KW_GOOD);
    raise_event(*state, "test", "1", false);
    raise_event(*state, "test", "2", false);
    raise_event(*state, "test", "3", false);
    raise_event(*state, "test", "4", false);
    const kw_event_notification_list *events = next_events(client, &session);
    assert_int_equal(events->events_count, 3);
    assert_message(&events->events[0], "Events were lost");
    assert_message(&events->events[1], "3");
    assert_message(&events->events[2], "4");
}

static void operators_that_are_not_there_are_refused(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    kw_test_session session = kw_test_open(client);
    assert_status(watch_events(client, &session, KW_FILTER_OPERATOR_LIKE, 2), KW_BAD_MONITORED_ITEM_FILTER_UNSUPPORTED);
    assert_status(watch_events(client, &session, KW_FILTER_OPERATOR_NOT, 2), KW_BAD_EVENT_FILTER_INVALID); /* one operand too many */
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_come_with_the_fields_that_were_asked_for),
        TEST(events_of_the_audit_reach_only_those_who_watch_over_security),
        TEST(as_32_events_that_were_queued_for_the_former_user_are_not_served),
        TEST(as_32_one_who_loses_the_role_loses_what_waits),
        TEST(lost_events_are_told_by_an_event),
        TEST(operators_that_are_not_there_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
