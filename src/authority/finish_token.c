/* FinishRequestToken. OPC 10000-12, 9.6.7 (1.05.07). */
#include "authority/token_call.h"
#include "authority/token_requests.h"
#include "base/try.h"
#include "identity/channel_bound.h"

enum { REQUEST_ID, REQUESTED_ROLES, USER_IDENTITY_TOKEN, USER_TOKEN_SIGNATURE };
enum { ACCESS_TOKEN, ACCESS_TOKEN_EXPIRY_TIME, REFRESH_TOKEN, REFRESH_TOKEN_EXPIRY_TIME };

typedef struct finish_call {
    kw_token_call base;
    kw_token_request request; /* in the arena */
    kw_user_token_policy policy;
    kw_wanted_roles wanted; /* borrowed from the request, as what follows */
    const kw_extension_object *token;
    const kw_signature_data *signature; /* NULL: none */
} finish_call;

/* --- on the loop ------------------------------------------------------------------------------------------------------------ */

static kw_status refuse_input(kw_call *call, size_t index, kw_status status)
{
    call->input_results[index] = status;
    return KW_BAD_INVALID_ARGUMENT;
}

/* AZ-12: what nobody can have is a mistake in the request. */
static kw_status take_roles(finish_call *f)
{
    kw_call *call = f->base.call;
    const kw_variant *roles = &call->inputs[REQUESTED_ROLES];
    kw_string *supported = NULL;
    size_t count = 0;
    if (roles->type == KW_BUILTIN_NULL || roles->count == 0) {
        return KW_GOOD;
    }
    f->wanted = (kw_wanted_roles){roles->data, roles->count};
    KW_TRY(kw_authority_supported_roles(kw_server_gate(f->base.authority->server), call->arena, &supported, &count));
    return f->wanted.count <= count && kw_roles_are_supported(&f->wanted, supported, count)
               ? KW_GOOD
               : refuse_input(call, REQUESTED_ROLES, KW_BAD_NOT_FOUND);
}

static kw_status take_signature(finish_call *f)
{
    kw_call *call = f->base.call;
    const kw_extension_object *object = kw_variant_get(&call->inputs[USER_TOKEN_SIGNATURE], KW_BUILTIN_EXTENSION_OBJECT);
    if (object == NULL || (object->type == NULL && object->encoding == KW_EXTENSION_NONE)) {
        return KW_GOOD;
    }
    f->signature = kw_extension_object_get(object, KW_TYPE_SIGNATURE_DATA);
    return f->signature != NULL ? KW_GOOD : refuse_input(call, USER_TOKEN_SIGNATURE, KW_BAD_TYPE_MISMATCH);
}

static kw_status take(kw_token_call *t)
{
    finish_call *f = (finish_call *)t;
    kw_call *call = t->call;
    const kw_guid *id = kw_variant_get(&call->inputs[REQUEST_ID], KW_BUILTIN_GUID);
    f->token = kw_variant_get(&call->inputs[USER_IDENTITY_TOKEN], KW_BUILTIN_EXTENSION_OBJECT);
    if (id == NULL) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    KW_TRY(kw_token_call_admit(t, f->token));
    KW_TRY(take_roles(f));
    KW_TRY(take_signature(f));
    KW_TRY(kw_token_requests_take(t->authority->requests, &call->session_id, id, call->arena, &f->request)); /* AZ-08 */
    t->resource = f->request.resource;
    t->use.key = f->request.key;
    return kw_authority_policy(t->authority, f->request.policy_id, call->arena, &f->policy);
}

/* --- in the job ------------------------------------------------------------------------------------------------------------- */

/* The token is of the policy that StartRequestToken was told, and an X509 user signs for this channel and this request (AZ-13, A-165). */
static kw_status prove(finish_call *f, kw_identity **who, const char **why)
{
    kw_identity_claim claim = *f->base.call->context;
    const kw_security_policy *channel = claim.channel_policy;
    const kw_channel_binding binding = {.thumbprint = claim.channel_thumbprint,
                                        .hash = channel->is_enhanced ? channel->thumbprint_hash : KW_HASH_NONE,
                                        .server = claim.receiver->certificate,
                                        .client = claim.client_certificate,
                                        .server_nonce = f->request.service_data,
                                        .client_nonce = f->request.requestor_data};
    if (f->token == NULL || (f->token->type == NULL && f->token->encoding == KW_EXTENSION_NONE)) {
        *why = "no UserIdentityToken";
        return KW_BAD_IDENTITY_TOKEN_INVALID;
    }
    claim.token = f->token;
    claim.user_signature = f->signature;
    claim.policies = &f->policy;
    claim.policy_count = 1;
    claim.server_nonce = KW_BYTES_NULL; /* ES-11: in secrets the time protects */
    claim.binding = &binding;
    return kw_token_call_prove(&f->base, &claim, who, why);
}

static kw_status give_refresh_token(kw_token_call *t, kw_grant_context *context, const kw_identity *who, const kw_wanted_roles *wanted)
{
    kw_string token;
    kw_date_time expires = 0;
    KW_TRY(kw_grant_give(context, who, wanted, &token, &expires));
    KW_TRY(kw_token_call_put_text(t, REFRESH_TOKEN, token));
    return kw_token_call_put_time(t, REFRESH_TOKEN_EXPIRY_TIME, expires);
}

static kw_status run(kw_token_call *t, kw_identity **who, const char **why)
{
    finish_call *f = (finish_call *)t;
    kw_grant_context context = kw_token_call_grants(t);
    kw_identity narrowed;
    kw_date_time expires = 0;
    KW_TRY(prove(f, who, why));
    if (!kw_roles_are_held(&f->wanted, *who)) { /* */
        *why = "a Role was asked for that the user does not have";
        return KW_BAD_USER_ACCESS_DENIED;
    }
    KW_TRY(kw_roles_narrow(*who, &f->wanted, t->call->arena, &narrowed));
    KW_TRY(kw_grant_begin(&context, KW_BYTES_NULL));
    t->grant = context.grant;
    KW_TRY(kw_token_call_issue(t, &narrowed, ACCESS_TOKEN, &expires, why));
    KW_TRY(kw_token_call_put_time(t, ACCESS_TOKEN_EXPIRY_TIME, expires)); /* AZ-14 */
    return give_refresh_token(t, &context, *who, &f->wanted);
}

static void redact(const kw_call *call, kw_variant *inputs)
{
    inputs[REQUEST_ID] = call->inputs[REQUEST_ID];
    inputs[REQUESTED_ROLES] = call->inputs[REQUESTED_ROLES];
    inputs[USER_IDENTITY_TOKEN] =
        kw_token_call_redacted(call, kw_variant_get(&call->inputs[USER_IDENTITY_TOKEN], KW_BUILTIN_EXTENSION_OBJECT));
    inputs[USER_TOKEN_SIGNATURE] = call->inputs[USER_TOKEN_SIGNATURE];
}

void kw_authority_finish_request_token(void *ctx, kw_call *call)
{
    static const kw_token_method METHOD = {.name = "FinishRequestToken",
                                           .size = sizeof(finish_call),
                                           .take = take,
                                           .run = run,
                                           .issues = true,
                                           .way = KW_TOKEN_WAY_FINISH_REQUEST_TOKEN,
                                           .redact = redact};
    kw_token_call_start(ctx, &METHOD, call);
}
