/* Method Service Set: Call. Each Method may take its time; the request is finished when the last one is. OPC 10000-4, 5.12. */
#include "base/try.h"
#include "service/service.h"
#include "space/locale.h"
#include "space/node.h"

typedef struct call_batch {
    kw_request *request;
    kw_access access;
    kw_identity_claim context;
    size_t pending; /* Methods under way, and one for the loop that starts them */
} call_batch;

typedef struct call_slot {
    kw_call call; /* first: Methods get its address */
    call_batch *batch;
    kw_call_method_result *result;
    bool is_finished;
} call_slot;

static void settle(call_batch *batch)
{
    if (--batch->pending == 0) {
        batch->request->finish(batch->request, KW_GOOD);
    }
}

static bool any_refused(const call_slot *slot)
{
    for (size_t i = 0; i < slot->call.input_count; i++) {
        if (kw_status_is_bad(slot->call.input_results[i])) {
            return true;
        }
    }
    return false;
}

static kw_status localize_output(const call_slot *slot, kw_variant *output)
{
    const kw_request *request = slot->batch->request;
    return kw_space_localize_value(request->context->space, &slot->batch->access, request->arena, output);
}

static void on_finish(kw_call *call, kw_status status)
{
    call_slot *slot = (call_slot *)call;
    if (slot->is_finished) {
        return;
    }
    slot->is_finished = true;
    for (size_t i = 0; !kw_status_is_bad(status) && i < call->output_count; i++) {
        status = localize_output(slot, &call->outputs[i]);
    }
    slot->result->status_code = status;
    if (!kw_status_is_bad(status)) {
        slot->result->output_arguments = call->outputs;
        slot->result->output_arguments_count = call->output_count;
    }
    if (status == KW_BAD_INVALID_ARGUMENT && any_refused(slot)) {
        slot->result->input_argument_results = call->input_results;
        slot->result->input_argument_results_count = call->input_count;
    }
    settle(slot->batch);
}

/* Attack A-199: each Method is authorised by itself, before it is called. */
static kw_status authorise(const call_batch *batch, const kw_call_method_request *what, kw_method_view *method)
{
    const kw_space *space = batch->request->context->space;
    kw_node_ref object;
    if (!kw_space_find(space, &what->object_id, &object)) {
        return KW_BAD_NODE_ID_UNKNOWN;
    }
    KW_TRY(kw_node_check(space, &batch->access, &object, KW_PERMISSION_CALL)); /* of the Object and of the Method */
    KW_TRY(kw_space_find_method(space, &object, &what->method_id, method));
    const kw_status status = kw_node_check(space, &batch->access, &method->method, KW_PERMISSION_CALL);
    KW_TRY(status == KW_BAD_NODE_ID_UNKNOWN ? KW_BAD_METHOD_INVALID : status); /* as for one that the Object does not have */
    if (!batch->access.has_session && !method->is_sessionless) {               /* as if it had the AccessRestriction SessionRequired */
        return KW_BAD_SECURITY_MODE_INSUFFICIENT;
    }
    return method->call != NULL ? KW_GOOD : KW_BAD_NOT_EXECUTABLE;
}

static kw_status check_inputs(call_slot *slot, const kw_method_view *method)
{
    kw_status status = KW_GOOD;
    if (slot->call.input_count != method->input_count) {
        return slot->call.input_count < method->input_count ? KW_BAD_ARGUMENTS_MISSING : KW_BAD_TOO_MANY_ARGUMENTS;
    }
    for (size_t i = 0; i < method->input_count; i++) {
        slot->call.input_results[i] = kw_method_check_input(method, i, &slot->call.inputs[i]);
        status = kw_status_is_bad(slot->call.input_results[i]) ? KW_BAD_INVALID_ARGUMENT : status;
    }
    return status;
}

static kw_status fill_slot(call_batch *batch, const kw_call_method_request *what, const kw_method_view *method, call_slot *slot)
{
    kw_arena *arena = batch->request->arena;
    slot->call = (kw_call){.access = &batch->access,
                           .context = &batch->context,
                           .header = batch->request->header,
                           .object_id = what->object_id,
                           .method_id = what->method_id,
                           .session_id = batch->access.session_id,
                           .inputs = what->input_arguments,
                           .input_count = what->input_arguments_count,
                           .input_results = KW_ARENA_ARRAY(arena, kw_status, what->input_arguments_count),
                           .outputs = KW_ARENA_ARRAY(arena, kw_variant, method->output_count),
                           .output_count = method->output_count,
                           .arena = arena,
                           .finish = on_finish,
                           .owner = batch};
    slot->batch = batch;
    return slot->call.input_results != NULL && slot->call.outputs != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status start_one(call_batch *batch, const kw_call_method_request *what, kw_call_method_result *result)
{
    kw_method_view method;
    KW_TRY(authorise(batch, what, &method));
    call_slot *slot = KW_ARENA_NEW(batch->request->arena, call_slot);
    if (slot == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    slot->result = result;
    KW_TRY(fill_slot(batch, what, &method, slot));
    const kw_status checked = check_inputs(slot, &method);
    if (kw_status_is_bad(checked)) {
        if (checked == KW_BAD_INVALID_ARGUMENT) {
            result->input_argument_results = slot->call.input_results;
            result->input_argument_results_count = slot->call.input_count;
        }
        return checked;
    }
    batch->pending++;
    method.call(method.ctx, &slot->call);
    return KW_GOOD; /* finish says what became of it */
}

static kw_status new_batch(kw_request *request, call_batch **out)
{
    const kw_call_request *body = request->body;
    kw_call_response *response = request->response;
    if (body->methods_to_call_count == 0) {
        return KW_BAD_NOTHING_TO_DO;
    }
    if (body->methods_to_call_count > request->context->limits->max_nodes_per_call) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    call_batch *batch = KW_ARENA_NEW(request->arena, call_batch);
    response->results = KW_ARENA_ARRAY(request->arena, kw_call_method_result, body->methods_to_call_count);
    if (batch == NULL || response->results == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    response->results_count = body->methods_to_call_count;
    batch->request = request;
    batch->access = kw_request_access(request);
    batch->context = kw_request_claim(request);
    const kw_bytes thumbprint = kw_channel_thumbprint(request->channel); /* jobs look at it, and the channel may go meanwhile */
    batch->context.channel_thumbprint = kw_arena_copy(request->arena, thumbprint);
    if (batch->context.channel_thumbprint.len != thumbprint.len) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    batch->pending = 1;
    *out = batch;
    return KW_GOOD;
}

void kw_service_call(kw_request *request)
{
    const kw_call_request *body = request->body;
    kw_call_response *response = request->response;
    call_batch *batch = NULL;
    const kw_status status = new_batch(request, &batch);
    if (kw_status_is_bad(status)) {
        request->finish(request, status);
        return;
    }
    for (size_t i = 0; i < body->methods_to_call_count; i++) {
        const kw_status started = start_one(batch, &body->methods_to_call[i], &response->results[i]);
        if (kw_status_is_bad(started)) {
            response->results[i].status_code = started;
        }
    }
    settle(batch);
}
