/* Rights of a live Session follow users, Roles and mapping rules. OPC 10000-18, 4.4 and 5.2; requirements RO-09 … RO-15, UM-11, UM-16. */
#include "support/kw_test_user.h"
#include "support/test.h"

#include <string.h>

#define WITHIN_MS 1000 /* how long a change may take that nobody told the Server of */

static int setup(void **state)
{
    kw_test_world *world = kw_test_world_new(NULL);
    kw_test_world_add_user(world, "olga", "a password", 0);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_USER_NAME, "olga");
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    kw_test_world_free(*state);
    return 0;
}

static kw_status revoke(kw_test_world *world, const char *role, kw_criteria criteria, const char *value)
{
    const kw_role_rule rule = {criteria, kw_string_from(value)};
    return kw_store_role_rule_remove(world->store->store, kw_string_from(role), &rule);
}

static kw_status may(kw_test_client *client, const kw_test_session *session)
{
    return kw_test_read(client, session, &KW_TEST_SECRET, NULL);
}

static void configure_user(kw_test_world *world, const char *name, uint32_t configuration)
{
    kw_user user;
    kw_store *store = world->store->store;
    assert_status(kw_store_user_get(store, kw_string_from(name), world->arena, &user), KW_GOOD);
    user.configuration = configuration;
    assert_status(kw_store_user_set(store, &user), KW_GOOD);
}

static void ro_15_a_role_that_is_taken_away_is_gone_from_the_live_session(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", "a password");
    assert_status(may(client, &session), KW_GOOD);
    assert_status(revoke(world, "Operator", KW_CRITERIA_USER_NAME, "olga"), KW_GOOD);
    kw_test_world_advance(world, WITHIN_MS);
    assert_status(may(client, &session), KW_BAD_USER_ACCESS_DENIED);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_AUTHENTICATED_USER, NULL);
    kw_test_world_advance(world, WITHIN_MS);
    assert_status(may(client, &session), KW_GOOD);
}

static void ro_15_another_process_changes_the_rules(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", "a password");
    kw_store *other = kw_test_store_open(world->store);
    const kw_role_rule rule = {KW_CRITERIA_USER_NAME, KW_STRING("olga")};
    assert_status(kw_store_role_rule_remove(other, KW_STRING("Operator"), &rule), KW_GOOD);
    kw_store_close(other);
    kw_test_world_advance(world, WITHIN_MS);
    assert_status(may(client, &session), KW_BAD_USER_ACCESS_DENIED);
}

static void ro_15_an_activation_that_overlaps_a_change_does_not_keep_the_old_rights(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    kw_activate_session_request *request = kw_test_activation(client, &session, kw_test_user_name(client, &session, "olga", "a password"));
    kw_test_world_hold(world);
    const uint32_t id = kw_test_send(client, &session, KW_TYPE_ACTIVATE_SESSION_REQUEST, request);
    kw_job *proof = world->held.first;
    assert_non_null(proof);
    world->held.first = world->held.last = NULL;
    proof->run(proof); /* by the rules as they are, and its result is still on its way */
    assert_status(revoke(world, "Operator", KW_CRITERIA_USER_NAME, "olga"), KW_GOOD);
    kw_test_world_run(world);
    kw_test_world_advance(world, WITHIN_MS);
    proof->done(proof);
    kw_test_world_pump(world);
    assert_status(kw_test_answer_of(client, id, NULL), KW_GOOD);
    assert_status(may(client, &session), KW_BAD_USER_ACCESS_DENIED);
}

static void um_11_a_disabled_user_s_sessions_close(void **state)
{
    kw_test_world *world = *state;
    kw_test_world_add_user(world, "otto", "his password", 0);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_client *elsewhere = kw_test_client_new(world, NULL);
    kw_test_session first = kw_test_open_as(client, "olga", "a password");
    kw_test_session second = kw_test_open_as(elsewhere, "olga", "a password");
    kw_test_session other = kw_test_open_as(client, "otto", "his password");
    configure_user(world, "olga", KW_USER_DISABLED);
    kw_test_world_advance(world, WITHIN_MS);
    assert_status(kw_test_read(client, &first, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_ID_INVALID);
    assert_status(kw_test_read(elsewhere, &second, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_ID_INVALID);
    assert_status(kw_test_read(client, &other, &KW_TEST_PUBLIC, NULL), KW_GOOD);
}

static void um_16_a_removed_user_s_sessions_close(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", "a password");
    assert_status(kw_store_user_remove(world->store->store, KW_STRING("olga")), KW_GOOD);
    kw_test_world_advance(world, WITHIN_MS);
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_ID_INVALID);
}

/* Between two looks the name came to somebody else. */
static void um_16_a_later_user_of_the_same_name_does_not_inherit_the_session(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", "a password");
    kw_test_clock_advance(world->clock, 1);
    assert_status(kw_store_user_remove(world->store->store, KW_STRING("olga")), KW_GOOD);
    kw_test_world_add_user(world, "olga", "another password", 0);
    kw_test_world_advance(world, WITHIN_MS);
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_ID_INVALID);
}

