/*
 * The trust list: who is let in. A folder that people and tools can look at:
 *
 *   trusted/certs, trusted/crl    trusted leaf certificates and CAs, their CRLs
 *   issuers/certs, issuers/crl    CAs that only complete chains: never an anchor
 *   rejected                      certificates that were refused, for the administrator; named by SHA-256, bounded in number
 *
 * Read again when a folder changes. Thread safe. An empty list trusts nobody. OPC 10000-4, 6.1.3; OPC 10000-12, 7.
 */
#ifndef KW_CRYPTO_TRUST_H
#define KW_CRYPTO_TRUST_H

#include "base/clock.h"
#include "base/log.h"
#include "crypto/certificate.h"

typedef struct kw_trust_list kw_trust_list;

/* Folders that are missing are created (0700) when `create`. */
kw_status kw_trust_list_open(const char *directory, bool create, const kw_clock *clock, const kw_log *log, kw_trust_list **out);
/* Trusts everybody whose certificate is otherwise sound: only for --insecure-trust-any. */
kw_status kw_trust_list_any(const kw_clock *clock, const kw_log *log, kw_trust_list **out);
void kw_trust_list_close(kw_trust_list *trust);

typedef enum kw_certificate_role { KW_CERT_CLIENT, KW_CERT_SERVER, KW_CERT_USER } kw_certificate_role;

typedef struct kw_certificate_checks {
    kw_certificate_role role;
    const kw_security_policy *policy; /* key type, key length, signature hash; NULL: not checked */
    kw_string application_uri;        /* must be the certificate's; null: not checked here */
    kw_string host;                   /* must be among the certificate's; null: not checked */
    bool require_crl;                 /* a CA without a current CRL: Bad_CertificateRevocationUnknown (default true in callers) */
    bool keep_rejected;               /* copy a refused leaf to rejected/ */
} kw_certificate_checks;

/*
 * Every check of OPC 10000-4, 6.1.3, in its order: structure, chain, signature, policy, trust list, validity, host name, URI,
 * usage, revocation, and the issuers likewise. The StatusCode is the detailed one (Bad_CertificateUntrusted,
 * Bad_CertificateChainIncomplete, Bad_CertificateTimeInvalid, Bad_CertificateIssuerTimeInvalid, Bad_CertificateHostNameInvalid,
 * Bad_CertificateUriInvalid, Bad_CertificateUseNotAllowed, Bad_CertificateRevoked, Bad_CertificatePolicyCheckFailed, …):
 * for the log and the audit; what goes to the peer is the caller's business.
 */
kw_status kw_trust_list_check(kw_trust_list *trust, const kw_certificate *certificate, const kw_certificate_checks *checks);

typedef enum kw_trust_kind { KW_TRUST_TRUSTED, KW_TRUST_ISSUER, KW_TRUST_REJECTED, KW_TRUST_CRL } kw_trust_kind;

/* Administration, by files: moves a rejected one, adds a new one. The name of the file is the SHA-256 of its content. */
kw_status kw_trust_list_add(kw_trust_list *trust, const kw_certificate *certificate, kw_trust_kind kind);
kw_status kw_trust_list_add_crl(
    kw_trust_list *trust,
    kw_bytes encoded); /* PEM or DER; its issuer must be known: Bad_CertificateIssuerUseNotAllowed / Bad_NotFound, signature checked */
kw_status kw_trust_list_remove(kw_trust_list *trust, kw_bytes sha1_thumbprint, bool to_rejected);
/* Each certificate of the list; return false to stop. */
kw_status kw_trust_list_each(kw_trust_list *trust, bool (*each)(void *ctx, kw_trust_kind kind, const kw_certificate *certificate),
                             void *ctx);

#endif
