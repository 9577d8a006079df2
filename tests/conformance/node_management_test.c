/* AddNodes, AddReferences, DeleteNodes, DeleteReferences. OPC 10000-4, 5.8. */
#include "space/node.h"
#include "space/rights.h"
#include "support/kw_test_events.h"
#include "support/kw_test_subscription.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#define ROLE_ANONYMOUS 15644u
#define ROLE_OPERATOR 15680u
#define PASSWORD "a password"
#define LOOK (KW_PERMISSION_BROWSE | KW_PERMISSION_READ)
#define BUILD (LOOK | KW_PERMISSION_ADD_NODE | KW_PERMISSION_DELETE_NODE | KW_PERMISSION_ADD_REFERENCE | KW_PERMISSION_REMOVE_REFERENCE)

static const kw_node_id PLANT = KW_NODE_ID(1, 100), HIDDEN = KW_NODE_ID(1, 101), PUMP = KW_NODE_ID(1, 200), OTHER = KW_NODE_ID(1, 201);

typedef struct scene {
    kw_test_world *world;
    kw_space *space;
    kw_test_client *client;
    kw_test_session builder, visitor;
} scene;

static scene here;

static void add_root(const kw_node_id *id, const char *name, uint32_t anonymous)
{
    const kw_node_permission rows[] = {{0, ROLE_OPERATOR, BUILD}, {0, ROLE_ANONYMOUS, anonymous}};
    const kw_node_spec spec = {.id = *id,
                               .parent = KW_NODE_ID(0, KW_ID_OBJECTS_FOLDER),
                               .browse_name = {1, kw_string_from(name)},
                               .permissions = rows,
                               .permission_count = anonymous != 0 ? 2 : 1};
    assert_status(kw_space_add_object(here.space, &spec), KW_GOOD);
}

static int setup(void **state)
{
    (void)state;
    here = (scene){.world = kw_test_world_new(NULL)};
    here.space = kw_server_space(here.world->server);
    kw_test_world_add_user(here.world, "sabine", PASSWORD, 0);
    kw_test_world_add_user(here.world, "petra", PASSWORD, 0);
    kw_test_world_grant(here.world, "Operator", KW_CRITERIA_USER_NAME, "sabine");
    add_root(&PLANT, "Plant", LOOK);
    add_root(&HIDDEN, "Hidden", 0);
    here.client = kw_test_client_new(here.world, NULL);
    here.builder = kw_test_open_as(here.client, "sabine", PASSWORD);
    here.visitor = kw_test_open_as(here.client, "petra", PASSWORD);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_test_world_free(here.world);
    return 0;
}

/* --- the four services ------------------------------------------------------------------------------------------------------------ */

static kw_add_nodes_item item_of(kw_node_class node_class, const char *name)
{
    kw_add_nodes_item item = {.parent_node_id = {.node_id = PLANT},
                              .reference_type_id = KW_NODE_ID(0, KW_ID_HAS_COMPONENT),
                              .browse_name = {1, kw_string_from(name)},
                              .node_class = node_class};
    if (node_class == KW_NODE_CLASS_OBJECT) {
        item.type_definition.node_id = KW_NODE_ID(0, KW_ID_BASE_OBJECT_TYPE);
    } else if (node_class == KW_NODE_CLASS_VARIABLE) {
        item.type_definition.node_id = KW_NODE_ID(0, KW_ID_BASE_DATA_VARIABLE_TYPE);
    }
    return item;
}

static kw_add_nodes_item object_of(const kw_node_id *id, const char *name)
{
    kw_add_nodes_item item = item_of(KW_NODE_CLASS_OBJECT, name);
    item.requested_new_node_id.node_id = *id;
    return item;
}

static kw_status add_as(const kw_test_session *session, kw_add_nodes_item item, kw_node_id *added)
{
    kw_add_nodes_request request = {.nodes_to_add = &item, .nodes_to_add_count = 1};
    const kw_add_nodes_response *response = NULL;
    const kw_status status = kw_test_call(here.client, session, KW_TYPE_ADD_NODES_REQUEST, &request, (const void **)&response);
    if (kw_status_is_bad(status)) {
        return status;
    }
    assert_int_equal(response->results_count, 1);
    if (added != NULL) {
        *added = response->results[0].added_node_id;
    }
    return response->results[0].status_code;
}

static kw_status add(kw_add_nodes_item item)
{
    return add_as(&here.builder, item, NULL);
}

static kw_add_references_item link_of(const kw_node_id *source, uint32_t type, const kw_node_id *target)
{
    return (kw_add_references_item){.source_node_id = *source,
                                    .reference_type_id = KW_NODE_ID(0, type),
                                    .is_forward = true,
                                    .target_node_id = {.node_id = *target},
                                    .target_node_class = KW_NODE_CLASS_OBJECT};
}

static kw_status join_as(const kw_test_session *session, kw_add_references_item item)
{
    kw_add_references_request request = {.references_to_add = &item, .references_to_add_count = 1};
    const kw_add_references_response *response = NULL;
    const kw_status status = kw_test_call(here.client, session, KW_TYPE_ADD_REFERENCES_REQUEST, &request, (const void **)&response);
    return kw_status_is_bad(status) ? status : response->results[0];
}

static kw_status join(kw_add_references_item item)
{
    return join_as(&here.builder, item);
}

