/**
 * The Client: from a URL and a user to a live Session in one call each.
 *
 * Calls block, but for kw_client_begin; a kw_client belongs to one thread at a time. Results live in the arena that the caller gives.
 *
 * The Session goes on by itself. A token from a kw_token_source is renewed ahead of its expiry, on the live Session. When the
 * connection breaks, the next call (or the one that waits in kw_client_idle) opens a new SecureChannel to the same endpoint and takes
 * the Session with it; a Session that the Server has lost is made anew for the same user. Policy, mode and ApplicationUri stay what
 * they were, and the certificate is checked as it was the first time. See docs/client.md.
 *
 * After a bad status kw_client_error() says in a sentence what went wrong and what to do about it.
 */
#ifndef KEYWAY_CLIENT_H
#define KEYWAY_CLIENT_H

#include <keyway/arena.h>
#include <keyway/types.h>

typedef struct kw_client kw_client;

#define KW_CLIENT_NEVER UINT32_MAX

typedef struct kw_client_config {
    const char *application_name; /* NULL: "Keyway" */
    const char *certificate_file; /* PEM or DER; NULL: only endpoints without security can be used */
    const char *key_file;
    const char *key_passphrase;    /* NULL: none */
    const char *trust_directory;   /* a trust list (trusted/certs, …), or a plain folder of certificates */
    bool trust_any;                /* accept any sound server certificate: no protection against a stranger in the middle */
    const char *policy;            /* name or URI; NULL: the strongest that both know */
    kw_message_security_mode mode; /* KW_MESSAGE_SECURITY_MODE_INVALID (0): the strongest offered */
    bool legacy_issued_token;      /* send tokens in the legacy block, for servers that know nothing else */
    bool dotnet_secrets;           /* RsaEncryptedSecret in the layout of the .NET stack */
    const char *const *locales;    /* NULL-ended, in order of preference; NULL: none */
    uint32_t timeout_ms;           /* of each call; 0: 10 s */
    double session_timeout_ms;     /* 0: 20 min */
    uint32_t reconnect_ms;         /* how long to try after the connection broke; 0: 30 s; KW_CLIENT_NEVER */
    uint32_t keep_alive_ms;        /* an idle Session is used this often; 0: at a third of its time-out; KW_CLIENT_NEVER */
    uint32_t renew_percent;        /* of a token's life after which it is renewed, 30 s before its end at the latest; 0: 80 */
} kw_client_config;

/** Copies the configuration and loads its files. Bad_ConfigurationError with a sentence in *why (static or valid until the next call on this thread). */
KW_API kw_status kw_client_new(const kw_client_config *config, kw_client **out, const char **why);
/** Closes the Session and the SecureChannel if there are any. NULL is fine. */
KW_API void kw_client_free(kw_client *client);
/** What the last call that failed means and how to mend it; "" when there is nothing to say. Valid until the next call. */
KW_API const char *kw_client_error(const kw_client *client);

/** GetEndpoints of a Server, on a connection of its own without security. OPC 10000-4, 5.5.4. */
KW_API kw_status kw_client_get_endpoints(kw_client *client, const char *url, kw_arena *arena, kw_endpoint_description **out, size_t *count);
/** FindServers likewise. OPC 10000-4, 5.5.2. */
KW_API kw_status kw_client_find_servers(kw_client *client, const char *url, kw_arena *arena, kw_application_description **out,
                                        size_t *count);

/**
 * GetEndpoints, choice of the endpoint (policy and mode as configured, otherwise the strongest), validation of the Server's
 * certificate, SecureChannel, CreateSession with every check that binds a Client: certificate, ServerSignature, nonce, and that
 * the endpoints equal those of GetEndpoints (Bad_SecurityChecksFailed). No user yet. OPC 10000-4, 5.5.1, 5.6.2, 5.7.2, 6.1.
 */
KW_API kw_status kw_client_connect(kw_client *client, const char *url);
/** The endpoint in use; NULL before kw_client_connect. Valid until the next call. */
KW_API const kw_endpoint_description *kw_client_endpoint(const kw_client *client);

/** Where access tokens come from, for a Session that outlives one of them. */
typedef struct kw_token_source {
    /* A new token, in the arena; kw_client_token_source makes one that does. Called for the first one and for each renewal. NULL: no source. */
    kw_status (*fetch)(void *ctx, kw_arena *arena, kw_string *token);
    /* The Client has no more use for it: another user was activated, or the connection ended. May be NULL. */
    void (*release)(void *ctx);
    void *ctx;
} kw_token_source;

typedef struct kw_client_identity {
    kw_user_token_type kind; /* ANONYMOUS, USER_NAME, CERTIFICATE, ISSUED_TOKEN */
    kw_string user_name;
    kw_bytes password; /* borrowed for the call; a copy is kept in locked memory for the reconnect, unless that is switched off */
    const char *user_certificate_file, *user_key_file;
    kw_bytes token;         /* a JWT; kept likewise */
    kw_token_source source; /* instead of `token` */
} kw_client_identity;

/**
 * Activate the Session with an Identity, or change that of an active one. Picks the UserTokenPolicy that fits, encrypts as it asks.
 *
 * KW_GOOD; KW_GOOD_PASSWORD_CHANGE_REQUIRED (the Session may only change the password); KW_BAD_IDENTITY_TOKEN_REJECTED,
 * KW_BAD_IDENTITY_TOKEN_INVALID, KW_BAD_USER_ACCESS_DENIED as the Server says; Bad_IdentityTokenInvalid also when the endpoint
 * offers no UserTokenPolicy of this kind. On any bad status the Session keeps the Identity that it had, and identity->source stays
 * the caller's. OPC 10000-4, 5.7.3.
 */
