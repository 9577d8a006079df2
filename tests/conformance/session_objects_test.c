/* An Object for each Session below SessionsDiagnosticsSummary, the arrays about Subscriptions, and the switch. OPC 10000-5, 6.3.3 … 6.3.5. */
#include "support/kw_test_subscription.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#include <string.h>

#define PASSWORD "a password"
#define PARTS 56 /* Variables below each Object: 4, with 43 and 9 below two of them */

static const kw_node_id SUMMARY = KW_NODE_ID(0, 3706), ENABLED = KW_NODE_ID(0, 2294), SUBSCRIPTIONS = KW_NODE_ID(0, 2290),
                        SAMPLING = KW_NODE_ID(0, 2289);

typedef struct scene {
    kw_test_world *world;
    kw_test_client *client;
    kw_test_session admin; /* SecurityAdmin */
    kw_test_session olga;  /* no Role to speak of */
} scene;

static scene here;

static int setup(void **state)
{
    (void)state;
    here = (scene){.world = kw_test_world_new(NULL)};
    kw_test_world_add_user(here.world, "sam", PASSWORD, 0);
    kw_test_world_add_user(here.world, "carla", PASSWORD, 0);
    kw_test_world_add_user(here.world, "olga", PASSWORD, 0);
    kw_test_world_grant(here.world, "SecurityAdmin", KW_CRITERIA_USER_NAME, "sam");
    kw_test_world_grant(here.world, "ConfigureAdmin", KW_CRITERIA_USER_NAME, "carla");
    here.client = kw_test_client_new(here.world, NULL);
    here.admin = kw_test_open_as(here.client, "sam", PASSWORD);
    here.olga = kw_test_open_as(here.client, "olga", PASSWORD);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_test_world_free(here.world);
    return 0;
}

/* --- browsing ------------------------------------------------------------------------------------------------------------------- */

static const kw_browse_result *browse_with(kw_test_client *client, const kw_test_session *session, const kw_node_id *node, uint32_t max)
{
    kw_browse_description what = {.node_id = *node,
                                  .browse_direction = KW_BROWSE_DIRECTION_FORWARD,
                                  .reference_type_id = KW_NODE_ID(0, 33), /* HierarchicalReferences */
                                  .include_subtypes = true,
                                  .result_mask = 63};
    kw_browse_request request = {.requested_max_references_per_node = max, .nodes_to_browse = &what, .nodes_to_browse_count = 1};
    const void *answer = NULL;
    assert_status(kw_test_call(client, session, KW_TYPE_BROWSE_REQUEST, &request, &answer), KW_GOOD);
    return ((const kw_browse_response *)answer)->results;
}

static const kw_browse_result *browse(const kw_test_session *session, const kw_node_id *node)
{
    return browse_with(here.client, session, node, 0);
}

/* How many Objects of Sessions are seen, and whether this one is among them. */
static size_t objects_seen(kw_test_client *client, const kw_test_session *by, const kw_test_session *wanted, bool *found)
{
    const kw_browse_result *result = browse_with(client, by, &SUMMARY, 0);
    size_t count = 0;
    *found = false;
    assert_status(result->status_code, KW_GOOD);
    for (size_t i = 0; i < result->references_count; i++) {
        const kw_reference_description *r = &result->references[i];
        if (r->node_class == KW_NODE_CLASS_OBJECT) {
            assert_int_equal(r->type_definition.node_id.id.numeric, KW_ID_SESSION_DIAGNOSTICS_OBJECT_TYPE);
            *found = *found || kw_node_id_equal(&r->node_id.node_id, &wanted->id);
            count++;
        }
    }
    return count;
}

static const kw_node_id *child_of(const kw_test_session *by, const kw_node_id *node, const char *name)
{
    const kw_browse_result *result = browse(by, node);
    assert_status(result->status_code, KW_GOOD);
    for (size_t i = 0; i < result->references_count; i++) {
        if (kw_string_equals(result->references[i].browse_name.name, name)) {
            return &result->references[i].node_id.node_id;
        }
    }
    fail_msg("no %s", name);
    return NULL;
}

static kw_data_value read_value(const kw_test_session *by, const kw_node_id *node)
{
    kw_data_value value;
    assert_status(kw_test_read(here.client, by, node, &value), KW_GOOD);
    return value;
}

/* --- the tree --------------------------------------------------------------------------------------------------------------------- */

