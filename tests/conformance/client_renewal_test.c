/* The Client of the library and access tokens that end, and clocks that jump. OPC 10000-4, 7.40.6; OPC 10000-6, 6.5.3. */
#include "support/kw_test_network.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <string.h>

#define LIFE_S 120
#define RENEWED_MS 90000 /* 30 s before the end */
#define SECOND_MS 1000

enum { FETCHES_MAX = 64 };

/* An Authorization Service that a test may take away. */
typedef struct source {
    kw_test_network *network;
    const kw_test_issuer *issuer;
    kw_status refusal; /* KW_GOOD: there are tokens */
    const char *claims;
    size_t count, released;
    uint64_t times[FETCHES_MAX];
} source;

static kw_status fetch(void *ctx, kw_arena *arena, kw_string *token)
{
    source *s = ctx;
    kw_test_world *world = s->network->world;
    assert_true(s->count < FETCHES_MAX);
    s->times[s->count++] = world->clock->ms;
    if (kw_status_is_bad(s->refusal)) {
        return s->refusal;
    }
    *token = kw_arena_copy(arena, kw_test_jwt(world, s->issuer, kw_test_claims(world, s->issuer, "alice", LIFE_S, s->claims)));
    return KW_GOOD;
}

static void release(void *ctx)
{
    ((source *)ctx)->released++;
}

/* Whoever has such a token has the Role Operator. */
static source *source_of(kw_test_network *network)
{
    source *s = KW_ARENA_NEW(network->world->arena, source);
    kw_test_world_grant(network->world, "Operator", KW_CRITERIA_ROLE, "operator");
    *s = (source){.network = network,
                  .issuer = kw_test_world_trust_issuer(network->world, "urn:keyway:test:issuer"),
                  .claims = ",\"roles\":[\"operator\"]"};
    return s;
}

