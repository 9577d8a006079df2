/* RoleSet and UserManagement: users and Roles changed by Methods. OPC 10000-18, 4 and 5; requirements RO-01 … RO-15, UM-01 … UM-16. */
#include "support/kw_test_events.h"
#include "support/kw_test_user.h"
#include "support/test.h"
#include "ua/codec.h"

#include <keyway/node_ids.h>

#define NODE(number_) (&(const kw_node_id){.id.numeric = (number_)})
#define ROLE_SET 15606
#define OPERATOR 15680
#define USER_MANAGEMENT 24290

typedef struct fixture {
    kw_test_world *world;
    kw_test_client *client;
    kw_test_session admin, olga;
} fixture;

static fixture f;

#define USERS_MAX 3

static void with_few_users(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->max_users = USERS_MAX;
}

static int setup(void **state)
{
    f.world = kw_test_world_new(&(kw_test_world_options){.configure = with_few_users});
    kw_test_world_add_user(f.world, "root", "root password", 0);
    kw_test_world_add_user(f.world, "olga", "a password", 0);
    kw_test_world_grant(f.world, "SecurityAdmin", KW_CRITERIA_USER_NAME, "root");
    f.client = kw_test_client_new(f.world, NULL);
    f.admin = kw_test_open_as(f.client, "root", "root password");
    f.olga = kw_test_open_as(f.client, "olga", "a password");
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_test_world_free(f.world);
    return 0;
}

static kw_variant text(const char *s)
{
    kw_string *value = KW_ARENA_NEW(f.world->arena, kw_string);
    *value = kw_string_from(s);
    return kw_variant_scalar(KW_BUILTIN_STRING, value);
}

static kw_variant flag(bool b)
{
    static const bool NO = false, YES = true;
    return kw_variant_scalar(KW_BUILTIN_BOOLEAN, b ? &YES : &NO);
}

static kw_variant mask(uint32_t bits)
{
    uint32_t *value = KW_ARENA_NEW(f.world->arena, uint32_t);
    *value = bits;
    return kw_variant_scalar(KW_BUILTIN_UINT32, value);
}

static kw_status identity(uint32_t method, kw_criteria criteria, const char *value)
{
    kw_identity_mapping_rule_type rule = {(kw_identity_criteria_type)criteria, kw_string_from(value)};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_IDENTITY_MAPPING_RULE_TYPE, &rule);
    const kw_variant input = kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &object);
    return kw_test_call_method(f.client, &f.admin, NODE(OPERATOR), NODE(method), &input, 1, NULL);
}

static kw_status may(void)
{
    return kw_test_read(f.client, &f.olga, &KW_TEST_SECRET, NULL);
}

/* In force when the Method answers: no time has passed. */
static void ro_15_add_identity_gives_the_role_at_once(void **state)
{
    kw_data_value v;
    (void)state;
    assert_status(may(), KW_BAD_USER_ACCESS_DENIED);
    assert_status(identity(15684, KW_CRITERIA_USER_NAME, "olga"), KW_GOOD);
    assert_status(may(), KW_GOOD);
    assert_status(identity(15684, KW_CRITERIA_USER_NAME, "olga"), KW_BAD_ALREADY_EXISTS);
    assert_status(kw_test_read(f.client, &f.admin, NODE(16225), &v), KW_GOOD);
    assert_int_equal(v.value.count, 1);
    assert_status(identity(15686, KW_CRITERIA_USER_NAME, "olga"), KW_GOOD);
    assert_status(may(), KW_BAD_USER_ACCESS_DENIED);
    assert_status(identity(15686, KW_CRITERIA_USER_NAME, "olga"), KW_BAD_NOT_FOUND);
}

/* The criteria of the rules in an Identities Property, one bit each. */
static uint32_t criteria_of(uint32_t identities)
{
    kw_data_value v;
    uint32_t found = 0;
    assert_status(kw_test_read(f.client, &f.admin, NODE(identities), &v), KW_GOOD);
    const kw_extension_object *rules = v.value.data;
    for (size_t i = 0; i < v.value.count; i++) {
        const kw_identity_mapping_rule_type *rule = kw_extension_object_get(&rules[i], KW_TYPE_IDENTITY_MAPPING_RULE_TYPE);
        assert_non_null(rule);
        found |= 1u << rule->criteria_type;
    }
    return found;
}

