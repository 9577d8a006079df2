#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static kw_status fail(const char **why, const char *reason, kw_status status)
{
    *why = reason;
    return status;
}

/* A file that was just made is there after a crash only when its folder was written too. */
static bool sync_folder(const char *folder)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

/*
 * The empty file gets its name only when it is closed: closing any descriptor of a file drops all locks that this process has on
 * it (POSIX), and a store that is open elsewhere in the process must keep them. mkostemp makes it 0600 whatever the umask.
 */
static bool make(const char *path)
{
    char folder[PATH_MAX], spare[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const int folder_len = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    if (strlen(path) >= PATH_MAX || snprintf(folder, sizeof(folder), "%.*s", folder_len, slash == NULL ? "." : path) < 0 ||
        snprintf(spare, sizeof(spare), "%s/.store-XXXXXX", folder) >= (int)sizeof(spare)) {
        errno = ENAMETOOLONG;
        return false;
    }
    const int fd = mkostemp(spare, O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    close(fd);
    const bool is_named = link(spare, path) == 0 || errno == EEXIST; /* somebody was quicker: that one is looked at like any other */
    unlink(spare);
    return is_named && sync_folder(folder);
}

kw_status kw_store_file_prepare(const char *path, bool create, const char **why)
{
    struct stat info;
    if (lstat(path, &info) != 0) {
        if (errno != ENOENT) {
            return fail(why, "the store cannot be reached", KW_BAD_NOT_WRITABLE);
        }
        if (!create) {
            return fail(why, "there is no store; `keyway init DIR` makes one", KW_BAD_NOT_FOUND);
        }
        if (!make(path) || lstat(path, &info) != 0) {
            return fail(why, errno == ENOENT ? "the folder of the store does not exist" : "the store cannot be created in its folder",
                        errno == ENOENT ? KW_BAD_NOT_FOUND : KW_BAD_NOT_WRITABLE);
        }
    }
    if (!S_ISREG(info.st_mode)) {
        return fail(why, "the store is not a regular file", KW_BAD_SECURITY_CHECKS_FAILED);
    }
    if ((info.st_mode & 077) != 0) {
        return fail(why, "others can read the store; run `chmod 600` on it", KW_BAD_SECURITY_CHECKS_FAILED);
    }
    return KW_GOOD;
}
