/* Counter-measures against guessing of user tokens. OPC 10000-4, 5.7.3.1. */
#include "support/kw_test_user.h"
#include "support/test.h"

#include <stdio.h>

static void with_throttle(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.throttle = KW_IDENTITY_CONFIG_DEFAULT.throttle;
}

static int setup(void **state)
{
    kw_test_world *world = kw_test_world_new(&(kw_test_world_options){.configure = with_throttle, .with_authority = true});
    kw_test_world_add_user(world, "alice", "a password", 0);
    kw_test_world_add_user(world, "bob", "another password", 0);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_USER_NAME, "alice");
    kw_test_world_grant(world, "Operator", KW_CRITERIA_USER_NAME, "bob");
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    kw_test_world_free(*state);
    return 0;
}

static kw_test_client *new_client(kw_test_world *world, const char *name, const char *address)
{
    return kw_test_client_new(world, &(kw_test_client_options){.identity = kw_test_identity(name, 2048), .address = address});
}

static kw_test_client *unsecured(kw_test_world *world, const char *address)
{
    return kw_test_client_new(world, &(kw_test_client_options){.policy = &KW_POLICY_NONE, .address = address});
}

/* An attempt that is under way. */
typedef struct attempt {
    kw_test_client *client;
    kw_test_session session;
    uint32_t id;
} attempt;

static uint32_t send_activation(kw_test_client *client, const kw_test_session *session, kw_test_user user)
{
    return kw_test_send(client, session, KW_TYPE_ACTIVATE_SESSION_REQUEST, kw_test_activation(client, session, user));
}

static attempt try_password(kw_test_client *client, const char *name, const char *password)
{
    attempt a = {.client = client};
    assert_status(kw_test_create_session(client, &a.session), KW_GOOD);
    a.id = send_activation(client, &a.session, kw_test_user_name(client, &a.session, name, password));
    return a;
}

static bool is_answered(const attempt *a)
{
    return kw_test_is_answered(a->client, a->id);
}

static kw_status answer_of(const attempt *a)
{
    return kw_test_answer_of(a->client, a->id, NULL);
}

/* How long the answer to a wrong password took: the simulated time until it came, in steps of 10 ms. */
static uint64_t fail_once(kw_test_client *client, const char *name)
{
    kw_test_world *world = client->world;
    const uint64_t start = world->clock->ms;
    const attempt a = try_password(client, name, "wrong");
    while (!is_answered(&a)) {
        kw_test_world_advance(world, 10);
    }
    assert_status(answer_of(&a), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_close_session(client, &a.session, true), KW_GOOD);
    return world->clock->ms - start;
}

static void fail_times(kw_test_client *client, const char *name, int times)
{
    for (int i = 0; i < times; i++) {
        fail_once(client, name);
    }
}

static kw_status at_once(attempt a)
{
    assert_true(is_answered(&a));
    return answer_of(&a);
}

static void as_21_and_as_22_repeated_wrong_tokens_are_taken_for_an_attack(void **state)
{
    kw_test_client *client = new_client(*state, "client", NULL);
    fail_times(client, "alice", 10);
    assert_status(at_once(try_password(client, "alice", "a password")), KW_BAD_USER_ACCESS_DENIED);
}

static void as_22_every_kind_of_token_counts(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL);
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(world, "urn:issuer");
    kw_test_session session;
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    for (int i = 0; i < 2; i++) {
        const kw_string old = kw_test_jwt(world, issuer, kw_test_claims(world, issuer, "alice", -3600, ""));
        assert_status(kw_test_activate(client, &session, kw_test_issued(client, &session, old)), KW_BAD_IDENTITY_TOKEN_REJECTED);
    }
    const kw_application_identity *nobody = kw_test_identity("nobody's user", 2048);
    assert_status(kw_test_activate(client, &session, kw_test_certificate(client, &session, nobody)), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(kw_test_activate(client, &session, kw_test_anonymous(client, &session)), KW_GOOD); /* guesses nothing */
    kw_test_session other;
    assert_status(kw_test_create_session(client, &other), KW_GOOD);
    const uint32_t id = send_activation(client, &other, kw_test_issued(client, &other, KW_STRING("no.t.oken")));
    assert_false(kw_test_is_answered(client, id));
    kw_test_world_advance(world, 250);
    assert_true(kw_test_is_answered(client, id));
}

