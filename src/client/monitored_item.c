/* MonitoredItems of a Client: what they are is kept, so that they can be made again. OPC 10000-4, 5.13. */
#include "base/try.h"
#include "client/subscription_internal.h"

#include <stdlib.h>
#include <string.h>

#define CALL_ARENA ((size_t)256 << 20)
#define ENCODED_MAX ((size_t)1 << 20) /* of one item: a filter may be long */
#define BATCH 250                     /* of one call: some Servers take no more */
#define ATTRIBUTE_VALUE 13
#define ATTRIBUTE_EVENT_NOTIFIER 12
#define AS_PUBLISHED (-1.0)
#define FIRST_RETRY_MS 1000u
#define RETRY_MS 10000u

static kw_bytes key_of(const uint32_t *handle)
{
    return (kw_bytes){(const uint8_t *)handle, sizeof(*handle)};
}

kw_client_item *kw_client_item_find(const kw_client_subscription *s, uint32_t handle)
{
    kw_client_item *item = kw_map_get(s->client->subscriptions->items, key_of(&handle));
    return item != NULL && item->subscription == s ? item : NULL;
}

uint32_t kw_client_item_id(const kw_client_item *item)
{
    return item->id;
}

/* --- what is wanted ------------------------------------------------------------------------------------------------------------ */

static kw_status keep_wanted(kw_client_item *item, const kw_monitored_item_create_request *wanted)
{
    kw_writer w;
    kw_writer_init(&w, ENCODED_MAX);
    kw_status status = kw_ua_encode(&w, KW_TYPE_MONITORED_ITEM_CREATE_REQUEST, wanted);
    uint8_t *copy = kw_status_is_bad(status) ? NULL : malloc(w.len);
    if (copy != NULL) {
        memcpy(copy, w.data, w.len);
        free(item->wanted);
        item->wanted = copy;
        item->wanted_len = w.len;
    } else if (!kw_status_is_bad(status)) {
        status = KW_BAD_OUT_OF_MEMORY;
    }
    kw_writer_clear(&w);
    return status;
}

static kw_status wanted_of(const kw_client_item *item, kw_arena *arena, kw_monitored_item_create_request *out)
{
    return kw_ua_decode_all((kw_bytes){item->wanted, item->wanted_len}, arena, NULL, KW_TYPE_MONITORED_ITEM_CREATE_REQUEST, out);
}

static kw_monitoring_parameters parameters_of(const kw_client_item *item, const kw_client_item_config *config, uint32_t attribute)
{
    const double sampling = config->sampling_interval_ms;
    return (kw_monitoring_parameters){.client_handle = item->handle,
                                      .sampling_interval = sampling > 0   ? sampling
                                                           : sampling < 0 ? 0
                                                                          : AS_PUBLISHED,
                                      .filter = config->filter,
                                      .queue_size =
                                          config->queue_size != 0 || attribute == ATTRIBUTE_EVENT_NOTIFIER ? config->queue_size : 1,
                                      .discard_oldest = !config->discard_newest};
}

static bool minds_time(const kw_extension_object *filter)
{
    const kw_data_change_filter *data = kw_extension_object_get(filter, KW_TYPE_DATA_CHANGE_FILTER);
    return data != NULL && data->trigger == KW_DATA_CHANGE_TRIGGER_STATUS_VALUE_TIMESTAMP;
}

static kw_status plan(kw_client_item *item, const kw_client_item_config *config)
{
    const uint32_t attribute = config->attribute != 0 ? config->attribute : ATTRIBUTE_VALUE;
    const kw_monitored_item_create_request wanted = {
        .item_to_monitor = {.node_id = config->node, .attribute_id = attribute, .index_range = config->index_range},
        .monitoring_mode = KW_MONITORING_MODE_REPORTING,
        .requested_parameters = parameters_of(item, config, attribute)};
    item->minds_time = minds_time(&config->filter);
    return keep_wanted(item, &wanted);
}

/* --- making and freeing ---------------------------------------------------------------------------------------------------------- */

static void link_item(kw_client_subscription *s, kw_client_item *item)
{
    item->next = s->first_item;
    if (item->next != NULL) {
        item->next->prev = item;
    }
    s->first_item = item;
}