static kw_status remove_as(const kw_test_session *session, const kw_node_id *id, bool target_references)
{
    kw_delete_nodes_item item = {*id, target_references};
    kw_delete_nodes_request request = {.nodes_to_delete = &item, .nodes_to_delete_count = 1};
    const kw_delete_nodes_response *response = NULL;
    const kw_status status = kw_test_call(here.client, session, KW_TYPE_DELETE_NODES_REQUEST, &request, (const void **)&response);
    return kw_status_is_bad(status) ? status : response->results[0];
}

static kw_delete_references_item cut_of(const kw_node_id *source, uint32_t type, const kw_node_id *target)
{
    return (kw_delete_references_item){.source_node_id = *source,
                                       .reference_type_id = KW_NODE_ID(0, type),
                                       .is_forward = true,
                                       .target_node_id = {.node_id = *target},
                                       .delete_bidirectional = true};
}

static kw_status cut_as(const kw_test_session *session, kw_delete_references_item item)
{
    kw_delete_references_request request = {.references_to_delete = &item, .references_to_delete_count = 1};
    const kw_delete_references_response *response = NULL;
    const kw_status status = kw_test_call(here.client, session, KW_TYPE_DELETE_REFERENCES_REQUEST, &request, (const void **)&response);
    return kw_status_is_bad(status) ? status : response->results[0];
}

static kw_status cut(kw_delete_references_item item)
{
    return cut_as(&here.builder, item);
}

/* Browse, all that it shows; `max` 0: no limit. */
static const kw_browse_result *browse(const kw_node_id *node, kw_browse_direction direction, uint32_t max)
{
    kw_browse_description what = {.node_id = *node, .browse_direction = direction, .result_mask = 63};
    kw_browse_request request = {.requested_max_references_per_node = max, .nodes_to_browse = &what, .nodes_to_browse_count = 1};
    const kw_browse_response *response = NULL;
    assert_status(kw_test_call(here.client, &here.builder, KW_TYPE_BROWSE_REQUEST, &request, (const void **)&response), KW_GOOD);
    return &response->results[0];
}

static const kw_browse_result *browse_next(kw_bytes point)
{
    kw_browse_next_request request = {.continuation_points = &point, .continuation_points_count = 1};
    const kw_browse_next_response *response = NULL;
    assert_status(kw_test_call(here.client, &here.builder, KW_TYPE_BROWSE_NEXT_REQUEST, &request, (const void **)&response), KW_GOOD);
    return &response->results[0];
}

static size_t shown(const kw_browse_result *result, const kw_node_id *target)
{
    size_t count = 0;
    for (size_t i = 0; i < result->references_count; i++) {
        count += kw_node_id_equal(&result->references[i].node_id.node_id, target) ? 1 : 0;
    }
    return count;
}

/* --- AddNodes ------------------------------------------------------------------------------------------------------------------------ */

static void a_node_is_added_below_its_parent(void **state)
{
    const uint32_t seven = 7;
    const kw_variable_attributes attributes = {.specified_attributes = 1 | 16 | 64 | 524288 | 2097152,
                                               .display_name = {KW_STRING("en"), KW_STRING("Speed of the pump")},
                                               .value = kw_variant_scalar(KW_BUILTIN_UINT32, &seven),
                                               .data_type = KW_NODE_ID(0, KW_BUILTIN_UINT32),
                                               .value_rank = -1,
                                               .access_level = 1};
    kw_add_nodes_item item = item_of(KW_NODE_CLASS_VARIABLE, "Speed");
    kw_node_id id = KW_NODE_ID_NULL;
    kw_data_value value;
    (void)state;
    item.node_attributes = kw_extension_object_of(KW_TYPE_VARIABLE_ATTRIBUTES, &attributes);
    assert_status(add_as(&here.builder, item, &id), KW_GOOD);
    assert_false(kw_node_id_is_null(&id));
    assert_status(kw_test_read(here.client, &here.visitor, &id, &value), KW_GOOD);
    assert_int_equal(*(const uint32_t *)kw_variant_get(&value.value, KW_BUILTIN_UINT32), 7);
    const kw_browse_result *below = browse(&PLANT, KW_BROWSE_DIRECTION_FORWARD, 0);
    assert_int_equal(shown(below, &id), 1);
    assert_int_equal(shown(browse(&id, KW_BROWSE_DIRECTION_INVERSE, 0), &PLANT), 1);
    for (size_t i = 0; i < below->references_count; i++) {
        if (kw_node_id_equal(&below->references[i].node_id.node_id, &id)) {
            assert_text(below->references[i].display_name.text, "Speed of the pump");
            assert_text(below->references[i].browse_name.name, "Speed");
        }
    }
}

