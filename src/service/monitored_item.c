/* MonitoredItems: what is watched, how often, and what of it is worth telling. OPC 10000-4, 5.13. */
#include "base/try.h"
#include "service/read_value.h"
#include "service/subscription_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTE_EVENT_NOTIFIER 12
#define RANGE_LEN_MAX 256
#define SUBSCRIBE_TO_EVENTS 1u

static kw_bytes key_of(const uint32_t *id)
{
    return (kw_bytes){(const uint8_t *)id, sizeof(*id)};
}

kw_monitored_item *kw_item_find(const kw_subscription *s, uint32_t id)
{
    return kw_map_get(s->items, key_of(&id));
}

/* --- sampling ------------------------------------------------------------------------------------------------------------------ */

static bool is_event_item(const kw_monitored_item *item)
{
    return item->filter.arena != NULL;
}

/* The Client knows the Node since it made the item: of one that is still there, what is missing is the right (AS-32). */
static kw_status as_denial(const kw_space *space, const kw_read_value_id *what, kw_status status)
{
    kw_node_ref node;
    return status == KW_BAD_NODE_ID_UNKNOWN && kw_space_find(space, &what->node_id, &node) ? KW_BAD_USER_ACCESS_DENIED : status;
}

static bool is_denial(kw_status status)
{
    return status == KW_BAD_USER_ACCESS_DENIED || status == KW_BAD_SECURITY_MODE_INSUFFICIENT;
}

static kw_data_value no_value(const kw_subscriptions *manager, kw_status status)
{
    return (kw_data_value){
        .has_status = true, .status = status, .has_server_timestamp = true, .server_timestamp = kw_clock_utc(manager->context->clock)};
}

/* The reading, and its Variant in UA binary in the writer of the manager. */
static kw_status read_now(kw_monitored_item *item, kw_data_value *out)
{
    kw_subscriptions *manager = item->subscription->manager;
    const kw_access access = kw_subscription_access(item->subscription);
    kw_arena_reset(manager->scratch);
    kw_writer_reset(&manager->writer);
    kw_status status = kw_read_value(manager->context->space, &access, &item->what, manager->scratch, out);
    if (!kw_status_is_bad(status) && out->has_value) {
        status = kw_ua_encode(&manager->writer, kw_type_builtin(KW_BUILTIN_VARIANT), &out->value);
    }
    if (kw_status_is_bad(status)) {
        status = as_denial(manager->context->space, &item->what, status);
        kw_writer_reset(&manager->writer);
        *out = no_value(manager, status);
    }
    return status;
}

static void keep_value(kw_monitored_item *item, kw_notification *n)
{
    kw_notification_release(item->subscription, item->value);
    n->references++;
    item->value = n;
}

static void forget_values(kw_monitored_item *item)
{
    kw_item_clear_queue(item);
    kw_notification_release(item->subscription, item->value);
    item->value = NULL;
}

void kw_item_forget(kw_monitored_item *item)
{
    forget_values(item);
    item->is_denied = false;
    item->was_lost = false;
}

/* Where there is no room for one more, those before it make room: late news is worth less than fresh news. */
static void tell(kw_monitored_item *item, const kw_data_value *now, kw_bytes encoded)
{
    kw_subscription *s = item->subscription;
    kw_notification *n = kw_notification_new(s, encoded);
    if (n == NULL) {
        forget_values(item);
        item->was_lost = true;
        n = kw_notification_new(s, encoded);
    }
    if (n == NULL) {
        return; /* it is told at the next sample that finds room */
    }
    n->head = *now;
    n->head.value = KW_VARIANT_NULL;
    n->is_overflow = item->was_lost && item->queue_size > 1;
    item->was_lost = false;
    keep_value(item, n);
    kw_item_enqueue(item, n);
}

void kw_item_sample(kw_monitored_item *item, bool force)
{
    kw_subscriptions *manager = item->subscription->manager;
    kw_data_value now;
    if (item->mode == KW_MONITORING_MODE_DISABLED || is_event_item(item) || kw_subscription_is_expired(item->subscription)) {
        return;
    }
    const bool is_denied = is_denial(read_now(item, &now));
    if (is_denied && !item->is_denied) {
        kw_item_forget(item); /* also what was seen while it was allowed */
    }
    item->is_denied = is_denied;
    const kw_bytes encoded = kw_writer_bytes(&manager->writer);
    if (force || item->value == NULL || kw_item_filter_passes(item, &now, encoded, manager->scratch)) {
        tell(item, &now, encoded);
    }
}

