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
    kw_bytes receiver_key;                 /* an EphemeralKey instead, where the policy has them */
    const kw_application_identity *signer; /* NULL: nobody */
    kw_bytes nonce, secret;
    int64_t now;
    const kw_random *random;
    kw_arena *arena;
} kw_seal;

/* NULL: opened; otherwise the reason, static text. On failure *secret is untouched. */
const char *kw_secret_legacy_open(const kw_secret_open *how, kw_bytes sealed, kw_secret *secret);
const char *kw_secret_rsa_open(const kw_secret_open *how, kw_bytes sealed, kw_secret *secret, kw_secret_facts *facts);
const char *kw_secret_ecc_open(const kw_secret_open *how, kw_bytes sealed, kw_secret *secret, kw_secret_facts *facts);

kw_status kw_secret_legacy_seal(const kw_seal *what, kw_bytes *sealed);
kw_status kw_secret_rsa_seal(const kw_seal *what, bool dotnet, kw_bytes *sealed);
kw_status kw_secret_ecc_seal(const kw_seal *what, bool dotnet, kw_bytes *sealed);

/* The prefix of an EncryptedSecret: TypeId, EncodingMask, Length that fits exactly. Returns the numeric TypeId and leaves the reader
 * behind the prefix; 0: it is none. */
uint32_t kw_secret_read_prefix(kw_reader *r);

#define KW_SECRET_PREFIX 9u /* bytes of it, as it is written */
#define KW_SECRET_TYPE_RSA 17545u
#define KW_SECRET_TYPE_ECC 17546u

/* --- secret_parts.c --- */
/* Prefix and header up to SigningTime; the certificate is borrowed. NULL: good. */
const char *kw_secret_read_header(const kw_secret_open *how, uint32_t type, kw_reader *r, kw_bytes *certificate, kw_secret_facts *facts);
size_t kw_secret_header_len(const kw_seal *what, kw_bytes certificate); /* after the prefix */
void kw_secret_write_header(kw_writer *w, const kw_seal *what, uint16_t type, size_t body, kw_bytes certificate);

/* How a payload ends: n bytes of value n, and then… */
typedef enum kw_secret_ending {
    KW_ENDING_UINT16,        /* n as UInt16: the standard's */
    KW_ENDING_BYTE,          /* n as Byte: RsaEncryptedSecrets of the .NET stack */
    KW_ENDING_UINT16_OR_MORE /* n as UInt16, and perhaps a block of bytes 15: EccEncryptedSecrets of the .NET stack on CBC */
} kw_secret_ending;

/* Nonce and padding are checked, the Secret is copied out. NULL: good. */
const char *kw_secret_take_payload(const kw_secret_open *how, kw_bytes payload, kw_secret_ending ending, kw_secret *secret);
/* Whole blocks; KW_ENDING_UINT16_OR_MORE is with that block. */
kw_status kw_secret_make_payload(const kw_seal *what, kw_secret_ending ending, kw_secret *out);
bool kw_secret_is_filled(kw_bytes bytes, uint8_t with);

#endif
