#include "app/config_internal.h"
#include "app/monitor.h"
#include "authority/ldap.h"
#include "crypto/policy.h"
#include "identity/jwt.h"
#include "store/store.h"

#include <arpa/inet.h>
#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWORD_LENGTH_MAX 256u /* characters of up to four bytes: what a UserIdentityToken may carry */
#define REVIEW_MIN_MS 50u
#define REVIEW_MAX_MS 60000u
#define KEY_ROTATION_MAX_D 365u /* half the time of the certificates */
#define KEY_OVERLAP_MAX_H 720u
#define KEY_OVERLAP_H 24u
#define RATE_MAX 1000000u
#define RULES_MAX 10000  /* of access */
#define ROLES_MAX 64     /* of one rule */
#define DEFAULT_RATE 50u /* requests a second */
#define DEFAULT_BURST 200u
#define PASSWORD_KINDS 4u /* upper case, lower case, digit, other: room for one of each */

/* --- the schema ---------------------------------------------------------------------------------------------------- */

#define TEXT(key, structure, member) CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member, 1, 1024)
#define FLAG(key, structure, member)                                                                                                       \
    CYAML_FIELD_ENUM(key, CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, structure, member, TRUTH, CYAML_ARRAY_LEN(TRUTH))
#define NUMBER(key, structure, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, structure, member)
#define LIST(key, structure, member)                                                                                                       \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member, &TEXT_ENTRY, 0, 64)
#define SECTION(key, member, fields) CYAML_FIELD_MAPPING(key, CYAML_FLAG_OPTIONAL, kw_config, member, fields)

/* Not the library's own kind of flag: for that one every word that is not "false" is true, and a slip of the pen opens a door. */
static const cyaml_strval_t TRUTH[] = {{"false", false}, {"true", true}};

static const cyaml_schema_value_t TEXT_ENTRY = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 1024)};

