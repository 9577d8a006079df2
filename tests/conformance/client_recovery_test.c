/* The Client of the library when connections break, servers start anew, or somebody else answers. OPC 10000-4, 5.7.3, 6.7. */
#include "support/kw_test_rogue.h"
#include "support/test.h"

#define VALUE_ATTRIBUTE 13

static void assert_operator(kw_test_network *network, kw_client *client)
{
    assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
}

static kw_status write_secret(kw_client *client, int32_t value)
{
    const kw_data_value what = {.has_value = true, .value = kw_variant_scalar(KW_BUILTIN_INT32, &value)};
    return kw_client_write(client, &KW_TEST_SECRET, VALUE_ATTRIBUTE, &what);
}

static void assert_secret_is(kw_test_network *network, kw_client *client, int32_t expected)
{
    kw_data_value value;
    assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, &value), KW_GOOD);
    assert_int_equal(*(const int32_t *)value.value.data, expected);
}

/* --- the Session is gone ---------------------------------------------------------------------------------------------------------- */

static void as_10_after_a_restart_of_the_server_the_session_is_made_anew(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, NULL);
    const kw_bytes former = kw_test_network_token(network, client);
    kw_test_network_restart(network, NULL);
    assert_operator(network, client);
    assert_false(kw_bytes_equal(kw_test_network_token(network, client), former));
}

/* It is known that nothing was sent: nobody has to be told. */
static void as_10_what_broke_while_nobody_looked_is_mended_before_anything_is_sent(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, NULL);
    kw_test_network_cut(network);
    assert_status(write_secret(client, 8), KW_GOOD);
    kw_test_network_restart(network, NULL);
    assert_status(write_secret(client, 9), KW_GOOD);
    assert_secret_is(network, client, 9);
    kw_test_network_cut(network);
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_GOOD);
    assert_status(write_secret(client, 10), KW_BAD_USER_ACCESS_DENIED);
}

/* The security token of the channel has ended, and the server has hung up long ago. */
static void as_10_after_a_long_sleep_the_session_is_made_anew(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, NULL);
    kw_test_world_advance(network->world, (uint64_t)8 * 3600 * 1000);
    assert_status(write_secret(client, 8), KW_GOOD);
    assert_secret_is(network, client, 8);
}

/* What the server has done of it nobody knows: the program is told, and finds a Session that stands. */
static void as_10_who_was_writing_is_told(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, NULL);
    network->to_client_left = 0;
    assert_status(write_secret(client, 8), KW_BAD_CONNECTION_CLOSED);
    assert_string_not_equal(kw_client_error(client), "");
    assert_secret_is(network, client, 8); /* the request had arrived */
    network->to_server_left = 0;
    assert_status(write_secret(client, 9), KW_BAD_CONNECTION_CLOSED);
    assert_secret_is(network, client, 8); /* this one had not */
    assert_status(write_secret(client, 9), KW_GOOD);
}

static void as_10_who_was_reading_gets_the_value(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, NULL);
    network->to_client_left = 0;
    assert_operator(network, client);
    network->to_server_left = 0;
    assert_operator(network, client);
}

/* The server says that there is no such Session, so that nothing was done: it is done on the new one. */
static void as_10_a_session_that_has_timed_out_is_made_anew(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, &(kw_client_config){.session_timeout_ms = 60000});
    const kw_bytes former = kw_test_network_token(network, client);
    kw_test_world_advance(network->world, 600000);
    assert_status(write_secret(client, 8), KW_GOOD);
    assert_false(kw_bytes_equal(kw_test_network_token(network, client), former));
    assert_secret_is(network, client, 8);
}

static void as_10_a_session_that_is_looked_after_does_not_time_out(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, &(kw_client_config){.session_timeout_ms = 60000});
    const kw_bytes former = kw_test_network_token(network, client);
    assert_status(kw_client_idle(client, 10 * 3600000), KW_GOOD); /* the security token of the channel is renewed on the way */
    assert_operator(network, client);
    assert_true(kw_bytes_equal(kw_test_network_token(network, client), former));
    assert_int_equal(network->connect_count, 2); /* discovery, and the Session */
}

