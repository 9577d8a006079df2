/*
 * Sessions and reads per second against any OPC UA endpoint, over the wire, as JSON.
 *
 *   bench_sessions URL [--threads N] [--seconds N] [--values N] [--node NODEID] [--policy NAME] [--mode sign|encrypt]
 *                      [--cert F --key F --trust DIR | --insecure-trust-any] [--user NAME --password-file F] [--token-file F]
 *
 * A Session here is all that a new user costs: discovery, connection, SecureChannel, CreateSession, ActivateSession, CloseSession.
 * Each thread is a Client of its own that waits for each answer, so percentiles are those of a caller, not of a pipeline.
 */
#include "base/clock.h"
#include "base/secret.h"
#include "ua/text.h"

#include <keyway/client.h>

#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 64
#define SAMPLES_MAX ((size_t)1 << 20)
#define VALUES_MAX 10000

typedef struct plan {
    const char *url, *node;
    kw_client_config client;
    kw_client_identity identity;
    kw_secret password, token; /* what identity borrows */
    unsigned threads, seconds, values;
} plan;

typedef struct worker {
    pthread_t thread;
    const plan *plan;
    double *samples; /* seconds of each operation */
    size_t count;
    kw_status failure;
    char why[256];
} worker;

static atomic_bool is_over;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void note(worker *w, double seconds)
{
    if (w->count < SAMPLES_MAX) {
        w->samples[w->count++] = seconds;
    }
}

static kw_client *open_session(worker *w)
{
    kw_client *client = NULL;
    const char *why = "";
    kw_status status = kw_client_new(&w->plan->client, &client, &why);
    if (!kw_status_is_bad(status)) {
        status = kw_client_connect(client, w->plan->url);
        status = kw_status_is_bad(status) ? status : kw_client_activate(client, &w->plan->identity);
        why = kw_client_error(client);
    }
    if (kw_status_is_bad(status)) {
        w->failure = status;
        snprintf(w->why, sizeof(w->why), "%s", why);
        kw_client_free(client);
        return NULL;
    }
    return client;
}

static void *run_sessions(void *ctx)
{
    worker *w = ctx;
    while (!atomic_load(&is_over)) {
        const double start = now_s();
        kw_client *client = open_session(w);
        if (client == NULL) {
            return NULL;
        }
        kw_client_free(client);
        note(w, now_s() - start);
    }
    return NULL;
}

static kw_status read_once(kw_client *client, const kw_node_id *node, unsigned values, kw_arena *arena)
{
    static _Thread_local kw_read_value_id what[VALUES_MAX];
    for (unsigned i = 0; i < values; i++) {
        what[i] = (kw_read_value_id){.node_id = *node, .attribute_id = 13};
    }
    kw_read_request request = {
        .timestamps_to_return = KW_TIMESTAMPS_TO_RETURN_NEITHER, .nodes_to_read = what, .nodes_to_read_count = values};
    kw_read_response *response = NULL;
    const kw_status status = kw_client_service(client, KW_TYPE_READ_REQUEST, &request, KW_TYPE_READ_RESPONSE, arena, (void **)&response);
    if (kw_status_is_bad(status)) {
        return status;
    }
    return response->results_count == values ? KW_GOOD : KW_BAD_UNKNOWN_RESPONSE;
}