static const cyaml_schema_field_t APPLICATION[] = {
    TEXT("name", kw_config_application, name),
    LIST("hosts", kw_config_application, hosts),
    LIST("listen", kw_config_application, listen),
    TEXT("translations", kw_config_application, translations),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t SECURITY[] = {
    LIST("policies", kw_config_security, policies),
    LIST("modes", kw_config_security, modes),
    FLAG("allow_none", kw_config_security, allow_none),
    FLAG("allow_missing_crl", kw_config_security, allow_missing_crl),
    FLAG("allow_transfer_on_sign", kw_config_security, allow_transfer_on_sign),
    TEXT("trust", kw_config_security, trust),
    TEXT("user_trust", kw_config_security, user_trust),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t IDENTITY[] = {
    FLAG("allow_anonymous", kw_config_identity, allow_anonymous),
    FLAG("allow_user_certificates", kw_config_identity, allow_user_certificates),
    FLAG("allow_clear_secret_on_encrypted_channel", kw_config_identity, allow_clear_secret_on_encrypted_channel),
    FLAG("allow_clear_secret_anywhere", kw_config_identity, allow_clear_secret_anywhere),
    FLAG("accept_legacy_issued_token", kw_config_identity, accept_legacy_issued_token),
    NUMBER("clock_skew", kw_config_identity, clock_skew),
    NUMBER("max_token_lifetime", kw_config_identity, max_token_lifetime),
    NUMBER("signing_time_window", kw_config_identity, signing_time_window),
    NUMBER("token_expiry_grace", kw_config_identity, token_expiry_grace),
    NUMBER("review_period", kw_config_identity, review_period),
    NUMBER("issuer_refresh", kw_config_identity, issuer_refresh),
    NUMBER("issuer_max_age", kw_config_identity, issuer_max_age),
    NUMBER("password_min_length", kw_config_identity, password_min_length),
    NUMBER("password_max_length", kw_config_identity, password_max_length),
    FLAG("password_needs_upper", kw_config_identity, password_needs_upper),
    FLAG("password_needs_lower", kw_config_identity, password_needs_lower),
    FLAG("password_needs_digit", kw_config_identity, password_needs_digit),
    FLAG("password_needs_special", kw_config_identity, password_needs_special),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t GUESSING[] = {
    NUMBER("delay_after", kw_config_guessing, delay_after),   NUMBER("delay_base", kw_config_guessing, delay_base),
    NUMBER("delay_max", kw_config_guessing, delay_max),       NUMBER("lockout_after", kw_config_guessing, lockout_after),
    NUMBER("lockout_time", kw_config_guessing, lockout_time), NUMBER("window", kw_config_guessing, window),
    NUMBER("max_entries", kw_config_guessing, max_entries),   CYAML_FIELD_END,
};

static const cyaml_schema_field_t SERVER[] = {
    TEXT("uri", kw_config_server, uri),
    NUMBER("port", kw_config_server, port),
    TEXT("certificate", kw_config_server, certificate),
    TEXT("key", kw_config_server, key),
    FLAG("sample_machine", kw_config_server, sample_machine),
    FLAG("allow_sessionless", kw_config_server, allow_sessionless),
    LIST("nodesets", kw_config_server, nodesets),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t PROVIDER[] = {
    TEXT("name", kw_config_provider, name),
    TEXT("issuer", kw_config_provider, issuer),
    TEXT("token_endpoint", kw_config_provider, token_endpoint),
    TEXT("ca_file", kw_config_provider, ca_file),
    TEXT("client_id", kw_config_provider, client_id),
    TEXT("client_secret_file", kw_config_provider, client_secret_file),
    TEXT("client_key_file", kw_config_provider, client_key_file),
    TEXT("client_key_id", kw_config_provider, client_key_id),
    TEXT("scope", kw_config_provider, scope),
    TEXT("target", kw_config_provider, target),
    NUMBER("timeout", kw_config_provider, timeout),
    NUMBER("retry", kw_config_provider, retry),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t SERVICE[] = {
    TEXT("name", kw_config_service, name),
    TEXT("service_uri", kw_config_service, service_uri),
    TEXT("provider", kw_config_service, provider),
    TEXT("certificate", kw_config_service, certificate),
    LIST("accepts", kw_config_service, accepts),
    LIST("resources", kw_config_service, resources),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t PROVIDER_ENTRY = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, kw_config_provider, PROVIDER)};
static const cyaml_schema_value_t SERVICE_ENTRY = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, kw_config_service, SERVICE)};

static const cyaml_schema_field_t KEY_TOKEN[] = {
    TEXT("module", kw_config_key_token, module),
    TEXT("token", kw_config_key_token, token),
    TEXT("key", kw_config_key_token, key),
    TEXT("pin_file", kw_config_key_token, pin_file),
    TEXT("pin_credential", kw_config_key_token, pin_credential),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t AUTHORITY[] = {
    TEXT("uri", kw_config_authority, uri),
    NUMBER("port", kw_config_authority, port),
    TEXT("certificate", kw_config_authority, certificate),
    TEXT("key", kw_config_authority, key),
    TEXT("service_uri", kw_config_authority, service_uri),
    TEXT("signing_algorithm", kw_config_authority, signing_algorithm),
    NUMBER("token_lifetime", kw_config_authority, token_lifetime),
    NUMBER("refresh_lifetime", kw_config_authority, refresh_lifetime),
    FLAG("disable_refresh_tokens", kw_config_authority, disable_refresh_tokens),
    LIST("requestors", kw_config_authority, requestors),
    FLAG("require_signed_secrets", kw_config_authority, require_signed_secrets),
    NUMBER("request_rate", kw_config_authority, request_rate),
    NUMBER("request_burst", kw_config_authority, request_burst),
    TEXT("key_file", kw_config_authority, key_file),
    TEXT("key_credential", kw_config_authority, key_credential),
    CYAML_FIELD_MAPPING_PTR("key_token", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, kw_config_authority, key_token, KEY_TOKEN),
    NUMBER("key_rotation", kw_config_authority, key_rotation),
    NUMBER("key_overlap", kw_config_authority, key_overlap),
    CYAML_FIELD_SEQUENCE("services", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, kw_config_authority, services, &SERVICE_ENTRY, 0,
                         KW_CONFIG_SERVICES_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t HTTPS[] = {
    NUMBER("port", kw_config_https, port),
    LIST("listen", kw_config_https, listen),
    TEXT("certificate", kw_config_https, certificate),
    TEXT("key", kw_config_https, key),
    TEXT("issuer", kw_config_https, issuer),
    NUMBER("client_rate", kw_config_https, client_rate),
    NUMBER("client_burst", kw_config_https, client_burst),
    NUMBER("address_rate", kw_config_https, address_rate),
    NUMBER("address_burst", kw_config_https, address_burst),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t DIRECTORY[] = {
    TEXT("provider", kw_config_directory, provider),
    TEXT("subject_claim", kw_config_directory, subject_claim),
    TEXT("groups_claim", kw_config_directory, groups_claim),
    TEXT("roles_claim", kw_config_directory, roles_claim),
    LIST("servers", kw_config_directory, servers),
    TEXT("ca_file", kw_config_directory, ca_file),
    FLAG("start_tls", kw_config_directory, start_tls),
    FLAG("allow_plain", kw_config_directory, allow_plain),
    TEXT("bind_dn", kw_config_directory, bind_dn),
    TEXT("password_file", kw_config_directory, password_file),
    TEXT("base", kw_config_directory, base),
    TEXT("name_attribute", kw_config_directory, name_attribute),
    TEXT("user_filter", kw_config_directory, user_filter),
    TEXT("bind_pattern", kw_config_directory, bind_pattern),
    TEXT("group_attribute", kw_config_directory, group_attribute),
    TEXT("group_base", kw_config_directory, group_base),
    TEXT("group_filter", kw_config_directory, group_filter),
    TEXT("group_name", kw_config_directory, group_name),
    FLAG("nested_groups", kw_config_directory, nested_groups),
    NUMBER("connect_timeout", kw_config_directory, connect_timeout),
    NUMBER("timeout", kw_config_directory, timeout),
    NUMBER("retry", kw_config_directory, retry),
    NUMBER("recheck", kw_config_directory, recheck),
    NUMBER("max_age", kw_config_directory, max_age),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t LIMITS[] = {
    NUMBER("max_sessions", kw_config_limits, max_sessions),
    NUMBER("max_connections", kw_config_limits, max_connections),
    NUMBER("max_message_size", kw_config_limits, max_message_size),
    NUMBER("max_subscriptions", kw_config_limits, max_subscriptions),
    NUMBER("max_subscriptions_per_session", kw_config_limits, max_subscriptions_per_session),
    NUMBER("max_monitored_items", kw_config_limits, max_monitored_items),
    NUMBER("max_monitored_items_per_subscription", kw_config_limits, max_monitored_items_per_subscription),
    NUMBER("max_item_queue", kw_config_limits, max_item_queue),
    NUMBER("max_publish_requests", kw_config_limits, max_publish_requests),
    NUMBER("max_retransmission_messages", kw_config_limits, max_retransmission_messages),
    NUMBER("min_publishing_interval", kw_config_limits, min_publishing_interval),
    NUMBER("min_sampling_interval", kw_config_limits, min_sampling_interval),
    NUMBER("max_subscription_lifetime", kw_config_limits, max_subscription_lifetime),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t ACCESS_ROLE[] = {
    TEXT("role", kw_config_access_role, role),
    LIST("permissions", kw_config_access_role, permissions),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t ACCESS_ROLE_ENTRY = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, kw_config_access_role, ACCESS_ROLE)};

static const cyaml_schema_field_t ACCESS[] = {
    TEXT("node", kw_config_access, node),
    TEXT("path", kw_config_access, path),
    TEXT("namespace", kw_config_access, namespace_uri),
    CYAML_FIELD_SEQUENCE("roles", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, kw_config_access, roles, &ACCESS_ROLE_ENTRY, 0, ROLES_MAX),
    LIST("restrictions", kw_config_access, restrictions),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t ACCESS_ENTRY = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, kw_config_access, ACCESS)};

static const cyaml_schema_field_t TOP[] = {
    SECTION("application", application, APPLICATION),
    SECTION("security", security, SECURITY),
    SECTION("identity", identity, IDENTITY),
    SECTION("guessing", guessing, GUESSING),
    SECTION("server", server, SERVER),
    SECTION("authority", authority, AUTHORITY),
    CYAML_FIELD_MAPPING_PTR("https", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, kw_config, https, HTTPS),
    CYAML_FIELD_MAPPING_PTR("directory", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, kw_config, directory, DIRECTORY),
    CYAML_FIELD_SEQUENCE("providers", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, kw_config, providers, &PROVIDER_ENTRY, 0,
                         KW_CONFIG_PROVIDERS_MAX),
    SECTION("limits", limits, LIMITS),
    CYAML_FIELD_SEQUENCE("access", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, kw_config, access, &ACCESS_ENTRY, 0, RULES_MAX),
    TEXT("store", kw_config, store),
    TEXT("log_level", kw_config, log_level),
    TEXT("metrics_listen", kw_config, metrics_listen),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t SCHEMA = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, kw_config, TOP)};

/* --- errors in one line -------------------------------------------------------------------------------------------- */

typedef struct load_errors {
    char text[512];  /* the first complaint */
    char where[256]; /* the innermost place of the backtrace */
} load_errors;

static void keep_line(char *out, size_t cap, const char *line)
{
    snprintf(out, cap, "%s", line);
    const size_t len = strlen(out);
    if (len > 0 && out[len - 1] == '\n') {
        out[len - 1] = '\0';
    }
}

static void collect(cyaml_log_t level, void *ctx, const char *format, va_list args)
{
    load_errors *errors = ctx;
    char line[512];
    if (level < CYAML_LOG_ERROR) {
        return;
    }
    vsnprintf(line, sizeof(line), format, args);
    const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
    text += strspn(text, " ");
    if (strncmp(text, "in ", 3) == 0) {
        if (errors->where[0] == '\0') {
            keep_line(errors->where, sizeof(errors->where), text);
        }
    } else if (errors->text[0] == '\0' && strncmp(text, "Backtrace", 9) != 0) {
        keep_line(errors->text, sizeof(errors->text), text);
    }
}

bool kw_config_complain(const char *file, const char *key, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "keyway: %s: %s: ", file, key);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return false;
}

static void explain_load(const char *file, cyaml_err_t error, const load_errors *errors)
{
    struct stat what;
    if (stat(file, &what) == 0 && S_ISDIR(what.st_mode)) {
        fprintf(stderr, "keyway: %s: is a folder; the configuration in it is %s/keyway.yaml\n", file, file);
        return;
    }
    if (error == CYAML_ERR_FILE_OPEN) {
        fprintf(stderr, "keyway: %s: cannot be opened: %s; `keyway init DIR` makes one\n", file, strerror(errno));
        return;
    }
    fprintf(stderr, "keyway: %s: %s%s%s; docs/configuration.md lists the keys and their values\n", file,
            errors->text[0] != '\0' ? errors->text : cyaml_strerror(error), errors->where[0] != '\0' ? ", " : "", errors->where);
}

/* --- meaning --------------------------------------------------------------------------------------------------------- */

static bool check_policies(const char *file, const kw_config *c)
{
    for (unsigned i = 0; i < c->security.policies_count; i++) {
        const kw_security_policy *policy = kw_security_policy_by_name(kw_string_from(c->security.policies[i]));
        if (policy == NULL) {
            return kw_config_complain(
                file, "security.policies",
                "'%s' is not a SecurityPolicy; use Aes256_Sha256_RsaPss, Aes128_Sha256_RsaOaep, Basic256Sha256, or one "
                "of docs/security-policies.md",
                c->security.policies[i]);
        }
        if (policy->is_none) {
            return kw_config_complain(file, "security.policies", "None does not belong here; set security.allow_none: true if you must");
        }
    }
    for (unsigned i = 0; i < c->security.modes_count; i++) {
        if (strcmp(c->security.modes[i], "sign") != 0 && strcmp(c->security.modes[i], "encrypt") != 0) {
            return kw_config_complain(file, "security.modes", "'%s' is not a mode; use sign, encrypt or both", c->security.modes[i]);
        }
    }
    return true;
}

static bool check_required(const char *file, const kw_config *c)
{
    const struct {
        const char *key, *value;
    } required[] = {
        {"store", c->store},
        {"security.trust", c->security.trust},
        {"security.user_trust", c->security.user_trust},
        {"server.uri", c->server.uri},
        {"server.certificate", c->server.certificate},
        {"server.key", c->server.key},
        {"authority.uri", c->authority.uri},
        {"authority.certificate", c->authority.certificate},
        {"authority.key", c->authority.key},
        {"authority.service_uri", c->authority.service_uri},
    };
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (required[i].value == NULL) {
            return kw_config_complain(file, required[i].key, "is missing; `keyway init DIR` writes a complete file to compare with");
        }
    }
    return true;
}

static bool check_addresses(const char *file, const char *key, char *const *addresses, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct in6_addr address;
        if (inet_pton(AF_INET, addresses[i], &address) != 1 && inet_pton(AF_INET6, addresses[i], &address) != 1) {
            return kw_config_complain(file, key, "'%s' is not an IP address; use 127.0.0.1, ::1, or 0.0.0.0 for all of this machine",
                                      addresses[i]);
        }
    }
    return true;
}

/* What is compared byte by byte in every token had better be written in one way only. */
static bool check_https(const char *file, const kw_config_https *https)
{
    if (https == NULL) {
        return true;
    }
    if ((https->certificate == NULL) != (https->key == NULL)) {
        return kw_config_complain(file, "https", "certificate and key go together; give both, or none to use the authority's");
    }
    const size_t len = https->issuer != NULL ? strlen(https->issuer) : 0;
    if (https->issuer != NULL &&
        (strncmp(https->issuer, "https://", 8) != 0 || https->issuer[len - 1] == '/' || strpbrk(https->issuer, "?#") != NULL)) {
        return kw_config_complain(file, "https.issuer", "'%s' is not an issuer; write https://HOST[:PORT] without a slash at the end",
                                  https->issuer);
    }
    return check_addresses(file, "https.listen", https->listen, https->listen_count);
}

/* Texts that say who a user is, and by which name or DN. */
static bool check_patterns(const char *file, const kw_config_directory *d)
{
    const struct {
        const char *key, *pattern, *part;
    } patterns[] = {
        {"directory.user_filter", d->user_filter, "%u"},
        {"directory.bind_pattern", d->bind_pattern, "%u"},
        {"directory.group_filter", d->group_filter, d->group_filter != NULL && strstr(d->group_filter, "%u") != NULL ? "%u" : "%d"},
    };
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (patterns[i].pattern != NULL && strstr(patterns[i].pattern, patterns[i].part) == NULL) {
            return kw_config_complain(file, patterns[i].key, "'%s' is the same for every user; write %s where %s belongs",
                                      patterns[i].pattern, patterns[i].part,
                                      patterns[i].part[1] == 'u' ? "the name" : "the DN of the user");
        }
    }
    return true;
}

static bool check_directory_numbers(const char *file, const kw_config_directory *d)
{
    const struct {
        const char *key;
        uint32_t value, max;
    } bounds[] = {
        {"directory.connect_timeout", d->connect_timeout, 60000},
        {"directory.timeout", d->timeout, 60000},
        {"directory.retry", d->retry, 3600},
        {"directory.recheck", d->recheck, 86400},
        {"directory.max_age", d->max_age, 604800},
    };
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        if (bounds[i].value > bounds[i].max) {
            return kw_config_complain(file, bounds[i].key, "%u is too much; at most %u", bounds[i].value, bounds[i].max);
        }
    }
    return true;
}

