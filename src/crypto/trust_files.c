/* The folders of a trust list: reading, adding, removing. Names of files never come from certificates (attack A-86). */
#include "base/try.h"
#include "crypto/crypto_internal.h"
#include "crypto/trust_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define REJECTED_MAX 100
#define ENTRIES_MAX 10000
#define CRL_MAX ((size_t)16 << 20)
#define PATH_LEN 4096

/* --- reading -------------------------------------------------------------------------------------------------------------------- */

static bool has_ending(const char *name, const char *const *endings)
{
    const size_t len = strlen(name);
    for (; *endings != NULL; endings++) {
        const size_t n = strlen(*endings);
        if (len > n && strcasecmp(name + len - n, *endings) == 0) {
            return true;
        }
    }
    return false;
}

typedef kw_status (*file_visitor)(void *ctx, const char *path);

/* Every regular file with one of these endings; links are passed over. */
static kw_status visit(const char *folder, const char *const *endings, file_visitor each, void *ctx)
{
    DIR *dir = folder != NULL ? opendir(folder) : NULL;
    kw_status status = KW_GOOD;
    if (dir == NULL) {
        return KW_GOOD;
    }
    for (const struct dirent *entry; !kw_status_is_bad(status) && (entry = readdir(dir)) != NULL;) {
        char path[PATH_LEN];
        struct stat info;
        const int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (len > 0 && (size_t)len < sizeof(path) && has_ending(entry->d_name, endings) && lstat(path, &info) == 0 &&
            S_ISREG(info.st_mode)) {
            status = each(ctx, path);
        }
    }
    closedir(dir);
    return status;
}

static const char *const CERTIFICATE_ENDINGS[] = {".der", ".crt", ".cer", ".pem", NULL};
static const char *const CRL_ENDINGS[] = {".crl", ".der", ".pem", NULL};

typedef struct collecting {
    const kw_trust_list *trust;
    void **items;
    size_t count;
} collecting;

static kw_status append(collecting *c, void *item)
{
    if (c->count % 16 == 0) {
        void **more = c->count < ENTRIES_MAX ? realloc(c->items, (c->count + 16) * sizeof(void *)) : NULL;
        if (more == NULL) {
            return KW_BAD_OUT_OF_MEMORY;
        }
        c->items = more;
    }
    c->items[c->count++] = item;
    return KW_GOOD;
}

static kw_status collect_certificate(void *ctx, const char *path)
{
    collecting *c = ctx;
    kw_certificate *certificate = NULL;
    if (kw_status_is_bad(kw_certificate_load_file(path, &certificate))) {
        KW_LOG(c->trust->log, KW_LOG_DEBUG, "not a certificate", kw_field_text("file", path));
        return KW_GOOD; /* one bad file does not shut everybody out */
    }
    const kw_status status = append(c, certificate);
    if (kw_status_is_bad(status)) {
        kw_certificate_release(certificate);
    }
    return status;
}

static X509_CRL *parse_crl(kw_bytes encoded)
{
    const uint8_t *p = encoded.data;
    X509_CRL *crl = NULL;
    if (encoded.len > 0 && encoded.len <= CRL_MAX && encoded.data[0] == 0x30) {
        crl = d2i_X509_CRL(NULL, &p, (long)encoded.len);
    } else if (encoded.len > 0 && encoded.len <= CRL_MAX) {
        BIO *bio = BIO_new_mem_buf(encoded.data, (int)encoded.len);
        crl = bio != NULL ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;
        BIO_free(bio);
    }
    ERR_clear_error();
    return crl;
}

static X509_CRL *load_crl(const char *path)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *data = file != NULL ? malloc(CRL_MAX) : NULL;
    X509_CRL *crl = NULL;
    if (data != NULL) {
        crl = parse_crl((kw_bytes){data, fread(data, 1, CRL_MAX, file)});
    }
    free(data);
    if (file != NULL) {
        fclose(file);
    }
    return crl;
}

static kw_status collect_crl(void *ctx, const char *path)
{
    X509_CRL *crl = load_crl(path);
    if (crl == NULL) { /* in a plain folder the certificates lie beside them */
        return KW_GOOD;
    }
    const kw_status status = append(ctx, crl);
    if (kw_status_is_bad(status)) {
        X509_CRL_free(crl);
    }
    return status;
}

