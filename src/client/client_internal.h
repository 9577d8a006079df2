/* Inner seam of the client room. */
#ifndef KW_CLIENT_INTERNAL_H
#define KW_CLIENT_INTERNAL_H

#include "base/secret.h"
#include "channel/channel.h"
#include "crypto/trust.h"
#include "ua/codec.h"

#include <keyway/client.h>

#define KW_CLIENT_ARENA ((size_t)256 << 20) /* the most that one response may need */
#define KW_CLIENT_NONCE 32
#define KW_CLIENT_KEY_MAX 384 /* the largest public key, that of the group ffdhe3072 */
#define KW_CLIENT_ERROR_MAX 512
#define KW_TRANSPORT_UATCP "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"

typedef struct kw_url {
    char host[256]; /* without the brackets of an IPv6 address */
    char port[8];
} kw_url;

/* --- what a Client runs on: clock, random source, network; sockets, or a simulation of all three -------------------------- */

typedef struct kw_wire kw_wire; /* one connection; the network's */

/* What a connection tells; only from within kw_network.wait. */
typedef struct kw_wire_sink {
    void (*input)(void *ctx, kw_bytes bytes);
    void (*lost)(void *ctx);
    void *ctx;
} kw_wire_sink;

typedef struct kw_network {
    /* Times are those of the clock. Bad_ConnectionRejected, Bad_Timeout. */
    kw_status (*connect)(void *ctx, const kw_url *to, uint64_t deadline, const kw_wire_sink *sink, kw_wire **out);
    kw_status (*send)(kw_wire *wire, kw_bytes bytes); /* in order; borrowed for the call */
    void (*wait)(kw_wire *wire, uint64_t until);      /* until something has happened, or this time has come; not at all if it has passed */
    bool (*has_unsent)(const kw_wire *wire);
    void (*close)(kw_wire *wire);
    void (*sleep)(void *ctx, uint64_t until);
    void *ctx;
} kw_network;

typedef struct kw_client_env {
    const kw_clock *clock;
    const kw_random *random;
    const kw_network *network;
} kw_client_env;

/* socket.c: sockets of the system, by libuv. */
extern const kw_network KW_NETWORK_SOCKETS;

/* Like kw_client_new, on another ground. What `env` points to outlives the Client. */
kw_status kw_client_new_on(const kw_client_env *env, const kw_client_config *config, kw_client **out, const char **why);

/* --- a connection --------------------------------------------------------------------------------------------------------- */

/* A request that waits for its response. Requests may overlap: each has its own, which stays where it is meanwhile. */
typedef struct kw_awaited {
    struct kw_awaited *next;
    struct kw_link *link; /* NULL: nobody waits any longer, or the connection is gone */
    uint32_t id, handle;
    uint64_t order;  /* among the answers of its connection */
    kw_status error; /* there will be no response */
    kw_arena *arena; /* the response, when it is there */
    kw_bytes body;
} kw_awaited;

/* One connection with its SecureChannel, driven until what the caller waits for has happened. */
typedef struct kw_link {
    const kw_client_env *env;
    kw_wire *wire;
    bool is_opened, is_closed;
    kw_status failure; /* why it is closed */
    kw_timers *timers;
    kw_channel *channel;
    kw_application_identity identity;
    uint32_t next_request_id;
    uint64_t answers;
    kw_awaited *awaited;
} kw_link;

/* user.c: who the Session belongs to, and what proves it once more. */
typedef struct kw_client_user {
    bool is_known;
    kw_user_token_type kind;
    char *name, *certificate_file, *key_file;
    kw_secret secret; /* the password, or the token in use */
    kw_token_source source;
    uint64_t renew_at, expires_at; /* of a token with a source; UINT64_MAX: never */
    uint64_t renew_wait;           /* after a renewal that failed; 0: none has */
    kw_status renew_status;
    char renew_error[KW_CLIENT_ERROR_MAX];
} kw_client_user;

/* subscription_internal.h */
typedef struct kw_client_subscriptions kw_client_subscriptions;

/* begin.c */
#define KW_CLIENT_REQUESTS_MAX 1000u
struct kw_client_request;

/* keys.c: the EphemeralKey that the Server gave out last. */
typedef struct kw_client_key {
    const kw_security_policy *policy; /* that the Session asked for; NULL: for none */
    uint8_t bytes[KW_CLIENT_KEY_MAX];
    size_t len; /* 0: there is none */
} kw_client_key;