static bool check_ldap(const char *file, const kw_config_directory *d)
{
    if (d->subject_claim != NULL || d->groups_claim != NULL || d->roles_claim != NULL) {
        return kw_config_complain(file, "directory", "LDAP has no claims; they go together with `provider`");
    }
    if (d->servers_count == 0 || d->base == NULL) {
        return kw_config_complain(file, d->base == NULL ? "directory.base" : "directory.servers",
                                  "is missing; docs/directory.md has an example");
    }
    for (unsigned i = 0; i < d->servers_count; i++) {
        const char *why = kw_ldap_server_refused(d->servers[i], d->start_tls, d->allow_plain);
        if (why != NULL) {
            return kw_config_complain(file, "directory.servers", "'%s' %s", d->servers[i], why);
        }
    }
    if ((d->bind_dn == NULL) != (d->password_file == NULL)) {
        return kw_config_complain(file, "directory.bind_dn", "goes together with password_file; give both, or none to search as nobody");
    }
    if (d->group_attribute == NULL && d->group_base == NULL) {
        return kw_config_complain(file, "directory.group_base",
                                  "is missing, and so is group_attribute; without one of them nobody is in any group");
    }
    if (d->group_base == NULL && (d->nested_groups || d->group_filter != NULL || d->group_name != NULL)) {
        return kw_config_complain(file, "directory.group_base", "is missing; groups are searched below it");
    }
    return check_patterns(file, d);
}

