/* Publish requests of a Session: their queue, acknowledgements, and what they are answered with. OPC 10000-4, 5.14.5. */
#include "base/try.h"
#include "service/subscription_internal.h"

#include <stdlib.h>

#define PARKED_BYTES ((size_t)128 << 10) /* of a request that waits: it may do so for long, and there are many */
#define CHANGES_MAX 100                  /* StatusChangeNotifications that nobody fetched; the oldest go first */

/* In the request's arena. */
struct kw_parked_publish {
    kw_parked_publish *prev, *next;
    kw_publisher *publisher;
    kw_request *request;
};

/* --- the queue ---------------------------------------------------------------------------------------------------------------- */

static kw_request *unpark(kw_parked_publish *parked)
{
    kw_publisher *p = parked->publisher; /* NOLINT(clang-analyzer-core.NullDereference): asked for only where one is parked */
    *(parked->prev != NULL ? &parked->prev->next : &p->first_parked) = parked->next;
    *(parked->next != NULL ? &parked->next->prev : &p->last_parked) = parked->prev;
    p->parked_count--;
    parked->request->give_up = NULL;
    return parked->request;
}

static void answer(kw_parked_publish *parked, kw_status status)
{
    kw_request *request = unpark(parked);
    request->finish(request, status);
}

/* Cancelled, or its connection is gone. */
static void give_up(kw_request *request)
{
    answer(request->parked, KW_BAD_REQUEST_CANCELLED_BY_CLIENT);
}

static void park(kw_publisher *p, kw_request *request)
{
    kw_parked_publish *parked = request->parked;
    parked->publisher = p;
    parked->request = request;
    parked->prev = p->last_parked;
    *(p->last_parked != NULL ? &p->last_parked->next : &p->first_parked) = parked;
    p->last_parked = parked;
    p->parked_count++;
    request->give_up = give_up;
}

static kw_parked_publish *first_late(const kw_publisher *p)
{
    const uint64_t now = kw_clock_ms(p->manager->context->clock);
    kw_parked_publish *parked = p->first_parked;
    while (parked != NULL && now <= parked->request->deadline_ms) {
        parked = parked->next;
    }
    return parked;
}

/* Those that waited longer than their Client does. An answer may end a connection, which takes others out of the queue as well. */
static void refuse_late(kw_publisher *p)
{
    for (kw_parked_publish *late = first_late(p); late != NULL; late = first_late(p)) {
        answer(late, KW_BAD_TIMEOUT);
    }
}

bool kw_publisher_has_request(kw_publisher *p)
{
    refuse_late(p);
    return p->first_parked != NULL;
}

kw_request *kw_publisher_take(kw_publisher *p)
{
    return kw_publisher_has_request(p) ? unpark(p->first_parked) : NULL;
}

void kw_publisher_refuse(kw_publisher *p, kw_status status)
{
    while (p->first_parked != NULL) {
        answer(p->first_parked, status);
    }
}

static kw_parked_publish *first_of_others(const kw_publisher *p, const kw_channel *channel)
{
    kw_parked_publish *parked = p->first_parked;
    while (parked != NULL && parked->request->channel == channel) {
        parked = parked->next;
    }
    return parked;
}

void kw_publisher_refuse_others(kw_publisher *p, const kw_channel *channel, kw_status status)
{
    for (kw_parked_publish *other = first_of_others(p, channel); other != NULL; other = first_of_others(p, channel)) {
        answer(other, status);
    }
}

/* --- StatusChangeNotifications ---------------------------------------------------------------------------------------------------- */

static kw_status_change *take_change(kw_publisher *p)
{
    kw_status_change *change = p->first_change;
    if (change != NULL) {
        p->first_change = change->next;
        p->last_change = p->first_change != NULL ? p->last_change : NULL;
        p->change_count--;
    }
    return change;
}

