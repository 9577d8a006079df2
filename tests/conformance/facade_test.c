/* RequestAccessToken of a service that stands for a provider: what is asked there, and what each of its answers means. OPC 10000-12, 9. */
#include "authority/provider.h"
#include "support/kw_test_authority.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ISSUER "https://idp.example/plant"
#define ENDPOINT "https://idp.example/token"
#define PASSWORD "a p\xc3\xa4ssword&+%"

/* A provider that gives one answer, and keeps what it was asked. */
typedef struct fixture {
    kw_fetch fetch;
    kw_test_clock clock; /* of the provider alone */
    kw_test_random random;
    kw_provider *provider;
    kw_private_key *key;
    kw_test_world *world;
    kw_test_client *client;
    kw_test_session session;
    unsigned code;
    const char *content;
    kw_status failure;    /* of the network; Good: none */
    uint64_t slowness_ms; /* of each answer */
    char form[4096], authorization[256];
    uint32_t timeout_ms; /* of the last question */
    size_t looks, questions;
} fixture;

static kw_status get(void *ctx, const kw_fetch_request *request, kw_arena *arena, kw_bytes *out, const char **why)
{
    fixture *f = ctx;
    (void)arena;
    f->looks++;
    kw_test_clock_advance(&f->clock, f->slowness_ms);
    if (!kw_string_equals(request->url, ISSUER "/.well-known/openid-configuration")) {
        *why = "no such page";
        return KW_BAD_NOT_FOUND;
    }
    *out = KW_STRING("{\"issuer\":\"" ISSUER "\",\"token_endpoint\":\"" ENDPOINT "\"}");
    return KW_GOOD;
}

static kw_status post(void *ctx, const kw_fetch_form *form, kw_arena *arena, unsigned *code, kw_bytes *out, const char **why)
{
    fixture *f = ctx;
    (void)arena;
    assert_true(kw_string_equals(form->url, ENDPOINT));
    f->questions++;
    f->timeout_ms = form->timeout_ms;
    snprintf(f->form, sizeof(f->form), "%.*s", KW_STRING_ARGS(form->content));
    snprintf(f->authorization, sizeof(f->authorization), "%.*s", KW_STRING_ARGS(form->authorization));
    kw_test_clock_advance(&f->clock, f->slowness_ms);
    *code = f->code;
    *out = kw_string_from(f->content);
    *why = "nobody is there";
    return f->failure;
}

static void start(fixture *f, const kw_provider_config *config, const kw_authority_config *service)
{
    kw_test_world_options options = {.authority = *service};
    assert_status(kw_provider_new(config, &f->fetch, &f->clock.clock, &f->random.random, &KW_LOG_QUIET, &f->provider), KW_GOOD);
    options.authority.provider = f->provider;
    f->world = kw_test_world_with_authority(&options);
    f->client = kw_test_client_new(f->world, NULL);
    f->session = kw_test_open(f->client);
}

static fixture *fixture_new(void)
{
    fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    kw_test_clock_init(&f->clock);
    kw_test_random_init(&f->random, 7);
    f->fetch = (kw_fetch){.get = get, .post = post, .ctx = f};
    f->code = 200;
    return f;
}

static kw_provider_config by_secret(void)
{
    return (kw_provider_config){.name = KW_STRING("company"),
                                .issuer = KW_STRING(ISSUER),
                                .client_id = KW_STRING("plant"),
                                .client_secret = KW_STRING("s:e/c"),
                                .timeout_ms = 4000,
                                .retry_s = 10};
}

static int setup(void **state)
{
    fixture *f = fixture_new();
    const kw_provider_config config = by_secret();
    start(f, &config, &(kw_authority_config){.token_lifetime_s = 0});
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    if (f->world != NULL) {
        kw_test_world_free(f->world);
    }
    kw_provider_free(f->provider);
    kw_private_key_release(f->key);
    free(f);
    return 0;
}

static int setup_bare(void **state)
{
    *state = fixture_new();
    return 0;
}

/* --- asking ----------------------------------------------------------------------------------------------------------------------- */

