/* What Clients ask of their Subscriptions. */
#include "sim/sim.h"
#include "support/kw_test_subscription.h"
#include "support/test.h"

#define KEEP_ALIVE_COUNT 5

/* Nobody talks about it. */
static bool is_free(const sim *s, const sim_subscription *subscription)
{
    for (size_t i = 0; i < SIM_REQUESTS; i++) {
        if (s->requests[i].is_open && s->requests[i].subscription == subscription) {
            return false;
        }
    }
    return !subscription->exists && !subscription->may_be_gone;
}

static sim_subscription *some_subscription(sim *s)
{
    sim_subscription *subscription = &s->subscriptions[sim_below(s, SIM_SUBSCRIPTIONS)];
    for (int tries = 0; tries < 4 && !subscription->exists; tries++) {
        subscription = &s->subscriptions[sim_below(s, SIM_SUBSCRIPTIONS)];
    }
    return subscription->id != 0 ? subscription : NULL;
}

static sim_request *new_request(sim *s, sim_kind kind, sim_session *session, sim_subscription *subscription, unsigned elsewhere_percent)
{
    kw_test_client *line = session != NULL ? sim_line_for(s, session, elsewhere_percent) : NULL;
    sim_request *r = line != NULL ? sim_request_new(s, kind, line, session) : NULL;
    if (r != NULL) {
        r->subscription = subscription;
        r->subscription_id = subscription != NULL ? subscription->id : 0;
    }
    return r;
}

static void watch(sim *s, sim_subscription *subscription, bool is_secret)
{
    sim_request *r = new_request(s, SIM_WATCH, subscription->owner, subscription, 2);
    if (r == NULL) {
        return;
    }
    r->is_secret = is_secret;
    kw_monitored_item_create_request item = {
        .item_to_monitor = {.node_id = is_secret ? KW_TEST_SECRET : KW_TEST_PUBLIC, .attribute_id = 13},
        .monitoring_mode = KW_MONITORING_MODE_REPORTING,
        .requested_parameters = {.client_handle = is_secret, .sampling_interval = 500, .queue_size = 5, .discard_oldest = true}};
    kw_create_monitored_items_request request = {.subscription_id = subscription->id,
                                                 .timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_NEITHER,
                                                 .items_to_create = &item,
                                                 .items_to_create_count = 1};
    sim_note(s, "watch %s in subscription %u", is_secret ? "secret" : "public", (unsigned)(subscription - s->subscriptions));
    sim_send(s, r, KW_TYPE_CREATE_MONITORED_ITEMS_REQUEST, &request);
}

static void create(sim *s, sim_subscription *subscription)
{
    sim_session *session = sim_session_in_use(s);
    if (session == NULL || !session->is_activated) {
        return;
    }
    sim_request *r = new_request(s, SIM_SUBSCRIBE, session, NULL, 5);
    if (r != NULL) {
        kw_create_subscription_request request = {.requested_publishing_interval = SIM_PUBLISHING_MS,
                                                  .requested_lifetime_count = SIM_LIFETIME_COUNT,
                                                  .requested_max_keep_alive_count = KEEP_ALIVE_COUNT,
                                                  .publishing_enabled = true};
        r->subscription = subscription;
        sim_note(s, "create subscription %u in session %u on line %u", (unsigned)(subscription - s->subscriptions),
                 sim_session_number(s, session), sim_line_number(s, r->line));
        sim_send(s, r, KW_TYPE_CREATE_SUBSCRIPTION_REQUEST, &request);
    }
}

static bool is_asked_for(const sim *s, const sim_subscription *subscription, bool is_secret)
{
    for (size_t i = 0; i < SIM_REQUESTS; i++) {
        const sim_request *r = &s->requests[i];
        if (r->is_open && r->kind == SIM_WATCH && r->subscription == subscription && r->is_secret == is_secret) {
            return true;
        }
    }
    return subscription->is_watched[is_secret];
}

/* A new one, or something more to watch in one that is there. */
void sim_subscribe(sim *s)
{
    sim_subscription *subscription = &s->subscriptions[sim_below(s, SIM_SUBSCRIPTIONS)];
    if (is_free(s, subscription)) {
        create(s, subscription);
        sim_judge(s);
    }
    const bool is_secret = sim_chance(s, 70);
    if (subscription->exists && subscription->owner != NULL && !is_asked_for(s, subscription, is_secret)) {
        watch(s, subscription, is_secret);
    }
}

