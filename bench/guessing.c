/*
 * What somebody who guesses passwords costs somebody who knows his own, over the wire, as JSON.
 *
 *   bench_guessing URL --trust DIR [--open URL] [--policy NAME] [--guesses N] [--threads N] [--samples N] [--every MS]
 *                  --user NAME --password-file F --cert F --key F
 *                  --guesser NAME --guesser-password-file F --guesser-cert F --guesser-key F
 *
 * The honest Client signs in every so often, by turns beside a Client of another certificate that sends wrong passwords from many
 * threads, each on a Session of its own, and while that one pauses: whatever else the machine does, it does to both. What the guesser
 * costs is the difference, at the median, the 99th percentile and the slowest, in password hashes. Their time is taken in between; the
 * smaller median counts, of those in the pauses and of those beside the guesser. The guesser's own threads have the lowest priority, as if they computed elsewhere. Last of all the guesser sends his right
 * password: whether he is locked out. `--open` is a second Server, that locks nobody out, for the same again.
 *
 * Exit code 1: at URL the honest one was delayed by more than one password hash, or the guesser is not locked out.
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
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64
#define GUESSES_MAX 1000000
#define SAMPLES_MAX 4096
#define WINDOW 5 /* samples before guessing begins or pauses again */
#define STATUSES_MAX 16
#define TIMEOUT_MS 60000
#define LIMIT 1.0 /* password hashes */

typedef struct party {
    kw_client_config client;
    kw_client_identity identity;
    kw_secret password; /* what identity borrows */
} party;

typedef struct plan {
    const char *url, *open_url;
    party honest, guesser;
    unsigned guesses, threads, samples, every_ms;
} plan;

typedef struct samples {
    double values[SAMPLES_MAX];
    size_t count;
} samples;

/* One Server under attack. */
typedef struct attack {
    const plan *plan;
    const char *url;
    samples quiet, beside, meanwhile; /* the honest one's activations, and guesses answered while one of them was under way */
    samples quiet_hashes, hashes_beside;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_on, is_over;
    unsigned under_way;
    kw_status statuses[STATUSES_MAX]; /* what was answered, and how often */
    unsigned counts[STATUSES_MAX];
    unsigned answered;
} attack;

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