static void *run_reads(void *ctx)
{
    worker *w = ctx;
    kw_node_id node;
    kw_arena *text = kw_arena_new(1 << 16), *arena = kw_arena_new((size_t)256 << 20);
    kw_client *client = text != NULL && arena != NULL ? open_session(w) : NULL;
    if (client != NULL && !kw_status_is_bad(kw_node_id_parse(kw_string_from(w->plan->node), text, &node))) {
        while (!atomic_load(&is_over) && !kw_status_is_bad(w->failure)) {
            const double start = now_s();
            w->failure = read_once(client, &node, w->plan->values, arena);
            note(w, now_s() - start);
            kw_arena_reset(arena);
        }
    }
    kw_client_free(client);
    kw_arena_free(arena);
    kw_arena_free(text);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static json_t *percentiles(const worker *workers, unsigned threads, size_t total)
{
    static const double WANTED[] = {50, 90, 99, 99.9};
    static const char *const NAMES[] = {"p50", "p90", "p99", "p99.9"};
    double *all = malloc((total > 0 ? total : 1) * sizeof(double));
    json_t *object = json_object();
    size_t used = 0;
    for (unsigned i = 0; all != NULL && i < threads; i++) {
        memcpy(all + used, workers[i].samples, workers[i].count * sizeof(double));
        used += workers[i].count;
    }
    if (used > 0) {
        qsort(all, used, sizeof(double), by_value);
        for (size_t i = 0; i < sizeof(WANTED) / sizeof(WANTED[0]); i++) {
            json_object_set_new(object, NAMES[i], json_real(1e3 * all[(size_t)((double)(used - 1) * WANTED[i] / 100)]));
        }
        json_object_set_new(object, "max", json_real(1e3 * all[used - 1]));
    }
    free(all);
    return object;
}

/* One phase: all threads until the time is over. */
static json_t *measure(const plan *p, void *(*run)(void *), const char *rate_name, double *rate)
{
    static worker workers[THREADS_MAX];
    size_t total = 0;
    atomic_store(&is_over, false);
    const double start = now_s();
    for (unsigned i = 0; i < p->threads; i++) {
        workers[i] = (worker){.plan = p, .samples = malloc(SAMPLES_MAX * sizeof(double))};
        if (workers[i].samples == NULL || pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0) {
            fprintf(stderr, "bench: out of resources\n");
            exit(1);
        }
    }
    const struct timespec pause = {.tv_sec = (time_t)p->seconds};
    nanosleep(&pause, NULL);
    atomic_store(&is_over, true);
    const char *why = NULL;
    kw_status failure = KW_GOOD;
    for (unsigned i = 0; i < p->threads; i++) {
        pthread_join(workers[i].thread, NULL);
        total += workers[i].count;
        if (kw_status_is_bad(workers[i].failure)) {
            failure = workers[i].failure;
            why = workers[i].why;
        }
    }
    *rate = (double)total / (now_s() - start);
    json_t *result = json_pack("{s:f,s:I,s:o}", rate_name, *rate, "operations", (json_int_t)total, "latency_ms",
                               percentiles(workers, p->threads, total));
    if (kw_status_is_bad(failure)) {
        json_object_set_new(result, "failure", json_string(kw_status_name(failure)));
        json_object_set_new(result, "reason", json_string(why));
    }
    for (unsigned i = 0; i < p->threads; i++) {
        free(workers[i].samples);
    }
    return result;
}

static kw_bytes first_line(const char *file, kw_secret *out)
{
    char text[65536];
    FILE *f = fopen(file, "r");
    if (f == NULL || fgets(text, sizeof(text), f) == NULL) {
        fprintf(stderr, "bench: %s cannot be read\n", file);
        exit(2);
    }
    fclose(f);
    kw_secret_clear(out);
    if (kw_status_is_bad(kw_secret_copy(out, (kw_bytes){(const uint8_t *)text, strcspn(text, "\r\n")}))) {
        exit(2);
    }
    kw_wipe(text, sizeof(text));
    return kw_secret_bytes(out);
}

static unsigned number(const char *text, unsigned max)
{
    const unsigned long value = strtoul(text, NULL, 10);
    return value < 1 ? 1 : value > max ? max : (unsigned)value;
}

static void parse(int argc, char **argv, plan *p)
{
    static const struct option OPTIONS[] = {{"threads", 1, NULL, 't'},
                                            {"seconds", 1, NULL, 's'},
                                            {"values", 1, NULL, 'v'},
                                            {"node", 1, NULL, 'n'},
                                            {"policy", 1, NULL, 'p'},
                                            {"mode", 1, NULL, 'm'},
                                            {"cert", 1, NULL, 'c'},
                                            {"key", 1, NULL, 'k'},
                                            {"trust", 1, NULL, 'T'},
                                            {"user", 1, NULL, 'u'},
                                            {"password-file", 1, NULL, 'P'},
                                            {"token-file", 1, NULL, 'j'},
                                            {"insecure-trust-any", 0, NULL, 'i'},
                                            {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        switch (c) {
        case 't':
            p->threads = number(optarg, THREADS_MAX);
            break;
        case 's':
            p->seconds = number(optarg, 3600);
            break;
        case 'v':
            p->values = number(optarg, VALUES_MAX);
            break;
        case 'n':
            p->node = optarg;
            break;
        case 'p':
            p->client.policy = optarg;
            break;
        case 'm':
            p->client.mode = strcmp(optarg, "sign") == 0 ? KW_MESSAGE_SECURITY_MODE_SIGN : KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT;
            break;
        case 'c':
            p->client.certificate_file = optarg;
            break;
        case 'k':
            p->client.key_file = optarg;
            break;
        case 'T':
            p->client.trust_directory = optarg;
            break;
        case 'i':
            p->client.trust_any = true;
            break;
        case 'u':
            p->identity.kind = KW_USER_TOKEN_TYPE_USER_NAME;
            p->identity.user_name = kw_string_from(optarg);
            break;
        case 'P':
            p->identity.password = first_line(optarg, &p->password);
            break;
        case 'j':
            p->identity.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN;
            p->identity.token = first_line(optarg, &p->token);
            break;
        default:
            exit(2);
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "usage: bench_sessions URL [options]; the head of bench/sessions.c lists them\n");
        exit(2);
    }
    p->url = argv[optind];
}

int main(int argc, char **argv)
{
    plan p = {.node = "i=2258", .threads = 4, .seconds = 5, .values = 1, .identity = {.kind = KW_USER_TOKEN_TYPE_ANONYMOUS}};
    double sessions = 0, requests = 0;
    parse(argc, argv, &p);
    json_t *opened = measure(&p, run_sessions, "sessions_per_s", &sessions);
    json_t *reads = measure(&p, run_reads, "requests_per_s", &requests);
    json_object_set_new(reads, "values_per_s", json_real(requests * p.values));
    const bool failed = json_object_get(opened, "failure") != NULL || json_object_get(reads, "failure") != NULL;
    json_t *all = json_pack("{s:s,s:i,s:i,s:i,s:s*,s:o,s:o}", "url", p.url, "threads", (int)p.threads, "seconds", (int)p.seconds,
                            "values_per_request", (int)p.values, "policy", p.client.policy, "sessions", opened, "reads", reads);
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(all);
    kw_secret_clear(&p.password);
    kw_secret_clear(&p.token);
    return failed ? 1 : 0;
}
