#include "app/key_file.h"

#include "app/output.h"
#include "crypto/pkcs11.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 4096
#define PIN_MAX 256
#define LINE_ARENA ((size_t)4 << 10)
#define CONTEXT "keyway: a key that seals" /* what a token wraps */
#define LIFETIME_S 3600u
#define SKEW_S 60u
#define OVERLAP_H 24u
#define TICKS_PER_HOUR (INT64_C(3600) * KW_TICKS_PER_S)

/* --- the file ---------------------------------------------------------------------------------------------------------------- */

static bool others_can_read(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && (info.st_mode & 077) != 0;
}

static kw_status read_pin(const kw_key_file *file, kw_secret *pin)
{
    uint8_t *text = NULL;
    size_t len = 0;
    if ((!file->pin_is_credential && others_can_read(file->pin_path)) ||
        kw_status_is_bad(kw_read_file(file->pin_path, PIN_MAX, &text, &len))) {
        return KW_BAD_IDENTITY_TOKEN_INVALID;
    }
    const uint8_t *end = memchr(text, '\n', len);
    size_t used = end != NULL ? (size_t)(end - text) : len;
    used -= used > 0 && text[used - 1] == '\r';
    const kw_status status = used > 0 ? kw_secret_copy(pin, (kw_bytes){text, used}) : KW_BAD_IDENTITY_TOKEN_INVALID;
    kw_wipe(text, len);
    free(text);
    return status;
}

/* A token locks itself after a few wrong PINs: one that was refused is not sent again. */
static kw_status note(kw_key_file *file, kw_status status)
{
    if (status == KW_BAD_USER_ACCESS_DENIED) {
        atomic_store(&file->is_pin_refused, true);
    }
    return status;
}

static kw_status with_pin(kw_key_file *file, kw_secret *pin, kw_pkcs11 *where)
{
    if (atomic_load(&file->is_pin_refused)) {
        return KW_BAD_USER_ACCESS_DENIED;
    }
    const kw_status status = read_pin(file, pin);
    *where = (kw_pkcs11){.module = file->module, .token = file->token->token, .key = file->token->key, .pin = kw_secret_bytes(pin)};
    return status;
}

static kw_status unwrap(void *ctx, kw_bytes wrapped, kw_secret *key)
{
    kw_key_file *file = ctx;
    kw_secret pin = KW_SECRET_NONE;
    kw_pkcs11 where;
    kw_status status = with_pin(file, &pin, &where);
    if (!kw_status_is_bad(status)) {
        status = note(file, kw_pkcs11_unwrap(&where, KW_STRING(CONTEXT), wrapped, key));
    }
    kw_secret_clear(&pin);
    return status;
}

static kw_status load(void *ctx, kw_seal_keys *out)
{
    kw_key_file *file = ctx;
    const kw_seal_unwrap by_token = {unwrap, file};
    uint8_t *text = NULL;
    size_t len = 0;
    if (!file->is_credential && others_can_read(file->path)) {
        return KW_BAD_NOT_READABLE;
    }
    kw_status status = kw_read_file(file->path, FILE_MAX, &text, &len);
    if (!kw_status_is_bad(status)) {
        status = kw_seal_keys_parse_wrapped((kw_bytes){text, len}, file->token != NULL ? &by_token : NULL, out);
        kw_wipe(text, len);
        free(text);
    }
    return status == KW_BAD_CONFIGURATION_ERROR ? KW_BAD_NOT_SUPPORTED : status;
}

void kw_key_file_init(kw_key_file *file, char *path)
{
    *file = (kw_key_file){.path = path, .safe = {load, file}};
}

void kw_key_file_clear(kw_key_file *file)
{
    free(file->path);
    free(file->module);
    free(file->pin_path);
    file->path = file->module = file->pin_path = NULL;
}

/* --- writing it --------------------------------------------------------------------------------------------------------------- */

static size_t write_line(char *out, const char *prefix, kw_bytes bytes)
{
    static const char DIGITS[] = "0123456789abcdef";
    size_t len = strlen(prefix);
    memcpy(out, prefix, len);
    for (size_t i = 0; i < bytes.len; i++) {
        out[len++] = DIGITS[bytes.data[i] >> 4];
        out[len++] = DIGITS[bytes.data[i] & 15];
    }
    out[len++] = '\n';
    return len;
}

