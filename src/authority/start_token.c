/* StartRequestToken. OPC 10000-12, 9.6.6 (1.05.07). */
#include "authority/token_call.h"
#include "authority/token_requests.h"
#include "base/try.h"
#include "identity/ecdh_header.h"

typedef struct start_call {
    kw_token_call base;
    kw_token_request request; /* what FinishRequestToken will need; borrowed from the request and its arena */
    kw_bytes requestor_data, service_data;
    const kw_security_policy *key_policy; /* of the EphemeralKey that is ServiceData; NULL: none is */
} start_call;

/* --- ServiceData (AZ-07) ---------------------------------------------------------------------------------------------------- */

static const kw_security_policy *policy_of(const kw_token_call *t, const kw_user_token_policy *policy)
{
    return kw_bytes_is_empty(policy->security_policy_uri) ? t->call->context->channel_policy
                                                          : kw_security_policy_by_uri(policy->security_policy_uri);
}

/* Whom a password or token is sealed for: a Certificate, or an EphemeralKey, which the job makes. */
static kw_status data_for_secret(start_call *s, const kw_security_policy *policy)
{
    const kw_application_identity *receiver = s->base.call->context->receiver;
    if (policy->is_none) {
        return KW_GOOD; /* unused */
    }
    if (policy->ephemeral != KW_EPHEMERAL_NONE) {
        s->key_policy = policy;
        return KW_GOOD;
    }
    if (policy->asym_encryption == KW_ASYM_ENC_NONE || receiver == NULL || receiver->certificate == NULL) {
        return KW_BAD_SECURITY_POLICY_REJECTED;
    }
    s->service_data = kw_arena_copy(s->base.call->arena, kw_certificate_der(receiver->certificate));
    return s->service_data.data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* What the user's key is going to sign, from both sides. */
static kw_status data_for_certificate(start_call *s, const kw_security_policy *policy)
{
    uint8_t random[KW_TOKEN_DATA_MIN];
    (void)policy;
    if (s->requestor_data.len < KW_TOKEN_DATA_MIN || s->requestor_data.len > KW_TOKEN_DATA_MAX) {
        s->base.call->input_results[2] = KW_BAD_NONCE_INVALID;
        return KW_BAD_INVALID_ARGUMENT;
    }
    KW_TRY(kw_random_fill(s->base.authority->env->random, random, sizeof(random)));
    s->service_data = kw_arena_copy(s->base.call->arena, (kw_bytes){random, sizeof(random)});
    s->request.requestor_data = s->requestor_data;
    s->request.service_data = s->service_data;
    return s->service_data.data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static const struct service_data {
    kw_user_token_type type;
    kw_status (*make)(start_call *s, const kw_security_policy *policy);
} SERVICE_DATA[] = {
    {KW_USER_TOKEN_TYPE_USER_NAME, data_for_secret},
    {KW_USER_TOKEN_TYPE_ISSUED_TOKEN, data_for_secret},
    {KW_USER_TOKEN_TYPE_CERTIFICATE, data_for_certificate},
};

static kw_status make_service_data(start_call *s, const kw_user_token_policy *policy)
{
    const kw_security_policy *secrets = policy_of(&s->base, policy);
    for (size_t i = 0; secrets != NULL && i < sizeof(SERVICE_DATA) / sizeof(SERVICE_DATA[0]); i++) {
        if (SERVICE_DATA[i].type == policy->token_type) {
            return SERVICE_DATA[i].make(s, secrets);
        }
    }
    return KW_BAD_SECURITY_POLICY_REJECTED;
}

/* --- the Method --------------------------------------------------------------------------------------------------------------- */

static kw_status take(kw_token_call *t)
{
    start_call *s = (start_call *)t;
    const kw_string *resource = kw_variant_get(&t->call->inputs[0], KW_BUILTIN_STRING);
    const kw_string *policy_id = kw_variant_get(&t->call->inputs[1], KW_BUILTIN_STRING);
    const kw_bytes *data = kw_variant_get(&t->call->inputs[2], KW_BUILTIN_BYTE_STRING);
    kw_user_token_policy policy;
    if (resource == NULL || policy_id == NULL) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    if (kw_session_by_id(kw_server_sessions(t->authority->server), &t->call->session_id) == NULL) { /* AZ-08 */
        return KW_BAD_SESSION_ID_INVALID;
    }
    t->resource = s->request.resource = *resource;
    s->requestor_data = data != NULL ? *data : KW_BYTES_NULL;
    KW_TRY(kw_authority_policy(t->authority, *policy_id, t->call->arena, &policy)); /* AZ-06 */
    s->request.policy_id = policy.policy_id;
    return make_service_data(s, &policy);
}

/* EphemeralKeyType in UA binary: a key of this request and no other, whatever the Session was given. */
static kw_status make_key(start_call *s)
{
    kw_token_call *t = &s->base;
    const kw_application_identity *receiver = t->call->context->receiver;
    if (s->key_policy == NULL) {
        return KW_GOOD;
    }
    if (receiver == NULL) {
        return KW_BAD_SECURITY_POLICY_REJECTED;
    }
    KW_TRY(kw_receiver_key_new(s->key_policy, receiver, &t->use.key));
    s->request.key = t->use.key;
    return kw_ecdh_encode(t->use.key, t->call->arena, &s->service_data);
}

static kw_status run(kw_token_call *t, kw_identity **who, const char **why)
{
    kw_resource found;
    (void)who;
    const kw_status status = kw_authority_serves(t->authority, t->resource)
                                 ? kw_store_resource_get(t->authority->env->store, t->resource, t->call->arena, &found)
                                 : KW_BAD_NOT_FOUND;
    if (status == KW_BAD_NOT_FOUND || status == KW_BAD_INVALID_ARGUMENT) {
        *why = "the resource is not registered";
        return KW_BAD_NOT_FOUND;
    }
    KW_TRY(status);
    return make_key((start_call *)t);
}

static kw_status settle(kw_token_call *t)
{
    start_call *s = (start_call *)t;
    kw_guid *id = KW_ARENA_NEW(t->call->arena, kw_guid);
    kw_bytes *data = KW_ARENA_NEW(t->call->arena, kw_bytes);
    if (id == NULL || data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (kw_session_by_id(kw_server_sessions(t->authority->server), &t->call->session_id) == NULL) {
        return KW_BAD_SESSION_CLOSED; /* meanwhile */
    }
    KW_TRY(kw_token_requests_add(t->authority->requests, &t->call->session_id, &s->request, id));
    *data = s->service_data;
    t->call->outputs[0] = kw_variant_scalar(KW_BUILTIN_BYTE_STRING, data);
    t->call->outputs[1] = kw_variant_scalar(KW_BUILTIN_GUID, id);
    return KW_GOOD;
}

void kw_authority_start_request_token(void *ctx, kw_call *call)
{
    static const kw_token_method METHOD = {
        .name = "StartRequestToken", .size = sizeof(start_call), .take = take, .run = run, .settle = settle};
    kw_token_call_start(ctx, &METHOD, call);
}
