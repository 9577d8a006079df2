/*
 * RsaEncryptedSecret. OPC 10000-4, 7.40.2.4.
 *
 * Two dialects are in the field. The standard's: KeyData is three ByteStrings, the payload ends in n bytes of value n and a UInt16 n.
 * That of the .NET stack: KeyData is UInt32 length ‖ the raw keys, the payload ends in n bytes and one Byte n.
 * Receiving both is safe because the HMAC covers everything and is checked before any padding is looked at.
 *
 * A signed one (secret_format.h) has the signer's Certificate in its header, under the HMAC: nobody can put his own name to it.
 */
#include "base/secret.h"
#include "base/try.h"
#include "crypto/symmetric.h"
#include "identity/secret_internal.h"

#include <string.h>

#define THUMBPRINT_LEN 20u
#define KEY_DATA_BLOCKS_MAX 2u /* two only with the smallest keys; more would be work for nothing */

typedef struct kw_rsa_envelope {
    kw_bytes key_data; /* RSA cipher */
    kw_bytes payload;  /* CBC cipher */
    kw_bytes covered;  /* everything before the HMAC */
    kw_bytes mac;
    kw_bytes content;   /* everything up to the HMAC and with it */
    kw_bytes signature; /* null: nobody signed */
} kw_rsa_envelope;

static size_t key_data_len(const kw_security_policy *policy)
{
    return policy->signing_key_len + policy->encrypting_key_len + policy->iv_len;
}

/* --- opening ---------------------------------------------------------------------------------------------------------- */

/* ES-07; in a signed one whose key signed it. */
static const char *check_certificate(const kw_secret_open *how, kw_bytes certificate, kw_secret_facts *facts)
{
    const char *const failure = "secret: for another certificate";
    if (certificate.len == THUMBPRINT_LEN) {
        return kw_bytes_equal(certificate, kw_certificate_thumbprint(how->receiver->certificate)) ? NULL : failure;
    }
    return how->takes_signature && !kw_status_is_bad(kw_certificate_parse(certificate, &facts->signer)) ? NULL : failure;
}

static const char *read_envelope(const kw_secret_open *how, kw_bytes sealed, kw_rsa_envelope *out, kw_secret_facts *facts)
{
    kw_reader r = kw_reader_of(sealed);
    kw_bytes certificate = KW_BYTES_NULL;
    const char *failure = kw_secret_read_header(how, KW_SECRET_TYPE_RSA, &r, &certificate, facts);
    if (failure == NULL) {
        failure = check_certificate(how, certificate, facts);
    }
    if (failure != NULL) {
        return failure;
    }
    out->key_data = kw_read_raw(&r, kw_read_u16(&r));
    const size_t left = kw_reader_left(&r);
    const size_t signature = facts->signer != NULL ? kw_public_key_size(kw_certificate_public_key(facts->signer)) : 0;
    const size_t end = how->policy->mac_len + signature; /* what follows the payload */
    if (kw_status_is_bad(kw_reader_status(&r)) || left <= end || (left - end) % how->policy->block_len != 0) {
        return "secret: lengths";
    }
    out->payload = kw_read_raw(&r, left - end);
    out->mac = kw_read_raw(&r, how->policy->mac_len);
    out->signature = kw_read_raw(&r, signature);
    out->covered = (kw_bytes){sealed.data, sealed.len - end};
    out->content = (kw_bytes){sealed.data, sealed.len - signature};
    return NULL;
}

/* ES-06: before our own key is used. */
static const char *check_signature(const kw_secret_open *how, const kw_rsa_envelope *e, const kw_secret_facts *facts)
{
    const bool is_good = facts->signer == NULL ||
                         kw_asym_verify(how->policy, kw_certificate_public_key(facts->signer), &e->content, 1, e->signature) == KW_GOOD;
    return is_good ? NULL : KW_SECRET_MISSIGNED;
}

