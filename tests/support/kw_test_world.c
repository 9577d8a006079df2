#include "support/kw_test_world.h"

#include "authority/key_ring.h"
#include "identity/jwt.h"
#include "identity/password.h"
#include "support/kw_test_client.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#define ARENA ((size_t)1 << 30)
#define ROLE_ANONYMOUS 15644
#define ROLE_OPERATOR 15680
#define OBJECTS_FOLDER 85
#define DATA_TYPE_INT32 6

const kw_node_id KW_TEST_PUBLIC = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = {(const uint8_t *)"Public", 6}};
const kw_node_id KW_TEST_SECRET = {.ns = 1, .kind = KW_NODE_ID_STRING, .id.string = {(const uint8_t *)"Secret", 6}};

/* --- parts ------------------------------------------------------------------------------------------------------------- */

static kw_status submit(void *ctx, kw_job *job)
{
    const kw_test_world *world = ctx;
    const kw_executor *to = world->is_shared ? &world->pool.executor : world->is_held ? &world->held.executor : &KW_EXECUTOR_INLINE;
    return kw_executor_submit(to, job);
}

enum { ENDPOINTS_MAX = 32 };

static void add_endpoint(kw_server_config *config, kw_server_endpoint *all, const kw_security_policy *policy, kw_message_security_mode mode)
{
    assert_true(config->endpoint_count < ENDPOINTS_MAX);
    all[config->endpoint_count++] = (kw_server_endpoint){policy, mode};
}

static void offer_everything(kw_test_world *world, kw_server_config *config)
{
    kw_server_endpoint *all = KW_ARENA_ARRAY(world->arena, kw_server_endpoint, ENDPOINTS_MAX);
    for (size_t i = 0; i < kw_security_policy_count(); i++) {
        const kw_security_policy *policy = kw_security_policy_at(i);
        if (policy->is_none) {
            add_endpoint(config, all, policy, KW_MESSAGE_SECURITY_MODE_NONE);
        } else if (!policy->is_deprecated && !policy->is_enhanced) {
            add_endpoint(config, all, policy, KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT);
            add_endpoint(config, all, policy, KW_MESSAGE_SECURITY_MODE_SIGN);
        }
    }
    config->endpoints = all;
}

static void add_variable(kw_test_world *world, const kw_node_id *id, int32_t value, uint32_t role)
{
    const kw_node_permission permissions[] = {{0, ROLE_ANONYMOUS, KW_PERMISSION_BROWSE},
                                              {0, role, KW_PERMISSION_BROWSE | KW_PERMISSION_READ | KW_PERMISSION_WRITE}};
    const kw_node_spec spec = {.id = *id,
                               .parent = KW_NODE_ID(0, OBJECTS_FOLDER),
                               .browse_name = {1, id->id.string},
                               .data_type = KW_NODE_ID(0, DATA_TYPE_INT32),
                               .value = kw_variant_scalar(KW_BUILTIN_INT32, &value),
                               .writable = true,
                               .permissions = permissions,
                               .permission_count = 2};
    assert_status(kw_space_add_variable(kw_server_space(world->server), &spec), KW_GOOD);
}

static void start_server(kw_test_world *world)
{
    static const kw_string HOSTS[] = {{(const uint8_t *)"localhost", 9}};
    kw_server_config config;
    kw_server_config_defaults(&config);
    config.application_uri = KW_STRING(KW_TEST_SERVER);
    config.application_name = KW_STRING("Test");
    config.product_uri = KW_STRING("urn:keyway");
    config.hosts = HOSTS;
    config.host_count = 1;
    config.with_gds = config.allow_sessionless = world->options.with_authority;
    config.identity.allow_anonymous = true;
    config.identity.allow_x509 = true;
    config.identity.throttle.delay_after = config.identity.throttle.lockout_after = 0; /* most tests fail on purpose, and often */
    offer_everything(world, &config);
    if (world->options.configure != NULL) {
        world->options.configure(world, &config);
    }
    assert_status(kw_server_new(&config, &world->env, &world->server), KW_GOOD);
    add_variable(world, &KW_TEST_PUBLIC, 42, ROLE_ANONYMOUS);
    add_variable(world, &KW_TEST_SECRET, 7, ROLE_OPERATOR);
}

static kw_authority_config authority_config(const kw_test_world *world)
{
    kw_authority_config config = world->options.authority;
    if (config.service_uri.data == NULL) {
        config.service_uri = KW_STRING(KW_TEST_AUTHORITY_URI);
    }
    return config;
}

