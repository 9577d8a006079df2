/*
 * A form is given out with a random cookie and a field that follows from it. Another site can make a browser send a form, and its
 * cookie with it, but cannot read the cookie and so does not know the field.
 */
#include "authority/oauth_internal.h"
#include "base/secret.h"
#include "crypto/symmetric.h"

#include <string.h>

#define COOKIE "__Host-keyway-form"
#define COOKIE_BYTES 32

static kw_string field_of(kw_oauth_call *call, kw_string cookie)
{
    uint8_t hash[KW_HASH_MAX];
    const kw_bytes parts[] = {KW_STRING("keyway form "), cookie};
    if (cookie.len == 0 || kw_status_is_bad(kw_hash_of(KW_HASH_SHA256, parts, 2, hash))) {
        return KW_BYTES_NULL;
    }
    return kw_base64url_encode(call->arena, (kw_bytes){hash, COOKIE_BYTES});
}

kw_string kw_oauth_form_seal(kw_oauth_call *call)
{
    uint8_t bytes[COOKIE_BYTES];
    if (kw_status_is_bad(kw_random_fill(call->oauth->env->random, bytes, sizeof(bytes)))) {
        return KW_BYTES_NULL;
    }
    const kw_string cookie = kw_base64url_encode(call->arena, (kw_bytes){bytes, sizeof(bytes)});
    const kw_string line =
        kw_arena_format(call->arena, COOKIE "=%.*s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=3600", KW_STRING_ARGS(cookie));
    call->response.header_count = 0;
    kw_oauth_answer_header(call, "Set-Cookie", line);
    const kw_string field = field_of(call, cookie);
    return field.data != NULL && line.data != NULL ? kw_oauth_hidden(call->arena, "seal", field) : KW_BYTES_NULL;
}

/* The value of our cookie in "a=1; b=2"; null: it is not there. */
static kw_string cookie_of(kw_string header)
{
    static const char NAME[] = COOKIE "=";
    const size_t name_len = sizeof(NAME) - 1;
    for (size_t start = 0; start < header.len;) {
        const uint8_t *semicolon = memchr(header.data + start, ';', header.len - start);
        const size_t end = semicolon != NULL ? (size_t)(semicolon - header.data) : header.len;
        while (start < end && header.data[start] == ' ') {
            start++;
        }
        if (end - start > name_len && memcmp(header.data + start, NAME, name_len) == 0) {
            return (kw_string){header.data + start + name_len, end - start - name_len};
        }
        start = end + 1;
    }
    return KW_BYTES_NULL;
}

bool kw_oauth_form_is_ours(kw_oauth_call *call)
{
    const kw_string wanted = field_of(call, cookie_of(call->request->cookie));
    const kw_string given = kw_http_form_get(&call->form, "seal", NULL);
    const kw_string site = call->request->fetch_site;
    const bool is_foreign = site.len > 0 && !kw_string_equals(site, "same-origin");
    if (is_foreign || wanted.len == 0 || given.len != wanted.len || !kw_secret_equal(wanted, given)) {
        kw_oauth_answer_notice(call, 400, "This form has expired",
                               "Go back to the application and sign in again. If that does not help, allow cookies for this site.");
        return false;
    }
    return true;
}
