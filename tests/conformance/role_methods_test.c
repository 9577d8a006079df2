/* The Methods of every Role, well-known or added: who gets it, and where it holds. OPC 10000-18, 4.4; requirements RO-01, RO-08 … RO-15. */
#include "support/kw_test_events.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#include <stdio.h>

#define PASSWORD "a password"
#define CLIENT "urn:keyway:test:client"
#define THUMBPRINT "0123456789ABCDEF0123456789ABCDEF01234567"

/* The nodes of one Role. */
typedef struct role_nodes {
    kw_node_id role, identities, applications, applications_exclude, endpoints, endpoints_exclude, custom;
    kw_node_id add_identity, remove_identity, add_application, remove_application, add_endpoint, remove_endpoint;
} role_nodes;

#define ID(number) KW_NODE_ID(0, (number))

static const role_nodes OPERATOR = {.role = ID(15680),
                                    .identities = ID(16225),
                                    .applications_exclude = ID(15418),
                                    .applications = ID(16226),
                                    .endpoints_exclude = ID(15423),
                                    .endpoints = ID(16227),
                                    .custom = ID(24143),
                                    .add_identity = ID(15684),
                                    .remove_identity = ID(15686),
                                    .add_application = ID(16228),
                                    .remove_application = ID(16230),
                                    .add_endpoint = ID(16232),
                                    .remove_endpoint = ID(16234)};

typedef struct scene {
    kw_test_world *world;
    kw_test_client *client;
    kw_test_events *events;
    kw_test_session admin, olga;
} scene;

static scene here;

static int setup(void **state)
{
    (void)state;
    here.world = kw_test_world_new(NULL);
    kw_test_world_add_user(here.world, "root", PASSWORD, 0);
    kw_test_world_add_user(here.world, "olga", PASSWORD, 0);
    kw_test_world_grant(here.world, "SecurityAdmin", KW_CRITERIA_USER_NAME, "root");
    here.events = KW_ARENA_NEW(here.world->arena, kw_test_events);
    kw_test_events_init(here.events, here.world);
    here.client = kw_test_client_new(here.world, NULL);
    here.admin = kw_test_open_as(here.client, "root", PASSWORD);
    here.olga = kw_test_open_as(here.client, "olga", PASSWORD);
    kw_test_events_forget(here.events);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_test_world_free(here.world);
    return 0;
}

/* --- calling ------------------------------------------------------------------------------------------------------------------- */

static kw_status call(const kw_node_id *object, const kw_node_id *method, kw_variant input)
{
    return kw_test_call_method(here.client, &here.admin, object, method, &input, 1, NULL);
}

static kw_status call_identity(const role_nodes *r, const kw_node_id *method, kw_criteria criteria, const char *value)
{
    const kw_identity_mapping_rule_type rule = {(kw_identity_criteria_type)criteria, kw_string_from(value)};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_IDENTITY_MAPPING_RULE_TYPE, &rule);
    return call(&r->role, method, kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &object));
}

static kw_status call_application(const role_nodes *r, const kw_node_id *method, const char *uri)
{
    const kw_string text = kw_string_from(uri);
    return call(&r->role, method, kw_variant_scalar(KW_BUILTIN_STRING, &text));
}

static kw_status call_endpoint(const role_nodes *r, const kw_node_id *method, kw_endpoint_type endpoint)
{
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_ENDPOINT_TYPE, &endpoint);
    return call(&r->role, method, kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &object));
}

static kw_status write_flag(const kw_node_id *node, bool flag)
{
    kw_write_value what = {
        .node_id = *node, .attribute_id = 13, .value = {.has_value = true, .value = kw_variant_scalar(KW_BUILTIN_BOOLEAN, &flag)}};
    kw_write_request request = {.nodes_to_write = &what, .nodes_to_write_count = 1};
    const void *response = NULL;
    assert_status(kw_test_call(here.client, &here.admin, KW_TYPE_WRITE_REQUEST, &request, &response), KW_GOOD);
    return ((const kw_write_response *)response)->results[0];
}

static kw_variant read_value(const kw_node_id *node)
{
    kw_data_value value;
    assert_status(kw_test_read(here.client, &here.admin, node, &value), KW_GOOD);
    return value.value;
}

static bool read_flag(const kw_node_id *node)
{
    const kw_variant value = read_value(node);
    return *(const bool *)kw_variant_get(&value, KW_BUILTIN_BOOLEAN);
}

static kw_status may(void)
{
    return kw_test_read(here.client, &here.olga, &KW_TEST_SECRET, NULL);
}

