/*
 * EphemeralKeys that secrets are sealed for, as a Session or a token request gives them out: signed by the application, each good
 * for one secret (OPC 10000-6, 6.8.2). Counted; may be used by several threads at once.
 */
#ifndef KW_IDENTITY_RECEIVER_KEY_H
#define KW_IDENTITY_RECEIVER_KEY_H

#include "crypto/certificate.h"
#include "crypto/ephemeral.h"
#include "crypto/policy.h"

typedef struct kw_receiver_key kw_receiver_key;

/* A new one. Slow: for jobs. Bad_SecurityPolicyRejected: the policy has no such keys, or `own` cannot sign under it. */
kw_status kw_receiver_key_new(const kw_security_policy *policy, const kw_application_identity *own, kw_receiver_key **out);
/* The same with a pair that is there; takes it over, also on failure. */
kw_status kw_receiver_key_of(const kw_security_policy *policy, const kw_application_identity *own, kw_ephemeral_key *pair,
                             kw_receiver_key **out);
kw_receiver_key *kw_receiver_key_retain(kw_receiver_key *key); /* NULL is fine, here and below */
void kw_receiver_key_release(kw_receiver_key *key);

const kw_security_policy *kw_receiver_key_policy(const kw_receiver_key *key);
kw_bytes kw_receiver_key_public(const kw_receiver_key *key);
kw_bytes kw_receiver_key_signature(const kw_receiver_key *key); /* over the public key */

/* What one proof does with a key. */
typedef struct kw_receiver_use {
    kw_receiver_key *key; /* NULL: there is none */
    bool is_taken;        /* by this proof */
} kw_receiver_use;

/* One secret at a time: false while another proof has it, and for ever once a secret was good. */
bool kw_receiver_key_take(kw_receiver_use *use);
/* Used up, it is wiped; otherwise the next one may try, for its sender got no other key. Nothing happens where it was not taken. */
void kw_receiver_key_settle(kw_receiver_use *use, bool is_used_up);
/* By whoever took it. Bad_SecurityChecksFailed: not a point of this curve, or one that makes no secret. */
kw_status kw_receiver_key_agree(const kw_receiver_key *key, kw_bytes sender, kw_secret *shared);

#endif
