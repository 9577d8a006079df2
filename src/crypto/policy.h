/*
 * SecurityPolicies as rows of data. OPC 10000-7, 6.6; adding a policy adds a row and, at most, a primitive.
 */
#ifndef KW_CRYPTO_POLICY_H
#define KW_CRYPTO_POLICY_H

#include <keyway/bytes.h>

typedef enum kw_key_type {
    KW_KEY_RSA,
    KW_KEY_EC_P256,
    KW_KEY_EC_P384,
    KW_KEY_EC_BP256, /* brainpoolP256r1 */
    KW_KEY_EC_BP384,
    KW_KEY_ED25519,
    KW_KEY_ED448,
    KW_KEY_OTHER
} kw_key_type;

typedef enum kw_asym_signature {
    KW_ASYM_SIGN_NONE,
    KW_ASYM_SIGN_RSA_PKCS1_SHA1,
    KW_ASYM_SIGN_RSA_PKCS1_SHA256,
    KW_ASYM_SIGN_RSA_PSS_SHA256,
    KW_ASYM_SIGN_ECDSA_SHA256, /* r‖s, each as long as the field of the signer's curve */
    KW_ASYM_SIGN_ECDSA_SHA384,
    KW_ASYM_SIGN_EDDSA
} kw_asym_signature;
typedef enum kw_asym_encryption {
    KW_ASYM_ENC_NONE,
    KW_ASYM_ENC_RSA_PKCS1,
    KW_ASYM_ENC_RSA_OAEP_SHA1,
    KW_ASYM_ENC_RSA_OAEP_SHA256
} kw_asym_encryption;
typedef enum kw_sym_cipher {
    KW_SYM_NONE,
    KW_SYM_AES128_CBC,
    KW_SYM_AES256_CBC,
    KW_SYM_AES128_GCM,
    KW_SYM_AES256_GCM,
    KW_SYM_CHACHA20_POLY1305
} kw_sym_cipher;
typedef enum kw_hash { KW_HASH_NONE, KW_HASH_SHA1, KW_HASH_SHA256, KW_HASH_SHA384 } kw_hash;
typedef enum kw_kdf_kind { KW_KDF_P_HASH, KW_KDF_HKDF } kw_kdf_kind;
/* The group of the keys that a SecureChannel (and an EccEncryptedSecret) agrees with. */
typedef enum kw_ephemeral_kind {
    KW_EPHEMERAL_NONE,
    KW_EPHEMERAL_P256,
    KW_EPHEMERAL_P384,
    KW_EPHEMERAL_BP256,
    KW_EPHEMERAL_BP384,
    KW_EPHEMERAL_X25519,
    KW_EPHEMERAL_X448,
    KW_EPHEMERAL_FFDHE3072
} kw_ephemeral_kind;

typedef struct kw_security_policy {
    const char *name; /* "Basic256Sha256" */
    const char *uri;
    bool is_none;
    bool is_deprecated; /* offered and accepted only where the configuration names it */
    bool is_enhanced;   /* SecureChannelEnhancements: proofs are bound to the channel, renewed keys to the ones before */
    bool has_legacy_sequence;
    uint8_t rank; /* strength for choosing: higher is stronger; SecurityLevel of endpoints derives from it */
    kw_asym_signature asym_signature;
    kw_asym_encryption asym_encryption;
    const char *asym_signature_uri;      /* SignatureData.algorithm; NULL: null, and what a peer writes there is ignored */
    const char *asym_encryption_uri;     /* encryptionAlgorithm of the legacy secret block */
    size_t asym_overhead;                /* bytes of an RSA block that are not plain text */
    kw_hash certificate_hash;            /* smallest hash of a certificate's signature that is accepted */
    kw_hash thumbprint_hash;             /* CertificateThumbprintAlgorithm of proofs; the header of OPN has SHA-1 always */
    unsigned certificate_keys;           /* set of 1 << kw_key_type */
    uint32_t min_key_bits, max_key_bits; /* RSA keys */
    kw_ephemeral_kind ephemeral;         /* NONE: nonces are random, and OPN is encrypted with RSA */
    kw_sym_cipher cipher;
    kw_hash mac; /* HMAC; NONE with an authenticating cipher */
    kw_hash kdf;
    kw_kdf_kind kdf_kind;
    size_t signing_key_len, encrypting_key_len, iv_len, mac_len, block_len;
    size_t tag_len;   /* of an authenticating cipher; else 0 */
    size_t nonce_len; /* SecureChannelNonceLength, or the length of an ephemeral public key */
} kw_security_policy;

extern const kw_security_policy KW_POLICY_NONE;

size_t kw_security_policy_count(void);
const kw_security_policy *kw_security_policy_at(size_t index);
/* NULL: unknown. Null or empty URI is unknown too (what it means is the caller's to say). */
const kw_security_policy *kw_security_policy_by_uri(kw_string uri);
/* "Basic256Sha256", or the URI. */
const kw_security_policy *kw_security_policy_by_name(kw_string name);
/* A Certificate with a key of this type and size may be used under this policy. None takes any. */
bool kw_security_policy_takes_key(const kw_security_policy *policy, kw_key_type type, uint32_t bits);
/*
 * Those that secrets for a receiver with such a key are protected by where no channel says it, the most widely known first:
 * Basic256Sha256, or the first ones of its curve. NULL: no more.
 */
const kw_security_policy *kw_security_policy_for_secrets(kw_key_type receiver, size_t index);

#endif
