/* RequestAccessToken. OPC 10000-12, 9.5.4 (1.04); 9.6.5 (1.05). */
#include "authority/authority_internal.h"
#include "base/json_text.h"
#include "base/try.h"
#include "space/audit_event.h"

#include <keyway/node_ids.h>

#include <stddef.h>
#include <stdlib.h>

#define AUDIT_EVENT "RequestAccessToken"
#define TEXT_MAX 1024 /* of each value that others chose */
#define DETAIL_MAX ((size_t)64 << 10)
#define ROLE_ANONYMOUS 15644
#define ROLE_TRUSTED_APPLICATION 18625

#define WAITING_MAX 4 /* delayed answers of one Client: past it Bad_TooManyOperations */

struct kw_token_job {
    kw_job job;
    kw_authority *authority;
    kw_call *call;
    kw_identity *session_identity; /* retained: who speaks when no token is passed */
    kw_extension_object token;     /* borrowed from the request, as the call and its arena */
    kw_string resource;
    kw_string issued;
    kw_status status;
    uint32_t delay_ms; /* before the answer */
    kw_timer delay;
    kw_token_job *next, **link; /* among those that wait */
};

typedef struct kw_token_job token_job;

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

/* RT-04: without a token the Session's user decides, or what the Roles give to the application itself. */
static bool speaks_for_itself(const kw_identity *identity)
{
    if (identity->kind != KW_USER_TOKEN_TYPE_ANONYMOUS) {
        return true;
    }
    for (size_t i = 0; i < identity->role_count; i++) {
        const kw_granted_role *role = &identity->roles[i];
        if (role->ns != 0 || (role->id != ROLE_ANONYMOUS && role->id != ROLE_TRUSTED_APPLICATION)) {
            return identity->application_uri.len > 0;
        }
    }
    return false;
}

static bool is_null_token(const kw_extension_object *token)
{
    return token->type == NULL && token->encoding == KW_EXTENSION_NONE;
}

/* In this Method a refused user is a refused token (RT-07, RT-26); Bad_UserAccessDenied speaks of the caller (RT-28). */
static kw_status explicit_identity(token_job *t, kw_identity **out, const char **why)
{
    kw_identity_claim claim = *t->call->context;
    kw_user_token_policy *policies = NULL;
    size_t count = 0;
    KW_TRY(kw_authority_policies(t->authority, t->call->arena, &policies, &count));
    claim.token = &t->token;
    claim.user_signature = NULL;
    claim.policies = policies;
    claim.policy_count = count;
    claim.server_nonce = KW_BYTES_NULL; /* ES-11: no Session nonce here; SigningTime protects (RT-16) */
    const kw_status status = kw_identity_prove(kw_server_gate(t->authority->server), &claim, out, why, &t->delay_ms);
    return status == KW_BAD_USER_ACCESS_DENIED || status == KW_BAD_USER_SIGNATURE_INVALID ? KW_BAD_IDENTITY_TOKEN_REJECTED : status;
}

static kw_string detail_of(const token_job *t, const char *why)
{
    kw_writer w;
    kw_writer_init(&w, DETAIL_MAX);
    kw_json_text_begin(&w);
    kw_json_text_string(&w, "resource", t->resource, TEXT_MAX);
    kw_json_text_string(&w, "reason", kw_string_from(why), TEXT_MAX);
    kw_json_text_string(&w, "clientAuditEntryId", t->call->header->audit_entry_id, TEXT_MAX);
    kw_json_text_end(&w);
    const kw_string detail = kw_arena_copy(t->call->arena, kw_writer_bytes(&w));
    kw_writer_clear(&w);
    return detail;
}

static void audit(token_job *t, const kw_identity *identity, const char *why)
{
    const kw_audit_record record = {.event = KW_STRING(AUDIT_EVENT),
                                    .source = t->authority->config.service_uri,
                                    .status = t->status,
                                    .user = identity != NULL ? identity->name : KW_BYTES_NULL,
                                    .client = t->call->context->application_uri,
                                    .detail = detail_of(t, why)};
    const kw_status written = kw_store_audit_append(t->authority->env->store, &record);
    if (kw_status_is_bad(written)) { /* what cannot be accounted for is not given out */
        KW_LOG(t->authority->env->log, KW_LOG_ERROR, "audit trail cannot be written", kw_field_status("status", written));
        t->status = kw_status_is_bad(t->status) ? t->status : KW_BAD_RESOURCE_UNAVAILABLE;
    }
}

static void run_request(kw_job *job)
{
    token_job *t = (token_job *)job;
    kw_identity *identity = NULL;
    const char *why = NULL;
    kw_date_time expires;
    if (!is_null_token(&t->token)) {
        t->status = explicit_identity(t, &identity, &why);
    } else if (speaks_for_itself(t->session_identity)) {
        identity = kw_identity_retain(t->session_identity);
        t->status = KW_GOOD;
    } else {
        t->status = KW_BAD_USER_ACCESS_DENIED;
        why = "neither the Session's user nor the application has a Role";
    }
    if (!kw_status_is_bad(t->status) && identity->must_change_password) {
        t->status = KW_BAD_IDENTITY_TOKEN_REJECTED;
        why = "the password must be changed first";
    }
    if (!kw_status_is_bad(t->status)) {
        t->status = kw_authority_mint(t->authority, identity, t->resource, t->call->arena, &t->issued, &expires);
        why = t->status == KW_BAD_NOT_FOUND ? "the resource is not registered" : NULL;
    }
    audit(t, identity, why);
    kw_identity_release(identity);
}

