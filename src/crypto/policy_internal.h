/* The table of policies has two files. */
#ifndef KW_CRYPTO_POLICY_INTERNAL_H
#define KW_CRYPTO_POLICY_INTERNAL_H

#include "crypto/policy.h"

#define KW_POLICY_PREFIX "http://opcfoundation.org/UA/SecurityPolicy#"

extern const kw_security_policy KW_ECC_POLICIES[];
extern const size_t KW_ECC_POLICY_COUNT;

#endif