/* The first UInt32 tells the dialects apart: the sum of the three lengths, or the first of them. Keys end up one after another in `raw`. */
static bool split_keys(const kw_security_policy *policy, kw_bytes plain, uint8_t *raw, kw_secret_format *format)
{
    const size_t lengths[] = {policy->signing_key_len, policy->encrypting_key_len, policy->iv_len};
    kw_reader r = kw_reader_of(plain);
    kw_writer w;
    kw_writer_init_fixed(&w, raw, key_data_len(policy));
    if (kw_read_u32(&r) == key_data_len(policy)) {
        kw_write_raw(&w, kw_read_raw(&r, key_data_len(policy)));
        *format = KW_SECRET_RSA_DOTNET;
        return !kw_status_is_bad(kw_reader_status(&r)) && kw_secret_is_filled(kw_read_raw(&r, kw_reader_left(&r)), 0) &&
               w.len == key_data_len(policy);
    }
    r = kw_reader_of(plain);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        const kw_bytes key = kw_read_bytes(&r);
        if (key.len != lengths[i]) {
            return false;
        }
        kw_write_raw(&w, key);
    }
    *format = KW_SECRET_RSA;
    return kw_reader_left(&r) == 0 && !kw_status_is_bad(kw_reader_status(&r)) && !kw_status_is_bad(kw_writer_status(&w));
}

static kw_status keys_from(const kw_security_policy *policy, const uint8_t *raw, kw_sym_keys **out)
{
    const kw_bytes signing = {raw, policy->signing_key_len};
    const kw_bytes encrypting = {raw + signing.len, policy->encrypting_key_len};
    const kw_bytes iv = {encrypting.data + encrypting.len, policy->iv_len};
    return kw_sym_keys_from(policy, signing, encrypting, iv, out);
}

/*
 * ES-06: the HMAC first. Unusable KeyData goes on with keys of zeros and fails at the HMAC, so that the outcome of the RSA
 * operation does not show.
 */
static const char *check_mac(const kw_secret_open *how, const kw_rsa_envelope *e, kw_sym_keys **keys, kw_secret_format *format)
{
    kw_secret plain = KW_SECRET_NONE, raw = KW_SECRET_NONE;
    if (kw_status_is_bad(kw_secret_init(&raw, key_data_len(how->policy)))) {
        return "out of memory";
    }
    bool is_good = !kw_status_is_bad(kw_asym_decrypt(how->policy, how->receiver->key, e->key_data, KEY_DATA_BLOCKS_MAX, &plain));
    is_good = is_good && split_keys(how->policy, kw_secret_bytes(&plain), raw.data, format);
    if (!is_good) {
        kw_wipe(raw.data, raw.len);
    }
    const bool has_keys = !kw_status_is_bad(keys_from(how->policy, raw.data, keys));
    is_good = has_keys && kw_sym_verify(*keys, e->covered, e->mac) == KW_GOOD && is_good;
    kw_secret_clear(&plain);
    kw_secret_clear(&raw);
    return is_good ? NULL : "secret: KeyData or HMAC";
}

static const char *open_payload(const kw_secret_open *how, kw_sym_keys *keys, kw_bytes cipher, bool is_dotnet, kw_secret *secret)
{
    kw_secret plain = KW_SECRET_NONE;
    if (kw_status_is_bad(kw_secret_copy(&plain, cipher))) {
        return "out of memory";
    }
    const char *failure = "secret: decryption";
    if (!kw_status_is_bad(kw_sym_decrypt(keys, plain.data, plain.len))) {
        failure = kw_secret_take_payload(how, kw_secret_bytes(&plain), is_dotnet ? KW_ENDING_BYTE : KW_ENDING_UINT16, secret);
    }
    kw_secret_clear(&plain);
    return failure;
}

const char *kw_secret_rsa_open(const kw_secret_open *how, kw_bytes sealed, kw_secret *secret, kw_secret_facts *facts)
{
    kw_rsa_envelope envelope;
    kw_sym_keys *keys = NULL;
    if (how->receiver == NULL || how->receiver->key == NULL || how->policy->asym_encryption == KW_ASYM_ENC_NONE) {
        return "secret: no key to open it";
    }
    const char *failure = read_envelope(how, sealed, &envelope, facts);
    if (failure == NULL) {
        failure = check_signature(how, &envelope, facts);
    }
    if (failure == NULL) {
        failure = check_mac(how, &envelope, &keys, &facts->format);
    }
    if (failure == NULL) {
        failure = open_payload(how, keys, envelope.payload, facts->format == KW_SECRET_RSA_DOTNET, secret);
    }
    kw_sym_keys_free(keys);
    /* The HMAC ties it all together: nobody but who knows the keys inside can make another of it. */
    if (failure == NULL && kw_status_is_bad(kw_hash_of(KW_HASH_SHA256, &envelope.content, 1, facts->id))) {
        kw_secret_clear(secret);
        failure = "out of memory";
    }
    return failure;
}

/* --- sealing ---------------------------------------------------------------------------------------------------------- */

