/*
 * EccEncryptedSecret. OPC 10000-4, 7.40.2.5: for an EphemeralKey that the receiver gave out, signed with a long-term key of the sender.
 *
 * Under AEAD policies all stacks write the same. Under those with AES-CBC the .NET stack puts one more block behind the padding; it is
 * taken, too. That is safe because the signature covers everything and is checked before anything is decrypted.
 */
#include "base/secret.h"
#include "base/try.h"
#include "crypto/ephemeral.h"
#include "crypto/symmetric.h"
#include "identity/secret_internal.h"

#include <string.h>

#define LABEL "opcua-secret"
#define BLOCK 16u      /* the payload is padded to these whatever the cipher */
#define INFO_MAX 1024u /* the label and two public keys */

typedef struct kw_ecc_envelope {
    kw_bytes sender, receiver; /* public keys */
    kw_bytes head;             /* everything before the payload */
    kw_bytes payload;          /* encrypted */
    kw_bytes tag;              /* of an AEAD; null without */
    kw_bytes content;          /* everything that is signed */
    kw_bytes signature;
} kw_ecc_envelope;

/* --- the keys of one secret --------------------------------------------------------------------------------------------- */

/* L ‖ "opcua-secret" ‖ SenderPublicKey ‖ ReceiverPublicKey, both as salt and as info; the key comes first, then the IV. */
static kw_status derive(const kw_security_policy *policy, kw_bytes shared, kw_bytes sender, kw_bytes receiver, kw_secret *keys)
{
    const size_t len = policy->encrypting_key_len + policy->iv_len;
    uint8_t bytes[INFO_MAX];
    kw_writer w;
    kw_writer_init_fixed(&w, bytes, sizeof(bytes));
    kw_write_u16(&w, (uint16_t)len);
    kw_write_raw(&w, KW_STRING(LABEL));
    kw_write_raw(&w, sender);
    kw_write_raw(&w, receiver);
    KW_TRY(kw_writer_status(&w));
    KW_TRY(kw_secret_init(keys, len));
    const kw_status status = kw_hkdf(policy->kdf, shared, kw_writer_bytes(&w), kw_writer_bytes(&w), keys->data, keys->len);
    if (kw_status_is_bad(status)) {
        kw_secret_clear(keys);
    }
    return status;
}

static kw_bytes key_in(const kw_security_policy *policy, const kw_secret *keys)
{
    return (kw_bytes){keys->data, policy->encrypting_key_len};
}

static kw_bytes iv_in(const kw_security_policy *policy, const kw_secret *keys)
{
    return (kw_bytes){keys->data + policy->encrypting_key_len, policy->iv_len};
}

/* Without a tag: AES-CBC, which authenticates nothing; the signature does. */
static kw_status run_cbc(const kw_security_policy *policy, const kw_secret *keys, kw_secret *payload,
                         kw_status (*run)(kw_sym_keys *keys, uint8_t *data, size_t len))
{
    kw_sym_keys *cipher = NULL;
    KW_TRY(kw_sym_keys_from(policy, KW_BYTES_NULL, key_in(policy, keys), iv_in(policy, keys), &cipher));
    const kw_status status = run(cipher, payload->data, payload->len);
    kw_sym_keys_free(cipher);
    return status;
}

static kw_status decrypt(const kw_security_policy *policy, const kw_secret *keys, kw_bytes head, kw_bytes tag, kw_secret *payload)
{
    return policy->tag_len > 0
               ? kw_aead_open(policy->cipher, key_in(policy, keys), iv_in(policy, keys), head, payload->data, payload->len, tag)
               : run_cbc(policy, keys, payload, kw_sym_decrypt);
}

static kw_status encrypt(const kw_security_policy *policy, const kw_secret *keys, kw_bytes head, kw_secret *payload, uint8_t *tag)
{
    return policy->tag_len > 0
               ? kw_aead_seal(policy->cipher, key_in(policy, keys), iv_in(policy, keys), head, payload->data, payload->len, tag)
               : run_cbc(policy, keys, payload, kw_sym_encrypt);
}

/* --- opening ---------------------------------------------------------------------------------------------------------- */

