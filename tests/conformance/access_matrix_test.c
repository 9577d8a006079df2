/*
 * Who may do what with a node: every service, every permission bit, every AccessRestriction; and a node that is forbidden leaks on no
 * path. OPC 10000-3, 4.9, 5.2.9 … 5.2.11 and 8.55, 8.56.
 */
#include "server/server.h"
#include "space/event.h"
#include "space/rights.h"
#include "support/kw_test_subscription.h"
#include "support/kw_test_user.h"
#include "support/test.h"
#include "ua/codec.h"

#include <keyway/node_ids.h>

#include <stdio.h>
#include <string.h>

#define PERMISSIONS 17u
#define VALUE 13u
#define SECRET_NAME "Vault-of-nobody"
#define SECRET_VALUE "what nobody may read"

static const kw_node_id OBJECTS = {.id.numeric = KW_ID_OBJECTS_FOLDER};
static const kw_node_id BOX = {.ns = 1, .id.numeric = 1000}, BOX_VALUE = {.ns = 1, .id.numeric = 1001},
                        BOX_METHOD = {.ns = 1, .id.numeric = 1002}, NOWHERE = {.ns = 1, .id.numeric = 1003};

static void call_nothing(void *ctx, kw_call *call)
{
    (void)ctx;
    call->finish(call, KW_GOOD);
}

static int setup(void **state)
{
    static const kw_string TEXT = {(const uint8_t *)SECRET_VALUE, sizeof(SECRET_VALUE) - 1};
    kw_test_world *world = kw_test_world_with_user(NULL);
    kw_space *space = kw_server_space(world->server);
    const kw_node_spec object = {
        .id = BOX, .parent = OBJECTS, .reference_type = KW_NODE_ID(0, KW_ID_ORGANIZES), .browse_name = {1, KW_STRING(SECRET_NAME)}};
    const kw_node_spec variable = {.id = BOX_VALUE,
                                   .parent = BOX,
                                   .browse_name = {1, KW_STRING(SECRET_NAME "-value")},
                                   .data_type = KW_NODE_ID(0, KW_ID_STRING),
                                   .value = kw_variant_scalar(KW_BUILTIN_STRING, &TEXT),
                                   .writable = true};
    const kw_node_spec method = {
        .id = BOX_METHOD, .parent = BOX, .browse_name = {1, KW_STRING(SECRET_NAME "-method")}, .call = call_nothing};
    assert_status(kw_space_add_object(space, &object), KW_GOOD);
    assert_status(kw_space_add_variable(space, &variable), KW_GOOD);
    assert_status(kw_space_add_method(space, &method), KW_GOOD);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    kw_test_world_free(*state);
    return 0;
}

/* From now on the Operator has these bits on the three nodes, and nobody else has any. */
static void lay(kw_test_world *world, uint32_t permissions, uint16_t restrictions)
{
    const kw_node_permission row = {0, KW_ID_WELL_KNOWN_ROLE_OPERATOR, permissions};
    const kw_rights rights = {
        .has_permissions = true, .has_restrictions = true, .permissions = &row, .permission_count = 1, .restrictions = restrictions};
    const kw_rights_rule rules[] = {
        {.id = BOX, .rights = rights}, {.id = BOX_VALUE, .rights = rights}, {.id = BOX_METHOD, .rights = rights}};
    size_t wrong = 0;
    assert_status(kw_space_configure_rights(kw_server_space(world->server), rules, 3, &wrong), KW_GOOD);
}

/* --- services, each on one node ---------------------------------------------------------------------------------------------------- */

typedef struct talk {
    kw_test_client *client;
    kw_test_session session;
    uint32_t subscription;
} talk;

static kw_status read_attribute(talk *t, const kw_node_id *node, uint32_t attribute)
{
    kw_read_value_id what = {.node_id = *node, .attribute_id = attribute};
    kw_read_request request = {.nodes_to_read = &what, .nodes_to_read_count = 1, .timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_NEITHER};
    const void *answer = NULL;
    const kw_status status = kw_test_call(t->client, &t->session, KW_TYPE_READ_REQUEST, &request, &answer);
    return kw_status_is_bad(status) ? status : ((const kw_read_response *)answer)->results[0].status;
}

static kw_status read_value(talk *t, const kw_node_id *node)
{
    return read_attribute(t, node, VALUE);
}

static kw_status read_name(talk *t, const kw_node_id *node)
{
    return read_attribute(t, node, 3);
}