static void nodes_of_all_classes_can_be_added(void **state)
{
    static const struct {
        kw_node_class node_class;
        uint32_t parent, reference;
    } ROWS[] = {
        {KW_NODE_CLASS_OBJECT_TYPE, KW_ID_BASE_OBJECT_TYPE, KW_ID_HAS_SUBTYPE},
        {KW_NODE_CLASS_VARIABLE_TYPE, KW_ID_BASE_DATA_VARIABLE_TYPE, KW_ID_HAS_SUBTYPE},
        {KW_NODE_CLASS_DATA_TYPE, KW_ID_BASE_DATA_TYPE, KW_ID_HAS_SUBTYPE},
        {KW_NODE_CLASS_REFERENCE_TYPE, KW_ID_NON_HIERARCHICAL_REFERENCES, KW_ID_HAS_SUBTYPE},
    };
    (void)state;
    assert_status(add(item_of(KW_NODE_CLASS_METHOD, "Start")), KW_GOOD);
    kw_add_nodes_item view = item_of(KW_NODE_CLASS_VIEW, "Maintenance");
    view.reference_type_id = KW_NODE_ID(0, KW_ID_ORGANIZES);
    assert_status(add(view), KW_GOOD);
    for (uint32_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) { /* the standard's types take no children from anybody by default */
        const kw_node_id id = KW_NODE_ID(1, 300 + i);
        const kw_node_permission row = {0, ROLE_OPERATOR, BUILD};
        const kw_node_spec base = {.id = id,
                                   .parent = KW_NODE_ID(0, ROWS[i].parent),
                                   .reference_type = KW_NODE_ID(0, ROWS[i].reference),
                                   .browse_name = {1, KW_STRING("Base")},
                                   .data_type = KW_NODE_ID(0, KW_ID_BASE_DATA_TYPE),
                                   .permissions = &row,
                                   .permission_count = 1};
        kw_add_nodes_item item = item_of(ROWS[i].node_class, "Special");
        kw_node_id added = KW_NODE_ID_NULL;
        kw_node_ref node;
        item.reference_type_id = KW_NODE_ID(0, ROWS[i].reference);
        item.parent_node_id.node_id = KW_NODE_ID(0, ROWS[i].parent);
        assert_status(add(item), KW_BAD_USER_ACCESS_DENIED);
        assert_status(kw_space_add_node(here.space, ROWS[i].node_class, &base), KW_GOOD);
        item.parent_node_id.node_id = id;
        assert_status(add_as(&here.builder, item, &added), KW_GOOD);
        assert_true(kw_space_find(here.space, &added, &node));
        assert_true(kw_space_is_subtype(here.space, &added, &KW_NODE_ID(0, ROWS[i].parent)));
        assert_status(remove_as(&here.builder, &id, true), KW_BAD_NO_DELETE_RIGHTS); /* it has a subtype */
    }
}

static void only_who_may_add_nodes_adds_them(void **state)
{
    (void)state;
    assert_status(add_as(&here.visitor, object_of(&PUMP, "Pump"), NULL), KW_BAD_USER_ACCESS_DENIED);
    kw_add_nodes_item item = object_of(&PUMP, "Pump");
    item.parent_node_id.node_id = HIDDEN; /* what one may not see is not there */
    assert_status(add_as(&here.visitor, item, NULL), KW_BAD_PARENT_NODE_ID_INVALID);
    item.parent_node_id.node_id = KW_NODE_ID(0, KW_ID_OBJECTS_FOLDER);
    assert_status(add(item), KW_BAD_USER_ACCESS_DENIED); /* nobody granted it there */
    kw_node_ref node;
    assert_false(kw_space_find(here.space, &PUMP, &node));
}

static void what_is_added_has_the_rights_of_its_parent(void **state)
{
    kw_add_nodes_item item = object_of(&PUMP, "Pump");
    (void)state;
    item.parent_node_id.node_id = HIDDEN;
    assert_status(add(item), KW_GOOD);
    item = object_of(&OTHER, "Motor");
    item.parent_node_id.node_id = PUMP;
    assert_status(add_as(&here.visitor, item, NULL), KW_BAD_PARENT_NODE_ID_INVALID);
    assert_status(remove_as(&here.visitor, &PUMP, true), KW_BAD_NODE_ID_UNKNOWN);
    assert_status(add(item), KW_GOOD);
}

static void another_namespace_must_grant_it_too(void **state)
{
    uint16_t ns = 0;
    size_t wrong = 0;
    const kw_node_permission row = {0, ROLE_OPERATOR, BUILD};
    (void)state;
    assert_status(kw_space_namespace_add(here.space, KW_STRING("urn:of:others"), &ns), KW_GOOD);
    const kw_node_id theirs = KW_NODE_ID(ns, 1);
    assert_status(add(object_of(&theirs, "Pump")), KW_BAD_USER_ACCESS_DENIED);
    const kw_rights_rule rule = {
        .is_namespace = true, .id = theirs, .rights = {.has_permissions = true, .permissions = &row, .permission_count = 1}};
    assert_status(kw_space_configure_rights(here.space, &rule, 1, &wrong), KW_GOOD);
    assert_status(add(object_of(&theirs, "Pump")), KW_GOOD);
}