static void ro_02_and_ro_03_roles_that_everybody_has(void **state)
{
    (void)state;
    assert_int_equal(criteria_of(KW_ID_WELL_KNOWN_ROLE_ANONYMOUS_IDENTITIES),
                     1u << KW_CRITERIA_ANONYMOUS | 1u << KW_CRITERIA_AUTHENTICATED_USER);
    assert_int_equal(criteria_of(KW_ID_WELL_KNOWN_ROLE_AUTHENTICATED_USER_IDENTITIES), 1u << KW_CRITERIA_AUTHENTICATED_USER);
    assert_int_equal(criteria_of(KW_ID_WELL_KNOWN_ROLE_TRUSTED_APPLICATION_IDENTITIES), 1u << KW_CRITERIA_TRUSTED_APPLICATION);
    const kw_identity *olga = kw_session_identity(kw_test_session_of(f.world, &f.olga));
    assert_true(kw_identity_has_role(olga, 0, KW_ID_WELL_KNOWN_ROLE_ANONYMOUS));
}

static void ro_08_without_a_rule_nobody_has_the_role(void **state)
{
    (void)state;
    assert_int_equal(criteria_of(KW_ID_WELL_KNOWN_ROLE_OPERATOR_IDENTITIES), 0);
    assert_status(may(), KW_BAD_USER_ACCESS_DENIED);
    const kw_identity *root = kw_session_identity(kw_test_session_of(f.world, &f.admin));
    assert_false(kw_identity_has_role(root, 0, OPERATOR));
}

static kw_status write(uint32_t node, kw_variant value)
{
    kw_write_value what = {.node_id.id.numeric = node, .attribute_id = 13, .value = {.has_value = true, .value = value}};
    kw_write_request request = {.nodes_to_write = &what, .nodes_to_write_count = 1};
    const void *response = NULL;
    assert_status(kw_test_call(f.client, &f.admin, KW_TYPE_WRITE_REQUEST, &request, &response), KW_GOOD);
    return ((const kw_write_response *)response)->results[0];
}

static void ro_07_the_lists_are_not_written_but_the_flags_are(void **state)
{
    (void)state;
    const kw_variant none = kw_variant_array(KW_BUILTIN_STRING, NULL, 0);
    assert_status(write(KW_ID_WELL_KNOWN_ROLE_OPERATOR_APPLICATIONS, none), KW_BAD_NOT_WRITABLE);
    assert_status(write(KW_ID_WELL_KNOWN_ROLE_OPERATOR_APPLICATIONS_EXCLUDE, flag(false)), KW_GOOD);
    assert_status(identity(15684, KW_CRITERIA_USER_NAME, "olga"), KW_GOOD);
    assert_status(may(), KW_BAD_USER_ACCESS_DENIED); /* only the listed applications: none */
    assert_status(write(KW_ID_WELL_KNOWN_ROLE_OPERATOR_APPLICATIONS_EXCLUDE, flag(true)), KW_GOOD);
    assert_status(may(), KW_GOOD);
}

static void assert_rule_event(const kw_test_events *events, kw_status status)
{
    const kw_event *event = kw_test_event_one(events, KW_ID_ROLE_MAPPING_RULE_CHANGED_AUDIT_EVENT_TYPE);
    assert_true(event->is_security);
    assert_status(*(const kw_status *)kw_test_event_field(event, "StatusCodeId", KW_BUILTIN_STATUS_CODE), status);
    assert_int_equal(((const kw_node_id *)kw_test_event_field(event, "MethodId", KW_BUILTIN_NODE_ID))->id.numeric, 15684);
    assert_text(kw_test_event_text(event, "ClientUserId"), "root");
}

static void ro_14_a_changed_rule_is_an_event(void **state)
{
    (void)state;
    kw_test_events *events = KW_ARENA_NEW(f.world->arena, kw_test_events);
    kw_test_events_init(events, f.world);
    assert_status(identity(15684, KW_CRITERIA_USER_NAME, "olga"), KW_GOOD);
    assert_rule_event(events, KW_GOOD);
    kw_test_events_forget(events);
    assert_status(identity(15684, KW_CRITERIA_USER_NAME, "olga"), KW_BAD_ALREADY_EXISTS);
    assert_rule_event(events, KW_BAD_ALREADY_EXISTS);
}

static void ro_11_criteria_without_sense_are_refused(void **state)
{
    (void)state;
    assert_status(identity(15684, (kw_criteria)10, "x"), KW_BAD_INVALID_ARGUMENT);
    assert_status(identity(15684, KW_CRITERIA_THUMBPRINT, "ab"), KW_BAD_INVALID_ARGUMENT);
    assert_status(identity(15684, KW_CRITERIA_ANONYMOUS, "x"), KW_BAD_INVALID_ARGUMENT);
}

