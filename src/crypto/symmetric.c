#include "crypto/symmetric.h"

#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MATERIAL_MAX 128
#define LABEL_MAX 16
#define SALT_MAX (2 + LABEL_MAX + 2 * 384) /* the longest public keys are those of ffdhe3072 */

struct kw_sym_keys {
    EVP_MAC_CTX *mac; /* NULL with an authenticating cipher, and where nothing is signed */
    EVP_CIPHER_CTX *encrypt, *decrypt;
    uint8_t iv[EVP_MAX_IV_LENGTH];
    size_t mac_len, block_len;
    bool is_aead;

    /* What was sealed: numbers count from the first one, so that the wrap of 2^32 is nothing special. */
    bool has_sealed;
    uint32_t first_sealed, last_distance;
};

static const EVP_CIPHER *cipher_of(kw_sym_cipher cipher)
{
    switch (cipher) {
    case KW_SYM_AES128_CBC:
        return kw_algorithms_get()->aes128_cbc;
    case KW_SYM_AES256_CBC:
        return kw_algorithms_get()->aes256_cbc;
    case KW_SYM_AES128_GCM:
        return kw_algorithms_get()->aes128_gcm;
    case KW_SYM_AES256_GCM:
        return kw_algorithms_get()->aes256_gcm;
    case KW_SYM_CHACHA20_POLY1305:
        return kw_algorithms_get()->chacha20_poly1305;
    case KW_SYM_NONE:
        break;
    }
    return NULL;
}

static bool is_aead(kw_sym_cipher cipher)
{
    return cipher == KW_SYM_AES128_GCM || cipher == KW_SYM_AES256_GCM || cipher == KW_SYM_CHACHA20_POLY1305;
}

/* With a block cipher, padding is ours to make. */
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
    const bool fits = cipher != NULL && (signing.len == policy->signing_key_len || signing.len == 0) &&
                      encrypting.len == policy->encrypting_key_len && iv.len == policy->iv_len && iv.len <= EVP_MAX_IV_LENGTH;
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
    keys->is_aead = is_aead(policy->cipher);
    keys->mac = signing.len > 0 ? kw_hmac_new(policy->mac, signing) : NULL;
    keys->encrypt = cipher_new(cipher, encrypting.data, keys->iv, true);
    keys->decrypt = cipher_new(cipher, encrypting.data, keys->iv, false);
    if ((keys->mac == NULL && signing.len > 0) || keys->encrypt == NULL || keys->decrypt == NULL) {
        kw_sym_keys_free(keys);
        return KW_BAD_OUT_OF_MEMORY;
    }
    *out = keys;
    return KW_GOOD;
}

static size_t material_len(const kw_security_policy *policy)
{
    return policy->signing_key_len + policy->encrypting_key_len + policy->iv_len;
}

static kw_status cut(const kw_security_policy *policy, const uint8_t *material, kw_sym_keys **out)
{
    const size_t signing = policy->signing_key_len, encrypting = policy->encrypting_key_len;
    return kw_sym_keys_from(policy, (kw_bytes){material, signing}, (kw_bytes){material + signing, encrypting},
                            (kw_bytes){material + signing + encrypting, policy->iv_len}, out);
}

kw_status kw_sym_keys_derive(const kw_security_policy *policy, kw_bytes secret, kw_bytes seed, kw_sym_keys **out)
{
    uint8_t material[KEY_MATERIAL_MAX];
    if (policy->kdf == KW_HASH_NONE || policy->kdf_kind != KW_KDF_P_HASH || material_len(policy) > sizeof(material)) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    kw_status status = kw_p_hash(policy->kdf, secret, seed, material, material_len(policy));
    if (status == KW_GOOD) {
        status = cut(policy, material, out);
    }
    kw_wipe(material, sizeof(material));
    return status;
}

kw_status kw_sym_keys_agree(const kw_security_policy *policy, kw_bytes shared, kw_string label, kw_bytes first, kw_bytes second,
                            kw_sym_keys **out)
{
    uint8_t material[KEY_MATERIAL_MAX], salt[SALT_MAX];
    const size_t len = material_len(policy), salt_len = 2 + label.len + first.len + second.len;
    const bool fits = policy->kdf_kind == KW_KDF_HKDF && len <= sizeof(material) && label.len <= LABEL_MAX &&
                      first.len == policy->nonce_len && second.len == policy->nonce_len && salt_len <= sizeof(salt);
    if (!fits) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    salt[0] = (uint8_t)(len & 0xFF);
    salt[1] = (uint8_t)(len >> 8);
    memcpy(salt + 2, label.data, label.len);
    memcpy(salt + 2 + label.len, first.data, first.len);
    memcpy(salt + 2 + label.len + first.len, second.data, second.len);
    const kw_bytes both = {salt, salt_len};
    kw_status status = kw_hkdf(policy->kdf, shared, both, both, material, len);
    if (status == KW_GOOD) {
        status = cut(policy, material, out);
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
    return keys->mac != NULL ? kw_hmac_run(keys->mac, &data, 1, out, keys->mac_len) : KW_BAD_INVALID_ARGUMENT;
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
    if (keys->is_aead || len == 0 || len % keys->block_len != 0 || len > INT_MAX) {
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

/* --- authenticating ciphers -------------------------------------------------------------------------------------------------------- */

/* The context has its key; tag is written, or compared. */
static bool aead_run(EVP_CIPHER_CTX *ctx, const uint8_t *iv, kw_bytes aad, uint8_t *data, size_t len, bool seals, uint8_t *tag)
{
    int written = 0, rest = 0;
    uint8_t none[1];
    if (aad.len > INT_MAX || len > INT_MAX || EVP_CipherInit_ex2(ctx, NULL, NULL, iv, seals, NULL) != 1) {
        return false;
    }
    const bool is_good = (seals || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, KW_AEAD_TAG, tag) == 1) &&
                         (aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &written, aad.data, (int)aad.len) == 1) &&
                         (len == 0 || (EVP_CipherUpdate(ctx, data, &written, data, (int)len) == 1 && (size_t)written == len)) &&
                         EVP_CipherFinal_ex(ctx, none, &rest) == 1 && rest == 0;
    return is_good && (!seals || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, KW_AEAD_TAG, tag) == 1);
}

