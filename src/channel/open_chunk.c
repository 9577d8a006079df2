/*
 * The one chunk of an OpenSecureChannel message: signed with our key, encrypted block by block with the peer's. OPC 10000-6, 6.7.2.
 *
 * Where keys are agreed on there is nothing to hide: signed, and neither padded nor encrypted.
 * With policy None the same structure goes without certificates, padding, signature and encryption.
 */
#include "channel/channel_internal.h"

#include <string.h>

enum { CHANNEL_ID_AT = KW_TCP_HEADER };

static bool is_encrypted(const kw_security_policy *policy)
{
    return policy->asym_encryption != KW_ASYM_ENC_NONE;
}

bool kw_open_takes_certificate(const kw_security_policy *policy, const kw_certificate *certificate)
{
    const kw_public_key *key = kw_certificate_public_key(certificate);
    return kw_security_policy_takes_key(policy, kw_public_key_type(key), kw_public_key_bits(key));
}

kw_status kw_open_header_parse(kw_bytes chunk, kw_open_header *out)
{
    kw_reader r = kw_reader_of(chunk);
    kw_read_raw(&r, CHANNEL_ID_AT);
    out->channel_id = kw_read_u32(&r);
    out->policy_uri = kw_read_bytes(&r);
    out->sender = kw_read_bytes(&r);
    out->thumbprint = kw_read_bytes(&r);
    out->size = chunk.len - kw_reader_left(&r);
    KW_TRY(kw_reader_status(&r));
    return out->policy_uri.len <= KW_POLICY_URI_MAX ? KW_GOOD : KW_BAD_DECODING_ERROR;
}

kw_status kw_open_header_check(const kw_open_header *header, size_t chunk_size, const kw_open_parties *parties)
{
    if (parties->policy->is_none) {
        return KW_GOOD;
    }
    /* meant for us and nobody else. */
    if (header->thumbprint.len != KW_THUMBPRINT_LEN ||
        !kw_secret_equal(header->thumbprint, kw_certificate_thumbprint(parties->own.certificate))) {
        return KW_BAD_CERTIFICATE_INVALID;
    }
    if (!is_encrypted(parties->policy)) {
        return KW_GOOD;
    }
    /* blocks are counted before the first is decrypted. */
    const size_t cipher = chunk_size - header->size;
    const size_t block = kw_private_key_size(parties->own.key);
    if (cipher == 0 || cipher % block != 0 || cipher / block > KW_OPEN_MAX_BLOCKS) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    return KW_GOOD;
}

void kw_open_parties_retain(kw_open_parties *parties)
{
    if (parties->own.certificate != NULL) {
        kw_certificate_retain(parties->own.certificate);
        kw_private_key_retain(parties->own.key);
    }
    if (parties->peer != NULL) {
        kw_certificate_retain(parties->peer);
    }
}

void kw_open_parties_release(kw_open_parties *parties)
{
    if (parties->own.certificate != NULL) {
        kw_certificate_release(parties->own.certificate);
        kw_private_key_release(parties->own.key);
    }
    if (parties->peer != NULL) {
        kw_certificate_release(parties->peer);
    }
    *parties = (kw_open_parties){0};
}

void kw_open_signature_take(kw_bytes chunk, size_t len, kw_open_signature *out)
{
    out->len = len <= chunk.len && len <= sizeof out->data ? len : 0;
    memcpy(out->data, chunk.data + chunk.len - out->len, out->len);
}

kw_bytes kw_open_signature_bytes(const kw_open_signature *signature)
{
    return (kw_bytes){signature->data, signature->len};
}

/* What the sizes of the two keys make of a message. The signature has the signer's size, the blocks have the receiver's. */
typedef struct open_shape {
    size_t signature;
    size_t padding_fields; /* PaddingSize and, for a large key, ExtraPaddingSize */
    size_t padding;
    size_t plain, cipher;
} open_shape;