static kw_status make(kw_client_subscription *s, const kw_client_item_config *config, kw_client_item **out)
{
    kw_client_subscriptions *table = s->client->subscriptions;
    kw_client_item *item = calloc(1, sizeof(*item));
    if (item == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    do {
        item->handle = ++table->last_handle;
    } while (kw_map_get(table->items, key_of(&item->handle)) != NULL);
    item->subscription = s;
    item->changed = config->changed;
    item->happened = config->happened;
    item->ctx = config->ctx;
    kw_status status = plan(item, config);
    if (!kw_status_is_bad(status)) {
        status = kw_map_put(table->items, key_of(&item->handle), item, NULL);
    }
    if (kw_status_is_bad(status)) {
        free(item->wanted);
        free(item);
        return status;
    }
    link_item(s, item);
    *out = item;
    return KW_GOOD;
}

void kw_client_item_free(kw_client_item *item)
{
    kw_client_subscription *s = item->subscription;
    kw_map_remove(s->client->subscriptions->items, key_of(&item->handle));
    *(item->prev != NULL ? &item->prev->next : &s->first_item) = item->next;
    if (item->next != NULL) {
        item->next->prev = item->prev;
    }
    free(item->wanted);
    free(item);
}

/* --- CreateMonitoredItems ---------------------------------------------------------------------------------------------------------- */

static kw_status create_in(kw_client_subscription *s, kw_client_item *const *items, size_t count, kw_arena *arena)
{
    kw_create_monitored_items_response *response = NULL;
    kw_create_monitored_items_request request = {.subscription_id = s->id,
                                                 .timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_BOTH,
                                                 .items_to_create = KW_ARENA_ARRAY(arena, kw_monitored_item_create_request, count),
                                                 .items_to_create_count = count};
    if (request.items_to_create == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        KW_TRY(wanted_of(items[i], arena, &request.items_to_create[i]));
    }
    KW_TRY(kw_client_service(s->client, KW_TYPE_CREATE_MONITORED_ITEMS_REQUEST, &request, KW_TYPE_CREATE_MONITORED_ITEMS_RESPONSE, arena,
                             (void **)&response));
    if (response->results_count != count) {
        return kw_client_fail(s->client, KW_BAD_UNKNOWN_RESPONSE, "the server's answer does not fit the question");
    }
    for (size_t i = 0; i < count; i++) {
        const kw_monitored_item_create_result *result = &response->results[i];
        items[i]->status = result->status_code;
        items[i]->id = kw_status_is_bad(result->status_code) ? 0 : result->monitored_item_id;
    }
    return KW_GOOD;
}

/* At most BATCH. */
static kw_status create(kw_client_subscription *s, kw_client_item *const *items, size_t count)
{
    kw_arena *arena = kw_arena_new(CALL_ARENA);
    const kw_status status = arena != NULL ? create_in(s, items, count, arena) : KW_BAD_OUT_OF_MEMORY;
    kw_arena_free(arena);
    return status;
}

/* What was refused is no item. */
static kw_status hand_out(kw_client_item *made, kw_status service, kw_client_item **item, kw_status *result)
{
    const kw_status status = kw_status_is_bad(service) ? service : made->status;
    if (result != NULL) {
        *result = status;
    }
    if (kw_status_is_bad(status)) {
        kw_client_item_free(made);
    }
    if (item != NULL) {
        *item = kw_status_is_bad(status) ? NULL : made;
    }
    return status;
}

static kw_status worse(kw_status a, kw_status b)
{
    return kw_status_is_bad(a) || b == KW_GOOD ? a : b;
}

static kw_status monitor_batch(kw_client_subscription *s, const kw_client_item_config *wanted, size_t count, kw_client_item **items,
                               kw_status *results)
{
    kw_client_item *made[BATCH];
    kw_status status = KW_GOOD, service = KW_GOOD;
    size_t n = 0;
    while (n < count && !kw_status_is_bad(service)) {
        service = make(s, &wanted[n], &made[n]);
        n += kw_status_is_bad(service) ? 0 : 1;
    }
    if (!kw_status_is_bad(service) && s->standing == KW_CLIENT_LIVE) {
        service = create(s, made, n);
    } else if (!kw_status_is_bad(service)) {
        service = KW_GOOD_COMPLETES_ASYNCHRONOUSLY;
        s->items_retry_at = 0;
    }
    for (size_t i = 0; i < n; i++) {
        const kw_status one = hand_out(made[i], service, items != NULL ? &items[i] : NULL, results != NULL ? &results[i] : NULL);
        status = worse(status, results == NULL ? one : KW_GOOD);
    }
    return worse(service, status);
}

kw_status kw_client_monitor(kw_client_subscription *s, const kw_client_item_config *wanted, size_t count, kw_client_item **items,
                            kw_status *results)
{
    kw_status status = count > 0 ? KW_GOOD : KW_BAD_NOTHING_TO_DO;
    for (size_t i = 0; items != NULL && i < count; i++) {
        items[i] = NULL;
    }
    for (size_t i = 0; results != NULL && i < count; i++) {
        results[i] = KW_BAD_NOTHING_TO_DO;
    }
    for (size_t i = 0; i < count; i += BATCH) {
        const size_t n = count - i < BATCH ? count - i : BATCH;
        const kw_status batch = monitor_batch(s, &wanted[i], n, items != NULL ? &items[i] : NULL, results != NULL ? &results[i] : NULL);
        status = worse(status, batch);
        if (results != NULL) {
            KW_TRY(batch);
        }
    }
    return status;
}

/* --- making them again -------------------------------------------------------------------------------------------------------------- */

static void tell_refusal(kw_client_item *item)
{
    const kw_data_value value = {.has_status = true,
                                 .status = item->status,
                                 .has_server_timestamp = true,
                                 .server_timestamp = kw_clock_utc(item->subscription->client->env.clock)};
    item->has_last = false;
    if (item->changed != NULL) {
        item->changed(item->ctx, item, &value);
    }
}

static size_t gather_absent(const kw_client_subscription *s, uint32_t after, kw_client_item **out)
{
    size_t count = 0;
    for (kw_client_item *item = s->first_item; item != NULL && count < BATCH; item = item->next) {
        if (item->id == 0 && item->handle < after) { /* the newest come first in the list */
            out[count++] = item;
        }
    }
    return count;
}

void kw_client_items_restore(kw_client_subscription *s)
{
    kw_client_item *absent[BATCH];
    uint32_t handles[BATCH];
    kw_status before[BATCH];
    s->items_retry_at = UINT64_MAX;
    for (uint32_t after = UINT32_MAX; !s->is_removed;) {
        const size_t count = gather_absent(s, after, absent);
        for (size_t i = 0; i < count; i++) {
            handles[i] = absent[i]->handle;
            before[i] = absent[i]->status;
        }
        if (count == 0) {
            return;
        }
        after = handles[count - 1];
        const kw_status status = create(s, absent, count);
        if (kw_status_is_bad(status)) {
            s->items_retry_at = kw_clock_ms(s->client->env.clock) + FIRST_RETRY_MS;
            return;
        }
        for (size_t i = 0; i < count && !s->is_removed; i++) {
            kw_client_item *item = kw_client_item_find(s, handles[i]); /* a callback may have taken it away */
            if (item != NULL && item->id == 0) {
                s->items_retry_at = kw_clock_ms(s->client->env.clock) + RETRY_MS;
            }
            if (item != NULL && item->id == 0 && item->status != before[i]) {
                tell_refusal(item);
            }
        }
    }
}

/* --- ModifyMonitoredItems, SetMonitoringMode, DeleteMonitoredItems ------------------------------------------------------------------- */

static kw_status modify(kw_client_item *item, const kw_monitoring_parameters *parameters, kw_arena *arena)
{
    kw_client_subscription *s = item->subscription;
    kw_monitored_item_modify_request what = {.monitored_item_id = item->id, .requested_parameters = *parameters};
    kw_modify_monitored_items_request request = {.subscription_id = s->id,
                                                 .timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_BOTH,
                                                 .items_to_modify = &what,
                                                 .items_to_modify_count = 1};
    kw_modify_monitored_items_response *response = NULL;
    KW_TRY(kw_client_service(s->client, KW_TYPE_MODIFY_MONITORED_ITEMS_REQUEST, &request, KW_TYPE_MODIFY_MONITORED_ITEMS_RESPONSE, arena,
                             (void **)&response));
    return response->results_count == 1 ? response->results[0].status_code : KW_BAD_UNKNOWN_RESPONSE;
}

kw_status kw_client_modify_item(kw_client_item *item, const kw_client_item_config *config)
{
    kw_arena *arena = kw_arena_new(CALL_ARENA);
    kw_monitored_item_create_request wanted;
    kw_status status = arena != NULL ? wanted_of(item, arena, &wanted) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        wanted.requested_parameters = parameters_of(item, config, wanted.item_to_monitor.attribute_id);
        status = item->id != 0 ? modify(item, &wanted.requested_parameters, arena) : KW_GOOD;
    }
    if (!kw_status_is_bad(status)) {
        item->minds_time = minds_time(&config->filter);
        status = keep_wanted(item, &wanted);
    }
    kw_arena_free(arena);
    return status;
}