/* A Role of one's own, and its nodes. */
static role_nodes add_role(const char *name)
{
    const kw_string texts[] = {kw_string_from(name), KW_BYTES_NULL};
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_STRING, &texts[0]), kw_variant_scalar(KW_BUILTIN_STRING, &texts[1])};
    kw_call_method_result result;
    assert_status(kw_test_call_method(here.client, &here.admin, &ID(15606), &ID(16301), inputs, 2, &result), KW_GOOD);
    role_nodes r = {.role = *(const kw_node_id *)kw_variant_get(&result.output_arguments[0], KW_BUILTIN_NODE_ID)};
    const struct {
        kw_node_id *node;
        const char *name;
    } all[] = {{&r.identities, "Identities"},
               {&r.applications, "Applications"},
               {&r.applications_exclude, "ApplicationsExclude"},
               {&r.endpoints, "Endpoints"},
               {&r.endpoints_exclude, "EndpointsExclude"},
               {&r.custom, "CustomConfiguration"},
               {&r.add_identity, "AddIdentity"},
               {&r.remove_identity, "RemoveIdentity"},
               {&r.add_application, "AddApplication"},
               {&r.remove_application, "RemoveApplication"},
               {&r.add_endpoint, "AddEndpoint"},
               {&r.remove_endpoint, "RemoveEndpoint"}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const kw_string id = kw_arena_format(here.world->arena, "Role.%u.%s", (unsigned)r.role.id.numeric, all[i].name);
        *all[i].node = (kw_node_id){.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = id};
    }
    return r;
}

/* --- identities ------------------------------------------------------------------------------------------------------------------ */

static void add_and_remove_every_criteria(const role_nodes *r)
{
    static const struct {
        kw_criteria criteria;
        const char *value;
    } ALL[] = {{KW_CRITERIA_USER_NAME, "olga"},   {KW_CRITERIA_THUMBPRINT, THUMBPRINT},  {KW_CRITERIA_ROLE, "operators"},
               {KW_CRITERIA_GROUP_ID, "4711"},    {KW_CRITERIA_ANONYMOUS, NULL},         {KW_CRITERIA_AUTHENTICATED_USER, NULL},
               {KW_CRITERIA_APPLICATION, CLIENT}, {KW_CRITERIA_X509_SUBJECT, "CN=olga"}, {KW_CRITERIA_TRUSTED_APPLICATION, NULL}};
    const size_t count = sizeof(ALL) / sizeof(ALL[0]);
    for (size_t i = 0; i < count; i++) {
        assert_status(call_identity(r, &r->add_identity, ALL[i].criteria, ALL[i].value), KW_GOOD);
        assert_status(call_identity(r, &r->add_identity, ALL[i].criteria, ALL[i].value), KW_BAD_ALREADY_EXISTS);
    }
    const kw_variant value = read_value(&r->identities);
    assert_int_equal(value.count, count);
    for (size_t i = 0; i < count; i++) { /* they come in the order of the criteria */
        const kw_extension_object *object = &((const kw_extension_object *)value.data)[i];
        const kw_identity_mapping_rule_type *rule = kw_extension_object_get(object, KW_TYPE_IDENTITY_MAPPING_RULE_TYPE);
        assert_non_null(rule);
        assert_int_equal(rule->criteria_type, ALL[i].criteria);
        assert_true(ALL[i].value == NULL ? rule->criteria.len == 0 : kw_string_equals(rule->criteria, ALL[i].value));
    }
    for (size_t i = 0; i < count; i++) {
        assert_status(call_identity(r, &r->remove_identity, ALL[i].criteria, ALL[i].value), KW_GOOD);
        assert_status(call_identity(r, &r->remove_identity, ALL[i].criteria, ALL[i].value), KW_BAD_NOT_FOUND);
    }
    assert_int_equal(read_value(&r->identities).count, 0);
}

static void ro_11_every_criteria_is_added_and_removed(void **state)
{
    (void)state;
    add_and_remove_every_criteria(&OPERATOR);
}

static void ro_01_and_ro_11_a_role_of_ones_own_takes_every_criteria(void **state)
{
    (void)state;
    const role_nodes r = add_role("Maintenance");
    add_and_remove_every_criteria(&r);
}

static void ro_11_empty_is_as_good_as_null_where_the_criteria_needs_no_value(void **state)
{
    (void)state;
    assert_status(call_identity(&OPERATOR, &OPERATOR.add_identity, KW_CRITERIA_AUTHENTICATED_USER, ""), KW_GOOD);
    assert_status(may(), KW_GOOD);
    assert_status(call_identity(&OPERATOR, &OPERATOR.remove_identity, KW_CRITERIA_AUTHENTICATED_USER, NULL), KW_GOOD);
    assert_status(may(), KW_BAD_USER_ACCESS_DENIED);
    assert_status(call_identity(&OPERATOR, &OPERATOR.add_identity, KW_CRITERIA_USER_NAME, ""), KW_BAD_INVALID_ARGUMENT);
}

