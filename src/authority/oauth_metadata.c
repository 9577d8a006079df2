/* What clients learn about the service: OpenID Connect Discovery 1.0, RFC 8414; and its keys, RFC 7517. */
#include "authority/oauth_internal.h"

#include <string.h>

static const struct {
    const char *name, *path;
} ENDPOINTS[] = {
    {"authorization_endpoint", "/authorize"},
    {"token_endpoint", "/token"},
    {"device_authorization_endpoint", "/device_authorization"},
    {"userinfo_endpoint", "/userinfo"},
    {"introspection_endpoint", "/introspect"},
    {"revocation_endpoint", "/revoke"},
    {"jwks_uri", "/jwks"},
};

/* Words between spaces. */
static const struct {
    const char *name, *words;
} LISTS[] = {
    {"response_types_supported", "code"},
    {"grant_types_supported", KW_OAUTH_GRANT_TYPES},
    {"code_challenge_methods_supported", "S256"},
    {"scopes_supported", "openid profile"},
    {"subject_types_supported", "public"},
    {"id_token_signing_alg_values_supported", "RS256 PS256 ES256 ES384 EdDSA Ed25519"},
    {"token_endpoint_auth_methods_supported", "client_secret_basic client_secret_post private_key_jwt self_signed_tls_client_auth none"},
    {"token_endpoint_auth_signing_alg_values_supported", "RS256 PS256 ES256 ES384 EdDSA Ed25519"},
};

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

static json_t *split(const char *words)
{
    json_t *list = json_array();
    while (*words != '\0') {
        const size_t len = strcspn(words, " ");
        json_array_append_new(list, json_stringn(words, len));
        words += len + (words[len] == ' ');
    }
    return list;
}

static void put_url(kw_oauth_call *call, json_t *object, const char *name, const char *path)
{
    const kw_string url = kw_arena_format(call->arena, "%.*s%s", KW_STRING_ARGS(call->oauth->issuer), path);
    json_object_set_new(object, name, json_stringn((const char *)url.data, url.len));
}

void kw_oauth_metadata(kw_oauth_call *call)
{
    json_t *object =
        json_pack("{s:b,s:b}", "authorization_response_iss_parameter_supported", 1, "tls_client_certificate_bound_access_tokens", 1);
    if (object != NULL) {
        put_url(call, object, "issuer", "");
        for (size_t i = 0; i < COUNT_OF(ENDPOINTS); i++) {
            put_url(call, object, ENDPOINTS[i].name, ENDPOINTS[i].path);
        }
        for (size_t i = 0; i < COUNT_OF(LISTS); i++) {
            json_object_set_new(object, LISTS[i].name, split(LISTS[i].words));
        }
    }
    kw_oauth_answer_json(call, 200, object);
}

void kw_oauth_keys(kw_oauth_call *call)
{
    kw_string keys;
    const kw_status status = kw_authority_public_keys(call->oauth->env->store, call->oauth->env->clock, call->arena, &keys);
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, KW_BAD_RESOURCE_UNAVAILABLE);
        return;
    }
    call->response = (kw_http_response){.status = 200, .content_type = "application/json", .body = keys};
    kw_oauth_answer_header(call, "Cache-Control", KW_STRING("public, max-age=60"));
}