static void as_23_a_client_that_guessed_is_locked_out_and_let_in_again_later(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL);
    fail_times(client, "alice", 10);
    kw_test_client *again = new_client(world, "client", "192.0.2.99"); /* another connection, another address: the same Client */
    assert_status(at_once(try_password(again, "alice", "a password")), KW_BAD_USER_ACCESS_DENIED);
    assert_status(at_once(try_password(again, "bob", "another password")), KW_BAD_USER_ACCESS_DENIED);
    kw_test_world_advance(world, 301000);
    kw_test_client *later = new_client(world, "client", NULL);
    const attempt a = try_password(later, "alice", "a password");
    kw_test_world_advance(world, 10000);
    assert_status(answer_of(&a), KW_GOOD);
}

static void as_23_what_is_locked_costs_no_password_hash(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL);
    fail_times(client, "alice", 10);
    kw_user user;
    assert_status(kw_store_user_get(world->store->store, KW_STRING("alice"), world->arena, &user), KW_GOOD);
    kw_test_store_tamper(world->store, "DROP TABLE account"); /* whoever looks up a user fails otherwise */
    assert_status(at_once(try_password(client, "alice", "a password")), KW_BAD_USER_ACCESS_DENIED);
    kw_test_client *other = new_client(world, "other", NULL);
    assert_status(at_once(try_password(other, "bob", "another password")), KW_BAD_RESOURCE_UNAVAILABLE);
}

static void as_24_only_the_offender_is_locked_out_behind_a_shared_address(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *offender = new_client(world, "client", "192.0.2.1");
    kw_test_client *neighbour = new_client(world, "other", "192.0.2.1");
    fail_times(offender, "alice", 10);
    assert_status(at_once(try_password(offender, "bob", "another password")), KW_BAD_USER_ACCESS_DENIED);
    assert_status(at_once(try_password(neighbour, "bob", "another password")), KW_GOOD);
}

static void as_24_unsecured_clients_are_known_by_their_address(void **state)
{
    kw_test_world *world = *state;
    fail_times(unsecured(world, "192.0.2.1"), "alice", 10);
    assert_status(at_once(try_password(unsecured(world, "192.0.2.1"), "bob", "another password")), KW_BAD_USER_ACCESS_DENIED);
    assert_status(at_once(try_password(unsecured(world, "192.0.2.2"), "bob", "another password")), KW_GOOD);
    assert_status(at_once(try_password(new_client(world, "client", "192.0.2.1"), "bob", "another password")), KW_GOOD);
}

static void as_25_and_as_26_answers_to_failures_come_later_and_later(void **state)
{
    kw_test_client *client = new_client(*state, "client", NULL);
    static const uint64_t EXPECTED[] = {0, 0, 0, 250, 500, 1000, 2000, 4000, 8000};
    for (size_t i = 0; i < sizeof(EXPECTED) / sizeof(EXPECTED[0]); i++) {
        assert_int_equal(fail_once(client, "alice"), EXPECTED[i]);
    }
}

static void as_27_isolated_failures_delay_no_valid_token(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL), *other = new_client(world, "other", NULL);
    assert_int_equal(fail_once(client, "alice"), 0);
    assert_status(at_once(try_password(other, "alice", "a password")), KW_GOOD);
    assert_status(at_once(try_password(client, "alice", "a password")), KW_GOOD);
    assert_int_equal(fail_once(client, "alice"), 0);
    assert_int_equal(fail_once(client, "alice"), 0);
    assert_status(at_once(try_password(client, "bob", "another password")), KW_GOOD);
}

static void as_27_while_an_answer_waits_everything_else_goes_on(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL), *other = new_client(world, "other", NULL);
    kw_test_session live = kw_test_open_as(client, "bob", "another password");
    fail_times(client, "alice", 6);
    const attempt a = try_password(client, "alice", "wrong");
    assert_false(is_answered(&a));
    assert_status(kw_test_read(client, &live, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_status(at_once(try_password(other, "bob", "another password")), KW_GOOD);
    /* The Session whose answer waits takes no second proof against the same nonce. */
    const uint32_t second = send_activation(client, &a.session, kw_test_user_name(client, &a.session, "alice", "wrong"));
    assert_true(kw_test_is_answered(client, second));
    assert_status(kw_test_answer_of(client, second, NULL), KW_BAD_TOO_MANY_OPERATIONS);
    kw_test_world_advance(world, 2000);
    assert_status(answer_of(&a), KW_BAD_USER_ACCESS_DENIED);
}

/* Past the threshold a right password waits as long as a wrong one: the time does not tell. */
static void as_25_the_delay_does_not_tell_right_from_wrong(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL);
    fail_times(client, "alice", 5);
    const attempt a = try_password(client, "alice", "a password");
    kw_test_world_advance(world, 999);
    assert_false(is_answered(&a));
    assert_status(kw_test_read(client, &a.session, &KW_TEST_SECRET, NULL), KW_BAD_SESSION_NOT_ACTIVATED);
    kw_test_world_advance(world, 1);
    assert_true(is_answered(&a));
}

