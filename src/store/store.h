/*
 * The store: users, Roles and their mapping rules, trusted issuers, resources, signing keys, audit trail.
 *
 * One interface over SQL engines: SQLite, and PostgreSQL for many nodes. Every call is one transaction and is durable when it returns. Thread safe:
 * called from jobs, never from a loop. Strings that are handed out live in the caller's arena.
 *
 * Beside what is said at each call: Bad_InvalidArgument for a name, URI or id that is empty, not UTF-8 or holds a NUL;
 * Bad_ResourceUnavailable when the engine cannot (disk full, kept busy by another process for 10 s, database out of reach: at once);
 * Bad_DecodingError when the file is damaged; Bad_OutOfMemory, also when the arena has no room. What failed was not done, with one
 * exception: a connection that is lost while the database commits leaves it open.
 */
#ifndef KW_STORE_STORE_H
#define KW_STORE_STORE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/secret.h"

typedef struct kw_store kw_store;

/*
 * `location` is a path of an SQLite file, or a URL of PostgreSQL (postgresql://user@host/database). `create` false: Bad_NotFound when it is missing. Migrations run here; a new store has the
 * well-known Roles. Bad_SecurityChecksFailed: others may read the file; Bad_DecodingError: it is no store, or damaged;
 * Bad_ConfigurationError: of a newer version; Bad_NotWritable. On failure *why (may be NULL) gets a sentence for the user, static
 * or in the arena. `clock` is borrowed for the life of the store. Close it when no call is under way.
 */
kw_status kw_store_open(const char *location, bool create, const kw_clock *clock, kw_arena *arena, kw_store **out, kw_string *why);
void kw_store_close(kw_store *store);
/* How people are told of it, in the arena or static: the path, or host, port and database of the URL, and never a password. */
kw_string kw_store_location_name(const char *location, kw_arena *arena);
bool kw_store_location_is_file(const char *location);
bool kw_store_location_has_password(const char *location);
/* Changes whenever the configuration, users or issuers were changed, by this or by another process. 0: it cannot be read now. */
uint64_t kw_store_version(kw_store *store);
/* The same at less cost: what this process changed shows at once, what another one did within `max_age_ms`. */
uint64_t kw_store_version_lately(kw_store *store, uint32_t max_age_ms);
/* False: it is a file that was taken away; what is written from now on is lost. */
bool kw_store_is_there(const kw_store *s);

/*
 * The whole store as of one moment, while nodes go on, into a new file of mode 0600, from which kw_store_restore makes a store of any
 * engine where there is none yet. *rows: copied. Bad_AlreadyExists: `file`, or a store at `location`; Bad_NotFound: `file`;
 * Bad_ConfigurationError: it is of a newer version; Bad_DecodingError: no backup, or damaged; as kw_store_open. *why as there.
 */
kw_status kw_store_backup(kw_store *s, const char *file, kw_arena *arena, uint64_t *rows, kw_string *why);
kw_status kw_store_restore(const char *location, const char *file, kw_arena *arena, uint64_t *rows, kw_string *why);

/* --- users -------------------------------------------------------------------------------------------------------- */
/* UserConfigurationMask. OPC 10000-18, 5.2.3. */
#define KW_USER_NO_DELETE 1u
#define KW_USER_DISABLED 2u
#define KW_USER_NO_CHANGE_BY_USER 4u
#define KW_USER_MUST_CHANGE_PASSWORD 8u

typedef struct kw_user {
    kw_string name;          /* exact UTF-8; compared byte by byte */
    kw_string password_hash; /* PHC string; null: no password can match */
    uint32_t configuration;  /* KW_USER_… */
    kw_string description;
    int64_t created, changed; /* DateTime */
} kw_user;

kw_status kw_store_user_add(kw_store *s, const kw_user *user);                           /* Bad_AlreadyExists */
kw_status kw_store_user_get(kw_store *s, kw_string name, kw_arena *arena, kw_user *out); /* Bad_NotFound */
kw_status kw_store_user_set(kw_store *s, const kw_user *user);                           /* Bad_NotFound */