static void nobody_makes_the_methods_of_a_role_before_it_is_there(void **state)
{
    (void)state;
    kw_space *space = kw_server_space(here.world->server);
    const kw_node_id id = KW_NODE_ID(1, 50000), method = KW_NODE_ID(1, 777);
    const kw_node_spec role = {.id = id, .parent = ID(15606), .browse_name = {1, KW_STRING("Maintenance")}};
    const kw_node_spec add_identity = {.id = method, .parent = id, .browse_name = {0, KW_STRING("AddIdentity")}};
    assert_status(kw_space_add_object(space, &role), KW_GOOD);
    assert_status(kw_space_add_method(space, &add_identity), KW_GOOD);
    const kw_string texts[] = {KW_STRING("Maintenance"), KW_BYTES_NULL};
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_STRING, &texts[0]), kw_variant_scalar(KW_BUILTIN_STRING, &texts[1])};
    kw_call_method_result result;
    assert_true(kw_status_is_bad(kw_test_call_method(here.client, &here.admin, &ID(15606), &ID(16301), inputs, 2, &result)));
    assert_status(kw_test_call_method(here.client, &here.admin, &id, &method, NULL, 0, &result), KW_BAD_NOT_EXECUTABLE);
}

/* --- applications ------------------------------------------------------------------------------------------------------------------ */

/* In force when the Method answers, for the Session that is open. */
static void limit_to_applications(const role_nodes *r, kw_status (*has)(void))
{
    assert_true(read_flag(&r->applications_exclude));
    assert_status(has(), KW_GOOD);
    assert_status(call_application(r, &r->add_application, CLIENT), KW_GOOD);
    assert_status(call_application(r, &r->add_application, CLIENT), KW_BAD_ALREADY_EXISTS);
    assert_status(has(), KW_BAD_USER_ACCESS_DENIED); /* all but this one */
    assert_status(write_flag(&r->applications_exclude, false), KW_GOOD);
    assert_status(has(), KW_GOOD); /* only this one */
    assert_status(call_application(r, &r->add_application, "urn:another"), KW_GOOD);
    const kw_variant value = read_value(&r->applications);
    assert_int_equal(value.count, 2);
    assert_text(((const kw_string *)value.data)[1], CLIENT);
    assert_status(call_application(r, &r->remove_application, CLIENT), KW_GOOD);
    assert_status(call_application(r, &r->remove_application, CLIENT), KW_BAD_NOT_FOUND);
    assert_status(has(), KW_BAD_USER_ACCESS_DENIED);
    assert_status(call_application(r, &r->add_application, NULL), KW_BAD_INVALID_ARGUMENT);
}

static void ro_09_and_ro_15_a_role_is_limited_to_applications(void **state)
{
    (void)state;
    assert_status(call_identity(&OPERATOR, &OPERATOR.add_identity, KW_CRITERIA_USER_NAME, "olga"), KW_GOOD);
    limit_to_applications(&OPERATOR, may);
}

static kw_node_id own_role;

static kw_status has_own_role(void)
{
    const kw_identity *olga = kw_session_identity(kw_test_session_of(here.world, &here.olga));
    return kw_identity_has_role(olga, own_role.ns, own_role.id.numeric) ? KW_GOOD : KW_BAD_USER_ACCESS_DENIED;
}

static void ro_09_and_ro_15_a_role_of_ones_own_too(void **state)
{
    (void)state;
    const role_nodes r = add_role("Maintenance");
    own_role = r.role;
    assert_status(call_identity(&r, &r.add_identity, KW_CRITERIA_USER_NAME, "olga"), KW_GOOD);
    limit_to_applications(&r, has_own_role);
}

/* --- endpoints ------------------------------------------------------------------------------------------------------------------------ */

