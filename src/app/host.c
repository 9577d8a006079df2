#include "app/host.h"

#include "app/access_rules.h"
#include "app/certificates.h"
#include "app/https.h"
#include "app/monitor.h"
#include "app/nodesets.h"
#include "app/output.h"
#include "app/translations.h"
#include "http/client.h"

#include <stdlib.h>
#include <string.h>

#define REFRESH_LIFETIME_S 86400
#define ENDPOINTS_MAX 64
#define STRINGS_MAX 128

/* Those that the key of the application does not fit are left out. */
static const char *const DEFAULT_POLICIES[] = {
    "Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep", "Basic256Sha256", "ECC_nistP256", "ECC_nistP384",
    "ECC_brainpoolP256r1",  "ECC_brainpoolP384r1",   "ECC_curve25519", "ECC_curve448", NULL};

typedef struct server_plan {
    kw_server_config config;
    kw_server_endpoint endpoints[ENDPOINTS_MAX];
    kw_string hosts[STRINGS_MAX];
} server_plan;

static kw_log_level level_of(const kw_config *config)
{
    static const char *const NAMES[] = {"debug", "info", "warn", "error"};
    for (int i = 0; config->log_level != NULL && i < 4; i++) {
        if (strcmp(config->log_level, NAMES[i]) == 0) {
            return (kw_log_level)i;
        }
    }
    return KW_LOG_INFO;
}

/* --- configuration of the server ------------------------------------------------------------------------------------------- */

static void add_endpoint(server_plan *plan, const kw_security_policy *policy, kw_message_security_mode mode)
{
    if (plan->config.endpoint_count < ENDPOINTS_MAX) {
        plan->endpoints[plan->config.endpoint_count++] = (kw_server_endpoint){policy, mode};
    }
}

static void add_policy(server_plan *plan, const kw_config *config, const char *name)
{
    const kw_security_policy *policy = kw_security_policy_by_name(kw_string_from(name));
    for (unsigned i = 0; i < config->security.modes_count; i++) {
        const bool sign = strcmp(config->security.modes[i], "sign") == 0;
        add_endpoint(plan, policy, sign ? KW_MESSAGE_SECURITY_MODE_SIGN : KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT);
    }
    if (config->security.modes_count == 0) {
        add_endpoint(plan, policy, KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT);
    }
}

static void plan_endpoints(server_plan *plan, const kw_config *config)
{
    for (unsigned i = 0; i < config->security.policies_count; i++) {
        add_policy(plan, config, config->security.policies[i]);
    }
    for (size_t i = 0; config->security.policies_count == 0 && DEFAULT_POLICIES[i] != NULL; i++) {
        add_policy(plan, config, DEFAULT_POLICIES[i]);
    }
    if (config->security.allow_none) {
        add_endpoint(plan, &KW_POLICY_NONE, KW_MESSAGE_SECURITY_MODE_NONE);
    }
    plan->config.endpoints = plan->endpoints;
}

static void plan_hosts(server_plan *plan, const kw_config *config)
{
    for (unsigned i = 0; i < config->application.hosts_count && i < STRINGS_MAX; i++) {
        plan->hosts[plan->config.host_count++] = kw_string_from(config->application.hosts[i]);
    }
    if (plan->config.host_count == 0) {
        plan->hosts[plan->config.host_count++] = KW_STRING("localhost");
    }
    plan->config.hosts = plan->hosts;
}

static void plan_identity(kw_identity_config *identity, const kw_config *config)
{
    identity->allow_anonymous = config->identity.allow_anonymous;
    identity->allow_x509 = config->identity.allow_user_certificates;
    identity->allow_clear_secret_on_encrypted_channel = config->identity.allow_clear_secret_on_encrypted_channel;
    identity->allow_clear_secret_anywhere = config->identity.allow_clear_secret_anywhere;
    identity->accept_legacy_issued_token = config->identity.accept_legacy_issued_token;
    identity->clock_skew_s = config->identity.clock_skew != 0 ? config->identity.clock_skew : identity->clock_skew_s;
    identity->max_token_lifetime_s = config->identity.max_token_lifetime;
    identity->issuer_keys.refresh_s =
        config->identity.issuer_refresh != 0 ? config->identity.issuer_refresh : identity->issuer_keys.refresh_s;
    identity->issuer_keys.max_age_s =
        config->identity.issuer_max_age != 0 ? config->identity.issuer_max_age : identity->issuer_keys.max_age_s;
    identity->signing_time_window_s =
        config->identity.signing_time_window != 0 ? config->identity.signing_time_window : identity->signing_time_window_s;
}

