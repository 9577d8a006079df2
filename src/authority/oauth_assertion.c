/* private_key_jwt: the client signs that it is itself. RFC 7523, 2.2 and 3; OpenID Connect Core, 9. */
#include "authority/oauth_internal.h"
#include "base/try.h"

#define LIFETIME_MAX_S 3600u
#define SKEW_S 60u
#define USED_MAX 100000u

kw_string kw_oauth_assertion_subject(kw_oauth_call *call, kw_string assertion)
{
    kw_jwt jwt;
    const char *why = NULL;
    return kw_status_is_bad(kw_jwt_parse(assertion, call->arena, &jwt, &why)) ? KW_BYTES_NULL : jwt.sub;
}

/* For the service as a whole, or for its token endpoint: both are in use. */
static kw_status verify(kw_oauth_call *call, const kw_jwt *jwt, kw_jwt_rules *rules, kw_string assertion, const char **why)
{
    const kw_jwk *signer = NULL;
    rules->audience = call->oauth->issuer;
    if (!kw_status_is_bad(kw_jwt_verify(assertion, jwt, rules, &signer, why))) {
        return KW_GOOD;
    }
    rules->audience = kw_arena_format(call->arena, "%.*s/token", KW_STRING_ARGS(call->oauth->issuer));
    return kw_jwt_verify(assertion, jwt, rules, &signer, why);
}

/* Good once: whoever hears it cannot say it again. */
static kw_status use(kw_oauth_call *call, const kw_oauth_client *client, const kw_jwt *jwt, const char **why)
{
    const kw_string id = kw_arena_format(call->arena, "assertion:%.*s:%.*s", KW_STRING_ARGS(client->id), KW_STRING_ARGS(jwt->jti));
    *why = "the assertion was used before";
    if (jwt->jti.len == 0) {
        *why = "the assertion has no jti";
        return KW_BAD_IDENTITY_TOKEN_INVALID;
    }
    return kw_store_secret_use(call->oauth->env->store, id, kw_datetime_from_unix(jwt->exp + SKEW_S), USED_MAX);
}

static kw_status check(kw_oauth_call *call, const kw_oauth_client *client, const kw_jwks *keys, kw_string assertion, const char **why)
{
    kw_jwt jwt;
    kw_jwt_rules rules = {.issuer = client->id,
                          .keys = keys,
                          .algorithms = KW_JWT_ALGORITHMS,
                          .now = kw_datetime_to_unix(kw_clock_utc(call->oauth->env->clock)),
                          .skew_s = SKEW_S};
    KW_TRY(kw_jwt_parse(assertion, call->arena, &jwt, why));
    KW_TRY(verify(call, &jwt, &rules, assertion, why));
    if (!kw_bytes_equal(jwt.sub, client->id)) {
        *why = "the assertion is about another one";
        return KW_BAD_IDENTITY_TOKEN_REJECTED;
    }
    if (jwt.exp > rules.now + LIFETIME_MAX_S) {
        *why = "the assertion is good for too long";
        return KW_BAD_IDENTITY_TOKEN_REJECTED;
    }
    return use(call, client, &jwt, why);
}

bool kw_oauth_assertion_holds(kw_oauth_call *call, const kw_oauth_client *client, kw_string assertion, const char **why)
{
    kw_jwks *keys = NULL;
    if (kw_status_is_bad(kw_jwks_parse(client->jwks, &keys, why))) {
        return false;
    }
    const kw_status status = check(call, client, keys, assertion, why);
    kw_jwks_release(keys);
    return !kw_status_is_bad(status);
}
