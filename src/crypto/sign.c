/* Signatures: the one place that calls EVP to make or check one. The algorithm is the caller's, never the message's. */
#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define DER_SIGNATURE_MAX 160

static bool scheme_set(EVP_PKEY_CTX *ctx, const EVP_PKEY *pkey, kw_signature_scheme scheme)
{
    if (!EVP_PKEY_is_a(pkey, "RSA")) {
        return !scheme.is_pss;
    }
    if (!scheme.is_pss) {
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    }
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, scheme.md) == 1;
}

kw_status kw_evp_sign(EVP_PKEY *pkey, kw_signature_scheme scheme, const kw_bytes *parts, size_t count, uint8_t *out, size_t *len)
{
    EVP_PKEY_CTX *options = NULL; /* belongs to ctx */
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_good = ctx != NULL && scheme.md != NULL && EVP_DigestSignInit(ctx, &options, scheme.md, NULL, pkey) == 1 &&
                   scheme_set(options, pkey, scheme);
    for (size_t i = 0; is_good && i < count; i++) {
        is_good = EVP_DigestSignUpdate(ctx, parts[i].data, parts[i].len) == 1;
    }
    is_good = is_good && EVP_DigestSignFinal(ctx, out, len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return is_good ? KW_GOOD : KW_BAD_UNEXPECTED_ERROR;
}

bool kw_evp_verify(EVP_PKEY *pkey, kw_signature_scheme scheme, const kw_bytes *parts, size_t count, kw_bytes signature)
{
    EVP_PKEY_CTX *options = NULL; /* belongs to ctx */
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_good = ctx != NULL && scheme.md != NULL && EVP_DigestVerifyInit(ctx, &options, scheme.md, NULL, pkey) == 1 &&
                   scheme_set(options, pkey, scheme);
    for (size_t i = 0; is_good && i < count; i++) {
        is_good = EVP_DigestVerifyUpdate(ctx, parts[i].data, parts[i].len) == 1;
    }
    is_good = is_good && EVP_DigestVerifyFinal(ctx, signature.data, signature.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return is_good;
}

bool kw_key_is_ecdsa(kw_key_type type)
{
    return type == KW_KEY_EC_P256 || type == KW_KEY_EC_P384 || type == KW_KEY_EC_BP256 || type == KW_KEY_EC_BP384;
}

bool kw_key_is_eddsa(kw_key_type type)
{
    return type == KW_KEY_ED25519 || type == KW_KEY_ED448;
}

/* --- EdDSA: it reads the message twice, so it wants it in one piece -------------------------------------------------------------- */

static uint8_t *join(const kw_bytes *parts, size_t count, size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < count; i++) {
        *len += parts[i].len;
    }
    uint8_t *whole = malloc(*len + 1);
    uint8_t *p = whole;
    for (size_t i = 0; whole != NULL && i < count; i++) {
        if (parts[i].len > 0) {
            memcpy(p, parts[i].data, parts[i].len);
        }
        p += parts[i].len;
    }
    return whole;
}

static kw_status eddsa_sign(EVP_PKEY *pkey, const kw_bytes *parts, size_t count, uint8_t *out, size_t size)
{
    size_t message_len = 0, len = size;
    uint8_t *message = join(parts, count, &message_len);
    EVP_MD_CTX *ctx = message != NULL ? EVP_MD_CTX_new() : NULL;
    const bool is_good = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                         EVP_DigestSign(ctx, out, &len, message, message_len) == 1 && len == size;
    EVP_MD_CTX_free(ctx);
    free(message);
    ERR_clear_error();
    return is_good ? KW_GOOD : KW_BAD_UNEXPECTED_ERROR;
}

static bool eddsa_verify(EVP_PKEY *pkey, const kw_bytes *parts, size_t count, kw_bytes signature)
{
    size_t len = 0;
    uint8_t *message = join(parts, count, &len);
    EVP_MD_CTX *ctx = message != NULL ? EVP_MD_CTX_new() : NULL;
    const bool is_good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                         EVP_DigestVerify(ctx, signature.data, signature.len, message, len) == 1;
    EVP_MD_CTX_free(ctx);
    free(message);
    ERR_clear_error();
    return is_good;
}

/* --- ECDSA: DER inside, r‖s outside ---------------------------------------------------------------------------------------------- */

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

/* 0 when it cannot be. Values out of range are left to the verification, which refuses them. */
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

kw_status kw_wire_sign(const kw_private_key *key, kw_signature_scheme scheme, const kw_bytes *parts, size_t count, uint8_t *out)
{
    if (kw_key_is_eddsa(key->type)) {
        return eddsa_sign(key->pkey, parts, count, out, key->size);
    }
    size_t len = key->size;
    if (!kw_key_is_ecdsa(key->type)) {
        return kw_evp_sign(key->pkey, scheme, parts, count, out, &len);
    }
    uint8_t der[DER_SIGNATURE_MAX];
    len = sizeof(der);
    KW_TRY(kw_evp_sign(key->pkey, scheme, parts, count, der, &len));
    return der_to_pair((kw_bytes){der, len}, out, key->size);
}

bool kw_wire_verify(const kw_public_key *key, kw_signature_scheme scheme, const kw_bytes *parts, size_t count, kw_bytes signature)
{
    if (signature.len != key->size) {
        return false;
    }
    if (kw_key_is_eddsa(key->type)) {
        return eddsa_verify(key->pkey, parts, count, signature);
    }
    if (!kw_key_is_ecdsa(key->type)) {
        return kw_evp_verify(key->pkey, scheme, parts, count, signature);
    }
    uint8_t der[DER_SIGNATURE_MAX];
    const size_t len = pair_to_der(signature, der);
    return len > 0 && kw_evp_verify(key->pkey, scheme, parts, count, (kw_bytes){der, len});
}

/* False: not with a key of this type, whatever its size. */
static bool scheme_of(const kw_security_policy *policy, kw_key_type type, kw_signature_scheme *out)
{
    const kw_algorithms *a = kw_algorithms_get();
    switch (policy->asym_signature) {
    case KW_ASYM_SIGN_RSA_PKCS1_SHA1:
        *out = (kw_signature_scheme){.md = a->sha1};
        return type == KW_KEY_RSA;
    case KW_ASYM_SIGN_RSA_PKCS1_SHA256:
        *out = (kw_signature_scheme){.md = a->sha256};
        return type == KW_KEY_RSA;
    case KW_ASYM_SIGN_RSA_PSS_SHA256:
        *out = (kw_signature_scheme){.md = a->sha256, .is_pss = true};
        return type == KW_KEY_RSA;
    case KW_ASYM_SIGN_ECDSA_SHA256:
        *out = (kw_signature_scheme){.md = a->sha256};
        return kw_key_is_ecdsa(type) && (policy->certificate_keys & 1u << type) != 0;
    case KW_ASYM_SIGN_ECDSA_SHA384:
        *out = (kw_signature_scheme){.md = a->sha384};
        return kw_key_is_ecdsa(type) && (policy->certificate_keys & 1u << type) != 0;
    case KW_ASYM_SIGN_EDDSA:
        *out = (kw_signature_scheme){.md = NULL};
        return kw_key_is_eddsa(type) && (policy->certificate_keys & 1u << type) != 0;
    case KW_ASYM_SIGN_NONE:
        break;
    }
    return false;
}

kw_status kw_asym_sign(const kw_security_policy *policy, const kw_private_key *key, const kw_bytes *parts, size_t count, kw_arena *arena,
                       kw_bytes *signature)
{
    kw_signature_scheme scheme;
    if (!scheme_of(policy, key->type, &scheme)) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    uint8_t *bytes = kw_arena_alloc(arena, key->size);
    if (bytes == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_wire_sign(key, scheme, parts, count, bytes));
    *signature = (kw_bytes){bytes, key->size};
    return KW_GOOD;
}

kw_status kw_asym_verify(const kw_security_policy *policy, const kw_public_key *key, const kw_bytes *parts, size_t count,
                         kw_bytes signature)
{
    kw_signature_scheme scheme;
    const bool fits = scheme_of(policy, key->type, &scheme) && (key->type != KW_KEY_RSA || key->bits <= KW_RSA_MAX_BITS);
    return fits && kw_wire_verify(key, scheme, parts, count, signature) ? KW_GOOD : KW_BAD_SECURITY_CHECKS_FAILED;
}
