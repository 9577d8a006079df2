/* Who signs in does not wait for who guesses, whatever the latter has sent. OPC 10000-4, 5.7.3.1 (AS-21 … AS-27). */
#include "support/kw_test_user.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#define GUESSES 20
#define QUEUE 512

static void with_throttle(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.throttle = KW_IDENTITY_CONFIG_DEFAULT.throttle;
}

static void set_up_users(kw_test_world *world)
{
    kw_test_world_add_user(world, "alice", "a password", 0);
    kw_test_world_add_user(world, "bob", "another password", 0);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_USER_NAME, "alice");
    kw_test_world_grant(world, "Operator", KW_CRITERIA_USER_NAME, "bob");
}

static int setup(void **state)
{
    *state = kw_test_world_new(&(kw_test_world_options){.configure = with_throttle, .with_authority = true});
    set_up_users(*state);
    return 0;
}

/* Guesses cost no time, and nobody is locked out: as many of them as somebody cares to send. */
static int setup_unthrottled(void **state)
{
    *state = kw_test_world_new(NULL);
    set_up_users(*state);
    return 0;
}

static int teardown(void **state)
{
    kw_test_world_free(*state);
    return 0;
}

static kw_test_client *new_client(kw_test_world *world, const char *name)
{
    return kw_test_client_new(world, &(kw_test_client_options){.identity = kw_test_identity(name, 2048)});
}

static uint64_t source_of(const kw_test_client *client)
{
    const kw_identity_claim claim = {.client_certificate = client->identity->certificate,
                                     .application_uri = kw_certificate_application_uri(client->identity->certificate)};
    return kw_identity_source(&claim);
}

static uint32_t send_password(kw_test_client *client, const kw_test_session *session, const char *name, const char *password)
{
    const kw_test_user user = kw_test_user_name(client, session, name, password);
    return kw_test_send(client, session, KW_TYPE_ACTIVATE_SESSION_REQUEST, kw_test_activation(client, session, user));
}

typedef struct crowd {
    kw_test_session sessions[GUESSES];
    uint32_t ids[GUESSES];
} crowd;

static void create_sessions(kw_test_client *client, crowd *all)
{
    for (size_t i = 0; i < GUESSES; i++) {
        assert_status(kw_test_create_session(client, &all->sessions[i]), KW_GOOD);
    }
}

static void send_guesses(kw_test_client *client, crowd *all)
{
    for (size_t i = 0; i < GUESSES; i++) {
        all->ids[i] = send_password(client, &all->sessions[i], "alice", "wrong");
    }
}

/* Passwords of others that were hashed while this Client's own job waited. */
static size_t waited_for(kw_test_world *world, const kw_test_client *client)
{
    size_t count = 0;
    while (kw_test_pool_running(&world->pool, source_of(client)) == NULL) {
        assert_true(kw_test_pool_finish_password(&world->pool));
        count++;
    }
    return count;
}

/* --- who signs in ------------------------------------------------------------------------------------------------------- */

/* With as few places as a Server on one core has, however far the guesser's jobs have come. */
static void signs_in_at_once(kw_test_world *world, unsigned passwords)
{
    crowd *guesses = KW_ARENA_NEW(world->arena, crowd);
    kw_test_client *guesser = new_client(world, "client"), *honest = new_client(world, "other");
    create_sessions(guesser, guesses);
    kw_test_session sessions[GUESSES / 4];
    for (size_t i = 0; i < GUESSES / 4; i++) {
        assert_status(kw_test_create_session(honest, &sessions[i]), KW_GOOD);
    }
    kw_test_world_share(world, 4, passwords, QUEUE);
    send_guesses(guesser, guesses);
    for (size_t i = 0; i < GUESSES / 4; i++) {
        const uint32_t id = send_password(honest, &sessions[i], "bob", "another password");
        assert_in_range(waited_for(world, honest), 0, 1);
        while (kw_test_pool_running(&world->pool, source_of(honest)) != NULL) {
            assert_true(kw_test_pool_finish_one(&world->pool));
        }
        kw_test_world_pump(world);
        assert_true(kw_test_is_answered(honest, id));
        assert_status(kw_test_answer_of(honest, id, NULL), KW_GOOD);
    }
    kw_test_world_share_no_more(world);
}

static void as_27_who_signs_in_waits_for_one_wrong_password_at_most(void **state)
{
    signs_in_at_once(*state, 2);
}

static void as_27_so_he_does_where_nobody_is_locked_out(void **state)
{
    signs_in_at_once(*state, 2);
}

