/* Read, Write, Browse, TranslateBrowsePathsToNodeIds, RegisterNodes and Query: what they refuse, and how. OPC 10000-4, 5.9 … 5.11. */
#include "space/node.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#define ROLE_ANONYMOUS 15644u
#define ROLE_OPERATOR 15680u
#define VALUE 13u
#define LOOK (KW_PERMISSION_BROWSE | KW_PERMISSION_READ)

static const kw_node_id BOX = {.ns = 1, .id.numeric = 100}, LEVEL = {.ns = 1, .id.numeric = 101},
                        OBJECTS = {.id.numeric = KW_ID_OBJECTS_FOLDER};

typedef struct scene {
    kw_test_world *world;
    kw_space *space;
    kw_test_client *client;
    kw_test_session engineer, visitor;
} scene;

static scene here;

static int setup(void **state)
{
    static const uint32_t THREE[] = {1, 2, 3};
    const kw_node_permission rows[] = {{0, ROLE_OPERATOR, LOOK | KW_PERMISSION_WRITE | KW_PERMISSION_WRITE_ATTRIBUTE},
                                       {0, ROLE_ANONYMOUS, LOOK}};
    const kw_node_spec box = {.id = BOX,
                              .parent = OBJECTS,
                              .browse_name = {1, KW_STRING("Box")},
                              .write_mask = 1u << 6, /* DisplayName */
                              .permissions = rows,
                              .permission_count = 2};
    const kw_node_spec level = {.id = LEVEL,
                                .parent = BOX,
                                .browse_name = {1, KW_STRING("Level")},
                                .data_type = KW_NODE_ID(0, KW_BUILTIN_UINT32),
                                .value_rank = 1,
                                .has_access_level = true,
                                .access_level = 0x63, /* CurrentRead, CurrentWrite, StatusWrite, TimestampWrite */
                                .value = kw_variant_array(KW_BUILTIN_UINT32, THREE, 3)};
    (void)state;
    here.world = kw_test_world_with_user(NULL);
    here.space = kw_server_space(here.world->server);
    assert_status(kw_space_add_object(here.space, &box), KW_GOOD);
    assert_status(kw_space_add_variable(here.space, &level), KW_GOOD);
    here.client = kw_test_client_new(here.world, NULL);
    here.engineer = kw_test_open_as(here.client, KW_TEST_USER, KW_TEST_PASSWORD);
    here.visitor = kw_test_open(here.client);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_test_world_free(here.world);
    return 0;
}

/* --- Read -------------------------------------------------------------------------------------------------------------------------------- */

static kw_status read_with(kw_read_request request, kw_data_value *out)
{
    const kw_read_response *response = NULL;
    const kw_status status = kw_test_call(here.client, &here.visitor, KW_TYPE_READ_REQUEST, &request, (const void **)&response);
    if (kw_status_is_bad(status)) {
        return status;
    }
    *out = response->results[0];
    return out->has_status ? out->status : KW_GOOD;
}

static void a_read_is_refused_as_the_standard_says(void **state)
{
    kw_read_value_id what = {.node_id = LEVEL, .attribute_id = VALUE};
    kw_data_value out = {.has_value = false};
    (void)state;
    assert_status(read_with((kw_read_request){.nodes_to_read = &what}, &out), KW_BAD_NOTHING_TO_DO);
    kw_read_request request = {.nodes_to_read = &what, .nodes_to_read_count = 1};
    request.max_age = -1;
    assert_status(read_with(request, &out), KW_BAD_MAX_AGE_INVALID);
    request.max_age = 0;
    request.timestamps_to_return = 4;
    assert_status(read_with(request, &out), KW_BAD_TIMESTAMPS_TO_RETURN_INVALID);
    request.timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_NEITHER;
    what.index_range = KW_STRING("1:2");
    assert_status(read_with(request, &out), KW_GOOD);
    assert_int_equal(out.value.count, 2);
    assert_false(out.has_server_timestamp || out.has_source_timestamp);
    what.index_range = KW_STRING("2:1");
    assert_status(read_with(request, &out), KW_BAD_INDEX_RANGE_INVALID);
    what.index_range = KW_STRING("7");
    assert_status(read_with(request, &out), KW_BAD_INDEX_RANGE_NO_DATA);
    what.index_range = KW_BYTES_NULL;
    what.data_encoding = (kw_qualified_name){0, KW_STRING("Default XML")};
    assert_status(read_with(request, &out), KW_BAD_DATA_ENCODING_UNSUPPORTED);
    what.data_encoding.name = KW_STRING("Default Morse");
    assert_status(read_with(request, &out), KW_BAD_DATA_ENCODING_INVALID);
    what.data_encoding.name = KW_BYTES_NULL;
    what.attribute_id = 12; /* EventNotifier: not of Variables */
    assert_status(read_with(request, &out), KW_BAD_ATTRIBUTE_ID_INVALID);
    what.node_id = KW_NODE_ID(1, 9999);
    assert_status(read_with(request, &out), KW_BAD_NODE_ID_UNKNOWN);
}

