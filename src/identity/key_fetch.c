#include "identity/key_fetch.h"

#include "base/try.h"
#include "identity/json.h"
#include "identity/jwt.h"

#include <string.h>

#define WELL_KNOWN "/.well-known/"
#define OPENID "openid-configuration"
#define OAUTH "oauth-authorization-server"
#define URL_MAX 1024u

typedef struct key_fetch {
    const kw_fetch *fetch;
    const kw_clock *clock;
    const kw_issuer *issuer;
    uint64_t deadline;
    kw_arena *arena;
    const char **why;
} key_fetch;

bool kw_issuer_is_fetched(const kw_issuer *issuer)
{
    return kw_string_equals(issuer->kind, KW_ISSUER_JWKS_URL) || kw_string_equals(issuer->kind, KW_ISSUER_DISCOVER);
}

static kw_status refuse(const key_fetch *f, kw_status status, const char *reason)
{
    *f->why = reason;
    return status;
}

static kw_status get(const key_fetch *f, kw_string url, kw_bytes *out)
{
    const uint64_t now = kw_clock_ms(f->clock);
    if (url.data == NULL) {
        return refuse(f, KW_BAD_OUT_OF_MEMORY, "out of memory");
    }
    if (now >= f->deadline) {
        return refuse(f, KW_BAD_TIMEOUT, "it took too long");
    }
    const kw_fetch_request request = {.url = url, .ca = f->issuer->ca, .timeout_ms = (uint32_t)(f->deadline - now)};
    return f->fetch->get(f->fetch->ctx, &request, f->arena, out, f->why);
}

/* --- metadata ---------------------------------------------------------------------------------------------------------------- */

/* "https://host:port" of "https://host:port/path"; null: not of this form. */
static kw_string origin_of(kw_string url)
{
    const kw_string scheme = {url.data, url.len < 8 ? url.len : 8};
    const size_t from = kw_string_equals(scheme, "https://") ? 8 : url.len > 7 && memcmp(url.data, "http://", 7) == 0 ? 7 : 0;
    size_t end = from;
    while (end < url.len && strchr("/?#", url.data[end]) == NULL) {
        end++;
    }
    return from > 0 && end > from ? (kw_string){url.data, end} : KW_BYTES_NULL;
}

static bool has(kw_string text, const char *part)
{
    return memmem(text.data, text.len, part, strlen(part)) != NULL;
}

/* OpenID Connect Discovery 1.0, 4: behind the issuer's path. */
static kw_string openid_url(kw_arena *arena, kw_string location)
{
    const size_t len = location.len > 0 && location.data[location.len - 1] == '/' ? location.len - 1 : location.len;
    return kw_arena_format(arena, "%.*s" WELL_KNOWN OPENID, (int)len, (const char *)location.data);
}

/* RFC 8414, 3.1: before it. */
static kw_string oauth_url(kw_arena *arena, kw_string location)
{
    const kw_string origin = origin_of(location);
    kw_string path = {location.data + origin.len, location.len - origin.len};
    path.len -= path.len > 0 && path.data[path.len - 1] == '/';
    return kw_arena_format(arena, "%.*s" WELL_KNOWN OAUTH "%.*s", KW_STRING_ARGS(origin), KW_STRING_ARGS(path));
}

static kw_status get_metadata(const key_fetch *f, kw_bytes *out)
{
    const kw_string location = f->issuer->location;
    if (origin_of(location).data == NULL || location.len > URL_MAX) {
        return refuse(f, KW_BAD_INVALID_ARGUMENT, "that is not a URL with https://");
    }
    if (has(location, WELL_KNOWN)) { /* the document itself was named */
        return get(f, location, out);
    }
    if (has(location, "?") || has(location, "#")) {
        return refuse(f, KW_BAD_INVALID_ARGUMENT, "an issuer's URL has neither ? nor #");
    }
    const kw_status status = get(f, openid_url(f->arena, location), out);
    return status == KW_BAD_NOT_FOUND ? get(f, oauth_url(f->arena, location), out) : status;
}

