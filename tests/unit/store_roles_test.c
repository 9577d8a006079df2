/* Roles and their mapping rules in the store. OPC 10000-18, 4; requirements RO-01 … RO-11. */
#include "support/kw_test_store.h"
#include "support/test.h"

#include <string.h>

static const struct {
    const char *name;
    uint32_t id;
} WELL_KNOWN[] = {
    {"Anonymous", 15644},
    {"AuthenticatedUser", 15656},
    {"Observer", 15668},
    {"Operator", 15680},
    {"Supervisor", 15692},
    {"SecurityAdmin", 15704},
    {"ConfigureAdmin", 15716},
    {"Engineer", 16036},
    {"TrustedApplication", 18625},
    {"SecurityKeyServerAdmin", 25565},
    {"SecurityKeyServerPush", 25584},
    {"SecurityKeyServerAccess", 25603},
};
#define WELL_KNOWN_COUNT (sizeof(WELL_KNOWN) / sizeof(WELL_KNOWN[0]))

static const char *const FIXED[] = {"Anonymous", "AuthenticatedUser", "TrustedApplication"};

static const kw_role CUSTOM = {
    .name = {(const uint8_t *)"Maintenance", 11}, .namespace_uri = {(const uint8_t *)"urn:plant", 9}, .node_id = 5000};

static kw_role_rule rule_of(kw_criteria criteria, const char *value)
{
    return (kw_role_rule){.criteria = criteria, .value = kw_string_from(value)};
}

static kw_role *find(kw_test_store *t, const char *name)
{
    kw_role *roles;
    size_t count;
    assert_status(kw_store_role_list(t->store, t->arena, &roles, &count), KW_GOOD);
    for (size_t i = 0; i < count; i++) {
        if (kw_string_equals(roles[i].name, name)) {
            return &roles[i];
        }
    }
    return NULL;
}

static kw_status add_rule(kw_test_store *t, const char *role, kw_criteria criteria, const char *value)
{
    const kw_role_rule rule = rule_of(criteria, value);
    return kw_store_role_rule_add(t->store, kw_string_from(role), &rule);
}

static kw_status remove_rule(kw_test_store *t, const char *role, kw_criteria criteria, const char *value)
{
    const kw_role_rule rule = rule_of(criteria, value);
    return kw_store_role_rule_remove(t->store, kw_string_from(role), &rule);
}

static void assert_rules(kw_test_store *t, const char *role, size_t count, const kw_criteria *criteria)
{
    const kw_role *found = find(t, role);
    assert_int_equal(found->rule_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(found->rules[i].criteria, criteria[i]);
        assert_null_text(found->rules[i].value);
    }
}

/* RO-01, RO-09: there with their NodeIds, by NodeId, and without restriction. */
static void a_new_store_has_the_well_known_roles(void **state)
{
    kw_test_store *t = *state;
    kw_role *roles;
    size_t count;
    assert_status(kw_store_role_list(t->store, t->arena, &roles, &count), KW_GOOD);
    assert_int_equal(count, WELL_KNOWN_COUNT);
    for (size_t i = 0; i < count; i++) {
        assert_text(roles[i].name, WELL_KNOWN[i].name);
        assert_int_equal(roles[i].node_id, WELL_KNOWN[i].id);
        assert_null_text(roles[i].namespace_uri);
        assert_true(roles[i].is_well_known && roles[i].applications_exclude && roles[i].endpoints_exclude);
        assert_false(roles[i].custom_configuration);
        assert_int_equal(roles[i].application_count, 0);
    }
}

/* RO-02, RO-03, RO-08 */
static void only_the_fixed_roles_have_rules_in_a_new_store(void **state)
{
    kw_test_store *t = *state;
    assert_rules(t, "Anonymous", 2, (const kw_criteria[]){KW_CRITERIA_ANONYMOUS, KW_CRITERIA_AUTHENTICATED_USER});
    assert_rules(t, "AuthenticatedUser", 1, (const kw_criteria[]){KW_CRITERIA_AUTHENTICATED_USER});
    assert_rules(t, "TrustedApplication", 1, (const kw_criteria[]){KW_CRITERIA_TRUSTED_APPLICATION});
    for (size_t i = 0; i < WELL_KNOWN_COUNT; i++) {
        const bool is_fixed = strcmp(WELL_KNOWN[i].name, FIXED[0]) == 0 || strcmp(WELL_KNOWN[i].name, FIXED[1]) == 0 ||
                              strcmp(WELL_KNOWN[i].name, FIXED[2]) == 0;
        assert_true(is_fixed || find(t, WELL_KNOWN[i].name)->rule_count == 0);
    }
}