/* Attack A-100: in mode Sign a Session does not move. */
static void as_10_in_mode_sign_the_session_is_made_anew(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, &(kw_client_config){.mode = KW_MESSAGE_SECURITY_MODE_SIGN});
    for (int i = 0; i < 2; i++) {
        const kw_bytes former = kw_test_network_token(network, client);
        kw_test_network_cut(network);
        assert_operator(network, client);
        assert_false(kw_bytes_equal(kw_test_network_token(network, client), former));
        assert_true(kw_client_endpoint(client)->security_mode == KW_MESSAGE_SECURITY_MODE_SIGN);
    }
}

/* --- somebody else answers ---------------------------------------------------------------------------------------------------------- */

static void es_12_another_certificate_is_refused_until_it_is_trusted(void **state)
{
    kw_test_network *network = *state;
    const kw_application_identity *renewed = kw_test_identity("server", 3072); /* the same ApplicationUri */
    kw_test_rogue *rogue = kw_test_rogue_new(network);
    kw_client *client = kw_test_network_open(network, NULL);
    kw_test_rogue_be(rogue, renewed, NULL);
    kw_test_network_cut(network);
    for (int i = 0; i < 2; i++) {
        assert_status(kw_test_network_read(network, client, &KW_TEST_PUBLIC, NULL), KW_BAD_CERTIFICATE_UNTRUSTED);
        assert_string_not_equal(kw_client_error(client), "");
    }
    assert_int_equal(kw_test_rogue_count(rogue, KW_TYPE_ACTIVATE_SESSION_REQUEST), 1);
    assert_int_equal(kw_test_rogue_count(rogue, KW_TYPE_CREATE_SESSION_REQUEST), 1);
    kw_test_trust_add(&network->trust, renewed);
    assert_status(kw_test_network_read(network, client, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    assert_int_equal(kw_test_rogue_count(rogue, KW_TYPE_ACTIVATE_SESSION_REQUEST), 2);
}

static void as_10_a_server_with_a_new_certificate_that_is_trusted_goes_on(void **state)
{
    kw_test_network *network = *state;
    const kw_application_identity *renewed = kw_test_identity("server", 3072);
    kw_client *client = kw_test_network_open(network, NULL);
    kw_test_trust_add(&network->trust, renewed);
    kw_test_network_restart(network, renewed);
    assert_operator(network, client);
    kw_test_network_cut(network);
    assert_operator(network, client);
}

static void es_12_another_server_is_refused_although_it_is_trusted(void **state)
{
    kw_test_network *network = *state;
    const kw_application_identity *other = kw_test_identity("other", 2048);
    kw_test_rogue *rogue = kw_test_rogue_new(network);
    kw_client *client = kw_test_network_open(network, NULL);
    kw_test_trust_add(&network->trust, other);
    kw_test_rogue_be(rogue, other, NULL);
    kw_test_network_cut(network);
    assert_status(kw_test_network_read(network, client, &KW_TEST_PUBLIC, NULL), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_int_equal(kw_test_rogue_count(rogue, KW_TYPE_ACTIVATE_SESSION_REQUEST), 1);
}

static kw_status forget_sessions(kw_test_rogue *rogue, const kw_type *type, void *response)
{
    (void)rogue;
    (void)response;
    return type == KW_TYPE_READ_RESPONSE ? KW_BAD_SESSION_ID_INVALID : KW_GOOD;
}

static void cs_18_a_weaker_endpoint_is_not_taken_the_second_time_either(void **state)
{
    kw_test_network *network = *state;
    kw_test_rogue *rogue = kw_test_rogue_new(network);
    kw_client *client = kw_test_network_open(network, NULL);
    rogue->edit = forget_sessions;
    rogue->endpoint_count = 2; /* None and Sign are left */
    assert_status(kw_test_network_read(network, client, &KW_TEST_PUBLIC, NULL), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_int_equal(kw_test_rogue_count(rogue, KW_TYPE_CREATE_SESSION_REQUEST), 1);
    rogue->edit = NULL;
    rogue->endpoint_count = 3;
    assert_status(kw_test_network_read(network, client, &KW_TEST_PUBLIC, NULL), KW_GOOD);
}

/* --- the user is refused --------------------------------------------------------------------------------------------------------------- */

static void set_disabled(kw_test_world *world, bool is_disabled)
{
    kw_user user;
    assert_status(kw_store_user_get(world->store->store, KW_STRING(KW_TEST_USER), world->arena, &user), KW_GOOD);
    user.configuration = is_disabled ? KW_USER_DISABLED : 0;
    assert_status(kw_store_user_set(world->store->store, &user), KW_GOOD);
}

static void un_11_and_as_28_a_user_who_was_disabled_is_tried_once(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, NULL);
    const uint64_t since = network->world->clock->ms;
    set_disabled(network->world, true);
    kw_test_network_restart(network, NULL);
    assert_status(kw_test_network_read(network, client, &KW_TEST_PUBLIC, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_true(network->world->clock->ms == since); /* no waiting, no other try: it would lock the user out */
    set_disabled(network->world, false);
    assert_operator(network, client);
}

/* The Server has the new user and a new nonce; the Client has neither, and is who it was. */
static void as_28_and_as_30_when_the_answer_to_an_activation_is_lost_the_user_stays(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, NULL);
    network->to_client_left = 0;
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_BAD_CONNECTION_CLOSED);
    assert_operator(network, client);
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_GOOD);
    assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_BAD_USER_ACCESS_DENIED);
}

/* --- the way is bad -------------------------------------------------------------------------------------------------------------------- */

static void as_10_tries_come_at_growing_distances_until_somebody_answers(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, NULL);
    const size_t before = network->connect_count;
    network->down_until = network->world->clock->ms + 20000;
    kw_test_network_cut(network);
    assert_operator(network, client);
    assert_true(network->world->clock->ms >= network->down_until);
    assert_in_range(network->connect_count - before, 4, 14); /* at one distance of 100 ms: two hundred */
}

