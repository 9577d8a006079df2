/* Key pairs with their certificates, as files. */
#ifndef KW_APP_CERTIFICATES_H
#define KW_APP_CERTIFICATES_H

#include "crypto/certificate.h"

typedef struct kw_application_files {
    const char *stem; /* stem.crt (0644) and stem.key (0600), never over existing ones */
    const char *application_uri, *common_name;
    const char *const *hosts;
    size_t host_count;
    uint32_t days;
} kw_application_files;

/* RSA 2048, self-signed. Returns -1 and the certificate, or an exit code after saying why. */
int kw_application_files_create(const kw_application_files *files, kw_certificate **out);

/* Load a certificate and the key that belongs to it. Returns -1, or an exit code after saying why. */
int kw_application_identity_load(const char *certificate_file, const char *key_file, kw_application_identity *out);
void kw_application_identity_clear(kw_application_identity *identity);

#endif
