/* Users who come over HTTPS: through the same gate as those of OPC UA. */
#include "authority/oauth_internal.h"
#include "base/try.h"

/* What comes in clear was inside TLS. Which application it is counts only if it was proven. */
kw_identity_claim kw_oauth_claim(const kw_oauth_call *call, const kw_oauth_client *client)
{
    const bool is_proven = !kw_oauth_is_public(client);
    return (kw_identity_claim){.channel_policy = &KW_POLICY_NONE,
                               .address = call->request->address,
                               .application_uri = is_proven ? client->application_uri : KW_BYTES_NULL,
                               .is_inside_tls = true,
                               .is_application_proven = is_proven && client->application_uri.len > 0};
}

kw_status kw_oauth_prove_password(kw_oauth_call *call, const kw_oauth_client *client, kw_string name, kw_string password, kw_identity **who,
                                  const char **why)
{
    static const kw_user_token_policy POLICY = {
        .policy_id = {(const uint8_t *)"web", 3}, .token_type = KW_USER_TOKEN_TYPE_USER_NAME, .security_policy_uri = {NULL, 0}};
    kw_user_name_identity_token token = {.policy_id = POLICY.policy_id, .user_name = name, .password = password};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_USER_NAME_IDENTITY_TOKEN, &token);
    kw_identity_claim claim = kw_oauth_claim(call, client);
    kw_refusal refusal = {.why = ""};
    claim.token = &object;
    claim.policies = &POLICY;
    claim.policy_count = 1;
    const kw_status status = kw_identity_prove(kw_server_gate(call->oauth->server), &claim, who, &refusal, &call->delay_ms);
    *why = refusal.why;
    return status;
}

/* UM-19: such a user may change the password, and nothing else. */
static kw_status check_account(kw_oauth_call *call, const kw_identity *was)
{
    kw_user user;
    if (was->kind != KW_USER_TOKEN_TYPE_USER_NAME) {
        return KW_GOOD;
    }
    const kw_status status = kw_store_user_get(call->oauth->env->store, was->name, call->arena, &user);
    if (status == KW_BAD_NOT_FOUND) {
        return KW_BAD_IDENTITY_TOKEN_REJECTED;
    }
    KW_TRY(status);
    return (user.configuration & KW_USER_MUST_CHANGE_PASSWORD) != 0 ? KW_BAD_IDENTITY_TOKEN_REJECTED : KW_GOOD;
}

static bool is_over(const kw_oauth_call *call, const kw_identity *who)
{
    return who->rights_end != 0 && kw_clock_utc(call->oauth->env->clock) >= who->rights_end;
}

kw_status kw_oauth_look_again(kw_oauth_call *call, const kw_oauth_client *client, const kw_identity *was, kw_identity **who)
{
    kw_identity_gate *gate = kw_server_gate(call->oauth->server);
    const kw_identity_claim claim = kw_oauth_claim(call, client);
    kw_identity *found = NULL;
    KW_TRY(check_account(call, was));
    const kw_status status = kw_identity_review(gate, was, &claim, &found, NULL);
    if (status == KW_BAD_USER_ACCESS_DENIED) {
        return KW_BAD_IDENTITY_TOKEN_REJECTED;
    }
    KW_TRY(status);
    if (is_over(call, found) || !kw_identity_gate_believes(gate, found)) {
        kw_identity_release(found);
        return KW_BAD_IDENTITY_TOKEN_REJECTED;
    }
    *who = found;
    return KW_GOOD;
}
