/* Triggering: items that only sample report what they have queued when another one has news. OPC 10000-4, 5.13.1.6 and 5.13.5. */
#include "service/subscription_internal.h"

#include <stdlib.h>
#include <string.h>

static void set_count(kw_monitored_item *item, uint32_t count)
{
    item->subscription->link_count -= item->link_count - count;
    item->link_count = count;
}

/* Ids are not used twice: a link to an item that is gone leads nowhere, and is dropped when somebody passes by. */
static void drop_dead_links(kw_monitored_item *item)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < item->link_count; i++) {
        if (kw_item_find(item->subscription, item->links[i]) != NULL) {
            item->links[kept++] = item->links[i];
        }
    }
    set_count(item, kept);
}

void kw_item_drop_links(kw_monitored_item *item)
{
    set_count(item, 0);
    free(item->links);
    item->links = NULL;
}

static uint32_t position_of(const kw_monitored_item *item, uint32_t target)
{
    uint32_t i = 0;
    while (i < item->link_count && item->links[i] != target) {
        i++;
    }
    return i;
}

kw_status kw_item_link_to(kw_monitored_item *item, uint32_t target)
{
    kw_subscription *s = item->subscription;
    if (kw_item_find(s, target) == NULL) {
        return KW_BAD_MONITORED_ITEM_ID_INVALID;
    }
    if (position_of(item, target) < item->link_count) {
        return KW_GOOD;
    }
    if (s->link_count >= s->manager->context->limits->max_monitored_items_per_subscription) {
        drop_dead_links(item);
    }
    if (s->link_count >= s->manager->context->limits->max_monitored_items_per_subscription) {
        return KW_BAD_RESOURCE_UNAVAILABLE;
    }
    uint32_t *links = realloc(item->links, (item->link_count + 1) * sizeof(*links));
    if (links == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    item->links = links;
    item->links[item->link_count++] = target;
    s->link_count++;
    return KW_GOOD;
}

kw_status kw_item_unlink_from(kw_monitored_item *item, uint32_t target)
{
    const uint32_t i = position_of(item, target);
    if (i == item->link_count || kw_item_find(item->subscription, target) == NULL) {
        return KW_BAD_MONITORED_ITEM_ID_INVALID;
    }
    memmove(&item->links[i], &item->links[i + 1], (item->link_count - i - 1) * sizeof(*item->links));
    set_count(item, item->link_count - 1);
    return KW_GOOD;
}

/* What is in the queue now; what comes later waits for the next time. */
static void report_queue(kw_monitored_item *item)
{
    if (item->mode != KW_MONITORING_MODE_SAMPLING) {
        return;
    }
    for (kw_notification *n = item->first; n != NULL; n = n->next) {
        n->is_due = true;
    }
    kw_item_settle(item);
}

void kw_item_trigger(kw_monitored_item *item)
{
    for (uint32_t i = 0; i < item->link_count; i++) {
        kw_monitored_item *target = kw_item_find(item->subscription, item->links[i]);
        if (target != NULL) {
            report_queue(target);
        }
    }
}

bool kw_item_reports(const kw_monitored_item *item, const kw_notification *n)
{
    return item->mode == KW_MONITORING_MODE_REPORTING || (item->mode == KW_MONITORING_MODE_SAMPLING && n->is_due);
}
