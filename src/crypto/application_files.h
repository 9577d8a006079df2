/* Key pairs with their certificates, as files. */
#ifndef KW_CRYPTO_APPLICATION_FILES_H
#define KW_CRYPTO_APPLICATION_FILES_H

#include "crypto/certificate.h"

typedef struct kw_application_files {
    const char *stem; /* stem.crt (0644) and stem.key (0600), never over existing ones */
    const char *application_uri, *common_name;
    const char *const *hosts;
    size_t host_count;
    uint32_t days;
    kw_key_type key_type; /* 0: RSA, of 2048 bits */
} kw_application_files;

/* Self-signed. Bad_AlreadyExists: one of the two is there; Bad_NotWritable. */
kw_status kw_application_files_make(const kw_application_files *files, kw_certificate **out);
/* A certificate and the key that belongs to it. On failure *why says, as half a sentence, what is wrong with which of the two (static). */
kw_status kw_application_identity_read(const char *certificate_file, const char *key_file, kw_application_identity *out, const char **file,
                                       const char **why);
void kw_application_identity_clear(kw_application_identity *identity);

#endif