/* RO-04 */
static void the_fixed_roles_cannot_be_changed(void **state)
{
    kw_test_store *t = *state;
    const uint64_t version = kw_store_version(t->store);
    for (size_t i = 0; i < 3; i++) {
        const kw_string name = kw_string_from(FIXED[i]);
        assert_status(add_rule(t, FIXED[i], KW_CRITERIA_USER_NAME, "alice"), KW_BAD_REQUEST_NOT_ALLOWED);
        assert_status(remove_rule(t, FIXED[i], KW_CRITERIA_AUTHENTICATED_USER, NULL), KW_BAD_REQUEST_NOT_ALLOWED);
        assert_status(kw_store_role_set(t->store, &(kw_role){.name = name, .custom_configuration = true}), KW_BAD_REQUEST_NOT_ALLOWED);
        assert_status(kw_store_role_application_add(t->store, name, KW_STRING("urn:a")), KW_BAD_REQUEST_NOT_ALLOWED);
        assert_status(kw_store_role_application_remove(t->store, name, KW_STRING("urn:a")), KW_BAD_REQUEST_NOT_ALLOWED);
    }
    assert_true(kw_store_version(t->store) == version);
}

/* RO-05 */
static void no_well_known_role_can_be_removed(void **state)
{
    kw_test_store *t = *state;
    for (size_t i = 0; i < WELL_KNOWN_COUNT; i++) {
        assert_status(kw_store_role_remove(t->store, kw_string_from(WELL_KNOWN[i].name)), KW_BAD_REQUEST_NOT_ALLOWED);
        assert_non_null(find(t, WELL_KNOWN[i].name));
    }
}

static void a_role_of_one_s_own_starts_without_rules_and_restrictions(void **state)
{
    kw_test_store *t = *state;
    assert_status(kw_store_role_add(t->store, &CUSTOM), KW_GOOD);
    kw_test_store_reopen(t);
    const kw_role *found = find(t, "Maintenance");
    assert_text(found->namespace_uri, "urn:plant");
    assert_int_equal(found->node_id, 5000);
    assert_true(found->applications_exclude && found->endpoints_exclude);
    assert_false(found->is_well_known || found->custom_configuration);
    assert_int_equal(found->rule_count + found->application_count, 0);
}

static void a_role_s_name_and_node_id_are_taken_once(void **state)
{
    kw_test_store *t = *state;
    kw_role other = CUSTOM;
    assert_status(kw_store_role_add(t->store, &CUSTOM), KW_GOOD);
    assert_status(kw_store_role_add(t->store, &CUSTOM), KW_BAD_ALREADY_EXISTS);
    other.name = KW_STRING("Other");
    assert_status(kw_store_role_add(t->store, &other), KW_BAD_ALREADY_EXISTS); /* the same NodeId */
    other.namespace_uri = KW_STRING("urn:elsewhere");
    assert_status(kw_store_role_add(t->store, &other), KW_GOOD);
    assert_status(kw_store_role_add(t->store, &(kw_role){.name = KW_STRING("Third"), .node_id = 15680}),
                  KW_BAD_ALREADY_EXISTS); /* ns 0: Operator */
}

static void a_removed_role_takes_its_rules_and_applications_along(void **state)
{
    kw_test_store *t = *state;
    assert_status(kw_store_role_remove(t->store, CUSTOM.name), KW_BAD_NOT_FOUND);
    assert_status(kw_store_role_add(t->store, &CUSTOM), KW_GOOD);
    assert_status(add_rule(t, "Maintenance", KW_CRITERIA_USER_NAME, "alice"), KW_GOOD);
    assert_status(kw_store_role_application_add(t->store, CUSTOM.name, KW_STRING("urn:a")), KW_GOOD);
    assert_status(kw_store_role_remove(t->store, CUSTOM.name), KW_GOOD);
    assert_null(find(t, "Maintenance"));
    assert_status(kw_store_role_add(t->store, &CUSTOM), KW_GOOD);
    assert_int_equal(find(t, "Maintenance")->rule_count, 0);
    assert_int_equal(find(t, "Maintenance")->application_count, 0);
}

