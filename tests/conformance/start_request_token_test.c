/* StartRequestToken and FinishRequestToken. OPC 10000-12, 9.6.6 and 9.6.7 (1.05.07). */
#include "authority/authority_internal.h"
#include "support/kw_test_events.h"
#include "support/kw_test_token_request.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#include <string.h>

static int setup(void **state)
{
    *state = kw_test_token_world(NULL);
    return 0;
}

static kw_status finish_as(kw_test_client *client, const kw_test_session *session, const kw_test_token_start *start, const char *password)
{
    kw_test_tokens tokens;
    const kw_test_user user = kw_test_token_user(client, start, KW_TEST_USER, password);
    return kw_test_token_finish(client, session, start, NULL, &user, &tokens);
}

/* --- two steps to a token ------------------------------------------------------------------------------------------------------ */

static void az_06_and_az_11_and_az_14_a_token_in_two_steps_opens_a_session(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client); /* of nobody: the user comes as an argument */
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    const kw_jwt claims = kw_test_token_claims(world, tokens.access);
    assert_text(claims.sub, KW_TEST_USER);
    assert_int_equal(tokens.access_ends, kw_datetime_from_unix(claims.exp));
    assert_true(tokens.access_ends > world->clock->utc);
    assert_true(tokens.refresh.len > 0);
    assert_int_equal(tokens.refresh_ends, world->clock->utc + KW_TEST_REFRESH_S * KW_TICKS_PER_S);
    kw_test_session other;
    assert_status(kw_test_create_session(client, &other), KW_GOOD);
    assert_status(kw_test_activate(client, &other, kw_test_issued(client, &other, tokens.access)), KW_GOOD);
    assert_status(kw_test_read(client, &other, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static void az_06_the_policy_is_one_of_the_service_and_the_resource_is_known(void **state)
{
    kw_test_token_start start;
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_string good = kw_test_token_policy(client, &session, KW_USER_TOKEN_TYPE_USER_NAME, false)->policy_id;
    assert_status(kw_test_token_start_with(client, &session, KW_TEST_SERVER, KW_STRING("no such policy"), KW_BYTES_NULL, &start),
                  KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(kw_test_token_start_with(client, &session, KW_TEST_SERVER, KW_BYTES_NULL, KW_BYTES_NULL, &start),
                  KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(kw_test_token_start_with(client, &session, "urn:no:such:server", good, KW_BYTES_NULL, &start), KW_BAD_NOT_FOUND);
    assert_status(kw_test_token_start_with(client, &session, "", good, KW_BYTES_NULL, &start), KW_BAD_NOT_FOUND);
    assert_status(kw_test_token_start_with(client, &session, KW_TEST_SERVER, good, KW_BYTES_NULL, &start), KW_GOOD);
}

static void az_11_the_user_is_really_proven(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    assert_status(finish_as(client, &session, &start, "guessed"), KW_BAD_IDENTITY_TOKEN_REJECTED);
    start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    kw_test_tokens tokens;
    const kw_test_user nobody = kw_test_nobody();
    assert_status(kw_test_token_finish(client, &session, &start, NULL, &nobody, &tokens), KW_BAD_IDENTITY_TOKEN_INVALID);
}

/* The policy of StartRequestToken holds: another one of the service, with a token that is good for it, is refused. */
static void az_11_the_token_is_of_the_policy_that_was_started(void **state)
{
    kw_test_world *world = *state;
    kw_test_tokens tokens;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    start.policy = kw_test_token_policy(client, &session, KW_USER_TOKEN_TYPE_ISSUED_TOKEN, false);
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "urn:keyway:test:issuer");
    const kw_test_user user = kw_test_token_issued(client, &start, kw_test_token(world, issuer, "carol", 600));
    assert_status(kw_test_token_finish(client, &session, &start, NULL, &user, &tokens), KW_BAD_IDENTITY_TOKEN_INVALID);
}

/* The chained scenario: somebody else's token becomes one of ours, and does not outlive it. */
static void az_11_a_token_of_another_issuer_becomes_one_of_ours(void **state)
{
    kw_test_world *world = *state;
    kw_test_tokens tokens;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "urn:keyway:test:issuer");
    kw_test_world_grant(world, "Operator", KW_CRITERIA_ROLE, "urn:keyway:test:issuer/op");
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_ISSUED_TOKEN);
    const kw_string theirs = kw_test_jwt(world, issuer, kw_test_claims(world, issuer, "carol", 600, ",\"roles\":[\"op\"]"));
    const kw_test_user user = kw_test_token_issued(client, &start, theirs);
    assert_status(kw_test_token_finish(client, &session, &start, NULL, &user, &tokens), KW_GOOD);
    assert_text(kw_test_token_claims(world, tokens.access).sub, "carol");
    assert_true(kw_test_token_has_role(world, tokens.access, "Operator"));
    assert_int_equal(tokens.access_ends, kw_datetime_from_unix(kw_datetime_to_unix(world->clock->utc) + 600));
    assert_int_equal(tokens.refresh_ends, tokens.access_ends);
}

static void configure_throttle(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.throttle.lockout_after = 3;
}

static int setup_with_throttle(void **state)
{
    *state = kw_test_token_world(&(kw_test_world_options){.configure = configure_throttle});
    return 0;
}

static void az_11_guessing_is_counted_as_anywhere(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    for (int i = 0; i < 3; i++) {
        const kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
        assert_status(finish_as(client, &session, &start, "guessed"), KW_BAD_IDENTITY_TOKEN_REJECTED);
    }
    const kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    assert_status(finish_as(client, &session, &start, KW_TEST_PASSWORD), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

/* --- ServiceData --------------------------------------------------------------------------------------------------------------- */

static void az_07_for_rsa_the_certificate_to_encrypt_for(void **state)
{
    const kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_bytes der = kw_certificate_der(world->env.identity->certificate);
    kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    assert_true(kw_bytes_equal(start.service_data, der));
    start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_ISSUED_TOKEN);
    assert_true(kw_bytes_equal(start.service_data, der));
}

static void configure_clear(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.allow_clear_secret_on_encrypted_channel = true;
}

static int setup_with_clear(void **state)
{
    *state = kw_test_token_world(&(kw_test_world_options){.configure = configure_clear});
    return 0;
}

static void az_07_for_a_secret_in_clear_nothing(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    kw_test_token_start start = {.policy = kw_test_token_policy(client, &session, KW_USER_TOKEN_TYPE_USER_NAME, true)};
    assert_status(kw_test_token_start_with(client, &session, KW_TEST_SERVER, start.policy->policy_id, KW_BYTES_NULL, &start), KW_GOOD);
    assert_int_equal(start.service_data.len, 0);
    assert_status(finish_as(client, &session, &start, KW_TEST_PASSWORD), KW_GOOD);
}

static void az_07_for_a_certificate_random_bytes_of_both(void **state)
{
    static const uint8_t LONG[KW_TOKEN_DATA_MAX + 1];
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_token_start one = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE);
    const kw_test_token_start two = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE);
    kw_test_token_start none;
    assert_int_equal(one.service_data.len, 32);
    assert_false(kw_bytes_equal(one.service_data, two.service_data));
    const kw_bytes lengths[] = {KW_BYTES_NULL, {LONG, KW_TOKEN_DATA_MIN - 1}, {LONG, KW_TOKEN_DATA_MAX + 1}};
    for (size_t i = 0; i < 3; i++) {
        assert_status(kw_test_token_start_with(client, &session, KW_TEST_SERVER, one.policy->policy_id, lengths[i], &none),
                      KW_BAD_INVALID_ARGUMENT);
    }
    assert_status(
        kw_test_token_start_with(client, &session, KW_TEST_SERVER, one.policy->policy_id, (kw_bytes){LONG, KW_TOKEN_DATA_MIN}, &none),
        KW_GOOD);
}