/* AZ-16: the request, whatever became of it, and the token if one was issued. The token that proved the user is no part of it. */
static void raise_events(const kw_authority *authority, const kw_call *call, kw_status status)
{
    kw_space *space = kw_server_space(authority->server);
    const uint16_t gds = kw_space_namespace_find(space, KW_STRING(KW_GDS_NAMESPACE_URI));
    const kw_extension_object *given = kw_variant_get(&call->inputs[0], KW_BUILTIN_EXTENSION_OBJECT);
    kw_extension_object token = {.type = NULL};
    if (given == NULL || kw_status_is_bad(kw_identity_redact(given, call->arena, &token))) {
        token = (kw_extension_object){.type = NULL};
    }
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &token), call->inputs[1]};
    kw_audit_event_of_method(space, call, gds, KW_GDS_ID_ACCESS_TOKEN_REQUESTED_AUDIT_EVENT_TYPE,
                             KW_STRING("an access token was asked for"), status, inputs);
    if (!kw_status_is_bad(status)) {
        kw_audit_event_of_method(space, call, gds, KW_GDS_ID_ACCESS_TOKEN_ISSUED_AUDIT_EVENT_TYPE, KW_STRING("an access token was issued"),
                                 status, inputs);
    }
}

static void finish_request(token_job *t)
{
    if (!kw_status_is_bad(t->status)) {
        kw_string *text = KW_ARENA_NEW(t->call->arena, kw_string);
        if (text != NULL) {
            *text = t->issued;
            t->call->outputs[0] = kw_variant_scalar(KW_BUILTIN_STRING, text);
        } else {
            t->status = KW_BAD_OUT_OF_MEMORY;
        }
    }
    KW_LOG(t->authority->env->log, KW_LOG_INFO, "RequestAccessToken", kw_field_str("client", t->call->context->application_uri),
           kw_field_str("resource", t->resource), kw_field_status("status", t->status));
    raise_events(t->authority, t->call, t->status);
    t->call->finish(t->call, t->status);
    kw_identity_release(t->session_identity);
    free(t);
}

/* --- answers that wait (AS-25) ------------------------------------------------------------------------------------------ */

static void stop_waiting(token_job *t)
{
    kw_timer_stop(&t->delay);
    *t->link = t->next;
    if (t->next != NULL) {
        t->next->link = t->link;
    }
}

static void on_delay_over(kw_timer *timer)
{
    token_job *t = (token_job *)((char *)timer - offsetof(token_job, delay));
    stop_waiting(t);
    finish_request(t);
}

void kw_authority_finish_waiting(kw_authority *authority)
{
    token_job *waiting = authority->waiting;
    authority->waiting = NULL;
    for (token_job *t = waiting, *next; t != NULL; t = next) {
        next = t->next;
        kw_timer_stop(&t->delay);
        finish_request(t);
    }
}

/* The certificate is its channel's own: as many per connection. */
static bool has_room(const kw_authority *authority, const kw_call *call)
{
    size_t count = 0;
    for (const token_job *t = authority->waiting; t != NULL; t = t->next) {
        count += t->call->context->client_certificate == call->context->client_certificate;
    }
    return count < WAITING_MAX;
}

static void wait_or_finish(kw_job *job)
{
    token_job *t = (token_job *)job;
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
    finish_request(t);
}

static kw_status start(kw_authority *authority, kw_call *call)
{
    if (call->access->mode != KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT) { /* RT-20 */
        return KW_BAD_SECURITY_MODE_INSUFFICIENT;
    }
    if (!may_request(authority, call->context->application_uri)) {
        return KW_BAD_USER_ACCESS_DENIED;
    }
    const kw_extension_object *token = kw_variant_get(&call->inputs[0], KW_BUILTIN_EXTENSION_OBJECT);
    const kw_string *resource = kw_variant_get(&call->inputs[1], KW_BUILTIN_STRING);
    if (resource == NULL || (token == NULL && call->inputs[0].type != KW_BUILTIN_NULL)) { /* RT-22 */
        return KW_BAD_INVALID_ARGUMENT;
    }
    if (!has_room(authority, call)) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    token_job *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    t->job.run = run_request;
    t->job.done = wait_or_finish;
    t->authority = authority;
    t->call = call;
    t->token = token != NULL ? *token : (kw_extension_object){.type = NULL};
    t->job.source = t->token.type == KW_TYPE_USER_NAME_IDENTITY_TOKEN ? kw_identity_source(call->context) : 0;
    t->resource = *resource;
    t->status = KW_BAD_SHUTDOWN; /* what it stays if the pool closes before the job ran */
    t->session_identity = kw_identity_retain((kw_identity *)call->access->identity);
    const kw_status status = kw_executor_submit(authority->env->executor, &t->job);
    if (kw_status_is_bad(status)) {
        kw_identity_release(t->session_identity);
        free(t);
    }
    return status;
}

/* What never became a job. */
static void record_refusal(const kw_authority *authority, const kw_call *call, kw_status status)
{
    const kw_identity *identity = call->access->identity;
    const kw_audit_record record = {.event = KW_STRING(AUDIT_EVENT),
                                    .source = authority->config.service_uri,
                                    .status = status,
                                    .user = identity != NULL ? identity->name : KW_BYTES_NULL,
                                    .client = call->context->application_uri,
                                    .detail = KW_STRING("{}")};
    kw_server_record(authority->server, &record, call->context->client_certificate == NULL);
}

void kw_authority_request_access_token(void *ctx, kw_call *call)
{
    const kw_status status = start(ctx, call);
    if (kw_status_is_bad(status)) {
        record_refusal(ctx, call, status);
        raise_events(ctx, call, status);
        call->finish(call, status);
    }
}
