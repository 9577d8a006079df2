/* JWK Sets (RFC 7517) of public signature keys. */
#include "base/try.h"
#include "crypto/symmetric.h"
#include "identity/json.h"
#include "identity/jwt_internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX 64u
#define JWKS_BYTES_MAX ((size_t)1 << 20)
#define TEXT_MAX 1024u
#define NUMBER_MAX 4096u /* base64url of 8192 bits, with room */

struct kw_jwks {
    atomic_uint references;
    kw_arena *arena;
    kw_jwk *keys;
    size_t count;
    /* Of a certificate: the key answers to this too (as some issuers call it), and to no kid at all. */
    kw_string thumbprint_hex;
};

kw_jwks *kw_jwks_retain(kw_jwks *jwks)
{
    atomic_fetch_add(&jwks->references, 1);
    return jwks;
}

void kw_jwks_release(kw_jwks *jwks)
{
    if (jwks == NULL || atomic_fetch_sub(&jwks->references, 1) != 1) {
        return;
    }
    for (size_t i = 0; i < jwks->count; i++) {
        kw_public_key_release(jwks->keys[i].key);
    }
    kw_arena_free(jwks->arena);
    free(jwks);
}

size_t kw_jwks_count(const kw_jwks *jwks)
{
    return jwks->count;
}

const kw_jwk *kw_jwks_at(const kw_jwks *jwks, size_t index)
{
    return &jwks->keys[index];
}

static kw_jwks *jwks_new(size_t max_keys)
{
    kw_jwks *jwks = calloc(1, sizeof(*jwks));
    if (jwks == NULL) {
        return NULL;
    }
    atomic_init(&jwks->references, 1);
    jwks->arena = kw_arena_new(8 * JWKS_BYTES_MAX);
    jwks->keys = jwks->arena != NULL ? KW_ARENA_ARRAY(jwks->arena, kw_jwk, max_keys) : NULL;
    if (jwks->keys == NULL) {
        kw_jwks_release(jwks);
        return NULL;
    }
    return jwks;
}

/* --- choosing --------------------------------------------------------------------------------------------------------- */

static bool is_same_hex(kw_string a, kw_string b)
{
    bool same = a.len == b.len;
    for (size_t i = 0; same && i < a.len; i++) {
        const uint8_t c = a.data[i] >= 'a' && a.data[i] <= 'f' ? (uint8_t)(a.data[i] - 'a' + 'A') : a.data[i];
        same = c == b.data[i];
    }
    return same;
}

static bool answers_to(const kw_jwks *jwks, const kw_jwk *key, kw_string kid)
{
    if (kw_bytes_is_empty(kid) || (key->kid.data != NULL && kw_bytes_equal(key->kid, kid))) {
        return true;
    }
    return jwks->thumbprint_hex.data != NULL && is_same_hex(kid, jwks->thumbprint_hex);
}

/* A key of an Edwards curve has one algorithm, which goes by two names (RFC 9864). */
static bool is_of(const kw_jwk *key, kw_string alg)
{
    const bool is_edwards = kw_jose_takes_key(KW_STRING("EdDSA"), kw_public_key_type(key->key));
    return key->alg.data == NULL || is_edwards || kw_bytes_equal(key->alg, alg);
}

bool kw_jwks_may_verify(const kw_jwks *jwks, size_t index, kw_string kid, kw_string alg)
{
    const kw_jwk *key = &jwks->keys[index];
    const bool fits = kw_jose_takes_key(alg, kw_public_key_type(key->key));
    return fits && is_of(key, alg) && answers_to(jwks, key, kid);
}

bool kw_jwks_has_key_for(const kw_jwks *jwks, kw_string kid, kw_string alg)
{
    bool found = false;
    for (size_t i = 0; !found && i < jwks->count; i++) {
        found = kw_jwks_may_verify(jwks, i, kid, alg);
    }
    return found;
}

bool kw_jwks_has_thumbprint(const kw_jwks *jwks, kw_string thumbprint)
{
    bool found = false;
    for (size_t i = 0; !found && i < jwks->count; i++) {
        found = kw_bytes_equal(jwks->keys[i].thumbprint, thumbprint);
    }
    return found;
}

/* --- reading a set ---------------------------------------------------------------------------------------------------- */

static bool take_number(const json_t *jwk, const char *name, kw_arena *arena, kw_bytes *out)
{
    kw_string text;
    return kw_json_take_string(jwk, name, NUMBER_MAX, arena, &text) && text.data != NULL &&
           !kw_status_is_bad(kw_base64url_decode(text, arena, out));
}