static bool check_directory(const char *file, const kw_config *c)
{
    const kw_config_directory *d = c->directory;
    if (d == NULL) {
        return true;
    }
    return (d->provider != NULL ? kw_config_check_users(file, c) : check_ldap(file, d)) && check_directory_numbers(file, d);
}

static bool check_values(const char *file, const kw_config *c)
{
    static const char *const LEVELS[] = {"debug", "info", "warn", "error"};
    bool known = c->log_level == NULL;
    for (size_t i = 0; !known && i < sizeof(LEVELS) / sizeof(LEVELS[0]); i++) {
        known = strcmp(c->log_level, LEVELS[i]) == 0;
    }
    if (!known) {
        return kw_config_complain(file, "log_level", "'%s' is not a level; use debug, info, warn or error", c->log_level);
    }
    const char *algorithm = c->authority.signing_algorithm;
    if (algorithm != NULL && !kw_jwt_is_allowed(KW_JWT_ALGORITHMS, kw_string_from(algorithm))) {
        return kw_config_complain(file, "authority.signing_algorithm", "'%s' is not supported; use RS256, PS256, ES256, ES384 or EdDSA",
                                  algorithm);
    }
    char address[KW_MONITOR_ADDRESS_MAX];
    uint16_t port;
    if (c->metrics_listen != NULL && !kw_monitor_parse(c->metrics_listen, address, &port)) {
        return kw_config_complain(file, "metrics_listen", "'%s' is not ADDRESS:PORT, like 127.0.0.1:9464 or [::1]:9464", c->metrics_listen);
    }
    if (!check_addresses(file, "application.listen", c->application.listen, c->application.listen_count)) {
        return false;
    }
    if (c->identity.review_period != 0 && (c->identity.review_period < REVIEW_MIN_MS || c->identity.review_period > REVIEW_MAX_MS)) {
        return kw_config_complain(file, "identity.review_period", "%u is out of range; %u to %u milliseconds", c->identity.review_period,
                                  REVIEW_MIN_MS, REVIEW_MAX_MS);
    }
    if (c->limits.max_message_size != 0 && c->limits.max_message_size < 8192) {
        return kw_config_complain(file, "limits.max_message_size", "%u is too small; at least 8192 bytes are needed",
                                  c->limits.max_message_size);
    }
    return true;
}

