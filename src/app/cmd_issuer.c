/* keyway issuer: whose access tokens the Server accepts. */
#include "app/output.h"
#include "app/verbs.h"
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
    const char *jwks, *certificate, *discover, *authority, *ca_file;
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

static int add(kw_verb_call *call)
{
    const issuer_options *options = call->options;
    kw_directory *d = &call->directory;
    const char *uri = call->thing;
    kw_issuer issuer = {.uri = kw_string_from(uri), .authority_url = kw_string_from(options->authority)};
    if (issuer.uri.len == 0 || issuer.uri.len > ISSUER_URI_MAX || !kw_utf8_is_valid(issuer.uri, false)) {
        return kw_fail(KW_BAD_OUT_OF_RANGE, "an issuer is named by the `iss` of its tokens, 1 to %d bytes", ISSUER_URI_MAX);
    }
    if ((options->jwks != NULL) + (options->certificate != NULL) + (options->discover != NULL) != 1) {
        return kw_usage_error(call->command, "give one of --jwks, --certificate, --discover");
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

static int remove_issuer(kw_verb_call *call)
{
    const kw_status status = kw_store_issuer_remove(call->directory.store, kw_string_from(call->thing));
    if (kw_status_is_bad(status)) {
        return kw_fail(status,
                       status == KW_BAD_NOT_FOUND ? "there is no issuer %s; `keyway issuer list` shows them"
                                                  : "the issuer %s could not be removed",
                       call->thing);
    }
    printf("tokens of %s are refused from now on\n", call->thing);
    return KW_EXIT_DONE;
}

/* Null: its keys are not fetched. */
static kw_string fetched_at(const kw_issuer *issuer, kw_arena *arena)
{
    return issuer->fetched != 0 ? kw_date_time_format(arena, issuer->fetched) : KW_BYTES_NULL;
}

static json_t *to_json(const void *row, kw_arena *arena)
{
    const kw_issuer *i = row;
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "uri", kw_json_string(i->uri), "kind", kw_json_string(i->kind), "location",
                     kw_json_string(i->location), "fetched", kw_json_string(fetched_at(i, arena)), "failure", kw_json_string(i->failure),
                     "authorityUrl", kw_json_string(i->authority_url));
}

static void to_cells(const void *row, kw_table *table, kw_arena *arena)
{
    const kw_issuer *i = row;
    kw_table_cell_string(table, i->uri);
    kw_table_cell_string(table, i->kind);
    kw_table_cell_string(table, i->location);
    kw_table_cell_string(table, fetched_at(i, arena));
    kw_table_cell_string(table, i->failure);
    kw_table_cell_string(table, i->authority_url);
}

static int list(kw_verb_call *call)
{
    static const char *const HEADINGS[] = {"ISSUER", "KEYS FROM", "LOCATION", "FETCHED", "LAST FAILURE", "AUTHORITY", NULL};
    static const kw_listing LISTING = {
        .headings = HEADINGS, .nothing = "no issuer's tokens are accepted", .to_json = to_json, .to_cells = to_cells};
    kw_issuer *issuers = NULL;
    size_t count = 0;
    const kw_status status = kw_store_issuer_list(call->directory.store, call->directory.arena, &issuers, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the issuers could not be read");
    }
    return kw_print_listing(&LISTING, issuers, sizeof(*issuers), count, call->directory.arena, call->json);
}

int kw_cmd_issuer(const kw_command *self, int argc, char **argv)
{
    static const kw_verb VERBS[] = {{"add", "the issuer's URI", false, add},
                                    {"remove", "the issuer's URI", false, remove_issuer},
                                    {"list", NULL, false, list},
                                    {NULL, NULL, false, NULL}};
    issuer_options values = {0};
    const kw_option options[] = {
        {"jwks", 0, KW_OPTION_TEXT, &values.jwks, 0, 0},           {"certificate", 0, KW_OPTION_TEXT, &values.certificate, 0, 0},
        {"discover", 0, KW_OPTION_TEXT, &values.discover, 0, 0},   {"ca-file", 0, KW_OPTION_TEXT, &values.ca_file, 0, 0},
        {"authority", 0, KW_OPTION_TEXT, &values.authority, 0, 0},
    };
    return kw_verbs_run(self, argc, argv, VERBS, options, sizeof(options) / sizeof(options[0]), &values);
}
