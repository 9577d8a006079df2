/* How a life ends: all is well again and everybody who has to be served is; then they leave, and nothing is left of them. */
#include "server/server_internal.h"
#include "service/subscription_internal.h"
#include "session/session_internal.h"
#include "sim/sim.h"
#include "support/kw_test_subscription.h"
#include "support/test.h"

#include <stdatomic.h>

#define CALM_MS 16000u
#define LONGEST_MS (SIM_SESSION_TIMEOUT_MS + 3 * SIM_LIFETIME_COUNT * SIM_PUBLISHING_MS)

static void heal(sim *s)
{
    sim_mend_store(s);
    for (size_t i = 0; i < SIM_LINES; i++) {
        if (s->lines[i].wire != NULL) {
            s->lines[i].wire->is_slow = false;
        }
    }
    sim_note(s, "all is well again");
    kw_test_world_pump(s->world);
    sim_judge(s);
    while (s->world->held.waiting > 0) {
        kw_test_executor_run_nth(&s->world->held, 0);
        kw_test_world_pump(s->world);
        sim_judge(s);
    }
    kw_test_world_run(s->world);
    sim_judge(s);
    sim_pass(s, CALM_MS);
}

/* --- everybody is served ---------------------------------------------------------------------------------------------------- */

static bool is_served(const sim_session *session)
{
    return session->exists && session->is_activated && !session->may_be_closed && !session->bound->is_closed;
}

static void write_public(sim *s, sim_session *session)
{
    sim_request *r = sim_request_new(s, SIM_WRITE, session->bound, session);
    assert_non_null(r);
    r->value = ++s->last_value;
    kw_write_value what = {.node_id = KW_TEST_PUBLIC,
                           .attribute_id = 13,
                           .value = {.has_value = true, .value = kw_variant_scalar(KW_BUILTIN_INT32, &r->value)}};
    kw_write_request request = {.nodes_to_write_count = 1, .nodes_to_write = &what};
    sim_send(s, r, KW_TYPE_WRITE_REQUEST, &request);
    sim_judge(s); /* a refusal would need a reason */
}

static void publish(sim *s, sim_session *session)
{
    sim_request *r = sim_request_new(s, SIM_PUBLISH, session->bound, session);
    kw_publish_request request = {.subscription_acknowledgements_count = 0};
    assert_non_null(r);
    sim_send(s, r, KW_TYPE_PUBLISH_REQUEST, &request);
    sim_judge(s);
}

/* What was written last is told. */
static void check_news(sim *s)
{
    for (size_t i = 0; i < SIM_SUBSCRIPTIONS; i++) {
        const sim_subscription *subscription = &s->subscriptions[i];
        if (subscription->exists && !subscription->may_be_gone && subscription->owner != NULL && is_served(subscription->owner) &&
            subscription->is_watched[0] && subscription->last_value[0] != s->variables[0].count) {
            sim_violation(s, "subscription %zu does not tell what was written last", i);
        }
    }
}

static void serve_everybody(sim *s)
{
    sim_session *last = NULL;
    for (size_t i = 0; i < SIM_SESSIONS; i++) {
        if (is_served(&s->sessions[i])) {
            last = &s->sessions[i];
            write_public(s, last);
        }
    }
    for (size_t turn = 0; last != NULL && turn < 2 * SIM_SUBSCRIPTIONS; turn++) {
        for (size_t i = 0; i < SIM_SESSIONS; i++) {
            if (is_served(&s->sessions[i])) {
                publish(s, &s->sessions[i]);
            }
        }
        sim_pass(s, SIM_PUBLISHING_MS);
    }
    check_news(s);
}

/* --- everybody leaves ----------------------------------------------------------------------------------------------------------- */

static void leave(sim *s)
{
    sim_note(s, "everybody leaves");
    for (size_t i = 0; i < SIM_LINES; i++) {
        s->lines[i].is_closing = true;
        if (s->lines[i].wire != NULL) {
            kw_test_client_cut(s->lines[i].wire);
        }
    }
    sim_judge(s);
    sim_pass(s, LONGEST_MS);
}

static void expect_none(sim *s, const char *what, size_t count)
{
    if (count != 0) {
        sim_violation(s, "%s are left: %zu", what, count);
    }
}

static void check_subscriptions(sim *s, const kw_subscriptions *manager)
{
    expect_none(s, "Subscriptions", kw_subscriptions_count(manager));
    expect_none(s, "publishers", kw_map_count(manager->publishers));
    expect_none(s, "samplers", kw_map_count(manager->samplers));
    expect_none(s, "MonitoredItems", manager->item_count);
    expect_none(s, "event items", manager->event_item_count);
    expect_none(s, "bytes of messages", manager->queued_bytes);
}

/* Every arena is back in the pool, and counts for what it holds. */
static void check_memory(sim *s, kw_server *server)
{
    while (server->pool_count > 0) {
        kw_arena_free(server->pool[--server->pool_count]);
    }
    expect_none(s, "bytes of requests", atomic_load(&server->budget.used));
}

static void check_counters(sim *s, const kw_server *server)
{
    kw_server_diagnostics_summary_data_type summary = {.current_session_count = 0};
    kw_sessions_summary(server->sessions, &summary);
    kw_subscriptions_summary(server->services.subscriptions, &summary);
    expect_none(s, "counted Sessions", summary.current_session_count);
    expect_none(s, "counted Subscriptions", summary.current_subscription_count);
}

static void check_nothing_is_left(sim *s)
{
    kw_server *server = s->world->server;
    expect_none(s, "Sessions", kw_sessions_count(server->sessions));
    expect_none(s, "ids of Sessions", kw_map_count(server->sessions->by_id));
    expect_none(s, "Session requests under way", server->sessions->pending != NULL);
    expect_none(s, "lingering Sessions", server->sessions->lingering != NULL);
    expect_none(s, "connections", server->connection_count);
    expect_none(s, "jobs", s->world->held.waiting);
    check_subscriptions(s, server->services.subscriptions);
    check_counters(s, server);
    check_memory(s, server);
}

/* --- what is written down ---------------------------------------------------------------------------------------------------------- */

/* Every Session that was activated is in the trail, or counted where it is missing. */
static void check_trail(sim *s)
{
    uint64_t count = 0, first_bad = 0;
    kw_test_client_new(s->world, NULL); /* the next thing that is written down tells what is missing */
    assert_status(kw_store_audit_verify(s->world->store->store, &count, &first_bad), KW_GOOD);
    const int64_t written =
        kw_test_store_query(s->world->store, "SELECT count(*) FROM audit WHERE event = 'ActivateSession' AND status = 0");
    const int64_t missing = kw_test_store_query(
        s->world->store, "SELECT coalesce(sum(json_extract(detail, '$.count')), 0) FROM audit WHERE event = 'RecordsLeftOut'");
    const bool is_complete = s->trail_has_gaps || (uint64_t)(written + missing) >= s->activations;
    if (!is_complete || (!s->trail_was_hurt && (uint64_t)written < s->activations)) {
        sim_violation(s, "the trail knows %lld of %llu activations, and of %lld records that are missing", (long long)written,
                      (unsigned long long)s->activations, (long long)missing);
    }
}

void sim_end(sim *s)
{
    s->trace[s->step % SIM_TRACE][0] = '\0';
    s->is_calm = true;
    heal(s);
    sim_end_library(s);
    serve_everybody(s);
    leave(s);
    check_nothing_is_left(s);
    check_trail(s);
}