static bool check_key_token(const char *file, const kw_config_authority *a)
{
    const kw_config_key_token *t = a->key_token;
    if (a->key_file == NULL && a->key_credential == NULL) {
        return kw_config_complain(file, "authority.key_token", "opens the key in key_file (or key_credential); set that, too");
    }
    if (t->module == NULL || t->token == NULL || t->key == NULL) {
        return kw_config_complain(file, "authority.key_token", "needs `module` (a PKCS#11 library), and the labels of `token` and `key`");
    }
    if ((t->pin_file == NULL) == (t->pin_credential == NULL)) {
        return kw_config_complain(file, "authority.key_token", "needs either pin_file or pin_credential");
    }
    if (t->pin_credential != NULL && strchr(t->pin_credential, '/') != NULL) {
        return kw_config_complain(file, "authority.key_token", "'%s' is not the name of a credential; a path belongs to pin_file",
                                  t->pin_credential);
    }
    return true;
}

static bool check_keys(const char *file, const kw_config_authority *a)
{
    const uint32_t overlap = a->key_overlap != 0 ? a->key_overlap : KEY_OVERLAP_H;
    if (a->key_file != NULL && a->key_credential != NULL) {
        return kw_config_complain(file, "authority.key_file", "and key_credential say the same in two ways; use one");
    }
    if (a->key_credential != NULL && strchr(a->key_credential, '/') != NULL) {
        return kw_config_complain(file, "authority.key_credential", "'%s' is not the name of a credential; a path belongs to key_file",
                                  a->key_credential);
    }
    if (a->key_token != NULL && !check_key_token(file, a)) {
        return false;
    }
    if (a->key_rotation > KEY_ROTATION_MAX_D) {
        return kw_config_complain(file, "authority.key_rotation", "%u is too much; at most %u days", a->key_rotation, KEY_ROTATION_MAX_D);
    }
    if (a->key_overlap > KEY_OVERLAP_MAX_H) {
        return kw_config_complain(file, "authority.key_overlap", "%u is too much; at most %u hours", a->key_overlap, KEY_OVERLAP_MAX_H);
    }
    if (a->key_rotation != 0 && overlap >= a->key_rotation * 24) {
        return kw_config_complain(file, "authority.key_overlap", "%u hours are not less than key_rotation, %u days", overlap,
                                  a->key_rotation);
    }
    return true;
}

