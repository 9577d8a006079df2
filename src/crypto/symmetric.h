/* Hashes, HMAC, P_HASH, HKDF, and the symmetric side of a SecurityPolicy. Keyed contexts are made once and used for many chunks. */
#ifndef KW_CRYPTO_SYMMETRIC_H
#define KW_CRYPTO_SYMMETRIC_H

#include "base/secret.h"
#include "crypto/policy.h"

#define KW_HASH_MAX 64
#define KW_AEAD_TAG 16
#define KW_AEAD_IV 12

size_t kw_hash_len(kw_hash hash);
kw_status kw_hash_of(kw_hash hash, const kw_bytes *parts, size_t count, uint8_t *out);
kw_status kw_hmac_of(kw_hash hash, kw_bytes key, const kw_bytes *parts, size_t count, uint8_t *out);
/* P_HASH of TLS 1.2. OPC 10000-6, 6.7.5. */
kw_status kw_p_hash(kw_hash hash, kw_bytes secret, kw_bytes seed, uint8_t *out, size_t len);

/* RFC 5869, extract and expand. */
kw_status kw_hkdf(kw_hash hash, kw_bytes secret, kw_bytes salt, kw_bytes info, uint8_t *out, size_t len);

/*
 * One message of an authenticating cipher, with its own key: for an EncryptedSecret. Data in place, any length; the IV has KW_AEAD_IV
 * bytes and must never serve the same key twice.
 */
kw_status kw_aead_seal(kw_sym_cipher cipher, kw_bytes key, kw_bytes iv, kw_bytes aad, uint8_t *data, size_t len, uint8_t tag[KW_AEAD_TAG]);
/* Bad_SecurityChecksFailed, and nothing of the plain text is left in data. */
kw_status kw_aead_open(kw_sym_cipher cipher, kw_bytes key, kw_bytes iv, kw_bytes aad, uint8_t *data, size_t len, kw_bytes tag);

/* Keys of one direction of a SecureChannel (or of an EncryptedSecret). */
typedef struct kw_sym_keys kw_sym_keys;

/* Derive from nonces: secret and seed as in OPC 10000-6, table of 6.7.5. */
kw_status kw_sym_keys_derive(const kw_security_policy *policy, kw_bytes secret, kw_bytes seed, kw_sym_keys **out);
/*
 * Derive from an agreement (OPC 10000-6, 6.8.1): HKDF with salt and info UInt16(length of the keys) ‖ label ‖ first ‖ second. The label
 * is "opcua-client" or "opcua-server", first the public key of who sends with these keys, second the other's.
 */
kw_status kw_sym_keys_agree(const kw_security_policy *policy, kw_bytes shared, kw_string label, kw_bytes first, kw_bytes second,
                            kw_sym_keys **out);
/* From raw key material (of an EncryptedSecret). No signing key: nothing is signed with them. */
kw_status kw_sym_keys_from(const kw_security_policy *policy, kw_bytes signing, kw_bytes encrypting, kw_bytes iv, kw_sym_keys **out);
void kw_sym_keys_free(kw_sym_keys *keys); /* wipes; NULL is fine */
/* HMAC over data; mac_len bytes to out. */
kw_status kw_sym_sign(kw_sym_keys *keys, kw_bytes data, uint8_t *out);
/* Constant time; Bad_SecurityChecksFailed. */
kw_status kw_sym_verify(kw_sym_keys *keys, kw_bytes data, kw_bytes mac);
/* CBC in place, whole blocks, no padding, always from the derived IV. */
kw_status kw_sym_encrypt(kw_sym_keys *keys, uint8_t *data, size_t len);
kw_status kw_sym_decrypt(kw_sym_keys *keys, uint8_t *data, size_t len);
/*
 * Authenticating cipher, in place. The nonce is the derived IV, masked with the chunk's TokenId and the number of the chunk before it
 * (OPC 10000-6, 6.7.2). kw_sym_seal refuses (Bad_SequenceNumberInvalid) a number that is not after the one it had last, all the way
 * round: one nonce seals one chunk.
 */
kw_status kw_sym_seal(kw_sym_keys *keys, uint32_t token_id, uint32_t last_sequence, kw_bytes aad, uint8_t *data, size_t len,
                      uint8_t tag[KW_AEAD_TAG]);
kw_status kw_sym_open(kw_sym_keys *keys, uint32_t token_id, uint32_t last_sequence, kw_bytes aad, uint8_t *data, size_t len, kw_bytes tag);

#endif
