/*
 * X509IdentityToken: the proof is a signature with the key of the user's Certificate. OPC 10000-4, 7.40.5. In RequestAccessToken it
 * is inside: certificateData is an EncryptedSecret of nothing that this key signed. OPC 10000-12, 9.5.4.
 */
#include "base/try.h"
#include "identity/channel_bound.h"
#include "identity/identity_internal.h"

static bool key_fits(const kw_security_policy *policy, const kw_certificate *certificate)
{
    const kw_public_key *key = kw_certificate_public_key(certificate);
    return policy->asym_signature != KW_ASYM_SIGN_NONE &&
           kw_security_policy_takes_key(policy, kw_public_key_type(key), kw_public_key_bits(key));
}

/* AS-19, AS-44, AS-45: serverCertificate ‖ last serverNonce; the leaf first, then the chain as it is sent. */
static bool signature_is_good(const kw_proof *proof, const kw_certificate *user)
{
    const kw_identity_claim *claim = proof->claim;
    const kw_signature_data *s = claim->user_signature;
    const kw_certificate *server = claim->receiver->certificate;
    const kw_public_key *key = kw_certificate_public_key(user);
    const kw_bytes leaf[] = {kw_certificate_der(server), claim->server_nonce};
    const kw_bytes chain[] = {kw_certificate_chain(server), claim->server_nonce};
    if (claim->binding != NULL) { /* CB-07: whatever algorithm is named */
        return kw_channel_bound_verify(claim->binding, KW_BOUND_USER, proof->effective, key, s->signature) == KW_GOOD;
    }
    const char *algorithm = proof->effective->asym_signature_uri;
    if (algorithm != NULL && !kw_string_equals(s->algorithm, algorithm)) { /* CB-07: none is named, and what stands there is ignored */
        return false;
    }
    return kw_asym_verify(proof->effective, key, leaf, 2, s->signature) == KW_GOOD ||
           (chain[0].len != leaf[0].len && kw_asym_verify(proof->effective, key, chain, 2, s->signature) == KW_GOOD);
}

static kw_status check_signature(kw_proof *proof, const kw_certificate *user)
{
    const kw_identity_claim *claim = proof->claim;
    /* a Certificate is public; alone it proves nothing, whatever the policy says. */
    if (proof->effective->is_none) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_REJECTED, "the UserTokenPolicy has no signature");
    }
    const bool has_nonce = claim->binding != NULL || !kw_bytes_is_empty(claim->server_nonce);
    if (claim->receiver == NULL || claim->receiver->certificate == NULL || !has_nonce) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_REJECTED, "nothing to sign in this context");
    }
    if (!key_fits(proof->effective, user)) { /* X5-05 */
        proof->certificate_verdict = KW_BAD_CERTIFICATE_POLICY_CHECK_FAILED;
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_INVALID, "the user's key does not fit the SecurityPolicy");
    }
    if (claim->user_signature == NULL || kw_bytes_is_empty(claim->user_signature->signature)) {
        return kw_refuse(proof, KW_BAD_USER_SIGNATURE_INVALID, "no user signature");
    }
    return signature_is_good(proof, user) ? KW_GOOD : kw_refuse(proof, KW_BAD_USER_SIGNATURE_INVALID, "wrong user signature");
}

/* X5-04, A-128: a trust list of its own; the reason stays here. */
kw_status kw_proof_check_user_trust(kw_proof *proof, const kw_certificate *user)
{
    kw_trust_list *trust = atomic_load(&proof->gate->user_trust);
    const kw_certificate_checks checks = {.role = KW_CERT_USER, .policy = proof->effective, .require_crl = true, .keep_rejected = true};
    if (trust == NULL) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_REJECTED, "no trust list for users");
    }
    const kw_status verdict = kw_trust_list_check(trust, user, &checks);
    proof->certificate_verdict = verdict;
    return kw_status_is_bad(verdict) ? kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_REJECTED, kw_status_name(verdict)) : KW_GOOD;
}

/* RT-10, RT-11, RT-12: a bare Certificate proves nothing here and is no EncryptedSecret. */
static kw_status take_sealed(kw_proof *proof, kw_bytes sealed)
{
    const kw_secret_rule rule = {.max_len = 0, .signers = KW_SIGNED_BY_USER};
    kw_secret nothing = KW_SECRET_NONE;
    KW_TRY(kw_proof_open_secret(proof, &rule, sealed, &nothing));
    kw_secret_clear(&nothing);
    proof->user_certificate = kw_certificate_retain(proof->sealed.signer);
    return KW_GOOD;
}

static kw_status take_certificate(kw_proof *proof, kw_bytes data)
{
    if (kw_bytes_is_empty(data) || kw_status_is_bad(kw_certificate_parse(data, &proof->user_certificate))) {
        proof->certificate_verdict = KW_BAD_CERTIFICATE_INVALID;
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_INVALID, "unreadable user certificate");
    }
    return check_signature(proof, proof->user_certificate);
}

static kw_status x509_prove(kw_proof *proof, const void *data)
{
    const kw_x509_identity_token *token = data;
    const kw_identity_claim *claim = proof->claim;
    const bool is_sealed = kw_bytes_is_empty(claim->server_nonce) && claim->binding == NULL && !proof->effective->is_none;
    KW_TRY(is_sealed ? take_sealed(proof, token->certificate_data) : take_certificate(proof, token->certificate_data));
    const kw_certificate *user = proof->user_certificate;
    KW_TRY(kw_proof_check_user_trust(proof, user));
    proof->found->name = kw_certificate_subject(user);
    proof->found->certificate_thumbprint = kw_string_from(kw_certificate_thumbprint_hex(user));
    proof->found->certificate = kw_certificate_der(user);
    return KW_GOOD;
}

static bool x509_same(const kw_identity *a, const kw_identity *b)
{
    return !kw_bytes_is_empty(a->certificate_thumbprint) && kw_bytes_equal(a->certificate_thumbprint, b->certificate_thumbprint);
}

/* A Certificate is public; a signed secret is a proof that somebody else could use as long as it is fresh. */
static void x509_redact(void *data)
{
    kw_x509_identity_token *token = data;
    kw_certificate *certificate = NULL;
    if (kw_status_is_bad(kw_certificate_parse(token->certificate_data, &certificate))) {
        token->certificate_data = KW_BYTES_NULL;
    }
    kw_certificate_release(certificate);
}

const kw_token_kind KW_TOKEN_X509 = {
    .type = KW_USER_TOKEN_TYPE_CERTIFICATE,
    .data_type_id = 325,
    .prove = x509_prove,
    .same = x509_same,
    .redact = x509_redact,
};