bool kw_item_evaluate(kw_monitored_item *item)
{
    if (is_event_item(item)) {
        return kw_event_item_evaluate(item);
    }
    if (kw_subscription_is_expired(item->subscription)) { /* nobody can say what its user may read when he is back */
        kw_item_forget(item);
        return true;
    }
    const bool was_denied = item->is_denied;
    kw_item_sample(item, false);
    return item->is_denied && !was_denied;
}

/* --- making one -------------------------------------------------------------------------------------------------------------------- */

static kw_status check_room(const kw_subscription *s, bool is_event)
{
    const kw_subscriptions *manager = s->manager;
    const kw_service_limits *limits = manager->context->limits;
    const bool is_full = manager->item_count >= limits->max_monitored_items ||
                         s->item_count >= limits->max_monitored_items_per_subscription ||
                         (is_event && manager->event_item_count >= limits->max_event_items);
    return is_full ? KW_BAD_TOO_MANY_MONITORED_ITEMS : KW_GOOD;
}

static kw_status check_mode(kw_monitoring_mode mode)
{
    return mode >= KW_MONITORING_MODE_DISABLED && mode <= KW_MONITORING_MODE_REPORTING ? KW_GOOD : KW_BAD_MONITORING_MODE_INVALID;
}

/* What Read would say to this user. Data that is not there yet, or not in this range, may come. */
static kw_status check_readable(const kw_subscription *s, const kw_read_value_id *what, kw_arena *arena)
{
    kw_data_value value = {.has_value = false};
    const kw_access access = kw_subscription_access(s);
    if (what->index_range.len > RANGE_LEN_MAX) {
        return KW_BAD_INDEX_RANGE_INVALID;
    }
    const kw_status status = kw_read_value(s->manager->context->space, &access, what, arena, &value);
    switch (status) {
    case KW_BAD_NODE_ID_UNKNOWN:
    case KW_BAD_NODE_ID_INVALID:
    case KW_BAD_ATTRIBUTE_ID_INVALID:
    case KW_BAD_USER_ACCESS_DENIED:
    case KW_BAD_SECURITY_MODE_INSUFFICIENT:
    case KW_BAD_NOT_READABLE:
    case KW_BAD_INDEX_RANGE_INVALID:
    case KW_BAD_DATA_ENCODING_INVALID:
    case KW_BAD_DATA_ENCODING_UNSUPPORTED:
        return status;
    default:
        break;
    }
    const uint8_t *notifier = what->attribute_id == ATTRIBUTE_EVENT_NOTIFIER ? kw_variant_get(&value.value, KW_BUILTIN_BYTE) : NULL;
    return notifier != NULL && (*notifier & SUBSCRIBE_TO_EVENTS) == 0 ? KW_BAD_NOT_SUPPORTED : KW_GOOD;
}

static void set_sampling(kw_monitored_item *item, double wanted)
{
    const kw_service_limits *limits = item->subscription->manager->context->limits;
    const double shortest = limits->min_sampling_interval_ms, longest = limits->max_sampling_interval_ms;
    double interval = wanted >= 0 ? wanted : item->subscription->parameters.publishing_interval; /* -1, and NaN (attack A-28) */
    interval = interval >= shortest ? interval : shortest;
    item->sampling_interval = is_event_item(item) ? 0 : floor(interval <= longest ? interval : longest);
}

static void set_queue(kw_monitored_item *item, uint32_t wanted, bool discard_oldest)
{
    const uint32_t most = item->subscription->manager->context->limits->max_item_queue;
    const uint32_t smallest = is_event_item(item) ? most : 1; /* 0: as the Server likes */
    const uint32_t size = wanted > 0 ? wanted : smallest;
    item->queue_size = size < most ? size : most;
    item->discard_oldest = discard_oldest;
    kw_item_trim_queue(item);
}

