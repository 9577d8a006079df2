/* A secret that was sent to RequestAccessToken is good once, as long as its SigningTime is. OPC 10000-12, 9.5.4 (1.04). */
#include "support/kw_test_authority.h"
#include "support/kw_test_events.h"
#include "support/test.h"

#include <keyway/node_ids.h>

static kw_test_user user_with(kw_test_client *client, const kw_test_session *session, kw_bytes sealed)
{
    kw_user_name_identity_token *token = KW_ARENA_NEW(client->world->arena, kw_user_name_identity_token);
    token->policy_id = kw_test_authority_policy(client, session, KW_USER_TOKEN_TYPE_USER_NAME)->policy_id;
    token->user_name = KW_STRING(KW_TEST_USER);
    token->password = sealed;
    return kw_test_user_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, token);
}

static kw_test_user user(kw_test_client *client, const kw_test_session *session, const kw_application_identity *signer, int seconds)
{
    return user_with(client, session, kw_test_authority_seal(client, signer, KW_STRING(KW_TEST_PASSWORD), seconds));
}

static kw_status ask(kw_test_client *client, const kw_test_session *session, const kw_test_user *who)
{
    return kw_test_request_token(client, session, &who->token, NULL);
}

static void rt_16_and_rt_26_a_secret_is_good_once(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_user first = user(client, &session, NULL, 0), signed_one = user(client, &session, client->identity, 0);
    assert_status(ask(client, &session, &first), KW_GOOD);
    assert_status(ask(client, &session, &first), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(ask(client, &session, &signed_one), KW_GOOD);
    assert_status(ask(client, &session, &signed_one), KW_BAD_IDENTITY_TOKEN_REJECTED);
    const kw_test_user second = user(client, &session, NULL, 0); /* the same password, sealed anew */
    assert_status(ask(client, &session, &second), KW_GOOD);
}

static void rt_16_nor_from_another_application_or_session(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    kw_test_client *thief = kw_test_client_new(world, &(kw_test_client_options){.identity = kw_test_identity("thief", 2048)});
    const kw_test_session session = kw_test_open(client), later = kw_test_open(client), stolen = kw_test_open(thief);
    const kw_test_user who = user(client, &session, NULL, 0);
    assert_status(ask(client, &session, &who), KW_GOOD);
    assert_status(ask(client, &later, &who), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(ask(thief, &stolen, &who), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

/* The last moment that a secret is good is the last that it has to be remembered, also with clocks that are off. */
static void rt_17_it_is_remembered_as_long_as_it_could_be_used(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_user early = user(client, &session, NULL, 300);
    assert_status(ask(client, &session, &early), KW_GOOD);
    for (int minute = 0; minute < 12; minute++) {
        kw_test_client *again = kw_test_client_new(world, NULL);
        const kw_test_session other = kw_test_open(again);
        assert_status(ask(again, &other, &early), KW_BAD_IDENTITY_TOKEN_REJECTED);
        kw_test_client_close(again);
        kw_test_world_advance(world, 60000);
    }
}

static void a_refused_password_uses_nothing_up(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_user wrong = user_with(client, &session, kw_test_authority_seal(client, NULL, KW_STRING("guessed"), 0));
    assert_status(ask(client, &session, &wrong), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_int_equal(kw_test_store_query(world->store, "SELECT COUNT(*) FROM used_secret"), 0);
}

/* --- two nodes on one store ------------------------------------------------------------------------------------------------- */

static kw_status prove_on(kw_identity_gate *gate, kw_test_client *client, const kw_test_user *who)
{
    kw_user_token_policy *policies = NULL;
    size_t count = 0;
    kw_identity *identity = NULL;
    assert_status(kw_identity_gate_policies(gate, client->policy, client->mode, client->world->arena, &policies, &count), KW_GOOD);
    const kw_identity_claim claim = {.token = &who->token,
                                     .policies = policies,
                                     .policy_count = count,
                                     .channel_policy = client->policy,
                                     .mode = client->mode,
                                     .receiver = client->world->env.identity,
                                     .client_certificate = client->identity->certificate,
                                     .application_uri = kw_certificate_application_uri(client->identity->certificate)};
    const kw_status status = kw_identity_prove(gate, &claim, &identity, NULL, NULL);
    kw_identity_release(identity);
    return status;
}

static void rt_16_two_nodes_on_one_store_take_a_secret_once(void **state)
{
    kw_test_world *world = *state;
    kw_identity_gate *gate = NULL;
    uint64_t version = 0;
    kw_store *store = kw_test_store_open(world->store);
    assert_status(
        kw_identity_gate_new(&KW_IDENTITY_CONFIG_DEFAULT, store, &world->clock->clock, &world->random.random, &KW_LOG_QUIET, &gate),
        KW_GOOD);
    assert_status(kw_identity_gate_refresh(gate, &version), KW_GOOD);
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_user here_first = user(client, &session, NULL, 0), there_first = user(client, &session, NULL, 0);
    assert_status(ask(client, &session, &here_first), KW_GOOD);
    assert_status(prove_on(gate, client, &here_first), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(prove_on(gate, client, &there_first), KW_GOOD);
    assert_status(ask(client, &session, &there_first), KW_BAD_IDENTITY_TOKEN_REJECTED);
    kw_identity_gate_free(gate);
    kw_store_close(store);
}

/* --- bounds and traces -------------------------------------------------------------------------------------------------------- */

static void configure_room(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.max_used_secrets = 2;
}

/* what is remembered has a bound, and past it nothing is taken rather than something forgotten. */
static void without_room_to_remember_no_secret_is_taken(void **state)
{
    kw_test_world *world = kw_test_world_with_authority(&(kw_test_world_options){.configure = configure_room});
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_test_user users[] = {user(client, &session, NULL, 0), user(client, &session, NULL, 0), user(client, &session, NULL, 0)};
    assert_status(ask(client, &session, &users[0]), KW_GOOD);
    assert_status(ask(client, &session, &users[1]), KW_GOOD);
    assert_status(ask(client, &session, &users[2]), KW_BAD_TOO_MANY_OPERATIONS);
    kw_test_world_free(world);
    (void)state;
}

/* What proves a user who was refused for something else is no part of what administrators can read. */
static void no_proof_stands_in_an_event(void **state)
{
    kw_test_world *world = *state;
    kw_test_events *events = KW_ARENA_NEW(world->arena, kw_test_events);
    kw_test_events_init(events, world);
    kw_test_client *client = kw_test_client_new(world, NULL);
    const kw_test_session session = kw_test_open(client);
    const kw_application_identity *carol = kw_test_user_identity("carol", 2048);
    const kw_x509_identity_token token = {.policy_id =
                                              kw_test_authority_policy(client, &session, KW_USER_TOKEN_TYPE_CERTIFICATE)->policy_id,
                                          .certificate_data = kw_test_authority_seal(client, carol, KW_BYTES_NULL, 0)};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_X509_IDENTITY_TOKEN, &token);
    kw_test_events_forget(events);
    assert_status(kw_test_request_token(client, &session, &object, NULL), KW_BAD_IDENTITY_TOKEN_REJECTED);
    const kw_event *event = kw_test_event_one(events, KW_GDS_ID_ACCESS_TOKEN_REQUESTED_AUDIT_EVENT_TYPE);
    const kw_variant *inputs = kw_test_event_variant(event, "InputArguments");
    const kw_extension_object *shown = kw_variant_get(&((const kw_variant *)inputs->data)[0], KW_BUILTIN_EXTENSION_OBJECT);
    const kw_x509_identity_token *redacted = kw_extension_object_get(shown, KW_TYPE_X509_IDENTITY_TOKEN);
    assert_non_null(redacted);
    assert_true(kw_bytes_is_empty(redacted->certificate_data));
    assert_true(kw_bytes_equal(redacted->policy_id, token.policy_id));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kw_test_authority_setup, kw_test_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(rt_16_and_rt_26_a_secret_is_good_once),
                                       TEST(rt_16_nor_from_another_application_or_session),
                                       TEST(rt_17_it_is_remembered_as_long_as_it_could_be_used),
                                       TEST(a_refused_password_uses_nothing_up),
                                       TEST(rt_16_two_nodes_on_one_store_take_a_secret_once),
                                       cmocka_unit_test(without_room_to_remember_no_secret_is_taken),
                                       TEST(no_proof_stands_in_an_event)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
