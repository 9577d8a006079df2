/*
 * An external provider of OAuth 2.0 and OpenID Connect, asked in a user's name: with a password (RFC 6749, 4.3), or with a token for
 * another one (RFC 8693). Blocks: for jobs. Thread safe.
 *
 * One that cannot be reached is left alone for a while; then one caller tries it again, and the others are told at once.
 */
#ifndef KW_AUTHORITY_PROVIDER_H
#define KW_AUTHORITY_PROVIDER_H

#include "base/clock.h"
#include "base/fetch.h"
#include "base/log.h"
#include "crypto/key.h"

/* How the provider wants to be told what a token is for. */
typedef enum kw_provider_target {
    KW_PROVIDER_TARGET_RESOURCE, /* resource=… (RFC 8707) */
    KW_PROVIDER_TARGET_AUDIENCE, /* audience=… (RFC 8693, 2.1) */
    KW_PROVIDER_TARGET_NONE      /* not at all: its client's registration says it */
} kw_provider_target;

typedef struct kw_provider_config {
    kw_string name;           /* in log entries */
    kw_string issuer;         /* as its metadata and its tokens have it */
    kw_string token_endpoint; /* null: as its metadata has it */
    kw_bytes ca;              /* PEM: who may vouch for it; null: the authorities of the system */
    kw_string client_id;      /* ours */
    kw_bytes client_secret;   /* client_secret_basic; null: private_key_jwt */
    kw_private_key *key;      /* RSA or P-256 */
    kw_string key_id;         /* `kid`; null: none */
    kw_string scope;          /* null: none */
    kw_provider_target target;
    uint32_t timeout_ms; /* of one question, all in all */
    uint32_t retry_s;    /* before one that did not answer is asked again */
} kw_provider_config;

#define KW_PROVIDER_TIMEOUT_MS 5000u
#define KW_PROVIDER_RETRY_S 10u

typedef struct kw_provider kw_provider;

/* Borrows all; the configuration is copied but for what it points to. */
kw_status kw_provider_new(const kw_provider_config *config, const kw_fetch *fetch, const kw_clock *clock, const kw_random *random,
                          const kw_log *log, kw_provider **out);
void kw_provider_free(kw_provider *provider); /* NULL is fine */
const kw_provider_config *kw_provider_config_of(const kw_provider *provider);

/* Whoever wants to know what is said step by step: lines without secrets, borrowed for the call. */
typedef struct kw_provider_listener {
    void (*say)(void *ctx, const char *line);
    void *ctx;
} kw_provider_listener;

typedef struct kw_provider_question {
    kw_string user;                       /* null: `secret` is a token that proves the user */
    kw_bytes secret;                      /* the password, or that token */
    kw_string resource;                   /* what the token is to be for; null: not said */
    const kw_provider_listener *listener; /* NULL: nobody wants to know */
} kw_provider_question;

typedef struct kw_provider_answer {
    kw_string access_token;
    kw_string id_token; /* null: none was given */
} kw_provider_answer;

/*
 * Bad_IdentityTokenRejected: the provider does not take the password or the token. Bad_UserAccessDenied: it gives this user no such
 * token; Bad_NotFound: it does not know the resource. Bad_ResourceUnavailable: it cannot be asked, or not by us, which says nothing
 * about the user. The answer in the arena; *why is a static text.
 */
kw_status kw_provider_ask(kw_provider *provider, const kw_provider_question *question, kw_arena *arena, kw_provider_answer *out,
                          const char **why);

#endif
