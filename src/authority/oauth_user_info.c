/* Who the token is of: OpenID Connect Core, 5.3. */
#include "authority/oauth_internal.h"
#include "identity/json.h"

#include <strings.h>

static kw_string bearer(kw_oauth_call *call)
{
    static const char SCHEME[] = "Bearer ";
    const size_t len = sizeof(SCHEME) - 1;
    const kw_string header = call->request->authorization;
    if (header.len <= len || strncasecmp((const char *)header.data, SCHEME, len) != 0) {
        return kw_http_form_get(&call->form, "access_token", NULL);
    }
    return (kw_string){header.data + len, header.len - len};
}

static void refuse(kw_oauth_call *call, int status, const char *error, kw_string challenge)
{
    kw_oauth_answer_json(call, status, json_pack("{s:s}", "error", error));
    kw_oauth_answer_header(call, "WWW-Authenticate", challenge);
}

void kw_oauth_user_info(kw_oauth_call *call)
{
    kw_own_token token;
    const kw_status status = kw_oauth_read_own_token(call, bearer(call), &token);
    if (kw_status_is_bad(status) && status != KW_BAD_IDENTITY_TOKEN_INVALID && status != KW_BAD_IDENTITY_TOKEN_REJECTED) {
        kw_oauth_answer_failure(call, status);
        return;
    }
    if (kw_status_is_bad(status) || token.is_revoked) {
        refuse(call, 401, "invalid_token", KW_STRING("Bearer error=\"invalid_token\""));
        return;
    }
    if (!kw_oauth_has_word(token.claims.scope, KW_STRING("openid"))) {
        refuse(call, 403, "insufficient_scope", KW_STRING("Bearer error=\"insufficient_scope\", scope=\"openid\""));
        return;
    }
    json_t *o = json_object();
    if (o != NULL) {
        kw_json_set_string(o, "sub", token.claims.sub);
        kw_json_set_string(o, "preferred_username", token.claims.sub);
    }
    kw_oauth_answer_json(call, 200, o);
}
