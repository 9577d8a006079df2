/* A client gives a token back: RFC 7009. Servers on this store end what it opened within their review period. */
#include "authority/oauth_internal.h"

static kw_status revoke(kw_oauth_call *call, const kw_oauth_client *client, const kw_own_token *token)
{
    const kw_revoked_token row = {
        .issuer = call->oauth->authority->config.service_uri, .id = token->claims.jti, .expires = kw_datetime_from_unix(token->claims.exp)};
    const kw_status status = kw_store_token_revoke(call->oauth->env->store, &row);
    const kw_string resource = token->claims.aud_count > 0 ? token->claims.aud[0] : KW_BYTES_NULL;
    kw_oauth_record(call, "TokenRevoked", status, token->claims.sub, client->id, resource, NULL, NULL);
    return status;
}

/* What is no token of this client is answered like one that was revoked: there is nothing left to do (2.2). */
void kw_oauth_revoke(kw_oauth_call *call)
{
    kw_oauth_client client;
    kw_own_token token;
    kw_string text;
    if (!kw_oauth_authenticate(call, &client) || !kw_oauth_parameter(call, "token", &text)) {
        return;
    }
    if (text.len == 0) {
        kw_oauth_answer_error(call, 400, "invalid_request", "token is missing");
        return;
    }
    if (kw_oauth_end_refresh_token(call, &client, text)) {
        call->response = (kw_http_response){.status = 200};
        return;
    }
    kw_status status = kw_oauth_read_own_token(call, text, &token);
    if (status == KW_BAD_IDENTITY_TOKEN_INVALID || status == KW_BAD_IDENTITY_TOKEN_REJECTED) {
        status = KW_GOOD;
    } else if (!kw_status_is_bad(status) && !token.is_revoked && kw_bytes_equal(token.client_id, client.id)) {
        status = revoke(call, &client, &token);
    }
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, status);
    } else {
        call->response = (kw_http_response){.status = 200};
    }
}