/* RFC 7518, 6.2.1.1; RFC 8037, 2. */
static const struct {
    const char *type, *name;
    kw_key_type key;
} CURVES[] = {
    {"EC", "P-256", KW_KEY_EC_P256},
    {"EC", "P-384", KW_KEY_EC_P384},
    {"OKP", "Ed25519", KW_KEY_ED25519},
    {"OKP", "Ed448", KW_KEY_ED448},
};

#define CURVE_COUNT (sizeof(CURVES) / sizeof(CURVES[0]))

static kw_key_type curve_of(const json_t *jwk, const char *type)
{
    const char *curve = json_string_value(json_object_get(jwk, "crv"));
    for (size_t i = 0; curve != NULL && i < CURVE_COUNT; i++) {
        if (strcmp(type, CURVES[i].type) == 0 && strcmp(curve, CURVES[i].name) == 0) {
            return CURVES[i].key;
        }
    }
    return KW_KEY_OTHER;
}

static kw_string curve_name(kw_key_type key)
{
    for (size_t i = 0; i < CURVE_COUNT; i++) {
        if (CURVES[i].key == key) {
            return kw_string_from(CURVES[i].name);
        }
    }
    return KW_BYTES_NULL;
}

static bool load_key(const json_t *jwk, kw_arena *arena, kw_public_key **out)
{
    const char *type = json_string_value(json_object_get(jwk, "kty"));
    kw_bytes a, b;
    if (type != NULL && strcmp(type, "RSA") == 0) {
        return take_number(jwk, "n", arena, &a) && take_number(jwk, "e", arena, &b) && !kw_status_is_bad(kw_public_key_from_rsa(a, b, out));
    }
    const kw_key_type curve = type != NULL ? curve_of(jwk, type) : KW_KEY_OTHER;
    if (curve == KW_KEY_OTHER || !take_number(jwk, "x", arena, &a)) {
        return false;
    }
    if (curve == KW_KEY_ED25519 || curve == KW_KEY_ED448) {
        return !kw_status_is_bad(kw_public_key_from_eddsa(curve, a, out));
    }
    return take_number(jwk, "y", arena, &b) && !kw_status_is_bad(kw_public_key_from_ec(curve, a, b, out));
}

/* RFC 7517, 4.2 and 4.3: a key may say what it is for. */
static bool is_for_signatures(const json_t *jwk)
{
    const json_t *use = json_object_get(jwk, "use");
    const json_t *operations = json_object_get(jwk, "key_ops");
    if (use != NULL && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0)) {
        return false;
    }
    if (operations == NULL) {
        return true;
    }
    for (size_t i = 0; i < json_array_size(operations); i++) {
        const char *operation = json_string_value(json_array_get(operations, i));
        if (operation != NULL && strcmp(operation, "verify") == 0) {
            return true;
        }
    }
    return false;
}