void kw_test_world_new_key(kw_test_world *world)
{
    const kw_key_ring keys = {.store = world->store->store,
                              .clock = &world->clock->clock,
                              .random = &world->random.random,
                              .service_uri = authority_config(world).service_uri,
                              .alg = KW_STRING("ES256"),
                              .lifetime_s = 3600};
    kw_string id;
    assert_status(kw_key_ring_rotate(&keys, true, world->arena, &id), KW_GOOD);
}

/* As `keyway init` does it. */
static void prepare_authority(kw_test_world *world)
{
    const kw_resource self = {.uri = KW_STRING(KW_TEST_SERVER), .name = KW_STRING("Test")};
    kw_test_world_new_key(world);
    assert_status(kw_store_resource_add(world->store->store, &self), KW_GOOD);
}

/* As `keyway authority` does it. */
static void start_authority(kw_test_world *world)
{
    const kw_authority_config config = authority_config(world);
    assert_status(kw_authority_new(&config, world->server, &world->env, &world->authority), KW_GOOD);
    assert_status(kw_authority_publish_url(world->authority, kw_server_url(world->server)), KW_GOOD);
    uint64_t version; /* as if the Server had looked since */
    assert_status(kw_identity_gate_refresh(kw_server_gate(world->server), &version), KW_GOOD);
}

void kw_test_no_anonymous(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.allow_anonymous = false;
}

void kw_test_clear_on_encrypted(kw_test_world *world, kw_server_config *config)
{
    (void)world;
    config->identity.allow_clear_secret_on_encrypted_channel = true;
}

/* --- life -------------------------------------------------------------------------------------------------------------- */

kw_test_world *kw_test_world_new(const kw_test_world_options *options)
{
    kw_test_world *world = calloc(1, sizeof(*world));
    void *store = NULL;
    assert_non_null(world);
    world->options = options != NULL ? *options : (kw_test_world_options){.seed = 0};
    kw_test_store_setup(&store);
    world->store = store;
    world->clock = &world->store->clock;
    kw_test_random_init(&world->random, world->options.seed + 1);
    world->timers = kw_timers_new(world->clock->ms);
    world->executor = (kw_executor){submit, world};
    kw_test_executor_init(&world->held);
    kw_test_trust_init(&world->trust, &world->clock->clock);
    kw_test_trust_init(&world->user_trust, &world->clock->clock);
    world->arena = kw_arena_new(ARENA);
    assert_non_null(world->arena);
    world->env = (kw_server_env){.clock = &world->clock->clock,
                                 .random = &world->random.random,
                                 .executor = &world->executor,
                                 .log = world->options.log != NULL ? world->options.log : &KW_LOG_QUIET,
                                 .timers = world->timers,
                                 .identity = world->options.server != NULL ? world->options.server : kw_test_identity("server", 2048),
                                 .trust = world->trust.list,
                                 .user_trust = world->user_trust.list,
                                 .store = world->store->store};
    start_server(world);
    if (world->options.with_authority) {
        prepare_authority(world);
        start_authority(world);
    }
    return world;
}

void kw_test_world_free(kw_test_world *world)
{
    void *store = world->store;
    kw_test_clients_free(world);
    kw_test_executor_cancel_all(&world->held);
    kw_authority_free(world->authority);
    kw_server_free(world->server);
    assert_true(kw_timers_next(world->timers) == UINT64_MAX);
    kw_timers_free(world->timers);
    kw_test_trust_clear(&world->trust);
    kw_test_trust_clear(&world->user_trust);
    for (size_t i = 0; i < world->issuer_count; i++) {
        kw_private_key_release(world->issuers[i].key);
    }
    kw_arena_free(world->arena);
    kw_test_store_teardown(&store);
    free(world);
}

void kw_test_world_restart(kw_test_world *world, const kw_application_identity *identity)
{
    kw_test_clients_free(world);
    kw_test_executor_cancel_all(&world->held);
    kw_authority_free(world->authority);
    kw_server_free(world->server);
    world->env.identity = identity != NULL ? identity : world->env.identity;
    start_server(world);
    if (world->options.with_authority) {
        start_authority(world);
    }
}

/* --- who is known ------------------------------------------------------------------------------------------------------ */

void kw_test_world_add_user(kw_test_world *world, const char *name, const char *password, uint32_t configuration)
{
    kw_user user = {.name = kw_string_from(name), .configuration = configuration};
    assert_status(kw_password_hash(kw_string_from(password), &world->random.random, world->arena, &user.password_hash), KW_GOOD);
    assert_status(kw_store_user_add(world->store->store, &user), KW_GOOD);
}

