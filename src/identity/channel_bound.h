/*
 * What a user's key signs where the proof holds for one channel only. OPC 10000-4, 6.1.8 (CB-03, CB-05).
 *
 * The SecurityPolicies of today have no ChannelThumbprint (CB-04), and the Certificates of the applications are those of their channel.
 */
#ifndef KW_IDENTITY_CHANNEL_BOUND_H
#define KW_IDENTITY_CHANNEL_BOUND_H

#include "crypto/certificate.h"
#include "crypto/policy.h"

typedef struct kw_channel_binding {
    const kw_certificate *server, *client;
    kw_bytes server_nonce, client_nonce; /* of StartRequestToken: ServiceData, RequestorData (AZ-13) */
} kw_channel_binding;

/* By the asymmetric algorithm of this policy. Slow. Bad_SecurityChecksFailed. */
kw_status kw_channel_bound_verify(const kw_channel_binding *binding, const kw_security_policy *policy, const kw_public_key *user,
                                  kw_bytes signature);
/* In the arena. */
kw_status kw_channel_bound_sign(const kw_channel_binding *binding, const kw_security_policy *policy, const kw_private_key *user,
                                kw_arena *arena, kw_bytes *signature);

#endif
