/* Between the secret formats. Each one opens and seals in a file of its own. */
#ifndef KW_IDENTITY_SECRET_INTERNAL_H
#define KW_IDENTITY_SECRET_INTERNAL_H

#include "base/cursor.h"
#include "identity/secret_format.h"

#define KW_SECRET_NONCE_MIN 32 /* ES-11, where the sender makes it up */
#define KW_SECRET_NONCE_MAX 128

/* What a sender puts in, whatever the format. */
typedef struct kw_seal {
    const kw_security_policy *policy;
    const kw_certificate *receiver;
    const kw_application_identity *signer; /* NULL: nobody */
    kw_bytes nonce, secret;
    int64_t now;
    const kw_random *random;
    kw_arena *arena;
} kw_seal;

/* NULL: opened; otherwise the reason, static text. On failure *secret is untouched. */
const char *kw_secret_legacy_open(const kw_secret_open *how, kw_bytes sealed, kw_secret *secret);
const char *kw_secret_rsa_open(const kw_secret_open *how, kw_bytes sealed, kw_secret *secret, kw_secret_facts *facts);

kw_status kw_secret_legacy_seal(const kw_seal *what, kw_bytes *sealed);
kw_status kw_secret_rsa_seal(const kw_seal *what, bool dotnet, kw_bytes *sealed);

/* The prefix of an EncryptedSecret: TypeId, EncodingMask, Length that fits exactly. Returns the numeric TypeId and leaves the reader
 * behind the prefix; 0: it is none. */
uint32_t kw_secret_read_prefix(kw_reader *r);

#define KW_SECRET_TYPE_RSA 17545u
#define KW_SECRET_TYPE_ECC 17546u

#endif