static void each_session_has_an_object_that_is_called_as_it_is(void **state)
{
    (void)state;
    bool found = false;
    kw_create_session_request *request = kw_test_creation(here.client);
    kw_test_session named;
    request->session_name = KW_STRING("press 4");
    assert_status(kw_test_create_session_with(here.client, request, &named), KW_GOOD);
    assert_int_equal(objects_seen(here.client, &here.admin, &named, &found), 3);
    assert_true(found); /* its NodeId is the SessionId */
    assert_true(kw_node_id_equal(child_of(&here.admin, &SUMMARY, "press 4"), &named.id));
    const kw_browse_result *missing = browse(&here.admin, &KW_NODE_ID_TEXT(1, "nothing"));
    assert_status(missing->status_code, KW_BAD_NODE_ID_UNKNOWN);
}

/* What a crawler does: everything that can be reached, each Variable read, and found again from below. */
static size_t crawl(const kw_test_session *by, const kw_node_id *node)
{
    const kw_browse_result *result = browse(by, node);
    size_t count = 0;
    assert_status(result->status_code, KW_GOOD);
    for (size_t i = 0; i < result->references_count; i++) {
        const kw_reference_description *r = &result->references[i];
        assert_true(r->is_forward && r->node_class == KW_NODE_CLASS_VARIABLE);
        assert_false(kw_node_id_is_null(&r->type_definition.node_id));
        (void)read_value(by, &r->node_id.node_id);
        count += 1 + crawl(by, &r->node_id.node_id);
    }
    return count;
}

static void every_part_can_be_reached_and_read(void **state)
{
    (void)state;
    assert_int_equal(crawl(&here.admin, &here.olga.id), PARTS);
}

static const kw_read_value_id *attributes_of(const kw_node_id *node)
{
    static kw_read_value_id all[27];
    for (uint32_t i = 0; i < 27; i++) {
        all[i] = (kw_read_value_id){.node_id = *node, .attribute_id = i + 1};
    }
    return all;
}

static void attributes_are_those_of_the_declaration(void **state)
{
    (void)state;
    const kw_node_id *activity = child_of(&here.admin, &here.olga.id, "SessionDiagnostics");
    kw_read_request request = {.timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_NEITHER,
                               .nodes_to_read = (kw_read_value_id *)attributes_of(activity),
                               .nodes_to_read_count = 27};
    const void *answer = NULL;
    assert_status(kw_test_call(here.client, &here.admin, KW_TYPE_READ_REQUEST, &request, &answer), KW_GOOD);
    const kw_data_value *values = ((const kw_read_response *)answer)->results;
    assert_true(kw_node_id_equal(kw_variant_get(&values[0].value, KW_BUILTIN_NODE_ID), activity));
    assert_int_equal(*(const int32_t *)kw_variant_get(&values[1].value, KW_BUILTIN_INT32), KW_NODE_CLASS_VARIABLE);
    assert_int_equal(((const kw_node_id *)kw_variant_get(&values[13].value, KW_BUILTIN_NODE_ID))->id.numeric, 865);
    assert_int_equal(*(const int32_t *)kw_variant_get(&values[14].value, KW_BUILTIN_INT32), -1);
    assert_int_equal(*(const uint8_t *)kw_variant_get(&values[16].value, KW_BUILTIN_BYTE), 1); /* CurrentRead */
    assert_int_equal(*(const uint8_t *)kw_variant_get(&values[17].value, KW_BUILTIN_BYTE), 1);
    assert_int_equal(values[23].value.count, 2); /* RolePermissions: SecurityAdmin and ConfigureAdmin */
}

