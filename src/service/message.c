/* NotificationMessages: what goes into one, and the retransmission queue. OPC 10000-4, 5.14.1.4 and 7.26. */
#include "base/try.h"
#include "service/read_value.h"
#include "service/subscription_internal.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_BYTES ((size_t)1 << 20) /* of the values in one message; one value is always taken, whatever its size */

uint32_t kw_sequence_after(uint32_t sequence_number)
{
    return sequence_number == UINT32_MAX ? 1 : sequence_number + 1;
}

/* --- the retransmission queue ------------------------------------------------------------------------------------------------ */

static void free_sent(kw_subscription *s, kw_sent_message *m)
{
    const size_t bytes = sizeof(*m) + m->len;
    s->queued_bytes -= bytes;
    s->manager->queued_bytes -= bytes;
    s->sent_count--;
    free(m);
}

static void drop_oldest_sent(kw_subscription *s)
{
    kw_sent_message *m = s->first_sent;
    if (m == NULL) {
        return;
    }
    s->first_sent = m->next;
    s->last_sent = s->first_sent != NULL ? s->last_sent : NULL;
    free_sent(s, m);
}

void kw_subscription_drop_sent(kw_subscription *s)
{
    while (s->first_sent != NULL) {
        drop_oldest_sent(s);
    }
}

