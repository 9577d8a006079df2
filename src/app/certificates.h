/* Key pairs with their certificates, for commands: what fails is said on stderr. */
#ifndef KW_APP_CERTIFICATES_H
#define KW_APP_CERTIFICATES_H

#include "crypto/application_files.h"

/* "rsa" (2048 bits), "ec-p256", "ec-p384", "ec-bp256", "ec-bp384", "ed25519", "ed448"; false: none of them. */
bool kw_key_type_parse(const char *name, kw_key_type *out);

/* Return -1, or an exit code after saying why. */
int kw_application_files_create(const kw_application_files *files, kw_certificate **out);
int kw_application_identity_load(const char *certificate_file, const char *key_file, kw_application_identity *out);

#endif