static void um_11_a_user_that_cannot_be_looked_up_stays(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", "a password");
    kw_test_store_tamper(world->store, "ALTER TABLE role RENAME TO hidden; UPDATE change_counter SET value = value + 1");
    kw_test_world_advance(world, WITHIN_MS);
    assert_status(may(client, &session), KW_GOOD);
    kw_test_store_tamper(world->store, "ALTER TABLE hidden RENAME TO role");
    assert_status(revoke(world, "Operator", KW_CRITERIA_USER_NAME, "olga"), KW_GOOD);
    kw_test_world_advance(world, WITHIN_MS);
    assert_status(may(client, &session), KW_BAD_USER_ACCESS_DENIED);
}

typedef struct news {
    int lost, back;
} news;

static void take_line(void *ctx, const char *line, size_t len)
{
    news *n = ctx;
    n->lost += memmem(line, len, "cannot be taken up", 18) != NULL;
    n->back += memmem(line, len, "are taken up again", 18) != NULL;
}

/* A store is looked into twice a second, and may be out of reach for a day. */
static void a_store_that_cannot_be_read_is_reported_once(void **state)
{
    (void)state;
    news n = {0, 0};
    const kw_log log = {KW_LOG_INFO, take_line, &n};
    const kw_test_world_options options = {.log = &log};
    kw_test_world *world = kw_test_world_new(&options);
    kw_test_store_tamper(world->store, "ALTER TABLE role RENAME TO hidden; UPDATE change_counter SET value = value + 1");
    for (int i = 0; i < 5; i++) {
        kw_test_world_advance(world, WITHIN_MS);
    }
    assert_int_equal(n.lost, 1);
    assert_int_equal(n.back, 0);
    kw_test_store_tamper(world->store, "ALTER TABLE hidden RENAME TO role");
    for (int i = 0; i < 5; i++) {
        kw_test_world_advance(world, WITHIN_MS);
    }
    assert_int_equal(n.lost, 1);
    assert_int_equal(n.back, 1);
    kw_test_world_free(world);
}

static void ro_10_rules_for_a_user_s_certificate_hold_in_a_live_session(void **state)
{
    kw_test_world *world = *state;
    const kw_application_identity *user = kw_test_identity("ursula", 2048);
    const char *thumbprint = kw_certificate_thumbprint_hex(user->certificate);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    kw_test_trust_add(&world->user_trust, user);
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    assert_status(kw_test_activate(client, &session, kw_test_certificate(client, &session, user)), KW_GOOD);
    assert_status(may(client, &session), KW_BAD_USER_ACCESS_DENIED);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_THUMBPRINT, thumbprint);
    kw_test_world_advance(world, WITHIN_MS);
    assert_status(may(client, &session), KW_GOOD);
    assert_status(revoke(world, "Operator", KW_CRITERIA_THUMBPRINT, thumbprint), KW_GOOD);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_X509_SUBJECT,
                        kw_arena_cstring(world->arena, kw_certificate_subject(user->certificate)));
    kw_test_world_advance(world, WITHIN_MS);
    assert_status(may(client, &session), KW_GOOD);
}

static void ro_15_a_user_certificate_that_is_not_trusted_any_more_ends_its_session(void **state)
{
    kw_test_world *world = *state;
    const kw_application_identity *user = kw_test_identity("ursula", 2048);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    kw_test_trust_add(&world->user_trust, user);
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    assert_status(kw_test_activate(client, &session, kw_test_certificate(client, &session, user)), KW_GOOD);
    kw_test_trust_remove(&world->user_trust, user);
    kw_server_recheck_trust(world->server);
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_BAD_SESSION_ID_INVALID);
}

static void ro_15_a_token_of_a_removed_issuer_ends_its_session(void **state)
{
    kw_test_world *world = *state;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "urn:test:idp");
    kw_test_world_grant(world, "Operator", KW_CRITERIA_ROLE, "urn:test:idp/maint");
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    const kw_string token = kw_test_jwt(world, issuer, kw_test_claims(world, issuer, "tina", 600, ",\"roles\":[\"maint\"]"));
    assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, token)), KW_GOOD);
    assert_status(may(client, &session), KW_GOOD);
    assert_status(kw_store_issuer_remove(world->store->store, KW_STRING("urn:test:idp")), KW_GOOD);
    kw_test_world_advance(world, WITHIN_MS);
    assert_status(may(client, &session), KW_BAD_SESSION_ID_INVALID);
}

/* --- where a Role holds ---------------------------------------------------------------------------------------------------- */

static void limit(kw_test_world *world, bool applications_exclude, bool endpoints_exclude)
{
    const kw_role role = {
        .name = KW_STRING("Operator"), .applications_exclude = applications_exclude, .endpoints_exclude = endpoints_exclude};
    assert_status(kw_store_role_set(world->store->store, &role), KW_GOOD);
    kw_test_world_advance(world, WITHIN_MS);
}