static void rules_are_added_once_and_removed(void **state)
{
    kw_test_store *t = *state;
    assert_status(add_rule(t, "Operator", KW_CRITERIA_ROLE, "ops"), KW_GOOD);
    assert_status(add_rule(t, "Operator", KW_CRITERIA_USER_NAME, "alice"), KW_GOOD);
    assert_status(add_rule(t, "Operator", KW_CRITERIA_GROUP_ID, "ops"), KW_GOOD); /* another criterion of the same value */
    assert_status(add_rule(t, "Operator", KW_CRITERIA_ROLE, "ops"), KW_BAD_ALREADY_EXISTS);
    assert_status(add_rule(t, "Operator", KW_CRITERIA_AUTHENTICATED_USER, NULL), KW_GOOD);
    assert_status(add_rule(t, "Operator", KW_CRITERIA_AUTHENTICATED_USER, ""), KW_BAD_ALREADY_EXISTS); /* null and empty are one here */
    kw_test_store_reopen(t);
    const kw_role *found = find(t, "Operator");
    assert_int_equal(found->rule_count, 4);
    assert_int_equal(found->rules[0].criteria, KW_CRITERIA_USER_NAME);
    assert_text(found->rules[0].value, "alice");
    assert_int_equal(found->rules[1].criteria, KW_CRITERIA_ROLE);
    assert_int_equal(found->rules[2].criteria, KW_CRITERIA_GROUP_ID);
    assert_null_text(found->rules[3].value);
    assert_status(remove_rule(t, "Operator", KW_CRITERIA_ROLE, "ops"), KW_GOOD);
    assert_status(remove_rule(t, "Operator", KW_CRITERIA_ROLE, "ops"), KW_BAD_NOT_FOUND);
    assert_status(remove_rule(t, "Operator", KW_CRITERIA_AUTHENTICATED_USER, NULL), KW_GOOD);
    assert_int_equal(find(t, "Operator")->rule_count, 2);
}

static void a_role_that_is_not_there_takes_nothing(void **state)
{
    kw_test_store *t = *state;
    const kw_string nobody = KW_STRING("Nobody");
    assert_status(add_rule(t, "Nobody", KW_CRITERIA_USER_NAME, "alice"), KW_BAD_NOT_FOUND);
    assert_status(remove_rule(t, "Nobody", KW_CRITERIA_USER_NAME, "alice"), KW_BAD_NOT_FOUND);
    assert_status(kw_store_role_set(t->store, &(kw_role){.name = nobody}), KW_BAD_NOT_FOUND);
    assert_status(kw_store_role_application_add(t->store, nobody, KW_STRING("urn:a")), KW_BAD_NOT_FOUND);
    assert_status(kw_store_role_application_remove(t->store, nobody, KW_STRING("urn:a")), KW_BAD_NOT_FOUND);
}

/* RO-11 */
static void criteria_and_value_go_together(void **state)
{
    kw_test_store *t = *state;
    static const kw_criteria ALONE[] = {KW_CRITERIA_ANONYMOUS, KW_CRITERIA_AUTHENTICATED_USER, KW_CRITERIA_TRUSTED_APPLICATION};
    static const kw_criteria VALUED[] = {KW_CRITERIA_USER_NAME, KW_CRITERIA_THUMBPRINT,  KW_CRITERIA_ROLE,
                                         KW_CRITERIA_GROUP_ID,  KW_CRITERIA_APPLICATION, KW_CRITERIA_X509_SUBJECT};
    for (size_t i = 0; i < sizeof(ALONE) / sizeof(ALONE[0]); i++) {
        assert_status(add_rule(t, "Operator", ALONE[i], "x"), KW_BAD_INVALID_ARGUMENT);
        assert_status(add_rule(t, "Operator", ALONE[i], NULL), KW_GOOD);
    }
    for (size_t i = 0; i < sizeof(VALUED) / sizeof(VALUED[0]); i++) {
        assert_status(add_rule(t, "Operator", VALUED[i], NULL), KW_BAD_INVALID_ARGUMENT);
        assert_status(add_rule(t, "Operator", VALUED[i], ""), KW_BAD_INVALID_ARGUMENT);
        const bool is_thumbprint = VALUED[i] == KW_CRITERIA_THUMBPRINT;
        assert_status(add_rule(t, "Operator", VALUED[i], is_thumbprint ? "0123456789ABCDEF0123456789ABCDEF01234567" : "x"), KW_GOOD);
    }
    assert_status(add_rule(t, "Operator", (kw_criteria)0, "x"), KW_BAD_INVALID_ARGUMENT);
    assert_status(add_rule(t, "Operator", (kw_criteria)10, "x"), KW_BAD_INVALID_ARGUMENT);
    assert_int_equal(find(t, "Operator")->rule_count, 9);
}

