/* A device: its Server, its loop, its thread. */
#include "base/try.h"
#include "device/device_internal.h"
#include "http/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_ARENA ((size_t)256 << 20)
#define MAX_JOBS 512
#define GRACE_MS 5000
#define ENDPOINTS_MAX 32
#define HOSTS_MAX 32

static _Thread_local char new_error[512];

kw_status kw_device_fail(kw_device *device, kw_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(device->error, sizeof(device->error), format, arguments);
    va_end(arguments);
    return status;
}

const char *kw_device_error(const kw_device *device)
{
    return device != NULL ? device->error : new_error;
}

/* --- making ------------------------------------------------------------------------------------------------------------------------ */

typedef struct device_plan {
    kw_server_config config;
    kw_server_endpoint endpoints[ENDPOINTS_MAX];
    kw_string hosts[HOSTS_MAX];
} device_plan;

static kw_status plan_policy(kw_device *device, device_plan *plan, const kw_device_config *config, const char *name)
{
    const kw_security_policy *policy = kw_security_policy_by_name(kw_string_from(name));
    if (policy == NULL || policy->is_none) {
        return kw_device_fail(device, KW_BAD_CONFIGURATION_ERROR, "%s is no SecurityPolicy that can be offered", name);
    }
    if (plan->config.endpoint_count + 3 > ENDPOINTS_MAX) {
        return kw_device_fail(device, KW_BAD_CONFIGURATION_ERROR, "too many SecurityPolicies");
    }
    plan->endpoints[plan->config.endpoint_count++] = (kw_server_endpoint){policy, KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT};
    if (config->allow_sign) {
        plan->endpoints[plan->config.endpoint_count++] = (kw_server_endpoint){policy, KW_MESSAGE_SECURITY_MODE_SIGN};
    }
    return KW_GOOD;
}

static kw_status plan_endpoints(kw_device *device, device_plan *plan, const kw_device_config *config)
{
    static const char *const DEFAULTS[] = {"Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep", "Basic256Sha256", NULL};
    const char *const *policies = config->policies != NULL ? config->policies : DEFAULTS;
    for (size_t i = 0; policies[i] != NULL; i++) {
        KW_TRY(plan_policy(device, plan, config, policies[i]));
    }
    if (config->allow_none) {
        plan->endpoints[plan->config.endpoint_count++] = (kw_server_endpoint){&KW_POLICY_NONE, KW_MESSAGE_SECURITY_MODE_NONE};
    }
    plan->config.endpoints = plan->endpoints;
    return KW_GOOD;
}

static void plan_hosts(device_plan *plan, const kw_device_config *config)
{
    for (size_t i = 0; config->hosts != NULL && config->hosts[i] != NULL && i < HOSTS_MAX; i++) {
        plan->hosts[plan->config.host_count++] = kw_string_from(config->hosts[i]);
    }
    if (plan->config.host_count == 0) {
        plan->hosts[plan->config.host_count++] = KW_STRING("localhost");
    }
    plan->config.hosts = plan->hosts;
}

static kw_status plan_server(kw_device *device, device_plan *plan, const kw_device_config *config)
{
    *plan = (device_plan){.config = {.host_count = 0}};
    kw_server_config_defaults(&plan->config);
    plan->config.host_count = plan->config.endpoint_count = 0;
    plan->config.application_uri = kw_certificate_application_uri(device->identity.certificate);
    plan->config.application_name = kw_string_from(config->application_name != NULL ? config->application_name : "Keyway");
    plan->config.product_uri = KW_STRING("urn:keyway");
    plan->config.port = config->port;
    plan->config.identity.allow_anonymous = config->allow_anonymous;
    plan->config.identity.allow_x509 = true;
    if (config->max_sessions != 0) {
        plan->config.session_limits.max_sessions = config->max_sessions;
    }
    plan_hosts(plan, config);
    return plan_endpoints(device, plan, config);
}

static kw_status make_server(kw_device *device, const kw_device_config *config)
{
    device_plan plan;
    KW_TRY(plan_server(device, &plan, config));
    device->fetch = kw_http_fetch(&KW_HTTP_RULES_DEFAULT);
    const kw_server_env env = {.clock = &KW_CLOCK_SYSTEM,
                               .random = &KW_RANDOM_SYSTEM,
                               .executor = kw_runtime_executor(device->runtime),
                               .log = &device->log,
                               .timers = kw_runtime_timers(device->runtime),
                               .identity = &device->identity,
                               .trust = device->trust,
                               .user_trust = device->user_trust,
                               .fetch = &device->fetch,
                               .store = device->store};
    const kw_status status = kw_server_new(&plan.config, &env, &device->server);
    return kw_status_is_bad(status) ? kw_device_fail(device, status, "the Server could not be set up") : KW_GOOD;
}

/* Where it is to listen, for later. */
static kw_status keep_addresses(kw_device *device, const kw_device_config *config)
{
    static const char *const HERE[] = {"127.0.0.1", "::1", NULL};
    const char *const *given = config->listen != NULL ? config->listen : HERE;
    size_t count = 0;
    while (given[count] != NULL) {
        count++;
    }
    const char **copy = KW_ARENA_ARRAY(device->arena, const char *, count);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = kw_arena_cstring(device->arena, kw_string_from(given[i]));
    }
    device->listen_count = count;
    device->listen = copy;
    device->port = config->port;
    device->announces = config->announce;
    return copy != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status make(kw_device *device, const kw_device_config *config)
{
    KW_TRY(keep_addresses(device, config));
    KW_TRY(kw_device_open_files(device, config));
    KW_TRY(kw_runtime_new(&device->log, MAX_JOBS, &device->runtime));
    return make_server(device, config);
}

