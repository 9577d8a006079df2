/* RSA encryption, block by block. */
#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

static bool padding_set(EVP_PKEY_CTX *ctx, kw_asym_encryption encryption)
{
    const kw_algorithms *a = kw_algorithms_get();
    if (encryption == KW_ASYM_ENC_RSA_PKCS1) {
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    }
    const EVP_MD *md = encryption == KW_ASYM_ENC_RSA_OAEP_SHA1 ? a->sha1 : a->sha256;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1;
}

/* Plain bytes per block; 0 when the policy does not encrypt, or not with this key. */
static size_t plain_block(const kw_security_policy *policy, kw_key_type type, size_t size)
{
    return policy->asym_encryption != KW_ASYM_ENC_NONE && type == KW_KEY_RSA && size > policy->asym_overhead ? size - policy->asym_overhead
                                                                                                             : 0;
}

size_t kw_asym_encrypted_size(const kw_security_policy *policy, const kw_public_key *key, size_t plain_len)
{
    const size_t block = plain_block(policy, key->type, key->size);
    return block > 0 ? (plain_len / block + (plain_len % block != 0)) * key->size : 0;
}

static bool encrypt_blocks(EVP_PKEY_CTX *ctx, kw_bytes plain, size_t block, uint8_t *out, size_t size)
{
    for (size_t at = 0; at < plain.len; at += block) {
        const size_t take = plain.len - at < block ? plain.len - at : block;
        size_t written = size;
        if (EVP_PKEY_encrypt(ctx, out, &written, plain.data + at, take) != 1 || written != size) {
            return false;
        }
        out += size;
    }
    return true;
}

kw_status kw_asym_encrypt(const kw_security_policy *policy, const kw_public_key *key, kw_bytes plain, kw_arena *arena, kw_bytes *cipher)
{
    const size_t block = plain_block(policy, key->type, key->size);
    if (block == 0 || key->bits > KW_RSA_MAX_BITS || plain.len == 0 || plain.len > SIZE_MAX / 4) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    const size_t len = kw_asym_encrypted_size(policy, key, plain.len);
    uint8_t *out = kw_arena_alloc(arena, len);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (out == NULL || ctx == NULL) {
        EVP_PKEY_CTX_free(ctx);
        return KW_BAD_OUT_OF_MEMORY;
    }
    const bool is_good =
        EVP_PKEY_encrypt_init(ctx) == 1 && padding_set(ctx, policy->asym_encryption) && encrypt_blocks(ctx, plain, block, out, key->size);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    if (!is_good) {
        return KW_BAD_UNEXPECTED_ERROR;
    }
    *cipher = (kw_bytes){out, len};
    return KW_GOOD;
}

/* Every block is worked on, whatever became of the ones before. Returns whether all were sound. */
static bool decrypt_oaep(const kw_security_policy *policy, const kw_private_key *key, kw_bytes cipher, uint8_t *out, size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    bool is_good = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 && padding_set(ctx, policy->asym_encryption);
    size_t done = 0;
    for (size_t at = 0; ctx != NULL && at < cipher.len; at += key->size) {
        size_t written = key->size;
        const bool is_sound = EVP_PKEY_decrypt(ctx, out + done, &written, cipher.data + at, key->size) == 1;
        done += is_sound ? written : 0;
        is_good &= is_sound;
    }
    EVP_PKEY_CTX_free(ctx);
    *len = done;
    return is_good;
}

static bool decrypt_pkcs1(const kw_private_key *key, kw_bytes cipher, uint8_t *out, size_t *len)
{
    bool is_good = true;
    size_t done = 0;
    for (size_t at = 0; at < cipher.len; at += key->size) {
        size_t written = 0;
        is_good &= kw_rsa_pkcs1_decrypt(key, (kw_bytes){cipher.data + at, key->size}, out + done, &written) == KW_GOOD;
        done += written;
    }
    *len = done;
    return is_good;
}

kw_status kw_asym_decrypt(const kw_security_policy *policy, const kw_private_key *key, kw_bytes cipher, size_t max_blocks, kw_secret *plain)
{
    kw_secret work = KW_SECRET_NONE;
    size_t len = 0;
    if (plain_block(policy, key->type, key->size) == 0 || cipher.len == 0 || cipher.len % key->size != 0 ||
        cipher.len / key->size > max_blocks) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    KW_TRY(kw_secret_init(&work, cipher.len + key->size)); /* a block is worked on at its full size, behind the ones before */
    const bool is_good = policy->asym_encryption == KW_ASYM_ENC_RSA_PKCS1 ? decrypt_pkcs1(key, cipher, work.data, &len)
                                                                          : decrypt_oaep(policy, key, cipher, work.data, &len);
    ERR_clear_error();
    const kw_status status = is_good ? kw_secret_copy(plain, (kw_bytes){work.data, len}) : KW_BAD_SECURITY_CHECKS_FAILED;
    kw_secret_clear(&work);
    return status;
}
