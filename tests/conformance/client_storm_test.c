/*
 * A Subscription of the library's Client in bad weather, from seeds: connections that break anywhere, fall silent or are late,
 * Sessions that end, Servers that are started anew. Each value comes once and in order; none is left out while the Server lives.
 */
#include "support/kw_test_network.h"
#include "support/test.h"

#include <keyway/client_subscription.h>

#include <stdlib.h>

#define INTERVAL 100
#define QUEUE 1000
#define STEPS 150
#define SEEDS 8
#define SEEDS_LONG 200

typedef struct storm {
    kw_test_network *network;
    kw_client *client;
    uint64_t random;
    uint64_t seed;
    int32_t value;     /* of the Server */
    int32_t delivered; /* last */
    bool may_skip;     /* the Server has lost what was between */
    size_t count, renewed, transferred, back;
} storm;

static uint32_t below(storm *s, uint32_t bound)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (uint32_t)(s->random >> 33) % bound;
}

static void on_change(void *ctx, kw_client_item *item, const kw_data_value *value)
{
    storm *s = ctx;
    const int32_t *number = kw_variant_get(&value->value, KW_BUILTIN_INT32);
    (void)item;
    if (number == NULL || *number <= s->delivered || (*number != s->delivered + 1 && !s->may_skip)) {
        fail_msg("seed %u: %d after %d, status %s", (unsigned)s->seed, number != NULL ? *number : -1, s->delivered,
                 kw_status_name(value->has_status ? value->status : KW_GOOD));
    }
    s->delivered = *number;
    s->may_skip = false;
    s->count++;
}

static void fair_weather(kw_test_network *n)
{
    n->is_dropping = false;
    n->to_client_left = n->to_server_left = SIZE_MAX;
    n->delay_ms = 0;
}

/* Between two attempts to connect it clears up: otherwise there would never be another connection. */
static void (*sleep_on)(void *ctx, uint64_t until);

static void clear_up(void *ctx, uint64_t until)
{
    fair_weather(ctx);
    sleep_on(ctx, until);
}

static void on_news(void *ctx, kw_client_subscription *subscription, kw_client_news news, kw_status status)
{
    storm *s = ctx;
    (void)subscription;
    if (news == KW_CLIENT_NEWS_MISSED || news == KW_CLIENT_NEWS_ENDED || news == KW_CLIENT_NEWS_REFUSED) {
        fail_msg("seed %u: news %d, %s", (unsigned)s->seed, (int)news, kw_status_name(status));
    }
    s->may_skip = s->may_skip || news == KW_CLIENT_NEWS_RENEWED;
    s->renewed += news == KW_CLIENT_NEWS_RENEWED;
    s->transferred += news == KW_CLIENT_NEWS_TRANSFERRED;
    s->back += news == KW_CLIENT_NEWS_BACK;
}

static void set_value(storm *s)
{
    const kw_variant v = kw_variant_scalar(KW_BUILTIN_INT32, &s->value);
    assert_status(kw_space_set_value(kw_server_space(s->network->world->server), &KW_TEST_PUBLIC, &v), KW_GOOD);
}

static void idle(storm *s, uint32_t ms)
{
    const kw_status status = kw_client_idle(s->client, ms);
    if (kw_status_is_bad(status)) {
        fail_msg("seed %u: %s: %s", (unsigned)s->seed, kw_status_name(status), kw_client_error(s->client));
    }
}

static void step(storm *s)
{
    kw_test_network *n = s->network;
    switch (below(s, 16)) {
    case 0:
        kw_test_network_cut(n);
        return;
    case 1:
        n->delay_ms = below(s, 3) * 400;
        return;
    case 2:
        n->to_client_left = below(s, 3000);
        n->is_dropping = below(s, 4) == 0;
        return;
    case 3:
        n->to_server_left = below(s, 3000);
        return;
    case 4:
        n->down_until = n->world->clock->ms + below(s, 40000);
        kw_test_network_cut(n);
        return;
    case 5:
        (void)kw_test_network_read(n, s->client, &KW_TEST_PUBLIC, NULL);
        return;
    case 6:
        if (below(s, 6) == 0) {
            kw_test_network_restart(n, NULL);
            set_value(s);
        }
        return;
    case 7:
        idle(s, below(s, 6) == 0 ? 65000 : 3000);
        return;
    case 8:
    case 9:
    case 10:
        idle(s, below(s, 500));
        return;
    default:
        s->value++;
        set_value(s);
        kw_test_world_advance(n->world, INTERVAL); /* it is sampled */
    }
}

static void weather(storm *s)
{
    const kw_client_config how = {.reconnect_ms = 600000, .session_timeout_ms = 15000};
    const kw_client_subscription_config config = {.publishing_interval_ms = INTERVAL, .keep_alive_ms = 2000, .told = on_news, .ctx = s};
    const kw_client_item_config item = {.node = KW_TEST_PUBLIC, .queue_size = QUEUE, .changed = on_change, .ctx = s};
    kw_client_subscription *subscription = NULL;
    s->network = kw_test_network_new(&(kw_test_world_options){.seed = s->seed});
    sleep_on = s->network->network.sleep;
    s->network->network.sleep = clear_up;
    s->client = kw_test_network_open(s->network, &how);
    s->value = 42;
    s->delivered = 41;
    assert_status(kw_client_subscribe(s->client, &config, &subscription), KW_GOOD);
    assert_status(kw_client_monitor(subscription, &item, 1, NULL, NULL), KW_GOOD);
    for (int i = 0; i < STEPS; i++) {
        step(s);
    }
    fair_weather(s->network);
    idle(s, 120000);
    if (s->delivered != s->value) {
        fail_msg("seed %u: %d was the last, %d the last one delivered", (unsigned)s->seed, s->value, s->delivered);
    }
    kw_test_network_free(s->network);
}

static void each_value_comes_once_whatever_the_weather(void **state)
{
    (void)state;
    const char *one = getenv("KW_SEED");
    const uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1, count = one != NULL                 ? 1
                                                                              : getenv("KW_LONG") != NULL ? SEEDS_LONG
                                                                                                          : SEEDS;
    size_t renewed = 0, transferred = 0, back = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        storm s = {.seed = seed, .random = seed * 0x9E3779B97F4A7C15u};
        weather(&s);
        renewed += s.renewed;
        transferred += s.transferred;
        back += s.back;
    }
    if (one == NULL) { /* it was a storm */
        assert_true(renewed > 0);
        assert_true(transferred > 0);
        assert_true(back > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_value_comes_once_whatever_the_weather)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