static kw_status fill_change(const kw_publisher *p, kw_request *request, const kw_status_change *change)
{
    kw_publish_response *response = request->response;
    kw_status_change_notification *body = KW_ARENA_NEW(request->arena, kw_status_change_notification);
    kw_extension_object *object = KW_ARENA_NEW(request->arena, kw_extension_object);
    if (body == NULL || object == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    body->status = change->status;
    *object = kw_extension_object_of(KW_TYPE_STATUS_CHANGE_NOTIFICATION, body);
    response->subscription_id = change->subscription_id;
    response->notification_message = (kw_notification_message){.sequence_number = change->sequence_number,
                                                               .publish_time = kw_clock_utc(p->manager->context->clock),
                                                               .notification_data = object,
                                                               .notification_data_count = 1};
    return KW_GOOD;
}

/* False: there is nothing of that kind to tell. */
static bool serve_change(kw_publisher *p, kw_request *request)
{
    kw_status_change *change = take_change(p);
    if (change == NULL) {
        return false;
    }
    const kw_status status = fill_change(p, request, change);
    free(change);
    request->finish(request, status);
    return true;
}

void kw_publisher_tell(kw_publisher *p, const kw_subscription *s, kw_status status)
{
    kw_status_change *change = calloc(1, sizeof(*change));
    if (change == NULL) {
        return; /* the Client finds out with its next call */
    }
    *change = (kw_status_change){.subscription_id = s->id, .sequence_number = s->next_sequence_number, .status = status};
    if (p->change_count == CHANGES_MAX) {
        free(take_change(p));
    }
    *(p->last_change != NULL ? &p->last_change->next : &p->first_change) = change;
    p->last_change = change;
    p->change_count++;
    kw_request *request = kw_publisher_take(p);
    if (request != NULL) {
        (void)serve_change(p, request);
    }
}

void kw_publisher_settle(kw_publisher *p)
{
    if (p->subscription_count == 0) {
        kw_publisher_refuse(p, KW_BAD_NO_SUBSCRIPTION);
    }
}

void kw_publisher_free(kw_publisher *p)
{
    for (kw_status_change *change = take_change(p); change != NULL; change = take_change(p)) {
        free(change);
    }
    free(p);
}

/* --- a request comes in ---------------------------------------------------------------------------------------------------------------- */

static kw_status acknowledge(kw_publisher *p, kw_request *request)
{
    const kw_publish_request *body = request->body;
    kw_publish_response *response = request->response;
    const size_t count = body->subscription_acknowledgements_count;
    response->results = KW_ARENA_ARRAY(request->arena, kw_status, count);
    request->parked = KW_ARENA_NEW(request->arena, kw_parked_publish);
    if (response->results == NULL || request->parked == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    response->results_count = count;
    for (size_t i = 0; i < count; i++) {
        const kw_subscription_acknowledgement *a = &body->subscription_acknowledgements[i];
        kw_subscription *s = kw_subscription_find_any(p->manager, a->subscription_id);
        response->results[i] =
            s != NULL && s->publisher == p ? kw_subscription_acknowledge(s, a->sequence_number) : KW_BAD_SUBSCRIPTION_ID_INVALID;
    }
    return KW_GOOD;
}

/* Of those that are late: the highest priority, then the one that waited longest. */
static kw_subscription *first_in_turn(const kw_publisher *p)
{
    kw_subscription *best = NULL;
    for (kw_subscription *s = p->first; s != NULL; s = s->next) {
        if (!kw_subscription_wants_request(s)) {
            continue;
        }
        const uint8_t priority = s->parameters.priority;
        if (best == NULL || priority > best->parameters.priority || (priority == best->parameters.priority && s->served < best->served)) {
            best = s;
        }
    }
    return best;
}

static kw_status admit(kw_publisher *p, kw_request *request)
{
    if (p->subscription_count == 0 && p->first_change == NULL) {
        return KW_BAD_NO_SUBSCRIPTION;
    }
    if (kw_arena_used(request->arena) > PARKED_BYTES) {
        return KW_BAD_REQUEST_TOO_LARGE;
    }
    return acknowledge(p, request);
}

void kw_publisher_request(kw_publisher *p, kw_request *request)
{
    const kw_status status = admit(p, request);
    if (kw_status_is_bad(status)) {
        request->finish(request, status);
        return;
    }
    refuse_late(p);
    if (p->first_parked == NULL) { /* otherwise nobody has anything to say */
        if (serve_change(p, request)) {
            return;
        }
        kw_subscription *s = first_in_turn(p);
        if (s != NULL) {
            kw_subscription_serve(s, request);
            return;
        }
    }
    park(p, request);
    if (p->parked_count > p->manager->context->limits->max_publish_requests_per_session) { /* attack A-167 */
        answer(p->first_parked, KW_BAD_TOO_MANY_PUBLISH_REQUESTS);
    }
}
