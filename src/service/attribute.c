/* Attribute Service Set: Read and Write. OPC 10000-4, 5.11. */
#include "base/try.h"
#include "service/read_value.h"
#include "service/service.h"

/* --- Read ------------------------------------------------------------------------------------------------------------------- */

static kw_status check_read(const kw_request *request, const kw_read_request *body)
{
    if (!(body->max_age >= 0)) { /* also NaN */
        return KW_BAD_MAX_AGE_INVALID;
    }
    if (body->timestamps_to_return < KW_TIMESTAMPS_TO_RETURN_SOURCE || body->timestamps_to_return > KW_TIMESTAMPS_TO_RETURN_NEITHER) {
        return KW_BAD_TIMESTAMPS_TO_RETURN_INVALID;
    }
    if (body->nodes_to_read_count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    return body->nodes_to_read_count > request->context->limits->max_nodes_per_read ? KW_BAD_TOO_MANY_OPERATIONS : KW_GOOD;
}

static kw_status read_all(kw_request *request)
{
    const kw_read_request *body = request->body;
    kw_read_response *response = request->response;
    const kw_access access = kw_request_access(request);
    KW_TRY(check_read(request, body));
    response->results = KW_ARENA_ARRAY(request->arena, kw_data_value, body->nodes_to_read_count);
    if (response->results == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    response->results_count = body->nodes_to_read_count;
    for (size_t i = 0; i < body->nodes_to_read_count; i++) {
        kw_data_value *out = &response->results[i];
        const kw_status status = kw_read_value(request->context->space, &access, &body->nodes_to_read[i], request->arena, out);
        if (kw_status_is_bad(status)) {
            *out = (kw_data_value){.has_status = true, .status = status};
        }
        kw_keep_timestamps(out, body->timestamps_to_return);
    }
    return KW_GOOD;
}

void kw_service_read(kw_request *request)
{
    request->finish(request, read_all(request));
}

/* --- Write ------------------------------------------------------------------------------------------------------------------- */

static kw_status write_one(kw_request *request, const kw_access *access, const kw_write_value *what)
{
    kw_node_ref node;
    kw_space *space = request->context->space;
    if (!kw_space_find(space, &what->node_id, &node)) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    return kw_node_write(space, access, &node, what->attribute_id, what->index_range, &what->value, request->arena);
}

static kw_status write_all(kw_request *request)
{
    const kw_write_request *body = request->body;
    kw_write_response *response = request->response;
    const kw_access access = kw_request_access(request);
    if (body->nodes_to_write_count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    if (body->nodes_to_write_count > request->context->limits->max_nodes_per_write) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    response->results = KW_ARENA_ARRAY(request->arena, kw_status, body->nodes_to_write_count);
    if (response->results == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    response->results_count = body->nodes_to_write_count;
    for (size_t i = 0; i < body->nodes_to_write_count; i++) {
        response->results[i] = write_one(request, &access, &body->nodes_to_write[i]);
    }
    return KW_GOOD;
}

void kw_service_write(kw_request *request)
{
    request->finish(request, write_all(request));
}