static kw_status set_mode(kw_client_item *item, kw_monitoring_mode mode, kw_arena *arena)
{
    kw_client_subscription *s = item->subscription;
    kw_set_monitoring_mode_request request = {
        .subscription_id = s->id, .monitoring_mode = mode, .monitored_item_ids = &item->id, .monitored_item_ids_count = 1};
    kw_set_monitoring_mode_response *response = NULL;
    KW_TRY(kw_client_service(s->client, KW_TYPE_SET_MONITORING_MODE_REQUEST, &request, KW_TYPE_SET_MONITORING_MODE_RESPONSE, arena,
                             (void **)&response));
    return response->results_count == 1 ? response->results[0] : KW_BAD_UNKNOWN_RESPONSE;
}

kw_status kw_client_set_monitoring_mode(kw_client_item *item, kw_monitoring_mode mode)
{
    kw_arena *arena = kw_arena_new(CALL_ARENA);
    kw_monitored_item_create_request wanted;
    kw_status status = arena != NULL ? wanted_of(item, arena, &wanted) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        wanted.monitoring_mode = mode;
        item->has_last = item->has_last && mode != KW_MONITORING_MODE_DISABLED; /* after that it begins with its present value */
        status = item->id != 0 ? set_mode(item, mode, arena) : KW_GOOD;
    }
    if (!kw_status_is_bad(status)) {
        status = keep_wanted(item, &wanted);
    }
    kw_arena_free(arena);
    return status;
}

