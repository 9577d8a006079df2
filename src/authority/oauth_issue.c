/* What every grant ends with: for which resource, which token, and the record of it. */
#include "authority/oauth_internal.h"
#include "base/json_text.h"
#include "base/try.h"

#define TEXT_MAX 1024 /* of each value that others chose */
#define DETAIL_MAX ((size_t)64 << 10)

/* --- the resource ------------------------------------------------------------------------------------------------------------ */

static kw_status only_resource(kw_oauth_call *call, kw_string *resource)
{
    kw_resource *rows = NULL;
    size_t count = 0;
    KW_TRY(kw_store_resource_list(call->oauth->env->store, call->arena, &rows, &count));
    if (count != 1) {
        return KW_BAD_NOT_FOUND;
    }
    *resource = rows[0].uri;
    return KW_GOOD;
}

bool kw_oauth_target(kw_oauth_call *call, const kw_oauth_client *client, kw_string *resource)
{
    kw_string wanted;
    if (!kw_oauth_parameter(call, "resource", &wanted) || (wanted.len == 0 && !kw_oauth_parameter(call, "audience", &wanted))) {
        return false;
    }
    return kw_oauth_target_of(call, client, wanted, resource);
}

bool kw_oauth_target_of(kw_oauth_call *call, const kw_oauth_client *client, kw_string wanted, kw_string *resource)
{
    kw_resource row;
    *resource = wanted;
    kw_status status =
        resource->len > 0 ? kw_store_resource_get(call->oauth->env->store, *resource, call->arena, &row) : only_resource(call, resource);
    if (!kw_status_is_bad(status) && client->resources.len > 0 && !kw_oauth_has_word(client->resources, *resource)) {
        status = KW_BAD_NOT_FOUND;
    }
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, status == KW_BAD_INVALID_ARGUMENT ? KW_BAD_NOT_FOUND : status);
    }
    return !kw_status_is_bad(status);
}

/* --- the trail ------------------------------------------------------------------------------------------------------------------ */

static kw_string detail_of(kw_oauth_call *call, kw_string resource, const char *grant_type, const char *why)
{
    kw_writer w;
    kw_writer_init(&w, DETAIL_MAX);
    kw_json_text_begin(&w);
    kw_json_text_string(&w, "grant", kw_string_from(grant_type), TEXT_MAX);
    kw_json_text_string(&w, "resource", resource, TEXT_MAX);
    kw_json_text_string(&w, "address", call->request->address, TEXT_MAX);
    kw_json_text_string(&w, "reason", kw_string_from(why), TEXT_MAX);
    kw_json_text_end(&w);
    const kw_string detail = kw_arena_copy(call->arena, kw_writer_bytes(&w));
    kw_writer_clear(&w);
    return detail;
}

void kw_oauth_record(kw_oauth_call *call, const char *event, kw_status status, kw_string user, kw_string client_id, kw_string resource,
                     const char *grant_type, const char *why)
{
    if (call->record_count == KW_OAUTH_RECORDS_MAX) {
        KW_LOG(call->oauth->env->log, KW_LOG_ERROR, "more to record than there is room for", kw_field_text("event", event));
        return;
    }
    call->records[call->record_count++].record = (kw_audit_record){.event = kw_string_from(event),
                                                                   .source = call->oauth->issuer,
                                                                   .status = status,
                                                                   .user = kw_arena_copy(call->arena, user),
                                                                   .client = client_id.len <= TEXT_MAX ? client_id : KW_BYTES_NULL,
                                                                   .detail = detail_of(call, resource, grant_type, why)};
    KW_LOG(call->oauth->env->log, KW_LOG_INFO, event, kw_field_status("status", status), kw_field_str("client", client_id),
           kw_field_str("user", user), kw_field_str("resource", resource), kw_field_text("reason", why != NULL ? why : ""));
}

/* --- the token ------------------------------------------------------------------------------------------------------------------- */

void kw_oauth_issue(kw_oauth_call *call, const kw_oauth_client *client, const kw_identity *who, const kw_token_wish *wanted,
                    const char *grant_type, json_t *more)
{
    kw_string token = KW_BYTES_NULL;
    kw_date_time expires = 0;
    kw_token_wish wish = *wanted;
    wish.issuer = call->oauth->issuer;
    wish.client_id = client->id;
    wish.certificate_hash = client->certificate_hash.len > 0 ? kw_oauth_certificate_hash(call) : KW_BYTES_NULL;
    const kw_status status = kw_authority_mint_as(call->oauth->authority, who, &wish, call->arena, &token, &expires);
    kw_oauth_record(call, "TokenIssued", status, who->name, client->id, wish.resource, grant_type, NULL);
    if (kw_status_is_bad(status)) {
        json_decref(more);
        if (status == KW_BAD_USER_ACCESS_DENIED) {
            kw_oauth_answer_error(call, 400, "access_denied", "no rule lets this user have a token for the resource");
            return;
        }
        kw_oauth_answer_failure(call, status);
        return;
    }
    const int64_t lifetime = kw_datetime_to_unix(expires) - kw_datetime_to_unix(kw_clock_utc(call->oauth->env->clock));
    json_t *answer = json_pack("{s:s%,s:s,s:I}", "access_token", token.data, token.len, "token_type", "Bearer", "expires_in",
                               (json_int_t)(lifetime > 0 ? lifetime : 0));
    if (answer != NULL && wish.scope.len > 0) {
        json_object_set_new(answer, "scope", json_stringn((const char *)wish.scope.data, wish.scope.len));
    }
    if (answer != NULL && more != NULL) {
        json_object_update_missing(answer, more);
    }
    json_decref(more);
    kw_oauth_answer_json(call, 200, answer);
}
