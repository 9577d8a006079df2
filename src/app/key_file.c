#include "app/key_file.h"

#include "app/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 4096
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

static kw_status load(void *ctx, kw_seal_keys *out)
{
    const kw_key_file *file = ctx;
    uint8_t *text = NULL;
    size_t len = 0;
    if (!file->is_credential && others_can_read(file->path)) {
        return KW_BAD_NOT_READABLE;
    }
    kw_status status = kw_read_file(file->path, FILE_MAX, &text, &len);
    if (!kw_status_is_bad(status)) {
        status = kw_seal_keys_parse((kw_bytes){text, len}, out);
        kw_wipe(text, len);
        free(text);
    }
    return status;
}

void kw_key_file_init(kw_key_file *file, char *path)
{
    *file = (kw_key_file){.path = path, .safe = {load, file}};
}

void kw_key_file_clear(kw_key_file *file)
{
    free(file->path);
    file->path = NULL;
}

static size_t write_hex(char *out, const kw_secret *key)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < key->len; i++) {
        out[2 * i] = DIGITS[key->data[i] >> 4];
        out[2 * i + 1] = DIGITS[key->data[i] & 15];
    }
    out[2 * key->len] = '\n';
    return 2 * key->len + 1;
}

kw_status kw_key_file_write(const char *path, const kw_seal_keys *keys, bool replaces)
{
    static const char TITLE[] = "# Opens the signing keys in the store. The first key seals; the others only open.\n";
    kw_secret text = KW_SECRET_NONE;
    size_t len = sizeof(TITLE) - 1;
    kw_status status = kw_secret_init(&text, sizeof(TITLE) + KW_SEAL_KEYS_MAX * (2 * KW_SEAL_KEY_LEN + 1));
    if (kw_status_is_bad(status)) {
        return status;
    }
    memcpy(text.data, TITLE, len);
    for (size_t i = 0; i < keys->count; i++) {
        len += write_hex((char *)text.data + len, &keys->keys[i]);
    }
    status = replaces ? kw_replace_file(path, text.data, len, 0600) : kw_write_new_file(path, text.data, len, 0600);
    kw_secret_clear(&text);
    return status;
}

kw_status kw_key_file_make(const char *path)
{
    kw_seal_keys keys = {.count = 1};
    kw_status status = kw_secret_init(&keys.keys[0], KW_SEAL_KEY_LEN);
    if (!kw_status_is_bad(status)) {
        status = kw_random_fill(&KW_RANDOM_SYSTEM, keys.keys[0].data, KW_SEAL_KEY_LEN);
    }
    if (!kw_status_is_bad(status)) {
        status = kw_key_file_write(path, &keys, false);
    }
    kw_seal_keys_clear(&keys);
    return status;
}

int kw_key_file_fail(kw_status status, const kw_key_file *file)
{
    if (file == NULL || status == KW_BAD_CONFIGURATION_ERROR) {
        return kw_fail(status, "the signing keys in the store are sealed; set authority.key_file to the key that they were sealed with");
    }
    switch (status) {
    case KW_BAD_SECURITY_CHECKS_FAILED:
        return kw_fail(status,
                       "%s: this key does not open the signing keys in the store; use the one that sealed them, own/store.key of the "
                       "node that made the store",
                       file->path);
    case KW_BAD_NOT_FOUND:
        return kw_fail(status, "%s: is missing; put back the key that the signing keys in the store were sealed with", file->path);
    case KW_BAD_DECODING_ERROR:
        return kw_fail(status, "%s: is no key file; each line of one has 64 hexadecimal digits", file->path);
    case KW_BAD_NOT_READABLE:
        return kw_fail(status, "%s: must be readable, and by its owner alone; run `chmod 600` on it", file->path);
    default:
        return kw_fail(status, "%s: the signing keys in the store could not be opened", file->path);
    }
}

/* --- the ring ------------------------------------------------------------------------------------------------------------------ */

static int find_file(const kw_directory *d, kw_own_keys *out)
{
    const kw_config_authority *config = &d->config->authority;
    char *path = NULL;
    if (config->key_credential != NULL) {
        const char *folder = getenv("CREDENTIALS_DIRECTORY");
        if (folder == NULL) {
            return kw_fail(KW_BAD_CONFIGURATION_ERROR,
                           "%s: authority.key_credential: there are no credentials here; start it by systemd with LoadCredential=%s:FILE",
                           d->config_file, config->key_credential);
        }
        path = kw_directory_path(folder, config->key_credential);
    } else if (config->key_file != NULL) {
        path = kw_config_path(d->config_file, config->key_file);
    }
    kw_key_file_init(&out->file, path);
    out->file.is_credential = config->key_credential != NULL;
    return -1;
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
    const int code = find_file(d, out);
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