static void the_parts_say_what_the_structure_says(void **state)
{
    (void)state;
    const kw_node_id activity = *child_of(&here.admin, &here.olga.id, "SessionDiagnostics");
    const kw_node_id security = *child_of(&here.admin, &here.olga.id, "SessionSecurityDiagnostics");
    kw_data_value value = read_value(&here.admin, &activity);
    const kw_extension_object *object = kw_variant_get(&value.value, KW_BUILTIN_EXTENSION_OBJECT);
    const kw_session_diagnostics_data_type *whole = kw_extension_object_get(object, KW_TYPE_SESSION_DIAGNOSTICS_DATA_TYPE);
    assert_non_null(whole);
    assert_true(kw_node_id_equal(&whole->session_id, &here.olga.id));
    value = read_value(&here.admin, child_of(&here.admin, &activity, "SessionName"));
    assert_true(kw_bytes_equal(*(const kw_string *)kw_variant_get(&value.value, KW_BUILTIN_STRING), whole->session_name));
    value = read_value(&here.admin, child_of(&here.admin, &activity, "ActualSessionTimeout"));
    assert_true(*(const double *)kw_variant_get(&value.value, KW_BUILTIN_DOUBLE) == whole->actual_session_timeout);
    value = read_value(&here.admin, child_of(&here.admin, &activity, "ClientDescription"));
    object = kw_variant_get(&value.value, KW_BUILTIN_EXTENSION_OBJECT);
    const kw_application_description *client = kw_extension_object_get(object, KW_TYPE_APPLICATION_DESCRIPTION);
    assert_true(kw_bytes_equal(client->application_uri, whole->client_description.application_uri));
    assert_status(kw_test_read(here.client, &here.olga, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    value = read_value(&here.admin, child_of(&here.admin, &activity, "ReadCount"));
    object = kw_variant_get(&value.value, KW_BUILTIN_EXTENSION_OBJECT);
    const kw_service_counter_data_type *reads = kw_extension_object_get(object, KW_TYPE_SERVICE_COUNTER_DATA_TYPE);
    assert_int_equal(reads->total_count, 1);
    value = read_value(&here.admin, child_of(&here.admin, &security, "ClientUserIdOfSession"));
    assert_text(*(const kw_string *)kw_variant_get(&value.value, KW_BUILTIN_STRING), "olga");
    value = read_value(&here.admin, child_of(&here.admin, &security, "SecurityMode"));
    assert_int_equal(*(const int32_t *)kw_variant_get(&value.value, KW_BUILTIN_INT32), KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT);
    value = read_value(&here.admin, child_of(&here.admin, &here.admin.id, "CurrentRoleIds"));
    assert_true(value.value.type == KW_BUILTIN_NODE_ID && value.value.is_array && value.value.count >= 2);
}

static void cl_03_a_closed_session_takes_its_object_along(void **state)
{
    (void)state;
    bool found = false;
    const kw_node_id part = *child_of(&here.admin, &here.olga.id, "SessionDiagnostics");
    const uint32_t id = kw_test_subscribe(here.client, &here.admin);
    kw_test_watch(here.client, &here.admin, id, &part);
    assert_non_null(kw_test_next_value(here.client, &here.admin));
    assert_status(kw_test_close_session(here.client, &here.olga, true), KW_GOOD);
    assert_int_equal(objects_seen(here.client, &here.admin, &here.olga, &found), 1);
    assert_false(found);
    assert_status(kw_test_read(here.client, &here.admin, &part, NULL), KW_BAD_NODE_ID_UNKNOWN);
    assert_status(browse(&here.admin, &here.olga.id)->status_code, KW_BAD_NODE_ID_UNKNOWN);
    assert_status(kw_test_next_value(here.client, &here.admin)->status, KW_BAD_NODE_ID_UNKNOWN);
}

static void many_sessions_come_page_by_page(void **state)
{
    (void)state;
    enum { MORE = 30 };
    size_t objects = 0;
    for (int i = 0; i < MORE; i++) {
        kw_test_session session;
        assert_status(kw_test_create_session(here.client, &session), KW_GOOD);
    }
    const kw_browse_result *page = browse_with(here.client, &here.admin, &SUMMARY, 7);
    for (bool more = true; more;) {
        for (size_t i = 0; i < page->references_count; i++) {
            objects += page->references[i].node_class == KW_NODE_CLASS_OBJECT;
        }
        kw_bytes point = page->continuation_point;
        kw_browse_next_request request = {.continuation_points = &point, .continuation_points_count = 1};
        const void *answer = NULL;
        more = point.len > 0;
        if (more) {
            assert_true(page->references_count == 7);
            assert_status(kw_test_call(here.client, &here.admin, KW_TYPE_BROWSE_NEXT_REQUEST, &request, &answer), KW_GOOD);
            page = ((const kw_browse_next_response *)answer)->results;
            assert_status(page->status_code, KW_GOOD);
        }
    }
    assert_int_equal(objects, 2 + MORE);
}

/* --- who may know ------------------------------------------------------------------------------------------------------------------ */

static void a_session_without_rights_sees_its_own_object_alone(void **state)
{
    (void)state;
    bool found = false;
    assert_int_equal(objects_seen(here.client, &here.olga, &here.olga, &found), 1);
    assert_true(found);
    (void)read_value(&here.olga, child_of(&here.olga, &here.olga.id, "SessionDiagnostics"));
    const kw_node_id security = *child_of(&here.olga, &here.olga.id, "SessionSecurityDiagnostics");
    assert_status(kw_test_read(here.client, &here.olga, &security, NULL), KW_BAD_USER_ACCESS_DENIED);
    const kw_node_id part = *child_of(&here.admin, &here.admin.id, "SessionDiagnostics");
    assert_status(kw_test_read(here.client, &here.olga, &part, NULL), KW_BAD_NODE_ID_UNKNOWN);
    assert_status(browse(&here.olga, &here.admin.id)->status_code, KW_BAD_NODE_ID_UNKNOWN);
}

static void configure_admin_sees_what_they_do_but_not_who_they_are(void **state)
{
    (void)state;
    bool found = false;
    const kw_test_session carla = kw_test_open_as(here.client, "carla", PASSWORD);
    assert_int_equal(objects_seen(here.client, &carla, &here.olga, &found), 3);
    assert_true(found);
    (void)read_value(&carla, child_of(&carla, &here.olga.id, "SessionDiagnostics"));
    const kw_node_id security = *child_of(&here.admin, &here.olga.id, "SessionSecurityDiagnostics");
    assert_status(kw_test_read(here.client, &carla, &security, NULL), KW_BAD_NODE_ID_UNKNOWN);
}

static void a_channel_that_is_only_signed_is_not_good_enough(void **state)
{
    (void)state;
    bool found = false;
    kw_test_client *client = kw_test_client_new(here.world, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    const kw_test_session sam = kw_test_open_as(client, "sam", PASSWORD);
    const kw_node_id own = *child_of(&here.admin, &sam.id, "SessionSecurityDiagnostics");
    assert_int_equal(objects_seen(client, &sam, &sam, &found), 1);
    assert_true(found);
    assert_status(kw_test_read(client, &sam, &own, NULL), KW_BAD_SECURITY_MODE_INSUFFICIENT);
}

/* Nothing can be written, added or removed there. */
static void nothing_there_can_be_changed(void **state)
{
    (void)state;
    kw_space *space = kw_server_space(here.world->server);
    const kw_node_id part = *child_of(&here.admin, &here.olga.id, "CurrentRoleIds");
    const kw_variant value = kw_variant_array(KW_BUILTIN_NODE_ID, NULL, 0);
    assert_status(kw_space_set_value(space, &part, &value), KW_BAD_NODE_ID_UNKNOWN);
    assert_status(kw_space_remove(space, &part), KW_BAD_NODE_ID_UNKNOWN);
    const kw_node_spec spec = {.id = KW_NODE_ID_TEXT(1, "child"), .parent = here.olga.id, .browse_name = {1, KW_STRING("child")}};
    assert_status(kw_space_add_object(space, &spec), KW_BAD_PARENT_NODE_ID_INVALID);
}

/* --- Subscriptions ------------------------------------------------------------------------------------------------------------------ */

static const kw_subscription_diagnostics_data_type *only_subscription(const kw_data_value *array)
{
    assert_int_equal(array->value.count, 1);
    return kw_extension_object_get(array->value.data, KW_TYPE_SUBSCRIPTION_DIAGNOSTICS_DATA_TYPE);
}

static void subscriptions_are_told_to_their_session_and_to_administrators(void **state)
{
    (void)state;
    const uint32_t id = kw_test_subscribe(here.client, &here.olga);
    kw_test_watch(here.client, &here.olga, id, &KW_TEST_PUBLIC);
    assert_non_null(kw_test_next_value(here.client, &here.olga));
    kw_data_value value = read_value(&here.admin, &SUBSCRIPTIONS);
    const kw_subscription_diagnostics_data_type *d = only_subscription(&value);
    assert_non_null(d);
    assert_true(kw_node_id_equal(&d->session_id, &here.olga.id));
    assert_int_equal(d->subscription_id, id);
    assert_true(d->publishing_enabled && d->publishing_interval == KW_TEST_INTERVAL);
    assert_int_equal(d->monitored_item_count, 1);
    assert_int_equal(d->data_change_notifications_count, 1);
    assert_int_equal(d->notifications_count, 1);
    assert_int_equal(d->publish_request_count, 1);
    assert_int_equal(d->next_sequence_number, 2);
    assert_int_equal(d->unacknowledged_message_count, 1);
    value = read_value(&here.olga, &SUBSCRIPTIONS);
    assert_int_equal(only_subscription(&value)->subscription_id, id);
    const kw_test_session nobody = kw_test_open(here.client);
    value = read_value(&nobody, &SUBSCRIPTIONS);
    assert_int_equal(value.value.count, 0);
    value = read_value(&here.admin, child_of(&here.admin, &here.olga.id, "SubscriptionDiagnosticsArray"));
    assert_int_equal(only_subscription(&value)->subscription_id, id);
    value = read_value(&here.admin, child_of(&here.admin, &here.admin.id, "SubscriptionDiagnosticsArray"));
    assert_int_equal(value.value.count, 0);
}

static void what_happens_to_a_subscription_is_counted(void **state)
{
    (void)state;
    const uint32_t id = kw_test_subscribe(here.client, &here.olga);
    uint32_t same = id;
    const kw_notification_message *message = NULL;
    kw_set_publishing_mode_request mode = {.publishing_enabled = false, .subscription_ids = &same, .subscription_ids_count = 1};
    kw_modify_subscription_request modify = {.subscription_id = id, .requested_publishing_interval = KW_TEST_INTERVAL};
    assert_status(kw_test_call(here.client, &here.olga, KW_TYPE_SET_PUBLISHING_MODE_REQUEST, &mode, NULL), KW_GOOD);
    mode.publishing_enabled = true;
    assert_status(kw_test_call(here.client, &here.olga, KW_TYPE_SET_PUBLISHING_MODE_REQUEST, &mode, NULL), KW_GOOD);
    assert_status(kw_test_call(here.client, &here.olga, KW_TYPE_MODIFY_SUBSCRIPTION_REQUEST, &modify, NULL), KW_GOOD);
    assert_status(kw_test_republish(here.client, &here.olga, id, 99, &message), KW_BAD_MESSAGE_NOT_AVAILABLE);
    const kw_test_session again = kw_test_open_as(here.client, "olga", PASSWORD);
    assert_status(kw_test_transfer(here.client, &again, id, false, NULL), KW_GOOD);
    const kw_data_value value = read_value(&here.admin, &SUBSCRIPTIONS);
    const kw_subscription_diagnostics_data_type *d = only_subscription(&value);
    assert_int_equal(d->disable_count, 1);
    assert_int_equal(d->enable_count, 1);
    assert_int_equal(d->modify_count, 1);
    assert_int_equal(d->republish_request_count, 1);
    assert_int_equal(d->republish_message_count, 0);
    assert_int_equal(d->transfer_request_count, 1);
    assert_int_equal(d->transferred_to_same_client_count, 1);
    assert_int_equal(d->transferred_to_alt_client_count, 0);
}

static void a_subscription_that_waits_is_of_no_session(void **state)
{
    (void)state;
    const uint32_t id = kw_test_subscribe(here.client, &here.olga);
    assert_status(kw_test_close_session(here.client, &here.olga, false), KW_GOOD);
    const kw_data_value value = read_value(&here.admin, &SUBSCRIPTIONS);
    assert_int_equal(only_subscription(&value)->subscription_id, id);
    assert_true(kw_node_id_is_null(&only_subscription(&value)->session_id));
}

static void sampling_intervals_in_use_are_told(void **state)
{
    (void)state;
    const uint32_t id = kw_test_subscribe(here.client, &here.olga);
    kw_test_watch(here.client, &here.olga, id, &KW_TEST_PUBLIC);
    kw_test_watch(here.client, &here.olga, id, &KW_TEST_PUBLIC);
    const kw_data_value value = read_value(&here.olga, &SAMPLING);
    assert_int_equal(value.value.count, 1);
    const kw_sampling_interval_diagnostics_data_type *d =
        kw_extension_object_get(value.value.data, KW_TYPE_SAMPLING_INTERVAL_DIAGNOSTICS_DATA_TYPE);
    assert_true(d->sampling_interval == KW_TEST_INTERVAL);
    assert_int_equal(d->monitored_item_count, 2);
    assert_int_equal(d->max_monitored_item_count, 2);
}

/* --- the switch ------------------------------------------------------------------------------------------------------------------------ */

static kw_status turn(kw_test_client *client, const kw_test_session *by, bool on)
{
    kw_write_value what = {
        .node_id = ENABLED, .attribute_id = 13, .value = {.has_value = true, .value = kw_variant_scalar(KW_BUILTIN_BOOLEAN, &on)}};
    kw_write_request request = {.nodes_to_write = &what, .nodes_to_write_count = 1};
    const void *answer = NULL;
    assert_status(kw_test_call(client, by, KW_TYPE_WRITE_REQUEST, &request, &answer), KW_GOOD);
    return ((const kw_write_response *)answer)->results[0];
}

static bool is_on(void)
{
    const kw_data_value value = read_value(&here.olga, &ENABLED);
    return *(const bool *)kw_variant_get(&value.value, KW_BUILTIN_BOOLEAN);
}

static void switched_off_nothing_is_told(void **state)
{
    (void)state;
    static const uint32_t STATIC[] = {2275, 2277, 2289, 2290, 3707, 3708};
    bool found = false;
    assert_true(is_on());
    assert_status(turn(here.client, &here.admin, false), KW_GOOD);
    assert_false(is_on());
    for (size_t i = 0; i < sizeof(STATIC) / sizeof(STATIC[0]); i++) {
        assert_status(kw_test_read(here.client, &here.admin, &KW_NODE_ID(0, STATIC[i]), NULL), KW_BAD_NOT_READABLE);
    }
    assert_int_equal(objects_seen(here.client, &here.admin, &here.olga, &found), 0);
    assert_status(browse(&here.admin, &here.olga.id)->status_code, KW_BAD_NODE_ID_UNKNOWN);
    assert_status(turn(here.client, &here.admin, true), KW_GOOD);
    assert_int_equal(objects_seen(here.client, &here.admin, &here.olga, &found), 2);
}

static void switching_on_counts_anew(void **state)
{
    (void)state;
    const kw_node_id rejected = KW_NODE_ID(0, 3705), reads = *child_of(&here.admin, &here.olga.id, "SessionDiagnostics");
    kw_test_session refused;
    assert_status(kw_test_create_session(here.client, &refused), KW_GOOD);
    assert_status(kw_test_activate(here.client, &refused, kw_test_user_name(here.client, &refused, "olga", "wrong")),
                  KW_BAD_USER_ACCESS_DENIED);
    kw_data_value value = read_value(&here.olga, &rejected);
    assert_int_equal(*(const uint32_t *)kw_variant_get(&value.value, KW_BUILTIN_UINT32), 1);
    assert_status(turn(here.client, &here.admin, true), KW_GOOD);
    value = read_value(&here.admin, &rejected);
    assert_int_equal(*(const uint32_t *)kw_variant_get(&value.value, KW_BUILTIN_UINT32), 0);
    value = read_value(&here.admin, &reads);
    const kw_extension_object *object = kw_variant_get(&value.value, KW_BUILTIN_EXTENSION_OBJECT);
    assert_int_equal(((const kw_session_diagnostics_data_type *)object->value)->read_count.total_count, 0);
}

static void only_administrators_on_an_encrypted_channel_turn_it(void **state)
{
    (void)state;
    kw_test_client *client = kw_test_client_new(here.world, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    const kw_test_session sam = kw_test_open_as(client, "sam", PASSWORD);
    assert_status(turn(here.client, &here.olga, false), KW_BAD_USER_ACCESS_DENIED);
    assert_status(turn(client, &sam, false), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_true(is_on());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_session_has_an_object_that_is_called_as_it_is),
        TEST(every_part_can_be_reached_and_read),
        TEST(attributes_are_those_of_the_declaration),
        TEST(the_parts_say_what_the_structure_says),
        TEST(cl_03_a_closed_session_takes_its_object_along),
        TEST(many_sessions_come_page_by_page),
        TEST(a_session_without_rights_sees_its_own_object_alone),
        TEST(configure_admin_sees_what_they_do_but_not_who_they_are),
        TEST(a_channel_that_is_only_signed_is_not_good_enough),
        TEST(nothing_there_can_be_changed),
        TEST(subscriptions_are_told_to_their_session_and_to_administrators),
        TEST(what_happens_to_a_subscription_is_counted),
        TEST(a_subscription_that_waits_is_of_no_session),
        TEST(sampling_intervals_in_use_are_told),
        TEST(switched_off_nothing_is_told),
        TEST(switching_on_counts_anew),
        TEST(only_administrators_on_an_encrypted_channel_turn_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
