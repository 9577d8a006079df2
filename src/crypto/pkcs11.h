/*
 * Secrets that only a token can open: AES-GCM with a key that never leaves it, over PKCS#11.
 *
 * The module stays loaded; a session with the token is opened for each call and closed after it. Calls wait for each other. All block.
 *
 * What is wrapped: nonce (12), cipher text, tag (16).
 */
#ifndef KW_CRYPTO_PKCS11_H
#define KW_CRYPTO_PKCS11_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/secret.h"

/* All borrowed. */
typedef struct kw_pkcs11 {
    const char *module; /* the shared library that comes with the token */
    const char *token;  /* its label */
    const char *key;    /* the label of an AES key on it */
    kw_bytes pin;
} kw_pkcs11;

/*
 * `context`: what it belongs to; it opens with the same one only. Result in the arena.
 * Bad_ResourceUnavailable: the module cannot be loaded; Bad_NoCommunication: no such token; Bad_Locked: its PIN is locked, or one more
 * wrong one would lock it, and it was not tried; Bad_UserAccessDenied: the PIN; Bad_NoEntryExists: no such key; Bad_TooManyMatches: more
 * than one; Bad_NotSupported: the token or the key does no AES-GCM; Bad_DeviceFailure: what else a token may say.
 */
kw_status kw_pkcs11_wrap(const kw_pkcs11 *where, kw_bytes context, kw_bytes plain, const kw_random *random, kw_arena *arena, kw_bytes *out);
/* Likewise; Bad_NoMatch: changed, of another context, or wrapped by another key; Bad_DecodingError: too short or too long. */
kw_status kw_pkcs11_unwrap(const kw_pkcs11 *where, kw_bytes context, kw_bytes wrapped, kw_secret *plain);

#endif
