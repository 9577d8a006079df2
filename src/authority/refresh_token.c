/* RefreshToken. OPC 10000-12, 9.6 (1.05.07). */
#include "authority/token_call.h"
#include "base/try.h"

enum { RESOURCE_ID, CURRENT_REFRESH_TOKEN };
enum { ACCESS_TOKEN, ACCESS_TOKEN_EXPIRY_TIME, NEW_REFRESH_TOKEN, NEW_REFRESH_TOKEN_EXPIRY_TIME };

typedef struct refresh_call {
    kw_token_call base;
    kw_string token; /* borrowed from the request */
} refresh_call;

static kw_status take(kw_token_call *t)
{
    refresh_call *r = (refresh_call *)t;
    const kw_string *resource = kw_variant_get(&t->call->inputs[RESOURCE_ID], KW_BUILTIN_STRING);
    const kw_string *token = kw_variant_get(&t->call->inputs[CURRENT_REFRESH_TOKEN], KW_BUILTIN_STRING);
    if (resource == NULL || token == NULL) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    t->resource = *resource;
    r->token = *token;
    return KW_GOOD;
}

/* Whoever is not let in any more has nothing to renew, also when he is let in again. */
static kw_status look_again(kw_token_call *t, kw_grant_context *context, const kw_grant *grant, kw_identity **who, const char **why)
{
    const kw_status status = kw_authority_look_again(t->authority, &grant->was, t->call->context, t->call->arena, who);
    if (status != KW_BAD_IDENTITY_TOKEN_REJECTED) {
        return status;
    }
    *why = "the user is not let in any more";
    KW_TRY(kw_grant_end(context));
    return status;
}

static kw_status renew(kw_token_call *t, kw_grant_context *context, const kw_grant *grant, const kw_identity *who, const char **why)
{
    kw_string next;
    kw_date_time expires = 0;
    KW_TRY(kw_grant_renew(context, grant, who, &next, &expires, why));
    KW_TRY(kw_token_call_put_text(t, NEW_REFRESH_TOKEN, next));
    return kw_token_call_put_time(t, NEW_REFRESH_TOKEN_EXPIRY_TIME, expires);
}

static kw_status run(kw_token_call *t, kw_identity **who, const char **why)
{
    const refresh_call *r = (const refresh_call *)t;
    kw_grant_context context = kw_token_call_grants(t);
    kw_grant grant;
    kw_identity narrowed;
    kw_date_time expires = 0;
    const kw_status found = kw_grant_find(&context, r->token, &grant, why);
    t->grant = context.grant;
    t->subject = context.subject;
    KW_TRY(found);
    KW_TRY(look_again(t, &context, &grant, who, why));
    KW_TRY(kw_roles_narrow(*who, &grant.wanted, t->call->arena, &narrowed));
    KW_TRY(kw_token_call_issue(t, &narrowed, ACCESS_TOKEN, &expires, why));
    KW_TRY(kw_token_call_put_time(t, ACCESS_TOKEN_EXPIRY_TIME, expires));
    return renew(t, &context, &grant, *who, why);
}

static void redact(const kw_call *call, kw_variant *inputs)
{
    static const kw_string NOTHING = KW_BYTES_NULL;
    inputs[RESOURCE_ID] = call->inputs[RESOURCE_ID];
    inputs[CURRENT_REFRESH_TOKEN] = kw_variant_scalar(KW_BUILTIN_STRING, &NOTHING);
}

void kw_authority_refresh_token(void *ctx, kw_call *call)
{
    static const kw_token_method METHOD = {.name = "RefreshToken",
                                           .size = sizeof(refresh_call),
                                           .take = take,
                                           .run = run,
                                           .issues = true,
                                           .way = KW_TOKEN_WAY_REFRESH_TOKEN,
                                           .redact = redact};
    kw_token_call_start(ctx, &METHOD, call);
}
