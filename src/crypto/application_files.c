#include "crypto/application_files.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS 2048
#define TICKS_PER_DAY (INT64_C(86400) * KW_TICKS_PER_S)

static kw_status write_pair(const kw_application_files *files, const kw_private_key *key, const kw_certificate *certificate)
{
    char *certificate_path = NULL, *key_path = NULL, *text = NULL;
    kw_secret pem = KW_SECRET_NONE;
    kw_status status = KW_BAD_OUT_OF_MEMORY;
    if (asprintf(&certificate_path, "%s.crt", files->stem) < 0) {
        certificate_path = NULL;
    } else if (asprintf(&key_path, "%s.key", files->stem) < 0) {
        key_path = NULL;
    } else {
        status = kw_private_key_to_pem(key, KW_BYTES_NULL, &pem);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_write_new_file(key_path, pem.data, pem.len, 0600);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_certificate_to_pem(certificate, &text);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_write_new_file(certificate_path, text, strlen(text), 0644);
    }
    kw_secret_clear(&pem);
    free(text);
    free(certificate_path);
    free(key_path);
    return status;
}

kw_status kw_application_files_make(const kw_application_files *files, kw_certificate **out)
{
    kw_private_key *key = NULL;
    kw_certificate *certificate = NULL;
    const int64_t now = kw_clock_utc(&KW_CLOCK_SYSTEM);
    const kw_certificate_request request = {.application_uri = files->application_uri,
                                            .common_name = files->common_name,
                                            .hosts = files->hosts,
                                            .host_count = files->host_count,
                                            .not_before = now - TICKS_PER_DAY / 24, /* peers whose clock is a little late */
                                            .not_after = now + files->days * TICKS_PER_DAY};
    kw_status status = kw_private_key_generate(files->key_type, RSA_BITS, &key);
    if (!kw_status_is_bad(status)) {
        status = kw_certificate_create(&request, key, &KW_RANDOM_SYSTEM, &certificate);
    }
    if (!kw_status_is_bad(status)) {
        status = write_pair(files, key, certificate);
    }
    kw_private_key_release(key);
    if (kw_status_is_bad(status)) {
        kw_certificate_release(certificate);
        return status;
    }
    *out = certificate;
    return KW_GOOD;
}

kw_status kw_application_identity_read(const char *certificate_file, const char *key_file, kw_application_identity *out, const char **file,
                                       const char **why)
{
    *out = (kw_application_identity){NULL, NULL};
    *file = certificate_file;
    *why = "not a certificate in PEM or DER";
    kw_status status = kw_certificate_load_file(certificate_file, &out->certificate);
    if (kw_status_is_bad(status)) {
        return status;
    }
    *file = key_file;
    status = kw_private_key_load_file(key_file, KW_BYTES_NULL, &out->key);
    *why = status == KW_BAD_SECURITY_CHECKS_FAILED ? "others can read this private key; run `chmod 600` on it"
                                                   : "not a private key in PEM or DER";
    if (!kw_status_is_bad(status) && !kw_certificate_belongs_to(out->certificate, out->key)) {
        *why = "the certificate beside it does not belong to this key";
        status = KW_BAD_CERTIFICATE_INVALID;
    }
    if (kw_status_is_bad(status)) {
        kw_application_identity_clear(out);
    }
    return status;
}

void kw_application_identity_clear(kw_application_identity *identity)
{
    kw_certificate_release(identity->certificate);
    kw_private_key_release(identity->key);
    *identity = (kw_application_identity){NULL, NULL};
}
