/* Every check of a Certificate, in the order of OPC 10000-4, 6.1.3. */
#include "base/try.h"
#include "crypto/crypto_internal.h"
#include "crypto/trust_internal.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#define PATH_MAX_CERTIFICATES 5 /* attack A-67: a chain that is longer is none */

/* From the leaf to a self-signed root, as far as it could be followed. */
typedef struct chain {
    const kw_certificate *path[PATH_MAX_CERTIFICATES];
    size_t count;
    bool is_complete;
    kw_certificate *sent[KW_CHAIN_MAX]; /* issuers that the peer sent along: to complete a chain, never to anchor it */
    size_t sent_count;
} chain;

/* --- the chain ---------------------------------------------------------------------------------------------------------------------- */

static void take_sent(const kw_certificate *leaf, chain *c)
{
    for (size_t i = 0; i < leaf->issuer_count; i++) {
        kw_certificate *certificate = NULL;
        X509_up_ref(leaf->issuers[i]);
        if (!kw_status_is_bad(kw_certificate_of_x509(leaf->issuers[i], &certificate))) {
            c->sent[c->sent_count++] = certificate;
        }
    }
}

static void release_sent(chain *c)
{
    while (c->sent_count > 0) {
        kw_certificate_release(c->sent[--c->sent_count]);
    }
}

static bool is_self_issued(const kw_certificate *c)
{
    return X509_NAME_cmp(X509_get_subject_name(c->x509), X509_get_issuer_name(c->x509)) == 0;
}

static const kw_certificate *find_issuer(const kw_certificate *of, kw_certificate *const *among, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (kw_certificate_is_issued_by(of, among[i])) {
            return among[i];
        }
    }
    return NULL;
}

/* Links are verified signatures, not names alone (attack A-66); anchors are preferred. */
static void build(const kw_trust_state *state, const kw_certificate *leaf, chain *c)
{
    c->path[c->count++] = leaf;
    while (c->count <= PATH_MAX_CERTIFICATES) {
        const kw_certificate *last = c->path[c->count - 1];
        if (is_self_issued(last) && kw_certificate_is_issued_by(last, last)) {
            c->is_complete = true;
            return;
        }
        const kw_certificate *issuer = find_issuer(last, state->trusted, state->trusted_count);
        issuer = issuer != NULL ? issuer : find_issuer(last, state->issuers, state->issuer_count);
        issuer = issuer != NULL ? issuer : find_issuer(last, c->sent, c->sent_count);
        if (issuer == NULL || c->count == PATH_MAX_CERTIFICATES) {
            return;
        }
        c->path[c->count++] = issuer;
    }
}

/* Attack A-71: only what lies in `trusted` is an anchor, compared as a whole. */
static bool is_trusted(const kw_trust_state *state, const kw_certificate *c)
{
    for (size_t i = 0; i < state->trusted_count; i++) {
        if (kw_bytes_equal(kw_certificate_der(state->trusted[i]), kw_certificate_der(c))) {
            return true;
        }
    }
    return false;
}

static bool is_anchored(const kw_trust_state *state, const chain *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (is_trusted(state, c->path[i])) {
            return true;
        }
    }
    return false;
}

/* --- single checks ------------------------------------------------------------------------------------------------------------------ */

static unsigned hash_bits(const kw_certificate *c)
{
    int digest = 0, key = 0, bits = 0;
    uint32_t flags = 0;
    if (X509_get_signature_info(c->x509, &digest, &key, &bits, &flags) != 1) {
        return 0;
    }
    if (key == NID_ED25519 || key == NID_ED448) { /* these bring their own: SHA-512, SHAKE256 */
        return 512;
    }
    return EVP_get_digestbynid(digest) != NULL ? (unsigned)EVP_MD_get_size(EVP_get_digestbynid(digest)) * 8 : 0;
}

static unsigned wanted_bits(kw_hash hash)
{
    return (unsigned)kw_hash_len(hash) * 8;
}

static kw_status check_policy(const kw_security_policy *policy, const kw_certificate *leaf)
{
    if (!kw_public_key_is_sound(leaf->public_key)) {
        return KW_BAD_CERTIFICATE_POLICY_CHECK_FAILED;
    }
    if (policy == NULL || policy->is_none) {
        return KW_GOOD;
    }
    const bool fits = kw_security_policy_takes_key(policy, leaf->public_key->type, leaf->public_key->bits) &&
                      hash_bits(leaf) >= wanted_bits(policy->certificate_hash);
    return fits ? KW_GOOD : KW_BAD_CERTIFICATE_POLICY_CHECK_FAILED;
}

static kw_status check_times(const chain *c, int64_t now)
{
    for (size_t i = 0; i < c->count; i++) {
        if (now < c->path[i]->not_before || now > c->path[i]->not_after) {
            return i == 0 ? KW_BAD_CERTIFICATE_TIME_INVALID : KW_BAD_CERTIFICATE_ISSUER_TIME_INVALID;
        }
    }
    return KW_GOOD;
}

static bool has_extended_usage(const kw_certificate *leaf, kw_certificate_role role)
{
    const uint32_t usage = X509_get_extended_key_usage(leaf->x509);
    if (usage == UINT32_MAX || role == KW_CERT_USER) { /* without the extension there is no restriction */
        return true;
    }
    return (usage & (role == KW_CERT_CLIENT ? XKU_SSL_CLIENT : XKU_SSL_SERVER)) != 0;
}

