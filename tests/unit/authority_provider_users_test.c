/* Users of a provider: what its tokens must be like, and what their claims say. */
#include "authority/provider_users.h"
#include "identity/jwt.h"
#include "support/kw_test_env.h"
#include "support/test.h"

#include <stdlib.h>

#define ISSUER "https://idp.example"

typedef struct fixture {
    kw_fetch fetch;
    kw_test_clock clock;
    kw_test_random random;
    kw_arena *arena;
    kw_private_key *key;
    kw_provider *provider;
    kw_provider_users *users;
    const char *error; /* NULL: tokens are given */
    kw_string access_token, id_token;
    kw_directory_user user;
} fixture;

static kw_status post(void *ctx, const kw_fetch_form *form, kw_arena *arena, unsigned *code, kw_bytes *out, const char **why)
{
    const fixture *f = ctx;
    (void)form;
    (void)why;
    *code = f->error != NULL ? 400 : 200;
    if (f->error != NULL) {
        *out = kw_arena_format(arena, "{\"error\":\"%s\"}", f->error);
    } else if (f->id_token.len > 0) {
        *out = kw_arena_format(arena, "{\"access_token\":\"%.*s\",\"id_token\":\"%.*s\"}", KW_STRING_ARGS(f->access_token),
                               KW_STRING_ARGS(f->id_token));
    } else {
        *out = kw_arena_format(arena, "{\"access_token\":\"%.*s\"}", KW_STRING_ARGS(f->access_token));
    }
    return KW_GOOD;
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    kw_test_clock_init(&f->clock);
    kw_test_random_init(&f->random, 3);
    f->fetch = (kw_fetch){.post = post, .ctx = f};
    f->arena = kw_arena_new((size_t)1 << 20);
    f->access_token = KW_STRING("opaque");
    assert_int_equal(kw_private_key_generate(KW_KEY_EC_P256, 0, &f->key), KW_GOOD);
    const kw_provider_config config = {.name = KW_STRING("company"),
                                       .issuer = KW_STRING(ISSUER),
                                       .token_endpoint = KW_STRING(ISSUER "/token"),
                                       .client_id = KW_STRING("plant"),
                                       .client_secret = KW_STRING("secret")};
    kw_provider_users_config how = KW_PROVIDER_USERS_DEFAULT;
    how.roles_claim = "realm.roles";
    assert_int_equal(kw_provider_new(&config, &f->fetch, &f->clock.clock, &f->random.random, &KW_LOG_QUIET, &f->provider), KW_GOOD);
    assert_int_equal(kw_provider_users_new(&how, f->provider, &f->clock.clock, &f->users), KW_GOOD);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kw_provider_users_free(f->users);
    kw_provider_free(f->provider);
    kw_private_key_release(f->key);
    kw_arena_free(f->arena);
    free(f);
    return 0;
}

/* `claims` begins with a comma; the token is good for 600 seconds. */
static kw_string token(fixture *f, const char *claims)
{
    kw_string out = KW_BYTES_NULL;
    const kw_string text = kw_arena_format(f->arena, "{\"exp\":%lld%s}", (long long)kw_datetime_to_unix(f->clock.utc) + 600, claims);
    assert_int_equal(kw_jwt_sign(KW_STRING("ES256"), KW_STRING("k"), f->key, text, f->arena, &out), KW_GOOD);
    return out;
}

static kw_status prove(fixture *f)
{
    const kw_user_directory *directory = kw_provider_users_directory(f->users);
    const char *why = "";
    return directory->prove(directory->ctx, KW_STRING("anna"), KW_STRING("a password"), f->arena, &f->user, &why);
}

static kw_status prove_by(fixture *f, const char *claims)
{
    f->id_token = token(f, claims);
    return prove(f);
}

#define WHO ",\"iss\":\"" ISSUER "\",\"aud\":\"plant\",\"sub\":\"u-17\""

