/* keyway client: programs that speak OAuth 2.0 with the Authorization Service. */
#include "app/output.h"
#include "app/verbs.h"
#include "authority/oauth.h"
#include "base/secret.h"
#include "crypto/certificate.h"
#include "crypto/symmetric.h"
#include "identity/jwt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_MAX 256
#define SECRET_BYTES 32
#define HASH_LEN 32
#define JWKS_MAX 65536

typedef struct client_options {
    const char *name, *jwks, *certificate, *application;
    kw_option_list grants, redirects, resources;
    bool is_public, may_introspect;
} client_options;

static kw_string join(kw_arena *arena, const kw_option_list *words, char between)
{
    kw_string all = KW_BYTES_NULL;
    for (size_t i = 0; i < words->count; i++) {
        all = i == 0 ? kw_string_from(words->items[i]) : kw_arena_format(arena, "%.*s%c%s", KW_STRING_ARGS(all), between, words->items[i]);
    }
    return all;
}

/* --- what the client proves itself by ------------------------------------------------------------------------------------- */

static int take_jwks(kw_directory *d, const char *file, kw_oauth_client *client)
{
    uint8_t *data = NULL;
    size_t len = 0;
    kw_jwks *keys = NULL;
    const char *why = "";
    kw_status status = kw_read_file(file, JWKS_MAX, &data, &len);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s cannot be read", file);
    }
    const kw_bytes text = kw_arena_copy(d->arena, (kw_bytes){data, len});
    free(data);
    status = kw_jwks_parse(text, &keys, &why);
    if (kw_status_is_bad(status) || kw_jwks_count(keys) == 0) {
        kw_jwks_release(keys);
        return kw_fail(KW_BAD_DECODING_ERROR, "%s: %s; it is to be a JWK Set with public keys", file,
                       why[0] != '\0' ? why : "no key in it");
    }
    kw_jwks_release(keys);
    client->jwks = text;
    return -1;
}

static int take_certificate(kw_directory *d, const char *file, kw_oauth_client *client)
{
    uint8_t *hash = kw_arena_alloc(d->arena, HASH_LEN);
    kw_certificate *certificate = NULL;
    kw_status status = kw_certificate_load_file(file, &certificate);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s is not a certificate", file);
    }
    const kw_bytes der = kw_certificate_der(certificate);
    status = kw_hash_of(KW_HASH_SHA256, &der, 1, hash);
    kw_certificate_release(certificate);
    client->certificate_hash = (kw_bytes){hash, HASH_LEN};
    return kw_status_is_bad(status) ? kw_fail(status, "the certificate could not be hashed") : -1;
}

/* Shown once, kept as a hash: 256 random bits need no slow one. */
static int make_secret(kw_directory *d, kw_oauth_client *client, kw_string *secret)
{
    uint8_t bytes[SECRET_BYTES];
    uint8_t *hash = kw_arena_alloc(d->arena, HASH_LEN);
    kw_status status = kw_random_fill(&KW_RANDOM_SYSTEM, bytes, sizeof(bytes));
    if (kw_status_is_bad(status) || hash == NULL) {
        return kw_fail(status, "no random bytes");
    }
    *secret = kw_base64url_encode(d->arena, (kw_bytes){bytes, sizeof(bytes)});
    kw_wipe(bytes, sizeof(bytes));
    status = kw_hash_of(KW_HASH_SHA256, secret, 1, hash);
    client->secret_hash = (kw_bytes){hash, HASH_LEN};
    return kw_status_is_bad(status) ? kw_fail(status, "the secret could not be hashed") : -1;
}

static int take_proof(kw_directory *d, const client_options *options, kw_oauth_client *client, kw_string *secret)
{
    int code = -1;
    if (options->jwks != NULL) {
        code = take_jwks(d, options->jwks, client);
    }
    if (code < 0 && options->certificate != NULL) {
        code = take_certificate(d, options->certificate, client);
    }
    if (code < 0 && !options->is_public && options->jwks == NULL && options->certificate == NULL) {
        code = make_secret(d, client, secret);
    }
    return code;
}

/* --- add ------------------------------------------------------------------------------------------------------------------- */

static int tell_added(const char *id, kw_string secret, bool json)
{
    if (json) {
        return kw_print_json(json_pack("{s:s,s:o*}", "clientId", id, "clientSecret", secret.len > 0 ? kw_json_string(secret) : NULL));
    }
    printf("client %s registered\n", id);
    if (secret.len > 0) {
        printf("client_secret %.*s\nKeep it: it is shown this once\n", KW_STRING_ARGS(secret));
    }
    return KW_EXIT_DONE;
}

static bool is_redirect(const char *uri)
{
    return strchr(uri, '#') == NULL && strchr(uri, '\n') == NULL &&
           (strncmp(uri, "https://", 8) == 0 || strncmp(uri, "http://127.0.0.1", 16) == 0 || strncmp(uri, "http://[::1]", 12) == 0 ||
            strncmp(uri, "http://localhost", 16) == 0 || (strstr(uri, ":/") != NULL && strncmp(uri, "http:", 5) != 0));
}

