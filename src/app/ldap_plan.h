/* From `directory` in the configuration to a directory that can be asked. */
#ifndef KW_APP_LDAP_PLAN_H
#define KW_APP_LDAP_PLAN_H

#include "app/directory.h"
#include "authority/ldap.h"

typedef struct kw_ldap_plan {
    kw_ldap *ldap; /* NULL: none is configured */
    char *ca_file;
    kw_secret password; /* of the service account */
} kw_ldap_plan;

/* Borrows the configuration and log. Returns -1, or an exit code after saying why. */
int kw_ldap_plan_open(const kw_directory *d, const kw_log *log, kw_ldap_plan *out);
void kw_ldap_plan_close(kw_ldap_plan *plan);

#endif
