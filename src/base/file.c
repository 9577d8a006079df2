#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

kw_status kw_write_new_file(const char *path, const void *data, size_t len, unsigned mode)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
        return errno == EEXIST ? KW_BAD_ALREADY_EXISTS : KW_BAD_NOT_WRITABLE;
    }
    const uint8_t *bytes = data;
    size_t done = 0;
    while (done < len) {
        const ssize_t wrote = write(fd, bytes + done, len - done);
        if (wrote < 0 && errno != EINTR) {
            break;
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    const bool synced = fsync(fd) == 0;
    close(fd);
    return done == len && synced ? KW_GOOD : KW_BAD_NOT_WRITABLE;
}

kw_status kw_replace_file(const char *path, const void *data, size_t len, unsigned mode)
{
    char *beside = NULL;
    if (asprintf(&beside, "%s.new", path) < 0) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    (void)unlink(beside); /* of one that was interrupted */
    kw_status status = kw_write_new_file(beside, data, len, mode);
    if (!kw_status_is_bad(status) && rename(beside, path) != 0) {
        (void)unlink(beside);
        status = KW_BAD_NOT_WRITABLE;
    }
    free(beside);
    return status;
}
