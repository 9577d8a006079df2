/* keyway init: keys, certificates, store, configuration and a first administrator. */
#include "app/certificates.h"
#include "app/directory.h"
#include "app/init.h"
#include "app/key_file.h"
#include "app/options.h"
#include "app/output.h"
#include "authority/authority.h"
#include "identity/password.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PORT 4840
#define HTTPS_PORT 8443u
#define CERTIFICATE_DAYS 1825
#define PASSWORD_LEN 20
#define KEY_FILE_MAX 4096
#define TOKEN_LIFETIME_S 3600
#define INIT_ARENA ((size_t)16 << 20)

typedef struct building {
    const kw_command *command;
    const kw_init_plan *plan;
    kw_arena *arena;
    kw_store *store;
    bool is_joining; /* the store was there: another node has made it */
    bool is_sealing; /* there is an own/store.key */
    kw_key_file key_file;
    kw_string why;      /* the store could not be made; null: nobody knows */
    kw_secret password; /* the administrator's */
    const char *directory;
    kw_string uri, authority_uri, client_uri, service_uri;
    const char *const *hosts;
    size_t host_count;
} building;

static const char *const LOCAL_HOSTS[] = {"localhost", "127.0.0.1", "::1"};

/* --- names ----------------------------------------------------------------------------------------------------------- */

static void choose_names(building *b)
{
    char host[256] = "localhost";
    gethostname(host, sizeof(host) - 1);
    b->uri = b->plan->uri != NULL ? kw_string_from(b->plan->uri) : kw_arena_format(b->arena, "urn:%s:keyway", host);
    b->authority_uri = kw_arena_format(b->arena, "%.*s:authority", KW_STRING_ARGS(b->uri));
    b->client_uri = kw_arena_format(b->arena, "%.*s:client", KW_STRING_ARGS(b->uri));
    b->service_uri = kw_arena_format(b->arena, "%.*s:tokens", KW_STRING_ARGS(b->uri));
    const size_t local = sizeof(LOCAL_HOSTS) / sizeof(LOCAL_HOSTS[0]);
    const char **hosts = kw_arena_array(b->arena, b->plan->host_count + local, sizeof(char *));
    for (size_t i = 0; i < b->plan->host_count; i++) {
        hosts[b->host_count++] = b->plan->hosts[i];
    }
    for (size_t i = 0; i < local; i++) {
        hosts[b->host_count++] = LOCAL_HOSTS[i];
    }
    b->hosts = hosts;
}

/* --- files ----------------------------------------------------------------------------------------------------------- */

static int make_folders(const building *b)
{
    static const char *const FOLDERS[] = {"", "own", "trust"};
    for (size_t i = 0; i < sizeof(FOLDERS) / sizeof(FOLDERS[0]); i++) {
        char *path = kw_directory_path(b->directory, FOLDERS[i]);
        const bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        if (!made) {
            const int code = kw_fail(KW_BAD_NOT_WRITABLE, "%s: %s", path, strerror(errno));
            free(path);
            return code;
        }
        free(path);
    }
    char *config = kw_directory_path(b->directory, KW_DIRECTORY_CONFIG);
    const bool exists = access(config, F_OK) == 0;
    free(config);
    return exists ? kw_fail(KW_BAD_ALREADY_EXISTS, "%s holds a Keyway installation already; choose another folder", b->directory) : -1;
}

static int add_trust(const building *b, const char *list, const kw_certificate *certificate)
{
    char *path = kw_directory_path(b->directory, list);
    kw_trust_list *trust = NULL;
    kw_status status = kw_trust_list_open(path, true, &KW_CLOCK_SYSTEM, &KW_LOG_QUIET, &trust);
    if (!kw_status_is_bad(status) && certificate != NULL) {
        status = kw_trust_list_add(trust, certificate, KW_TRUST_TRUSTED);
    }
    kw_trust_list_close(trust);
    const int code = kw_status_is_bad(status) ? kw_fail(status, "the trust list %s could not be made", path) : -1;
    free(path);
    return code;
}