/* --- RequestId ----------------------------------------------------------------------------------------------------------------- */

static void az_08_a_request_belongs_to_its_session(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client), other = kw_test_open(client);
    const kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    assert_status(finish_as(client, &other, &start, KW_TEST_PASSWORD), KW_BAD_NOT_FOUND);
    assert_status(finish_as(client, &session, &start, KW_TEST_PASSWORD), KW_GOOD); /* nobody has used it up */
}

static void az_08_a_request_is_good_once(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    assert_status(finish_as(client, &session, &start, KW_TEST_PASSWORD), KW_GOOD);
    assert_status(finish_as(client, &session, &start, KW_TEST_PASSWORD), KW_BAD_NOT_FOUND);
    start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    assert_status(finish_as(client, &session, &start, "guessed"), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(finish_as(client, &session, &start, KW_TEST_PASSWORD), KW_BAD_NOT_FOUND);
    start.request_id.data1 ^= 1;
    assert_status(finish_as(client, &session, &start, KW_TEST_PASSWORD), KW_BAD_NOT_FOUND);
}

static void az_08_a_request_goes_with_its_session(void **state)
{
    const kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client), other = kw_test_open(client);
    kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    kw_test_token_start_good(client, &other, KW_USER_TOKEN_TYPE_USER_NAME);
    kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE);
    assert_int_equal(kw_token_requests_count(world->authority->requests), 3);
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    assert_int_equal(kw_token_requests_count(world->authority->requests), 1);
}

