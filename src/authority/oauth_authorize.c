/* The sign-in page. */
#include "authority/oauth_internal.h"
#include "base/secret.h"

#include <string.h>

/* "https://app.example" of a URI: what a form may lead to (browsers look where it leads on to, too). */
static kw_string origin_of(kw_string uri)
{
    const uint8_t *colon = memchr(uri.data, ':', uri.len);
    const size_t scheme = colon != NULL ? (size_t)(colon - uri.data) + 1 : 0;
    size_t end;
    if (uri.len < scheme + 2 || memcmp(uri.data + scheme, "//", 2) != 0) {
        return (kw_string){uri.data, scheme};
    }
    for (end = scheme + 2; end < uri.len && uri.data[end] != '/' && uri.data[end] != '?';) {
        end++;
    }
    return (kw_string){uri.data, end};
}

static kw_string carried_along(kw_arena *arena, const kw_oauth_request *request)
{
    const kw_string fields[] = {
        kw_oauth_hidden(arena, "client_id", request->client.id), kw_oauth_hidden(arena, "redirect_uri", request->redirect_uri),
        kw_oauth_hidden(arena, "state", request->state),         kw_oauth_hidden(arena, "scope", request->scope),
        kw_oauth_hidden(arena, "nonce", request->nonce),         kw_oauth_hidden(arena, "code_challenge", request->challenge),
        kw_oauth_hidden(arena, "resource", request->resource)};
    kw_string all = KW_STRING("<input type=\"hidden\" name=\"response_type\" value=\"code\">"
                              "<input type=\"hidden\" name=\"code_challenge_method\" value=\"S256\">");
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        all = kw_arena_format(arena, "%.*s%.*s", KW_STRING_ARGS(all), KW_STRING_ARGS(fields[i]));
    }
    return all;
}

static void show(kw_oauth_call *call, const kw_oauth_request *request, kw_string name, const char *complaint)
{
    kw_arena *arena = call->arena;
    const kw_oauth_client *client = &request->client;
    const kw_string seal = kw_oauth_form_seal(call);
    const kw_string fields = carried_along(arena, request);
    const kw_string asker = kw_oauth_html(arena, client->name.len > 0 ? client->name : client->id);
    const kw_string user = kw_oauth_html(arena, name);
    const kw_string body =
        kw_arena_format(arena,
                        "<p><strong>%.*s</strong> wants to know who you are, and to act in your name.</p>\n%s%s%s"
                        "<form method=\"post\" action=\"/authorize\">%.*s%.*s\n"
                        "<label>Name<input name=\"username\" value=\"%.*s\" autocomplete=\"username\" autocapitalize=\"none\" "
                        "spellcheck=\"false\" required%s></label>\n"
                        "<label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required%s></label>\n"
                        "<div class=\"deeds\"><button class=\"main\" name=\"do\" value=\"sign-in\">Sign in</button>"
                        "<button class=\"other\" name=\"do\" value=\"cancel\" formnovalidate>Cancel</button></div></form>",
                        KW_STRING_ARGS(asker), complaint != NULL ? "<p class=\"bad\" role=\"alert\">" : "",
                        complaint != NULL ? complaint : "", complaint != NULL ? "</p>\n" : "", KW_STRING_ARGS(seal), KW_STRING_ARGS(fields),
                        KW_STRING_ARGS(user), user.len == 0 ? " autofocus" : "", user.len > 0 ? " autofocus" : "");
    if (seal.data == NULL) {
        kw_oauth_answer_failure(call, KW_BAD_OUT_OF_MEMORY);
        return;
    }
    kw_oauth_answer_page(call, complaint != NULL ? 401 : 200, "Sign in", body, origin_of(request->redirect_uri));
}

void kw_oauth_authorize_page(kw_oauth_call *call)
{
    kw_oauth_request request;
    if (kw_oauth_read_request(call, &request)) {
        show(call, &request, KW_BYTES_NULL, NULL);
    }
}

static void let_in(kw_oauth_call *call, const kw_oauth_request *request, const kw_identity *who)
{
    kw_string code;
    const kw_status status = kw_oauth_code_make(call, request, who, &code);
    if (kw_status_is_bad(status)) {
        kw_oauth_lead_back(call, request, "error", KW_STRING("temporarily_unavailable"), "the service cannot answer now");
    } else {
        kw_oauth_lead_back(call, request, "code", code, NULL);
    }
}

static bool is_refusal(kw_status status)
{
    return status == KW_BAD_USER_ACCESS_DENIED || status == KW_BAD_IDENTITY_TOKEN_INVALID || status == KW_BAD_IDENTITY_TOKEN_REJECTED;
}

static void sign_in(kw_oauth_call *call, const kw_oauth_request *request)
{
    const kw_string name = kw_http_form_get(&call->form, "username", NULL);
    const kw_string password = kw_http_form_get(&call->form, "password", NULL);
    kw_identity *who = NULL;
    const char *why = NULL;
    const kw_status status = kw_oauth_prove_password(call, &request->client, name, password, &who, &why);
    kw_wipe((void *)(uintptr_t)password.data, password.len);
    kw_oauth_record(call, "SignIn", status, name, request->client.id, request->resource, "authorization_code", why);
    if (is_refusal(status)) {
        show(call, request, name, "The name or the password is not right.");
    } else if (kw_status_is_bad(status)) {
        kw_oauth_answer_notice(call, 503, "Not now", "The service cannot answer now. Try again in a moment.");
    } else if (who->must_change_password) {
        show(call, request, name, "The password has to be changed before it is good for this. Ask your administrator how.");
    } else {
        let_in(call, request, who);
    }
    kw_identity_release(who);
}

void kw_oauth_authorize(kw_oauth_call *call)
{
    kw_oauth_request request;
    if (!kw_oauth_form_is_ours(call) || !kw_oauth_read_request(call, &request)) {
        return;
    }
    if (kw_string_equals(kw_http_form_get(&call->form, "do", NULL), "cancel")) {
        kw_oauth_lead_back(call, &request, "error", KW_STRING("access_denied"), "the user did not agree");
        return;
    }
    sign_in(call, &request);
}