/* A key pair, trusted by those that it has to talk to: Server and Authority by our Client, our Client by both. */
static int make_application(const building *b, const char *name, kw_string uri, const char *trusted_in)
{
    char *own = kw_directory_path(b->directory, "own");
    char *stem = kw_directory_path(own, name);
    char *common_name = NULL;
    if (asprintf(&common_name, "Keyway %s", name) < 0) {
        abort();
    }
    const kw_application_files files = {.stem = stem,
                                        .application_uri = kw_arena_cstring(b->arena, uri),
                                        .common_name = common_name,
                                        .hosts = b->hosts,
                                        .host_count = b->host_count,
                                        .days = CERTIFICATE_DAYS,
                                        .key_type = b->plan->key_type};
    kw_certificate *certificate = NULL;
    int code = kw_application_files_create(&files, &certificate);
    if (code < 0) {
        code = add_trust(b, trusted_in, certificate);
    }
    kw_certificate_release(certificate);
    free(common_name);
    free(stem);
    free(own);
    return code;
}

static int make_certificates(const building *b)
{
    int code = make_application(b, "server", b->uri, KW_DIRECTORY_CLIENT_TRUST);
    code = code < 0 ? make_application(b, "authority", b->authority_uri, KW_DIRECTORY_CLIENT_TRUST) : code;
    code = code < 0 ? make_application(b, "client", b->client_uri, KW_DIRECTORY_TRUST) : code;
    return code < 0 ? add_trust(b, KW_DIRECTORY_USER_TRUST, NULL) : code;
}

static void write_list(FILE *file, const char *key, const char *const *items, size_t count)
{
    fprintf(file, "  %s: [", key);
    for (size_t i = 0; i < count; i++) {
        fprintf(file, "%s\"%s\"", i > 0 ? ", " : "", items[i]);
    }
    fputs("]\n", file);
}

/* The policies that go with it. */
static const char *policies_for(kw_key_type type)
{
    static const char *const POLICIES[KW_KEY_OTHER] = {
        [KW_KEY_RSA] = "Aes256_Sha256_RsaPss, Aes128_Sha256_RsaOaep, Basic256Sha256",
        [KW_KEY_EC_P256] = "ECC_nistP256",
        [KW_KEY_EC_P384] = "ECC_nistP384, ECC_nistP256",
        [KW_KEY_EC_BP256] = "ECC_brainpoolP256r1",
        [KW_KEY_EC_BP384] = "ECC_brainpoolP384r1, ECC_brainpoolP256r1",
        [KW_KEY_ED25519] = "ECC_curve25519",
        [KW_KEY_ED448] = "ECC_curve448",
    };
    return POLICIES[type];
}

static void write_sections(FILE *file, const building *b)
{
    static const char *const EVERYWHERE[] = {"0.0.0.0", "::"};
    static const char *const HERE[] = {"127.0.0.1", "::1"};
    const kw_init_plan *plan = b->plan;
    fputs("# Keyway. Every key: docs/configuration.md. After a change: `keyway config check -c FILE`, then restart.\n\napplication:\n  "
          "name: \"Keyway\"\n",
          file);
    write_list(file, "hosts", b->hosts, b->host_count);
    write_list(file, "listen", plan->host_count > 0 ? EVERYWHERE : HERE, 2);
    fprintf(file,
            "\nsecurity:\n  policies: [%s]\n  modes: [sign, encrypt]\n  "
            "allow_none: %s\n"
            "  trust: " KW_DIRECTORY_TRUST "\n  user_trust: " KW_DIRECTORY_USER_TRUST
            "\n\nidentity:\n  allow_anonymous: %s\n  allow_user_certificates: true\n",
            policies_for(plan->key_type), plan->allow_none ? "true" : "false", plan->allow_anonymous ? "true" : "false");
    fprintf(file, "\nserver:\n  uri: \"%.*s\"\n  port: %u\n  certificate: own/server.crt\n  key: own/server.key\n  sample_machine: true\n",
            KW_STRING_ARGS(b->uri), plan->port);
    fprintf(
        file,
        "\nauthority:\n  uri: \"%.*s\"\n  port: %u\n  certificate: own/authority.crt\n  key: own/authority.key\n  service_uri: \"%.*s\"\n"
        "  signing_algorithm: RS256\n  token_lifetime: 3600\n  key_rotation: 90\n",
        KW_STRING_ARGS(b->authority_uri), plan->port == 0 ? 0u : plan->port + 1u, KW_STRING_ARGS(b->service_uri));
    if (b->is_sealing) {
        fputs("  key_file: " KW_DIRECTORY_STORE_KEY "\n", file);
    }
    if (plan->port == 0) {
        fputs("\nhttps:\n  port: 0\n", file);
    } else {
        fprintf(file, "\nhttps:\n  port: %u\n", plan->port == DEFAULT_PORT ? HTTPS_PORT : plan->port + 2u);
    }
    const char *quote = plan->store != NULL ? "\"" : "";
    fprintf(file, "\nstore: %s%s%s\nlog_level: info\n", quote, plan->store != NULL ? plan->store : KW_DIRECTORY_STORE, quote);
}

