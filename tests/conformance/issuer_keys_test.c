/* Keys of an issuer that are fetched: rotation, revocation, an issuer that cannot be reached; and what becomes of Sessions. */
#include "support/kw_test_idp.h"
#include "support/kw_test_subscription.h"
#include "support/kw_test_user.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

#define REFRESH_S 600
#define RETRY_S 30
#define MAX_AGE_S 7200
#define LOOK_S 10 /* between two looks at keys and Sessions */

typedef struct fixture {
    kw_test_idp idp;
    kw_test_world *world;
    kw_test_client *client;
    bool allow_anonymous;
    uint32_t grace_s;
} fixture;

static void configure(kw_test_world *world, kw_server_config *config)
{
    fixture *f = world->options.ctx;
    world->env.fetch = &f->idp.fetch;
    config->identity.allow_anonymous = f->allow_anonymous;
    config->identity.issuer_keys = (kw_key_rules){.refresh_s = REFRESH_S, .retry_s = RETRY_S, .max_age_s = MAX_AGE_S};
    config->session_limits.token_expiry_grace_s = f->grace_s;
}

static void trust_idp(fixture *f, int64_t fetched)
{
    const kw_issuer row = {.uri = KW_STRING(KW_TEST_IDP_URI),
                           .kind = KW_STRING("discover"),
                           .location = KW_STRING(KW_TEST_IDP_URI),
                           .keys = fetched != 0 ? kw_test_idp_jwks(&f->idp, f->world->arena) : KW_BYTES_NULL,
                           .fetched = fetched};
    assert_status(kw_store_issuer_put(f->world->store->store, &row), KW_GOOD);
    uint64_t version; /* as if the Server had looked since */
    assert_status(kw_identity_gate_refresh(kw_server_gate(f->world->server), &version), KW_GOOD);
}

static void begin(fixture *f)
{
    const kw_test_world_options options = {.configure = configure, .ctx = f};
    f->world = kw_test_world_new(&options);
    f->client = kw_test_client_new(f->world, NULL);
    kw_test_world_grant(f->world, "Operator", KW_CRITERIA_ROLE, "op");
}

/* As `keyway issuer add --discover` leaves it: with the keys of now, "one" among them. */
static int setup(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    kw_test_idp_init(&f->idp);
    kw_test_idp_add_key(&f->idp, "one");
    f->allow_anonymous = true;
    begin(f);
    trust_idp(f, f->world->clock->utc);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kw_test_world_free(f->world);
    kw_test_idp_clear(&f->idp);
    free(f);
    return 0;
}

/* Another Server with other settings. */
static void begin_again(fixture *f)
{
    kw_test_world_free(f->world);
    begin(f);
    trust_idp(f, f->world->clock->utc);
}

static kw_string token_as(fixture *f, const char *alg, const char *kid, const kw_private_key *key, int lifetime_s)
{
    char header[128];
    const kw_test_issuer issuer = {.uri = KW_STRING(KW_TEST_IDP_URI)};
    snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}", alg, kid);
    const kw_string claims = kw_test_claims(f->world, &issuer, "carol", lifetime_s, ",\"roles\":[\"op\"]");
    return kw_test_jwt_with(f->world, header, claims, alg, key);
}

static kw_string token_of(fixture *f, const char *kid, const kw_private_key *key, int lifetime_s)
{
    return token_as(f, "ES256", kid, key, lifetime_s);
}

/* One that does not time out in the meantime. */
static void create_session(fixture *f, kw_test_session *session)
{
    kw_create_session_request *request = kw_test_creation(f->client);
    request->requested_session_timeout = 3600000;
    assert_status(kw_test_create_session_with(f->client, request, session), KW_GOOD);
}

static kw_status activate_with(fixture *f, kw_test_session *session, const kw_test_idp_key *key, int lifetime_s)
{
    return kw_test_activate(f->client, session, kw_test_issued(f->client, session, token_of(f, key->kid, key->key, lifetime_s)));
}

/* A Session of its own, activated with a token by this key. */
static kw_status try_key(fixture *f, const kw_test_idp_key *key)
{
    kw_test_session session;
    create_session(f, &session);
    const kw_status status = activate_with(f, &session, key, 3600);
    kw_test_close_session(f->client, &session, true);
    return status;
}

static kw_status read_secret(fixture *f, const kw_test_session *session)
{
    return kw_test_read(f->client, session, &KW_TEST_SECRET, NULL);
}