static void az_08_a_session_that_closes_under_way_leaves_nothing(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_string policy = kw_test_token_policy(client, &session, KW_USER_TOKEN_TYPE_USER_NAME, false)->policy_id,
                    uri = KW_STRING(KW_TEST_SERVER);
    const kw_bytes none = KW_BYTES_NULL;
    kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_STRING, &uri), kw_variant_scalar(KW_BUILTIN_STRING, &policy),
                           kw_variant_scalar(KW_BUILTIN_BYTE_STRING, &none)};
    kw_call_method_request one = {.object_id = KW_AUTHORITY_OBJECT,
                                  .method_id = kw_test_authority_method(world, "StartRequestToken"),
                                  .input_arguments = inputs,
                                  .input_arguments_count = 3};
    kw_call_request request = {.methods_to_call_count = 1, .methods_to_call = &one};
    kw_test_world_hold(world);
    kw_test_send(client, &session, KW_TYPE_CALL_REQUEST, &request);
    kw_close_session_request close = {.delete_subscriptions = true};
    kw_test_send(client, &session, KW_TYPE_CLOSE_SESSION_REQUEST, &close);
    kw_test_world_run(world);
    assert_int_equal(kw_token_requests_count(world->authority->requests), 0);
}

static void az_08_unused_requests_are_cleaned_up(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_token_start first = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    kw_test_world_advance(world, KW_TOKEN_REQUEST_MS / 2);
    const kw_test_token_start second = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD); /* the Session lives on */
    kw_test_world_advance(world, KW_TOKEN_REQUEST_MS / 2);
    assert_int_equal(kw_token_requests_count(world->authority->requests), 1);
    assert_status(finish_as(client, &session, &first, KW_TEST_PASSWORD), KW_BAD_NOT_FOUND);
    assert_status(finish_as(client, &session, &second, KW_TEST_PASSWORD), KW_GOOD);
}

static void az_08_a_session_has_room_for_a_few(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client), other = kw_test_open(client);
    kw_test_token_start start = {.request_id = {0}}, last = start;
    const kw_string policy = kw_test_token_policy(client, &session, KW_USER_TOKEN_TYPE_USER_NAME, false)->policy_id;
    for (size_t i = 0; i < KW_TOKEN_REQUESTS_PER_SESSION; i++) {
        last = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    }
    assert_status(kw_test_token_start_with(client, &session, KW_TEST_SERVER, policy, KW_BYTES_NULL, &start), KW_BAD_TOO_MANY_OPERATIONS);
    assert_status(kw_test_token_start_with(client, &other, KW_TEST_SERVER, policy, KW_BYTES_NULL, &start), KW_GOOD);
    assert_status(finish_as(client, &session, &last, KW_TEST_PASSWORD), KW_GOOD);
    assert_status(kw_test_token_start_with(client, &session, KW_TEST_SERVER, policy, KW_BYTES_NULL, &start), KW_GOOD);
}

/* --- who may ask --------------------------------------------------------------------------------------------------------------- */