static bool check_rates(const char *file, const kw_config *c)
{
    const kw_config_https none = {.port = 0}, *https = c->https != NULL ? c->https : &none;
    const struct {
        const char *key;
        uint32_t value;
    } rates[] = {
        {"authority.request_rate", c->authority.request_rate},
        {"authority.request_burst", c->authority.request_burst},
        {"https.client_rate", https->client_rate},
        {"https.client_burst", https->client_burst},
        {"https.address_rate", https->address_rate},
        {"https.address_burst", https->address_burst},
    };
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        if (rates[i].value > RATE_MAX) {
            return kw_config_complain(file, rates[i].key, "%u is too much; at most %u", rates[i].value, RATE_MAX);
        }
    }
    return true;
}

/* What would take the memory of the machine, or never be reached, is a slip of the pen. */
static bool check_limits(const char *file, const kw_config_limits *l)
{
    const struct {
        const char *key;
        uint32_t value, max;
    } bounds[] = {
        {"limits.max_subscriptions", l->max_subscriptions, 100000},
        {"limits.max_subscriptions_per_session", l->max_subscriptions_per_session, 10000},
        {"limits.max_monitored_items", l->max_monitored_items, 10000000},
        {"limits.max_monitored_items_per_subscription", l->max_monitored_items_per_subscription, 1000000},
        {"limits.max_item_queue", l->max_item_queue, 1000000},
        {"limits.max_publish_requests", l->max_publish_requests, 1000},
        {"limits.max_retransmission_messages", l->max_retransmission_messages, 10000},
        {"limits.min_publishing_interval", l->min_publishing_interval, 600000},
        {"limits.min_sampling_interval", l->min_sampling_interval, 600000},
        {"limits.max_subscription_lifetime", l->max_subscription_lifetime, 604800},
    };
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        if (bounds[i].value > bounds[i].max) {
            return kw_config_complain(file, bounds[i].key, "%u is too much; at most %u", bounds[i].value, bounds[i].max);
        }
    }
    const uint32_t shortest = 10;
    if (l->max_subscription_lifetime != 0 && l->max_subscription_lifetime < shortest) {
        return kw_config_complain(file, "limits.max_subscription_lifetime", "%u is too little; at least %u", l->max_subscription_lifetime,
                                  shortest);
    }
    return true;
}