static void set_wall_clock(fixture *f, int64_t seconds)
{
    f->world->clock->utc += seconds * KW_TICKS_PER_S;
}

static void advance(fixture *f, uint64_t seconds)
{
    kw_test_world_advance(f->world, seconds * 1000);
}

/* --- algorithms ---------------------------------------------------------------------------------------------------------------- */

static kw_status try_algorithm(fixture *f, const char *alg, const kw_test_idp_key *key)
{
    kw_test_session session;
    create_session(f, &session);
    const kw_string token = token_as(f, alg, key->kid, key->key, 3600);
    const kw_status status = kw_test_activate(f->client, &session, kw_test_issued(f->client, &session, token));
    kw_test_close_session(f->client, &session, true);
    return status;
}

static void jw_02_tokens_of_every_algorithm_on_the_list_are_taken_and_no_others(void **state)
{
    static const char *const ALGORITHMS[] = {"EdDSA", "ES384", "PS256", "RS256"};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof(ALGORITHMS) / sizeof(ALGORITHMS[0]); i++) {
        kw_test_idp_add_key_for(&f->idp, ALGORITHMS[i], ALGORITHMS[i]);
    }
    advance(f, REFRESH_S + LOOK_S);
    for (size_t i = 0; i < f->idp.key_count; i++) {
        assert_status(try_algorithm(f, f->idp.keys[i].alg, &f->idp.keys[i]), KW_GOOD);
    }
    assert_status(try_algorithm(f, "RS384", &f->idp.keys[4]), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

/* --- rotation ------------------------------------------------------------------------------------------------------------------- */

static void keys_that_are_known_need_no_fetch(void **state)
{
    fixture *f = *state;
    assert_status(try_key(f, &f->idp.keys[0]), KW_GOOD);
    assert_int_equal(f->idp.gets, 0);
}

/* IT-03: a token by a key that is not known yet: the user notices nothing. */
static void it_03_a_new_key_is_fetched_while_its_first_token_is_checked(void **state)
{
    fixture *f = *state;
    const kw_test_idp_key *two = kw_test_idp_add_key(&f->idp, "two");
    assert_status(try_key(f, two), KW_GOOD);
    assert_int_equal(f->idp.key_gets, 1);
    assert_status(try_key(f, &f->idp.keys[0]), KW_GOOD); /* the former one is still published */
    assert_status(try_key(f, two), KW_GOOD);
    assert_int_equal(f->idp.key_gets, 1);
}

static void it_03_a_flood_of_made_up_keys_costs_one_fetch(void **state)
{
    fixture *f = *state;
    kw_test_idp_key made_up = {.key = f->idp.keys[0].key};
    for (int i = 0; i < 100; i++) {
        snprintf(made_up.kid, sizeof(made_up.kid), "made-up-%d", i);
        assert_status(try_key(f, &made_up), KW_BAD_IDENTITY_TOKEN_REJECTED);
    }
    assert_int_equal(f->idp.key_gets, 1);
    assert_status(try_key(f, &f->idp.keys[0]), KW_GOOD);

    const kw_test_idp_key *two = kw_test_idp_add_key(&f->idp, "two");
    assert_status(try_key(f, two), KW_BAD_IDENTITY_TOKEN_REJECTED); /* the price of the flood, until … */
    advance(f, RETRY_S);
    assert_status(try_key(f, two), KW_GOOD);
    assert_int_equal(f->idp.key_gets, 2);
}

/* Attack A-141: who may be asked is what the administrator said, never what a token says. */
static void a_141_nothing_is_fetched_for_an_unknown_issuer_or_by_the_word_of_a_token(void **state)
{
    fixture *f = *state;
    kw_test_session session;
    const kw_test_issuer stranger = {.uri = KW_STRING("https://idp.example/other")}, known = {.uri = KW_STRING(KW_TEST_IDP_URI)};
    const char *header = "{\"alg\":\"ES256\",\"kid\":\"one\",\"jku\":\"https://evil.example/keys\",\"x5u\":\"https://evil.example/c\"}";
    create_session(f, &session);
    kw_string token = kw_test_jwt_with(f->world, "{\"alg\":\"ES256\",\"kid\":\"x\"}", kw_test_claims(f->world, &stranger, "carol", 600, ""),
                                       "ES256", f->idp.keys[0].key);
    assert_status(kw_test_activate(f->client, &session, kw_test_issued(f->client, &session, token)), KW_BAD_IDENTITY_TOKEN_REJECTED);
    kw_test_idp_key *other = kw_test_idp_add_key(&f->idp, "two");
    token = kw_test_jwt_with(f->world, header, kw_test_claims(f->world, &known, "carol", 600, ""), "ES256", other->key);
    assert_status(kw_test_activate(f->client, &session, kw_test_issued(f->client, &session, token)), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_int_equal(f->idp.gets, 0);
}

static void keys_are_fetched_again_after_a_time(void **state)
{
    fixture *f = *state;
    advance(f, REFRESH_S - LOOK_S);
    assert_int_equal(f->idp.key_gets, 0);
    advance(f, 2 * LOOK_S);
    assert_int_equal(f->idp.key_gets, 1);
    advance(f, REFRESH_S - 2 * LOOK_S);
    assert_int_equal(f->idp.key_gets, 1);
    advance(f, 3 * LOOK_S);
    assert_int_equal(f->idp.key_gets, 2);
}

/* The keys of an issuer that an administrator adds while the Server runs, without a first fetch of his own. */
static void a_new_issuer_is_taken_up_without_a_restart(void **state)
{
    fixture *f = *state;
    trust_idp(f, 0);
    advance(f, LOOK_S);
    assert_int_equal(f->idp.key_gets, 1);
    assert_status(try_key(f, &f->idp.keys[0]), KW_GOOD);
}

static void fetches_are_jobs(void **state)
{
    fixture *f = *state;
    kw_test_session anonymous;
    create_session(f, &anonymous);
    assert_status(kw_test_activate(f->client, &anonymous, kw_test_nobody()), KW_GOOD);
    trust_idp(f, 0);
    kw_test_world_hold(f->world);
    advance(f, LOOK_S + 1);
    assert_true(f->world->held.waiting > 0);
    assert_int_equal(f->idp.gets, 0); /* not on the loop */
    advance(f, 5L * LOOK_S);
    assert_int_equal(f->idp.gets, 0);
    kw_test_world_run(f->world);
    assert_int_equal(f->idp.key_gets, 1);
    assert_status(kw_test_read(f->client, &anonymous, &KW_TEST_PUBLIC, NULL), KW_GOOD);
}

/* --- revocation ------------------------------------------------------------------------------------------------------------------ */

/* A key that the issuer has withdrawn: its Sessions keep the Anonymous Role at most, within the configured time. */
static void it_15_a_revoked_key_leaves_its_session_the_anonymous_role(void **state)
{
    fixture *f = *state;
    const kw_test_idp_key *two = kw_test_idp_add_key(&f->idp, "two");
    kw_test_session by_one, by_two;
    create_session(f, &by_one);
    create_session(f, &by_two);
    assert_status(activate_with(f, &by_two, two, 36000), KW_GOOD); /* fetches */
    assert_status(activate_with(f, &by_one, &f->idp.keys[0], 36000), KW_GOOD);
    assert_status(read_secret(f, &by_one), KW_GOOD);

    f->idp.keys[0].is_published = false;
    advance(f, REFRESH_S + 2 * LOOK_S);
    assert_status(read_secret(f, &by_one), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_read(f->client, &by_one, &KW_TEST_PUBLIC, NULL), KW_GOOD);
    assert_status(read_secret(f, &by_two), KW_GOOD); /* nobody else is bothered */
    assert_status(activate_with(f, &by_one, &f->idp.keys[0], 3600), KW_BAD_IDENTITY_TOKEN_REJECTED);
    assert_status(activate_with(f, &by_one, two, 3600), KW_GOOD);
    assert_status(read_secret(f, &by_one), KW_GOOD);
}

static void it_16_a_revoked_key_closes_its_session_where_anonymous_is_not_allowed(void **state)
{
    fixture *f = *state;
    kw_test_session session;
    f->allow_anonymous = false;
    begin_again(f);
    create_session(f, &session);
    assert_status(activate_with(f, &session, &f->idp.keys[0], 36000), KW_GOOD);
    f->idp.keys[0].is_published = false;
    advance(f, REFRESH_S + 2 * LOOK_S);
    assert_null(kw_test_session_of(f->world, &session));
    assert_status(read_secret(f, &session), KW_BAD_SESSION_ID_INVALID);
}

/* What waits for another Session goes with the key that its user came by. */
static void it_15_a_revoked_key_ends_subscriptions_that_wait(void **state)
{
    fixture *f = *state;
    kw_test_session session;
    const kw_test_idp_key *two = kw_test_idp_add_key(&f->idp, "two");
    kw_create_subscription_request wanted = {
        .requested_publishing_interval = 60000, .requested_lifetime_count = 60, .requested_max_keep_alive_count = 10};
    const kw_create_subscription_response *made[2] = {NULL, NULL};
    for (size_t i = 0; i < 2; i++) {
        create_session(f, &session);
        assert_status(activate_with(f, &session, i == 0 ? &f->idp.keys[0] : two, 36000), KW_GOOD);
        const void *response = NULL;
        assert_status(kw_test_call(f->client, &session, KW_TYPE_CREATE_SUBSCRIPTION_REQUEST, &wanted, &response), KW_GOOD);
        made[i] = response;
        assert_status(kw_test_close_session(f->client, &session, false), KW_GOOD);
    }
    f->idp.keys[0].is_published = false;
    advance(f, REFRESH_S + 2 * LOOK_S);
    create_session(f, &session);
    assert_status(activate_with(f, &session, two, 3600), KW_GOOD);
    assert_status(kw_test_transfer(f->client, &session, made[0]->subscription_id, false, NULL), KW_BAD_SUBSCRIPTION_ID_INVALID);
    assert_status(kw_test_transfer(f->client, &session, made[1]->subscription_id, false, NULL), KW_GOOD);
}

/* The same name for another key does not hide the change. */
static void it_15_a_key_that_was_replaced_under_its_name_is_revoked(void **state)
{
    fixture *f = *state;
    kw_test_session session;
    create_session(f, &session);
    assert_status(activate_with(f, &session, &f->idp.keys[0], 36000), KW_GOOD);
    f->idp.keys[0].is_published = false;
    kw_test_idp_add_key(&f->idp, "one");
    advance(f, REFRESH_S + 2 * LOOK_S);
    assert_status(read_secret(f, &session), KW_BAD_USER_ACCESS_DENIED);
}

static void a_fetch_that_yields_rubbish_revokes_nothing(void **state)
{
    fixture *f = *state;
    static const char *const RUBBISH[] = {"", "<html>", "{}", "{\"keys\":7}"};
    kw_test_session session;
    create_session(f, &session);
    assert_status(activate_with(f, &session, &f->idp.keys[0], 36000), KW_GOOD);
    for (size_t i = 0; i < sizeof(RUBBISH) / sizeof(RUBBISH[0]); i++) {
        const size_t before = f->idp.key_gets;
        f->idp.jwks = RUBBISH[i];
        advance(f, REFRESH_S + 2 * LOOK_S);
        assert_true(f->idp.key_gets > before);
        assert_status(read_secret(f, &session), KW_GOOD);
        assert_status(try_key(f, &f->idp.keys[0]), KW_GOOD);
    }
}

/* --- an issuer that cannot be reached -------------------------------------------------------------------------------------------- */

static kw_issuer row_of(fixture *f)
{
    kw_issuer *issuers = NULL;
    size_t count = 0;
    assert_status(kw_store_issuer_list(f->world->store->store, f->world->arena, &issuers, &count), KW_GOOD);
    assert_int_equal(count, 1);
    return issuers[0];
}

static void keys_of_an_issuer_that_is_down_are_good_for_a_time(void **state)
{
    fixture *f = *state;
    f->idp.is_down = true;
    advance(f, MAX_AGE_S / 2);
    f->client = kw_test_client_new(f->world, NULL);
    assert_status(try_key(f, &f->idp.keys[0]), KW_GOOD);
    assert_text(row_of(f).failure, "no route to it");

    advance(f, MAX_AGE_S / 2 + 1);
    f->client = kw_test_client_new(f->world, NULL);
    assert_status(try_key(f, &f->idp.keys[0]), KW_BAD_IDENTITY_TOKEN_REJECTED);

    f->idp.is_down = false; /* back again: by the next look at the latest */
    advance(f, REFRESH_S + LOOK_S);
    assert_status(try_key(f, &f->idp.keys[0]), KW_GOOD);
    assert_null_text(row_of(f).failure);
}

static void an_issuer_that_is_down_is_asked_ever_more_rarely(void **state)
{
    fixture *f = *state;
    trust_idp(f, 0);
    f->idp.is_down = true;
    advance(f, 2 * LOOK_S);
    assert_int_equal(f->idp.gets, 1);
    advance(f, RETRY_S);
    assert_int_equal(f->idp.gets, 2);
    advance(f, RETRY_S);
    assert_int_equal(f->idp.gets, 2);
    advance(f, RETRY_S + LOOK_S);
    assert_int_equal(f->idp.gets, 3);
    const size_t before = f->idp.gets;
    advance(f, 10 * REFRESH_S);
    assert_in_range(f->idp.gets - before, 8, 14); /* never more rarely than if it worked */
}

/* What a restart finds in the store. */
static void a_restart_has_the_keys(void **state)
{
    fixture *f = *state;
    kw_identity *identity = NULL;
    kw_refusal refusal = {.why = NULL};
    kw_user_token_policy *policies = NULL;
    size_t count = 0;
    const kw_test_idp_key *two = kw_test_idp_add_key(&f->idp, "two");
    assert_status(try_key(f, two), KW_GOOD);
    f->idp.is_down = true;

    kw_identity_config how = KW_IDENTITY_CONFIG_DEFAULT;
    kw_identity_gate *gate = NULL;
    how.audience = KW_STRING(KW_TEST_SERVER);
    how.allow_clear_secret_anywhere = true;
    assert_status(
        kw_identity_gate_new(&how, f->world->store->store, &f->world->clock->clock, &f->world->random.random, &KW_LOG_QUIET, &gate),
        KW_GOOD);
    kw_identity_gate_set_fetch(gate, &f->idp.fetch);
    assert_status(kw_identity_gate_policies(gate, &KW_POLICY_NONE, KW_MESSAGE_SECURITY_MODE_NONE, f->world->arena, &policies, &count),
                  KW_GOOD);
    kw_issued_identity_token token = {.token_data = token_of(f, "two", two->key, 600)};
    for (size_t i = 0; i < count; i++) {
        if (policies[i].token_type == KW_USER_TOKEN_TYPE_ISSUED_TOKEN &&
            kw_string_equals(policies[i].security_policy_uri, KW_POLICY_NONE.uri)) {
            token.policy_id = policies[i].policy_id;
        }
    }
    const kw_test_user user = kw_test_user_of(kw_type_by_data_type(938), &token);
    const kw_identity_claim claim = {.token = &user.token,
                                     .policies = policies,
                                     .policy_count = count,
                                     .channel_policy = &KW_POLICY_NONE,
                                     .mode = KW_MESSAGE_SECURITY_MODE_NONE};
    assert_status(kw_identity_prove(gate, &claim, &identity, &refusal, NULL), KW_GOOD);
    kw_identity_release(identity);
    kw_identity_gate_free(gate);
}

/* --- expiry -------------------------------------------------------------------------------------------------------------------------- */

static void it_14_a_session_outlives_its_token_by_the_grace_and_no_more(void **state)
{
    fixture *f = *state;
    kw_test_session session;
    f->grace_s = 20;
    begin_again(f);
    create_session(f, &session);
    assert_status(activate_with(f, &session, &f->idp.keys[0], 100), KW_GOOD);
    advance(f, 119);
    assert_status(read_secret(f, &session), KW_GOOD);
    advance(f, 1);
    assert_status(read_secret(f, &session), KW_BAD_USER_ACCESS_DENIED);
    assert_status(kw_test_read(f->client, &session, &KW_TEST_PUBLIC, NULL), KW_GOOD);
}

static void it_14_without_a_grace_a_session_ends_with_its_token(void **state)
{
    fixture *f = *state;
    kw_test_session session;
    create_session(f, &session);
    assert_status(activate_with(f, &session, &f->idp.keys[0], 100), KW_GOOD);
    advance(f, 99);
    assert_status(read_secret(f, &session), KW_GOOD);
    advance(f, 1);
    assert_status(read_secret(f, &session), KW_BAD_USER_ACCESS_DENIED);
}

/* Nobody has to ask for anything: what a Session may see ends by itself. */
static void it_14_a_silent_session_ends_too(void **state)
{
    fixture *f = *state;
    kw_test_session session;
    f->allow_anonymous = false;
    f->grace_s = 5;
    begin_again(f);
    create_session(f, &session);
    assert_status(activate_with(f, &session, &f->idp.keys[0], 100), KW_GOOD);
    advance(f, 104);
    assert_non_null(kw_test_session_of(f->world, &session));
    advance(f, 2);
    assert_null(kw_test_session_of(f->world, &session));
}

static void it_14_a_clock_that_is_set_forward_ends_the_token(void **state)
{
    fixture *f = *state;
    kw_test_session session;
    create_session(f, &session);
    assert_status(activate_with(f, &session, &f->idp.keys[0], 3600), KW_GOOD);
    set_wall_clock(f, 3601);
    assert_status(read_secret(f, &session), KW_BAD_USER_ACCESS_DENIED);
}

static void it_14_a_silent_session_notices_a_clock_that_is_set_forward(void **state)
{
    fixture *f = *state;
    kw_test_session session;
    f->allow_anonymous = false;
    begin_again(f);
    create_session(f, &session);
    assert_status(activate_with(f, &session, &f->idp.keys[0], 3600), KW_GOOD);
    set_wall_clock(f, 3601);
    advance(f, LOOK_S);
    assert_null(kw_test_session_of(f->world, &session));
}

/* Else a token would live as often as somebody sets the clock back. */
static void it_14_a_clock_that_is_set_back_gives_no_time(void **state)
{
    fixture *f = *state;
    kw_test_session session;
    create_session(f, &session);
    assert_status(activate_with(f, &session, &f->idp.keys[0], 100), KW_GOOD);
    set_wall_clock(f, -3600);
    advance(f, 99);
    assert_status(read_secret(f, &session), KW_GOOD);
    advance(f, 2);
    assert_status(read_secret(f, &session), KW_BAD_USER_ACCESS_DENIED);
}

/* Nor do keys become too old, or stay young, because somebody sets the clock. */
static void the_age_of_keys_does_not_follow_the_wall_clock(void **state)
{
    fixture *f = *state;
    assert_status(try_key(f, &f->idp.keys[0]), KW_GOOD);
    f->idp.is_down = true;
    set_wall_clock(f, 10L * MAX_AGE_S);
    assert_status(try_key(f, &f->idp.keys[0]), KW_GOOD);
    set_wall_clock(f, -20L * MAX_AGE_S);
    advance(f, MAX_AGE_S + 1);
    set_wall_clock(f, 10L * MAX_AGE_S - MAX_AGE_S); /* the certificates of the channel want a time that fits */
    f->client = kw_test_client_new(f->world, NULL);
    assert_status(try_key(f, &f->idp.keys[0]), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

/* IT-17: a new token in time, and the former one's end is of no interest. */
static void it_17_a_new_token_moves_the_end(void **state)
{
    fixture *f = *state;
    kw_test_session session;
    create_session(f, &session);
    assert_status(activate_with(f, &session, &f->idp.keys[0], 100), KW_GOOD);
    advance(f, 90);
    assert_status(activate_with(f, &session, &f->idp.keys[0], 100), KW_GOOD);
    advance(f, 99);
    assert_status(read_secret(f, &session), KW_GOOD);
    advance(f, 1);
    assert_status(read_secret(f, &session), KW_BAD_USER_ACCESS_DENIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(jw_02_tokens_of_every_algorithm_on_the_list_are_taken_and_no_others),
        TEST(keys_that_are_known_need_no_fetch),
        TEST(it_03_a_new_key_is_fetched_while_its_first_token_is_checked),
        TEST(it_03_a_flood_of_made_up_keys_costs_one_fetch),
        TEST(a_141_nothing_is_fetched_for_an_unknown_issuer_or_by_the_word_of_a_token),
        TEST(keys_are_fetched_again_after_a_time),
        TEST(a_new_issuer_is_taken_up_without_a_restart),
        TEST(fetches_are_jobs),
        TEST(it_15_a_revoked_key_leaves_its_session_the_anonymous_role),
        TEST(it_16_a_revoked_key_closes_its_session_where_anonymous_is_not_allowed),
        TEST(it_15_a_revoked_key_ends_subscriptions_that_wait),
        TEST(it_15_a_key_that_was_replaced_under_its_name_is_revoked),
        TEST(a_fetch_that_yields_rubbish_revokes_nothing),
        TEST(keys_of_an_issuer_that_is_down_are_good_for_a_time),
        TEST(an_issuer_that_is_down_is_asked_ever_more_rarely),
        TEST(a_restart_has_the_keys),
        TEST(it_14_a_session_outlives_its_token_by_the_grace_and_no_more),
        TEST(it_14_without_a_grace_a_session_ends_with_its_token),
        TEST(it_14_a_silent_session_ends_too),
        TEST(it_14_a_clock_that_is_set_forward_ends_the_token),
        TEST(it_14_a_silent_session_notices_a_clock_that_is_set_forward),
        TEST(it_14_a_clock_that_is_set_back_gives_no_time),
        TEST(the_age_of_keys_does_not_follow_the_wall_clock),
        TEST(it_17_a_new_token_moves_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
