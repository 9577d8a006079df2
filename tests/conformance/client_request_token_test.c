/*
 * What the Client of the library puts into RequestAccessToken, for a service that wants every secret signed.
 * OPC 10000-12, 9.5.4 (1.04); 9.6.5 (1.05).
 */
#include "support/kw_test_authority.h"
#include "support/kw_test_network.h"
#include "support/test.h"

static int setup(void **state)
{
    kw_test_network *network =
        kw_test_network_new(&(kw_test_world_options){.with_authority = true, .authority = {.require_signed_secrets = true}});
    kw_test_world_grant(network->world, "Operator", KW_CRITERIA_ROLE, "Operator");
    kw_test_world_grant(network->world, "Observer", KW_CRITERIA_AUTHENTICATED_USER, NULL);
    *state = network;
    return 0;
}

static kw_status get(kw_test_network *network, const kw_client_identity *self, kw_string *token)
{
    const kw_client_token_wish wish = {.authority_url = KW_TEST_NETWORK_URL, .resource = KW_TEST_SERVER, .self = self, .one_step = true};
    kw_token_grant grant;
    kw_client *client = network->client_count > 0 ? network->clients[0] : kw_test_network_client(network, NULL);
    const kw_status status = kw_client_get_token(client, &wish, network->world->arena, &grant);
    if (!kw_status_is_bad(status)) {
        *token = grant.access_token;
    }
    return status;
}

static void rt_08_and_rt_09_the_password_is_signed_by_the_application(void **state)
{
    kw_test_network *network = *state;
    kw_string token = KW_BYTES_NULL;
    assert_status(get(network, &KW_TEST_OPERATOR, &token), KW_GOOD);
    assert_text(kw_test_token_claims(network->world, token).sub, KW_TEST_USER);
    assert_status(get(network, &KW_TEST_OPERATOR, &token), KW_GOOD); /* sealed anew each time */
    assert_false(kw_test_network_has_sent(network, KW_STRING(KW_TEST_PASSWORD)));
}

/* The dialect of another stack has no place for it. */
static void rt_08_a_dialect_without_signature_is_refused(void **state)
{
    kw_test_network *network = *state;
    kw_string token = KW_BYTES_NULL;
    kw_test_network_client(network, &(kw_client_config){.dotnet_secrets = true});
    assert_status(get(network, &KW_TEST_OPERATOR, &token), KW_BAD_IDENTITY_TOKEN_INVALID);
}

static void rt_10_and_rt_11_and_rt_12_the_user_signs_a_secret_of_nothing(void **state)
{
    kw_test_network *network = *state;
    const kw_application_identity *erin = kw_test_user_identity("erin", 2048), *frank = kw_test_user_identity("frank", 2048);
    kw_client_identity self = {.kind = KW_USER_TOKEN_TYPE_CERTIFICATE}, other = self;
    kw_string token = KW_BYTES_NULL;
    kw_test_trust_add(&network->world->user_trust, erin);
    kw_test_network_write(network, "erin", erin, &self.user_certificate_file, &self.user_key_file);
    kw_test_network_write(network, "frank", frank, &other.user_certificate_file, &other.user_key_file);
    assert_status(get(network, &self, &token), KW_GOOD);
    assert_true(kw_bytes_equal(kw_test_token_claims(network->world, token).sub, kw_certificate_subject(erin->certificate)));
    assert_status(get(network, &other, &token), KW_BAD_IDENTITY_TOKEN_REJECTED);
    self.user_key_file = other.user_key_file;
    assert_status(get(network, &self, &token), KW_BAD_IDENTITY_TOKEN_REJECTED);
    self.user_key_file = "/nowhere/to/be/found.key";
    assert_status(get(network, &self, &token), KW_BAD_CONFIGURATION_ERROR);
}

static void rt_13_and_rt_14_and_rt_15_a_token_of_others_is_sealed_and_signed(void **state)
{
    kw_test_network *network = *state;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(network->world, "urn:test:issuer");
    const kw_string theirs = kw_test_token(network->world, issuer, "dave", 600);
    const kw_client_identity self = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .token = theirs};
    kw_string token = KW_BYTES_NULL;
    assert_status(get(network, &self, &token), KW_GOOD);
    const kw_jwt claims = kw_test_token_claims(network->world, token);
    assert_text(claims.sub, "dave");
    assert_text(claims.iss, KW_TEST_AUTHORITY_URI);
    assert_true(claims.exp <= kw_test_token_claims(network->world, theirs).exp); /* no longer than what it comes from */
    assert_false(kw_test_network_has_sent(network, theirs));
}

static void rt_17_a_client_whose_clock_is_off_is_told(void **state)
{
    kw_test_network *network = *state;
    kw_string token = KW_BYTES_NULL;
    network->utc_shift = -240 * KW_TICKS_PER_S;
    assert_status(get(network, &KW_TEST_OPERATOR, &token), KW_GOOD);
    network->utc_shift = -360 * KW_TICKS_PER_S;
    assert_status(get(network, &KW_TEST_OPERATOR, &token), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kw_test_network_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rt_08_and_rt_09_the_password_is_signed_by_the_application), TEST(rt_08_a_dialect_without_signature_is_refused),
        TEST(rt_10_and_rt_11_and_rt_12_the_user_signs_a_secret_of_nothing),
        TEST(rt_13_and_rt_14_and_rt_15_a_token_of_others_is_sealed_and_signed), TEST(rt_17_a_client_whose_clock_is_off_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
