/*
 * SecurityPolicies as rows of data. OPC 10000-7, 6.6; adding a policy adds a row and, at most, a primitive.
 */
#ifndef KW_CRYPTO_POLICY_H
#define KW_CRYPTO_POLICY_H

#include <keyway/bytes.h>

typedef enum kw_asym_signature {
    KW_ASYM_SIGN_NONE,
    KW_ASYM_SIGN_RSA_PKCS1_SHA1,
    KW_ASYM_SIGN_RSA_PKCS1_SHA256,
    KW_ASYM_SIGN_RSA_PSS_SHA256
} kw_asym_signature;
typedef enum kw_asym_encryption {
    KW_ASYM_ENC_NONE,
    KW_ASYM_ENC_RSA_PKCS1,
    KW_ASYM_ENC_RSA_OAEP_SHA1,
    KW_ASYM_ENC_RSA_OAEP_SHA256
} kw_asym_encryption;
typedef enum kw_sym_cipher { KW_SYM_NONE, KW_SYM_AES128_CBC, KW_SYM_AES256_CBC } kw_sym_cipher;
typedef enum kw_hash { KW_HASH_NONE, KW_HASH_SHA1, KW_HASH_SHA256, KW_HASH_SHA384 } kw_hash;

typedef struct kw_security_policy {
    const char *name; /* "Basic256Sha256" */
    const char *uri;
    bool is_none;
    bool is_deprecated; /* offered and accepted only where the configuration names it */
    uint8_t rank;       /* strength for choosing: higher is stronger; SecurityLevel of endpoints derives from it */
    kw_asym_signature asym_signature;
    kw_asym_encryption asym_encryption;
    const char *asym_signature_uri;  /* SignatureData.algorithm; NULL for None */
    const char *asym_encryption_uri; /* encryptionAlgorithm of the legacy secret block */
    size_t asym_overhead;            /* bytes of an RSA block that are not plain text */
    kw_hash certificate_hash;        /* smallest hash of a certificate's signature that is accepted */
    uint32_t min_key_bits, max_key_bits;
    kw_sym_cipher cipher;
    kw_hash mac; /* HMAC */
    kw_hash kdf; /* P_HASH */
    size_t signing_key_len, encrypting_key_len, iv_len, mac_len, block_len;
    size_t nonce_len; /* SecureChannelNonceLength */
} kw_security_policy;

extern const kw_security_policy KW_POLICY_NONE;

size_t kw_security_policy_count(void);
const kw_security_policy *kw_security_policy_at(size_t index);
/* NULL: unknown. Null or empty URI is unknown too (what it means is the caller's to say). */
const kw_security_policy *kw_security_policy_by_uri(kw_string uri);
/* "Basic256Sha256", or the URI. */
const kw_security_policy *kw_security_policy_by_name(kw_string name);

#endif
