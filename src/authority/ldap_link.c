/* A connection to one server of the directory: time-outs, TLS, who we are. */
#include "authority/ldap_internal.h"
#include "base/try.h"

#include <string.h>
#include <sys/time.h>

#define MESSAGE_MAX 256

static struct timeval time_of(uint32_t ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
}

kw_status kw_ldap_refuse(kw_ldap_talk *talk, kw_status status, const char *why, int code)
{
    char *diagnostic = NULL;
    if (talk->link != NULL && code != LDAP_SUCCESS) {
        ldap_get_option(talk->link, LDAP_OPT_DIAGNOSTIC_MESSAGE, &diagnostic);
    }
    const bool is_told = diagnostic != NULL && diagnostic[0] != '\0';
    talk->why = why;
    if (code != LDAP_SUCCESS) {
        kw_ldap_say(talk, "%s: %s (%s%s%.*s)", talk->server, why, ldap_err2string(code), is_told ? ": " : "", MESSAGE_MAX,
                    is_told ? diagnostic : "");
    } else {
        kw_ldap_say(talk, "%s: %s", talk->server, why);
    }
    ldap_memfree(diagnostic);
    return status;
}

/* What files of the user or the environment say about the library does not count here. */
static bool configure_tls(LDAP *link, const kw_ldap_config *config)
{
    const int demand = LDAP_OPT_X_TLS_DEMAND, oldest = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, as_client = 0;
    return (config->ca_file == NULL || ldap_set_option(link, LDAP_OPT_X_TLS_CACERTFILE, config->ca_file) == LDAP_OPT_SUCCESS) &&
           ldap_set_option(link, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) == LDAP_OPT_SUCCESS &&
           ldap_set_option(link, LDAP_OPT_X_TLS_PROTOCOL_MIN, &oldest) == LDAP_OPT_SUCCESS &&
           ldap_set_option(link, LDAP_OPT_X_TLS_NEWCTX, &as_client) == LDAP_OPT_SUCCESS;
}

static bool configure(LDAP *link, const kw_ldap_config *config)
{
    const int version = LDAP_VERSION3, never = LDAP_DEREF_NEVER;
    const struct timeval connect_time = time_of(config->connect_timeout_ms), time = time_of(config->timeout_ms);
    return ldap_set_option(link, LDAP_OPT_PROTOCOL_VERSION, &version) == LDAP_OPT_SUCCESS &&
           ldap_set_option(link, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
           ldap_set_option(link, LDAP_OPT_RESTART, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS &&
           ldap_set_option(link, LDAP_OPT_DEREF, &never) == LDAP_OPT_SUCCESS &&
           ldap_set_option(link, LDAP_OPT_NETWORK_TIMEOUT, &connect_time) == LDAP_OPT_SUCCESS &&
           ldap_set_option(link, LDAP_OPT_TIMEOUT, &time) == LDAP_OPT_SUCCESS;
}

/* On GnuTLS the library does not heed PROTOCOL_MIN, so what was agreed on is looked at before anything is said. */
static kw_status check_tls(kw_ldap_talk *talk)
{
    char *version = NULL;
    const bool is_modern = ldap_get_option(talk->link, LDAP_OPT_X_TLS_VERSION, &version) == LDAP_OPT_SUCCESS && version != NULL &&
                           (strstr(version, "1.2") != NULL || strstr(version, "1.3") != NULL);
    if (is_modern) {
        kw_ldap_say(talk, "%s: connected, with %s", talk->server, version);
    }
    ldap_memfree(version);
    return is_modern ? KW_GOOD : kw_ldap_refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "has no TLS 1.2 or later", LDAP_SUCCESS);
}

static kw_status switch_tls_on(kw_ldap_talk *talk)
{
    const int code = ldap_start_tls_s(talk->link, NULL, NULL);
    if (code != LDAP_SUCCESS) {
        return kw_ldap_refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "TLS could not be switched on, or its certificate is not vouched for",
                              code);
    }
    return check_tls(talk);
}

