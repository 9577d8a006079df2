/* IssuedIdentityToken: a JSON Web Token of an Authorization Service. OPC 10000-4, 7.40.6; OPC 10000-6, 6.5.2. */
#include "base/secret.h"
#include "base/try.h"
#include "crypto/symmetric.h"
#include "identity/identity_internal.h"
#include "identity/jwt.h"

/* a token bound to a Certificate is good only on the channel of that Certificate (RFC 8705, 3.1). */
static bool is_bound_elsewhere(const kw_proof *proof, const kw_jwt *jwt)
{
    uint8_t hash[KW_HASH_MAX];
    if (kw_bytes_is_empty(jwt->confirmation_x5t_s256)) {
        return false;
    }
    if (proof->claim->client_certificate == NULL) {
        return true;
    }
    const kw_bytes der = kw_certificate_der(proof->claim->client_certificate);
    if (kw_status_is_bad(kw_hash_of(KW_HASH_SHA256, &der, 1, hash))) {
        return true;
    }
    const kw_string ours = kw_base64url_encode(proof->arena, (kw_bytes){hash, kw_hash_len(KW_HASH_SHA256)});
    return !kw_bytes_equal(ours, jwt->confirmation_x5t_s256);
}

static void take_claims(kw_identity *found, const kw_jwt *jwt, const kw_issuer *issuer, const kw_jwt_rules *rules, const kw_jwk *signer)
{
    found->key_thumbprint = signer->thumbprint;
    found->name = jwt->sub;
    found->token_id = jwt->jti;
    found->issuer = issuer->alias_of.len > 0 ? issuer->alias_of : issuer->uri; /* under every name the same user with the same Roles */
    found->claimed_roles = jwt->roles;
    found->claimed_role_count = jwt->role_count;
    found->groups = jwt->groups;
    found->group_count = jwt->group_count;
    found->expires = kw_datetime_from_unix(jwt->exp);
    /* IT-14: at `exp`; one that was late already has the time that it would be accepted anew. */
    found->rights_end = rules->now < jwt->exp ? found->expires : kw_datetime_from_unix(jwt->exp + rules->skew_s);
}

static bool can_be_verified(const kw_proof *proof, const kw_trusted_issuer *issuer, const kw_jwt *jwt)
{
    return issuer->keys != NULL && kw_jwks_has_key_for(issuer->keys, jwt->kid, jwt->alg) &&
           kw_key_source_is_fresh(proof->gate->keys, &issuer->about);
}

/* An issuer that is trusted, with keys; those of a token that nobody has seen yet are fetched on the way, so that users notice no rotation. */
static kw_status find_issuer(kw_proof *proof, const kw_jwt *jwt, const kw_trusted_issuer **out)
{
    kw_identity_gate *gate = proof->gate;
    const kw_trusted_issuer *issuer = kw_snapshot_issuer(proof->snapshot, jwt->iss);
    if (issuer != NULL && !can_be_verified(proof, issuer, jwt) && kw_key_source_renew(gate->keys, &issuer->about)) {
        const kw_snapshot *newer = NULL;
        KW_TRY(kw_snapshot_get(&gate->snapshots, gate->store, gate->log, &newer));
        kw_snapshot_release(proof->snapshot);
        proof->snapshot = newer;
        issuer = kw_snapshot_issuer(newer, jwt->iss);
    }
    if (issuer == NULL || issuer->keys == NULL) {
        proof->is_our_lack = issuer != NULL;
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_REJECTED, issuer == NULL ? "unknown issuer" : "no keys of the issuer");
    }
    if (!kw_key_source_is_fresh(gate->keys, &issuer->about)) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_REJECTED, "the keys of the issuer are too old");
    }
    *out = issuer;
    return KW_GOOD;
}

/* The one that the token names, of those that are taken here. */
static kw_string audience_of(const kw_proof *proof, const kw_jwt *jwt)
{
    const kw_string also = proof->claim->also_audience;
    for (size_t i = 0; also.len > 0 && i < jwt->aud_count; i++) {
        if (kw_bytes_equal(jwt->aud[i], also)) {
            return also;
        }
    }
    return proof->gate->config.audience;
}

static kw_status check_token(kw_proof *proof, kw_bytes token)
{
    const kw_identity_gate *gate = proof->gate;
    const kw_trusted_issuer *issuer = NULL;
    const kw_jwk *signer = NULL;
    kw_jwt jwt;
    KW_TRY(kw_jwt_parse(token, proof->arena, &jwt, &proof->why));
    KW_TRY(find_issuer(proof, &jwt, &issuer));
    const kw_jwt_rules rules = {.issuer = issuer->about.uri,
                                .audience = audience_of(proof, &jwt),
                                .keys = issuer->keys,
                                .algorithms = gate->config.token_algorithms,
                                .now = kw_datetime_to_unix(kw_clock_utc(gate->clock)),
                                .skew_s = gate->config.clock_skew_s,
                                .max_lifetime_s = gate->config.max_token_lifetime_s};
    KW_TRY(kw_jwt_verify(token, &jwt, &rules, &signer, &proof->why));
    if (is_bound_elsewhere(proof, &jwt)) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_REJECTED, "the token is bound to another certificate");
    }
    take_claims(proof->found, &jwt, &issuer->about, &rules, signer);
    if (kw_snapshot_is_revoked(proof->snapshot, proof->found->issuer, jwt.jti)) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_REJECTED, "the token was revoked");
    }
    return KW_GOOD;
}

static kw_status issued_prove(kw_proof *proof, const void *data)
{
    const kw_issued_identity_token *token = data;                                 /* IT-26: encryptionAlgorithm is not looked at */
    if (!kw_string_equals(proof->policy->issued_token_type, KW_TOKEN_TYPE_JWT)) { /* IT-23 */
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_INVALID, "not a JWT policy");
    }
    kw_secret jwt = KW_SECRET_NONE;
    const kw_secret_rule rule = {.max_len = KW_JWT_MAX,
                                 .allow_legacy = proof->gate->config.accept_legacy_issued_token, /* IT-04 */
                                 .signers = KW_SIGNED_BY_EITHER};
    KW_TRY(kw_proof_open_secret(proof, &rule, token->token_data, &jwt));
    const kw_status status = proof->claim->keeper != NULL
                                 ? kw_proof_ask_keeper(proof, KW_BYTES_NULL, kw_secret_bytes(&jwt), &proof->found->name)
                                 : check_token(proof, kw_secret_bytes(&jwt));
    kw_secret_clear(&jwt);
    return status;
}

static bool issued_same(const kw_identity *a, const kw_identity *b)
{
    return kw_bytes_equal(a->issuer, b->issuer) && kw_bytes_equal(a->name, b->name);
}

static void issued_redact(void *data)
{
    ((kw_issued_identity_token *)data)->token_data = KW_BYTES_NULL;
}

const kw_token_kind KW_TOKEN_ISSUED = {
    .type = KW_USER_TOKEN_TYPE_ISSUED_TOKEN,
    .data_type_id = 938,
    .prove = issued_prove,
    .same = issued_same,
    .redact = issued_redact,
};
