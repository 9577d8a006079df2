/* Roles that nobody can change, and criteria that are not about one user. OPC 10000-18, 4; requirements RO-04, RO-12, RO-13, JW-09. */
#include "support/kw_test_user.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#define NODE(number_) (&(const kw_node_id){.id.numeric = (number_)})

static const uint32_t FIXED[] = {KW_ID_WELL_KNOWN_ROLE_ANONYMOUS, KW_ID_WELL_KNOWN_ROLE_AUTHENTICATED_USER,
                                 KW_ID_WELL_KNOWN_ROLE_TRUSTED_APPLICATION};
enum { FIXED_COUNT = sizeof(FIXED) / sizeof(FIXED[0]) };

static bool has_role(kw_test_world *world, const kw_test_session *session, uint32_t role)
{
    return kw_identity_has_role(kw_session_identity(kw_test_session_of(world, session)), 0, role);
}

static kw_test_session open_with(kw_test_client *client, const kw_test_session *created, kw_test_user user)
{
    kw_test_session session = *created;
    assert_status(kw_test_activate(client, &session, user), KW_GOOD);
    return session;
}

/* --- the three that are fixed --------------------------------------------------------------------------------------------------------- */

static const kw_role *role_in_store(kw_test_world *world, const char *name)
{
    kw_role *roles = NULL;
    size_t count = 0;
    assert_status(kw_store_role_list(world->store->store, world->arena, &roles, &count), KW_GOOD);
    for (size_t i = 0; i < count; i++) {
        if (kw_string_equals(roles[i].name, name)) {
            return &roles[i];
        }
    }
    fail_msg("no Role %s", name);
    return NULL;
}

/* Not even for an administrator: they have no such Methods, and those of their type are not good for them. */
static void ro_04_no_method_changes_them(void **state)
{
    static const uint32_t METHODS[] = {KW_ID_ROLE_TYPE_ADD_IDENTITY,    KW_ID_ROLE_TYPE_REMOVE_IDENTITY,
                                       KW_ID_ROLE_TYPE_ADD_APPLICATION, KW_ID_ROLE_TYPE_REMOVE_APPLICATION,
                                       KW_ID_ROLE_TYPE_ADD_ENDPOINT,    KW_ID_ROLE_TYPE_REMOVE_ENDPOINT};
    kw_test_world *world = *state;
    kw_test_world_grant(world, "SecurityAdmin", KW_CRITERIA_USER_NAME, KW_TEST_USER);
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session admin = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    const kw_identity_mapping_rule_type rule = {(kw_identity_criteria_type)KW_CRITERIA_USER_NAME, KW_STRING("guest")};
    const kw_endpoint_type endpoint = {.endpoint_url = kw_server_url(world->server), .security_mode = KW_MESSAGE_SECURITY_MODE_NONE};
    const kw_extension_object objects[] = {kw_extension_object_of(KW_TYPE_IDENTITY_MAPPING_RULE_TYPE, &rule),
                                           kw_extension_object_of(KW_TYPE_ENDPOINT_TYPE, &endpoint)};
    const kw_string uri = KW_STRING("urn:keyway:test:client");
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &objects[0]), kw_variant_scalar(KW_BUILTIN_STRING, &uri),
                                 kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &objects[1])};
    for (size_t r = 0; r < FIXED_COUNT; r++) {
        for (size_t m = 0; m < sizeof(METHODS) / sizeof(METHODS[0]); m++) {
            assert_status(kw_test_call_method(client, &admin, NODE(FIXED[r]), NODE(METHODS[m]), &inputs[m / 2], 1, NULL),
                          KW_BAD_METHOD_INVALID);
        }
    }
    assert_status(kw_test_call_method(client, &admin, NODE(KW_ID_WELL_KNOWN_ROLE_OPERATOR),
                                      NODE(KW_ID_WELL_KNOWN_ROLE_OPERATOR_ADD_IDENTITY), &inputs[0], 1, NULL),
                  KW_GOOD); /* the arguments are not what was wrong */
}