struct kw_client {
    kw_client_env env;
    char *application_name, *policy_name;
    char **locales;
    size_t locale_count;
    kw_message_security_mode mode;
    bool trust_any, legacy_issued_token, dotnet_secrets;
    uint32_t timeout_ms, reconnect_ms, keep_alive_ms, renew_percent;
    double session_timeout_ms;
    kw_application_identity identity; /* empty: no certificate */
    char *application_uri;
    kw_trust_list *trust;
    /* the connection */
    kw_link *link;   /* NULL, or closed: broken */
    kw_arena *arena; /* lives as long as the Session: endpoint, authenticationToken */
    char *url;
    kw_endpoint_description *endpoint;
    kw_certificate *server_certificate; /* NULL: the endpoint has none */
    bool server_certificate_is_checked;
    kw_node_id authentication_token;
    bool has_session, is_activated;
    bool session_is_gone; /* the Server does not know it any more */
    uint32_t session_number;
    bool is_occupied;   /* with its own upkeep: no other one meanwhile */
    uint64_t last_used; /* when the Session was used last */
    uint64_t revised_session_timeout;
    kw_client_user user;
    uint8_t client_nonce[32]; /* CB-08: of CreateSession, for all its proofs */
    uint8_t server_nonce[128];
    size_t server_nonce_len;
    kw_client_key server_key;
    const kw_string *namespaces;
    size_t namespace_count;
    kw_client_subscriptions *subscriptions; /* NULL: there never was one */
    struct kw_client_request *requests;     /* whose answers go to functions */
    uint32_t request_count;
    uint32_t request_handle;
    char error[KW_CLIENT_ERROR_MAX];
};