kw_status kw_ldap_connect(kw_ldap_talk *talk)
{
    const kw_ldap_config *config = &talk->ldap->config;
    int code = ldap_initialize(&talk->link, talk->server);
    if (code != LDAP_SUCCESS) {
        talk->link = NULL;
        return kw_ldap_refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "not the URL of a directory", code);
    }
    const bool is_plain = strncmp(talk->server, "ldaps://", 8) != 0 && !config->start_tls;
    if (!configure(talk->link, config) || !kw_ldap_bound_waiting(talk) || (!is_plain && !configure_tls(talk->link, config))) {
        return kw_ldap_refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "cannot be set up; is ca_file a file of certificates in PEM?",
                              LDAP_SUCCESS);
    }
    if (config->start_tls) {
        return switch_tls_on(talk);
    }
    code = ldap_connect(talk->link);
    if (code != LDAP_SUCCESS) {
        return kw_ldap_refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "cannot be reached, or its certificate is not vouched for", code);
    }
    if (!is_plain) {
        return check_tls(talk);
    }
    kw_ldap_say(talk, "%s: connected", talk->server);
    return KW_GOOD;
}

void kw_ldap_hang_up(kw_ldap_talk *talk)
{
    if (talk->link != NULL) {
        ldap_unbind_ext_s(talk->link, NULL, NULL);
        talk->link = NULL;
    }
}

static int bind_with(kw_ldap_talk *talk, const char *dn, kw_bytes password)
{
    struct berval secret = {.bv_len = password.len, .bv_val = (char *)(uintptr_t)password.data}; /* only read */
    return ldap_sasl_bind_s(talk->link, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
}

kw_status kw_ldap_bind_service(kw_ldap_talk *talk)
{
    const kw_ldap_config *config = &talk->ldap->config;
    const bool is_anonymous = config->bind_dn == NULL;
    const int code = bind_with(talk, is_anonymous ? "" : config->bind_dn, is_anonymous ? KW_STRING("") : config->bind_password);
    if (code != LDAP_SUCCESS) {
        return kw_ldap_refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE,
                              is_anonymous ? "lets nobody in without bind_dn" : "does not take bind_dn and the password in password_file",
                              code);
    }
    kw_ldap_say(talk, "%s: signed in %s", talk->server, is_anonymous ? "as nobody, for bind_dn is not set" : config->bind_dn);
    return KW_GOOD;
}

/* The answers that are about the user. Others are about the server. */
static bool is_about_user(int code)
{
    switch (code) {
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_NO_SUCH_OBJECT:
    case LDAP_INVALID_DN_SYNTAX:
    case LDAP_INAPPROPRIATE_AUTH:
    case LDAP_CONSTRAINT_VIOLATION:
    case LDAP_UNWILLING_TO_PERFORM:
    case LDAP_INSUFFICIENT_ACCESS:
        return true;
    default:
        return false;
    }
}

kw_status kw_ldap_bind_user(kw_ldap_talk *talk, const char *bind_name, kw_bytes password)
{
    if (password.len == 0 || bind_name[0] == '\0') { /* RFC 4513, 5.1.2: such a bind succeeds, as nobody */
        return kw_ldap_refuse(talk, KW_BAD_USER_ACCESS_DENIED, "no password", LDAP_SUCCESS);
    }
    const int code = bind_with(talk, bind_name, password);
    if (code == LDAP_SUCCESS) {
        kw_ldap_say(talk, "%s: takes the password of %s", talk->server, bind_name);
        return KW_GOOD;
    }
    return is_about_user(code) ? kw_ldap_refuse(talk, KW_BAD_USER_ACCESS_DENIED, "wrong password", code)
                               : kw_ldap_refuse(talk, KW_BAD_RESOURCE_UNAVAILABLE, "did not say whether the password is right", code);
}