static kw_status delete_items(kw_client_subscription *s, uint32_t *ids, size_t count, kw_arena *arena)
{
    kw_delete_monitored_items_request request = {.subscription_id = s->id, .monitored_item_ids = ids, .monitored_item_ids_count = count};
    kw_delete_monitored_items_response *response = NULL;
    kw_status status = KW_GOOD;
    KW_TRY(kw_client_service(s->client, KW_TYPE_DELETE_MONITORED_ITEMS_REQUEST, &request, KW_TYPE_DELETE_MONITORED_ITEMS_RESPONSE, arena,
                             (void **)&response));
    for (size_t i = 0; i < response->results_count; i++) {
        status = worse(status, response->results[i]);
    }
    return status;
}

kw_status kw_client_unmonitor(kw_client_item *const *items, size_t count)
{
    if (count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    kw_client_subscription *s = items[0]->subscription;
    kw_arena *arena = kw_arena_new(CALL_ARENA);
    uint32_t *ids = arena != NULL ? KW_ARENA_ARRAY(arena, uint32_t, count) : NULL;
    kw_status status = ids != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    size_t present = 0;
    for (size_t i = 0; i < count; i++) {
        if (ids != NULL && items[i]->id != 0) {
            ids[present++] = items[i]->id;
        }
        kw_client_item_free(items[i]);
    }
    for (size_t i = 0; i < present && !kw_status_is_bad(status); i += BATCH) {
        status = delete_items(s, &ids[i], present - i < BATCH ? present - i : BATCH, arena);
    }
    kw_arena_free(arena);
    return status;
}