static void every_reason_against_a_node_has_its_status(void **state)
{
    (void)state;
    kw_add_nodes_item item = object_of(&PUMP, "Pump");
    item.parent_node_id.node_id = KW_NODE_ID(1, 9999);
    assert_status(add(item), KW_BAD_PARENT_NODE_ID_INVALID);
    item = object_of(&PUMP, "Pump");
    item.parent_node_id.server_index = 1;
    assert_status(add(item), KW_BAD_PARENT_NODE_ID_INVALID);
    item = object_of(&PUMP, "Pump");
    item.reference_type_id = KW_NODE_ID(0, KW_ID_BASE_OBJECT_TYPE);
    assert_status(add(item), KW_BAD_REFERENCE_TYPE_ID_INVALID);
    item.reference_type_id = KW_NODE_ID(0, KW_ID_HIERARCHICAL_REFERENCES); /* abstract */
    assert_status(add(item), KW_BAD_REFERENCE_NOT_ALLOWED);
    item.reference_type_id = KW_NODE_ID(0, KW_ID_HAS_PROPERTY); /* leads to Variables */
    assert_status(add(item), KW_BAD_REFERENCE_NOT_ALLOWED);
    item.reference_type_id = KW_NODE_ID(0, KW_ID_HAS_TYPE_DEFINITION); /* no hierarchy */
    assert_status(add(item), KW_BAD_REFERENCE_NOT_ALLOWED);
    item = object_of(&KW_NODE_ID(0, 123456), "Pump"); /* the standard's namespace */
    assert_status(add(item), KW_BAD_NODE_ID_REJECTED);
    item = object_of(&KW_NODE_ID(99, 1), "Pump");
    assert_status(add(item), KW_BAD_NODE_ID_REJECTED);
    item = object_of(&PLANT, "Pump");
    assert_status(add(item), KW_BAD_NODE_ID_EXISTS);
    item = object_of(&PUMP, "Pump");
    item.node_class = 3;
    assert_status(add(item), KW_BAD_NODE_CLASS_INVALID);
    item = object_of(&PUMP, "");
    assert_status(add(item), KW_BAD_BROWSE_NAME_INVALID);
    item = object_of(&PUMP, "Pump");
    item.browse_name.ns = 99;
    assert_status(add(item), KW_BAD_BROWSE_NAME_INVALID);
    item = object_of(&PUMP, "Pump");
    item.type_definition.node_id = KW_NODE_ID_NULL;
    assert_status(add(item), KW_BAD_TYPE_DEFINITION_INVALID);
    item.type_definition.node_id = KW_NODE_ID(0, KW_ID_BASE_DATA_VARIABLE_TYPE);
    assert_status(add(item), KW_BAD_TYPE_DEFINITION_INVALID);
    item = item_of(KW_NODE_CLASS_VARIABLE, "Speed");
    item.type_definition.node_id = KW_NODE_ID(0, KW_ID_BASE_VARIABLE_TYPE); /* abstract */
    assert_status(add(item), KW_BAD_TYPE_DEFINITION_INVALID);
    assert_status(add(object_of(&PUMP, "Pump")), KW_GOOD);
    assert_status(add(object_of(&OTHER, "Pump")), KW_BAD_BROWSE_NAME_DUPLICATED);
}

static kw_status add_variable_with(const kw_variable_attributes *attributes)
{
    kw_add_nodes_item item = item_of(KW_NODE_CLASS_VARIABLE, "Speed");
    item.node_attributes = kw_extension_object_of(KW_TYPE_VARIABLE_ATTRIBUTES, attributes);
    return add(item);
}

static void attributes_that_do_not_fit_are_refused(void **state)
{
    const double half = 0.5;
    const uint32_t three = 3;
    const kw_variable_attributes bad[] = {
        {.specified_attributes = 128},                                                  /* EventNotifier is of Objects */
        {.specified_attributes = 512, .historizing = true},                             /* nobody would */
        {.specified_attributes = 1, .access_level = 4},                                 /* nor keep a history */
        {.specified_attributes = 16, .data_type = KW_NODE_ID(0, KW_ID_OBJECTS_FOLDER)}, /* no DataType */
        {.specified_attributes = 4096, .minimum_sampling_interval = -2},
        {.specified_attributes = 16 | 2097152,
         .data_type = KW_NODE_ID(0, KW_BUILTIN_UINT32),
         .value = kw_variant_scalar(KW_BUILTIN_DOUBLE, &half)},
        {.specified_attributes = 2 | 524288, .value_rank = -1, .array_dimensions = (uint32_t *)&three, .array_dimensions_count = 1},
    };
    const kw_object_attributes of_object = {.specified_attributes = 0};
    kw_add_nodes_item item = item_of(KW_NODE_CLASS_VARIABLE, "Speed");
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_status(add_variable_with(&bad[i]), KW_BAD_NODE_ATTRIBUTES_INVALID);
    }
    item.node_attributes = kw_extension_object_of(KW_TYPE_OBJECT_ATTRIBUTES, &of_object);
    assert_status(add(item), KW_BAD_NODE_ATTRIBUTES_INVALID);
    assert_status(add_variable_with(&(kw_variable_attributes){.specified_attributes = 0}), KW_GOOD);
}

static void requests_are_bounded(void **state)
{
    kw_delete_nodes_item items[101] = {{.node_id = PLANT}};
    kw_delete_nodes_request request = {.nodes_to_delete = items, .nodes_to_delete_count = 0};
    (void)state;
    assert_status(kw_test_call(here.client, &here.builder, KW_TYPE_DELETE_NODES_REQUEST, &request, NULL), KW_BAD_NOTHING_TO_DO);
    request.nodes_to_delete_count = 101;
    assert_status(kw_test_call(here.client, &here.builder, KW_TYPE_DELETE_NODES_REQUEST, &request, NULL), KW_BAD_TOO_MANY_OPERATIONS);
    kw_data_value limit;
    assert_status(kw_test_read(here.client, &here.visitor, &KW_NODE_ID(0, 11713), &limit), KW_GOOD);
    assert_int_equal(*(const uint32_t *)kw_variant_get(&limit.value, KW_BUILTIN_UINT32), 100);
}

/* --- references -------------------------------------------------------------------------------------------------------------------------- */

static void add_two(void)
{
    assert_status(add(object_of(&PUMP, "Pump")), KW_GOOD);
    assert_status(add(object_of(&OTHER, "Other")), KW_GOOD);
}