static kw_status wrap(kw_key_file *file, const kw_secret *key, kw_arena *arena, kw_bytes *wrapped)
{
    kw_secret pin = KW_SECRET_NONE;
    kw_pkcs11 where;
    kw_status status = with_pin(file, &pin, &where);
    if (!kw_status_is_bad(status)) {
        status = note(file, kw_pkcs11_wrap(&where, KW_STRING(CONTEXT), kw_secret_bytes(key), &KW_RANDOM_SYSTEM, arena, wrapped));
    }
    kw_secret_clear(&pin);
    return status;
}

/* The line of a new key. `file` NULL: as it is. */
static kw_status new_line(kw_key_file *file, kw_secret *line)
{
    kw_secret key = KW_SECRET_NONE;
    kw_bytes shown = KW_BYTES_NULL;
    kw_arena *arena = kw_arena_new(LINE_ARENA);
    kw_status status = arena != NULL ? kw_secret_init(&key, KW_SEAL_KEY_LEN) : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        status = kw_random_fill(&KW_RANDOM_SYSTEM, key.data, KW_SEAL_KEY_LEN);
        shown = kw_secret_bytes(&key);
    }
    if (!kw_status_is_bad(status) && file != NULL) {
        status = wrap(file, &key, arena, &shown);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_secret_init(line, sizeof(KW_SEAL_WRAPPED) + 2 * shown.len + 1);
    }
    if (!kw_status_is_bad(status)) {
        line->len = write_line((char *)line->data, file != NULL ? KW_SEAL_WRAPPED : "", shown);
    }
    kw_secret_clear(&key);
    kw_arena_free(arena);
    return status;
}

kw_status kw_key_file_try_token(kw_key_file *file)
{
    kw_secret line = KW_SECRET_NONE;
    const kw_status status = new_line(file, &line);
    kw_secret_clear(&line);
    return status;
}

static kw_status write_file(const char *path, kw_bytes first, kw_bytes rest, bool replaces)
{
    static const char TITLE[] = "# Opens the signing keys in the store. The first key seals; the others only open.\n";
    const size_t title = sizeof(TITLE) - 1;
    kw_secret text = KW_SECRET_NONE;
    kw_status status = kw_secret_init(&text, title + first.len + rest.len);
    if (kw_status_is_bad(status)) {
        return status;
    }
    memcpy(text.data, TITLE, title);
    memcpy(text.data + title, first.data, first.len);
    if (rest.len > 0) {
        memcpy(text.data + title + first.len, rest.data, rest.len);
    }
    status = text.len > FILE_MAX ? KW_BAD_OUT_OF_RANGE
             : replaces          ? kw_replace_file(path, text.data, text.len, 0600)
                                 : kw_write_new_file(path, text.data, text.len, 0600);
    kw_secret_clear(&text);
    return status;
}

kw_status kw_key_file_make(const char *path)
{
    kw_secret line = KW_SECRET_NONE;
    kw_status status = new_line(NULL, &line);
    if (!kw_status_is_bad(status)) {
        status = write_file(path, kw_secret_bytes(&line), KW_BYTES_NULL, false);
    }
    kw_secret_clear(&line);
    return status;
}

kw_status kw_key_file_put_first(kw_key_file *file, bool by_token)
{
    kw_secret line = KW_SECRET_NONE;
    uint8_t *text = NULL;
    size_t len = 0;
    kw_status status = kw_read_file(file->path, FILE_MAX, &text, &len);
    if (!kw_status_is_bad(status)) {
        status = new_line(by_token ? file : NULL, &line);
    }
    if (!kw_status_is_bad(status)) {
        status = write_file(file->path, kw_secret_bytes(&line), (kw_bytes){text, len}, true);
    }
    kw_secret_clear(&line);
    kw_wipe(text, len);
    free(text);
    return status;
}

/* Of text that could be parsed: the line with the first key in it, with its end. */
static kw_bytes first_line(kw_bytes text)
{
    kw_bytes line = {text.data, 0};
    bool is_key = false;
    while (!is_key && text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        line = (kw_bytes){text.data, end != NULL ? (size_t)(end - text.data) + 1 : text.len};
        is_key = strchr("#\r\n ", line.data[0]) == NULL;
        text = (kw_bytes){text.data + line.len, text.len - line.len};
    }
    return line;
}

