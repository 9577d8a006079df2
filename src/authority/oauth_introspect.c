/* What is known about a token, for who may know: RFC 7662. */
#include "authority/oauth_internal.h"

static json_t *text(kw_string s)
{
    return json_stringn((const char *)s.data, s.len);
}

static void put_text(json_t *object, const char *name, kw_string value)
{
    if (value.len > 0) {
        json_object_set_new(object, name, text(value));
    }
}

static json_t *describe(const kw_own_token *token)
{
    const kw_jwt *c = &token->claims;
    json_t *object = json_pack("{s:b,s:s,s:I}", "active", 1, "token_type", "Bearer", "exp", (json_int_t)c->exp);
    json_t *roles = json_array();
    if (object == NULL || roles == NULL) {
        json_decref(object);
        json_decref(roles);
        return NULL;
    }
    for (size_t i = 0; i < c->role_count; i++) {
        json_array_append_new(roles, text(c->roles[i]));
    }
    json_object_set_new(object, "roles", roles);
    json_object_set_new(object, "iat", json_integer((json_int_t)c->iat));
    json_object_set_new(object, "nbf", json_integer((json_int_t)c->nbf));
    put_text(object, "iss", c->iss);
    put_text(object, "sub", c->sub);
    put_text(object, "aud", c->aud_count > 0 ? c->aud[0] : KW_BYTES_NULL);
    put_text(object, "jti", c->jti);
    put_text(object, "scope", c->scope);
    put_text(object, "client_id", token->client_id);
    if (c->confirmation_x5t_s256.len > 0) {
        json_object_set_new(object, "cnf", json_pack("{s:o}", "x5t#S256", text(c->confirmation_x5t_s256)));
    }
    return object;
}

/* To whom it is nothing, it is the same as a token that never was (2.2). */
void kw_oauth_introspect(kw_oauth_call *call)
{
    kw_oauth_client client;
    kw_own_token token;
    kw_string text_of_it;
    if (!kw_oauth_authenticate(call, &client) || !kw_oauth_parameter(call, "token", &text_of_it)) {
        return;
    }
    if (kw_oauth_is_public(&client)) {
        kw_oauth_answer_error(call, 401, "invalid_client", "a public client may not look into tokens");
        return;
    }
    if (text_of_it.len == 0) {
        kw_oauth_answer_error(call, 400, "invalid_request", "token is missing");
        return;
    }
    const kw_status status = kw_oauth_read_own_token(call, text_of_it, &token);
    if (kw_status_is_bad(status) && status != KW_BAD_IDENTITY_TOKEN_INVALID && status != KW_BAD_IDENTITY_TOKEN_REJECTED) {
        kw_oauth_answer_failure(call, status);
        return;
    }
    const bool may_see = client.may_introspect || kw_bytes_equal(token.client_id, client.id);
    const bool is_active = !kw_status_is_bad(status) && !token.is_revoked && may_see;
    kw_oauth_answer_json(call, 200, is_active ? describe(&token) : json_pack("{s:b}", "active", 0));
}
