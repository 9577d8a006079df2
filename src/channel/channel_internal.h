/* For the files of this room alone (and its tests). */
#ifndef KW_CHANNEL_INTERNAL_H
#define KW_CHANNEL_INTERNAL_H

#include "base/cursor.h"
#include "base/secret.h"
#include "base/try.h"
#include "channel/channel.h"
#include "crypto/ephemeral.h"
#include "crypto/symmetric.h"
#include "ua/codec.h"

enum {
    KW_TCP_HEADER = 8,      /* MessageType, ChunkType, MessageSize */
    KW_CHUNK_HEADER = 12,   /* and SecureChannelId */
    KW_SYM_HEADER = 16,     /* and TokenId */
    KW_SEQUENCE_HEADER = 8, /* SequenceNumber, RequestId */
    KW_TCP_MIN_BUFFER = 8192,
    KW_TCP_MAX_TEXT = 4096, /* EndpointUrl, ServerUri, Reason */
    KW_POLICY_URI_MAX = 255,
    KW_THUMBPRINT_LEN = 20,
    KW_OPEN_MAX_BLOCKS = 8,  /* an honest OPN takes two or three */
    KW_SIGNATURE_MAX = 1024, /* bytes; RSA keys have 8192 bits at most */
    KW_LARGE_KEY = 256       /* bytes of a modulus past which padding has its ExtraPaddingSize */
};

typedef enum kw_frame_type {
    KW_FRAME_HEL,
    KW_FRAME_ACK,
    KW_FRAME_ERR,
    KW_FRAME_RHE,
    KW_FRAME_OPN,
    KW_FRAME_MSG,
    KW_FRAME_CLO,
    KW_FRAME_TYPES
} kw_frame_type;

/* A whole frame in the receive buffer; data is ours to decrypt in place. */
typedef struct kw_tcp_frame {
    kw_frame_type type;
    uint8_t chunk; /* 'F', 'C' or 'A' */
    uint8_t *data;
    size_t size;
} kw_tcp_frame;

typedef enum kw_channel_state {
    KW_CHANNEL_HELLO,   /* no HEL/ACK yet */
    KW_CHANNEL_OPENING, /* HEL/ACK done, no token yet */
    KW_CHANNEL_OPEN,
    KW_CHANNEL_CLOSED,
    KW_CHANNEL_STATES
} kw_channel_state;

/* A bad status ends the channel with it. */
typedef kw_status kw_frame_handler(kw_channel *channel, const kw_tcp_frame *frame);

typedef struct kw_channel_role {
    bool is_server;
    kw_status sent_too_large, received_too_large;
    kw_frame_handler *on[KW_FRAME_TYPES][KW_CHANNEL_STATES]; /* NULL: not allowed in this state */
} kw_channel_role;

extern const kw_channel_role KW_CHANNEL_SERVER, KW_CHANNEL_CLIENT;

/* Of the two directions; both NULL with mode None. */
typedef struct kw_token_keys {
    kw_sym_keys *send, *receive;
} kw_token_keys;

typedef struct kw_channel_token {
    uint32_t id;
    uint64_t expires; /* monotonic ms: 125 % of the lifetime */
    kw_token_keys keys;
} kw_channel_token;

/* What this end brings to the keys of a token. With an agreement the nonce is the public half of the key. */
typedef struct kw_open_offer {
    kw_secret nonce;
    kw_ephemeral_key *key; /* NULL with RSA, and once it has served */
} kw_open_offer;

/* What was signed once and is referred to later. */
typedef struct kw_open_signature {
    uint8_t data[KW_SIGNATURE_MAX];
    size_t len;
} kw_open_signature;

/* A job of this room. channel is NULL once the channel has let go; the job then only frees itself. */
typedef struct kw_channel_job {
    kw_job job;
    kw_channel *channel;
} kw_channel_job;

struct kw_channel {
    kw_channel_env env;
    kw_channel_limits limits;
    kw_application_identity identity; /* retained */
    const kw_channel_role *role;
    kw_channel_server server;
    kw_channel_client client;
    kw_channel_state state;

