/* The Roles that a token can speak of. */
#ifndef KW_AUTHORITY_ROLES_H
#define KW_AUTHORITY_ROLES_H

#include "identity/gate.h"

/* Roles that every Server gives by itself say nothing in a token. `ns` and `id`: of its NodeId. */
bool kw_role_is_worth_a_claim(uint16_t ns, uint32_t id);
/* SupportedRoles: all of the store, by what the gate recalls. In the arena. */
kw_status kw_authority_supported_roles(kw_identity_gate *gate, kw_arena *arena, kw_string **out, size_t *count);

/* What of the Roles was asked for; count 0: all. */
typedef struct kw_wanted_roles {
    const kw_string *names;
    size_t count;
} kw_wanted_roles;

bool kw_roles_are_supported(const kw_wanted_roles *wanted, const kw_string *supported, size_t count);
/* Does this user have each of them? */
bool kw_roles_are_held(const kw_wanted_roles *wanted, const kw_identity *who);
/* The same user with no other Roles than these; borrows from both, and from the arena. */
kw_status kw_roles_narrow(const kw_identity *who, const kw_wanted_roles *wanted, kw_arena *arena, kw_identity *out);

#endif
