/* Configuration and life of a kw_client. */
#include "client/client_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_TIMEOUT_MS 10000
#define DEFAULT_SESSION_TIMEOUT_MS 1200000.0
#define DEFAULT_RECONNECT_MS 30000
#define DEFAULT_RENEW_PERCENT 80

static _Thread_local char why_text[512];

static kw_status load_identity(kw_client *client, const kw_client_config *config, const char **why)
{
    if (config->certificate_file == NULL || config->key_file == NULL) {
        if (config->certificate_file == config->key_file) {
            return KW_GOOD;
        }
        *why = "a certificate needs its key, and a key its certificate";
        return KW_BAD_CONFIGURATION_ERROR;
    }
    *why = why_text;
    kw_status status = kw_certificate_load_file(config->certificate_file, &client->identity.certificate);
    if (kw_status_is_bad(status)) {
        snprintf(why_text, sizeof(why_text), "%s is not a certificate in PEM or DER", config->certificate_file);
        return KW_BAD_CONFIGURATION_ERROR;
    }
    status = kw_private_key_load_file(config->key_file, kw_string_from(config->key_passphrase), &client->identity.key);
    if (kw_status_is_bad(status)) {
        snprintf(why_text, sizeof(why_text), "%s is not a usable private key (missing, wrong passphrase, or readable by others: chmod 600)",
                 config->key_file);
        return KW_BAD_CONFIGURATION_ERROR;
    }
    if (!kw_certificate_belongs_to(client->identity.certificate, client->identity.key)) {
        snprintf(why_text, sizeof(why_text), "%s does not belong to the key %s", config->certificate_file, config->key_file);
        return KW_BAD_CONFIGURATION_ERROR;
    }
    const kw_string uri = kw_certificate_application_uri(client->identity.certificate);
    client->application_uri = strndup(uri.data != NULL ? (const char *)uri.data : "", uri.len);
    return client->application_uri != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* A trust list as `keyway init` makes it has trusted/certs; any other folder is a plain collection of certificates. */
static kw_status open_trust(kw_client *client, const kw_client_config *config, const char **why)
{
    kw_status status = KW_GOOD;
    if (config->trust_any) {
        status = kw_trust_list_any(client->env.clock, &KW_LOG_QUIET, &client->trust);
    } else if (config->trust_directory != NULL) {
        struct stat info;
        if (stat(config->trust_directory, &info) != 0 || !S_ISDIR(info.st_mode)) {
            snprintf(why_text, sizeof(why_text), "%s is not a folder of certificates", config->trust_directory);
            *why = why_text;
            return KW_BAD_CONFIGURATION_ERROR;
        }
        status = kw_trust_list_open(config->trust_directory, false, client->env.clock, &KW_LOG_QUIET, &client->trust);
    }
    if (kw_status_is_bad(status)) {
        *why = "the trust list cannot be read";
    }
    return status;
}

static kw_status copy_locales(kw_client *client, const char *const *locales)
{
    size_t count = 0;
    while (locales != NULL && locales[count] != NULL) {
        count++;
    }
    client->locales = calloc(count + 1, sizeof(char *));
    for (size_t i = 0; client->locales != NULL && i < count; i++) {
        client->locales[client->locale_count++] = strdup(locales[i]);
    }
    return client->locales != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status apply(kw_client *client, const kw_client_config *config, const char **why)
{
    client->application_name = strdup(config->application_name != NULL ? config->application_name : "Keyway");
    client->policy_name = config->policy != NULL ? strdup(config->policy) : NULL;
    client->mode = config->mode;
    client->trust_any = config->trust_any;
    client->legacy_issued_token = config->legacy_issued_token;
    client->dotnet_secrets = config->dotnet_secrets;
    client->timeout_ms = config->timeout_ms != 0 ? config->timeout_ms : DEFAULT_TIMEOUT_MS;
    client->session_timeout_ms = config->session_timeout_ms > 0 ? config->session_timeout_ms : DEFAULT_SESSION_TIMEOUT_MS;
    client->reconnect_ms = config->reconnect_ms != 0 ? config->reconnect_ms : DEFAULT_RECONNECT_MS;
    client->keep_alive_ms = config->keep_alive_ms;
    client->renew_percent = config->renew_percent != 0 && config->renew_percent <= 100 ? config->renew_percent : DEFAULT_RENEW_PERCENT;
    if (config->policy != NULL && kw_security_policy_by_name(kw_string_from(config->policy)) == NULL) {
        snprintf(why_text, sizeof(why_text), "'%s' is not a SecurityPolicy that this Client knows", config->policy);
        *why = why_text;
        return KW_BAD_CONFIGURATION_ERROR;
    }
    kw_status status = load_identity(client, config, why);
    if (!kw_status_is_bad(status)) {
        status = open_trust(client, config, why);
    }
    return kw_status_is_bad(status) ? status : copy_locales(client, config->locales);
}

kw_status kw_client_new(const kw_client_config *config, kw_client **out, const char **why)
{
    static const kw_client_env ENV = {&KW_CLOCK_SYSTEM, &KW_RANDOM_SYSTEM, &KW_NETWORK_SOCKETS};
    return kw_client_new_on(&ENV, config, out, why);
}

kw_status kw_client_new_on(const kw_client_env *env, const kw_client_config *config, kw_client **out, const char **why)
{
    const char *ignored;
    why = why != NULL ? why : &ignored;
    *why = "out of memory";
    kw_client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    client->env = *env;
    client->arena = kw_arena_new(KW_CLIENT_ARENA);
    const kw_status status = client->arena != NULL ? apply(client, config, why) : KW_BAD_OUT_OF_MEMORY;
    if (kw_status_is_bad(status)) {
        kw_client_free(client);
        return status;
    }
    *out = client;
    return KW_GOOD;
}

void kw_client_free(kw_client *client)
{
    if (client == NULL) {
        return;
    }
    kw_client_disconnect(client);
    for (size_t i = 0; i < client->locale_count; i++) {
        free(client->locales[i]);
    }
    free(client->locales);
    free(client->application_name);
    free(client->policy_name);
    free(client->application_uri);
    kw_certificate_release(client->identity.certificate);
    kw_private_key_release(client->identity.key);
    kw_trust_list_close(client->trust);
    kw_arena_free(client->arena);
    free(client);
}
