/*
 * What somebody who guesses passwords costs somebody who knows his own, over the wire, as JSON.
 *
 *   bench_guessing URL --trust DIR [--policy NAME] [--guesses N] [--threads N] [--every MS]
 *                  --user NAME --password-file F --cert F --key F
 *                  --guesser NAME --guesser-password-file F --guesser-cert F --guesser-key F
 *
 * The honest Client signs in every so often, first alone, then beside a Client of another certificate that sends wrong passwords
 * from many threads, each on a Session of its own. Last of all the guesser sends his right password: whether he is locked out.
 * The unit that delays are counted in is one password hash, taken on the same machine before the rest.
 */
#include "base/clock.h"
#include "base/secret.h"
#include "identity/password.h"

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
#define GUESSES_MAX 1000000
#define SAMPLES_MAX 4096
#define ALONE 10
#define HASHES 9
#define LAST 10
#define STATUSES_MAX 16
#define TIMEOUT_MS 60000

typedef struct party {
    kw_client_config client;
    kw_client_identity identity;
    kw_secret password; /* what identity borrows */
} party;

typedef struct plan {
    const char *url;
    party honest, guesser;
    unsigned guesses, threads, every_ms;
} plan;

typedef struct samples {
    double seconds[SAMPLES_MAX];
    size_t count;
} samples;

/* What was answered, and how often. */
typedef struct tally {
    pthread_mutex_t lock;
    kw_status statuses[STATUSES_MAX];
    unsigned counts[STATUSES_MAX];
    kw_status last[LAST];
    unsigned total;
} tally;

static tally answers = {.lock = PTHREAD_MUTEX_INITIALIZER};
static atomic_uint guesses_begun;
static atomic_bool is_over;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what, kw_status status, const char *why)
{
    fprintf(stderr, "bench: %s: %s: %s\n", what, kw_status_name(status), why);
    exit(1);
}

