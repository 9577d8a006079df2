/* MonitoredItems for events: each event that the Session's user may see, as its filter selects. OPC 10000-4, 5.13.1. */
#include "base/try.h"
#include "service/event_fields.h"
#include "service/subscription_internal.h"

#include <keyway/node_ids.h>

#include <stdlib.h>

#define ABOUT_MAX 4200 /* two NodeIds, of which one may be a long string */

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

static kw_status encode_about(kw_writer *w, const kw_event *event)
{
    const kw_node_id type = KW_NODE_ID(event->type_ns, event->type);
    KW_TRY(kw_ua_encode(w, kw_type_builtin(KW_BUILTIN_NODE_ID), &type));
    return kw_ua_encode(w, kw_type_builtin(KW_BUILTIN_NODE_ID), &event->source_node);
}

static kw_notification *notification_of(kw_monitored_item *item, const kw_event *event)
{
    if (!encode_fields(item, event)) {
        return NULL;
    }
    kw_writer about;
    uint8_t room[ABOUT_MAX];
    kw_writer_init_fixed(&about, room, sizeof(room));
    if (kw_status_is_bad(encode_about(&about, event))) { /* then nobody could find out later whether it may still be seen */
        return NULL;
    }
    kw_notification *n =
        kw_notification_new_event(item->subscription, kw_writer_bytes(&item->subscription->manager->writer), kw_writer_bytes(&about));
    if (n != NULL) {
        n->is_security = event->is_security;
        n->names_nodes = event->affected_count > 0;
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
    if (item->mode == KW_MONITORING_MODE_DISABLED || kw_subscription_is_expired(s) ||
        !kw_event_is_visible(s->manager->context->space, event, &access) ||
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

/* May it still be seen? By what is kept of the event; what it names is not, and may be gone. */
static bool is_still_visible(const kw_subscription *s, const kw_access *access, const kw_notification *n)
{
    kw_subscriptions *manager = s->manager;
    kw_event event = {.is_security = n->is_security};
    kw_node_id type = KW_NODE_ID_NULL;
    kw_reader r = kw_reader_of((kw_bytes){n->data + n->len, n->about});
    kw_arena_reset(manager->scratch);
    if (n->names_nodes || kw_status_is_bad(kw_ua_decode(&r, manager->scratch, NULL, kw_type_builtin(KW_BUILTIN_NODE_ID), &type)) ||
        kw_status_is_bad(kw_ua_decode(&r, manager->scratch, NULL, kw_type_builtin(KW_BUILTIN_NODE_ID), &event.source_node))) {
        return false;
    }
    event.type = type.id.numeric;
    event.type_ns = type.ns;
    return kw_event_is_visible(manager->context->space, &event, access);
}

/* Of what is queued, and what was sent already? */
bool kw_event_item_evaluate(kw_monitored_item *item)
{
    const kw_event of_security = {.type = KW_ID_BASE_EVENT_TYPE, .is_security = true};
    const kw_subscription *s = item->subscription;
    const kw_access access = kw_subscription_access(s);
    bool is_lost = !kw_event_is_visible(s->manager->context->space, &of_security, &access);
    item->last = NULL;
    for (kw_notification **link = &item->first; *link != NULL;) {
        kw_notification *n = *link;
        if (is_still_visible(s, &access, n)) {
            item->last = n;
            link = &n->next;
        } else {
            *link = n->next;
            item->queue_count -= n->is_extra ? 0 : 1;
            item->has_extra = item->has_extra && !n->is_extra;
            n->next = NULL;
            kw_notification_release(item->subscription, n);
            is_lost = true;
        }
    }
    kw_item_settle(item);
    return is_lost;
}
