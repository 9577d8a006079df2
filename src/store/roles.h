/* Between roles.c, role_rules.c and role_endpoints.c. */
#ifndef KW_STORE_ROLES_H
#define KW_STORE_ROLES_H

#include "store/store_internal.h"

/* In a turn that writes: there is such a Role and it may be changed (RO-04). Bad_NotFound, Bad_RequestNotAllowed. */
kw_status kw_role_check_changeable(kw_turn *t, kw_string name);
/* Its endpoints, from the table into the arena; role->name is set. */
kw_status kw_role_read_endpoints(kw_sql *sql, kw_arena *arena, kw_role *role);
/* Its rules, from the table into the arena; role->name is set. */
kw_status kw_role_read_rules(kw_sql *sql, kw_arena *arena, kw_role *role);

#endif