static void ro_10_a_thumbprint_is_uppercase_hex_without_spaces(void **state)
{
    kw_test_store *t = *state;
    static const char *const WRONG[] = {"x", "0123456789abcdef0123456789abcdef01234567", "0123456789ABCDEF0123456789ABCDEF0123456",
                                        "01 23 45 67 89 AB CD EF 01 23 45 67 89 A", "0123456789ABCDEF0123456789ABCDEF0123456G"};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        assert_status(add_rule(t, "Operator", KW_CRITERIA_THUMBPRINT, WRONG[i]), KW_BAD_INVALID_ARGUMENT);
    }
    assert_int_equal(find(t, "Operator")->rule_count, 0);
}

static void a_role_without_a_node_id_gets_the_next_one(void **state)
{
    kw_test_store *t = *state;
    const kw_role first = {.name = KW_STRING("First"), .namespace_uri = KW_STRING("urn:plant")};
    const kw_role second = {.name = KW_STRING("Second"), .namespace_uri = KW_STRING("urn:plant")};
    assert_status(kw_store_role_add(t->store, &first), KW_GOOD);
    assert_status(kw_store_role_add(t->store, &second), KW_GOOD);
    assert_status(kw_store_role_add(t->store, &second), KW_BAD_ALREADY_EXISTS);
    assert_int_equal(find(t, "First")->node_id, 50000);
    assert_int_equal(find(t, "Second")->node_id, 50001);
}

/* What is allowed to a Role that was removed is allowed to no later one. */
static void the_node_id_of_a_removed_role_is_not_given_again(void **state)
{
    kw_test_store *t = *state;
    assert_status(kw_store_role_add(t->store, &(kw_role){.name = KW_STRING("First")}), KW_GOOD);
    assert_status(kw_store_role_add(t->store, &(kw_role){.name = KW_STRING("Second")}), KW_GOOD);
    assert_status(kw_store_role_remove(t->store, KW_STRING("Second")), KW_GOOD);
    assert_status(kw_store_role_remove(t->store, KW_STRING("First")), KW_GOOD);
    kw_store *other = kw_test_store_open(t);
    assert_status(kw_store_role_add(other, &(kw_role){.name = KW_STRING("Third")}), KW_GOOD);
    assert_status(kw_store_role_add(t->store, &(kw_role){.name = KW_STRING("Fourth")}), KW_GOOD);
    kw_store_close(other);
    assert_int_equal(find(t, "Third")->node_id, 50002);
    assert_int_equal(find(t, "Fourth")->node_id, 50003);
}

static void a_later_user_of_the_same_name_inherits_no_role(void **state)
{
    kw_test_store *t = *state;
    assert_status(kw_store_user_add(t->store, &(kw_user){.name = KW_STRING("alice")}), KW_GOOD);
    assert_status(add_rule(t, "Operator", KW_CRITERIA_USER_NAME, "alice"), KW_GOOD);
    assert_status(add_rule(t, "Engineer", KW_CRITERIA_USER_NAME, "alice"), KW_GOOD);
    assert_status(add_rule(t, "Operator", KW_CRITERIA_GROUP_ID, "alice"), KW_GOOD); /* a group of that name is another matter */
    assert_status(add_rule(t, "Operator", KW_CRITERIA_USER_NAME, "bob"), KW_GOOD);
    assert_status(kw_store_user_remove(t->store, KW_STRING("alice")), KW_GOOD);
    assert_int_equal(find(t, "Engineer")->rule_count, 0);
    assert_int_equal(find(t, "Operator")->rule_count, 2);
    assert_text(find(t, "Operator")->rules[0].value, "bob");
    assert_int_equal(find(t, "Operator")->rules[1].criteria, KW_CRITERIA_GROUP_ID);
}

