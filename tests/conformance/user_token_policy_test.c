/* UserTokenPolicies: what the endpoints say about the users they take. OPC 10000-4, 7.41, 7.14. */
#include "support/kw_test_user.h"
#include "support/test.h"
#include "ua/codec.h"

#include <jansson.h>
#include <string.h>

#define ISSUER "urn:test:issuer"
#define JWT_TYPE "http://opcfoundation.org/UA/UserToken#JWT"

static int setup(void **state)
{
    kw_test_world *world = kw_test_world_with_user(NULL);
    kw_test_world_trust_issuer(world, ISSUER);
    *state = world;
    return 0;
}

static const kw_get_endpoints_response *endpoints_of(kw_test_world *world)
{
    kw_test_client *client = kw_test_client_new(world, &(kw_test_client_options){.policy = &KW_POLICY_NONE});
    kw_get_endpoints_request request = {.endpoint_url = kw_server_url(world->server)};
    const void *response = NULL;
    assert_status(kw_test_call(client, NULL, KW_TYPE_GET_ENDPOINTS_REQUEST, &request, &response), KW_GOOD);
    assert_true(((const kw_get_endpoints_response *)response)->endpoints_count > 0);
    return response;
}

/* Each policy of each endpoint. */
static void each(kw_test_world *world, void (*look)(const kw_endpoint_description *endpoint, const kw_user_token_policy *policy))
{
    const kw_get_endpoints_response *all = endpoints_of(world);
    for (size_t i = 0; i < all->endpoints_count; i++) {
        const kw_endpoint_description *e = &all->endpoints[i];
        assert_true(e->user_identity_tokens_count > 0);
        for (size_t j = 0; j < e->user_identity_tokens_count; j++) {
            look(e, &e->user_identity_tokens[j]);
        }
    }
}

static bool is_secret(const kw_user_token_policy *policy)
{
    return policy->token_type == KW_USER_TOKEN_TYPE_USER_NAME || policy->token_type == KW_USER_TOKEN_TYPE_ISSUED_TOKEN;
}

static bool is_clear(const kw_user_token_policy *policy)
{
    return kw_string_equals(policy->security_policy_uri, KW_POLICY_NONE.uri);
}

static void tp_01_one_id_never_stands_for_two_contents(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_new(&(kw_test_world_options){.configure = kw_test_clear_on_encrypted});
    kw_test_world_trust_issuer(world, "urn:test:one");
    kw_test_world_trust_issuer(world, "urn:test:two");
    const kw_get_endpoints_response *all = endpoints_of(world);
    for (size_t i = 0; i < all->endpoints_count; i++) {
        for (size_t j = 0; j < all->endpoints_count; j++) {
            for (size_t a = 0; a < all->endpoints[i].user_identity_tokens_count; a++) {
                for (size_t b = 0; b < all->endpoints[j].user_identity_tokens_count; b++) {
                    const kw_user_token_policy *one = &all->endpoints[i].user_identity_tokens[a];
                    const kw_user_token_policy *two = &all->endpoints[j].user_identity_tokens[b];
                    const bool same_id = kw_bytes_equal(one->policy_id, two->policy_id);
                    assert_false(i == j && a != b && same_id);
                    assert_true(!same_id || kw_ua_equal(KW_TYPE_USER_TOKEN_POLICY, one, two));
                }
            }
        }
    }
    kw_test_world_free(world);
}

static void look_at_protection(const kw_endpoint_description *endpoint, const kw_user_token_policy *policy)
{
    if (!is_secret(policy) && policy->token_type != KW_USER_TOKEN_TYPE_CERTIFICATE) {
        return;
    }
    assert_false(kw_bytes_is_empty(policy->security_policy_uri));
    if (endpoint->security_mode != KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT) {
        assert_false(is_clear(policy));
    }
}