static void ro_04_no_other_way_changes_them(void **state)
{
    static const struct {
        const char *name;
        size_t rules;
    } ROLES[] = {{"Anonymous", 2}, {"AuthenticatedUser", 1}, {"TrustedApplication", 1}};
    static const bool YES = true;
    kw_test_world *world = *state;
    kw_store *store = world->store->store;
    const kw_role_rule rule = {KW_CRITERIA_USER_NAME, KW_STRING("guest")}, own = {KW_CRITERIA_AUTHENTICATED_USER, KW_BYTES_NULL};
    const kw_role_endpoint endpoint = {.url = KW_STRING("opc.tcp://localhost:4840")};
    for (size_t i = 0; i < FIXED_COUNT; i++) {
        const kw_string name = kw_string_from(ROLES[i].name);
        assert_status(kw_store_role_rule_add(store, name, &rule), KW_BAD_REQUEST_NOT_ALLOWED);
        assert_status(kw_store_role_rule_remove(store, name, &own), KW_BAD_REQUEST_NOT_ALLOWED);
        assert_status(kw_store_role_application_add(store, name, KW_STRING("urn:keyway:test:client")), KW_BAD_REQUEST_NOT_ALLOWED);
        assert_status(kw_store_role_endpoint_add(store, name, &endpoint), KW_BAD_REQUEST_NOT_ALLOWED);
        assert_status(kw_store_role_exclude(store, name, &YES, &YES), KW_BAD_REQUEST_NOT_ALLOWED);
        assert_status(kw_store_role_remove(store, name), KW_BAD_REQUEST_NOT_ALLOWED);
        const kw_role *role = role_in_store(world, ROLES[i].name);
        assert_int_equal(role->rule_count, ROLES[i].rules);
        assert_int_equal(role->application_count, 0);
        assert_int_equal(role->endpoint_count, 0);
    }
}

/* --- criteria for everybody of a kind ----------------------------------------------------------------------------------------------------- */

static void ro_12_who_is_not_anonymous_is_an_authenticated_user(void **state)
{
    kw_test_world *world = *state;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "urn:keyway:test:issuer");
    const kw_application_identity *alice = kw_test_user_identity("alice", 2048);
    kw_test_trust_add(&world->user_trust, alice);
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session s = kw_test_created(client);
    kw_test_session now = open_with(client, &s, kw_test_user_name(client, &s, KW_TEST_USER, KW_TEST_PASSWORD));
    assert_true(has_role(world, &now, KW_ID_WELL_KNOWN_ROLE_AUTHENTICATED_USER));
    now = open_with(client, &now, kw_test_nobody());
    assert_false(has_role(world, &now, KW_ID_WELL_KNOWN_ROLE_AUTHENTICATED_USER));
    now = open_with(client, &now, kw_test_certificate(client, &now, alice));
    assert_true(has_role(world, &now, KW_ID_WELL_KNOWN_ROLE_AUTHENTICATED_USER));
    now = open_with(client, &now, kw_test_anonymous(client, &now));
    assert_false(has_role(world, &now, KW_ID_WELL_KNOWN_ROLE_AUTHENTICATED_USER));
    now = open_with(client, &now, kw_test_issued(client, &now, kw_test_token(world, issuer, "bob", 600)));
    assert_true(has_role(world, &now, KW_ID_WELL_KNOWN_ROLE_AUTHENTICATED_USER));
}

