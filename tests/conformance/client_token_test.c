/* How the Client of the library gets access tokens: in two steps where the service knows them, renewed by refresh token. OPC 10000-12, 9. */
#include "authority/authority_internal.h"
#include "support/kw_test_authority.h"
#include "support/kw_test_network.h"
#include "support/test.h"

#include <string.h>

#define REFRESH_S 7200
#define RECORDS_MAX 1000

static int setup(void **state)
{
    kw_test_network *network =
        kw_test_network_new(&(kw_test_world_options){.with_authority = true, .authority = {.refresh_lifetime_s = REFRESH_S}});
    kw_test_world_grant(network->world, "Observer", KW_CRITERIA_USER_NAME, KW_TEST_USER);
    kw_test_world_grant(network->world, "Operator", KW_CRITERIA_ROLE, "Operator");
    *state = network;
    return 0;
}

/* How many records of this Method the trail has, and how the last one ended. */
static size_t calls_of(const kw_test_network *network, const char *method, kw_status *last)
{
    kw_audit_record *records = NULL;
    size_t count = 0, found = 0;
    assert_status(kw_store_audit_list(network->world->store->store, 0, RECORDS_MAX, network->world->arena, &records, &count), KW_GOOD);
    for (size_t i = 0; i < count; i++) {
        if (kw_string_equals(records[i].event, method)) {
            found++;
            *last = records[i].status;
        }
    }
    return found;
}

static void assert_calls(const kw_test_network *network, const char *method, size_t count, kw_status last)
{
    kw_status status = KW_GOOD;
    assert_int_equal(calls_of(network, method, &status), count);
    if (count > 0) {
        assert_status(status, last);
    }
}

static kw_status get(kw_test_network *network, const kw_client_identity *self, kw_string refresh_token, const char *const *roles,
                     kw_token_grant *out)
{
    const kw_client_token_wish wish = {
        .authority_url = KW_TEST_NETWORK_URL, .resource = KW_TEST_SERVER, .self = self, .refresh_token = refresh_token, .roles = roles};
    return kw_client_get_token(network->clients[0], &wish, network->world->arena, out);
}

static void remove_method(kw_test_network *network, const char *name)
{
    const kw_string id = kw_arena_format(network->world->arena, "AuthorizationService.%s", name);
    const kw_node_id node = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = id};
    assert_status(kw_space_remove(kw_server_space(network->world->server), &node), KW_GOOD);
}

static bool opens(kw_test_network *network, kw_string token)
{
    const kw_client_identity bearer = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .token = token};
    kw_client *client = kw_test_network_connect(network, NULL);
    const kw_status status = kw_client_activate(client, &bearer);
    return !kw_status_is_bad(status) && kw_test_network_read(network, client, &KW_TEST_SECRET, NULL) == KW_GOOD;
}

/* --- two steps ------------------------------------------------------------------------------------------------------------- */

static void az_09_and_az_06_the_client_starts_and_finishes(void **state)
{
    kw_test_network *network = *state;
    kw_token_grant grant;
    kw_test_network_client(network, NULL);
    assert_status(get(network, &KW_TEST_OPERATOR, KW_BYTES_NULL, NULL, &grant), KW_GOOD);
    assert_calls(network, "FinishRequestToken", 1, KW_GOOD);
    assert_calls(network, "RequestAccessToken", 0, KW_GOOD);
    assert_true(grant.expires > network->world->clock->utc);
    assert_int_equal(grant.refresh_expires, network->world->clock->utc + REFRESH_S * KW_TICKS_PER_S);
    assert_true(grant.refresh_token.len > 0);
    assert_true(opens(network, grant.access_token));
    assert_false(kw_test_network_has_sent(network, KW_STRING(KW_TEST_PASSWORD)));
}

