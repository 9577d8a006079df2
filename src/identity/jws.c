/* Compact JWS: take apart, verify, sign. RFC 7515; hardened as RFC 8725 asks. */
#include "base/json_text.h"
#include "base/try.h"
#include "identity/json.h"
#include "identity/jwt_internal.h"

#include <string.h>

#define KID_MAX 256u
#define HEADER_MAX (6u * KID_MAX + 64) /* of a control character six are made */

const char *const KW_JWT_ALGORITHMS[] = {"RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519", NULL};

/* `none` and everything symmetric are not among them. */
static bool is_known(kw_string alg)
{
    return kw_jose_key_type(alg) != KW_KEY_OTHER;
}

bool kw_jws_split(kw_bytes token, kw_jws *out)
{
    size_t dots[2] = {0, 0};
    size_t count = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (token.data[i] == '.') {
            if (count == 2) { /* five parts would be a JWE */
                return false;
            }
            dots[count++] = i;
        }
    }
    if (count != 2) {
        return false;
    }
    out->header = (kw_string){token.data, dots[0]};
    out->payload = (kw_string){token.data + dots[0] + 1, dots[1] - dots[0] - 1};
    out->signature = (kw_string){token.data + dots[1] + 1, token.len - dots[1] - 1};
    out->signing_input = (kw_bytes){token.data, dots[1]};
    return out->header.len > 0 && out->payload.len > 0;
}

static kw_status refuse(const char **why, kw_status status, const char *reason)
{
    *why = reason;
    return status;
}

/* jku, jwk, x5u, x5c and x5t are not looked at: keys come from the configuration alone. */
static kw_status parse_header(kw_bytes json, kw_arena *arena, kw_jwt *out, const char **why)
{
    kw_string type;
    kw_status status = KW_GOOD;
    json_t *header = kw_json_parse_object(json);
    if (header == NULL) {
        return refuse(why, KW_BAD_IDENTITY_TOKEN_INVALID, "token: header is no JSON object");
    }
    if (json_object_get(header, "crit") != NULL || json_object_get(header, "b64") != NULL) { /* */
        status = refuse(why, KW_BAD_IDENTITY_TOKEN_INVALID, "token: critical extension");
    } else if (!kw_json_take_string(header, "kid", KID_MAX, arena, &out->kid) ||
               !kw_json_take_string(header, "typ", KID_MAX, arena, &type)) {
        status = refuse(why, KW_BAD_IDENTITY_TOKEN_INVALID, "token: kid or typ");
    } else if (json_object_get(header, "alg") == NULL) {
        status = refuse(why, KW_BAD_IDENTITY_TOKEN_INVALID, "token: no alg");
    } else if (!kw_json_take_string(header, "alg", KID_MAX, arena, &out->alg) || !is_known(out->alg)) {
        status = refuse(why, KW_BAD_IDENTITY_TOKEN_REJECTED, "token: algorithm");
    }
    json_decref(header);
    return status;
}

kw_status kw_jwt_parse(kw_bytes token, kw_arena *arena, kw_jwt *out, const char **why)
{
    kw_jws jws;
    kw_bytes header, payload, signature;
    kw_jwt jwt = {.has_exp = false};
    if (token.len > KW_JWT_MAX || !kw_jws_split(token, &jws)) {
        return refuse(why, KW_BAD_IDENTITY_TOKEN_INVALID, "token: not a compact JWS of three parts");
    }
    if (kw_status_is_bad(kw_base64url_decode(jws.header, arena, &header)) ||
        kw_status_is_bad(kw_base64url_decode(jws.payload, arena, &payload)) ||
        kw_status_is_bad(kw_base64url_decode(jws.signature, arena, &signature))) {
        return refuse(why, KW_BAD_IDENTITY_TOKEN_INVALID, "token: base64url");
    }
    KW_TRY(parse_header(header, arena, &jwt, why));
    if (signature.len == 0) { /* JW-02, A-138: well-formed, and not signed */
        return refuse(why, KW_BAD_IDENTITY_TOKEN_REJECTED, "token: not signed");
    }
    const char *failure = kw_claims_parse(payload, arena, &jwt);
    if (failure != NULL) {
        return refuse(why, KW_BAD_IDENTITY_TOKEN_INVALID, failure);
    }
    *out = jwt;
    return KW_GOOD;
}

/* --- verifying -------------------------------------------------------------------------------------------------------- */

bool kw_jwt_is_allowed(const char *const *algorithms, kw_string alg)
{
    for (size_t i = 0; algorithms != NULL && algorithms[i] != NULL; i++) {
        if (kw_string_equals(alg, algorithms[i])) {
            return true;
        }
    }
    return false;
}

/* keys of this issuer, by kid and alg; several may answer to one kid while keys are rotated. NULL: none of them. */
static const kw_jwk *find_signer(kw_bytes token, const kw_jwt *jwt, const kw_jwks *keys)
{
    kw_jws jws;
    kw_bytes signature;
    const kw_jwk *signer = NULL;
    kw_arena *arena = kw_arena_new((size_t)2 * KW_JWT_MAX);
    if (arena != NULL && kw_jws_split(token, &jws) && !kw_status_is_bad(kw_base64url_decode(jws.signature, arena, &signature))) {
        for (size_t i = 0; signer == NULL && i < kw_jwks_count(keys); i++) {
            const kw_jwk *key = kw_jwks_at(keys, i);
            const bool is_good = kw_jwks_may_verify(keys, i, jwt->kid, jwt->alg) &&
                                 kw_jose_verify(jwt->alg, key->key, jws.signing_input, signature) == KW_GOOD;
            signer = is_good ? key : NULL;
        }
    }
    kw_arena_free(arena);
    return signer;
}

