/* The table of services. */
#include "service/service.h"

#include "space/rights.h"
#include "ua/text.h"

#include <stddef.h>

#define LOG_ARENA ((size_t)16 << 10)

const kw_service_limits KW_SERVICE_LIMITS_DEFAULT = {
    .max_nodes_per_read = 1000,
    .max_nodes_per_write = 1000,
    .max_nodes_per_call = 1000,
    .max_nodes_per_browse = 1000,
    .max_nodes_per_translate = 1000,
    .max_nodes_per_register = 1000,
    .max_nodes_per_node_management = 100,
    .max_nodes = 1000000,
    .max_references_per_node = 1000,
    .max_browse_continuation_points = 20,
    .max_subscriptions = 1000,
    .max_subscriptions_per_session = 100,
    .max_monitored_items = 100000,
    .max_monitored_items_per_subscription = 10000,
    .max_monitored_items_per_call = 1000,
    .max_event_items = 1000,
    .max_item_queue = 1000,
    .max_select_clauses = 100,
    .max_where_elements = 100,
    .max_publish_requests_per_session = 20,
    .max_retransmission_messages = 40,
    .max_notifications_per_publish = 10000,
    .min_publishing_interval_ms = 50,
    .max_publishing_interval_ms = 600000,
    .min_sampling_interval_ms = 50,
    .max_sampling_interval_ms = 600000,
    .min_subscription_lifetime_ms = 10000,
    .max_subscription_lifetime_ms = 3600000,
    .max_subscription_bytes = (size_t)16 << 20,
    .max_notification_bytes = (size_t)256 << 20,
};

#define COUNTED(field) offsetof(kw_session_diagnostics_data_type, field##_count)

#define ROW(id, upper, need, counter, discovery, handler) ROW_OF(id, upper, need, counter, discovery, false, handler)
/* Those that ask for nothing but the identity of who asks. */
#define FREE_ROW(id, upper, counter, handler) ROW_OF(id, upper, KW_NEEDS_SESSION, counter, false, true, handler)
#define ROW_OF(id, upper, need, counter, discovery, sessionless, handler)                                                                  \
    {                                                                                                                                      \
#upper, id, KW_TYPE_##upper##_REQUEST, KW_TYPE_##upper##_RESPONSE, need, counter, discovery, sessionless, kw_service_##handler     \
    }

/* In ascending order of the request's id. */
static const kw_service SERVICES[] = {
    ROW(422, FIND_SERVERS, KW_NEEDS_NOTHING, 0, true, find_servers),
    ROW(428, GET_ENDPOINTS, KW_NEEDS_NOTHING, 0, true, get_endpoints),
    ROW(461, CREATE_SESSION, KW_NEEDS_NOTHING, 0, false, create_session),
    ROW(467, ACTIVATE_SESSION, KW_NEEDS_NOTHING, 0, false, activate_session),
    ROW(473, CLOSE_SESSION, KW_NEEDS_NOTHING, 0, false, close_session),
    ROW(479, CANCEL, KW_NEEDS_SESSION, 0, false, cancel),
    ROW(488, ADD_NODES, KW_NEEDS_SESSION, COUNTED(add_nodes), false, add_nodes),
    ROW(494, ADD_REFERENCES, KW_NEEDS_SESSION, COUNTED(add_references), false, add_references),
    ROW(500, DELETE_NODES, KW_NEEDS_SESSION, COUNTED(delete_nodes), false, delete_nodes),
    ROW(506, DELETE_REFERENCES, KW_NEEDS_SESSION, COUNTED(delete_references), false, delete_references),
    FREE_ROW(527, BROWSE, COUNTED(browse), browse),
    FREE_ROW(533, BROWSE_NEXT, COUNTED(browse_next), browse_next),
    FREE_ROW(554, TRANSLATE_BROWSE_PATHS_TO_NODE_IDS, COUNTED(translate_browse_paths_to_node_ids), translate_browse_paths),
    ROW(560, REGISTER_NODES, KW_NEEDS_SESSION, COUNTED(register_nodes), false, register_nodes),
    ROW(566, UNREGISTER_NODES, KW_NEEDS_SESSION, COUNTED(unregister_nodes), false, unregister_nodes),
    FREE_ROW(631, READ, COUNTED(read), read),
    FREE_ROW(673, WRITE, COUNTED(write), write),
    FREE_ROW(712, CALL, COUNTED(call), call),
    ROW(751, CREATE_MONITORED_ITEMS, KW_NEEDS_SESSION, COUNTED(create_monitored_items), false, create_monitored_items),
    ROW(763, MODIFY_MONITORED_ITEMS, KW_NEEDS_SESSION, COUNTED(modify_monitored_items), false, modify_monitored_items),
    ROW(769, SET_MONITORING_MODE, KW_NEEDS_SESSION, COUNTED(set_monitoring_mode), false, set_monitoring_mode),
    ROW(775, SET_TRIGGERING, KW_NEEDS_SESSION, COUNTED(set_triggering), false, set_triggering),
    ROW(781, DELETE_MONITORED_ITEMS, KW_NEEDS_SESSION, COUNTED(delete_monitored_items), false, delete_monitored_items),
    ROW(787, CREATE_SUBSCRIPTION, KW_NEEDS_SESSION, COUNTED(create_subscription), false, create_subscription),
    ROW(793, MODIFY_SUBSCRIPTION, KW_NEEDS_SESSION, COUNTED(modify_subscription), false, modify_subscription),
    ROW(799, SET_PUBLISHING_MODE, KW_NEEDS_SESSION, COUNTED(set_publishing_mode), false, set_publishing_mode),
    ROW(826, PUBLISH, KW_NEEDS_SESSION, COUNTED(publish), false, publish),
    ROW(832, REPUBLISH, KW_NEEDS_SESSION, COUNTED(republish), false, republish),
    ROW(841, TRANSFER_SUBSCRIPTIONS, KW_NEEDS_SESSION, COUNTED(transfer_subscriptions), false, transfer_subscriptions),
    ROW(847, DELETE_SUBSCRIPTIONS, KW_NEEDS_SESSION, COUNTED(delete_subscriptions), false, delete_subscriptions),
};