static kw_status read_permissions(talk *t, const kw_node_id *node)
{
    return read_attribute(t, node, 24);
}

static kw_status write_attribute(talk *t, const kw_node_id *node, uint32_t attribute, kw_variant value)
{
    kw_write_value what = {.node_id = *node, .attribute_id = attribute, .value = {.has_value = true, .value = value}};
    kw_write_request request = {.nodes_to_write = &what, .nodes_to_write_count = 1};
    const void *answer = NULL;
    const kw_status status = kw_test_call(t->client, &t->session, KW_TYPE_WRITE_REQUEST, &request, &answer);
    return kw_status_is_bad(status) ? status : ((const kw_write_response *)answer)->results[0];
}

static kw_status write_value(talk *t, const kw_node_id *node)
{
    const kw_string text = KW_STRING(SECRET_VALUE);
    return write_attribute(t, node, VALUE, kw_variant_scalar(KW_BUILTIN_STRING, &text));
}

static kw_status write_permissions(talk *t, const kw_node_id *node)
{
    const kw_role_permission_type row = {KW_NODE_ID(0, KW_ID_WELL_KNOWN_ROLE_ENGINEER), KW_PERMISSION_READ};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_ROLE_PERMISSION_TYPE, &row);
    return write_attribute(t, node, 24, kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, &object, 1));
}

static kw_status write_restrictions(talk *t, const kw_node_id *node)
{
    const uint16_t none = 0;
    return write_attribute(t, node, 26, kw_variant_scalar(KW_BUILTIN_UINT16, &none));
}

static const kw_browse_result *browse(talk *t, const kw_node_id *node, kw_browse_direction direction, uint32_t max)
{
    kw_browse_description what = {
        .node_id = *node, .browse_direction = direction, .include_subtypes = true, .result_mask = 63, .node_class_mask = 0};
    kw_browse_request request = {.nodes_to_browse = &what, .nodes_to_browse_count = 1, .requested_max_references_per_node = max};
    const void *answer = NULL;
    assert_status(kw_test_call(t->client, &t->session, KW_TYPE_BROWSE_REQUEST, &request, &answer), KW_GOOD);
    return &((const kw_browse_response *)answer)->results[0];
}

static kw_status browse_from(talk *t, const kw_node_id *node)
{
    return browse(t, node, KW_BROWSE_DIRECTION_BOTH, 0)->status_code;
}

static kw_status call(talk *t, const kw_node_id *node)
{
    (void)node;
    return kw_test_call_method(t->client, &t->session, &BOX, &BOX_METHOD, NULL, 0, NULL);
}

static kw_status watch(talk *t, const kw_node_id *node)
{
    return kw_test_try_watch(t->client, &t->session, t->subscription, node);
}

static bool names(const kw_browse_result *result, const kw_node_id *node)
{
    for (size_t i = 0; i < result->references_count; i++) {
        if (kw_node_id_equal(&result->references[i].node_id.node_id, node)) {
            return true;
        }
    }
    return false;
}

static kw_status translate(talk *t, const char *name)
{
    kw_relative_path_element element = {.reference_type_id = KW_NODE_ID(0, KW_ID_HIERARCHICAL_REFERENCES),
                                        .include_subtypes = true,
                                        .target_name = {1, kw_string_from(name)}};
    kw_browse_path path = {.starting_node = OBJECTS, .relative_path = {.elements = &element, .elements_count = 1}};
    kw_translate_browse_paths_to_node_ids_request request = {.browse_paths = &path, .browse_paths_count = 1};
    const void *answer = NULL;
    assert_status(kw_test_call(t->client, &t->session, KW_TYPE_TRANSLATE_BROWSE_PATHS_TO_NODE_IDS_REQUEST, &request, &answer), KW_GOOD);
    return ((const kw_translate_browse_paths_to_node_ids_response *)answer)->results[0].status_code;
}

typedef struct service_row {
    const char *name;
    kw_status (*ask)(talk *t, const kw_node_id *node);
    const kw_node_id *node;
    uint32_t permission;
} service_row;

