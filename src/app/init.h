/* Making a new installation: used by `keyway init` and by the demo. */
#ifndef KW_APP_INIT_H
#define KW_APP_INIT_H

#include "app/app.h"
#include "base/secret.h"
#include "crypto/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kw_init_plan {
    const char *directory;
    const char *uri;          /* of the Server; NULL: urn:HOST:keyway */
    const char *const *hosts; /* none: only this machine can connect */
    size_t host_count;
    uint16_t port; /* Server; the Authorization Service gets the next one (0: any free one for both) */
    bool allow_none, allow_anonymous;
    const char *store;               /* a URL of PostgreSQL; NULL: a file in the directory */
    const char *store_key_file;      /* own/store.key of a node that uses the store already; NULL: a new one */
    const char *admin_password_file; /* NULL: made up, and printed once when not quiet */
    kw_key_type key_type;            /* of the applications; 0: RSA */
    bool quiet;                      /* no words on stdout */
} kw_init_plan;

/* Returns -1, or the exit code after saying why on stderr. What was made stays for the administrator to look at when it fails half-way. */
int kw_init(const kw_command *command, const kw_init_plan *plan);

#endif
