/* Certificates: parsed once, everything that is asked for often is kept ready. OPC 10000-6, 6.2. */
#include "base/clock.h"
#include "base/cursor.h"
#include "base/try.h"
#include "crypto/certificate_internal.h"
#include "crypto/crypto_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CERTIFICATE_MAX ((size_t)1 << 20)
#define HOSTS_MAX 256

/* --- parts ----------------------------------------------------------------------------------------------------------------- */

static bool ticks_of(const ASN1_TIME *time, int64_t *out)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        return false;
    }
    *out = kw_datetime_from_unix((int64_t)timegm(&parts));
    return true;
}

static char *name_of(const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL, *copy = NULL;
    if (bio != NULL &&
        X509_NAME_print_ex(bio, name, 0, (XN_FLAG_RFC2253 & ~(unsigned long)(XN_FLAG_SEP_MASK | XN_FLAG_DN_REV)) | XN_FLAG_SEP_CPLUS_SPC) >=
            0) {
        const long len = BIO_get_mem_data(bio, &text);
        copy = strndup(text != NULL ? text : "", (size_t)len);
    }
    BIO_free(bio);
    if (copy != NULL) { /* "CN=a; O=b" reads as CN=a/O=b in the criteria of OPC 10000-18 */
        char *to = copy;
        for (const char *from = copy; *from != '\0'; from++) {
            if (from[0] == ';' && from[1] == ' ') {
                *to++ = '/';
                from++;
            } else {
                *to++ = *from;
            }
        }
        *to = '\0';
    }
    return copy;
}

