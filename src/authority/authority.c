#include "authority/authority_internal.h"
#include "base/try.h"

#include <stdlib.h>

#define CONFIG_ARENA ((size_t)1 << 20)
#define DEFAULT_LIFETIME_S 3600

static const kw_string *copy_list(kw_arena *arena, const kw_string *items, size_t count)
{
    kw_string *list = KW_ARENA_ARRAY(arena, kw_string, count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        list[i] = kw_arena_copy(arena, items[i]);
    }
    return list;
}

static kw_status copy_config(kw_authority *authority, const kw_authority_config *config)
{
    authority->config = *config;
    authority->config.service_uri = kw_arena_copy(authority->arena, config->service_uri);
    authority->config.alias_of = kw_arena_copy(authority->arena, config->alias_of);
    authority->object = KW_AUTHORITY_OBJECT;
    if (config->object.len > 0) {
        authority->object.id.string = kw_arena_copy(authority->arena, config->object);
    }
    authority->config.name = kw_arena_copy(authority->arena, config->name.len > 0 ? config->name : authority->object.id.string);
    authority->config.token_lifetime_s = config->token_lifetime_s != 0 ? config->token_lifetime_s : DEFAULT_LIFETIME_S;
    authority->config.service_certificate = kw_arena_copy(authority->arena, config->service_certificate);
    authority->config.requestors = copy_list(authority->arena, config->requestors, config->requestor_count);
    authority->config.resources = copy_list(authority->arena, config->resources, config->resource_count);
    const bool is_complete =
        authority->config.requestors != NULL && authority->config.resources != NULL && authority->config.service_uri.len > 0;
    return is_complete ? KW_GOOD : KW_BAD_CONFIGURATION_ERROR;
}

bool kw_authority_serves(const kw_authority *authority, kw_string resource)
{
    const kw_authority_config *c = &authority->config;
    for (size_t i = 0; i < c->resource_count; i++) {
        if (kw_bytes_equal(c->resources[i], resource)) {
            return true;
        }
    }
    return c->resource_count == 0;
}

static void on_session_closed(void *ctx, const kw_node_id *session_id)
{
    const kw_authority *authority = ctx;
    kw_token_requests_drop_session(authority->requests, session_id);
}

static kw_status make_parts(kw_authority *authority, const kw_authority_config *config)
{
    const kw_server_env *env = authority->env;
    authority->arena = kw_arena_new(CONFIG_ARENA);
    authority->requests = kw_token_requests_new(env->clock, env->random, env->timers);
    if (authority->arena == NULL || authority->requests == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    KW_TRY(kw_ledger_new(env->store, env->executor, &authority->ledger));
    KW_TRY(kw_rate_new(&config->requests, env->clock, &authority->rate));
    KW_TRY(copy_config(authority, config));
    authority->listener = (kw_session_listener){.closed = on_session_closed, .ctx = authority};
    kw_server_add_session_listener(authority->server, &authority->listener);
    if (config->keys != NULL) {
        kw_signing_watch_start(&authority->watch, config->keys, env);
    }
    return kw_authority_add_nodes(authority);
}

kw_status kw_authority_new(const kw_authority_config *config, kw_server *server, const kw_server_env *env, kw_authority **out)
{
    kw_authority *authority = calloc(1, sizeof(*authority));
    if (authority == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_signer_init(&authority->signer);
    const kw_status ready = kw_targets_init(&authority->targets);
    authority->server = server;
    authority->env = env;
    const kw_status status = kw_status_is_bad(ready) ? ready : make_parts(authority, config);
    if (kw_status_is_bad(status)) {
        kw_authority_free(authority);
        return status;
    }
    *out = authority;
    return KW_GOOD;
}

void kw_authority_free(kw_authority *authority)
{
    if (authority != NULL) {
        kw_ledger_free(authority->ledger);
        kw_authority_finish_waiting(authority);
        kw_signing_watch_stop(&authority->watch);
        kw_server_remove_session_listener(authority->server, &authority->listener);
        kw_token_requests_free(authority->requests);
        kw_signer_clear(&authority->signer);
        kw_targets_clear(&authority->targets);
        kw_rate_free(authority->rate);
        kw_arena_free(authority->arena);
        free(authority);
    }
}
