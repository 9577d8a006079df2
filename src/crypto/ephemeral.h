/*
 * A key pair for one agreement: of an OpenSecureChannel, or of an EccEncryptedSecret. OPC 10000-6, 6.8.
 *
 * Public keys as they travel: X‖Y without a leading 0x04 on the NIST and brainpool curves, the u-coordinate of RFC 7748 on X25519 and
 * X448, 384 bytes, big-endian, of the group ffdhe3072 for RSA_DH.
 */
#ifndef KW_CRYPTO_EPHEMERAL_H
#define KW_CRYPTO_EPHEMERAL_H

#include "base/secret.h"
#include "crypto/policy.h"

typedef struct kw_ephemeral_key kw_ephemeral_key;

/* Bad_InvalidArgument: the policy agrees on nothing. */
kw_status kw_ephemeral_key_generate(const kw_security_policy *policy, kw_ephemeral_key **out);
void kw_ephemeral_key_free(kw_ephemeral_key *key);             /* wipes; NULL is fine */
kw_bytes kw_ephemeral_key_public(const kw_ephemeral_key *key); /* borrowed */
/*
 * The x-coordinate, the output of X25519 or X448, or the number of the group, always of full length. Bad_SecurityChecksFailed: a peer's
 * key of the wrong length, off the curve, of small order, that is our own, or that makes nothing but zeros.
 */
kw_status kw_ephemeral_key_agree(const kw_ephemeral_key *key, kw_bytes peer_public, kw_secret *shared);

#endif