static void claims_of_the_id_token_say_who_the_user_is(void **state)
{
    fixture *f = *state;
    assert_int_equal(prove_by(f, WHO ",\"groups\":[\"fitters\",\"night\"],\"realm\":{\"roles\":[\"op\"]}"), KW_GOOD);
    assert_true(kw_string_equals(f->user.id, ISSUER "#u-17"));
    assert_int_equal(f->user.group_count, 2);
    assert_true(kw_string_equals(f->user.groups[1], "night"));
    assert_int_equal(f->user.role_count, 1);
    assert_true(kw_string_equals(f->user.roles[0], "op"));
}

static void claims_that_are_not_there_are_no_groups(void **state)
{
    fixture *f = *state;
    assert_int_equal(prove_by(f, WHO), KW_GOOD);
    assert_int_equal(f->user.group_count, 0);
    assert_int_equal(f->user.role_count, 0);
}

static void a_claim_that_is_called_like_the_path_comes_first(void **state)
{
    fixture *f = *state;
    assert_int_equal(prove_by(f, WHO ",\"realm.roles\":[\"flat\"],\"realm\":{\"roles\":[\"op\"]}"), KW_GOOD);
    assert_true(kw_string_equals(f->user.roles[0], "flat"));
}

static void a_token_of_another_issuer_client_or_time_proves_nobody(void **state)
{
    fixture *f = *state;
    assert_int_equal(prove_by(f, ",\"iss\":\"https://other.example\",\"aud\":\"plant\",\"sub\":\"u-17\""), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_int_equal(prove_by(f, ",\"iss\":\"" ISSUER "\",\"aud\":\"another\",\"sub\":\"u-17\""), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_int_equal(prove_by(f, ",\"iss\":\"" ISSUER "\",\"aud\":\"plant\""), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_int_equal(prove_by(f, WHO ",\"groups\":5"), KW_BAD_RESOURCE_UNAVAILABLE);
    f->id_token = token(f, WHO);
    kw_test_clock_advance(&f->clock, 659000); /* a clock may be off by a minute */
    assert_int_equal(prove(f), KW_GOOD);
    kw_test_clock_advance(&f->clock, 2000);
    assert_int_equal(prove(f), KW_BAD_RESOURCE_UNAVAILABLE);
}

static void without_an_id_token_the_access_token_is_read(void **state)
{
    fixture *f = *state;
    assert_int_equal(prove(f), KW_BAD_RESOURCE_UNAVAILABLE); /* opaque */
    f->access_token = token(f, ",\"iss\":\"" ISSUER "\",\"aud\":\"urn:somewhere\",\"sub\":\"u-17\"");
    assert_int_equal(prove(f), KW_GOOD);
}

static void a_refused_user_is_denied_and_a_refused_client_is_not_the_users_fault(void **state)
{
    fixture *f = *state;
    f->error = "invalid_grant";
    assert_int_equal(prove(f), KW_BAD_USER_ACCESS_DENIED);
    f->error = "invalid_client";
    assert_int_equal(prove(f), KW_BAD_RESOURCE_UNAVAILABLE);
}

static void nobody_is_looked_up_without_a_password(void **state)
{
    fixture *f = *state;
    const kw_user_directory *directory = kw_provider_users_directory(f->users);
    const char *why = "";
    assert_int_equal(prove_by(f, WHO), KW_GOOD);
    assert_int_equal(directory->look_up(directory->ctx, KW_STRING("anna"), f->arena, &f->user, &why), KW_BAD_RESOURCE_UNAVAILABLE);
    assert_int_equal(directory->max_age_s, 3600);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(claims_of_the_id_token_say_who_the_user_is),       TEST(claims_that_are_not_there_are_no_groups),
        TEST(a_claim_that_is_called_like_the_path_comes_first), TEST(a_token_of_another_issuer_client_or_time_proves_nobody),
        TEST(without_an_id_token_the_access_token_is_read),     TEST(a_refused_user_is_denied_and_a_refused_client_is_not_the_users_fault),
        TEST(nobody_is_looked_up_without_a_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
