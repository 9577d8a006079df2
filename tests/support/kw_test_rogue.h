/*
 * A server that plays by the script of a test: it does what CreateSession and ActivateSession need and answers every Read with 42,
 * and the test has the last word on each response. It writes down what it was asked.
 *
 *   kw_test_rogue *r = kw_test_rogue_new(network);                network->far_end from now on
 *   r->edit = short_nonce;
 *   assert_status(kw_client_connect(client, KW_TEST_NETWORK_URL), KW_BAD_NONCE_INVALID);
 *   assert_null(kw_test_rogue_last(r, KW_TYPE_ACTIVATE_SESSION_REQUEST));
 */
#ifndef KW_TEST_ROGUE_H
#define KW_TEST_ROGUE_H

#include "support/kw_test_network.h"

typedef struct kw_test_rogue kw_test_rogue;

typedef struct kw_test_request {
    const kw_type *type;
    const void *value; /* of this type; in the world's arena */
    kw_bytes nonce;    /* the last serverNonce when it came */
    kw_bytes sender;   /* the certificate of its channel; null on None: everybody on the way has read it */
} kw_test_request;

enum { KW_TEST_ROGUE_REQUESTS = 64, KW_TEST_ROGUE_ENDPOINTS = 4, KW_TEST_ROGUE_POLICIES = 4 };

struct kw_test_rogue {
    kw_test_network *network;
    const kw_application_identity *identity; /* "server", that the Clients trust */
    kw_test_far_end end;
    /* As discovery and CreateSession show them: None, then Basic256Sha256 Sign and SignAndEncrypt, with every kind of user, under Basic256Sha256. */
    kw_endpoint_description endpoints[KW_TEST_ROGUE_ENDPOINTS];
    size_t endpoint_count;
    kw_user_token_policy policies[KW_TEST_ROGUE_POLICIES];
    /* Before `response` goes out. A bad status: a ServiceFault goes out in its place. NULL: everything goes as it should. */
    kw_status (*edit)(kw_test_rogue *rogue, const kw_type *type, void *response);
    void *ctx;
    kw_bytes nonce; /* the last serverNonce */
    uint32_t sessions;
    size_t request_count;
    kw_test_request requests[KW_TEST_ROGUE_REQUESTS];
};

/* At the other end of the network from now on; lives in the world's arena. */
kw_test_rogue *kw_test_rogue_new(kw_test_network *network);
/* Its channel and its endpoints have this certificate and the ApplicationUri `uri` (NULL: that of the certificate). */
void kw_test_rogue_be(kw_test_rogue *rogue, const kw_application_identity *who, const char *uri);
/* The last request of this type; NULL: there was none. */
const kw_test_request *kw_test_rogue_last(const kw_test_rogue *rogue, const kw_type *type);
size_t kw_test_rogue_count(const kw_test_rogue *rogue, const kw_type *type);

#endif
