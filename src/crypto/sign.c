/* Signatures: the one place that calls EVP to make or check one. The algorithm is the caller's, never the message's. */
#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

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

static bool scheme_of(const kw_security_policy *policy, kw_signature_scheme *out)
{
    const kw_algorithms *a = kw_algorithms_get();
    switch (policy->asym_signature) {
    case KW_ASYM_SIGN_RSA_PKCS1_SHA1:
        *out = (kw_signature_scheme){.md = a->sha1};
        return true;
    case KW_ASYM_SIGN_RSA_PKCS1_SHA256:
        *out = (kw_signature_scheme){.md = a->sha256};
        return true;
    case KW_ASYM_SIGN_RSA_PSS_SHA256:
        *out = (kw_signature_scheme){.md = a->sha256, .is_pss = true};
        return true;
    case KW_ASYM_SIGN_NONE:
        break;
    }
    return false;
}

kw_status kw_asym_sign(const kw_security_policy *policy, const kw_private_key *key, const kw_bytes *parts, size_t count, kw_arena *arena,
                       kw_bytes *signature)
{
    kw_signature_scheme scheme;
    if (key->type != KW_KEY_RSA || !scheme_of(policy, &scheme)) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    size_t len = key->size;
    uint8_t *bytes = kw_arena_alloc(arena, len);
    if (bytes == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_evp_sign(key->pkey, scheme, parts, count, bytes, &len));
    *signature = (kw_bytes){bytes, len};
    return KW_GOOD;
}

kw_status kw_asym_verify(const kw_security_policy *policy, const kw_public_key *key, const kw_bytes *parts, size_t count,
                         kw_bytes signature)
{
    kw_signature_scheme scheme;
    const bool fits = key->type == KW_KEY_RSA && key->bits <= KW_RSA_MAX_BITS && signature.len == key->size && scheme_of(policy, &scheme);
    return fits && kw_evp_verify(key->pkey, scheme, parts, count, signature) ? KW_GOOD : KW_BAD_SECURITY_CHECKS_FAILED;
}