static void references_come_and_go_at_both_ends(void **state)
{
    (void)state;
    add_two();
    assert_status(join(link_of(&PUMP, KW_ID_HAS_COMPONENT, &OTHER)), KW_GOOD);
    assert_int_equal(shown(browse(&PUMP, KW_BROWSE_DIRECTION_FORWARD, 0), &OTHER), 1);
    assert_int_equal(shown(browse(&OTHER, KW_BROWSE_DIRECTION_INVERSE, 0), &PUMP), 1);
    assert_status(join(link_of(&PUMP, KW_ID_HAS_COMPONENT, &OTHER)), KW_BAD_DUPLICATE_REFERENCE_NOT_ALLOWED);
    kw_delete_references_item one_end = cut_of(&PUMP, KW_ID_HAS_COMPONENT, &OTHER);
    one_end.delete_bidirectional = false;
    assert_status(cut(one_end), KW_GOOD);
    assert_int_equal(shown(browse(&PUMP, KW_BROWSE_DIRECTION_FORWARD, 0), &OTHER), 0);
    assert_int_equal(shown(browse(&OTHER, KW_BROWSE_DIRECTION_INVERSE, 0), &PUMP), 1);
    assert_status(cut(cut_of(&PUMP, KW_ID_HAS_COMPONENT, &OTHER)), KW_BAD_NOT_FOUND);
    kw_delete_references_item inverse = cut_of(&OTHER, KW_ID_HAS_COMPONENT, &PUMP);
    inverse.is_forward = false;
    assert_status(cut(inverse), KW_GOOD);
    assert_int_equal(shown(browse(&OTHER, KW_BROWSE_DIRECTION_INVERSE, 0), &PUMP), 0);
}

static void every_reason_against_a_reference_has_its_status(void **state)
{
    (void)state;
    add_two();
    assert_status(join(link_of(&KW_NODE_ID(1, 9999), KW_ID_ORGANIZES, &OTHER)), KW_BAD_SOURCE_NODE_ID_INVALID);
    assert_status(join(link_of(&PUMP, KW_ID_BASE_OBJECT_TYPE, &OTHER)), KW_BAD_REFERENCE_TYPE_ID_INVALID);
    assert_status(join(link_of(&PUMP, KW_ID_ORGANIZES, &KW_NODE_ID(1, 9999))), KW_BAD_TARGET_NODE_ID_INVALID);
    assert_status(join(link_of(&PUMP, KW_ID_ORGANIZES, &PUMP)), KW_BAD_INVALID_SELF_REFERENCE);
    assert_status(join(link_of(&PUMP, KW_ID_HAS_PROPERTY, &OTHER)), KW_BAD_REFERENCE_NOT_ALLOWED);
    assert_status(join(link_of(&PUMP, KW_ID_HAS_CHILD, &OTHER)), KW_BAD_REFERENCE_NOT_ALLOWED);
    kw_add_references_item item = link_of(&PUMP, KW_ID_ORGANIZES, &OTHER);
    item.target_node_class = KW_NODE_CLASS_VARIABLE;
    assert_status(join(item), KW_BAD_NODE_CLASS_INVALID);
    item = link_of(&PUMP, KW_ID_ORGANIZES, &OTHER);
    item.target_server_uri = KW_STRING("urn:another:server");
    assert_status(join(item), KW_BAD_SERVER_URI_INVALID);
    item = link_of(&PUMP, KW_ID_ORGANIZES, &OTHER);
    item.target_node_id.server_index = 3;
    assert_status(join(item), KW_BAD_SERVER_URI_INVALID);
    item.target_server_uri = KW_STRING(KW_TEST_SERVER); /* it overrides the index */
    assert_status(join(item), KW_GOOD);
    item = link_of(&PUMP, KW_ID_HAS_TYPE_DEFINITION, &KW_NODE_ID(0, KW_ID_FOLDER_TYPE)); /* it has one */
    item.target_node_class = KW_NODE_CLASS_OBJECT_TYPE;
    assert_status(join(item), KW_BAD_REFERENCE_NOT_ALLOWED);
}

static void children_make_no_loops(void **state)
{
    (void)state;
    add_two();
    assert_status(join(link_of(&PUMP, KW_ID_HAS_COMPONENT, &OTHER)), KW_GOOD);
    assert_status(join(link_of(&OTHER, KW_ID_HAS_COMPONENT, &PUMP)), KW_BAD_REFERENCE_NOT_ALLOWED);
    assert_status(join(link_of(&OTHER, KW_ID_HAS_COMPONENT, &PLANT)), KW_BAD_REFERENCE_NOT_ALLOWED);
    assert_status(join(link_of(&OTHER, KW_ID_ORGANIZES, &PUMP)), KW_GOOD); /* folders may */
}

static void references_need_rights_at_both_ends(void **state)
{
    (void)state;
    add_two();
    assert_status(join_as(&here.visitor, link_of(&PUMP, KW_ID_ORGANIZES, &OTHER)), KW_BAD_USER_ACCESS_DENIED);
    assert_status(join_as(&here.visitor, link_of(&HIDDEN, KW_ID_ORGANIZES, &OTHER)), KW_BAD_SOURCE_NODE_ID_INVALID);
    assert_status(join(link_of(&PUMP, KW_ID_ORGANIZES, &KW_NODE_ID(0, KW_ID_OBJECTS_FOLDER))), KW_BAD_USER_ACCESS_DENIED);
    assert_status(cut_as(&here.visitor, cut_of(&PLANT, KW_ID_HAS_COMPONENT, &PUMP)), KW_BAD_USER_ACCESS_DENIED);
}

