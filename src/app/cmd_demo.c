/* keyway demo: the whole way on this machine, with throw-away keys. */
#include "app/directory.h"
#include "app/host.h"
#include "app/init.h"
#include "app/options.h"
#include "app/output.h"
#include "identity/jwt.h"
#include "identity/password.h"
#include "ua/text.h"

#include <keyway/client.h>

#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEMO_ARENA ((size_t)32 << 20)
#define MAX_JOBS 512
#define GRACE_MS 5000
#define USER "alice"
#define ROLE "Operator"
#define NODE "ns=1;s=Machine.Speed"
#define PASSWORD_BYTES 15

typedef struct demo {
    const kw_command *command;
    char directory[64];
    char *config_file, *password_file;
    kw_arena *arena;
    kw_runtime *runtime;
    kw_host authority, server;
    bool has_authority, has_server;
    kw_string password; /* of the user; in the arena */
    kw_string token;
    json_t *report; /* with --json: the steps */
    unsigned step;
    bool failed;
} demo;

/* --- telling ---------------------------------------------------------------------------------------------------------------- */

static void tell(demo *d, const char *title)
{
    d->step++;
    if (d->report != NULL) {
        json_array_append_new(d->report, json_pack("{s:i,s:s,s:[]}", "step", (int)d->step, "title", title, "lines"));
    } else {
        printf("\n%u. %s\n", d->step, title);
    }
}

static void say(demo *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(demo *d, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (d->report != NULL) {
        json_t *step = json_array_get(d->report, json_array_size(d->report) - 1);
        json_array_append_new(json_object_get(step, "lines"), json_string(line));
    } else {
        printf("   %s\n", line);
    }
}

static bool check(demo *d, kw_status status, kw_status expected, const char *what, const char *detail)
{
    if (status == expected) {
        return true;
    }
    fprintf(stderr, "keyway demo: %s: %s instead of %s %s\n", what, kw_status_name(status), kw_status_name(expected), detail);
    d->failed = true;
    return false;
}

/* --- the stage ---------------------------------------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static kw_status make_password(demo *d)
{
    uint8_t bytes[PASSWORD_BYTES];
    const kw_status status = kw_random_fill(&KW_RANDOM_SYSTEM, bytes, sizeof(bytes));
    d->password = kw_base64url_encode(d->arena, (kw_bytes){bytes, sizeof(bytes)});
    kw_wipe(bytes, sizeof(bytes));
    return status;
}

static int write_password_file(demo *d)
{
    const kw_string line = kw_arena_format(d->arena, "%.*s\n", KW_STRING_ARGS(d->password));
    const kw_status status = kw_write_new_file(d->password_file, line.data, line.len, 0600);
    return kw_status_is_bad(status) ? kw_fail(status, "%s could not be written", d->password_file) : -1;
}

static int add_user(demo *d)
{
    kw_directory directory;
    const int code = kw_directory_open_config(d->config_file, &directory);
    if (code >= 0) {
        return code;
    }
    kw_user user = {.name = KW_STRING(USER), .description = KW_STRING("runs the machine")};
    const kw_role_rule rule = {KW_CRITERIA_USER_NAME, user.name};
    kw_status status = kw_password_hash(d->password, &KW_RANDOM_SYSTEM, d->arena, &user.password_hash);
    if (!kw_status_is_bad(status)) {
        status = kw_store_user_add(directory.store, &user);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_store_role_rule_add(directory.store, KW_STRING(ROLE), &rule);
    }
    kw_directory_close(&directory);
    return kw_status_is_bad(status) ? kw_fail(status, "the demo's user could not be stored") : -1;
}

static int set_stage(demo *d)
{
    strcpy(d->directory, "/tmp/keyway-demo-XXXXXX");
    if (mkdtemp(d->directory) == NULL) {
        d->directory[0] = '\0';
        return kw_fail(KW_BAD_NOT_WRITABLE, "no temporary folder can be made in /tmp");
    }
    d->config_file = kw_directory_path(d->directory, KW_DIRECTORY_CONFIG);
    d->password_file = kw_directory_path(d->directory, USER ".password");
    d->arena = kw_arena_new(DEMO_ARENA);
    if (d->arena == NULL || kw_status_is_bad(make_password(d))) {
        return kw_fail(KW_BAD_OUT_OF_MEMORY, "the demo could not be set up");
    }
    const kw_init_plan plan = {.directory = d->directory,
                               .uri = "urn:localhost:keyway:demo",
                               .port = 0,
                               .allow_anonymous = true, /* so that the same read can be shown refused */
                               .admin_password_file = d->password_file,
                               .quiet = true};
    int code = write_password_file(d);
    code = code < 0 ? kw_init(d->command, &plan) : code;
    return code < 0 ? add_user(d) : code;
}

