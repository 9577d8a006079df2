/*
 * Secrets at rest: AES-256-GCM under a key of the installation.
 *
 * Sealed bytes: version (1), id of the key (8), nonce (12), cipher text, tag (16). The id is there to find the key, and to tell a wrong
 * key from damage. Version, id and the caller's context are authenticated.
 */
#ifndef KW_CRYPTO_SEAL_H
#define KW_CRYPTO_SEAL_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/secret.h"

#define KW_SEAL_KEY_LEN 32
#define KW_SEAL_KEYS_MAX 8
#define KW_SEAL_WRAPPED "pkcs11:" /* how the line of a wrapped key begins */
#define KW_SEAL_WRAPPED_MAX 128   /* bytes of it */

/* The first one seals, all of them open: so a key can be changed step by step. */
typedef struct kw_seal_keys {
    kw_secret keys[KW_SEAL_KEYS_MAX];
    size_t count;
} kw_seal_keys;

/*
 * Text: a key in each line, 64 hexadecimal digits; empty lines and those that begin with '#' are skipped. Bad_DecodingError: no key in
 * it, too many, or a line that is none.
 */
kw_status kw_seal_keys_parse(kw_bytes text, kw_seal_keys *out);
/*
 * The same with lines "pkcs11:" and hexadecimal digits: a key that was wrapped elsewhere, which `unwrap` opens. What it returns when it
 * fails is returned. NULL: such lines are Bad_ConfigurationError.
 */
typedef struct kw_seal_unwrap {
    kw_status (*run)(void *ctx, kw_bytes wrapped, kw_secret *key);
    void *ctx;
} kw_seal_unwrap;
kw_status kw_seal_keys_parse_wrapped(kw_bytes text, const kw_seal_unwrap *unwrap, kw_seal_keys *out);
void kw_seal_keys_clear(kw_seal_keys *keys); /* idempotent */

/* `context`: what it belongs to; it opens with the same one only. Result in the arena. */
kw_status kw_seal(const kw_seal_keys *keys, kw_bytes context, kw_bytes plain, const kw_random *random, kw_arena *arena, kw_bytes *out);
/* Bad_NotFound: sealed with another key; Bad_SecurityChecksFailed: changed, or of another context; Bad_DecodingError: not sealed. */
kw_status kw_unseal(const kw_seal_keys *keys, kw_bytes context, kw_bytes sealed, kw_secret *plain);
bool kw_is_sealed(kw_bytes bytes);
bool kw_is_sealed_with_first(const kw_seal_keys *keys, kw_bytes sealed);

#endif