const kw_service *kw_service_find(uint32_t request_id)
{
    size_t low = 0, high = sizeof(SERVICES) / sizeof(SERVICES[0]);
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (SERVICES[middle].request_id == request_id) {
            return &SERVICES[middle];
        }
        if (SERVICES[middle].request_id < request_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const kw_service *kw_service_find_sessionless(uint32_t data_type_id)
{
    for (size_t i = 0; i < sizeof(SERVICES) / sizeof(SERVICES[0]); i++) {
        if (SERVICES[i].request_type->data_type_id == data_type_id) {
            return SERVICES[i].is_sessionless ? &SERVICES[i] : NULL;
        }
    }
    return NULL;
}

kw_status kw_request_statuses(const kw_request *request, size_t count, kw_status **results, size_t *results_count)
{
    *results = KW_ARENA_ARRAY(request->arena, kw_status, count);
    *results_count = *results != NULL ? count : 0;
    return *results != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* Why somebody may not: for the log alone. `request`: its channel and its number there, and what the Client calls it. */
static void log_refusal(const kw_access *access, const kw_node_ref *node, uint32_t permission, const kw_verdict *verdict)
{
    const kw_request *request = access->request;
    const kw_log *log = request->context->log;
    if (log->level > KW_LOG_DEBUG) {
        return;
    }
    kw_arena *arena = kw_arena_new(LOG_ARENA);
    if (arena == NULL) {
        return;
    }
    const kw_string correlation = kw_arena_format(arena, "%u.%u", kw_channel_id(request->channel), request->request_id);
    KW_LOG(log, KW_LOG_DEBUG, "access refused", kw_field_str("request", correlation),
           kw_field_int("handle", request->header->request_handle),
           kw_field_str("user", access->identity != NULL ? access->identity->name : KW_BYTES_NULL),
           kw_field_text("service", request->service->name), kw_field_str("node", kw_node_id_format(arena, &node->id)),
           kw_field_text("permission", kw_permission_name(permission)), kw_field_status("status", verdict->status),
           kw_field_text("why", verdict->why), kw_field_text("permissions", kw_rights_source_name(verdict->permissions.source)),
           kw_field_str("of", kw_node_id_format(arena, &verdict->permissions.carrier)));
    kw_arena_free(arena);
}

kw_access kw_request_access(const kw_request *request)
{
    kw_access access = {.identity = request->identity,
                        .mode = kw_channel_mode(request->channel),
                        .has_session = request->session != NULL,
                        .locales = request->locales,
                        .locale_count = request->locale_count,
                        .refused = log_refusal,
                        .request = request};
    if (request->session != NULL) {
        access.session_id = *kw_session_id(request->session);
        access.locales = kw_session_locales(request->session, &access.locale_count);
    }
    return access;
}

kw_identity_claim kw_request_claim(const kw_request *request)
{
    const kw_certificate *peer = kw_channel_peer_certificate(request->channel);
    return (kw_identity_claim){.channel_policy = kw_channel_policy(request->channel),
                               .mode = kw_channel_mode(request->channel),
                               .receiver = kw_channel_identity(request->channel),
                               .client_certificate = peer,
                               .application_uri = peer != NULL ? kw_certificate_application_uri(peer) : KW_BYTES_NULL,
                               .address = request->peer_address,
                               .endpoint_url = kw_channel_endpoint_url(request->channel)};
}