/* So much that guessing would go unpunished, or one slip would last for days, is a slip of the pen. */
static bool check_guessing(const char *file, const kw_config_guessing *g)
{
    const struct {
        const char *key;
        uint32_t value, max;
    } bounds[] = {
        {"guessing.delay_after", g->delay_after, 1000},     {"guessing.delay_base", g->delay_base, 60000},
        {"guessing.delay_max", g->delay_max, 60000},        {"guessing.lockout_after", g->lockout_after, 1000},
        {"guessing.lockout_time", g->lockout_time, 604800}, {"guessing.window", g->window, 86400},
        {"guessing.max_entries", g->max_entries, 1000000},
    };
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        if (bounds[i].value > bounds[i].max) {
            return kw_config_complain(file, bounds[i].key, "%u is too much; at most %u", bounds[i].value, bounds[i].max);
        }
    }
    return true;
}

/* Rules that no password can keep would lock everybody out of changing one. */
static bool check_passwords(const char *file, const kw_config *c)
{
    const kw_password_rules rules = kw_config_password_rules(c);
    if (rules.max_length > PASSWORD_LENGTH_MAX) {
        return kw_config_complain(file, "identity.password_max_length", "%u is too much; at most %u", rules.max_length,
                                  PASSWORD_LENGTH_MAX);
    }
    if (rules.min_length > rules.max_length) {
        return kw_config_complain(file, "identity.password_min_length", "%u is more than password_max_length, %u", rules.min_length,
                                  rules.max_length);
    }
    if (rules.max_length < PASSWORD_KINDS) {
        return kw_config_complain(file, "identity.password_max_length", "%u is too small; at least %u", rules.max_length, PASSWORD_KINDS);
    }
    return true;
}

bool kw_config_check_file(const char *file, const char *key, const char *path, int mode)
{
    char *full = kw_config_path(file, path);
    const bool found = full != NULL && access(full, mode) == 0;
    if (!found) {
        kw_config_complain(file, key, "%s: %s; `keyway init` and `keyway cert create` make such files", full != NULL ? full : path,
                           strerror(errno));
    }
    free(full);
    return found;
}

static bool others_can_read(const char *file)
{
    struct stat info;
    return stat(file, &info) != 0 || (info.st_mode & 077) != 0;
}

/* Whether it is there shows when it is opened. */
static bool check_store(const char *file, const char *store)
{
    if (kw_store_location_has_password(store) && others_can_read(file)) {
        return kw_config_complain(file, "store", "holds a password and others can read this file; run `chmod 600` on it");
    }
    return true;
}