/* Asked for from the type, it is the instance that it shows at. */
static void a_type_is_not_given_to_what_one_may_not_change(void **state)
{
    const kw_node_id type = KW_NODE_ID(1, 210);
    (void)state;
    const kw_node_permission rows[] = {{0, ROLE_OPERATOR, BUILD}};
    const kw_node_spec spec = {.id = type,
                               .parent = KW_NODE_ID(0, KW_ID_BASE_OBJECT_TYPE),
                               .reference_type = KW_NODE_ID(0, KW_ID_HAS_SUBTYPE),
                               .browse_name = {1, KW_STRING("PumpType")},
                               .permissions = rows,
                               .permission_count = 1};
    assert_status(kw_space_add_node(here.space, KW_NODE_CLASS_OBJECT_TYPE, &spec), KW_GOOD);
    kw_add_references_item link = link_of(&type, KW_ID_HAS_TYPE_DEFINITION, &KW_NODE_ID(0, KW_ID_OBJECTS_FOLDER));
    link.is_forward = false;
    assert_status(join(link), KW_BAD_USER_ACCESS_DENIED);
}

static void every_reason_to_keep_a_reference_has_its_status(void **state)
{
    (void)state;
    add_two();
    assert_status(cut(cut_of(&KW_NODE_ID(1, 9999), KW_ID_ORGANIZES, &PUMP)), KW_BAD_SOURCE_NODE_ID_INVALID);
    assert_status(cut(cut_of(&PLANT, KW_ID_BASE_OBJECT_TYPE, &PUMP)), KW_BAD_REFERENCE_TYPE_ID_INVALID);
    assert_status(cut(cut_of(&PLANT, KW_ID_HAS_COMPONENT, &KW_NODE_ID(1, 9999))), KW_BAD_TARGET_NODE_ID_INVALID);
    kw_delete_references_item item = cut_of(&PLANT, KW_ID_HAS_COMPONENT, &PUMP);
    item.target_node_id.server_index = 3;
    assert_status(cut(item), KW_BAD_SERVER_INDEX_INVALID);
    item = cut_of(&PUMP, KW_ID_HAS_TYPE_DEFINITION, &KW_NODE_ID(0, KW_ID_BASE_OBJECT_TYPE));
    item.delete_bidirectional = false;
    assert_status(cut(item), KW_BAD_NO_DELETE_RIGHTS);
}

/* --- DeleteNodes ---------------------------------------------------------------------------------------------------------------------------- */

static void a_node_goes_with_its_parts(void **state)
{
    kw_node_ref node;
    (void)state;
    add_two();
    const kw_node_id motor = KW_NODE_ID(1, 202), shared = KW_NODE_ID(1, 203);
    kw_add_nodes_item item = object_of(&motor, "Motor");
    item.parent_node_id.node_id = PUMP;
    assert_status(add(item), KW_GOOD);
    item = object_of(&shared, "Shared");
    item.parent_node_id.node_id = PUMP;
    assert_status(add(item), KW_GOOD);
    assert_status(join(link_of(&OTHER, KW_ID_HAS_COMPONENT, &shared)), KW_GOOD);
    assert_status(remove_as(&here.builder, &PUMP, true), KW_GOOD);
    assert_false(kw_space_find(here.space, &PUMP, &node));
    assert_false(kw_space_find(here.space, &motor, &node));
    assert_true(kw_space_find(here.space, &shared, &node)); /* it is another one's part, too */
    assert_int_equal(shown(browse(&PLANT, KW_BROWSE_DIRECTION_FORWARD, 0), &PUMP), 0);
    assert_status(remove_as(&here.builder, &PUMP, true), KW_BAD_NODE_ID_UNKNOWN);
}

static void references_of_others_stay_where_the_client_says_so(void **state)
{
    (void)state;
    add_two();
    assert_status(join(link_of(&OTHER, KW_ID_ORGANIZES, &PUMP)), KW_GOOD);
    assert_status(remove_as(&here.builder, &PUMP, false), KW_GOOD);
    assert_int_equal(shown(browse(&OTHER, KW_BROWSE_DIRECTION_FORWARD, 0), &PUMP), 0); /* there is nothing to show */
    assert_status(add(object_of(&PUMP, "Pump again")), KW_GOOD);
    assert_int_equal(shown(browse(&OTHER, KW_BROWSE_DIRECTION_FORWARD, 0), &PUMP), 1);
    assert_int_equal(shown(browse(&PLANT, KW_BROWSE_DIRECTION_FORWARD, 0), &PUMP), 1); /* not twice */
}

static kw_status read_nothing(void *ctx, const kw_access *access, kw_arena *arena, kw_data_value *out)
{
    (void)ctx;
    (void)access;
    (void)arena;
    out->has_value = true;
    return KW_GOOD;
}

