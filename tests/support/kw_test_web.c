#include "support/kw_test_web.h"

#include "crypto/certificate.h"
#include "support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DAY (INT64_C(86400) * KW_TICKS_PER_S)

struct kw_test_web {
    pthread_t thread;
    int listener;
    SSL_CTX *tls; /* NULL: plain */
    kw_test_web_look look;
    void *ctx;
    char url[64];
    char *ca;
    atomic_size_t requests;
    atomic_bool is_stopping;
};

/* --- one connection ---------------------------------------------------------------------------------------------------------- */

typedef struct wire {
    int fd;
    SSL *ssl;
} wire;

static int wire_read(wire *w, char *data, size_t len)
{
    return w->ssl != NULL ? SSL_read(w->ssl, data, (int)len) : (int)recv(w->fd, data, len, 0);
}

static bool wire_write(wire *w, const char *data, size_t len)
{
    if (w->ssl != NULL) {
        return len == 0 || SSL_write(w->ssl, data, (int)len) == (int)len;
    }
    return send(w->fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void answer(wire *w, const kw_test_web_page *page)
{
    char head[512];
    const char *content = page->content != NULL ? page->content : "";
    const size_t len = strlen(content);
    snprintf(head, sizeof(head), "HTTP/1.1 %d x\r\nConnection: close\r\n%s%s%s\r\n", page->status,
             page->location != NULL ? "Location: " : "", page->location != NULL ? page->location : "",
             page->location != NULL ? "\r\n" : "");
    bool is_open = wire_write(w, head, strlen(head)) && wire_write(w, content, len);
    for (size_t i = 0; is_open && i < page->repeat; i++) {
        is_open = wire_write(w, content, len);
    }
}

static void serve(kw_test_web *web, wire *w)
{
    char request[4096], path[1024];
    size_t len = 0;
    int got = 1;
    while (got > 0 && len < sizeof(request) - 1 && (len < 4 || memcmp(request + len - 4, "\r\n\r\n", 4) != 0)) {
        got = wire_read(w, request + len, sizeof(request) - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    request[len] = '\0';
    if (got <= 0 || sscanf(request, "GET %1023s", path) != 1) {
        return;
    }
    atomic_fetch_add(&web->requests, 1);
    const kw_test_web_page page = web->look(web->ctx, path);
    if (page.status != 0) {
        answer(w, &page);
    } else {
        while (wire_read(w, request, sizeof(request)) > 0) {
        }
    }
}

static void serve_connection(kw_test_web *web, int fd)
{
    wire w = {.fd = fd};
    if (web->tls != NULL) {
        w.ssl = SSL_new(web->tls);
        SSL_set_fd(w.ssl, fd);
        if (SSL_accept(w.ssl) != 1) {
            SSL_free(w.ssl);
            return;
        }
    }
    serve(web, &w);
    if (w.ssl != NULL) {
        SSL_shutdown(w.ssl);
        SSL_free(w.ssl);
    }
}

static void *run(void *ctx)
{
    kw_test_web *web = ctx;
    while (!atomic_load(&web->is_stopping)) {
        const int fd = accept(web->listener, NULL, NULL);
        if (fd >= 0) {
            serve_connection(web, fd);
            close(fd);
        }
    }
    return NULL;
}

/* --- life ---------------------------------------------------------------------------------------------------------------------- */

static SSL_CTX *tls_of(const kw_private_key *key, const char *certificate)
{
    kw_secret pem = KW_SECRET_NONE;
    assert_int_equal(kw_private_key_to_pem(key, KW_BYTES_NULL, &pem), KW_GOOD);
    BIO *key_bio = BIO_new_mem_buf(pem.data, (int)pem.len), *certificate_bio = BIO_new_mem_buf(certificate, -1);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    X509 *x509 = PEM_read_bio_X509(certificate_bio, NULL, NULL, NULL);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(tls, x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, pkey), 1);
    X509_free(x509);
    EVP_PKEY_free(pkey);
    BIO_free(certificate_bio);
    BIO_free(key_bio);
    kw_secret_clear(&pem);
    return tls;
}

static void make_certificate(kw_test_web *web)
{
    static const char *const HOSTS[] = {"127.0.0.1"};
    kw_private_key *key = NULL;
    kw_certificate *certificate = NULL;
    const int64_t now = kw_clock_utc(&KW_CLOCK_SYSTEM);
    const kw_certificate_request request = {.application_uri = "urn:keyway:test:web",
                                            .common_name = "web",
                                            .hosts = HOSTS,
                                            .host_count = 1,
                                            .not_before = now - DAY,
                                            .not_after = now + DAY};
    assert_int_equal(kw_private_key_generate(KW_KEY_RSA, 2048, &key), KW_GOOD);
    assert_int_equal(kw_certificate_create(&request, key, &KW_RANDOM_SYSTEM, &certificate), KW_GOOD);
    assert_int_equal(kw_certificate_to_pem(certificate, &web->ca), KW_GOOD);
    web->tls = tls_of(key, web->ca);
    kw_certificate_release(certificate);
    kw_private_key_release(key);
}

kw_test_web *kw_test_web_new(bool is_tls, kw_test_web_look look, void *ctx)
{
    kw_test_web *web = calloc(1, sizeof(*web));
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(here);
    assert_non_null(web);
    web->look = look;
    web->ctx = ctx;
    if (is_tls) {
        make_certificate(web);
    }
    signal(SIGPIPE, SIG_IGN); /* TLS writes to who has gone */
    web->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(web->listener, (struct sockaddr *)&here, len), 0);
    assert_int_equal(listen(web->listener, 16), 0);
    assert_int_equal(getsockname(web->listener, (struct sockaddr *)&here, &len), 0);
    snprintf(web->url, sizeof(web->url), "%s://127.0.0.1:%u", is_tls ? "https" : "http", ntohs(here.sin_port));
    assert_int_equal(pthread_create(&web->thread, NULL, run, web), 0);
    return web;
}

void kw_test_web_free(kw_test_web *web)
{
    atomic_store(&web->is_stopping, true);
    shutdown(web->listener, SHUT_RDWR); /* wakes up who accepts */
    pthread_join(web->thread, NULL);
    close(web->listener);
    SSL_CTX_free(web->tls);
    free(web->ca);
    free(web);
}

const char *kw_test_web_url(const kw_test_web *web)
{
    return web->url;
}

kw_bytes kw_test_web_ca(const kw_test_web *web)
{
    return kw_string_from(web->ca);
}

size_t kw_test_web_requests(kw_test_web *web)
{
    return atomic_load(&web->requests);
}