KW_API kw_status kw_client_activate(kw_client *client, const kw_client_identity *identity);

/** What to ask an Authorization Service for. Borrowed for the call. */
typedef struct kw_client_token_wish {
    const char *authority_url;      /* NULL: the one that a UserTokenPolicy of the connected endpoint names */
    const char *resource;           /* NULL: the connected Server's */
    const kw_client_identity *self; /* who asks; ANONYMOUS: the application, by its certificate */
    kw_string refresh_token;        /* what an earlier kw_token_grant brought; null: none */
    const char *const *roles;       /* no other Roles than these, NULL-ended; NULL: all that the user has */
    bool one_step;                  /* by RequestAccessToken, whatever else the service offers */
    const char *service;            /* BrowseName of its Object, of several; NULL: the first. `self` is told it in any case */
} kw_client_token_wish;

/** What it gave; in the caller's arena. */
typedef struct kw_token_grant {
    kw_string access_token;
    kw_date_time expires;    /* of the access token; 0: the service did not say */
    kw_string refresh_token; /* good once, for this Client: gets the next tokens without a password; null: none */
    kw_date_time refresh_expires;
} kw_token_grant;

/**
 * Get an access token. With a refresh token by RefreshToken; when the service does not take it (any more), or without one, by
 * StartRequestToken and FinishRequestToken, or by RequestAccessToken where the service has nothing newer. A refresh token that is
 * refused is followed by another try only where `self` names a user: nobody becomes somebody else by that.
 * Bad_NotSupported: `roles` are given and the service cannot narrow. OPC 10000-12, 9.
 */
KW_API kw_status kw_client_get_token(kw_client *client, const kw_client_token_wish *wish, kw_arena *arena, kw_token_grant *out);

/**
 * A kw_token_source that asks this service: with its refresh token where it has one, as `self` otherwise. `self` is copied, secrets
 * into locked memory. `client` is who asks, and must outlive the source. Give it to kw_client_activate, or call out->release.
 */
KW_API kw_status kw_client_token_source(kw_client *client, const char *authority_url, const char *resource, const kw_client_identity *self,
                                        kw_token_source *out);

/**
 * The access token alone, for the connected Server's resource (or `resource`, when not NULL) from an Authorization Service.
 * `authority_url` NULL: the one that a UserTokenPolicy of the connected endpoint names. `self` is who asks there: USER_NAME goes
 * as explicit identity, encrypted; ANONYMOUS lets the application certificate speak (implicit). OPC 10000-12, 9.
 */
KW_API kw_status kw_client_request_token(kw_client *client, const char *authority_url, const char *resource, const kw_client_identity *self,
                                         kw_arena *arena, kw_string *token);

/**
 * Any service: fills the RequestHeader, sends, waits, checks ServiceResult. *response is of response_type, in the arena; also set
 * (header only) on a ServiceFault.
 *
 * When the connection breaks under way, Read, Browse and TranslateBrowsePathsToNodeIds are repeated; for anything else the Session is
 * recovered and the result is Bad_ConnectionClosed: what the Server has done of it is not known.
 */
KW_API kw_status kw_client_service(kw_client *client, const kw_type *request_type, void *request, const kw_type *response_type,
                                   kw_arena *arena, void **response);

/** What became of a request: `response` is NULL where the Server has not answered; it lives until the function returns. */
typedef void (*kw_client_done)(void *ctx, kw_status status, const void *response);

/**
 * Any service, without waiting: `done` is called from kw_client_idle once the answer is there (or Bad_Timeout, or Bad_ConnectionClosed
 * when the connection broke meanwhile: what the Server has done of it is not known; nothing is repeated), or from kw_client_disconnect.
 * `done` may begin other requests, but not wait for any. At most 1,000 are under way: past it Bad_TooManyOperations.
 */
KW_API kw_status kw_client_begin(kw_client *client, const kw_type *request_type, void *request, const kw_type *response_type,
                                 kw_client_done done, void *ctx);
/** How many are under way. */
KW_API size_t kw_client_pending(const kw_client *client);

/** Shorthands for one node each; the operation's StatusCode is the result. */
KW_API kw_status kw_client_read(kw_client *client, const kw_node_id *node, uint32_t attribute, kw_arena *arena, kw_data_value *out);
KW_API kw_status kw_client_write(kw_client *client, const kw_node_id *node, uint32_t attribute, const kw_data_value *value);
/** All references, continuation points followed; at most `max` (0: all). */
KW_API kw_status kw_client_browse(kw_client *client, const kw_browse_description *what, size_t max, kw_arena *arena,
                                  kw_reference_description **out, size_t *count);
KW_API kw_status kw_client_call(kw_client *client, const kw_node_id *object, const kw_node_id *method, const kw_variant *inputs,
                                size_t input_count, kw_arena *arena, kw_call_method_result *out);
/** Index of a namespace at the connected Server (NamespaceArray is read once). Bad_NotFound. */
KW_API kw_status kw_client_namespace(kw_client *client, const char *uri, uint16_t *index);
/**
 * Let time pass, with the Session looked after: tokens renewed, the Session kept alive, the connection made again when it breaks;
 * Subscriptions (client_subscription.h) call back from here. With 0 what has come is taken, without waiting.
 * Comes back before its time only with a bad status: the connection is lost for good, or the token has ended and there is no new one.
 */
KW_API kw_status kw_client_idle(kw_client *client, uint32_t ms);
/** CloseSession, CloseSecureChannel. */
KW_API kw_status kw_client_disconnect(kw_client *client);

#endif
