/*
 * What an access token costs, beside what its signature costs alone, as JSON.
 *
 *   bench_tokens [--tokens N] [--rounds N] [--requests N] [--threads N] [--directory DIR]
 *
 * Tokens are issued the way the Authorization Service does it, on its loop with its pool: resource and policy from the store (SQLite,
 * in DIR), claims, signature, and a record in the audit trail that is durable before the token counts. So many requests are under way
 * at a time; their records share commits. What a Client brings with it is not in: SecureChannel, Session, sockets.
 *
 * The limit are bare OpenSSL signatures with the same kind of key, on as many threads as the pool has. Rounds of both take turns, and
 * the median of them counts: whatever else the machine does, it does to both. CPU seconds are this process's, so that neither other
 * programs nor the disk enter into the ratio; wall time is told beside it.
 *
 * Exit code 1: less than 80 % of the limit with RS256, or less than 50 % with ES256.
 */
#include "authority/key_ring.h"
#include "authority/ledger.h"
#include "authority/oauth.h"
#include "identity/jwt.h"
#include "server/listen.h"

#include <getopt.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS_MAX 200
#define JOBS_MAX 256
#define RESOURCE "urn:bench:resource"
#define SERVICE "urn:bench:tokens"
#define CLAIMS_LEN 400 /* bytes that are signed, about */
#define TOKEN_ARENA ((size_t)1 << 20)
#define THREADS_MAX 64
#define ROUNDS_MAX 101

typedef struct plan {
    unsigned tokens, rounds, requests, threads;
    const char *directory;
} plan;

typedef struct cost {
    double cpu_s, wall_s;
} cost;

typedef struct round {
    kw_authority *authority;
    kw_runtime *runtime;
    kw_ledger *ledger;
    const kw_identity *who;
    unsigned left, under_way;
} round;

/* From the job to the durable record, again and again. */
typedef struct request {
    kw_job job; /* first */
    kw_ledger_entry entry;
    round *round;
    kw_arena *arena;
    kw_status status;
} request;

static void check(kw_status status, const char *what)
{
    if (kw_status_is_bad(status)) {
        fprintf(stderr, "bench_tokens: %s: %s\n", what, kw_status_name(status));
        exit(2);
    }
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

static cost now(void)
{
    struct rusage usage;
    struct timespec t;
    getrusage(RUSAGE_SELF, &usage);
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (cost){seconds(usage.ru_utime) + seconds(usage.ru_stime), (double)t.tv_sec + (double)t.tv_nsec * 1e-9};
}

static cost since(cost start)
{
    const cost end = now();
    return (cost){end.cpu_s - start.cpu_s, end.wall_s - start.wall_s};
}

/* --- the limit ---------------------------------------------------------------------------------------------------------------- */

typedef struct signing {
    kw_private_key *key;
    unsigned count;
} signing;

static void *sign_some(void *ctx)
{
    const signing *work = ctx;
    uint8_t text[CLAIMS_LEN], signature[1024];
    memset(text, 'a', sizeof(text));
    for (unsigned i = 0; i < work->count; i++) {
        size_t len = sizeof(signature);
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        if (EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, kw_private_key_evp(work->key)) != 1 ||
            EVP_DigestSign(md, signature, &len, text, sizeof(text)) != 1) {
            check(KW_BAD_UNEXPECTED_ERROR, "a bare signature");
        }
        EVP_MD_CTX_free(md);
    }
    return NULL;
}

static cost sign_bare(kw_private_key *key, const plan *p, unsigned count)
{
    pthread_t threads[THREADS_MAX];
    signing work = {key, count / p->threads};
    const cost start = now();
    for (unsigned i = 0; i < p->threads; i++) {
        if (pthread_create(&threads[i], NULL, sign_some, &work) != 0) {
            check(KW_BAD_OUT_OF_MEMORY, "a thread");
        }
    }
    for (unsigned i = 0; i < p->threads; i++) {
        pthread_join(threads[i], NULL);
    }
    return since(start);
}

/* --- tokens ------------------------------------------------------------------------------------------------------------------- */

static void issue(kw_job *job)
{
    request *q = (request *)job;
    kw_string token;
    kw_date_time expires;
    kw_arena_reset(q->arena);
    q->status = kw_authority_mint(q->round->authority, q->round->who, KW_STRING(RESOURCE), q->arena, &token, &expires);
}

static void start_next(request *q)
{
    round *r = q->round;
    if (r->left > 0) {
        r->left--;
        check(kw_executor_submit(kw_runtime_executor(r->runtime), &q->job), "the pool");
    } else if (--r->under_way == 0) {
        kw_runtime_stop(r->runtime);
    }
}

static void recorded(kw_ledger_entry *entry)
{
    check(entry->status, "the audit trail");
    start_next(entry->owner);
}

static void issued(kw_job *job)
{
    request *q = (request *)job;
    check(q->status, "a token");
    q->entry = (kw_ledger_entry){.done = recorded, .owner = q};
    q->entry.record = (kw_audit_record){.event = KW_STRING("RequestAccessToken"),
                                        .source = KW_STRING(SERVICE),
                                        .user = q->round->who->name,
                                        .client = KW_STRING("urn:bench:client"),
                                        .detail = KW_STRING("{\"resource\":\"" RESOURCE "\"}")};
    kw_ledger_add(q->round->ledger, &q->entry);
}

