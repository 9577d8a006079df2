/* Where keys of issuers are looked for, and which answers are believed. */
#include "identity/jwt.h"
#include "identity/key_fetch.h"
#include "support/kw_test_env.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASKED_MAX = 8 };

/* A web of a few pages; keeps what was asked for. */
typedef struct fixture {
    kw_fetch fetch;
    kw_test_clock clock;
    kw_arena *arena;
    struct {
        const char *url, *content;
    } pages[4];
    const char *asked[ASKED_MAX];
    kw_bytes ca[ASKED_MAX];
    uint32_t timeouts[ASKED_MAX];
    size_t count;
    uint64_t slowness_ms; /* of each answer */
    kw_bytes jwks;
    const char *why;
} fixture;

static kw_status get(void *ctx, const kw_fetch_request *request, kw_arena *arena, kw_bytes *out, const char **why)
{
    fixture *f = ctx;
    assert_true(f->count < ASKED_MAX);
    f->ca[f->count] = request->ca;
    f->timeouts[f->count] = request->timeout_ms;
    f->asked[f->count++] = kw_arena_cstring(arena, request->url);
    kw_test_clock_advance(&f->clock, f->slowness_ms);
    for (size_t i = 0; i < sizeof(f->pages) / sizeof(f->pages[0]); i++) {
        if (f->pages[i].url != NULL && kw_string_equals(request->url, f->pages[i].url)) {
            *out = kw_string_from(f->pages[i].content);
            return KW_GOOD;
        }
    }
    *why = "no such page";
    return KW_BAD_NOT_FOUND;
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    kw_test_clock_init(&f->clock);
    f->fetch = (kw_fetch){.get = get, .ctx = f};
    f->arena = kw_arena_new((size_t)1 << 20);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kw_arena_free(f->arena);
    free(f);
    return 0;
}

static kw_status fetch_keys(fixture *f, const char *kind, const char *uri, const char *location)
{
    const kw_issuer issuer = {
        .uri = kw_string_from(uri), .kind = kw_string_from(kind), .location = kw_string_from(location), .ca = KW_STRING("pem")};
    f->count = 0;
    f->why = NULL;
    f->jwks = KW_BYTES_NULL;
    const kw_status status = kw_issuer_fetch_keys(&f->fetch, &f->clock.clock, &issuer, 5000, f->arena, &f->jwks, &f->why);
    assert_true(!kw_status_is_bad(status) || f->why != NULL);
    assert_int_equal(kw_status_is_bad(status), f->jwks.data == NULL);
    return status;
}

#define EMPTY "{\"keys\":[]}"

static void a_jwk_set_is_fetched_by_its_url(void **state)
{
    fixture *f = *state;
    f->pages[0].url = "https://idp.example/keys";
    f->pages[0].content = EMPTY;
    assert_status(fetch_keys(f, "jwks-url", "urn:idp", "https://idp.example/keys"), KW_GOOD);
    assert_text(f->jwks, EMPTY);
    assert_int_equal(f->count, 1);
    assert_text(f->ca[0], "pem");
    assert_int_equal(f->timeouts[0], 5000);
    f->pages[0].content = "<html>";
    assert_status(fetch_keys(f, "jwks-url", "urn:idp", "https://idp.example/keys"), KW_BAD_DECODING_ERROR);
}

static void metadata_is_looked_for_behind_the_issuer_s_path(void **state)
{
    fixture *f = *state;
    f->pages[0].url = "https://idp.example/a/.well-known/openid-configuration";
    f->pages[0].content = "{\"issuer\":\"https://idp.example/a\",\"jwks_uri\":\"https://keys.example/k\"}";
    f->pages[1].url = "https://keys.example/k";
    f->pages[1].content = EMPTY;
    assert_status(fetch_keys(f, "discover", "https://idp.example/a", "https://idp.example/a"), KW_GOOD);
    assert_int_equal(f->count, 2);
    assert_text(f->ca[1], "pem");
    assert_status(fetch_keys(f, "discover", "https://idp.example/a", "https://idp.example/a/"), KW_GOOD); /* one slash, not two */
    assert_string_equal(f->asked[0], f->pages[0].url);
}

