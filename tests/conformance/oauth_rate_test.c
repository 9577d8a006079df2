/* How often clients of OAuth may come. The exchanges of HTTP are the test's own: no sockets, and the clock stands still. */
#include "authority/oauth.h"
#include "crypto/symmetric.h"
#include "server/metrics.h"
#include "support/kw_test_authority.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_BURST 3
#define ADDRESS_BURST 5
#define HOME "192.0.2.7"

struct kw_http_exchange {
    kw_arena *arena;
    kw_http_request request;
    int status;
    uint32_t retry_s; /* Retry-After; 0: none */
    bool is_known_error;
};

const kw_http_request *kw_http_request_of(const kw_http_exchange *exchange)
{
    return &exchange->request;
}

kw_arena *kw_http_arena(kw_http_exchange *exchange)
{
    return exchange->arena;
}

void kw_http_respond(kw_http_exchange *exchange, const kw_http_response *response)
{
    static const char ERROR[] = "{\"error\":\"temporarily_unavailable\"";
    assert_int_equal(exchange->status, 0); /* exactly once */
    exchange->status = response->status;
    exchange->is_known_error = response->body.len > sizeof(ERROR) && memcmp(response->body.data, ERROR, sizeof(ERROR) - 1) == 0;
    for (size_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, "Retry-After") == 0) {
            const kw_string value = response->headers[i].value;
            char text[16];
            snprintf(text, sizeof(text), "%.*s", KW_STRING_ARGS(value));
            exchange->retry_s = (uint32_t)strtoul(text, NULL, 10);
        }
    }
}

/* --- the service ------------------------------------------------------------------------------------------------------------- */

typedef struct web {
    kw_test_world *world;
    kw_oauth *oauth;
} web;

static void add_client(kw_test_world *world, const char *id, const char *secret)
{
    uint8_t hash[32];
    const kw_bytes bytes = kw_string_from(secret);
    kw_oauth_client client = {.id = kw_string_from(id), .name = kw_string_from(id), .grants = KW_STRING("client_credentials")};
    if (secret != NULL) {
        assert_status(kw_hash_of(KW_HASH_SHA256, &bytes, 1, hash), KW_GOOD);
        client.secret_hash = (kw_bytes){hash, sizeof(hash)};
    }
    assert_status(kw_store_oauth_client_add(world->store->store, &client), KW_GOOD);
}

static int setup(void **state)
{
    const kw_oauth_rates rates = {.client = {.per_second = 1, .burst = CLIENT_BURST}, .address = {.per_second = 1, .burst = ADDRESS_BURST}};
    web *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->world = kw_test_world_with_authority(NULL);
    assert_status(kw_oauth_new(w->world->authority, w->world->server, &w->world->env, &rates, &w->oauth), KW_GOOD);
    assert_status(kw_oauth_publish(w->oauth, KW_STRING("https://plant.example")), KW_GOOD);
    add_client(w->world, "historian", "a secret");
    add_client(w->world, "gateway", "another secret");
    add_client(w->world, "panel", NULL);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    web *w = *state;
    kw_oauth_stop(w->oauth);
    kw_oauth_free(w->oauth);
    kw_test_world_free(w->world);
    free(w);
    return 0;
}

static kw_http_exchange ask(web *w, const char *method, const char *path, const char *content, const char *address)
{
    kw_http_exchange exchange = {.arena = kw_arena_new((size_t)1 << 20),
                                 .request = {.method = kw_string_from(method),
                                             .path = kw_string_from(path),
                                             .content_type = KW_STRING("application/x-www-form-urlencoded"),
                                             .body = kw_string_from(content),
                                             .address = kw_string_from(address)}};
    assert_non_null(exchange.arena);
    kw_oauth_handle(w->oauth, &exchange);
    assert_int_not_equal(exchange.status, 0);
    kw_arena_free(exchange.arena);
    return exchange;
}

/* Introspection of nothing: a proven client is told that it may not, or that it is inactive. */
static int introspect(web *w, const char *id, const char *secret, const char *address)
{
    char content[256];
    snprintf(content, sizeof(content), "client_id=%s%s%s&token=x", id, secret != NULL ? "&client_secret=" : "",
             secret != NULL ? secret : "");
    return ask(w, "POST", "/introspect", content, address).status;
}

