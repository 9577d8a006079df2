/* Numbers and health of a Server, as they are told to whoever watches it. */
#include "server/metrics.h"
#include "support/kw_test_authority.h"
#include "support/test.h"

#include <string.h>

static void ignore(void *ctx)
{
    (void)ctx;
}

static void expect(const kw_test_world *w, const char *line, bool is_there)
{
    kw_writer writer;
    kw_writer_init(&writer, 1 << 20);
    kw_server_metrics(w->server, &writer);
    kw_write_u8(&writer, '\0');
    assert_status(kw_writer_status(&writer), KW_GOOD);
    assert_int_equal(strstr((const char *)kw_writer_bytes(&writer).data, line) != NULL, is_there);
    kw_writer_clear(&writer);
}

static void attempts_are_counted_by_kind_and_result_and_name_nobody(void **state)
{
    kw_test_world *w = kw_test_world_new(NULL);
    kw_test_session s;
    (void)state;
    kw_test_world_add_user(w, "operator", "a password", 0);
    kw_test_client *c = kw_test_client_new(w, NULL);
    assert_status(kw_test_create_session(c, &s), KW_GOOD);
    assert_status(kw_test_activate(c, &s, kw_test_user_name(c, &s, "operator", "another one")), KW_BAD_USER_ACCESS_DENIED);
    expect(w, "\nkeyway_identity_proofs_total{token=\"user_name\",result=\"refused\"} 1\n", true);
    expect(w, "\nkeyway_identity_proofs_total{token=\"user_name\",result=\"good\"} 0\n", true);
    assert_status(kw_test_activate(c, &s, kw_test_user_name(c, &s, "operator", "a password")), KW_GOOD);
    expect(w, "\nkeyway_identity_proofs_total{token=\"user_name\",result=\"good\"} 1\n", true);
    expect(w, "\nkeyway_sessions 1\n", true);
    expect(w, "\nkeyway_requests_total{result=\"security\"} 1\n", true);
    expect(w, "operator", false);
    kw_test_world_free(w);
}

static void requests_for_tokens_are_counted_by_method_and_result(void **state)
{
    const kw_test_world_options options = {.authority = {.requests = {.per_second = 1, .burst = 2}}};
    kw_test_world *w = kw_test_world_with_authority(&options);
    kw_test_client *c = kw_test_client_new(w, NULL);
    const kw_test_session s = kw_test_open_as(c, KW_TEST_USER, KW_TEST_PASSWORD);
    (void)state;
    assert_status(kw_test_request_token(c, &s, NULL, NULL), KW_GOOD);
    assert_status(kw_test_request_token_for(c, &s, NULL, "urn:no:such:server", NULL), KW_BAD_NOT_FOUND);
    assert_status(kw_test_request_token(c, &s, NULL, NULL), KW_BAD_TOO_MANY_OPERATIONS);
    expect(w, "\nkeyway_access_tokens_total{method=\"opcua\",grant=\"RequestAccessToken\",result=\"issued\"} 1\n", true);
    expect(w, "\nkeyway_access_tokens_total{method=\"opcua\",grant=\"RequestAccessToken\",result=\"refused\"} 1\n", true);
    expect(w, "\nkeyway_access_tokens_total{method=\"opcua\",grant=\"RequestAccessToken\",result=\"limited\"} 1\n", true);
    expect(w, "\nkeyway_access_tokens_total{method=\"opcua\",grant=\"RefreshToken\",result=\"issued\"} 0\n", true);
    expect(w, "\nkeyway_requests_limited_total{by=\"application\"} 1\n", true);
    kw_test_world_free(w);
}

static void whoever_stops_is_not_healthy(void **state)
{
    kw_test_world *w = kw_test_world_new(NULL);
    (void)state;
    assert_int_equal(kw_server_health_of(w->server), KW_HEALTH_OK);
    kw_server_shutdown(w->server, ignore, NULL);
    assert_int_equal(kw_server_health_of(w->server), KW_HEALTH_STOPPING);
    kw_test_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attempts_are_counted_by_kind_and_result_and_name_nobody),
        cmocka_unit_test(requests_for_tokens_are_counted_by_method_and_result),
        cmocka_unit_test(whoever_stops_is_not_healthy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