static kw_status aead_open(EVP_CIPHER_CTX *ctx, const uint8_t *iv, kw_bytes aad, uint8_t *data, size_t len, kw_bytes tag)
{
    uint8_t expected[KW_AEAD_TAG];
    if (tag.len != sizeof(expected)) { /* a shorter one would be easier to guess */
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    memcpy(expected, tag.data, sizeof(expected));
    const bool is_good = aead_run(ctx, iv, aad, data, len, false, expected);
    ERR_clear_error();
    if (!is_good) {
        kw_wipe(data, len); /* what was not authenticated is nobody's to read */
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    return KW_GOOD;
}

static EVP_CIPHER_CTX *aead_new(kw_sym_cipher cipher, kw_bytes key, kw_bytes iv, bool seals)
{
    const EVP_CIPHER *c = is_aead(cipher) ? cipher_of(cipher) : NULL;
    const bool fits = c != NULL && key.len == (size_t)EVP_CIPHER_get_key_length(c) && iv.len == KW_AEAD_IV;
    return fits ? cipher_new(c, key.data, iv.data, seals) : NULL;
}

kw_status kw_aead_seal(kw_sym_cipher cipher, kw_bytes key, kw_bytes iv, kw_bytes aad, uint8_t *data, size_t len, uint8_t tag[KW_AEAD_TAG])
{
    EVP_CIPHER_CTX *ctx = aead_new(cipher, key, iv, true);
    if (ctx == NULL) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    const bool is_good = aead_run(ctx, iv.data, aad, data, len, true, tag);
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return is_good ? KW_GOOD : KW_BAD_UNEXPECTED_ERROR;
}

kw_status kw_aead_open(kw_sym_cipher cipher, kw_bytes key, kw_bytes iv, kw_bytes aad, uint8_t *data, size_t len, kw_bytes tag)
{
    EVP_CIPHER_CTX *ctx = aead_new(cipher, key, iv, false);
    if (ctx == NULL) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    const kw_status status = aead_open(ctx, iv.data, aad, data, len, tag);
    EVP_CIPHER_CTX_free(ctx);
    return status;
}

static void mask(const kw_sym_keys *keys, uint32_t token_id, uint32_t last_sequence, uint8_t nonce[KW_AEAD_IV])
{
    memcpy(nonce, keys->iv, KW_AEAD_IV);
    for (size_t i = 0; i < 4; i++) { /* little-endian, as on the wire */
        nonce[i] ^= (uint8_t)(token_id >> 8 * i);
        nonce[4 + i] ^= (uint8_t)(last_sequence >> 8 * i);
    }
}

kw_status kw_sym_seal(kw_sym_keys *keys, uint32_t token_id, uint32_t last_sequence, kw_bytes aad, uint8_t *data, size_t len,
                      uint8_t tag[KW_AEAD_TAG])
{
    uint8_t nonce[KW_AEAD_IV];
    const uint32_t distance = keys->has_sealed ? last_sequence - keys->first_sealed : 0;
    if (!keys->is_aead) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    if (keys->has_sealed && distance <= keys->last_distance) {
        return KW_BAD_SEQUENCE_NUMBER_INVALID;
    }
    if (!keys->has_sealed) {
        keys->first_sealed = last_sequence;
        keys->has_sealed = true;
    }
    keys->last_distance = distance;
    mask(keys, token_id, last_sequence, nonce);
    const bool is_good = aead_run(keys->encrypt, nonce, aad, data, len, true, tag);
    ERR_clear_error();
    return is_good ? KW_GOOD : KW_BAD_UNEXPECTED_ERROR;
}

kw_status kw_sym_open(kw_sym_keys *keys, uint32_t token_id, uint32_t last_sequence, kw_bytes aad, uint8_t *data, size_t len, kw_bytes tag)
{
    uint8_t nonce[KW_AEAD_IV];
    if (!keys->is_aead) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    mask(keys, token_id, last_sequence, nonce);
    return aead_open(keys->decrypt, nonce, aad, data, len, tag);
}
