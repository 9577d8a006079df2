#include "app/ldap_plan.h"

#include "app/output.h"

#include <stdlib.h>

static uint32_t given_or(uint32_t given, uint32_t usual)
{
    return given != 0 ? given : usual;
}

static const char *text_or(const char *given, const char *usual)
{
    return given != NULL ? given : usual;
}

static kw_ldap_config plan_of(const kw_config_directory *d, const kw_ldap_plan *plan)
{
    const kw_ldap_config usual = KW_LDAP_CONFIG_DEFAULT;
    return (kw_ldap_config){.servers = (const char *const *)d->servers,
                            .server_count = d->servers_count,
                            .ca_file = plan->ca_file,
                            .start_tls = d->start_tls,
                            .bind_dn = d->bind_dn,
                            .bind_password = kw_secret_bytes(&plan->password),
                            .base = d->base,
                            .name_attribute = text_or(d->name_attribute, usual.name_attribute),
                            .user_filter = d->user_filter,
                            .bind_pattern = d->bind_pattern,
                            .group_attribute = d->group_attribute,
                            .group_base = d->group_base,
                            .group_filter = text_or(d->group_filter, usual.group_filter),
                            .group_name = text_or(d->group_name, usual.group_name),
                            .nested_groups = d->nested_groups,
                            .connect_timeout_ms = given_or(d->connect_timeout, usual.connect_timeout_ms),
                            .timeout_ms = given_or(d->timeout, usual.timeout_ms),
                            .retry_s = given_or(d->retry, usual.retry_s),
                            .recheck_s = given_or(d->recheck, usual.recheck_s),
                            .max_age_s = given_or(d->max_age, usual.max_age_s)};
}

static int read_password(const kw_directory *d, kw_secret *out)
{
    char *file = kw_config_path(d->config_file, d->config->directory->password_file);
    int code = file != NULL ? kw_read_secret_file(file, out) : kw_fail(KW_BAD_OUT_OF_MEMORY, "out of memory");
    if (code < 0 && out->len == 0) { /* with none the directory would let us in, as nobody */
        code = kw_fail(KW_BAD_CONFIGURATION_ERROR, "%s: is empty; its first line is the password of directory.bind_dn", file);
    }
    free(file);
    return code;
}

int kw_ldap_plan_open(const kw_directory *d, const kw_log *log, kw_ldap_plan *out)
{
    const kw_config_directory *config = d->config->directory;
    *out = (kw_ldap_plan){.password = KW_SECRET_NONE};
    if (config == NULL || config->provider != NULL) {
        return -1;
    }
    int code = config->password_file != NULL ? read_password(d, &out->password) : -1;
    if (code < 0) {
        out->ca_file = config->ca_file != NULL ? kw_config_path(d->config_file, config->ca_file) : NULL;
        const kw_ldap_config how = plan_of(config, out);
        const kw_status status = kw_ldap_new(&how, &KW_CLOCK_SYSTEM, log, &out->ldap);
        code = kw_status_is_bad(status) ? kw_fail(status, "the directory could not be set up") : -1;
    }
    if (code >= 0) {
        kw_ldap_plan_close(out);
    }
    return code;
}

void kw_ldap_plan_close(kw_ldap_plan *plan)
{
    kw_ldap_free(plan->ldap);
    kw_secret_clear(&plan->password);
    free(plan->ca_file);
    *plan = (kw_ldap_plan){.password = KW_SECRET_NONE};
}
