/* Signatures of RFC 7518, section 3, RFC 8037 and RFC 9864. The key says what may be used with it; "none" and HMAC do not exist here. */
#include "base/try.h"
#include "crypto/crypto_internal.h"

typedef enum jose_hash { JOSE_NO_HASH, JOSE_SHA256, JOSE_SHA384, JOSE_SHA512 } jose_hash;

typedef struct jose_algorithm {
    const char *name;
    kw_key_type key;
    jose_hash hash;
    bool is_pss;
} jose_algorithm;

static const jose_algorithm ALGORITHMS[] = {
    {"RS256", KW_KEY_RSA, JOSE_SHA256, false},      {"RS384", KW_KEY_RSA, JOSE_SHA384, false},
    {"RS512", KW_KEY_RSA, JOSE_SHA512, false},      {"PS256", KW_KEY_RSA, JOSE_SHA256, true},
    {"PS384", KW_KEY_RSA, JOSE_SHA384, true},       {"PS512", KW_KEY_RSA, JOSE_SHA512, true},
    {"ES256", KW_KEY_EC_P256, JOSE_SHA256, false},  {"ES384", KW_KEY_EC_P384, JOSE_SHA384, false},
    {"EdDSA", KW_KEY_ED25519, JOSE_NO_HASH, false}, {"Ed25519", KW_KEY_ED25519, JOSE_NO_HASH, false},
    {"EdDSA", KW_KEY_ED448, JOSE_NO_HASH, false},
};

#define COUNT (sizeof(ALGORITHMS) / sizeof(ALGORITHMS[0]))

static const jose_algorithm *find(kw_string name, kw_key_type key)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (ALGORITHMS[i].key == key && kw_string_equals(name, ALGORITHMS[i].name)) {
            return &ALGORITHMS[i];
        }
    }
    return NULL;
}

bool kw_jose_takes_key(kw_string alg, kw_key_type type)
{
    return find(alg, type) != NULL;
}

kw_key_type kw_jose_key_type(kw_string alg)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (kw_string_equals(alg, ALGORITHMS[i].name)) {
            return ALGORITHMS[i].key;
        }
    }
    return KW_KEY_OTHER;
}

/* Bad when the name is unknown or the key is of another kind or too short. */
static const jose_algorithm *algorithm_for(kw_string name, kw_key_type key, uint32_t bits)
{
    const bool is_strong = key != KW_KEY_RSA || (bits >= KW_RSA_JOSE_MIN_BITS && bits <= KW_RSA_MAX_BITS);
    return is_strong ? find(name, key) : NULL;
}

static kw_signature_scheme scheme_of(const jose_algorithm *algorithm)
{
    const kw_algorithms *a = kw_algorithms_get();
    const EVP_MD *const mds[] = {[JOSE_SHA256] = a->sha256, [JOSE_SHA384] = a->sha384, [JOSE_SHA512] = a->sha512};
    return (kw_signature_scheme){.md = mds[algorithm->hash], .is_pss = algorithm->is_pss};
}

kw_status kw_jose_sign(kw_string alg, const kw_private_key *key, kw_bytes data, kw_arena *arena, kw_bytes *signature)
{
    const jose_algorithm *algorithm = algorithm_for(alg, key->type, key->bits);
    if (algorithm == NULL) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    uint8_t *out = kw_arena_alloc(arena, key->size);
    if (out == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_wire_sign(key, scheme_of(algorithm), &data, 1, out));
    *signature = (kw_bytes){out, key->size};
    return KW_GOOD;
}

kw_status kw_jose_verify(kw_string alg, const kw_public_key *key, kw_bytes data, kw_bytes signature)
{
    const jose_algorithm *algorithm = algorithm_for(alg, key->type, key->bits);
    const bool is_good = algorithm != NULL && kw_wire_verify(key, scheme_of(algorithm), &data, 1, signature);
    return is_good ? KW_GOOD : KW_BAD_SECURITY_CHECKS_FAILED;
}
