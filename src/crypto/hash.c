#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <string.h>

size_t kw_hash_len(kw_hash hash)
{
    switch (hash) {
    case KW_HASH_SHA1:
        return 20;
    case KW_HASH_SHA256:
        return 32;
    case KW_HASH_SHA384:
        return 48;
    case KW_HASH_NONE:
        break;
    }
    return 0;
}

kw_status kw_hash_of(kw_hash hash, const kw_bytes *parts, size_t count, uint8_t *out)
{
    const EVP_MD *md = kw_hash_md(hash);
    EVP_MD_CTX *ctx = md != NULL ? EVP_MD_CTX_new() : NULL;
    bool is_good = ctx != NULL && EVP_DigestInit_ex2(ctx, md, NULL) == 1;
    for (size_t i = 0; is_good && i < count; i++) {
        is_good = EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1;
    }
    is_good = is_good && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return is_good ? KW_GOOD : KW_BAD_UNEXPECTED_ERROR;
}

EVP_MAC_CTX *kw_hmac_new(kw_hash hash, kw_bytes key)
{
    const EVP_MD *md = kw_hash_md(hash);
    EVP_MAC *mac = kw_algorithms_get()->hmac;
    EVP_MAC_CTX *ctx = md != NULL && mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    if (ctx == NULL) {
        return NULL;
    }
    char name[16];
    strncpy(name, EVP_MD_get0_name(md), sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};
    /* A NULL key means "the one from before", so an empty one needs an address. */
    const uint8_t *bytes = key.len > 0 ? key.data : (const uint8_t *)"";
    if (EVP_MAC_init(ctx, bytes, key.len, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ERR_clear_error();
        return NULL;
    }
    return ctx;
}

kw_status kw_hmac_run(EVP_MAC_CTX *ctx, const kw_bytes *parts, size_t count, uint8_t *out, size_t len)
{
    size_t written = 0;
    bool is_good = EVP_MAC_init(ctx, NULL, 0, NULL) == 1;
    for (size_t i = 0; is_good && i < count; i++) {
        is_good = EVP_MAC_update(ctx, parts[i].data, parts[i].len) == 1;
    }
    is_good = is_good && EVP_MAC_final(ctx, out, &written, len) == 1 && written == len;
    return is_good ? KW_GOOD : KW_BAD_UNEXPECTED_ERROR;
}

kw_status kw_hmac_of(kw_hash hash, kw_bytes key, const kw_bytes *parts, size_t count, uint8_t *out)
{
    EVP_MAC_CTX *ctx = kw_hmac_new(hash, key);
    if (ctx == NULL) {
        return KW_BAD_UNEXPECTED_ERROR;
    }
    const kw_status status = kw_hmac_run(ctx, parts, count, out, kw_hash_len(hash));
    EVP_MAC_CTX_free(ctx);
    return status;
}

static kw_status p_hash_run(EVP_MAC_CTX *ctx, size_t step, kw_bytes seed, uint8_t *out, size_t len)
{
    uint8_t a[KW_HASH_MAX], block[KW_HASH_MAX];
    kw_bytes chain = seed; /* A(0) */
    kw_status status = KW_GOOD;
    for (size_t done = 0; done < len && status == KW_GOOD; done += step) {
        const size_t take = len - done < step ? len - done : step;
        status = kw_hmac_run(ctx, &chain, 1, a, step);
        chain = (kw_bytes){a, step};
        if (status == KW_GOOD) {
            status = kw_hmac_run(ctx, (const kw_bytes[]){chain, seed}, 2, block, step);
        }
        if (status == KW_GOOD) {
            memcpy(out + done, block, take);
        }
    }
    kw_wipe(a, sizeof(a));
    kw_wipe(block, sizeof(block));
    return status;
}

kw_status kw_p_hash(kw_hash hash, kw_bytes secret, kw_bytes seed, uint8_t *out, size_t len)
{
    EVP_MAC_CTX *ctx = kw_hmac_new(hash, secret);
    if (ctx == NULL) {
        return KW_BAD_UNEXPECTED_ERROR;
    }
    const kw_status status = p_hash_run(ctx, kw_hash_len(hash), seed, out, len);
    EVP_MAC_CTX_free(ctx);
    return status;
}

static kw_status hkdf_expand(EVP_MAC_CTX *ctx, size_t step, kw_bytes info, uint8_t *out, size_t len)
{
    uint8_t block[KW_HASH_MAX];
    kw_bytes before = KW_BYTES_NULL; /* T(0) */
    kw_status status = KW_GOOD;
    uint8_t counter = 1;
    for (size_t done = 0; done < len && status == KW_GOOD; done += step, counter++) {
        const size_t take = len - done < step ? len - done : step;
        status = kw_hmac_run(ctx, (const kw_bytes[]){before, info, {&counter, 1}}, 3, block, step);
        before = (kw_bytes){block, step};
        if (status == KW_GOOD) {
            memcpy(out + done, block, take);
        }
    }
    kw_wipe(block, sizeof(block));
    return status;
}

kw_status kw_hkdf(kw_hash hash, kw_bytes secret, kw_bytes salt, kw_bytes info, uint8_t *out, size_t len)
{
    uint8_t key[KW_HASH_MAX];
    const size_t step = kw_hash_len(hash);
    if (step == 0 || len > 255 * step) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    KW_TRY(kw_hmac_of(hash, salt, &secret, 1, key));
    EVP_MAC_CTX *ctx = kw_hmac_new(hash, (kw_bytes){key, step});
    kw_wipe(key, sizeof(key));
    if (ctx == NULL) {
        return KW_BAD_UNEXPECTED_ERROR;
    }
    const kw_status status = hkdf_expand(ctx, step, info, out, len);
    EVP_MAC_CTX_free(ctx);
    return status;
}