kw_status kw_key_file_keep_first(const kw_key_file *file)
{
    uint8_t *text = NULL;
    size_t len = 0;
    kw_status status = kw_read_file(file->path, FILE_MAX, &text, &len);
    if (!kw_status_is_bad(status)) {
        status = write_file(file->path, first_line((kw_bytes){text, len}), KW_BYTES_NULL, true);
    }
    kw_wipe(text, len);
    free(text);
    return status;
}

/* --- what is wrong ------------------------------------------------------------------------------------------------------------ */

static int fail_of_pin(kw_status status, const kw_key_file *file)
{
    const char *token = file->token->token;
    switch (status) {
    case KW_BAD_IDENTITY_TOKEN_INVALID:
        return kw_fail(status, "%s: has no PIN, or others can read it; write the PIN of token '%s' into it and run `chmod 600` on it",
                       file->pin_path, token);
    case KW_BAD_USER_ACCESS_DENIED:
        return kw_fail(status, "%s: token '%s' refuses this PIN; correct it before the next start, a token locks itself after a few",
                       file->pin_path, token);
    case KW_BAD_LOCKED:
        return kw_fail(status, "token '%s': its PIN is locked or has one try left, which is not used here; log in once with its own tool",
                       token);
    default:
        return -1;
    }
}

/* -1: nothing that has to do with a token. */
static int fail_of_token(kw_status status, const kw_key_file *file)
{
    const kw_config_key_token *t = file->token;
    switch (status) {
    case KW_BAD_RESOURCE_UNAVAILABLE:
        return kw_fail(status, "%s: is no PKCS#11 module that can be loaded; authority.key_token.module is the path of the library",
                       file->module);
    case KW_BAD_NO_COMMUNICATION:
        return kw_fail(status, "no token is labelled '%s'; plug it in, or correct authority.key_token.token", t->token);
    case KW_BAD_NO_ENTRY_EXISTS:
        return kw_fail(status, "token '%s': has no AES key with the label '%s'; make one, or correct authority.key_token.key", t->token,
                       t->key);
    case KW_BAD_TOO_MANY_MATCHES:
        return kw_fail(status, "token '%s': several AES keys have the label '%s'; give the right one a label of its own", t->token, t->key);
    case KW_BAD_NOT_SUPPORTED:
        return kw_fail(status, "token '%s': key '%s' does no AES-GCM; use a key that may encrypt and decrypt", t->token, t->key);
    case KW_BAD_NO_MATCH:
        return kw_fail(status, "%s: key '%s' of token '%s' does not open it; use the one that wrapped it", file->path, t->key, t->token);
    case KW_BAD_DEVICE_FAILURE:
        return kw_fail(status, "token '%s' does not do its work; look at it with its own tool", t->token);
    default:
        return fail_of_pin(status, file);
    }
}

int kw_key_file_fail(kw_status status, const kw_key_file *file)
{
    if (file == NULL || status == KW_BAD_CONFIGURATION_ERROR) {
        return kw_fail(status, "the signing keys in the store are sealed; set authority.key_file to the key that they were sealed with");
    }
    const int code = file->token != NULL ? fail_of_token(status, file) : -1;
    if (code >= 0) {
        return code;
    }
    switch (status) {
    case KW_BAD_NOT_SUPPORTED:
        return kw_fail(status, "%s: its key is wrapped by a token; say in authority.key_token by which", file->path);
    case KW_BAD_SECURITY_CHECKS_FAILED:
        return kw_fail(status,
                       "%s: this key does not open the signing keys in the store; use the one that sealed them, own/store.key of the "
                       "node that made the store",
                       file->path);
    case KW_BAD_NOT_FOUND:
        return kw_fail(status, "%s: is missing; put back the key that the signing keys in the store were sealed with", file->path);
    case KW_BAD_DECODING_ERROR:
        return kw_fail(status, "%s: is no key file; each line of one has 64 hexadecimal digits, or those after pkcs11:", file->path);
    case KW_BAD_NOT_READABLE:
        return kw_fail(status, "%s: must be readable, and by its owner alone; run `chmod 600` on it", file->path);
    default:
        return kw_fail(status, "%s: the signing keys in the store could not be opened", file->path);
    }
}