static void one_channel_waits_for_few_answers_at_a_time(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL);
    fail_times(client, "alice", 5);
    attempt waiting[4];
    for (int i = 0; i < 4; i++) {
        waiting[i] = try_password(client, "alice", "wrong");
        assert_false(is_answered(&waiting[i]));
    }
    assert_status(at_once(try_password(client, "alice", "a password")), KW_BAD_TOO_MANY_OPERATIONS);
    kw_test_world_advance(world, 10000);
    for (int i = 0; i < 4; i++) {
        assert_status(answer_of(&waiting[i]), KW_BAD_USER_ACCESS_DENIED);
    }
}

/* All at once, before the first of them is known to be wrong. */
static void attempts_that_overlap_do_not_slip_through(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL);
    attempt all[30];
    kw_test_session sessions[30];
    for (int i = 0; i < 30; i++) {
        assert_status(kw_test_create_session(client, &sessions[i]), KW_GOOD);
    }
    kw_test_world_hold(world);
    for (int i = 0; i < 30; i++) {
        const char *password = i == 29 ? "a password" : "wrong";
        all[i] = (attempt){client, sessions[i], 0};
        all[i].id = send_activation(client, &sessions[i], kw_test_user_name(client, &sessions[i], "alice", password));
    }
    kw_test_world_run(world);
    kw_test_world_advance(world, 20000);
    assert_true(is_answered(&all[29]));
    assert_true(kw_status_is_bad(answer_of(&all[29])));
}

static void count_drained(void *ctx)
{
    ++*(int *)ctx;
}

static void a_connection_that_is_cut_takes_its_waiting_answers_along(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL);
    fail_times(client, "alice", 6);
    const attempt a = try_password(client, "alice", "wrong");
    assert_false(is_answered(&a));
    kw_test_client_cut(client);
    assert_null(kw_test_session_of(world, &a.session));
    int drained = 0;
    kw_server_shutdown(world->server, count_drained, &drained);
    assert_int_equal(drained, 1); /* nothing is left of it to wait for */
}

static void a_session_closed_while_its_answer_waits_stays_closed(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL);
    kw_test_session session = kw_test_open_as(client, "bob", "another password");
    fail_times(client, "alice", 6);
    const uint32_t id = send_activation(client, &session, kw_test_user_name(client, &session, "alice", "a password"));
    assert_false(kw_test_is_answered(client, id));
    assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    kw_test_world_advance(world, 10000);
    assert_status(kw_test_answer_of(client, id, NULL), KW_BAD_SESSION_CLOSED);
}

static void a_lock_out_is_in_the_audit_trail(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL);
    fail_times(client, "alice", 10);
    kw_audit_record *records;
    size_t count, lock_outs = 0;
    assert_status(kw_store_audit_list(world->store->store, 0, 1000, world->arena, &records, &count), KW_GOOD);
    for (size_t i = 0; i < count; i++) {
        if (kw_string_equals(records[i].event, "LockOut")) {
            lock_outs++;
            assert_text(records[i].user, "alice");
            assert_text(records[i].source, KW_TEST_SERVER);
            assert_memory_equal(records[i].client.data, "client:urn:keyway:test:client#", 30);
        }
    }
    assert_int_equal(lock_outs, 1);
}

/* --- other doors ------------------------------------------------------------------------------------------------------ */

static uint32_t request_token(kw_test_client *client, const kw_test_session *session, const char *password)
{
    kw_test_world *world = client->world;
    kw_extension_object *token = KW_ARENA_NEW(world->arena, kw_extension_object);
    kw_string *resource = KW_ARENA_NEW(world->arena, kw_string);
    kw_variant *inputs = KW_ARENA_ARRAY(world->arena, kw_variant, 2);
    kw_call_method_request *method = KW_ARENA_NEW(world->arena, kw_call_method_request);
    *token = kw_test_user_name_as(client, session, KW_SECRET_RSA, "alice", password).token;
    *resource = KW_STRING(KW_TEST_SERVER);
    inputs[0] = kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, token);
    inputs[1] = kw_variant_scalar(KW_BUILTIN_STRING, resource);
    *method = (kw_call_method_request){.object_id = KW_AUTHORITY_OBJECT,
                                       .method_id = KW_NODE_ID_TEXT(1, "AuthorizationService.RequestAccessToken"),
                                       .input_arguments = inputs,
                                       .input_arguments_count = 2};
    kw_call_request *request = KW_ARENA_NEW(world->arena, kw_call_request);
    *request = (kw_call_request){.methods_to_call = method, .methods_to_call_count = 1};
    return kw_test_send(client, session, KW_TYPE_CALL_REQUEST, request);
}

