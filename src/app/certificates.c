#include "app/certificates.h"

#include "app/app.h"
#include "app/output.h"

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