/* --- Write ------------------------------------------------------------------------------------------------------------------------------- */

static kw_status write_as(const kw_test_session *session, const kw_node_id *node, uint32_t attribute, kw_data_value value)
{
    kw_write_value what = {.node_id = *node, .attribute_id = attribute, .value = value};
    kw_write_request request = {.nodes_to_write = &what, .nodes_to_write_count = 1};
    const kw_write_response *response = NULL;
    const kw_status status = kw_test_call(here.client, session, KW_TYPE_WRITE_REQUEST, &request, (const void **)&response);
    return kw_status_is_bad(status) ? status : response->results[0];
}

static kw_data_value text_value(const kw_localized_text *text)
{
    return (kw_data_value){.has_value = true, .value = kw_variant_scalar(KW_BUILTIN_LOCALIZED_TEXT, text)};
}

static void status_and_source_timestamp_are_written_where_the_access_level_says_so(void **state)
{
    const uint32_t numbers[] = {9};
    const kw_node_id plain = KW_NODE_ID(1, 102);
    const kw_node_spec spec = {.id = plain,
                               .parent = BOX,
                               .browse_name = {1, KW_STRING("Plain")},
                               .data_type = KW_NODE_ID(0, KW_BUILTIN_UINT32),
                               .value_rank = 1,
                               .writable = true};
    const kw_date_time then = here.world->clock->utc - 10000000;
    kw_data_value value = {.has_value = true,
                           .value = kw_variant_array(KW_BUILTIN_UINT32, numbers, 1),
                           .has_status = true,
                           .status = KW_BAD_SENSOR_FAILURE,
                           .has_source_timestamp = true,
                           .source_timestamp = then};
    kw_read_value_id what = {.node_id = LEVEL, .attribute_id = VALUE};
    kw_data_value out = {.has_value = false};
    (void)state;
    assert_status(kw_space_add_variable(here.space, &spec), KW_GOOD);
    assert_status(write_as(&here.engineer, &LEVEL, VALUE, value), KW_GOOD);
    const kw_read_request both = {.nodes_to_read = &what, .nodes_to_read_count = 1, .timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_BOTH};
    assert_status(read_with(both, &out), KW_BAD_SENSOR_FAILURE);
    assert_true(out.has_source_timestamp && out.source_timestamp == then);
    assert_true(out.has_server_timestamp && out.server_timestamp > then);
    assert_status(write_as(&here.engineer, &plain, VALUE, value), KW_BAD_WRITE_NOT_SUPPORTED);
    value.has_status = false;
    assert_status(write_as(&here.engineer, &plain, VALUE, value), KW_BAD_WRITE_NOT_SUPPORTED);
    value.has_source_timestamp = false;
    assert_status(write_as(&here.engineer, &plain, VALUE, value), KW_GOOD);
    value.has_server_timestamp = true; /* that is the Server's own to say */
    assert_status(write_as(&here.engineer, &LEVEL, VALUE, value), KW_BAD_WRITE_NOT_SUPPORTED);
    value.has_server_timestamp = false;
    assert_status(write_as(&here.engineer, &LEVEL, VALUE, value), KW_GOOD);
    assert_status(read_with(both, &out), KW_GOOD); /* nothing of the former status stays */
}

static void texts_are_written_under_the_write_mask(void **state)
{
    const kw_localized_text tank = {KW_STRING("en"), KW_STRING("The tank")};
    kw_read_value_id what = {.node_id = BOX, .attribute_id = 4};
    const kw_read_request request = {.nodes_to_read = &what, .nodes_to_read_count = 1};
    const uint32_t number = 4;
    kw_data_value out = {.has_value = false};
    (void)state;
    assert_status(write_as(&here.visitor, &BOX, 4, text_value(&tank)), KW_BAD_USER_ACCESS_DENIED);
    assert_status(
        write_as(&here.engineer, &BOX, 4, (kw_data_value){.has_value = true, .value = kw_variant_scalar(KW_BUILTIN_UINT32, &number)}),
        KW_BAD_TYPE_MISMATCH);
    assert_status(write_as(&here.engineer, &BOX, 4, text_value(&tank)), KW_GOOD);
    assert_status(write_as(&here.engineer, &BOX, 4, text_value(&tank)), KW_GOOD);
    assert_status(read_with(request, &out), KW_GOOD);
    assert_text(((const kw_localized_text *)kw_variant_get(&out.value, KW_BUILTIN_LOCALIZED_TEXT))->text, "The tank");
    assert_status(write_as(&here.engineer, &BOX, 5, text_value(&tank)), KW_BAD_NOT_WRITABLE); /* Description: not in the mask */
    assert_status(write_as(&here.engineer, &BOX, 3, text_value(&tank)), KW_BAD_NOT_WRITABLE); /* BrowseName: never */
    assert_status(write_as(&here.engineer, &BOX, VALUE, text_value(&tank)), KW_BAD_ATTRIBUTE_ID_INVALID);
    what.attribute_id = 6;
    assert_status(read_with(request, &out), KW_GOOD);
    assert_int_equal(*(const uint32_t *)kw_variant_get(&out.value, KW_BUILTIN_UINT32) & 0xFFFFu, 1u << 6);
}