static void un_02_and_un_05_and_it_06_and_x5_03_every_secret_names_its_policy(void **state)
{
    each(*state, look_at_protection);
    kw_test_world *world = kw_test_world_new(&(kw_test_world_options){.configure = kw_test_clear_on_encrypted});
    kw_test_world_trust_issuer(world, ISSUER);
    each(world, look_at_protection);
    kw_test_world_free(world);
}

static void look_for_clear(const kw_endpoint_description *endpoint, const kw_user_token_policy *policy)
{
    (void)endpoint;
    assert_false(is_clear(policy));
}

static void un_08_and_it_11_nothing_in_clear_by_default(void **state)
{
    each(*state, look_for_clear);
}

static size_t warnings;

static void count_warning(void *ctx, const char *line, size_t len)
{
    (void)ctx;
    warnings += memmem(line, len, "in clear", 8) != NULL;
}

static void clear_anywhere(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.allow_clear_secret_anywhere = true;
}

static void un_08_and_it_11_and_it_12_in_clear_everywhere_is_warned_of(void **state)
{
    (void)state;
    kw_test_world_options options = {.configure = clear_anywhere};
    const kw_log log = {KW_LOG_WARN, count_warning, NULL};
    options.log = &log;
    warnings = 0;
    kw_test_world *world = kw_test_world_new(&options);
    assert_int_equal(warnings, 1);
    kw_test_world_free(world);
}

static void look_at_issued(const kw_endpoint_description *endpoint, const kw_user_token_policy *policy)
{
    (void)endpoint;
    if (policy->token_type != KW_USER_TOKEN_TYPE_ISSUED_TOKEN) {
        assert_true(kw_bytes_is_empty(policy->issued_token_type));
        assert_true(kw_bytes_is_empty(policy->issuer_endpoint_url));
        return;
    }
    assert_text(policy->issued_token_type, JWT_TYPE);
    json_t *json =
        json_loadb((const char *)policy->issuer_endpoint_url.data, policy->issuer_endpoint_url.len, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_object(json));
    assert_string_equal(json_string_value(json_object_get(json, "ua:resourceId")), KW_TEST_SERVER);
    json_decref(json);
}

static void tp_04_and_tp_05_and_jw_01_what_is_said_about_tokens(void **state)
{
    each(*state, look_at_issued);
}

static void jw_01_and_tp_05_where_a_client_gets_a_token(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_new(&(kw_test_world_options){.with_authority = true});
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    const kw_string text = kw_test_policy(client, &session, KW_USER_TOKEN_TYPE_ISSUED_TOKEN)->issuer_endpoint_url;
    json_t *json = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "ua:resourceId")), KW_TEST_SERVER);
    assert_true(kw_string_equals(kw_server_url(world->server), json_string_value(json_object_get(json, "ua:authorityUrl"))));
    assert_string_equal(json_string_value(json_object_get(json, "ua:authorityProfileUri")),
                        "http://opcfoundation.org/UA/Authorization#OPCUA");
    json_decref(json);
    kw_test_world_free(world);
}

/* Whoever reads the EndpointDescription alone can seal and sign: the certificate is there, also on None, and it fits. */
static void look_at_certificate(const kw_endpoint_description *endpoint, const kw_user_token_policy *policy)
{
    if (kw_bytes_is_empty(policy->security_policy_uri)) {
        return;
    }
    const kw_security_policy *wanted = kw_security_policy_by_uri(policy->security_policy_uri);
    kw_certificate *certificate = NULL;
    assert_non_null(wanted);
    assert_status(kw_certificate_parse(endpoint->server_certificate, &certificate), KW_GOOD);
    assert_int_equal(kw_public_key_type(kw_certificate_public_key(certificate)), KW_KEY_RSA);
    assert_true(kw_public_key_bits(kw_certificate_public_key(certificate)) >= wanted->min_key_bits);
    assert_true(wanted->is_none || wanted->asym_encryption != KW_ASYM_ENC_NONE);
    kw_certificate_release(certificate);
}

