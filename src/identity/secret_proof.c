/* The secret of a token, as its UserTokenPolicy and the context demand: who sealed it, who signed it, and whether it came before. */
#include "base/try.h"
#include "identity/identity_internal.h"

bool kw_clear_secret_is_allowed(const kw_identity_config *config, kw_message_security_mode mode)
{
    return config->allow_clear_secret_anywhere ||
           (config->allow_clear_secret_on_encrypted_channel && mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT);
}

/* Without a Session's nonce (RequestAccessToken) SigningTime protects, and whoever signed. */
static bool is_outside_session(const kw_proof *proof)
{
    return kw_bytes_is_empty(proof->claim->server_nonce);
}

/* ES-09: on a channel without security nobody has looked at the application's Certificate before. */
static bool is_trusted_application(const kw_proof *proof, const kw_certificate *signer)
{
    kw_trust_list *trust = atomic_load(&proof->gate->application_trust);
    const kw_certificate_checks checks = {
        .role = KW_CERT_CLIENT, .policy = proof->effective, .require_crl = !proof->gate->config.allow_missing_crl};
    return trust != NULL && !kw_status_is_bad(kw_trust_list_check(trust, signer, &checks));
}

/* RT-08, RT-14. The channel has proven the application already; a signature that is there is the right one all the same. */
static kw_status check_signer(kw_proof *proof, kw_signers signers)
{
    const kw_certificate *signer = proof->sealed.signer, *application = proof->claim->client_certificate;
    if (signer == NULL) {
        const bool is_needed = signers == KW_SIGNED_BY_USER || proof->claim->needs_signer;
        return is_needed ? kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_INVALID, "secret: nobody signed it") : KW_GOOD;
    }
    if (signers == KW_SIGNED_BY_USER) {
        return KW_GOOD; /* who that is comes next */
    }
    if (application != NULL && kw_bytes_equal(kw_certificate_der(signer), kw_certificate_der(application))) {
        return KW_GOOD;
    }
    if (application == NULL && !is_outside_session(proof) && is_trusted_application(proof, signer)) {
        return KW_GOOD;
    }
    if (signers == KW_SIGNED_BY_EITHER && !kw_status_is_bad(kw_proof_check_user_trust(proof, signer))) {
        return KW_GOOD;
    }
    return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_INVALID, "secret: signed by somebody else");
}

/* What the peer is told apart from Bad_IdentityTokenInvalid: what everybody could see who has the bytes. */
static kw_status status_of_failure(const kw_proof *proof, const kw_secret_rule *rule, kw_status status)
{
    const bool is_late = proof->why == KW_SECRET_UNTIMELY && is_outside_session(proof);             /* RT-17 */
    const bool is_forged = proof->why == KW_SECRET_MISSIGNED && rule->signers == KW_SIGNED_BY_USER; /* RT-11 */
    return is_late || is_forged ? KW_BAD_IDENTITY_TOKEN_REJECTED : status;
}

kw_status kw_proof_open_secret(kw_proof *proof, const kw_secret_rule *rule, kw_bytes sealed, kw_secret *secret)
{
    const kw_identity_config *config = &proof->gate->config;
    const kw_identity_claim *claim = proof->claim;
    const bool is_bearer = claim->is_sessionless && claim->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT;
    const bool is_protected = is_bearer || claim->is_inside_tls;
    /* refused even if somebody put such a policy into the list. */
    if (proof->effective->is_none && !is_protected && !kw_clear_secret_is_allowed(config, proof->claim->mode)) {
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_REJECTED, "a secret in clear");
    }
    const kw_secret_open how = {.policy = proof->effective,
                                .receiver = proof->claim->receiver,
                                .nonce = proof->claim->server_nonce,
                                .now = kw_clock_utc(proof->gate->clock),
                                .window_s = config->signing_time_window_s,
                                .max_len = rule->max_len < config->max_secret ? rule->max_len : config->max_secret,
                                .allow_legacy = rule->allow_legacy,
                                .takes_signature = is_outside_session(proof),
                                .sender = claim->client_certificate,
                                .use = claim->receiver_use};
    const kw_status status = kw_secret_unseal(&how, sealed, secret, &proof->sealed, &proof->why);
    if (kw_status_is_bad(status)) {
        return status_of_failure(proof, rule, status);
    }
    const bool may_be_signed =
        proof->sealed.format == KW_SECRET_ECC || (is_outside_session(proof) && proof->sealed.format != KW_SECRET_CLEAR);
    const kw_status is_signed = may_be_signed ? check_signer(proof, rule->signers) : KW_GOOD;
    if (kw_status_is_bad(is_signed)) {
        kw_secret_clear(secret);
    }
    return is_signed;
}

static kw_string hex_of(kw_arena *arena, const uint8_t *bytes, size_t len)
{
    static const char DIGITS[] = "0123456789abcdef";
    uint8_t *text = kw_arena_alloc(arena, 2 * len);
    for (size_t i = 0; text != NULL && i < len; i++) {
        text[2 * i] = (uint8_t)DIGITS[bytes[i] >> 4];
        text[2 * i + 1] = (uint8_t)DIGITS[bytes[i] & 15];
    }
    return (kw_string){text, text != NULL ? 2 * len : 0};
}

kw_status kw_proof_use_up(kw_proof *proof)
{
    kw_identity_gate *gate = proof->gate;
    if (!is_outside_session(proof) || proof->sealed.signing_time == 0) { /* a nonce does it, or there is nothing to know it by */
        return KW_GOOD;
    }
    const kw_string id = hex_of(proof->arena, proof->sealed.id, KW_SECRET_ID_LEN);
    /* Twice the window: the clocks of other nodes may be off by as much. */
    const int64_t until = proof->sealed.signing_time + 2 * (int64_t)gate->config.signing_time_window_s * KW_TICKS_PER_S;
    const kw_status status = kw_store_secret_use(gate->store, id, until, gate->config.max_used_secrets);
    switch (status) {
    case KW_GOOD:
        return KW_GOOD;
    case KW_BAD_ALREADY_EXISTS:
        return kw_refuse(proof, KW_BAD_IDENTITY_TOKEN_REJECTED, "secret: it was used before");
    case KW_BAD_TOO_MANY_OPERATIONS:
        return kw_refuse(proof, status, "no room to remember the secret");
    default:
        return kw_refuse(proof, KW_BAD_RESOURCE_UNAVAILABLE, "the store cannot be written");
    }
}