static open_shape shape_of(const kw_open_parties *parties, size_t body)
{
    open_shape shape = {0};
    if (parties->policy->is_none) {
        shape.plain = shape.cipher = KW_SEQUENCE_HEADER + body;
        return shape;
    }
    shape.signature = kw_private_key_size(parties->own.key);
    if (!is_encrypted(parties->policy)) {
        shape.plain = shape.cipher = KW_SEQUENCE_HEADER + body + shape.signature;
        return shape;
    }
    const kw_public_key *peer_key = kw_certificate_public_key(parties->peer);
    const size_t block = kw_public_key_size(peer_key) - parties->policy->asym_overhead;
    shape.padding_fields = kw_public_key_size(peer_key) > KW_LARGE_KEY ? 2 : 1;
    const size_t unpadded = KW_SEQUENCE_HEADER + body + shape.padding_fields + shape.signature;
    shape.padding = (block - unpadded % block) % block;
    shape.plain = unpadded + shape.padding;
    shape.cipher = kw_asym_encrypted_size(parties->policy, peer_key, shape.plain);
    return shape;
}

static void header_write(kw_writer *w, const kw_open_parties *parties, uint32_t channel_id, kw_bytes sender)
{
    kw_frame_header_write(w, KW_FRAME_OPN, 'F');
    kw_write_u32(w, channel_id);
    kw_write_bytes(w, kw_string_from(parties->policy->uri));
    kw_write_bytes(w, sender);
    kw_write_bytes(w, parties->policy->is_none ? KW_BYTES_NULL : kw_certificate_thumbprint(parties->peer));
}

static void plain_write(kw_writer *w, const kw_open_plain *plain, const open_shape *shape)
{
    kw_write_u32(w, plain->sequence);
    kw_write_u32(w, plain->request_id);
    kw_write_raw(w, plain->body);
    if (shape->padding_fields == 0) {
        return;
    }
    uint8_t *p = kw_writer_extend(w, 1 + shape->padding);
    if (p != NULL) {
        memset(p, (int)(shape->padding & 0xFF), 1 + shape->padding);
    }
    if (shape->padding_fields == 2) {
        kw_write_u8(w, (uint8_t)(shape->padding >> 8));
    }
}

static kw_status protect(const kw_open_parties *parties, kw_bytes header, kw_writer *w, kw_arena *arena, kw_bytes *cipher)
{
    KW_TRY(kw_writer_status(w));
    if (parties->policy->is_none) {
        *cipher = kw_writer_bytes(w);
        return KW_GOOD;
    }
    const kw_bytes parts[] = {header, kw_writer_bytes(w), parties->request_signature};
    kw_bytes signature;
    KW_TRY(kw_asym_sign(parties->policy, parties->own.key, parts, 3, arena, &signature));
    kw_write_raw(w, signature);
    KW_TRY(kw_writer_status(w));
    if (!is_encrypted(parties->policy)) {
        *cipher = kw_writer_bytes(w);
        return KW_GOOD;
    }
    return kw_asym_encrypt(parties->policy, kw_certificate_public_key(parties->peer), kw_writer_bytes(w), arena, cipher);
}

/* The chain when it fits: a receiver may need the issuers to judge us. */
static kw_bytes sender_that_fits(const kw_open_parties *parties, size_t room)
{
    if (parties->policy->is_none) {
        return KW_BYTES_NULL;
    }
    const kw_bytes chain = kw_certificate_chain(parties->own.certificate);
    return chain.len <= room ? chain : kw_certificate_der(parties->own.certificate);
}