static kw_status keep_sent(kw_subscription *s, const kw_notification_message *message)
{
    kw_subscriptions *manager = s->manager;
    kw_writer *w = &manager->writer;
    kw_writer_reset(w);
    KW_TRY(kw_ua_encode(w, KW_TYPE_NOTIFICATION_MESSAGE, message));
    kw_sent_message *m = malloc(sizeof(*m) + w->len);
    if (m == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *m = (kw_sent_message){.sequence_number = message->sequence_number, .len = w->len};
    memcpy(m->data, w->data, w->len);
    *(s->last_sent != NULL ? &s->last_sent->next : &s->first_sent) = m;
    s->last_sent = m;
    s->sent_count++;
    s->queued_bytes += sizeof(*m) + m->len;
    manager->queued_bytes += sizeof(*m) + m->len;
    const kw_service_limits *limits = manager->context->limits;
    while (s->sent_count > limits->max_retransmission_messages ||
           (s->sent_count > 1 && s->queued_bytes > limits->max_subscription_bytes)) { /* attack A-178 */
        drop_oldest_sent(s);
        s->counts.discarded_message_count++;
    }
    return KW_GOOD;
}

kw_status kw_subscription_acknowledge(kw_subscription *s, uint32_t sequence_number)
{
    kw_sent_message *previous = NULL;
    for (kw_sent_message *m = s->first_sent; m != NULL; previous = m, m = m->next) {
        if (m->sequence_number == sequence_number) {
            *(previous != NULL ? &previous->next : &s->first_sent) = m->next;
            s->last_sent = m->next != NULL ? s->last_sent : previous;
            free_sent(s, m);
            return KW_GOOD;
        }
    }
    return KW_BAD_SEQUENCE_NUMBER_UNKNOWN;
}

kw_status kw_subscription_republish(kw_subscription *s, uint32_t sequence_number, kw_arena *arena, kw_notification_message *out)
{
    for (const kw_sent_message *m = s->first_sent; m != NULL; m = m->next) {
        if (m->sequence_number == sequence_number) {
            return kw_ua_decode_all((kw_bytes){m->data, m->len}, arena, NULL, KW_TYPE_NOTIFICATION_MESSAGE, out);
        }
    }
    return KW_BAD_MESSAGE_NOT_AVAILABLE;
}

kw_status kw_subscription_available(const kw_subscription *s, kw_arena *arena, uint32_t **out, size_t *count)
{
    *out = KW_ARENA_ARRAY(arena, uint32_t, s->sent_count);
    *count = 0;
    if (*out == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (const kw_sent_message *m = s->first_sent; m != NULL; m = m->next) {
        (*out)[(*count)++] = m->sequence_number;
    }
    return KW_GOOD;
}

/* --- gathering ------------------------------------------------------------------------------------------------------------------ */

typedef struct gathering {
    kw_arena *arena;
    kw_data_change_notification data;
    kw_event_notification_list events;
    size_t bytes;
} gathering;

static size_t gathered(const gathering *g)
{
    return g->data.monitored_items_count + g->events.events_count;
}

/* A copy: what is decoded points into it, and the notification is gone before the response is. */
static kw_status decode(const gathering *g, const kw_notification *n, const kw_type *type, void *out)
{
    const kw_bytes copy = kw_arena_copy(g->arena, (kw_bytes){n->data, n->len});
    return copy.data != NULL ? kw_ua_decode_all(copy, g->arena, NULL, type, out) : KW_BAD_OUT_OF_MEMORY;
}

static kw_status gather_value(gathering *g, const kw_monitored_item *item, const kw_notification *n)
{
    kw_monitored_item_notification *out = &g->data.monitored_items[g->data.monitored_items_count];
    out->client_handle = item->client_handle;
    out->value = n->head;
    if (n->head.has_value) {
        KW_TRY(decode(g, n, kw_type_builtin(KW_BUILTIN_VARIANT), &out->value.value));
    }
    if (n->is_overflow) { /* InfoType DataValue with the bit Overflow. OPC 10000-4, 7.39 */
        out->value.has_status = true;
        out->value.status |= 0x480;
    }
    kw_keep_timestamps(&out->value, item->timestamps);
    g->data.monitored_items_count++;
    return KW_GOOD;
}

static kw_status gather_event(gathering *g, const kw_monitored_item *item, const kw_notification *n)
{
    kw_event_field_list *out = &g->events.events[g->events.events_count];
    KW_TRY(decode(g, n, KW_TYPE_EVENT_FIELD_LIST, out));
    out->client_handle = item->client_handle;
    g->events.events_count++;
    return KW_GOOD;
}

/* As many as one message takes, in the order in which items had something to report; nothing leaves its queue yet. */
static kw_status gather(const kw_subscription *s, size_t max, gathering *g)
{
    for (const kw_monitored_item *item = s->first_ready; item != NULL; item = item->next_ready) {
        for (const kw_notification *n = item->first; n != NULL && kw_item_reports(item, n); n = n->next) {
            if (gathered(g) == max || (gathered(g) > 0 && g->bytes + n->len > MESSAGE_BYTES)) {
                return KW_GOOD;
            }
            KW_TRY(item->filter.arena != NULL ? gather_event(g, item, n) : gather_value(g, item, n));
            g->bytes += n->len;
        }
    }
    return KW_GOOD;
}

static size_t count_ready(const kw_subscription *s, size_t max)
{
    size_t count = 0;
    for (const kw_monitored_item *item = s->first_ready; item != NULL && count < max; item = item->next_ready) {
        for (const kw_notification *n = item->first; n != NULL && kw_item_reports(item, n) && count < max; n = n->next) {
            count++;
        }
    }
    return count;
}

static void take_gathered(kw_subscription *s, size_t count)
{
    while (count-- > 0) {
        kw_monitored_item *item = s->first_ready;
        kw_item_pop(item);
        kw_item_settle(item);
    }
}

static kw_status compose(kw_subscription *s, gathering *g, kw_notification_message *out)
{
    const size_t max = count_ready(s, s->parameters.max_notifications);
    g->data.monitored_items = KW_ARENA_ARRAY(g->arena, kw_monitored_item_notification, max);
    g->events.events = KW_ARENA_ARRAY(g->arena, kw_event_field_list, max);
    out->notification_data = KW_ARENA_ARRAY(g->arena, kw_extension_object, 2);
    if (g->data.monitored_items == NULL || g->events.events == NULL || out->notification_data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(gather(s, max, g));
    if (g->data.monitored_items_count > 0) {
        out->notification_data[out->notification_data_count++] = kw_extension_object_of(KW_TYPE_DATA_CHANGE_NOTIFICATION, &g->data);
    }
    if (g->events.events_count > 0) {
        out->notification_data[out->notification_data_count++] = kw_extension_object_of(KW_TYPE_EVENT_NOTIFICATION_LIST, &g->events);
    }
    return KW_GOOD;
}

/* --- messages ------------------------------------------------------------------------------------------------------------------------ */

static void begin_message(const kw_subscription *s, kw_publish_response *response)
{
    response->subscription_id = s->id;
    response->notification_message.sequence_number = s->next_sequence_number;
    response->notification_message.publish_time = kw_clock_utc(s->manager->context->clock);
}

kw_status kw_subscription_publish(kw_subscription *s, kw_request *request)
{
    kw_publish_response *response = request->response;
    gathering *g = KW_ARENA_NEW(request->arena, gathering);
    if (g == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    g->arena = request->arena;
    s->has_more = false;
    begin_message(s, response);
    KW_TRY(compose(s, g, &response->notification_message));
    KW_TRY(keep_sent(s, &response->notification_message));
    KW_TRY(
        kw_subscription_available(s, request->arena, &response->available_sequence_numbers, &response->available_sequence_numbers_count));
    s->next_sequence_number = kw_sequence_after(s->next_sequence_number);
    take_gathered(s, gathered(g));
    s->counts.data_change_notifications_count += (uint32_t)g->data.monitored_items_count;
    s->counts.event_notifications_count += (uint32_t)g->events.events_count;
    s->counts.notifications_count += (uint32_t)gathered(g);
    s->has_more = s->first_ready != NULL;
    response->more_notifications = s->has_more;
    return KW_GOOD;
}

/* It carries the number of the message to come, and is not kept. */
kw_status kw_subscription_keep_alive(kw_subscription *s, kw_request *request)
{
    kw_publish_response *response = request->response;
    begin_message(s, response);
    return kw_subscription_available(s, request->arena, &response->available_sequence_numbers, &response->available_sequence_numbers_count);
}