/* ES-09. In a Session with security the application has been proven, and nobody else signs; without one the gate says who may. */
static const char *find_signer(const kw_secret_open *how, kw_bytes certificate, kw_secret_facts *facts)
{
    if (certificate.len == 0) {
        facts->signer = how->sender != NULL ? kw_certificate_retain((kw_certificate *)how->sender) : NULL;
        return facts->signer != NULL ? NULL : "secret: nobody knows who signed it";
    }
    if (kw_status_is_bad(kw_certificate_parse(certificate, &facts->signer))) {
        return "secret: unreadable certificate";
    }
    const bool must_be_sender = how->sender != NULL && !how->takes_signature;
    const bool is_sender = how->sender != NULL && kw_bytes_equal(kw_certificate_der(facts->signer), kw_certificate_der(how->sender));
    return must_be_sender && !is_sender ? "secret: signed by somebody else" : NULL;
}

static bool can_sign(const kw_security_policy *policy, const kw_certificate *signer)
{
    const kw_public_key *key = kw_certificate_public_key(signer);
    return kw_security_policy_takes_key(policy, kw_public_key_type(key), kw_public_key_bits(key));
}

static const char *read_keys(kw_reader *r, kw_ecc_envelope *out)
{
    kw_reader keys = kw_reader_of(kw_read_raw(r, kw_read_u16(r)));
    out->sender = kw_read_bytes(&keys);
    out->receiver = kw_read_bytes(&keys);
    const bool is_whole =
        !kw_status_is_bad(kw_reader_status(r)) && !kw_status_is_bad(kw_reader_status(&keys)) && kw_reader_left(&keys) == 0;
    return is_whole ? NULL : "secret: KeyData";
}

static const char *read_envelope(const kw_secret_open *how, kw_bytes sealed, kw_ecc_envelope *out, kw_secret_facts *facts)
{
    kw_reader r = kw_reader_of(sealed);
    kw_bytes certificate = KW_BYTES_NULL;
    const char *failure = kw_secret_read_header(how, KW_SECRET_TYPE_ECC, &r, &certificate, facts);
    if (failure == NULL) {
        failure = find_signer(how, certificate, facts);
    }
    if (failure == NULL) {
        failure = read_keys(&r, out);
    }
    if (failure != NULL) {
        return failure;
    }
    const size_t left = kw_reader_left(&r);
    const size_t signature = kw_public_key_size(kw_certificate_public_key(facts->signer));
    const size_t end = how->policy->tag_len + signature;
    if (left <= end || (left - end) % BLOCK != 0) {
        return "secret: lengths";
    }
    out->head = (kw_bytes){sealed.data, sealed.len - left};
    out->payload = kw_read_raw(&r, left - end);
    out->tag = kw_read_raw(&r, how->policy->tag_len);
    out->signature = kw_read_raw(&r, signature);
    out->content = (kw_bytes){sealed.data, sealed.len - signature};
    return NULL;
}

/* ES-06: before our own key is used. */
static const char *check_signature(const kw_secret_open *how, const kw_ecc_envelope *e, const kw_secret_facts *facts)
{
    const bool is_good = can_sign(how->policy, facts->signer) &&
                         kw_asym_verify(how->policy, kw_certificate_public_key(facts->signer), &e->content, 1, e->signature) == KW_GOOD;
    return is_good ? NULL : KW_SECRET_MISSIGNED;
}

/* ES-10. It stays taken until it is known whether the secret is good. */
static const char *take_key(const kw_secret_open *how, const kw_ecc_envelope *e)
{
    const kw_receiver_key *key = how->use != NULL ? how->use->key : NULL;
    if (key == NULL || kw_receiver_key_policy(key)->ephemeral != how->policy->ephemeral ||
        !kw_bytes_equal(e->receiver, kw_receiver_key_public(key))) {
        return "secret: for a key that was not given out here";
    }
    return kw_receiver_key_take(how->use) ? NULL : "secret: for a key that is used up";
}

static const char *open_payload(const kw_secret_open *how, const kw_ecc_envelope *e, kw_secret *secret)
{
    kw_secret shared = KW_SECRET_NONE, keys = KW_SECRET_NONE, plain = KW_SECRET_NONE;
    const kw_secret_ending ending = how->policy->tag_len > 0 ? KW_ENDING_UINT16 : KW_ENDING_UINT16_OR_MORE;
    const char *failure = "secret: key agreement";
    if (!kw_status_is_bad(kw_receiver_key_agree(how->use->key, e->sender, &shared)) &&
        !kw_status_is_bad(derive(how->policy, kw_secret_bytes(&shared), e->sender, e->receiver, &keys))) {
        const bool is_open = !kw_status_is_bad(kw_secret_copy(&plain, e->payload)) &&
                             !kw_status_is_bad(decrypt(how->policy, &keys, e->head, e->tag, &plain));
        failure = is_open ? kw_secret_take_payload(how, kw_secret_bytes(&plain), ending, secret) : "secret: decryption";
    }
    kw_secret_clear(&keys);
    kw_secret_clear(&shared);
    kw_secret_clear(&plain);
    return failure;
}

