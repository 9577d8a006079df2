#include "app/https.h"

#include "app/certificates.h"
#include "app/output.h"
#include "crypto/application_files.h"

#include <stdlib.h>

#define MAX_BODY ((size_t)256 << 10)
#define MAX_CONNECTIONS 500
#define IDLE_TIMEOUT_S 30

/* Its own, or the authority's. */
static int load_identity(const kw_host *host, kw_application_identity *own, const kw_application_identity **out)
{
    const kw_directory *d = &host->directory;
    const kw_config_https *config = d->config->https;
    *out = &host->identity;
    if (config->certificate == NULL) {
        return -1;
    }
    char *certificate = kw_config_path(d->config_file, config->certificate);
    char *key = kw_config_path(d->config_file, config->key);
    const int code = kw_application_identity_load(certificate, key, own);
    free(certificate);
    free(key);
    *out = own;
    return code;
}

static int listen_on(kw_host *host, const kw_application_identity *identity, uint16_t *bound)
{
    static const char *const HERE[] = {"127.0.0.1", "::1"};
    const kw_config *config = host->directory.config;
    const bool is_own = config->https->listen_count > 0, is_given = is_own || config->application.listen_count > 0;
    char *const *given = is_own ? config->https->listen : config->application.listen;
    const unsigned count = is_own ? config->https->listen_count : config->application.listen_count;
    const char *why = "";
    const kw_http_server_config how = {.addresses = is_given ? (const char *const *)given : HERE,
                                       .address_count = is_given ? count : 2,
                                       .port = config->https->port,
                                       .identity = identity,
                                       .ask_for_certificate = true,
                                       .max_body = MAX_BODY,
                                       .max_connections = MAX_CONNECTIONS,
                                       .idle_timeout_s = IDLE_TIMEOUT_S,
                                       .mailbox = kw_runtime_mailbox(host->runtime),
                                       .handle = kw_oauth_handle,
                                       .ctx = host->oauth,
                                       .log = &host->log};
    const kw_status status = kw_http_server_new(&how, &host->http, bound, &why);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "HTTPS port %u: %s; choose another one in %s (https.port)", config->https->port, why,
                       host->directory.config_file);
    }
    return -1;
}

static kw_status publish(kw_host *host, uint16_t port)
{
    const kw_config *config = host->directory.config;
    const char *name = config->application.hosts_count > 0 ? config->application.hosts[0] : "localhost";
    host->issuer = config->https->issuer != NULL ? kw_string_from(config->https->issuer)
                                                 : kw_arena_format(host->directory.arena, "https://%s:%u", name, port);
    return host->issuer.data != NULL ? kw_oauth_publish(host->oauth, host->issuer) : KW_BAD_OUT_OF_MEMORY;
}

int kw_https_start(kw_host *host)
{
    kw_application_identity own = {.certificate = NULL};
    const kw_application_identity *identity = NULL;
    uint16_t bound = 0;
    const kw_config_https *config = host->directory.config->https;
    const kw_oauth_rates rates = {.client = kw_config_rate(config->client_rate, config->client_burst),
                                  .address = kw_config_rate(config->address_rate, config->address_burst)};
    int code = load_identity(host, &own, &identity);
    if (code < 0 && kw_status_is_bad(kw_oauth_new(host->authority, host->server, &host->env, &rates, &host->oauth))) {
        code = kw_fail(KW_BAD_OUT_OF_MEMORY, "HTTPS could not be set up");
    }
    code = code < 0 ? listen_on(host, identity, &bound) : code;
    kw_application_identity_clear(&own); /* TLS has its own references */
    if (code >= 0) {
        return code;
    }
    const kw_status status = publish(host, bound);
    return kw_status_is_bad(status) ? kw_fail(status, "the store could not be written") : -1;
}

void kw_https_reload(kw_host *host)
{
    const kw_directory *d = &host->directory;
    const kw_config *config = d->config;
    if (host->http == NULL) {
        return;
    }
    const bool is_own = config->https->certificate != NULL;
    char *certificate = kw_config_path(d->config_file, is_own ? config->https->certificate : config->authority.certificate);
    char *key = kw_config_path(d->config_file, is_own ? config->https->key : config->authority.key);
    const char *file = NULL, *why = NULL;
    kw_application_identity fresh = {.certificate = NULL};
    kw_status status = kw_application_identity_read(certificate, key, &fresh, &file, &why);
    if (!kw_status_is_bad(status)) {
        file = certificate;
        why = "it cannot be used for TLS";
        status = kw_http_server_use_identity(host->http, &fresh);
        kw_application_identity_clear(&fresh);
    }
    if (kw_status_is_bad(status)) {
        KW_LOG(&host->log, KW_LOG_WARN, "https certificate kept", kw_field_text("file", file), kw_field_text("reason", why),
               kw_field_status("status", status));
    } else {
        KW_LOG(&host->log, KW_LOG_INFO, "https certificate taken", kw_field_text("file", certificate));
    }
    free(certificate);
    free(key);
}

/* Requests that are on their way to the loop still come, and are told that it is over. */
void kw_https_end(kw_host *host)
{
    if (host->oauth != NULL) {
        kw_oauth_stop(host->oauth);
        kw_http_server_stop(host->http);
        kw_runtime_read_mail(host->runtime);
        kw_http_server_free(host->http);
        kw_oauth_free(host->oauth);
    }
}
