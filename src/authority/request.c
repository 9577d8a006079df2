/* RequestAccessToken. OPC 10000-12, 9.5.4 (1.04); 9.6.5 (1.05). */
#include "authority/facade.h"
#include "authority/token_call.h"
#include "base/try.h"

#define ROLE_ANONYMOUS 15644
#define ROLE_TRUSTED_APPLICATION 18625

typedef struct request_call {
    kw_token_call base;
    kw_extension_object token; /* borrowed from the request */
} request_call;

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

static kw_status claim_of(const request_call *r, kw_identity_claim *out)
{
    const kw_token_call *t = &r->base;
    kw_user_token_policy *policies = NULL;
    size_t count = 0;
    KW_TRY(kw_authority_policies(t->authority, t->call->arena, &policies, &count));
    *out = *t->call->context;
    out->token = &r->token;
    out->user_signature = NULL;
    out->policies = policies;
    out->policy_count = count;
    out->server_nonce = KW_BYTES_NULL; /* ES-11: no Session nonce here; SigningTime protects (RT-16) */
    out->needs_signer = t->authority->config.require_signed_secrets;
    return KW_GOOD;
}

static kw_status explicit_identity(request_call *r, kw_identity **who, const char **why)
{
    kw_identity_claim claim;
    KW_TRY(claim_of(r, &claim));
    const kw_status status = kw_token_call_prove(&r->base, &claim, who, why);
    return status == KW_BAD_USER_SIGNATURE_INVALID ? KW_BAD_IDENTITY_TOKEN_REJECTED : status;
}

/* What the Session's user has shown here proves nothing to the provider (RT-04). */
static kw_status ask_provider(request_call *r, kw_identity **who, const char **why)
{
    kw_identity_claim claim;
    if (is_null_token(&r->token)) {
        *why = "a service that stands for a provider needs an identityToken";
        return KW_BAD_USER_ACCESS_DENIED;
    }
    KW_TRY(claim_of(r, &claim));
    return kw_facade_request(&r->base, &claim, 0, who, why);
}

static kw_status take(kw_token_call *t)
{
    request_call *r = (request_call *)t;
    const kw_extension_object *token = kw_variant_get(&t->call->inputs[0], KW_BUILTIN_EXTENSION_OBJECT);
    const kw_string *resource = kw_variant_get(&t->call->inputs[1], KW_BUILTIN_STRING);
    if (resource == NULL || (token == NULL && t->call->inputs[0].type != KW_BUILTIN_NULL)) { /* RT-22 */
        return KW_BAD_INVALID_ARGUMENT;
    }
    KW_TRY(kw_token_call_admit(t, token));
    t->job.is_password = t->job.is_password || t->authority->config.provider != NULL; /* whose answers are few at a time */
    r->token = token != NULL ? *token : (kw_extension_object){.type = NULL};
    const kw_session *session = kw_session_by_id(kw_server_sessions(t->authority->server), &t->call->session_id);
    t->use.key = session != NULL ? kw_receiver_key_retain(kw_session_key_given(session)) : NULL; /* ES-10 */
    t->resource = *resource;
    return KW_GOOD;
}

static kw_status run(kw_token_call *t, kw_identity **who, const char **why)
{
    request_call *r = (request_call *)t;
    if (t->authority->config.provider != NULL) {
        return ask_provider(r, who, why);
    }
    if (!is_null_token(&r->token)) {
        KW_TRY(explicit_identity(r, who, why));
    } else if (speaks_for_itself(t->session_identity)) {
        *who = kw_identity_retain(t->session_identity);
    } else {
        *why = "neither the Session's user nor the application has a Role";
        return KW_BAD_USER_ACCESS_DENIED;
    }
    return kw_token_call_issue(t, *who, 0, NULL, why);
}

static void redact(const kw_call *call, kw_variant *inputs)
{
    const kw_extension_object *given = kw_variant_get(&call->inputs[0], KW_BUILTIN_EXTENSION_OBJECT);
    inputs[0] = kw_token_call_redacted(call, given);
    inputs[1] = call->inputs[1];
}

void kw_authority_request_access_token(void *ctx, kw_call *call)
{
    static const kw_token_method METHOD = {.name = "RequestAccessToken",
                                           .size = sizeof(request_call),
                                           .take = take,
                                           .run = run,
                                           .issues = true,
                                           .way = KW_TOKEN_WAY_REQUEST_ACCESS_TOKEN,
                                           .redact = redact};
    kw_token_call_start(ctx, &METHOD, call);
}
