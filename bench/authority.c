/*
 * What an access token costs a whole Authorization Service, over the wire, as JSON.
 *
 *   bench_authority URL --pid PID [--resource URI] [--sessions N] [--seconds N] --cert F --key F --trust DIR --user NAME --password-file F
 *
 * So many Clients, each with a SecureChannel and a Session of its own, call RequestAccessToken for the user of their Session, again as
 * soon as they are answered. CPU is that of the process PID by its own clock, on this machine. Beside it stands a bare signature with
 * RSA of 2048 bits, as RS256 takes it, by the clock of the thread that makes it, while the service rests. bench/authority.sh starts a
 * service to measure.
 */
#include "base/secret.h"
#include "crypto/key.h"

#include <keyway/client.h>

#include <getopt.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SESSIONS_MAX 64
#define SIGNATURES 2000
#define TOKEN_ARENA ((size_t)4 << 20)

typedef struct plan {
    const char *url, *resource;
    kw_client_config client;
    kw_client_identity identity;
    kw_secret password; /* what identity borrows */
    unsigned sessions, seconds;
    clockid_t clock; /* of the service */
} plan;

typedef struct worker {
    pthread_t thread;
    const plan *plan;
    kw_client *client;
    unsigned long tokens;
} worker;

static atomic_bool is_over;

static void check(kw_status status, const char *what)
{
    if (kw_status_is_bad(status)) {
        fprintf(stderr, "bench_authority: %s: %s\n", what, kw_status_name(status));
        exit(2);
    }
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) != 0) {
        perror("bench_authority: the clock of the service");
        exit(2);
    }
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static kw_client *open_session(const plan *p)
{
    kw_client *client = NULL;
    const char *why = "";
    check(kw_client_new(&p->client, &client, &why), why);
    check(kw_client_connect(client, p->url), "a connection");
    check(kw_client_activate(client, &p->identity), "a Session");
    return client;
}

static void *ask(void *ctx)
{
    worker *w = ctx;
    const kw_node_id object = KW_NODE_ID_TEXT(1, "AuthorizationService");
    const kw_node_id method = KW_NODE_ID_TEXT(1, "AuthorizationService.RequestAccessToken");
    const kw_extension_object nobody = {.type_id = KW_NODE_ID_NULL}; /* the user of the Session */
    const kw_string resource = kw_string_from(w->plan->resource);
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &nobody), kw_variant_scalar(KW_BUILTIN_STRING, &resource)};
    kw_arena *arena = kw_arena_new(TOKEN_ARENA);
    while (!atomic_load(&is_over)) {
        kw_call_method_result result;
        kw_arena_reset(arena);
        check(kw_client_call(w->client, &object, &method, inputs, 2, arena, &result), "RequestAccessToken");
        w->tokens++;
    }
    kw_arena_free(arena);
    return NULL;
}

static double signature_us(void)
{
    kw_private_key *key = NULL;
    uint8_t text[400], signature[256];
    memset(text, 'a', sizeof(text));
    check(kw_private_key_generate(KW_KEY_RSA, 2048, &key), "a key");
    const double start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < SIGNATURES; i++) {
        size_t len = sizeof(signature);
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        if (EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, kw_private_key_evp(key)) != 1 ||
            EVP_DigestSign(md, signature, &len, text, sizeof(text)) != 1) {
            check(KW_BAD_UNEXPECTED_ERROR, "a bare signature");
        }
        EVP_MD_CTX_free(md);
    }
    const double spent = seconds_of(CLOCK_THREAD_CPUTIME_ID) - start;
    kw_private_key_release(key);
    return spent / SIGNATURES * 1e6;
}