/* A published private key is known to everybody: nothing that it signs proves anything. */
static bool is_private(const json_t *jwk)
{
    const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "oth"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (json_object_get(jwk, members[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* Unfit keys are passed over: a set may hold others for other purposes (RFC 7517, 5). */
static void add_key(kw_jwks *jwks, const json_t *jwk)
{
    kw_jwk *key = &jwks->keys[jwks->count];
    if (!json_is_object(jwk) || !is_for_signatures(jwk) || !kw_json_take_string(jwk, "kid", TEXT_MAX, jwks->arena, &key->kid) ||
        !kw_json_take_string(jwk, "alg", TEXT_MAX, jwks->arena, &key->alg) || !load_key(jwk, jwks->arena, &key->key)) {
        return;
    }
    const bool fits = key->alg.data == NULL || kw_jose_takes_key(key->alg, kw_public_key_type(key->key));
    if (!fits || kw_status_is_bad(kw_jwk_thumbprint(key->key, jwks->arena, &key->thumbprint))) {
        kw_public_key_release(key->key);
        return;
    }
    jwks->count++;
}

static const char *read_keys(kw_jwks *jwks, const json_t *keys)
{
    for (size_t i = 0; i < json_array_size(keys); i++) {
        if (is_private(json_array_get(keys, i))) {
            return "JWKS holds a private key";
        }
        add_key(jwks, json_array_get(keys, i));
    }
    return NULL;
}

kw_status kw_jwks_parse(kw_bytes json, kw_jwks **out, const char **why)
{
    const char *failure = "JWKS is no JSON object of at most 1 MiB";
    json_t *root = json.len <= JWKS_BYTES_MAX ? kw_json_parse_object(json) : NULL;
    const json_t *keys = json_object_get(root, "keys");
    kw_jwks *jwks = NULL;
    if (root != NULL) {
        failure = json_is_array(keys) && json_array_size(keys) <= KEYS_MAX ? NULL : "JWKS has no list of at most 64 keys";
    }
    if (failure == NULL) {
        jwks = jwks_new(KEYS_MAX);
        failure = jwks != NULL ? read_keys(jwks, keys) : "out of memory";
    }
    json_decref(root);
    if (failure != NULL) {
        kw_jwks_release(jwks);
        *why = failure;
        return KW_BAD_DECODING_ERROR;
    }
    *out = jwks;
    return KW_GOOD;
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

static bool set_number(json_t *object, const char *name, kw_bytes number, kw_arena *arena)
{
    const kw_string text = kw_base64url_encode(arena, number);
    return text.data != NULL && kw_json_set_string(object, name, text);
}

/* The members that make up the key, and no others, in the order of their names: what RFC 7638 hashes. NULL: not a key for a JWK. */
static json_t *required_members(const kw_public_key *key, kw_arena *arena)
{
    kw_bytes a, b;
    bool is_complete = false;
    json_t *o = json_object();
    if (o == NULL) {
        return NULL;
    }
    switch (kw_public_key_type(key)) {
    case KW_KEY_RSA:
        is_complete = !kw_status_is_bad(kw_public_key_rsa_numbers(key, arena, &a, &b)) && set_number(o, "e", b, arena) &&
                      kw_json_set_string(o, "kty", KW_STRING("RSA")) && set_number(o, "n", a, arena);
        break;
    case KW_KEY_EC_P256:
    case KW_KEY_EC_P384:
        is_complete = !kw_status_is_bad(kw_public_key_ec_point(key, arena, &a, &b)) &&
                      kw_json_set_string(o, "crv", curve_name(kw_public_key_type(key))) && kw_json_set_string(o, "kty", KW_STRING("EC")) &&
                      set_number(o, "x", a, arena) && set_number(o, "y", b, arena);
        break;
    case KW_KEY_ED25519:
    case KW_KEY_ED448:
        is_complete = !kw_status_is_bad(kw_public_key_eddsa_point(key, arena, &a)) &&
                      kw_json_set_string(o, "crv", curve_name(kw_public_key_type(key))) && kw_json_set_string(o, "kty", KW_STRING("OKP")) &&
                      set_number(o, "x", a, arena);
        break;
    case KW_KEY_EC_BP256:
    case KW_KEY_EC_BP384:
    case KW_KEY_OTHER:
        break;
    }
    if (!is_complete) {
        json_decref(o);
        return NULL;
    }
    return o;
}

kw_string kw_jwk_to_json(kw_arena *arena, const kw_jwk *jwk)
{
    kw_string text = KW_BYTES_NULL;
    json_t *o = required_members(jwk->key, arena);
    if (o != NULL && kw_json_set_string(o, "use", KW_STRING("sig")) && kw_json_set_string(o, "kid", jwk->kid) &&
        kw_json_set_string(o, "alg", jwk->alg)) {
        text = kw_json_dump(o, arena);
    }
    json_decref(o);
    return text;
}

kw_status kw_jwk_thumbprint(const kw_public_key *key, kw_arena *arena, kw_string *out)
{
    uint8_t hash[KW_HASH_MAX];
    json_t *o = required_members(key, arena);
    const kw_string text = o != NULL ? kw_json_dump(o, arena) : KW_BYTES_NULL;
    json_decref(o);
    if (text.data == NULL) {
        return KW_BAD_NOT_SUPPORTED;
    }
    KW_TRY(kw_hash_of(KW_HASH_SHA256, &text, 1, hash));
    *out = kw_base64url_encode(arena, (kw_bytes){hash, kw_hash_len(KW_HASH_SHA256)});
    return out->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

kw_status kw_jwks_of_certificate(const kw_certificate *certificate, kw_jwks **out)
{
    kw_jwks *jwks = jwks_new(1);
    if (jwks == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    jwks->keys[0].key = kw_public_key_retain(kw_certificate_public_key(certificate));
    jwks->count = 1;
    jwks->thumbprint_hex = kw_arena_copy(jwks->arena, kw_string_from(kw_certificate_thumbprint_hex(certificate)));
    const kw_status status = kw_jwk_thumbprint(jwks->keys[0].key, jwks->arena, &jwks->keys[0].thumbprint);
    jwks->keys[0].kid = jwks->keys[0].thumbprint;
    if (kw_status_is_bad(status) || jwks->thumbprint_hex.data == NULL) {
        kw_jwks_release(jwks);
        return kw_status_is_bad(status) ? status : KW_BAD_OUT_OF_MEMORY;
    }
    *out = jwks;
    return KW_GOOD;
}
