/* Between the files that make up the JWT reader. */
#ifndef KW_IDENTITY_JWT_INTERNAL_H
#define KW_IDENTITY_JWT_INTERNAL_H

#include "identity/jwt.h"

/* A compact JWS taken apart (RFC 7515, 7.1); borrows the token. */
typedef struct kw_jws {
    kw_string header, payload, signature; /* base64url as they stand there */
    kw_bytes signing_input;               /* header.payload */
} kw_jws;

/* Exactly three parts, none empty. */
bool kw_jws_split(kw_bytes token, kw_jws *out);

/* The payload into the claims of *out. NULL, or the reason. */
const char *kw_claims_parse(kw_bytes json, kw_arena *arena, kw_jwt *out);

/* May the key at index be tried for a token with this kid (null: none) and alg? */
bool kw_jwks_may_verify(const kw_jwks *jwks, size_t index, kw_string kid, kw_string alg);

#endif