static void az_10_the_channel_is_encrypted_for_each_step(void **state)
{
    kw_test_tokens tokens;
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    kw_test_client *signer = kw_test_client_new(*state, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    const kw_test_session weak = kw_test_open(signer);
    assert_status(kw_test_token_start_with(signer, &weak, KW_TEST_SERVER, start.policy->policy_id, KW_BYTES_NULL, &start),
                  KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_status(finish_as(signer, &weak, &start, KW_TEST_PASSWORD), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    assert_status(kw_test_token_refresh(signer, &weak, KW_TEST_SERVER, KW_STRING("x"), &tokens), KW_BAD_SECURITY_MODE_INSUFFICIENT);
}

static int setup_with_requestors(void **state)
{
    static const kw_string REQUESTORS[] = {{(const uint8_t *)"urn:keyway:test:requestor", 25}};
    *state = kw_test_token_world(&(kw_test_world_options){.authority = {.requestors = REQUESTORS, .requestor_count = 1}});
    return 0;
}

static void az_10_and_az_17_the_certificate_of_the_application_gives_the_privilege(void **state)
{
    kw_test_tokens tokens;
    kw_test_client *client = kw_test_client_new(*state, &(kw_test_client_options){.identity = kw_test_identity("requestor", 2048)});
    const kw_test_session session = kw_test_open(client);
    const kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    assert_status(finish_as(client, &session, &start, KW_TEST_PASSWORD), KW_GOOD);
    kw_test_client *other = kw_test_client_new(*state, NULL);
    const kw_test_session theirs = kw_test_open_as(other, KW_TEST_USER, KW_TEST_PASSWORD); /* the user is not what counts */
    kw_test_token_start none = start;
    assert_status(kw_test_token_start_with(other, &theirs, KW_TEST_SERVER, start.policy->policy_id, KW_BYTES_NULL, &none),
                  KW_BAD_USER_ACCESS_DENIED);
    assert_status(finish_as(other, &theirs, &start, KW_TEST_PASSWORD), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_token_refresh(other, &theirs, KW_TEST_SERVER, KW_STRING("x"), &tokens), KW_BAD_USER_ACCESS_DENIED);
}

/* --- Roles --------------------------------------------------------------------------------------------------------------------- */

static kw_status finish_for(kw_test_client *client, const kw_test_session *session, const char *roles, kw_test_tokens *tokens)
{
    const kw_test_token_start start = kw_test_token_start_good(client, session, KW_USER_TOKEN_TYPE_USER_NAME);
    const kw_test_user user = kw_test_token_user(client, &start, KW_TEST_USER, KW_TEST_PASSWORD);
    return kw_test_token_finish(client, session, &start, roles, &user, tokens);
}

static void az_12_and_az_19_requested_roles_narrow_the_grant(void **state)
{
    kw_test_tokens tokens;
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    assert_status(finish_for(client, &session, NULL, &tokens), KW_GOOD);
    assert_true(kw_test_token_has_role(*state, tokens.access, "Operator"));
    assert_true(kw_test_token_has_role(*state, tokens.access, "Observer"));
    assert_status(finish_for(client, &session, "", &tokens), KW_GOOD); /* an empty list, not none */
    assert_int_equal(kw_test_token_claims(*state, tokens.access).role_count, 2);
    assert_status(finish_for(client, &session, "Observer", &tokens), KW_GOOD);
    assert_true(kw_test_token_has_role(*state, tokens.access, "Observer"));
    assert_int_equal(kw_test_token_claims(*state, tokens.access).role_count, 1);
}

static void az_12_a_role_that_is_unknown_or_not_held_is_refused(void **state)
{
    kw_test_tokens tokens;
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    assert_status(finish_for(client, &session, "Observer Gardener", &tokens), KW_BAD_INVALID_ARGUMENT);
    assert_status(finish_for(client, &session, "Observer SecurityAdmin", &tokens), KW_BAD_USER_ACCESS_DENIED); /* attack A-162 */
}

static void az_12_supported_roles_are_those_that_can_be_asked_for(void **state)
{
    const kw_node_id property = KW_NODE_ID_TEXT(1, "AuthorizationService.SupportedRoles");
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    kw_data_value value;
    assert_status(kw_test_read(client, &session, &property, &value), KW_GOOD);
    assert_true(value.value.type == KW_BUILTIN_STRING && value.value.is_array);
    bool has_operator = false, has_admin = false, has_anonymous = false;
    for (size_t i = 0; i < value.value.count; i++) {
        const kw_string name = ((const kw_string *)value.value.data)[i];
        has_operator = has_operator || kw_string_equals(name, "Operator");
        has_admin = has_admin || kw_string_equals(name, "SecurityAdmin");
        has_anonymous = has_anonymous || kw_string_equals(name, "Anonymous");
    }
    assert_true(has_operator && has_admin && !has_anonymous);
}

/* --- X509 users ---------------------------------------------------------------------------------------------------------------- */

static kw_status finish_signed(kw_test_client *client, const kw_test_session *session, const kw_test_token_start *start,
                               const kw_test_user *user)
{
    kw_test_tokens tokens;
    return kw_test_token_finish(client, session, start, NULL, user, &tokens);
}

static void az_13_a_user_certificate_signs_for_this_request_on_this_channel(void **state)
{
    kw_test_world *world = *state;
    const kw_application_identity *erin = kw_test_user_identity("erin", 2048);
    kw_test_trust_add(&world->user_trust, erin);
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE);
    kw_test_user user = kw_test_token_certificate(client, &start, erin);
    assert_status(finish_signed(client, &session, &start, &user), KW_GOOD);
    start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE); /* the signature for the former request */
    assert_status(finish_signed(client, &session, &start, &user), KW_BAD_USER_SIGNATURE_INVALID);
    start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE); /* none */
    user.signature = (kw_signature_data){.algorithm = KW_BYTES_NULL};
    assert_status(finish_signed(client, &session, &start, &user), KW_BAD_USER_SIGNATURE_INVALID);
    start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE); /* somebody else's key */
    user = kw_test_token_certificate(client, &start, kw_test_user_identity("mallory", 2048));
    ((kw_x509_identity_token *)user.token.value)->certificate_data = kw_certificate_chain(erin->certificate);
    assert_status(finish_signed(client, &session, &start, &user), KW_BAD_USER_SIGNATURE_INVALID);
}