static void ro_12_the_criteria_can_be_given_to_another_role(void **state)
{
    kw_test_world *world = *state;
    kw_test_world_add_user(world, "guest", "guest password", 0);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session guest = kw_test_open_as(client, "guest", "guest password");
    assert_status(kw_test_read(client, &guest, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_AUTHENTICATED_USER, NULL);
    guest = kw_test_open_as(client, "guest", "guest password");
    assert_status(kw_test_read(client, &guest, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_status(kw_test_activate(client, &guest, kw_test_nobody()), KW_GOOD);
    assert_status(kw_test_read(client, &guest, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
}

static void ro_13_an_application_is_trusted_by_the_certificate_of_its_channel(void **state)
{
    static const struct {
        const char *policy;
        kw_message_security_mode mode;
        bool is_trusted;
    } CHANNELS[] = {{"None", KW_MESSAGE_SECURITY_MODE_NONE, false},
                    {"Basic256Sha256", KW_MESSAGE_SECURITY_MODE_SIGN, true},
                    {"Aes256_Sha256_RsaPss", KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT, true}};
    kw_test_world *world = *state;
    kw_test_world_grant(world, "Operator", KW_CRITERIA_TRUSTED_APPLICATION, NULL);
    for (size_t i = 0; i < sizeof(CHANNELS) / sizeof(CHANNELS[0]); i++) {
        kw_test_client *client =
            kw_test_client_new(world, &(kw_test_client_options){.policy = kw_security_policy_by_name(kw_string_from(CHANNELS[i].policy)),
                                                                .mode = CHANNELS[i].mode});
        const kw_test_session nobody = kw_test_open(client);
        assert_int_equal(has_role(world, &nobody, KW_ID_WELL_KNOWN_ROLE_TRUSTED_APPLICATION), CHANNELS[i].is_trusted);
        assert_status(kw_test_read(client, &nobody, &KW_TEST_SECRET, NULL), CHANNELS[i].is_trusted ? KW_GOOD : KW_BAD_USER_ACCESS_DENIED);
    }
}

/* A certificate that comes in CreateSession over None says nothing: everybody has it. */
static void ro_13_a_certificate_that_nothing_proves_does_not_count(void **state)
{
    kw_test_world *world = *state;
    kw_test_session session;
    kw_test_client *client = kw_test_client_new(world, &(kw_test_client_options){.policy = &KW_POLICY_NONE});
    kw_create_session_request *request = kw_test_creation(client);
    request->client_certificate = kw_certificate_chain(kw_test_identity("client", 2048)->certificate);
    assert_status(kw_test_create_session_with(client, request, &session), KW_GOOD);
    assert_status(kw_test_activate(client, &session, kw_test_nobody()), KW_GOOD);
    assert_false(has_role(world, &session, KW_ID_WELL_KNOWN_ROLE_TRUSTED_APPLICATION));
}

/* --- claims -------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct claims {
    const char *more; /* what the token says */
    bool by_group, by_role;
} claims;

static void jw_09_groups_and_roles_of_a_token_meet_their_criteria(void **state)
{
    static const claims ALL[] = {
        {",\"groups\":[\"staff\",\"night-shift\"]", true, false},
        {",\"roles\":[\"night-shift\"]", false, true},
        {",\"groups\":[\"night-shift\"],\"roles\":[\"day\",\"night-shift\"]", true, true},
        {",\"groups\":[\"night-shift-2\"],\"roles\":[\"Night-Shift\"]", false, false},
        {",\"groups\":[],\"roles\":[]", false, false},
        {"", false, false},
    };
    kw_test_world *world = *state;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "urn:keyway:test:issuer");
    kw_test_world_grant(world, "Supervisor", KW_CRITERIA_GROUP_ID, "night-shift");
    kw_test_world_grant(world, "Engineer", KW_CRITERIA_ROLE, "night-shift");
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_created(client);
    for (size_t i = 0; i < sizeof(ALL) / sizeof(ALL[0]); i++) {
        const kw_string token = kw_test_jwt(world, issuer, kw_test_claims(world, issuer, "bob", 600, ALL[i].more));
        assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, token)), KW_GOOD);
        assert_int_equal(has_role(world, &session, KW_ID_WELL_KNOWN_ROLE_SUPERVISOR), ALL[i].by_group);
        assert_int_equal(has_role(world, &session, KW_ID_WELL_KNOWN_ROLE_ENGINEER), ALL[i].by_role);
    }
}

/* A name is not a group, nor the other way round. */
static void jw_09_only_tokens_have_groups_and_roles(void **state)
{
    kw_test_world *world = *state;
    kw_test_world_grant(world, "Supervisor", KW_CRITERIA_GROUP_ID, KW_TEST_USER);
    kw_test_world_grant(world, "Engineer", KW_CRITERIA_ROLE, KW_TEST_USER);
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open_as(client, KW_TEST_USER, KW_TEST_PASSWORD);
    assert_false(has_role(world, &session, KW_ID_WELL_KNOWN_ROLE_SUPERVISOR));
    assert_false(has_role(world, &session, KW_ID_WELL_KNOWN_ROLE_ENGINEER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KW_TEST_IN_WORLD(ro_04_no_method_changes_them),
        KW_TEST_IN_WORLD(ro_04_no_other_way_changes_them),
        KW_TEST_IN_WORLD(ro_12_who_is_not_anonymous_is_an_authenticated_user),
        KW_TEST_IN_WORLD(ro_12_the_criteria_can_be_given_to_another_role),
        KW_TEST_IN_WORLD(ro_13_an_application_is_trusted_by_the_certificate_of_its_channel),
        KW_TEST_IN_WORLD(ro_13_a_certificate_that_nothing_proves_does_not_count),
        KW_TEST_IN_WORLD(jw_09_groups_and_roles_of_a_token_meet_their_criteria),
        KW_TEST_IN_WORLD(jw_09_only_tokens_have_groups_and_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