static void take(samples *to, double value)
{
    if (to->count < SAMPLES_MAX) {
        to->values[to->count++] = value;
    }
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The smallest that so many of a hundred do not exceed. */
static double percentile(samples *s, unsigned of_hundred)
{
    qsort(s->values, s->count, sizeof(double), by_value);
    const size_t rank = (s->count * of_hundred + 99) / 100;
    return s->count > 0 ? s->values[rank > 0 ? rank - 1 : 0] : 0;
}

/* --- the guesser --------------------------------------------------------------------------------------------------------- */

/* False: it is over. */
static bool may_guess(attack *a)
{
    pthread_mutex_lock(&a->lock);
    while (!a->is_on && !a->is_over) {
        pthread_cond_wait(&a->changed, &a->lock);
    }
    const bool goes_on = !a->is_over;
    a->under_way += goes_on;
    pthread_mutex_unlock(&a->lock);
    return goes_on;
}

static void count_answer(attack *a, kw_status status)
{
    pthread_mutex_lock(&a->lock);
    size_t i = 0;
    while (i < STATUSES_MAX - 1 && a->counts[i] > 0 && a->statuses[i] != status) {
        i++;
    }
    a->statuses[i] = status;
    a->counts[i]++;
    a->answered++;
    a->under_way--;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

/* Refused, and the Session is still there to be asked again. */
static bool may_go_on(kw_status status)
{
    return status == KW_BAD_USER_ACCESS_DENIED || status == KW_BAD_IDENTITY_TOKEN_REJECTED || status == KW_BAD_TOO_MANY_OPERATIONS;
}

static void *guess(void *ctx)
{
    attack *a = ctx;
    const party *guesser = &a->plan->guesser;
    kw_client *client = NULL;
    setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
    for (unsigned n = 0; may_guess(a); n++) {
        char wrong[32];
        const int len = snprintf(wrong, sizeof(wrong), "not-this-%u", n);
        kw_client_identity identity = guesser->identity;
        identity.password = (kw_bytes){(const uint8_t *)wrong, (size_t)len};
        client = client != NULL ? client : connected(guesser, a->url);
        const kw_status status = kw_client_activate(client, &identity);
        count_answer(a, status);
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

static void set(attack *a, bool is_on, bool is_over)
{
    pthread_mutex_lock(&a->lock);
    a->is_on = is_on;
    a->is_over = is_over;
    pthread_cond_broadcast(&a->changed);
    while (!is_on && a->under_way > 0) {
        pthread_cond_wait(&a->changed, &a->lock);
    }
    pthread_mutex_unlock(&a->lock);
}

static unsigned answered(attack *a)
{
    pthread_mutex_lock(&a->lock);
    const unsigned count = a->answered;
    pthread_mutex_unlock(&a->lock);
    return count;
}

/* --- the honest one ------------------------------------------------------------------------------------------------------ */

static void sign_in(attack *a, samples *to)
{
    const party *honest = &a->plan->honest;
    kw_client *client = connected(honest, a->url);
    const unsigned before = answered(a);
    const double start = now_s();
    const kw_status status = kw_client_activate(client, &honest->identity);
    if (kw_status_is_bad(status)) {
        fail("the honest user was refused", status, kw_client_error(client));
    }
    take(to, now_s() - start);
    if (to == &a->beside) {
        take(&a->meanwhile, answered(a) - before);
    }
    kw_client_free(client);
}

static kw_string own_hash(const party *honest, kw_arena *arena)
{
    kw_string phc = KW_BYTES_NULL;
    if (arena == NULL || kw_status_is_bad(kw_password_hash(honest->identity.password, &KW_RANDOM_SYSTEM, arena, &phc))) {
        fail("no password hash", KW_BAD_OUT_OF_MEMORY, "");
    }
    return phc;
}

static void time_hash(const party *honest, kw_string phc, samples *to)
{
    const double start = now_s();
    if (!kw_password_verify(phc, honest->identity.password)) {
        fail("the password is not its own", KW_BAD_INTERNAL_ERROR, "");
    }
    take(to, now_s() - start);
}

/* --- both ---------------------------------------------------------------------------------------------------------------- */

static void window(attack *a, kw_string phc, samples *activations, samples *hashes)
{
    for (unsigned i = 0; i < WINDOW; i++) {
        sleep_ms(a->plan->every_ms);
        sign_in(a, activations);
        time_hash(&a->plan->honest, phc, hashes);
    }
}

static void alternate(attack *a)
{
    const plan *p = a->plan;
    kw_arena *arena = kw_arena_new(4096);
    const kw_string phc = own_hash(&p->honest, arena);
    while (a->beside.count < p->samples || answered(a) < p->guesses) {
        window(a, phc, &a->quiet, &a->quiet_hashes);
        set(a, true, false);
        window(a, phc, &a->beside, &a->hashes_beside);
        set(a, false, false);
    }
    kw_arena_free(arena);
}

static json_t *told(samples *s)
{
    return json_pack("{s:I,s:f,s:f,s:f}", "activations", (json_int_t)s->count, "median_ms", 1e3 * percentile(s, 50), "p99_ms",
                     1e3 * percentile(s, 99), "slowest_ms", 1e3 * percentile(s, 100));
}

static json_t *told_of_guesser(attack *a, double seconds, kw_status own)
{
    json_t *counts = json_object();
    for (size_t i = 0; i < STATUSES_MAX && a->counts[i] > 0; i++) {
        json_object_set_new(counts, kw_status_name(a->statuses[i]), json_integer((json_int_t)a->counts[i]));
    }
    return json_pack("{s:i,s:i,s:f,s:o,s:s,s:b}", "guesses", (int)a->answered, "threads", (int)a->plan->threads, "seconds", seconds,
                     "answers", counts, "right_password", kw_status_name(own), "is_locked_out", own == KW_BAD_USER_ACCESS_DENIED);
}

static json_t *told_of_delay(attack *a, bool *is_over)
{
    static const struct {
        const char *name;
        unsigned of_hundred;
    } POINTS[] = {{"median", 50}, {"p99", 99}, {"slowest", 100}};
    const double quiet = percentile(&a->quiet_hashes, 50), beside = percentile(&a->hashes_beside, 50);
    const double hash = quiet < beside ? quiet : beside;
    json_t *delay = json_object();
    *is_over = false;
    for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
        const double hashes = (percentile(&a->beside, POINTS[i].of_hundred) - percentile(&a->quiet, POINTS[i].of_hundred)) / hash;
        json_object_set_new(delay, POINTS[i].name, json_real(hashes));
        *is_over = *is_over || hashes > LIMIT;
    }
    return delay;
}

static json_t *under_attack(const plan *p, const char *url, bool *is_fine)
{
    static attack a;
    pthread_t threads[THREADS_MAX];
    a = (attack){.plan = p, .url = url, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    for (unsigned i = 0; i < p->threads; i++) {
        if (pthread_create(&threads[i], NULL, guess, &a) != 0) {
            fail("no thread", KW_BAD_RESOURCE_UNAVAILABLE, "");
        }
    }
    const double start = now_s();
    alternate(&a);
    const double seconds = now_s() - start;
    set(&a, false, true);
    for (unsigned i = 0; i < p->threads; i++) {
        pthread_join(threads[i], NULL);
    }
    kw_client *client = connected(&p->guesser, url);
    const kw_status own = kw_client_activate(client, &p->guesser.identity);
    kw_client_free(client);
    bool is_over = false;
    json_t *delay = told_of_delay(&a, &is_over);
    *is_fine = !is_over && own == KW_BAD_USER_ACCESS_DENIED;
    return json_pack("{s:s,s:{s:f,s:f},s:o,s:o,s:o,s:{s:f,s:f},s:o}", "url", url, "hash_ms", "quiet", 1e3 * percentile(&a.quiet_hashes, 50),
                     "beside_guesser", 1e3 * percentile(&a.hashes_beside, 50), "quiet", told(&a.quiet), "beside_guesser", told(&a.beside),
                     "delay_hashes", delay, "guesses_answered_meanwhile", "median", percentile(&a.meanwhile, 50), "most",
                     percentile(&a.meanwhile, 100), "guesser", told_of_guesser(&a, seconds, own));
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
                                            {"every", 1, NULL, 'e'},        {"samples", 1, NULL, 'n'},
                                            {"open", 1, NULL, 'o'},         {NULL, 0, NULL, 0}};
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
        case 'n':
            p->samples = number(optarg, SAMPLES_MAX);
            break;
        case 'o':
            p->open_url = optarg;
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
    const party nobody = {.client = {.timeout_ms = TIMEOUT_MS}, .identity = {.kind = KW_USER_TOKEN_TYPE_USER_NAME}};
    plan p = {.guesses = 1000, .threads = 8, .samples = 30, .every_ms = 1000, .honest = nobody, .guesser = nobody};
    bool is_fine = false, ignored = false;
    parse(argc, argv, &p);
    json_t *all = json_pack("{s:o}", "with_lock_outs", under_attack(&p, p.url, &is_fine));
    if (p.open_url != NULL) {
        json_object_set_new(all, "without_lock_outs", under_attack(&p, p.open_url, &ignored));
    }
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(4));
    putchar('\n');
    json_decref(all);
    kw_secret_clear(&p.honest.password);
    kw_secret_clear(&p.guesser.password);
    return is_fine ? 0 : 1;
}
