/* AnonymousIdentityToken: no user credentials. OPC 10000-4, 7.40.3. */
#include "identity/identity_internal.h"

static kw_status anonymous_prove(kw_proof *proof, const void *token)
{
    (void)token; /* AN-02: only the PolicyId, which the gate has matched */
    (void)proof;
    return KW_GOOD;
}

static bool anonymous_same(const kw_identity *a, const kw_identity *b)
{
    (void)a;
    (void)b;
    return true;
}

const kw_token_kind KW_TOKEN_ANONYMOUS = {
    .type = KW_USER_TOKEN_TYPE_ANONYMOUS,
    .data_type_id = 319,
    .prove = anonymous_prove,
    .same = anonymous_same,
};