/* What is not named stays as another one may have changed it meanwhile. */
typedef struct kw_user_change {
    kw_string name;
    const kw_string *password_hash, *description;      /* NULL: as it is */
    const kw_string *former_hash;                      /* only if the password is still this one; NULL: whatever it is */
    uint32_t configuration_set, configuration_cleared; /* bits of KW_USER_…; cleared ones first */
} kw_user_change;

/* Bad_NotFound; Bad_InvalidState when the password is another one by now. */
kw_status kw_store_user_change(kw_store *s, const kw_user_change *change);
/* Bad_NotFound; Bad_NotSupported for one with KW_USER_NO_DELETE (UM-15). Its UserName rules go with it. */
kw_status kw_store_user_remove(kw_store *s, kw_string name);
kw_status kw_store_user_list(kw_store *s, kw_arena *arena, kw_user **out, size_t *count); /* by name */

/* --- Roles (OPC 10000-18) ----------------------------------------------------------------------------------------- */
typedef enum kw_criteria {
    KW_CRITERIA_USER_NAME = 1,
    KW_CRITERIA_THUMBPRINT = 2,
    KW_CRITERIA_ROLE = 3,
    KW_CRITERIA_GROUP_ID = 4,
    KW_CRITERIA_ANONYMOUS = 5,
    KW_CRITERIA_AUTHENTICATED_USER = 6,
    KW_CRITERIA_APPLICATION = 7,
    KW_CRITERIA_X509_SUBJECT = 8,
    KW_CRITERIA_TRUSTED_APPLICATION = 9
} kw_criteria;

typedef struct kw_role_rule {
    kw_criteria criteria;
    kw_string value; /* null for ANONYMOUS, AUTHENTICATED_USER, TRUSTED_APPLICATION */
} kw_role_rule;

/* What is empty or 0 in it says nothing: the others must fit. */
typedef struct kw_role_endpoint {
    kw_string url;         /* as the Client names it */
    int32_t security_mode; /* MessageSecurityMode; 0: any */
    kw_string security_policy_uri, transport_profile_uri;
} kw_role_endpoint;

typedef struct kw_role {
    kw_string name;
    kw_string namespace_uri; /* of its NodeId; null: ns 0 */
    uint32_t node_id;        /* numeric identifier */
    bool is_well_known;      /* made at the first start; cannot be removed */
    bool custom_configuration;
    bool applications_exclude, endpoints_exclude;
    kw_role_rule *rules;
    size_t rule_count;
    kw_string *applications; /* ApplicationUris */
    size_t application_count;
    kw_role_endpoint *endpoints;
    size_t endpoint_count;
} kw_role;

/*
 * Takes name, namespace and node id (0: one that no Role has or had); the Role starts without rules and without restrictions.
 * Bad_AlreadyExists; Bad_ResourceUnavailable past KW_STORE_ROLES_MAX.
 */
#define KW_STORE_ROLES_MAX 1000
kw_status kw_store_role_add(kw_store *s, const kw_role *role);
/* Takes name, custom_configuration and the two exclude flags (RO-07). Bad_NotFound, Bad_RequestNotAllowed. */
kw_status kw_store_role_set(kw_store *s, const kw_role *role);
/* One or both of the two flags; NULL: as it is. Bad_NotFound, Bad_RequestNotAllowed. */
kw_status kw_store_role_exclude(kw_store *s, kw_string name, const bool *applications, const bool *endpoints);
/* With its rules. Bad_NotFound; Bad_RequestNotAllowed for the well-known ones (RO-05). */
kw_status kw_store_role_remove(kw_store *s, kw_string name);
/*
 * Bad_NotFound; Bad_AlreadyExists; Bad_InvalidArgument when criteria and value do not go together (RO-10, RO-11); Bad_RequestNotAllowed
 * for Anonymous, AuthenticatedUser and TrustedApplication (RO-04), here and in the calls below.
 */
