/* MonitoredItem Service Set. OPC 10000-4, 5.13. */
#include "base/try.h"
#include "service/subscription_internal.h"

/* Every call about a Subscription shows that its Client is there. */
static kw_status find(kw_request *request, uint32_t id, size_t count, kw_subscription **out)
{
    if (count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    if (count > request->context->limits->max_monitored_items_per_call) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    *out = kw_subscription_find(request->context->subscriptions, request->session, id);
    if (*out == NULL) {
        return KW_BAD_SUBSCRIPTION_ID_INVALID;
    }
    kw_subscription_keep(*out);
    return KW_GOOD;
}

static kw_status check_timestamps(kw_timestamps_to_return wanted)
{
    return wanted >= KW_TIMESTAMPS_TO_RETURN_SOURCE && wanted <= KW_TIMESTAMPS_TO_RETURN_NEITHER ? KW_GOOD
                                                                                                 : KW_BAD_TIMESTAMPS_TO_RETURN_INVALID;
}

/* --- CreateMonitoredItems, ModifyMonitoredItems ---------------------------------------------------------------------------------- */

static kw_status create(kw_request *request)
{
    const kw_create_monitored_items_request *body = request->body;
    kw_create_monitored_items_response *response = request->response;
    kw_subscription *s = NULL;
    KW_TRY(find(request, body->subscription_id, body->items_to_create_count, &s));
    KW_TRY(check_timestamps(body->timestamps_to_return));
    response->results = KW_ARENA_ARRAY(request->arena, kw_monitored_item_create_result, body->items_to_create_count);
    if (response->results == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    response->results_count = body->items_to_create_count;
    for (size_t i = 0; i < body->items_to_create_count; i++) {
        kw_monitored_item_create_result *result = &response->results[i];
        result->status_code = kw_item_new(s, body->timestamps_to_return, &body->items_to_create[i], request->arena, result);
    }
    return KW_GOOD;
}

void kw_service_create_monitored_items(kw_request *request)
{
    request->finish(request, create(request));
}

static kw_status modify(kw_request *request)
{
    const kw_modify_monitored_items_request *body = request->body;
    kw_modify_monitored_items_response *response = request->response;
    kw_subscription *s = NULL;
    KW_TRY(find(request, body->subscription_id, body->items_to_modify_count, &s));
    KW_TRY(check_timestamps(body->timestamps_to_return));
    response->results = KW_ARENA_ARRAY(request->arena, kw_monitored_item_modify_result, body->items_to_modify_count);
    if (response->results == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    response->results_count = body->items_to_modify_count;
    for (size_t i = 0; i < body->items_to_modify_count; i++) {
        const kw_monitored_item_modify_request *wanted = &body->items_to_modify[i];
        kw_monitored_item_modify_result *result = &response->results[i];
        kw_monitored_item *item = kw_item_find(s, wanted->monitored_item_id);
        result->status_code = item != NULL
                                  ? kw_item_modify(item, body->timestamps_to_return, &wanted->requested_parameters, request->arena, result)
                                  : KW_BAD_MONITORED_ITEM_ID_INVALID;
    }
    return KW_GOOD;
}

void kw_service_modify_monitored_items(kw_request *request)
{
    request->finish(request, modify(request));
}

/* --- SetMonitoringMode, DeleteMonitoredItems ---------------------------------------------------------------------------------------- */

static kw_status set_mode(kw_request *request)
{
    const kw_set_monitoring_mode_request *body = request->body;
    kw_set_monitoring_mode_response *response = request->response;
    kw_subscription *s = NULL;
    KW_TRY(find(request, body->subscription_id, body->monitored_item_ids_count, &s));
    if (body->monitoring_mode < KW_MONITORING_MODE_DISABLED || body->monitoring_mode > KW_MONITORING_MODE_REPORTING) {
        return KW_BAD_MONITORING_MODE_INVALID;
    }
    KW_TRY(kw_request_statuses(request, body->monitored_item_ids_count, &response->results, &response->results_count));
    for (size_t i = 0; i < body->monitored_item_ids_count; i++) {
        kw_monitored_item *item = kw_item_find(s, body->monitored_item_ids[i]);
        if (item != NULL) {
            kw_item_set_mode(item, body->monitoring_mode);
        }
        response->results[i] = item != NULL ? KW_GOOD : KW_BAD_MONITORED_ITEM_ID_INVALID;
    }
    return KW_GOOD;
}

void kw_service_set_monitoring_mode(kw_request *request)
{
    request->finish(request, set_mode(request));
}

static kw_status delete (kw_request *request)
{
    const kw_delete_monitored_items_request *body = request->body;
    kw_delete_monitored_items_response *response = request->response;
    kw_subscription *s = NULL;
    KW_TRY(find(request, body->subscription_id, body->monitored_item_ids_count, &s));
    KW_TRY(kw_request_statuses(request, body->monitored_item_ids_count, &response->results, &response->results_count));
    for (size_t i = 0; i < body->monitored_item_ids_count; i++) {
        kw_monitored_item *item = kw_item_find(s, body->monitored_item_ids[i]);
        response->results[i] = item != NULL ? KW_GOOD : KW_BAD_MONITORED_ITEM_ID_INVALID;
        if (item != NULL) {
            kw_item_free(item);
        }
    }
    return KW_GOOD;
}

void kw_service_delete_monitored_items(kw_request *request)
{
    request->finish(request, delete (request));
}

/* --- SetTriggering ------------------------------------------------------------------------------------------------------------------ */

static kw_status set_triggering(kw_request *request)
{
    const kw_set_triggering_request *body = request->body;
    kw_set_triggering_response *response = request->response;
    const size_t add_count = body->links_to_add_count, remove_count = body->links_to_remove_count;
    kw_subscription *s = NULL;
    KW_TRY(find(request, body->subscription_id, add_count + remove_count, &s));
    kw_monitored_item *item = kw_item_find(s, body->triggering_item_id);
    if (item == NULL) {
        return KW_BAD_MONITORED_ITEM_ID_INVALID;
    }
    KW_TRY(kw_request_statuses(request, remove_count, &response->remove_results, &response->remove_results_count));
    KW_TRY(kw_request_statuses(request, add_count, &response->add_results, &response->add_results_count));
    for (size_t i = 0; i < remove_count; i++) { /* first, as the standard says: they make room */
        response->remove_results[i] = kw_item_unlink_from(item, body->links_to_remove[i]);
    }
    for (size_t i = 0; i < add_count; i++) {
        response->add_results[i] = kw_item_link_to(item, body->links_to_add[i]);
    }
    return KW_GOOD;
}

void kw_service_set_triggering(kw_request *request)
{
    request->finish(request, set_triggering(request));
}