kw_status kw_trust_state_read(const kw_trust_list *trust, kw_trust_state **out)
{
    kw_trust_state *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    atomic_init(&state->references, 1);
    collecting trusted = {trust, NULL, 0}, issuers = {trust, NULL, 0}, crls = {trust, NULL, 0};
    kw_status status = visit(trust->folders[KW_FOLDER_TRUSTED], CERTIFICATE_ENDINGS, collect_certificate, &trusted);
    status =
        kw_status_is_bad(status) ? status : visit(trust->folders[KW_FOLDER_ISSUERS], CERTIFICATE_ENDINGS, collect_certificate, &issuers);
    status = kw_status_is_bad(status) ? status : visit(trust->folders[KW_FOLDER_TRUSTED_CRL], CRL_ENDINGS, collect_crl, &crls);
    status = kw_status_is_bad(status) ? status : visit(trust->folders[KW_FOLDER_ISSUERS_CRL], CRL_ENDINGS, collect_crl, &crls);
    state->trusted = (kw_certificate **)trusted.items;
    state->trusted_count = trusted.count;
    state->issuers = (kw_certificate **)issuers.items;
    state->issuer_count = issuers.count;
    state->crls = (X509_CRL **)crls.items;
    state->crl_count = crls.count;
    if (kw_status_is_bad(status)) {
        kw_trust_state_release(state);
        return status;
    }
    *out = state;
    return KW_GOOD;
}

void kw_trust_state_release(kw_trust_state *state)
{
    if (state == NULL || atomic_fetch_sub(&state->references, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < state->trusted_count; i++) {
        kw_certificate_release(state->trusted[i]);
    }
    for (size_t i = 0; i < state->issuer_count; i++) {
        kw_certificate_release(state->issuers[i]);
    }
    for (size_t i = 0; i < state->crl_count; i++) {
        X509_CRL_free(state->crls[i]);
    }
    free(state->trusted);
    free(state->issuers);
    free(state->crls);
    free(state);
}

/* --- writing -------------------------------------------------------------------------------------------------------------------------- */

static kw_status path_for(const char *folder, kw_bytes content, const char *ending, char path[PATH_LEN])
{
    uint8_t hash[KW_HASH_MAX];
    char hex[65];
    if (folder == NULL) {
        return KW_BAD_NOT_WRITABLE;
    }
    KW_TRY(kw_hash_of(KW_HASH_SHA256, &content, 1, hash));
    for (size_t i = 0; i < 32; i++) {
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    }
    const int len = snprintf(path, PATH_LEN, "%s/%s%s", folder, hex, ending);
    return len > 0 && len < PATH_LEN ? KW_GOOD : KW_BAD_INVALID_ARGUMENT;
}

/* What is there already is the same: its name is its content. */
static kw_status write_once(const char *path, kw_bytes content)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) {
        return errno == EEXIST ? KW_GOOD : KW_BAD_NOT_WRITABLE;
    }
    const bool written = write(fd, content.data, content.len) == (ssize_t)content.len;
    close(fd);
    if (!written) {
        unlink(path);
    }
    return written ? KW_GOOD : KW_BAD_NOT_WRITABLE;
}

typedef struct oldest_file {
    char path[PATH_LEN];
    struct timespec time;
    size_t count;
} oldest_file;

static kw_status look_for_oldest(void *ctx, const char *path)
{
    oldest_file *oldest = ctx;
    struct stat info;
    if (lstat(path, &info) == 0 && (oldest->count++ == 0 || info.st_mtim.tv_sec < oldest->time.tv_sec)) {
        oldest->time = info.st_mtim;
        snprintf(oldest->path, sizeof(oldest->path), "%s", path);
    }
    return KW_GOOD;
}

void kw_trust_keep_rejected(const kw_trust_list *trust, const kw_certificate *certificate)
{
    char path[PATH_LEN];
    oldest_file oldest = {.count = 0};
    const kw_bytes der = kw_certificate_der(certificate);
    if (kw_status_is_bad(path_for(trust->folders[KW_FOLDER_REJECTED], der, ".der", path)) || access(path, F_OK) == 0) {
        return;
    }
    visit(trust->folders[KW_FOLDER_REJECTED], CERTIFICATE_ENDINGS, look_for_oldest, &oldest);
    if (oldest.count >= REJECTED_MAX) {
        unlink(oldest.path);
    }
    (void)write_once(path, der); /* keeping it is a service to the administrator, not a condition */
}

kw_status kw_trust_list_add(kw_trust_list *trust, const kw_certificate *certificate, kw_trust_kind kind)
{
    char path[PATH_LEN], rejected[PATH_LEN];
    const kw_bytes der = kw_certificate_der(certificate);
    const int folder = kind == KW_TRUST_TRUSTED ? KW_FOLDER_TRUSTED : kind == KW_TRUST_ISSUER ? KW_FOLDER_ISSUERS : KW_FOLDER_REJECTED;
    KW_TRY(path_for(trust->folders[folder], der, ".der", path));
    KW_TRY(write_once(path, der));
    if (folder != KW_FOLDER_REJECTED && !kw_status_is_bad(path_for(trust->folders[KW_FOLDER_REJECTED], der, ".der", rejected))) {
        unlink(rejected);
    }
    return KW_GOOD;
}

/* --- removing --------------------------------------------------------------------------------------------------------------------------- */

typedef struct removal {
    kw_trust_list *trust;
    kw_bytes thumbprint;
    bool to_rejected, found;
} removal;

