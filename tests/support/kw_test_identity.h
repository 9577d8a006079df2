/* Applications with keys and certificates, made on the fly and once for each test program; trust lists in folders of their own. */
#ifndef KW_TEST_IDENTITY_H
#define KW_TEST_IDENTITY_H

#include "crypto/certificate.h"
#include "crypto/trust.h"
#include "support/kw_test_env.h"

/*
 * Self-signed, ApplicationUri "urn:keyway:test:NAME", host localhost, valid around the start of kw_test_clock. The same name and
 * size of key yield the same identity; it lives to the end of the program.
 */
const kw_application_identity *kw_test_identity(const char *name, uint32_t bits);

/* The same with a key that is not RSA. */
const kw_application_identity *kw_test_identity_of(const char *name, kw_key_type type);

/* A user's Certificate: no ApplicationUri, no host. */
const kw_application_identity *kw_test_user_identity(const char *name, uint32_t bits);
const kw_application_identity *kw_test_user_identity_of(const char *name, kw_key_type type);

typedef struct kw_test_trust {
    char *folder;
    kw_trust_list *list;
} kw_test_trust;

/* An empty list: trusts nobody. */
void kw_test_trust_init(kw_test_trust *t, const kw_clock *clock);
void kw_test_trust_add(kw_test_trust *t, const kw_application_identity *who);
void kw_test_trust_remove(kw_test_trust *t, const kw_application_identity *who);
void kw_test_trust_clear(kw_test_trust *t);

#endif
