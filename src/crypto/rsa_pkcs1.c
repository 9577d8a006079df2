/*
 * PKCS#1 v1.5 decryption with implicit rejection, for Basic128Rsa15 alone.
 *
 * OpenSSL 3.0 tells the caller whether the padding was right, and then even how the caller goes on is an oracle. So the raw RSA
 * result is taken apart here, without branches or addresses that depend on it; bad padding yields a message of a length and
 * with bytes that are derived from the ciphertext and a secret of the key: always the same for the same ciphertext, and not
 * to be told from a decrypted one. The signature inside it will not verify, and that is the only thing that anybody sees.
 */
#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#define SMALLEST_PADDING 8
#define BLOCK_MAX (KW_RSA_MAX_BITS / 8)

/* All ones when a < b, else zero; both far below 2^31. */
static uint32_t mask_less(uint32_t a, uint32_t b)
{
    return 0u - ((a - b) >> 31);
}

static uint32_t mask_zero(uint32_t a)
{
    return mask_less(a, 1);
}

static uint32_t pick(uint32_t mask, uint32_t if_set, uint32_t if_clear)
{
    return (mask & if_set) | (~mask & if_clear);
}

static bool raw_decrypt(const kw_private_key *key, kw_bytes block, uint8_t *out)
{
    size_t written = key->size;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    const bool is_good = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
                         EVP_PKEY_decrypt(ctx, out, &written, block.data, block.len) == 1 && written == key->size;
    EVP_PKEY_CTX_free(ctx);
    return is_good;
}

/* The message that stands in: `size` bytes of which the last *len count. */
static kw_status stand_in(const kw_private_key *key, kw_bytes block, uint8_t *out, uint32_t *len)
{
    uint8_t seed[32], draw[2];
    const kw_bytes secret = {key->rejection_key, sizeof(key->rejection_key)};
    const uint32_t longest = (uint32_t)key->size - SMALLEST_PADDING - 3;
    KW_TRY(kw_hmac_of(KW_HASH_SHA256, secret, &block, 1, seed));
    const kw_bytes derived = {seed, sizeof(seed)};
    KW_TRY(kw_p_hash(KW_HASH_SHA256, derived, KW_STRING("message"), out, key->size));
    KW_TRY(kw_p_hash(KW_HASH_SHA256, derived, KW_STRING("length"), draw, sizeof(draw)));
    *len = ((uint32_t)draw[0] << 8 | draw[1]) % (longest + 1);
    kw_wipe(seed, sizeof(seed));
    return KW_GOOD;
}

/* Length of the message at the end of `em`; *is_good is a mask. */
static uint32_t message_len(const uint8_t *em, uint32_t size, uint32_t *is_good)
{
    uint32_t zero_at = 0, is_found = 0;
    for (uint32_t i = 2; i < size; i++) {
        const uint32_t is_first = mask_zero(em[i]) & ~is_found;
        zero_at = pick(is_first, i, zero_at);
        is_found |= is_first;
    }
    *is_good = mask_zero(em[0]) & mask_zero(em[1] ^ 2u) & is_found & ~mask_less(zero_at, 2 + SMALLEST_PADDING);
    return size - 1 - zero_at;
}

/* Move the last `len` bytes to the front: by powers of two, each step taken or not under a mask. */
static void shift_to_front(uint8_t *data, uint32_t size, uint32_t len)
{
    const uint32_t distance = size - len;
    for (uint32_t step = 1; step < size; step <<= 1) {
        const uint32_t is_taken = ~mask_zero(distance & step);
        for (uint32_t i = 0; i + step < size; i++) {
            data[i] = (uint8_t)pick(is_taken, data[i + step], data[i]);
        }
    }
}

kw_status kw_rsa_pkcs1_decrypt(const kw_private_key *key, kw_bytes block, uint8_t *out, size_t *len)
{
    uint8_t em[BLOCK_MAX], other[BLOCK_MAX];
    uint32_t other_len = 0, is_good = 0;
    const uint32_t size = (uint32_t)key->size;
    /* The one visible failure: a number that is not below the modulus, which the sender can see by itself. */
    if (size > BLOCK_MAX || size < SMALLEST_PADDING + 3 || !raw_decrypt(key, block, em)) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    KW_TRY(stand_in(key, block, other, &other_len));
    const uint32_t real_len = message_len(em, size, &is_good);
    for (uint32_t i = 0; i < size; i++) {
        out[i] = (uint8_t)pick(is_good, em[i], other[i]);
    }
    const uint32_t chosen = pick(is_good, real_len, other_len);
    shift_to_front(out, size, chosen);
    *len = chosen;
    kw_wipe(em, sizeof(em));
    kw_wipe(other, sizeof(other));
    return KW_GOOD;
}
