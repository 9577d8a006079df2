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

typedef struct write_batch {
    kw_request *request;
    kw_access access;
    kw_string application_uri;
    size_t pending; /* Writes under way, and one for the loop that starts them */
} write_batch;

typedef struct write_slot {
    kw_write write; /* first: Variables get its address */
    write_batch *batch;
    kw_status *result;
} write_slot;

static void settle(write_batch *batch)
{
    if (--batch->pending == 0) {
        batch->request->finish(batch->request, KW_GOOD);
    }
}

static void on_written(kw_write *write, kw_status status)
{
    write_slot *slot = (write_slot *)write;
    *slot->result = status;
    settle(slot->batch);
}

static kw_status start_write(write_batch *batch, const kw_write_value *what, kw_status *result)
{
    kw_node_ref node;
    kw_request *request = batch->request;
    kw_space *space = request->context->space;
    if (!kw_space_find(space, &what->node_id, &node)) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    write_slot *slot = KW_ARENA_NEW(request->arena, write_slot);
    if (slot == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *slot = (write_slot){.write = {.access = &batch->access,
                                   .header = request->header,
                                   .application_uri = batch->application_uri,
                                   .arena = request->arena,
                                   .finish = on_written},
                         .batch = batch,
                         .result = result};
    return kw_node_write_start(space, &node, what->attribute_id, what->index_range, &what->value, &slot->write);
}

static kw_status new_write_batch(kw_request *request, write_batch **out)
{
    const kw_write_request *body = request->body;
    kw_write_response *response = request->response;
    const kw_certificate *peer = kw_channel_peer_certificate(request->channel);
    if (body->nodes_to_write_count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    if (body->nodes_to_write_count > request->context->limits->max_nodes_per_write) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    write_batch *batch = KW_ARENA_NEW(request->arena, write_batch);
    response->results = KW_ARENA_ARRAY(request->arena, kw_status, body->nodes_to_write_count);
    if (batch == NULL || response->results == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    response->results_count = body->nodes_to_write_count;
    *batch = (write_batch){.request = request,
                           .access = kw_request_access(request),
                           .application_uri = peer != NULL ? kw_certificate_application_uri(peer) : KW_BYTES_NULL,
                           .pending = 1};
    *out = batch;
    return KW_GOOD;
}

void kw_service_write(kw_request *request)
{
    const kw_write_request *body = request->body;
    kw_write_response *response = request->response;
    write_batch *batch = NULL;
    const kw_status status = new_write_batch(request, &batch);
    if (kw_status_is_bad(status)) {
        request->finish(request, status);
        return;
    }
    for (size_t i = 0; i < body->nodes_to_write_count; i++) {
        batch->pending++;
        const kw_status started = start_write(batch, &body->nodes_to_write[i], &response->results[i]);
        if (started != KW_GOOD_COMPLETES_ASYNCHRONOUSLY) {
            response->results[i] = started;
            batch->pending--;
        }
    }
    settle(batch);
}