static void ro_09_and_ro_15_a_role_is_limited_to_endpoints(void **state)
{
    (void)state;
    const kw_endpoint_type signed_only = {.security_mode = KW_MESSAGE_SECURITY_MODE_SIGN};
    const kw_endpoint_type encrypted = {.endpoint_url = kw_server_url(here.world->server),
                                        .security_mode = KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT,
                                        .security_policy_uri = kw_string_from(here.client->policy->uri)};
    const role_nodes *r = &OPERATOR;
    assert_status(call_identity(r, &r->add_identity, KW_CRITERIA_USER_NAME, "olga"), KW_GOOD);
    assert_true(read_flag(&r->endpoints_exclude));
    assert_status(call_endpoint(r, &r->add_endpoint, signed_only), KW_GOOD);
    assert_status(call_endpoint(r, &r->add_endpoint, signed_only), KW_BAD_ALREADY_EXISTS);
    assert_status(may(), KW_GOOD); /* all but that one */
    assert_status(write_flag(&r->endpoints_exclude, false), KW_GOOD);
    assert_status(may(), KW_BAD_USER_ACCESS_DENIED);
    assert_status(call_endpoint(r, &r->add_endpoint, encrypted), KW_GOOD);
    assert_status(may(), KW_GOOD);
    const kw_variant value = read_value(&r->endpoints);
    assert_int_equal(value.count, 2);
    assert_status(call_endpoint(r, &r->remove_endpoint, encrypted), KW_GOOD);
    assert_status(call_endpoint(r, &r->remove_endpoint, encrypted), KW_BAD_NOT_FOUND);
    assert_status(may(), KW_BAD_USER_ACCESS_DENIED);
    assert_status(call_endpoint(r, &r->add_endpoint, (kw_endpoint_type){.security_mode = 0}), KW_BAD_INVALID_ARGUMENT);
    assert_status(call_endpoint(r, &r->add_endpoint, (kw_endpoint_type){.security_mode = 4}), KW_BAD_INVALID_ARGUMENT);
}

/* --- the rest ------------------------------------------------------------------------------------------------------------------------- */

/* What is given by other means than these rules is not given here: the Property says it, and rules count as before. */
static void ro_08_custom_configuration_is_told_and_gives_nobody_the_role(void **state)
{
    (void)state;
    const kw_role custom = {
        .name = KW_STRING("Operator"), .custom_configuration = true, .applications_exclude = true, .endpoints_exclude = true};
    assert_false(read_flag(&OPERATOR.custom));
    assert_status(kw_store_role_set(here.world->store->store, &custom), KW_GOOD);
    kw_test_world_advance(here.world, KW_SESSION_LIMITS_DEFAULT.review_period_ms);
    assert_true(read_flag(&OPERATOR.custom));
    assert_status(write_flag(&OPERATOR.custom, false), KW_BAD_NOT_WRITABLE);
    assert_status(may(), KW_BAD_USER_ACCESS_DENIED);
    assert_status(call_identity(&OPERATOR, &OPERATOR.add_identity, KW_CRITERIA_USER_NAME, "olga"), KW_GOOD);
    assert_status(may(), KW_GOOD);
}

static void ro_14_every_change_of_a_rule_is_an_event(void **state)
{
    (void)state;
    const kw_endpoint_type endpoint = {.security_mode = KW_MESSAGE_SECURITY_MODE_SIGN};
    assert_status(call_application(&OPERATOR, &OPERATOR.add_application, "urn:another"), KW_GOOD);
    assert_status(call_application(&OPERATOR, &OPERATOR.remove_application, "urn:another"), KW_GOOD);
    assert_status(call_endpoint(&OPERATOR, &OPERATOR.add_endpoint, endpoint), KW_GOOD);
    assert_status(call_endpoint(&OPERATOR, &OPERATOR.remove_endpoint, endpoint), KW_GOOD);
    assert_int_equal(kw_test_event_count(here.events, KW_ID_ROLE_MAPPING_RULE_CHANGED_AUDIT_EVENT_TYPE), 4);
    kw_test_events_forget(here.events);
    assert_status(call_application(&OPERATOR, &OPERATOR.remove_application, "urn:another"), KW_BAD_NOT_FOUND);
    const kw_event *event = kw_test_event_one(here.events, KW_ID_ROLE_MAPPING_RULE_CHANGED_AUDIT_EVENT_TYPE);
    assert_false(*(const bool *)kw_test_event_field(event, "Status", KW_BUILTIN_BOOLEAN));
    assert_text(event->message, "a Method was refused: Bad_NotFound");
    assert_text(kw_test_event_text(event, "ClientUserId"), "root");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ro_11_every_criteria_is_added_and_removed),
        TEST(ro_01_and_ro_11_a_role_of_ones_own_takes_every_criteria),
        TEST(nobody_makes_the_methods_of_a_role_before_it_is_there),
        TEST(ro_11_empty_is_as_good_as_null_where_the_criteria_needs_no_value),
        TEST(ro_09_and_ro_15_a_role_is_limited_to_applications),
        TEST(ro_09_and_ro_15_a_role_of_ones_own_too),
        TEST(ro_09_and_ro_15_a_role_is_limited_to_endpoints),
        TEST(ro_08_custom_configuration_is_told_and_gives_nobody_the_role),
        TEST(ro_14_every_change_of_a_rule_is_an_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