/* --- Browse -------------------------------------------------------------------------------------------------------------------------------- */

static const kw_browse_result *browse_with(kw_browse_description what)
{
    kw_browse_request request = {.nodes_to_browse = &what, .nodes_to_browse_count = 1};
    const kw_browse_response *response = NULL;
    assert_status(kw_test_call(here.client, &here.visitor, KW_TYPE_BROWSE_REQUEST, &request, (const void **)&response), KW_GOOD);
    return &response->results[0];
}

static void browse_shows_references_to_other_servers(void **state)
{
    const kw_node_id organizes = KW_NODE_ID(0, KW_ID_ORGANIZES);
    const kw_expanded_node_id far = {.node_id = KW_NODE_ID(2, 7), .server_index = 3},
                              foreign = {.node_id = KW_NODE_ID(0, 8), .namespace_uri = KW_STRING("urn:nobody:knows")};
    kw_browse_description what = {
        .node_id = BOX, .browse_direction = KW_BROWSE_DIRECTION_FORWARD, .reference_type_id = organizes, .result_mask = 63};
    (void)state;
    assert_status(kw_space_add_remote_reference(here.space, &BOX, &organizes, true, &far), KW_GOOD);
    assert_status(kw_space_add_remote_reference(here.space, &BOX, &organizes, true, &foreign), KW_GOOD);
    const kw_browse_result *result = browse_with(what);
    assert_int_equal(result->references_count, 2);
    assert_int_equal(result->references[0].node_id.server_index, 3);
    assert_true(kw_node_id_equal(&result->references[0].node_id.node_id, &far.node_id));
    assert_true(result->references[0].is_forward && kw_node_id_equal(&result->references[0].reference_type_id, &organizes));
    assert_int_equal(result->references[0].node_class, KW_NODE_CLASS_UNSPECIFIED);
    assert_text(result->references[1].node_id.namespace_uri, "urn:nobody:knows");
    what.node_class_mask = KW_NODE_CLASS_OBJECT; /* of which class they are nobody here can say */
    assert_int_equal(browse_with(what)->references_count, 0);
    what.node_class_mask = 0;
    what.browse_direction = KW_BROWSE_DIRECTION_INVERSE;
    assert_int_equal(browse_with(what)->references_count, 0);
}

static void a_browse_is_refused_as_the_standard_says(void **state)
{
    kw_browse_description what = {.node_id = BOX, .browse_direction = KW_BROWSE_DIRECTION_BOTH};
    kw_browse_request request = {.nodes_to_browse = &what};
    kw_browse_next_request next = {.continuation_points_count = 0};
    (void)state;
    assert_status(kw_test_call(here.client, &here.visitor, KW_TYPE_BROWSE_REQUEST, &request, NULL), KW_BAD_NOTHING_TO_DO);
    assert_status(kw_test_call(here.client, &here.visitor, KW_TYPE_BROWSE_NEXT_REQUEST, &next, NULL), KW_BAD_NOTHING_TO_DO);
    request.nodes_to_browse_count = 1;
    request.view.view_id = KW_NODE_ID(1, 9999);
    assert_status(kw_test_call(here.client, &here.visitor, KW_TYPE_BROWSE_REQUEST, &request, NULL), KW_BAD_VIEW_ID_UNKNOWN);
    what.browse_direction = 3;
    assert_status(browse_with(what)->status_code, KW_BAD_BROWSE_DIRECTION_INVALID);
    what.browse_direction = KW_BROWSE_DIRECTION_BOTH;
    what.reference_type_id = BOX;
    assert_status(browse_with(what)->status_code, KW_BAD_REFERENCE_TYPE_ID_INVALID);
    what.node_id = KW_NODE_ID(1, 9999);
    assert_status(browse_with(what)->status_code, KW_BAD_NODE_ID_UNKNOWN);
}

/* --- TranslateBrowsePathsToNodeIds ------------------------------------------------------------------------------------------------------------ */