kw_status kw_store_role_rule_add(kw_store *s, kw_string role, const kw_role_rule *rule);
kw_status kw_store_role_rule_remove(kw_store *s, kw_string role, const kw_role_rule *rule); /* Bad_NotFound */
kw_status kw_store_role_application_add(kw_store *s, kw_string role, kw_string uri);        /* Bad_NotFound, Bad_AlreadyExists */
kw_status kw_store_role_application_remove(kw_store *s, kw_string role, kw_string uri);     /* Bad_NotFound */
/* Bad_NotFound; Bad_AlreadyExists; Bad_InvalidArgument when nothing is said in it, or what is no text, or no mode. */
kw_status kw_store_role_endpoint_add(kw_store *s, kw_string role, const kw_role_endpoint *endpoint);
kw_status kw_store_role_endpoint_remove(kw_store *s, kw_string role, const kw_role_endpoint *endpoint); /* Bad_NotFound */
kw_status kw_store_role_list(kw_store *s, kw_arena *arena, kw_role **out, size_t *count);               /* by node id */

/* --- trusted issuers of access tokens ----------------------------------------------------------------------------- */
typedef struct kw_issuer {
    kw_string uri;  /* = the token's iss */
    kw_string kind; /* "jwks" (text in keys), "certificate" (DER chain in keys), "jwks-url", "discover" (URL in location) */
    kw_bytes keys;
    kw_string location;
    kw_string authority_url;     /* where Clients get a token: opc.tcp://…; null: not published */
    kw_string authority_profile; /* ua:authorityProfileUri */
    kw_string token_endpoint;    /* ua:tokenEndpoint */
    kw_bytes ca;                 /* PEM: who vouches for the place that keys are fetched from; null: the system's authorities */
    int64_t fetched;             /* DateTime: when that place last gave the keys; 0: never */
    kw_string failure;           /* why it did not, the last time; null: it did */
    kw_string alias_of;          /* another name of this issuer: its tokens are as good as that one's own; null: none */
    int64_t changed;
} kw_issuer;

kw_status kw_store_issuer_put(kw_store *s, const kw_issuer *issuer);
/* Only while the store is of this kw_store_version: what was read since then still holds. Bad_InvalidState. */
kw_status kw_store_issuer_put_at(kw_store *s, const kw_issuer *issuer, uint64_t version);
kw_status kw_store_issuer_remove(kw_store *s, kw_string uri); /* Bad_NotFound */
/* The keys of this issuer were fetched now. Bad_NotFound: its row is not of this kind and location any more. A change only with other keys. */
kw_status kw_store_issuer_fetched(kw_store *s, const kw_issuer *issuer, kw_bytes keys);
/* They could not be fetched; no change for anybody but who lists the issuers. Bad_NotFound as above. */
kw_status kw_store_issuer_failed(kw_store *s, const kw_issuer *issuer, kw_string failure);
kw_status kw_store_issuer_list(kw_store *s, kw_arena *arena, kw_issuer **out, size_t *count);

/* --- the Authorization Service ------------------------------------------------------------------------------------ */
typedef struct kw_resource {
    kw_string uri; /* resourceId, the token's aud */
    kw_string name;
    uint32_t token_lifetime_s; /* 0: the service's default */
    int64_t created;
} kw_resource;

kw_status kw_store_resource_add(kw_store *s, const kw_resource *resource);                        /* Bad_AlreadyExists */
kw_status kw_store_resource_get(kw_store *s, kw_string uri, kw_arena *arena, kw_resource *out);   /* Bad_NotFound */
kw_status kw_store_resource_remove(kw_store *s, kw_string uri);                                   /* Bad_NotFound */
kw_status kw_store_resource_list(kw_store *s, kw_arena *arena, kw_resource **out, size_t *count); /* by URI */

