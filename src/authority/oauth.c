/* From a request to its answer: routes, jobs, and answers that wait. */
#include "authority/oauth_internal.h"
#include "base/try.h"

#include <stddef.h>
#include <stdlib.h>

#define CONFIG_ARENA ((size_t)1 << 20)
#define WAITING_MAX 64 /* delayed answers, of all Clients: past it 429 */

static const kw_oauth_route ROUTES[] = {
    {"GET", "/.well-known/openid-configuration", kw_oauth_metadata, false, false},
    {"GET", "/.well-known/oauth-authorization-server", kw_oauth_metadata, false, false},
    {"GET", "/jwks", kw_oauth_keys, false, false},
    {"GET", "/style.css", kw_oauth_style, false, false},
    {"GET", "/authorize", kw_oauth_authorize_page, false, false},
    {"POST", "/authorize", kw_oauth_authorize, false, true},
    {"POST", "/device_authorization", kw_oauth_device_start, true, false},
    {"GET", "/device", kw_oauth_device_page, false, false},
    {"POST", "/device", kw_oauth_device_answer, false, true},
    {"GET", "/userinfo", kw_oauth_user_info, false, false},
    {"POST", "/userinfo", kw_oauth_user_info, false, false},
    {"POST", "/token", kw_oauth_token, true, false},
    {"POST", "/introspect", kw_oauth_introspect, true, false},
    {"POST", "/revoke", kw_oauth_revoke, true, false},
};

#define ROUTE_COUNT (sizeof(ROUTES) / sizeof(ROUTES[0]))

/* --- life -------------------------------------------------------------------------------------------------------------------- */

