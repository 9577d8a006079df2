/* `keyway role only|except|lift`: to which applications and endpoints a Role is limited. */
#ifndef KW_APP_ROLE_LIMITS_H
#define KW_APP_ROLE_LIMITS_H

#include "app/directory.h"
#include "app/output.h"

typedef struct kw_role_limit_options {
    const char *application;              /* ApplicationUri */
    const char *endpoint, *mode, *policy; /* what an endpoint is told by; NULL: anything */
} kw_role_limit_options;

/* Is this word one of the three? */
bool kw_is_role_limit(const char *word);
/* Returns the exit code. */
int kw_role_limit(const kw_command *self, kw_directory *d, const char *word, const char *role, const kw_role_limit_options *options);
/* Further rows of `role list` about this Role: three columns, the first one empty. */
void kw_role_limit_rows(kw_table *table, const kw_role *role, kw_arena *arena);
/* Into the JSON object of the Role. */
void kw_role_limit_json(json_t *object, const kw_role *role);

#endif
