/* Session Service Set. OPC 10000-4, 5.7. */
#include "service/service.h"

static void finish(void *ctx, kw_status result)
{
    kw_request *request = ctx;
    request->finish(request, result);
}

void kw_service_create_session(kw_request *request)
{
    kw_session_create(request->context->sessions, request->channel, request->peer_address, request->body, request->arena, request->response,
                      finish, request);
}

void kw_service_activate_session(kw_request *request)
{
    kw_session_activate(request->context->sessions, request->channel, request->peer_address, request->body, request->arena,
                        request->response, finish, request);
}

void kw_service_close_session(kw_request *request)
{
    request->finish(request, kw_session_close(request->context->sessions, request->channel, request->peer_address, request->body));
}

void kw_service_cancel(kw_request *request)
{
    const kw_cancel_request *body = request->body;
    kw_cancel_response *response = request->response;
    response->cancel_count = request->context->cancel(request->context->ctx, request, body->request_handle);
    request->finish(request, KW_GOOD);
}
