/* Signatures of RFC 7518, section 3. The key says what may be used with it; "none" and HMAC do not exist here. */
#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>

typedef enum jose_hash { JOSE_SHA256, JOSE_SHA384, JOSE_SHA512 } jose_hash;

typedef struct jose_algorithm {
    const char *name;
    kw_key_type key;
    jose_hash hash;
    bool is_pss;
} jose_algorithm;

static const jose_algorithm ALGORITHMS[] = {
    {"RS256", KW_KEY_RSA, JOSE_SHA256, false},     {"RS384", KW_KEY_RSA, JOSE_SHA384, false},     {"RS512", KW_KEY_RSA, JOSE_SHA512, false},
    {"PS256", KW_KEY_RSA, JOSE_SHA256, true},      {"PS384", KW_KEY_RSA, JOSE_SHA384, true},      {"PS512", KW_KEY_RSA, JOSE_SHA512, true},
    {"ES256", KW_KEY_EC_P256, JOSE_SHA256, false}, {"ES384", KW_KEY_EC_P384, JOSE_SHA384, false},
};

#define DER_SIGNATURE_MAX 160

/* Bad when the name is unknown or the key is of another kind or too short. */
static const jose_algorithm *algorithm_for(kw_string name, kw_key_type key, uint32_t bits)
{
    for (size_t i = 0; i < sizeof(ALGORITHMS) / sizeof(ALGORITHMS[0]); i++) {
        const bool is_strong = key != KW_KEY_RSA || (bits >= KW_RSA_JOSE_MIN_BITS && bits <= KW_RSA_MAX_BITS);
        if (kw_string_equals(name, ALGORITHMS[i].name)) {
            return ALGORITHMS[i].key == key && is_strong ? &ALGORITHMS[i] : NULL;
        }
    }
    return NULL;
}

static kw_signature_scheme scheme_of(const jose_algorithm *algorithm)
{
    const kw_algorithms *a = kw_algorithms_get();
    const EVP_MD *const mds[] = {[JOSE_SHA256] = a->sha256, [JOSE_SHA384] = a->sha384, [JOSE_SHA512] = a->sha512};
    return (kw_signature_scheme){.md = mds[algorithm->hash], .is_pss = algorithm->is_pss};
}

/* ECDSA in DER to r‖s of full length. RFC 7518, 3.4. */
static kw_status der_to_pair(kw_bytes der, uint8_t *out, size_t size)
{
    const unsigned char *p = der.data;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.len);
    const int half = (int)(size / 2);
    const bool is_good = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, half) == half &&
                         BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, half) == half;
    ECDSA_SIG_free(sig);
    return is_good ? KW_GOOD : KW_BAD_UNEXPECTED_ERROR;
}

/* r‖s to DER; 0 when it cannot be. Values out of range are left to the verification, which refuses them. */
static size_t pair_to_der(kw_bytes pair, uint8_t out[DER_SIGNATURE_MAX])
{
    const int half = (int)(pair.len / 2);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(pair.data, half, NULL), *s = BN_bin2bn(pair.data + half, half, NULL);
    int len = 0;
    if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
    } else if (i2d_ECDSA_SIG(sig, NULL) <= DER_SIGNATURE_MAX) {
        unsigned char *p = out;
        len = i2d_ECDSA_SIG(sig, &p);
    }
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

kw_status kw_jose_sign(kw_string alg, const kw_private_key *key, kw_bytes data, kw_arena *arena, kw_bytes *signature)
{
    const jose_algorithm *algorithm = algorithm_for(alg, key->type, key->bits);
    if (algorithm == NULL) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    uint8_t der[DER_SIGNATURE_MAX];
    const bool is_pair = key->type != KW_KEY_RSA;
    uint8_t *out = kw_arena_alloc(arena, key->size);
    if (out == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    size_t len = is_pair ? sizeof(der) : key->size;
    KW_TRY(kw_evp_sign(key->pkey, scheme_of(algorithm), &data, 1, is_pair ? der : out, &len));
    if (is_pair) {
        KW_TRY(der_to_pair((kw_bytes){der, len}, out, key->size));
    }
    *signature = (kw_bytes){out, key->size};
    return KW_GOOD;
}

kw_status kw_jose_verify(kw_string alg, const kw_public_key *key, kw_bytes data, kw_bytes signature)
{
    uint8_t der[DER_SIGNATURE_MAX];
    const jose_algorithm *algorithm = algorithm_for(alg, key->type, key->bits);
    if (algorithm == NULL || signature.len != key->size) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    const bool is_pair = key->type != KW_KEY_RSA;
    const kw_bytes encoded = is_pair ? (kw_bytes){der, pair_to_der(signature, der)} : signature;
    const bool is_good = encoded.len > 0 && kw_evp_verify(key->pkey, scheme_of(algorithm), &data, 1, encoded);
    return is_good ? KW_GOOD : KW_BAD_SECURITY_CHECKS_FAILED;
}