static cost issue_all(kw_authority *authority, kw_store *store, const kw_identity *who, const plan *p, unsigned count)
{
    static request requests[REQUESTS_MAX];
    round r = {.authority = authority, .who = who, .left = count, .under_way = p->requests};
    check(kw_runtime_new(&KW_LOG_QUIET, JOBS_MAX, &r.runtime), "the loop");
    check(kw_ledger_new(store, kw_runtime_executor(r.runtime), &r.ledger), "the ledger");
    const cost start = now();
    for (unsigned i = 0; i < p->requests; i++) {
        requests[i] = (request){.job = {.run = issue, .done = issued}, .round = &r, .arena = kw_arena_new(TOKEN_ARENA)};
        start_next(&requests[i]);
    }
    check(kw_runtime_run(r.runtime, 0), "the loop");
    const cost spent = since(start);
    for (unsigned i = 0; i < p->requests; i++) {
        kw_arena_free(requests[i].arena);
    }
    kw_ledger_free(r.ledger);
    kw_runtime_free(r.runtime);
    return spent;
}

/* --- an Authorization Service without sockets ----------------------------------------------------------------------------------- */

typedef struct service {
    kw_arena *arena;
    kw_store *store;
    kw_timers *timers;
    kw_application_identity identity;
    kw_server_env env;
    kw_server *server;
    kw_authority *authority;
} service;

static void make_identity(kw_application_identity *out)
{
    static const char *const HOSTS[] = {"localhost"};
    const int64_t at = kw_clock_utc(&KW_CLOCK_SYSTEM);
    const kw_certificate_request wanted = {.application_uri = "urn:bench:authority",
                                           .common_name = "bench",
                                           .hosts = HOSTS,
                                           .host_count = 1,
                                           .not_before = at - 3600 * KW_TICKS_PER_S,
                                           .not_after = at + 86400 * KW_TICKS_PER_S};
    check(kw_private_key_generate(KW_KEY_RSA, 2048, &out->key), "a key");
    check(kw_certificate_create(&wanted, out->key, &KW_RANDOM_SYSTEM, &out->certificate), "a certificate");
}

static void start(service *s, const char *file, const char *alg)
{
    static const kw_string HOST = {(const uint8_t *)"localhost", 9};
    static const kw_server_endpoint ENDPOINTS[] = {{&KW_POLICY_NONE, KW_MESSAGE_SECURITY_MODE_NONE}};
    kw_string why = KW_BYTES_NULL;
    kw_server_config config;
    *s = (service){.arena = kw_arena_new((size_t)4 << 20), .timers = kw_timers_new(0)};
    check(kw_store_open(file, true, &KW_CLOCK_SYSTEM, s->arena, &s->store, &why), "the store");
    make_identity(&s->identity);
    s->env = (kw_server_env){.clock = &KW_CLOCK_SYSTEM,
                             .random = &KW_RANDOM_SYSTEM,
                             .executor = &KW_EXECUTOR_INLINE,
                             .log = &KW_LOG_QUIET,
                             .timers = s->timers,
                             .identity = &s->identity,
                             .store = s->store};
    kw_server_config_defaults(&config);
    config.application_uri = KW_STRING("urn:bench:authority");
    config.hosts = &HOST;
    config.host_count = 1;
    config.endpoints = ENDPOINTS;
    config.endpoint_count = 1;
    config.with_gds = true;
    check(kw_server_new(&config, &s->env, &s->server), "the Server");
    check(kw_store_resource_add(s->store, &(kw_resource){.uri = KW_STRING(RESOURCE)}), "the resource");
    const kw_key_ring keys = {.store = s->store,
                              .clock = &KW_CLOCK_SYSTEM,
                              .random = &KW_RANDOM_SYSTEM,
                              .service_uri = KW_STRING(SERVICE),
                              .alg = kw_string_from(alg),
                              .lifetime_s = 3600};
    check(kw_key_ring_look_after(&keys), "a signing key");
    check(kw_authority_new(&(kw_authority_config){.service_uri = KW_STRING(SERVICE)}, s->server, &s->env, &s->authority), "the service");
}

static void stop(service *s)
{
    kw_authority_free(s->authority);
    kw_server_free(s->server);
    kw_store_close(s->store);
    kw_timers_free(s->timers);
    kw_certificate_release(s->identity.certificate);
    kw_private_key_release(s->identity.key);
    kw_arena_free(s->arena);
}

/* --- measuring -------------------------------------------------------------------------------------------------------------------- */

/* Of each round; sorted on their own where a median is wanted. */
typedef struct figures {
    double token_us[ROUNDS_MAX], signature_us[ROUNDS_MAX], ratio[ROUNDS_MAX], token_wall_us[ROUNDS_MAX], signature_wall_us[ROUNDS_MAX];
} figures;

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof(*values), by_size);
    return values[count / 2];
}

