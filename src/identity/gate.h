/*
 * The one gate: everything that proves a user goes through kw_identity_prove. Thread safe. Slow where it says so (RSA, Argon2id, SQL).
 */
#ifndef KW_IDENTITY_GATE_H
#define KW_IDENTITY_GATE_H

#include "base/fetch.h"
#include "base/job.h"
#include "base/log.h"
#include "base/timer.h"
#include "crypto/trust.h"
#include "identity/identity.h"
#include "identity/receiver_key.h"
#include "identity/throttle.h"
#include "identity/user_directory.h"

/* When keys of issuers are fetched ("jwks-url", "discover"). */
typedef struct kw_key_rules {
    uint32_t refresh_s; /* after this time they are fetched again: 600. A revoked key is good so long at most */
    uint32_t retry_s;   /* between two fetches that tokens with unknown keys asked for, and before a failed one is tried again: 30 */
    uint32_t max_age_s; /* those of an issuer that cannot be reached are good so long: 24 h */
} kw_key_rules;

typedef struct kw_identity_config {
    bool allow_anonymous;
    bool allow_user_name;
    bool allow_issued;
    bool allow_x509;                              /* off; also needs kw_identity_gate_set_user_trust */
    bool allow_clear_secret_on_encrypted_channel; /* UserTokenPolicy None inside SignAndEncrypt; off by default */
    bool allow_clear_secret_anywhere;             /* also on None and Sign: only by the administrator's word */
    bool allow_missing_crl;                       /* of CAs of applications that sign secrets; off */
    bool accept_legacy_issued_token;              /* identity: accept_legacy_issued_token; off (IT-04) */
    uint32_t max_secret;                          /* bytes of a password or token after decryption; 64 KiB */
    uint32_t clock_skew_s;                        /* exp, nbf, iat; 60 */
    uint32_t max_token_lifetime_s;                /* exp − iat; 0: no limit */
    uint32_t signing_time_window_s;               /* EncryptedSecret SigningTime: 300 */
    uint32_t max_used_secrets; /* that are remembered so that none is good twice; past it Bad_TooManyOperations: 1,000,000 */
    kw_key_rules issuer_keys;
    kw_string audience;                      /* what `aud` must hold: the Server's ApplicationUri */
    const char *const *token_algorithms;     /* allow-list, NULL-ended; KW_JWT_ALGORITHMS */
    const kw_security_policy *secret_policy; /* named in UserTokenPolicies of None endpoints: Basic256Sha256 */
    const kw_string *namespaces;             /* NamespaceArray, to number Roles */
    size_t namespace_count;
    kw_throttle_config throttle; /* what failed attempts cost */
} kw_identity_config;

extern const kw_identity_config KW_IDENTITY_CONFIG_DEFAULT;

typedef struct kw_identity_gate kw_identity_gate;

/* Borrows store, trust, clock, log for its life; copies config. store may not be NULL. */
kw_status kw_identity_gate_new(const kw_identity_config *config, kw_store *store, const kw_clock *clock, const kw_random *random,
                               const kw_log *log, kw_identity_gate **out);
void kw_identity_gate_free(kw_identity_gate *gate);
/* The NodeIds of Roles are numbered by these from now on; copied. From one thread; who is proving somebody meanwhile is not disturbed. */
kw_status kw_identity_gate_set_namespaces(kw_identity_gate *gate, const kw_string *namespaces, size_t count);
/* The trust list for user certificates, apart from that for applications (X5-04); borrowed. Without it no user certificate is believed. */
void kw_identity_gate_set_user_trust(kw_identity_gate *gate, kw_trust_list *user_trust);
/* The trust list for applications: who may sign an EccEncryptedSecret that comes over a channel without security. Borrowed. */
void kw_identity_gate_set_application_trust(kw_identity_gate *gate, kw_trust_list *trust);

/* How keys of issuers are fetched; without it those that the store has are used until they are too old. Borrowed; before the first proof. */
void kw_identity_gate_set_fetch(kw_identity_gate *gate, const kw_fetch *fetch);
/* Who proves users that the store does not have; borrowed, before the first proof. Users of the store come first, by their exact name. */
void kw_identity_gate_set_directory(kw_identity_gate *gate, const kw_user_directory *directory);
/* How often users of the directory who are in are to be reviewed, in ms: half of `recheck_s`, whose answer may be as old; 0: never. */
uint32_t kw_identity_gate_look_up_period(const kw_identity_gate *gate);
/* Fetch them ahead of need from now on, in jobs. Borrows both for the gate's life; when that ends, no job may be under way. */
void kw_identity_gate_watch_issuers(kw_identity_gate *gate, kw_timers *timers, const kw_executor *executor);

