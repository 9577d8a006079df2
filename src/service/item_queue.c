/* The queue of a MonitoredItem: its size, what is discarded, and that this shows. OPC 10000-4, 5.13.1.5. */
#include "service/subscription_internal.h"

#include <stdlib.h>
#include <string.h>

/* --- notifications ----------------------------------------------------------------------------------------------------------- */

kw_notification *kw_notification_new(kw_subscription *s, kw_bytes data)
{
    return kw_notification_new_event(s, data, KW_BYTES_NULL);
}

kw_notification *kw_notification_new_event(kw_subscription *s, kw_bytes data, kw_bytes about)
{
    const kw_service_limits *limits = s->manager->context->limits;
    const size_t bytes = sizeof(kw_notification) + data.len + about.len;
    if (s->queued_bytes + bytes > limits->max_subscription_bytes || s->manager->queued_bytes + bytes > limits->max_notification_bytes) {
        return NULL;
    }
    kw_notification *n = malloc(bytes);
    if (n == NULL) {
        return NULL;
    }
    *n = (kw_notification){.references = 1, .len = data.len, .about = about.len};
    if (data.len > 0) {
        memcpy(n->data, data.data, data.len);
    }
    if (about.len > 0) {
        memcpy(n->data + data.len, about.data, about.len);
    }
    s->queued_bytes += bytes;
    s->manager->queued_bytes += bytes;
    return n;
}

void kw_notification_release(kw_subscription *s, kw_notification *n)
{
    if (n == NULL || --n->references > 0) {
        return;
    }
    const size_t bytes = sizeof(*n) + n->len + n->about;
    s->queued_bytes -= bytes;
    s->manager->queued_bytes -= bytes;
    free(n);
}

/* --- who has something to report ------------------------------------------------------------------------------------------------ */

static void make_ready(kw_monitored_item *item)
{
    kw_subscription *s = item->subscription;
    item->is_ready = true;
    item->next_ready = NULL;
    item->prev_ready = s->last_ready;
    *(s->last_ready != NULL ? &s->last_ready->next_ready : &s->first_ready) = item;
    s->last_ready = item;
}

static void make_unready(kw_monitored_item *item)
{
    kw_subscription *s = item->subscription;
    item->is_ready = false;
    *(item->prev_ready != NULL ? &item->prev_ready->next_ready : &s->first_ready) = item->next_ready;
    *(item->next_ready != NULL ? &item->next_ready->prev_ready : &s->last_ready) = item->prev_ready;
}

void kw_item_settle(kw_monitored_item *item)
{
    const bool is_ready = item->first != NULL && kw_item_reports(item, item->first);
    if (is_ready && !item->is_ready) {
        make_ready(item);
    } else if (!is_ready && item->is_ready) {
        make_unready(item);
    }
}

/* --- in and out -------------------------------------------------------------------------------------------------------------------- */

void kw_item_pop(kw_monitored_item *item)
{
    kw_notification *n = item->first;
    item->first = n->next;
    item->last = item->first != NULL ? item->last : NULL;
    item->queue_count -= n->is_extra ? 0 : 1;
    item->has_extra = item->has_extra && !n->is_extra;
    n->next = NULL;
    kw_notification_release(item->subscription, n);
}

void kw_item_clear_queue(kw_monitored_item *item)
{
    while (item->first != NULL) {
        kw_item_pop(item);
    }
    kw_item_settle(item);
}

static void append(kw_monitored_item *item, kw_notification *n)
{
    n->next = NULL;
    *(item->last != NULL ? &item->last->next : &item->first) = n;
    item->last = n;
    item->queue_count += n->is_extra ? 0 : 1;
}

static void prepend(kw_monitored_item *item, kw_notification *n)
{
    n->next = item->first;
    n->is_due = item->first != NULL && item->first->is_due;
    item->first = n;
    item->last = item->last != NULL ? item->last : n;
    item->queue_count += n->is_extra ? 0 : 1;
}

/* The newest one that counts against the size. */
static void discard_newest(kw_monitored_item *item)
{
    kw_notification *previous = NULL, *newest = item->first;
    for (kw_notification *n = item->first; n->next != NULL; n = n->next) {
        if (!n->next->is_extra) {
            previous = n;
            newest = n->next;
        }
    }
    *(previous != NULL ? &previous->next : &item->first) = newest->next;
    item->last = newest->next != NULL ? item->last : previous;
    item->queue_count--;
    newest->next = NULL;
    kw_notification_release(item->subscription, newest);
}

static void discard_oldest(kw_monitored_item *item)
{
    kw_notification *extra = item->first->is_extra ? item->first : NULL;
    if (extra == NULL) {
        kw_item_pop(item);
        return;
    }
    item->first = extra->next;
    kw_item_pop(item);
    prepend(item, extra);
}

/* Events were lost: an event of its own says so, once until the Client was told. */
static void note_lost_events(kw_monitored_item *item)
{
    kw_notification *n = item->has_extra ? NULL : kw_event_overflow_notification(item);
    if (n != NULL) {
        n->is_extra = item->has_extra = true;
        (item->discard_oldest ? prepend : append)(item, n);
    }
}

static void note_lost_value(kw_monitored_item *item)
{
    kw_notification *next_to_it = item->discard_oldest ? item->first : item->last;
    if (item->queue_size > 1 && next_to_it != NULL) {
        next_to_it->is_overflow = true;
    }
}

/* Make room for `more`, then see that the loss will show. */
static bool make_room(kw_monitored_item *item, uint32_t more)
{
    bool lost = false;
    while (item->queue_count > 0 && item->queue_count + more > item->queue_size) {
        (item->discard_oldest ? discard_oldest : discard_newest)(item);
        lost = true;
    }
    return lost;
}

static void note_lost(kw_monitored_item *item)
{
    kw_subscription_diagnostics_data_type *counts = &item->subscription->counts;
    counts->monitoring_queue_overflow_count++;
    if (item->filter.arena != NULL) {
        counts->event_queue_overflow_count++;
        note_lost_events(item);
    } else {
        note_lost_value(item);
    }
}

void kw_item_enqueue(kw_monitored_item *item, kw_notification *n)
{
    const bool lost = make_room(item, 1);
    append(item, n);
    if (lost) {
        note_lost(item);
    }
    kw_item_settle(item);
    kw_item_trigger(item);
}

void kw_item_trim_queue(kw_monitored_item *item)
{
    if (make_room(item, 0)) {
        note_lost(item);
    }
    kw_item_settle(item);
}
