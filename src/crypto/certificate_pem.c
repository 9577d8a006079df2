#include "crypto/certificate.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

kw_status kw_certificate_to_pem(const kw_certificate *c, char **pem)
{
    const kw_bytes der = kw_certificate_der(c);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (bio == NULL || PEM_write_bio(bio, PEM_STRING_X509, "", der.data, (long)der.len) <= 0) {
        BIO_free(bio);
        return KW_BAD_OUT_OF_MEMORY;
    }
    const long len = BIO_get_mem_data(bio, &text);
    *pem = strndup(text, (size_t)len);
    BIO_free(bio);
    return *pem != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}