static void as_10_after_its_time_the_client_gives_up_and_tries_again_when_asked(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, &(kw_client_config){.reconnect_ms = 5000});
    const uint64_t since = network->world->clock->ms;
    network->down_until = since + 60000;
    kw_test_network_cut(network);
    assert_status(kw_test_network_read(network, client, &KW_TEST_PUBLIC, NULL), KW_BAD_CONNECTION_REJECTED);
    assert_string_not_equal(kw_client_error(client), "");
    assert_in_range(network->world->clock->ms - since, 1, 5000);
    assert_status(kw_client_idle(client, 1000), KW_BAD_CONNECTION_REJECTED);
    kw_test_world_advance(network->world, 60000);
    assert_operator(network, client);
}

static void as_10_who_does_not_want_it_gets_no_second_connection(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, &(kw_client_config){.reconnect_ms = KW_CLIENT_NEVER});
    const size_t before = network->connect_count;
    kw_test_network_cut(network);
    assert_status(kw_test_network_read(network, client, &KW_TEST_PUBLIC, NULL), KW_BAD_CONNECTION_CLOSED);
    assert_status(kw_client_idle(client, 1000), KW_BAD_CONNECTION_CLOSED);
    assert_int_equal(network->connect_count, before);
}

static void an_answer_that_comes_too_late_is_not_taken_for_another(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, NULL);
    network->delay_ms = 15000;
    assert_status(kw_test_network_read(network, client, &KW_TEST_PUBLIC, NULL), KW_BAD_TIMEOUT);
    network->delay_ms = 0;
    assert_secret_is(network, client, 7); /* 42 is what the other one was about */
}

/* The line is there, and nobody behind it. */
static void as_10_a_server_that_has_fallen_silent_is_noticed(void **state)
{
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, &(kw_client_config){.keep_alive_ms = 60000});
    network->is_dropping = true;
    network->to_client_left = 0;
    assert_status(kw_client_idle(client, 600000), KW_BAD_TIMEOUT);
    network->is_dropping = false;
    network->to_client_left = SIZE_MAX;
    assert_operator(network, client);
}

