/* Between the files of this room: how a token is turned into an Identity. */
#ifndef KW_IDENTITY_INTERNAL_H
#define KW_IDENTITY_INTERNAL_H

#include "identity/gate.h"
#include "identity/key_source.h"
#include "identity/key_watch.h"
#include "identity/secret_format.h"
#include "identity/snapshot.h"

#define KW_TOKEN_TYPE_JWT "http://opcfoundation.org/UA/UserToken#JWT"
#define KW_AUTHORITY_PROFILE_OPCUA "http://opcfoundation.org/UA/Authorization#OPCUA"

#define KW_USER_NAME_MAX 256  /* bytes; refused beyond, never cut */
#define KW_PASSWORD_MAX 1024u /* bytes; keeps the RSA blocks of one attempt few */

typedef struct kw_namespace_list {
    size_t count;
    kw_string uris[];
} kw_namespace_list;

struct kw_identity_gate {
    kw_identity_config config; /* strings and lists in `arena` */
    kw_arena *arena;
    kw_store *store; /* borrowed, as all below */
    const kw_clock *clock;
    const kw_random *random;
    const kw_log *log;
    _Atomic(const kw_namespace_list *) namespaces; /* in `arena` */
    _Atomic(kw_trust_list *) user_trust;           /* NULL: no user certificate is believed */
    _Atomic(kw_trust_list *) application_trust;    /* NULL: none but that of a channel */
    const kw_user_directory *directory;            /* NULL: there are the users of the store alone */
    kw_snapshot_cache snapshots;
    kw_throttle *throttle;
    kw_key_source *keys;
    kw_key_watch watch;
    _Atomic kw_status store_status;
    _Atomic uint64_t proofs[KW_IDENTITY_KINDS][KW_PROOF_RESULTS], delayed, lockouts;
};

/* One attempt to prove a user: what is known while it runs. */
typedef struct kw_proof {
    kw_identity_gate *gate;
    const kw_identity_claim *claim;
    const kw_snapshot *snapshot;
    bool uses_memory;                    /* take the snapshot as it was last read: on a loop */
    const kw_user_token_policy *policy;  /* the one that the token names */
    const kw_security_policy *effective; /* its SecurityPolicy, else the channel's (IT-07, UN-04) */
    kw_arena *arena;                     /* of this attempt */
    kw_identity *found;                  /* filled by the kind; strings in `arena` */
    kw_certificate *user_certificate;    /* X509: owned by the proof, for the mapping rules */
    kw_secret_facts sealed;              /* of the secret that was opened, if one was */
    const char *why;                     /* static text for log and audit */
    kw_status certificate_verdict;       /* Bad_Certificate… when that is what refused an X509 user */
    bool is_unknown;                     /* the store has no user of this name */
    bool is_our_lack;                    /* refused for want of something on our side: no failure of the Client */
    kw_string name;                      /* a password without a token: whose, and which */
    kw_bytes password;
} kw_proof;

/* A kind of UserIdentityToken: constant data and its few functions. */
typedef struct kw_token_kind {
    kw_user_token_type type;
    uint32_t data_type_id; /* of the token structure, ns 0 */
    /* token: the decoded structure; proof->policy is of this type already. */
    kw_status (*prove)(kw_proof *proof, const void *token);
    bool (*same)(const kw_identity *a, const kw_identity *b); /* both are of this kind */
    void (*redact)(void *token);                              /* take out of a copy what must not reach an audit record; NULL: nothing */
} kw_token_kind;

extern const kw_token_kind KW_TOKEN_ANONYMOUS;
extern const kw_token_kind KW_TOKEN_USER_NAME;
extern const kw_token_kind KW_TOKEN_X509;
extern const kw_token_kind KW_TOKEN_ISSUED;

const kw_token_kind *kw_token_kind_of(kw_user_token_type type);

/* Note the reason and hand the code back. */
static inline kw_status kw_refuse(kw_proof *proof, kw_status status, const char *why)
{
    proof->why = why;
    return status;
}

/* May a secret come in clear under this claim? */
bool kw_clear_secret_is_allowed(const kw_identity_config *config, kw_message_security_mode mode);
/* --- secret_proof.c --- */
typedef enum kw_signers { KW_SIGNED_BY_APPLICATION, KW_SIGNED_BY_EITHER, KW_SIGNED_BY_USER } kw_signers;

typedef struct kw_secret_rule {
    uint32_t max_len; /* 0: a null secret */
    bool allow_legacy;
    kw_signers signers; /* whose signature it may have outside of a Session; that of a user alone it must have */
} kw_secret_rule;

/* Open the secret of a token as its UserTokenPolicy and the rule demand; fills proof->sealed. */
kw_status kw_proof_open_secret(kw_proof *proof, const kw_secret_rule *rule, kw_bytes sealed, kw_secret *secret);
/* Outside of a Session a secret is good once, on all nodes. Bad_IdentityTokenRejected: it was used. */
kw_status kw_proof_use_up(kw_proof *proof);

/* X5-04: Bad_IdentityTokenRejected. */
kw_status kw_proof_check_user_trust(kw_proof *proof, const kw_certificate *user);
/* UN-11, A-118: unknown, disabled and wrong cost the same and answer alike. Users of the store; fills proof->found->must_change_password. */
kw_status kw_proof_check_password(kw_proof *proof, kw_string name, kw_bytes password);

/* --- directory.c: what the claim's keeper says; there is one. */
kw_status kw_proof_ask_keeper(kw_proof *proof, kw_string name, kw_bytes secret, kw_string *subject);

/* --- directory.c: users that the store does not have; there is a directory. Fill proof->found. --- */
kw_status kw_proof_ask_directory(kw_proof *proof, kw_string name, kw_bytes password);
/* The same for somebody who is in already: proof->found is what was known. */
kw_status kw_proof_ask_directory_again(kw_proof *proof);

/* A deep copy in an arena of its own, with one reference. */
kw_status kw_identity_make(const kw_identity *from, kw_identity **out);

/* The Roles of proof->found by the mapping rules of OPC 10000-18, into proof->found (memory of proof->arena). */
kw_status kw_roles_grant(kw_proof *proof);

#endif
