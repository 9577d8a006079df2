/*
 * Secrets inside tokens: clear, the legacy block (OPC 10000-4, 7.40.2.2), RsaEncryptedSecret (7.40.2.4). EccEncryptedSecret gets
 * its row with the ECC policies. Both directions: the Server opens, the Client (and Gateway) seals.
 */
#ifndef KW_IDENTITY_SECRET_FORMAT_H
#define KW_IDENTITY_SECRET_FORMAT_H

#include "base/clock.h"
#include "crypto/certificate.h"
#include "crypto/policy.h"

typedef enum kw_secret_format {
    KW_SECRET_CLEAR,
    KW_SECRET_LEGACY,
    KW_SECRET_RSA,
    KW_SECRET_RSA_DOTNET, /* its raw KeyData and one-byte padding size */
    KW_SECRET_LEGACY_LONG /* only to seal: a token for a peer that knows nothing but the legacy block, in as many RSA blocks as it takes */
} kw_secret_format;

/* Which format these bytes are in: CLEAR when the policy is None, RSA (either dialect) by the leading NodeId, otherwise LEGACY. */
kw_secret_format kw_secret_format_of(const kw_security_policy *policy, kw_bytes sealed);

typedef struct kw_secret_open {
    const kw_security_policy *policy;
    const kw_application_identity *receiver;
    kw_bytes nonce;    /* must be inside; null: not compared (but RSA secrets must carry 32…128 bytes) */
    int64_t now;       /* DateTime */
    uint32_t window_s; /* SigningTime: now − window … now + window */
    uint32_t max_len;
    bool allow_legacy;
} kw_secret_open;

/* The reason when SigningTime is outside of the window. */
extern const char *const KW_SECRET_UNTIMELY;

/* One code for every failure: Bad_IdentityTokenInvalid; *why for the log (static). `format` gets what it was. */
kw_status kw_secret_unseal(const kw_secret_open *how, kw_bytes sealed, kw_secret *secret, kw_secret_format *format, const char **why);
/* Result in the arena. nonce null: made up (ES-11). Bad_InvalidArgument: LEGACY with more than 64 bytes. */
kw_status kw_secret_seal(kw_secret_format format, const kw_security_policy *policy, const kw_certificate *receiver, kw_bytes nonce,
                         kw_bytes secret, int64_t now, const kw_random *random, kw_arena *arena, kw_bytes *sealed);

#endif
