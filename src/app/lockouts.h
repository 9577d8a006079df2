/* `keyway user lockouts`: whose failed attempts are remembered, and how they are forgotten. */
#ifndef KW_APP_LOCKOUTS_H
#define KW_APP_LOCKOUTS_H

#include "app/directory.h"

typedef struct kw_lockouts_options {
    const char *clear; /* one key; NULL: none */
    bool clear_all;
} kw_lockouts_options;

/* Returns the exit code. */
int kw_user_lockouts(const kw_command *self, kw_directory *d, const kw_lockouts_options *options, bool json);

#endif
