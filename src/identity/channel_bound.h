/*
 * What is signed where a proof holds for one channel only. OPC 10000-4, 6.1.8 (CB-01 … CB-05).
 *
 * The Certificates of the applications are those of their channel.
 */
#ifndef KW_IDENTITY_CHANNEL_BOUND_H
#define KW_IDENTITY_CHANNEL_BOUND_H

#include "crypto/certificate.h"
#include "crypto/policy.h"

typedef enum kw_bound_proof { KW_BOUND_SERVER, KW_BOUND_CLIENT, KW_BOUND_USER } kw_bound_proof;

typedef struct kw_channel_binding {
    kw_bytes thumbprint; /* of the channel; empty where there is none */
    kw_hash hash;        /* CertificateThumbprintAlgorithm of its policy; NONE: SHA-256 */
    const kw_certificate *server, *client;
    kw_bytes server_nonce, client_nonce; /* of StartRequestToken: ServiceData, RequestorData (AZ-13) */
} kw_channel_binding;

/* By the asymmetric algorithm of this policy. Slow. Bad_SecurityChecksFailed. */
kw_status kw_channel_bound_verify(const kw_channel_binding *binding, kw_bound_proof proof, const kw_security_policy *policy,
                                  const kw_public_key *signer, kw_bytes signature);
/* In the arena. */
kw_status kw_channel_bound_sign(const kw_channel_binding *binding, kw_bound_proof proof, const kw_security_policy *policy,
                                const kw_private_key *signer, kw_arena *arena, kw_bytes *signature);

#endif