static void every_reason_to_keep_a_node_has_its_status(void **state)
{
    const kw_node_id live = KW_NODE_ID(1, 204);
    const kw_node_spec spec = {
        .id = live, .parent = PLANT, .browse_name = {1, KW_STRING("Live")}, .data_type = KW_NODE_ID(0, 24), .read = read_nothing};
    (void)state;
    add_two();
    assert_status(remove_as(&here.builder, &KW_NODE_ID_NULL, true), KW_BAD_NODE_ID_INVALID);
    assert_status(remove_as(&here.visitor, &PUMP, true), KW_BAD_USER_ACCESS_DENIED);
    assert_status(remove_as(&here.visitor, &HIDDEN, true), KW_BAD_NODE_ID_UNKNOWN);
    assert_status(remove_as(&here.builder, &KW_NODE_ID(0, KW_ID_OBJECTS_FOLDER), true), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_space_add_variable(here.space, &spec), KW_GOOD);
    const kw_node_permission rows[] = {{0, 15704, LOOK}}; /* of no Role that anybody has here */
    const kw_node_spec secret = {
        .id = KW_NODE_ID(1, 205), .parent = PUMP, .browse_name = {1, KW_STRING("Secret")}, .permissions = rows, .permission_count = 1};
    assert_status(kw_space_add_object(here.space, &secret), KW_GOOD);
    assert_status(remove_as(&here.builder, &PUMP, true), KW_BAD_NO_DELETE_RIGHTS); /* which says not that there is a part one may not see */
    assert_status(remove_as(&here.builder, &live, true), KW_BAD_NO_DELETE_RIGHTS); /* the application's code stands behind it */
    assert_status(remove_as(&here.builder, &PLANT, true), KW_BAD_NO_DELETE_RIGHTS); /* … and it is a part of this one */
}

static void who_watches_a_node_learns_that_it_is_gone(void **state)
{
    const kw_publish_response *response = NULL;
    (void)state;
    kw_add_nodes_item item = item_of(KW_NODE_CLASS_VARIABLE, "Speed");
    item.requested_new_node_id.node_id = PUMP;
    assert_status(add(item), KW_GOOD);
    const uint32_t id = kw_test_subscribe(here.client, &here.visitor);
    kw_test_watch(here.client, &here.visitor, id, &PUMP);
    assert_non_null(kw_test_next_value(here.client, &here.visitor));
    assert_status(remove_as(&here.builder, &PUMP, true), KW_GOOD);
    assert_status(kw_test_publish(here.client, &here.visitor, 20, &response), KW_GOOD);
    assert_status(kw_test_value(response)->status, KW_BAD_NODE_ID_UNKNOWN);
}

static void continuation_points_outlive_nodes(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        char name[2] = {(char)('a' + i), 0};
        assert_status(add(object_of(&KW_NODE_ID(1, 300 + i), name)), KW_GOOD);
    }
    const kw_browse_result *result = browse(&PLANT, KW_BROWSE_DIRECTION_FORWARD, 3);
    size_t seen = shown(result, &KW_NODE_ID(1, 305));
    assert_int_equal(result->references_count, 3);
    assert_status(remove_as(&here.builder, &KW_NODE_ID(1, 303), true), KW_GOOD);
    for (int rounds = 0; result->continuation_point.len > 0 && rounds < 10; rounds++) {
        result = browse_next(result->continuation_point);
        assert_status(result->status_code, KW_GOOD);
        assert_int_equal(shown(result, &KW_NODE_ID(1, 303)), 0);
        seen += shown(result, &KW_NODE_ID(1, 305));
    }
    assert_int_equal(seen, 1);
    result = browse(&PLANT, KW_BROWSE_DIRECTION_FORWARD, 1);
    assert_true(result->continuation_point.len > 0);
    assert_status(remove_as(&here.builder, &PLANT, true), KW_GOOD);
    assert_status(browse_next(result->continuation_point)->status_code, KW_BAD_NODE_ID_UNKNOWN);
}

/* --- who is told ------------------------------------------------------------------------------------------------------------------------------ */