static void ro_09_a_role_holds_on_its_endpoints_only(void **state)
{
    kw_test_world *world = *state;
    const kw_role_endpoint encrypted = {.security_mode = KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT};
    kw_test_client *strong = kw_test_client_new(world, NULL);
    kw_test_client *weak = kw_test_client_new(world, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    kw_test_session in_strong = kw_test_open_as(strong, "olga", "a password");
    kw_test_session in_weak = kw_test_open_as(weak, "olga", "a password");
    assert_status(kw_store_role_endpoint_add(world->store->store, KW_STRING("Operator"), &encrypted), KW_GOOD);
    limit(world, true, false);
    assert_status(may(strong, &in_strong), KW_GOOD);
    assert_status(may(weak, &in_weak), KW_BAD_USER_ACCESS_DENIED);
    limit(world, true, true);
    assert_status(may(strong, &in_strong), KW_BAD_USER_ACCESS_DENIED);
    assert_status(may(weak, &in_weak), KW_GOOD);
    assert_status(kw_store_role_endpoint_remove(world->store->store, KW_STRING("Operator"), &encrypted), KW_GOOD);
    limit(world, true, false);
    assert_status(may(strong, &in_strong), KW_BAD_USER_ACCESS_DENIED); /* an empty list of those that are let in */
}

static void ro_09_all_that_an_endpoint_names_must_fit(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open_as(client, "olga", "a password");
    const kw_string url = kw_channel_endpoint_url(client->channel);
    const kw_string policy = kw_string_from(client->policy->uri);
    const kw_string transport = KW_STRING("http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary");
    const struct {
        kw_role_endpoint endpoint;
        bool fits;
    } cases[] = {
        {{.url = url, .security_mode = 3, .security_policy_uri = policy, .transport_profile_uri = transport}, true},
        {{.url = kw_arena_format(world->arena, "%.*s/", KW_STRING_ARGS(url))}, true},
        {{.url = KW_STRING("opc.tcp://elsewhere:4840"), .security_mode = 3, .security_policy_uri = policy}, false},
        {{.url = url, .security_mode = 2}, false},
        {{.url = url, .security_policy_uri = KW_STRING("http://opcfoundation.org/UA/SecurityPolicy#Aes128_Sha256_RsaOaep")}, false},
        {{.security_policy_uri = policy}, true},
        {{.security_policy_uri = policy, .transport_profile_uri = KW_STRING("urn:other")}, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_status(kw_store_role_endpoint_add(world->store->store, KW_STRING("Operator"), &cases[i].endpoint), KW_GOOD);
        limit(world, true, false);
        assert_status(may(client, &session), cases[i].fits ? KW_GOOD : KW_BAD_USER_ACCESS_DENIED);
        assert_status(kw_store_role_endpoint_remove(world->store->store, KW_STRING("Operator"), &cases[i].endpoint), KW_GOOD);
    }
}

static void ro_09_a_role_holds_for_its_applications_only(void **state)
{
    kw_test_world *world = *state;
    const kw_application_identity *other = kw_test_identity("panel", 2048);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_client *panel = kw_test_client_new(world, &(kw_test_client_options){.identity = other});
    kw_test_session in_client = kw_test_open_as(client, "olga", "a password");
    kw_test_session in_panel = kw_test_open_as(panel, "olga", "a password");
    const kw_string uri = kw_certificate_application_uri(other->certificate);
    assert_status(kw_store_role_application_add(world->store->store, KW_STRING("Operator"), uri), KW_GOOD);
    limit(world, false, true);
    assert_status(may(client, &in_client), KW_BAD_USER_ACCESS_DENIED);
    assert_status(may(panel, &in_panel), KW_GOOD);
    limit(world, true, true);
    assert_status(may(client, &in_client), KW_GOOD);
    assert_status(may(panel, &in_panel), KW_BAD_USER_ACCESS_DENIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ro_15_a_role_that_is_taken_away_is_gone_from_the_live_session),
        TEST(ro_15_another_process_changes_the_rules),
        TEST(ro_15_an_activation_that_overlaps_a_change_does_not_keep_the_old_rights),
        TEST(um_11_a_disabled_user_s_sessions_close),
        TEST(um_16_a_removed_user_s_sessions_close),
        TEST(um_16_a_later_user_of_the_same_name_does_not_inherit_the_session),
        TEST(um_11_a_user_that_cannot_be_looked_up_stays),
        cmocka_unit_test(a_store_that_cannot_be_read_is_reported_once),
        TEST(ro_10_rules_for_a_user_s_certificate_hold_in_a_live_session),
        TEST(ro_15_a_user_certificate_that_is_not_trusted_any_more_ends_its_session),
        TEST(ro_15_a_token_of_a_removed_issuer_ends_its_session),
        TEST(ro_09_a_role_holds_on_its_endpoints_only),
        TEST(ro_09_all_that_an_endpoint_names_must_fit),
        TEST(ro_09_a_role_holds_for_its_applications_only),
    };
    return cmocka_run_group_tests_name("conformance/changed_rights", tests, NULL, NULL);
}
