/* What Subscriptions may tell: to whom, on which channel, in which order, and nothing that the user of now may not read. */
#include "sim/sim.h"
#include "support/kw_test_subscription.h"
#include "support/test.h"

static unsigned number_of(const sim *s, const sim_subscription *subscription)
{
    return (unsigned)(subscription - s->subscriptions);
}

static bool is_meant(const sim_request *r)
{
    return r->subscription != NULL && r->subscription->id == r->subscription_id;
}

static sim_subscription *by_id(sim *s, uint32_t id)
{
    for (size_t i = 0; i < SIM_SUBSCRIPTIONS; i++) {
        if (s->subscriptions[i].id == id) {
            return &s->subscriptions[i];
        }
    }
    return NULL;
}

static void keep(const sim *s, sim_subscription *subscription)
{
    subscription->kept_ms = sim_now(s);
    subscription->may_be_gone = false;
}

static void end(sim_subscription *subscription)
{
    subscription->exists = subscription->may_be_gone = false;
    subscription->owner = NULL;
}

/* --- time, and users that change ------------------------------------------------------------------------------------------ */

/* Nothing that was for another one may come from now on. */
static void begin_anew(const sim *s, sim_subscription *subscription)
{
    subscription->first_of_user = subscription->first_certainly_kept = subscription->next_number;
    subscription->oldest_value[0] = s->variables[0].count;
    subscription->oldest_value[1] = s->variables[1].count;
}

void sim_subscriptions_closed(sim *s, sim_session *session, bool is_known, bool keeps)
{
    for (size_t i = 0; i < SIM_SUBSCRIPTIONS; i++) {
        sim_subscription *subscription = &s->subscriptions[i];
        if (!subscription->exists || subscription->owner != session) {
            continue;
        }
        subscription->owner = NULL;
        subscription->user = session->user;
        subscription->may_be_gone = subscription->may_be_gone || !is_known;
        if (is_known && !keeps) {
            end(subscription);
        }
    }
    session->given_away_count = 0;
}

void sim_subscriptions_changed(sim *s, sim_session *session, const sim_user *former)
{
    const bool is_other = former->person != session->user.person && !(session->may_have_expired && session->user.person == SIM_NOBODY);
    for (size_t i = 0; i < SIM_SUBSCRIPTIONS; i++) {
        sim_subscription *subscription = &s->subscriptions[i];
        if (subscription->exists && subscription->owner == session && is_other) {
            begin_anew(s, subscription);
        }
    }
}

/* Its Session has yet to be told. */
static void leave(const sim_subscription *subscription)
{
    sim_session *owner = subscription->owner;
    if (owner != NULL) {
        assert_true(owner->given_away_count < SIM_GIVEN_AWAY);
        owner->given_away[owner->given_away_count++] = subscription->id;
    }
}

static void age(sim *s, sim_subscription *subscription)
{
    const uint64_t lifetime = SIM_LIFETIME_COUNT * SIM_PUBLISHING_MS, silent = sim_now(s) - subscription->kept_ms;
    const sim_session *owner = subscription->owner;
    if (silent > 3 * lifetime) {
        leave(subscription); /* its Session may not have asked since */
        end(subscription);
        return;
    }
    subscription->may_be_gone = subscription->may_be_gone || silent + 2 * SIM_PUBLISHING_MS > lifetime;
    if (owner == NULL) { /* it goes with its user */
        const bool is_out =
            subscription->user.person == SIM_OPERATOR ? s->operator_is_disabled : subscription->user.expires != 0; /* or with his key */
        subscription->may_be_gone = subscription->may_be_gone || is_out;
        return;
    }
    const sim_truth right = sim_right(s, owner);
    subscription->user = owner->user;
    subscription->may_be_gone = subscription->may_be_gone || owner->may_be_closed;
    subscription->may_deny = subscription->may_deny || right != SIM_YES;
    if (owner->may_have_expired || (right != SIM_YES && subscription->is_watched[1])) {
        subscription->first_certainly_kept = subscription->next_number;
    }
}

void sim_age_subscriptions(sim *s)
{
    for (size_t i = 0; i < SIM_SUBSCRIPTIONS; i++) {
        if (s->subscriptions[i].exists) {
            age(s, &s->subscriptions[i]);
        }
    }
}

