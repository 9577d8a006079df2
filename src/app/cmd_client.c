/* keyway client: programs that speak OAuth 2.0 with the Authorization Service. */
#include "app/directory.h"
#include "app/options.h"
#include "app/output.h"
#include "app/record.h"
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
    const char *directory, *name, *jwks, *certificate, *application;
    kw_option_list grants, redirects, resources;
    bool is_public, may_introspect, json;
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
        printf("client_secret %.*s\n", KW_STRING_ARGS(secret));
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
    if (strlen(id) > ID_MAX || strpbrk(id, " \n") != NULL || !kw_utf8_is_valid(kw_string_from(id), false)) {
        return kw_fail(KW_BAD_OUT_OF_RANGE, "a client is named by 1 to %d bytes of text without spaces", ID_MAX);
    }
    return -1;
}

static int client_add(kw_directory *d, const char *id, const client_options *options)
{
    static const kw_option_list USUAL = {.items = {"client_credentials"}, .count = 1};
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
    return tell_added(id, secret, options->json);
}

/* --- remove, list ------------------------------------------------------------------------------------------------------------ */

static int client_remove(kw_directory *d, const char *id)
{
    const kw_status status = kw_store_oauth_client_remove(d->store, kw_string_from(id));
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "there is no client %s; `keyway client list` shows them", id);
    }
    printf("client %s removed\n", id);
    return KW_EXIT_DONE;
}

static const char *proof_of(const kw_oauth_client *client)
{
    return client->secret_hash.len > 0        ? "secret"
           : client->jwks.len > 0             ? "key"
           : client->certificate_hash.len > 0 ? "certificate"
                                              : "none";
}

static json_t *client_json(const kw_oauth_client *c)
{
    return json_pack("{s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:b}", "clientId", kw_json_string(c->id), "name", kw_json_string(c->name), "proof",
                     proof_of(c), "application", kw_json_string(c->application_uri), "grants", kw_json_string(c->grants), "redirectUris",
                     kw_json_string(c->redirect_uris), "resources", kw_json_string(c->resources), "mayIntrospect", (int)c->may_introspect);
}

static int client_list(kw_directory *d, bool json)
{
    static const char *const HEADINGS[] = {"CLIENT", "NAME", "PROOF", "GRANTS", "APPLICATION"};
    kw_oauth_client *clients;
    size_t count;
    const kw_status status = kw_store_oauth_client_list(d->store, d->arena, &clients, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the clients could not be read");
    }
    json_t *array = json_array();
    kw_table *table = json ? NULL : kw_table_new(HEADINGS, 5);
    for (size_t i = 0; i < count; i++) {
        if (json) {
            json_array_append_new(array, client_json(&clients[i]));
        } else {
            kw_table_cell_string(table, clients[i].id);
            kw_table_cell_string(table, clients[i].name);
            kw_table_cell(table, proof_of(&clients[i]));
            kw_table_cell_string(table, clients[i].grants);
            kw_table_cell_string(table, clients[i].application_uri);
        }
    }
    if (json) {
        return kw_print_json(array);
    }
    json_decref(array);
    kw_table_print(table);
    return KW_EXIT_DONE;
}

int kw_cmd_client(const kw_command *self, int argc, char **argv)
{
    static const char *const VERBS[] = {"add", "remove", "list", NULL};
    client_options options = {0};
    kw_option_list words;
    const kw_option table[] = {
        {"directory", 'd', KW_OPTION_TEXT, &options.directory, 0, 0},
        {"name", 0, KW_OPTION_TEXT, &options.name, 0, 0},
        {"grant", 0, KW_OPTION_LIST, &options.grants, 0, 0},
        {"redirect", 0, KW_OPTION_LIST, &options.redirects, 0, 0},
        {"resource", 0, KW_OPTION_LIST, &options.resources, 0, 0},
        {"application", 0, KW_OPTION_TEXT, &options.application, 0, 0},
        {"jwks", 0, KW_OPTION_TEXT, &options.jwks, 0, 0},
        {"certificate", 0, KW_OPTION_TEXT, &options.certificate, 0, 0},
        {"public", 0, KW_OPTION_FLAG, &options.is_public, 0, 0},
        {"introspect", 0, KW_OPTION_FLAG, &options.may_introspect, 0, 0},
        {"json", 0, KW_OPTION_FLAG, &options.json, 0, 0},
    };
    int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_verb(self, &words, VERBS, "the client's id")) {
        return KW_EXIT_USAGE;
    }
    const char *verb = words.items[0];
    kw_directory d;
    code = kw_directory_open(self, options.directory, &d);
    if (code >= 0) {
        return code;
    }
    code = verb[0] == 'l'   ? client_list(&d, options.json)
           : verb[0] == 'a' ? client_add(&d, words.items[1], &options)
                            : client_remove(&d, words.items[1]);
    return kw_directory_end(&d, argc, argv, verb, code);
}