/* Also when the user turns out to be nobody: what was started is finished at once, and nothing is left for the timer. */
static void az_09_nothing_is_left_half_done(void **state)
{
    kw_test_network *network = *state;
    kw_token_grant grant;
    const kw_client_identity guesser = {
        .kind = KW_USER_TOKEN_TYPE_USER_NAME, .user_name = KW_STRING(KW_TEST_USER), .password = KW_STRING("guessed")};
    const kw_date_time before = network->world->clock->utc;
    kw_test_network_client(network, NULL);
    assert_status(get(network, &guesser, KW_BYTES_NULL, NULL, &grant), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_calls(network, "FinishRequestToken", 1, KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(get(network, &KW_TEST_OPERATOR, KW_BYTES_NULL, NULL, &grant), KW_GOOD);
    assert_int_equal(kw_token_requests_count(network->world->authority->requests), 0);
    assert_true(network->world->clock->utc - before < KW_TICKS_PER_S);
}

static void az_13_a_user_certificate_signs_for_the_request(void **state)
{
    kw_test_network *network = *state;
    const kw_application_identity *erin = kw_test_user_identity("erin", 2048);
    kw_client_identity self = {.kind = KW_USER_TOKEN_TYPE_CERTIFICATE};
    kw_token_grant grant;
    kw_test_trust_add(&network->world->user_trust, erin);
    kw_test_network_write(network, "erin", erin, &self.user_certificate_file, &self.user_key_file);
    kw_test_network_client(network, NULL);
    assert_status(get(network, &self, KW_BYTES_NULL, NULL, &grant), KW_GOOD);
    assert_calls(network, "FinishRequestToken", 1, KW_GOOD);
    assert_true(kw_bytes_equal(kw_test_token_claims(network->world, grant.access_token).sub, kw_certificate_subject(erin->certificate)));
}

static void az_12_the_client_asks_for_some_roles(void **state)
{
    static const char *const OBSERVER[] = {"Observer", NULL};
    kw_test_network *network = *state;
    kw_token_grant grant;
    kw_test_network_client(network, NULL);
    assert_status(get(network, &KW_TEST_OPERATOR, KW_BYTES_NULL, OBSERVER, &grant), KW_GOOD);
    const kw_jwt claims = kw_test_token_claims(network->world, grant.access_token);
    assert_int_equal(claims.role_count, 1);
    assert_text(claims.roles[0], "Observer");
}

/* --- an older service, and a user who is none ------------------------------------------------------------------------------ */

static void rt_01_a_service_without_the_two_steps_is_asked_in_one(void **state)
{
    static const char *const OBSERVER[] = {"Observer", NULL};
    kw_test_network *network = *state;
    kw_token_grant grant;
    remove_method(network, "StartRequestToken");
    kw_test_network_client(network, NULL);
    assert_status(get(network, &KW_TEST_OPERATOR, KW_BYTES_NULL, NULL, &grant), KW_GOOD);
    assert_calls(network, "RequestAccessToken", 1, KW_GOOD);
    assert_null_text(grant.refresh_token);
    assert_int_equal(grant.expires, 0);
    assert_true(opens(network, grant.access_token));
    assert_status(get(network, &KW_TEST_OPERATOR, KW_BYTES_NULL, OBSERVER, &grant), KW_BAD_NOT_SUPPORTED);
}

static void rt_04_an_application_that_speaks_for_itself_has_nothing_to_finish_with(void **state)
{
    kw_test_network *network = *state;
    kw_token_grant grant;
    kw_test_world_grant(network->world, "Operator", KW_CRITERIA_APPLICATION, "urn:keyway:test:client");
    kw_test_network_client(network, NULL);
    assert_status(get(network, &KW_TEST_NOBODY, KW_BYTES_NULL, NULL, &grant), KW_GOOD);
    assert_calls(network, "RequestAccessToken", 1, KW_GOOD);
    assert_text(kw_test_token_claims(network->world, grant.access_token).sub, "urn:keyway:test:client");
}

/* --- refresh tokens -------------------------------------------------------------------------------------------------------- */

static void az_15_the_client_renews_without_the_user(void **state)
{
    kw_test_network *network = *state;
    kw_token_grant first, next;
    kw_test_network_client(network, NULL);
    assert_status(get(network, &KW_TEST_OPERATOR, KW_BYTES_NULL, NULL, &first), KW_GOOD);
    assert_status(get(network, &KW_TEST_NOBODY, first.refresh_token, NULL, &next), KW_GOOD);
    assert_calls(network, "RefreshToken", 1, KW_GOOD);
    assert_true(opens(network, next.access_token));
    assert_text(kw_test_token_claims(network->world, next.access_token).sub, KW_TEST_USER);
}

static void az_15_after_a_refusal_the_user_is_asked_again_and_nobody_else(void **state)
{
    kw_test_network *network = *state;
    kw_token_grant first, next;
    kw_test_world_grant(network->world, "Operator", KW_CRITERIA_APPLICATION, "urn:keyway:test:client");
    kw_test_network_client(network, NULL);
    assert_status(get(network, &KW_TEST_OPERATOR, KW_BYTES_NULL, NULL, &first), KW_GOOD);
    assert_status(get(network, &KW_TEST_NOBODY, first.refresh_token, NULL, &next), KW_GOOD);
    assert_status(get(network, &KW_TEST_NOBODY, first.refresh_token, NULL, &next), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_calls(network, "RequestAccessToken", 0, KW_GOOD); /* the application could have had a token of its own */
    assert_status(get(network, &KW_TEST_OPERATOR, first.refresh_token, NULL, &next), KW_GOOD);
    assert_calls(network, "FinishRequestToken", 2, KW_GOOD);
}

static void open_with_source(kw_test_network *network, kw_client **out)
{
    kw_client_identity bearer = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN};
    kw_client *client = kw_test_network_connect(network, NULL);
    assert_status(kw_client_token_source(client, NULL, NULL, &KW_TEST_OPERATOR, &bearer.source), KW_GOOD);
    assert_status(kw_client_activate(client, &bearer), KW_GOOD);
    *out = client;
}

/* Tokens live for an hour and are renewed at four fifths of it. */
static void az_15_and_it_17_a_session_that_stays_renews_by_refresh_token(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = NULL;
    open_with_source(network, &client);
    assert_status(kw_client_idle(client, 3 * 3600 * 1000), KW_GOOD);
    assert_calls(network, "FinishRequestToken", 1, KW_GOOD);
    assert_calls(network, "RefreshToken", 3, KW_GOOD);
    assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static void az_15_and_it_17_without_its_refresh_token_it_proves_the_user_again(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = NULL;
    open_with_source(network, &client);
    kw_test_store_tamper(network->world->store, "DELETE FROM refresh_grant");
    assert_status(kw_client_idle(client, 3600 * 1000), KW_GOOD);
    assert_calls(network, "RefreshToken", 1, KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_calls(network, "FinishRequestToken", 2, KW_GOOD);
    assert_status(kw_client_idle(client, 3600 * 1000), KW_GOOD);
    assert_calls(network, "FinishRequestToken", 2, KW_GOOD);
    assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kw_test_network_teardown)

/* --- a channel that proofs are bound to ------------------------------------------------------------------------------------------- */

static void offer_enhanced(kw_test_world *world, kw_server_config *config)
{
    kw_server_endpoint *endpoint = KW_ARENA_NEW(world->arena, kw_server_endpoint);
    const kw_security_policy *policy = kw_security_policy_by_name(KW_STRING("ECC_nistP384_AesGcm"));
    *endpoint = (kw_server_endpoint){policy, KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT};
    config->endpoints = endpoint;
    config->endpoint_count = 1;
}

static void az_13_and_cb_03_a_user_certificate_gets_a_token_on_an_enhanced_channel(void **state)
{
    (void)state;
    const kw_application_identity *server = kw_test_identity_of("server", KW_KEY_EC_P384),
                                  *own = kw_test_identity_of("client", KW_KEY_EC_P384),
                                  *user = kw_test_user_identity_of("erin", KW_KEY_EC_P384);
    kw_test_network *network = kw_test_network_new(&(kw_test_world_options){
        .configure = offer_enhanced, .server = server, .with_authority = true, .authority = {.refresh_lifetime_s = REFRESH_S}});
    kw_client_identity erin = {.kind = KW_USER_TOKEN_TYPE_CERTIFICATE};
    kw_client_config config = {.policy = "ECC_nistP384_AesGcm", .mode = KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT};
    kw_token_grant grant;
    kw_test_trust_add(&network->world->trust, own);
    kw_test_trust_add(&network->world->user_trust, user);
    kw_test_network_write(network, "own", own, &config.certificate_file, &config.key_file);
    kw_test_network_write(network, "erin", user, &erin.user_certificate_file, &erin.user_key_file);
    kw_test_network_client(network, &config);
    assert_status(get(network, &erin, KW_BYTES_NULL, NULL, &grant), KW_GOOD);
    assert_calls(network, "FinishRequestToken", 1, KW_GOOD);
    kw_test_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(az_09_and_az_06_the_client_starts_and_finishes),
        TEST(az_09_nothing_is_left_half_done),
        TEST(az_13_a_user_certificate_signs_for_the_request),
        TEST(az_12_the_client_asks_for_some_roles),
        TEST(rt_01_a_service_without_the_two_steps_is_asked_in_one),
        TEST(rt_04_an_application_that_speaks_for_itself_has_nothing_to_finish_with),
        TEST(az_15_the_client_renews_without_the_user),
        TEST(az_15_after_a_refusal_the_user_is_asked_again_and_nobody_else),
        TEST(az_15_and_it_17_a_session_that_stays_renews_by_refresh_token),
        TEST(az_15_and_it_17_without_its_refresh_token_it_proves_the_user_again),
        cmocka_unit_test(az_13_and_cb_03_a_user_certificate_gets_a_token_on_an_enhanced_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