static void expect_limited(const kw_http_exchange *answer)
{
    assert_int_equal(answer->status, 429);
    assert_true(answer->is_known_error);
    assert_int_equal(answer->retry_s, 1);
}

static size_t count_records(web *w, const char *event)
{
    kw_audit_record *records = NULL;
    size_t count = 0, found = 0;
    assert_status(kw_store_audit_list(w->world->store->store, 0, 1000, w->world->arena, &records, &count), KW_GOOD);
    for (size_t i = 0; i < count; i++) {
        found += kw_string_equals(records[i].event, event);
    }
    return found;
}

static void expect_metric(const web *w, const char *line)
{
    kw_writer writer;
    kw_writer_init(&writer, 1 << 20);
    kw_server_metrics(w->world->server, &writer);
    kw_write_u8(&writer, '\0');
    assert_non_null(strstr((const char *)kw_writer_bytes(&writer).data, line));
    kw_writer_clear(&writer);
}

/* --- tests --------------------------------------------------------------------------------------------------------------------- */

static void a_client_has_its_turns_wherever_it_calls_from(void **state)
{
    web *w = *state;
    const char *const from[] = {"192.0.2.1", "192.0.2.2", "2001:db8::1"};
    for (int i = 0; i < CLIENT_BURST; i++) {
        assert_int_equal(introspect(w, "historian", "a+secret", from[i]), 200);
    }
    const kw_http_exchange over = ask(w, "POST", "/introspect", "client_id=historian&client_secret=a+secret&token=x", "192.0.2.9");
    expect_limited(&over);
    assert_int_equal(introspect(w, "gateway", "another+secret", HOME), 200); /* it alone */
    kw_test_world_advance(w->world, 1000);
    assert_int_equal(introspect(w, "historian", "a+secret", HOME), 200);
    assert_int_equal(introspect(w, "historian", "a+secret", HOME), 429);
}

static void nobody_uses_up_the_turns_of_a_client_that_he_is_not(void **state)
{
    web *w = *state;
    for (int i = 0; i < ADDRESS_BURST; i++) {
        assert_int_equal(introspect(w, "historian", "a+guess", HOME), 401);
    }
    assert_int_equal(introspect(w, "historian", "a+guess", HOME), 429);
    assert_int_equal(count_records(w, "ClientRefused"), ADDRESS_BURST);
    assert_int_equal(introspect(w, "historian", "a+secret", "192.0.2.8"), 200);
}

static void a_client_that_is_at_work_does_not_open_the_door_to_guesses(void **state)
{
    web *w = *state;
    int refused = 0;
    assert_int_equal(introspect(w, "historian", "a+secret", "192.0.2.8"), 200); /* it is known from now on */
    for (int i = 0; i < 3 * (ADDRESS_BURST + CLIENT_BURST); i++) {
        refused += introspect(w, "historian", "a+guess", HOME) == 429;
    }
    assert_true(refused >= ADDRESS_BURST + CLIENT_BURST);
    assert_int_equal(introspect(w, "historian", "a+secret", HOME), 429); /* not even the right one tells him more */
    assert_int_equal(introspect(w, "historian", "a+secret", "192.0.2.8"), 200);
}

static void a_client_that_is_in_order_does_not_suffer_from_its_neighbours(void **state)
{
    web *w = *state;
    assert_int_equal(introspect(w, "historian", "a+secret", HOME), 200);
    for (int i = 0; i < ADDRESS_BURST; i++) {
        assert_int_equal(introspect(w, "nobody", "knows", HOME), 401);
    }
    assert_int_equal(introspect(w, "nobody", "knows", HOME), 429);
    assert_int_equal(introspect(w, "historian", "a+secret", HOME), 200);
    assert_int_equal(introspect(w, "historian", "a+guess", HOME), 429); /* and is no way around */
}

