/* The UserTokenPolicies of a service: what may come as identityToken (AZ-04). */
#include "authority/authority_internal.h"
#include "authority/provider.h"
#include "base/try.h"
#include "identity/json.h"

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

/* What secrets are protected by follows from our own key. */
static const kw_security_policy *secrets_policy(const kw_authority *authority, size_t index)
{
    const kw_application_identity *own = authority->env->identity;
    return kw_security_policy_for_secrets(own != NULL && own->key != NULL ? kw_private_key_type(own->key) : KW_KEY_RSA, index);
}

static bool is_among(const kw_user_token_policy *policies, size_t count, kw_string policy_id)
{
    bool found = false;
    for (size_t i = 0; !found && i < count; i++) {
        found = kw_bytes_equal(policies[i].policy_id, policy_id);
    }
    return found;
}

/* Those in clear are the same with each. */
static kw_status add_policies(kw_authority *authority, const kw_security_policy *secrets, kw_arena *arena, kw_user_token_policy **out,
                              size_t *count)
{
    kw_user_token_policy *more = NULL;
    size_t more_count = 0;
    KW_TRY(kw_identity_gate_policies(kw_server_gate(authority->server), secrets, KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT, arena, &more,
                                     &more_count));
    kw_user_token_policy *all = KW_ARENA_ARRAY(arena, kw_user_token_policy, *count + more_count);
    if (all == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    size_t n = 0;
    for (; n < *count; n++) {
        all[n] = (*out)[n];
    }
    for (size_t i = 0; i < more_count; i++) {
        if (is_accepted(authority, bit_of(more[i].token_type)) && !is_among(all, n, more[i].policy_id)) {
            all[n++] = more[i];
        }
    }
    *out = all;
    *count = n;
    return KW_GOOD;
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
    const kw_security_policy *secrets = secrets_policy(authority, 0);
    if (secrets == NULL) {
        return KW_BAD_SECURITY_POLICY_REJECTED;
    }
    kw_user_token_policy *policies = KW_ARENA_ARRAY(arena, kw_user_token_policy, 2);
    const kw_string endpoint = provider_endpoint(authority, arena);
    const kw_string ids[] = {kw_arena_format(arena, "provider_username_%s", secrets->name),
                             kw_arena_format(arena, "provider_jwt_%s", secrets->name)};
    if (policies == NULL || endpoint.data == NULL || ids[0].data == NULL || ids[1].data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *count = 0;
    if (is_accepted(authority, KW_ACCEPT_PASSWORD)) {
        policies[(*count)++] = (kw_user_token_policy){
            .policy_id = ids[0], .token_type = KW_USER_TOKEN_TYPE_USER_NAME, .security_policy_uri = kw_string_from(secrets->uri)};
    }
    if (is_accepted(authority, KW_ACCEPT_TOKEN)) {
        policies[(*count)++] = (kw_user_token_policy){.policy_id = ids[1],
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
    const kw_security_policy *secrets = NULL;
    if (authority->config.provider != NULL) {
        return facade_policies(authority, arena, out, count);
    }
    *out = NULL;
    *count = 0;
    for (size_t i = 0; (secrets = secrets_policy(authority, i)) != NULL; i++) {
        KW_TRY(add_policies(authority, secrets, arena, out, count));
    }
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