static int write_config(const building *b)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    if (file == NULL) {
        abort();
    }
    write_sections(file, b);
    fclose(file);
    char *path = kw_directory_path(b->directory, KW_DIRECTORY_CONFIG);
    const kw_status status = kw_write_new_file(path, text, len, 0600);
    const int code = kw_status_is_bad(status) ? kw_fail(status, "%s could not be written", path) : -1;
    free(path);
    free(text);
    return code;
}

/* --- store ----------------------------------------------------------------------------------------------------------- */

/* Another node may have put it there, or an `init` that was broken off. */
static kw_status unless_there(kw_status status)
{
    return status == KW_BAD_ALREADY_EXISTS ? KW_GOOD : status;
}

/* Our own service's word on a Role counts for the well-known Roles; visible and revocable by `keyway role`. */
static kw_status trust_own_roles(const building *b)
{
    static const char *const ROLES[] = {"Observer", "Operator", "Engineer", "Supervisor", "ConfigureAdmin", "SecurityAdmin"};
    for (size_t i = 0; i < sizeof(ROLES) / sizeof(ROLES[0]); i++) {
        const kw_role_rule rule = {KW_CRITERIA_ROLE, kw_arena_format(b->arena, "%.*s/%s", KW_STRING_ARGS(b->service_uri), ROLES[i])};
        const kw_status status = unless_there(kw_store_role_rule_add(b->store, kw_string_from(ROLES[i]), &rule));
        if (kw_status_is_bad(status)) {
            return status;
        }
    }
    return KW_GOOD;
}

/* Written last: where it is, a store is complete. Nodes that share the store are one service. */
#define SETTING_SERVICE_URI KW_STRING("authority.service_uri")

static kw_status look_for_another_node(building *b)
{
    kw_string uri;
    const kw_status status = kw_store_setting_get(b->store, SETTING_SERVICE_URI, b->arena, &uri);
    if (status == KW_BAD_NOT_FOUND) {
        return KW_GOOD;
    }
    if (!kw_status_is_bad(status)) {
        b->is_joining = true;
        b->service_uri = uri;
    }
    return status;
}

/* Of another node, or a new one; nodes that share a store share it too. */
static kw_status make_store_key(building *b, const char *path)
{
    const char *given = b->plan->store_key_file;
    uint8_t *text = NULL;
    size_t len = 0;
    if (given == NULL && b->is_joining) {
        return KW_GOOD; /* if the store needs one, that shows */
    }
    b->is_sealing = true;
    if (given == NULL) {
        return unless_there(kw_key_file_make(path));
    }
    kw_status status = kw_read_file(given, KEY_FILE_MAX, &text, &len);
    if (!kw_status_is_bad(status)) {
        status = unless_there(kw_write_new_file(path, text, len, 0600));
        kw_wipe(text, len);
        free(text);
    }
    return status;
}

static kw_status prepare_ring(building *b, const kw_key_ring *ring)
{
    kw_status status = make_store_key(b, b->key_file.path);
    if (kw_status_is_bad(status)) {
        b->why = KW_STRING("own/store.key could not be made; a file that is given must be readable");
        return status;
    }
    kw_key_ring how = *ring;
    how.safe = b->is_sealing ? &b->key_file.safe : NULL;
    status = kw_key_ring_check(&how);
    return kw_status_is_bad(status) || b->is_joining ? status : kw_key_ring_look_after(&how);
}

static kw_status make_keys(building *b)
{
    const kw_key_ring ring = {.store = b->store,
                              .clock = &KW_CLOCK_SYSTEM,
                              .random = &KW_RANDOM_SYSTEM,
                              .service_uri = b->service_uri,
                              .alg = KW_STRING("RS256"),
                              .lifetime_s = TOKEN_LIFETIME_S};
    kw_key_file_init(&b->key_file, kw_directory_path(b->directory, KW_DIRECTORY_STORE_KEY));
    const kw_status status = prepare_ring(b, &ring);
    if (status == KW_BAD_CONFIGURATION_ERROR || status == KW_BAD_SECURITY_CHECKS_FAILED) {
        b->why = KW_STRING("the signing keys in it are sealed; give --store-key-file F, own/store.key of a node that uses this store");
    }
    kw_key_file_clear(&b->key_file);
    return status;
}