static kw_status remove_if_it(void *ctx, const char *path)
{
    removal *r = ctx;
    kw_certificate *certificate = NULL;
    if (kw_status_is_bad(kw_certificate_load_file(path, &certificate))) {
        return KW_GOOD;
    }
    kw_status status = KW_GOOD;
    if (kw_bytes_equal(kw_certificate_thumbprint(certificate), r->thumbprint)) {
        r->found = true;
        status = unlink(path) == 0 ? KW_GOOD : KW_BAD_NOT_WRITABLE;
        if (r->to_rejected) {
            kw_trust_keep_rejected(r->trust, certificate);
        }
    }
    kw_certificate_release(certificate);
    return status;
}

kw_status kw_trust_list_remove(kw_trust_list *trust, kw_bytes sha1_thumbprint, bool to_rejected)
{
    removal r = {trust, sha1_thumbprint, to_rejected, false};
    KW_TRY(visit(trust->folders[KW_FOLDER_TRUSTED], CERTIFICATE_ENDINGS, remove_if_it, &r));
    KW_TRY(visit(trust->folders[KW_FOLDER_ISSUERS], CERTIFICATE_ENDINGS, remove_if_it, &r));
    return r.found ? KW_GOOD : KW_BAD_NOT_FOUND;
}

/* --- CRLs ----------------------------------------------------------------------------------------------------------------------------------- */

static bool is_crl_of(X509_CRL *crl, const kw_certificate *issuer)
{
    const bool fits = X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer->x509)) == 0 &&
                      X509_CRL_verify(crl, issuer->public_key->pkey) == 1 && (X509_get_key_usage(issuer->x509) & KU_CRL_SIGN) != 0;
    ERR_clear_error();
    return fits;
}

static bool signed_by_any(X509_CRL *crl, kw_certificate *const *certificates, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_crl_of(crl, certificates[i])) {
            return true;
        }
    }
    return false;
}

static kw_status store_crl(const kw_trust_list *trust, X509_CRL *crl, int folder)
{
    char path[PATH_LEN];
    uint8_t *der = NULL;
    const int len = i2d_X509_CRL(crl, &der);
    kw_status status = len > 0 ? path_for(trust->folders[folder], (kw_bytes){der, (size_t)len}, ".crl", path) : KW_BAD_ENCODING_ERROR;
    if (!kw_status_is_bad(status)) {
        status = write_once(path, (kw_bytes){der, (size_t)len});
    }
    OPENSSL_free(der);
    return status;
}

kw_status kw_trust_list_add_crl(kw_trust_list *trust, kw_bytes encoded)
{
    kw_trust_state *state = NULL;
    X509_CRL *crl = parse_crl(encoded);
    if (crl == NULL) {
        return KW_BAD_DECODING_ERROR;
    }
    kw_status status = kw_trust_state_get(trust, &state);
    if (!kw_status_is_bad(status)) {
        if (signed_by_any(crl, state->trusted, state->trusted_count)) {
            status = store_crl(trust, crl, KW_FOLDER_TRUSTED_CRL);
        } else if (signed_by_any(crl, state->issuers, state->issuer_count)) {
            status = store_crl(trust, crl, KW_FOLDER_ISSUERS_CRL);
        } else {
            status = KW_BAD_NOT_FOUND;
        }
        kw_trust_state_release(state);
    }
    X509_CRL_free(crl);
    return status;
}

/* --- listing ------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct listing {
    bool (*each)(void *ctx, kw_trust_kind kind, const kw_certificate *certificate);
    void *ctx;
    kw_trust_kind kind;
    bool is_over;
} listing;

static kw_status list_file(void *ctx, const char *path)
{
    listing *l = ctx;
    kw_certificate *certificate = NULL;
    if (!l->is_over && !kw_status_is_bad(kw_certificate_load_file(path, &certificate))) {
        l->is_over = !l->each(l->ctx, l->kind, certificate);
        kw_certificate_release(certificate);
    }
    return KW_GOOD;
}

kw_status kw_trust_list_each(kw_trust_list *trust, bool (*each)(void *ctx, kw_trust_kind kind, const kw_certificate *certificate),
                             void *ctx)
{
    static const struct {
        int folder;
        kw_trust_kind kind;
    } ORDER[] = {{KW_FOLDER_TRUSTED, KW_TRUST_TRUSTED}, {KW_FOLDER_ISSUERS, KW_TRUST_ISSUER}, {KW_FOLDER_REJECTED, KW_TRUST_REJECTED}};
    listing l = {.each = each, .ctx = ctx};
    for (size_t i = 0; i < sizeof(ORDER) / sizeof(ORDER[0]) && !l.is_over; i++) {
        l.kind = ORDER[i].kind;
        KW_TRY(visit(trust->folders[ORDER[i].folder], CERTIFICATE_ENDINGS, list_file, &l));
    }
    return KW_GOOD;
}
