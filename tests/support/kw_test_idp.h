/* An identity provider in memory: metadata, a JWK Set that changes, and the kw_fetch that gets them. Counts what is asked of it. */
#ifndef KW_TEST_IDP_H
#define KW_TEST_IDP_H

#include "base/fetch.h"
#include "crypto/key.h"

enum { KW_TEST_IDP_KEYS = 8 };

#define KW_TEST_IDP_URI "https://idp.example/plant"
#define KW_TEST_IDP_METADATA "https://idp.example/plant/.well-known/openid-configuration"
#define KW_TEST_IDP_JWKS "https://idp.example/keys"

typedef struct kw_test_idp_key {
    char kid[32];
    const char *alg;
    kw_private_key *key;
    bool is_published;
} kw_test_idp_key;

typedef struct kw_test_idp {
    kw_fetch fetch;
    kw_test_idp_key keys[KW_TEST_IDP_KEYS];
    size_t key_count;
    bool is_down;
    const char *metadata;   /* NULL: the right one */
    const char *jwks;       /* NULL: that of the published keys */
    size_t gets, key_gets;  /* requests in all, and for the JWK Set */
    void (*on_get)(void *); /* before the answer; may be NULL */
    void *on_get_ctx;
} kw_test_idp;

void kw_test_idp_init(kw_test_idp *idp);
void kw_test_idp_clear(kw_test_idp *idp);
/* A new key, published; of ES256 where nothing else is said. */
kw_test_idp_key *kw_test_idp_add_key(kw_test_idp *idp, const char *kid);
kw_test_idp_key *kw_test_idp_add_key_for(kw_test_idp *idp, const char *kid, const char *alg);
kw_string kw_test_idp_jwks(const kw_test_idp *idp, kw_arena *arena);

#endif
