/* Making Certificates. OPC 10000-6, 6.2.2. */
#include "base/try.h"
#include "crypto/certificate_internal.h"
#include "crypto/crypto_internal.h"

#include <openssl/err.h>

#define SERIAL_LEN 16

static kw_status set_serial(X509 *x509, const kw_random *random)
{
    uint8_t bytes[SERIAL_LEN];
    KW_TRY(kw_random_fill(random, bytes, sizeof(bytes)));
    bytes[0] = (uint8_t)((bytes[0] & 0x7F) | 0x40); /* positive, and of full length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    const bool set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
    BN_free(number);
    return set ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status set_time(ASN1_TIME *time, int64_t ticks)
{
    return ASN1_TIME_set(time, (time_t)kw_datetime_to_unix(ticks)) != NULL ? KW_GOOD : KW_BAD_OUT_OF_RANGE;
}

static bool add_name_part(X509_NAME *name, const char *field, const char *value)
{
    return value == NULL || X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1;
}

static kw_status set_names(X509 *x509, const kw_certificate_request *request)
{
    X509_NAME *name = X509_get_subject_name(x509);
    if (!add_name_part(name, "CN", request->common_name) || !add_name_part(name, "O", request->organization)) {
        return KW_BAD_INVALID_ARGUMENT;
    }
    const X509_NAME *issuer = request->issuer != NULL ? X509_get_subject_name(request->issuer->x509) : name;
    return X509_set_issuer_name(x509, (X509_NAME *)issuer) == 1 ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* --- extensions -------------------------------------------------------------------------------------------------------------- */

static kw_status add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    const bool added = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added ? KW_GOOD : KW_BAD_INTERNAL_ERROR;
}

static bool push_text(GENERAL_NAMES *names, int type, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    if (name == NULL || string == NULL || ASN1_STRING_set(string, text, -1) != 1) {
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(string);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, string);
    return sk_GENERAL_NAME_push(names, name) > 0;
}

static bool push_host(GENERAL_NAMES *names, const char *host)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    if (address == NULL) {
        return push_text(names, GEN_DNS, host);
    }
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (name == NULL) {
        ASN1_OCTET_STRING_free(address);
        return false;
    }
    GENERAL_NAME_set0_value(name, GEN_IPADD, address);
    return sk_GENERAL_NAME_push(names, name) > 0;
}

/* The ApplicationUri first, then names and addresses: built, not printed into a text that could be broken out of. */
static kw_status add_alternative_names(X509 *x509, const kw_certificate_request *request)
{
    if (request->application_uri == NULL && request->host_count == 0) {
        return KW_GOOD;
    }
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool good = names != NULL && (request->application_uri == NULL || push_text(names, GEN_URI, request->application_uri));
    for (size_t i = 0; good && i < request->host_count; i++) {
        good = push_host(names, request->hosts[i]);
    }
    good = good && X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0) == 1;
    GENERAL_NAMES_free(names);
    return good ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static const char *key_usage(const kw_certificate_request *request, const kw_private_key *key)
{
    if (request->is_ca) {
        return "critical,keyCertSign,cRLSign,digitalSignature";
    }
    if (key->type != KW_KEY_RSA) {
        return request->issuer_key == NULL ? "critical,digitalSignature,nonRepudiation,keyCertSign"
                                           : "critical,digitalSignature,nonRepudiation";
    }
    return request->issuer_key == NULL ? "critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment,keyCertSign"
                                       : "critical,digitalSignature,nonRepudiation,keyEncipherment,dataEncipherment";
}

static kw_status add_extensions(X509 *x509, const kw_certificate_request *request, const kw_private_key *key)
{
    X509 *issuer = request->issuer != NULL ? request->issuer->x509 : x509;
    KW_TRY(add_extension(x509, issuer, NID_basic_constraints, request->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE"));
    KW_TRY(add_extension(x509, issuer, NID_key_usage, key_usage(request, key)));
    if (!request->is_ca) {
        KW_TRY(add_extension(x509, issuer, NID_ext_key_usage, "serverAuth,clientAuth"));
    }
    KW_TRY(add_extension(x509, issuer, NID_subject_key_identifier, "hash"));
    KW_TRY(add_extension(x509, issuer, NID_authority_key_identifier, "keyid:always"));
    return add_alternative_names(x509, request);
}

/* As strong as the signer's key; EdDSA brings its own. */
static const EVP_MD *digest_for(kw_key_type signer)
{
    if (kw_key_is_eddsa(signer)) {
        return NULL;
    }
    return signer == KW_KEY_EC_P384 || signer == KW_KEY_EC_BP384 ? EVP_sha384() : EVP_sha256();
}

static kw_status fill(X509 *x509, const kw_certificate_request *request, const kw_private_key *key, const kw_random *random)
{
    const kw_private_key *signer = request->issuer_key != NULL ? request->issuer_key : key;
    if (X509_set_version(x509, X509_VERSION_3) != 1 || X509_set_pubkey(x509, key->pkey) != 1) {
        return KW_BAD_INTERNAL_ERROR;
    }
    KW_TRY(set_serial(x509, random));
    KW_TRY(set_time(X509_getm_notBefore(x509), request->not_before));
    KW_TRY(set_time(X509_getm_notAfter(x509), request->not_after));
    KW_TRY(set_names(x509, request));
    KW_TRY(add_extensions(x509, request, key));
    return X509_sign(x509, signer->pkey, digest_for(signer->type)) > 0 ? KW_GOOD : KW_BAD_INTERNAL_ERROR;
}

kw_status kw_certificate_create(const kw_certificate_request *request, const kw_private_key *key, const kw_random *random,
                                kw_certificate **out)
{
    X509 *x509 = X509_new();
    const kw_status status = x509 != NULL ? fill(x509, request, key, random) : KW_BAD_OUT_OF_MEMORY;
    ERR_clear_error();
    if (kw_status_is_bad(status)) {
        X509_free(x509);
        return status;
    }
    return kw_certificate_of_x509(x509, out);
}