/* Who may get which Roles on a resource. A resource without any is open to every user who is proven, with all of his Roles. */
typedef struct kw_token_policy {
    uint32_t id;         /* set by the store, from 1 */
    kw_string resource;  /* resourceId; "*": every one */
    kw_string kind;      /* "user", "group", "application", "claim-role", "role" or "anyone" */
    kw_string value;     /* empty with "anyone" */
    kw_string roles;     /* names, between newlines; empty: all that the user has */
    uint32_t lifetime_s; /* of the token, at most; 0: that of the resource */
} kw_token_policy;

/* One rule for each resource and subject: another one for the same takes its place. *id is that of the rule. */
kw_status kw_store_policy_put(kw_store *s, const kw_token_policy *policy, uint32_t *id);
kw_status kw_store_policy_remove(kw_store *s, uint32_t id); /* Bad_NotFound */
/* Those of a resource, with those for every one; `resource` null: all. By id. */
kw_status kw_store_policy_list(kw_store *s, kw_string resource, kw_arena *arena, kw_token_policy **out, size_t *count);

/*
 * A program that speaks OAuth 2.0 with the Authorization Service. How it proves itself: by a secret, by a key of its JWK Set, by a
 * certificate, or (a public client) not at all.
 */
typedef struct kw_oauth_client {
    kw_string id;              /* client_id */
    kw_string name;            /* for people: who asks to sign in */
    kw_bytes secret_hash;      /* SHA-256 of a random secret; null: it has none */
    kw_string jwks;            /* public keys, JSON; null: none */
    kw_bytes certificate_hash; /* SHA-256 of its certificate's DER; null: none */
    kw_string application_uri; /* as whom it gets Roles when it speaks for itself; null: as nobody */
    kw_string grants;          /* grant types it may use, between spaces */
    kw_string redirect_uris;   /* between newlines; null: none */
    kw_string resources;       /* URIs of the resources it may ask for, between spaces; null: any */
    bool may_introspect;       /* may look into tokens of others: a resource server */
    bool is_disabled;
    int64_t created; /* DateTime; set by the store */
} kw_oauth_client;

kw_status kw_store_oauth_client_add(kw_store *s, const kw_oauth_client *client);                          /* Bad_AlreadyExists */
kw_status kw_store_oauth_client_set(kw_store *s, const kw_oauth_client *client);                          /* Bad_NotFound */
kw_status kw_store_oauth_client_get(kw_store *s, kw_string id, kw_arena *arena, kw_oauth_client *out);    /* Bad_NotFound */
kw_status kw_store_oauth_client_remove(kw_store *s, kw_string id);                                        /* Bad_NotFound */
kw_status kw_store_oauth_client_list(kw_store *s, kw_arena *arena, kw_oauth_client **out, size_t *count); /* by id */

/* An access token that is not good any more, by its `jti`, until it would have expired. */
typedef struct kw_revoked_token {
    kw_string issuer; /* canonical: not another name of it */
    kw_string id;
    int64_t expires; /* DateTime */
} kw_revoked_token;

/* Fine when it was revoked before. Bad_ResourceUnavailable past KW_STORE_REVOKED_MAX. */
#define KW_STORE_REVOKED_MAX 100000
kw_status kw_store_token_revoke(kw_store *s, const kw_revoked_token *token);
kw_status kw_store_revoked_list(kw_store *s, kw_arena *arena, kw_revoked_token **out, size_t *count); /* in no order */

/* A code of the sign-in page, between the user and the client. Of the code there is a hash. */
typedef struct kw_oauth_code {
    kw_bytes hash; /* SHA-256 */
    kw_string client, redirect_uri;
    kw_string challenge; /* of PKCE, S256 */
    kw_string account;   /* the user of this store; the code ends with it and with its password. Null: none */
    kw_string detail;    /* JSON: who it was, and what was asked for */
    int64_t expires;     /* DateTime */
} kw_oauth_code;