kw_status kw_device_new(const kw_device_config *config, kw_device **out)
{
    kw_device *device = calloc(1, sizeof(*device));
    if (device == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    device->log = config->quiet ? KW_LOG_QUIET : KW_LOG_STDERR;
    device->arena = kw_arena_new(DEVICE_ARENA);
    atomic_init(&device->is_over, false);
    const kw_status status = device->arena != NULL ? make(device, config) : KW_BAD_OUT_OF_MEMORY;
    if (kw_status_is_bad(status)) {
        snprintf(new_error, sizeof(new_error), "%s", device->error[0] != '\0' ? device->error : "out of memory");
        kw_device_free(device);
        return status;
    }
    *out = device;
    return KW_GOOD;
}

void kw_device_free(kw_device *device)
{
    if (device == NULL) {
        return;
    }
    kw_device_stop(device);
    if (device->runtime != NULL) {
        kw_runtime_read_mail(device->runtime); /* posts that came too late let go of what they hold */
    }
    if (device->server != NULL) {
        kw_server_free(device->server);
    }
    kw_runtime_free(device->runtime);
    kw_device_close_files(device);
    for (kw_device_thing *thing = device->things, *next; thing != NULL; thing = next) {
        next = thing->next;
        free(thing);
    }
    kw_arena_free(device->arena);
    free(device);
}

/* --- running ------------------------------------------------------------------------------------------------------------------------ */

static kw_status listen_now(kw_device *device)
{
    uint16_t bound = 0;
    const char *why = "";
    if (device->is_listening) {
        return kw_device_fail(device, KW_BAD_INVALID_STATE, "a device runs once; make a new one");
    }
    const kw_status status =
        kw_runtime_listen(device->runtime, device->server, device->listen, device->listen_count, device->port, &bound, &why);
    if (kw_status_is_bad(status)) {
        return kw_device_fail(device, status, "port %u: %s", device->port, why);
    }
    device->is_listening = true;
    kw_server_set_port(device->server, bound);
    if (device->announces) {
        printf("ready %s\n", kw_device_url(device));
        fflush(stdout);
    }
    return KW_GOOD;
}

static kw_status be_the_loop(kw_device *device)
{
    const kw_status status = kw_runtime_run(device->runtime, GRACE_MS);
    atomic_store(&device->is_over, true);
    return status;
}

kw_status kw_device_run(kw_device *device)
{
    KW_TRY(listen_now(device));
    kw_runtime_take_signals(device->runtime, &(kw_runtime_signals){.ctx = device});
    return be_the_loop(device);
}

static void *run_thread(void *ctx)
{
    (void)be_the_loop(ctx);
    return NULL;
}

kw_status kw_device_start(kw_device *device)
{
    KW_TRY(listen_now(device));
    if (pthread_create(&device->thread, NULL, run_thread, device) != 0) {
        return kw_device_fail(device, KW_BAD_OUT_OF_MEMORY, "no thread could be made");
    }
    device->has_thread = true;
    return KW_GOOD;
}

void kw_device_stop(kw_device *device)
{
    if (!device->is_listening || atomic_load(&device->is_over)) {
        if (device->has_thread) {
            pthread_join(device->thread, NULL);
            device->has_thread = false;
        }
        return;
    }
    kw_runtime_stop(device->runtime);
    if (device->has_thread) {
        pthread_join(device->thread, NULL);
        device->has_thread = false;
    }
}

const char *kw_device_url(const kw_device *device)
{
    const kw_string url = kw_server_url(device->server);
    snprintf(((kw_device *)device)->url, sizeof(device->url), "%.*s", KW_STRING_ARGS(url));
    return device->url;
}

/* --- from other threads -------------------------------------------------------------------------------------------------------------- */

typedef struct device_post {
    kw_job job;
    kw_device *device;
    void (*run)(kw_device *device, void *ctx);
    void *ctx;
} device_post;

static void run_post(kw_job *job)
{
    device_post *post = (device_post *)job;
    post->run(post->device, post->ctx);
    free(post);
}

bool kw_device_post(kw_device *device, void (*run)(kw_device *device, void *ctx), void *ctx)
{
    device_post *post = !atomic_load(&device->is_over) ? calloc(1, sizeof(*post)) : NULL;
    if (post == NULL) {
        return false;
    }
    *post = (device_post){.job.run = run_post, .device = device, .run = run, .ctx = ctx};
    const kw_mailbox *mailbox = kw_runtime_mailbox(device->runtime);
    mailbox->post(mailbox->ctx, &post->job);
    return true;
}

/* --- events --------------------------------------------------------------------------------------------------------------------------- */

#define BASE_EVENT_TYPE 2041u
#define SERVER_OBJECT 2253u
#define USUAL_SEVERITY 100u

kw_status kw_device_raise(kw_device *device, const kw_device_event *event)
{
    kw_event raised = {.type = BASE_EVENT_TYPE,
                       .source_node = kw_node_id_is_null(&event->source) ? KW_NODE_ID(0, SERVER_OBJECT) : event->source,
                       .source_name = kw_string_from(event->source_name != NULL ? event->source_name : "Server"),
                       .time = kw_clock_utc(&KW_CLOCK_SYSTEM),
                       .message = kw_string_from(event->message),
                       .severity = event->severity != 0 ? event->severity : USUAL_SEVERITY};
    if (event->message == NULL || raised.severity > 1000) {
        return kw_device_fail(device, KW_BAD_INVALID_ARGUMENT, "an event needs a message, and a severity of 1 to 1000");
    }
    KW_TRY(kw_random_fill(&KW_RANDOM_SYSTEM, raised.id, sizeof(raised.id)));
    kw_space_raise(kw_server_space(device->server), &raised);
    return KW_GOOD;
}
