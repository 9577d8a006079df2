#include "crypto/seal.h"

#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <limits.h>
#include <openssl/err.h>
#include <string.h>

#define VERSION 1
#define ID_LEN 8
#define NONCE_LEN 12
#define TAG_LEN 16
#define HEADER_LEN (1 + ID_LEN)
#define OVERHEAD (HEADER_LEN + NONCE_LEN + TAG_LEN)

/* --- keys as text ---------------------------------------------------------------------------------------------------------- */

static int digit_of(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hex(kw_bytes digits, uint8_t *out)
{
    for (size_t i = 0; i < digits.len; i++) {
        const int digit = digit_of(digits.data[i]);
        if (digit < 0) {
            return false;
        }
        out[i / 2] = (uint8_t)(out[i / 2] << 4 | digit);
    }
    return digits.len % 2 == 0;
}

static kw_status take_wrapped(kw_secret *key, kw_bytes digits, const kw_seal_unwrap *unwrap)
{
    uint8_t wrapped[KW_SEAL_WRAPPED_MAX] = {0};
    if (digits.len > 2 * sizeof(wrapped) || !read_hex(digits, wrapped)) {
        return KW_BAD_DECODING_ERROR;
    }
    if (unwrap == NULL) {
        return KW_BAD_CONFIGURATION_ERROR;
    }
    KW_TRY(unwrap->run(unwrap->ctx, (kw_bytes){wrapped, digits.len / 2}, key));
    return key->len == KW_SEAL_KEY_LEN ? KW_GOOD : KW_BAD_DECODING_ERROR;
}

static kw_status take_line(kw_seal_keys *keys, kw_bytes line, const kw_seal_unwrap *unwrap)
{
    static const char WRAPPED[] = KW_SEAL_WRAPPED;
    const size_t prefix = sizeof(WRAPPED) - 1;
    if (keys->count == KW_SEAL_KEYS_MAX) {
        return KW_BAD_DECODING_ERROR;
    }
    kw_secret *key = &keys->keys[keys->count++];
    *key = KW_SECRET_NONE;
    if (line.len > prefix && memcmp(line.data, WRAPPED, prefix) == 0) {
        return take_wrapped(key, (kw_bytes){line.data + prefix, line.len - prefix}, unwrap);
    }
    if (line.len != 2 * (size_t)KW_SEAL_KEY_LEN) {
        return KW_BAD_DECODING_ERROR;
    }
    KW_TRY(kw_secret_init(key, KW_SEAL_KEY_LEN));
    return read_hex(line, key->data) ? KW_GOOD : KW_BAD_DECODING_ERROR;
}

static kw_bytes next_line(kw_bytes *rest)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
    kw_bytes line = {rest->data, end != NULL ? (size_t)(end - rest->data) : rest->len};
    const size_t used = line.len + (end != NULL);
    *rest = (kw_bytes){rest->data + used, rest->len - used};
    while (line.len > 0 && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == ' ')) {
        line.len--;
    }
    return line;
}

kw_status kw_seal_keys_parse_wrapped(kw_bytes text, const kw_seal_unwrap *unwrap, kw_seal_keys *out)
{
    kw_status status = KW_GOOD;
    *out = (kw_seal_keys){.count = 0};
    while (text.len > 0 && !kw_status_is_bad(status)) {
        const kw_bytes line = next_line(&text);
        if (line.len > 0 && line.data[0] != '#') {
            status = take_line(out, line, unwrap);
        }
    }
    if (!kw_status_is_bad(status) && out->count == 0) {
        status = KW_BAD_DECODING_ERROR;
    }
    if (kw_status_is_bad(status)) {
        kw_seal_keys_clear(out);
    }
    return status;
}

kw_status kw_seal_keys_parse(kw_bytes text, kw_seal_keys *out)
{
    return kw_seal_keys_parse_wrapped(text, NULL, out);
}

void kw_seal_keys_clear(kw_seal_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        kw_secret_clear(&keys->keys[i]);
    }
    keys->count = 0;
}

/* --- sealing ----------------------------------------------------------------------------------------------------------------- */

/* Says nothing about the key to whoever has not got it. */
static kw_status write_header(const kw_secret *key, uint8_t header[HEADER_LEN])
{
    uint8_t mac[KW_HASH_MAX];
    const kw_bytes label = KW_STRING("id of a key that seals");
    KW_TRY(kw_hmac_of(KW_HASH_SHA256, kw_secret_bytes(key), &label, 1, mac));
    header[0] = VERSION;
    memcpy(header + 1, mac, ID_LEN);
    return KW_GOOD;
}