bool kw_config_check_secret_file(const char *file, const char *key, const char *path)
{
    char *full = kw_config_path(file, path);
    const bool is_there = kw_config_check_file(file, key, path, R_OK);
    const bool is_open = full != NULL && is_there && others_can_read(full);
    if (is_open) {
        kw_config_complain(file, key, "others can read %s; run `chmod 600` on it", full);
    }
    free(full);
    return is_there && !is_open;
}

static bool check_directory_files(const char *file, const kw_config_directory *d)
{
    if (d == NULL || (d->ca_file != NULL && !kw_config_check_file(file, "directory.ca_file", d->ca_file, R_OK))) {
        return d == NULL;
    }
    return d->password_file == NULL || kw_config_check_secret_file(file, "directory.password_file", d->password_file);
}

static bool check_files(const char *file, const kw_config *c)
{
    return kw_config_check_file(file, "server.certificate", c->server.certificate, R_OK) &&
           kw_config_check_file(file, "server.key", c->server.key, R_OK) &&
           kw_config_check_file(file, "authority.certificate", c->authority.certificate, R_OK) &&
           kw_config_check_file(file, "authority.key", c->authority.key, R_OK) &&
           (c->https == NULL || c->https->certificate == NULL ||
            (kw_config_check_file(file, "https.certificate", c->https->certificate, R_OK) &&
             kw_config_check_file(file, "https.key", c->https->key, R_OK))) &&
           check_directory_files(file, c->directory) && kw_config_check_file(file, "security.trust", c->security.trust, R_OK | X_OK) &&
           kw_config_check_file(file, "security.user_trust", c->security.user_trust, R_OK | X_OK) && check_store(file, c->store);
}

/* --- public ------------------------------------------------------------------------------------------------------------ */

static const cyaml_config_t BASE = {.log_level = CYAML_LOG_ERROR, .mem_fn = cyaml_mem, .log_fn = collect};

kw_config *kw_config_load(const char *file)
{
    load_errors errors = {{0}, {0}};
    cyaml_config_t how = BASE;
    how.log_ctx = &errors;
    kw_config *config = NULL;
    errno = 0;
    const cyaml_err_t error = cyaml_load_file(file, &how, &SCHEMA, (cyaml_data_t **)&config, NULL);
    if (error != CYAML_OK || config == NULL) {
        explain_load(file, error, &errors);
        return NULL;
    }
    if (!check_required(file, config) || !check_policies(file, config) || !check_values(file, config) ||
        !check_limits(file, &config->limits) || !check_guessing(file, &config->guessing) || !check_https(file, config->https) ||
        !check_directory(file, config) || !check_passwords(file, config) || !check_keys(file, &config->authority) ||
        !check_rates(file, config) || !kw_config_check_providers(file, config) || !kw_config_check_services(file, config) ||
        !check_files(file, config)) {
        kw_config_free(config);
        return NULL;
    }
    return config;
}

kw_rate_config kw_config_rate(uint32_t per_second, uint32_t burst)
{
    return (kw_rate_config){.per_second = per_second != 0 ? per_second : DEFAULT_RATE, .burst = burst != 0 ? burst : DEFAULT_BURST};
}

void kw_config_free(kw_config *config)
{
    load_errors errors = {{0}, {0}};
    cyaml_config_t how = BASE;
    how.log_ctx = &errors;
    cyaml_free(&how, &SCHEMA, config, 0);
}

kw_password_rules kw_config_password_rules(const kw_config *config)
{
    const kw_config_identity *i = &config->identity;
    const kw_password_rules defaults = KW_PASSWORD_RULES_DEFAULT;
    return (kw_password_rules){.min_length = i->password_min_length != 0 ? i->password_min_length : defaults.min_length,
                               .max_length = i->password_max_length != 0 ? i->password_max_length : defaults.max_length,
                               .needs_upper = i->password_needs_upper,
                               .needs_lower = i->password_needs_lower,
                               .needs_digit = i->password_needs_digit,
                               .needs_special = i->password_needs_special};
}

char *kw_config_path(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    char *full = NULL;
    if (path[0] == '/' || slash == NULL) {
        return strdup(path);
    }
    return asprintf(&full, "%.*s/%s", (int)(slash - file), file, path) < 0 ? NULL : full;
}