/* RO-07, RO-09 */
static void a_role_is_limited_to_applications(void **state)
{
    kw_test_store *t = *state;
    const kw_string operators = KW_STRING("Operator");
    assert_status(kw_store_role_set(t->store, &(kw_role){.name = operators, .custom_configuration = true, .endpoints_exclude = true}),
                  KW_GOOD);
    assert_status(kw_store_role_application_add(t->store, operators, KW_STRING("urn:b")), KW_GOOD);
    assert_status(kw_store_role_application_add(t->store, operators, KW_STRING("urn:a")), KW_GOOD);
    assert_status(kw_store_role_application_add(t->store, operators, KW_STRING("urn:a")), KW_BAD_ALREADY_EXISTS);
    assert_status(kw_store_role_application_add(t->store, operators, KW_BYTES_NULL), KW_BAD_INVALID_ARGUMENT);
    kw_test_store_reopen(t);
    const kw_role *found = find(t, "Operator");
    assert_true(found->custom_configuration && !found->applications_exclude && found->endpoints_exclude && found->is_well_known);
    assert_int_equal(found->node_id, 15680);
    assert_int_equal(found->application_count, 2);
    assert_text(found->applications[0], "urn:a");
    assert_text(found->applications[1], "urn:b");
    assert_status(kw_store_role_application_remove(t->store, operators, KW_STRING("urn:a")), KW_GOOD);
    assert_status(kw_store_role_application_remove(t->store, operators, KW_STRING("urn:a")), KW_BAD_NOT_FOUND);
    assert_int_equal(find(t, "Operator")->application_count, 1);
}

/* RO-09: exact, all fields; what says nothing is no endpoint. */
static void a_role_can_be_limited_to_endpoints(void **state)
{
    kw_test_store *t = *state;
    const kw_string observer = KW_STRING("Observer");
    const kw_role_endpoint encrypted = {.security_mode = 3};
    const kw_role_endpoint named = {.url = KW_STRING("opc.tcp://plant:4840"), .security_policy_uri = KW_STRING("urn:policy")};
    assert_status(kw_store_role_endpoint_add(t->store, observer, &(kw_role_endpoint){.security_mode = 0}), KW_BAD_INVALID_ARGUMENT);
    assert_status(kw_store_role_endpoint_add(t->store, observer, &(kw_role_endpoint){.security_mode = 4}), KW_BAD_INVALID_ARGUMENT);
    assert_status(kw_store_role_endpoint_add(t->store, KW_STRING("Nobody"), &encrypted), KW_BAD_NOT_FOUND);
    assert_status(kw_store_role_endpoint_add(t->store, KW_STRING("Anonymous"), &encrypted), KW_BAD_REQUEST_NOT_ALLOWED);
    assert_status(kw_store_role_endpoint_add(t->store, observer, &encrypted), KW_GOOD);
    assert_status(kw_store_role_endpoint_add(t->store, observer, &encrypted), KW_BAD_ALREADY_EXISTS);
    const uint64_t version = kw_store_version(t->store);
    assert_status(kw_store_role_endpoint_add(t->store, observer, &named), KW_GOOD);
    assert_true(kw_store_version(t->store) != version);
    kw_test_store_reopen(t);
    const kw_role *found = find(t, "Observer");
    assert_int_equal(found->endpoint_count, 2);
    assert_null_text(found->endpoints[0].url);
    assert_int_equal(found->endpoints[0].security_mode, 3);
    assert_text(found->endpoints[1].url, "opc.tcp://plant:4840");
    assert_text(found->endpoints[1].security_policy_uri, "urn:policy");
    assert_null_text(found->endpoints[1].transport_profile_uri);
    assert_status(kw_store_role_endpoint_remove(t->store, observer, &(kw_role_endpoint){.security_mode = 2}), KW_BAD_NOT_FOUND);
    assert_status(kw_store_role_endpoint_remove(t->store, observer, &encrypted), KW_GOOD);
    assert_int_equal(find(t, "Observer")->endpoint_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_store_setup, kw_test_store_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_store_has_the_well_known_roles),
        TEST(only_the_fixed_roles_have_rules_in_a_new_store),
        TEST(the_fixed_roles_cannot_be_changed),
        TEST(no_well_known_role_can_be_removed),
        TEST(a_role_of_one_s_own_starts_without_rules_and_restrictions),
        TEST(a_role_s_name_and_node_id_are_taken_once),
        TEST(a_removed_role_takes_its_rules_and_applications_along),
        TEST(rules_are_added_once_and_removed),
        TEST(a_role_that_is_not_there_takes_nothing),
        TEST(criteria_and_value_go_together),
        TEST(a_later_user_of_the_same_name_inherits_no_role),
        TEST(ro_10_a_thumbprint_is_uppercase_hex_without_spaces),
        TEST(a_role_without_a_node_id_gets_the_next_one),
        TEST(the_node_id_of_a_removed_role_is_not_given_again),
        TEST(a_role_is_limited_to_applications),
        TEST(a_role_can_be_limited_to_endpoints),
    };
    return cmocka_run_group_tests_name("store/roles", tests, NULL, NULL);
}
