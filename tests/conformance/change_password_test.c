/* ChangePassword, and users who have to. OPC 10000-18, 5.2.8; requirements UM-17 … UM-22, AS-73 … AS-75. */
#include "identity/password.h"
#include "support/kw_test_events.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <keyway/node_ids.h>

#define OLD "a password"
#define NEW "another password"
#define MANAGEMENT (&(const kw_node_id){.id.numeric = KW_ID_USER_MANAGEMENT})
#define METHOD (&(const kw_node_id){.id.numeric = KW_ID_USER_MANAGEMENT_CHANGE_PASSWORD})

typedef struct fixture {
    kw_test_world *world;
    kw_test_client *client;
} fixture;

static fixture f;

static void with_throttle(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.throttle = KW_IDENTITY_CONFIG_DEFAULT.throttle;
}

static void add_operator(const char *name, uint32_t configuration)
{
    kw_test_world_add_user(f.world, name, OLD, configuration);
    kw_test_world_grant(f.world, "Operator", KW_CRITERIA_USER_NAME, name);
}

static int setup_with(void **state, void (*configure)(kw_test_world *, kw_server_config *))
{
    f.world = kw_test_world_new(&(kw_test_world_options){.configure = configure});
    add_operator("olga", 0);
    add_operator("nora", KW_USER_MUST_CHANGE_PASSWORD);
    add_operator("fixed", KW_USER_NO_CHANGE_BY_USER);
    f.client = kw_test_client_new(f.world, NULL);
    *state = &f;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, NULL);
}

static int setup_throttled(void **state)
{
    return setup_with(state, with_throttle);
}

static int teardown(void **state)
{
    (void)state;
    kw_test_world_free(f.world);
    return 0;
}

static kw_status change(kw_test_client *client, const kw_test_session *session, const char *old_one, const char *new_one)
{
    const kw_string passwords[] = {kw_string_from(old_one), kw_string_from(new_one)};
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_STRING, &passwords[0]), kw_variant_scalar(KW_BUILTIN_STRING, &passwords[1])};
    return kw_test_call_method(client, session, MANAGEMENT, METHOD, inputs, 2, NULL);
}

static kw_status activate(kw_test_session *session, const char *name, const char *password)
{
    return kw_test_activate(f.client, session, kw_test_user_name(f.client, session, name, password));
}

/* A Session of a user who has to change the password. */
static kw_test_session open_restricted(void)
{
    kw_test_session session;
    assert_status(kw_test_create_session(f.client, &session), KW_GOOD);
    assert_status(activate(&session, "nora", OLD), KW_GOOD_PASSWORD_CHANGE_REQUIRED);
    return session;
}

static kw_status may(const kw_test_session *session)
{
    return kw_test_read(f.client, session, &KW_TEST_SECRET, NULL);
}

static void as_73_and_um_19_who_has_to_change_the_password_is_told_and_has_role_anonymous(void **state)
{
    (void)state;
    const kw_test_session session = open_restricted();
    const kw_identity *identity = kw_session_identity(kw_test_session_of(f.world, &session));
    assert_int_equal(identity->role_count, 1);
    assert_int_equal(identity->roles[0].id, KW_ID_WELL_KNOWN_ROLE_ANONYMOUS);
    assert_status(change(f.client, &session, OLD, NEW), KW_GOOD);
}

