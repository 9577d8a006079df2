/*
 * Secrets inside tokens: clear, the legacy block (OPC 10000-4, 7.40.2.2), RsaEncryptedSecret (7.40.2.4), EccEncryptedSecret
 * (7.40.2.5). Both directions: the Server opens, the Client (and Gateway) seals.
 *
 * RequestAccessToken wants secrets that somebody signed (OPC 10000-12, 9.5.4), which an RsaEncryptedSecret by itself is not: its
 * HMAC has a key that it brings along. A signed one is made as EccEncryptedSecret has it: the field Certificate holds the signer's
 * Certificate (DER, with its chain) in place of the hash of the receiver's, and after the HMAC, as after the tag of an AEAD, comes
 * the signature of that Certificate's key over every byte before it.
 */
#ifndef KW_IDENTITY_SECRET_FORMAT_H
#define KW_IDENTITY_SECRET_FORMAT_H

#include "base/clock.h"
#include "crypto/certificate.h"
#include "crypto/policy.h"
#include "crypto/symmetric.h"
#include "identity/receiver_key.h"

typedef enum kw_secret_format {
    KW_SECRET_CLEAR,
    KW_SECRET_LEGACY,
    KW_SECRET_RSA,
    KW_SECRET_RSA_DOTNET, /* its raw KeyData and one-byte padding size */
    KW_SECRET_ECC,
    KW_SECRET_ECC_DOTNET, /* its block behind the padding, where the cipher is AES-CBC */
    KW_SECRET_LEGACY_LONG /* only to seal: a token for a peer that knows nothing but the legacy block, in as many RSA blocks as it takes */
} kw_secret_format;

/* Which format these bytes are in: CLEAR when the policy is None, RSA or ECC (either dialect) by the leading NodeId, otherwise LEGACY. */
kw_secret_format kw_secret_format_of(const kw_security_policy *policy, kw_bytes sealed);

typedef struct kw_secret_open {
    const kw_security_policy *policy;
    const kw_application_identity *receiver;
    kw_bytes nonce;    /* must be inside; null: not compared (but RSA secrets must carry 32…128 bytes) */
    int64_t now;       /* DateTime */
    uint32_t window_s; /* SigningTime: now − window … now + window; with a nonce from an hour ago on */
    uint32_t max_len;
    bool allow_legacy;
    bool takes_signature;         /* also an RsaEncryptedSecret that somebody signed; an EccEncryptedSecret of others than the sender */
    const kw_certificate *sender; /* the application that is known by its channel; NULL: none is */
    kw_receiver_use *use;         /* the key that an EccEncryptedSecret must be for; taken on success. NULL: there is none */
} kw_secret_open;

/* What is known of a secret beside what is in it. */
typedef struct kw_secret_facts {
    kw_secret_format format;
    kw_certificate *signer;  /* whose key signed it, to be released; not checked any further. NULL: nobody */
    int64_t signing_time;    /* DateTime; 0: its format has none */
    uint8_t id[KW_HASH_MAX]; /* the same for this secret and no other, however it is signed; of KW_SECRET_ID_LEN bytes */
} kw_secret_facts;

#define KW_SECRET_ID_LEN 32u

/* The reasons when SigningTime is outside of the window, and when the Certificate in it is not that of the key that signed. */
extern const char *const KW_SECRET_UNTIMELY, *const KW_SECRET_MISSIGNED;

/* One code for every failure: Bad_IdentityTokenInvalid; *why for the log (static). *facts is filled when it is good. */
kw_status kw_secret_unseal(const kw_secret_open *how, kw_bytes sealed, kw_secret *secret, kw_secret_facts *facts, const char **why);
/* Result in the arena. nonce null: made up (ES-11). Bad_InvalidArgument: LEGACY with more than 64 bytes. */
kw_status kw_secret_seal(kw_secret_format format, const kw_security_policy *policy, const kw_certificate *receiver, kw_bytes nonce,
                         kw_bytes secret, int64_t now, const kw_random *random, kw_arena *arena, kw_bytes *sealed);
/* An EccEncryptedSecret, in either dialect; `receiver` is an EphemeralKey. nonce null: made up. Bad_SecurityChecksFailed: no such key. */
kw_status kw_secret_seal_ecc(kw_secret_format format, const kw_application_identity *signer, const kw_security_policy *policy,
                             kw_bytes receiver, kw_bytes nonce, kw_bytes secret, int64_t now, const kw_random *random, kw_arena *arena,
                             kw_bytes *sealed);
/* An RsaEncryptedSecret outside of a Session that `signer` signs; `secret` may be null. */
kw_status kw_secret_seal_signed(const kw_application_identity *signer, const kw_security_policy *policy, const kw_certificate *receiver,
                                kw_bytes secret, int64_t now, const kw_random *random, kw_arena *arena, kw_bytes *sealed);

#endif