static EVP_CIPHER_CTX *cipher_new(const kw_secret *key, const uint8_t *nonce, const uint8_t *header, kw_bytes context, bool encrypts)
{
    int written = 0;
    EVP_CIPHER_CTX *ctx = context.len <= INT_MAX ? EVP_CIPHER_CTX_new() : NULL;
    if (ctx == NULL) {
        return NULL;
    }
    const bool is_good = EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key->data, nonce, encrypts, NULL) == 1 &&
                         EVP_CipherUpdate(ctx, NULL, &written, header, HEADER_LEN) == 1 &&
                         (context.len == 0 || EVP_CipherUpdate(ctx, NULL, &written, context.data, (int)context.len) == 1);
    if (!is_good) {
        EVP_CIPHER_CTX_free(ctx);
        ERR_clear_error();
        return NULL;
    }
    return ctx;
}

kw_status kw_seal(const kw_seal_keys *keys, kw_bytes context, kw_bytes plain, const kw_random *random, kw_arena *arena, kw_bytes *out)
{
    if (keys->count == 0 || plain.len > INT_MAX - OVERHEAD) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    uint8_t *sealed = kw_arena_alloc(arena, plain.len + OVERHEAD);
    if (sealed == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    uint8_t *nonce = sealed + HEADER_LEN, *cipher = nonce + NONCE_LEN;
    int written = 0, rest = 0;
    KW_TRY(write_header(&keys->keys[0], sealed));
    KW_TRY(kw_random_fill(random, nonce, NONCE_LEN));
    EVP_CIPHER_CTX *ctx = cipher_new(&keys->keys[0], nonce, sealed, context, true);
    const bool is_good = ctx != NULL && EVP_CipherUpdate(ctx, cipher, &written, plain.data, (int)plain.len) == 1 &&
                         (size_t)written == plain.len && EVP_CipherFinal_ex(ctx, cipher + written, &rest) == 1 &&
                         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, cipher + plain.len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    *out = (kw_bytes){sealed, plain.len + OVERHEAD};
    return is_good ? KW_GOOD : KW_BAD_UNEXPECTED_ERROR;
}

bool kw_is_sealed(kw_bytes bytes)
{
    return bytes.len >= OVERHEAD && bytes.data[0] == VERSION;
}

static bool is_by(const kw_secret *key, kw_bytes sealed)
{
    uint8_t header[HEADER_LEN];
    return !kw_status_is_bad(write_header(key, header)) && memcmp(header, sealed.data, HEADER_LEN) == 0;
}

bool kw_is_sealed_with_first(const kw_seal_keys *keys, kw_bytes sealed)
{
    return keys->count > 0 && kw_is_sealed(sealed) && is_by(&keys->keys[0], sealed);
}

static kw_status open_with(const kw_secret *key, kw_bytes context, kw_bytes sealed, kw_secret *plain)
{
    const uint8_t *nonce = sealed.data + HEADER_LEN, *cipher = nonce + NONCE_LEN;
    const size_t len = sealed.len - OVERHEAD;
    uint8_t tag[TAG_LEN];
    int written = 0, rest = 0;
    memcpy(tag, cipher + len, TAG_LEN);
    KW_TRY(kw_secret_init(plain, len));
    EVP_CIPHER_CTX *ctx = len <= INT_MAX ? cipher_new(key, nonce, sealed.data, context, false) : NULL;
    const bool is_good = ctx != NULL && EVP_CipherUpdate(ctx, plain->data, &written, cipher, (int)len) == 1 && (size_t)written == len &&
                         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) == 1 &&
                         EVP_CipherFinal_ex(ctx, plain->data + written, &rest) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!is_good) {
        ERR_clear_error();
        kw_secret_clear(plain);
    }
    return is_good ? KW_GOOD : KW_BAD_SECURITY_CHECKS_FAILED;
}

kw_status kw_unseal(const kw_seal_keys *keys, kw_bytes context, kw_bytes sealed, kw_secret *plain)
{
    if (!kw_is_sealed(sealed)) {
        return KW_BAD_DECODING_ERROR;
    }
    for (size_t i = 0; i < keys->count; i++) {
        if (is_by(&keys->keys[i], sealed)) {
            return open_with(&keys->keys[i], context, sealed, plain);
        }
    }
    return KW_BAD_NOT_FOUND;
}