/* RFC 8414, 3.1 */
static void metadata_of_oauth_is_looked_for_before_the_path(void **state)
{
    fixture *f = *state;
    f->pages[0].url = "https://idp.example:8443/.well-known/oauth-authorization-server/a/b";
    f->pages[0].content = "{\"issuer\":\"https://idp.example:8443/a/b\",\"jwks_uri\":\"https://idp.example:8443/k\"}";
    f->pages[1].url = "https://idp.example:8443/k";
    f->pages[1].content = EMPTY;
    assert_status(fetch_keys(f, "discover", "https://idp.example:8443/a/b", "https://idp.example:8443/a/b"), KW_GOOD);
    assert_int_equal(f->count, 3);
    f->pages[0].url = "https://idp.example:8443/.well-known/oauth-authorization-server";
    f->pages[0].content = "{\"issuer\":\"https://idp.example:8443\",\"jwks_uri\":\"https://idp.example:8443/k\"}";
    assert_status(fetch_keys(f, "discover", "https://idp.example:8443", "https://idp.example:8443"), KW_GOOD);
    assert_status(fetch_keys(f, "discover", "https://idp.example:8443", "https://idp.example:8443/"), KW_GOOD);
}

static void metadata_may_be_named_itself(void **state)
{
    fixture *f = *state;
    f->pages[0].url = "https://idp.example/.well-known/special?tenant=7";
    f->pages[0].content = "{\"issuer\":\"urn:idp\",\"jwks_uri\":\"https://idp.example/k\"}";
    f->pages[1].url = "https://idp.example/k";
    f->pages[1].content = EMPTY;
    assert_status(fetch_keys(f, "discover", "urn:idp", f->pages[0].url), KW_GOOD);
    assert_int_equal(f->count, 2);
}

static void nothing_found_is_said(void **state)
{
    fixture *f = *state;
    assert_status(fetch_keys(f, "discover", "https://idp.example", "https://idp.example"), KW_BAD_NOT_FOUND);
    assert_int_equal(f->count, 2);
}

/* An issuer that speaks for another one could make tokens of it. */
static void metadata_of_another_issuer_is_refused(void **state)
{
    fixture *f = *state;
    static const char *const OTHERS[] = {"https://evil.example", "https://idp.example/", "HTTPS://idp.example", "https://idp.example:443"};
    f->pages[0].url = "https://idp.example/.well-known/openid-configuration";
    f->pages[1].url = "https://idp.example/k";
    f->pages[1].content = EMPTY;
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
        f->pages[0].content =
            (const char *)kw_arena_format(f->arena, "{\"issuer\":\"%s\",\"jwks_uri\":\"https://idp.example/k\"}", OTHERS[i]).data;
        assert_status(fetch_keys(f, "discover", "https://idp.example", "https://idp.example"), KW_BAD_SECURITY_CHECKS_FAILED);
        assert_int_equal(f->count, 1); /* its keys are not even looked at */
    }
}

static void bad_metadata_is_refused(void **state)
{
    fixture *f = *state;
    static const char *const BAD[] = {
        "",
        "[]",
        "{\"jwks_uri\":\"https://idp.example/k\"}",
        "{\"issuer\":\"https://idp.example\"}",
        "{\"issuer\":7,\"jwks_uri\":\"https://idp.example/k\"}",
        "{\"issuer\":\"https://idp.example\",\"jwks_uri\":[\"https://idp.example/k\"]}",
        "{\"issuer\":\"https://evil.example\",\"issuer\":\"https://idp.example\",\"jwks_uri\":\"https://idp.example/k\"}",
    };
    f->pages[0].url = "https://idp.example/.well-known/openid-configuration";
    f->pages[1].url = "https://idp.example/k";
    f->pages[1].content = EMPTY;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        f->pages[0].content = BAD[i];
        assert_status(fetch_keys(f, "discover", "https://idp.example", "https://idp.example"), KW_BAD_DECODING_ERROR);
    }
}

static void keys_lie_on_https_or_beside_the_metadata(void **state)
{
    fixture *f = *state;
    static const char *const BAD[] = {"http://idp.example/k", "http://127.0.0.1:80801/k", "http://127.0.0.1/k",
                                      "file:///etc/keys",     "//127.0.0.1:8080/k",       "https://"};
    f->pages[0].url = "http://127.0.0.1:8080/.well-known/openid-configuration";
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        f->pages[0].content =
            (const char *)kw_arena_format(f->arena, "{\"issuer\":\"http://127.0.0.1:8080\",\"jwks_uri\":\"%s\"}", BAD[i]).data;
        assert_status(fetch_keys(f, "discover", "http://127.0.0.1:8080", "http://127.0.0.1:8080"), KW_BAD_REQUEST_NOT_ALLOWED);
        assert_int_equal(f->count, 1);
    }
    f->pages[0].content = "{\"issuer\":\"http://127.0.0.1:8080\",\"jwks_uri\":\"http://127.0.0.1:8080/k\"}";
    f->pages[1].url = "http://127.0.0.1:8080/k";
    f->pages[1].content = EMPTY;
    assert_status(fetch_keys(f, "discover", "http://127.0.0.1:8080", "http://127.0.0.1:8080"), KW_GOOD);
}