    /* Input. */
    uint8_t *rx; /* one chunk, limits.receive_buffer bytes, from the first byte on */
    size_t rx_len;
    kw_tcp_frame frame; /* its header, once 8 bytes are there */
    bool in_input, busy;
    kw_writer kept; /* what arrived while busy */

    /* Output. */
    uint8_t *tx;  /* one chunk, send_size bytes */
    bool holding; /* an OPN that already has its sequence number is being made: later chunks wait in `held` */
    kw_writer held;

    /* Of HEL and ACK. */
    uint32_t protocol_version; /* server: as the client asked; client: as the server said */
    uint32_t receive_size, send_size;
    uint32_t peer_max_message, peer_max_chunks;
    kw_writer url;
    kw_writer reverse_server_uri;

    /* The SecureChannel. */
    uint32_t id;
    const kw_security_policy *policy;
    kw_message_security_mode mode;
    kw_certificate *peer_certificate; /* retained; NULL with None */
    uint32_t sent_sequence, received_sequence;
    bool has_received;
    uint8_t peer_nonce_hash[32]; /* A-57; a hash, as the nonce is key material */
    bool has_peer_nonce;
    kw_channel_token tokens[2]; /* older first */
    size_t token_count;
    uint32_t last_token_id;
    /* With SecureChannelEnhancements. */
    kw_secret agreed;             /* what the keys of the last token came from */
    kw_open_signature thumbprint; /* the signature of the first response */
    kw_channel_job *job;          /* owned by the executor while it is under way */

    /* Client: the OPN that is not answered yet. */
    bool awaits_open;
    uint32_t open_request_id;
    kw_open_offer offer;
    kw_open_signature request_signature;

    /* A message of several chunks. */
    bool is_partial;
    uint32_t partial_id, partial_chunks;
    kw_writer partial;
    kw_arena *partial_arena;

    kw_timer deadline, renewal, expiry;
};

/* channel.c */
kw_status kw_channel_copy_text(kw_writer *copy, kw_string text);
void kw_channel_enter(kw_channel *channel, kw_channel_state state);
/* Server: ERR, then closed. Client: closed. */
void kw_channel_fail(kw_channel *channel, kw_status reason);
/* closed, and nothing to the peer. */
void kw_channel_end(kw_channel *channel, kw_status reason);
/* Runs where it belongs: None has no private key to be slow with. */
kw_status kw_channel_submit(kw_channel *channel, kw_channel_job *job, const kw_security_policy *policy);
/* The job is over: go on with what was kept. */
void kw_channel_resume(kw_channel *channel);

/* frame.c */
void kw_frame_consume(kw_channel *channel, kw_bytes bytes);
void kw_frame_watch(kw_channel *channel); /* start or stop the deadline of a message that has begun */
void kw_frame_header_write(kw_writer *w, kw_frame_type type, uint8_t chunk);
/* Patch MessageSize and send, past any hold; clears the writer. */
kw_status kw_frame_send(kw_channel *channel, kw_writer *w);

/* hello.c */
kw_status kw_hello_send(kw_channel *channel);
kw_status kw_hello_send_reverse(kw_channel *channel);
void kw_hello_send_error(kw_channel *channel, kw_status error);
kw_frame_handler kw_hello_on_hello, kw_hello_on_acknowledge, kw_hello_on_error, kw_hello_on_reverse;

/* sequence.c */
/* The first number that this end sends. */
uint32_t kw_sequence_first(const kw_security_policy *policy);
uint32_t kw_sequence_next(const kw_security_policy *policy, uint32_t last);
/* `last` NULL: nothing came before. */
bool kw_sequence_follows(const kw_security_policy *policy, const uint32_t *last, uint32_t next);

/* token.c */
uint64_t kw_token_expiry(uint64_t now, uint32_t lifetime_ms);
/* Takes the keys. */
void kw_token_install(kw_channel *channel, uint32_t id, uint32_t lifetime_ms, kw_token_keys *keys);
/* NULL: none that is still alive. */
kw_channel_token *kw_token_to_send(kw_channel *channel);
kw_status kw_token_to_receive(kw_channel *channel, uint32_t id, kw_channel_token **out);
/* A chunk under this token was verified. */
void kw_token_used(kw_channel *channel, const kw_channel_token *token);
void kw_token_clear(kw_channel *channel);
void kw_token_on_renewal(kw_timer *timer);
void kw_token_on_expiry(kw_timer *timer);

