/* keyway issuer: whose access tokens the Server accepts. */
#include "app/directory.h"
#include "app/options.h"
#include "app/output.h"
#include "app/record.h"
#include "http/client.h"
#include "identity/jwt.h"
#include "identity/key_fetch.h"
#include "ua/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_MAX ((size_t)1 << 20)
#define ISSUER_URI_MAX 1024
#define FETCH_TIMEOUT_MS 15000

typedef struct issuer_options {
    const char *directory, *jwks, *certificate, *discover, *authority, *ca_file;
    bool json;
} issuer_options;

static bool is_url(const char *text)
{
    return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

/* Keys that cannot be parsed are refused here, not at the first log-in. */
static int load_jwks(const char *file, kw_directory *d, kw_issuer *issuer)
{
    uint8_t *data = NULL;
    size_t len = 0;
    kw_jwks *keys = NULL;
    const char *why = "cannot be read";
    kw_status status = kw_read_file(file, KEYS_MAX, &data, &len);
    if (!kw_status_is_bad(status)) {
        status = kw_jwks_parse((kw_bytes){data, len}, &keys, &why);
    }
    if (!kw_status_is_bad(status) && kw_jwks_count(keys) == 0) {
        status = KW_BAD_DECODING_ERROR;
        why = "holds no usable signature key (RSA, P-256 or P-384)";
    }
    issuer->kind = KW_STRING("jwks");
    issuer->keys = kw_arena_copy(d->arena, (kw_bytes){data, len});
    kw_jwks_release(keys);
    free(data);
    return kw_status_is_bad(status) ? kw_fail(status, "%s: %s", file, why) : -1;
}

static int load_certificate(const char *file, kw_directory *d, kw_issuer *issuer)
{
    kw_certificate *certificate = NULL;
    const kw_status status = kw_certificate_load_file(file, &certificate);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s: not a certificate in PEM or DER", file);
    }
    issuer->kind = KW_STRING("certificate");
    issuer->keys = kw_arena_copy(d->arena, kw_certificate_chain(certificate));
    kw_certificate_release(certificate);
    return -1;
}

static int load_ca(const char *file, kw_directory *d, kw_issuer *issuer)
{
    uint8_t *data = NULL;
    size_t len = 0;
    if (file == NULL) {
        return -1;
    }
    const kw_status status = kw_read_file(file, KEYS_MAX, &data, &len);
    issuer->ca = kw_arena_copy(d->arena, (kw_bytes){data, len});
    free(data);
    return kw_status_is_bad(status) ? kw_fail(status, "%s: cannot be read; --ca-file takes certificates in PEM", file) : -1;
}

/* Fetched once now: a mistake shows here, not at the first log-in. */
static int fetch_keys(const issuer_options *options, kw_directory *d, kw_issuer *issuer)
{
    const kw_fetch fetch = kw_http_fetch(&KW_HTTP_RULES_DEFAULT);
    kw_jwks *keys = NULL;
    const char *why = "";
    issuer->kind = kw_string_from(options->discover != NULL ? KW_ISSUER_DISCOVER : KW_ISSUER_JWKS_URL);
    issuer->location = kw_string_from(options->discover != NULL ? options->discover : options->jwks);
    const int code = load_ca(options->ca_file, d, issuer);
    if (code >= 0) {
        return code;
    }
    kw_status status = kw_issuer_fetch_keys(&fetch, &KW_CLOCK_SYSTEM, issuer, FETCH_TIMEOUT_MS, d->arena, &issuer->keys, &why);
    if (!kw_status_is_bad(status)) {
        status = kw_jwks_parse(issuer->keys, &keys, &why);
    }
    if (!kw_status_is_bad(status) && kw_jwks_count(keys) == 0) {
        status = KW_BAD_DECODING_ERROR;
        why = "there is no usable signature key (RSA, P-256 or P-384)";
    }
    kw_jwks_release(keys);
    issuer->fetched = kw_clock_utc(&KW_CLOCK_SYSTEM);
    return kw_status_is_bad(status) ? kw_fail(status, "%.*s: %s", KW_STRING_ARGS(issuer->location), why) : -1;
}