/* --- the ring ------------------------------------------------------------------------------------------------------------------ */

/* Returns -1, or the exit code after saying that there are none. */
static int credential_path(const kw_directory *d, const char *key, const char *name, char **out)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (folder == NULL) {
        return kw_fail(KW_BAD_CONFIGURATION_ERROR,
                       "%s: authority.%s: there are no credentials here; start it by systemd with LoadCredential=%s:FILE", d->config_file,
                       key, name);
    }
    *out = kw_directory_path(folder, name);
    return -1;
}

static int find_file(const kw_directory *d, kw_own_keys *out)
{
    const kw_config_authority *config = &d->config->authority;
    char *path = NULL;
    int code = -1;
    if (config->key_credential != NULL) {
        code = credential_path(d, "key_credential", config->key_credential, &path);
    } else if (config->key_file != NULL) {
        path = kw_config_path(d->config_file, config->key_file);
    }
    kw_key_file_init(&out->file, path);
    out->file.is_credential = config->key_credential != NULL;
    return code;
}

static int find_token(const kw_directory *d, kw_key_file *file)
{
    const kw_config_key_token *token = d->config->authority.key_token;
    if (token == NULL) {
        return -1;
    }
    file->token = token;
    file->module = kw_config_path(d->config_file, token->module);
    file->pin_is_credential = token->pin_credential != NULL;
    if (file->pin_is_credential) {
        return credential_path(d, "key_token.pin_credential", token->pin_credential, &file->pin_path);
    }
    file->pin_path = kw_config_path(d->config_file, token->pin_file);
    return -1;
}

/* Those that stand for a provider sign nothing. */
static const kw_string *further_services(const kw_directory *d, size_t *count)
{
    const kw_config_authority *config = &d->config->authority;
    kw_string *uris = KW_ARENA_ARRAY(d->arena, kw_string, config->services_count + 1);
    for (unsigned i = 0; uris != NULL && i < config->services_count; i++) {
        if (config->services[i].provider == NULL) {
            uris[(*count)++] = kw_string_from(config->services[i].service_uri);
        }
    }
    return uris;
}

int kw_own_keys_init(const kw_directory *d, kw_own_keys *out)
{
    const kw_config_authority *config = &d->config->authority;
    const kw_config_identity *identity = &d->config->identity;
    const uint32_t overlap = config->key_overlap != 0 ? config->key_overlap : OVERLAP_H;
    *out = (kw_own_keys){.ring = {.store = d->store,
                                  .clock = &KW_CLOCK_SYSTEM,
                                  .random = &KW_RANDOM_SYSTEM,
                                  .service_uri = kw_string_from(config->service_uri),
                                  .alg = kw_string_from(config->signing_algorithm != NULL ? config->signing_algorithm : "RS256"),
                                  .rotation = config->key_rotation * 24 * TICKS_PER_HOUR,
                                  .overlap = overlap * TICKS_PER_HOUR,
                                  .lifetime_s = config->token_lifetime != 0 ? config->token_lifetime : LIFETIME_S,
                                  .late_s = (identity->clock_skew != 0 ? identity->clock_skew : SKEW_S) + identity->token_expiry_grace}};
    out->ring.further = further_services(d, &out->ring.further_count);
    if (out->ring.further == NULL) {
        return kw_fail(KW_BAD_OUT_OF_MEMORY, "out of memory");
    }
    int code = find_file(d, out);
    code = code < 0 ? find_token(d, &out->file) : code;
    out->ring.safe = out->file.path != NULL ? &out->file.safe : NULL;
    return code;
}

int kw_own_keys_check(const kw_own_keys *keys)
{
    kw_seal_keys loaded;
    kw_status status = KW_GOOD;
    if (keys->ring.safe != NULL) {
        status = keys->ring.safe->load(keys->ring.safe->ctx, &loaded);
    }
    if (keys->ring.safe != NULL && !kw_status_is_bad(status)) {
        kw_seal_keys_clear(&loaded);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_key_ring_check(&keys->ring);
    }
    return kw_status_is_bad(status) ? kw_key_file_fail(status, keys->file.path != NULL ? &keys->file : NULL) : -1;
}

void kw_own_keys_clear(kw_own_keys *keys)
{
    kw_key_file_clear(&keys->file);
}
