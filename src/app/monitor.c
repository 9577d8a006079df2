#include "app/monitor.h"

#include "app/output.h"
#include "base/metric_text.h"
#include "server/metrics.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)1 << 20)
#define MAX_CONNECTIONS 20
#define IDLE_TIMEOUT_S 10

bool kw_monitor_parse(const char *text, char *address, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    const bool has_brackets = text[0] == '[' && colon != NULL && colon > text + 1 && colon[-1] == ']';
    const char *start = has_brackets ? text + 1 : text;
    const size_t len = colon != NULL ? (size_t)(colon - start) - (has_brackets ? 1 : 0) : 0;
    struct in6_addr binary;
    char *end = NULL;
    if (len == 0 || len >= KW_MONITOR_ADDRESS_MAX || colon[1] < '0' || colon[1] > '9') {
        return false;
    }
    memcpy(address, start, len);
    address[len] = '\0';
    const unsigned long number = strtoul(colon + 1, &end, 10);
    *port = (uint16_t)number;
    return *end == '\0' && number <= UINT16_MAX && inet_pton(has_brackets ? AF_INET6 : AF_INET, address, &binary) == 1;
}

/* --- the process ----------------------------------------------------------------------------------------------------------- */

static double resident_bytes(void)
{
    unsigned long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL) {
        if (fscanf(file, "%lu %lu", &size, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double seconds(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static void put_process(const kw_host *host, kw_writer *w)
{
    static const char INFO[] = "keyway_build_info";
    struct rusage usage;
    kw_metric_begin(w, INFO, "gauge", "Which version runs.");
    kw_metric_value(w, INFO, &(kw_metric_label){"version", KW_VERSION}, 1, 1);
    kw_metric_one(w, "keyway_process_start_time_seconds", "gauge", "When it began to listen, in seconds since 1970.",
                  (double)host->started);
    kw_metric_one(w, "keyway_process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        kw_metric_one(w, "keyway_process_cpu_seconds_total", "counter", "CPU time, of the process and of the system for it.",
                      seconds(&usage.ru_utime) + seconds(&usage.ru_stime));
    }
}

/* --- answers ----------------------------------------------------------------------------------------------------------------- */

static void answer_metrics(const kw_host *host, kw_http_exchange *exchange)
{
    kw_writer w;
    kw_writer_init(&w, TEXT_MAX);
    kw_server_metrics(host->server, &w);
    kw_runtime_metrics(host->runtime, &w);
    put_process(host, &w);
    const bool is_whole = !kw_status_is_bad(kw_writer_status(&w));
    kw_http_respond(exchange, &(kw_http_response){.status = is_whole ? 200 : 503,
                                                  .content_type = is_whole ? KW_METRIC_CONTENT_TYPE : NULL,
                                                  .body = is_whole ? kw_writer_bytes(&w) : KW_BYTES_NULL});
    kw_writer_clear(&w);
}

static void answer_health(const kw_host *host, kw_http_exchange *exchange)
{
    static const struct {
        int status;
        const char *text;
    } ANSWERS[] = {[KW_HEALTH_OK] = {200, "{\"state\":\"ok\"}\n"},
                   [KW_HEALTH_STOPPING] = {503, "{\"state\":\"stopping\"}\n"},
                   [KW_HEALTH_NO_STORE] = {503, "{\"state\":\"store unavailable\"}\n"}};
    const kw_server_health health = kw_server_health_of(host->server);
    kw_http_respond(exchange, &(kw_http_response){.status = ANSWERS[health].status,
                                                  .content_type = "application/json",
                                                  .body = kw_string_from(ANSWERS[health].text)});
}

static void handle(void *ctx, kw_http_exchange *exchange)
{
    const kw_host *host = ctx;
    const kw_http_request *request = kw_http_request_of(exchange);
    const bool is_health = kw_string_equals(request->path, "/healthz"), is_metrics = kw_string_equals(request->path, "/metrics");
    const bool is_get = kw_string_equals(request->method, "GET");
    if (!is_get || (!is_health && !is_metrics)) {
        kw_http_respond(exchange, &(kw_http_response){.status = is_health || is_metrics ? 405 : 404});
    } else if (is_health) {
        answer_health(host, exchange);
    } else {
        answer_metrics(host, exchange);
    }
}

/* --- life -------------------------------------------------------------------------------------------------------------------- */

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

int kw_monitor_start(kw_host *host)
{
    const char *text = host->directory.config->metrics_listen;
    char address[KW_MONITOR_ADDRESS_MAX] = "";
    const char *const addresses[] = {address};
    const char *why = "";
    uint16_t port = 0;
    if (text == NULL || !kw_monitor_parse(text, address, &port)) { /* that it can be read was checked with the rest */
        return -1;
    }
    host->started = kw_datetime_to_unix(kw_clock_utc(host->env.clock));
    const kw_http_server_config how = {.addresses = addresses,
                                       .address_count = 1,
                                       .port = port,
                                       .identity = is_loopback(address) ? NULL : &host->identity,
                                       .max_connections = MAX_CONNECTIONS,
                                       .idle_timeout_s = IDLE_TIMEOUT_S,
                                       .mailbox = kw_runtime_mailbox(host->runtime),
                                       .handle = handle,
                                       .ctx = host,
                                       .log = &host->log};
    const kw_status status = kw_http_server_new(&how, &host->monitor, &port, &why);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "metrics_listen: %s: %s", text, why);
    }
    KW_LOG(&host->log, KW_LOG_INFO, "metrics", kw_field_text("address", address), kw_field_int("port", port));
    return -1;
}

/* Requests that are on their way to the loop are still answered. */
void kw_monitor_end(kw_host *host)
{
    if (host->monitor != NULL) {
        kw_http_server_stop(host->monitor);
        kw_runtime_read_mail(host->runtime);
        kw_http_server_free(host->monitor);
        host->monitor = NULL;
    }
}
