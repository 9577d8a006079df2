#include "authority/token_call.h"

#include "base/json_text.h"
#include "base/try.h"
#include "space/audit_event.h"

#include <keyway/node_ids.h>

#include <stddef.h>
#include <stdlib.h>

#define TEXT_MAX 1024 /* of each value that others chose */
#define DETAIL_MAX ((size_t)64 << 10)
#define WAITING_MAX 4 /* delayed answers of one Client: past it Bad_TooManyOperations */
#define INPUTS_MAX 8

/* --- before the job ------------------------------------------------------------------------------------------------------- */

kw_status kw_token_call_admit(kw_token_call *t, const kw_extension_object *token)
{
    kw_identity_claim claim = *t->call->context;
    claim.token = token;
    t->job.is_password = token != NULL && token->type == KW_TYPE_USER_NAME_IDENTITY_TOKEN;
    return kw_identity_is_locked_out(kw_server_gate(t->authority->server), &claim) ? KW_BAD_IDENTITY_TOKEN_REJECTED : KW_GOOD;
}

static kw_standing standing_of(const kw_job *job)
{
    const kw_token_call *t = (const kw_token_call *)job;
    return kw_identity_standing(kw_server_gate(t->authority->server), t->call->context);
}

/* --- in the job ----------------------------------------------------------------------------------------------------------- */

kw_status kw_token_call_prove(kw_token_call *t, const kw_identity_claim *claim, kw_identity **who, const char **why)
{
    const kw_x509_identity_token *token = kw_extension_object_get(claim->token, KW_TYPE_X509_IDENTITY_TOKEN);
    kw_refusal refusal;
    kw_identity_claim whole = *claim;
    whole.receiver_use = &t->use;
    const kw_status status = kw_identity_prove(kw_server_gate(t->authority->server), &whole, who, &refusal, &t->delay_ms);
    kw_receiver_key_settle(&t->use, !kw_status_is_bad(status));
    *why = refusal.why;
    t->certificate_verdict = refusal.user_certificate;
    t->certificate = token != NULL ? token->certificate_data : KW_BYTES_NULL;
    return status == KW_BAD_USER_ACCESS_DENIED ? KW_BAD_IDENTITY_TOKEN_REJECTED : status;
}