static kw_status make_parts(kw_oauth *oauth, const kw_oauth_rates *rates)
{
    oauth->arena = kw_arena_new(CONFIG_ARENA);
    KW_TRY(kw_rate_new(&rates->client, oauth->env->clock, &oauth->clients));
    KW_TRY(kw_rate_new(&rates->address, oauth->env->clock, &oauth->addresses));
    return oauth->arena != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

kw_status kw_oauth_new(kw_authority *authority, kw_server *server, const kw_server_env *env, const kw_oauth_rates *rates, kw_oauth **out)
{
    kw_oauth *oauth = calloc(1, sizeof(*oauth));
    if (oauth == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    oauth->authority = authority;
    oauth->server = server;
    oauth->env = env;
    const kw_status status = make_parts(oauth, rates);
    if (kw_status_is_bad(status)) {
        kw_oauth_free(oauth);
        return status;
    }
    *out = oauth;
    return KW_GOOD;
}

kw_status kw_oauth_publish(kw_oauth *oauth, kw_string issuer)
{
    oauth->issuer = kw_arena_copy(oauth->arena, issuer);
    if (oauth->issuer.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    return kw_authority_publish_web(oauth->env->store, oauth->env->clock, oauth->authority->config.service_uri, oauth->issuer);
}

void kw_oauth_free(kw_oauth *oauth)
{
    if (oauth != NULL) {
        kw_rate_free(oauth->clients);
        kw_rate_free(oauth->addresses);
        kw_arena_free(oauth->arena);
        free(oauth);
    }
}

/* --- answers ------------------------------------------------------------------------------------------------------------------- */

static kw_token_result result_of(const kw_oauth_call *call)
{
    const int status = call->response.status;
    return status == 200      ? KW_TOKEN_ISSUED
           : status == 429    ? KW_TOKEN_LIMITED
           : status >= 500    ? KW_TOKEN_FAILED
           : call->is_pending ? KW_TOKEN_PENDING
                              : KW_TOKEN_REFUSED;
}

static void respond(kw_oauth_call *call)
{
    if (call->route != NULL && call->route->run == kw_oauth_token) {
        kw_server_count_token(call->oauth->server, call->way, result_of(call));
    }
    call->response.headers = call->headers;
    kw_http_respond(call->exchange, &call->response); /* the call lives in the exchange's arena */
}

static void stop_waiting(kw_oauth_call *call)
{
    kw_timer_stop(&call->delay);
    *call->link = call->next;
    if (call->next != NULL) {
        call->next->link = call->link;
    }
    call->oauth->waiting_count--;
}

static void on_delay_over(kw_timer *timer)
{
    kw_oauth_call *call = (kw_oauth_call *)((char *)timer - offsetof(kw_oauth_call, delay));
    stop_waiting(call);
    respond(call);
}

static void wait_for_turn(kw_oauth_call *call)
{
    kw_oauth *oauth = call->oauth;
    call->next = oauth->waiting;
    call->link = &oauth->waiting;
    if (call->next != NULL) {
        call->next->link = &call->next;
    }
    oauth->waiting = call;
    oauth->waiting_count++;
    call->delay.fire = on_delay_over;
    kw_timer_start(oauth->env->timers, &call->delay, kw_clock_ms(oauth->env->clock) + call->delay_ms);
}

/* AS-25: an answer to a failure comes later and later; where the right ones wait too, nobody learns which was which. */
static void wait_or_respond(kw_oauth_call *call)
{
    if (call->oauth->is_stopping) {
        kw_oauth_answer_error(call, 503, "temporarily_unavailable", "the service is being stopped");
    } else if (call->delay_ms > 0 && call->oauth->waiting_count < WAITING_MAX) {
        wait_for_turn(call);
        return;
    } else if (call->delay_ms > 0) {
        kw_oauth_answer_error(call, 429, "temporarily_unavailable", "too many requests");
    }
    respond(call);
}

/* What cannot be accounted for is not given out. */
static void recorded(kw_ledger_entry *entry)
{
    kw_oauth_call *call = entry->owner;
    if (kw_status_is_bad(entry->status)) {
        KW_LOG(call->oauth->env->log, KW_LOG_ERROR, "audit trail cannot be written", kw_field_status("status", entry->status));
        if (call->response.status < 400) {
            kw_oauth_answer_error(call, 503, "temporarily_unavailable", "the service cannot answer now");
        }
    }
    if (--call->records_left == 0) {
        wait_or_respond(call);
    }
}

static void finish(kw_oauth_call *call)
{
    const size_t count = call->record_count;
    if (count == 0) {
        wait_or_respond(call);
        return;
    }
    call->records_left = count;
    for (size_t i = 0; i < count; i++) { /* after the last one the call may be gone */
        call->records[i].owner = call;
        call->records[i].done = recorded;
        kw_ledger_add(call->oauth->authority->ledger, &call->records[i]);
    }
}

static void job_done(kw_job *job)
{
    finish((kw_oauth_call *)job);
}

void kw_oauth_stop(kw_oauth *oauth)
{
    oauth->is_stopping = true;
    while (oauth->waiting != NULL) {
        kw_oauth_call *call = oauth->waiting;
        stop_waiting(call);
        wait_or_respond(call);
    }
}

/* --- requests -------------------------------------------------------------------------------------------------------------------- */

static void run(kw_job *job)
{
    kw_oauth_call *call = (kw_oauth_call *)job;
    call->route->run(call);
}

/* The one of this path and method; *knows_path: there is another method for it. */
static const kw_oauth_route *find_route(const kw_http_request *request, bool *knows_path)
{
    *knows_path = false;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!kw_string_equals(request->path, ROUTES[i].path)) {
            continue;
        }
        if (kw_string_equals(request->method, ROUTES[i].method)) {
            return &ROUTES[i];
        }
        *knows_path = true;
    }
    return NULL;
}

static bool is_form(kw_string content_type)
{
    static const char FORM[] = "application/x-www-form-urlencoded";
    const size_t len = sizeof(FORM) - 1;
    const kw_string start = {content_type.data, content_type.len < len ? content_type.len : len};
    return kw_string_equals(start, FORM) && (content_type.len == len || content_type.data[len] == ';' || content_type.data[len] == ' ');
}

static bool read_form(kw_oauth_call *call)
{
    const kw_http_request *request = call->request;
    const bool is_post = kw_string_equals(request->method, "POST");
    if (is_post && request->body.len > 0 && !is_form(request->content_type)) {
        kw_oauth_answer_error(call, 415, "invalid_request", "the content is to be application/x-www-form-urlencoded");
        return false;
    }
    if (kw_status_is_bad(kw_http_form_parse(is_post ? request->body : request->query, call->arena, &call->form))) {
        kw_oauth_answer_error(call, 400, "invalid_request", "the parameters cannot be read");
        return false;
    }
    return true;
}

static kw_standing standing_of(const kw_job *job)
{
    const kw_oauth_call *call = (const kw_oauth_call *)job;
    const kw_identity_claim who = {.address = call->request->address};
    return kw_identity_standing(kw_server_gate(call->oauth->server), &who);
}

static kw_status submit(kw_oauth_call *call)
{
    const kw_identity_claim who = {.address = call->request->address};
    call->job.run = run;
    call->job.done = job_done;
    call->job.source = kw_identity_source(&who);
    call->job.is_password = call->route->proves_user;
    call->job.standing = standing_of;
    kw_oauth_answer_error(call, 503, "temporarily_unavailable", "the service is being stopped"); /* if the job never ran */
    return kw_executor_submit(call->oauth->env->executor, &call->job);
}

static bool begin(kw_oauth_call *call)
{
    bool knows_path = false;
    call->route = find_route(call->request, &knows_path);
    if (call->oauth->is_stopping) {
        kw_oauth_answer_error(call, 503, "temporarily_unavailable", "the service is being stopped");
        return false;
    }
    if (call->route == NULL) {
        kw_oauth_answer_error(call, knows_path ? 405 : 404, "invalid_request", knows_path ? "another method" : "there is nothing here");
        return false;
    }
    if (!read_form(call)) {
        (void)kw_oauth_rate_stranger(call, KW_BYTES_NULL); /* its answer is the one or the other */
        return false;
    }
    if (!kw_oauth_rate_admit(call)) {
        return false;
    }
    if (kw_status_is_bad(submit(call))) {
        kw_oauth_answer_error(call, 503, "temporarily_unavailable", "the service is busy");
        return false;
    }
    return true;
}

void kw_oauth_handle(void *ctx, kw_http_exchange *exchange)
{
    kw_arena *arena = kw_http_arena(exchange);
    kw_oauth_call *call = KW_ARENA_NEW(arena, kw_oauth_call);
    if (call == NULL) {
        kw_http_respond(exchange, &(kw_http_response){.status = 503});
        return;
    }
    *call = (kw_oauth_call){
        .oauth = ctx, .exchange = exchange, .request = kw_http_request_of(exchange), .arena = arena, .way = KW_TOKEN_WAY_OTHER};
    if (!begin(call)) {
        finish(call);
    }
}