static void changes_of_the_model_are_told_and_audited(void **state)
{
    const kw_node_id version = KW_NODE_ID(1, 205);
    const kw_string first = KW_STRING("first");
    const kw_node_spec spec = {.id = version,
                               .parent = PLANT,
                               .type_definition = KW_NODE_ID(0, KW_ID_PROPERTY_TYPE),
                               .browse_name = {0, KW_STRING("NodeVersion")},
                               .data_type = KW_NODE_ID(0, KW_BUILTIN_STRING),
                               .value = kw_variant_scalar(KW_BUILTIN_STRING, &first)};
    kw_test_events *events = KW_ARENA_NEW(here.world->arena, kw_test_events);
    kw_data_value before, after;
    (void)state;
    assert_status(kw_space_add_variable(here.space, &spec), KW_GOOD);
    kw_test_events_init(events, here.world);
    assert_status(add(object_of(&PUMP, "Pump")), KW_GOOD);
    const kw_event *event = kw_test_event_one(events, KW_ID_GENERAL_MODEL_CHANGE_EVENT_TYPE);
    const kw_variant *changes = kw_test_event_variant(event, "Changes");
    assert_int_equal(changes->count, 2);
    const kw_model_change_structure_data_type *change = kw_extension_object_get(changes->data, KW_TYPE_MODEL_CHANGE_STRUCTURE_DATA_TYPE);
    assert_true(kw_node_id_equal(&change->affected, &PUMP));
    assert_int_equal(change->verb, KW_MODEL_CHANGE_STRUCTURE_VERB_MASK_NODE_ADDED);
    event = kw_test_event_one(events, KW_ID_AUDIT_ADD_NODES_EVENT_TYPE);
    assert_true(event->is_security);
    assert_int_equal(kw_test_event_variant(event, "NodesToAdd")->count, 1);
    assert_text(kw_test_event_text(event, "ClientUserId"), "sabine");
    assert_status(kw_test_read(here.client, &here.visitor, &version, &before), KW_GOOD);
    assert_false(kw_bytes_equal(*(const kw_string *)kw_variant_get(&before.value, KW_BUILTIN_STRING), first));
    assert_status(remove_as(&here.builder, &PUMP, true), KW_GOOD);
    assert_int_equal(kw_test_event_count(events, KW_ID_GENERAL_MODEL_CHANGE_EVENT_TYPE), 2);
    assert_int_equal(kw_test_event_count(events, KW_ID_AUDIT_DELETE_NODES_EVENT_TYPE), 1);
    assert_status(kw_test_read(here.client, &here.visitor, &version, &after), KW_GOOD);
    assert_false(kw_bytes_equal(*(const kw_string *)kw_variant_get(&before.value, KW_BUILTIN_STRING),
                                *(const kw_string *)kw_variant_get(&after.value, KW_BUILTIN_STRING)));
    assert_status(add_as(&here.visitor, object_of(&PUMP, "Pump"), NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_int_equal(kw_test_event_count(events, KW_ID_GENERAL_MODEL_CHANGE_EVENT_TYPE), 2); /* nothing changed … */
    assert_int_equal(kw_test_event_count(events, KW_ID_AUDIT_ADD_NODES_EVENT_TYPE), 2);      /* … but somebody tried */
}

/* How many events come with the next Publish of this Session that watches all of them. */
static void watch_model(const kw_test_session *session)
{
    static kw_qualified_name path = {0, {(const uint8_t *)"EventType", 9}};
    kw_simple_attribute_operand clause = {
        .type_definition_id = KW_NODE_ID(0, KW_ID_BASE_EVENT_TYPE), .browse_path = &path, .browse_path_count = 1, .attribute_id = 13};
    const kw_event_filter filter = {.select_clauses = &clause, .select_clauses_count = 1};
    kw_monitored_item_create_request item = {
        .item_to_monitor = {.node_id = KW_NODE_ID(0, KW_ID_SERVER), .attribute_id = 12},
        .monitoring_mode = KW_MONITORING_MODE_REPORTING,
        .requested_parameters = {.queue_size = 10, .filter = kw_extension_object_of(KW_TYPE_EVENT_FILTER, &filter)}};
    assert_status(kw_test_watch_with(here.client, session, kw_test_subscribe(here.client, session), &item, NULL), KW_GOOD);
}

static size_t events_of(const kw_test_session *session)
{
    const kw_publish_response *response = NULL;
    assert_status(kw_test_publish(here.client, session, 30, &response), KW_GOOD);
    const kw_event_notification_list *list = kw_test_notification(&response->notification_message, KW_TYPE_EVENT_NOTIFICATION_LIST);
    return list != NULL ? list->events_count : 0;
}

static void changes_of_hidden_nodes_are_told_to_nobody_who_may_not_see_them(void **state)
{
    kw_add_nodes_item item = object_of(&PUMP, "Pump");
    (void)state;
    watch_model(&here.visitor);
    watch_model(&here.builder);
    item.parent_node_id.node_id = HIDDEN;
    assert_status(add(item), KW_GOOD);
    assert_status(remove_as(&here.builder, &PUMP, true), KW_GOOD);
    assert_status(add(object_of(&OTHER, "Other")), KW_GOOD);
    assert_int_equal(events_of(&here.builder), 3);
    assert_int_equal(events_of(&here.visitor), 1);
}

static void events_that_name_nodes_do_not_outlive_a_change_of_rights(void **state)
{
    const kw_node_permission row = {0, ROLE_OPERATOR, BUILD};
    const kw_rights rights = {.has_permissions = true, .permissions = &row, .permission_count = 1};
    (void)state;
    watch_model(&here.visitor);
    assert_status(add(object_of(&OTHER, "Other")), KW_GOOD);
    assert_status(kw_space_write_rights(here.space, &PLANT, &rights), KW_GOOD);
    assert_int_equal(events_of(&here.visitor), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_node_is_added_below_its_parent),
        TEST(nodes_of_all_classes_can_be_added),
        TEST(only_who_may_add_nodes_adds_them),
        TEST(what_is_added_has_the_rights_of_its_parent),
        TEST(another_namespace_must_grant_it_too),
        TEST(every_reason_against_a_node_has_its_status),
        TEST(attributes_that_do_not_fit_are_refused),
        TEST(requests_are_bounded),
        TEST(references_come_and_go_at_both_ends),
        TEST(every_reason_against_a_reference_has_its_status),
        TEST(children_make_no_loops),
        TEST(references_need_rights_at_both_ends),
        TEST(a_type_is_not_given_to_what_one_may_not_change),
        TEST(every_reason_to_keep_a_reference_has_its_status),
        TEST(a_node_goes_with_its_parts),
        TEST(references_of_others_stay_where_the_client_says_so),
        TEST(every_reason_to_keep_a_node_has_its_status),
        TEST(who_watches_a_node_learns_that_it_is_gone),
        TEST(continuation_points_outlive_nodes),
        TEST(changes_of_the_model_are_told_and_audited),
        TEST(changes_of_hidden_nodes_are_told_to_nobody_who_may_not_see_them),
        TEST(events_that_name_nodes_do_not_outlive_a_change_of_rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
