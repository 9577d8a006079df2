/* What is counted of Subscriptions. OPC 10000-5, 12.9 and 12.12. */
#include "service/subscription_internal.h"

/* Of those that are in use: every Subscription has the interval that it was given. */
static uint32_t count_intervals(const kw_subscriptions *manager)
{
    kw_map *seen = kw_map_new();
    void *value = NULL;
    size_t cursor = 0;
    if (seen == NULL) {
        return 0;
    }
    while (kw_map_next(manager->by_id, &cursor, NULL, &value)) {
        const kw_subscription *s = value;
        (void)kw_map_put(seen, (kw_bytes){(const uint8_t *)&s->interval_ms, sizeof(s->interval_ms)}, value, NULL); /* one less then */
    }
    const size_t count = kw_map_count(seen);
    kw_map_free(seen);
    return (uint32_t)count;
}

void kw_subscriptions_summary(const kw_subscriptions *manager, kw_server_diagnostics_summary_data_type *out)
{
    out->publishing_interval_count = count_intervals(manager);
    out->current_subscription_count = (uint32_t)kw_subscriptions_count(manager);
    out->cumulated_subscription_count = manager->created;
}

void kw_subscriptions_diagnose(kw_subscriptions *manager, const kw_session *session, kw_session_diagnostics_data_type *out)
{
    const kw_publisher *publisher = kw_publisher_of(manager, session);
    if (publisher == NULL) {
        return;
    }
    out->current_subscriptions_count = publisher->subscription_count;
    out->current_publish_requests_in_queue = publisher->parked_count;
    for (const kw_subscription *s = publisher->first; s != NULL; s = s->next) {
        out->current_monitored_items_count += s->item_count;
    }
}
