#include "app/certificates.h"

#include "app/app.h"
#include "app/output.h"

#include <string.h>

bool kw_key_type_parse(const char *name, kw_key_type *out)
{
    static const struct {
        const char *name;
        kw_key_type type;
    } TYPES[] = {{"rsa", KW_KEY_RSA},           {"ec-p256", KW_KEY_EC_P256}, {"ec-p384", KW_KEY_EC_P384}, {"ec-bp256", KW_KEY_EC_BP256},
                 {"ec-bp384", KW_KEY_EC_BP384}, {"ed25519", KW_KEY_ED25519}, {"ed448", KW_KEY_ED448}};
    for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
        if (strcmp(TYPES[i].name, name) == 0) {
            *out = TYPES[i].type;
            return true;
        }
    }
    return false;
}

int kw_application_files_create(const kw_application_files *files, kw_certificate **out)
{
    const kw_status status = kw_application_files_make(files, out);
    return kw_status_is_bad(status)
               ? kw_fail(status,
                         status == KW_BAD_ALREADY_EXISTS ? "%s.crt or %s.key exists already; choose another name or move it away"
                                                         : "%s.crt and %s.key could not be made",
                         files->stem, files->stem)
               : -1;
}

int kw_application_identity_load(const char *certificate_file, const char *key_file, kw_application_identity *out)
{
    const char *file = "", *why = "";
    const kw_status status = kw_application_identity_read(certificate_file, key_file, out, &file, &why);
    return kw_status_is_bad(status) ? kw_fail(status, "%s: %s", file, why) : -1;
}