static kw_status ask_for(fixture *f, const char *resource, kw_string *issued)
{
    const kw_user_name_identity_token token = {
        .policy_id = kw_test_authority_policy(f->client, &f->session, KW_USER_TOKEN_TYPE_USER_NAME)->policy_id,
        .user_name = KW_STRING("anna"),
        .password = kw_test_authority_seal(f->client, NULL, KW_STRING(PASSWORD), 0)};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, &token);
    return kw_test_request_token_for(f->client, &f->session, &object, resource, issued);
}

static kw_status ask(fixture *f)
{
    return ask_for(f, KW_TEST_SERVER, NULL);
}

static kw_status ask_with_token(fixture *f, kw_string jwt)
{
    const kw_issued_identity_token token = {
        .policy_id = kw_test_authority_policy(f->client, &f->session, KW_USER_TOKEN_TYPE_ISSUED_TOKEN)->policy_id,
        .token_data = kw_test_authority_seal(f->client, NULL, jwt, 0)};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_ISSUED_IDENTITY_TOKEN, &token);
    return kw_test_request_token(f->client, &f->session, &object, NULL);
}

/* The provider gives this token from now on. */
static void give(fixture *f, kw_string token)
{
    f->code = 200;
    f->content = kw_arena_cstring(
        f->world->arena, kw_arena_format(f->world->arena, "{\"access_token\":\"%.*s\",\"token_type\":\"Bearer\"}", KW_STRING_ARGS(token)));
}

static kw_string token_of(fixture *f)
{
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(f->world, ISSUER);
    return kw_test_token(f->world, issuer, "anna", 600);
}

static kw_status answer(fixture *f, unsigned code, const char *content)
{
    f->code = code;
    f->content = content;
    f->failure = KW_GOOD;
    return ask(f);
}

/* --- what it gives ---------------------------------------------------------------------------------------------------------------- */

static void rt_01_and_rt_24_the_provider_gives_the_token_and_it_opens_a_session(void **state)
{
    fixture *f = *state;
    const kw_string given = token_of(f);
    kw_string issued = KW_BYTES_NULL;
    kw_test_session other;
    give(f, given);
    assert_status(ask_for(f, KW_TEST_SERVER, &issued), KW_GOOD);
    assert_true(kw_bytes_equal(issued, given));
    assert_string_equal(f->form,
                        "grant_type=password&username=anna&password=a%20p%C3%A4ssword%26%2B%25&resource=urn%3Akeyway%3Atest%3Aserver");
    assert_string_equal(f->authorization, "Basic cGxhbnQ6cyUzQWUlMkZj"); /* plant:s%3Ae%2Fc */
    assert_status(kw_test_create_session(f->client, &other), KW_GOOD);
    assert_status(kw_test_activate(f->client, &other, kw_test_issued(f->client, &other, issued)), KW_GOOD);
}