static void sleep_ms(unsigned ms)
{
    const struct timespec pause = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

static kw_client *connected(const party *who, const char *url)
{
    kw_client *client = NULL;
    const char *why = "";
    kw_status status = kw_client_new(&who->client, &client, &why);
    if (!kw_status_is_bad(status)) {
        status = kw_client_connect(client, url);
        why = kw_client_error(client);
    }
    if (kw_status_is_bad(status)) {
        fail("no connection", status, why);
    }
    return client;
}

/* --- the honest one ------------------------------------------------------------------------------------------------------ */

static void sign_in(const plan *p, samples *to)
{
    kw_client *client = connected(&p->honest, p->url);
    const double start = now_s();
    const kw_status status = kw_client_activate(client, &p->honest.identity);
    if (kw_status_is_bad(status)) {
        fail("the honest user was refused", status, kw_client_error(client));
    }
    if (to->count < SAMPLES_MAX) {
        to->seconds[to->count++] = now_s() - start;
    }
    kw_client_free(client);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(samples *s)
{
    qsort(s->seconds, s->count, sizeof(double), by_value);
    return s->seconds[s->count / 2];
}

static json_t *told(samples *s, double hash)
{
    const double middle = median(s), slowest = s->seconds[s->count - 1];
    return json_pack("{s:I,s:f,s:f,s:f,s:f}", "activations", (json_int_t)s->count, "median_ms", 1e3 * middle, "slowest_ms", 1e3 * slowest,
                     "median_hashes", middle / hash, "slowest_hashes", slowest / hash);
}

static double time_of_hash(const plan *p)
{
    samples taken = {.count = 0};
    kw_arena *arena = kw_arena_new(4096);
    kw_string phc;
    if (arena == NULL || kw_status_is_bad(kw_password_hash(p->honest.identity.password, &KW_RANDOM_SYSTEM, arena, &phc))) {
        fail("no password hash", KW_BAD_OUT_OF_MEMORY, "");
    }
    while (taken.count < HASHES) {
        const double start = now_s();
        if (!kw_password_verify(phc, p->honest.identity.password)) {
            fail("the password is not its own", KW_BAD_INTERNAL_ERROR, "");
        }
        taken.seconds[taken.count++] = now_s() - start;
    }
    kw_arena_free(arena);
    return median(&taken);
}

/* --- the guesser --------------------------------------------------------------------------------------------------------- */

static void count_answer(kw_status status)
{
    pthread_mutex_lock(&answers.lock);
    size_t i = 0;
    while (i < STATUSES_MAX - 1 && answers.counts[i] > 0 && answers.statuses[i] != status) {
        i++;
    }
    answers.statuses[i] = status;
    answers.counts[i]++;
    answers.last[answers.total++ % LAST] = status;
    pthread_mutex_unlock(&answers.lock);
}

/* Refused, and the Session is still there to be asked again. */
static bool may_go_on(kw_status status)
{
    return status == KW_BAD_USER_ACCESS_DENIED || status == KW_BAD_IDENTITY_TOKEN_REJECTED || status == KW_BAD_TOO_MANY_OPERATIONS;
}

static void *guess(void *ctx)
{
    const plan *p = ctx;
    kw_client *client = NULL;
    for (unsigned n; (n = atomic_fetch_add(&guesses_begun, 1)) < p->guesses;) {
        char wrong[32];
        const int len = snprintf(wrong, sizeof(wrong), "not-this-%u", n);
        kw_client_identity identity = p->guesser.identity;
        identity.password = (kw_bytes){(const uint8_t *)wrong, (size_t)len};
        client = client != NULL ? client : connected(&p->guesser, p->url);
        const kw_status status = kw_client_activate(client, &identity);
        count_answer(status);
        if (!kw_status_is_bad(status)) {
            fail("a wrong password was taken", status, wrong);
        }
        if (!may_go_on(status)) {
            kw_client_free(client);
            client = NULL;
        }
    }
    kw_client_free(client);
    return NULL;
}

static void *guess_from_all_threads(void *ctx)
{
    const plan *p = ctx;
    pthread_t threads[THREADS_MAX];
    for (unsigned i = 0; i < p->threads; i++) {
        if (pthread_create(&threads[i], NULL, guess, ctx) != 0) {
            fail("no thread", KW_BAD_RESOURCE_UNAVAILABLE, "");
        }
    }
    for (unsigned i = 0; i < p->threads; i++) {
        pthread_join(threads[i], NULL);
    }
    atomic_store(&is_over, true);
    return NULL;
}

static json_t *told_of_guesser(const plan *p, double seconds)
{
    json_t *counts = json_object(), *last = json_array();
    for (size_t i = 0; i < STATUSES_MAX && answers.counts[i] > 0; i++) {
        json_object_set_new(counts, kw_status_name(answers.statuses[i]), json_integer((json_int_t)answers.counts[i]));
    }
    for (unsigned i = 0; i < LAST && i < answers.total; i++) {
        json_array_append_new(last, json_string(kw_status_name(answers.last[(answers.total - 1 - i) % LAST])));
    }
    kw_client *client = connected(&p->guesser, p->url);
    const kw_status own = kw_client_activate(client, &p->guesser.identity);
    kw_client_free(client);
    return json_pack("{s:i,s:i,s:f,s:o,s:o,s:s,s:b}", "guesses", (int)answers.total, "threads", (int)p->threads, "seconds", seconds,
                     "answers", counts, "last", last, "right_password", kw_status_name(own), "is_locked_out",
                     own == KW_BAD_USER_ACCESS_DENIED);
}

/* --- program ------------------------------------------------------------------------------------------------------------- */

static void take_password(const char *file, party *who)
{
    char text[1024];
    FILE *f = fopen(file, "r");
    if (f == NULL || fgets(text, sizeof(text), f) == NULL) {
        fprintf(stderr, "bench: %s cannot be read\n", file);
        exit(2);
    }
    fclose(f);
    if (kw_status_is_bad(kw_secret_copy(&who->password, (kw_bytes){(const uint8_t *)text, strcspn(text, "\r\n")}))) {
        exit(2);
    }
    kw_wipe(text, sizeof(text));
    who->identity.password = kw_secret_bytes(&who->password);
}

static unsigned number(const char *text, unsigned max)
{
    const unsigned long value = strtoul(text, NULL, 10);
    return value < 1 ? 1 : value > max ? max : (unsigned)value;
}

static void parse_party(int c, party *who)
{
    switch (c) {
    case 'u':
        who->identity.user_name = kw_string_from(optarg);
        break;
    case 'p':
        take_password(optarg, who);
        break;
    case 'c':
        who->client.certificate_file = optarg;
        break;
    default:
        who->client.key_file = optarg;
    }
}

static void parse(int argc, char **argv, plan *p)
{
    static const struct option OPTIONS[] = {{"user", 1, NULL, 'u'},         {"password-file", 1, NULL, 'p'},
                                            {"cert", 1, NULL, 'c'},         {"key", 1, NULL, 'k'},
                                            {"guesser", 1, NULL, 'U'},      {"guesser-password-file", 1, NULL, 'P'},
                                            {"guesser-cert", 1, NULL, 'C'}, {"guesser-key", 1, NULL, 'K'},
                                            {"trust", 1, NULL, 'T'},        {"policy", 1, NULL, 's'},
                                            {"guesses", 1, NULL, 'g'},      {"threads", 1, NULL, 't'},
                                            {"every", 1, NULL, 'e'},        {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        switch (c) {
        case 'T':
            p->honest.client.trust_directory = p->guesser.client.trust_directory = optarg;
            break;
        case 's':
            p->honest.client.policy = p->guesser.client.policy = optarg;
            break;
        case 'g':
            p->guesses = number(optarg, GUESSES_MAX);
            break;
        case 't':
            p->threads = number(optarg, THREADS_MAX);
            break;
        case 'e':
            p->every_ms = number(optarg, 60000);
            break;
        case '?':
            exit(2);
        default:
            if (c >= 'a') {
                parse_party(c, &p->honest);
            } else {
                parse_party(c + 'a' - 'A', &p->guesser);
            }
        }
    }
    if (optind + 1 != argc || p->honest.identity.password.len == 0 || p->guesser.identity.password.len == 0) {
        fprintf(stderr, "usage: bench_guessing URL options; the head of bench/guessing.c lists them\n");
        exit(2);
    }
    p->url = argv[optind];
}

int main(int argc, char **argv)
{
    static samples alone, beside;
    const party nobody = {.client = {.timeout_ms = TIMEOUT_MS}, .identity = {.kind = KW_USER_TOKEN_TYPE_USER_NAME}};
    plan p = {.guesses = 1000, .threads = 8, .every_ms = 1000, .honest = nobody, .guesser = nobody};
    pthread_t guesser;
    parse(argc, argv, &p);
    const double hash = time_of_hash(&p);
    while (alone.count < ALONE) {
        sign_in(&p, &alone);
    }
    const double start = now_s();
    if (pthread_create(&guesser, NULL, guess_from_all_threads, &p) != 0) {
        fail("no thread", KW_BAD_RESOURCE_UNAVAILABLE, "");
    }
    do {
        sign_in(&p, &beside);
        if (!atomic_load(&is_over)) {
            sleep_ms(p.every_ms);
        }
    } while (!atomic_load(&is_over));
    pthread_join(guesser, NULL);
    const double seconds = now_s() - start;
    json_t *honest = told(&beside, hash);
    json_t *quiet = told(&alone, hash);
    json_t *all = json_pack("{s:s,s:f,s:o,s:o,s:o}", "url", p.url, "hash_ms", 1e3 * hash, "alone", quiet, "beside_guesser", honest,
                            "guesser", told_of_guesser(&p, seconds));
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(4));
    putchar('\n');
    json_decref(all);
    kw_secret_clear(&p.honest.password);
    kw_secret_clear(&p.guesser.password);
    return 0;
}
