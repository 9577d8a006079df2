/* keyway watch: a line for each change, until it is told to stop. */
#include "app/connect.h"
#include "app/output.h"
#include "app/values.h"
#include "base/clock.h"
#include "ua/text.h"

#include <keyway/client_subscription.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_ARENA ((size_t)64 << 20)
#define INTERVAL_DEFAULT 1000 /* ms */
#define INTERVAL_MAX 3600000
#define RECONNECT_DEFAULT 30 /* seconds */
#define LOOK_MS 100          /* so soon a signal is taken up */
#define QUEUE 100
#define TIME_WIDTH 28

typedef struct watched {
    const char *name;
    struct watch *watch;
    bool is_denied;
} watched;

typedef struct watch {
    const kw_option_list *words; /* the URL, then the nodes */
    bool json;
    uint32_t interval, count;
    int width; /* of the longest name */
    uint32_t seen;
    bool is_cut_off; /* nobody reads what is written */
    kw_arena *arena; /* of one line */
    watched nodes[KW_OPTION_LIST_MAX];
} watch;

/* --- lines ------------------------------------------------------------------------------------------------------------------- */

static kw_date_time time_of(const kw_data_value *value)
{
    if (value->has_source_timestamp) {
        return value->source_timestamp;
    }
    return value->has_server_timestamp ? value->server_timestamp : kw_clock_utc(&KW_CLOCK_SYSTEM);
}

static void print_json(const watch *w, const watched *node, const kw_data_value *value)
{
    json_t *line = kw_data_value_json(w->arena, value);
    json_object_set_new(line, "nodeId", json_string(node->name));
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

static void print_line(const watch *w, const watched *node, const kw_data_value *value, kw_status status)
{
    const kw_string time = kw_date_time_format(w->arena, time_of(value)), text = kw_variant_format(w->arena, &value->value);
    const char *code = kw_status_is_good(status) ? "" : kw_status_name(status);
    printf("%-*.*s  %-*s  ", TIME_WIDTH, KW_STRING_ARGS(time), w->width, node->name);
    if (value->has_value) {
        printf("%.*s%s", KW_STRING_ARGS(text), *code != '\0' ? "  " : "");
    }
    printf("%s\n", code);
}

static bool is_denial(kw_status status)
{
    return status == KW_BAD_USER_ACCESS_DENIED || status == KW_BAD_SECURITY_MODE_INSUFFICIENT;
}

static void note_rights(watched *node, kw_status status)
{
    if (is_denial(status) && !node->is_denied) {
        kw_fail(status, "%s: the right to read it has ended; values return with it", node->name);
    } else if (!is_denial(status) && node->is_denied) {
        fprintf(stderr, "keyway: %s: it may be read again\n", node->name);
    }
    node->is_denied = is_denial(status);
}

static void on_change(void *ctx, kw_client_item *item, const kw_data_value *value)
{
    watched *node = ctx;
    watch *w = node->watch;
    const kw_status status = value->has_status ? value->status : KW_GOOD;
    (void)item;
    if (w->count != 0 && w->seen >= w->count) {
        return;
    }
    w->seen++;
    if (w->json) {
        print_json(w, node, value);
    } else {
        print_line(w, node, value, status);
    }
    w->is_cut_off = fflush(stdout) != 0;
    note_rights(node, status);
    kw_arena_reset(w->arena);
}

/* --- signals, and the connection ------------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t is_stopped;

static void on_signal(int number)
{
    (void)number;
    is_stopped = 1;
}

/* Without a connection there is nothing to take leave of, and trying for one may take long. */
static void take_signals(bool is_connected)
{
    const int signals[] = {SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = is_connected ? on_signal : SIG_DFL};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        sigaction(signals[i], &action, NULL);
    }
}

static const char *what_is_lost(kw_status status)
{
    switch (status) {
    case KW_BAD_SESSION_ID_INVALID:
        return "the server has ended the Session";
    case KW_BAD_SUBSCRIPTION_ID_INVALID:
    case KW_BAD_NO_SUBSCRIPTION:
    case KW_BAD_TIMEOUT:
        return "the server has ended the Subscription";
    default:
        return "the connection is lost";
    }
}

static void on_news(void *ctx, kw_client_subscription *subscription, kw_client_news news, kw_status status)
{
    (void)ctx;
    (void)subscription;
    switch (news) {
    case KW_CLIENT_NEWS_LOST:
        take_signals(false);
        kw_fail(status, "%s; trying to get it back", what_is_lost(status));
        return;
    case KW_CLIENT_NEWS_BACK:
        fprintf(stderr, "keyway: connected again; what was missed follows\n");
        break;
    case KW_CLIENT_NEWS_TRANSFERRED:
        fprintf(stderr, "keyway: connected again with a new Session; what was missed follows\n");
        break;
    case KW_CLIENT_NEWS_RENEWED:
        fprintf(stderr, "keyway: watching again; what changed in between is not known\n");
        break;
    case KW_CLIENT_NEWS_REFUSED:
        kw_fail(status, "the server does not let us watch again; trying on");
        break;
    case KW_CLIENT_NEWS_MISSED:
        fprintf(stderr, "keyway: some changes were lost on the way\n");
        break;
    case KW_CLIENT_NEWS_ENDED:
        kw_fail(status, "another Session has taken the Subscription");
        is_stopped = 1;
        break;
    }
    take_signals(true);
}