/* chunk_send.c */
void kw_chunk_emit(kw_channel *channel, kw_bytes chunk);
void kw_chunk_release(kw_channel *channel); /* end of a hold: send what waited */
kw_status kw_chunk_send_close(kw_channel *channel);

/* chunk_receive.c */
kw_frame_handler kw_chunk_on_message, kw_chunk_on_close;
void kw_chunk_drop_partial(kw_channel *channel);

/* open_chunk.c */
typedef struct kw_open_parties {
    const kw_security_policy *policy;
    kw_application_identity own; /* both NULL with policy None */
    kw_certificate *peer;
    kw_bytes request_signature; /* signed along with the first response, so that it answers this request alone; else null */
} kw_open_parties;

typedef struct kw_open_header {
    uint32_t channel_id;
    kw_string policy_uri;
    kw_bytes sender, thumbprint;
    size_t size; /* of everything before the part that is encrypted */
} kw_open_header;

typedef struct kw_open_plain {
    kw_secret bytes; /* owns what body borrows */
    uint32_t sequence, request_id;
    kw_bytes body;
} kw_open_plain;

/* The key of a peer is one for this policy. */
bool kw_open_takes_certificate(const kw_security_policy *policy, const kw_certificate *certificate);
kw_status kw_open_header_parse(kw_bytes chunk, kw_open_header *out);
/* Thumbprint and ciphertext fit our key: all that can be said before the key is used. */
kw_status kw_open_header_check(const kw_open_header *header, size_t chunk_size, const kw_open_parties *parties);
void kw_open_parties_retain(kw_open_parties *parties);
void kw_open_parties_release(kw_open_parties *parties);
/* Slow. The chunk is in the arena; at most max_size bytes, else issuers are left out, else Bad_EncodingLimitsExceeded. */
kw_status kw_open_chunk_seal(const kw_open_parties *parties, uint32_t channel_id, const kw_open_plain *plain, size_t max_size,
                             kw_arena *arena, kw_bytes *chunk);
/* What the signer (whose signatures have `len` bytes) wrote at the end; nothing is encrypted. */
void kw_open_signature_take(kw_bytes chunk, size_t len, kw_open_signature *out);
kw_bytes kw_open_signature_bytes(const kw_open_signature *signature);
/* Slow. One code for all that can be wrong: Bad_SecurityChecksFailed. */
kw_status kw_open_chunk_unseal(const kw_open_parties *parties, kw_bytes chunk, const kw_open_header *header, kw_open_plain *out);

/* open_keys.c */
/* exact length, not all zero, not the previous one; `hash` is that of the nonce for next time. */
kw_status kw_open_nonce_check(const kw_security_policy *policy, kw_bytes nonce, const uint8_t *previous_hash, uint8_t hash[32]);
/* First on the loop, where the random numbers are; then in the job, where there is time to make a key. */
kw_status kw_open_offer_draw(kw_open_offer *offer, const kw_security_policy *policy, const kw_random *random);
kw_status kw_open_offer_generate(kw_open_offer *offer, const kw_security_policy *policy);
void kw_open_offer_clear(kw_open_offer *offer); /* idempotent */
/*
 * Slow; uses up the key of our offer. With SecureChannelEnhancements `agreed` is what the last token came from (empty: this is the first),
 * and then what this one does. Bad_SecurityChecksFailed: the peer's nonce is no key to agree with.
 */
kw_status kw_open_keys_derive(const kw_security_policy *policy, bool is_server, kw_open_offer *own, kw_bytes peer_nonce, kw_secret *agreed,
                              kw_token_keys *out);
void kw_token_keys_free(kw_token_keys *keys); /* idempotent */

/* open_server.c, open_client.c */
kw_frame_handler kw_open_on_request, kw_open_on_response;
kw_status kw_open_send_request(kw_channel *channel);

#endif