static kw_client *open_with(source *s)
{
    kw_client *client = kw_test_network_connect(s->network, NULL);
    const kw_client_identity bearer = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .source = {fetch, release, s}};
    assert_status(kw_client_activate(client, &bearer), KW_GOOD);
    assert_status(kw_test_network_read(s->network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    return client;
}

/* The i-th fetch came this long after the first. */
static void assert_fetched(const source *s, size_t i, uint64_t ms)
{
    assert_true(s->count > i);
    assert_int_equal(s->times[i] - s->times[0], ms);
}

/* --- while all goes well ------------------------------------------------------------------------------------------------------------ */

static void it_17_and_jw_08_a_session_outlives_its_tokens(void **state)
{
    source *s = source_of(*state);
    kw_client *client = open_with(s);
    const kw_bytes session = kw_test_network_token(*state, client);
    for (size_t life = 1; life <= 3; life++) {
        assert_status(kw_client_idle(client, RENEWED_MS + SECOND_MS), KW_GOOD);
        assert_fetched(s, life, life * RENEWED_MS);
        assert_status(kw_test_network_read(*state, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    }
    assert_int_equal(s->count, 4);
    assert_true(kw_bytes_equal(kw_test_network_token(*state, client), session));
    assert_status(kw_client_activate(client, &KW_TEST_NOBODY), KW_GOOD);
    assert_int_equal(s->released, 1);
}

/* --- while there are none ------------------------------------------------------------------------------------------------------------ */

static void it_17_a_renewal_that_fails_is_tried_again_at_growing_distances(void **state)
{
    static const uint64_t TRIES[] = {90, 91, 93, 97, 105};
    source *s = source_of(*state);
    kw_client *client = open_with(s);
    s->refusal = KW_BAD_CONNECTION_REJECTED;
    assert_status(kw_client_idle(client, (LIFE_S - 1) * SECOND_MS), KW_GOOD);
    for (size_t i = 0; i < 5; i++) {
        assert_fetched(s, 1 + i, TRIES[i] * SECOND_MS);
    }
    assert_int_equal(s->count, 6);
    assert_status(kw_test_network_read(*state, client, &KW_TEST_SECRET, NULL), KW_GOOD); /* the token in use is good still */
}

static void it_14_and_it_17_without_a_token_nothing_is_read_as_somebody_else(void **state)
{
    source *s = source_of(*state);
    kw_client *client = open_with(s);
    const uint64_t since = s->times[0];
    s->refusal = KW_BAD_CONNECTION_REJECTED;
    assert_status(kw_client_idle(client, 10 * LIFE_S * SECOND_MS), KW_BAD_CONNECTION_REJECTED);
    assert_int_equal(((kw_test_network *)*state)->world->clock->ms - since, LIFE_S * SECOND_MS); /* at once, not at the end of its time */
    assert_non_null(strstr(kw_client_error(client), "token"));
    assert_status(kw_test_network_read(*state, client, &KW_TEST_PUBLIC, NULL), KW_BAD_CONNECTION_REJECTED);
    assert_non_null(strstr(kw_client_error(client), "token"));
}

static void it_17_and_as_28_with_a_token_again_the_session_goes_on(void **state)
{
    source *s = source_of(*state);
    kw_client *client = open_with(s);
    s->refusal = KW_BAD_USER_ACCESS_DENIED;
    assert_status(kw_client_idle(client, 2 * LIFE_S * SECOND_MS), KW_BAD_USER_ACCESS_DENIED);
    s->refusal = KW_GOOD;
    kw_test_world_advance(s->network->world, 60 * SECOND_MS);
    assert_status(kw_test_network_read(*state, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_status(kw_client_idle(client, RENEWED_MS), KW_GOOD);
}

/* What comes is refused by the Server: as good as none. */
static void it_17_a_new_token_that_the_server_refuses_does_not_end_the_old_one(void **state)
{
    source *s = source_of(*state);
    kw_client *client = open_with(s);
    s->claims = ",\"nbf\":9999999999";
    assert_status(kw_client_idle(client, RENEWED_MS + 20 * SECOND_MS), KW_GOOD);
    assert_status(kw_test_network_read(*state, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_status(kw_client_idle(client, LIFE_S * SECOND_MS), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

/* --- the connection breaks meanwhile ----------------------------------------------------------------------------------------------------- */

static void as_10_and_it_17_the_token_in_use_opens_the_new_channel(void **state)
{
    source *s = source_of(*state);
    kw_client *client = open_with(s);
    kw_test_network_cut(*state);
    assert_status(kw_test_network_read(*state, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_int_equal(s->count, 1);
    kw_test_network_restart(*state, NULL);
    assert_status(kw_test_network_read(*state, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_int_equal(s->count, 1);
}

/* The issuer has new keys, and the Server has let go of whoever came by the old ones. */
static void as_10_and_it_17_a_token_that_is_not_taken_any_more_is_replaced(void **state)
{
    source *s = source_of(*state);
    kw_client *client = open_with(s);
    s->issuer = kw_test_world_trust_issuer(s->network->world, "urn:keyway:test:issuer");
    assert_status(kw_test_network_read(*state, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    kw_test_network_restart(*state, NULL);
    assert_status(kw_test_network_read(*state, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_int_equal(s->count, 2);
}

/* As after a night with the lid closed: the connection, the Session and the token have all ended. */
static void as_10_and_it_17_after_a_long_sleep_everything_is_made_anew(void **state)
{
    source *s = source_of(*state);
    kw_client *client = open_with(s);
    kw_test_world_advance(s->network->world, (uint64_t)8 * 3600 * SECOND_MS);
    assert_status(kw_test_network_read(*state, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_in_range(s->count, 2, 3);
    assert_status(kw_client_idle(client, RENEWED_MS), KW_GOOD);
}

/* --- clocks ------------------------------------------------------------------------------------------------------------------------------ */

/* Whatever the wall clock says: the token was given for LIFE_S. */
static void it_17_a_clock_that_is_wrong_does_not_move_the_renewal(void **state)
{
    static const int64_t AHEAD_S[] = {-200, 200};
    for (size_t i = 0; i < 2; i++) {
        kw_test_network *network = kw_test_network_new(NULL);
        source *s = source_of(network);
        network->utc_shift = AHEAD_S[i] * KW_TICKS_PER_S;
        kw_client *client = open_with(s);
        assert_status(kw_client_idle(client, RENEWED_MS + SECOND_MS), KW_GOOD);
        assert_fetched(s, 1, RENEWED_MS);
        assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
        kw_test_network_free(network);
    }
    (void)state;
}

static void as_10_a_jump_of_the_clock_ends_no_session(void **state)
{
    static const int64_t JUMPS_S[] = {86400, -86400, 7 * 86400, 0};
    kw_test_network *network = *state;
    kw_client *client = kw_test_network_open(network, NULL);
    const kw_bytes session = kw_test_network_token(network, client);
    const size_t before = network->connect_count;
    for (size_t i = 0; i < 4; i++) {
        network->utc_shift = JUMPS_S[i] * KW_TICKS_PER_S;
        assert_status(kw_client_idle(client, 60 * SECOND_MS), KW_GOOD);
        assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    }
    assert_int_equal(network->connect_count, before);
    network->utc_shift = -86400 * KW_TICKS_PER_S;
    kw_test_network_cut(network);
    assert_status(kw_test_network_read(network, client, &KW_TEST_SECRET, NULL), KW_GOOD);
    assert_true(kw_bytes_equal(kw_test_network_token(network, client), session));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KW_TEST_ON_NETWORK(it_17_and_jw_08_a_session_outlives_its_tokens),
        KW_TEST_ON_NETWORK(it_17_a_renewal_that_fails_is_tried_again_at_growing_distances),
        KW_TEST_ON_NETWORK(it_14_and_it_17_without_a_token_nothing_is_read_as_somebody_else),
        KW_TEST_ON_NETWORK(it_17_and_as_28_with_a_token_again_the_session_goes_on),
        KW_TEST_ON_NETWORK(it_17_a_new_token_that_the_server_refuses_does_not_end_the_old_one),
        KW_TEST_ON_NETWORK(as_10_and_it_17_the_token_in_use_opens_the_new_channel),
        KW_TEST_ON_NETWORK(as_10_and_it_17_a_token_that_is_not_taken_any_more_is_replaced),
        KW_TEST_ON_NETWORK(as_10_and_it_17_after_a_long_sleep_everything_is_made_anew),
        cmocka_unit_test(it_17_a_clock_that_is_wrong_does_not_move_the_renewal),
        KW_TEST_ON_NETWORK(as_10_a_jump_of_the_clock_ends_no_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
