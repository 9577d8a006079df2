#include "base/try.h"
#include "http/server_internal.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/x509.h>

/* Any certificate will do, or none: that its holder has the key is all that TLS is to tell; who that is, others look up (RFC 8705, 2.2). */
static int accept_any(X509_STORE_CTX *store, void *ctx)
{
    (void)ctx;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static kw_status use_chain(SSL_CTX *tls, kw_bytes chain)
{
    const unsigned char *at = chain.data;
    const unsigned char *end = chain.data + chain.len;
    for (bool is_leaf = true; at < end; is_leaf = false) {
        X509 *certificate = d2i_X509(NULL, &at, (long)(end - at));
        if (certificate == NULL) {
            return KW_BAD_CERTIFICATE_INVALID;
        }
        const bool is_taken = is_leaf ? SSL_CTX_use_certificate(tls, certificate) == 1 : SSL_CTX_add1_chain_cert(tls, certificate) == 1;
        X509_free(certificate);
        if (!is_taken) {
            return KW_BAD_CERTIFICATE_INVALID;
        }
    }
    return KW_GOOD;
}

kw_status kw_http_tls_new(const kw_application_identity *identity, bool asks_for_certificate, SSL_CTX **out)
{
    static const unsigned char NAME[] = "keyway";
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_id_context(tls, NAME, sizeof(NAME) - 1);
    if (asks_for_certificate) {
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_cert_verify_callback(tls, accept_any, NULL);
    }
    kw_status status = use_chain(tls, kw_certificate_chain(identity->certificate));
    if (!kw_status_is_bad(status) && SSL_CTX_use_PrivateKey(tls, kw_private_key_evp(identity->key)) != 1) {
        status = KW_BAD_CERTIFICATE_INVALID;
    }
    if (kw_status_is_bad(status)) {
        SSL_CTX_free(tls);
        return status;
    }
    *out = tls;
    return KW_GOOD;
}

kw_status kw_http_server_use_identity(kw_http_server *server, const kw_application_identity *identity)
{
    SSL_CTX *fresh = NULL;
    if (!server->has_tls) {
        return KW_BAD_INVALID_STATE;
    }
    KW_TRY(kw_http_tls_new(identity, server->asks_for_certificate, &fresh));
    pthread_mutex_lock(&server->lock);
    SSL_CTX *former = server->tls;
    server->tls = fresh;
    pthread_mutex_unlock(&server->lock);
    SSL_CTX_free(former); /* its connections hold it */
    return KW_GOOD;
}

static SSL *new_tls(kw_http_server *server)
{
    pthread_mutex_lock(&server->lock);
    SSL *ssl = SSL_new(server->tls);
    pthread_mutex_unlock(&server->lock);
    return ssl;
}

struct bufferevent *kw_http_tls_accept(struct event_base *base, void *ctx)
{
    kw_http_server *server = ctx;
    struct bufferevent *connection = NULL;
    if (!server->has_tls) {
        connection = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    } else {
        SSL *ssl = new_tls(server); /* from here on the connection's */
        connection = ssl != NULL ? bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE) : NULL;
        if (connection != NULL) {
            bufferevent_openssl_set_allow_dirty_shutdown(connection, 1); /* lengths are in the messages: a cut is noticed there */
        } else {
            SSL_free(ssl);
        }
    }
    kw_http_mind_connections(server);
    return connection;
}

kw_bytes kw_http_tls_peer_certificate(struct evhttp_connection *connection, kw_arena *arena)
{
    SSL *ssl = bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(connection));
    X509 *certificate = ssl != NULL ? SSL_get0_peer_certificate(ssl) : NULL;
    unsigned char *der = NULL;
    const int len = certificate != NULL ? i2d_X509(certificate, &der) : 0;
    const kw_bytes copy = len > 0 ? kw_arena_copy(arena, (kw_bytes){der, (size_t)len}) : KW_BYTES_NULL;
    OPENSSL_free(der);
    return copy;
}
