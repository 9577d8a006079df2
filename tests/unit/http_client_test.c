/* The HTTPS client against a server of its own: what it takes, and all that it refuses. */
#include "http/client.h"
#include "support/kw_test_store.h"
#include "support/kw_test_web.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fixture {
    kw_test_web *web, *plain;
    kw_arena *arena;
    kw_http_rules rules;
    const char *why;
    kw_bytes content;
    char elsewhere[128]; /* a URL of the plain server */
} fixture;

static kw_test_web_page look(void *ctx, const char *path)
{
    const fixture *f = ctx;
    int hops = 0;
    if (strcmp(path, "/keys") == 0) {
        return (kw_test_web_page){.status = 200, .content = "{\"keys\":[]}"};
    }
    if (strcmp(path, "/empty") == 0) {
        return (kw_test_web_page){.status = 200};
    }
    if (strcmp(path, "/large") == 0) {
        return (kw_test_web_page){.status = 200, .content = "0123456789abcdef", .repeat = 65536};
    }
    if (strcmp(path, "/silent") == 0) {
        return (kw_test_web_page){.status = 0};
    }
    if (strcmp(path, "/broken") == 0) {
        return (kw_test_web_page){.status = 500, .content = "{\"keys\":[]}"};
    }
    if (strcmp(path, "/down") == 0) {
        return (kw_test_web_page){.status = 302, .location = f->elsewhere};
    }
    if (strcmp(path, "/file") == 0) {
        return (kw_test_web_page){.status = 302, .location = "file:///etc/passwd"};
    }
    if (strcmp(path, "/metadata") == 0) {
        return (kw_test_web_page){.status = 302, .location = "https://169.254.169.254/latest"};
    }
    if (strcmp(path, "/password") == 0) {
        return (kw_test_web_page){.status = 302, .location = "https://me:secret@127.0.0.1/keys"};
    }
    if (sscanf(path, "/hops/%d", &hops) == 1) {
        static const char *const NEXT[] = {"/keys", "/hops/0", "/hops/1", "/hops/2"};
        return (kw_test_web_page){.status = 307, .location = NEXT[hops]};
    }
    return (kw_test_web_page){.status = 404};
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->web = kw_test_web_new(true, look, f);
    f->plain = kw_test_web_new(false, look, f);
    snprintf(f->elsewhere, sizeof(f->elsewhere), "%s/keys", kw_test_web_url(f->plain));
    f->arena = kw_arena_new((size_t)16 << 20);
    f->rules = KW_HTTP_RULES_DEFAULT;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kw_test_web_free(f->web);
    kw_test_web_free(f->plain);
    kw_arena_free(f->arena);
    free(f);
    return 0;
}

static kw_status get_url(fixture *f, const char *url, kw_bytes ca, uint32_t timeout_ms)
{
    const kw_fetch fetch = kw_http_fetch(&f->rules);
    const kw_fetch_request request = {.url = kw_string_from(url), .ca = ca, .timeout_ms = timeout_ms};
    f->why = NULL;
    f->content = KW_BYTES_NULL;
    const kw_status status = fetch.get(fetch.ctx, &request, f->arena, &f->content, &f->why);
    assert_int_equal(f->why != NULL, kw_status_is_bad(status)); /* a reason, always */
    return status;
}

static kw_status get_from(fixture *f, const kw_test_web *web, const char *path)
{
    const kw_string url = kw_arena_format(f->arena, "%s%s", kw_test_web_url(web), path);
    return get_url(f, (const char *)url.data, web == f->web ? kw_test_web_ca(web) : KW_BYTES_NULL, 60000);
}

static void content_is_fetched_from_a_server_that_proves_itself(void **state)
{
    fixture *f = *state;
    assert_status(get_from(f, f->web, "/keys"), KW_GOOD);
    assert_text(f->content, "{\"keys\":[]}");
    assert_status(get_from(f, f->web, "/empty"), KW_GOOD);
    assert_non_null(f->content.data);
    assert_int_equal(f->content.len, 0);
}

static void a_server_that_nobody_vouches_for_is_refused(void **state)
{
    fixture *f = *state;
    char url[128];
    snprintf(url, sizeof(url), "%s/keys", kw_test_web_url(f->web));
    assert_status(get_url(f, url, KW_BYTES_NULL, 60000), KW_BAD_SECURITY_CHECKS_FAILED); /* the system's authorities do not know it */
    kw_test_web *other = kw_test_web_new(true, look, f);
    assert_status(get_url(f, url, kw_test_web_ca(other), 60000), KW_BAD_SECURITY_CHECKS_FAILED);
    kw_test_web_free(other);
    assert_int_equal(kw_test_web_requests(f->web), 0); /* it was not even asked */
}

static void a_certificate_for_another_name_is_refused(void **state)
{
    fixture *f = *state;
    const char *port = strrchr(kw_test_web_url(f->web), ':');
    char url[128];
    snprintf(url, sizeof(url), "https://localhost%s/keys", port); /* it is for 127.0.0.1 */
    assert_status(get_url(f, url, kw_test_web_ca(f->web), 60000), KW_BAD_SECURITY_CHECKS_FAILED);
    assert_int_equal(kw_test_web_requests(f->web), 0);
}

static void more_than_the_limit_is_refused(void **state)
{
    fixture *f = *state;
    assert_status(get_from(f, f->web, "/large"), KW_BAD_RESPONSE_TOO_LARGE);
    assert_null(f->content.data);
    f->rules.max_size = (size_t)2 << 20;
    assert_status(get_from(f, f->web, "/large"), KW_GOOD);
    assert_int_equal(f->content.len, 16u * 65537u);
}

