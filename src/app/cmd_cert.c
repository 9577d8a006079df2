/* keyway cert: certificates of this installation, and who is trusted. */
#include "app/certificates.h"
#include "app/directory.h"
#include "app/options.h"
#include "app/output.h"
#include "app/record.h"
#include "ua/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CRL_MAX ((size_t)16 << 20)
#define THUMBPRINT_HEX 40

typedef struct cert_options {
    const char *directory, *uri, *name, *out, *key_type;
    kw_option_list hosts;
    uint32_t days;
    bool users, issuer, json;
} cert_options;

static kw_string date_of(kw_arena *arena, int64_t ticks)
{
    kw_string text = kw_date_time_format(arena, ticks);
    text.len = text.len > 10 ? 10 : text.len;
    return text;
}

static int cert_create(const kw_command *self, kw_directory *d, const cert_options *options)
{
    if (options->out == NULL) {
        return kw_usage_error(self, "--out NAME is missing: NAME.crt and NAME.key are made in DIR/own");
    }
    kw_key_type type = KW_KEY_RSA;
    if (options->key_type != NULL && !kw_key_type_parse(options->key_type, &type)) {
        return kw_usage_error(self, "--key-type: '%s' is none; use rsa, ec-p256, ec-p384, ec-bp256, ec-bp384, ed25519 or ed448",
                              options->key_type);
    }
    char *base = kw_directory_path(options->directory, "own");
    char *stem = kw_directory_path(base, options->out);
    const kw_application_files files = {.stem = stem,
                                        .application_uri = options->uri != NULL ? options->uri : d->config->server.uri,
                                        .common_name = options->name != NULL ? options->name : d->config->application.name,
                                        .hosts = options->hosts.count > 0 ? options->hosts.items
                                                                          : (const char *const *)d->config->application.hosts,
                                        .host_count = options->hosts.count > 0 ? options->hosts.count : d->config->application.hosts_count,
                                        .days = options->days,
                                        .key_type = type};
    kw_certificate *certificate = NULL;
    const int code = kw_application_files_create(&files, &certificate);
    if (code < 0) {
        printf("%s.crt and %s.key written; name them in keyway.yaml to use them\n", stem, stem);
    }
    kw_certificate_release(certificate);
    free(stem);
    free(base);
    return code < 0 ? KW_EXIT_DONE : code;
}

static json_t *certificate_json(kw_arena *arena, const kw_certificate *c, const char *state)
{
    json_t *hosts = json_array();
    for (size_t i = 0; kw_certificate_host_at(c, i) != NULL; i++) {
        json_array_append_new(hosts, json_string(kw_certificate_host_at(c, i)));
    }
    return json_pack("{s:s*,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:b}", "state", state, "thumbprint", kw_certificate_thumbprint_hex(c), "subject",
                     kw_json_string(kw_certificate_subject(c)), "issuer", kw_json_string(kw_certificate_issuer_name(c)), "applicationUri",
                     kw_json_string(kw_certificate_application_uri(c)), "hosts", hosts, "notBefore",
                     kw_json_string(kw_date_time_format(arena, kw_certificate_not_before(c))), "notAfter",
                     kw_json_string(kw_date_time_format(arena, kw_certificate_not_after(c))), "ca", kw_certificate_is_ca(c));
}

static int load(const char *file, kw_certificate **out)
{
    const kw_status status = kw_certificate_load_file(file, out);
    return kw_status_is_bad(status) ? kw_fail(status, "%s: not a certificate in PEM or DER", file) : -1;
}

static int cert_show(kw_directory *d, const char *file, bool json)
{
    kw_certificate *c = NULL;
    const int code = load(file, &c);
    if (code >= 0) {
        return code;
    }
    if (json) {
        kw_print_json(certificate_json(d->arena, c, NULL));
    } else {
        printf("Subject         %.*s\n", KW_STRING_ARGS(kw_escaped(d->arena, kw_certificate_subject(c))));
        printf("Issuer          %.*s\n", KW_STRING_ARGS(kw_escaped(d->arena, kw_certificate_issuer_name(c))));
        printf("ApplicationUri  %.*s\n", KW_STRING_ARGS(kw_certificate_application_uri(c)));
        for (size_t i = 0; kw_certificate_host_at(c, i) != NULL; i++) {
            printf("%s%s\n", i == 0 ? "Hosts           " : "                ", kw_certificate_host_at(c, i));
        }
        printf("Key             %u bits\n", kw_public_key_bits(kw_certificate_public_key(c)));
        printf("Valid           %.*s to ", KW_STRING_ARGS(date_of(d->arena, kw_certificate_not_before(c))));
        printf("%.*s\n", KW_STRING_ARGS(date_of(d->arena, kw_certificate_not_after(c))));
        printf("Thumbprint      %s\n", kw_certificate_thumbprint_hex(c));
    }
    kw_certificate_release(c);
    return KW_EXIT_DONE;
}