/* OpenID Connect Discovery 1.0, 4.3; RFC 8414, 3.3: else one issuer could speak for another. */
static kw_status check_issuer(const key_fetch *f, const json_t *metadata)
{
    kw_string issuer;
    if (!kw_json_take_string(metadata, "issuer", URL_MAX, f->arena, &issuer) || issuer.data == NULL) {
        return refuse(f, KW_BAD_DECODING_ERROR, "the metadata names no issuer");
    }
    if (kw_bytes_equal(issuer, f->issuer->uri)) {
        return KW_GOOD;
    }
    const kw_string text = kw_arena_format(f->arena, "the metadata is that of the issuer %.*s", KW_STRING_ARGS(issuer));
    return refuse(f, KW_BAD_SECURITY_CHECKS_FAILED, text.data != NULL ? (const char *)text.data : "out of memory");
}

static kw_status read_metadata(const key_fetch *f, json_t **out)
{
    kw_bytes text;
    KW_TRY(get_metadata(f, &text));
    json_t *metadata = kw_json_parse_object(text);
    if (metadata == NULL) {
        return refuse(f, KW_BAD_DECODING_ERROR, "the metadata is no JSON object");
    }
    const kw_status status = check_issuer(f, metadata);
    if (kw_status_is_bad(status)) {
        json_decref(metadata);
        return status;
    }
    *out = metadata;
    return KW_GOOD;
}

static kw_status refuse_with(kw_string text, kw_status status, const char **why)
{
    *why = text.data != NULL ? (const char *)text.data : "out of memory";
    return status;
}

/* On HTTPS; or where the metadata lay, which the administrator chose. */
kw_status kw_issuer_take_url(const kw_issuer *issuer, const json_t *metadata, const char *name, kw_arena *arena, kw_string *out,
                             const char **why)
{
    const kw_string home = origin_of(issuer->location);
    if (!kw_json_take_string(metadata, name, URL_MAX, arena, out) || out->data == NULL) {
        return refuse_with(kw_arena_format(arena, "the metadata has no %s", name), KW_BAD_DECODING_ERROR, why);
    }
    const kw_string origin = origin_of(*out);
    const bool is_https = origin.len > 8 && origin.data[4] == 's';
    return is_https || (origin.data != NULL && kw_bytes_equal(origin, home))
               ? KW_GOOD
               : refuse_with(kw_arena_format(arena, "the %s of the metadata is not https://", name), KW_BAD_REQUEST_NOT_ALLOWED, why);
}

static kw_status discover(const key_fetch *f, kw_string *jwks_uri)
{
    json_t *metadata = NULL;
    KW_TRY(read_metadata(f, &metadata));
    const kw_status status = kw_issuer_take_url(f->issuer, metadata, "jwks_uri", f->arena, jwks_uri, f->why);
    json_decref(metadata);
    return status;
}

kw_status kw_issuer_fetch_metadata(const kw_fetch *fetch, const kw_clock *clock, const kw_issuer *issuer, uint32_t timeout_ms,
                                   kw_arena *arena, json_t **out, const char **why)
{
    const key_fetch f = {fetch, clock, issuer, kw_clock_ms(clock) + timeout_ms, arena, why};
    return read_metadata(&f, out);
}

/* --- keys ---------------------------------------------------------------------------------------------------------------------- */

kw_status kw_issuer_fetch_keys(const kw_fetch *fetch, const kw_clock *clock, const kw_issuer *issuer, uint32_t timeout_ms, kw_arena *arena,
                               kw_bytes *jwks, const char **why)
{
    const key_fetch f = {fetch, clock, issuer, kw_clock_ms(clock) + timeout_ms, arena, why};
    kw_string url = issuer->location;
    kw_jwks *parsed = NULL;
    kw_bytes text;
    if (kw_string_equals(issuer->kind, KW_ISSUER_DISCOVER)) {
        KW_TRY(discover(&f, &url));
    }
    KW_TRY(get(&f, url, &text));
    KW_TRY(kw_jwks_parse(text, &parsed, why));
    kw_jwks_release(parsed);
    *jwks = text;
    return KW_GOOD;
}
