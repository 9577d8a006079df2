#include "crypto/crypto_internal.h"

#include <pthread.h>

/* Immutable once fetched; they live as long as the process, as the library itself does. */
static kw_algorithms algorithms;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    algorithms = (kw_algorithms){
        .sha1 = EVP_MD_fetch(NULL, "SHA1", NULL),
        .sha256 = EVP_MD_fetch(NULL, "SHA256", NULL),
        .sha384 = EVP_MD_fetch(NULL, "SHA384", NULL),
        .sha512 = EVP_MD_fetch(NULL, "SHA512", NULL),
        .aes128_cbc = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL),
        .aes256_cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL),
        .aes128_gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL),
        .aes256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL),
        .chacha20_poly1305 = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL),
        .hmac = EVP_MAC_fetch(NULL, "HMAC", NULL),
    };
}

const kw_algorithms *kw_algorithms_get(void)
{
    pthread_once(&once, fetch);
    return &algorithms;
}

const EVP_MD *kw_hash_md(kw_hash hash)
{
    const kw_algorithms *a = kw_algorithms_get();
    switch (hash) {
    case KW_HASH_SHA1:
        return a->sha1;
    case KW_HASH_SHA256:
        return a->sha256;
    case KW_HASH_SHA384:
        return a->sha384;
    case KW_HASH_NONE:
        break;
    }
    return NULL;
}
