/* Inner seam of the client room. */
#ifndef KW_CLIENT_INTERNAL_H
#define KW_CLIENT_INTERNAL_H

#include "channel/channel.h"
#include "crypto/trust.h"
#include "ua/codec.h"

#include <keyway/client.h>

#include <uv.h>

#define KW_CLIENT_ARENA ((size_t)256 << 20) /* the most that one response may need */
#define KW_CLIENT_READ_BUFFER 65536
#define KW_CLIENT_NONCE 32
#define KW_TRANSPORT_UATCP "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"

typedef struct kw_url {
    char host[256]; /* without the brackets of an IPv6 address */
    char port[8];
} kw_url;

/* One connection with its SecureChannel, driven until what the caller waits for has happened. */
typedef struct kw_link {
    uv_loop_t loop;
    uv_tcp_t tcp;
    uv_timer_t tick;
    bool loop_is_open, tcp_is_open, is_connected, is_opened, is_closed;
    kw_status failure; /* why it is closed */
    kw_timers *timers;
    kw_channel *channel;
    kw_application_identity identity;
    uint32_t next_request_id, awaited_id;
    kw_status awaited_error; /* the response was aborted */
    kw_arena *reply_arena;   /* the awaited response, when it is there */
    kw_bytes reply;
    uint8_t buffer[KW_CLIENT_READ_BUFFER];
} kw_link;

struct kw_client {
    char *application_name, *policy_name;
    char **locales;
    size_t locale_count;
    kw_message_security_mode mode;
    bool trust_any, legacy_issued_token, dotnet_secrets;
    uint32_t timeout_ms;
    double session_timeout_ms;
    kw_application_identity identity; /* empty: no certificate */
    char *application_uri;
    kw_trust_list *trust;
    /* the connection */
    kw_link *link;
    kw_arena *arena; /* lives as long as the connection: endpoint, nonces */
    char *url;
    kw_endpoint_description *endpoint;
    kw_certificate *server_certificate; /* NULL: the endpoint has none */
    bool server_certificate_is_checked;
    kw_node_id authentication_token;
    bool has_session;
    uint8_t server_nonce[128];
    size_t server_nonce_len;
    const kw_string *namespaces;
    size_t namespace_count;
    uint32_t request_handle;
    char error[512];
};

/* error.c: note the sentence and pass the status on. */
kw_status kw_client_fail(kw_client *client, kw_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* url.c: opc.tcp://host[:port][/path]; Bad_TcpEndpointUrlInvalid. */
kw_status kw_url_parse(const char *text, kw_url *out);

/* link.c */
typedef struct kw_link_target {
    const char *url;        /* whom to connect to */
    kw_string endpoint_url; /* what to say in HEL */
    const kw_security_policy *policy;
    kw_message_security_mode mode;
    const kw_certificate *server_certificate;
} kw_link_target;

kw_status kw_link_open(kw_client *client, const kw_link_target *target, kw_link **out);
void kw_link_close(kw_client *client, kw_link *link); /* orderly when it can be; NULL is fine */
/* Send one message and wait for its response: the body in link->reply, link->reply_arena. */
kw_status kw_link_exchange(kw_client *client, kw_link *link, kw_bytes body, uint32_t timeout_ms);

/* exchange.c: a service over a link. With `token` NULL there is no Session. */
kw_status kw_client_exchange(kw_client *client, kw_link *link, const kw_node_id *token, const kw_type *request_type, void *request,
                             const kw_type *response_type, kw_arena *arena, void **response);

/* discovery.c */
kw_status kw_client_choose_endpoint(kw_client *client, const kw_endpoint_description *endpoints, size_t count,
                                    const kw_endpoint_description **out);

/* connect.c: remember the serverNonce for the next proof, if it is good enough. */
kw_status kw_client_take_nonce(kw_client *client, kw_bytes nonce);

/* verify.c: the Server's certificate for this endpoint, by every check of OPC 10000-4, 6.1.3. */
kw_status kw_client_check_certificate(kw_client *client, const kw_certificate *certificate, const kw_security_policy *policy,
                                      kw_string application_uri);

/* token.c: fill an ExtensionObject with the token that this UserTokenPolicy asks for. */
typedef struct kw_token_context {
    const kw_user_token_policy *policy;
    const kw_security_policy *channel_policy;
    kw_message_security_mode mode;
    const kw_certificate *receiver; /* whom secrets are encrypted to */
    kw_bytes nonce;                 /* of the Session; null: a context without one, where the sender makes one up */
} kw_token_context;

kw_status kw_client_build_token(kw_client *client, const kw_token_context *context, const kw_client_identity *identity, kw_arena *arena,
                                kw_extension_object *token, kw_signature_data *signature);
/* The best policy for this identity; NULL: none fits. */
const kw_user_token_policy *kw_client_choose_token_policy(const kw_user_token_policy *policies, size_t count, kw_user_token_type kind,
                                                          const kw_security_policy *channel_policy, kw_message_security_mode mode);

#endif
