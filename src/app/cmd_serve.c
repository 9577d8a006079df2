/* keyway serve, keyway authority: run until told to stop. */
#include "app/access_rules.h"
#include "app/host.h"
#include "app/https.h"
#include "app/options.h"
#include "app/output.h"
#include "server/notify.h"

#include <stdio.h>

#define MAX_JOBS 512
#define GRACE_MS 5000

typedef struct running {
    kw_host host;
    kw_notify notify;
} running;

/* What is wrong stands on stderr, and everything stays as it was. */
static void reload_access(const kw_host *host)
{
    const kw_directory *d = &host->directory;
    kw_config *config = kw_config_load(d->config_file);
    if (config == NULL || kw_access_apply(d->config_file, config, d->store, kw_server_space(host->server)) >= 0) {
        KW_LOG(&host->log, KW_LOG_WARN, "the rules of access stay as they were", kw_field_text("file", d->config_file));
    }
    kw_config_free(config);
}

/* SIGHUP: trust, certificates and rules of access may have changed; everything else is read from the store as it is needed. */
static void on_hangup(void *ctx)
{
    running *r = ctx;
    kw_notify_reloading(&r->notify);
    KW_LOG(&r->host.log, KW_LOG_INFO, "reload", kw_field_text("reason", "SIGHUP"));
    kw_server_recheck_trust(r->host.server);
    kw_https_reload(&r->host);
    if (r->host.kind == KW_HOST_SERVER) {
        reload_access(&r->host);
    }
    kw_notify_ready(&r->notify);
}

static void on_stopping(void *ctx)
{
    running *r = ctx;
    kw_notify_stopping(&r->notify);
}

/* What whoever started it waits for: on stdout, and to a service manager. */
static void announce(running *r, bool json)
{
    const kw_host *host = &r->host;
    if (json) {
        kw_print_json(json_pack("{s:o,s:o*}", "ready", kw_json_string(kw_server_url(host->server)), "issuer",
                                host->issuer.len > 0 ? kw_json_string(host->issuer) : NULL));
    } else {
        printf("ready %.*s\n", KW_STRING_ARGS(kw_server_url(host->server)));
        if (host->issuer.len > 0) {
            printf("issuer %.*s\n", KW_STRING_ARGS(host->issuer));
        }
    }
    fflush(stdout);
    kw_notify_ready(&r->notify);
}

static int run(kw_host_kind kind, const char *config_file, const kw_option_list *nodesets, bool json)
{
    kw_runtime *runtime = NULL;
    running r;
    kw_status status = kw_runtime_new(&KW_LOG_STDERR, MAX_JOBS, &runtime);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the event loop could not be set up");
    }
    const int code = kw_host_start(&r.host, kind, config_file, nodesets, KW_LOG_DEBUG, runtime);
    if (code >= 0) {
        kw_runtime_free(runtime);
        return code;
    }
    kw_notify_init_from_environment(&r.notify, kw_runtime_timers(runtime), &KW_CLOCK_SYSTEM);
    kw_runtime_take_signals(runtime, &(kw_runtime_signals){.hangup = on_hangup, .stopping = on_stopping, .ctx = &r});
    announce(&r, json);
    status = kw_runtime_run(runtime, GRACE_MS);
    kw_notify_clear(&r.notify);
    kw_host_clear(&r.host);
    kw_runtime_free(runtime);
    return kw_status_is_bad(status) ? kw_fail(status, "the event loop failed") : KW_EXIT_DONE;
}

static int parse_and_run(const kw_command *self, int argc, char **argv, kw_host_kind kind)
{
    const char *file = NULL;
    kw_option_list words, nodesets = {.count = 0};
    bool json = false;
    const kw_option table[] = {{"config", 'c', KW_OPTION_TEXT, &file, 0, 0},
                               {"json", 0, KW_OPTION_FLAG, &json, 0, 0},
                               {"nodeset", 0, KW_OPTION_LIST, &nodesets, 0, 0}};
    const size_t count = kind == KW_HOST_SERVER ? 3 : 2; /* an Authorization Service has its own model alone */
    const int code = kw_options_parse(self, argc, argv, table, count, false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 0, 0)) {
        return KW_EXIT_USAGE;
    }
    return file != NULL ? run(kind, file, &nodesets, json) : kw_usage_error(self, "-c FILE is missing");
}

int kw_cmd_serve(const kw_command *self, int argc, char **argv)
{
    return parse_and_run(self, argc, argv, KW_HOST_SERVER);
}

int kw_cmd_authority(const kw_command *self, int argc, char **argv)
{
    return parse_and_run(self, argc, argv, KW_HOST_AUTHORITY);
}