static void ro_06_roles_are_for_administrators_on_an_encrypted_channel(void **state)
{
    (void)state;
    kw_test_client *weak = kw_test_client_new(f.world, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    kw_test_session root = kw_test_open_as(weak, "root", "root password");
    assert_status(kw_test_read(f.client, &f.olga, NODE(16225), NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_read(weak, &root, NODE(16225), NULL), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    const kw_variant inputs[] = {text("Maintenance"), text(NULL)};
    assert_status(kw_test_call_method(weak, &root, NODE(ROLE_SET), NODE(16301), inputs, 2, NULL), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_status(kw_test_call_method(f.client, &f.olga, NODE(ROLE_SET), NODE(16301), inputs, 2, NULL), KW_BAD_USER_ACCESS_DENIED);
}

static void ro_01_and_ro_05_roles_are_added_and_removed(void **state)
{
    (void)state;
    const kw_variant inputs[] = {text("Maintenance"), text(NULL)};
    kw_call_method_result result;
    assert_status(kw_test_call_method(f.client, &f.admin, NODE(ROLE_SET), NODE(16301), inputs, 2, &result), KW_GOOD);
    const kw_node_id *role = kw_variant_get(&result.output_arguments[0], KW_BUILTIN_NODE_ID);
    assert_non_null(role);
    assert_int_equal(role->ns, 1);
    assert_int_equal(role->id.numeric, 50000);
    const kw_node_id rules = KW_NODE_ID_TEXT(1, "Role.50000.Identities");
    assert_status(kw_test_read(f.client, &f.admin, &rules, NULL), KW_GOOD);
    assert_status(kw_test_call_method(f.client, &f.admin, NODE(ROLE_SET), NODE(16301), inputs, 2, NULL), KW_BAD_ALREADY_EXISTS);
    const kw_variant which = kw_variant_scalar(KW_BUILTIN_NODE_ID, role);
    assert_status(kw_test_call_method(f.client, &f.admin, NODE(ROLE_SET), NODE(16304), &which, 1, NULL), KW_GOOD);
    assert_status(kw_test_read(f.client, &f.admin, &rules, NULL), KW_BAD_NODE_ID_UNKNOWN);
    const kw_variant fixed = kw_variant_scalar(KW_BUILTIN_NODE_ID, NODE(15644));
    assert_status(kw_test_call_method(f.client, &f.admin, NODE(ROLE_SET), NODE(16304), &fixed, 1, NULL), KW_BAD_REQUEST_NOT_ALLOWED);
}

static kw_status add_user(const kw_test_session *session, const char *name, const char *password, uint32_t configuration)
{
    const kw_variant inputs[] = {text(name), text(password), mask(configuration), text("made by a test")};
    return kw_test_call_method(f.client, session, NODE(USER_MANAGEMENT), NODE(24304), inputs, 4, NULL);
}

static void um_01_and_um_05_to_um_08_users_are_added(void **state)
{
    (void)state;
    assert_status(add_user(&f.olga, "nora", "long enough", 0), KW_BAD_USER_ACCESS_DENIED);
    assert_status(add_user(&f.admin, "nora", "long enough", 12), KW_BAD_CONFIGURATION_ERROR);
    assert_status(add_user(&f.admin, "nora", "short", 0), KW_BAD_OUT_OF_RANGE);
    assert_status(add_user(&f.admin, "nora", "long enough", 16), KW_BAD_NOT_SUPPORTED);
    assert_status(add_user(&f.admin, "nora", "long enough", 0), KW_GOOD);
    assert_status(add_user(&f.admin, "nora", "long enough", 0), KW_BAD_ALREADY_EXISTS);
    (void)kw_test_open_as(f.client, "nora", "long enough");
}

static void um_09_there_is_room_for_so_many_users(void **state)
{
    (void)state;
    assert_status(add_user(&f.admin, "third", "long enough", 0), KW_GOOD);
    assert_status(add_user(&f.admin, "fourth", "long enough", 0), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_status(add_user(&f.admin, "third", "long enough", 0), KW_BAD_ALREADY_EXISTS);
}

static kw_status disable(const char *name, bool sets_configuration)
{
    const kw_variant inputs[] = {text(name), flag(false), text(NULL), flag(sets_configuration), mask(2), flag(false), text(NULL)};
    return kw_test_call_method(f.client, &f.admin, NODE(USER_MANAGEMENT), NODE(24306), inputs, 7, NULL);
}

static void um_10_and_um_11_and_um_13_a_user_is_disabled(void **state)
{
    (void)state;
    assert_status(disable("nobody", true), KW_BAD_NOT_FOUND);
    assert_status(disable("root", true), KW_BAD_INVALID_SELF_REFERENCE);
    assert_status(disable("olga", false), KW_GOOD);
    assert_status(kw_test_read(f.client, &f.olga, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    assert_status(disable("olga", true), KW_GOOD);
    assert_status(kw_test_read(f.client, &f.olga, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_ID_INVALID);
}

static kw_status remove_user(const char *name)
{
    const kw_variant input = text(name);
    return kw_test_call_method(f.client, &f.admin, NODE(USER_MANAGEMENT), NODE(24308), &input, 1, NULL);
}

static void um_14_to_um_16_a_user_is_removed(void **state)
{
    (void)state;
    kw_test_world_add_user(f.world, "kept", "a password", KW_USER_NO_DELETE);
    assert_status(remove_user("nobody"), KW_BAD_NOT_FOUND);
    assert_status(remove_user("kept"), KW_BAD_NOT_SUPPORTED);
    assert_status(remove_user("root"), KW_BAD_INVALID_SELF_REFERENCE);
    assert_status(remove_user("olga"), KW_GOOD);
    assert_status(kw_test_read(f.client, &f.olga, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_ID_INVALID);
}

/* What the Users Property says of a user. */
static uint32_t configuration_of(const char *name)
{
    kw_data_value v;
    assert_status(kw_test_read(f.client, &f.admin, NODE(KW_ID_USER_MANAGEMENT_USERS), &v), KW_GOOD);
    const kw_extension_object *users = v.value.data;
    for (size_t i = 0; i < v.value.count; i++) {
        const kw_user_management_data_type *user = kw_extension_object_get(&users[i], KW_TYPE_USER_MANAGEMENT_DATA_TYPE);
        if (kw_string_equals(user->user_name, name)) {
            return user->user_configuration;
        }
    }
    fail_msg("no user %s", name);
    return 0;
}

/* How ActivateSession, ChangePassword and RemoveUser take a user with one of the bits. */
static const struct bit {
    uint32_t bit;
    kw_status opened, changed, removed;
} BITS[] = {{1u << 1, KW_BAD_USER_ACCESS_DENIED, KW_GOOD, KW_GOOD},
            {1u << 2, KW_GOOD, KW_BAD_NOT_SUPPORTED, KW_GOOD},
            {1u << 3, KW_GOOD_PASSWORD_CHANGE_REQUIRED, KW_GOOD, KW_GOOD},
            {1u << 0, KW_GOOD, KW_GOOD, KW_BAD_NOT_SUPPORTED}};

static void um_04_each_bit_of_the_mask_has_its_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(BITS) / sizeof(BITS[0]); i++) {
        kw_test_session session;
        const kw_variant passwords[] = {text("long enough"), text("another one")};
        assert_status(add_user(&f.admin, "nora", "long enough", BITS[i].bit), KW_GOOD);
        assert_int_equal(configuration_of("nora"), BITS[i].bit);
        assert_status(kw_test_create_session(f.client, &session), KW_GOOD);
        assert_status(kw_test_activate(f.client, &session, kw_test_user_name(f.client, &session, "nora", "long enough")), BITS[i].opened);
        if (!kw_status_is_bad(BITS[i].opened)) {
            assert_status(kw_test_call_method(f.client, &session, NODE(USER_MANAGEMENT), NODE(KW_ID_USER_MANAGEMENT_CHANGE_PASSWORD),
                                              passwords, 2, NULL),
                          BITS[i].changed);
        }
        assert_status(remove_user("nora"), BITS[i].removed);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ro_15_add_identity_gives_the_role_at_once),
        TEST(ro_14_a_changed_rule_is_an_event),
        TEST(ro_02_and_ro_03_roles_that_everybody_has),
        TEST(ro_08_without_a_rule_nobody_has_the_role),
        TEST(ro_07_the_lists_are_not_written_but_the_flags_are),
        TEST(ro_11_criteria_without_sense_are_refused),
        TEST(ro_06_roles_are_for_administrators_on_an_encrypted_channel),
        TEST(ro_01_and_ro_05_roles_are_added_and_removed),
        TEST(um_01_and_um_05_to_um_08_users_are_added),
        TEST(um_09_there_is_room_for_so_many_users),
        TEST(um_10_and_um_11_and_um_13_a_user_is_disabled),
        TEST(um_14_to_um_16_a_user_is_removed),
        TEST(um_04_each_bit_of_the_mask_has_its_meaning),
    };
    return cmocka_run_group_tests_name("conformance/administration", tests, NULL, NULL);
}
