/* Hashes, HMAC, P_HASH, and the symmetric side of a SecurityPolicy. Keyed contexts are made once and used for many chunks. */
#ifndef KW_CRYPTO_SYMMETRIC_H
#define KW_CRYPTO_SYMMETRIC_H

#include "base/secret.h"
#include "crypto/policy.h"

#define KW_HASH_MAX 64

size_t kw_hash_len(kw_hash hash);
kw_status kw_hash_of(kw_hash hash, const kw_bytes *parts, size_t count, uint8_t *out);
kw_status kw_hmac_of(kw_hash hash, kw_bytes key, const kw_bytes *parts, size_t count, uint8_t *out);
/* P_HASH of TLS 1.2. OPC 10000-6, 6.7.5. */
kw_status kw_p_hash(kw_hash hash, kw_bytes secret, kw_bytes seed, uint8_t *out, size_t len);

/* Keys of one direction of a SecureChannel (or of an EncryptedSecret). */
typedef struct kw_sym_keys kw_sym_keys;

/* Derive from nonces: secret and seed as in OPC 10000-6, table of 6.7.5. */
kw_status kw_sym_keys_derive(const kw_security_policy *policy, kw_bytes secret, kw_bytes seed, kw_sym_keys **out);
/* From raw key material (RsaEncryptedSecret). */
kw_status kw_sym_keys_from(const kw_security_policy *policy, kw_bytes signing, kw_bytes encrypting, kw_bytes iv, kw_sym_keys **out);
void kw_sym_keys_free(kw_sym_keys *keys); /* wipes; NULL is fine */
/* HMAC over data; mac_len bytes to out. */
kw_status kw_sym_sign(kw_sym_keys *keys, kw_bytes data, uint8_t *out);
/* Constant time; Bad_SecurityChecksFailed. */
kw_status kw_sym_verify(kw_sym_keys *keys, kw_bytes data, kw_bytes mac);
/* CBC in place, whole blocks, no padding, always from the derived IV. */
kw_status kw_sym_encrypt(kw_sym_keys *keys, uint8_t *data, size_t len);
kw_status kw_sym_decrypt(kw_sym_keys *keys, uint8_t *data, size_t len);

#endif