static kw_status encrypt_payload(const kw_seal *what, bool dotnet, kw_sym_keys *keys, kw_bytes *cipher)
{
    kw_secret plain = KW_SECRET_NONE;
    KW_TRY(kw_secret_make_payload(what, dotnet ? KW_ENDING_BYTE : KW_ENDING_UINT16, &plain));
    kw_status status = kw_sym_encrypt(keys, plain.data, plain.len);
    if (!kw_status_is_bad(status)) {
        *cipher = kw_arena_copy(what->arena, kw_secret_bytes(&plain)); /* encrypted by now */
        status = cipher->data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    }
    kw_secret_clear(&plain);
    return status;
}

static kw_status encrypt_keys(const kw_seal *what, bool dotnet, const uint8_t *raw, kw_bytes *cipher)
{
    const size_t lengths[] = {what->policy->signing_key_len, what->policy->encrypting_key_len, what->policy->iv_len};
    kw_secret plain = KW_SECRET_NONE;
    kw_writer w;
    KW_TRY(kw_secret_init(&plain, key_data_len(what->policy) + (dotnet ? 4 : 12)));
    kw_writer_init_fixed(&w, plain.data, plain.len);
    if (dotnet) {
        kw_write_bytes(&w, (kw_bytes){raw, key_data_len(what->policy)});
    } else {
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            kw_write_bytes(&w, (kw_bytes){raw, lengths[i]});
            raw += lengths[i];
        }
    }
    kw_status status = kw_writer_status(&w);
    if (!kw_status_is_bad(status)) {
        status = kw_asym_encrypt(what->policy, kw_certificate_public_key(what->receiver), kw_secret_bytes(&plain), what->arena, cipher);
    }
    kw_secret_clear(&plain);
    return status;
}

static kw_status append_signature(const kw_seal *what, kw_bytes content, uint8_t *end)
{
    kw_bytes signature;
    KW_TRY(kw_asym_sign(what->policy, what->signer->key, &content, 1, what->arena, &signature));
    memcpy(end, signature.data, signature.len);
    return KW_GOOD;
}

/* ES-04: header, KeyData, payload, the HMAC over all of it, and the signature over all of that. */
static kw_status assemble(const kw_seal *what, kw_bytes key_data, kw_bytes payload, kw_sym_keys *keys, kw_bytes *sealed)
{
    const kw_bytes certificate =
        what->signer != NULL ? kw_certificate_chain(what->signer->certificate) : kw_certificate_thumbprint(what->receiver);
    const size_t signature = what->signer != NULL ? kw_private_key_size(what->signer->key) : 0;
    const size_t end = what->policy->mac_len + signature;
    const size_t body = kw_secret_header_len(what, certificate) + 2 + key_data.len + payload.len + end;
    const size_t total = KW_SECRET_PREFIX + body;
    uint8_t *out = kw_arena_alloc(what->arena, total);
    kw_writer w;
    if (out == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_writer_init_fixed(&w, out, total - end);
    kw_secret_write_header(&w, what, KW_SECRET_TYPE_RSA, body, certificate);
    kw_write_u16(&w, (uint16_t)key_data.len);
    kw_write_raw(&w, key_data);
    kw_write_raw(&w, payload);
    KW_TRY(kw_writer_status(&w));
    KW_TRY(kw_sym_sign(keys, kw_writer_bytes(&w), out + w.len));
    *sealed = (kw_bytes){out, total};
    return what->signer != NULL ? append_signature(what, (kw_bytes){out, total - signature}, out + total - signature) : KW_GOOD;
}

kw_status kw_secret_rsa_seal(const kw_seal *what, bool dotnet, kw_bytes *sealed)
{
    kw_secret raw = KW_SECRET_NONE;
    kw_sym_keys *keys = NULL;
    kw_bytes key_data, payload;
    kw_status status = KW_GOOD;
    KW_GOTO(done, kw_secret_init(&raw, key_data_len(what->policy)));
    KW_GOTO(done, kw_random_fill(what->random, raw.data, raw.len));
    KW_GOTO(done, keys_from(what->policy, raw.data, &keys));
    KW_GOTO(done, encrypt_keys(what, dotnet, raw.data, &key_data));
    KW_GOTO(done, encrypt_payload(what, dotnet, keys, &payload));
    KW_GOTO(done, assemble(what, key_data, payload, keys, sealed));
done:
    kw_sym_keys_free(keys);
    kw_secret_clear(&raw);
    return status;
}
