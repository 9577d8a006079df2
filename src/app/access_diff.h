/* keyway access diff: what another configuration would change in who may do what. */
#ifndef KW_APP_ACCESS_DIFF_H
#define KW_APP_ACCESS_DIFF_H

#include "app/directory.h"

/* All nodes of the Server, each Role of the store: the rules of `d` against those in `file`. Returns an exit code. */
int kw_access_diff(const kw_directory *d, const char *file, bool json);

#endif
