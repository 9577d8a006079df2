/* A Client of a kw_test_world: one connection with one SecureChannel, any number of Sessions on it, every field of every request open. */
#ifndef KW_TEST_CLIENT_H
#define KW_TEST_CLIENT_H

#include "support/kw_test_world.h"

typedef struct kw_test_client_options {
    const kw_security_policy *policy;        /* NULL: Basic256Sha256 */
    kw_message_security_mode mode;           /* 0: SignAndEncrypt, or None with the policy None */
    const kw_application_identity *identity; /* NULL: kw_test_identity("client", 2048) */
    const char *address;                     /* NULL: "192.0.2.1" */
    bool is_untrusted;                       /* do not enter its certificate into the Server's trust list */
    uint32_t lifetime_ms;                    /* of a security token, as asked for; 0: the longest */
} kw_test_client_options;

typedef struct kw_test_answer kw_test_answer;

struct kw_test_client {
    kw_test_world *world;
    kw_test_client *next;
    const kw_application_identity *identity;
    const kw_security_policy *policy;
    kw_message_security_mode mode;
    kw_channel *channel;
    kw_connection *connection; /* NULL: the server let go of it */
    kw_writer to_server, to_client;
    bool is_paused, server_closes, is_closed; /* is_closed: the Client's channel is */
    bool is_slow;                             /* what it sends is on its way until a test clears this */
    kw_status close_reason;
    uint32_t last_id;
    kw_test_answer *answers; /* not yet looked at */
};

/* Opens the SecureChannel, or the test fails. */
kw_test_client *kw_test_client_new(kw_test_world *world, const kw_test_client_options *options);
/* The same without the demand: look at is_closed and close_reason. NULL: the server took no connection. */
kw_test_client *kw_test_client_try(kw_test_world *world, const kw_test_client_options *options);
void kw_test_clients_free(kw_test_world *world); /* all of them; kw_test_world_free does it */
/* CloseSecureChannel. */
void kw_test_client_close(kw_test_client *client);
/* The line is cut: nothing more is sent by either side. */
void kw_test_client_cut(kw_test_client *client);
/* Of what a slow line holds back, the first bytes arrive, wherever that cuts a message. */
void kw_test_client_dribble(kw_test_client *client, size_t bytes);

/* --- requests ------------------------------------------------------------------------------------------------------------ */
/* What the Server has told about a Session, and the proof needs. Not bound to a Client: give it to another one for a transfer. */
typedef struct kw_test_session {
    kw_node_id id, token;
    kw_bytes nonce;              /* the last serverNonce */
    kw_bytes server_certificate; /* as CreateSession returned it, chain and all */
    const kw_create_session_response *created;
} kw_test_session;

/*
 * Any service: `request` is of `type` with its RequestHeader first. The header's timestamp and handle are set here, and the
 * authenticationToken when `session` is not NULL. Runs held jobs too. The result is the ServiceResult, of a fault as well;
 * Bad_SecureChannelClosed when the channel ended without an answer. *response (may be NULL) lives in the world's arena.
 */
kw_status kw_test_call(kw_test_client *client, const kw_test_session *session, const kw_type *type, void *request, const void **response);
/* The two halves of it, for requests that overlap: the id of the request; then whether it was answered, and how. */
uint32_t kw_test_send(kw_test_client *client, const kw_test_session *session, const kw_type *type, void *request);
/* A message that is encoded already, and the answer as it came (null: none has). */
uint32_t kw_test_send_bytes(kw_test_client *client, kw_bytes message);
kw_bytes kw_test_answer_bytes(const kw_test_client *client, uint32_t id);
/* Answers are numbered as they come, over all Clients; 0: not answered. */
uint64_t kw_test_answered_at(const kw_test_client *client, uint32_t id);
bool kw_test_is_answered(const kw_test_client *client, uint32_t id);
kw_status kw_test_answer_of(kw_test_client *client, uint32_t id, const void **response);

/* --- Sessions ------------------------------------------------------------------------------------------------------------ */
/* What a Client that does everything right sends; in the world's arena, to be changed by the test. */
kw_create_session_request *kw_test_creation(kw_test_client *client);
kw_status kw_test_create_session_with(kw_test_client *client, kw_create_session_request *request, kw_test_session *session);
kw_status kw_test_create_session(kw_test_client *client, kw_test_session *session);
/* The same, or the test fails. */
kw_test_session kw_test_created(kw_test_client *client);

typedef struct kw_test_user {
    kw_extension_object token;
    kw_signature_data signature;
} kw_test_user;

kw_activate_session_request *kw_test_activation(kw_test_client *client, const kw_test_session *session, kw_test_user user);
/* A good answer brings the next nonce into *session. */
kw_status kw_test_activate_with(kw_test_client *client, kw_test_session *session, kw_activate_session_request *request);
kw_status kw_test_activate(kw_test_client *client, kw_test_session *session, kw_test_user user);
/* CreateSession and ActivateSession, or the test fails. */
kw_test_session kw_test_open(kw_test_client *client);
kw_test_session kw_test_open_as(kw_test_client *client, const char *name, const char *password);

kw_status kw_test_close_session(kw_test_client *client, const kw_test_session *session, bool delete_subscriptions);
/* The Value of one node: the service's fault or the operation's StatusCode. *out may be NULL. */
kw_status kw_test_read(kw_test_client *client, const kw_test_session *session, const kw_node_id *node, kw_data_value *out);
/* Call of one Method: the fault, or the operation's StatusCode. *out may be NULL. */
kw_status kw_test_call_method(kw_test_client *client, const kw_test_session *session, const kw_node_id *object, const kw_node_id *method,
                              const kw_variant *inputs, size_t input_count, kw_call_method_result *out);

/* A signature by the client's policy over the parts, one after the other. */
kw_signature_data kw_test_sign(kw_test_client *client, const kw_private_key *key, const kw_bytes *parts, size_t count);
/* The leaf of a DER chain. */
kw_bytes kw_test_leaf(kw_test_world *world, kw_bytes chain);
/* The Session as the server keeps it; NULL: it has none with this token. */
kw_session *kw_test_session_of(kw_test_world *world, const kw_test_session *session);

#endif
