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
    kw_string grant, subject; /* set here, for the trail and for access tokens: what it is about, and whose that is */
    uint8_t grant_key[16];    /* the half of its refresh tokens that leads to it */
} kw_grant_context;

/* A new grant, with its name in `c`. `origin`: a secret that it comes of, and by which it is found again; null: none. */
kw_status kw_grant_begin(kw_grant_context *c, kw_string origin);
/* That one, for `who`, proven just now, with the Roles wanted. The token is null when none are given. */
kw_status kw_grant_give(kw_grant_context *c, const kw_identity *who, const kw_wanted_roles *wanted, kw_string *token,
                        kw_date_time *expires);

/* What a refresh token stands for. */
typedef struct kw_grant {
    kw_refresh_grant row;
    uint8_t secret_hash[32]; /* of the token that was presented */
    kw_identity was;         /* the user as proven then; without Roles */
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
/* What is in `c` is void, with all refresh and access tokens that came of it, on every node. */
kw_status kw_grant_end(const kw_grant_context *c);
/* The row that says so. All texts are borrowed. */
kw_revoked_token kw_grant_revocation(kw_string service_uri, kw_string id, uint32_t token_lifetime_s, kw_date_time now);

#endif
