/* What a provider is asked, as a form. RFC 6749, 4.3.2 and 2.3.1; RFC 7523, 2.2; RFC 8693, 2.1. */
#include "authority/provider_internal.h"
#include "base/cursor.h"
#include "base/try.h"
#include "identity/json.h"
#include "identity/jwt.h"
#include "ua/base64.h"

#define ASSERTION_S 60 /* how long it is good */
#define JTI_BYTES 16
#define GROWTH 3u      /* of a byte that is escaped */
#define OVERHEAD 2048u /* names, and values that are always the same */
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define GRANT_EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
#define TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"

static bool is_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
}

/* Straight to where it is wiped. */
static void put_escaped(kw_writer *w, kw_bytes text)
{
    static const char DIGITS[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.data[i];
        if (is_plain(c)) {
            kw_write_u8(w, c);
            continue;
        }
        kw_write_u8(w, '%');
        kw_write_u8(w, (uint8_t)DIGITS[c >> 4]);
        kw_write_u8(w, (uint8_t)DIGITS[c & 15]);
    }
}

static void put(kw_writer *w, const char *name, kw_bytes value)
{
    if (value.data == NULL) {
        return;
    }
    if (w->len > 0) {
        kw_write_u8(w, '&');
    }
    kw_write_raw(w, kw_string_from(name));
    kw_write_u8(w, '=');
    put_escaped(w, value);
}

/* --- who asks ------------------------------------------------------------------------------------------------------------------- */

/* client_secret_basic: both parts are escaped before they are put together. */
static kw_status make_basic(const kw_provider_config *c, kw_arena *arena, kw_string *out)
{
    kw_secret pair;
    kw_writer w;
    KW_TRY(kw_secret_init(&pair, (c->client_id.len + c->client_secret.len) * GROWTH + 1));
    kw_writer_init_fixed(&w, pair.data, pair.len);
    put_escaped(&w, c->client_id);
    kw_write_u8(&w, ':');
    put_escaped(&w, c->client_secret);
    const kw_string encoded = kw_base64_encode(arena, kw_writer_bytes(&w));
    kw_secret_clear(&pair);
    if (encoded.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = kw_arena_format(arena, "Basic %.*s", KW_STRING_ARGS(encoded));
    kw_wipe((void *)(uintptr_t)encoded.data, encoded.len);
    return out->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* private_key_jwt. */
static kw_status make_assertion(const kw_provider *provider, kw_arena *arena, kw_string *out)
{
    const kw_provider_config *c = &provider->config;
    uint8_t unique[JTI_BYTES];
    KW_TRY(kw_random_fill(provider->random, unique, sizeof(unique)));
    const int64_t now = kw_datetime_to_unix(kw_clock_utc(provider->clock));
    const kw_string alg = kw_private_key_type(c->key) == KW_KEY_RSA ? KW_STRING("RS256") : KW_STRING("ES256");
    const int64_t until = now + ASSERTION_S;
    json_t *claims = json_pack("{s:I,s:I}", "iat", (json_int_t)now, "exp", (json_int_t)until);
    const bool is_complete = claims != NULL && kw_json_set_string(claims, "iss", c->client_id) &&
                             kw_json_set_string(claims, "sub", c->client_id) && kw_json_set_string(claims, "aud", c->issuer) &&
                             kw_json_set_string(claims, "jti", kw_base64url_encode(arena, (kw_bytes){unique, sizeof(unique)}));
    const kw_string text = is_complete ? kw_json_dump(claims, arena) : KW_BYTES_NULL;
    json_decref(claims);
    return text.data != NULL ? kw_jwt_sign(alg, c->key_id, c->key, text, arena, out) : KW_BAD_OUT_OF_MEMORY;
}

/* --- what is asked -------------------------------------------------------------------------------------------------------------- */

static void put_user(kw_writer *w, const kw_provider_question *q)
{
    if (q->user.data != NULL) {
        put(w, "grant_type", KW_STRING("password"));
        put(w, "username", q->user);
        put(w, "password", q->secret);
        return;
    }
    put(w, "grant_type", KW_STRING(GRANT_EXCHANGE));
    put(w, "subject_token", q->secret);
    put(w, "subject_token_type", KW_STRING(TYPE_ACCESS_TOKEN));
    put(w, "requested_token_type", KW_STRING(TYPE_ACCESS_TOKEN));
}

static void put_target(kw_writer *w, const kw_provider_config *c, kw_string resource)
{
    if (c->target != KW_PROVIDER_TARGET_NONE) {
        put(w, c->target == KW_PROVIDER_TARGET_RESOURCE ? "resource" : "audience", resource);
    }
}

static kw_status write_content(const kw_provider_config *c, const kw_provider_question *q, kw_string assertion, kw_secret *out)
{
    kw_writer w;
    const size_t len = q->user.len + q->secret.len + q->resource.len + c->scope.len + assertion.len + c->client_id.len;
    KW_TRY(kw_secret_init(out, len * GROWTH + OVERHEAD));
    kw_writer_init_fixed(&w, out->data, out->len);
    put_user(&w, q);
    put(&w, "scope", c->scope);
    put_target(&w, c, q->resource);
    if (assertion.len > 0) {
        put(&w, "client_id", c->client_id);
        put(&w, "client_assertion_type", KW_STRING(ASSERTION_TYPE));
        put(&w, "client_assertion", assertion);
    }
    out->len = w.len;
    return kw_writer_status(&w);
}

kw_status kw_provider_form_make(const kw_provider *provider, const kw_provider_question *question, kw_arena *arena, kw_provider_form *out)
{
    const kw_provider_config *c = &provider->config;
    kw_string assertion = KW_BYTES_NULL;
    *out = (kw_provider_form){.content = KW_SECRET_NONE};
    KW_TRY(c->key != NULL ? make_assertion(provider, arena, &assertion) : make_basic(c, arena, &out->authorization));
    return write_content(c, question, assertion, &out->content);
}

void kw_provider_form_clear(kw_provider_form *form)
{
    if (form->authorization.data != NULL) {
        kw_wipe((void *)(uintptr_t)form->authorization.data, form->authorization.len);
    }
    kw_secret_clear(&form->content);
}