static json_t *measure(const plan *p)
{
    static worker workers[SESSIONS_MAX];
    const struct timespec pause = {.tv_sec = (time_t)p->seconds};
    unsigned long tokens = 0;
    for (unsigned i = 0; i < p->sessions; i++) {
        workers[i] = (worker){.plan = p, .client = open_session(p)};
    }
    const double bare = signature_us(), cpu = seconds_of(p->clock), wall = seconds_of(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < p->sessions; i++) {
        if (pthread_create(&workers[i].thread, NULL, ask, &workers[i]) != 0) {
            check(KW_BAD_OUT_OF_MEMORY, "a thread");
        }
    }
    nanosleep(&pause, NULL);
    atomic_store(&is_over, true);
    for (unsigned i = 0; i < p->sessions; i++) {
        pthread_join(workers[i].thread, NULL);
        tokens += workers[i].tokens;
    }
    const double cpu_spent = seconds_of(p->clock) - cpu, wall_spent = seconds_of(CLOCK_MONOTONIC) - wall;
    for (unsigned i = 0; i < p->sessions; i++) {
        kw_client_free(workers[i].client);
    }
    const double each = cpu_spent / (double)(tokens > 0 ? tokens : 1) * 1e6;
    return json_pack("{s:i,s:I,s:f,s:f,s:f,s:f}", "sessions", (int)p->sessions, "tokens", (json_int_t)tokens, "tokens_per_second",
                     (double)tokens / wall_spent, "cpu_us_per_token", each, "signature_us", bare, "ratio", bare / each);
}

static void read_password(const char *file, plan *p)
{
    char text[1024];
    FILE *f = fopen(file, "r");
    if (f == NULL || fgets(text, sizeof(text), f) == NULL) {
        fprintf(stderr, "bench_authority: %s cannot be read\n", file);
        exit(2);
    }
    fclose(f);
    check(kw_secret_copy(&p->password, (kw_bytes){(const uint8_t *)text, strcspn(text, "\r\n")}), "memory");
    kw_wipe(text, sizeof(text));
    p->identity.password = kw_secret_bytes(&p->password);
}

static unsigned number(const char *text, unsigned most)
{
    const unsigned long value = strtoul(text, NULL, 10);
    return value < 1 ? 1 : value > most ? most : (unsigned)value;
}

static void parse(int argc, char **argv, plan *p)
{
    static const struct option OPTIONS[] = {{"pid", 1, NULL, 'i'},     {"resource", 1, NULL, 'r'}, {"sessions", 1, NULL, 'n'},
                                            {"seconds", 1, NULL, 's'}, {"cert", 1, NULL, 'c'},     {"key", 1, NULL, 'k'},
                                            {"trust", 1, NULL, 'T'},   {"user", 1, NULL, 'u'},     {"password-file", 1, NULL, 'P'},
                                            {NULL, 0, NULL, 0}};
    bool has_clock = false;
    for (int c; (c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        switch (c) {
        case 'i':
            has_clock = clock_getcpuclockid((pid_t)number(optarg, INT32_MAX), &p->clock) == 0;
            break;
        case 'r':
            p->resource = optarg;
            break;
        case 'n':
            p->sessions = number(optarg, SESSIONS_MAX);
            break;
        case 's':
            p->seconds = number(optarg, 3600);
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
        case 'u':
            p->identity.user_name = kw_string_from(optarg);
            break;
        case 'P':
            read_password(optarg, p);
            break;
        default:
            exit(2);
        }
    }
    if (optind + 1 != argc || !has_clock) {
        fprintf(stderr, "usage: bench_authority URL --pid PID [options]; the head of bench/authority.c lists them\n");
        exit(2);
    }
    p->url = argv[optind];
}

int main(int argc, char **argv)
{
    plan p = {.resource = "urn:bench:server", .sessions = 16, .seconds = 5, .identity = {.kind = KW_USER_TOKEN_TYPE_USER_NAME}};
    parse(argc, argv, &p);
    json_t *result = measure(&p);
    json_dumpf(result, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(4));
    putchar('\n');
    json_decref(result);
    kw_secret_clear(&p.password);
    return 0;
}
