#include "app/provider_plan.h"

#include "app/output.h"
#include "http/client.h"

#include <stdlib.h>
#include <string.h>

#define CA_MAX ((size_t)1 << 20)

/* --- providers --------------------------------------------------------------------------------------------------------------- */

static kw_string text_of(const char *text)
{
    return text != NULL ? kw_string_from(text) : KW_BYTES_NULL;
}

static kw_provider_target target_of(const kw_config_provider *config)
{
    if (config->target == NULL || strcmp(config->target, "resource") == 0) {
        return KW_PROVIDER_TARGET_RESOURCE;
    }
    return strcmp(config->target, "audience") == 0 ? KW_PROVIDER_TARGET_AUDIENCE : KW_PROVIDER_TARGET_NONE;
}

static int read_ca(const char *file, kw_provider_plan *plan)
{
    const kw_status status = kw_read_file(file, CA_MAX, &plan->ca, &plan->ca_len);
    return kw_status_is_bad(status) ? kw_fail(status, "%s: cannot be read", file) : -1;
}

static int read_secret(const char *file, kw_provider_plan *plan)
{
    const int code = kw_read_secret_file(file, &plan->secret);
    return code < 0 && plan->secret.len == 0 ? kw_fail(KW_BAD_CONFIGURATION_ERROR, "%s: is empty; its first line is the secret", file)
                                             : code;
}

/* RS256 or ES256, by which the assertion is signed. */
static int read_key(const char *file, kw_provider_plan *plan)
{
    const kw_status status = kw_private_key_load_file(file, KW_BYTES_NULL, &plan->key);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s: not a private key in PEM or DER, or others can read it", file);
    }
    const kw_key_type type = kw_private_key_type(plan->key);
    return type == KW_KEY_RSA || type == KW_KEY_EC_P256 ? -1 : kw_fail(KW_BAD_NOT_SUPPORTED, "%s: must be an RSA or a P-256 key", file);
}

static int read_part(const kw_directory *d, const char *path, int (*read)(const char *file, kw_provider_plan *plan), kw_provider_plan *plan)
{
    if (path == NULL) {
        return -1;
    }
    char *file = kw_config_path(d->config_file, path);
    const int code = file != NULL ? read(file, plan) : kw_fail(KW_BAD_OUT_OF_MEMORY, "out of memory");
    free(file);
    return code;
}

static int open_one(const kw_directory *d, const kw_config_provider *config, const kw_fetch *fetch, const kw_log *log,
                    kw_provider_plan *plan)
{
    int code = read_part(d, config->ca_file, read_ca, plan);
    code = code < 0 ? read_part(d, config->client_secret_file, read_secret, plan) : code;
    code = code < 0 ? read_part(d, config->client_key_file, read_key, plan) : code;
    if (code >= 0) {
        return code;
    }
    const kw_provider_config how = {.name = kw_string_from(config->name),
                                    .issuer = kw_string_from(config->issuer),
                                    .token_endpoint = text_of(config->token_endpoint),
                                    .ca = {plan->ca, plan->ca_len},
                                    .client_id = kw_string_from(config->client_id),
                                    .client_secret = kw_secret_bytes(&plan->secret),
                                    .key = plan->key,
                                    .key_id = text_of(config->client_key_id),
                                    .scope = text_of(config->scope),
                                    .target = target_of(config),
                                    .timeout_ms = config->timeout,
                                    .retry_s = config->retry};
    const kw_status status = kw_provider_new(&how, fetch, &KW_CLOCK_SYSTEM, &KW_RANDOM_SYSTEM, log, &plan->provider);
    return kw_status_is_bad(status) ? kw_fail(status, "the provider %s could not be set up", config->name) : -1;
}

static int open_users(const kw_config_directory *config, kw_provider_plans *plans)
{
    kw_provider_users_config how = KW_PROVIDER_USERS_DEFAULT;
    if (config == NULL || config->provider == NULL) {
        return -1;
    }
    how.subject_claim = config->subject_claim != NULL ? config->subject_claim : how.subject_claim;
    how.groups_claim = config->groups_claim != NULL ? config->groups_claim : how.groups_claim;
    how.roles_claim = config->roles_claim != NULL ? config->roles_claim : how.roles_claim;
    how.max_age_s = config->max_age != 0 ? config->max_age : how.max_age_s;
    const kw_status status = kw_provider_users_new(&how, kw_provider_plans_find(plans, config->provider), &KW_CLOCK_SYSTEM, &plans->users);
    return kw_status_is_bad(status) ? kw_fail(status, "the directory could not be set up") : -1;
}

int kw_provider_plans_open(const kw_directory *d, const kw_log *log, kw_provider_plans *out)
{
    int code = -1;
    *out = (kw_provider_plans){.config = d->config, .fetch = kw_http_fetch(&KW_HTTP_RULES_DEFAULT)};
    for (unsigned i = 0; code < 0 && i < d->config->providers_count; i++) {
        code = open_one(d, &d->config->providers[i], &out->fetch, log, &out->items[i]);
    }
    code = code < 0 ? open_users(d->config->directory, out) : code;
    if (code >= 0) {
        kw_provider_plans_close(out);
    }
    return code;
}

