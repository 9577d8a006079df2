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

static void no_life_breaks_a_rule(void **state)
{
    const uint64_t only = number("KW_SEED", UINT64_MAX);
    const uint64_t first = number("KW_FIRST_SEED", 0);
    const uint64_t count = number("KW_SEEDS", getenv("KW_LONG") != NULL ? SEEDS_LONG : SEEDS_QUICK);
    (void)state;
    if (only != UINT64_MAX) {
        kw_sim_run(only, STEPS);
        return;
    }
    for (uint64_t seed = first; seed < first + count; seed++) {
        kw_sim_run(seed, STEPS);
    }
}

static void a_seed_replays_exactly(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        assert_true(kw_sim_run(seed, STEPS) == kw_sim_run(seed, STEPS));
    }
    assert_true(kw_sim_run(1, STEPS) != kw_sim_run(2, STEPS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_seed_replays_exactly), cmocka_unit_test(no_life_breaks_a_rule)};
    return cmocka_run_group_tests_name("simulation", tests, NULL, NULL);
}
