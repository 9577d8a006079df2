/* A trust list and the state of its folders. */
#include "base/try.h"
#include "crypto/trust_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRESH_S 2 /* times of files are coarse: what changed that recently is read again each time */

static const char *const NAMES[KW_FOLDER_COUNT] = {"trusted/certs", "trusted/crl", "issuers/certs", "issuers/crl", "rejected"};

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Every part of the path below the list's own folder; 0700: who is trusted is nobody else's to change. */
static kw_status make_folder(const char *root, const char *name)
{
    char path[4096];
    for (const char *slash = strchr(name, '/');; slash = NULL) {
        const int len = snprintf(path, sizeof(path), "%s/%.*s", root, slash != NULL ? (int)(slash - name) : (int)strlen(name), name);
        if (len < 0 || (size_t)len >= sizeof(path) || (mkdir(path, 0700) != 0 && errno != EEXIST)) {
            return KW_BAD_NOT_WRITABLE;
        }
        if (slash == NULL) {
            return KW_GOOD;
        }
    }
}

static kw_status make_folders(const char *directory)
{
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        return KW_BAD_NOT_WRITABLE;
    }
    for (int i = 0; i < KW_FOLDER_COUNT; i++) {
        KW_TRY(make_folder(directory, NAMES[i]));
    }
    return KW_GOOD;
}

static kw_status name_folders(kw_trust_list *trust, const char *directory)
{
    for (int i = 0; i < KW_FOLDER_COUNT; i++) {
        if (asprintf(&trust->folders[i], "%s/%s", directory, NAMES[i]) < 0) {
            trust->folders[i] = NULL;
            return KW_BAD_OUT_OF_MEMORY;
        }
    }
    if (is_folder(trust->folders[KW_FOLDER_TRUSTED])) {
        return KW_GOOD;
    }
    /* A plain folder: its certificates are trusted, its CRLs count, nothing is written into it. */
    for (int i = 0; i < KW_FOLDER_COUNT; i++) {
        free(trust->folders[i]);
        trust->folders[i] = i == KW_FOLDER_TRUSTED || i == KW_FOLDER_TRUSTED_CRL ? strdup(directory) : NULL;
    }
    return is_folder(directory) ? KW_GOOD : KW_BAD_NOT_FOUND;
}

static kw_trust_list *new_list(const kw_clock *clock, const kw_log *log)
{
    kw_trust_list *trust = calloc(1, sizeof(*trust));
    if (trust != NULL) {
        trust->clock = clock;
        trust->log = log;
        pthread_mutex_init(&trust->lock, NULL);
    }
    return trust;
}

kw_status kw_trust_list_open(const char *directory, bool create, const kw_clock *clock, const kw_log *log, kw_trust_list **out)
{
    kw_trust_list *trust = new_list(clock, log);
    kw_status status = trust != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status) && create) {
        status = make_folders(directory);
    }
    if (!kw_status_is_bad(status)) {
        status = name_folders(trust, directory);
    }
    if (kw_status_is_bad(status)) {
        kw_trust_list_close(trust);
        return status;
    }
    *out = trust;
    return KW_GOOD;
}

kw_status kw_trust_list_any(const kw_clock *clock, const kw_log *log, kw_trust_list **out)
{
    kw_trust_list *trust = new_list(clock, log);
    if (trust == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    trust->trusts_any = true;
    *out = trust;
    return KW_GOOD;
}

void kw_trust_list_close(kw_trust_list *trust)
{
    if (trust == NULL) {
        return;
    }
    kw_trust_state_release(trust->state);
    for (int i = 0; i < KW_FOLDER_COUNT; i++) {
        free(trust->folders[i]);
    }
    pthread_mutex_destroy(&trust->lock);
    free(trust);
}

/* --- is the state still that of the folders? ------------------------------------------------------------------------------------- */

static struct timespec changed_at(const char *folder)
{
    struct stat info;
    return folder != NULL && stat(folder, &info) == 0 ? info.st_mtim : (struct timespec){0, 0};
}

/* Note the times first and read then: a change in between makes the next look read again. */
static bool note_times(kw_trust_list *trust)
{
    const time_t now = time(NULL);
    bool is_changed = trust->state == NULL;
    for (int i = 0; i < KW_FOLDER_WATCHED; i++) {
        const struct timespec t = changed_at(trust->folders[i]);
        is_changed = is_changed || trust->is_fresh[i] || t.tv_sec != trust->changed[i].tv_sec || t.tv_nsec != trust->changed[i].tv_nsec;
        trust->changed[i] = t;
        trust->is_fresh[i] = now - t.tv_sec < FRESH_S;
    }
    return is_changed;
}

kw_status kw_trust_state_get(kw_trust_list *trust, kw_trust_state **out)
{
    kw_status status = KW_GOOD;
    pthread_mutex_lock(&trust->lock);
    if (note_times(trust)) {
        kw_trust_state *fresh = NULL;
        status = kw_trust_state_read(trust, &fresh);
        if (!kw_status_is_bad(status)) {
            kw_trust_state_release(trust->state);
            trust->state = fresh;
        }
    }
    if (trust->state != NULL) { /* one that cannot be read again stays as it was */
        status = KW_GOOD;
        atomic_fetch_add(&trust->state->references, 1);
        *out = trust->state;
    }
    pthread_mutex_unlock(&trust->lock);
    return status;
}
