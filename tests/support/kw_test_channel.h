/*
 * A client's and a server's kw_channel, joined by two queues of bytes that a test may look at, change and cut.
 *
 *   kw_test_pair *p = kw_test_pair_new(&(kw_test_pair_options){.policy = …, .mode = …});
 *   kw_test_pair_open(p);                    both ends are open, or the test fails
 *   kw_channel_send(p->client.channel, 1, body);
 *   kw_test_pair_pump(p);
 *   p->server.messages[0] …
 */
#ifndef KW_TEST_CHANNEL_H
#define KW_TEST_CHANNEL_H

#include "base/cursor.h"
#include "channel/channel.h"
#include "support/kw_test_identity.h"

typedef struct kw_test_pair kw_test_pair;

typedef struct kw_test_message {
    uint32_t request_id;
    kw_bytes body; /* owned by the peer it came to */
} kw_test_message;

enum { KW_TEST_MESSAGES = 64, KW_TEST_AUDITS = 16 };

typedef struct kw_test_peer {
    kw_test_pair *pair;
    kw_channel *channel; /* NULL: played by the test */
    kw_channel_env env;
    kw_writer sent;                                /* on its way to the other end */
    size_t opened, ready, closed, aborted, arenas; /* counts of events; arenas: taken and not given back */
    kw_status close_reason;
    uint32_t aborted_id;
    kw_status aborted_error;
    size_t message_count;
    kw_test_message messages[KW_TEST_MESSAGES];
    size_t audit_count;
    kw_channel_open_audit audits[KW_TEST_AUDITS]; /* pointers in it are not to be followed, but policy */
    bool out_of_arenas;
} kw_test_peer;

typedef struct kw_test_pair_options {
    const kw_security_policy *policy;                       /* NULL: None */
    kw_message_security_mode mode;                          /* 0: None */
    const kw_application_identity *client, *server;         /* NULL: "client" and "server", 2048 bits */
    const kw_channel_limits *client_limits, *server_limits; /* NULL: the default ones */
    const kw_executor *executor;                            /* NULL: KW_EXECUTOR_INLINE */
    uint32_t lifetime_ms;                                   /* asked for by the client */
    uint64_t seed;
    bool (*accepts)(void *ctx, const kw_security_policy *policy, kw_message_security_mode mode); /* NULL: only what the client asks for */
    bool (*url_is_known)(void *ctx, kw_string url);
    bool no_client;    /* the test plays the client: put bytes into pair->client.sent */
    bool is_untrusted; /* the server does not trust the client */
    bool is_reverse;   /* the server connects */
} kw_test_pair_options;

struct kw_test_pair {
    kw_test_pair_options options;
    kw_test_clock clock;
    kw_test_random random;
    kw_timers *timers;
    kw_test_trust trust; /* the server's */
    kw_test_peer client, server;
    size_t cut; /* bytes of a delivery: 0 all there are, SIZE_MAX random pieces */
};

#define KW_TEST_URL "opc.tcp://localhost:4840/test"
#define KW_TEST_SERVER_URI "urn:keyway:test:server"

kw_test_pair *kw_test_pair_new(const kw_test_pair_options *options);
void kw_test_pair_free(kw_test_pair *pair);
/* Deliver what `from` has sent, once. Stops while the receiver is busy. False: nothing was moved. */
bool kw_test_pair_deliver(kw_test_pair *pair, kw_test_peer *from);
/* Both ways until nothing moves. */
void kw_test_pair_pump(kw_test_pair *pair);
void kw_test_pair_open(kw_test_pair *pair);
/* Let time pass; timers fire on both ends. */
void kw_test_pair_advance(kw_test_pair *pair, uint64_t ms);
/* Forget what has arrived and been counted so far, at both ends. */
void kw_test_pair_forget(kw_test_pair *pair);

/* `len` bytes that depend on the seed, to be freed. */
uint8_t *kw_test_body(uint64_t seed, size_t len);
/* The last message that arrived has this content and id. */
void kw_test_assert_message(const kw_test_peer *peer, uint32_t request_id, kw_bytes body);
/* Closed with this reason, once; and at the server the last thing sent is an ERR that says so. */
void kw_test_assert_closed(const kw_test_peer *peer, kw_status reason);
/* The StatusCode of the ERR message that ends `sent`; KW_GOOD when there is none. */
kw_status kw_test_error_sent(const kw_test_peer *peer);
/* Frames in `sent`: offset and size of the index-th one; false past the end. */
bool kw_test_frame_at(const kw_test_peer *peer, size_t index, size_t *offset, size_t *size);

#endif
