/* Refresh tokens: RFC 6749, 6, with rotation and reuse detection (RFC 9700, 4.14). The same grants as those of OPC UA. */
#include "authority/grant.h"
#include "authority/oauth_internal.h"

#define GRANT_TYPE "refresh_token"

static kw_grant_context context_of(kw_oauth_call *call, const kw_oauth_client *client)
{
    const kw_identity_claim claim = kw_oauth_claim(call, client);
    return (kw_grant_context){.authority = call->oauth->authority,
                              .arena = call->arena,
                              .owner = kw_arena_format(call->arena, "oauth:%.*s", KW_STRING_ARGS(client->id)),
                              .application_uri = claim.application_uri,
                              .is_any_resource = true};
}

bool kw_oauth_begin_grant(kw_oauth_call *call, const kw_oauth_client *client, const kw_identity *who, kw_string origin, kw_token_wish *wish,
                          json_t *more)
{
    const kw_wanted_roles all = {.count = 0};
    kw_grant_context context = context_of(call, client);
    kw_string token = KW_BYTES_NULL;
    kw_date_time expires = 0;
    context.resource = wish->resource;
    context.scope = wish->scope;
    kw_status status = kw_grant_begin(&context, origin);
    if (!kw_status_is_bad(status) && kw_oauth_has_word(client->grants, KW_STRING(GRANT_TYPE))) {
        status = kw_grant_give(&context, who, &all, &token, &expires);
    }
    if (status == KW_BAD_ALREADY_EXISTS) {
        kw_oauth_answer_error(call, 400, "invalid_grant", "what the token would come of was revoked meanwhile");
        return false;
    }
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, status);
        return false;
    }
    wish->grant = context.grant;
    if (token.len > 0) {
        json_object_set_new(more, "refresh_token", json_stringn((const char *)token.data, token.len));
    }
    return true;
}

bool kw_oauth_end_refresh_token(kw_oauth_call *call, const kw_oauth_client *client, kw_string token)
{
    kw_grant_context context = context_of(call, client);
    kw_grant grant;
    const char *why = NULL;
    if (kw_status_is_bad(kw_grant_find(&context, token, &grant, &why)) || kw_status_is_bad(kw_grant_end(&context))) {
        return false;
    }
    kw_oauth_record(call, "RefreshTokenRevoked", KW_GOOD, context.subject, client->id, grant.row.resource, GRANT_TYPE, NULL);
    return true;
}

kw_status kw_oauth_end_grant(kw_oauth_call *call, const kw_oauth_client *client, kw_string origin)
{
    kw_grant_context context = context_of(call, client);
    const kw_status status = kw_grant_begin(&context, origin);
    return kw_status_is_bad(status) ? status : kw_grant_end(&context);
}

static void refuse(kw_oauth_call *call, const kw_oauth_client *client, const kw_grant_context *context, kw_status status, const char *why)
{
    if (status == KW_BAD_IDENTITY_TOKEN_REJECTED) {
        kw_oauth_answer_error(call, 400, "invalid_grant", "the refresh token is not good any more, or not for this client");
    } else {
        kw_oauth_answer_failure(call, KW_BAD_RESOURCE_UNAVAILABLE);
    }
    kw_oauth_record(call, "TokenRefused", status, context->subject, client->id, KW_BYTES_NULL, GRANT_TYPE, why);
}

static kw_status look_again(kw_oauth_call *call, const kw_oauth_client *client, kw_grant_context *context, const kw_grant *grant,
                            kw_identity **who, const char **why)
{
    const kw_status status = kw_oauth_look_again(call, client, &grant->was, who);
    if (status == KW_BAD_IDENTITY_TOKEN_REJECTED) {
        const kw_status ended = kw_grant_end(context);
        *why = "the user is not let in any more";
        return kw_status_is_bad(ended) ? ended : status;
    }
    return status;
}

/* The next token is given with the answer: it has to be there before, and a lost answer costs a sign-in. */
void kw_oauth_grant_refresh(kw_oauth_call *call, const kw_oauth_client *client)
{
    kw_grant_context context = context_of(call, client);
    kw_grant grant;
    kw_identity *who = NULL;
    kw_string token, next;
    kw_date_time expires = 0;
    const char *why = NULL;
    if (!kw_oauth_parameter(call, "refresh_token", &token)) {
        return;
    }
    kw_status status = kw_grant_find(&context, token, &grant, &why);
    status = kw_status_is_bad(status) ? status : look_again(call, client, &context, &grant, &who, &why);
    status = kw_status_is_bad(status) ? status : kw_grant_renew(&context, &grant, who, &next, &expires, &why);
    if (kw_status_is_bad(status)) {
        refuse(call, client, &context, status, why);
    } else {
        const kw_token_wish wish = {.resource = grant.row.resource, .scope = grant.scope, .grant = context.grant};
        kw_oauth_issue(call, client, who, &wish, GRANT_TYPE, json_pack("{s:s%}", "refresh_token", next.data, next.len));
    }
    kw_identity_release(who);
}