static kw_status add_host(kw_certificate *c, const char *text, size_t len)
{
    if (c->host_count == HOSTS_MAX || memchr(text, '\0', len) != NULL) {
        return KW_GOOD; /* not a name that anybody could ask for */
    }
    char **more = realloc(c->hosts, (c->host_count + 1) * sizeof(char *));
    if (more == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    c->hosts = more;
    c->hosts[c->host_count] = strndup(text, len);
    return c->hosts[c->host_count++] != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* 127.0.0.1, or eight groups of hexadecimal digits: comparisons go by the bytes, not by the spelling. */
static kw_status add_address(kw_certificate *c, const ASN1_OCTET_STRING *address)
{
    char text[48] = "";
    const uint8_t *b = ASN1_STRING_get0_data(address);
    const int len = ASN1_STRING_length(address);
    if (len == 4) {
        snprintf(text, sizeof(text), "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    } else if (len == 16) {
        for (int i = 0; i < 16; i += 2) {
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%x", i > 0 ? ":" : "", (unsigned)b[i] << 8 | b[i + 1]);
        }
    }
    return *text != '\0' ? add_host(c, text, strlen(text)) : KW_GOOD;
}

/* exactly one URI, compared as bytes; one with a NUL in it is none. */
static kw_status take_uri(kw_certificate *c, const ASN1_STRING *uri, unsigned *uris)
{
    const size_t len = (size_t)ASN1_STRING_length(uri);
    const char *text = (const char *)ASN1_STRING_get0_data(uri);
    if (++*uris > 1 || memchr(text, '\0', len) != NULL) {
        free(c->application_uri);
        c->application_uri = NULL;
        *uris = 2;
        return KW_GOOD;
    }
    c->application_uri = strndup(text, len);
    c->application_uri_len = len;
    return c->application_uri != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status take_names(kw_certificate *c, const GENERAL_NAMES *names)
{
    unsigned uris = 0;
    kw_status status = KW_GOOD;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !kw_status_is_bad(status); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_URI) {
            status = take_uri(c, name->d.uniformResourceIdentifier, &uris);
        } else if (name->type == GEN_DNS) {
            status = add_host(c, (const char *)ASN1_STRING_get0_data(name->d.dNSName), (size_t)ASN1_STRING_length(name->d.dNSName));
        } else if (name->type == GEN_IPADD) {
            status = add_address(c, name->d.iPAddress);
        }
    }
    return status;
}

static kw_status take_facts(kw_certificate *c)
{
    int critical = 0;
    const kw_bytes der = {c->blob, c->leaf_len};
    KW_TRY(kw_hash_of(KW_HASH_SHA1, &der, 1, c->thumbprint));
    for (size_t i = 0; i < sizeof(c->thumbprint); i++) {
        snprintf(c->thumbprint_hex + 2 * i, 3, "%02X", c->thumbprint[i]);
    }
    EVP_PKEY *key = X509_get_pubkey(c->x509);
    if (key == NULL) {
        return KW_BAD_CERTIFICATE_INVALID;
    }
    if (kw_status_is_bad(kw_public_key_wrap(key, &c->public_key)) || !ticks_of(X509_get0_notBefore(c->x509), &c->not_before) ||
        !ticks_of(X509_get0_notAfter(c->x509), &c->not_after)) {
        return KW_BAD_CERTIFICATE_INVALID;
    }
    c->subject = name_of(X509_get_subject_name(c->x509));
    c->issuer_name = name_of(X509_get_issuer_name(c->x509));
    c->is_ca = X509_check_ca(c->x509) == 1;
    GENERAL_NAMES *names = X509_get_ext_d2i(c->x509, NID_subject_alt_name, &critical, NULL);
    if (names == NULL && critical != -1) { /* there, but not to be parsed, or twice */
        return KW_BAD_CERTIFICATE_INVALID;
    }
    const kw_status status = names != NULL ? take_names(c, names) : KW_GOOD;
    GENERAL_NAMES_free(names);
    return c->subject != NULL && c->issuer_name != NULL ? status : KW_BAD_OUT_OF_MEMORY;
}

/* --- parsing ------------------------------------------------------------------------------------------------------------------ */

static kw_status split_chain(kw_certificate *c)
{
    const uint8_t *p = c->blob, *end = c->blob + c->blob_len;
    while (p < end) {
        X509 *next = d2i_X509(NULL, &p, end - p);
        if (next == NULL) {
            return KW_BAD_CERTIFICATE_INVALID; /* junk behind the leaf */
        }
        if (c->x509 == NULL) {
            c->x509 = next;
            c->leaf_len = (size_t)(p - c->blob);
        } else if (c->issuer_count < KW_CHAIN_MAX) {
            c->issuers[c->issuer_count++] = next;
        } else {
            X509_free(next);
            return KW_BAD_CERTIFICATE_INVALID;
        }
    }
    return c->x509 != NULL ? KW_GOOD : KW_BAD_CERTIFICATE_INVALID;
}

kw_status kw_certificate_parse(kw_bytes der_chain, kw_certificate **out)
{
    if (der_chain.len == 0 || der_chain.len > CERTIFICATE_MAX) {
        return KW_BAD_CERTIFICATE_INVALID;
    }
    kw_certificate *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    atomic_init(&c->references, 1);
    c->blob = malloc(der_chain.len);
    c->blob_len = der_chain.len;
    kw_status status = c->blob != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    if (!kw_status_is_bad(status)) {
        memcpy(c->blob, der_chain.data, der_chain.len);
        status = split_chain(c);
    }
    if (!kw_status_is_bad(status)) {
        status = take_facts(c);
    }
    ERR_clear_error();
    if (kw_status_is_bad(status)) {
        kw_certificate_release(c);
        return status;
    }
    *out = c;
    return KW_GOOD;
}

kw_status kw_certificate_of_x509(X509 *x509, kw_certificate **out)
{
    uint8_t *der = NULL;
    const int len = i2d_X509(x509, &der);
    X509_free(x509);
    if (len <= 0) {
        return KW_BAD_CERTIFICATE_INVALID;
    }
    const kw_status status = kw_certificate_parse((kw_bytes){der, (size_t)len}, out);
    OPENSSL_free(der);
    return status;
}

/* Every certificate of a PEM file as one DER blob, leaf first. */
static kw_status parse_pem(BIO *bio, kw_certificate **out)
{
    kw_writer w;
    X509 *x509;
    kw_writer_init(&w, CERTIFICATE_MAX);
    while ((x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        const int len = i2d_X509(x509, NULL);
        uint8_t *p = len > 0 ? kw_writer_extend(&w, (size_t)len) : NULL;
        if (p != NULL) {
            i2d_X509(x509, &p);
        }
        X509_free(x509);
    }
    ERR_clear_error();
    const kw_status status = kw_status_is_bad(w.status) ? w.status : kw_certificate_parse(kw_writer_bytes(&w), out);
    kw_writer_clear(&w);
    return status;
}

static kw_status parse_file(const uint8_t *data, size_t len, kw_certificate **out)
{
    if (len > 0 && data[0] == 0x30) { /* a SEQUENCE: DER */
        return kw_certificate_parse((kw_bytes){data, len}, out);
    }
    BIO *bio = BIO_new_mem_buf(data, (int)len);
    const kw_status status = bio != NULL ? parse_pem(bio, out) : KW_BAD_OUT_OF_MEMORY;
    BIO_free(bio);
    return status;
}

kw_status kw_certificate_load_file(const char *path, kw_certificate **out)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return KW_BAD_NOT_FOUND;
    }
    uint8_t *data = malloc(CERTIFICATE_MAX + 1);
    const size_t len = data != NULL ? fread(data, 1, CERTIFICATE_MAX + 1, file) : 0;
    fclose(file);
    const kw_status status = data == NULL            ? KW_BAD_OUT_OF_MEMORY
                             : len > CERTIFICATE_MAX ? KW_BAD_CERTIFICATE_INVALID
                                                     : parse_file(data, len, out);
    free(data);
    return status;
}

/* --- life ---------------------------------------------------------------------------------------------------------------------- */

kw_certificate *kw_certificate_retain(kw_certificate *c)
{
    if (c != NULL) {
        atomic_fetch_add(&c->references, 1);
    }
    return c;
}

void kw_certificate_release(kw_certificate *c)
{
    if (c == NULL || atomic_fetch_sub(&c->references, 1) > 1) {
        return;
    }
    X509_free(c->x509);
    for (size_t i = 0; i < c->issuer_count; i++) {
        X509_free(c->issuers[i]);
    }
    for (size_t i = 0; i < c->host_count; i++) {
        free(c->hosts[i]);
    }
    kw_public_key_release(c->public_key);
    free(c->hosts);
    free(c->blob);
    free(c->application_uri);
    free(c->subject);
    free(c->issuer_name);
    free(c);
}

/* --- facts ---------------------------------------------------------------------------------------------------------------------- */

kw_bytes kw_certificate_der(const kw_certificate *c)
{
    return (kw_bytes){c->blob, c->leaf_len};
}

kw_bytes kw_certificate_chain(const kw_certificate *c)
{
    return (kw_bytes){c->blob, c->blob_len};
}

kw_bytes kw_certificate_thumbprint(const kw_certificate *c)
{
    return (kw_bytes){c->thumbprint, sizeof(c->thumbprint)};
}

const char *kw_certificate_thumbprint_hex(const kw_certificate *c)
{
    return c->thumbprint_hex;
}

kw_public_key *kw_certificate_public_key(const kw_certificate *c)
{
    return c->public_key;
}

kw_string kw_certificate_application_uri(const kw_certificate *c)
{
    return c->application_uri != NULL ? (kw_string){(const uint8_t *)c->application_uri, c->application_uri_len} : KW_BYTES_NULL;
}

kw_string kw_certificate_subject(const kw_certificate *c)
{
    return kw_string_from(c->subject);
}

kw_string kw_certificate_issuer_name(const kw_certificate *c)
{
    return kw_string_from(c->issuer_name);
}

bool kw_certificate_is_ca(const kw_certificate *c)
{
    return c->is_ca;
}

int64_t kw_certificate_not_before(const kw_certificate *c)
{
    return c->not_before;
}

int64_t kw_certificate_not_after(const kw_certificate *c)
{
    return c->not_after;
}

const char *kw_certificate_host_at(const kw_certificate *c, size_t index)
{
    return index < c->host_count ? c->hosts[index] : NULL;
}

/* An address has several spellings. */
static bool is_same_address(const char *a, const char *b)
{
    ASN1_OCTET_STRING *x = a2i_IPADDRESS(a), *y = a2i_IPADDRESS(b);
    const bool same = x != NULL && y != NULL && ASN1_OCTET_STRING_cmp(x, y) == 0;
    ASN1_OCTET_STRING_free(x);
    ASN1_OCTET_STRING_free(y);
    return same;
}

bool kw_certificate_matches_host(const kw_certificate *c, kw_string host)
{
    char text[256];
    if (host.len == 0 || host.len >= sizeof(text) || memchr(host.data, '\0', host.len) != NULL) {
        return false;
    }
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    for (size_t i = 0; i < c->host_count; i++) {
        if (strcasecmp(c->hosts[i], text) == 0 || is_same_address(c->hosts[i], text)) {
            ERR_clear_error();
            return true;
        }
    }
    ERR_clear_error();
    return false;
}

bool kw_certificate_belongs_to(const kw_certificate *c, const kw_private_key *key)
{
    return EVP_PKEY_eq(c->public_key->pkey, key->pkey) == 1;
}

bool kw_certificate_is_issued_by(const kw_certificate *c, const kw_certificate *issuer)
{
    if (X509_NAME_cmp(X509_get_issuer_name(c->x509), X509_get_subject_name(issuer->x509)) != 0) {
        return false;
    }
    const bool verified = X509_verify(c->x509, issuer->public_key->pkey) == 1;
    ERR_clear_error();
    return verified;
}