/* --- messages --------------------------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t digest, uint64_t value)
{
    return (digest ^ value) * UINT64_C(1099511628211);
}

static bool is_good(const kw_data_value *value)
{
    return !value->has_status || !kw_status_is_bad(value->status);
}

static int32_t number_in(const kw_data_value *value)
{
    const int32_t *number = value->has_value ? kw_variant_get(&value->value, KW_BUILTIN_INT32) : NULL;
    return number != NULL ? *number : -1;
}

static sim_message summary_of(const kw_notification_message *message)
{
    const kw_data_change_notification *data = kw_test_notification(message, KW_TYPE_DATA_CHANGE_NOTIFICATION);
    sim_message m = {.number = message->sequence_number, .digest = UINT64_C(14695981039346656037)};
    for (size_t i = 0; data != NULL && i < data->monitored_items_count; i++) {
        const kw_monitored_item_notification *item = &data->monitored_items[i];
        m.digest = mix(mix(m.digest, item->client_handle), item->value.has_status ? item->value.status : KW_GOOD);
        m.digest = mix(m.digest, (uint64_t)number_in(&item->value));
        m.has_secret = m.has_secret || (item->client_handle == 1 && is_good(&item->value));
    }
    return m;
}

static sim_message *find_message(sim_subscription *subscription, uint32_t number)
{
    for (size_t i = 0; i < subscription->sent_count; i++) {
        if (subscription->sent[i].number == number) {
            return &subscription->sent[i];
        }
    }
    return NULL;
}

void sim_may_be_acknowledged(const sim_request *r)
{
    sim_message *m = r->kind == SIM_PUBLISH && r->number != 0 && is_meant(r) ? find_message(r->subscription, r->number) : NULL;
    if (m != NULL) {
        m->may_be_acknowledged = true;
    }
}

static void judge_denial(sim *s, const sim_subscription *subscription, bool is_secret, kw_status status)
{
    if (!is_secret || status != KW_BAD_USER_ACCESS_DENIED || !subscription->may_deny) {
        sim_violation(s, "subscription %u tells %s of the %s variable", number_of(s, subscription), kw_status_name(status),
                      is_secret ? "secret" : "public");
    }
}

static void judge_value(sim *s, sim_subscription *subscription, const kw_monitored_item_notification *item)
{
    const bool is_secret = item->client_handle == 1;
    const sim_truth right = sim_right(s, subscription->owner);
    if (!subscription->is_watched[is_secret]) {
        sim_violation(s, "subscription %u tells what it does not watch", number_of(s, subscription));
    }
    if (!is_good(&item->value)) {
        judge_denial(s, subscription, is_secret, item->value.status);
        return;
    }
    if (is_secret && right == SIM_NO) { /* AS-32, IT-15 */
        sim_violation(s, "subscription %u told the secret to %s", number_of(s, subscription),
                      sim_person_name(subscription->owner->user.person));
    }
    const uint32_t order = sim_value_order(s, is_secret, number_in(&item->value));
    if (order == 0 || order < subscription->oldest_value[is_secret]) {
        sim_violation(s, "subscription %u told a value %s", number_of(s, subscription),
                      order == 0 ? "that nobody wrote" : "that was for another user");
    }
    if (order < subscription->last_value[is_secret]) {
        sim_violation(s, "subscription %u told values out of order", number_of(s, subscription));
    }
    subscription->last_value[is_secret] = order;
    subscription->may_deny = is_secret ? right != SIM_YES : subscription->may_deny;
    s->values++;
}

static void judge_numbers(sim *s, sim_subscription *subscription, const uint32_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const sim_message *m = find_message(subscription, numbers[i]);
        if (m == NULL || m->is_acknowledged || m->number < subscription->first_of_user) {
            sim_violation(s, "subscription %u offers message %u again", number_of(s, subscription), numbers[i]);
        }
    }
}

static void judge_data(sim *s, sim_subscription *subscription, const kw_publish_response *response)
{
    const kw_notification_message *message = &response->notification_message;
    const kw_data_change_notification *data = kw_test_notification(message, KW_TYPE_DATA_CHANGE_NOTIFICATION);
    if (message->sequence_number != subscription->next_number) {
        sim_violation(s, "subscription %u is at message %u, and not %u", number_of(s, subscription), message->sequence_number,
                      subscription->next_number);
    }
    keep(s, subscription);
    if (message->notification_data_count > 0) {
        if (data == NULL || message->notification_data_count != 1 || subscription->sent_count == SIM_SENT) {
            sim_violation(s, "subscription %u tells of something else", number_of(s, subscription));
        }
        subscription->sent[subscription->sent_count++] = summary_of(message);
        subscription->next_number++;
        for (size_t i = 0; i < data->monitored_items_count; i++) {
            judge_value(s, subscription, &data->monitored_items[i]);
        }
    }
    judge_numbers(s, subscription, response->available_sequence_numbers, response->available_sequence_numbers_count);
}