/* The verdict that a Server would reach. */
static int cert_check(kw_trust_list *trust, const kw_directory *d, const char *file, bool users)
{
    kw_certificate *c = NULL;
    const int code = load(file, &c);
    if (code >= 0) {
        return code;
    }
    const kw_certificate_checks checks = {.role = users ? KW_CERT_USER : KW_CERT_CLIENT,
                                          .require_crl = !d->config->security.allow_missing_crl};
    const kw_status status = kw_trust_list_check(trust, c, &checks);
    kw_certificate_release(c);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s would be refused", file);
    }
    printf("%s is trusted\n", file);
    return KW_EXIT_DONE;
}

typedef struct find_by_thumbprint {
    const char *hex;
    kw_certificate *found;
} find_by_thumbprint;

static bool match_thumbprint(void *ctx, kw_trust_kind kind, const kw_certificate *certificate)
{
    find_by_thumbprint *find = ctx;
    (void)kind;
    if (strcasecmp(kw_certificate_thumbprint_hex(certificate), find->hex) == 0) {
        find->found = kw_certificate_retain((kw_certificate *)certificate);
        return false;
    }
    return true;
}

/* A file, or the thumbprint of a certificate that the list has already (in rejected, usually). */
static int load_or_find(kw_trust_list *trust, const char *word, kw_certificate **out)
{
    if (strlen(word) == THUMBPRINT_HEX && strspn(word, "0123456789abcdefABCDEF") == THUMBPRINT_HEX) {
        find_by_thumbprint find = {word, NULL};
        kw_trust_list_each(trust, match_thumbprint, &find);
        if (find.found != NULL) {
            *out = find.found;
            return -1;
        }
    }
    return load(word, out);
}

static int cert_trust(kw_trust_list *trust, const char *word, bool issuer)
{
    kw_certificate *c = NULL;
    const int code = load_or_find(trust, word, &c);
    if (code >= 0) {
        return code;
    }
    const kw_status status = kw_trust_list_add(trust, c, issuer ? KW_TRUST_ISSUER : KW_TRUST_TRUSTED);
    if (!kw_status_is_bad(status)) {
        printf("%s: %.*s (%s)\n", issuer ? "added as issuer" : "trusted", KW_STRING_ARGS(kw_certificate_subject(c)),
               kw_certificate_thumbprint_hex(c));
    }
    kw_certificate_release(c);
    return kw_status_is_bad(status) ? kw_fail(status, "%s could not be added to the trust list", word) : KW_EXIT_DONE;
}

static int cert_reject(kw_trust_list *trust, const char *word)
{
    kw_certificate *c = NULL;
    const int code = load_or_find(trust, word, &c);
    if (code >= 0) {
        return code;
    }
    const kw_status status = kw_trust_list_remove(trust, kw_certificate_thumbprint(c), true);
    kw_certificate_release(c);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s is not in the trust list; `keyway cert list` shows it", word);
    }
    printf("%s is no longer trusted\n", word);
    return KW_EXIT_DONE;
}

static int cert_crl(kw_trust_list *trust, const char *file)
{
    uint8_t *data = NULL;
    size_t len = 0;
    kw_status status = kw_read_file(file, CRL_MAX, &data, &len);
    if (!kw_status_is_bad(status)) {
        status = kw_trust_list_add_crl(trust, (kw_bytes){data, len});
    }
    free(data);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s: this CRL cannot be used; its CA must be in the trust list and have signed it", file);
    }
    printf("CRL %s added\n", file);
    return KW_EXIT_DONE;
}

