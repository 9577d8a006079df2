#include "authority/oauth_internal.h"

#include <stdlib.h>
#include <string.h>

void kw_oauth_answer_header(kw_oauth_call *call, const char *name, kw_string value)
{
    if (call->response.header_count < KW_OAUTH_HEADERS_MAX) {
        call->headers[call->response.header_count++] = (kw_http_header){name, value};
    }
}

void kw_oauth_answer_json(kw_oauth_call *call, int status, json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    call->response = (kw_http_response){.status = status, .content_type = "application/json"};
    call->response.body = kw_arena_copy(call->arena, kw_string_from(text));
    if (text != NULL) {
        kw_wipe(text, strlen(text)); /* it may have been a token */
    }
    free(text);
    if (call->response.body.data == NULL) {
        call->response = (kw_http_response){.status = 503};
    }
}

void kw_oauth_answer_error(kw_oauth_call *call, int status, const char *error, const char *description)
{
    kw_oauth_answer_json(call, status, json_pack("{s:s,s:s}", "error", error, "error_description", description));
    if (status == 401 && call->request->authorization.len > 0) {
        kw_oauth_answer_header(call, "WWW-Authenticate", KW_STRING("Basic realm=\"Keyway\", charset=\"UTF-8\""));
    }
    if (status == 503 || status == 429) {
        kw_oauth_answer_header(call, "Retry-After", kw_arena_format(call->arena, "%u", call->retry_s > 0 ? call->retry_s : 1));
    }
}

void kw_oauth_answer_failure(kw_oauth_call *call, kw_status status)
{
    switch (status) {
    case KW_BAD_USER_ACCESS_DENIED:
    case KW_BAD_IDENTITY_TOKEN_INVALID:
    case KW_BAD_IDENTITY_TOKEN_REJECTED:
    case KW_BAD_USER_SIGNATURE_INVALID:
        kw_oauth_answer_error(call, 400, "invalid_grant", "the user could not be proven");
        return;
    case KW_BAD_NOT_FOUND:
        kw_oauth_answer_error(call, 400, "invalid_target", "there is no such resource");
        return;
    default:
        kw_oauth_answer_error(call, 503, "temporarily_unavailable", "the service cannot answer now");
        return;
    }
}
