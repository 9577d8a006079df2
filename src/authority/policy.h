/*
 * Policy: who may get which Roles on which resource, for how long. The Roles themselves come from the mapping rules; a policy lets some of
 * them through, and adds none.
 */
#ifndef KW_AUTHORITY_POLICY_H
#define KW_AUTHORITY_POLICY_H

#include "authority/roles.h"

typedef struct kw_policy_verdict {
    bool is_allowed;
    bool is_ruled;         /* there is a rule for the resource; without one everybody who is proven is allowed */
    kw_wanted_roles roles; /* that may be in the token; count 0: all */
    uint32_t lifetime_s;   /* the shortest of the rules that let him in; 0: that of the resource */
} kw_policy_verdict;

/* Is the rule about this user? */
bool kw_policy_matches(const kw_token_policy *rule, const kw_identity *who);
/* By these rules, which are those of the resource. In the arena. Bad_OutOfMemory. */
kw_status kw_policy_decide(const kw_token_policy *rules, size_t count, const kw_identity *who, kw_arena *arena, kw_policy_verdict *out);

#endif