/* error.c: note the sentence and pass the status on. */
kw_status kw_client_fail(kw_client *client, kw_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* url.c: opc.tcp://host[:port][/path]; Bad_TcpEndpointUrlInvalid. */
kw_status kw_url_parse(const char *text, kw_url *out);

/* link.c */
typedef struct kw_link_target {
    kw_url to;              /* whom to connect to */
    kw_string endpoint_url; /* what to say in HEL */
    const kw_security_policy *policy;
    kw_message_security_mode mode;
    const kw_certificate *server_certificate;
} kw_link_target;

kw_status kw_link_open(kw_client *client, const kw_link_target *target, kw_link **out);
void kw_link_close(kw_client *client, kw_link *link); /* orderly when it can be; NULL is fine */
/* Send one message. */
kw_status kw_link_send(kw_link *link, kw_bytes body, kw_awaited *awaited);
bool kw_awaited_is_answered(const kw_awaited *awaited); /* or never will be */
/* Out of the hands of the link; the response stays in *awaited. */
void kw_link_let_go(kw_awaited *awaited);
/* Wait for the response; its arena goes to the caller on success. */
kw_status kw_link_wait(kw_client *client, kw_link *link, kw_awaited *awaited);
/* Let time pass; comes back early when something is answered, or the connection breaks. */
void kw_link_idle(kw_client *client, kw_link *link, uint64_t until);
/* What has come while nobody waited, the end of the connection or of its security token too. */
void kw_link_look(kw_link *link);
/* From now on it counts as broken. */
void kw_link_fail(kw_link *link, kw_status status);

/* exchange.c: a service over a link. With `token` NULL there is no Session. */
kw_status kw_client_exchange(kw_client *client, kw_link *link, const kw_node_id *token, const kw_type *request_type, void *request,
                             const kw_type *response_type, kw_arena *arena, void **response);

/* The halves of it, for requests that overlap. timeout_hint 0: none. */
kw_status kw_client_send(kw_client *client, kw_link *link, const kw_node_id *token, const kw_type *request_type, void *request,
                         uint32_t timeout_hint, kw_awaited *awaited);
kw_status kw_client_decode(kw_client *client, const kw_awaited *awaited, const kw_type *response_type, kw_arena *arena, void **response);
/* The Server has answered, and says that the Session or the SecureChannel is no more. */
void kw_client_note_end(kw_client *client, kw_link *link, kw_status status);

/* discovery.c */
kw_status kw_client_choose_endpoint(kw_client *client, const kw_endpoint_description *endpoints, size_t count,
                                    const kw_endpoint_description **out);

/* connect.c */
/* Remember the serverNonce for the next proof, if it is good enough. */
kw_status kw_client_take_nonce(kw_client *client, kw_bytes nonce);
/* The SecureChannel to client->endpoint, after every check of the Server's certificate. */
kw_status kw_client_open_channel(kw_client *client);
/* CreateSession; `discovered` is what GetEndpoints had said. */
kw_status kw_client_create_session(kw_client *client, const kw_endpoint_description *discovered, size_t discovered_count);

/* keys.c: EphemeralKeys for secrets, where a UserTokenPolicy of the endpoint needs them (CS-21). */
kw_status kw_client_ask_for_key(kw_client *client, kw_arena *arena, kw_request_header *header);
/* Remember the key of this response, if it is the Server's. */
kw_status kw_client_take_key(kw_client *client, const kw_response_header *header);
/* The one for this policy; null: there is none. */
kw_bytes kw_client_key_for(const kw_client *client, const kw_security_policy *policy);
/* It was used: a key is good for one secret. */
void kw_client_drop_key(kw_client *client);

/* activate.c: ActivateSession as this user; remembers the next serverNonce and nothing else. */
kw_status kw_client_prove(kw_client *client, const kw_client_identity *identity);

/* user.c */
/* Keep what another proof needs: secrets only if there may be one. */
kw_status kw_client_remember(kw_client *client, const kw_client_identity *identity);
void kw_client_forget(kw_client *client);
/* Activate with a new token from the source, or with what is kept when there is none. */
kw_status kw_client_activate_afresh(kw_client *client);
/* The same with the token in use, as long as it is good. */
kw_status kw_client_activate_again(kw_client *client);

/* upkeep.c: renewal of the token, keep-alive. */
uint64_t kw_client_upkeep_due(const kw_client *client, const kw_link *link);
void kw_client_upkeep(kw_client *client);
/* Before anything is done with the Session: it stands and its user holds. */
kw_status kw_client_ready(kw_client *client);

/* recover.c */
bool kw_client_is_broken(const kw_client *client);
/* A new SecureChannel, and the Session on it; or a new Session for the same user. */
kw_status kw_client_recover(kw_client *client);
/* The same, if the connection is broken by now. */
kw_status kw_client_mend(kw_client *client);

/* resume.c: Subscriptions, as the rest of the Client sees them. All are fine when there are none. */
/* What they need now: callbacks, Publish requests, what is missing. */
void kw_client_subscriptions_turn(kw_client *client);
uint64_t kw_client_subscriptions_due(const kw_client *client);
bool kw_client_subscriptions_are_in_turn(const kw_client *client);
/* The connection is broken; and then there is another one, perhaps with another Session. */
void kw_client_subscriptions_lost(kw_client *client, kw_status status);
void kw_client_subscriptions_back(kw_client *client, bool is_other_session);
/* subscription.c: the Session is closed, they are gone. */
void kw_client_subscriptions_free(kw_client *client);

/* begin.c */
void kw_client_requests_turn(kw_client *client);
uint64_t kw_client_requests_due(const kw_client *client);
void kw_client_requests_end(kw_client *client);

/* verify.c: the Server's certificate for this endpoint, by every check of OPC 10000-4, 6.1.3. */
kw_status kw_client_check_certificate(kw_client *client, const kw_certificate *certificate, const kw_security_policy *policy,
                                      kw_string application_uri);

/* token.c: fill an ExtensionObject with the token that this UserTokenPolicy asks for. */
struct kw_channel_binding;
/* What binds proofs to the channel that there is now. Without SecureChannelEnhancements it has no thumbprint, and hashes are SHA-256. */
struct kw_channel_binding kw_client_binding(const kw_client *client, const kw_security_policy *policy, kw_bytes server_nonce);
typedef struct kw_token_context {
    const kw_user_token_policy *policy;
    const kw_security_policy *channel_policy;
    kw_message_security_mode mode;
    const kw_certificate *receiver;           /* whom secrets are encrypted to */
    kw_bytes receiver_key;                    /* and for which EphemeralKey, where the policy has them; null: none is known */
    kw_bytes nonce;                           /* of the Session; null: a context without one, where the sender makes one up */
    const struct kw_channel_binding *binding; /* FinishRequestToken: what an X509 user signs; NULL: not there */
} kw_token_context;

kw_status kw_client_build_token(kw_client *client, const kw_token_context *context, const kw_client_identity *identity, kw_arena *arena,
                                kw_extension_object *token, kw_signature_data *signature);
/* The best policy for this identity at the endpoint in use, with the keys that both sides have; NULL: none fits. */
const kw_user_token_policy *kw_client_choose_token_policy(const kw_client *client, const kw_user_token_policy *policies, size_t count,
                                                          const kw_client_identity *identity);
/* Where the policy has EphemeralKeys: the Client can sign what it seals, and believe the Server's. */
bool kw_client_can_seal(const kw_client *client, const kw_security_policy *policy);

#endif
