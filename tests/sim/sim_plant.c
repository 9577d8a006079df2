/* The world around Sessions: time, the pool, the store, users and Roles. */
#include "sim/sim.h"
#include "support/test.h"

#include <stdio.h>

void sim_pass_time(sim *s)
{
    static const uint64_t SPANS[] = {10, 200, 1000, 2000, 3000, 5000, 20000, 60000};
    const uint64_t span = 1 + sim_below(s, SPANS[sim_below(s, 8)]);
    sim_note(s, "%llu ms pass", (unsigned long long)span);
    sim_pass(s, span);
}

/* Answers that are delayed after failures say what was proven before. */
static void let_answers_out(sim *s)
{
    if (s->has_throttle) {
        sim_pass(s, SIM_DELAY_MS + 1);
    }
}

void sim_jump(sim *s)
{
    const int64_t seconds = (int64_t)sim_below(s, 240) - 120;
    let_answers_out(s);
    sim_note(s, "the wall clock jumps by %lld s", (long long)seconds);
    s->world->clock->utc += seconds * KW_TICKS_PER_S;
    sim_forget_attempts(s); /* lock-outs of the store end by this clock */
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

/* What of the store fails, and whether users can be proven without it. */
static const struct {
    const char *table;
    bool is_about_users;
} TABLES[] = {{"account", true}, {"role_rule", true}, {"issuer", true}, {"audit", false}, {"lockout", false}};

enum { TABLE_COUNT = sizeof(TABLES) / sizeof(TABLES[0]), TRAIL = 3, LOCKOUTS = 4 };

bool sim_store_is_broken(const sim *s)
{
    return s->broken >= 0 && TABLES[s->broken].is_about_users;
}

bool sim_trail_is_broken(const sim *s)
{
    return s->broken == TRAIL;
}

bool sim_lockouts_are_broken(const sim *s)
{
    return s->broken == LOCKOUTS;
}

static void rename_table(sim *s, bool away)
{
    char sql[128];
    const char *table = TABLES[s->broken].table;
    snprintf(sql, sizeof(sql), "PRAGMA legacy_alter_table = ON; ALTER TABLE %s%s RENAME TO %s%s", away ? "" : "lost_", table,
             away ? "lost_" : "", table);
    kw_test_store_tamper(s->world->store, sql);
}

void sim_mend_store(sim *s)
{
    if (s->broken >= 0) {
        sim_note(s, "the store works again");
        rename_table(s, false);
        s->broken = -1;
        sim_unsettle(s);
    }
}

void sim_break_store(sim *s)
{
    if (s->broken >= 0) {
        sim_mend_store(s);
        return;
    }
    s->broken = (int)sim_below(s, TABLE_COUNT);
    s->trail_was_hurt = s->trail_was_hurt || s->broken == TRAIL;
    sim_unsettle(s);
    if (s->broken == LOCKOUTS) {
        sim_forget_attempts(s);
    }
    sim_note(s, "the store fails: %s", TABLES[s->broken].table);
    rename_table(s, true);
}

void sim_change_user(sim *s)
{
    kw_user user;
    if (sim_store_is_broken(s) ||
        kw_status_is_bad(kw_store_user_get(s->world->store->store, KW_STRING("operator"), s->world->arena, &user))) {
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
    if (sim_store_is_broken(s)) {
        return;
    }
    s->operator_has_role = !s->operator_has_role;
    sim_unsettle(s);
    sim_note(s, "the operator %s the Role", s->operator_has_role ? "gets" : "loses");
    assert_status(s->operator_has_role ? kw_store_role_rule_add(store, KW_STRING("Operator"), &rule)
                                       : kw_store_role_rule_remove(store, KW_STRING("Operator"), &rule),
                  KW_GOOD);
}

/* Signed with the former key, tokens stay good, or not. */
void sim_change_keys(sim *s)
{
    const bool revoke = sim_chance(s, 50), is_authority = s->world->authority != NULL && sim_chance(s, 50);
    sim_keys *keys = &s->keys[is_authority];
    if (sim_store_is_broken(s) || (is_authority && sim_trail_is_broken(s))) { /* a new key is told to the trail */
        return;
    }
    let_answers_out(s);
    sim_note(s, "%s has a new key%s", is_authority ? "the Authorization Service" : "the issuer",
             revoke ? ", the former ones are revoked" : "");
    if (is_authority && revoke) {
        kw_test_store_tamper(s->world->store, "DELETE FROM signing_key");
    }
    if (is_authority) {
        kw_test_world_new_key(s->world);
    } else {
        kw_test_world_rotate_issuer(s->world, s->issuer, revoke);
    }
    keys->latest++;
    if (revoke) {
        keys->oldest = keys->latest;
    } else if (!is_authority && keys->oldest + 1 < keys->latest) { /* of the issuer's former keys the last one stays */
        keys->oldest = keys->latest - 1;
    }
    keys->revoked_ms = sim_now(s);
    sim_unsettle(s);
}

static void forget_variables(sim *s)
{
    static const int32_t FIRST[] = {42, 7};
    for (size_t i = 0; i < 2; i++) {
        assert_true(s->variables[i].count < SIM_WRITES);
        s->variables[i].values[s->variables[i].count++] = FIRST[i];
    }
}

/* Another Server on the same store: no Session, no Subscription, no nonce of the former one means anything to it. */
void sim_restart(sim *s)
{
    if (sim_store_is_broken(s)) { /* it could not */
        return;
    }
    sim_note(s, "the Server starts again");
    s->trail_has_gaps = s->trail_has_gaps || sim_trail_is_broken(s); /* who counted what is missing is gone */
    sim_judge(s);
    for (size_t i = 0; i < SIM_LINES; i++) {
        s->lines[i].is_closing = true;
        if (s->lines[i].wire != NULL) {
            kw_test_client_cut(s->lines[i].wire);
        }
    }
    s->world->is_held = false;
    sim_cut_library(s);
    kw_test_world_restart(s->world, NULL);
    for (size_t i = 0; i < SIM_REQUESTS; i++) {
        s->requests[i].is_open = false;
    }
    for (size_t i = 0; i < SIM_SESSIONS; i++) {
        sim_subscriptions_closed(s, &s->sessions[i], true, false);
        s->sessions[i].exists = s->sessions[i].is_activated = s->sessions[i].is_orphaned = false;
    }
    for (size_t i = 0; i < SIM_SUBSCRIPTIONS; i++) {
        s->subscriptions[i].exists = s->subscriptions[i].may_be_gone = false;
    }
    forget_variables(s);
    sim_forget_small_counts(s);
    sim_unsettle(s);
}