static json_t *report(const plan *p, const char *alg, figures *f, double wanted, bool *is_met)
{
    const double token = median(f->token_us, p->rounds), signature = median(f->signature_us, p->rounds);
    const double ratio = median(f->ratio, p->rounds); /* sorted now */
    *is_met = *is_met && ratio >= wanted;
    return json_pack("{s:s,s:i,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "alg", alg, "threads", (int)p->threads, "tokens_per_cpu_second",
                     1e6 / token, "signatures_per_cpu_second", 1e6 / signature, "ratio", ratio, "ratio_least", f->ratio[0], "ratio_most",
                     f->ratio[p->rounds - 1], "wanted", wanted, "cpu_us_beside_signature", token - signature, "tokens_per_second",
                     1e6 / median(f->token_wall_us, p->rounds), "signatures_per_second", 1e6 / median(f->signature_wall_us, p->rounds));
}

static json_t *measure(const plan *p, const char *folder, const char *alg, kw_key_type type, unsigned tokens, double wanted, bool *is_met)
{
    static figures f;
    char file[512];
    service s;
    kw_private_key *key = NULL;
    const kw_granted_role roles[] = {{0, 15680, KW_STRING("Operator")}, {0, 15656, KW_STRING("AuthenticatedUser")}};
    const kw_identity who = {
        .kind = KW_USER_TOKEN_TYPE_USER_NAME, .name = KW_STRING("alice"), .roles = roles, .role_count = sizeof(roles) / sizeof(roles[0])};
    snprintf(file, sizeof(file), "%s/%s.db", folder, alg);
    start(&s, file, alg);
    check(kw_private_key_generate(type, 2048, &key), "a key");
    issue_all(s.authority, s.store, &who, p, tokens / 10 + p->requests); /* warm */
    const unsigned each = tokens / p->threads, signed_bare = each * p->threads;
    for (unsigned turn = 0; turn < p->rounds; turn++) {
        const cost b = sign_bare(key, p, tokens), t = issue_all(s.authority, s.store, &who, p, tokens);
        f.token_us[turn] = t.cpu_s / tokens * 1e6;
        f.signature_us[turn] = b.cpu_s / signed_bare * 1e6;
        f.ratio[turn] = f.signature_us[turn] / f.token_us[turn];
        f.token_wall_us[turn] = t.wall_s / tokens * 1e6;
        f.signature_wall_us[turn] = b.wall_s / signed_bare * 1e6;
    }
    kw_private_key_release(key);
    stop(&s);
    return report(p, alg, &f, wanted, is_met);
}

static unsigned number(const char *text, unsigned least, unsigned most)
{
    char *end = NULL;
    const unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || value < least || value > most) {
        fprintf(stderr, "bench_tokens: %s is not a number from %u to %u\n", text, least, most);
        exit(2);
    }
    return (unsigned)value;
}

static plan parse(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"tokens", required_argument, NULL, 'n'},    {"rounds", required_argument, NULL, 'o'},
                                            {"requests", required_argument, NULL, 'r'},  {"threads", required_argument, NULL, 't'},
                                            {"directory", required_argument, NULL, 'd'}, {0}};
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    plan p = {.tokens = 1000, .rounds = 15, .requests = 100, .threads = cores > 2 ? (unsigned)cores + 2 : 4, .directory = "/tmp"};
    for (int c; (c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        switch (c) {
        case 'n':
            p.tokens = number(optarg, 1000, 10000000);
            break;
        case 'o':
            p.rounds = number(optarg, 1, ROUNDS_MAX);
            break;
        case 't':
            p.threads = number(optarg, 3, THREADS_MAX);
            break;
        case 'r':
            p.requests = number(optarg, 1, REQUESTS_MAX);
            break;
        case 'd':
            p.directory = optarg;
            break;
        default:
            exit(2);
        }
    }
    p.threads = p.threads < THREADS_MAX ? p.threads : THREADS_MAX;
    return p;
}

int main(int argc, char **argv)
{
    const plan p = parse(argc, argv);
    char folder[400], file[512], threads[16];
    bool is_met = true;
    snprintf(folder, sizeof(folder), "%s/bench-tokens-XXXXXX", p.directory);
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        return 2;
    }
    snprintf(threads, sizeof(threads), "%u", p.threads);
    setenv("UV_THREADPOOL_SIZE", threads, 1); /* the pool's */
    json_t *all = json_array();
    json_array_append_new(all, measure(&p, folder, "RS256", KW_KEY_RSA, p.tokens, 0.8, &is_met));
    json_array_append_new(all, measure(&p, folder, "ES256", KW_KEY_EC_P256, p.tokens * 5, 0.5, &is_met));
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(4));
    putchar('\n');
    json_decref(all);
    static const char *const FILES[] = {"RS256.db", "RS256.db-wal", "RS256.db-shm", "ES256.db", "ES256.db-wal", "ES256.db-shm"};
    for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
        snprintf(file, sizeof(file), "%s/%s", folder, FILES[i]);
        unlink(file);
    }
    rmdir(folder);
    return is_met ? 0 : 1;
}
