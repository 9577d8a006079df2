/* Users who come over HTTPS: through the same gate as those of OPC UA. */
#include "authority/oauth_internal.h"

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

kw_status kw_oauth_look_again(kw_oauth_call *call, const kw_oauth_client *client, const kw_identity *was, kw_identity **who)
{
    const kw_identity_claim claim = kw_oauth_claim(call, client);
    return kw_authority_look_again(call->oauth->authority, was, &claim, call->arena, who);
}

kw_status kw_oauth_prove_token(kw_oauth_call *call, const kw_oauth_client *client, kw_string token, kw_identity **who, const char **why)
{
    static const char WEB[] = "web", JWT[] = "http://opcfoundation.org/UA/UserToken#JWT";
    const kw_user_token_policy policy = {
        .policy_id = kw_string_from(WEB), .token_type = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .issued_token_type = kw_string_from(JWT)};
    kw_issued_identity_token issued = {.policy_id = policy.policy_id, .token_data = token};
    const kw_extension_object object = kw_extension_object_of(KW_TYPE_ISSUED_IDENTITY_TOKEN, &issued);
    kw_identity_claim claim = kw_oauth_claim(call, client);
    kw_refusal refusal = {.why = ""};
    claim.token = &object;
    claim.policies = &policy;
    claim.policy_count = 1;
    claim.also_audience = client->application_uri;
    const kw_status status = kw_identity_prove(kw_server_gate(call->oauth->server), &claim, who, &refusal, &call->delay_ms);
    *why = refusal.why;
    return status;
}