static void as_27_and_with_more_cores(void **state)
{
    signs_in_at_once(*state, 3);
}

/* --- who guesses -------------------------------------------------------------------------------------------------------- */

static void fail_times(kw_test_client *client, int times)
{
    for (int i = 0; i < times; i++) {
        kw_test_session session;
        assert_status(kw_test_create_session(client, &session), KW_GOOD);
        const uint32_t id = send_password(client, &session, "alice", "wrong");
        kw_test_world_advance(client->world, 10000);
        assert_status(kw_test_answer_of(client, id, NULL), KW_BAD_USER_ACCESS_DENIED);
        assert_status(kw_test_close_session(client, &session, true), KW_GOOD);
    }
}

static void as_22_passwords_of_who_guesses_are_checked_one_at_a_time(void **state)
{
    kw_test_world *world = *state;
    crowd *guesses = KW_ARENA_NEW(world->arena, crowd);
    kw_test_client *guesser = new_client(world, "client");
    create_sessions(guesser, guesses);
    kw_test_world_share(world, 4, 3, QUEUE);
    send_guesses(guesser, guesses);
    for (size_t left = GUESSES; left > 0; left--) { /* before anybody suspects him he has proven nobody, so he has one place, too */
        assert_int_equal(kw_test_pool_passwords(&world->pool), 1);
        assert_true(kw_test_pool_finish_password(&world->pool));
    }
    kw_test_world_share_no_more(world);
    for (size_t i = 0; i < GUESSES; i++) {
        assert_true(kw_test_is_answered(guesser, guesses->ids[i]));
    }
}

/* The first three at most are found wrong while he has two places. */
static void as_22_an_account_of_his_own_helps_a_guesser_little(void **state)
{
    kw_test_world *world = *state;
    crowd *guesses = KW_ARENA_NEW(world->arena, crowd);
    kw_test_client *guesser = new_client(world, "client");
    (void)kw_test_open_as(guesser, "bob", "another password");
    create_sessions(guesser, guesses);
    kw_test_world_share(world, 4, 3, QUEUE);
    send_guesses(guesser, guesses);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kw_test_pool_passwords(&world->pool), 2);
        assert_true(kw_test_pool_finish_password(&world->pool));
    }
    for (size_t left = GUESSES - 3; left > 0; left--) {
        assert_int_equal(kw_test_pool_passwords(&world->pool), 1);
        assert_true(kw_test_pool_finish_password(&world->pool));
    }
    kw_test_world_share_no_more(world);
}

static void as_27_suspects_have_their_turn_too(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *suspect = new_client(world, "client");
    static const char *const OTHERS[] = {"other", "third", "fourth"};
    enum { CLIENTS = 3, EACH = 7 };
    kw_test_client *others[CLIENTS];
    kw_test_session own, sessions[CLIENTS][EACH];
    fail_times(suspect, 3);
    assert_status(kw_test_create_session(suspect, &own), KW_GOOD);
    for (size_t i = 0; i < CLIENTS; i++) {
        others[i] = new_client(world, OTHERS[i]);
        for (size_t k = 0; k < EACH; k++) {
            assert_status(kw_test_create_session(others[i], &sessions[i][k]), KW_GOOD);
        }
    }
    kw_test_world_share(world, 4, 2, QUEUE);
    for (size_t i = 0; i < CLIENTS; i++) {
        for (size_t k = 0; k < EACH; k++) {
            (void)send_password(others[i], &sessions[i][k], "bob", "another password");
        }
    }
    (void)send_password(suspect, &own, "alice", "a password"); /* he has it right now */
    assert_in_range(waited_for(world, suspect), KW_TURNS_PATIENCE, KW_TURNS_PATIENCE + 1);
    kw_test_world_share_no_more(world);
}

