/*
 * The users of an external provider: it checks their passwords where it allows that (RFC 6749, 4.3), and the claims of its token say
 * who they are. Nobody can be looked up there without a password: what a token said holds for max_age_s, then the user signs in anew.
 */
#ifndef KW_AUTHORITY_PROVIDER_USERS_H
#define KW_AUTHORITY_PROVIDER_USERS_H

#include "authority/provider.h"
#include "identity/user_directory.h"

typedef struct kw_provider_users_config {
    const char *subject_claim; /* what stays the same whatever the user is called: sub */
    const char *groups_claim;  /* groups; a name, or a path like realm_access.roles, here and below */
    const char *roles_claim;   /* roles */
    uint32_t max_age_s;
} kw_provider_users_config;

extern const kw_provider_users_config KW_PROVIDER_USERS_DEFAULT;

typedef struct kw_provider_users kw_provider_users;

/* Borrows the provider, the clock and the texts. */
kw_status kw_provider_users_new(const kw_provider_users_config *config, kw_provider *provider, const kw_clock *clock,
                                kw_provider_users **out);
void kw_provider_users_free(kw_provider_users *users); /* NULL is fine */
const kw_user_directory *kw_provider_users_directory(kw_provider_users *users);

/* As prove of the directory, told step by step. */
kw_status kw_provider_users_explain(kw_provider_users *users, kw_string name, kw_bytes password, const kw_provider_listener *listener,
                                    kw_arena *arena, kw_directory_user *out, const char **why);

#endif
