/*
 * Refresh tokens. One is 48 random bytes as base64url: 16 that lead to the grant in the store and 32 that are kept there as SHA-256
 * alone. It is good once, for the Client that it was given to, and stands for how the user was proven, not for what the user may do:
 * that is looked up at each use.
 */
#ifndef KW_AUTHORITY_GRANT_H
#define KW_AUTHORITY_GRANT_H

#include "authority/authority_internal.h"
#include "authority/roles.h"

#define KW_GRANTS_PER_SUBJECT 20u /* of one Client: the oldest go */

/* Who asks, and for what: the caller of a Method, or a client of OAuth. */
typedef struct kw_grant_context {
    kw_authority *authority;
    kw_arena *arena;
    kw_string owner;           /* nobody else may use the token: an ApplicationUri, or "oauth:" and a client_id */
    kw_string application_uri; /* of who asks, when that was proven */
    kw_string resource;
    bool is_any_resource;     /* to find a grant: whichever it is for */
    kw_string scope;          /* of OAuth; null otherwise */
    kw_string grant, subject; /* set here, for the trail: which refresh tokens it is about, and whose they are */
} kw_grant_context;

/* For `who`, proven just now, with the Roles wanted. The token is null when none are given. */
kw_status kw_grant_give(kw_grant_context *c, const kw_identity *who, const kw_wanted_roles *wanted, kw_string *token,
                        kw_date_time *expires);

/* What a refresh token stands for. */
typedef struct kw_grant {
    kw_refresh_grant row;
    uint8_t id[16], secret_hash[32]; /* of the token that was presented */
    kw_identity was;                 /* the user as proven then; without Roles */
    kw_wanted_roles wanted;
    kw_string scope;
} kw_grant;

/* grant_detail.c: how the user was proven and what was wanted, as JSON. Bad_DecodingError. */
kw_status kw_grant_detail_write(const kw_identity *who, const kw_wanted_roles *wanted, kw_string scope, kw_arena *arena, kw_string *out);
kw_status kw_grant_detail_read(kw_string text, kw_arena *arena, kw_identity *was, kw_wanted_roles *wanted, kw_string *scope);

/* Bad_IdentityTokenRejected, *why says what for; a token that was used before ends its grant here. */
kw_status kw_grant_find(kw_grant_context *c, kw_string token, kw_grant *out, const char **why);
/* The next token takes the place of this one. Refused as above when somebody was faster. */
kw_status kw_grant_renew(kw_grant_context *c, const kw_grant *grant, const kw_identity *who, kw_string *next, kw_date_time *expires,
                         const char **why);
/* The user is not let in any more. */
kw_status kw_grant_end(kw_grant_context *c, const kw_grant *grant);

#endif