/* Attack A-165: what the user signed to enter a Session gets nobody a token. */
static void az_13_a_signature_for_activate_session_is_none_for_a_token(void **state)
{
    kw_test_world *world = *state;
    const kw_application_identity *erin = kw_test_user_identity("erin", 2048);
    kw_test_trust_add(&world->user_trust, erin);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_session session = kw_test_open(client);
    const kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE);
    session.nonce = start.service_data; /* even over ServiceData as nonce */
    kw_test_user user = kw_test_certificate(client, &session, erin);
    ((kw_x509_identity_token *)user.token.value)->policy_id = start.policy->policy_id;
    assert_status(finish_signed(client, &session, &start, &user), KW_BAD_USER_SIGNATURE_INVALID);
}

/* The Certificates of both sides are part of what is signed: a channel of another application is another one. */
static void az_13_a_signature_for_another_application_is_none_for_this(void **state)
{
    kw_test_world *world = *state;
    const kw_application_identity *erin = kw_test_user_identity("erin", 2048);
    kw_test_trust_add(&world->user_trust, erin);
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_client *other = kw_test_client_new(world, &(kw_test_client_options){.identity = kw_test_identity("other", 2048)});
    const kw_test_session session = kw_test_open(client);
    const kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE);
    const kw_test_user user = kw_test_token_certificate(other, &start, erin);
    assert_status(finish_signed(client, &session, &start, &user), KW_BAD_USER_SIGNATURE_INVALID);
}

static void az_13_a_user_certificate_that_nobody_trusts_is_rejected(void **state)
{
    kw_test_client *client = kw_test_client_new(*state, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE);
    const kw_application_identity *mallory = kw_test_user_identity("mallory", 2048);
    const kw_test_user user = kw_test_token_certificate(client, &start, mallory);
    kw_test_world *world = *state;
    kw_test_events *events = KW_ARENA_NEW(world->arena, kw_test_events);
    kw_test_events_init(events, world);
    assert_status(finish_signed(client, &session, &start, &user), KW_BAD_IDENTITY_TOKEN_REJECTED);
    const kw_event *event = kw_test_event_one(events, KW_ID_AUDIT_CERTIFICATE_UNTRUSTED_EVENT_TYPE);
    const kw_bytes *certificate = kw_test_event_field(event, "Certificate", KW_BUILTIN_BYTE_STRING);
    assert_true(kw_bytes_equal(*certificate, kw_certificate_der(mallory->certificate)));
    assert_status(*(const kw_status *)kw_test_event_field(event, "StatusCodeId", KW_BUILTIN_STATUS_CODE), KW_BAD_CERTIFICATE_UNTRUSTED);
    assert_int_equal(events->count, 2); /* with the one about the request */
}

/* --- audit --------------------------------------------------------------------------------------------------------------------- */

