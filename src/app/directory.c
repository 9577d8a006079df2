#include "app/directory.h"

#include "app/options.h"
#include "app/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADMIN_ARENA ((size_t)64 << 20)
#define PASSWORD_MAX 1024

char *kw_directory_path(const char *directory, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", directory, name) < 0) {
        abort();
    }
    return path;
}

static int open_store(kw_directory *d)
{
    kw_string why = KW_BYTES_NULL;
    const kw_status status = kw_store_open(d->store_location, false, &KW_CLOCK_SYSTEM, d->arena, &d->store, &why);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%.*s: %.*s", KW_STRING_ARGS(kw_store_location_name(d->store_location, d->arena)), KW_STRING_ARGS(why));
    }
    return -1;
}

int kw_directory_load(const char *config_file, kw_directory *out)
{
    *out = (kw_directory){0};
    out->config_file = strdup(config_file);
    out->arena = kw_arena_new(ADMIN_ARENA);
    out->config = kw_config_load(config_file);
    if (out->config == NULL || out->arena == NULL || out->config_file == NULL) {
        kw_directory_close(out);
        return KW_EXIT_USAGE;
    }
    const char *store = out->config->store;
    out->store_location = kw_store_location_is_file(store) ? kw_config_path(config_file, store) : strdup(store);
    return -1;
}

int kw_directory_open_config(const char *config_file, kw_directory *out)
{
    int code = kw_directory_load(config_file, out);
    if (code >= 0) {
        return code;
    }
    code = open_store(out);
    if (code >= 0) {
        kw_directory_close(out);
    }
    return code;
}

int kw_directory_open(const kw_command *command, const char *directory, kw_directory *out)
{
    *out = (kw_directory){0};
    if (directory == NULL) {
        return kw_usage_error(command, "-d DIR is missing (the folder that `keyway init` made)");
    }
    char *file = kw_directory_path(directory, KW_DIRECTORY_CONFIG);
    const int code = kw_directory_open_config(file, out);
    free(file);
    return code;
}

void kw_directory_close(kw_directory *d)
{
    kw_store_close(d->store);
    kw_arena_free(d->arena);
    if (d->config != NULL) {
        kw_config_free(d->config);
    }
    free(d->config_file);
    if (d->store_location != NULL) {
        kw_wipe(d->store_location, strlen(d->store_location)); /* there may be a password in it */
    }
    free(d->store_location);
    *d = (kw_directory){0};
}

int kw_directory_trust(const kw_directory *d, bool users, kw_trust_list **out)
{
    char *path = kw_config_path(d->config_file, users ? d->config->security.user_trust : d->config->security.trust);
    const kw_status status = kw_trust_list_open(path, true, &KW_CLOCK_SYSTEM, &KW_LOG_STDERR, out);
    if (kw_status_is_bad(status)) {
        kw_fail(status, "the trust list %s cannot be opened", path);
    }
    free(path);
    return kw_status_is_bad(status) ? KW_EXIT_FAILED : -1;
}

kw_status kw_read_file(const char *path, size_t max, uint8_t **data, size_t *len)
{
    const int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? KW_BAD_NOT_FOUND : KW_BAD_NOT_READABLE;
    }
    uint8_t *buffer = malloc(max + 1);
    size_t used = 0;
    ssize_t got = buffer == NULL ? -1 : 1;
    while (got > 0 && used <= max) {
        got = read(fd, buffer + used, max + 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    if (got < 0 || used > max) {
        free(buffer);
        return used > max ? KW_BAD_REQUEST_TOO_LARGE : KW_BAD_NOT_READABLE;
    }
    *data = buffer;
    *len = used;
    return KW_GOOD;
}

int kw_read_secret_file(const char *path, kw_secret *out)
{
    uint8_t *data = NULL;
    size_t len = 0;
    const kw_status status = kw_read_file(path, PASSWORD_MAX, &data, &len);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "%s: %s", path,
                       status == KW_BAD_REQUEST_TOO_LARGE ? "a password has at most 1024 bytes" : "this password file cannot be read");
    }
    const uint8_t *end = memchr(data, '\n', len);
    size_t used = end != NULL ? (size_t)(end - data) : len;
    used -= used > 0 && data[used - 1] == '\r';
    const kw_status copied = kw_secret_copy(out, (kw_bytes){data, used});
    kw_wipe(data, len);
    free(data);
    return kw_status_is_bad(copied) ? kw_fail(copied, "out of memory") : -1;
}