/*
 * The UserTokenPolicies of an endpoint (TP-01…08, UN-02, UN-05, IT-06, IT-11, AN-03), from the configuration and the issuers in
 * the store, as they were last read. PolicyIds are the same for the same content everywhere.
 */
kw_status kw_identity_gate_policies(kw_identity_gate *gate, const kw_security_policy *channel_policy, kw_message_security_mode mode,
                                    kw_arena *arena, kw_user_token_policy **out, size_t *count);

/* Who proves the users of a claim, in place of the store, the issuers and the directory. Blocks: for jobs. */
typedef struct kw_identity_keeper {
    /*
     * name null: the secret is a token; else it is a password. Bad_IdentityTokenRejected: it proves nobody. Bad_UserAccessDenied: what
     * is wanted is not given, which says nothing about the secret; other codes: nothing could be found out. *subject: whom the token
     * is about, in the arena; *why: a static text.
     */
    kw_status (*prove)(void *ctx, kw_string name, kw_bytes secret, kw_arena *arena, kw_string *subject, const char **why);
    void *ctx;
} kw_identity_keeper;

/* What a caller presents, and in which context. All borrowed for the call. */
typedef struct kw_identity_claim {
    const kw_extension_object *token; /* NULL, or a null object: Anonymous (AS-56) */
    const kw_signature_data *user_signature;
    const kw_user_token_policy *policies; /* those of the endpoint (or Authorization Service) in use */
    size_t policy_count;
    const kw_security_policy *channel_policy;
    kw_message_security_mode mode;
    const kw_application_identity *receiver; /* whose key opens secrets, whose certificate was signed */
    /* The last one of the Session; null: a context without (RequestAccessToken). Then SigningTime protects, and each secret is good once. */
    kw_bytes server_nonce;
    bool is_sessionless; /* the access token in a request's header: as it is, on an encrypted channel (OPC 10000-4, 6.3) */
    bool needs_signer;   /* in such a context: a secret must be signed, by the application of the channel or by a user (RT-08, RT-14) */
    const struct kw_channel_binding
        *binding;                  /* identity/channel_bound.h: what an X509 user signs in such a context; NULL: a sealed secret */
    kw_receiver_use *receiver_use; /* the EphemeralKey that secrets are to be sealed for; NULL: none was given out */
    const kw_certificate *client_certificate; /* of the channel; NULL with None */
    kw_bytes channel_thumbprint;              /* with SecureChannelEnhancements, in the context of a Method: what its proofs are bound to */
    kw_string application_uri;                /* the client's, authenticated by the channel; null with None */
    kw_string address;                        /* peer address, for throttling and audit */
    kw_string endpoint_url;                   /* for endpoint filters of Roles */
    kw_string also_audience;                  /* tokens for this one are taken too: the caller's own resource. Null: none */
    bool is_inside_tls;                       /* not over OPC UA: what comes in clear was protected on its way */
    bool is_application_proven;               /* application_uri was proven in another way than by a channel */
    const kw_identity_keeper *keeper;         /* who proves passwords and tokens; NULL: we do */
    bool is_live; /* for kw_identity_review: a Session that stands. What the directory said a moment ago will do */
} kw_identity_claim;

/* Why somebody was not let in: for the log and the audit, never for the peer. */
typedef struct kw_refusal {
    const char *why;            /* static, no secrets; "" after a success */
    kw_status user_certificate; /* what is wrong with an X509 user's Certificate, as Bad_Certificate…; Good: nothing that is known */
} kw_refusal;

/*
 * Bad_IdentityTokenInvalid: malformed, unknown PolicyId, wrong type, not decryptable. Bad_IdentityTokenRejected: signature,
 * issuer, audience, time of a JWT; anonymous not offered. Bad_UserAccessDenied: wrong password or unknown user, alike in
 * answer and in time. Bad_UserSignatureInvalid: X509. On success *out carries one reference.
 * *refusal may be NULL. After a success claim->receiver_use says whether the key was taken: the caller settles what becomes of it.
 * Failures are counted (throttle.h): a Client that is locked out gets Bad_UserAccessDenied without a look at its token, and the
 * caller answers only after *delay_ms (may be NULL: nobody waits for an answer), good or bad, by a timer. Anonymous guesses nothing.
 * For jobs.
 */