void kw_plan_guessing(kw_throttle_config *throttle, const kw_config_guessing *config)
{
    const struct {
        uint32_t *target, value;
    } values[] = {
        {&throttle->delay_after, config->delay_after}, {&throttle->delay_base_ms, config->delay_base},
        {&throttle->delay_max_ms, config->delay_max},  {&throttle->lockout_after, config->lockout_after},
        {&throttle->lockout_s, config->lockout_time},  {&throttle->window_s, config->window},
        {&throttle->max_entries, config->max_entries},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        *values[i].target = values[i].value != 0 ? values[i].value : *values[i].target;
    }
}

static void plan_subscriptions(kw_service_limits *limits, const kw_config_limits *config)
{
    const struct {
        uint32_t *target;
        uint32_t value;
    } numbers[] = {
        {&limits->max_subscriptions, config->max_subscriptions},
        {&limits->max_subscriptions_per_session, config->max_subscriptions_per_session},
        {&limits->max_monitored_items, config->max_monitored_items},
        {&limits->max_monitored_items_per_subscription, config->max_monitored_items_per_subscription},
        {&limits->max_item_queue, config->max_item_queue},
        {&limits->max_publish_requests_per_session, config->max_publish_requests},
        {&limits->max_retransmission_messages, config->max_retransmission_messages},
    };
    const struct {
        double *target;
        double value;
    } times[] = {
        {&limits->min_publishing_interval_ms, config->min_publishing_interval},
        {&limits->min_sampling_interval_ms, config->min_sampling_interval},
        {&limits->max_subscription_lifetime_ms, config->max_subscription_lifetime * 1000.0},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        *numbers[i].target = numbers[i].value != 0 ? numbers[i].value : *numbers[i].target;
    }
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        *times[i].target = times[i].value > 0 ? times[i].value : *times[i].target;
    }
}

static void plan_limits(kw_server_config *server, const kw_config_limits *limits)
{
    server->session_limits.max_sessions = limits->max_sessions != 0 ? limits->max_sessions : server->session_limits.max_sessions;
    if (limits->max_connections != 0) {
        server->max_connections = limits->max_connections;
        server->max_connections_per_address = (limits->max_connections + 1) / 2;
    }
    plan_subscriptions(&server->service_limits, limits);
    server->channel_limits.max_message = limits->max_message_size != 0 ? limits->max_message_size : server->channel_limits.max_message;
}

static void plan_server(server_plan *plan, const kw_host *host)
{
    const kw_config *config = host->directory.config;
    const bool is_authority = host->kind == KW_HOST_AUTHORITY;
    *plan = (server_plan){.config = {.host_count = 0}};
    kw_server_config_defaults(&plan->config);
    plan->config.host_count = plan->config.endpoint_count = 0;
    plan->config.application_uri = kw_string_from(is_authority ? config->authority.uri : config->server.uri);
    plan->config.application_name = kw_string_from(config->application.name != NULL ? config->application.name : "Keyway");
    plan->config.product_uri = KW_STRING("urn:keyway");
    plan->config.port = is_authority ? config->authority.port : config->server.port;
    plan->config.with_gds = is_authority;
    plan->config.allow_sessionless = is_authority || config->server.allow_sessionless;
    plan->config.require_crl = !config->security.allow_missing_crl;
    plan->config.session_limits.allow_transfer_on_sign = config->security.allow_transfer_on_sign;
    plan->config.session_limits.token_expiry_grace_s = config->identity.token_expiry_grace;
    if (config->identity.review_period != 0) {
        plan->config.session_limits.review_period_ms = config->identity.review_period;
    }
    plan_endpoints(plan, config);
    plan_hosts(plan, config);
    plan_identity(&plan->config.identity, config);
    kw_plan_guessing(&plan->config.identity.throttle, &config->guessing);
    plan->config.passwords = kw_config_password_rules(config);
    plan_limits(&plan->config, &config->limits);
}

/* --- parts ------------------------------------------------------------------------------------------------------------------- */

