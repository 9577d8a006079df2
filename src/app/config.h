/* keyway.yaml: declared here, documented key by key in docs/configuration.md. Unknown keys are refused. */
#ifndef KW_APP_CONFIG_H
#define KW_APP_CONFIG_H

#include "base/rate.h"
#include "identity/password_rules.h"

typedef struct kw_config_application {
    char *name;
    char **hosts; /* names under which it is reached; in its certificate */
    unsigned hosts_count;
    char **listen; /* addresses */
    unsigned listen_count;
    char *translations; /* JSON file; NULL: none */
} kw_config_application;

typedef struct kw_config_security {
    char **policies;
    unsigned policies_count;
    char **modes; /* "sign", "encrypt" */
    unsigned modes_count;
    bool allow_none;
    bool allow_missing_crl;
    bool allow_transfer_on_sign;
    char *trust;      /* folder */
    char *user_trust; /* folder */
} kw_config_security;

typedef struct kw_config_identity {
    bool allow_anonymous;
    bool allow_user_certificates;
    bool allow_clear_secret_on_encrypted_channel;
    bool allow_clear_secret_anywhere;
    bool accept_legacy_issued_token;
    uint32_t clock_skew;          /* seconds; 0: 60 */
    uint32_t max_token_lifetime;  /* seconds; 0: no limit */
    uint32_t signing_time_window; /* seconds; 0: 300 */
    uint32_t token_expiry_grace;  /* seconds */
    uint32_t review_period;       /* ms; 0: 500 */
    uint32_t issuer_refresh;      /* seconds; 0: 600 */
    uint32_t issuer_max_age;      /* seconds; 0: 86,400 */
    uint32_t password_min_length; /* characters; 0: 8 */
    uint32_t password_max_length; /* characters; 0: 256 */
    bool password_needs_upper;
    bool password_needs_lower;
    bool password_needs_digit;
    bool password_needs_special;
} kw_config_identity;

/* What failed attempts to prove a user cost; 0: default. */
typedef struct kw_config_guessing {
    uint32_t delay_after;   /* failures; 3 */
    uint32_t delay_base;    /* ms; 250 */
    uint32_t delay_max;     /* ms; 10,000 */
    uint32_t lockout_after; /* failures; 10 */
    uint32_t lockout_time;  /* seconds; 300 */
    uint32_t window;        /* seconds; 900 */
    uint32_t max_entries;   /* 10,000 */
} kw_config_guessing;

typedef struct kw_config_server {
    char *uri; /* ApplicationUri */
    uint16_t port;
    char *certificate; /* paths are relative to the file's folder */
    char *key;
    bool sample_machine;
    bool allow_sessionless;
    char **nodesets; /* NodeSet2 files */
    unsigned nodesets_count;
} kw_config_server;

/* An external provider of OAuth 2.0 and OpenID Connect. */
typedef struct kw_config_provider {
    char *name; /* what services and the directory call it */
    char *issuer;
    char *token_endpoint; /* NULL: as its metadata has it */
    char *ca_file;
    char *client_id, *client_secret_file;
    char *client_key_file, *client_key_id; /* in the place of the secret */
    char *scope;
    char *target;            /* "resource", "audience", "none"; NULL: resource */
    uint32_t timeout, retry; /* ms and seconds; 0: default */
} kw_config_provider;

/* One more AuthorizationService Object. */
typedef struct kw_config_service {
    char *name;        /* BrowseName, and its NodeId */
    char *service_uri; /* NULL: the issuer of the provider */
    char *provider;    /* whose façade it is; NULL: it signs its tokens itself */
    char *certificate; /* that this one signs with; NULL: not known */
    char **accepts;    /* "password", "certificate", "token"; none: all */
    unsigned accepts_count;
    char **resources; /* none: all that are registered */
    unsigned resources_count;
} kw_config_service;

/* The key that seals signing keys is wrapped by one that does not leave a token: PKCS#11. */
typedef struct kw_config_key_token {
    char *module;         /* shared library */
    char *token, *key;    /* labels */
    char *pin_file;       /* or: */
    char *pin_credential; /* by systemd */
} kw_config_key_token;