static int issuer_add(const kw_command *self, kw_directory *d, const char *uri, const issuer_options *options)
{
    kw_issuer issuer = {.uri = kw_string_from(uri), .authority_url = kw_string_from(options->authority)};
    if (issuer.uri.len == 0 || issuer.uri.len > ISSUER_URI_MAX || !kw_utf8_is_valid(issuer.uri, false)) {
        return kw_fail(KW_BAD_OUT_OF_RANGE, "an issuer is named by the `iss` of its tokens, 1 to %d bytes", ISSUER_URI_MAX);
    }
    if ((options->jwks != NULL) + (options->certificate != NULL) + (options->discover != NULL) != 1) {
        return kw_usage_error(self, "give one of --jwks, --certificate, --discover");
    }
    const bool is_fetched = options->discover != NULL || (options->jwks != NULL && is_url(options->jwks));
    const int code = is_fetched              ? fetch_keys(options, d, &issuer)
                     : options->jwks != NULL ? load_jwks(options->jwks, d, &issuer)
                                             : load_certificate(options->certificate, d, &issuer);
    if (code >= 0) {
        return code;
    }
    const kw_status status = kw_store_issuer_put(d->store, &issuer);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the issuer %s could not be stored", uri);
    }
    printf("tokens of %s are accepted now\n", uri);
    return KW_EXIT_DONE;
}

static int issuer_remove(kw_directory *d, const char *uri)
{
    const kw_status status = kw_store_issuer_remove(d->store, kw_string_from(uri));
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "there is no issuer %s; `keyway issuer list` shows them", uri);
    }
    printf("tokens of %s are refused from now on\n", uri);
    return KW_EXIT_DONE;
}

/* Null: its keys are not fetched. */
static kw_string fetched_at(kw_directory *d, const kw_issuer *issuer)
{
    return issuer->fetched != 0 ? kw_date_time_format(d->arena, issuer->fetched) : KW_BYTES_NULL;
}

static int issuer_list(kw_directory *d, bool json)
{
    kw_issuer *issuers;
    size_t count;
    const kw_status status = kw_store_issuer_list(d->store, d->arena, &issuers, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the issuers could not be read");
    }
    json_t *array = json_array();
    kw_table *table =
        json ? NULL : kw_table_new((const char *const[]){"ISSUER", "KEYS FROM", "LOCATION", "FETCHED", "LAST FAILURE", "AUTHORITY"}, 6);
    for (size_t i = 0; i < count; i++) {
        if (json) {
            json_array_append_new(array,
                                  json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "uri", kw_json_string(issuers[i].uri), "kind",
                                            kw_json_string(issuers[i].kind), "location", kw_json_string(issuers[i].location), "fetched",
                                            kw_json_string(fetched_at(d, &issuers[i])), "failure", kw_json_string(issuers[i].failure),
                                            "authorityUrl", kw_json_string(issuers[i].authority_url)));
        } else {
            kw_table_cell_string(table, issuers[i].uri);
            kw_table_cell_string(table, issuers[i].kind);
            kw_table_cell_string(table, issuers[i].location);
            kw_table_cell_string(table, fetched_at(d, &issuers[i]));
            kw_table_cell_string(table, issuers[i].failure);
            kw_table_cell_string(table, issuers[i].authority_url);
        }
    }
    if (json) {
        return kw_print_json(array);
    }
    json_decref(array);
    kw_table_print(table);
    return KW_EXIT_DONE;
}

int kw_cmd_issuer(const kw_command *self, int argc, char **argv)
{
    static const char *const VERBS[] = {"add", "remove", "list", NULL};
    issuer_options options = {0};
    kw_option_list words;
    const kw_option table[] = {
        {"directory", 'd', KW_OPTION_TEXT, &options.directory, 0, 0},
        {"jwks", 0, KW_OPTION_TEXT, &options.jwks, 0, 0},
        {"certificate", 0, KW_OPTION_TEXT, &options.certificate, 0, 0},
        {"discover", 0, KW_OPTION_TEXT, &options.discover, 0, 0},
        {"ca-file", 0, KW_OPTION_TEXT, &options.ca_file, 0, 0},
        {"authority", 0, KW_OPTION_TEXT, &options.authority, 0, 0},
        {"json", 0, KW_OPTION_FLAG, &options.json, 0, 0},
    };
    int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_verb(self, &words, VERBS, "the issuer's URI")) {
        return KW_EXIT_USAGE;
    }
    const char *verb = words.items[0];
    kw_directory d;
    code = kw_directory_open(self, options.directory, &d);
    if (code >= 0) {
        return code;
    }
    code = verb[0] == 'l'   ? issuer_list(&d, options.json)
           : verb[0] == 'a' ? issuer_add(self, &d, words.items[1], &options)
                            : issuer_remove(&d, words.items[1]);
    return kw_directory_end(&d, argc, argv, verb, code);
}