/* Wherever the line breaks while a Session is made, the Client says so and can begin again; and while it is used, the value comes. */
static void as_10_the_line_may_break_at_any_byte(void **state)
{
    enum { STEP = 211, ENOUGH = 12000 };
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_client(network, NULL);
    size_t broken = 0;
    for (size_t at = 0; at < ENOUGH; at += STEP) {
        size_t *left = at / STEP % 2 == 0 ? &network->to_client_left : &network->to_server_left;
        *left = at;
        kw_status status = kw_client_connect(client, KW_TEST_NETWORK_URL);
        if (kw_status_is_bad(status)) {
            assert_string_not_equal(kw_client_error(client), "");
            broken++;
            *left = at;
            status = kw_client_connect(client, KW_TEST_NETWORK_URL);
        }
        network->to_client_left = network->to_server_left = SIZE_MAX;
        if (kw_status_is_bad(status)) {
            assert_status(kw_client_connect(client, KW_TEST_NETWORK_URL), KW_GOOD);
        }
        assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_GOOD);
        *left = at % 900;
        for (int i = 0; i < 8; i++) {
            assert_operator(network, client);
        }
    }
    assert_in_range(broken, 4, ENOUGH / STEP - 4);
}

/* The answer to an ActivateSession that did take place came too late: no signature is right on this Session any more. */
static void as_08_a_session_whose_nonce_was_missed_is_made_anew(void **state)
{
    kw_test_network *n = *state;
    kw_client *client = kw_test_network_open(n, NULL);
    const kw_bytes before = kw_test_network_token(n, client);
    client->server_nonce[0] ^= 1;
    assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_BAD_APPLICATION_SIGNATURE_INVALID);
    assert_status(kw_test_network_read(n, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_false(kw_bytes_equal(kw_test_network_token(n, client), before));
    assert_status(kw_client_activate(client, &KW_TEST_OPERATOR), KW_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {KW_TEST_ON_NETWORK(as_10_after_a_restart_of_the_server_the_session_is_made_anew),
                                       KW_TEST_ON_NETWORK(as_10_what_broke_while_nobody_looked_is_mended_before_anything_is_sent),
                                       KW_TEST_ON_NETWORK(as_10_after_a_long_sleep_the_session_is_made_anew),
                                       KW_TEST_ON_NETWORK(as_10_who_was_writing_is_told),
                                       KW_TEST_ON_NETWORK(as_10_who_was_reading_gets_the_value),
                                       KW_TEST_ON_NETWORK(as_10_a_session_that_has_timed_out_is_made_anew),
                                       KW_TEST_ON_NETWORK(as_10_a_session_that_is_looked_after_does_not_time_out),
                                       KW_TEST_ON_NETWORK(as_10_in_mode_sign_the_session_is_made_anew),
                                       KW_TEST_ON_NETWORK(es_12_another_certificate_is_refused_until_it_is_trusted),
                                       KW_TEST_ON_NETWORK(as_10_a_server_with_a_new_certificate_that_is_trusted_goes_on),
                                       KW_TEST_ON_NETWORK(es_12_another_server_is_refused_although_it_is_trusted),
                                       KW_TEST_ON_NETWORK(cs_18_a_weaker_endpoint_is_not_taken_the_second_time_either),
                                       KW_TEST_ON_NETWORK(un_11_and_as_28_a_user_who_was_disabled_is_tried_once),
                                       KW_TEST_ON_NETWORK(as_28_and_as_30_when_the_answer_to_an_activation_is_lost_the_user_stays),
                                       KW_TEST_ON_NETWORK(as_10_tries_come_at_growing_distances_until_somebody_answers),
                                       KW_TEST_ON_NETWORK(as_10_after_its_time_the_client_gives_up_and_tries_again_when_asked),
                                       KW_TEST_ON_NETWORK(as_10_who_does_not_want_it_gets_no_second_connection),
                                       KW_TEST_ON_NETWORK(an_answer_that_comes_too_late_is_not_taken_for_another),
                                       KW_TEST_ON_NETWORK(as_10_a_server_that_has_fallen_silent_is_noticed),
                                       KW_TEST_ON_NETWORK(as_10_the_line_may_break_at_any_byte),
                                       KW_TEST_ON_NETWORK(as_08_a_session_whose_nonce_was_missed_is_made_anew)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