kw_status kw_identity_prove(kw_identity_gate *gate, const kw_identity_claim *claim, kw_identity **out, kw_refusal *refusal,
                            uint32_t *delay_ms);

/*
 * A password that comes without a token (ChangePassword, UM-22), under the same counts. Of the claim: client_certificate,
 * application_uri, address. Bad_UserAccessDenied: wrong, unknown user, disabled, or locked out.
 */
kw_status kw_identity_check_password(kw_identity_gate *gate, const kw_identity_claim *claim, kw_string name, kw_bytes password,
                                     const char **why, uint32_t *delay_ms);

/* Who asks, for the turns of jobs (base/job.h): the Client as failures are counted for it, by the same members of the claim. Never 0. */
uint64_t kw_identity_source(const kw_identity_claim *claim);
/* And what it has shown of itself, by what was counted. For the loop too. */
kw_standing kw_identity_standing(kw_identity_gate *gate, const kw_identity_claim *claim);

/*
 * Is this Client locked out, so that any proof it brings is refused before anything is computed? Not what guesses nothing (an
 * Anonymous token). `kw_identity_is_locked_out` is for the loop and says yes only when the store was asked a moment ago;
 * `kw_identity_still_locked_out` asks it: for jobs.
 */
bool kw_identity_is_locked_out(kw_identity_gate *gate, const kw_identity_claim *claim);
bool kw_identity_still_locked_out(kw_identity_gate *gate, const kw_identity_claim *claim);
#define KW_IDENTITY_LOCKED_OUT "locked out after failed attempts" /* why, for log and audit */

/*
 * The same user by what the store says now (RO-15): an Identity with the Roles of now, one reference. `claim`: the context, as for
 * kw_identity_prove, without token, signature and policies. Bad_UserAccessDenied: the user is gone or disabled;
 * Bad_IdentityTokenRejected: the user's Certificate or the token's issuer is not believed any more. Other codes say nothing about
 * the user: the store or the directory cannot be asked. *refusal may be NULL. For jobs.
 */
kw_status kw_identity_review(kw_identity_gate *gate, const kw_identity *identity, const kw_identity_claim *claim, kw_identity **out,
                             kw_refusal *refusal);
/* Read what the store says about issuers, Roles and users, if that has changed; *version: of the store. For jobs. */
kw_status kw_identity_gate_refresh(kw_identity_gate *gate, uint64_t *version);
/* How the last look into the store ended: for any thread. Good before the first. */
kw_status kw_identity_gate_store_status(const kw_identity_gate *gate);

/* What became of attempts, since the start. */
enum { KW_PROOF_GOOD, KW_PROOF_REFUSED, KW_PROOF_LOCKED_OUT, KW_PROOF_FAILED, KW_PROOF_RESULTS };
#define KW_IDENTITY_KINDS 5 /* kw_user_token_type, and unknown ones */
typedef struct kw_identity_counts {
    uint64_t proofs[KW_IDENTITY_KINDS][KW_PROOF_RESULTS];
    uint64_t delayed, lockouts;
} kw_identity_counts;

void kw_identity_gate_counts(const kw_identity_gate *gate, kw_identity_counts *out);
/* What was read last: borrowed by a reference, to be released by kw_snapshot_release (identity/snapshot.h). For a loop. */
struct kw_snapshot;
kw_status kw_identity_gate_recall(kw_identity_gate *gate, const struct kw_snapshot **out);

/*
 * Is the key that signed the token of this Identity still one of its issuer's? False: it was revoked, or the issuer's keys could
 * not be confirmed for too long. By what was read last: for loops. True for other Identities.
 */
bool kw_identity_gate_believes(kw_identity_gate *gate, const kw_identity *identity);

/* What is left when a token has expired: Anonymous with the Anonymous Role only (IT-15). Bad_IdentityTokenRejected when claim->policies
 * offer no Anonymous (IT-16: the Session is to be closed). */
kw_status kw_identity_anonymous(kw_identity_gate *gate, const kw_identity_claim *claim, kw_identity **out);

/* A copy that may stand in an audit record: without password and token data. Tokens of unknown kind become the null object. */
kw_status kw_identity_redact(const kw_extension_object *token, kw_arena *arena, kw_extension_object *out);

#endif
