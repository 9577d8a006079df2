/* Many lives of a plant, each from a seed: no request is answered under a channel, user or nonce that does not hold. */
#include "sim/sim.h"
#include "support/test.h"

#include <stdlib.h>

#define STEPS 200
#define SEEDS_QUICK 200
#define SEEDS_LONG 10000

static uint64_t number(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static uint64_t under_way = UINT64_MAX;

static uint64_t live(uint64_t seed)
{
    under_way = seed;
    const uint64_t digest = kw_sim_run(seed, STEPS);
    under_way = UINT64_MAX;
    return digest;
}

/* Also when it was not the model that noticed. */
static int tell_seed(void **state)
{
    (void)state;
    if (under_way != UINT64_MAX) {
        print_message("under way: seed %llu\n", (unsigned long long)under_way);
    }
    return 0;
}

static void no_life_breaks_a_rule(void **state)
{
    const uint64_t only = number("KW_SEED", UINT64_MAX);
    const uint64_t first = number("KW_FIRST_SEED", 0);
    const uint64_t count = number("KW_SEEDS", getenv("KW_LONG") != NULL ? SEEDS_LONG : SEEDS_QUICK);
    (void)state;
    if (only != UINT64_MAX) {
        live(only);
        return;
    }
    for (uint64_t seed = first; seed < first + count; seed++) {
        live(seed);
    }
}

static void a_seed_replays_exactly(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        assert_true(live(seed) == live(seed));
    }
    assert_true(live(1) != live(2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(a_seed_replays_exactly, tell_seed),
                                       cmocka_unit_test_teardown(no_life_breaks_a_rule, tell_seed)};
    return cmocka_run_group_tests_name("simulation", tests, NULL, NULL);
}
