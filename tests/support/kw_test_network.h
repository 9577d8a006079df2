/*
 * The Client of the library on a network in memory: at the other end is the Server of a kw_test_world, or whoever the test puts
 * there (kw_test_rogue.h). Its clock is that of the world, and moves while the Client waits.
 *
 *   kw_test_network *n = kw_test_network_new(NULL);
 *   kw_client *c = kw_test_network_connect(n, NULL);              the strongest endpoint, with a Session
 *   assert_status(kw_client_activate(c, &KW_TEST_OPERATOR), KW_GOOD);
 *   kw_test_network_cut(n);
 *   assert_status(kw_test_network_read(c, &KW_TEST_SECRET, NULL), KW_GOOD);
 *   kw_test_network_free(n);                                      with Clients and world
 */
#ifndef KW_TEST_NETWORK_H
#define KW_TEST_NETWORK_H

#include "client/client_internal.h"
#include "support/kw_test_world.h"

/* Who answers in place of the world's Server: like kw_server_connect and kw_connection_*. */
typedef struct kw_test_far_end {
    void *(*accept)(void *ctx, const kw_transport *transport); /* NULL: refused */
    void (*input)(void *line, kw_bytes bytes);
    void (*lost)(void *line);
    void *ctx;
} kw_test_far_end;

enum { KW_TEST_NETWORK_CLIENTS = 4 };

typedef struct kw_test_network kw_test_network;

struct kw_test_network {
    kw_test_world *world;
    kw_test_trust trust; /* the Clients' */
    char *folder;        /* their keys and certificates */
    kw_clock clock;      /* the Clients'; of the world, but for utc_shift */
    int64_t utc_shift;   /* ticks that their wall clock is ahead */
    kw_network network;
    kw_client_env env;
    kw_test_far_end server_end;            /* the world's Server */
    const kw_test_far_end *far_end;        /* who takes the next connection; server_end until a test puts another one here */
    kw_wire *wires;                        /* those that the Clients have not closed */
    uint64_t down_until;                   /* nobody takes a connection before */
    uint64_t delay_ms;                     /* of what the server sends */
    size_t to_server_left, to_client_left; /* bytes that still pass; SIZE_MAX: any number, and so again after a break */
    bool is_dropping;                      /* bytes past that vanish; otherwise they break the connection */
    size_t spoil_at;                       /* the byte that comes after so many from the server is another one; SIZE_MAX: none */
    size_t connect_count;                  /* tries, refused ones too */
    kw_writer sent;                        /* what the Clients have sent, on all connections */
    kw_client *clients[KW_TEST_NETWORK_CLIENTS];
    size_t client_count;
    bool is_guest; /* the world is somebody else's */
    void (*pass)(kw_test_network *network,
                 uint64_t ms); /* time goes on while a Client waits: kw_test_world_advance, or what a test puts here */
    void *ctx;                 /* for pass */
};

#define KW_TEST_NETWORK_URL "opc.tcp://localhost:4840"

extern const kw_client_identity KW_TEST_NOBODY, KW_TEST_OPERATOR; /* the latter is KW_TEST_USER with KW_TEST_PASSWORD */

/* A world that knows KW_TEST_USER, and trust between its Server and the Clients' identity "client". */
kw_test_network *kw_test_network_new(const kw_test_world_options *options);
/* In this world, which stays when the network is freed; who trusts whom is the test's. */
kw_test_network *kw_test_network_on(kw_test_world *world);
void kw_test_network_free(kw_test_network *network);
int kw_test_network_setup(void **state);
int kw_test_network_teardown(void **state);
#define KW_TEST_ON_NETWORK(test) cmocka_unit_test_setup_teardown(test, kw_test_network_setup, kw_test_network_teardown)

/* Certificate, key and trust list are filled in where the configuration has none. NULL: nothing else is configured. */
kw_client *kw_test_network_client(kw_test_network *network, const kw_client_config *config);
/* With a Session that has no user yet, or the test fails. */
kw_client *kw_test_network_connect(kw_test_network *network, const kw_client_config *config);
/* As KW_TEST_OPERATOR. */
kw_client *kw_test_network_open(kw_test_network *network, const kw_client_config *config);
/* The Value of one node. *out (may be NULL) lives in the world's arena. */
kw_status kw_test_network_read(kw_test_network *network, kw_client *client, const kw_node_id *node, kw_data_value *out);
/* What names the Client's Session to the Server: to see whether it is still the same one. In the world's arena. */
kw_bytes kw_test_network_token(kw_test_network *network, const kw_client *client);
/* An identity in files NAME.der and NAME.key; the paths live in the world's arena. */
void kw_test_network_write(kw_test_network *network, const char *name, const kw_application_identity *who, const char **certificate_file,
                           const char **key_file);

/* Every connection breaks, the Clients are told when they look. */
void kw_test_network_cut(kw_test_network *network);
/* The Server is another one on the same store: all its Sessions are gone. `identity` NULL: the same. */
void kw_test_network_restart(kw_test_network *network, const kw_application_identity *identity);
/* These bytes have gone over the wire, towards the server. */
bool kw_test_network_has_sent(const kw_test_network *network, kw_bytes bytes);

#endif