static const service_row ROWS[] = {
    {"Read Value", read_value, &BOX_VALUE, KW_PERMISSION_READ},
    {"Read BrowseName", read_name, &BOX_VALUE, KW_PERMISSION_BROWSE},
    {"Read RolePermissions", read_permissions, &BOX_VALUE, KW_PERMISSION_READ_ROLE_PERMISSIONS},
    {"Write Value", write_value, &BOX_VALUE, KW_PERMISSION_WRITE},
    {"Write RolePermissions", write_permissions, &BOX_VALUE, KW_PERMISSION_WRITE_ROLE_PERMISSIONS},
    {"Write AccessRestrictions", write_restrictions, &BOX_VALUE, KW_PERMISSION_WRITE_ATTRIBUTE},
    {"Browse", browse_from, &BOX, KW_PERMISSION_BROWSE},
    {"Call", call, &BOX_METHOD, KW_PERMISSION_CALL},
    {"CreateMonitoredItems", watch, &BOX_VALUE, KW_PERMISSION_READ},
};
#define ROW_COUNT (sizeof(ROWS) / sizeof(ROWS[0]))

/* --- the matrix ------------------------------------------------------------------------------------------------------------------------ */

static bool is_channel_enough(kw_message_security_mode mode, bool has_session, uint16_t restrictions)
{
    const bool encrypted = mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT,
               is_signed = encrypted || mode == KW_MESSAGE_SECURITY_MODE_SIGN;
    return ((restrictions & KW_RESTRICTION_ENCRYPTION) == 0 || encrypted) && ((restrictions & KW_RESTRICTION_SIGNING) == 0 || is_signed) &&
           ((restrictions & KW_RESTRICTION_SESSION) == 0 || has_session);
}

/* What the standard says, said once more. */
static kw_status expected(kw_message_security_mode mode, bool has_session, uint32_t granted, uint16_t restrictions, uint32_t wanted)
{
    const bool counts = wanted != KW_PERMISSION_BROWSE || (restrictions & KW_RESTRICTION_BROWSE) != 0;
    if (granted == 0) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    if (counts && !is_channel_enough(mode, has_session, restrictions)) {
        return KW_BAD_SECURITY_MODE_INSUFFICIENT;
    }
    return (granted & wanted) != 0 ? KW_GOOD : KW_BAD_USER_ACCESS_DENIED;
}

static void assert_cell(const char *service, uint32_t granted, uint16_t restrictions, kw_status got, kw_status wanted)
{
    if (got != wanted) {
        fail_msg("%s with permissions 0x%x and restrictions 0x%x: 0x%08x, not 0x%08x", service, granted, restrictions, got, wanted);
    }
}

static void ask_all(talk *t, uint32_t granted, uint16_t restrictions)
{
    kw_test_world *world = t->client->world;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        lay(world, granted, restrictions); /* a Write may have changed it */
        assert_cell(ROWS[i].name, granted, restrictions, ROWS[i].ask(t, ROWS[i].node),
                    expected(t->client->mode, true, granted, restrictions, ROWS[i].permission));
    }
    lay(world, granted, restrictions);
    const bool is_seen = expected(t->client->mode, true, granted, restrictions, KW_PERMISSION_BROWSE) == KW_GOOD;
    assert_int_equal(names(browse(t, &OBJECTS, KW_BROWSE_DIRECTION_FORWARD, 0), &BOX), is_seen);
    assert_int_equal(translate(t, SECRET_NAME), is_seen ? KW_GOOD : KW_BAD_NO_MATCH);
}

static void walk(kw_test_world *world, const kw_security_policy *policy, kw_message_security_mode mode)
{
    talk t = {.client = kw_test_client_new(world, &(kw_test_client_options){.policy = policy, .mode = mode})};
    t.session = kw_test_open_as(t.client, KW_TEST_USER, KW_TEST_PASSWORD);
    for (uint16_t restrictions = 0; restrictions <= KW_RESTRICTION_ALL; restrictions++) {
        t.subscription = kw_test_subscribe(t.client, &t.session);
        for (uint32_t bit = 0; bit < PERMISSIONS; bit++) {
            ask_all(&t, 1u << bit, restrictions);
        }
        ask_all(&t, KW_PERMISSION_ALL, restrictions);
        assert_status(kw_test_delete_subscription(t.client, &t.session, t.subscription), KW_GOOD);
    }
}

static void every_service_with_every_bit_and_every_restriction_on_an_encrypted_channel(void **state)
{
    walk(*state, NULL, KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT);
}

static void every_service_with_every_bit_and_every_restriction_on_a_signed_channel(void **state)
{
    walk(*state, NULL, KW_MESSAGE_SECURITY_MODE_SIGN);
}

