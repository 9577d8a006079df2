/* What is counted of Subscriptions. OPC 10000-5, 12.9 and 12.12. */
#include "base/try.h"
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

/* --- one by one --------------------------------------------------------------------------------------------------------------- */

static void describe(const kw_subscription *s, kw_subscription_diagnostics_data_type *out)
{
    const kw_subscription_parameters *p = &s->parameters;
    *out = s->counts;
    if (s->publisher != NULL) { /* otherwise it belongs to no Session */
        out->session_id = *kw_session_id(s->publisher->session);
    }
    out->subscription_id = s->id;
    out->priority = p->priority;
    out->publishing_interval = p->publishing_interval;
    out->max_keep_alive_count = p->max_keep_alive_count;
    out->max_lifetime_count = p->lifetime_count;
    out->max_notifications_per_publish = p->max_notifications;
    out->publishing_enabled = s->publishing_enabled;
    out->current_keep_alive_count = p->max_keep_alive_count - s->keep_alive_left;
    out->current_lifetime_count = p->lifetime_count - s->lifetime_left;
    out->unacknowledged_message_count = s->sent_count;
    out->monitored_item_count = s->item_count;
    out->next_sequence_number = s->next_sequence_number;
    for (const kw_monitored_item *item = s->first_item; item != NULL; item = item->next) {
        out->disabled_monitored_item_count += item->mode == KW_MONITORING_MODE_DISABLED;
    }
}

/* Room for an array of structures, and of the objects that hold them. */
typedef struct description {
    kw_subscription_diagnostics_data_type *values;
    kw_extension_object *objects;
    size_t count;
} description;

static kw_status begin(size_t room, kw_arena *arena, description *d)
{
    *d = (description){KW_ARENA_ARRAY(arena, kw_subscription_diagnostics_data_type, room), KW_ARENA_ARRAY(arena, kw_extension_object, room),
                       0};
    return d->values != NULL && d->objects != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static void add(description *d, const kw_subscription *s)
{
    describe(s, &d->values[d->count]);
    d->objects[d->count] = kw_extension_object_of(KW_TYPE_SUBSCRIPTION_DIAGNOSTICS_DATA_TYPE, &d->values[d->count]);
    d->count++;
}

kw_status kw_subscriptions_describe(const kw_subscriptions *manager, const kw_session *session, kw_arena *arena, kw_variant *out)
{
    const kw_publisher *publisher = session != NULL ? kw_publisher_of((kw_subscriptions *)manager, session) : NULL;
    description d;
    KW_TRY(begin(publisher != NULL ? publisher->subscription_count : 0, arena, &d));
    for (const kw_subscription *s = publisher != NULL ? publisher->first : NULL; s != NULL; s = s->next) {
        add(&d, s);
    }
    *out = kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, d.objects, d.count);
    return KW_GOOD;
}

kw_status kw_subscriptions_describe_all(const kw_subscriptions *manager, kw_arena *arena, kw_variant *out)
{
    void *value = NULL;
    description d;
    KW_TRY(begin(kw_subscriptions_count(manager), arena, &d));
    for (size_t cursor = 0; kw_map_next(manager->by_id, &cursor, NULL, &value);) {
        add(&d, value);
    }
    *out = kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, d.objects, d.count);
    return KW_GOOD;
}

kw_status kw_subscriptions_describe_sampling(const kw_subscriptions *manager, kw_arena *arena, kw_variant *out)
{
    const size_t room = kw_map_count(manager->samplers);
    kw_sampling_interval_diagnostics_data_type *values = KW_ARENA_ARRAY(arena, kw_sampling_interval_diagnostics_data_type, room);
    kw_extension_object *objects = KW_ARENA_ARRAY(arena, kw_extension_object, room);
    void *value = NULL;
    size_t count = 0;
    if (values == NULL || objects == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t cursor = 0; kw_map_next(manager->samplers, &cursor, NULL, &value); count++) {
        const kw_sampler *sampler = value;
        values[count] = (kw_sampling_interval_diagnostics_data_type){.sampling_interval = (double)sampler->interval_ms,
                                                                     .monitored_item_count = sampler->item_count,
                                                                     .max_monitored_item_count = sampler->most_items};
        for (const kw_monitored_item *item = sampler->first; item != NULL; item = item->next_sampled) {
            values[count].disabled_monitored_item_count += item->mode == KW_MONITORING_MODE_DISABLED;
        }
        objects[count] = kw_extension_object_of(KW_TYPE_SAMPLING_INTERVAL_DIAGNOSTICS_DATA_TYPE, &values[count]);
    }
    *out = kw_variant_array(KW_BUILTIN_EXTENSION_OBJECT, objects, count);
    return KW_GOOD;
}

void kw_subscriptions_reset_counts(kw_subscriptions *manager)
{
    void *value = NULL;
    manager->created = (uint32_t)kw_subscriptions_count(manager);
    for (size_t cursor = 0; kw_map_next(manager->by_id, &cursor, NULL, &value);) {
        ((kw_subscription *)value)->counts = (kw_subscription_diagnostics_data_type){.priority = 0};
    }
}