kw_status kw_token_call_put_text(kw_token_call *t, size_t index, kw_string text)
{
    kw_string *value = KW_ARENA_NEW(t->call->arena, kw_string);
    if (value == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *value = text;
    t->call->outputs[index] = kw_variant_scalar(KW_BUILTIN_STRING, value);
    return KW_GOOD;
}

kw_status kw_token_call_put_time(kw_token_call *t, size_t index, kw_date_time time)
{
    kw_date_time *value = KW_ARENA_NEW(t->call->arena, kw_date_time);
    if (value == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *value = time;
    t->call->outputs[index] = kw_variant_scalar(KW_BUILTIN_DATE_TIME, value);
    return KW_GOOD;
}

kw_status kw_token_call_issue(kw_token_call *t, const kw_identity *who, size_t index, kw_date_time *expires, const char **why)
{
    const kw_token_wish wish = {.resource = t->resource, .grant = t->grant};
    kw_string token = KW_BYTES_NULL;
    kw_date_time end = 0;
    if (who->must_change_password) {
        *why = "the password must be changed first";
        return KW_BAD_IDENTITY_TOKEN_REJECTED;
    }
    const kw_status status = kw_authority_mint_as(t->authority, who, &wish, t->call->arena, &token, &end);
    if (kw_status_is_bad(status)) {
        *why = status == KW_BAD_NOT_FOUND            ? "the resource is not registered"
               : status == KW_BAD_USER_ACCESS_DENIED ? "no rule lets this user have a token for the resource"
                                                     : NULL;
        return status;
    }
    if (expires != NULL) {
        *expires = end;
    }
    return kw_token_call_put_text(t, index, token);
}

static kw_string detail_of(const kw_token_call *t, const char *why)
{
    kw_writer w;
    kw_writer_init(&w, DETAIL_MAX);
    kw_json_text_begin(&w);
    kw_json_text_string(&w, "resource", t->resource, TEXT_MAX);
    kw_json_text_string(&w, "reason", kw_string_from(why), TEXT_MAX);
    kw_json_text_string(&w, "grant", t->grant, TEXT_MAX);
    kw_json_text_string(&w, "clientAuditEntryId", t->call->header->audit_entry_id, TEXT_MAX);
    kw_json_text_end(&w);
    const kw_string detail = kw_arena_copy(t->call->arena, kw_writer_bytes(&w));
    kw_writer_clear(&w);
    return detail;
}

static void prepare_record(kw_token_call *t, const kw_identity *who, const char *why)
{
    t->entry.record = (kw_audit_record){.event = kw_string_from(t->method->name),
                                        .source = t->authority->config.service_uri,
                                        .status = t->status,
                                        .user = who != NULL ? kw_arena_copy(t->call->arena, who->name) : t->subject,
                                        .client = t->call->context->application_uri,
                                        .detail = detail_of(t, why)};
}

static void run_call(kw_job *job)
{
    kw_token_call *t = (kw_token_call *)job;
    kw_identity *who = NULL;
    const char *why = NULL;
    t->status = t->method->run(t, &who, &why);
    if (t->method->issues || kw_status_is_bad(t->status)) {
        prepare_record(t, who, why);
    }
    kw_identity_release(who);
}

/* --- the answer ----------------------------------------------------------------------------------------------------------- */

kw_variant kw_token_call_redacted(const kw_call *call, const kw_extension_object *token)
{
    kw_extension_object *out = KW_ARENA_NEW(call->arena, kw_extension_object);
    if (out == NULL) {
        return (kw_variant){.type = KW_BUILTIN_NULL};
    }
    if (token == NULL || kw_status_is_bad(kw_identity_redact(token, call->arena, out))) {
        *out = (kw_extension_object){.type = NULL};
    }
    return kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, out);
}

/* AZ-16: the request, whatever became of it, and the token if one was issued. No secret is part of it. */
static void raise_events(const kw_authority *authority, const kw_token_method *method, const kw_call *call, kw_status status)
{
    kw_space *space = kw_server_space(authority->server);
    const uint16_t gds = kw_space_namespace_find(space, KW_STRING(KW_GDS_NAMESPACE_URI));
    kw_variant inputs[INPUTS_MAX] = {{.type = KW_BUILTIN_NULL}};
    if (!method->issues) {
        return;
    }
    method->redact(call, inputs);
    kw_audit_event_of_method(space, call, gds, KW_GDS_ID_ACCESS_TOKEN_REQUESTED_AUDIT_EVENT_TYPE,
                             KW_STRING("an access token was asked for"), status, inputs);
    if (!kw_status_is_bad(status)) {
        kw_audit_event_of_method(space, call, gds, KW_GDS_ID_ACCESS_TOKEN_ISSUED_AUDIT_EVENT_TYPE, KW_STRING("an access token was issued"),
                                 status, inputs);
    }
}

static kw_token_result result_of(kw_status status)
{
    switch (status) {
    case KW_BAD_TOO_MANY_OPERATIONS:
        return KW_TOKEN_LIMITED;
    case KW_BAD_RESOURCE_UNAVAILABLE:
    case KW_BAD_COMMUNICATION_ERROR:
    case KW_BAD_OUT_OF_MEMORY:
    case KW_BAD_SHUTDOWN:
    case KW_BAD_INTERNAL_ERROR:
    case KW_BAD_UNEXPECTED_ERROR:
        return KW_TOKEN_FAILED;
    default:
        return kw_status_is_bad(status) ? KW_TOKEN_REFUSED : KW_TOKEN_ISSUED;
    }
}

static void count(const kw_authority *authority, const kw_token_method *method, kw_status status)
{
    if (method->issues) {
        kw_server_count_token(authority->server, method->way, result_of(status));
    }
}

static void drop(kw_token_call *t)
{
    kw_identity_release(t->session_identity);
    kw_receiver_key_release(t->use.key);
    free(t);
}

static void finish(kw_token_call *t)
{
    if (!kw_status_is_bad(t->status) && t->method->settle != NULL) {
        t->status = t->method->settle(t);
    }
    KW_LOG(t->authority->env->log, KW_LOG_INFO, t->method->name, kw_field_str("client", t->call->context->application_uri),
           kw_field_str("resource", t->resource), kw_field_status("status", t->status));
    kw_server_audit_user_certificate(t->authority->server, t->call, t->certificate, t->certificate_verdict);
    count(t->authority, t->method, t->status);
    raise_events(t->authority, t->method, t->call, t->status);
    t->call->finish(t->call, t->status);
    drop(t);
}

/* --- answers that wait (AS-25) -------------------------------------------------------------------------------------------- */

static void stop_waiting(kw_token_call *t)
{
    kw_timer_stop(&t->delay);
    *t->link = t->next;
    if (t->next != NULL) {
        t->next->link = t->link;
    }
}

static void on_delay_over(kw_timer *timer)
{
    kw_token_call *t = (kw_token_call *)((char *)timer - offsetof(kw_token_call, delay));
    stop_waiting(t);
    finish(t);
}

void kw_authority_finish_waiting(kw_authority *authority)
{
    kw_token_call *waiting = authority->waiting;
    authority->waiting = NULL;
    for (kw_token_call *t = waiting, *next; t != NULL; t = next) {
        next = t->next;
        kw_timer_stop(&t->delay);
        finish(t);
    }
}

/* The certificate is its channel's own: as many per connection. */
static bool has_room(const kw_authority *authority, const kw_call *call)
{
    size_t count = 0;
    for (const kw_token_call *t = authority->waiting; t != NULL; t = t->next) {
        count += t->call->context->client_certificate == call->context->client_certificate;
    }
    return count < WAITING_MAX;
}

static void wait_or_finish(kw_token_call *t)
{
    kw_authority *authority = t->authority;
    if (t->delay_ms > 0 && has_room(authority, t->call)) {
        t->next = authority->waiting;
        t->link = &authority->waiting;
        if (t->next != NULL) {
            t->next->link = &t->next;
        }
        authority->waiting = t;
        t->delay.fire = on_delay_over;
        kw_timer_start(authority->env->timers, &t->delay, kw_clock_ms(authority->env->clock) + t->delay_ms);
        return;
    }
    if (t->delay_ms > 0) {
        t->status = KW_BAD_TOO_MANY_OPERATIONS; /* also where the proof was good: the answer does not tell */
    }
    finish(t);
}

/* What cannot be accounted for is not given out. */
static void recorded(kw_ledger_entry *entry)
{
    kw_token_call *t = (kw_token_call *)((char *)entry - offsetof(kw_token_call, entry));
    if (kw_status_is_bad(entry->status)) {
        KW_LOG(t->authority->env->log, KW_LOG_ERROR, "audit trail cannot be written", kw_field_status("status", entry->status));
        t->status = kw_status_is_bad(t->status) ? t->status : KW_BAD_RESOURCE_UNAVAILABLE;
    }
    wait_or_finish(t);
}

static void call_done(kw_job *job)
{
    kw_token_call *t = (kw_token_call *)job;
    if (t->entry.record.event.len == 0) { /* there is nothing to tell, or the pool was closed before it ran */
        wait_or_finish(t);
        return;
    }
    t->entry.done = recorded;
    kw_ledger_add(t->authority->ledger, &t->entry);
}

/* --- the beginning -------------------------------------------------------------------------------------------------------- */

/* RT-31: the AccessTokenRequestor privilege, by the application's certificate. */
static bool may_request(const kw_authority *authority, kw_string application_uri)
{
    if (application_uri.len == 0) {
        return false;
    }
    for (size_t i = 0; i < authority->config.requestor_count; i++) {
        if (kw_bytes_equal(authority->config.requestors[i], application_uri)) {
            return true;
        }
    }
    return authority->config.requestor_count == 0;
}

static kw_status submit(kw_authority *authority, const kw_token_method *method, kw_call *call)
{
    kw_token_call *t = calloc(1, method->size);
    if (t == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    t->job.run = run_call;
    t->job.done = call_done;
    t->job.source = kw_identity_source(call->context);
    t->job.standing = standing_of;
    t->authority = authority;
    t->method = method;
    t->call = call;
    t->status = KW_BAD_SHUTDOWN; /* what it stays if the pool closes before the job ran */
    t->session_identity = kw_identity_retain((kw_identity *)call->access->identity);
    kw_status status = method->take(t);
    if (!kw_status_is_bad(status)) {
        status = kw_executor_submit(authority->env->executor, &t->job);
    }
    if (kw_status_is_bad(status)) {
        drop(t);
    }
    return status;
}

/* *is_worth_a_record: false when the same was recorded lately. */
static kw_status start(kw_authority *authority, const kw_token_method *method, kw_call *call, bool *is_worth_a_record)
{
    if (call->access->mode != KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT) { /* RT-20, AZ-10 */
        return KW_BAD_SECURITY_MODE_INSUFFICIENT;
    }
    if (!may_request(authority, call->context->application_uri)) {
        return KW_BAD_USER_ACCESS_DENIED;
    }
    kw_rate_refusal refusal;
    if (!kw_rate_take(authority->rate, call->context->application_uri, &refusal)) {
        kw_server_count_limited(authority->server, KW_LIMITED_BY_APPLICATION);
        *is_worth_a_record = refusal.deserves_report;
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    return has_room(authority, call) ? submit(authority, method, call) : KW_BAD_TOO_MANY_OPERATIONS;
}

/* What never became a job. */
static void record_refusal(const kw_authority *authority, const kw_token_method *method, const kw_call *call, kw_status status)
{
    const kw_identity *identity = call->access->identity;
    const kw_audit_record row = {.event = kw_string_from(method->name),
                                 .source = authority->config.service_uri,
                                 .status = status,
                                 .user = identity != NULL ? identity->name : KW_BYTES_NULL,
                                 .client = call->context->application_uri,
                                 .detail = KW_STRING("{}")};
    /* Who is locked out may ask as often as he likes: not each time needs a record. */
    kw_server_record(authority->server, &row, call->context->client_certificate == NULL || status == KW_BAD_IDENTITY_TOKEN_REJECTED);
}

void kw_token_call_start(kw_authority *authority, const kw_token_method *method, kw_call *call)
{
    bool is_worth_a_record = true;
    const kw_status status = start(authority, method, call, &is_worth_a_record);
    if (kw_status_is_bad(status)) {
        count(authority, method, status);
        if (is_worth_a_record) {
            record_refusal(authority, method, call, status);
        }
        raise_events(authority, method, call, status);
        call->finish(call, status);
    }
}

kw_grant_context kw_token_call_grants(kw_token_call *t)
{
    const kw_string application = t->call->context->application_uri;
    return (kw_grant_context){
        .authority = t->authority, .arena = t->call->arena, .owner = application, .application_uri = application, .resource = t->resource};
}