typedef struct list_context {
    kw_arena *arena;
    json_t *array;
    kw_table *table;
} list_context;

static bool list_row(void *ctx, kw_trust_kind kind, const kw_certificate *c)
{
    list_context *list = ctx;
    const char *state = kind == KW_TRUST_TRUSTED ? "trusted" : kind == KW_TRUST_ISSUER ? "issuer" : "rejected";
    if (list->table == NULL) {
        json_array_append_new(list->array, certificate_json(list->arena, c, state));
        return true;
    }
    kw_table_cell(list->table, state);
    kw_table_cell_string(list->table, kw_certificate_subject(c));
    kw_table_cell_string(list->table, kw_certificate_application_uri(c));
    kw_table_cell_string(list->table, date_of(list->arena, kw_certificate_not_after(c)));
    kw_table_cell(list->table, kw_certificate_thumbprint_hex(c));
    return true;
}

static int cert_list(kw_directory *d, kw_trust_list *trust, bool json)
{
    list_context list = {d->arena, json_array(),
                         json ? NULL : kw_table_new((const char *const[]){"STATE", "SUBJECT", "APPLICATION", "UNTIL", "THUMBPRINT"}, 5)};
    const kw_status status = kw_trust_list_each(trust, list_row, &list);
    if (list.table != NULL) {
        kw_table_print(list.table);
        json_decref(list.array);
    } else {
        kw_print_json(list.array);
    }
    return kw_status_is_bad(status) ? kw_fail(status, "the trust list could not be read") : KW_EXIT_DONE;
}

static int run_verb(const kw_command *self, kw_directory *d, kw_trust_list *trust, const kw_option_list *words, const cert_options *options)
{
    const char *verb = words->items[0];
    if (strcmp(verb, "list") == 0) {
        return cert_list(d, trust, options->json);
    }
    if (strcmp(verb, "create") == 0) {
        return cert_create(self, d, options);
    }
    if (words->count < 2) {
        return kw_usage_error(self, "a file is missing");
    }
    const char *file = words->items[1];
    if (strcmp(verb, "show") == 0) {
        return cert_show(d, file, options->json);
    }
    if (strcmp(verb, "check") == 0) {
        return cert_check(trust, d, file, options->users);
    }
    if (strcmp(verb, "trust") == 0) {
        return cert_trust(trust, file, options->issuer);
    }
    if (strcmp(verb, "reject") == 0) {
        return cert_reject(trust, file);
    }
    if (strcmp(verb, "crl") == 0) {
        return cert_crl(trust, file);
    }
    return kw_usage_error(self, "unknown word '%s'; use create, show, check, trust, reject, crl or list", verb);
}

int kw_cmd_cert(const kw_command *self, int argc, char **argv)
{
    cert_options options = {.days = 1825};
    kw_option_list words;
    const kw_option table[] = {
        {"directory", 'd', KW_OPTION_TEXT, &options.directory, 0, 0},
        {"uri", 0, KW_OPTION_TEXT, &options.uri, 0, 0},
        {"name", 0, KW_OPTION_TEXT, &options.name, 0, 0},
        {"out", 0, KW_OPTION_TEXT, &options.out, 0, 0},
        {"host", 0, KW_OPTION_LIST, &options.hosts, 0, 0},
        {"key-type", 0, KW_OPTION_TEXT, &options.key_type, 0, 0},
        {"days", 0, KW_OPTION_NUMBER, &options.days, 1, 36500},
        {"users", 0, KW_OPTION_FLAG, &options.users, 0, 0},
        {"issuer", 0, KW_OPTION_FLAG, &options.issuer, 0, 0},
        {"json", 0, KW_OPTION_FLAG, &options.json, 0, 0},
    };
    int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 1, 2)) {
        return KW_EXIT_USAGE;
    }
    kw_directory d;
    kw_trust_list *trust = NULL;
    code = kw_directory_open(self, options.directory, &d);
    if (code >= 0) {
        return code;
    }
    code = kw_directory_trust(&d, options.users, &trust);
    if (code < 0) {
        code = run_verb(self, &d, trust, &words, &options);
        kw_trust_list_close(trust);
    }
    return kw_directory_end(&d, argc, argv, words.items[0], code);
}