static void every_service_with_every_bit_and_every_restriction_on_a_clear_channel(void **state)
{
    walk(*state, &KW_POLICY_NONE, KW_MESSAGE_SECURITY_MODE_NONE);
}

/* Also those bits that no service here asks for, and without a Session. */
static void every_bit_stands_alone(void **state)
{
    kw_test_world *world = *state;
    const kw_granted_role role = {0, KW_ID_WELL_KNOWN_ROLE_OPERATOR, KW_STRING("Operator")};
    const kw_identity who = {.roles = &role, .role_count = 1};
    for (uint32_t cell = 0; cell < (PERMISSIONS + 1) * 16 * 3 * 2; cell++) {
        const uint32_t bit = cell / 96, granted = bit < PERMISSIONS ? 1u << bit : 0;
        const uint16_t restrictions = cell % 16;
        const kw_message_security_mode mode = (kw_message_security_mode)(KW_MESSAGE_SECURITY_MODE_NONE + cell / 16 % 3);
        const kw_access access = {.identity = &who, .mode = mode, .has_session = cell / 48 % 2 == 0};
        lay(world, granted, restrictions);
        for (uint32_t wanted = 0; wanted < PERMISSIONS; wanted++) {
            assert_cell(kw_permission_name(1u << wanted), granted, restrictions,
                        kw_space_permits(kw_server_space(world->server), &BOX, &access, 1u << wanted),
                        expected(mode, access.has_session, granted, restrictions, 1u << wanted));
        }
    }
}

static void a_call_needs_the_bit_on_the_object_and_on_the_method(void **state)
{
    kw_test_world *world = *state;
    const kw_node_permission may = {0, KW_ID_WELL_KNOWN_ROLE_OPERATOR, KW_PERMISSION_CALL},
                             may_not = {0, KW_ID_WELL_KNOWN_ROLE_OPERATOR, KW_PERMISSION_ALL & ~KW_PERMISSION_CALL};
    const kw_rights yes = {.has_permissions = true, .permissions = &may, .permission_count = 1},
                    no = {.has_permissions = true, .permissions = &may_not, .permission_count = 1};
    talk t = {.client = kw_test_client_new(world, NULL)};
    t.session = kw_test_open_as(t.client, KW_TEST_USER, KW_TEST_PASSWORD);
    for (unsigned i = 0; i < 4; i++) {
        const kw_rights_rule rules[] = {{.id = BOX, .rights = i % 2 == 0 ? yes : no}, {.id = BOX_METHOD, .rights = i / 2 == 0 ? yes : no}};
        size_t wrong = 0;
        assert_status(kw_space_configure_rights(kw_server_space(world->server), rules, 2, &wrong), KW_GOOD);
        assert_status(call(&t, &BOX_METHOD), i == 0 ? KW_GOOD : KW_BAD_USER_ACCESS_DENIED);
    }
}

/* --- events -------------------------------------------------------------------------------------------------------------------------------- */

static kw_status watch_events(talk *t)
{
    kw_qualified_name name = {0, KW_STRING("SourceName")};
    kw_simple_attribute_operand clause = {
        .type_definition_id = KW_NODE_ID(0, KW_ID_BASE_EVENT_TYPE), .browse_path = &name, .browse_path_count = 1, .attribute_id = VALUE};
    const kw_event_filter filter = {.select_clauses = &clause, .select_clauses_count = 1};
    kw_monitored_item_create_request item = {.item_to_monitor = {.node_id = KW_NODE_ID(0, KW_ID_SERVER), .attribute_id = 12},
                                             .monitoring_mode = KW_MONITORING_MODE_REPORTING,
                                             .requested_parameters = {.queue_size = 10,
                                                                      .discard_oldest = true,
                                                                      .filter = kw_extension_object_of(KW_TYPE_EVENT_FILTER, &filter)}};
    return kw_test_watch_with(t->client, &t->session, t->subscription, &item, NULL);
}

static bool is_heard(talk *t)
{
    const kw_event event = {.type = KW_ID_BASE_EVENT_TYPE,
                            .source_node = BOX,
                            .source_name = KW_STRING(SECRET_NAME),
                            .time = t->client->world->clock->utc,
                            .message = KW_STRING("something happened"),
                            .severity = 1};
    const kw_publish_response *response = NULL;
    kw_space_raise(kw_server_space(t->client->world->server), &event);
    assert_status(kw_test_publish(t->client, &t->session, 30, &response), KW_GOOD); /* a keep-alive, when there is nothing */
    return kw_test_notification(&response->notification_message, KW_TYPE_EVENT_NOTIFICATION_LIST) != NULL;
}

