#include "crypto/symmetric.h"

#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MATERIAL_MAX 128

struct kw_sym_keys {
    EVP_MAC_CTX *mac;
    EVP_CIPHER_CTX *encrypt, *decrypt;
    uint8_t iv[EVP_MAX_IV_LENGTH];
    size_t mac_len, block_len;
};

static const EVP_CIPHER *cipher_of(kw_sym_cipher cipher)
{
    switch (cipher) {
    case KW_SYM_AES128_CBC:
        return kw_algorithms_get()->aes128_cbc;
    case KW_SYM_AES256_CBC:
        return kw_algorithms_get()->aes256_cbc;
    case KW_SYM_NONE:
        break;
    }
    return NULL;
}

static EVP_CIPHER_CTX *cipher_new(const EVP_CIPHER *cipher, const uint8_t *key, const uint8_t *iv, bool encrypts)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx != NULL && (EVP_CipherInit_ex2(ctx, cipher, key, iv, encrypts, NULL) != 1 || EVP_CIPHER_CTX_set_padding(ctx, 0) != 1)) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

kw_status kw_sym_keys_from(const kw_security_policy *policy, kw_bytes signing, kw_bytes encrypting, kw_bytes iv, kw_sym_keys **out)
{
    const EVP_CIPHER *cipher = cipher_of(policy->cipher);
    const bool fits = cipher != NULL && signing.len == policy->signing_key_len && encrypting.len == policy->encrypting_key_len &&
                      iv.len == policy->iv_len && iv.len <= EVP_MAX_IV_LENGTH;
    if (!fits) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    kw_sym_keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    memcpy(keys->iv, iv.data, iv.len);
    keys->mac_len = policy->mac_len;
    keys->block_len = policy->block_len;
    keys->mac = kw_hmac_new(policy->mac, signing);
    keys->encrypt = cipher_new(cipher, encrypting.data, keys->iv, true);
    keys->decrypt = cipher_new(cipher, encrypting.data, keys->iv, false);
    if (keys->mac == NULL || keys->encrypt == NULL || keys->decrypt == NULL) {
        kw_sym_keys_free(keys);
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = keys;
    return KW_GOOD;
}

kw_status kw_sym_keys_derive(const kw_security_policy *policy, kw_bytes secret, kw_bytes seed, kw_sym_keys **out)
{
    uint8_t material[KEY_MATERIAL_MAX];
    const size_t signing = policy->signing_key_len, encrypting = policy->encrypting_key_len, iv = policy->iv_len;
    if (policy->kdf == KW_HASH_NONE || signing + encrypting + iv > sizeof(material)) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    kw_status status = kw_p_hash(policy->kdf, secret, seed, material, signing + encrypting + iv);
    if (status == KW_GOOD) {
        status = kw_sym_keys_from(policy, (kw_bytes){material, signing}, (kw_bytes){material + signing, encrypting},
                                  (kw_bytes){material + signing + encrypting, iv}, out);
    }
    kw_wipe(material, sizeof(material));
    return status;
}

void kw_sym_keys_free(kw_sym_keys *keys)
{
    if (keys != NULL) {
        EVP_MAC_CTX_free(keys->mac); /* these wipe their keys */
        EVP_CIPHER_CTX_free(keys->encrypt);
        EVP_CIPHER_CTX_free(keys->decrypt);
        kw_wipe(keys, sizeof(*keys));
        free(keys);
    }
}

kw_status kw_sym_sign(kw_sym_keys *keys, kw_bytes data, uint8_t *out)
{
    return kw_hmac_run(keys->mac, &data, 1, out, keys->mac_len);
}

kw_status kw_sym_verify(kw_sym_keys *keys, kw_bytes data, kw_bytes mac)
{
    uint8_t expected[KW_HASH_MAX];
    KW_TRY(kw_sym_sign(keys, data, expected));
    const bool is_same = kw_secret_equal((kw_bytes){expected, keys->mac_len}, mac);
    kw_wipe(expected, sizeof(expected)); /* what would have been right is nobody's business */
    return is_same ? KW_GOOD : KW_BAD_SECURITY_CHECKS_FAILED;
}

/* With cipher and key NULL the context keeps its key schedule and starts again from the IV. */
static kw_status run(EVP_CIPHER_CTX *ctx, const kw_sym_keys *keys, uint8_t *data, size_t len, bool encrypts)
{
    int written = 0;
    if (len == 0 || len % keys->block_len != 0 || len > INT_MAX) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    const bool is_good = EVP_CipherInit_ex2(ctx, NULL, NULL, keys->iv, encrypts, NULL) == 1 &&
                         EVP_CipherUpdate(ctx, data, &written, data, (int)len) == 1 && (size_t)written == len;
    return is_good ? KW_GOOD : KW_BAD_UNEXPECTED_ERROR;
}

kw_status kw_sym_encrypt(kw_sym_keys *keys, uint8_t *data, size_t len)
{
    return run(keys->encrypt, keys, data, len, true);
}

kw_status kw_sym_decrypt(kw_sym_keys *keys, uint8_t *data, size_t len)
{
    return run(keys->decrypt, keys, data, len, false);
}