static void rt_24_a_token_is_exchanged_for_one_of_the_resource(void **state)
{
    fixture *f = *state;
    give(f, token_of(f));
    assert_status(ask_with_token(f, KW_STRING("a.token.of-theirs")), KW_GOOD);
    assert_non_null(
        strstr(f->form, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=a.token.of-theirs&"));
    assert_null(strstr(f->form, "username"));
}

static void rt_24_what_no_server_could_take_is_not_handed_out(void **state)
{
    fixture *f = *state;
    const kw_test_issuer *issuer = kw_test_world_trust_issuer(f->world, ISSUER);
    assert_status(answer(f, 200, "{\"access_token\":\"opaque\",\"token_type\":\"Bearer\"}"), KW_BAD_RESOURCE_UNAVAILABLE);
    give(f,
         kw_test_jwt(f->world, issuer, KW_STRING("{\"iss\":\"" ISSUER "\",\"sub\":\"anna\",\"aud\":\"urn:another\",\"exp\":4102444800}")));
    assert_status(ask(f), KW_BAD_NOT_FOUND);
}

static void az_01_a_facade_says_who_proves_its_users(void **state)
{
    fixture *f = *state;
    size_t count = 0;
    const kw_user_token_policy *policies = kw_test_authority_policies(f->client, &f->session, &count);
    assert_int_equal(count, 2);
    assert_int_equal(policies[0].token_type, KW_USER_TOKEN_TYPE_USER_NAME);
    assert_int_equal(policies[1].token_type, KW_USER_TOKEN_TYPE_ISSUED_TOKEN);
    const kw_string endpoint = policies[1].issuer_endpoint_url;
    assert_non_null(strstr(kw_arena_cstring(f->world->arena, endpoint), ISSUER));
}

/* --- what it refuses -------------------------------------------------------------------------------------------------------------- */

static void rt_07_and_rt_26_a_refused_user_is_rejected(void **state)
{
    fixture *f = *state;
    assert_status(answer(f, 400, "{\"error\":\"invalid_grant\"}"), KW_BAD_IDENTITY_TOKEN_REJECTED);
    f->content = "{\"error\":\"invalid_request\"}";
    assert_status(ask_with_token(f, KW_STRING("a.token.of-theirs")), KW_BAD_IDENTITY_TOKEN_REJECTED);
}

static void rt_28_who_may_not_have_the_token_is_denied(void **state)
{
    fixture *f = *state;
    assert_status(answer(f, 400, "{\"error\":\"access_denied\"}"), KW_BAD_USER_ACCESS_DENIED);
    assert_status(answer(f, 400, "{\"error\":\"invalid_scope\"}"), KW_BAD_USER_ACCESS_DENIED);
}

static void rt_27_neither_side_knows_the_resource(void **state)
{
    fixture *f = *state;
    assert_status(answer(f, 400, "{\"error\":\"invalid_target\"}"), KW_BAD_NOT_FOUND);
    const size_t before = f->questions;
    assert_status(ask_for(f, "urn:no:such:server", NULL), KW_BAD_NOT_FOUND);
    assert_int_equal(f->questions, before); /* nobody was asked */
}

static void what_is_wrong_with_us_says_nothing_about_the_user(void **state)
{
    static const char *const ANSWERS[] = {"{\"error\":\"invalid_client\"}",
                                          "{\"error\":\"unauthorized_client\"}",
                                          "{\"error\":\"unsupported_grant_type\"}",
                                          "{\"error\":\"invalid_request\"}",
                                          "{\"error\":\"something_new\"}",
                                          "{}",
                                          "<html>a page</html>",
                                          "{\"error\":5}",
                                          ""};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof(ANSWERS) / sizeof(ANSWERS[0]); i++) {
        assert_status(answer(f, 400, ANSWERS[i]), KW_BAD_RESOURCE_UNAVAILABLE);
    }
    assert_status(answer(f, 200, "{}"), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_status(answer(f, 500, "{}"), KW_BAD_RESOURCE_UNAVAILABLE);
    give(f, token_of(f)); /* none of this was a reason to leave it alone */
    assert_status(ask(f), KW_GOOD);
}

static void rt_04_without_a_token_there_is_nobody_to_ask_for(void **state)
{
    fixture *f = *state;
    assert_status(kw_test_request_token(f->client, &f->session, NULL, NULL), KW_BAD_USER_ACCESS_DENIED);
    assert_int_equal(f->questions, 0);
}

/* --- time ------------------------------------------------------------------------------------------------------------------------- */

static void metadata_and_answer_share_one_time_out(void **state)
{
    fixture *f = *state;
    give(f, token_of(f));
    f->slowness_ms = 3000;
    assert_status(ask(f), KW_GOOD);
    assert_int_equal(f->timeout_ms, 1000); /* what the metadata left */
    assert_status(ask(f), KW_GOOD);
    assert_int_equal(f->timeout_ms, 4000);
    assert_int_equal(f->looks, 1); /* known by then */
}

static void a_provider_that_takes_all_the_time_is_not_asked(void **state)
{
    fixture *f = *state;
    f->slowness_ms = 4000;
    assert_status(ask(f), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_int_equal(f->questions, 0);
}

static void a_dead_provider_is_left_alone_for_a_while(void **state)
{
    fixture *f = *state;
    give(f, token_of(f));
    f->failure = KW_BAD_TIMEOUT;
    assert_status(ask(f), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_int_equal(f->questions, 1);
    f->failure = KW_GOOD;
    kw_test_clock_advance(&f->clock, 9999);
    assert_status(ask(f), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_int_equal(f->questions, 1);
    kw_test_clock_advance(&f->clock, 1);
    assert_status(ask(f), KW_GOOD);
    assert_status(ask(f), KW_GOOD);
    assert_int_equal(f->questions, 3);
}

static void what_stands_before_a_provider_may_say_that_it_is_away(void **state)
{
    fixture *f = *state;
    assert_status(answer(f, 503, "away"), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_status(ask(f), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_int_equal(f->questions, 1);
}

/* --- configured otherwise ---------------------------------------------------------------------------------------------------------- */

static void az_04_and_rt_25_only_what_the_service_accepts_is_listed_and_taken(void **state)
{
    fixture *f = *state;
    const kw_provider_config config = by_secret();
    size_t count = 0;
    start(f, &config, &(kw_authority_config){.accepts = KW_ACCEPT_PASSWORD});
    const kw_user_token_policy *policies = kw_test_authority_policies(f->client, &f->session, &count);
    assert_int_equal(count, 1);
    assert_int_equal(policies[0].token_type, KW_USER_TOKEN_TYPE_USER_NAME);
    const kw_issued_identity_token token = {.policy_id = KW_STRING("provider_jwt_Basic256Sha256"),
                                            .token_data = kw_test_authority_seal(f->client, NULL, KW_STRING("a.b.c"), 0)};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_ISSUED_IDENTITY_TOKEN, &token);
    assert_status(kw_test_request_token(f->client, &f->session, &object, NULL), KW_BAD_IDENTITY_TOKEN_INVALID);
    assert_int_equal(f->questions, 0);
}

static void rt_27_a_service_may_be_for_some_resources_only(void **state)
{
    fixture *f = *state;
    const kw_provider_config config = by_secret();
    const kw_string other = KW_STRING("urn:keyway:test:other");
    start(f, &config, &(kw_authority_config){.resources = &other, .resource_count = 1});
    assert_status(ask(f), KW_BAD_NOT_FOUND);
    assert_int_equal(f->questions, 0);
}

static void a_client_with_a_key_signs_who_it_is(void **state)
{
    fixture *f = *state;
    kw_provider_config config = by_secret();
    assert_status(kw_private_key_generate(KW_KEY_EC_P256, 0, &f->key), KW_GOOD);
    config.client_secret = KW_BYTES_NULL;
    config.key = f->key;
    config.target = KW_PROVIDER_TARGET_NONE;
    config.scope = KW_STRING("plant lines");
    start(f, &config, &(kw_authority_config){.token_lifetime_s = 0});
    give(f, token_of(f));
    assert_status(ask(f), KW_GOOD);
    assert_string_equal(f->authorization, "");
    assert_null(strstr(f->form, "resource="));
    assert_non_null(strstr(f->form, "&scope=plant%20lines&client_id=plant&"));
    const char *assertion = strstr(f->form, "&client_assertion=");
    assert_non_null(assertion);
    const kw_jwt jwt = kw_test_token_claims(f->world, kw_string_from(assertion + strlen("&client_assertion=")));
    assert_true(kw_string_equals(jwt.iss, "plant") && kw_string_equals(jwt.sub, "plant"));
    assert_int_equal(jwt.aud_count, 1);
    assert_true(kw_string_equals(jwt.aud[0], ISSUER));
    assert_int_equal(jwt.exp, kw_datetime_to_unix(f->clock.utc) + 60);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define BARE(name) cmocka_unit_test_setup_teardown(name, setup_bare, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rt_01_and_rt_24_the_provider_gives_the_token_and_it_opens_a_session),
        TEST(rt_24_a_token_is_exchanged_for_one_of_the_resource),
        TEST(rt_24_what_no_server_could_take_is_not_handed_out),
        TEST(az_01_a_facade_says_who_proves_its_users),
        TEST(rt_07_and_rt_26_a_refused_user_is_rejected),
        TEST(rt_28_who_may_not_have_the_token_is_denied),
        TEST(rt_27_neither_side_knows_the_resource),
        TEST(what_is_wrong_with_us_says_nothing_about_the_user),
        TEST(rt_04_without_a_token_there_is_nobody_to_ask_for),
        TEST(metadata_and_answer_share_one_time_out),
        TEST(a_provider_that_takes_all_the_time_is_not_asked),
        TEST(a_dead_provider_is_left_alone_for_a_while),
        TEST(what_stands_before_a_provider_may_say_that_it_is_away),
        BARE(az_04_and_rt_25_only_what_the_service_accepts_is_listed_and_taken),
        BARE(rt_27_a_service_may_be_for_some_resources_only),
        BARE(a_client_with_a_key_signs_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