kw_status kw_open_chunk_seal(const kw_open_parties *parties, uint32_t channel_id, const kw_open_plain *plain, size_t max_size,
                             kw_arena *arena, kw_bytes *chunk)
{
    const open_shape shape = shape_of(parties, plain->body.len);
    kw_status status;
    kw_writer out, inner;
    kw_secret memory = KW_SECRET_NONE;
    uint8_t *data = kw_arena_alloc(arena, max_size);
    if (data == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_GOTO(done, kw_secret_init(&memory, shape.plain));
    kw_writer_init_fixed(&inner, memory.data, memory.len);
    kw_writer_init_fixed(&out, data, max_size);

    const size_t fixed = KW_CHUNK_HEADER + 4 + strlen(parties->policy->uri) + 4 + 4 + KW_THUMBPRINT_LEN + shape.cipher;
    header_write(&out, parties, channel_id, sender_that_fits(parties, max_size > fixed ? max_size - fixed : 0));
    KW_GOTO(done, kw_writer_status(&out));
    /* MessageSize is signed, so it is known before there is a ciphertext. */
    kw_writer_patch_u32(&out, 4, (uint32_t)(out.len + shape.cipher));

    plain_write(&inner, plain, &shape);
    kw_bytes cipher;
    KW_GOTO(done, protect(parties, kw_writer_bytes(&out), &inner, arena, &cipher));
    kw_write_raw(&out, cipher);
    KW_GOTO(done, kw_writer_status(&out));
    *chunk = kw_writer_bytes(&out);
done:
    kw_secret_clear(&memory);
    return status;
}

/* What is left of the plain text without signature and padding. The signature is known to be right. */
static kw_status padding_strip(size_t own_key_size, kw_bytes *plain)
{
    const size_t fields = own_key_size > KW_LARGE_KEY ? 2 : 1;
    if (plain->len < KW_SEQUENCE_HEADER + fields) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    const uint8_t *end = plain->data + plain->len;
    const uint8_t high = fields == 2 ? end[-1] : 0;
    const uint8_t low = fields == 2 ? end[-2] : end[-1]; /* the last byte of padding, or PaddingSize itself, has its value */
    const size_t count = (size_t)high << 8 | low;
    if (count + fields > plain->len - KW_SEQUENCE_HEADER) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    for (const uint8_t *p = end - fields - count; p < end - (fields - 1); p++) {
        if (*p != low) {
            return KW_BAD_SECURITY_CHECKS_FAILED;
        }
    }
    plain->len -= count + fields;
    return KW_GOOD;
}

static kw_status unprotect(const kw_open_parties *parties, kw_bytes chunk, size_t header_size, kw_secret *memory, kw_bytes *plain)
{
    const kw_bytes cipher = {chunk.data + header_size, chunk.len - header_size};
    if (parties->policy->is_none) {
        KW_TRY(kw_secret_copy(memory, cipher));
        *plain = kw_secret_bytes(memory);
        return KW_GOOD;
    }
    if (is_encrypted(parties->policy)) {
        KW_TRY(kw_asym_decrypt(parties->policy, parties->own.key, cipher, KW_OPEN_MAX_BLOCKS, memory));
    } else {
        KW_TRY(kw_secret_copy(memory, cipher));
    }
    const kw_public_key *peer_key = kw_certificate_public_key(parties->peer);
    const size_t signature_len = kw_public_key_size(peer_key);
    if (memory->len < signature_len) {
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    *plain = (kw_bytes){memory->data, memory->len - signature_len};
    const kw_bytes parts[] = {{chunk.data, header_size}, *plain, parties->request_signature};
    KW_TRY(kw_asym_verify(parties->policy, peer_key, parts, 3, (kw_bytes){memory->data + plain->len, signature_len}));
    return is_encrypted(parties->policy) ? padding_strip(kw_private_key_size(parties->own.key), plain) : KW_GOOD;
}

kw_status kw_open_chunk_unseal(const kw_open_parties *parties, kw_bytes chunk, const kw_open_header *header, kw_open_plain *out)
{
    kw_secret memory = KW_SECRET_NONE;
    kw_bytes plain = KW_BYTES_NULL;
    kw_status status = unprotect(parties, chunk, header->size, &memory, &plain);
    kw_reader r = kw_reader_of(plain);
    const uint32_t sequence = kw_read_u32(&r);
    const uint32_t request_id = kw_read_u32(&r);
    if (kw_status_is_bad(status) || kw_status_is_bad(kw_reader_status(&r))) {
        kw_secret_clear(&memory);
        return KW_BAD_SECURITY_CHECKS_FAILED;
    }
    *out = (kw_open_plain){.bytes = memory, .sequence = sequence, .request_id = request_id, .body = {r.p, kw_reader_left(&r)}};
    return KW_GOOD;
}