static void az_16_finish_request_token_is_audited_without_secrets(void **state)
{
    kw_test_world *world = *state;
    kw_test_events *events = KW_ARENA_NEW(world->arena, kw_test_events);
    kw_test_tokens tokens;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_token_start start = kw_test_token_start_good(client, &session, KW_USER_TOKEN_TYPE_USER_NAME);
    const kw_test_user user = kw_test_token_user(client, &start, KW_TEST_USER, KW_TEST_PASSWORD);
    const kw_bytes sealed = ((const kw_user_name_identity_token *)user.token.value)->password;
    kw_test_events_init(events, world);
    assert_status(kw_test_token_finish(client, &session, &start, NULL, &user, &tokens), KW_GOOD);
    const kw_event *asked = kw_test_event_one(events, KW_GDS_ID_ACCESS_TOKEN_REQUESTED_AUDIT_EVENT_TYPE);
    const kw_event *issued = kw_test_event_one(events, KW_GDS_ID_ACCESS_TOKEN_ISSUED_AUDIT_EVENT_TYPE);
    assert_false(kw_test_event_holds(asked, sealed) || kw_test_event_holds(issued, sealed));
    assert_false(kw_test_event_holds(issued, tokens.access) || kw_test_event_holds(issued, tokens.refresh));
    kw_test_events_forget(events);
    assert_status(finish_as(client, &session, &start, KW_TEST_PASSWORD), KW_BAD_NOT_FOUND);
    asked = kw_test_event_one(events, KW_GDS_ID_ACCESS_TOKEN_REQUESTED_AUDIT_EVENT_TYPE);
    assert_status(*(const kw_status *)kw_test_event_field(asked, "StatusCodeId", KW_BUILTIN_STATUS_CODE), KW_BAD_NOT_FOUND);
    assert_int_equal(kw_test_event_count(events, KW_GDS_ID_ACCESS_TOKEN_ISSUED_AUDIT_EVENT_TYPE), 0);
}

static void az_16_the_trail_knows_who_got_a_token_for_what(void **state)
{
    kw_test_world *world = *state;
    kw_audit_record *records = NULL;
    size_t count = 0;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_tokens tokens = kw_test_token_get(client, &session);
    assert_status(kw_store_audit_list(world->store->store, 0, 100, world->arena, &records, &count), KW_GOOD);
    const kw_audit_record *last = &records[count - 1];
    const char *detail = kw_arena_cstring(world->arena, last->detail);
    assert_text(last->event, "FinishRequestToken");
    assert_text(last->user, KW_TEST_USER);
    assert_text(last->client, "urn:keyway:test:client");
    assert_non_null(strstr(detail, KW_TEST_SERVER));
    assert_null(strstr(detail, kw_arena_cstring(world->arena, tokens.refresh)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kw_test_world_teardown)
#define TEST_WITH(how, name) cmocka_unit_test_setup_teardown(name, how, kw_test_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(az_06_and_az_11_and_az_14_a_token_in_two_steps_opens_a_session),
        TEST(az_06_the_policy_is_one_of_the_service_and_the_resource_is_known),
        TEST(az_11_the_user_is_really_proven),
        TEST(az_11_the_token_is_of_the_policy_that_was_started),
        TEST(az_11_a_token_of_another_issuer_becomes_one_of_ours),
        TEST_WITH(setup_with_throttle, az_11_guessing_is_counted_as_anywhere),
        TEST(az_07_for_rsa_the_certificate_to_encrypt_for),
        TEST_WITH(setup_with_clear, az_07_for_a_secret_in_clear_nothing),
        TEST(az_07_for_a_certificate_random_bytes_of_both),
        TEST(az_08_a_request_belongs_to_its_session),
        TEST(az_08_a_request_is_good_once),
        TEST(az_08_a_request_goes_with_its_session),
        TEST(az_08_a_session_that_closes_under_way_leaves_nothing),
        TEST(az_08_unused_requests_are_cleaned_up),
        TEST(az_08_a_session_has_room_for_a_few),
        TEST(az_10_the_channel_is_encrypted_for_each_step),
        TEST_WITH(setup_with_requestors, az_10_and_az_17_the_certificate_of_the_application_gives_the_privilege),
        TEST(az_12_and_az_19_requested_roles_narrow_the_grant),
        TEST(az_12_a_role_that_is_unknown_or_not_held_is_refused),
        TEST(az_12_supported_roles_are_those_that_can_be_asked_for),
        TEST(az_13_a_user_certificate_signs_for_this_request_on_this_channel),
        TEST(az_13_a_signature_for_activate_session_is_none_for_a_token),
        TEST(az_13_a_signature_for_another_application_is_none_for_this),
        TEST(az_13_a_user_certificate_that_nobody_trusts_is_rejected),
        TEST(az_16_finish_request_token_is_audited_without_secrets),
        TEST(az_16_the_trail_knows_who_got_a_token_for_what),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
