/* The table of services. */
#include "service/service.h"

const kw_service_limits KW_SERVICE_LIMITS_DEFAULT = {
    .max_nodes_per_read = 1000,
    .max_nodes_per_write = 1000,
    .max_nodes_per_call = 1000,
    .max_nodes_per_browse = 1000,
    .max_nodes_per_translate = 1000,
    .max_nodes_per_register = 1000,
    .max_references_per_node = 1000,
    .max_browse_continuation_points = 20,
};

#define ROW(id, upper, need, discovery, handler)                                                                                           \
    {                                                                                                                                      \
#upper, id, KW_TYPE_##upper##_REQUEST, KW_TYPE_##upper##_RESPONSE, need, discovery, kw_service_##handler                           \
    }

/* In ascending order of the request's id. */
static const kw_service SERVICES[] = {
    ROW(422, FIND_SERVERS, KW_NEEDS_NOTHING, true, find_servers),
    ROW(428, GET_ENDPOINTS, KW_NEEDS_NOTHING, true, get_endpoints),
    ROW(461, CREATE_SESSION, KW_NEEDS_NOTHING, false, create_session),
    ROW(467, ACTIVATE_SESSION, KW_NEEDS_NOTHING, false, activate_session),
    ROW(473, CLOSE_SESSION, KW_NEEDS_NOTHING, false, close_session),
    ROW(479, CANCEL, KW_NEEDS_SESSION, false, cancel),
    ROW(527, BROWSE, KW_NEEDS_SESSION, false, browse),
    ROW(533, BROWSE_NEXT, KW_NEEDS_SESSION, false, browse_next),
    ROW(554, TRANSLATE_BROWSE_PATHS_TO_NODE_IDS, KW_NEEDS_SESSION, false, translate_browse_paths),
    ROW(560, REGISTER_NODES, KW_NEEDS_SESSION, false, register_nodes),
    ROW(566, UNREGISTER_NODES, KW_NEEDS_SESSION, false, unregister_nodes),
    ROW(631, READ, KW_NEEDS_SESSION, false, read),
    ROW(673, WRITE, KW_NEEDS_SESSION, false, write),
    ROW(712, CALL, KW_NEEDS_SESSION, false, call),
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

kw_access kw_request_access(const kw_request *request)
{
    kw_access access = {.identity = request->identity, .mode = kw_channel_mode(request->channel), .has_session = request->session != NULL};
    if (request->session != NULL) {
        access.session_id = *kw_session_id(request->session);
        access.locales = kw_session_locales(request->session, &access.locale_count);
    }
    return access;
}