static void events_need_receive_events_on_their_source(void **state)
{
    talk t = {.client = kw_test_client_new(*state, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN})};
    t.session = kw_test_open_as(t.client, KW_TEST_USER, KW_TEST_PASSWORD);
    t.subscription = kw_test_subscribe(t.client, &t.session);
    assert_status(watch_events(&t), KW_GOOD);
    for (uint32_t bit = 0; bit < PERMISSIONS; bit++) {
        lay(*state, 1u << bit, KW_RESTRICTION_SIGNING);
        assert_int_equal(is_heard(&t), 1u << bit == KW_PERMISSION_RECEIVE_EVENTS);
    }
    lay(*state, KW_PERMISSION_ALL, KW_RESTRICTION_ENCRYPTION);
    assert_false(is_heard(&t));
    lay(*state, KW_PERMISSION_ALL & ~KW_PERMISSION_RECEIVE_EVENTS, 0);
    assert_false(is_heard(&t));
}

/* --- no path leads to it ------------------------------------------------------------------------------------------------------------------- */

static bool holds(kw_bytes bytes, const char *text)
{
    return memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
}

/* The answer without its header, as it is on the wire; it tells no secret. */
static kw_bytes bare_answer(talk *t, const kw_type *request_type, void *request, const kw_type *answer_type)
{
    const void *answer = NULL;
    ((kw_request_header *)request)->return_diagnostics = 0x3FF;
    assert_status(kw_test_call(t->client, &t->session, request_type, request, &answer), KW_GOOD);
    *(kw_response_header *)(uintptr_t)answer = (kw_response_header){.service_result = KW_GOOD};
    kw_writer w;
    const size_t room = 16384;
    uint8_t *bytes = kw_arena_alloc(t->client->world->arena, room);
    kw_writer_init_fixed(&w, bytes, room);
    assert_status(kw_ua_encode(&w, answer_type, answer), KW_GOOD);
    assert_false(holds(kw_writer_bytes(&w), SECRET_NAME) || holds(kw_writer_bytes(&w), SECRET_VALUE));
    return kw_writer_bytes(&w);
}

static kw_bytes ask_read(talk *t, const kw_node_id *node, uint32_t attribute)
{
    kw_read_value_id what[] = {{.node_id = *node, .attribute_id = attribute},
                               {.node_id = *node, .attribute_id = attribute, .index_range = KW_STRING("0:1")},
                               {.node_id = *node, .attribute_id = attribute, .data_encoding = {0, KW_STRING("Default XML")}}};
    kw_read_request request = {.nodes_to_read = what, .nodes_to_read_count = 3, .timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_NEITHER};
    return bare_answer(t, KW_TYPE_READ_REQUEST, &request, KW_TYPE_READ_RESPONSE);
}

static kw_bytes ask_write(talk *t, const kw_node_id *node, uint32_t attribute)
{
    const int32_t number = 5;
    kw_write_value what[] = {
        {.node_id = *node, .attribute_id = attribute, .value = {.has_value = true, .value = kw_variant_scalar(KW_BUILTIN_INT32, &number)}},
        {.node_id = *node, .attribute_id = attribute, .index_range = KW_STRING("9:1"), .value = {.has_value = true}}};
    kw_write_request request = {.nodes_to_write = what, .nodes_to_write_count = 2};
    return bare_answer(t, KW_TYPE_WRITE_REQUEST, &request, KW_TYPE_WRITE_RESPONSE);
}

static kw_bytes ask_browse(talk *t, const kw_node_id *node)
{
    kw_browse_description what[] = {{.node_id = *node, .browse_direction = KW_BROWSE_DIRECTION_BOTH, .result_mask = 63},
                                    {.node_id = *node, .browse_direction = KW_BROWSE_DIRECTION_INVALID, .result_mask = 63}};
    kw_browse_request request = {.nodes_to_browse = what, .nodes_to_browse_count = 2};
    return bare_answer(t, KW_TYPE_BROWSE_REQUEST, &request, KW_TYPE_BROWSE_RESPONSE);
}

