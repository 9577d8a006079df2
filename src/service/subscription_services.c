/* Subscription Service Set. OPC 10000-4, 5.14. */
#include "base/try.h"
#include "service/subscription_internal.h"

/* --- CreateSubscription, ModifySubscription -------------------------------------------------------------------------------------- */

static kw_status create(kw_request *request)
{
    const kw_create_subscription_request *body = request->body;
    kw_create_subscription_response *response = request->response;
    kw_subscriptions *manager = request->context->subscriptions;
    const kw_service_limits *limits = request->context->limits;
    kw_subscription *s = NULL;
    kw_subscription_parameters p = {.publishing_interval = body->requested_publishing_interval,
                                    .lifetime_count = body->requested_lifetime_count,
                                    .max_keep_alive_count = body->requested_max_keep_alive_count,
                                    .max_notifications = body->max_notifications_per_publish,
                                    .priority = body->priority};
    kw_publisher *publisher = kw_publisher_make(manager, request->session);
    if (publisher == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (kw_subscriptions_count(manager) >= limits->max_subscriptions ||
        publisher->subscription_count >= limits->max_subscriptions_per_session) {
        return KW_BAD_TOO_MANY_SUBSCRIPTIONS;
    }
    kw_subscription_revise(limits, &p);
    KW_TRY(kw_subscription_new(publisher, kw_session_identity(request->session), kw_session_mode(request->session), &p,
                               body->publishing_enabled, &s));
    response->subscription_id = s->id;
    response->revised_publishing_interval = p.publishing_interval;
    response->revised_lifetime_count = p.lifetime_count;
    response->revised_max_keep_alive_count = p.max_keep_alive_count;
    return KW_GOOD;
}

void kw_service_create_subscription(kw_request *request)
{
    request->finish(request, create(request));
}

static kw_status modify(kw_request *request)
{
    const kw_modify_subscription_request *body = request->body;
    kw_modify_subscription_response *response = request->response;
    kw_subscription *s = kw_subscription_find(request->context->subscriptions, request->session, body->subscription_id);
    kw_subscription_parameters p = {.publishing_interval = body->requested_publishing_interval,
                                    .lifetime_count = body->requested_lifetime_count,
                                    .max_keep_alive_count = body->requested_max_keep_alive_count,
                                    .max_notifications = body->max_notifications_per_publish,
                                    .priority = body->priority};
    if (s == NULL) {
        return KW_BAD_SUBSCRIPTION_ID_INVALID;
    }
    kw_subscription_revise(request->context->limits, &p);
    kw_subscription_modify(s, &p);
    response->revised_publishing_interval = p.publishing_interval;
    response->revised_lifetime_count = p.lifetime_count;
    response->revised_max_keep_alive_count = p.max_keep_alive_count;
    return KW_GOOD;
}

void kw_service_modify_subscription(kw_request *request)
{
    request->finish(request, modify(request));
}

/* --- SetPublishingMode, DeleteSubscriptions ------------------------------------------------------------------------------------------ */

/* Room for one result for each Subscription that is named. */
static kw_status make_results(const kw_request *request, size_t count, kw_status **results, size_t *results_count)
{
    if (count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    if (count > request->context->limits->max_subscriptions_per_session) { /* more than there can be */
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    return kw_request_statuses(request, count, results, results_count);
}

static kw_status set_publishing_mode(kw_request *request)
{
    const kw_set_publishing_mode_request *body = request->body;
    kw_set_publishing_mode_response *response = request->response;
    KW_TRY(make_results(request, body->subscription_ids_count, &response->results, &response->results_count));
    for (size_t i = 0; i < body->subscription_ids_count; i++) {
        kw_subscription *s = kw_subscription_find(request->context->subscriptions, request->session, body->subscription_ids[i]);
        if (s != NULL) {
            kw_subscription_enable(s, body->publishing_enabled);
        }
        response->results[i] = s != NULL ? KW_GOOD : KW_BAD_SUBSCRIPTION_ID_INVALID;
    }
    return KW_GOOD;
}

void kw_service_set_publishing_mode(kw_request *request)
{
    request->finish(request, set_publishing_mode(request));
}

static kw_status delete (kw_request *request)
{
    const kw_delete_subscriptions_request *body = request->body;
    kw_delete_subscriptions_response *response = request->response;
    kw_subscriptions *manager = request->context->subscriptions;
    KW_TRY(make_results(request, body->subscription_ids_count, &response->results, &response->results_count));
    for (size_t i = 0; i < body->subscription_ids_count; i++) {
        kw_subscription *s = kw_subscription_find(manager, request->session, body->subscription_ids[i]);
        response->results[i] = s != NULL ? KW_GOOD : KW_BAD_SUBSCRIPTION_ID_INVALID;
        if (s != NULL) {
            kw_subscription_free(s);
        }
    }
    kw_publisher *publisher = kw_publisher_of(manager, request->session);
    if (publisher != NULL) {
        kw_publisher_settle(publisher);
    }
    return KW_GOOD;
}

void kw_service_delete_subscriptions(kw_request *request)
{
    request->finish(request, delete (request));
}

/* --- Publish, Republish ------------------------------------------------------------------------------------------------------------------- */

void kw_service_publish(kw_request *request)
{
    kw_publisher *publisher = kw_publisher_of(request->context->subscriptions, request->session);
    if (publisher == NULL) {
        request->finish(request, KW_BAD_NO_SUBSCRIPTION);
        return;
    }
    kw_publisher_request(publisher, request);
}

static kw_status republish(kw_request *request)
{
    const kw_republish_request *body = request->body;
    kw_republish_response *response = request->response;
    kw_subscription *s = kw_subscription_find(request->context->subscriptions, request->session, body->subscription_id);
    if (s == NULL) {
        return KW_BAD_SUBSCRIPTION_ID_INVALID;
    }
    kw_subscription_keep(s);
    s->counts.republish_request_count++;
    s->counts.republish_message_request_count++;
    KW_TRY(kw_subscription_republish(s, body->retransmit_sequence_number, request->arena, &response->notification_message));
    s->counts.republish_message_count++;
    return KW_GOOD;
}

void kw_service_republish(kw_request *request)
{
    request->finish(request, republish(request));
}

/* --- TransferSubscriptions ------------------------------------------------------------------------------------------------------------------ */

/*
 * Only to the same user; Anonymous is nobody, so there the application must be the same, on SecureChannels that prove it
 * (attack A-195).
 */
static bool may_take(const kw_subscription *s, const kw_session *session)
{
    const kw_identity *owner = s->identity, *taker = kw_session_identity(session);
    if (!kw_identity_is_same_user(owner, taker)) {
        return false;
    }
    return owner->kind != KW_USER_TOKEN_TYPE_ANONYMOUS ||
           (s->mode != KW_MESSAGE_SECURITY_MODE_NONE && kw_session_mode(session) != KW_MESSAGE_SECURITY_MODE_NONE &&
            owner->application_uri.len > 0 && kw_bytes_equal(owner->application_uri, taker->application_uri));
}

static kw_status check_transfer(const kw_request *request, const kw_subscription *s, const kw_publisher *taker)
{
    if (s == NULL) {
        return KW_BAD_SUBSCRIPTION_ID_INVALID;
    }
    if (!may_take(s, request->session)) {
        return KW_BAD_USER_ACCESS_DENIED;
    }
    if (s->publisher == taker) {
        return KW_BAD_NOTHING_TO_DO;
    }
    return taker->subscription_count < request->context->limits->max_subscriptions_per_session ? KW_GOOD : KW_BAD_TOO_MANY_SUBSCRIPTIONS;
}

static void count_transfer(kw_subscription *s, const kw_session *taker)
{
    const kw_session *giver = s->publisher != NULL ? s->publisher->session : s->former;
    const bool is_same = kw_bytes_equal(kw_session_client_uri(giver), kw_session_client_uri(taker));
    s->counts.transfer_request_count++;
    s->counts.transferred_to_same_client_count += is_same;
    s->counts.transferred_to_alt_client_count += !is_same;
}

static kw_status transfer_one(kw_request *request, kw_publisher *taker, uint32_t id, bool send_initial_values, kw_transfer_result *result)
{
    kw_subscription *s = kw_subscription_find_any(request->context->subscriptions, id);
    KW_TRY(check_transfer(request, s, taker));
    kw_publisher *former = s->publisher;
    count_transfer(s, request->session);
    kw_subscription_hand_over(s, taker);
    kw_subscription_set_user(s, kw_session_identity(request->session), kw_session_mode(request->session));
    if (former != NULL) {
        kw_publisher_tell(former, s, KW_GOOD_SUBSCRIPTION_TRANSFERRED);
        kw_publisher_settle(former);
    }
    if (send_initial_values) {
        kw_subscription_resend(s);
    }
    return kw_subscription_available(s, request->arena, &result->available_sequence_numbers, &result->available_sequence_numbers_count);
}

static kw_status transfer(kw_request *request)
{
    const kw_transfer_subscriptions_request *body = request->body;
    kw_transfer_subscriptions_response *response = request->response;
    const size_t count = body->subscription_ids_count;
    if (count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    if (count > request->context->limits->max_subscriptions_per_session) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    kw_publisher *taker = kw_publisher_make(request->context->subscriptions, request->session);
    response->results = KW_ARENA_ARRAY(request->arena, kw_transfer_result, count);
    if (taker == NULL || response->results == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    response->results_count = count;
    for (size_t i = 0; i < count; i++) {
        kw_transfer_result *result = &response->results[i];
        result->status_code = transfer_one(request, taker, body->subscription_ids[i], body->send_initial_values, result);
    }
    return KW_GOOD;
}

void kw_service_transfer_subscriptions(kw_request *request)
{
    request->finish(request, transfer(request));
}