/* Bad_TooManyOperations past KW_STORE_CODES_MAX. */
#define KW_STORE_CODES_MAX 10000
kw_status kw_store_oauth_code_add(kw_store *s, const kw_oauth_code *code);
/* Good once, over all nodes. *is_reused: it was taken before, so somebody has a copy. Bad_NotFound: also when it has expired. */
kw_status kw_store_oauth_code_take(kw_store *s, kw_bytes hash, kw_arena *arena, kw_oauth_code *out, bool *is_reused);

/* A machine that waits for somebody to sign in elsewhere. Of its own code there is a hash. */
typedef enum kw_device_state { KW_DEVICE_WAITS, KW_DEVICE_AGREED, KW_DEVICE_REFUSED } kw_device_state;

typedef struct kw_oauth_device {
    kw_bytes hash;       /* SHA-256 of the device code */
    kw_string user_code; /* what people type */
    kw_string client, resource, scope;
    kw_device_state state;
    kw_string account; /* once somebody agreed: as with kw_oauth_code */
    kw_string detail;
    int64_t asked; /* DateTime: when the machine asked last; 0: not yet */
    int64_t expires;
} kw_oauth_device;

/* Bad_AlreadyExists: the user code is taken; Bad_TooManyOperations past KW_STORE_CODES_MAX. */
kw_status kw_store_oauth_device_add(kw_store *s, const kw_oauth_device *device);
/* By what people type. Bad_NotFound: also when it has expired or was answered. */
kw_status kw_store_oauth_device_find(kw_store *s, kw_string user_code, kw_arena *arena, kw_oauth_device *out);
/* state, account and detail, once. Bad_NotFound as above. */
kw_status kw_store_oauth_device_answer(kw_store *s, const kw_oauth_device *device);
/* As the machine asks: as it was, with `asked` of the time before; an answered one is gone afterwards. Bad_NotFound. */
kw_status kw_store_oauth_device_ask(kw_store *s, kw_bytes hash, kw_arena *arena, kw_oauth_device *out);

typedef struct kw_signing_key {
    kw_string id;                  /* kid */
    kw_string alg;                 /* "ES256", "RS256", … */
    kw_bytes private_key;          /* as the service keeps it: PEM, or sealed; empty: it was revoked */
    kw_bytes certificate;          /* DER */
    int64_t not_before, not_after; /* DateTime; of its certificate */
    int64_t signs_from;            /* DateTime: until that of a later one. 0: it was revoked before it ever signed */
    int64_t kept_for;              /* ticks after it stopped signing, for which its tokens may be good */
    int64_t revoked;               /* DateTime; 0: it was not */
} kw_signing_key;

/*
 * `newest`: only if the first one of the list has this id, null: if there is none (Bad_InvalidState); NULL: whatever there is. So of
 * several nodes that see that a key is needed, one makes it. Bad_AlreadyExists.
 */
kw_status kw_store_key_add(kw_store *s, const kw_signing_key *key, const kw_string *newest);
/* By the time from which they sign, latest first; wipe the private keys after use. */
kw_status kw_store_key_list(kw_store *s, kw_arena *arena, kw_signing_key **out, size_t *count);
/* It signs from `when` on, not from later. Bad_NotFound: no key was to sign later. */
kw_status kw_store_key_start(kw_store *s, kw_string id, int64_t when);
/*
 * It is revoked at `when`, and its private key is gone. If it signed then, the next one does now; without a next one it is
 * `replacement` (NULL: none). Bad_NotFound: no such key, or it is revoked already.
 */
kw_status kw_store_key_revoke(kw_store *s, kw_string id, int64_t when, const kw_signing_key *replacement);
/* Another form of the same private key. Bad_NotFound: it does not have the former one any more. */
kw_status kw_store_key_reseal(kw_store *s, kw_string id, kw_bytes former, kw_bytes private_key);
/* kept_for is at least this. Bad_NotFound: it was so already. */
kw_status kw_store_key_keep(kw_store *s, kw_string id, int64_t kept_for);
kw_status kw_store_key_remove(kw_store *s, kw_string id); /* Bad_NotFound */