static kw_bytes ask_translate(talk *t, const kw_node_id *node)
{
    kw_relative_path_element element = {.target_name = {1, KW_STRING("nothing")}};
    kw_browse_path path = {.starting_node = *node, .relative_path = {.elements = &element, .elements_count = 1}};
    kw_translate_browse_paths_to_node_ids_request request = {.browse_paths = &path, .browse_paths_count = 1};
    return bare_answer(t, KW_TYPE_TRANSLATE_BROWSE_PATHS_TO_NODE_IDS_REQUEST, &request,
                       KW_TYPE_TRANSLATE_BROWSE_PATHS_TO_NODE_IDS_RESPONSE);
}

static kw_bytes ask_call(talk *t, const kw_node_id *object, const kw_node_id *method)
{
    kw_call_method_request what = {.object_id = *object, .method_id = *method};
    kw_call_request request = {.methods_to_call = &what, .methods_to_call_count = 1};
    return bare_answer(t, KW_TYPE_CALL_REQUEST, &request, KW_TYPE_CALL_RESPONSE);
}

static kw_bytes ask_item(talk *t, const kw_node_id *node, uint32_t attribute)
{
    kw_monitored_item_create_request item = {.item_to_monitor = {.node_id = *node, .attribute_id = attribute},
                                             .monitoring_mode = KW_MONITORING_MODE_REPORTING};
    kw_create_monitored_items_request request = {.subscription_id = t->subscription, .items_to_create = &item, .items_to_create_count = 1};
    return bare_answer(t, KW_TYPE_CREATE_MONITORED_ITEMS_REQUEST, &request, KW_TYPE_CREATE_MONITORED_ITEMS_RESPONSE);
}

static void assert_same(kw_bytes forbidden, kw_bytes unknown)
{
    assert_true(forbidden.len > 0);
    assert_true(kw_bytes_equal(forbidden, unknown));
}

static talk open_talk(kw_test_world *world)
{
    talk t = {.client = kw_test_client_new(world, NULL)};
    t.session = kw_test_open_as(t.client, KW_TEST_USER, KW_TEST_PASSWORD);
    t.subscription = kw_test_subscribe(t.client, &t.session);
    return t;
}

static void a_forbidden_node_answers_like_one_that_is_not_there(void **state)
{
    const kw_node_id *const forbidden[] = {&BOX, &BOX_VALUE, &BOX_METHOD};
    talk t = open_talk(*state);
    lay(*state, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        for (uint32_t attribute = 0; attribute <= 28; attribute++) {
            assert_same(ask_read(&t, forbidden[i], attribute), ask_read(&t, &NOWHERE, attribute));
            assert_same(ask_write(&t, forbidden[i], attribute), ask_write(&t, &NOWHERE, attribute));
            assert_same(ask_item(&t, forbidden[i], attribute), ask_item(&t, &NOWHERE, attribute));
        }
        assert_same(ask_browse(&t, forbidden[i]), ask_browse(&t, &NOWHERE));
        assert_same(ask_translate(&t, forbidden[i]), ask_translate(&t, &NOWHERE));
        assert_same(ask_call(&t, forbidden[i], &BOX_METHOD), ask_call(&t, &NOWHERE, &BOX_METHOD));
    }
}

static void a_forbidden_method_of_an_object_that_one_may_use_is_none_of_its_methods(void **state)
{
    const kw_node_permission all = {0, KW_ID_WELL_KNOWN_ROLE_OPERATOR, KW_PERMISSION_ALL};
    const kw_rights open = {.has_permissions = true, .permissions = &all, .permission_count = 1}, shut = {.has_permissions = true};
    const kw_rights_rule rules[] = {{.id = BOX, .rights = open}, {.id = BOX_METHOD, .rights = shut}};
    kw_test_world *world = *state;
    talk t = open_talk(world);
    size_t wrong = 0;
    assert_status(kw_space_configure_rights(kw_server_space(world->server), rules, 2, &wrong), KW_GOOD);
    assert_same(ask_call(&t, &BOX, &BOX_METHOD), ask_call(&t, &BOX, &NOWHERE));
    assert_false(names(browse(&t, &BOX, KW_BROWSE_DIRECTION_FORWARD, 0), &BOX_METHOD));
}

