/* What the files about Certificates share. */
#ifndef KW_CRYPTO_CERTIFICATE_INTERNAL_H
#define KW_CRYPTO_CERTIFICATE_INTERNAL_H

#include "crypto/certificate.h"

#include <openssl/x509v3.h>
#include <stdatomic.h>

#define KW_CHAIN_MAX 10 /* certificates in a blob */

struct kw_certificate {
    atomic_uint references;
    X509 *x509;
    X509 *issuers[KW_CHAIN_MAX]; /* that came with it */
    size_t issuer_count;
    uint8_t *blob; /* as it came; the leaf is its beginning */
    size_t blob_len, leaf_len;
    uint8_t thumbprint[20];
    char thumbprint_hex[41];
    kw_public_key *public_key;
    char *application_uri; /* NULL: none, or several */
    size_t application_uri_len;
    char *subject, *issuer_name;
    char **hosts;
    size_t host_count;
    int64_t not_before, not_after;
    bool is_ca;
};

/* From an X509 that is given away. */
kw_status kw_certificate_of_x509(X509 *x509, kw_certificate **out);

#endif