/* --- Publish ------------------------------------------------------------------------------------------------------------------ */

/* The answer to TransferSubscriptions is on its way, the news for the former Session came first. */
static sim_request *transfer_under_way(sim *s, uint32_t id)
{
    for (size_t i = 0; i < SIM_REQUESTS; i++) {
        sim_request *r = &s->requests[i];
        if (r->is_open && r->kind == SIM_TAKE && r->subscription_id == id && r->number == 0) {
            return r;
        }
    }
    return NULL;
}

static bool was_given_away(sim_session *session, uint32_t id)
{
    for (size_t i = 0; i < session->given_away_count; i++) {
        if (session->given_away[i] == id) {
            session->given_away[i] = session->given_away[--session->given_away_count];
            return true;
        }
    }
    return false;
}

static void judge_status_change(sim *s, sim_session *session, uint32_t id, kw_status status)
{
    sim_subscription *subscription = by_id(s, id);
    sim_request *transfer = transfer_under_way(s, id);
    if (was_given_away(session, id)) {
        return;
    }
    if (status == KW_GOOD_SUBSCRIPTION_TRANSFERRED) {
        if (transfer != NULL && subscription != NULL && subscription->owner == session) {
            transfer->number = 1; /* told already */
            return;
        }
    } else if (status == KW_BAD_TIMEOUT && subscription != NULL && subscription->may_be_gone) {
        end(subscription);
        return;
    }
    sim_violation(s, "session %u is told %s of a subscription", sim_session_number(s, session), kw_status_name(status));
}

static void judge_acknowledgement(sim *s, const sim_request *r, const kw_publish_response *response)
{
    sim_message *m = r->number != 0 && is_meant(r) ? find_message(r->subscription, r->number) : NULL;
    if (response->results_count != (r->number != 0)) {
        sim_violation(s, "a Publish was answered with %zu results", response->results_count);
    }
    if (m != NULL && response->results[0] == KW_GOOD) {
        if (m->is_acknowledged) {
            sim_violation(s, "message %u was acknowledged twice", m->number);
        }
        m->is_acknowledged = true;
    }
}

static void judge_publish(sim *s, const sim_request *r, const kw_publish_response *response)
{
    const kw_status_change_notification *change = kw_test_notification(&response->notification_message, KW_TYPE_STATUS_CHANGE_NOTIFICATION);
    sim_subscription *subscription = by_id(s, response->subscription_id);
    judge_acknowledgement(s, r, response);
    if (change != NULL) {
        judge_status_change(s, r->session, response->subscription_id, change->status);
        return;
    }
    if (subscription == NULL || !subscription->exists || subscription->owner != r->session) {
        sim_violation(s, "session %u is told of a subscription that is not its own", sim_session_number(s, r->session));
    }
    judge_data(s, subscription, response);
}

/* --- the other services -------------------------------------------------------------------------------------------------------- */

static void judge_subscribe(sim *s, const sim_request *r, const kw_create_subscription_response *response)
{
    if (by_id(s, response->subscription_id) != NULL) {
        sim_violation(s, "the id of a subscription was given out twice");
    }
    *r->subscription = (sim_subscription){.exists = true,
                                          .id = response->subscription_id,
                                          .owner = r->session,
                                          .user = r->session->user,
                                          .application = r->session->application,
                                          .kept_ms = sim_now(s),
                                          .next_number = 1,
                                          .may_deny = true};
    begin_anew(s, r->subscription);
}

static void judge_watch(sim *s, const sim_request *r, kw_status status)
{
    const sim_truth right = sim_right(s, r->session);
    keep(s, r->subscription); /* also when the item is refused */
    if (!kw_status_is_bad(status)) {
        if (r->is_secret && right == SIM_NO) {
            sim_violation(s, "session %u watches the secret as %s", sim_session_number(s, r->session),
                          sim_person_name(r->session->user.person));
        }
        r->subscription->is_watched[r->is_secret] = true;
    } else if (!r->is_secret || status != KW_BAD_USER_ACCESS_DENIED || right == SIM_YES) {
        sim_violation(s, "session %u may not watch: %s", sim_session_number(s, r->session), kw_status_name(status));
    }
}

static void judge_republish(sim *s, const sim_request *r, const kw_republish_response *response)
{
    sim_subscription *subscription = r->subscription;
    const sim_message now = summary_of(&response->notification_message), *m = find_message(subscription, r->number);
    keep(s, subscription);
    if (m == NULL || m->is_acknowledged || m->number < subscription->first_of_user || now.number != m->number || now.digest != m->digest) {
        sim_violation(s, "message %u of subscription %u came again", r->number, number_of(s, subscription));
    }
    if (now.has_secret && sim_right(s, r->session) == SIM_NO) {
        sim_violation(s, "message %u of subscription %u came again with the secret", r->number, number_of(s, subscription));
    }
}

