/*
 * How EphemeralKeys travel: parameters in the AdditionalHeader of CreateSession and ActivateSession, ECDHPolicyUri in the request
 * and ECDHKey in the response (OPC 10000-6, 6.8.2; CS-21). Parameters with other names are none of our business.
 */
#ifndef KW_IDENTITY_ECDH_HEADER_H
#define KW_IDENTITY_ECDH_HEADER_H

#include "base/arena.h"
#include "identity/receiver_key.h"

#include <keyway/types.h>

/* --- the Server's side --- */
/* The policy that is asked for, borrowed from the header; null: none. */
kw_string kw_ecdh_policy_uri(const kw_extension_object *header);
/* The key; NULL: Bad_SecurityPolicyRejected in its place. Copied into the arena. */
kw_status kw_ecdh_answer(const kw_receiver_key *key, kw_arena *arena, kw_extension_object *header);
/* EphemeralKeyType by itself, in UA binary, and back: the ServiceData of StartRequestToken (AZ-07). */
kw_status kw_ecdh_encode(const kw_receiver_key *key, kw_arena *arena, kw_bytes *out);

/* --- the Client's side --- */
kw_status kw_ecdh_ask(const kw_security_policy *policy, kw_arena *arena, kw_extension_object *header);
/*
 * The public key in the answer, borrowed; its signature is by the key of this certificate. Null: there is none.
 * Bad_ApplicationSignatureInvalid; Bad_DecodingError; Bad_SecurityPolicyRejected: whatever bad code the Server has in place of a key.
 */
kw_status kw_ecdh_read(const kw_extension_object *header, const kw_security_policy *policy, const kw_certificate *signer, kw_bytes *key);
kw_status kw_ecdh_decode(kw_bytes encoded, const kw_security_policy *policy, const kw_certificate *signer, kw_arena *arena, kw_bytes *key);

#endif