static void as_74_such_a_session_may_change_the_password_and_nothing_more(void **state)
{
    (void)state;
    const kw_test_session session = open_restricted(), free_one = kw_test_open_as(f.client, "olga", OLD);
    const kw_node_id users = {.id.numeric = KW_ID_USER_MANAGEMENT_USERS};
    assert_status(may(&free_one), KW_GOOD);
    assert_status(may(&session), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_read(f.client, &session, &users, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_status(change(f.client, &session, OLD, NEW), KW_GOOD);
}

/* Wherever AS-73 is the answer there is a way out of it. */
static void as_75_the_server_has_the_method(void **state)
{
    (void)state;
    kw_test_session session = open_restricted();
    kw_data_value arguments;
    const kw_node_id inputs = {.id.numeric = KW_ID_USER_MANAGEMENT_CHANGE_PASSWORD_INPUT_ARGUMENTS};
    assert_status(kw_test_read(f.client, &session, &inputs, &arguments), KW_GOOD);
    assert_int_equal(arguments.value.count, 2);
    assert_status(change(f.client, &session, OLD, NEW), KW_GOOD);
    assert_status(activate(&session, "nora", NEW), KW_GOOD);
}

static void um_17_the_session_needs_a_user_with_a_password(void **state)
{
    (void)state;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(f.world, "urn:issuer");
    kw_test_session session = kw_test_open(f.client);
    assert_status(change(f.client, &session, OLD, NEW), KW_BAD_INVALID_STATE);
    const kw_string token = kw_test_token(f.world, issuer, "olga", 3600);
    assert_status(kw_test_activate(f.client, &session, kw_test_issued(f.client, &session, token)), KW_GOOD);
    assert_status(change(f.client, &session, OLD, NEW), KW_BAD_INVALID_STATE);
    (void)kw_test_open_as(f.client, "olga", OLD);
}

static void um_18_the_channel_must_be_encrypted(void **state)
{
    (void)state;
    kw_test_client *weak = kw_test_client_new(f.world, &(kw_test_client_options){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    const kw_test_session session = kw_test_open_as(weak, "olga", OLD);
    assert_status(change(weak, &session, OLD, NEW), KW_BAD_SECURITY_MODE_INSUFFICIENT);
    (void)kw_test_open_as(f.client, "olga", OLD);
}

static void um_20_the_roles_come_with_the_next_activation(void **state)
{
    (void)state;
    kw_test_session first = open_restricted(), second = open_restricted();
    assert_status(change(f.client, &first, OLD, NEW), KW_GOOD);
    assert_status(may(&first), KW_BAD_USER_ACCESS_DENIED);
    assert_status(activate(&first, "nora", OLD), KW_BAD_USER_ACCESS_DENIED);
    assert_status(activate(&first, "nora", NEW), KW_GOOD);
    assert_status(may(&first), KW_GOOD);
    assert_status(may(&second), KW_BAD_USER_ACCESS_DENIED);
    assert_status(activate(&second, "nora", NEW), KW_GOOD);
    assert_status(may(&second), KW_GOOD);
}

static void um_21_what_is_refused_changes_nothing(void **state)
{
    (void)state;
    const kw_test_session session = kw_test_open_as(f.client, "olga", OLD), fixed = kw_test_open_as(f.client, "fixed", OLD);
    assert_status(change(f.client, &session, "wrong", NEW), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(change(f.client, &session, NULL, NEW), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(change(f.client, &session, "wrong", "short"), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(change(f.client, &session, OLD, "short"), KW_BAD_OUT_OF_RANGE);
    assert_status(change(f.client, &session, OLD, NULL), KW_BAD_OUT_OF_RANGE);
    assert_status(change(f.client, &session, OLD, OLD), KW_BAD_ALREADY_EXISTS);
    assert_status(change(f.client, &fixed, "wrong", NEW), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(change(f.client, &fixed, OLD, NEW), KW_BAD_NOT_SUPPORTED);
    (void)kw_test_open_as(f.client, "olga", OLD);
    (void)kw_test_open_as(f.client, "fixed", OLD);
}

/* An administrator resets the password in the moment when the new one is hashed: the old one was proven by then. */
#define RESET "a password by the administrator"

static kw_status reset_first(void *ctx, uint8_t *out, size_t len)
{
    kw_string hash;
    f.world->random.random = *(const kw_random *)ctx;
    assert_status(kw_password_hash(KW_STRING(RESET), &f.world->random.random, f.world->arena, &hash), KW_GOOD);
    const kw_user_change change = {.name = KW_STRING("olga"), .password_hash = &hash};
    assert_status(kw_store_user_change(f.world->store->store, &change), KW_GOOD);
    return kw_random_fill(&f.world->random.random, out, len);
}

static void um_21_a_password_that_is_reset_meanwhile_is_not_overwritten(void **state)
{
    (void)state;
    const kw_test_session session = kw_test_open_as(f.client, "olga", OLD);
    kw_random usual = f.world->random.random;
    f.world->random.random = (kw_random){.fill = reset_first, .ctx = &usual};
    assert_status(change(f.client, &session, OLD, NEW), KW_BAD_IDENTITY_TOKEN_INVALID);
    kw_test_session other;
    assert_status(kw_test_create_session(f.client, &other), KW_GOOD);
    assert_status(activate(&other, "olga", NEW), KW_BAD_USER_ACCESS_DENIED);
    assert_status(activate(&other, "olga", OLD), KW_BAD_USER_ACCESS_DENIED);
    assert_status(activate(&other, "olga", RESET), KW_GOOD);
}

static uint32_t send_change(const kw_test_session *session, const char *old_one)
{
    kw_arena *arena = f.world->arena;
    kw_string *passwords = KW_ARENA_ARRAY(arena, kw_string, 2);
    kw_variant *inputs = KW_ARENA_ARRAY(arena, kw_variant, 2);
    kw_call_method_request *what = KW_ARENA_NEW(arena, kw_call_method_request);
    kw_call_request *request = KW_ARENA_NEW(arena, kw_call_request);
    passwords[0] = kw_string_from(old_one);
    passwords[1] = KW_STRING(NEW);
    inputs[0] = kw_variant_scalar(KW_BUILTIN_STRING, &passwords[0]);
    inputs[1] = kw_variant_scalar(KW_BUILTIN_STRING, &passwords[1]);
    *what = (kw_call_method_request){.object_id = *MANAGEMENT, .method_id = *METHOD, .input_arguments = inputs, .input_arguments_count = 2};
    request->methods_to_call = what;
    request->methods_to_call_count = 1;
    return kw_test_send(f.client, session, KW_TYPE_CALL_REQUEST, request);
}

static kw_status answer(uint32_t id)
{
    const void *response = NULL;
    assert_status(kw_test_answer_of(f.client, id, &response), KW_GOOD);
    return ((const kw_call_response *)response)->results[0].status_code;
}

static void um_22_wrong_old_passwords_slow_down_and_lock_out(void **state)
{
    (void)state;
    kw_test_session session = kw_test_open_as(f.client, "olga", OLD);
    for (int i = 0; i < 3; i++) {
        assert_status(answer(send_change(&session, "wrong")), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
    for (int i = 3; i < 10; i++) {
        const uint32_t id = send_change(&session, "wrong");
        assert_false(kw_test_is_answered(f.client, id));
        kw_test_world_advance(f.world, 10000);
        assert_status(answer(id), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
    assert_status(answer(send_change(&session, OLD)), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(activate(&session, "olga", OLD), KW_BAD_USER_ACCESS_DENIED);
}

static void um_22_few_answers_wait_and_the_right_password_waits_too(void **state)
{
    (void)state;
    kw_test_session session = kw_test_open_as(f.client, "olga", OLD);
    uint32_t ids[4];
    for (int i = 0; i < 3; i++) {
        assert_status(answer(send_change(&session, "wrong")), KW_BAD_IDENTITY_TOKEN_INVALID);
    }
    for (int i = 0; i < 3; i++) {
        ids[i] = send_change(&session, "wrong");
    }
    ids[3] = send_change(&session, OLD);
    for (int i = 0; i < 4; i++) {
        assert_false(kw_test_is_answered(f.client, ids[i]));
    }
    assert_status(answer(send_change(&session, "wrong")), KW_BAD_TOO_MANY_OPERATIONS);
    kw_test_world_advance(f.world, 10000);
    assert_status(answer(ids[0]), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_status(answer(ids[3]), KW_GOOD);
    for (int i = 0; i < 3; i++) {
        (void)send_change(&session, "wrong");
    }
    /* The world ends here, whatever waits. */
}

static void assert_no_password(const kw_event *event)
{
    const kw_variant *inputs = kw_test_event_variant(event, "InputArguments");
    assert_int_equal(inputs->count, 2);
    assert_false(kw_test_event_holds(event, KW_STRING(OLD)));
    assert_false(kw_test_event_holds(event, KW_STRING(NEW)));
    assert_text(kw_test_event_text(event, "ClientUserId"), "olga");
}

static void a_changed_password_is_audited_without_the_passwords(void **state)
{
    (void)state;
    kw_test_events *events = KW_ARENA_NEW(f.world->arena, kw_test_events);
    kw_audit_record *records = NULL;
    size_t count = 0;
    kw_test_events_init(events, f.world);
    const kw_test_session session = kw_test_open_as(f.client, "olga", OLD);
    assert_status(change(f.client, &session, OLD, OLD), KW_BAD_ALREADY_EXISTS);
    assert_no_password(kw_test_event_one(events, KW_ID_AUDIT_UPDATE_METHOD_EVENT_TYPE));
    kw_test_events_forget(events);
    assert_status(change(f.client, &session, OLD, NEW), KW_GOOD);
    assert_no_password(kw_test_event_one(events, KW_ID_AUDIT_UPDATE_METHOD_EVENT_TYPE));
    assert_status(kw_store_audit_list(f.world->store->store, 0, 100, f.world->arena, &records, &count), KW_GOOD);
    assert_text(records[count - 1].event, "ChangePassword");
    assert_text(records[count - 1].user, "olga");
    assert_text(records[count - 1].detail, "{\"name\":\"olga\",\"password\":1}");
}

static void um_02_and_um_03_the_rules_can_be_read(void **state)
{
    (void)state;
    kw_data_value value;
    const kw_test_session session = kw_test_open(f.client);
    const kw_node_id length = {.id.numeric = KW_ID_USER_MANAGEMENT_PASSWORD_LENGTH};
    const kw_node_id options = {.id.numeric = KW_ID_USER_MANAGEMENT_PASSWORD_OPTIONS};
    assert_status(kw_test_read(f.client, &session, &length, &value), KW_GOOD);
    const kw_extension_object *object = kw_variant_get(&value.value, KW_BUILTIN_EXTENSION_OBJECT);
    assert_non_null(object);
    const kw_range *range = kw_extension_object_get(object, KW_TYPE_RANGE);
    assert_non_null(range);
    assert_int_equal((int)range->low, 8);
    assert_int_equal((int)range->high, 256);
    assert_status(kw_test_read(f.client, &session, &options, &value), KW_GOOD);
    assert_int_equal(*(const uint32_t *)kw_variant_get(&value.value, KW_BUILTIN_UINT32), 0x1F);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SLOW(name) cmocka_unit_test_setup_teardown(name, setup_throttled, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(as_73_and_um_19_who_has_to_change_the_password_is_told_and_has_role_anonymous),
        TEST(as_74_such_a_session_may_change_the_password_and_nothing_more),
        TEST(as_75_the_server_has_the_method),
        TEST(um_17_the_session_needs_a_user_with_a_password),
        TEST(um_18_the_channel_must_be_encrypted),
        TEST(um_20_the_roles_come_with_the_next_activation),
        TEST(um_21_what_is_refused_changes_nothing),
        TEST(um_21_a_password_that_is_reset_meanwhile_is_not_overwritten),
        SLOW(um_22_wrong_old_passwords_slow_down_and_lock_out),
        SLOW(um_22_few_answers_wait_and_the_right_password_waits_too),
        TEST(a_changed_password_is_audited_without_the_passwords),
        TEST(um_02_and_um_03_the_rules_can_be_read),
    };
    return cmocka_run_group_tests_name("conformance/change_password", tests, NULL, NULL);
}
