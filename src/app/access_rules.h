/* `access` of keyway.yaml: who may do what with which nodes, laid over an address space. */
#ifndef KW_APP_ACCESS_RULES_H
#define KW_APP_ACCESS_RULES_H

#include "app/directory.h"
#include "app/machine.h"
#include "space/rights.h"

/* In force instead of those before; or, after one line on stderr that names file and rule, everything as it was. -1 or an exit code. */
int kw_access_apply(const char *file, const kw_config *config, kw_store *store, kw_space *space);
/* A node as people write it: a NodeId, `nsu=URI;…`, or a path of BrowseNames from the Root, "/Objects/1:Machine". */
kw_status kw_access_find(const kw_space *space, const char *text, kw_arena *arena, kw_node_id *out);

/* The address space that `keyway serve` would have, for commands that only look at it. */
typedef struct kw_access_view {
    kw_space *space;
    kw_machine *machine;
} kw_access_view;
/* With the rules of `config`, which `file` holds. Returns -1 or an exit code; close it in both cases. */
int kw_access_view_open(const char *file, const kw_config *config, kw_store *store, kw_access_view *out);
void kw_access_view_close(kw_access_view *view);

#endif