/*
 * What refresh tokens stand for. Each one is good once and replaced then; all that came from one another are a grant. Only hashes of
 * the secrets are kept. Nothing here changes kw_store_version.
 */
typedef struct kw_refresh_grant {
    kw_string id;          /* no secret: the trail has it */
    kw_bytes secret_hash;  /* of the token that is good now */
    kw_string application; /* ApplicationUri of the Client: nobody else may use it */
    kw_string subject;     /* whom the access tokens are for */
    kw_string account;     /* the user of this store; the grant ends with it and with its password. Null: none */
    kw_string resource;    /* resourceId */
    kw_string detail;      /* JSON: how the user was proven, which Roles were asked for */
    int64_t created;       /* DateTime; set by the store */
    int64_t used;          /* DateTime: when it was last renewed; 0: not yet. Set by the store */
    int64_t expires;       /* DateTime */
} kw_refresh_grant;

typedef struct kw_refresh_grant_key {
    kw_string id, subject, application;
} kw_refresh_grant_key;

/* Expired ones go; so do the oldest of the same application and subject past `most`. Bad_AlreadyExists: also when it was revoked. */
kw_status kw_store_refresh_grant_add(kw_store *s, const kw_refresh_grant *grant, size_t most);
/* Bad_NotFound: also when it has expired. */
kw_status kw_store_refresh_grant_get(kw_store *s, kw_string id, kw_arena *arena, kw_refresh_grant *out);
/*
 * The next secret takes the place of this one. *is_reused: this one was replaced before, so somebody has a copy; the grant is gone
 * then. Of several calls with one secret exactly one rotates, over all nodes. Bad_NotFound.
 */
kw_status kw_store_refresh_grant_rotate(kw_store *s, kw_string id, kw_bytes secret_hash, kw_bytes next_hash, int64_t expires,
                                        bool *is_reused);
/*
 * All that came of the grant is void, on every node: its refresh tokens, and the access tokens whose `jti` begins with its id, until
 * `expires`, when the last one has expired. Fine when there is nothing left of it. A change of the configuration.
 * Bad_ResourceUnavailable past KW_STORE_REVOKED_MAX.
 */
kw_status kw_store_grant_revoke(kw_store *s, const kw_revoked_token *grant);
/* Those that are live, by subject, application and age. What is null in `of` is not looked at. */
kw_status kw_store_refresh_grant_list(kw_store *s, const kw_refresh_grant_key *of, kw_arena *arena, kw_refresh_grant **out, size_t *count);

/* --- audit trail -------------------------------------------------------------------------------------------------- */
typedef struct kw_audit_record {
    uint64_t sequence; /* set by the store, from 1, without gaps */
    int64_t time;      /* DateTime; 0: now */
    kw_string event;   /* "ActivateSession", "RequestAccessToken", … */
    kw_string source;  /* which application wrote it */
    kw_status status;
    kw_string user;   /* who; null: anonymous */
    kw_string client; /* ApplicationUri or address */
    kw_string detail; /* JSON object, no secrets */
    uint8_t hash[32]; /* SHA-256 over the former hash and this record's fields */
} kw_audit_record;

/*
 * Returns when the record is durable. Concurrent appends share one commit. Bad_InvalidArgument without an event,
 * Bad_EncodingLimitsExceeded when its fields have more than 1 MiB together, Bad_SecurityChecksFailed when the trail was tampered
 * with at its end.
 */