static bool is_word_of(const char *words, const char *word)
{
    const size_t len = strlen(word);
    for (const char *at = words; len > 0 && (at = strstr(at, word)) != NULL; at += len) {
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static bool has_word(const kw_option_list *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++) {
        if (strcmp(words->items[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static int check_words(const char *id, const client_options *options)
{
    for (size_t i = 0; i < options->redirects.count; i++) {
        if (!is_redirect(options->redirects.items[i])) {
            return kw_fail(KW_BAD_INVALID_ARGUMENT, "%s: a redirect URI is https, or http to this machine, without a fragment",
                           options->redirects.items[i]);
        }
    }
    for (size_t i = 0; i < options->grants.count; i++) {
        if (!is_word_of(KW_OAUTH_GRANT_TYPES, options->grants.items[i])) {
            return kw_fail(KW_BAD_INVALID_ARGUMENT, "%s is not a grant type; there are " KW_OAUTH_GRANT_TYPES, options->grants.items[i]);
        }
    }
    if (has_word(&options->grants, "authorization_code") && options->redirects.count == 0) {
        return kw_fail(KW_BAD_INVALID_ARGUMENT, "authorization_code leads users back to the program: --redirect says where it may be");
    }
    if (strlen(id) > ID_MAX || strpbrk(id, " \n") != NULL || !kw_utf8_is_valid(kw_string_from(id), false)) {
        return kw_fail(KW_BAD_OUT_OF_RANGE, "a client is named by 1 to %d bytes of text without spaces", ID_MAX);
    }
    return -1;
}

static int add(kw_verb_call *call)
{
    static const kw_option_list USUAL = {.items = {"client_credentials"}, .count = 1};
    const client_options *options = call->options;
    kw_directory *d = &call->directory;
    const char *id = call->thing;
    kw_oauth_client client = {.id = kw_string_from(id),
                              .name = kw_string_from(options->name),
                              .application_uri = kw_string_from(options->application),
                              .grants = join(d->arena, options->grants.count > 0 ? &options->grants : &USUAL, ' '),
                              .redirect_uris = join(d->arena, &options->redirects, '\n'),
                              .resources = join(d->arena, &options->resources, ' '),
                              .may_introspect = options->may_introspect};
    kw_string secret = KW_BYTES_NULL;
    int code = check_words(id, options);
    code = code < 0 ? take_proof(d, options, &client, &secret) : code;
    if (code >= 0) {
        return code;
    }
    const kw_status status = kw_store_oauth_client_add(d->store, &client);
    if (kw_status_is_bad(status)) {
        return kw_fail(status,
                       status == KW_BAD_ALREADY_EXISTS ? "the client %s is registered already" : "the client %s could not be stored", id);
    }
    return tell_added(id, secret, call->json);
}

/* --- remove, list ------------------------------------------------------------------------------------------------------------ */

static int remove_client(kw_verb_call *call)
{
    const kw_status status = kw_store_oauth_client_remove(call->directory.store, kw_string_from(call->thing));
    if (kw_status_is_bad(status)) {
        return kw_fail(status,
                       status == KW_BAD_NOT_FOUND ? "there is no client %s; `keyway client list` shows them"
                                                  : "the client %s could not be removed",
                       call->thing);
    }
    printf("client %s removed\n", call->thing);
    return KW_EXIT_DONE;
}

static const char *proof_of(const kw_oauth_client *client)
{
    return client->secret_hash.len > 0        ? "secret"
           : client->jwks.len > 0             ? "key"
           : client->certificate_hash.len > 0 ? "certificate"
                                              : "none";
}

static json_t *to_json(const void *row, kw_arena *arena)
{
    const kw_oauth_client *c = row;
    (void)arena;
    return json_pack("{s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:b}", "clientId", kw_json_string(c->id), "name", kw_json_string(c->name), "proof",
                     proof_of(c), "application", kw_json_string(c->application_uri), "grants", kw_json_string(c->grants), "redirectUris",
                     kw_json_string(c->redirect_uris), "resources", kw_json_string(c->resources), "mayIntrospect", (int)c->may_introspect);
}

static void to_cells(const void *row, kw_table *table, kw_arena *arena)
{
    const kw_oauth_client *c = row;
    (void)arena;
    kw_table_cell_string(table, c->id);
    kw_table_cell_string(table, c->name);
    kw_table_cell(table, proof_of(c));
    kw_table_cell_string(table, c->grants);
    kw_table_cell_string(table, c->application_uri);
}

static int list(kw_verb_call *call)
{
    static const char *const HEADINGS[] = {"CLIENT", "NAME", "PROOF", "GRANTS", "APPLICATION", NULL};
    static const kw_listing LISTING = {
        .headings = HEADINGS, .nothing = "no client is registered", .to_json = to_json, .to_cells = to_cells};
    kw_oauth_client *clients = NULL;
    size_t count = 0;
    const kw_status status = kw_store_oauth_client_list(call->directory.store, call->directory.arena, &clients, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the clients could not be read");
    }
    return kw_print_listing(&LISTING, clients, sizeof(*clients), count, call->directory.arena, call->json);
}

int kw_cmd_client(const kw_command *self, int argc, char **argv)
{
    static const kw_verb VERBS[] = {{"add", "the client's id", false, add},
                                    {"remove", "the client's id", false, remove_client},
                                    {"list", NULL, false, list},
                                    {NULL, NULL, false, NULL}};
    client_options values = {0};
    const kw_option options[] = {
        {"name", 0, KW_OPTION_TEXT, &values.name, 0, 0},
        {"grant", 0, KW_OPTION_LIST, &values.grants, 0, 0},
        {"redirect", 0, KW_OPTION_LIST, &values.redirects, 0, 0},
        {"resource", 0, KW_OPTION_LIST, &values.resources, 0, 0},
        {"application", 0, KW_OPTION_TEXT, &values.application, 0, 0},
        {"jwks", 0, KW_OPTION_TEXT, &values.jwks, 0, 0},
        {"certificate", 0, KW_OPTION_TEXT, &values.certificate, 0, 0},
        {"public", 0, KW_OPTION_FLAG, &values.is_public, 0, 0},
        {"introspect", 0, KW_OPTION_FLAG, &values.may_introspect, 0, 0},
    };
    return kw_verbs_run(self, argc, argv, VERBS, options, sizeof(options) / sizeof(options[0]), &values);
}
