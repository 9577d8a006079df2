/* What `keyway policy` says about rules, and how it explains a decision. */
#ifndef KW_APP_POLICY_TEST_H
#define KW_APP_POLICY_TEST_H

#include "app/directory.h"
#include "app/options.h"

typedef struct kw_policy_options {
    const char *user, *application, *having_role, *issuer;
    kw_option_list groups, claim_roles, roles;
    bool is_anyone;
    uint32_t lifetime;
} kw_policy_options;

/* "user alice", "anyone" */
kw_string kw_policy_subject(kw_arena *arena, const kw_token_policy *rule);
/* "Operator, Engineer", "all that he has" */
kw_string kw_policy_roles(kw_arena *arena, const kw_token_policy *rule);
/* The whole rule as a sentence. */
kw_string kw_policy_sentence(kw_arena *arena, const kw_token_policy *rule);
/* Step by step, what a user would get: who it is, which Roles follow, which rules are about him, what the token would say. */
int kw_policy_test(kw_directory *d, const char *resource, const kw_policy_options *options, bool json);

#endif
