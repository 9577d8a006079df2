/* Public keys from the numbers of a JWK. They come from outside: sizes, exponent and curve are checked before a key exists. */
#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

/* Takes over the builder. */
static kw_status key_from_params(const char *algorithm, OSSL_PARAM_BLD *builder, kw_public_key **out)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
    EVP_PKEY *pkey = NULL;
    const bool is_made = params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
                         EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (!is_made) {
        EVP_PKEY_free(pkey);
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    return kw_public_key_wrap(pkey, out);
}

kw_status kw_public_key_from_rsa(kw_bytes modulus, kw_bytes exponent, kw_public_key **out)
{
    if (modulus.len > KW_RSA_MAX_BITS / 8 + 1 || exponent.len > 16) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    BIGNUM *n = BN_bin2bn(modulus.data, (int)modulus.len, NULL);
    BIGNUM *e = BN_bin2bn(exponent.data, (int)exponent.len, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    kw_public_key *key = NULL;
    kw_status status = KW_BAD_OUT_OF_MEMORY;
    if (n == NULL || e == NULL || builder == NULL || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) != 1) {
        OSSL_PARAM_BLD_free(builder);
        goto done;
    }
    if (BN_num_bits(n) < KW_RSA_JOSE_MIN_BITS || !BN_is_odd(n)) {
        OSSL_PARAM_BLD_free(builder);
        status = KW_BAD_SECURITY_CHECKS_FAILED;
        goto done;
    }
    KW_GOTO(done, key_from_params("RSA", builder, &key));
    if (!kw_public_key_is_sound(key)) {
        kw_public_key_release(key);
        status = KW_BAD_SECURITY_CHECKS_FAILED;
        goto done;
    }
    *out = key;
done:
    BN_free(n);
    BN_free(e);
    return status;
}

kw_status kw_public_key_from_ec(kw_key_type curve, kw_bytes x, kw_bytes y, kw_public_key **out)
{
    uint8_t point[1 + 2 * 48] = {4}; /* uncompressed; the decoder refuses what is not on the curve */
    const size_t len = curve == KW_KEY_EC_P256 ? 32 : 48;
    if ((curve != KW_KEY_EC_P256 && curve != KW_KEY_EC_P384) || x.len != len || y.len != len) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    memcpy(point + 1, x.data, len);
    memcpy(point + 1 + len, y.data, len);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder == NULL ||
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve == KW_KEY_EC_P256 ? "P-256" : "P-384", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * len) != 1) {
        OSSL_PARAM_BLD_free(builder);
        return KW_BAD_OUT_OF_MEMORY;
    }
    return key_from_params("EC", builder, out);
}

kw_status kw_public_key_from_eddsa(kw_key_type curve, kw_bytes x, kw_public_key **out)
{
    if (!kw_key_is_eddsa(curve)) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    /* It looks at the length. */
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key_ex(NULL, curve == KW_KEY_ED25519 ? "ED25519" : "ED448", NULL, x.data, x.len);
    ERR_clear_error();
    return pkey != NULL ? kw_public_key_wrap(pkey, out) : KW_BAD_SECURITY_CHECKS_FAILED;
}