/* An application that nobody can reach is a mistake in its configuration. */
static int check_policies(const kw_host *host, const char *key_file)
{
    const kw_config_security *security = &host->directory.config->security;
    const kw_private_key *key = host->identity.key;
    for (unsigned i = 0; i < security->policies_count; i++) {
        const kw_security_policy *policy = kw_security_policy_by_name(kw_string_from(security->policies[i]));
        if (kw_security_policy_takes_key(policy, kw_private_key_type(key), kw_private_key_bits(key))) {
            return -1;
        }
    }
    return security->policies_count == 0 ? -1
                                         : kw_fail(KW_BAD_CERTIFICATE_POLICY_CHECK_FAILED,
                                                   "%s fits none of security.policies; docs/security-policies.md says which key goes with "
                                                   "which of them",
                                                   key_file);
}

static int load_identity(kw_host *host)
{
    const kw_directory *d = &host->directory;
    const bool is_authority = host->kind == KW_HOST_AUTHORITY;
    char *certificate = kw_config_path(d->config_file, is_authority ? d->config->authority.certificate : d->config->server.certificate);
    char *key = kw_config_path(d->config_file, is_authority ? d->config->authority.key : d->config->server.key);
    int code = kw_application_identity_load(certificate, key, &host->identity);
    const char *uri = is_authority ? d->config->authority.uri : d->config->server.uri;
    if (code < 0 && !kw_string_equals(kw_certificate_application_uri(host->identity.certificate), uri)) {
        code = kw_fail(KW_BAD_CERTIFICATE_URI_INVALID, "%s: the ApplicationUri in it is not %s; make a new one with `keyway cert create`",
                       certificate, uri);
    }
    code = code < 0 ? check_policies(host, key) : code;
    free(certificate);
    free(key);
    return code;
}

static uint32_t refresh_lifetime(const kw_config_authority *config)
{
    const uint32_t given = config->refresh_lifetime != 0 ? config->refresh_lifetime : REFRESH_LIFETIME_S;
    return config->disable_refresh_tokens ? 0 : given;
}

/* What is wrong with the keys is said now, and not to the first one who asks for a token. */
static int prepare_keys(kw_host *host)
{
    int code = kw_own_keys_init(&host->directory, &host->keys);
    code = code < 0 ? kw_own_keys_check(&host->keys) : code;
    if (code >= 0) {
        return code;
    }
    const kw_status status = kw_key_ring_look_after(&host->keys.ring);
    return kw_status_is_bad(status) ? kw_fail(status, "the signing keys could not be looked after") : -1;
}

static int start_authority(kw_host *host)
{
    const int code = prepare_keys(host);
    if (code >= 0) {
        return code;
    }
    const kw_config_authority *config = &host->directory.config->authority;
    kw_string requestors[STRINGS_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < config->requestors_count && i < STRINGS_MAX; i++) {
        requestors[count++] = kw_string_from(config->requestors[i]);
    }
    const kw_authority_config how = {.service_uri = kw_string_from(config->service_uri),
                                     .token_lifetime_s = config->token_lifetime,
                                     .refresh_lifetime_s = refresh_lifetime(config),
                                     .requestors = requestors,
                                     .requests = kw_config_rate(config->request_rate, config->request_burst),
                                     .keys = &host->keys.ring,
                                     .require_signed_secrets = config->require_signed_secrets,
                                     .requestor_count = count};
    const kw_status status = kw_authority_new(&how, host->server, &host->env, &host->authority);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the Authorization Service could not be set up");
    }
    return kw_service_plan_open(&host->directory, &host->providers, &how, host->server, &host->env, &host->services);
}

static int load_translations(kw_host *host)
{
    const kw_directory *d = &host->directory;
    if (d->config->application.translations == NULL) {
        return -1;
    }
    char *file = kw_config_path(d->config_file, d->config->application.translations);
    const int code = kw_translations_load(kw_server_space(host->server), file);
    free(file);
    return code;
}

static int start_server(kw_host *host)
{
    server_plan plan;
    plan_server(&plan, host);
    kw_status status = kw_server_new(&plan.config, &host->env, &host->server);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the Server could not be set up");
    }
    const int code = load_translations(host);
    if (code >= 0) {
        return code;
    }
    if (host->kind == KW_HOST_AUTHORITY) {
        return start_authority(host);
    }
    if (host->directory.config->server.sample_machine) {
        status = kw_machine_new(kw_server_space(host->server), host->env.clock, &host->machine);
    }
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the sample machine could not be set up");
    }
    const int loaded = kw_nodesets_load(host->server, &host->directory, host->nodesets, &host->log);
    return loaded >= 0
               ? loaded
               : kw_access_apply(host->directory.config_file, host->directory.config, host->directory.store, kw_server_space(host->server));
}

