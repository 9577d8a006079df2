/*
 * A whole Server in memory: simulated clock, store and trust lists in folders of their own, jobs that run at once or when told,
 * and any number of Clients (kw_test_client.h) on connections that a test may cut. Include kw_test_user.h to have it all.
 *
 *   kw_test_world *w = kw_test_world_new(NULL);
 *   kw_test_world_add_user(w, "operator", "a password", 0);
 *   kw_test_client *c = kw_test_client_new(w, NULL);              Basic256Sha256, SignAndEncrypt
 *   kw_test_session s;
 *   assert_status(kw_test_create_session(c, &s), KW_GOOD);
 *   assert_status(kw_test_activate(c, &s, kw_test_user_name(c, &s, "operator", "a password")), KW_GOOD);
 *   assert_status(kw_test_read(c, &s, &KW_TEST_PUBLIC, NULL), KW_GOOD);
 *   kw_test_world_free(w);
 */
#ifndef KW_TEST_WORLD_H
#define KW_TEST_WORLD_H

#include "authority/authority.h"
#include "server/server.h"
#include "support/kw_test_identity.h"
#include "support/kw_test_pool.h"
#include "support/kw_test_store.h"

typedef struct kw_test_world kw_test_world;
typedef struct kw_test_client kw_test_client;

typedef struct kw_test_world_options {
    /* Last word on the configuration; the default offers every policy that fits the key in every mode, None too, and every kind of user, but no secret in clear, and no throttle. */
    void (*configure)(kw_test_world *world, kw_server_config *config);
    void *ctx;                             /* for configure, in world->options.ctx */
    const kw_application_identity *server; /* NULL: kw_test_identity("server", 2048) */
    const kw_log *log;                     /* NULL: KW_LOG_QUIET */
    bool with_authority;                   /* an Authorization Service on it, its key ES256, the server itself a resource */
    kw_authority_config authority;         /* service_uri null: KW_TEST_AUTHORITY_URI */
    uint64_t seed;
} kw_test_world_options;

/* For `configure`. */
void kw_test_no_anonymous(kw_test_world *world, kw_server_config *config);
void kw_test_clear_on_encrypted(kw_test_world *world, kw_server_config *config); /* secrets in clear through SignAndEncrypt */

/* Somebody whose tokens the Server believes: an ES256 key, published as JWK Set. */
typedef struct kw_test_issuer {
    kw_string uri;
    kw_private_key *key;
} kw_test_issuer;

enum { KW_TEST_ISSUERS = 4 };

struct kw_test_world {
    kw_test_world_options options;
    kw_test_store *store; /* store->store, store->clock */
    kw_test_clock *clock; /* of store */
    kw_test_random random;
    kw_timers *timers;
    kw_executor executor;
    kw_test_executor held; /* jobs that wait while is_held */
    bool is_held;
    kw_test_pool pool; /* jobs that take turns while is_shared */
    bool is_shared;
    kw_test_trust trust, user_trust;
    kw_server_env env;
    kw_server *server;
    kw_authority *authority; /* NULL: none */
    kw_arena *arena;         /* whatever a test needs until the end */
    kw_test_client *clients;
    uint64_t answer_count;
    kw_test_issuer issuers[KW_TEST_ISSUERS];
    size_t issuer_count;
};

#define KW_TEST_SERVER "urn:keyway:test:server"
#define KW_TEST_AUTHORITY_URI "urn:keyway:test:authority"

/* Variables of the server: Int32 42 for all, Int32 7 that all may see and the Role Operator alone read and write. */
extern const kw_node_id KW_TEST_PUBLIC, KW_TEST_SECRET;

kw_test_world *kw_test_world_new(const kw_test_world_options *options); /* NULL: all defaults */
void kw_test_world_free(kw_test_world *world);                          /* with its Clients */

/* Setup and teardown of cmocka: *state is a world with the defaults, that knows KW_TEST_USER with the Role Operator. */
int kw_test_world_setup(void **state);
int kw_test_world_teardown(void **state);
#define KW_TEST_USER "operator"
#define KW_TEST_PASSWORD "a password"
#define KW_TEST_IN_WORLD(test) cmocka_unit_test_setup_teardown(test, kw_test_world_setup, kw_test_world_teardown)
/* The same with options of the test's own. */
kw_test_world *kw_test_world_with_user(const kw_test_world_options *options);

/* As after a crash: another Server on the same store, its Sessions gone with its connections. `identity` NULL: the one that it had. */
void kw_test_world_restart(kw_test_world *world, const kw_application_identity *identity);

/* --- who is known ------------------------------------------------------------------------------------------------------ */
/* configuration: UserConfigurationMask */
void kw_test_world_add_user(kw_test_world *world, const char *name, const char *password, uint32_t configuration);
/* value NULL: a criteria without one */
void kw_test_world_grant(kw_test_world *world, const char *role, kw_criteria criteria, const char *value);
/* A new key for a new issuer. */
const kw_test_issuer *kw_test_world_trust_issuer(kw_test_world *world, const char *uri);
/* A new key signs from now on, and the Server finds out by itself; of the former ones the last stays good, or none. */
void kw_test_world_rotate_issuer(kw_test_world *world, const kw_test_issuer *issuer, bool revoke_former);
/* The same for the Authorization Service: all former ones stay good. */
void kw_test_world_new_key(kw_test_world *world);

/* --- time and what is under way ------------------------------------------------------------------------------------------ */
/* Timers fire on their due time; what they send is delivered. */
void kw_test_world_advance(kw_test_world *world, uint64_t ms);
/* From now on jobs of the Server wait for kw_test_world_run (or a test works on world->held). */
void kw_test_world_hold(kw_test_world *world);
/* Run what waits, deliver, until nothing moves; jobs run at once again. */
void kw_test_world_run(kw_test_world *world);
/* From now on jobs of the Server take turns on world->pool, with so many places; until the test says so none of them ends. */
void kw_test_world_share(kw_test_world *world, unsigned places, unsigned passwords, size_t max);
/* Let all of them end, and deliver; jobs run at once again. */
void kw_test_world_share_no_more(kw_test_world *world);
/* Deliver bytes both ways until nothing moves; held jobs stay. */
void kw_test_world_pump(kw_test_world *world);
/* Run one held job and deliver; false: none was waiting. */
bool kw_test_world_step(kw_test_world *world);

#endif