/* Also what was waiting when the lock-out began: neither signature nor password is looked at. */
static void as_23_who_is_locked_out_makes_nobody_compute(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *guesser = new_client(world, "client");
    kw_test_session sessions[3];
    fail_times(guesser, 9);
    for (size_t i = 0; i < 3; i++) {
        assert_status(kw_test_create_session(guesser, &sessions[i]), KW_GOOD);
    }
    kw_test_world_share(world, 4, 3, QUEUE);
    const uint32_t tenth = send_password(guesser, &sessions[0], "alice", "wrong");
    kw_activate_session_request *forged =
        kw_test_activation(guesser, &sessions[1], kw_test_user_name(guesser, &sessions[1], "alice", "a password"));
    forged->client_signature.signature = KW_STRING("nobody's");
    const uint32_t waiting = kw_test_send(guesser, &sessions[1], KW_TYPE_ACTIVATE_SESSION_REQUEST, forged);
    kw_test_pool_finish_all(&world->pool);
    kw_test_world_pump(world);
    assert_status(kw_test_answer_of(guesser, waiting, NULL), KW_BAD_USER_ACCESS_DENIED);
    const size_t submitted = world->pool.submitted;
    const uint32_t refused = kw_test_send(guesser, &sessions[1], KW_TYPE_ACTIVATE_SESSION_REQUEST, forged);
    assert_true(kw_test_is_answered(guesser, refused)); /* not even a job */
    assert_status(kw_test_answer_of(guesser, refused, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_in_range(world->pool.submitted - submitted, 0, 1); /* the audit trail's, which writes many at once */
    kw_test_world_share_no_more(world);
    kw_test_world_advance(world, 10000);
    assert_status(kw_test_answer_of(guesser, tenth, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_activate(guesser, &sessions[2], kw_test_anonymous(guesser, &sessions[2])), KW_GOOD); /* guesses nothing */
}

static void as_23_who_is_locked_out_does_not_fill_the_audit_trail(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *guesser = new_client(world, "client");
    kw_test_session session;
    kw_audit_record *records;
    size_t before, after;
    fail_times(guesser, 10);
    assert_status(kw_test_create_session(guesser, &session), KW_GOOD);
    kw_activate_session_request *request = kw_test_activation(guesser, &session, kw_test_user_name(guesser, &session, "alice", "wrong"));
    assert_status(kw_store_audit_list(world->store->store, 0, 5000, world->arena, &records, &before), KW_GOOD);
    for (int i = 0; i < 1000; i++) {
        assert_status(kw_test_activate_with(guesser, &session, request), KW_BAD_USER_ACCESS_DENIED);
    }
    assert_status(kw_store_audit_list(world->store->store, 0, 5000, world->arena, &records, &after), KW_GOOD);
    assert_in_range(after - before, 1, 120);
}

static void as_29_others_hear_of_their_signature_first(void **state)
{
    kw_test_client *client = new_client(*state, "client");
    kw_test_session session;
    fail_times(client, 2);
    assert_status(kw_test_create_session(client, &session), KW_GOOD);
    kw_activate_session_request *forged = kw_test_activation(client, &session, kw_test_user_name(client, &session, "alice", "wrong"));
    forged->client_signature.signature = KW_STRING("nobody's");
    assert_status(kw_test_activate_with(client, &session, forged), KW_BAD_APPLICATION_SIGNATURE_INVALID);
}

/* --- other doors -------------------------------------------------------------------------------------------------------- */

static kw_call_request *call_of(kw_test_world *world, kw_node_id object, kw_node_id method, kw_variant first, kw_variant second)
{
    kw_variant *inputs = KW_ARENA_ARRAY(world->arena, kw_variant, 2);
    kw_call_method_request *call = KW_ARENA_NEW(world->arena, kw_call_method_request);
    kw_call_request *request = KW_ARENA_NEW(world->arena, kw_call_request);
    inputs[0] = first;
    inputs[1] = second;
    *call = (kw_call_method_request){.object_id = object, .method_id = method, .input_arguments = inputs, .input_arguments_count = 2};
    *request = (kw_call_request){.methods_to_call = call, .methods_to_call_count = 1};
    return request;
}

static void takes_turns_as_a_password(kw_test_client *client, const kw_test_session *session, kw_call_request *request,
                                      kw_standing standing)
{
    kw_test_world *world = client->world;
    kw_test_world_share(world, 4, 2, QUEUE);
    const uint32_t id = kw_test_send(client, session, KW_TYPE_CALL_REQUEST, request);
    const kw_job *job = kw_test_pool_running(&world->pool, source_of(client));
    assert_non_null(job);
    assert_true(job->is_password);
    assert_int_equal(job->standing(job), standing);
    kw_test_world_share_no_more(world);
    assert_true(kw_test_is_answered(client, id));
    fail_times(client, 3);
    kw_test_world_share(world, 4, 2, QUEUE);
    (void)kw_test_send(client, session, KW_TYPE_CALL_REQUEST, request);
    job = kw_test_pool_running(&world->pool, source_of(client));
    assert_non_null(job);
    assert_int_equal(job->standing(job), KW_STANDING_SUSPECT);
    kw_test_world_share_no_more(world);
}

static void um_22_the_old_password_is_checked_in_turns_too(void **state)
{
    static const kw_string OLD = {(const uint8_t *)"a password", 10}, NEW = {(const uint8_t *)"a longer password", 17};
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client");
    kw_test_session session = kw_test_open_as(client, "alice", "a password");
    takes_turns_as_a_password(client, &session,
                              call_of(world, KW_NODE_ID(0, KW_ID_USER_MANAGEMENT), KW_NODE_ID(0, KW_ID_USER_MANAGEMENT_CHANGE_PASSWORD),
                                      kw_variant_scalar(KW_BUILTIN_STRING, &OLD), kw_variant_scalar(KW_BUILTIN_STRING, &NEW)),
                              KW_STANDING_KNOWN);
}

static void as_22_requests_for_access_tokens_take_turns_too(void **state)
{
    static const kw_string RESOURCE = {(const uint8_t *)KW_TEST_SERVER, sizeof(KW_TEST_SERVER) - 1};
    kw_test_world *world = *state;
    kw_test_client *client = new_client(world, "client");
    kw_test_session session = kw_test_open(client);
    kw_extension_object *token = KW_ARENA_NEW(world->arena, kw_extension_object);
    *token = kw_test_user_name_as(client, &session, KW_SECRET_RSA, "alice", "a password").token;
    takes_turns_as_a_password(client, &session,
                              call_of(world, KW_AUTHORITY_OBJECT, KW_NODE_ID_TEXT(1, "AuthorizationService.RequestAccessToken"),
                                      kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, token),
                                      kw_variant_scalar(KW_BUILTIN_STRING, &RESOURCE)),
                              KW_STANDING_UNKNOWN);
}

/* A connection and a Session cost the Server its private key. */
static void as_23_suspects_come_in_last_with_all_they_do(void **state)
{
    kw_test_world *world = *state;
    kw_test_client *suspect = new_client(world, "client");
    fail_times(suspect, 3);
    kw_test_world_share(world, 4, 2, QUEUE);
    const uint32_t id = kw_test_send(suspect, NULL, KW_TYPE_CREATE_SESSION_REQUEST, kw_test_creation(suspect));
    const kw_job *job = kw_test_pool_running(&world->pool, source_of(suspect));
    assert_non_null(job);
    assert_int_equal(job->standing(job), KW_STANDING_SUSPECT);
    assert_false(job->is_password);
    kw_test_world_share_no_more(world);
    assert_status(kw_test_answer_of(suspect, id, NULL), KW_GOOD);
    kw_test_world_share(world, 4, 2, QUEUE);
    const kw_identity_claim from = {.address = KW_STRING("192.0.2.55")};
    const char *const names[] = {"client", "other"};
    for (size_t i = 0; i < 2; i++) {
        kw_test_client *again =
            kw_test_client_try(world, &(kw_test_client_options){.identity = kw_test_identity(names[i], 2048), .address = "192.0.2.55"});
        job = kw_test_pool_running(&world->pool, kw_identity_source(&from));
        assert_non_null(job);
        assert_int_equal(job->standing != NULL && job->standing(job) == KW_STANDING_SUSPECT, i == 0);
        kw_test_pool_finish_all(&world->pool);
        kw_test_world_pump(world);
        assert_true(kw_channel_is_open(again->channel));
    }
    kw_test_world_share_no_more(world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_UNTHROTTLED(name) cmocka_unit_test_setup_teardown(name, setup_unthrottled, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(as_27_who_signs_in_waits_for_one_wrong_password_at_most),
        TEST_UNTHROTTLED(as_27_so_he_does_where_nobody_is_locked_out),
        TEST_UNTHROTTLED(as_27_and_with_more_cores),
        TEST_UNTHROTTLED(as_22_passwords_of_who_guesses_are_checked_one_at_a_time),
        TEST_UNTHROTTLED(as_22_an_account_of_his_own_helps_a_guesser_little),
        TEST_UNTHROTTLED(as_27_suspects_have_their_turn_too),
        TEST(as_23_who_is_locked_out_makes_nobody_compute),
        TEST(as_23_who_is_locked_out_does_not_fill_the_audit_trail),
        TEST(as_29_others_hear_of_their_signature_first),
        TEST(um_22_the_old_password_is_checked_in_turns_too),
        TEST(as_22_requests_for_access_tokens_take_turns_too),
        TEST(as_23_suspects_come_in_last_with_all_they_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
