/* The legacy block: UInt32 length ‖ secret ‖ serverNonce ‖ zeros, in pieces of one RSA block each. OPC 10000-4, 7.40.2.2. */
#include "base/secret.h"
#include "base/try.h"
#include "identity/secret_internal.h"

#define LENGTH_FIELD 4u

static bool is_zero(kw_bytes bytes)
{
    uint8_t all = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        all |= bytes.data[i];
    }
    return all == 0;
}

/* every length is compared before it is subtracted. Senders that fill the last block, or add one, do it with zeros. */
static const char *take_secret(const kw_secret_open *how, kw_bytes plain, kw_secret *secret)
{
    kw_reader r = kw_reader_of(plain);
    const size_t length = kw_read_u32(&r);
    if (kw_status_is_bad(kw_reader_status(&r)) || length > kw_reader_left(&r) || length < how->nonce.len) {
        return "legacy secret: length";
    }
    const kw_bytes inside = kw_read_raw(&r, length - how->nonce.len);
    const kw_bytes nonce = kw_read_raw(&r, how->nonce.len);
    const bool is_padded = is_zero(kw_read_raw(&r, kw_reader_left(&r)));
    const bool is_fresh = kw_secret_equal(nonce, how->nonce); /* UN-07, A-120 */
    if (!is_fresh || !is_padded) {
        return is_fresh ? "legacy secret: padding" : "legacy secret: stale nonce";
    }
    if (inside.len > how->max_len) {
        return "secret too long";
    }
    return kw_status_is_bad(kw_secret_copy(secret, inside)) ? "out of memory" : NULL;
}

const char *kw_secret_legacy_open(const kw_secret_open *how, kw_bytes sealed, kw_secret *secret)
{
    /* Without a nonce of ours it could be replayed for ever. */
    if (how->nonce.len < KW_SECRET_NONCE_MIN || how->receiver == NULL || how->receiver->key == NULL) {
        return "legacy secret: not in this context";
    }
    const size_t block = kw_private_key_size(how->receiver->key);
    if (how->policy->asym_encryption == KW_ASYM_ENC_NONE || block <= how->policy->asym_overhead || sealed.len == 0 ||
        sealed.len % block != 0) {
        return "legacy secret: not whole blocks";
    }
    const size_t plain_max = LENGTH_FIELD + (size_t)how->max_len + how->nonce.len;
    const size_t max_blocks = plain_max / (block - how->policy->asym_overhead) + 2; /* the begun one, and one of zeros */
    kw_secret plain = KW_SECRET_NONE;
    if (kw_status_is_bad(kw_asym_decrypt(how->policy, how->receiver->key, sealed, max_blocks, &plain))) {
        return "legacy secret: decryption";
    }
    const char *failure = take_secret(how, kw_secret_bytes(&plain), secret);
    kw_secret_clear(&plain);
    return failure;
}

kw_status kw_secret_legacy_seal(const kw_seal *what, kw_bytes *sealed)
{
    kw_secret plain = KW_SECRET_NONE;
    kw_writer w;
    KW_TRY(kw_secret_init(&plain, LENGTH_FIELD + what->secret.len + what->nonce.len));
    kw_writer_init_fixed(&w, plain.data, plain.len);
    kw_write_u32(&w, (uint32_t)(what->secret.len + what->nonce.len));
    kw_write_raw(&w, what->secret);
    kw_write_raw(&w, what->nonce);
    kw_status status = kw_writer_status(&w);
    if (!kw_status_is_bad(status)) {
        status = kw_asym_encrypt(what->policy, kw_certificate_public_key(what->receiver), kw_secret_bytes(&plain), what->arena, sealed);
    }
    kw_secret_clear(&plain);
    return status;
}
