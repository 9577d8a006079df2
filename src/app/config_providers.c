/* `providers`, and those who use them, `authority.services` and `directory`: do they say something that can be done? */
#include "app/config_internal.h"

#include <string.h>
#include <unistd.h>

#define TIMEOUT_MAX_MS 60000u
#define RETRY_MAX_S 3600u

static bool is_https(const char *text)
{
    return strncmp(text, "https://", 8) == 0;
}

const kw_config_provider *kw_config_find_provider(const kw_config *config, const char *name)
{
    for (unsigned i = 0; i < config->providers_count; i++) {
        if (strcmp(config->providers[i].name, name) == 0) {
            return &config->providers[i];
        }
    }
    return NULL;
}

/* --- providers ----------------------------------------------------------------------------------------------------------------- */

static bool check_address(const char *file, const kw_config_provider *p)
{
    if (!is_https(p->issuer)) {
        return kw_config_complain(file, "providers.issuer", "'%s' is not https://", p->issuer);
    }
    if (p->token_endpoint != NULL && !is_https(p->token_endpoint)) {
        return kw_config_complain(file, "providers.token_endpoint", "'%s' is not https://", p->token_endpoint);
    }
    return p->ca_file == NULL || kw_config_check_file(file, "providers.ca_file", p->ca_file, R_OK);
}

static bool check_client(const char *file, const kw_config_provider *p)
{
    if ((p->client_secret_file == NULL) == (p->client_key_file == NULL)) {
        return kw_config_complain(file, "providers.client_secret_file", "of '%s': give this or client_key_file, and not both", p->name);
    }
    if (p->client_key_id != NULL && p->client_key_file == NULL) {
        return kw_config_complain(file, "providers.client_key_id", "of '%s': there is no client_key_file that it could name", p->name);
    }
    return p->client_secret_file != NULL ? kw_config_check_secret_file(file, "providers.client_secret_file", p->client_secret_file)
                                         : kw_config_check_secret_file(file, "providers.client_key_file", p->client_key_file);
}

static bool check_target(const char *file, const kw_config_provider *p)
{
    if (p->target != NULL && strcmp(p->target, "resource") != 0 && strcmp(p->target, "audience") != 0 && strcmp(p->target, "none") != 0) {
        return kw_config_complain(file, "providers.target", "'%s' is unknown; use resource, audience or none", p->target);
    }
    if (p->timeout > TIMEOUT_MAX_MS) {
        return kw_config_complain(file, "providers.timeout", "%u is too much; at most %u", p->timeout, TIMEOUT_MAX_MS);
    }
    return p->retry <= RETRY_MAX_S || kw_config_complain(file, "providers.retry", "%u is too much; at most %u", p->retry, RETRY_MAX_S);
}

bool kw_config_check_providers(const char *file, const kw_config *config)
{
    for (unsigned i = 0; i < config->providers_count; i++) {
        const kw_config_provider *p = &config->providers[i];
        if (p->name == NULL || p->issuer == NULL || p->client_id == NULL) {
            return kw_config_complain(file, "providers", "number %u has no name, issuer or client_id; docs/providers.md has an example",
                                      i + 1);
        }
        if (kw_config_find_provider(config, p->name) != p) {
            return kw_config_complain(file, "providers.name", "'%s' is there twice", p->name);
        }
        if (!check_address(file, p) || !check_client(file, p) || !check_target(file, p)) {
            return false;
        }
    }
    return true;
}

/* --- services ------------------------------------------------------------------------------------------------------------------- */

static bool check_accepts(const char *file, const kw_config_service *s)
{
    for (unsigned i = 0; i < s->accepts_count; i++) {
        const char *word = s->accepts[i];
        if (strcmp(word, "certificate") == 0 && s->provider != NULL) {
            return kw_config_complain(file, "authority.services.accepts",
                                      "a certificate proves nothing to a provider; use password, token or both");
        }
        if (strcmp(word, "password") != 0 && strcmp(word, "token") != 0 && strcmp(word, "certificate") != 0) {
            return kw_config_complain(file, "authority.services.accepts", "'%s' is unknown; use password, certificate or token", word);
        }
    }
    return true;
}

static bool is_uri_taken(const kw_config_authority *a, unsigned index)
{
    const char *uri = a->services[index].service_uri;
    bool is_taken = strcmp(uri, a->service_uri) == 0;
    for (unsigned i = 0; i < a->services_count; i++) {
        is_taken = is_taken || (i != index && a->services[i].service_uri != NULL && strcmp(a->services[i].service_uri, uri) == 0);
    }
    return is_taken;
}

/* One that signs its tokens itself has a name in them, and the certificate of its keys. */
static bool check_signs(const char *file, const kw_config_authority *a, unsigned index)
{
    const kw_config_service *s = &a->services[index];
    if (s->service_uri == NULL) {
        return kw_config_complain(file, "authority.services",
                                  "'%s' has neither a service_uri nor a provider; docs/providers.md tells which", s->name);
    }
    if (is_uri_taken(a, index)) {
        return kw_config_complain(file, "authority.services.service_uri", "'%s' is taken; each service needs one of its own",
                                  s->service_uri);
    }
    return s->certificate == NULL ||
           kw_config_complain(file, "authority.services.certificate", "of '%s': that is the one of its keys; leave it out", s->name);
}

static bool check_facade(const char *file, const kw_config *config, const kw_config_service *s)
{
    if (kw_config_find_provider(config, s->provider) == NULL) {
        return kw_config_complain(file, "authority.services.provider", "'%s' is none of `providers`", s->provider);
    }
    return s->certificate == NULL || kw_config_check_file(file, "authority.services.certificate", s->certificate, R_OK);
}

static bool check_name(const char *file, const kw_config_authority *a, unsigned index)
{
    const char *name = a->services[index].name;
    bool is_taken = strcmp(name, "AuthorizationService") == 0;
    for (unsigned i = 0; i < index; i++) {
        is_taken = is_taken || strcmp(a->services[i].name, name) == 0;
    }
    return !is_taken || kw_config_complain(file, "authority.services.name", "'%s' is taken; each Object needs a name of its own", name);
}

bool kw_config_check_services(const char *file, const kw_config *config)
{
    const kw_config_authority *a = &config->authority;
    for (unsigned i = 0; i < a->services_count; i++) {
        const kw_config_service *s = &a->services[i];
        if (s->name == NULL) {
            return kw_config_complain(file, "authority.services", "number %u has no name; docs/providers.md has an example", i + 1);
        }
        if (!(s->provider != NULL ? check_facade(file, config, s) : check_signs(file, a, i)) || !check_name(file, a, i) ||
            !check_accepts(file, s)) {
            return false;
        }
    }
    return true;
}

/* --- users ---------------------------------------------------------------------------------------------------------------------- */

bool kw_config_check_users(const char *file, const kw_config *config)
{
    const kw_config_directory *d = config->directory;
    if (kw_config_find_provider(config, d->provider) == NULL) {
        return kw_config_complain(file, "directory.provider", "'%s' is none of `providers`", d->provider);
    }
    if (d->servers_count > 0 || d->base != NULL) {
        return kw_config_complain(file, "directory.provider", "and LDAP cannot both have the users; leave out servers and base, or this");
    }
    return true;
}