/* --- watching --------------------------------------------------------------------------------------------------------------------- */

/* Returns -1, or the exit code when the words are no NodeIds. */
static int read_nodes(watch *w, kw_arena *arena, kw_client_item_config *wanted)
{
    for (size_t i = 1; i < w->words->count; i++) {
        watched *node = &w->nodes[i - 1];
        *node = (watched){.name = w->words->items[i], .watch = w};
        wanted[i - 1] = (kw_client_item_config){.queue_size = QUEUE, .changed = on_change, .ctx = node};
        const kw_status status = kw_node_id_parse(kw_string_from(node->name), arena, &wanted[i - 1].node);
        if (kw_status_is_bad(status)) {
            kw_fail(status, "'%s' is not a NodeId; write i=2258, ns=1;s=Name, ns=2;g=... or ns=2;b=...", node->name);
            return KW_EXIT_USAGE;
        }
        w->width = (int)strlen(node->name) > w->width ? (int)strlen(node->name) : w->width;
    }
    return -1;
}

/* Returns -1 when there is something to watch. */
static int subscribe(watch *w, kw_client *client, kw_arena *arena, kw_client_subscription **out)
{
    kw_client_item_config wanted[KW_OPTION_LIST_MAX];
    kw_status results[KW_OPTION_LIST_MAX];
    const size_t count = w->words->count - 1;
    const kw_client_subscription_config config = {.publishing_interval_ms = w->interval, .told = on_news};
    int code = read_nodes(w, arena, wanted);
    if (code >= 0) {
        return code;
    }
    kw_status status = kw_client_subscribe(client, &config, out);
    if (!kw_status_is_bad(status)) {
        status = kw_client_monitor(*out, wanted, count, NULL, results);
    }
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s", kw_client_error(client));
    }
    size_t refused = 0;
    for (size_t i = 0; i < count; i++) {
        if (kw_status_is_bad(results[i])) {
            kw_fail(results[i], "%s", w->nodes[i].name);
            refused++;
        }
    }
    return refused < count ? -1 : KW_EXIT_FAILED;
}

static bool is_done(const watch *w)
{
    return is_stopped != 0 || w->is_cut_off || (w->count != 0 && w->seen >= w->count);
}

static int follow(watch *w, kw_client *client, kw_client_subscription *subscription)
{
    if (!w->json && isatty(STDOUT_FILENO)) {
        printf("%-*s  %-*s  VALUE\n", TIME_WIDTH, "TIME", w->width, "NODE");
    }
    while (!is_done(w)) {
        const kw_status status = kw_client_idle(client, LOOK_MS);
        if (kw_status_is_bad(status)) {
            return kw_fail(status, "%s", kw_client_error(client));
        }
    }
    kw_client_unsubscribe(subscription);
    return KW_EXIT_DONE;
}

static int run(watch *w, kw_client *client)
{
    kw_client_subscription *subscription = NULL;
    kw_arena *arena = kw_arena_new(LINE_ARENA);
    w->arena = kw_arena_new(LINE_ARENA);
    int code = KW_EXIT_FAILED;
    if (arena != NULL && w->arena != NULL) {
        take_signals(true);
        code = subscribe(w, client, arena, &subscription);
        code = code < 0 ? follow(w, client, subscription) : code;
    }
    kw_arena_free(arena);
    kw_arena_free(w->arena);
    return code;
}

int kw_cmd_watch(const kw_command *self, int argc, char **argv)
{
    kw_connect_options options = {0};
    watch w = {.interval = INTERVAL_DEFAULT};
    kw_option rows[KW_CONNECT_OPTIONS + 2];
    kw_option_list words;
    kw_client *client = NULL;
    size_t count = kw_connect_option_rows(&options, rows);
    rows[count++] = (kw_option){"interval", 0, KW_OPTION_NUMBER, &w.interval, 1, INTERVAL_MAX};
    rows[count++] = (kw_option){"count", 0, KW_OPTION_NUMBER, &w.count, 1, UINT32_MAX};
    int code = kw_options_parse(self, argc, argv, rows, count, true, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 2, KW_OPTION_LIST_MAX)) {
        return KW_EXIT_USAGE;
    }
    options.reconnect = options.reconnect != 0 ? options.reconnect : RECONNECT_DEFAULT;
    w.words = &words;
    w.json = options.json;
    code = kw_connect_session(self, &options, words.items[0], &client);
    if (code < 0) {
        code = run(&w, client);
        kw_client_free(client);
    }
    return code;
}
