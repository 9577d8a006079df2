/* The world around Sessions: time, the pool, the store, users and Roles. */
#include "sim/sim.h"
#include "support/test.h"

void sim_pass_time(sim *s)
{
    static const uint64_t SPANS[] = {10, 200, 1000, 2000, 3000, 5000, 20000, 60000};
    const uint64_t span = 1 + sim_below(s, SPANS[sim_below(s, 8)]);
    sim_note(s, "%llu ms pass", (unsigned long long)span);
    sim_pass(s, span);
}

void sim_jump(sim *s)
{
    const int64_t seconds = (int64_t)sim_below(s, 240) - 120;
    sim_note(s, "the wall clock jumps by %lld s", (long long)seconds);
    s->world->clock->utc += seconds * KW_TICKS_PER_S;
}

void sim_work(sim *s)
{
    kw_test_world *world = s->world;
    if (!world->is_held && sim_chance(s, 85)) {
        return;
    }
    if (!world->is_held) {
        sim_note(s, "the pool is busy from now on");
        kw_test_world_hold(world);
    } else if (world->held.waiting > 0 && sim_chance(s, 80)) {
        sim_note(s, "one of %zu jobs is done", world->held.waiting);
        kw_test_executor_run_nth(&world->held, sim_below(s, world->held.waiting));
        kw_test_world_pump(world);
    } else {
        sim_note(s, "the pool has time");
        while (world->held.waiting > 0) { /* one by one, so that the model sees each */
            kw_test_executor_run_nth(&world->held, 0);
            kw_test_world_pump(world);
            sim_judge(s);
        }
        kw_test_world_run(world);
    }
}

void sim_break_store(sim *s)
{
    s->store_is_broken = !s->store_is_broken;
    sim_unsettle(s);
    sim_note(s, "the store %s", s->store_is_broken ? "fails" : "works again");
    kw_test_store_tamper(s->world->store,
                         s->store_is_broken ? "ALTER TABLE account RENAME TO lost_account" : "ALTER TABLE lost_account RENAME TO account");
}

void sim_change_user(sim *s)
{
    kw_user user;
    if (s->store_is_broken || kw_status_is_bad(kw_store_user_get(s->world->store->store, KW_STRING("operator"), s->world->arena, &user))) {
        return;
    }
    s->operator_is_disabled = !s->operator_is_disabled;
    sim_unsettle(s);
    sim_note(s, "the operator is %s", s->operator_is_disabled ? "disabled" : "enabled");
    user.configuration = s->operator_is_disabled ? 2 : 0;
    assert_status(kw_store_user_set(s->world->store->store, &user), KW_GOOD);
}

void sim_change_role(sim *s)
{
    const kw_role_rule rule = {KW_CRITERIA_USER_NAME, KW_STRING("operator")};
    kw_store *store = s->world->store->store;
    s->operator_has_role = !s->operator_has_role;
    sim_unsettle(s);
    sim_note(s, "the operator %s the Role", s->operator_has_role ? "gets" : "loses");
    assert_status(s->operator_has_role ? kw_store_role_rule_add(store, KW_STRING("Operator"), &rule)
                                       : kw_store_role_rule_remove(store, KW_STRING("Operator"), &rule),
                  KW_GOOD);
}
