/* Keys from and to their encodings: PEM or DER, PKCS#8 encrypted or not, or the traditional forms. */
#include "base/try.h"
#include "crypto/crypto_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX ((off_t)65536)
#define PBKDF2_ITERATIONS 210000

typedef struct passphrase_source {
    kw_bytes passphrase;
    bool was_asked; /* the key is encrypted */
} passphrase_source;

/* Always present, so that nothing ever prompts on a terminal. */
static int give_passphrase(char *buffer, int size, int writing, void *ctx)
{
    passphrase_source *source = ctx;
    (void)writing;
    source->was_asked = true;
    if (source->passphrase.data == NULL || source->passphrase.len > (size_t)size) {
        return -1;
    }
    memcpy(buffer, source->passphrase.data, source->passphrase.len);
    return (int)source->passphrase.len;
}

static EVP_PKEY *decode(kw_bytes encoded, const char *structure, int selection, passphrase_source *source)
{
    EVP_PKEY *pkey = NULL;
    const unsigned char *data = encoded.data;
    size_t len = encoded.len;
    OSSL_DECODER_CTX *ctx = OSSL_DECODER_CTX_new_for_pkey(&pkey, NULL, structure, NULL, selection, NULL, NULL);
    const bool is_good = ctx != NULL && OSSL_DECODER_CTX_set_pem_password_cb(ctx, give_passphrase, source) == 1 &&
                         OSSL_DECODER_from_data(ctx, &data, &len) == 1;
    OSSL_DECODER_CTX_free(ctx);
    ERR_clear_error();
    if (!is_good) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

kw_status kw_private_key_load(kw_bytes encoded, kw_bytes passphrase, kw_private_key **out)
{
    passphrase_source source = {.passphrase = passphrase};
    EVP_PKEY *pkey = encoded.len > 0 ? decode(encoded, NULL, EVP_PKEY_KEYPAIR, &source) : NULL;
    if (pkey == NULL) {
        return source.was_asked ? KW_BAD_SECURITY_CHECKS_FAILED : KW_BAD_DECODING_ERROR;
    }
    return kw_private_key_wrap(pkey, out);
}

static kw_status read_all(int fd, kw_secret *out)
{
    size_t done = 0;
    while (done < out->len) {
        const ssize_t got = read(fd, out->data + done, out->len - done);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return KW_BAD_DECODING_ERROR;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return KW_GOOD;
}

kw_status kw_private_key_load_file(const char *path, kw_bytes passphrase, kw_private_key **out)
{
    struct stat info;
    kw_secret content = KW_SECRET_NONE;
    kw_status status;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe in its place must not hang us */
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR ? KW_BAD_NOT_FOUND : KW_BAD_USER_ACCESS_DENIED;
    }
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0 || info.st_size > KEY_FILE_MAX) {
        status = KW_BAD_DECODING_ERROR;
        goto done;
    }
    if ((info.st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)) != 0) {
        status = KW_BAD_SECURITY_CHECKS_FAILED;
        goto done;
    }
    KW_GOTO(done, kw_secret_init(&content, (size_t)info.st_size));
    KW_GOTO(done, read_all(fd, &content));
    status = kw_private_key_load(kw_secret_bytes(&content), passphrase, out);
done:
    kw_secret_clear(&content);
    close(fd);
    return status;
}

/* EncryptedPrivateKeyInfo: PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC; OpenSSL's own writer iterates too little. */
static bool write_encrypted(BIO *bio, PKCS8_PRIV_KEY_INFO *plain, kw_bytes passphrase)
{
    X509_ALGOR *scheme = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PBKDF2_ITERATIONS, NULL, 0, NULL, NID_hmacWithSHA256);
    if (scheme == NULL) {
        return false;
    }
    X509_SIG *sealed = PKCS8_set0_pbe((const char *)passphrase.data, (int)passphrase.len, plain, scheme);
    if (sealed == NULL) {
        X509_ALGOR_free(scheme);
        return false;
    }
    const bool is_good = PEM_write_bio_PKCS8(bio, sealed) == 1;
    X509_SIG_free(sealed);
    return is_good;
}

kw_status kw_private_key_to_pem(const kw_private_key *key, kw_bytes passphrase, kw_secret *out)
{
    char *text = NULL;
    if (passphrase.len > INT_MAX) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key->pkey);
    bool is_good = bio != NULL && plain != NULL;
    if (is_good) {
        is_good = passphrase.data != NULL ? write_encrypted(bio, plain, passphrase) : PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, plain) == 1;
    }
    const long len = is_good ? BIO_get_mem_data(bio, &text) : 0;
    const kw_status status = len > 0 ? kw_secret_copy(out, (kw_bytes){(const uint8_t *)text, (size_t)len}) : KW_BAD_UNEXPECTED_ERROR;
    PKCS8_PRIV_KEY_INFO_free(plain);
    BIO_free(bio);
    ERR_clear_error();
    return status;
}

kw_status kw_public_key_load(kw_bytes encoded, kw_public_key **out)
{
    passphrase_source none = {.passphrase = KW_BYTES_NULL};
    EVP_PKEY *pkey = encoded.len > 0 ? decode(encoded, "SubjectPublicKeyInfo", EVP_PKEY_PUBLIC_KEY, &none) : NULL;
    return pkey != NULL ? kw_public_key_wrap(pkey, out) : KW_BAD_DECODING_ERROR;
}