/* Anonymous is nobody: there the application must be the same, on channels that prove it. */
static sim_truth is_same_nobody(const sim_subscription *subscription, const sim_session *session)
{
    return session->application != NULL && session->application == subscription->application ? SIM_MAYBE : SIM_NO;
}

/* May the user of this Session have it? A user whose time is over is nobody, sooner or later. */
static sim_truth may_take(const sim_subscription *subscription, const sim_session *session)
{
    const sim_person owner = subscription->user.person, taker = session->user.person;
    const bool owner_ends = subscription->user.expires != 0, taker_ends = session->user.expires != 0;
    if (owner != SIM_NOBODY && owner == taker) {
        return owner_ends || taker_ends ? SIM_MAYBE : SIM_YES;
    }
    const bool both_may_be_nobody = (owner == SIM_NOBODY || owner_ends) && (taker == SIM_NOBODY || taker_ends);
    return both_may_be_nobody ? is_same_nobody(subscription, session) : SIM_NO;
}

static void take(sim *s, const sim_request *r, const kw_transfer_result *result)
{
    sim_subscription *subscription = r->subscription;
    sim_session *former = subscription->owner;
    if (may_take(subscription, r->session) == SIM_NO || former == r->session) { /* attack A-195 */
        sim_violation(s, "session %u got subscription %u of %s", sim_session_number(s, r->session), number_of(s, subscription),
                      sim_person_name(subscription->user.person));
    }
    if (r->number == 0) {
        leave(subscription);
    }
    subscription->owner = r->session;
    subscription->user = r->session->user;
    subscription->application = r->session->application;
    keep(s, subscription);
    age(s, subscription);
    judge_numbers(s, subscription, result->available_sequence_numbers, result->available_sequence_numbers_count);
}

static void judge_take(sim *s, const sim_request *r, const kw_transfer_result *result)
{
    const sim_subscription *subscription = r->subscription;
    if (!kw_status_is_bad(result->status_code)) {
        if (!is_meant(r) || !subscription->exists) {
            sim_violation(s, "session %u got a subscription that is gone", sim_session_number(s, r->session));
        }
        take(s, r, result);
        return;
    }
    const bool is_gone = !is_meant(r) || !subscription->exists || subscription->may_be_gone;
    const sim_truth may = is_meant(r) ? may_take(subscription, r->session) : SIM_MAYBE;
    const uint32_t reasons = (is_gone ? SIM_NO_SUBSCRIPTION : 0u) | (may != SIM_YES ? SIM_NO_RIGHT : 0u) |
                             (subscription->owner == r->session ? SIM_NOTHING_TO_DO : 0u);
    sim_check_refusal(s, r, result->status_code, reasons, "TransferSubscriptions");
    if (r->number != 0) {
        sim_violation(s, "the former Session was told of a transfer that was refused");
    }
}

static void judge_unsubscribe(sim *s, const sim_request *r, kw_status status)
{
    if (kw_status_is_bad(status)) {
        sim_check_refusal(s, r, status, sim_reasons_against_service(s, r), "DeleteSubscriptions");
        return;
    }
    if (!is_meant(r) || !r->subscription->exists || r->subscription->owner != r->session) { /* attack A-197 */
        sim_violation(s, "session %u deleted a subscription that is not its own", sim_session_number(s, r->session));
    }
    end(r->subscription);
}

/* The Session, its channel and its user are what they have to be. */
void sim_judge_subscription(sim *s, sim_request *r, kw_status status, const void *response)
{
    switch (r->kind) {
    case SIM_SUBSCRIBE:
        judge_subscribe(s, r, response);
        break;
    case SIM_WATCH:
        judge_watch(s, r, ((const kw_create_monitored_items_response *)response)->results[0].status_code);
        break;
    case SIM_UNSUBSCRIBE:
        judge_unsubscribe(s, r, ((const kw_delete_subscriptions_response *)response)->results[0]);
        break;
    case SIM_PUBLISH:
        judge_publish(s, r, response);
        break;
    case SIM_REPUBLISH:
        judge_republish(s, r, response);
        break;
    case SIM_TAKE:
        judge_take(s, r, &((const kw_transfer_subscriptions_response *)response)->results[0]);
        break;
    default:
        sim_violation(s, "an answer to nothing: %s", kw_status_name(status));
    }
}