typedef struct kw_config_authority {
    char *uri;
    uint16_t port;
    char *certificate;
    char *key;
    char *service_uri; /* ServiceUri and the tokens' iss */
    char *signing_algorithm;
    uint32_t token_lifetime;   /* seconds; 0: 3,600 */
    uint32_t refresh_lifetime; /* seconds; 0: 86,400 */
    bool disable_refresh_tokens;
    char **requestors;
    unsigned requestors_count;
    bool require_signed_secrets;
    uint32_t request_rate, request_burst; /* per application; 0: 50 a second, 200 at once */
    char *key_file;                       /* seals the signing keys; NULL: they are not sealed */
    char *key_credential;                 /* the same, by systemd */
    kw_config_key_token *key_token;       /* NULL: the key stands in the file as it is */
    uint32_t key_rotation;                /* days; 0: by hand */
    uint32_t key_overlap;                 /* hours; 0: 24 */
    kw_config_service *services;
    unsigned services_count;
} kw_config_authority;

/* HTTPS of the Authorization Service: OAuth 2.0 and OpenID Connect. */
typedef struct kw_config_https {
    uint16_t port;
    char **listen; /* addresses; none: those of the application */
    unsigned listen_count;
    char *certificate, *key;                                         /* NULL: those of the authority */
    char *issuer;                                                    /* NULL: https://HOST:PORT */
    uint32_t client_rate, client_burst, address_rate, address_burst; /* 0: 50 a second, 200 at once */
} kw_config_https;

/* LDAP or Active Directory, or a provider. Times: 0: default. */
typedef struct kw_config_directory {
    char *provider;                                   /* one of `providers`; NULL: LDAP. With it only these claims and max_age count */
    char *subject_claim, *groups_claim, *roles_claim; /* NULL: sub, groups, roles */
    char **servers;                                   /* URLs */
    unsigned servers_count;
    char *ca_file;
    bool start_tls, allow_plain;
    char *bind_dn, *password_file;
    char *base;
    char *name_attribute; /* NULL: uid */
    char *user_filter, *bind_pattern;
    char *group_attribute;
    char *group_base, *group_filter, *group_name; /* filter NULL: (member=%d); name NULL: cn */
    bool nested_groups;
    uint32_t connect_timeout, timeout; /* ms; 3,000 and 5,000 */
    uint32_t retry, recheck, max_age;  /* seconds; 10, 60 and 3,600 */
} kw_config_directory;

typedef struct kw_config_limits {
    uint32_t max_sessions, max_connections, max_message_size; /* 0: default, here and below */
    uint32_t max_subscriptions, max_subscriptions_per_session;
    uint32_t max_monitored_items, max_monitored_items_per_subscription;
    uint32_t max_item_queue, max_publish_requests, max_retransmission_messages;
    uint32_t min_publishing_interval, min_sampling_interval; /* ms */
    uint32_t max_subscription_lifetime;                      /* seconds */
} kw_config_limits;

typedef struct kw_config_access_role {
    char *role;
    char **permissions; /* names of PermissionType bits, or "All" */
    unsigned permissions_count;
} kw_config_access_role;

/* Who may do what with a node, and what is below it without rules of its own; or with all of a namespace that nobody else speaks of. */
typedef struct kw_config_access {
    char *node, *path, *namespace_uri; /* one of them */
    kw_config_access_role *roles;
    unsigned roles_count;
    char **restrictions; /* "sign", "encrypt", "session", "browse", "none" */
    unsigned restrictions_count;
} kw_config_access;

typedef struct kw_config {
    kw_config_application application;
    kw_config_security security;
    kw_config_identity identity;
    kw_config_guessing guessing;
    kw_config_server server;
    kw_config_authority authority;
    kw_config_https *https;         /* NULL: not offered */
    kw_config_directory *directory; /* NULL: there are the users of the store alone */
    kw_config_provider *providers;
    unsigned providers_count;
    kw_config_limits limits;
    kw_config_access *access; /* of the Server */
    unsigned access_count;
    char *store;
    char *metrics_listen; /* "127.0.0.1:9464"; NULL: nobody asks */
    char *log_level;      /* "debug", "info", "warn", "error" */
} kw_config;

/*
 * Load and check. On failure prints one line on stderr that names file, line, key and remedy, and returns NULL.
 */
kw_config *kw_config_load(const char *file);
void kw_config_free(kw_config *config);
/* Requests a second and at once, as they are configured; 0: default. */
kw_rate_config kw_config_rate(uint32_t per_second, uint32_t burst);
/* The provider of this name; NULL: none. */
const kw_config_provider *kw_config_find_provider(const kw_config *config, const char *name);
/* What a new password must be like. */
kw_password_rules kw_config_password_rules(const kw_config *config);
/* A path of the configuration, relative to the folder of `file`; free() it. */
char *kw_config_path(const char *file, const char *path);

#endif
