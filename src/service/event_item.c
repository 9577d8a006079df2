/* MonitoredItems for events: each event that the Session's user may see, as its filter selects. OPC 10000-4, 5.13.1. */
#include "service/event_fields.h"
#include "service/subscription_internal.h"

#include <keyway/node_ids.h>

#include <stdlib.h>

/* --- the list of them ----------------------------------------------------------------------------------------------------------- */

void kw_event_item_link(kw_monitored_item *item)
{
    kw_subscriptions *manager = item->subscription->manager;
    item->next_sampled = manager->event_items;
    if (item->next_sampled != NULL) {
        item->next_sampled->prev_sampled = item;
    }
    manager->event_items = item;
    manager->event_item_count++;
}

void kw_event_item_unlink(kw_monitored_item *item)
{
    kw_subscriptions *manager = item->subscription->manager;
    *(item->prev_sampled != NULL ? &item->prev_sampled->next_sampled : &manager->event_items) = item->next_sampled;
    if (item->next_sampled != NULL) {
        item->next_sampled->prev_sampled = item->prev_sampled;
    }
    manager->event_item_count--;
}

/* --- notifications ---------------------------------------------------------------------------------------------------------------- */

static bool encode_fields(kw_monitored_item *item, const kw_event *event)
{
    kw_subscriptions *manager = item->subscription->manager;
    const kw_event_filter *filter = item->filter.event;
    const size_t count = filter->select_clauses_count;
    kw_event_field_room *rooms = calloc(count, sizeof(*rooms));
    kw_variant *fields = calloc(count, sizeof(*fields));
    const kw_access access = kw_subscription_access(item->subscription);
    bool is_good = rooms != NULL && fields != NULL;
    for (size_t i = 0; is_good && i < count; i++) {
        fields[i] = kw_event_select(manager->context->space, &access, event, &filter->select_clauses[i], &rooms[i]);
    }
    if (is_good) {
        const kw_event_field_list list = {.event_fields = fields, .event_fields_count = count};
        kw_writer_reset(&manager->writer);
        is_good = !kw_status_is_bad(kw_ua_encode(&manager->writer, KW_TYPE_EVENT_FIELD_LIST, &list));
    }
    free(rooms);
    free(fields);
    return is_good;
}

static kw_notification *notification_of(kw_monitored_item *item, const kw_event *event)
{
    if (!encode_fields(item, event)) {
        return NULL;
    }
    kw_notification *n = kw_notification_new(item->subscription, kw_writer_bytes(&item->subscription->manager->writer));
    if (n != NULL) {
        n->is_security = event->is_security;
    }
    return n;
}

kw_notification *kw_event_overflow_notification(kw_monitored_item *item)
{
    const kw_service_context *context = item->subscription->manager->context;
    kw_event event = {.type = KW_ID_EVENT_QUEUE_OVERFLOW_EVENT_TYPE,
                      .source_node = KW_NODE_ID(0, KW_ID_SERVER),
                      .source_name = KW_STRING("Server"),
                      .time = kw_clock_utc(context->clock),
                      .message = KW_STRING("Events were lost"),
                      .severity = 300};
    return kw_status_is_bad(kw_random_fill(context->random, event.id, sizeof(event.id))) ? NULL : notification_of(item, &event);
}

static void hear(kw_monitored_item *item, const kw_event *event)
{
    const kw_subscription *s = item->subscription;
    const kw_access access = kw_subscription_access(s);
    if (item->mode == KW_MONITORING_MODE_DISABLED || kw_subscription_is_expired(s) || !kw_event_is_visible(event, &access) ||
        !kw_event_filter_passes(s->manager->context->space, item->filter.event, event)) {
        return;
    }
    kw_notification *n = notification_of(item, event);
    if (n != NULL) {
        kw_item_enqueue(item, n);
    }
}

void kw_event_items_hear(void *ctx, const kw_event *event)
{
    const kw_subscriptions *manager = ctx;
    for (kw_monitored_item *item = manager->event_items; item != NULL; item = item->next_sampled) {
        hear(item, event);
    }
}

/* --- other rights -------------------------------------------------------------------------------------------------------------------- */

static void drop_security_events(kw_monitored_item *item)
{
    item->last = NULL;
    for (kw_notification **link = &item->first; *link != NULL;) {
        kw_notification *n = *link;
        if (n->is_security) {
            *link = n->next;
            item->queue_count--;
            n->next = NULL;
            kw_notification_release(item->subscription, n);
        } else {
            item->last = n;
            link = &n->next;
        }
    }
    kw_item_settle(item);
}

bool kw_event_item_evaluate(kw_monitored_item *item)
{
    const kw_event of_security = {.is_security = true};
    const kw_access access = kw_subscription_access(item->subscription);
    if (kw_event_is_visible(&of_security, &access)) {
        return false;
    }
    drop_security_events(item);
    return true; /* there may be some among what was sent already */
}
