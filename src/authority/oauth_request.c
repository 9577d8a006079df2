/* The authorization request: RFC 6749, 4.1.1; RFC 7636 (PKCE, always); RFC 8252 for programs on the user's machine. */
#include "authority/oauth_internal.h"

#include <string.h>

#define CHALLENGE_LEN 43 /* SHA-256 as base64url */
#define TEXT_MAX 2048u

static bool begins(kw_string text, const char *start)
{
    const size_t len = strlen(start);
    return text.len >= len && memcmp(text.data, start, len) == 0;
}

/* The length of "http://127.0.0.1" in it; 0: it is not one of a program that listens here. */
static size_t loopback_prefix(kw_string uri)
{
    static const char *const PREFIXES[] = {"http://127.0.0.1", "http://[::1]"};
    for (size_t i = 0; i < 2; i++) {
        const size_t len = strlen(PREFIXES[i]);
        if (begins(uri, PREFIXES[i]) && (uri.len == len || uri.data[len] == ':' || uri.data[len] == '/')) {
            return len;
        }
    }
    return 0;
}

static kw_string without_port(kw_string uri, size_t prefix)
{
    size_t at = prefix;
    if (at < uri.len && uri.data[at] == ':') {
        for (at++; at < uri.len && uri.data[at] >= '0' && uri.data[at] <= '9';) {
            at++;
        }
    }
    return (kw_string){uri.data + at, uri.len - at};
}

/* Exactly as registered; programs on this machine listen at whatever port is free (RFC 8252, 7.3). */
static bool matches(kw_string registered, kw_string given)
{
    const size_t prefix = loopback_prefix(registered);
    if (prefix > 0 && prefix == loopback_prefix(given) && memcmp(registered.data, given.data, prefix) == 0) {
        return kw_bytes_equal(without_port(registered, prefix), without_port(given, prefix));
    }
    return kw_bytes_equal(registered, given);
}

static bool is_registered(const kw_oauth_client *client, kw_string uri)
{
    const kw_string all = client->redirect_uris;
    for (size_t start = 0; start < all.len;) {
        const uint8_t *end = memchr(all.data + start, '\n', all.len - start);
        const size_t len = end != NULL ? (size_t)(end - all.data) - start : all.len - start;
        if (matches((kw_string){all.data + start, len}, uri)) {
            return true;
        }
        start += len + 1;
    }
    return false;
}

/* --- leading back -------------------------------------------------------------------------------------------------------------- */

void kw_oauth_lead_back(kw_oauth_call *call, const kw_oauth_request *request, const char *name, kw_string value, const char *description)
{
    kw_arena *arena = call->arena;
    const kw_string uri = request->redirect_uri;
    const char *first = memchr(uri.data, '?', uri.len) != NULL ? "&" : "?";
    const kw_string what = kw_http_form_encode(arena, value), issuer = kw_http_form_encode(arena, call->oauth->issuer);
    const kw_string state = kw_http_form_encode(arena, request->state);
    const kw_string words = kw_http_form_encode(arena, kw_string_from(description));
    const kw_string where = kw_arena_format(arena, "%.*s%s%s=%.*s%s%.*s%s%.*s&iss=%.*s", KW_STRING_ARGS(uri), first, name,
                                            KW_STRING_ARGS(what), words.len > 0 ? "&error_description=" : "", KW_STRING_ARGS(words),
                                            state.len > 0 ? "&state=" : "", KW_STRING_ARGS(state), KW_STRING_ARGS(issuer));
    if (where.data == NULL) {
        kw_oauth_answer_error(call, 503, "temporarily_unavailable", "the service cannot answer now");
        return;
    }
    call->response = (kw_http_response){.status = 303};
    kw_oauth_answer_header(call, "Location", where);
}

static bool refuse(kw_oauth_call *call, const kw_oauth_request *request, const char *error, const char *description)
{
    kw_oauth_lead_back(call, request, "error", kw_string_from(error), description);
    return false;
}

/* --- reading ------------------------------------------------------------------------------------------------------------------- */

static bool tell_user(kw_oauth_call *call, const char *text)
{
    kw_oauth_answer_notice(call, 400, "This sign-in cannot go on", text);
    return false;
}

/* Who asks, and where to lead back to. Nobody is led anywhere else (RFC 6749, 4.1.2.1). */
static bool read_client(kw_oauth_call *call, kw_oauth_request *out)
{
    bool twice = false;
    const kw_string id = kw_http_form_get(&call->form, "client_id", &twice);
    out->redirect_uri = kw_http_form_get(&call->form, "redirect_uri", &twice);
    out->state = kw_http_form_get(&call->form, "state", &twice);
    if (twice || id.len == 0) {
        return tell_user(call, "The application did not say which one it is.");
    }
    const kw_status status = kw_store_oauth_client_get(call->oauth->env->store, id, call->arena, &out->client);
    if (kw_status_is_bad(status) || out->client.is_disabled) {
        return tell_user(call, "The application is not registered here. Its administrator registers it with keyway client add.");
    }
    if (!is_registered(&out->client, out->redirect_uri)) {
        return tell_user(call, "The application wants to be led back to an address that it is not registered with.");
    }
    return true;
}

static bool is_challenge(kw_string text)
{
    bool is_good = text.len == CHALLENGE_LEN;
    for (size_t i = 0; is_good && i < text.len; i++) {
        const uint8_t c = text.data[i];
        is_good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    }
    return is_good;
}

static bool read_wishes(kw_oauth_call *call, kw_oauth_request *out)
{
    bool twice = false;
    const kw_string type = kw_http_form_get(&call->form, "response_type", &twice);
    const kw_string method = kw_http_form_get(&call->form, "code_challenge_method", &twice);
    const kw_string prompt = kw_http_form_get(&call->form, "prompt", &twice);
    out->scope = kw_http_form_get(&call->form, "scope", &twice);
    out->nonce = kw_http_form_get(&call->form, "nonce", &twice);
    out->challenge = kw_http_form_get(&call->form, "code_challenge", &twice);
    out->resource = kw_http_form_get(&call->form, "resource", &twice);
    if (twice || out->scope.len > TEXT_MAX || out->nonce.len > TEXT_MAX || out->state.len > TEXT_MAX) {
        return refuse(call, out, "invalid_request", "a parameter comes twice or is too long");
    }
    if (!kw_string_equals(type, "code")) {
        return refuse(call, out, "unsupported_response_type", "response_type is to be code");
    }
    if (!kw_string_equals(method, "S256") || !is_challenge(out->challenge)) {
        return refuse(call, out, "invalid_request", "code_challenge with code_challenge_method S256 is needed");
    }
    if (kw_oauth_has_word(prompt, KW_STRING("none"))) { /* nobody is signed in here already */
        return refuse(call, out, "login_required", "the user has to sign in");
    }
    return true;
}

bool kw_oauth_read_request(kw_oauth_call *call, kw_oauth_request *out)
{
    *out = (kw_oauth_request){.scope = KW_BYTES_NULL};
    if (!read_client(call, out) || !read_wishes(call, out)) {
        return false;
    }
    if (!kw_oauth_has_word(out->client.grants, KW_STRING("authorization_code"))) {
        return refuse(call, out, "unauthorized_client", "the client is not registered for this grant");
    }
    return true;
}
