/* Where people type what a machine shows, and sign in for it: RFC 8628, 3.3. */
#include "authority/oauth_internal.h"
#include "base/secret.h"

#define USER_CODE_LEN 8

/* As it was meant: without the hyphen, in capitals. Null: it cannot be one. */
static kw_string user_code_of(kw_oauth_call *call)
{
    const kw_string typed = kw_http_form_get(&call->form, "user_code", NULL);
    uint8_t *out = kw_arena_alloc(call->arena, USER_CODE_LEN);
    size_t len = 0;
    for (size_t i = 0; out != NULL && i < typed.len; i++) {
        const uint8_t c = typed.data[i];
        const bool is_small = c >= 'a' && c <= 'z';
        if (!is_small && (c < 'A' || c > 'Z')) {
            continue;
        }
        if (len == USER_CODE_LEN) {
            return KW_BYTES_NULL;
        }
        out[len++] = is_small ? (uint8_t)(c - 'a' + 'A') : c;
    }
    return len == USER_CODE_LEN ? (kw_string){out, len} : KW_BYTES_NULL;
}

static void show(kw_oauth_call *call, kw_string name, const char *complaint)
{
    const kw_string seal = kw_oauth_form_seal(call);
    const kw_string code = kw_oauth_html(call->arena, kw_http_form_get(&call->form, "user_code", NULL));
    const kw_string user = kw_oauth_html(call->arena, name);
    const kw_string body = kw_arena_format(
        call->arena,
        "<p>Only go on if you have started this yourself, on a machine that shows the same code.</p>\n%s%s%s"
        "<form method=\"post\" action=\"/device\">%.*s\n"
        "<label>Code<input class=\"code\" name=\"user_code\" value=\"%.*s\" autocomplete=\"off\" autocapitalize=\"characters\" "
        "spellcheck=\"false\" required%s></label>\n"
        "<label>Name<input name=\"username\" value=\"%.*s\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" "
        "required></label>\n"
        "<label>Password<input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\n"
        "<div class=\"deeds\"><button class=\"main\" name=\"do\" value=\"sign-in\">Sign in there</button>"
        "<button class=\"other\" name=\"do\" value=\"refuse\">Refuse</button></div></form>",
        complaint != NULL ? "<p class=\"bad\" role=\"alert\">" : "", complaint != NULL ? complaint : "", complaint != NULL ? "</p>\n" : "",
        KW_STRING_ARGS(seal), KW_STRING_ARGS(code), code.len == 0 ? " autofocus" : "", KW_STRING_ARGS(user));
    if (seal.data == NULL) {
        kw_oauth_answer_failure(call, KW_BAD_OUT_OF_MEMORY);
        return;
    }
    kw_oauth_answer_page(call, complaint != NULL ? 401 : 200, "Sign in on another machine", body, KW_BYTES_NULL);
}

void kw_oauth_device_page(kw_oauth_call *call)
{
    show(call, KW_BYTES_NULL, NULL);
}

static kw_status agree(kw_oauth_call *call, kw_oauth_device *device, const kw_identity *who)
{
    const kw_oauth_agreement agreement = {.user = *who, .scope = device->scope, .resource = device->resource};
    const kw_status status = kw_oauth_agreement_write(call, &agreement, &device->detail);
    device->state = KW_DEVICE_AGREED;
    device->account = who->kind == KW_USER_TOKEN_TYPE_USER_NAME ? who->name : KW_BYTES_NULL;
    return kw_status_is_bad(status) ? status : kw_store_oauth_device_answer(call->oauth->env->store, device);
}

static bool is_refusal(kw_status status)
{
    return status == KW_BAD_USER_ACCESS_DENIED || status == KW_BAD_IDENTITY_TOKEN_INVALID || status == KW_BAD_IDENTITY_TOKEN_REJECTED;
}

/* The code is only looked at once somebody has signed in: whoever tries codes has to be somebody, and to be counted. */
static void sign_in(kw_oauth_call *call)
{
    static const kw_oauth_client ANYBODYS = {.id = {NULL, 0}};
    const kw_string name = kw_http_form_get(&call->form, "username", NULL);
    const kw_string password = kw_http_form_get(&call->form, "password", NULL);
    kw_oauth_device device = {.state = KW_DEVICE_WAITS};
    kw_identity *who = NULL;
    const char *why = NULL;
    kw_status status = kw_oauth_prove_password(call, &ANYBODYS, name, password, &who, &why);
    kw_wipe((void *)(uintptr_t)password.data, password.len);
    if (!kw_status_is_bad(status)) {
        const kw_string code = user_code_of(call);
        status = code.len > 0 ? kw_store_oauth_device_find(call->oauth->env->store, code, call->arena, &device) : KW_BAD_NOT_FOUND;
        why = status == KW_BAD_NOT_FOUND ? "there is no such code" : why;
    }
    kw_oauth_record(call, "SignIn", status, name, device.client, device.resource, "device_code", why);
    if (is_refusal(status)) {
        show(call, name, "The name or the password is not right.");
    } else if (status == KW_BAD_NOT_FOUND) {
        show(call, name, "There is no such code, or it has expired. Start again on the other machine.");
    } else if (!kw_status_is_bad(status) && who->must_change_password) {
        show(call, name, "The password has to be changed before it is good for this. Ask your administrator how.");
    } else if (kw_status_is_bad(status) || kw_status_is_bad(agree(call, &device, who))) {
        kw_oauth_answer_notice(call, 503, "Not now", "The service cannot answer now. Try again in a moment.");
    } else {
        kw_oauth_answer_notice(call, 200, "Signed in", "You can go back to the other machine. This page may be closed.");
    }
    kw_identity_release(who);
}

static void refuse(kw_oauth_call *call)
{
    const kw_oauth_device device = {.user_code = user_code_of(call), .state = KW_DEVICE_REFUSED};
    if (device.user_code.len > 0) {
        (void)kw_store_oauth_device_answer(call->oauth->env->store, &device); /* whoever knows the code may say no */
    }
    kw_oauth_answer_notice(call, 200, "Refused", "Nobody was signed in. This page may be closed.");
}

void kw_oauth_device_answer(kw_oauth_call *call)
{
    if (!kw_oauth_form_is_ours(call)) {
        return;
    }
    if (kw_string_equals(kw_http_form_get(&call->form, "do", NULL), "refuse")) {
        refuse(call);
    } else {
        sign_in(call);
    }
}