/* The last reference of all is the forbidden one: a continuation point before it would tell. */
static void a_forbidden_node_shows_in_no_count_and_no_continuation_point(void **state)
{
    talk t = open_talk(*state);
    lay(*state, KW_PERMISSION_ALL, 0);
    const size_t with = browse(&t, &OBJECTS, KW_BROWSE_DIRECTION_FORWARD, 0)->references_count;
    lay(*state, 0, 0);
    const size_t without = browse(&t, &OBJECTS, KW_BROWSE_DIRECTION_FORWARD, 0)->references_count;
    assert_int_equal(with, without + 1);
    const kw_browse_result *exact = browse(&t, &OBJECTS, KW_BROWSE_DIRECTION_FORWARD, (uint32_t)without);
    assert_int_equal(exact->references_count, without);
    assert_int_equal(exact->continuation_point.len, 0);
}

/* A Browse that began while one might see it goes on without it. */
static void a_continuation_point_does_not_outlive_the_right(void **state)
{
    talk t = open_talk(*state);
    lay(*state, KW_PERMISSION_ALL, 0);
    const size_t with = browse(&t, &OBJECTS, KW_BROWSE_DIRECTION_FORWARD, 0)->references_count;
    kw_bytes point = browse(&t, &OBJECTS, KW_BROWSE_DIRECTION_FORWARD, (uint32_t)with - 1)->continuation_point;
    assert_true(point.len > 0);
    lay(*state, 0, 0);
    kw_browse_next_request request = {.continuation_points = &point, .continuation_points_count = 1};
    const void *answer = NULL;
    assert_status(kw_test_call(t.client, &t.session, KW_TYPE_BROWSE_NEXT_REQUEST, &request, &answer), KW_GOOD);
    assert_int_equal(((const kw_browse_next_response *)answer)->results[0].references_count, 0);
}

static void the_way_back_to_a_forbidden_parent_is_not_shown(void **state)
{
    const kw_rights shut = {.has_permissions = true};
    const kw_node_permission all = {0, KW_ID_WELL_KNOWN_ROLE_OPERATOR, KW_PERMISSION_ALL};
    const kw_rights open = {.has_permissions = true, .permissions = &all, .permission_count = 1};
    const kw_rights_rule rules[] = {{.id = BOX, .rights = shut}, {.id = BOX_VALUE, .rights = open}};
    kw_test_world *world = *state;
    talk t = open_talk(world);
    size_t wrong = 0;
    assert_status(kw_space_configure_rights(kw_server_space(world->server), rules, 2, &wrong), KW_GOOD);
    const kw_browse_result *seen = browse(&t, &BOX_VALUE, KW_BROWSE_DIRECTION_BOTH, 0);
    assert_status(seen->status_code, KW_GOOD);
    assert_true(seen->references_count > 0); /* its type */
    assert_false(names(seen, &BOX));
}

static void what_was_watched_before_is_not_sent_any_more(void **state)
{
    talk t = open_talk(*state);
    lay(*state, KW_PERMISSION_ALL, 0);
    assert_status(watch(&t, &BOX_VALUE), KW_GOOD);
    assert_status(watch_events(&t), KW_GOOD);
    const kw_event event = {.type = KW_ID_BASE_EVENT_TYPE, .source_node = BOX, .source_name = KW_STRING(SECRET_NAME), .severity = 1};
    kw_space_raise(kw_server_space(((kw_test_world *)*state)->server), &event); /* waits with the first value */
    lay(*state, 0, 0);
    const kw_publish_response *response = NULL;
    assert_status(kw_test_publish(t.client, &t.session, 30, &response), KW_GOOD);
    assert_null(kw_test_notification(&response->notification_message, KW_TYPE_EVENT_NOTIFICATION_LIST));
    const kw_data_change_notification *change = kw_test_notification(&response->notification_message, KW_TYPE_DATA_CHANGE_NOTIFICATION);
    if (change != NULL) {
        assert_false(change->monitored_items[0].value.has_value);
        assert_true(kw_status_is_bad(change->monitored_items[0].value.status));
    }
}

/* --- rules ------------------------------------------------------------------------------------------------------------------------------------ */

static kw_permission_list list_of(kw_space *space, const kw_node_id *id)
{
    kw_node_ref node;
    kw_permission_list list;
    assert_true(kw_space_find(space, id, &node));
    kw_node_permission_list(space, &node, &list);
    return list;
}