static kw_status fill_store(building *b)
{
    kw_status status = look_for_another_node(b);
    if (!kw_status_is_bad(status)) {
        status = make_keys(b);
    }
    if (!kw_status_is_bad(status)) {
        status = unless_there(kw_store_resource_add(b->store, &(kw_resource){.uri = b->uri, .name = KW_STRING("Keyway Server")}));
    }
    if (!kw_status_is_bad(status) && !b->is_joining) {
        status = trust_own_roles(b);
    }
    return status;
}

static int make_store(building *b)
{
    char *path = b->plan->store != NULL ? strdup(b->plan->store) : kw_directory_path(b->directory, KW_DIRECTORY_STORE);
    kw_status status = kw_store_open(path, true, &KW_CLOCK_SYSTEM, b->arena, &b->store, &b->why);
    if (!kw_status_is_bad(status)) {
        status = fill_store(b);
    }
    int code = -1;
    if (kw_status_is_bad(status)) {
        code = kw_fail(status, "%.*s: %.*s", KW_STRING_ARGS(kw_store_location_name(path, b->arena)),
                       KW_STRING_ARGS(b->why.len > 0 ? b->why : KW_STRING("the store could not be made")));
    }
    free(path);
    return code;
}

/* Without look-alikes; drawn without bias. */
static kw_status make_up_password(kw_secret *out)
{
    static const char LETTERS[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    const unsigned letters = sizeof(LETTERS) - 1;
    kw_status status = kw_secret_init(out, PASSWORD_LEN);
    for (size_t i = 0; i < PASSWORD_LEN && !kw_status_is_bad(status);) {
        uint8_t byte;
        status = kw_random_fill(&KW_RANDOM_SYSTEM, &byte, 1);
        if (byte < 256 / letters * letters) {
            out->data[i++] = (uint8_t)LETTERS[byte % letters];
        }
    }
    return status;
}

/* First of all: a slip in the file's name must not leave half an installation, which no second `init` can finish. */
static int take_password(building *b)
{
    const char *file = b->plan->admin_password_file;
    if (file == NULL) {
        return kw_status_is_bad(make_up_password(&b->password)) ? kw_fail(KW_BAD_UNEXPECTED_ERROR, "no random bytes could be had") : -1;
    }
    const int code = kw_read_secret_file(file, &b->password);
    if (code < 0 && b->password.len == 0) {
        return kw_fail(KW_BAD_OUT_OF_RANGE, "%s: the password is empty; write one into its first line", file);
    }
    if (code < 0 && kw_status_is_bad(kw_password_check(&KW_PASSWORD_RULES_DEFAULT, kw_secret_bytes(&b->password)))) {
        const kw_string rules = kw_password_restrictions(&KW_PASSWORD_RULES_DEFAULT, b->arena);
        return kw_fail(KW_BAD_OUT_OF_RANGE, "%s: this password cannot be taken: %.*s are needed", file, KW_STRING_ARGS(rules));
    }
    return code;
}

static int make_administrator(const building *b)
{
    if (b->is_joining) {
        return -1;
    }
    kw_user admin = {.name = KW_STRING("admin"), .description = KW_STRING("first administrator")};
    const kw_role_rule rule = {KW_CRITERIA_USER_NAME, admin.name};
    kw_status status = kw_password_hash(kw_secret_bytes(&b->password), &KW_RANDOM_SYSTEM, b->arena, &admin.password_hash);
    if (!kw_status_is_bad(status)) {
        status = kw_store_user_add(b->store, &admin);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_store_role_rule_add(b->store, KW_STRING("SecurityAdmin"), &rule);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_store_role_rule_add(b->store, KW_STRING("ConfigureAdmin"), &rule);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_store_setting_put(b->store, SETTING_SERVICE_URI, b->service_uri);
    }
    return kw_status_is_bad(status) ? kw_fail(status, "the administrator could not be stored") : -1;
}

static void print_result(const building *b)
{
    printf("Configuration     %s/" KW_DIRECTORY_CONFIG "\nApplicationUri    %.*s\n", b->directory, KW_STRING_ARGS(b->uri));
    if (b->is_joining) {
        printf("Store             shared with the nodes that use it already: their users, Roles and keys\n");
    } else if (b->plan->admin_password_file == NULL) {
        printf("Administrator     admin\nPassword          %.*s   (shown only now; change it with `keyway user passwd`)\n",
               (int)b->password.len, (const char *)b->password.data);
    }
    printf("\nNext:\n"
           "  keyway authority -c %s/" KW_DIRECTORY_CONFIG "\n"
           "  keyway serve -c %s/" KW_DIRECTORY_CONFIG "\n"
           "  keyway user add -d %s alice --password-file FILE --role Operator\n"
           "  keyway cert trust -d %s CLIENT-CERTIFICATE      (so that this Client may connect)\n",
           b->directory, b->directory, b->directory, b->directory);
}

int kw_init(const kw_command *command, const kw_init_plan *plan)
{
    building b = {.command = command, .plan = plan, .directory = plan->directory, .arena = kw_arena_new(INIT_ARENA)};
    if (b.arena == NULL) {
        return kw_fail(KW_BAD_OUT_OF_MEMORY, "out of memory");
    }
    choose_names(&b);
    int code = take_password(&b);
    code = code < 0 ? make_folders(&b) : code;
    code = code < 0 ? make_store(&b) : code; /* before what a second `init` would not overwrite */
    code = code < 0 ? make_certificates(&b) : code;
    code = code < 0 ? make_administrator(&b) : code;
    code = code < 0 ? write_config(&b) : code; /* last: its presence says that the rest is there */
    if (code < 0 && !plan->quiet) {
        print_result(&b);
    }
    kw_secret_clear(&b.password);
    kw_store_close(b.store);
    kw_arena_free(b.arena);
    return code;
}

/* What goes between quotes in YAML and into a certificate must not break out of either. */
static bool is_plain(const char *text)
{
    return *text != '\0' && strlen(text) < 512 && strpbrk(text, "\"\\\n\r\t ") == NULL && kw_utf8_is_valid(kw_string_from(text), false);
}

int kw_cmd_init(const kw_command *self, int argc, char **argv)
{
    kw_init_plan plan = {0};
    const char *key_type = NULL;
    kw_option_list words, hosts = {.count = 0};
    uint32_t port = DEFAULT_PORT;
    bool json = false;
    const kw_option table[] = {
        {"uri", 0, KW_OPTION_TEXT, &plan.uri, 0, 0},
        {"host", 0, KW_OPTION_LIST, &hosts, 0, 0},
        {"port", 0, KW_OPTION_NUMBER, &port, 0, 65533},
        {"allow-none", 0, KW_OPTION_FLAG, &plan.allow_none, 0, 0},
        {"allow-anonymous", 0, KW_OPTION_FLAG, &plan.allow_anonymous, 0, 0},
        {"store", 0, KW_OPTION_TEXT, &plan.store, 0, 0},
        {"store-key-file", 0, KW_OPTION_TEXT, &plan.store_key_file, 0, 0},
        {"admin-password-file", 0, KW_OPTION_TEXT, &plan.admin_password_file, 0, 0},
        {"key-type", 0, KW_OPTION_TEXT, &key_type, 0, 0},
        {"json", 0, KW_OPTION_FLAG, &json, 0, 0},
    };
    int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 1, 1)) {
        return KW_EXIT_USAGE;
    }
    if (plan.uri != NULL && !is_plain(plan.uri)) {
        return kw_usage_error(self, "--uri: a URI has no spaces or quotes and at most 511 bytes");
    }
    if (plan.store != NULL && (!is_plain(plan.store) || kw_store_location_is_file(plan.store))) {
        return kw_usage_error(self, "--store: a URL of PostgreSQL without spaces or quotes, postgresql://USER@HOST/DATABASE");
    }
    for (size_t i = 0; i < hosts.count; i++) {
        if (!is_plain(hosts.items[i])) {
            return kw_usage_error(self, "--host: '%s' is not a host name or address", hosts.items[i]);
        }
    }
    if (key_type != NULL && !kw_key_type_parse(key_type, &plan.key_type)) {
        return kw_usage_error(self, "--key-type: '%s' is none; use rsa, ec-p256, ec-p384, ec-bp256, ec-bp384, ed25519 or ed448", key_type);
    }
    plan.directory = words.items[0];
    plan.hosts = hosts.items;
    plan.host_count = hosts.count;
    plan.port = (uint16_t)port;
    plan.quiet = json && plan.admin_password_file != NULL; /* a made-up password must be shown somewhere */
    code = kw_init(self, &plan);
    if (code >= 0) {
        return code;
    }
    return plan.quiet ? kw_print_json(json_pack("{s:s,s:s}", "directory", plan.directory, "administrator", "admin")) : KW_EXIT_DONE;
}