static int start_hosts(demo *d)
{
    const kw_status status = kw_runtime_new(&KW_LOG_STDERR, MAX_JOBS, &d->runtime);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the event loop could not be set up");
    }
    int code = kw_host_start(&d->authority, KW_HOST_AUTHORITY, d->config_file, NULL, KW_LOG_WARN, d->runtime);
    d->has_authority = code < 0;
    if (code < 0) {
        code = kw_host_start(&d->server, KW_HOST_SERVER, d->config_file, NULL, KW_LOG_WARN, d->runtime);
        d->has_server = code < 0;
    }
    return code;
}

static void clear_stage(demo *d)
{
    if (d->has_server) {
        kw_host_clear(&d->server);
    }
    if (d->has_authority) {
        kw_host_clear(&d->authority);
    }
    if (d->runtime != NULL) {
        kw_runtime_free(d->runtime);
    }
    if (d->directory[0] != '\0') {
        nftw(d->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    free(d->config_file);
    free(d->password_file);
    kw_arena_free(d->arena);
}

/* --- the play ------------------------------------------------------------------------------------------------------------------- */

static kw_client *new_client(demo *d)
{
    char *certificate = kw_directory_path(d->directory, KW_DIRECTORY_CLIENT_CERTIFICATE);
    char *key = kw_directory_path(d->directory, KW_DIRECTORY_CLIENT_KEY);
    char *trust = kw_directory_path(d->directory, KW_DIRECTORY_CLIENT_TRUST);
    const kw_client_config config = {.certificate_file = certificate, .key_file = key, .trust_directory = trust};
    kw_client *client = NULL;
    const char *why = "";
    const kw_status status = kw_client_new(&config, &client, &why);
    check(d, status, KW_GOOD, "the Client could not be set up", why);
    free(certificate);
    free(key);
    free(trust);
    return client;
}

static const char *url_of(demo *d, const kw_host *host)
{
    return kw_arena_cstring(d->arena, kw_server_url(host->server));
}

static bool connect_server(demo *d, kw_client *client)
{
    return check(d, kw_client_connect(client, url_of(d, &d->server)), KW_GOOD, "the Server", kw_client_error(client));
}

static void show_channel(demo *d, const kw_client *client)
{
    const kw_string uri = kw_client_endpoint(client)->security_policy_uri;
    const kw_security_policy *policy = kw_security_policy_by_uri(uri);
    say(d, "channel   %s, signed and encrypted; both sides checked the other's certificate", policy != NULL ? policy->name : "?");
}

static void show_policy(demo *d, const kw_client *client)
{
    const kw_endpoint_description *e = kw_client_endpoint(client);
    for (size_t i = 0; i < e->user_identity_tokens_count; i++) {
        if (e->user_identity_tokens[i].token_type == KW_USER_TOKEN_TYPE_ISSUED_TOKEN) {
            say(d, "says      access tokens come from %.*s", KW_STRING_ARGS(kw_server_url(d->authority.server)));
            say(d, "          (UserTokenPolicy %.*s)", KW_STRING_ARGS(e->user_identity_tokens[i].policy_id));
            return;
        }
    }
}

static void show_token(demo *d)
{
    kw_jwt jwt;
    const char *why = NULL;
    if (!check(d, kw_jwt_parse(d->token, d->arena, &jwt, &why), KW_GOOD, "the token", why != NULL ? why : "")) {
        return;
    }
    say(d, "issuer    %.*s, signed with %.*s", KW_STRING_ARGS(jwt.iss), KW_STRING_ARGS(jwt.alg));
    say(d, "user      %.*s", KW_STRING_ARGS(jwt.sub));
    say(d, "for       %.*s", KW_STRING_ARGS(jwt.aud_count > 0 ? jwt.aud[0] : KW_BYTES_NULL));
    for (size_t i = 0; i < jwt.role_count; i++) {
        say(d, "role      %.*s", KW_STRING_ARGS(jwt.roles[i]));
    }
    say(d, "until     %.*s", KW_STRING_ARGS(kw_date_time_format(d->arena, kw_datetime_from_unix(jwt.exp))));
}

static bool request_token(demo *d, kw_client *client)
{
    const kw_client_identity alice = {.kind = KW_USER_TOKEN_TYPE_USER_NAME, .user_name = KW_STRING(USER), .password = d->password};
    tell(d, "The user " USER " asks the Authorization Service for a token (RequestAccessToken)");
    const kw_status status = kw_client_request_token(client, NULL, NULL, &alice, d->arena, &d->token);
    if (!check(d, status, KW_GOOD, "RequestAccessToken", kw_client_error(client))) {
        return false;
    }
    say(d, "proof     name and password, encrypted for the Authorization Service (RsaEncryptedSecret)");
    show_token(d);
    return true;
}

static kw_status activate_with(kw_client *client, kw_string token)
{
    const kw_client_identity issued = {.kind = KW_USER_TOKEN_TYPE_ISSUED_TOKEN, .token = token};
    return kw_client_activate(client, &issued);
}

static kw_status read_speed(demo *d, kw_client *client, kw_data_value *value)
{
    kw_node_id node;
    const kw_status status = kw_node_id_parse(KW_STRING(NODE), d->arena, &node);
    return kw_status_is_bad(status) ? status : kw_client_read(client, &node, 13, d->arena, value);
}

static void as_user(demo *d, kw_client *client)
{
    kw_data_value value;
    tell(d, "The Session is activated with that token (ActivateSession)");
    if (!check(d, activate_with(client, d->token), KW_GOOD, "ActivateSession", kw_client_error(client))) {
        return;
    }
    say(d, "Good      the Server checked signature, issuer, audience and time of the token;");
    say(d, "          its mapping rules turn the claim '" ROLE "' of this issuer into the Role " ROLE);
    tell(d, "The Session reads " NODE ", which the Role " ROLE " may read");
    if (check(d, read_speed(d, client, &value), KW_GOOD, "Read", kw_client_error(client))) {
        say(d, "Good      %.*s", KW_STRING_ARGS(kw_variant_format(d->arena, &value.value)));
    }
}

static void as_anonymous(demo *d, kw_client *client)
{
    const kw_client_identity anonymous = {.kind = KW_USER_TOKEN_TYPE_ANONYMOUS};
    kw_data_value value;
    tell(d, "The same Session becomes Anonymous and tries the same read");
    if (!check(d, kw_client_activate(client, &anonymous), KW_GOOD, "ActivateSession as Anonymous", kw_client_error(client))) {
        return;
    }
    if (check(d, read_speed(d, client, &value), KW_BAD_USER_ACCESS_DENIED, "Read as Anonymous", "")) {
        say(d, "%s   refused, as it must be", kw_status_name(KW_BAD_USER_ACCESS_DENIED));
    }
}

/* One bit of the signature: not of its last character, whose low bits may be padding. */
static void with_forged_token(demo *d, kw_client *client)
{
    const kw_string forged = kw_arena_copy(d->arena, d->token);
    uint8_t *middle = (uint8_t *)forged.data + forged.len - 20;
    *middle = *middle == 'A' ? 'B' : 'A';
    tell(d, "Somebody changed one character of the token's signature");
    const kw_status status = activate_with(client, forged);
    if (check(d, status, KW_BAD_IDENTITY_TOKEN_REJECTED, "ActivateSession with a forged token", "")) {
        say(d, "%s   refused, and the Session is Anonymous as before", kw_status_name(status));
    }
}

static void play(demo *d)
{
    tell(d, "An Authorization Service and a Server are up, with keys made just now");
    say(d, "authority %s", url_of(d, &d->authority));
    say(d, "server    %s", url_of(d, &d->server));
    kw_client *client = new_client(d);
    if (client == NULL) {
        return;
    }
    tell(d, "A Client connects to the Server");
    if (connect_server(d, client)) {
        show_channel(d, client);
        show_policy(d, client);
        if (request_token(d, client)) {
            as_user(d, client);
            as_anonymous(d, client);
            with_forged_token(d, client);
        }
    }
    kw_client_free(client);
}

static void print_next(demo *d)
{
    const char *server = url_of(d, &d->server);
    printf("\nBoth stay up until Ctrl-C. Try in another terminal:\n"
           "  keyway endpoints %s\n"
           "  keyway read -d %s --authority --user " USER " --password-file %s %s " NODE "\n"
           "  keyway read -d %s --anonymous %s " NODE "\n"
           "  keyway browse -d %s --anonymous %s --depth 2\n"
           "  keyway trail list -d %s\n",
           server, d->directory, d->password_file, server, d->directory, server, d->directory, server, d->directory);
    fflush(stdout);
}

/* --- the loop in a thread of its own: the Client blocks ---------------------------------------------------------------------------- */

static void *run_loop(void *ctx)
{
    demo *d = ctx;
    kw_runtime_run(d->runtime, GRACE_MS);
    return NULL;
}

static int run_demo(demo *d, bool once)
{
    pthread_t thread;
    sigset_t signals;
    int caught;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* taken up by sigwait below; threads inherit the mask */
    if (pthread_create(&thread, NULL, run_loop, d) != 0) {
        return kw_fail(KW_BAD_RESOURCE_UNAVAILABLE, "no thread could be started");
    }
    play(d);
    if (!d->failed && !once && d->report == NULL) {
        print_next(d);
        sigwait(&signals, &caught);
    }
    kw_runtime_stop(d->runtime);
    pthread_join(thread, NULL);
    if (d->failed) {
        return KW_EXIT_FAILED;
    }
    if (d->report != NULL) {
        return kw_print_json(json_pack("{s:b,s:O}", "passed", 1, "steps", d->report));
    }
    printf("\nEverything was as it should be.\n");
    return KW_EXIT_DONE;
}

int kw_cmd_demo(const kw_command *self, int argc, char **argv)
{
    bool once = false, json = false;
    kw_option_list words;
    const kw_option table[] = {{"once", 0, KW_OPTION_FLAG, &once, 0, 0}, {"json", 0, KW_OPTION_FLAG, &json, 0, 0}};
    int code = kw_options_parse(self, argc, argv, table, 2, false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 0, 0)) {
        return KW_EXIT_USAGE;
    }
    static demo d; /* the hosts must stay where they are */
    d = (demo){.command = self, .report = json ? json_array() : NULL};
    if (!json) {
        printf("Keyway demo: a token opens a Session.\n");
    }
    code = set_stage(&d);
    code = code < 0 ? start_hosts(&d) : code;
    code = code < 0 ? run_demo(&d, once) : code;
    clear_stage(&d);
    json_decref(d.report);
    return code;
}