static kw_status keep_what(kw_monitored_item *item, const kw_read_value_id *what, kw_arena *arena)
{
    kw_writer *w = &item->subscription->manager->writer;
    kw_writer_reset(w);
    KW_TRY(kw_ua_encode(w, KW_TYPE_READ_VALUE_ID, what));
    item->what_bytes = malloc(w->len);
    if (item->what_bytes == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    memcpy(item->what_bytes, w->data, w->len);
    return kw_ua_decode_all((kw_bytes){item->what_bytes, w->len}, arena, NULL, KW_TYPE_READ_VALUE_ID, &item->what);
}

static kw_status link_item(kw_monitored_item *item)
{
    kw_subscription *s = item->subscription;
    item->id = ++s->last_item_id;
    KW_TRY(kw_map_put(s->items, key_of(&item->id), item, NULL));
    item->next = s->first_item;
    if (item->next != NULL) {
        item->next->prev = item;
    }
    s->first_item = item;
    s->item_count++;
    s->manager->item_count++;
    if (is_event_item(item)) {
        kw_event_item_link(item);
    }
    return KW_GOOD;
}

/* In no list. */
static void discard(kw_monitored_item *item)
{
    kw_item_drop_links(item);
    kw_item_filter_clear(&item->filter);
    free(item->what_bytes);
    free(item);
}

static kw_status make(kw_subscription *s, kw_timestamps_to_return timestamps, const kw_monitored_item_create_request *wanted,
                      kw_arena *arena, kw_item_filter *filter, kw_monitored_item **out)
{
    kw_monitored_item *item = calloc(1, sizeof(*item));
    if (item == NULL) {
        kw_item_filter_clear(filter);
        return KW_BAD_OUT_OF_MEMORY;
    }
    item->subscription = s;
    item->filter = *filter;
    item->client_handle = wanted->requested_parameters.client_handle;
    item->timestamps = timestamps;
    kw_status status = keep_what(item, &wanted->item_to_monitor, arena);
    if (!kw_status_is_bad(status)) {
        set_sampling(item, wanted->requested_parameters.sampling_interval);
        set_queue(item, wanted->requested_parameters.queue_size, wanted->requested_parameters.discard_oldest);
        status = link_item(item);
    }
    if (kw_status_is_bad(status)) {
        discard(item);
        return status;
    }
    *out = item;
    return KW_GOOD;
}

kw_status kw_item_new(kw_subscription *s, kw_timestamps_to_return timestamps, const kw_monitored_item_create_request *wanted,
                      kw_arena *arena, kw_monitored_item_create_result *result)
{
    const kw_read_value_id *what = &wanted->item_to_monitor;
    kw_item_filter filter = {.trigger = KW_DATA_CHANGE_TRIGGER_STATUS_VALUE};
    kw_monitored_item *item = NULL;
    KW_TRY(check_room(s, what->attribute_id == ATTRIBUTE_EVENT_NOTIFIER));
    KW_TRY(check_mode(wanted->monitoring_mode));
    KW_TRY(check_readable(s, what, arena));
    KW_TRY(kw_item_filter_of(s, what, &wanted->requested_parameters.filter, arena, &filter, &result->filter_result));
    KW_TRY(make(s, timestamps, wanted, arena, &filter, &item));
    kw_item_set_mode(item, wanted->monitoring_mode);
    result->monitored_item_id = item->id;
    result->revised_sampling_interval = item->sampling_interval;
    result->revised_queue_size = item->queue_size;
    return KW_GOOD;
}

/* --- its life ---------------------------------------------------------------------------------------------------------------------- */

void kw_item_set_mode(kw_monitored_item *item, kw_monitoring_mode mode)
{
    const kw_monitoring_mode former = item->mode;
    item->mode = mode;
    if (mode == KW_MONITORING_MODE_DISABLED) {
        kw_sampler_remove(item);
        kw_item_forget(item);
    } else if (former == KW_MONITORING_MODE_DISABLED && !is_event_item(item)) {
        (void)kw_sampler_add(item); /* without memory it is sampled this once */
        kw_item_sample(item, true); /* a first value at once */
    }
    kw_item_settle(item);
}

kw_status kw_item_modify(kw_monitored_item *item, kw_timestamps_to_return timestamps, const kw_monitoring_parameters *wanted,
                         kw_arena *arena, kw_monitored_item_modify_result *result)
{
    kw_item_filter filter = {.trigger = KW_DATA_CHANGE_TRIGGER_STATUS_VALUE};
    const double former_interval = item->sampling_interval;
    KW_TRY(kw_item_filter_of(item->subscription, &item->what, &wanted->filter, arena, &filter, &result->filter_result));
    kw_item_filter_clear(&item->filter);
    item->filter = filter;
    item->client_handle = wanted->client_handle;
    item->timestamps = timestamps;
    set_sampling(item, wanted->sampling_interval);
    set_queue(item, wanted->queue_size, wanted->discard_oldest);
    if (item->sampler != NULL && item->sampling_interval != former_interval) {
        kw_sampler_remove(item);
        KW_TRY(kw_sampler_add(item));
    }
    result->revised_sampling_interval = item->sampling_interval;
    result->revised_queue_size = item->queue_size;
    return KW_GOOD;
}

void kw_item_free(kw_monitored_item *item)
{
    kw_subscription *s = item->subscription;
    kw_sampler_remove(item);
    kw_item_forget(item);
    if (is_event_item(item)) {
        kw_event_item_unlink(item);
    }
    kw_map_remove(s->items, key_of(&item->id));
    *(item->prev != NULL ? &item->prev->next : &s->first_item) = item->next;
    if (item->next != NULL) {
        item->next->prev = item->prev;
    }
    s->item_count--;
    s->manager->item_count--;
    discard(item);
}