static size_t count_publish(const sim *s, const sim_session *session)
{
    size_t count = 0;
    for (size_t i = 0; i < SIM_REQUESTS; i++) {
        const sim_request *r = &s->requests[i];
        count += r->is_open && r->kind == SIM_PUBLISH && r->session == session;
    }
    return count;
}

void sim_publish(sim *s)
{
    const sim_subscription *subscription = some_subscription(s);
    sim_session *session = subscription != NULL && subscription->owner != NULL ? subscription->owner : sim_session_in_use(s);
    if (session == NULL || count_publish(s, session) == SIM_PUBLISH_OF_SESSION) {
        return;
    }
    sim_request *r = new_request(s, SIM_PUBLISH, session, NULL, 10);
    if (r == NULL) {
        return;
    }
    kw_subscription_acknowledgement acknowledgement = {.subscription_id = 0};
    kw_publish_request request = {.subscription_acknowledgements = &acknowledgement};
    if (subscription != NULL && subscription->sent_count > 0 && sim_chance(s, 60)) {
        r->subscription = &s->subscriptions[subscription - s->subscriptions];
        r->subscription_id = acknowledgement.subscription_id = subscription->id;
        r->number = acknowledgement.sequence_number = subscription->sent[sim_below(s, subscription->sent_count)].number;
        request.subscription_acknowledgements_count = 1;
    }
    sim_note(s, "publish in session %u on line %u", sim_session_number(s, session), sim_line_number(s, r->line));
    sim_send(s, r, KW_TYPE_PUBLISH_REQUEST, &request);
}

void sim_republish(sim *s)
{
    sim_subscription *subscription = some_subscription(s);
    if (subscription == NULL || subscription->sent_count == 0) {
        return;
    }
    sim_session *session = subscription->owner != NULL && !sim_chance(s, 15) ? subscription->owner : sim_session_in_use(s);
    sim_request *r = new_request(s, SIM_REPUBLISH, session, subscription, 10);
    if (r != NULL) {
        const size_t most = subscription->sent_count < 10 ? subscription->sent_count : 10; /* the latest */
        r->number = subscription->sent[subscription->sent_count - 1 - sim_below(s, most)].number;
        kw_republish_request request = {.subscription_id = subscription->id, .retransmit_sequence_number = r->number};
        sim_note(s, "republish %u of subscription %u in session %u", r->number, (unsigned)(subscription - s->subscriptions),
                 sim_session_number(s, session));
        sim_send(s, r, KW_TYPE_REPUBLISH_REQUEST, &request);
    }
}

void sim_take(sim *s)
{
    sim_subscription *subscription = some_subscription(s);
    sim_session *session = sim_session_in_use(s);
    sim_request *r = subscription != NULL ? new_request(s, SIM_TAKE, session, subscription, 5) : NULL;
    if (r != NULL) {
        kw_transfer_subscriptions_request request = {
            .subscription_ids = &subscription->id, .subscription_ids_count = 1, .send_initial_values = sim_chance(s, 50)};
        sim_note(s, "session %u takes subscription %u", sim_session_number(s, session), (unsigned)(subscription - s->subscriptions));
        sim_send(s, r, KW_TYPE_TRANSFER_SUBSCRIPTIONS_REQUEST, &request);
    }
}

void sim_unsubscribe(sim *s)
{
    sim_subscription *subscription = some_subscription(s);
    sim_session *session =
        subscription != NULL && subscription->owner != NULL && !sim_chance(s, 20) ? subscription->owner : sim_session_in_use(s);
    sim_request *r = subscription != NULL ? new_request(s, SIM_UNSUBSCRIBE, session, subscription, 5) : NULL;
    if (r != NULL) {
        kw_delete_subscriptions_request request = {.subscription_ids = &subscription->id, .subscription_ids_count = 1};
        sim_note(s, "session %u deletes subscription %u", sim_session_number(s, session), (unsigned)(subscription - s->subscriptions));
        sim_send(s, r, KW_TYPE_DELETE_SUBSCRIPTIONS_REQUEST, &request);
    }
}