void kw_provider_plans_close(kw_provider_plans *plans)
{
    kw_provider_users_free(plans->users);
    plans->users = NULL;
    for (size_t i = 0; i < KW_CONFIG_PROVIDERS_MAX; i++) {
        kw_provider_plan *plan = &plans->items[i];
        kw_provider_free(plan->provider);
        kw_private_key_release(plan->key);
        kw_secret_clear(&plan->secret);
        free(plan->ca);
        *plan = (kw_provider_plan){.secret = KW_SECRET_NONE};
    }
}

kw_provider *kw_provider_plans_find(const kw_provider_plans *plans, const char *name)
{
    const kw_config_provider *found = kw_config_find_provider(plans->config, name);
    return plans->items[found - plans->config->providers].provider;
}

/* --- services ------------------------------------------------------------------------------------------------------------------ */

static unsigned accepts_of(const kw_config_service *config)
{
    unsigned accepts = 0;
    for (unsigned i = 0; i < config->accepts_count; i++) {
        const char *word = config->accepts[i];
        const unsigned other = strcmp(word, "certificate") == 0 ? KW_ACCEPT_CERTIFICATE : KW_ACCEPT_TOKEN;
        accepts |= strcmp(word, "password") == 0 ? KW_ACCEPT_PASSWORD : other;
    }
    return accepts;
}

static int load_certificate(const kw_directory *d, const char *path, kw_certificate **out)
{
    if (path == NULL) {
        return -1;
    }
    char *file = kw_config_path(d->config_file, path);
    const kw_status status = file != NULL ? kw_certificate_load_file(file, out) : KW_BAD_OUT_OF_MEMORY;
    const int code = kw_status_is_bad(status) ? kw_fail(status, "%s: not a certificate in PEM or DER", path) : -1;
    free(file);
    return code;
}

typedef struct service_parts {
    const kw_provider_plans *providers;
    const kw_authority_config *usual;
    kw_server *server;
    const kw_server_env *env;
} service_parts;

static kw_status make_service(const service_parts *parts, const kw_config_service *config, kw_bytes certificate, kw_authority **out)
{
    kw_string resources[64]; /* as many as the file may have */
    kw_authority_config how = *parts->usual;
    how.provider = config->provider != NULL ? kw_provider_plans_find(parts->providers, config->provider) : NULL;
    how.keys = how.provider == NULL ? parts->usual->keys : NULL;
    how.alias_of = how.provider == NULL ? parts->usual->service_uri : KW_BYTES_NULL;
    how.name = how.object = kw_string_from(config->name);
    how.service_uri = config->service_uri != NULL ? kw_string_from(config->service_uri) : kw_provider_config_of(how.provider)->issuer;
    how.service_certificate = certificate;
    how.accepts = accepts_of(config);
    how.resources = resources;
    for (unsigned i = 0; i < config->resources_count; i++) {
        resources[how.resource_count++] = kw_string_from(config->resources[i]);
    }
    return kw_authority_new(&how, parts->server, parts->env, out);
}

static int open_service(const kw_directory *d, const service_parts *parts, const kw_config_service *config, kw_authority **out)
{
    kw_certificate *certificate = NULL;
    const int code = load_certificate(d, config->certificate, &certificate);
    if (code >= 0) {
        return code;
    }
    const kw_bytes der = certificate != NULL ? kw_certificate_der(certificate) : KW_BYTES_NULL;
    const kw_status status = make_service(parts, config, der, out);
    kw_certificate_release(certificate);
    return kw_status_is_bad(status) ? kw_fail(status, "the Authorization Service %s could not be set up", config->name) : -1;
}

int kw_service_plan_open(const kw_directory *d, const kw_provider_plans *providers, const kw_authority_config *usual, kw_server *server,
                         const kw_server_env *env, kw_service_plan *out)
{
    const kw_config_authority *config = &d->config->authority;
    const service_parts parts = {providers, usual, server, env};
    int code = -1;
    for (unsigned i = 0; code < 0 && i < config->services_count; i++) {
        code = open_service(d, &parts, &config->services[i], &out->items[i]);
    }
    return code;
}

int kw_service_plan_publish(const kw_directory *d, const kw_service_plan *plan, kw_string url)
{
    const kw_config_authority *config = &d->config->authority;
    for (unsigned i = 0; i < config->services_count; i++) {
        const kw_status status = config->services[i].provider == NULL ? kw_authority_publish_url(plan->items[i], url) : KW_GOOD;
        if (kw_status_is_bad(status)) {
            return kw_fail(status, "the store could not be written");
        }
    }
    return -1;
}

void kw_service_plan_close(kw_service_plan *plan)
{
    for (size_t i = 0; i < KW_CONFIG_SERVICES_MAX; i++) {
        kw_authority_free(plan->items[i]);
        plan->items[i] = NULL;
    }
}
