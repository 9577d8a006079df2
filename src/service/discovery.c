/* Discovery Service Set. OPC 10000-4, 5.5. */
#include "service/service.h"
#include "space/locale.h"

#define TRANSPORT_UATCP "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
#define URL_MAX 4096

static bool contains(const kw_string *list, size_t count, kw_string wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (kw_bytes_equal(list[i], wanted)) {
            return true;
        }
    }
    return count == 0;
}

/* These services have no Session: the wishes come with the request. */
static void localize_name(const kw_service_context *context, const kw_string *locales, size_t count, kw_application_description *about)
{
    const kw_access access = {.locales = locales, .locale_count = count};
    about->application_name = kw_space_localize(context->space, &access, about->application_name);
}

void kw_service_find_servers(kw_request *request)
{
    const kw_find_servers_request *body = request->body;
    kw_find_servers_response *response = request->response;
    const kw_service_context *context = request->context;
    kw_endpoint_description *endpoints = NULL;
    size_t count = 0;
    if (body->endpoint_url.len > URL_MAX) {
        request->finish(request, KW_BAD_INVALID_ARGUMENT);
        return;
    }
    if (!contains(body->server_uris, body->server_uris_count, context->application.application_uri)) {
        request->finish(request, KW_GOOD); /* another server is meant: nobody here */
        return;
    }
    kw_application_description *servers = KW_ARENA_NEW(request->arena, kw_application_description);
    const kw_status status =
        servers != NULL ? context->endpoints(context->ctx, body->endpoint_url, request->arena, &endpoints, &count) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) { /* with the host name that the Client used */
        *servers = count > 0 ? endpoints[0].server : context->application;
        localize_name(context, body->locale_ids, body->locale_ids_count, servers);
        response->servers = servers;
        response->servers_count = 1;
    }
    request->finish(request, status);
}

/* What a Client learns here it acts on at once: the issuers of this very moment, so the store is asked, in a job. */
typedef struct endpoints_job {
    kw_job job;
    kw_request *request;
} endpoints_job;

static void answer_endpoints(kw_request *request)
{
    const kw_get_endpoints_request *body = request->body;
    kw_get_endpoints_response *response = request->response;
    const kw_service_context *context = request->context;
    kw_status status = KW_GOOD;
    if (contains(body->profile_uris, body->profile_uris_count, KW_STRING(TRANSPORT_UATCP))) {
        status = context->endpoints(context->ctx, body->endpoint_url, request->arena, &response->endpoints, &response->endpoints_count);
    }
    for (size_t i = 0; i < response->endpoints_count; i++) {
        localize_name(context, body->locale_ids, body->locale_ids_count, &response->endpoints[i].server);
    }
    request->finish(request, status);
}

static void run_refresh(kw_job *job)
{
    const kw_service_context *context = ((endpoints_job *)job)->request->context;
    context->refresh(context->ctx);
}

static void done_refresh(kw_job *job)
{
    answer_endpoints(((endpoints_job *)job)->request);
}

void kw_service_get_endpoints(kw_request *request)
{
    const kw_get_endpoints_request *body = request->body;
    if (body->endpoint_url.len > URL_MAX) {
        request->finish(request, KW_BAD_INVALID_ARGUMENT);
        return;
    }
    endpoints_job *job = KW_ARENA_NEW(request->arena, endpoints_job);
    if (job == NULL) {
        request->finish(request, KW_BAD_OUT_OF_MEMORY);
        return;
    }
    const kw_identity_claim from = {.address = request->peer_address};
    *job = (endpoints_job){.job = {.run = run_refresh, .done = done_refresh, .source = kw_identity_source(&from)}, .request = request};
    if (kw_status_is_bad(kw_executor_submit(request->context->executor, &job->job))) {
        answer_endpoints(request); /* the pool is full: what was known a moment ago is good enough */
    }
}
