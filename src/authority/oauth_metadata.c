/* What clients learn about the service: OpenID Connect Discovery 1.0, RFC 8414; and its keys, RFC 7517. */
#include "authority/oauth_internal.h"

static void put_url(kw_oauth_call *call, json_t *object, const char *name, const char *path)
{
    const kw_string url = kw_arena_format(call->arena, "%.*s%s", KW_STRING_ARGS(call->oauth->issuer), path);
    json_object_set_new(object, name, json_stringn((const char *)url.data, url.len));
}

void kw_oauth_metadata(kw_oauth_call *call)
{
    json_t *object = json_pack("{s:[s],s:[s,s,s],s:[s,s,s,s,s],s:[s,s,s],s:[s],s:[s,s,s],s:b}", "response_types_supported", "code",
                               "grant_types_supported", "client_credentials", "authorization_code", "refresh_token",
                               "token_endpoint_auth_methods_supported", "client_secret_basic", "client_secret_post", "private_key_jwt",
                               "self_signed_tls_client_auth", "none", "token_endpoint_auth_signing_alg_values_supported", "RS256", "PS256",
                               "ES256", "subject_types_supported", "public", "id_token_signing_alg_values_supported", "RS256", "PS256",
                               "ES256", "tls_client_certificate_bound_access_tokens", 1);
    if (object != NULL) {
        json_object_set_new(object, "code_challenge_methods_supported", json_pack("[s]", "S256"));
        json_object_set_new(object, "scopes_supported", json_pack("[s,s]", "openid", "profile"));
        json_object_set_new(object, "authorization_response_iss_parameter_supported", json_true());
        put_url(call, object, "authorization_endpoint", "/authorize");
        put_url(call, object, "userinfo_endpoint", "/userinfo");
        put_url(call, object, "issuer", "");
        put_url(call, object, "jwks_uri", "/jwks");
        put_url(call, object, "token_endpoint", "/token");
        put_url(call, object, "introspection_endpoint", "/introspect");
        put_url(call, object, "revocation_endpoint", "/revoke");
    }
    kw_oauth_answer_json(call, 200, object);
}

void kw_oauth_keys(kw_oauth_call *call)
{
    kw_string keys;
    const kw_status status = kw_authority_public_keys(call->oauth->env->store, call->arena, &keys);
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, KW_BAD_RESOURCE_UNAVAILABLE);
        return;
    }
    call->response = (kw_http_response){.status = 200, .content_type = "application/json", .body = keys};
    kw_oauth_answer_header(call, "Cache-Control", KW_STRING("public, max-age=60"));
}