static void an_answer_that_is_none_is_an_error(void **state)
{
    fixture *f = *state;
    assert_status(get_from(f, f->web, "/nowhere"), KW_BAD_NOT_FOUND);
    assert_status(get_from(f, f->web, "/broken"), KW_BAD_COMMUNICATION_ERROR);
    assert_non_null(strstr(f->why, "500"));
    assert_null(f->content.data);
}

static void a_silent_server_is_given_up(void **state)
{
    fixture *f = *state;
    char url[128];
    snprintf(url, sizeof(url), "%s/silent", kw_test_web_url(f->plain));
    assert_status(get_url(f, url, KW_BYTES_NULL, 50), KW_BAD_TIMEOUT);
}

static void a_server_that_is_gone_is_an_error(void **state)
{
    fixture *f = *state;
    char url[128];
    snprintf(url, sizeof(url), "%s/keys", kw_test_web_url(f->plain));
    kw_test_web_free(f->plain);
    assert_status(get_url(f, url, KW_BYTES_NULL, 60000), KW_BAD_COMMUNICATION_ERROR);
    f->plain = kw_test_web_new(false, look, f);
}

static void three_redirects_are_followed_and_no_more(void **state)
{
    fixture *f = *state;
    assert_status(get_from(f, f->web, "/hops/2"), KW_GOOD);
    assert_text(f->content, "{\"keys\":[]}");
    assert_int_equal(kw_test_web_requests(f->web), 4);
    assert_status(get_from(f, f->web, "/hops/3"), KW_BAD_COMMUNICATION_ERROR);
    assert_int_equal(kw_test_web_requests(f->web), 8);
}

static void redirects_lead_to_https_only(void **state)
{
    fixture *f = *state;
    assert_status(get_from(f, f->web, "/down"), KW_BAD_REQUEST_NOT_ALLOWED);
    assert_status(get_from(f, f->plain, "/hops/0"), KW_BAD_REQUEST_NOT_ALLOWED);
    assert_status(get_from(f, f->web, "/file"), KW_BAD_REQUEST_NOT_ALLOWED);
    assert_status(get_from(f, f->web, "/metadata"), KW_BAD_REQUEST_NOT_ALLOWED);
    assert_status(get_from(f, f->web, "/password"), KW_BAD_INVALID_ARGUMENT);
    assert_int_equal(kw_test_web_requests(f->plain), 1);
}

static void urls_that_are_not_fetched(void **state)
{
    fixture *f = *state;
    static const char *const URLS[] = {
        "",
        "keys.json",
        "file:///etc/passwd",
        "ftp://127.0.0.1/keys",
        "gopher://127.0.0.1/x",
        "https://me@127.0.0.1/",
        "https://me:x@127.0.0.1/",
        "https://",
        "opc.tcp://127.0.0.1:4840",
    };
    for (size_t i = 0; i < sizeof(URLS) / sizeof(URLS[0]); i++) {
        assert_status(get_url(f, URLS[i], KW_BYTES_NULL, 1000), KW_BAD_INVALID_ARGUMENT);
    }
}

static void addresses_that_are_not_fetched_from(void **state)
{
    fixture *f = *state;
    static const char *const URLS[] = {
        "https://169.254.169.254/latest/meta-data/",
        "http://169.254.169.254/",
        "https://[fe80::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://0.0.0.0/",
        "https://2852039166/", /* the first one again, as a number */
        "https://[fd00:ec2::254]/",
    };
    for (size_t i = 0; i < sizeof(URLS) / sizeof(URLS[0]); i++) {
        assert_status(get_url(f, URLS[i], KW_BYTES_NULL, 60000), KW_BAD_REQUEST_NOT_ALLOWED);
    }
}

/* 192.0.2.1 is an address of nobody: that it is not even tried is what counts. */
static void plain_http_stays_on_this_machine(void **state)
{
    fixture *f = *state;
    assert_status(get_from(f, f->plain, "/keys"), KW_GOOD);
    assert_status(get_url(f, "http://192.0.2.1/keys", KW_BYTES_NULL, 60000), KW_BAD_REQUEST_NOT_ALLOWED);
    f->rules.allow_plain = true;
    const kw_status status = get_url(f, "http://192.0.2.1/keys", KW_BYTES_NULL, 10);
    assert_true(kw_status_is_bad(status) && status != KW_BAD_REQUEST_NOT_ALLOWED);
}

static void the_environment_has_no_say(void **state)
{
    fixture *f = *state;
    setenv("http_proxy", "http://192.0.2.1:3128", 1);
    setenv("https_proxy", "http://192.0.2.1:3128", 1);
    assert_status(get_from(f, f->plain, "/keys"), KW_GOOD);
    assert_status(get_from(f, f->web, "/keys"), KW_GOOD);
    unsetenv("http_proxy");
    unsetenv("https_proxy");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(content_is_fetched_from_a_server_that_proves_itself),
        TEST(a_server_that_nobody_vouches_for_is_refused),
        TEST(a_certificate_for_another_name_is_refused),
        TEST(more_than_the_limit_is_refused),
        TEST(an_answer_that_is_none_is_an_error),
        TEST(a_silent_server_is_given_up),
        TEST(a_server_that_is_gone_is_an_error),
        TEST(three_redirects_are_followed_and_no_more),
        TEST(redirects_lead_to_https_only),
        TEST(urls_that_are_not_fetched),
        TEST(addresses_that_are_not_fetched_from),
        TEST(plain_http_stays_on_this_machine),
        TEST(the_environment_has_no_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