static bool has_usage(const kw_certificate *leaf, kw_certificate_role role)
{
    const uint32_t usage = X509_get_key_usage(leaf->x509);
    if (usage == UINT32_MAX) {
        return role == KW_CERT_USER; /* applications must say what they are for */
    }
    if ((usage & KU_DIGITAL_SIGNATURE) == 0) {
        return false;
    }
    return role == KW_CERT_USER || leaf->public_key->type != KW_KEY_RSA || (usage & (KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT)) != 0;
}

static kw_status check_usage(const chain *c, kw_certificate_role role)
{
    if (!has_usage(c->path[0], role) || !has_extended_usage(c->path[0], role)) {
        return KW_BAD_CERTIFICATE_USE_NOT_ALLOWED;
    }
    for (size_t i = 1; i < c->count; i++) {
        if (!c->path[i]->is_ca || (X509_get_key_usage(c->path[i]->x509) & KU_KEY_CERT_SIGN) == 0) {
            return KW_BAD_CERTIFICATE_ISSUER_USE_NOT_ALLOWED;
        }
    }
    return KW_GOOD;
}

/* --- revocation ----------------------------------------------------------------------------------------------------------------------- */

/* The newest list that this issuer signed and that is current; NULL: there is none. */
static X509_CRL *current_crl(const kw_trust_state *state, const kw_certificate *issuer, time_t now)
{
    X509_CRL *newest = NULL;
    for (size_t i = 0; i < state->crl_count; i++) {
        X509_CRL *crl = state->crls[i];
        const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
        if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer->x509)) != 0 ||
            X509_CRL_verify(crl, issuer->public_key->pkey) != 1) {
            continue;
        }
        if ((X509_get_key_usage(issuer->x509) & KU_CRL_SIGN) == 0 || (next != NULL && X509_cmp_time(next, &now) < 0)) {
            continue;
        }
        if (newest == NULL || ASN1_TIME_compare(X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_lastUpdate(newest)) > 0) {
            newest = crl;
        }
    }
    ERR_clear_error();
    return newest;
}

static kw_status check_revocation(const kw_trust_state *state, const chain *c, bool require_crl, int64_t now)
{
    const time_t seconds = (time_t)kw_datetime_to_unix(now);
    for (size_t i = 0; i + 1 < c->count; i++) {
        X509_CRL *crl = current_crl(state, c->path[i + 1], seconds);
        X509_REVOKED *entry = NULL;
        if (crl == NULL && require_crl) {
            return i == 0 ? KW_BAD_CERTIFICATE_REVOCATION_UNKNOWN : KW_BAD_CERTIFICATE_ISSUER_REVOCATION_UNKNOWN;
        }
        if (crl != NULL && X509_CRL_get0_by_cert(crl, &entry, c->path[i]->x509) == 1) {
            return i == 0 ? KW_BAD_CERTIFICATE_REVOKED : KW_BAD_CERTIFICATE_ISSUER_REVOKED;
        }
    }
    return KW_GOOD;
}

/* --- all of them ---------------------------------------------------------------------------------------------------------------------- */

static kw_status check_names(const kw_certificate *leaf, const kw_certificate_checks *checks)
{
    if (checks->host.data != NULL && !kw_certificate_matches_host(leaf, checks->host)) {
        return KW_BAD_CERTIFICATE_HOST_NAME_INVALID;
    }
    if (checks->application_uri.data != NULL && !kw_bytes_equal(kw_certificate_application_uri(leaf), checks->application_uri)) {
        return KW_BAD_CERTIFICATE_URI_INVALID;
    }
    return KW_GOOD;
}

static kw_status check_chain(const kw_trust_list *trust, const kw_trust_state *state, const chain *c, const kw_certificate_checks *checks)
{
    const int64_t now = kw_clock_utc(trust->clock);
    const kw_certificate *leaf = c->path[0];
    if (!c->is_complete && !trust->trusts_any) {
        return KW_BAD_CERTIFICATE_CHAIN_INCOMPLETE;
    }
    KW_TRY(check_policy(checks->policy, leaf));
    if (!trust->trusts_any && !is_anchored(state, c)) {
        return KW_BAD_CERTIFICATE_UNTRUSTED;
    }
    KW_TRY(check_times(c, now));
    KW_TRY(check_names(leaf, checks));
    KW_TRY(check_usage(c, checks->role));
    return check_revocation(state, c, checks->require_crl && !trust->trusts_any, now);
}

kw_status kw_trust_list_check(kw_trust_list *trust, const kw_certificate *certificate, const kw_certificate_checks *checks)
{
    kw_trust_state *state = NULL;
    chain c = {.count = 0};
    KW_TRY(kw_trust_state_get(trust, &state));
    take_sent(certificate, &c);
    build(state, certificate, &c);
    const kw_status status = check_chain(trust, state, &c, checks);
    release_sent(&c);
    kw_trust_state_release(state);
    if (kw_status_is_bad(status) && checks->keep_rejected) {
        kw_trust_keep_rejected(trust, certificate);
    }
    return status;
}