static void tp_07_everything_that_is_needed_is_in_the_endpoint(void **state)
{
    each(*state, look_at_certificate);
}

static bool offers(const kw_endpoint_description *endpoint, kw_user_token_type type)
{
    for (size_t i = 0; i < endpoint->user_identity_tokens_count; i++) {
        if (endpoint->user_identity_tokens[i].token_type == type) {
            return true;
        }
    }
    return false;
}

static void tp_03_and_tp_08_every_kind_that_is_taken_is_announced(void **state)
{
    const kw_get_endpoints_response *all = endpoints_of(*state);
    for (size_t i = 0; i < all->endpoints_count; i++) {
        assert_true(offers(&all->endpoints[i], KW_USER_TOKEN_TYPE_ANONYMOUS));
        assert_true(offers(&all->endpoints[i], KW_USER_TOKEN_TYPE_USER_NAME));
        assert_true(offers(&all->endpoints[i], KW_USER_TOKEN_TYPE_CERTIFICATE));
        assert_true(offers(&all->endpoints[i], KW_USER_TOKEN_TYPE_ISSUED_TOKEN));
    }
}

static void only_users(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.allow_anonymous = false;
    config->identity.allow_x509 = false;
    config->identity.allow_issued = false;
}

static void an_03_and_tp_08_what_is_not_taken_is_not_announced(void **state)
{
    (void)state;
    kw_test_world *world = kw_test_world_new(&(kw_test_world_options){.configure = only_users});
    kw_test_world_trust_issuer(world, ISSUER);
    const kw_get_endpoints_response *all = endpoints_of(world);
    for (size_t i = 0; i < all->endpoints_count; i++) {
        assert_int_equal(all->endpoints[i].user_identity_tokens_count, 1);
        assert_true(offers(&all->endpoints[i], KW_USER_TOKEN_TYPE_USER_NAME));
    }
    kw_test_world_free(world);
}

static void tp_06_a_policy_that_names_none_goes_with_the_channel(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    const kw_string uris[] = {KW_BYTES_NULL, KW_STRING("")};
    for (size_t i = 0; i < 2; i++) {
        const kw_user_token_policy bare = {
            .policy_id = KW_STRING("bare"), .token_type = KW_USER_TOKEN_TYPE_USER_NAME, .security_policy_uri = uris[i]};
        kw_user_name_identity_token *token = kw_test_user_name_token(client, &session, KW_SECRET_LEGACY, KW_TEST_USER, KW_TEST_PASSWORD);
        token->policy_id = bare.policy_id;
        const kw_test_user user = kw_test_user_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, token);
        const kw_identity_claim claim = {.token = &user.token,
                                         .policies = &bare,
                                         .policy_count = 1,
                                         .channel_policy = client->policy,
                                         .mode = client->mode,
                                         .receiver = world->env.identity,
                                         .server_nonce = session.nonce};
        kw_identity *identity = NULL;
        assert_status(kw_identity_prove(kw_server_gate(world->server), &claim, &identity, NULL, NULL), KW_GOOD);
        kw_identity_release(identity);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kw_test_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tp_01_one_id_never_stands_for_two_contents),
        TEST(un_02_and_un_05_and_it_06_and_x5_03_every_secret_names_its_policy),
        TEST(un_08_and_it_11_nothing_in_clear_by_default),
        cmocka_unit_test(un_08_and_it_11_and_it_12_in_clear_everywhere_is_warned_of),
        TEST(tp_04_and_tp_05_and_jw_01_what_is_said_about_tokens),
        cmocka_unit_test(jw_01_and_tp_05_where_a_client_gets_a_token),
        TEST(tp_07_everything_that_is_needed_is_in_the_endpoint),
        TEST(tp_03_and_tp_08_every_kind_that_is_taken_is_announced),
        cmocka_unit_test(an_03_and_tp_08_what_is_not_taken_is_not_announced),
        TEST(tp_06_a_policy_that_names_none_goes_with_the_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
