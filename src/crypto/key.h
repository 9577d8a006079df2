/*
 * Asymmetric keys and what a SecurityPolicy does with them. Private keys are immutable and may be used by several threads at once.
 */
#ifndef KW_CRYPTO_KEY_H
#define KW_CRYPTO_KEY_H

#include "base/arena.h"
#include "base/secret.h"
#include "crypto/policy.h"

typedef struct kw_private_key kw_private_key;
typedef struct kw_public_key kw_public_key;

kw_status kw_private_key_generate(kw_key_type type, uint32_t bits /* RSA only */, kw_private_key **out);
/* PEM (PKCS#8, encrypted or not, or traditional) or DER. Bad_SecurityChecksFailed: wrong passphrase; Bad_DecodingError: not a key. */
kw_status kw_private_key_load(kw_bytes encoded, kw_bytes passphrase, kw_private_key **out);
kw_status kw_private_key_load_file(const char *path, kw_bytes passphrase,
                                   kw_private_key **out); /* refuses a file that group or others may read: Bad_SecurityChecksFailed */
/* PEM, PKCS#8; encrypted (AES-256-CBC, PBKDF2) when passphrase is not null. */
kw_status kw_private_key_to_pem(const kw_private_key *key, kw_bytes passphrase, kw_secret *out);
kw_private_key *kw_private_key_retain(kw_private_key *key);
void kw_private_key_release(kw_private_key *key); /* NULL is fine */
kw_key_type kw_private_key_type(const kw_private_key *key);
/* For TLS, which OpenSSL does by itself; borrowed. */
struct evp_pkey_st *kw_private_key_evp(const kw_private_key *key);
size_t kw_private_key_size(const kw_private_key *key); /* bytes of the modulus or of a signature */
uint32_t kw_private_key_bits(const kw_private_key *key);

/* SubjectPublicKeyInfo DER or PEM. */
kw_status kw_public_key_load(kw_bytes encoded, kw_public_key **out);
kw_status kw_public_key_of(const kw_private_key *key, kw_public_key **out);
/* From the numbers of a JWK, big-endian. Bad_SecurityChecksFailed: even or small exponent, off-curve point, size out of 2048…8192 bits. */
kw_status kw_public_key_from_rsa(kw_bytes modulus, kw_bytes exponent, kw_public_key **out);
kw_status kw_public_key_from_ec(kw_key_type curve, kw_bytes x, kw_bytes y, kw_public_key **out);
kw_status kw_public_key_from_eddsa(kw_key_type curve, kw_bytes x, kw_public_key **out);
kw_public_key *kw_public_key_retain(kw_public_key *key);
void kw_public_key_release(kw_public_key *key);
kw_key_type kw_public_key_type(const kw_public_key *key);
uint32_t kw_public_key_bits(const kw_public_key *key);
size_t kw_public_key_size(const kw_public_key *key);
/* The numbers for a JWK. */
kw_status kw_public_key_rsa_numbers(const kw_public_key *key, kw_arena *arena, kw_bytes *modulus, kw_bytes *exponent);
kw_status kw_public_key_ec_point(const kw_public_key *key, kw_arena *arena, kw_bytes *x, kw_bytes *y);
kw_status kw_public_key_eddsa_point(const kw_public_key *key, kw_arena *arena, kw_bytes *x); /* as RFC 8032 encodes it */

/* Sign the concatenation of parts with the policy's asymmetric algorithm. Slow (RSA private): for jobs. Result in the arena. */
kw_status kw_asym_sign(const kw_security_policy *policy, const kw_private_key *key, const kw_bytes *parts, size_t count, kw_arena *arena,
                       kw_bytes *signature);
/* Bad_SecurityChecksFailed when it does not verify, whatever the reason. */
kw_status kw_asym_verify(const kw_security_policy *policy, const kw_public_key *key, const kw_bytes *parts, size_t count,
                         kw_bytes signature);
/* Block-wise RSA: plain is cut in blocks of (modulus − overhead). */
size_t kw_asym_encrypted_size(const kw_security_policy *policy, const kw_public_key *key, size_t plain_len);
kw_status kw_asym_encrypt(const kw_security_policy *policy, const kw_public_key *key, kw_bytes plain, kw_arena *arena, kw_bytes *cipher);
/* Slow. cipher must be a whole number of blocks, at most max_blocks. All blocks are always processed; failure is one code, Bad_SecurityChecksFailed. */
kw_status kw_asym_decrypt(const kw_security_policy *policy, const kw_private_key *key, kw_bytes cipher, size_t max_blocks,
                          kw_secret *plain);

/* JOSE: "RS256", "PS256", "ES256", "ES384", "EdDSA", …; ECDSA signatures are r‖s. Unknown or unfit algorithms: Bad_SecurityChecksFailed. */
kw_status kw_jose_sign(kw_string alg, const kw_private_key *key, kw_bytes data, kw_arena *arena, kw_bytes *signature);
kw_status kw_jose_verify(kw_string alg, const kw_public_key *key, kw_bytes data, kw_bytes signature);
/* May a key of this type sign with it? */
bool kw_jose_takes_key(kw_string alg, kw_key_type type);
/* The type of a new key for it, KW_KEY_ED25519 for EdDSA; KW_KEY_OTHER: unknown. */
kw_key_type kw_jose_key_type(kw_string alg);

#endif