static kw_status token_answer(kw_test_client *client, uint32_t id)
{
    const void *response = NULL;
    assert_status(kw_test_answer_of(client, id, &response), KW_GOOD);
    return ((const kw_call_response *)response)->results[0].status_code;
}

static void as_22_and_as_25_requests_for_access_tokens_count_with_activations(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL);
    kw_test_session session = kw_test_open(client);
    for (int i = 0; i < 3; i++) {
        assert_status(token_answer(client, request_token(client, &session, "wrong")), KW_BAD_IDENTITY_TOKEN_REJECTED);
    }
    const uint32_t id = request_token(client, &session, "wrong");
    assert_false(kw_test_is_answered(client, id));
    assert_status(kw_test_read(client, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    kw_test_world_advance(world, 250);
    assert_status(token_answer(client, id), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_int_equal(fail_once(client, "bob"), 500);
    const uint32_t right = request_token(client, &session, "a password");
    assert_false(kw_test_is_answered(client, right));
    kw_test_world_advance(world, 1000);
    assert_status(token_answer(client, right), KW_GOOD);
}

static void few_answers_wait_at_the_authorization_service_and_none_when_it_ends(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL);
    kw_test_session session = kw_test_open(client);
    for (int i = 0; i < 3; i++) {
        (void)request_token(client, &session, "wrong");
    }
    for (int i = 0; i < 4; i++) {
        assert_false(kw_test_is_answered(client, request_token(client, &session, "wrong")));
    }
    assert_status(token_answer(client, request_token(client, &session, "a password")), KW_BAD_TOO_MANY_OPERATIONS);
    /* The world ends here with four of them waiting. */
}

/* ChangePassword asks for the old one: the same gate, the same counts. */
static void um_22_wrong_old_passwords_count_with_activations(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client", NULL);
    const kw_identity_claim claim = {.client_certificate = client->identity->certificate,
                                     .application_uri = kw_certificate_application_uri(client->identity->certificate),
                                     .address = KW_STRING("192.0.2.1")};
    kw_identity_gate *gate = kw_server_gate(world->server);
    const kw_string name = KW_STRING("alice"), right = KW_STRING("a password"), wrong = KW_STRING("wrong");
    const char *why = NULL;
    uint32_t delay_ms = 1;
    assert_status(kw_identity_check_password(gate, &claim, name, right, &why, &delay_ms), KW_GOOD);
    assert_int_equal(delay_ms, 0);
    for (int i = 0; i < 4; i++) {
        assert_status(kw_identity_check_password(gate, &claim, name, wrong, &why, &delay_ms), KW_BAD_USER_ACCESS_DENIED);
    }
    assert_int_equal(delay_ms, 250);
    assert_string_equal(why, "wrong password");
    assert_int_equal(kw_identity_standing(gate, &claim), KW_STANDING_SUSPECT);
    assert_int_equal(fail_once(client, "alice"), 500);
    for (int i = 0; i < 5; i++) {
        assert_status(kw_identity_check_password(gate, &claim, name, wrong, &why, &delay_ms), KW_BAD_USER_ACCESS_DENIED);
    }
    assert_status(kw_identity_check_password(gate, &claim, name, right, &why, &delay_ms), KW_BAD_USER_ACCESS_DENIED);
    assert_string_equal(why, "locked out after failed attempts");
    assert_status(at_once(try_password(client, "alice", "a password")), KW_BAD_USER_ACCESS_DENIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(as_21_and_as_22_repeated_wrong_tokens_are_taken_for_an_attack),
        TEST(as_22_every_kind_of_token_counts),
        TEST(as_23_a_client_that_guessed_is_locked_out_and_let_in_again_later),
        TEST(as_23_what_is_locked_costs_no_password_hash),
        TEST(as_24_only_the_offender_is_locked_out_behind_a_shared_address),
        TEST(as_24_unsecured_clients_are_known_by_their_address),
        TEST(as_25_and_as_26_answers_to_failures_come_later_and_later),
        TEST(as_27_isolated_failures_delay_no_valid_token),
        TEST(as_27_while_an_answer_waits_everything_else_goes_on),
        TEST(as_25_the_delay_does_not_tell_right_from_wrong),
        TEST(one_channel_waits_for_few_answers_at_a_time),
        TEST(attempts_that_overlap_do_not_slip_through),
        TEST(a_connection_that_is_cut_takes_its_waiting_answers_along),
        TEST(a_session_closed_while_its_answer_waits_stays_closed),
        TEST(a_lock_out_is_in_the_audit_trail),
        TEST(as_22_and_as_25_requests_for_access_tokens_count_with_activations),
        TEST(few_answers_wait_at_the_authorization_service_and_none_when_it_ends),
        TEST(um_22_wrong_old_passwords_count_with_activations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
