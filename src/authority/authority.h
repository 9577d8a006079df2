/*
 * The Authorization Service: turns a proven identity into an access token. OPC 10000-12, 9.
 *
 * It lives on a kw_server that has the GDS model: an Object of AuthorizationServiceType under AuthorizationServices, its
 * Properties and Methods. Signing keys, resources and users come from the store.
 */
#ifndef KW_AUTHORITY_AUTHORITY_H
#define KW_AUTHORITY_AUTHORITY_H

#include "base/rate.h"
#include "server/server.h"

/* What a resource, or a rule of policy, may give at most: a week. */
#define KW_TOKEN_LIFETIME_MAX_S 604800u

typedef struct kw_authority kw_authority;

/* What may come as identityToken. */
enum { KW_ACCEPT_PASSWORD = 1, KW_ACCEPT_CERTIFICATE = 2, KW_ACCEPT_TOKEN = 4 };

struct kw_provider; /* authority/provider.h */

typedef struct kw_authority_config {
    kw_string service_uri;       /* ServiceUri, and `iss` of the tokens */
    kw_string alias_of;          /* of a further service: ServiceUri of the one whose tokens its own are taken for; null: of none */
    kw_string name;              /* BrowseName of the Object; null: as its NodeId */
    kw_string object;            /* its NodeId: ns=1;s=OBJECT; null: that of KW_AUTHORITY_OBJECT. A server may have several services */
    uint32_t token_lifetime_s;   /* default 3,600; a resource may have its own */
    uint32_t refresh_lifetime_s; /* of refresh tokens: each one that is not used; 0: none are given */
    const kw_string *requestors; /* ApplicationUris with the AccessTokenRequestor privilege; count 0: every trusted application */
    size_t requestor_count;
    kw_rate_config requests;    /* of each application for tokens; past it Bad_TooManyOperations */
    unsigned accepts;           /* KW_ACCEPT_… of what the server takes; 0: all */
    const kw_string *resources; /* that it gives tokens for; count 0: all that are registered */
    size_t resource_count;
    /* A façade: users are proven by this provider, and tokens are what it gives. Borrowed. NULL: tokens are our own. */
    struct kw_provider *provider;
    kw_bytes service_certificate; /* of a façade: what the provider signs with, DER; null: not known */
    /* RequestAccessToken: passwords and tokens must be signed beside being sealed. Off: what an encrypted channel has proven will do,
     * because an RsaEncryptedSecret as OPC 10000-4 has it cannot say who signed it. User certificates always sign. */
    bool require_signed_secrets;
    /* Borrowed: how signing keys are kept and renewed; the service looks after them. NULL: they are as they are, and not sealed. */
    const struct kw_key_ring *keys;
} kw_authority_config;

/* The NodeId of the Object that RequestAccessToken is called on, unless it is configured: ns=1;s=AuthorizationService. */
extern const kw_node_id KW_AUTHORITY_OBJECT;

/* Adds the Object to the server's space. Borrows server and env; copies config. */
kw_status kw_authority_new(const kw_authority_config *config, kw_server *server, const kw_server_env *env, kw_authority **out);
void kw_authority_free(kw_authority *authority);
/* The authority listens at this URL now: tell the Servers on the same store (their UserTokenPolicies lead Clients here). Blocks on the store. */
kw_status kw_authority_publish_url(kw_authority *authority, kw_string url);

/* The keys that tokens are verified with at this time, as a JWK Set. Blocks on the store. */
kw_status kw_authority_public_keys(kw_store *store, const kw_clock *clock, kw_arena *arena, kw_string *out);
/* Tokens of the service are also issued under this name, "https://…" where the token endpoint is: the Servers on this store take them
 * for what they take those of the service for. Blocks. */
kw_status kw_authority_publish_web(kw_store *store, const kw_clock *clock, kw_string service_uri, kw_string issuer);

/* What a token is to say beside who it is for. */
typedef struct kw_token_wish {
    kw_string resource;  /* `aud` */
    kw_string issuer;    /* `iss`; null: the ServiceUri */
    kw_string client_id; /* of OAuth; null: none, and no such claim */
    kw_string scope;     /* null: no such claim */
    kw_string grant;     /* what it comes of: revoked with that one; null: it stands alone */
    kw_string actor;     /* who acts for the user (RFC 8693, 4.1); null: nobody */
    kw_bytes
        certificate_hash; /* SHA-256 of the DER of the certificate that its holder must show (RFC 8705); null: whoever has it may use it */
} kw_token_wish;

kw_status kw_authority_mint_as(kw_authority *authority, const kw_identity *identity, const kw_token_wish *wish, kw_arena *arena,
                               kw_string *token, kw_date_time *expires);
/* Any claims (a JSON object), signed with the active key. Slow; for jobs. */
kw_status kw_authority_sign(kw_authority *authority, kw_string claims, kw_arena *arena, kw_string *token);
/* The access token that this identity gets for this resource, signed with the active key. Slow; for jobs, thread safe.
 * Bad_NotFound: the resource is not registered; Bad_UserAccessDenied: no rule (authority/policy.h) lets this user have one. */
kw_status kw_authority_mint(kw_authority *authority, const kw_identity *identity, kw_string resource, kw_arena *arena, kw_string *token,
                            kw_date_time *expires);

#endif
