/*
 * Certificates: parsed once, immutable, counted references (thread safe).
 */
#ifndef KW_CRYPTO_CERTIFICATE_H
#define KW_CRYPTO_CERTIFICATE_H

#include "base/clock.h"
#include "crypto/key.h"

typedef struct kw_certificate kw_certificate;

/* The leaf of a DER blob that may be a chain (leaf ‖ issuers). Trailing bytes that are no certificate: Bad_CertificateInvalid. */
kw_status kw_certificate_parse(kw_bytes der_chain, kw_certificate **out);
/* A file: PEM (the first is the leaf) or DER. */
kw_status kw_certificate_load_file(const char *path, kw_certificate **out);
kw_certificate *kw_certificate_retain(kw_certificate *c);
void kw_certificate_release(kw_certificate *c);

kw_bytes kw_certificate_der(const kw_certificate *c);               /* the leaf */
kw_bytes kw_certificate_chain(const kw_certificate *c);             /* leaf and issuers as they came */
kw_bytes kw_certificate_thumbprint(const kw_certificate *c);        /* SHA-1, 20 bytes */
const char *kw_certificate_thumbprint_hex(const kw_certificate *c); /* uppercase */
kw_public_key *kw_certificate_public_key(const kw_certificate *c);  /* borrowed */
kw_string
kw_certificate_application_uri(const kw_certificate *c);   /* the single URI of subjectAltName; null when there is none or several */
kw_string kw_certificate_subject(const kw_certificate *c); /* one line, "CN=…/O=…", for logs and X509Subject criteria */
kw_string kw_certificate_issuer_name(const kw_certificate *c);
bool kw_certificate_is_ca(const kw_certificate *c);
bool kw_certificate_matches_host(const kw_certificate *c, kw_string host); /* DNS names and IP addresses of subjectAltName */
int64_t kw_certificate_not_before(const kw_certificate *c);                /* DateTime ticks */
int64_t kw_certificate_not_after(const kw_certificate *c);
/* Host names and addresses of subjectAltName, in order; NULL past the end. */
const char *kw_certificate_host_at(const kw_certificate *c, size_t index);
/* Names and signature agree; says nothing about validity or trust. */
bool kw_certificate_is_issued_by(const kw_certificate *c, const kw_certificate *issuer);
bool kw_certificate_belongs_to(const kw_certificate *c, const kw_private_key *key);

typedef struct kw_certificate_request {
    const char *application_uri; /* NULL for user certificates and CAs */
    const char *common_name;
    const char *organization; /* NULL: none */
    const char *const *hosts; /* DNS names or IP addresses */
    size_t host_count;
    int64_t not_before, not_after; /* DateTime ticks */
    bool is_ca;
    kw_private_key *issuer_key; /* NULL: self-signed */
    const kw_certificate *issuer;
} kw_certificate_request;

/* Application Instance Certificate with the extensions of OPC 10000-6, 6.2.2 (or a user's, or a CA's). Hashed as the signer's key wants it. */
kw_status kw_certificate_create(const kw_certificate_request *request, const kw_private_key *key, const kw_random *random,
                                kw_certificate **out);

/* The leaf as PEM text; free() it. */
kw_status kw_certificate_to_pem(const kw_certificate *c, char **pem);

/* An application's own identity. */
typedef struct kw_application_identity {
    kw_certificate *certificate;
    kw_private_key *key;
} kw_application_identity;

#endif
