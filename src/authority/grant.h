/*
 * Refresh tokens. One is 48 random bytes as base64url: 16 that lead to the grant in the store and 32 that are kept there as SHA-256
 * alone. It is good once, for the Client that it was given to, and stands for how the user was proven, not for what the user may do:
 * that is looked up at each use.
 */
#ifndef KW_AUTHORITY_GRANT_H
#define KW_AUTHORITY_GRANT_H

#include "authority/roles.h"
#include "authority/token_call.h"

#define KW_GRANTS_PER_SUBJECT 20u /* of one Client: the oldest go */

/* For `who`, proven by this call, with the Roles wanted: outputs `index` (the token) and `index` + 1 (its expiry). */
kw_status kw_grant_give(kw_token_call *t, const kw_identity *who, const kw_wanted_roles *wanted, size_t index);

/* What a refresh token stands for. */
typedef struct kw_grant {
    kw_refresh_grant row;
    uint8_t id[16], secret_hash[32]; /* of the token that was presented */
    kw_identity was;                 /* the user as proven then; without Roles */
    kw_wanted_roles wanted;
} kw_grant;

/* grant_detail.c: how the user was proven and what was wanted, as JSON. Bad_DecodingError. */
kw_status kw_grant_detail_write(const kw_identity *who, const kw_wanted_roles *wanted, kw_arena *arena, kw_string *out);
kw_status kw_grant_detail_read(kw_string text, kw_arena *arena, kw_identity *was, kw_wanted_roles *wanted);

/* Bad_IdentityTokenRejected, *why says what for; a token that was used before ends its grant here. Fills t->grant. */
kw_status kw_grant_find(kw_token_call *t, kw_string token, kw_grant *out, const char **why);
/* The next token takes the place of this one; outputs as above. Refused as above when somebody was faster. */
kw_status kw_grant_renew(kw_token_call *t, const kw_grant *grant, const kw_identity *who, size_t index, const char **why);
/* The user is not let in any more. */
kw_status kw_grant_end(kw_token_call *t, const kw_grant *grant);

#endif
