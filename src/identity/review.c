/* What becomes of somebody who is in already when users, rules or trust have changed (RO-15, UM-11, UM-16). */
#include "base/try.h"
#include "identity/identity_internal.h"

#define REVIEW_ARENA ((size_t)2 << 20)

/* A name that the store has by now is another user's: those come first. */
static kw_status review_directory_user(kw_proof *proof)
{
    if (proof->gate->directory == NULL || kw_snapshot_user(proof->snapshot, proof->found->name) != NULL) {
        return KW_BAD_USER_ACCESS_DENIED;
    }
    return kw_proof_ask_directory_again(proof);
}

static kw_status review_user(kw_proof *proof)
{
    if (!kw_bytes_is_empty(proof->found->directory_id)) {
        return review_directory_user(proof);
    }
    const kw_known_user *user = kw_snapshot_user(proof->snapshot, proof->found->name);
    const bool is_there = user != NULL && user->created == proof->found->account_created; /* not a later one of the same name */
    return is_there && (user->configuration & KW_USER_DISABLED) == 0 ? KW_GOOD : KW_BAD_USER_ACCESS_DENIED;
}

static kw_status review_certificate(kw_proof *proof)
{
    KW_TRY(kw_certificate_parse(proof->found->certificate, &proof->user_certificate));
    return kw_proof_check_user_trust(proof, proof->user_certificate);
}

static kw_status review_token(kw_proof *proof)
{
    const kw_identity *found = proof->found;
    const bool is_good = kw_snapshot_issuer(proof->snapshot, found->issuer) != NULL &&
                         !kw_snapshot_is_revoked(proof->snapshot, found->issuer, found->token_id);
    return is_good ? KW_GOOD : KW_BAD_IDENTITY_TOKEN_REJECTED;
}

/* The password that has to be changed, and what has expired, stay so until the next ActivateSession (UM-20). */
static kw_status review(kw_proof *proof)
{
    switch (proof->found->kind) {
    case KW_USER_TOKEN_TYPE_USER_NAME:
        KW_TRY(review_user(proof));
        break;
    case KW_USER_TOKEN_TYPE_CERTIFICATE:
        proof->effective = proof->claim->channel_policy->is_none ? proof->gate->config.secret_policy : proof->claim->channel_policy;
        KW_TRY(review_certificate(proof));
        break;
    case KW_USER_TOKEN_TYPE_ISSUED_TOKEN:
        KW_TRY(review_token(proof));
        break;
    default:
        break;
    }
    return kw_roles_grant(proof);
}

kw_status kw_identity_review(kw_identity_gate *gate, const kw_identity *identity, const kw_identity_claim *claim, kw_identity **out,
                             kw_refusal *refusal)
{
    kw_identity found = *identity;
    kw_proof proof = {.gate = gate, .claim = claim, .found = &found, .arena = kw_arena_new(REVIEW_ARENA)};
    kw_status status = KW_BAD_OUT_OF_MEMORY;
    if (proof.arena == NULL) {
        return status;
    }
    KW_GOTO(done, kw_snapshot_get(&gate->snapshots, gate->store, gate->log, &proof.snapshot));
    KW_GOTO(done, review(&proof));
    KW_GOTO(done, kw_identity_make(&found, out));
done:
    if (refusal != NULL) {
        *refusal = (kw_refusal){proof.why != NULL ? proof.why : "", proof.certificate_verdict};
    }
    kw_certificate_release(proof.user_certificate);
    kw_snapshot_release(proof.snapshot);
    kw_arena_free(proof.arena);
    return status;
}