static void urls_that_are_none_are_not_asked_for(void **state)
{
    fixture *f = *state;
    static const char *const BAD[] = {
        "", "idp.example", "https://", "ftp://idp.example", "https://idp.example?x=1", "https://idp.example/#a"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        assert_status(fetch_keys(f, "discover", "https://idp.example", BAD[i]), KW_BAD_INVALID_ARGUMENT);
        assert_int_equal(f->count, 0);
    }
}

/* A slow issuer has one time-out, not one for each of its documents. */
static void the_time_is_for_all_of_it(void **state)
{
    fixture *f = *state;
    f->slowness_ms = 2000;
    f->pages[0].url = "https://idp.example/.well-known/oauth-authorization-server";
    f->pages[0].content = "{\"issuer\":\"https://idp.example\",\"jwks_uri\":\"https://idp.example/k\"}";
    f->pages[1].url = "https://idp.example/k";
    f->pages[1].content = EMPTY;
    assert_status(fetch_keys(f, "discover", "https://idp.example", "https://idp.example"), KW_GOOD);
    assert_int_equal(f->timeouts[0], 5000);
    assert_int_equal(f->timeouts[2], 1000);
    f->slowness_ms = 2500;
    assert_status(fetch_keys(f, "discover", "https://idp.example", "https://idp.example"), KW_BAD_TIMEOUT);
    assert_int_equal(f->count, 2);
}

/* --- what is in the set ------------------------------------------------------------------------------------------------------- */

#define POINT                                                                                                                              \
    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\",\"y\":"                                        \
    "\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\""

static size_t usable(const char *members)
{
    char text[1024];
    kw_jwks *jwks = NULL;
    const char *why = "";
    snprintf(text, sizeof(text), "{\"keys\":[{%s}]}", members);
    assert_status(kw_jwks_parse(kw_string_from(text), &jwks, &why), KW_GOOD);
    const size_t count = kw_jwks_count(jwks);
    kw_jwks_release(jwks);
    return count;
}

static void only_keys_for_signatures_are_taken(void **state)
{
    (void)state;
    assert_int_equal(usable(POINT), 1);
    assert_int_equal(usable(POINT ",\"use\":\"sig\""), 1);
    assert_int_equal(usable(POINT ",\"use\":\"enc\""), 0);
    assert_int_equal(usable(POINT ",\"key_ops\":[\"verify\"]"), 1);
    assert_int_equal(usable(POINT ",\"key_ops\":[\"encrypt\",\"wrapKey\"]"), 0);
    assert_int_equal(usable(POINT ",\"alg\":\"ES256\""), 1);
    assert_int_equal(usable(POINT ",\"alg\":\"RS256\""), 0); /* it is no RSA key */
    assert_int_equal(usable(POINT ",\"alg\":\"ECDH-ES\""), 0);
    assert_int_equal(usable("\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"alg\":\"HS256\",\"kid\":\"a\""),
                     0); /* everybody who reads it could sign */
    assert_int_equal(usable("\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"alg\":\"RS256\""), 0);
}

static void a_set_with_a_private_key_is_refused(void **state)
{
    (void)state;
    kw_jwks *jwks = NULL;
    const char *why = NULL;
    const kw_string text = KW_STRING("{\"keys\":[{" POINT "},{" POINT ",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\"}]}");
    assert_status(kw_jwks_parse(text, &jwks, &why), KW_BAD_DECODING_ERROR);
    assert_non_null(strstr(why, "private"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_jwk_set_is_fetched_by_its_url),
        TEST(metadata_is_looked_for_behind_the_issuer_s_path),
        TEST(metadata_of_oauth_is_looked_for_before_the_path),
        TEST(metadata_may_be_named_itself),
        TEST(nothing_found_is_said),
        TEST(metadata_of_another_issuer_is_refused),
        TEST(bad_metadata_is_refused),
        TEST(keys_lie_on_https_or_beside_the_metadata),
        TEST(urls_that_are_none_are_not_asked_for),
        TEST(the_time_is_for_all_of_it),
        TEST(only_keys_for_signatures_are_taken),
        TEST(a_set_with_a_private_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
