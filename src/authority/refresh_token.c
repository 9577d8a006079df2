/* RefreshToken. OPC 10000-12, 9.6 (1.05.07). */
#include "authority/grant.h"
#include "base/try.h"

enum { RESOURCE_ID, CURRENT_REFRESH_TOKEN };
enum { ACCESS_TOKEN, ACCESS_TOKEN_EXPIRY_TIME, NEW_REFRESH_TOKEN };

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

static bool is_over(const kw_token_call *t, const kw_identity *who)
{
    return who->rights_end != 0 && kw_clock_utc(t->authority->env->clock) >= who->rights_end;
}

/* UM-19: such a user may change the password and nothing else. Sessions that stand notice at their next activation, renewals here. */
static kw_status check_password_change(const kw_token_call *t, const kw_identity *was)
{
    kw_user user;
    if (was->kind != KW_USER_TOKEN_TYPE_USER_NAME) {
        return KW_GOOD;
    }
    const kw_status status = kw_store_user_get(t->authority->env->store, was->name, t->call->arena, &user);
    if (status == KW_BAD_NOT_FOUND || (!kw_status_is_bad(status) && (user.configuration & KW_USER_MUST_CHANGE_PASSWORD) != 0)) {
        return KW_BAD_IDENTITY_TOKEN_REJECTED;
    }
    return status;
}

/* RO-15: the user with the Roles of now. Whoever is not let in any more has nothing to renew, also when he is let in again. */
static kw_status look_again(kw_token_call *t, const kw_grant *grant, kw_identity **who, const char **why)
{
    kw_identity_gate *gate = kw_server_gate(t->authority->server);
    kw_status status = kw_identity_review(gate, &grant->was, t->call->context, who, NULL);
    if (!kw_status_is_bad(status) && (is_over(t, *who) || !kw_identity_gate_believes(gate, *who))) {
        status = KW_BAD_IDENTITY_TOKEN_REJECTED;
    }
    if (!kw_status_is_bad(status)) {
        status = check_password_change(t, &grant->was);
    }
    if (status != KW_BAD_USER_ACCESS_DENIED && status != KW_BAD_IDENTITY_TOKEN_REJECTED) {
        return status;
    }
    *why = "the user is not let in any more";
    KW_TRY(kw_grant_end(t, grant));
    return KW_BAD_IDENTITY_TOKEN_REJECTED;
}

static kw_status run(kw_token_call *t, kw_identity **who, const char **why)
{
    const refresh_call *r = (const refresh_call *)t;
    kw_grant grant;
    kw_identity narrowed;
    kw_date_time expires = 0;
    KW_TRY(kw_grant_find(t, r->token, &grant, why));
    KW_TRY(look_again(t, &grant, who, why));
    KW_TRY(kw_roles_narrow(*who, &grant.wanted, t->call->arena, &narrowed));
    KW_TRY(kw_token_call_issue(t, &narrowed, ACCESS_TOKEN, &expires, why));
    KW_TRY(kw_token_call_put_time(t, ACCESS_TOKEN_EXPIRY_TIME, expires));
    return kw_grant_renew(t, &grant, *who, NEW_REFRESH_TOKEN, why);
}

static void redact(const kw_call *call, kw_variant *inputs)
{
    static const kw_string NOTHING = KW_BYTES_NULL;
    inputs[RESOURCE_ID] = call->inputs[RESOURCE_ID];
    inputs[CURRENT_REFRESH_TOKEN] = kw_variant_scalar(KW_BUILTIN_STRING, &NOTHING);
}

void kw_authority_refresh_token(void *ctx, kw_call *call)
{
    static const kw_token_method METHOD = {
        .name = "RefreshToken", .size = sizeof(refresh_call), .take = take, .run = run, .issues = true, .redact = redact};
    kw_token_call_start(ctx, &METHOD, call);
}
