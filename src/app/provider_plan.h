/* From `providers`, `authority.services` and `directory.provider` in the configuration to what can be asked. */
#ifndef KW_APP_PROVIDER_PLAN_H
#define KW_APP_PROVIDER_PLAN_H

#include "app/config_internal.h"
#include "app/directory.h"
#include "authority/authority.h"
#include "authority/provider_users.h"

typedef struct kw_provider_plan {
    kw_provider *provider;
    kw_secret secret;
    kw_private_key *key;
    uint8_t *ca;
    size_t ca_len;
} kw_provider_plan;

/* All of a configuration, in its order. */
typedef struct kw_provider_plans {
    const kw_config *config;
    kw_fetch fetch;
    kw_provider_plan items[KW_CONFIG_PROVIDERS_MAX];
    kw_provider_users *users; /* NULL: none of them is the directory */
} kw_provider_plans;

/* Borrows the configuration and the log. Returns -1, or an exit code after saying why. Must stay where it is in memory. */
int kw_provider_plans_open(const kw_directory *d, const kw_log *log, kw_provider_plans *out);
void kw_provider_plans_close(kw_provider_plans *plans);
/* The one of this name; there is one. */
kw_provider *kw_provider_plans_find(const kw_provider_plans *plans, const char *name);

/* The further AuthorizationService Objects. */
typedef struct kw_service_plan {
    kw_authority *items[KW_CONFIG_SERVICES_MAX];
} kw_service_plan;

/* `usual`: what they have in common with the first one. Returns -1, or an exit code after saying why. */
int kw_service_plan_open(const kw_directory *d, const kw_provider_plans *providers, const kw_authority_config *usual, kw_server *server,
                         const kw_server_env *env, kw_service_plan *out);
/* They listen at this URL now: those that sign tokens tell the Servers. Returns -1, or an exit code after saying why. Blocks. */
int kw_service_plan_publish(const kw_directory *d, const kw_service_plan *plan, kw_string url);
void kw_service_plan_close(kw_service_plan *plan);

#endif
