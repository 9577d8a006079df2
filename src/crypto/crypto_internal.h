/* What the files of this room share. */
#ifndef KW_CRYPTO_INTERNAL_H
#define KW_CRYPTO_INTERNAL_H

#include "crypto/ephemeral.h"
#include "crypto/key.h"
#include "crypto/symmetric.h"

#include <openssl/evp.h>
#include <stdatomic.h>

/* No RSA key past this is ever used, so that a huge modulus cannot burn time. */
#define KW_RSA_MAX_BITS 8192
/* Below this no modern signature is accepted or made with RSA; the deprecated policies have their own bound. */
#define KW_RSA_JOSE_MIN_BITS 2048

/* Fetched once per process: looking an algorithm up by name takes a lock. Any of them is NULL when the library lacks it. */
typedef struct kw_algorithms {
    EVP_MD *sha1, *sha256, *sha384, *sha512;
    EVP_CIPHER *aes128_cbc, *aes256_cbc, *aes128_gcm, *aes256_gcm, *chacha20_poly1305;
    EVP_MAC *hmac;
} kw_algorithms;

const kw_algorithms *kw_algorithms_get(void);
const EVP_MD *kw_hash_md(kw_hash hash); /* NULL for none */

/* An HMAC that is keyed once and runs many times. */
EVP_MAC_CTX *kw_hmac_new(kw_hash hash, kw_bytes key);
kw_status kw_hmac_run(EVP_MAC_CTX *ctx, const kw_bytes *parts, size_t count, uint8_t *out, size_t len);

#define KW_REJECTION_KEY_LEN 32

struct kw_private_key {
    EVP_PKEY *pkey;
    kw_key_type type;
    uint32_t bits;
    size_t size;
    uint8_t rejection_key[KW_REJECTION_KEY_LEN]; /* see rsa_pkcs1.c */
    atomic_uint references;
};

struct kw_public_key {
    EVP_PKEY *pkey;
    kw_key_type type;
    uint32_t bits;
    size_t size;
    atomic_uint references;
};

/* Both take over the reference, also on failure. */
kw_status kw_private_key_wrap(EVP_PKEY *pkey, kw_private_key **out);
kw_status kw_public_key_wrap(EVP_PKEY *pkey, kw_public_key **out);
/* Likewise; NULL (no key was made) is a failure. */
kw_status kw_ephemeral_key_wrap(kw_ephemeral_kind kind, EVP_PKEY *pkey, kw_ephemeral_key **out);
/* Modulus at most KW_RSA_MAX_BITS, exponent odd and at least 65537; EC keys always. */
bool kw_public_key_is_sound(const kw_public_key *key);

/* RSA signatures as EVP makes them. The result is at most EVP_PKEY_get_size long. */
typedef struct kw_signature_scheme {
    const EVP_MD *md; /* NULL: EdDSA */
    bool is_pss;      /* salt as long as the hash, MGF1 with the same hash */
} kw_signature_scheme;
kw_status kw_evp_sign(EVP_PKEY *pkey, kw_signature_scheme scheme, const kw_bytes *parts, size_t count, uint8_t *out, size_t *len);
bool kw_evp_verify(EVP_PKEY *pkey, kw_signature_scheme scheme, const kw_bytes *parts, size_t count, kw_bytes signature);

/* As they travel: ECDSA is r‖s of full length, RSA and EdDSA as they are. Exactly `size` bytes, the size of the key. */
kw_status kw_wire_sign(const kw_private_key *key, kw_signature_scheme scheme, const kw_bytes *parts, size_t count, uint8_t *out);
bool kw_wire_verify(const kw_public_key *key, kw_signature_scheme scheme, const kw_bytes *parts, size_t count, kw_bytes signature);
/* Keys of these curves sign with ECDSA. */
bool kw_key_is_ecdsa(kw_key_type type);
bool kw_key_is_eddsa(kw_key_type type);

/*
 * PKCS#1 v1.5 decryption of one block that never fails visibly: bad padding yields bytes that look as random as any plain text.
 * out has room for key->size bytes.
 */
kw_status kw_rsa_pkcs1_decrypt(const kw_private_key *key, kw_bytes block, uint8_t *out, size_t *len);

#endif
