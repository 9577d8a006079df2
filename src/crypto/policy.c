#include "crypto/policy_internal.h"

#define PREFIX KW_POLICY_PREFIX
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
    .has_legacy_sequence = true,
};

static const kw_security_policy BASIC128_RSA15 = {
    .name = "Basic128Rsa15",
    .uri = PREFIX "Basic128Rsa15",
    .is_deprecated = true,
    .has_legacy_sequence = true,
    .rank = 10,
    .asym_signature = KW_ASYM_SIGN_RSA_PKCS1_SHA1,
    .asym_encryption = KW_ASYM_ENC_RSA_PKCS1,
    .asym_signature_uri = RSA_SHA1,
    .asym_encryption_uri = RSA_15,
    .asym_overhead = 11,
    .certificate_hash = KW_HASH_SHA1,
    .thumbprint_hash = KW_HASH_SHA1,
    .certificate_keys = 1u << KW_KEY_RSA,
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
    .has_legacy_sequence = true,
    .rank = 20,
    .asym_signature = KW_ASYM_SIGN_RSA_PKCS1_SHA1,
    .asym_encryption = KW_ASYM_ENC_RSA_OAEP_SHA1,
    .asym_signature_uri = RSA_SHA1,
    .asym_encryption_uri = RSA_OAEP,
    .asym_overhead = 42,
    .certificate_hash = KW_HASH_SHA1,
    .thumbprint_hash = KW_HASH_SHA1,
    .certificate_keys = 1u << KW_KEY_RSA,
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
    .has_legacy_sequence = true,
    .rank = 30,
    .asym_signature = KW_ASYM_SIGN_RSA_PKCS1_SHA256,
    .asym_encryption = KW_ASYM_ENC_RSA_OAEP_SHA1,
    .asym_signature_uri = RSA_SHA256,
    .asym_encryption_uri = RSA_OAEP,
    .asym_overhead = 42,
    .certificate_hash = KW_HASH_SHA256,
    .thumbprint_hash = KW_HASH_SHA1,
    .certificate_keys = 1u << KW_KEY_RSA,
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
    .has_legacy_sequence = true,
    .rank = 40,
    .asym_signature = KW_ASYM_SIGN_RSA_PKCS1_SHA256,
    .asym_encryption = KW_ASYM_ENC_RSA_OAEP_SHA1,
    .asym_signature_uri = RSA_SHA256,
    .asym_encryption_uri = RSA_OAEP,
    .asym_overhead = 42,
    .certificate_hash = KW_HASH_SHA256,
    .thumbprint_hash = KW_HASH_SHA1,
    .certificate_keys = 1u << KW_KEY_RSA,
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
    .has_legacy_sequence = true,
    .rank = 50,
    .asym_signature = KW_ASYM_SIGN_RSA_PSS_SHA256,
    .asym_encryption = KW_ASYM_ENC_RSA_OAEP_SHA256,
    .asym_signature_uri = RSA_PSS_SHA256,
    .asym_encryption_uri = RSA_OAEP_SHA256,
    .asym_overhead = 66,
    .certificate_hash = KW_HASH_SHA256,
    .thumbprint_hash = KW_HASH_SHA1,
    .certificate_keys = 1u << KW_KEY_RSA,
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

/* The RSA ones of the beginning; the others are in policy_ecc.c. */
static const kw_security_policy *const CLASSIC[] = {
    &KW_POLICY_NONE, &BASIC128_RSA15, &BASIC256, &AES128_SHA256_RSAOAEP, &BASIC256SHA256, &AES256_SHA256_RSAPSS,
};

#define CLASSIC_COUNT (sizeof(CLASSIC) / sizeof(CLASSIC[0]))

size_t kw_security_policy_count(void)
{
    return CLASSIC_COUNT + KW_ECC_POLICY_COUNT;
}

const kw_security_policy *kw_security_policy_at(size_t index)
{
    if (index < CLASSIC_COUNT) {
        return CLASSIC[index];
    }
    return index < kw_security_policy_count() ? &KW_ECC_POLICIES[index - CLASSIC_COUNT] : NULL;
}

const kw_security_policy *kw_security_policy_by_uri(kw_string uri)
{
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        if (kw_string_equals(uri, kw_security_policy_at(i)->uri)) {
            return kw_security_policy_at(i);
        }
    }
    return NULL;
}

const kw_security_policy *kw_security_policy_by_name(kw_string name)
{
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        if (kw_string_equals(name, kw_security_policy_at(i)->name)) {
            return kw_security_policy_at(i);
        }
    }
    return kw_security_policy_by_uri(name);
}

bool kw_security_policy_takes_key(const kw_security_policy *policy, kw_key_type type, uint32_t bits)
{
    if (policy->is_none) {
        return true;
    }
    const bool is_long_enough = type != KW_KEY_RSA || (bits >= policy->min_key_bits && bits <= policy->max_key_bits);
    return type < KW_KEY_OTHER && (policy->certificate_keys & 1u << type) != 0 && is_long_enough;
}

static bool protects_secrets(const kw_security_policy *policy, kw_key_type receiver)
{
    const bool is_usual = policy->ephemeral != KW_EPHEMERAL_NONE ? !policy->is_enhanced : policy == &BASIC256SHA256;
    return is_usual && (policy->certificate_keys & 1u << receiver) != 0;
}

const kw_security_policy *kw_security_policy_for_secrets(kw_key_type receiver, size_t index)
{
    for (size_t i = 0; receiver < KW_KEY_OTHER && i < kw_security_policy_count(); i++) {
        const kw_security_policy *policy = kw_security_policy_at(i);
        if (protects_secrets(policy, receiver) && index-- == 0) {
            return policy;
        }
    }
    return NULL;
}