const char *kw_secret_ecc_open(const kw_secret_open *how, kw_bytes sealed, kw_secret *secret, kw_secret_facts *facts)
{
    kw_ecc_envelope envelope;
    if (how->policy->ephemeral == KW_EPHEMERAL_NONE) {
        return "secret: not of this SecurityPolicy";
    }
    const char *failure = read_envelope(how, sealed, &envelope, facts);
    if (failure == NULL) {
        failure = check_signature(how, &envelope, facts);
    }
    if (failure == NULL) {
        failure = take_key(how, &envelope);
    }
    if (failure == NULL) {
        failure = open_payload(how, &envelope, secret);
    }
    /* Without the signature, of which a key can make many for the same content. */
    if (failure == NULL && kw_status_is_bad(kw_hash_of(KW_HASH_SHA256, &envelope.content, 1, facts->id))) {
        kw_secret_clear(secret);
        failure = "out of memory";
    }
    return failure;
}

/* --- sealing ---------------------------------------------------------------------------------------------------------- */

static kw_status write_head(const kw_seal *what, kw_bytes sender, size_t rest, kw_bytes certificate, kw_writer *w)
{
    const size_t key_data = 4 + sender.len + 4 + what->receiver_key.len;
    kw_secret_write_header(w, what, KW_SECRET_TYPE_ECC, kw_secret_header_len(what, certificate) + 2 + key_data + rest, certificate);
    kw_write_u16(w, (uint16_t)key_data);
    kw_write_bytes(w, sender);
    kw_write_bytes(w, what->receiver_key);
    return kw_writer_status(w);
}

/* ES-04: header, keys, payload with its tag, and the signature over all of it. */
static kw_status assemble(const kw_seal *what, kw_bytes sender, const kw_secret *keys, kw_secret *plain, kw_bytes *sealed)
{
    const kw_bytes certificate = kw_certificate_chain(what->signer->certificate);
    const size_t signature_len = kw_private_key_size(what->signer->key), tag_len = what->policy->tag_len;
    const size_t rest = plain->len + tag_len + signature_len;
    const size_t head_len = KW_SECRET_PREFIX + kw_secret_header_len(what, certificate) + 2 + 4 + sender.len + 4 + what->receiver_key.len;
    uint8_t *out = kw_arena_alloc(what->arena, head_len + rest);
    kw_bytes signature;
    kw_writer w;
    if (out == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_writer_init_fixed(&w, out, head_len);
    KW_TRY(write_head(what, sender, rest, certificate, &w));
    uint8_t *end = out + head_len + plain->len;
    KW_TRY(encrypt(what->policy, keys, kw_writer_bytes(&w), plain, end));
    memcpy(out + head_len, plain->data, plain->len);
    const kw_bytes content = {out, head_len + plain->len + tag_len};
    KW_TRY(kw_asym_sign(what->policy, what->signer->key, &content, 1, what->arena, &signature));
    if (signature.len != signature_len) {
        return KW_BAD_UNEXPECTED_ERROR;
    }
    memcpy(end + tag_len, signature.data, signature.len);
    *sealed = (kw_bytes){out, head_len + rest};
    return KW_GOOD;
}

kw_status kw_secret_ecc_seal(const kw_seal *what, bool dotnet, kw_bytes *sealed)
{
    const bool has_more = dotnet && what->policy->tag_len == 0;
    kw_ephemeral_key *pair = NULL;
    kw_secret shared = KW_SECRET_NONE, keys = KW_SECRET_NONE, plain = KW_SECRET_NONE;
    kw_status status = KW_GOOD;
    KW_GOTO(done, kw_ephemeral_key_generate(what->policy, &pair));
    const kw_bytes sender = kw_ephemeral_key_public(pair);
    KW_GOTO(done, kw_ephemeral_key_agree(pair, what->receiver_key, &shared));
    KW_GOTO(done, derive(what->policy, kw_secret_bytes(&shared), sender, what->receiver_key, &keys));
    KW_GOTO(done, kw_secret_make_payload(what, has_more ? KW_ENDING_UINT16_OR_MORE : KW_ENDING_UINT16, &plain));
    KW_GOTO(done, assemble(what, sender, &keys, &plain, sealed));
done:
    kw_ephemeral_key_free(pair);
    kw_secret_clear(&keys);
    kw_secret_clear(&shared);
    kw_secret_clear(&plain);
    return status;
}