static const kw_browse_path_result *translate(const kw_node_id *start, kw_relative_path_element *elements, size_t count)
{
    kw_browse_path path = {.starting_node = *start, .relative_path = {.elements = elements, .elements_count = count}};
    kw_translate_browse_paths_to_node_ids_request request = {.browse_paths = &path, .browse_paths_count = 1};
    const kw_translate_browse_paths_to_node_ids_response *response = NULL;
    assert_status(
        kw_test_call(here.client, &here.visitor, KW_TYPE_TRANSLATE_BROWSE_PATHS_TO_NODE_IDS_REQUEST, &request, (const void **)&response),
        KW_GOOD);
    return &response->results[0];
}

static void paths_lead_to_nodes_or_say_why_not(void **state)
{
    kw_relative_path_element path[] = {
        {.reference_type_id = KW_NODE_ID(0, KW_ID_HIERARCHICAL_REFERENCES), .include_subtypes = true, .target_name = {1, KW_STRING("Box")}},
        {.reference_type_id = KW_NODE_ID(0, KW_ID_HAS_COMPONENT), .target_name = {1, KW_STRING("Level")}}};
    (void)state;
    const kw_browse_path_result *result = translate(&OBJECTS, path, 2);
    assert_status(result->status_code, KW_GOOD);
    assert_int_equal(result->targets_count, 1);
    assert_true(kw_node_id_equal(&result->targets[0].target_id.node_id, &LEVEL));
    assert_int_equal(result->targets[0].remaining_path_index, UINT32_MAX);
    path[1].target_name.name = KW_BYTES_NULL; /* all of them, in the last element alone */
    result = translate(&OBJECTS, path, 2);
    assert_status(result->status_code, KW_GOOD);
    assert_int_equal(result->targets_count, 1);
    path[0].target_name.name = KW_BYTES_NULL;
    assert_status(translate(&OBJECTS, path, 2)->status_code, KW_BAD_BROWSE_NAME_INVALID);
    path[0].target_name.name = KW_STRING("Bag");
    assert_status(translate(&OBJECTS, path, 1)->status_code, KW_BAD_NO_MATCH);
    assert_status(translate(&OBJECTS, path, 0)->status_code, KW_BAD_NOTHING_TO_DO);
    assert_status(translate(&KW_NODE_ID(1, 9999), path, 1)->status_code, KW_BAD_NODE_ID_UNKNOWN);
}

/* --- RegisterNodes, Query ----------------------------------------------------------------------------------------------------------------------- */

static void registered_nodes_are_used_as_before(void **state)
{
    kw_node_id nodes[] = {LEVEL};
    kw_register_nodes_request request = {.nodes_to_register = nodes, .nodes_to_register_count = 1};
    kw_unregister_nodes_request unregister = {.nodes_to_unregister = nodes, .nodes_to_unregister_count = 1};
    const kw_register_nodes_response *response = NULL;
    (void)state;
    assert_status(kw_test_call(here.client, &here.visitor, KW_TYPE_REGISTER_NODES_REQUEST, &request, (const void **)&response), KW_GOOD);
    assert_int_equal(response->registered_node_ids_count, 1);
    assert_status(kw_test_read(here.client, &here.visitor, &response->registered_node_ids[0], NULL), KW_GOOD);
    assert_status(kw_test_call(here.client, &here.visitor, KW_TYPE_UNREGISTER_NODES_REQUEST, &unregister, NULL), KW_GOOD);
    request.nodes_to_register_count = 0;
    unregister.nodes_to_unregister_count = 0;
    assert_status(kw_test_call(here.client, &here.visitor, KW_TYPE_REGISTER_NODES_REQUEST, &request, NULL), KW_BAD_NOTHING_TO_DO);
    assert_status(kw_test_call(here.client, &here.visitor, KW_TYPE_UNREGISTER_NODES_REQUEST, &unregister, NULL), KW_BAD_NOTHING_TO_DO);
}

static void there_is_no_query(void **state)
{
    kw_query_first_request first = {.max_data_sets_to_return = 1};
    kw_query_next_request next = {.release_continuation_point = true};
    (void)state;
    assert_status(kw_test_call(here.client, &here.visitor, KW_TYPE_QUERY_FIRST_REQUEST, &first, NULL), KW_BAD_SERVICE_UNSUPPORTED);
    assert_status(kw_test_call(here.client, &here.visitor, KW_TYPE_QUERY_NEXT_REQUEST, &next, NULL), KW_BAD_SERVICE_UNSUPPORTED);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_read_is_refused_as_the_standard_says),   TEST(status_and_source_timestamp_are_written_where_the_access_level_says_so),
        TEST(texts_are_written_under_the_write_mask),   TEST(browse_shows_references_to_other_servers),
        TEST(a_browse_is_refused_as_the_standard_says), TEST(paths_lead_to_nodes_or_say_why_not),
        TEST(registered_nodes_are_used_as_before),      TEST(there_is_no_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
