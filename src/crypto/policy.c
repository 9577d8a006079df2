#include "crypto/policy.h"

#define PREFIX "http://opcfoundation.org/UA/SecurityPolicy#"
#define RSA_SHA1 "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
#define RSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
#define RSA_PSS_SHA256 "http://opcfoundation.org/UA/security/rsa-pss-sha2-256"
#define RSA_15 "http://www.w3.org/2001/04/xmlenc#rsa-1_5"
#define RSA_OAEP "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
#define RSA_OAEP_SHA256 "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256"

const kw_security_policy KW_POLICY_NONE = {
    .name = "None",
    .uri = PREFIX "None",
    .is_none = true,
};

static const kw_security_policy BASIC128_RSA15 = {
    .name = "Basic128Rsa15",
    .uri = PREFIX "Basic128Rsa15",
    .is_deprecated = true,
    .rank = 10,
    .asym_signature = KW_ASYM_SIGN_RSA_PKCS1_SHA1,
    .asym_encryption = KW_ASYM_ENC_RSA_PKCS1,
    .asym_signature_uri = RSA_SHA1,
    .asym_encryption_uri = RSA_15,
    .asym_overhead = 11,
    .certificate_hash = KW_HASH_SHA1,
    .min_key_bits = 1024,
    .max_key_bits = 2048,
    .cipher = KW_SYM_AES128_CBC,
    .mac = KW_HASH_SHA1,
    .kdf = KW_HASH_SHA1,
    .signing_key_len = 16,
    .encrypting_key_len = 16,
    .iv_len = 16,
    .mac_len = 20,
    .block_len = 16,
    .nonce_len = 16,
};

static const kw_security_policy BASIC256 = {
    .name = "Basic256",
    .uri = PREFIX "Basic256",
    .is_deprecated = true,
    .rank = 20,
    .asym_signature = KW_ASYM_SIGN_RSA_PKCS1_SHA1,
    .asym_encryption = KW_ASYM_ENC_RSA_OAEP_SHA1,
    .asym_signature_uri = RSA_SHA1,
    .asym_encryption_uri = RSA_OAEP,
    .asym_overhead = 42,
    .certificate_hash = KW_HASH_SHA1,
    .min_key_bits = 1024,
    .max_key_bits = 2048,
    .cipher = KW_SYM_AES256_CBC,
    .mac = KW_HASH_SHA1,
    .kdf = KW_HASH_SHA1,
    .signing_key_len = 24,
    .encrypting_key_len = 32,
    .iv_len = 16,
    .mac_len = 20,
    .block_len = 16,
    .nonce_len = 32,
};

static const kw_security_policy AES128_SHA256_RSAOAEP = {
    .name = "Aes128_Sha256_RsaOaep",
    .uri = PREFIX "Aes128_Sha256_RsaOaep",
    .rank = 30,
    .asym_signature = KW_ASYM_SIGN_RSA_PKCS1_SHA256,
    .asym_encryption = KW_ASYM_ENC_RSA_OAEP_SHA1,
    .asym_signature_uri = RSA_SHA256,
    .asym_encryption_uri = RSA_OAEP,
    .asym_overhead = 42,
    .certificate_hash = KW_HASH_SHA256,
    .min_key_bits = 2048,
    .max_key_bits = 4096,
    .cipher = KW_SYM_AES128_CBC,
    .mac = KW_HASH_SHA256,
    .kdf = KW_HASH_SHA256,
    .signing_key_len = 32,
    .encrypting_key_len = 16,
    .iv_len = 16,
    .mac_len = 32,
    .block_len = 16,
    .nonce_len = 32,
};

static const kw_security_policy BASIC256SHA256 = {
    .name = "Basic256Sha256",
    .uri = PREFIX "Basic256Sha256",
    .rank = 40,
    .asym_signature = KW_ASYM_SIGN_RSA_PKCS1_SHA256,
    .asym_encryption = KW_ASYM_ENC_RSA_OAEP_SHA1,
    .asym_signature_uri = RSA_SHA256,
    .asym_encryption_uri = RSA_OAEP,
    .asym_overhead = 42,
    .certificate_hash = KW_HASH_SHA256,
    .min_key_bits = 2048,
    .max_key_bits = 4096,
    .cipher = KW_SYM_AES256_CBC,
    .mac = KW_HASH_SHA256,
    .kdf = KW_HASH_SHA256,
    .signing_key_len = 32,
    .encrypting_key_len = 32,
    .iv_len = 16,
    .mac_len = 32,
    .block_len = 16,
    .nonce_len = 32,
};

static const kw_security_policy AES256_SHA256_RSAPSS = {
    .name = "Aes256_Sha256_RsaPss",
    .uri = PREFIX "Aes256_Sha256_RsaPss",
    .rank = 50,
    .asym_signature = KW_ASYM_SIGN_RSA_PSS_SHA256,
    .asym_encryption = KW_ASYM_ENC_RSA_OAEP_SHA256,
    .asym_signature_uri = RSA_PSS_SHA256,
    .asym_encryption_uri = RSA_OAEP_SHA256,
    .asym_overhead = 66,
    .certificate_hash = KW_HASH_SHA256,
    .min_key_bits = 2048,
    .max_key_bits = 4096,
    .cipher = KW_SYM_AES256_CBC,
    .mac = KW_HASH_SHA256,
    .kdf = KW_HASH_SHA256,
    .signing_key_len = 32,
    .encrypting_key_len = 32,
    .iv_len = 16,
    .mac_len = 32,
    .block_len = 16,
    .nonce_len = 32,
};

static const kw_security_policy *const POLICIES[] = {
    &KW_POLICY_NONE, &BASIC128_RSA15, &BASIC256, &AES128_SHA256_RSAOAEP, &BASIC256SHA256, &AES256_SHA256_RSAPSS,
};

size_t kw_security_policy_count(void)
{
    return sizeof(POLICIES) / sizeof(POLICIES[0]);
}

const kw_security_policy *kw_security_policy_at(size_t index)
{
    return index < kw_security_policy_count() ? POLICIES[index] : NULL;
}

const kw_security_policy *kw_security_policy_by_uri(kw_string uri)
{
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        if (kw_string_equals(uri, POLICIES[i]->uri)) {
            return POLICIES[i];
        }
    }
    return NULL;
}

const kw_security_policy *kw_security_policy_by_name(kw_string name)
{
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        if (kw_string_equals(name, POLICIES[i]->name)) {
            return POLICIES[i];
        }
    }
    return kw_security_policy_by_uri(name);
}