static int listen_on(kw_host *host, kw_runtime *runtime)
{
    static const char *const HERE[] = {"127.0.0.1", "::1"};
    const kw_config *config = host->directory.config;
    const bool given = config->application.listen_count > 0;
    const uint16_t port = host->kind == KW_HOST_AUTHORITY ? config->authority.port : config->server.port;
    uint16_t bound = 0;
    const char *why = "";
    kw_status status = kw_runtime_listen(runtime, host->server, given ? (const char *const *)config->application.listen : HERE,
                                         given ? config->application.listen_count : 2, port, &bound, &why);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "port %u: %s; choose another one in %s", port, why, host->directory.config_file);
    }
    kw_server_set_port(host->server, bound);
    if (host->authority != NULL) {
        status = kw_authority_publish_url(host->authority, kw_server_url(host->server));
    }
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the store could not be written");
    }
    const int code = host->authority != NULL ? kw_service_plan_publish(&host->directory, &host->services, kw_server_url(host->server)) : -1;
    return code < 0 && host->authority != NULL && config->https != NULL ? kw_https_start(host) : code;
}

/* Beside those of the store; NULL: there are none. */
static const kw_user_directory *users_of(const kw_host *host)
{
    if (host->providers.users != NULL) {
        return kw_provider_users_directory(host->providers.users);
    }
    return host->users.ldap != NULL ? kw_ldap_directory(host->users.ldap) : NULL;
}

int kw_host_start(kw_host *host, kw_host_kind kind, const char *config_file, const kw_option_list *nodesets, kw_log_level quietest,
                  kw_runtime *runtime)
{
    *host = (kw_host){.kind = kind, .runtime = runtime, .nodesets = nodesets};
    int code = kw_directory_open_config(config_file, &host->directory);
    if (code >= 0) {
        return code;
    }
    host->log = KW_LOG_STDERR;
    host->log.level = level_of(host->directory.config) > quietest ? level_of(host->directory.config) : quietest;
    code = load_identity(host);
    code = code < 0 ? kw_directory_trust(&host->directory, false, &host->trust) : code;
    code = code < 0 ? kw_directory_trust(&host->directory, true, &host->user_trust) : code;
    code = code < 0 ? kw_ldap_plan_open(&host->directory, &host->log, &host->users) : code;
    code = code < 0 ? kw_provider_plans_open(&host->directory, &host->log, &host->providers) : code;
    if (code < 0) {
        host->fetch = kw_http_fetch(&KW_HTTP_RULES_DEFAULT);
        host->env = (kw_server_env){.clock = &KW_CLOCK_SYSTEM,
                                    .random = &KW_RANDOM_SYSTEM,
                                    .executor = kw_runtime_executor(runtime),
                                    .log = &host->log,
                                    .timers = kw_runtime_timers(runtime),
                                    .identity = &host->identity,
                                    .trust = host->trust,
                                    .user_trust = host->user_trust,
                                    .fetch = &host->fetch,
                                    .directory = users_of(host),
                                    .store = host->directory.store};
        code = start_server(host);
    }
    code = code < 0 ? listen_on(host, runtime) : code;
    code = code < 0 ? kw_monitor_start(host) : code;
    if (code >= 0) {
        kw_host_clear(host);
    }
    return code;
}

void kw_host_clear(kw_host *host)
{
    kw_monitor_end(host);
    kw_https_end(host);
    kw_service_plan_close(&host->services);
    kw_authority_free(host->authority);
    if (host->server != NULL) {
        kw_server_free(host->server);
    }
    kw_ldap_plan_close(&host->users);
    kw_provider_plans_close(&host->providers);
    kw_own_keys_clear(&host->keys);
    kw_machine_free(host->machine);
    kw_trust_list_close(host->trust);
    kw_trust_list_close(host->user_trust);
    kw_application_identity_clear(&host->identity);
    kw_directory_close(&host->directory);
    *host = (kw_host){.kind = host->kind};
}