kw_status kw_store_audit_append(kw_store *s, const kw_audit_record *record);
/* Several with one commit, all or nothing, in their order. */
kw_status kw_store_audit_append_all(kw_store *s, const kw_audit_record *records, size_t count);
/* Records that were written since it was opened, by whoever has it open here. For any thread. */
uint64_t kw_store_audit_written(const kw_store *s);
/* Records with sequence > after, at most max. */
kw_status kw_store_audit_list(kw_store *s, uint64_t after, size_t max, kw_arena *arena, kw_audit_record **out, size_t *count);
/*
 * Walk the whole chain; appends go on meanwhile. *count: records that hold, from the first on. Bad_SecurityChecksFailed and the
 * first bad sequence number if a record was changed, removed or put in. The chain has no key: who may write the file can forge all
 * of it from some record on, so keep the last hash in another place too where that matters.
 */
kw_status kw_store_audit_verify(kw_store *s, uint64_t *count, uint64_t *first_bad);

/* --- failed attempts to prove a user ------------------------------------------------------------------------------ */
/*
 * Counters of all nodes that share the store. Failures fade, one after the other. Counted in thousandths, so that what has faded of
 * one is not lost. Nothing here changes kw_store_version.
 */
#define KW_LOCKOUT_ONE UINT32_C(1000)

typedef struct kw_lockout_rule {
    int64_t fade;    /* ticks after which there is one failure less */
    uint32_t most;   /* failures; no count goes higher */
    size_t max_rows; /* of more, the least recent that are not locked go */
} kw_lockout_rule;

typedef struct kw_lockout {
    kw_string key;        /* "client:URI#THUMBPRINT", "address:IP" or "user:NAME" */
    uint32_t failures;    /* thousandths, at the time of `updated` */
    int64_t updated;      /* DateTime */
    int64_t locked_until; /* DateTime; 0: not locked */
    uint64_t sequence;    /* of the change that wrote it */
    uint64_t cleared;     /* of the change that an administrator last cleared it with; 0: never */
} kw_lockout;

/* What is left of `failures` after `elapsed` ticks. */
uint32_t kw_lockout_left(uint32_t failures, int64_t elapsed, int64_t fade);

typedef struct kw_lockout_change {
    kw_string key;
    int64_t failures;     /* thousandths that came to the count since the last call; negative: taken back */
    int64_t locked_until; /* DateTime; a later one in the store stays */
    uint64_t known;       /* `sequence` of what the caller had seen when it began to count: changes from before a clearing are void */
} kw_lockout_change;

/* Add to the counts, in one transaction; `results` gets each row as it is now, keys borrowed from `changes`. Rows that have faded go. */
kw_status kw_store_lockout_add(kw_store *s, const kw_lockout_rule *rule, const kw_lockout_change *changes, size_t count,
                               kw_lockout *results);
/*
 * What changed after *seen, which is moved on; *all_cleared: what was counted up to there is void (the cheap call for every moment:
 * nothing is read when nothing changed).
 */
kw_status kw_store_lockout_news(kw_store *s, uint64_t *seen, kw_arena *arena, uint64_t *all_cleared, kw_lockout **out, size_t *count);
/* By key; cleared ones are not in it. */
kw_status kw_store_lockout_list(kw_store *s, kw_arena *arena, kw_lockout **out, size_t *count);
kw_status kw_store_lockout_clear(kw_store *s, kw_string key); /* Bad_NotFound */
/* Also what nodes have counted and not yet written; *count: rows. */
kw_status kw_store_lockout_clear_all(kw_store *s, size_t *count);

/* --- what is good for one use --------------------------------------------------------------------------------------- */
/*
 * This secret is used up, on every node; forgotten after `until` (DateTime). Bad_AlreadyExists: it was before.
 * Bad_TooManyOperations: `max` are remembered already, and one more would mean to forget one.
 */
kw_status kw_store_secret_use(kw_store *s, kw_string id, int64_t until, size_t max);

/* --- settings: small facts of the installation (installation id, running authority's URL, …) ------------------------ */
kw_status kw_store_setting_put(kw_store *s, kw_string key, kw_string value);
kw_status kw_store_setting_get(kw_store *s, kw_string key, kw_arena *arena, kw_string *value); /* Bad_NotFound */

#endif
