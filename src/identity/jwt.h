/* JSON Web Tokens (RFC 7519) as compact JWS (RFC 7515), JWK Sets (RFC 7517); strict. */
#ifndef KW_IDENTITY_JWT_H
#define KW_IDENTITY_JWT_H

#include "base/arena.h"
#include "base/clock.h"
#include "crypto/certificate.h"

#define KW_JWT_MAX 65536u /* bytes of a token */

typedef struct kw_jwk {
    kw_string kid; /* null: none */
    kw_string alg; /* null: any that fits the key */
    kw_public_key *key;
    kw_string thumbprint; /* RFC 7638, as below */
} kw_jwk;

/* Keys of one issuer; immutable, counted. */
typedef struct kw_jwks kw_jwks;

/* {"keys":[…]}; unknown key types and private or symmetric members are skipped or refused. Bad_DecodingError; *why static. At most 64 keys, 1 MiB. */
kw_status kw_jwks_parse(kw_bytes json, kw_jwks **out, const char **why);
/* The one key of a certificate; it answers to kid null, the SHA-1 thumbprint in hex (either case) or the RFC 7638 thumbprint. */
kw_status kw_jwks_of_certificate(const kw_certificate *certificate, kw_jwks **out);
kw_jwks *kw_jwks_retain(kw_jwks *jwks);
void kw_jwks_release(kw_jwks *jwks);
size_t kw_jwks_count(const kw_jwks *jwks);
const kw_jwk *kw_jwks_at(const kw_jwks *jwks, size_t index);
/* Is there a key that a token with this kid (null: none) and alg could have been signed by? */
bool kw_jwks_has_key_for(const kw_jwks *jwks, kw_string kid, kw_string alg);
/* Is there the key with this thumbprint? */
bool kw_jwks_has_thumbprint(const kw_jwks *jwks, kw_string thumbprint);
/* The public JWK Set as JSON text, for publication. */
kw_string kw_jwk_to_json(kw_arena *arena, const kw_jwk *jwk);
/* RFC 7638, SHA-256, base64url: a kid that follows from the key. */
kw_status kw_jwk_thumbprint(const kw_public_key *key, kw_arena *arena, kw_string *out);

/* The claims that matter here; strings in the arena. */
typedef struct kw_jwt {
    kw_string alg, kid;
    kw_string iss, sub, name, jti, nonce, scope, client_id;
    kw_string *aud, *roles, *groups;
    size_t aud_count, role_count, group_count;
    bool has_exp, has_nbf, has_iat;
    int64_t exp, nbf, iat;           /* seconds since 1970 */
    kw_string confirmation_x5t_s256; /* cnf.x5t#S256; the other ways to bind a token (RFC 7800) cannot be checked here and are rejected */
} kw_jwt;

/* Parse without believing: to learn iss, kid and alg. Bad_IdentityTokenInvalid: not exactly three canonical base64url
 * parts, not JSON, duplicate names, wrong claim types, a claim over its limit (sub 256, 256 roles), crit; Bad_IdentityTokenRejected: alg none or unknown. */
kw_status kw_jwt_parse(kw_bytes token, kw_arena *arena, kw_jwt *out, const char **why);

/* Those that are taken where nothing else is said, and that own tokens are signed with; NULL-ended. */
extern const char *const KW_JWT_ALGORITHMS[];
bool kw_jwt_is_allowed(const char *const *algorithms, kw_string alg);

typedef struct kw_jwt_rules {
    kw_string issuer, audience;
    const kw_jwks *keys;
    const char *const *algorithms; /* NULL-ended allow-list */
    int64_t now;                   /* seconds since 1970 */
    uint32_t skew_s, max_lifetime_s;
} kw_jwt_rules;

/* Signature, alg, issuer, audience, exp, nbf, iat, sub. OPC 10000-6, 6.5.2. *signer: the key that it was, borrowed from rules->keys. */
kw_status kw_jwt_verify(kw_bytes token, const kw_jwt *parsed, const kw_jwt_rules *rules, const kw_jwk **signer, const char **why);

/* Sign claims with typ "JWT"; kid null: none. That they are an object is looked at, that its text is sound JSON is the writer's duty.
 * Bad_InvalidArgument: unknown alg, no object, a kid of more than 256 bytes. Result in the arena. */
kw_status kw_jwt_sign(kw_string alg, kw_string kid, const kw_private_key *key, kw_string claims_json, kw_arena *arena, kw_string *token);

kw_status kw_base64url_decode(kw_string text, kw_arena *arena, kw_bytes *out); /* strict, unpadded, canonical */
kw_string kw_base64url_encode(kw_arena *arena, kw_bytes bytes);

#endif