void kw_test_world_grant(kw_test_world *world, const char *role, kw_criteria criteria, const char *value)
{
    const kw_role_rule rule = {criteria, kw_string_from(value)};
    assert_status(kw_store_role_rule_add(world->store->store, kw_string_from(role), &rule), KW_GOOD);
}

static kw_string jwk_of(kw_test_world *world, const kw_private_key *key)
{
    kw_jwk jwk = {.alg = KW_STRING("ES256")};
    assert_status(kw_public_key_of(key, &jwk.key), KW_GOOD);
    const kw_string text = kw_jwk_to_json(world->arena, &jwk);
    kw_public_key_release(jwk.key);
    return text;
}

static void publish_keys(kw_test_world *world, const kw_test_issuer *issuer, kw_string keys)
{
    const kw_issuer row = {
        .uri = issuer->uri, .kind = KW_STRING("jwks"), .keys = kw_arena_format(world->arena, "{\"keys\":[%.*s]}", KW_STRING_ARGS(keys))};
    assert_status(kw_store_issuer_put(world->store->store, &row), KW_GOOD);
}

const kw_test_issuer *kw_test_world_trust_issuer(kw_test_world *world, const char *uri)
{
    assert_true(world->issuer_count < KW_TEST_ISSUERS);
    kw_test_issuer *issuer = &world->issuers[world->issuer_count++];
    issuer->uri = kw_string_from(uri);
    assert_status(kw_private_key_generate(KW_KEY_EC_P256, 0, &issuer->key), KW_GOOD);
    publish_keys(world, issuer, jwk_of(world, issuer->key));
    uint64_t version; /* as if the Server had looked since */
    assert_status(kw_identity_gate_refresh(kw_server_gate(world->server), &version), KW_GOOD);
    return issuer;
}

void kw_test_world_rotate_issuer(kw_test_world *world, const kw_test_issuer *issuer, bool revoke_former)
{
    kw_test_issuer *own = &world->issuers[issuer - world->issuers];
    const kw_string former = jwk_of(world, own->key);
    kw_private_key_release(own->key);
    assert_status(kw_private_key_generate(KW_KEY_EC_P256, 0, &own->key), KW_GOOD);
    const kw_string latest = jwk_of(world, own->key);
    publish_keys(world, own,
                 revoke_former ? latest : kw_arena_format(world->arena, "%.*s,%.*s", KW_STRING_ARGS(latest), KW_STRING_ARGS(former)));
}

kw_test_world *kw_test_world_with_user(const kw_test_world_options *options)
{
    kw_test_world *world = kw_test_world_new(options);
    kw_test_world_add_user(world, KW_TEST_USER, KW_TEST_PASSWORD, 0);
    kw_test_world_grant(world, "Operator", KW_CRITERIA_USER_NAME, KW_TEST_USER);
    return world;
}

int kw_test_world_setup(void **state)
{
    *state = kw_test_world_with_user(NULL);
    return 0;
}

int kw_test_world_teardown(void **state)
{
    kw_test_world_free(*state);
    return 0;
}

/* --- time -------------------------------------------------------------------------------------------------------------- */

void kw_test_world_advance(kw_test_world *world, uint64_t ms)
{
    const uint64_t end = world->clock->ms + ms;
    while (world->clock->ms < end) {
        const uint64_t next = kw_timers_next(world->timers);
        const uint64_t to = next > world->clock->ms && next < end ? next : end;
        kw_test_clock_advance(world->clock, to - world->clock->ms);
        kw_timers_advance(world->timers, world->clock->ms);
        kw_test_world_pump(world);
    }
}

void kw_test_world_hold(kw_test_world *world)
{
    world->is_held = true;
}

bool kw_test_world_step(kw_test_world *world)
{
    const bool ran = kw_test_executor_run_one(&world->held);
    kw_test_world_pump(world);
    return ran;
}

void kw_test_world_run(kw_test_world *world)
{
    world->is_held = false;
    kw_test_executor_run_all(&world->held);
    kw_test_world_pump(world);
}

void kw_test_world_share(kw_test_world *world, unsigned places, unsigned passwords, size_t max)
{
    kw_test_pool_init(&world->pool, places, passwords, max);
    world->is_shared = true;
}

void kw_test_world_share_no_more(kw_test_world *world)
{
    kw_test_pool_finish_all(&world->pool);
    world->is_shared = false;
    kw_test_world_pump(world);
}
