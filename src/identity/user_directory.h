/*
 * Users that somebody else keeps: a directory proves their passwords and knows their groups. The core says whom it wants to know
 * about, another room asks. Blocks: for jobs. Thread safe.
 */
#ifndef KW_IDENTITY_USER_DIRECTORY_H
#define KW_IDENTITY_USER_DIRECTORY_H

#include <keyway/arena.h>

#define KW_DIRECTORY_GROUPS_MAX 1024u /* of one user, and as many roles; with more the directory is set up wrongly */

typedef struct kw_directory_user {
    kw_string id; /* of the entry, whatever it is called: an entry made later has another one */
    kw_string *groups;
    size_t group_count;
    kw_string *roles; /* that it claims for the user: input of the mapping rules; NULL: it knows none */
    size_t role_count;
} kw_directory_user;

typedef struct kw_user_directory {
    /*
     * Bad_UserAccessDenied: no such user, wrong password, or an account that may not be used, alike. Bad_ResourceUnavailable: the
     * directory cannot be asked, which says nothing about the user. The user in the arena; *why is a static text for log and audit.
     */
    kw_status (*prove)(void *ctx, kw_string name, kw_bytes password, kw_arena *arena, kw_directory_user *out, const char **why);
    /* The same user again, without the password. */
    kw_status (*look_up)(void *ctx, kw_string name, kw_arena *arena, kw_directory_user *out, const char **why);
    void *ctx;
    uint32_t recheck_s;  /* the rights of a live Session follow its groups after this time at the latest */
    uint32_t max_age_s;  /* and stay so long while the directory cannot be asked */
    bool needs_password; /* look_up is never answered: what was proven holds for max_age_s, for whatever is given out anew, too */
} kw_user_directory;

#endif