static void made_up_clients_share_the_turns_of_their_address(void **state)
{
    web *w = *state;
    char name[16];
    for (int i = 0; i < ADDRESS_BURST; i++) {
        snprintf(name, sizeof(name), "c%d", i);
        assert_int_equal(introspect(w, name, "x", "2001:db8:0:1::1"), 401);
    }
    assert_int_equal(introspect(w, "c99", "x", "2001:db8:0:1:aaaa::2"), 429); /* the same network */
    assert_int_equal(introspect(w, "c99", "x", "2001:db8:0:2::1"), 401);
}

static void a_public_client_has_its_turns_at_each_address(void **state)
{
    web *w = *state;
    for (int i = 0; i < CLIENT_BURST; i++) {
        assert_int_not_equal(introspect(w, "panel", NULL, HOME), 429);
    }
    assert_int_equal(introspect(w, "panel", NULL, HOME), 429);
    assert_int_not_equal(introspect(w, "panel", NULL, "192.0.2.8"), 429);
}

static void pages_and_metadata_are_counted_by_address(void **state)
{
    web *w = *state;
    for (int i = 0; i < ADDRESS_BURST; i++) {
        assert_int_equal(ask(w, "GET", i % 2 != 0 ? "/jwks" : "/.well-known/openid-configuration", NULL, HOME).status, 200);
    }
    const kw_http_exchange over = ask(w, "GET", "/device", NULL, HOME);
    expect_limited(&over);
    assert_int_equal(ask(w, "GET", "/jwks", NULL, "192.0.2.8").status, 200);
}

static void too_many_requests_are_counted_and_recorded_once_in_a_while(void **state)
{
    web *w = *state;
    for (int i = 0; i < CLIENT_BURST; i++) {
        introspect(w, "historian", "a+secret", HOME);
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(introspect(w, "historian", "a+secret", HOME), 429);
    }
    assert_int_equal(count_records(w, "TooManyRequests"), 1);
    expect_metric(w, "\nkeyway_requests_limited_total{by=\"client\"} 10\n");
    expect_metric(w, "\nkeyway_requests_limited_total{by=\"address\"} 0\n");
    kw_test_world_advance(w->world, KW_RATE_QUIET_MS);
    for (int i = 0; i < CLIENT_BURST + 2; i++) {
        introspect(w, "historian", "a+secret", HOME);
    }
    assert_int_equal(count_records(w, "TooManyRequests"), 2);
}

static void requests_for_tokens_are_counted_by_grant_and_result(void **state)
{
    web *w = *state;
    static const char ASK[] = "client_id=historian&client_secret=a+secret&grant_type=";
    char content[256];
    snprintf(content, sizeof(content), "%sclient_credentials", ASK);
    assert_int_equal(ask(w, "POST", "/token", content, HOME).status, 200);
    snprintf(content, sizeof(content), "%spassword", ASK);
    assert_int_equal(ask(w, "POST", "/token", content, HOME).status, 400);
    assert_int_equal(ask(w, "POST", "/token", content, HOME).status, 400);
    assert_int_equal(ask(w, "POST", "/token", content, HOME).status, 429);
    expect_metric(w, "\nkeyway_access_tokens_total{method=\"oauth\",grant=\"client_credentials\",result=\"issued\"} 1\n");
    expect_metric(w, "\nkeyway_access_tokens_total{method=\"oauth\",grant=\"other\",result=\"refused\"} 2\n");
    expect_metric(w, "\nkeyway_access_tokens_total{method=\"oauth\",grant=\"other\",result=\"limited\"} 1\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_client_has_its_turns_wherever_it_calls_from),
        TEST(nobody_uses_up_the_turns_of_a_client_that_he_is_not),
        TEST(a_client_that_is_at_work_does_not_open_the_door_to_guesses),
        TEST(a_client_that_is_in_order_does_not_suffer_from_its_neighbours),
        TEST(made_up_clients_share_the_turns_of_their_address),
        TEST(a_public_client_has_its_turns_at_each_address),
        TEST(pages_and_metadata_are_counted_by_address),
        TEST(too_many_requests_are_counted_and_recorded_once_in_a_while),
        TEST(requests_for_tokens_are_counted_by_grant_and_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