static void rules_are_inherited_and_the_namespace_speaks_last(void **state)
{
    kw_space *space = kw_server_space(((kw_test_world *)*state)->server);
    const kw_node_permission row = {0, KW_ID_WELL_KNOWN_ROLE_ENGINEER, KW_PERMISSION_READ};
    const kw_rights rights = {.has_permissions = true, .permissions = &row, .permission_count = 1};
    const kw_rights_rule rules[] = {{.is_namespace = true, .id = {.ns = 1}, .rights = rights}, {.id = BOX, .rights = rights}};
    size_t wrong = 0;
    assert_int_equal(list_of(space, &BOX_VALUE).source, KW_RIGHTS_BUILT_IN);
    assert_status(kw_space_configure_rights(space, rules, 1, &wrong), KW_GOOD);
    assert_int_equal(list_of(space, &BOX_VALUE).source, KW_RIGHTS_OF_NAMESPACE);
    assert_status(kw_space_configure_rights(space, rules, 2, &wrong), KW_GOOD);
    assert_int_equal(list_of(space, &BOX_VALUE).source, KW_RIGHTS_CONFIGURED);
    const kw_node_id carrier = list_of(space, &BOX_VALUE).carrier;
    assert_true(kw_node_id_equal(&carrier, &BOX));
    assert_status(kw_space_write_rights(space, &BOX_VALUE, &rights), KW_GOOD);
    assert_int_equal(list_of(space, &BOX_VALUE).source, KW_RIGHTS_WRITTEN);
    assert_status(kw_space_configure_rights(space, NULL, 0, &wrong), KW_GOOD);
    assert_int_equal(list_of(space, &BOX).source, KW_RIGHTS_BUILT_IN);
}

static void a_rule_for_no_node_changes_nothing(void **state)
{
    kw_space *space = kw_server_space(((kw_test_world *)*state)->server);
    const kw_rights shut = {.has_permissions = true};
    const kw_rights_rule rules[] = {{.id = BOX, .rights = shut}, {.id = NOWHERE, .rights = shut}};
    size_t wrong = 0;
    assert_status(kw_space_configure_rights(space, rules, 2, &wrong), KW_BAD_NODE_ID_UNKNOWN);
    assert_int_equal(wrong, 1);
    assert_int_equal(list_of(space, &BOX).source, KW_RIGHTS_BUILT_IN);
}

static void what_was_written_goes_with_the_node_and_stays_with_its_children(void **state)
{
    kw_space *space = kw_server_space(((kw_test_world *)*state)->server);
    const kw_node_permission row = {0, KW_ID_WELL_KNOWN_ROLE_ENGINEER, KW_PERMISSION_READ};
    const kw_rights rights = {.has_permissions = true,
                              .has_restrictions = true,
                              .permissions = &row,
                              .permission_count = 1,
                              .restrictions = KW_RESTRICTION_ENCRYPTION};
    assert_status(kw_space_write_rights(space, &BOX, &rights), KW_GOOD);
    assert_status(kw_space_remove(space, &BOX), KW_GOOD);
    kw_node_ref node;
    assert_true(kw_space_find(space, &BOX_VALUE, &node));
    assert_int_equal(list_of(space, &BOX_VALUE).rows[0].role_id, KW_ID_WELL_KNOWN_ROLE_ENGINEER);
    assert_int_equal(kw_node_restriction_source(space, &node).restrictions, KW_RESTRICTION_ENCRYPTION);
    const kw_node_spec again = {.id = BOX, .parent = OBJECTS, .browse_name = {1, KW_STRING("Again")}};
    assert_status(kw_space_add_object(space, &again), KW_GOOD);
    assert_int_equal(list_of(space, &BOX).source, KW_RIGHTS_BUILT_IN);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_service_with_every_bit_and_every_restriction_on_an_encrypted_channel),
        TEST(every_service_with_every_bit_and_every_restriction_on_a_signed_channel),
        TEST(every_service_with_every_bit_and_every_restriction_on_a_clear_channel),
        TEST(every_bit_stands_alone),
        TEST(a_call_needs_the_bit_on_the_object_and_on_the_method),
        TEST(events_need_receive_events_on_their_source),
        TEST(a_forbidden_node_answers_like_one_that_is_not_there),
        TEST(a_forbidden_method_of_an_object_that_one_may_use_is_none_of_its_methods),
        TEST(a_forbidden_node_shows_in_no_count_and_no_continuation_point),
        TEST(a_continuation_point_does_not_outlive_the_right),
        TEST(the_way_back_to_a_forbidden_parent_is_not_shown),
        TEST(what_was_watched_before_is_not_sent_any_more),
        TEST(rules_are_inherited_and_the_namespace_speaks_last),
        TEST(a_rule_for_no_node_changes_nothing),
        TEST(what_was_written_goes_with_the_node_and_stays_with_its_children),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
