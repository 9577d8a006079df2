/* The UserTokenPolicies of a service: what may come as identityToken (AZ-04). */
#include "authority/authority_internal.h"
#include "authority/provider.h"
#include "base/try.h"
#include "identity/json.h"

#define SECRETS_POLICY "Basic256Sha256"
#define PROFILE_OAUTH2 "http://opcfoundation.org/UA/Authorization#OAuth2"
#define TOKEN_TYPE_JWT "http://opcfoundation.org/UA/UserToken#JWT"

/* Anonymous is nobody to ask for a token by argument. */
static unsigned bit_of(kw_user_token_type type)
{
    switch (type) {
    case KW_USER_TOKEN_TYPE_USER_NAME:
        return KW_ACCEPT_PASSWORD;
    case KW_USER_TOKEN_TYPE_CERTIFICATE:
        return KW_ACCEPT_CERTIFICATE;
    case KW_USER_TOKEN_TYPE_ISSUED_TOKEN:
        return KW_ACCEPT_TOKEN;
    default:
        return 0;
    }
}

static bool is_accepted(const kw_authority *authority, unsigned bit)
{
    return bit != 0 && (authority->config.accepts == 0 || (authority->config.accepts & bit) != 0);
}

static kw_status all_policies(kw_authority *authority, kw_arena *arena, kw_user_token_policy **out, size_t *count)
{
    const kw_security_policy *policy = kw_security_policy_by_name(KW_STRING(SECRETS_POLICY));
    return kw_identity_gate_policies(kw_server_gate(authority->server), policy, KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT, arena, out,
                                     count);
}

/* --- of a façade ----------------------------------------------------------------------------------------------------------------- */

/* JW-01: the tokens that it exchanges are the provider's to judge. */
static kw_string provider_endpoint(const kw_authority *authority, kw_arena *arena)
{
    const kw_string issuer = kw_provider_config_of(authority->config.provider)->issuer;
    json_t *o = json_object();
    const bool is_complete = o != NULL && kw_json_set_string(o, "ua:resourceId", issuer) &&
                             kw_json_set_string(o, "ua:authorityUrl", issuer) &&
                             kw_json_set_string(o, "ua:authorityProfileUri", KW_STRING(PROFILE_OAUTH2));
    const kw_string text = is_complete ? kw_json_dump(o, arena) : KW_BYTES_NULL;
    json_decref(o);
    return text;
}

/* What can be handed on: a password, or a token. */
static kw_status facade_policies(kw_authority *authority, kw_arena *arena, kw_user_token_policy **out, size_t *count)
{
    const kw_security_policy *secrets = kw_security_policy_by_name(KW_STRING(SECRETS_POLICY));
    kw_user_token_policy *policies = KW_ARENA_ARRAY(arena, kw_user_token_policy, 2);
    const kw_string endpoint = provider_endpoint(authority, arena);
    if (policies == NULL || endpoint.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *count = 0;
    if (is_accepted(authority, KW_ACCEPT_PASSWORD)) {
        policies[(*count)++] = (kw_user_token_policy){.policy_id = KW_STRING("provider_username_" SECRETS_POLICY),
                                                      .token_type = KW_USER_TOKEN_TYPE_USER_NAME,
                                                      .security_policy_uri = kw_string_from(secrets->uri)};
    }
    if (is_accepted(authority, KW_ACCEPT_TOKEN)) {
        policies[(*count)++] = (kw_user_token_policy){.policy_id = KW_STRING("provider_jwt_" SECRETS_POLICY),
                                                      .token_type = KW_USER_TOKEN_TYPE_ISSUED_TOKEN,
                                                      .issued_token_type = KW_STRING(TOKEN_TYPE_JWT),
                                                      .issuer_endpoint_url = endpoint,
                                                      .security_policy_uri = kw_string_from(secrets->uri)};
    }
    *out = policies;
    return KW_GOOD;
}

/* --- of any ------------------------------------------------------------------------------------------------------------------------ */

kw_status kw_authority_policies(kw_authority *authority, kw_arena *arena, kw_user_token_policy **out, size_t *count)
{
    kw_user_token_policy *policies = NULL;
    size_t all = 0;
    if (authority->config.provider != NULL) {
        return facade_policies(authority, arena, out, count);
    }
    KW_TRY(all_policies(authority, arena, &policies, &all));
    *count = 0;
    for (size_t i = 0; i < all; i++) {
        if (is_accepted(authority, bit_of(policies[i].token_type))) {
            policies[(*count)++] = policies[i];
        }
    }
    *out = policies;
    return KW_GOOD;
}

kw_status kw_authority_policy(kw_authority *authority, kw_string policy_id, kw_arena *arena, kw_user_token_policy *out)
{
    kw_user_token_policy *policies = NULL;
    size_t count = 0;
    KW_TRY(kw_authority_policies(authority, arena, &policies, &count));
    for (size_t i = 0; i < count; i++) {
        if (kw_bytes_equal(policies[i].policy_id, policy_id)) {
            *out = policies[i];
            return KW_GOOD;
        }
    }
    return KW_BAD_IDENTITY_TOKEN_INVALID;
}
