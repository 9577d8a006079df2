/*
 * The Authorization Service as the IT world knows it: OAuth 2.0 (RFC 6749 and companions) and OpenID Connect, over HTTPS.
 *
 * The same users, Roles, resources and signing keys as over OPC UA; every user goes through the same gate.
 */
#ifndef KW_AUTHORITY_OAUTH_H
#define KW_AUTHORITY_OAUTH_H

#include "authority/authority.h"
#include "base/rate.h"
#include "http/server.h"

/* What the token endpoint knows, between spaces. */
#define KW_OAUTH_GRANT_TYPES                                                                                                               \
    "client_credentials authorization_code refresh_token urn:ietf:params:oauth:grant-type:device_code "                                    \
    "urn:ietf:params:oauth:grant-type:token-exchange"

typedef struct kw_oauth kw_oauth;

typedef struct kw_oauth_rates {
    kw_rate_config client;  /* each client that is proven; a public one: from each address */
    kw_rate_config address; /* requests of nobody who is proven; IPv6: each /64 */
} kw_oauth_rates;

/* Borrows authority, server and env for its life. */
kw_status kw_oauth_new(kw_authority *authority, kw_server *server, const kw_server_env *env, const kw_oauth_rates *rates, kw_oauth **out);
/* What clients know it by, "https://plant.example:8443": `issuer` of the metadata and `iss` of its tokens; the Servers on the same
 * store are told to believe them. Blocks on the store; before the first request. */
kw_status kw_oauth_publish(kw_oauth *oauth, kw_string issuer);
/* The handler of the HTTP server; ctx: the kw_oauth. On the loop. */
void kw_oauth_handle(void *ctx, kw_http_exchange *exchange);
/* From now on everything is answered with 503, also what waits. On the loop. */
void kw_oauth_stop(kw_oauth *oauth);
/* After all is answered; NULL is fine. */
void kw_oauth_free(kw_oauth *oauth);

#endif