static bool is_for(const kw_jwt *jwt, kw_string audience)
{
    for (size_t i = 0; i < jwt->aud_count; i++) {
        if (!kw_bytes_is_empty(audience) && kw_bytes_equal(jwt->aud[i], audience)) {
            return true;
        }
    }
    return false;
}

/* The claims were bounded when they were parsed, so that nothing overflows here. */
static const char *check_times(const kw_jwt *jwt, const kw_jwt_rules *rules)
{
    const int64_t skew = rules->skew_s;
    if (rules->now >= jwt->exp + skew) {
        return "token: expired";
    }
    if (jwt->has_nbf && jwt->nbf > rules->now + skew) {
        return "token: not yet valid";
    }
    if (jwt->has_iat && jwt->iat > rules->now + skew) {
        return "token: issued in the future";
    }
    const int64_t from = jwt->has_iat ? jwt->iat : rules->now;
    if (rules->max_lifetime_s != 0 && jwt->exp - from > (int64_t)rules->max_lifetime_s) {
        return "token: lives too long";
    }
    return NULL;
}

kw_status kw_jwt_verify(kw_bytes token, const kw_jwt *parsed, const kw_jwt_rules *rules, const kw_jwk **signer, const char **why)
{
    if (!parsed->has_exp || parsed->aud_count == 0 || kw_bytes_is_empty(parsed->sub)) { /* JW-03 … JW-05 */
        return refuse(why, KW_BAD_IDENTITY_TOKEN_INVALID, "token: exp, aud or sub is missing");
    }
    if (!kw_jwt_is_allowed(rules->algorithms, parsed->alg)) {
        return refuse(why, KW_BAD_IDENTITY_TOKEN_REJECTED, "token: algorithm");
    }
    if (kw_bytes_is_empty(parsed->iss) || !kw_bytes_equal(parsed->iss, rules->issuer)) { /* JW-06 */
        return refuse(why, KW_BAD_IDENTITY_TOKEN_REJECTED, "token: issuer");
    }
    const kw_jwk *key = rules->keys != NULL ? find_signer(token, parsed, rules->keys) : NULL;
    if (key == NULL) { /* JW-02, IT-03 */
        return refuse(why, KW_BAD_IDENTITY_TOKEN_REJECTED, "token: signature");
    }
    if (!is_for(parsed, rules->audience)) { /* JW-04 */
        return refuse(why, KW_BAD_IDENTITY_TOKEN_REJECTED, "token: audience");
    }
    const char *failure = check_times(parsed, rules);
    if (failure != NULL) {
        return refuse(why, KW_BAD_IDENTITY_TOKEN_REJECTED, failure);
    }
    *signer = key;
    return KW_GOOD;
}

/* --- signing ---------------------------------------------------------------------------------------------------------- */

static kw_string encode_header(kw_string alg, kw_string kid, kw_arena *arena)
{
    uint8_t text[HEADER_MAX];
    kw_writer w;
    kw_writer_init_fixed(&w, text, sizeof(text));
    kw_json_text_begin(&w);
    kw_json_text_string(&w, "alg", alg, KID_MAX);
    kw_json_text_string(&w, "typ", KW_STRING("JWT"), KID_MAX);
    kw_json_text_string(&w, "kid", kid, KID_MAX);
    kw_json_text_end(&w);
    return kw_status_is_bad(kw_writer_status(&w)) ? KW_BYTES_NULL : kw_base64url_encode(arena, kw_writer_bytes(&w));
}

/* Claims are written here, not received: they are not parsed again for each token. */
static bool is_object(kw_string json)
{
    return json.len >= 2 && json.data[0] == '{' && json.data[json.len - 1] == '}';
}

static kw_string join(kw_arena *arena, kw_string left, kw_string right)
{
    uint8_t *text = kw_arena_alloc(arena, left.len + 1 + right.len);
    if (text == NULL) {
        return KW_BYTES_NULL;
    }
    memcpy(text, left.data, left.len);
    text[left.len] = '.';
    memcpy(text + left.len + 1, right.data, right.len);
    return (kw_string){text, left.len + 1 + right.len};
}

kw_status kw_jwt_sign(kw_string alg, kw_string kid, const kw_private_key *key, kw_string claims_json, kw_arena *arena, kw_string *token)
{
    kw_bytes signature;
    if (!is_object(claims_json) || !is_known(alg) || kid.len > KID_MAX) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    const kw_string header = encode_header(alg, kid, arena);
    const kw_string payload = kw_base64url_encode(arena, claims_json);
    if (header.data == NULL || payload.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_string input = join(arena, header, payload);
    if (input.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_jose_sign(alg, key, input, arena, &signature));
    const kw_string encoded = kw_base64url_encode(arena, signature);
    const kw_string whole = encoded.data != NULL ? join(arena, input, encoded) : KW_BYTES_NULL;
    if (whole.data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    *token = whole;
    return KW_GOOD;
}
