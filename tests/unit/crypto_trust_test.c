/* The trust list: every check of OPC 10000-4, 6.1.3, against a throw-away hierarchy: root, intermediate, leaf, their CRLs. */
#include "crypto/certificate_internal.h"
#include "crypto/crypto_internal.h"
#include "crypto/trust.h"
#include "support/test.h"

#include <dirent.h>
#include <ftw.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DAY (INT64_C(86400) * KW_TICKS_PER_S)
#define LEAF_URI "urn:test:leaf"

typedef struct pair {
    kw_private_key *key;
    kw_certificate *certificate;
} pair;

static pair root, intermediate, leaf, alone;
static char folder[64];
static kw_trust_list *trust;
static int64_t now;

/* --- making things ----------------------------------------------------------------------------------------------------------- */

static pair make(const char *name, bool is_ca, const pair *issuer, int64_t from, int64_t to, const char *uri)
{
    static const char *const HOSTS[] = {"plant.example", "127.0.0.1"};
    pair p;
    assert_int_equal(kw_private_key_generate(KW_KEY_RSA, 2048, &p.key), KW_GOOD);
    const kw_certificate_request request = {.application_uri = uri,
                                            .common_name = name,
                                            .hosts = HOSTS,
                                            .host_count = is_ca ? 0 : 2,
                                            .not_before = from,
                                            .not_after = to,
                                            .is_ca = is_ca,
                                            .issuer_key = issuer != NULL ? issuer->key : NULL,
                                            .issuer = issuer != NULL ? issuer->certificate : NULL};
    assert_int_equal(kw_certificate_create(&request, p.key, &KW_RANDOM_SYSTEM, &p.certificate), KW_GOOD);
    return p;
}

static void drop(pair *p)
{
    kw_private_key_release(p->key);
    kw_certificate_release(p->certificate);
}

/* A CRL of this CA, signed by `signer`, that names `revoked` (or nobody), good for `days`. */
static kw_bytes make_crl(const pair *ca, const pair *signer, const kw_certificate *revoked, long days)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *last = X509_gmtime_adj(NULL, -2 * 86400), *next = X509_gmtime_adj(NULL, days * 86400);
    uint8_t *der = NULL;
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->certificate->x509));
    X509_CRL_set1_lastUpdate(crl, last);
    X509_CRL_set1_nextUpdate(crl, next);
    if (revoked != NULL) {
        X509_REVOKED *entry = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->x509));
        X509_REVOKED_set_revocationDate(entry, last);
        X509_CRL_add0_revoked(crl, entry);
    }
    X509_CRL_sign(crl, signer->key->pkey, EVP_sha256());
    const int len = i2d_X509_CRL(crl, &der);
    X509_CRL_free(crl);
    ASN1_TIME_free(last);
    ASN1_TIME_free(next);
    return (kw_bytes){der, (size_t)len};
}

static kw_status add_crl(const pair *ca, const pair *signer, const kw_certificate *revoked, long days)
{
    const kw_bytes crl = make_crl(ca, signer, revoked, days);
    const kw_status status = kw_trust_list_add_crl(trust, crl);
    OPENSSL_free((void *)crl.data);
    return status;
}

static kw_status check_as(const kw_certificate *c, kw_certificate_role role, const char *uri, const char *host, const char *policy)
{
    const kw_certificate_checks checks = {.role = role,
                                          .policy = policy != NULL ? kw_security_policy_by_name(kw_string_from(policy)) : NULL,
                                          .application_uri = kw_string_from(uri),
                                          .host = kw_string_from(host),
                                          .require_crl = true,
                                          .keep_rejected = true};
    return kw_trust_list_check(trust, c, &checks);
}

static kw_status check(const kw_certificate *c)
{
    return check_as(c, KW_CERT_CLIENT, NULL, NULL, "Basic256Sha256");
}

static unsigned files_in(const char *name)
{
    char path[128];
    unsigned count = 0;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    DIR *dir = opendir(path);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    return count;
}

/* --- a fresh list for each test ------------------------------------------------------------------------------------------------- */

static int make_hierarchy(void **state)
{
    (void)state;
    now = kw_clock_utc(&KW_CLOCK_SYSTEM);
    root = make("root", true, NULL, now - 10 * DAY, now + 100 * DAY, NULL);
    intermediate = make("intermediate", true, &root, now - 10 * DAY, now + 100 * DAY, NULL);
    leaf = make("leaf", false, &intermediate, now - 10 * DAY, now + 100 * DAY, LEAF_URI);
    alone = make("alone", false, NULL, now - 10 * DAY, now + 100 * DAY, "urn:test:alone");
    return 0;
}

static int drop_hierarchy(void **state)
{
    (void)state;
    drop(&root);
    drop(&intermediate);
    drop(&leaf);
    drop(&alone);
    return 0;
}

static int open_list(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/keyway-trust-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(kw_trust_list_open(folder, true, &KW_CLOCK_SYSTEM, &KW_LOG_QUIET, &trust), KW_GOOD);
    return 0;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static int close_list(void **state)
{
    (void)state;
    kw_trust_list_close(trust);
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* The root trusted, the intermediate known, both CRLs there: everything in order. */
static void trust_hierarchy(void)
{
    assert_int_equal(kw_trust_list_add(trust, root.certificate, KW_TRUST_TRUSTED), KW_GOOD);
    assert_int_equal(kw_trust_list_add(trust, intermediate.certificate, KW_TRUST_ISSUER), KW_GOOD);
    assert_int_equal(add_crl(&root, &root, NULL, 10), KW_GOOD);
    assert_int_equal(add_crl(&intermediate, &intermediate, NULL, 10), KW_GOOD);
}

/* --- trust ------------------------------------------------------------------------------------------------------------------------- */

static void a_69_an_empty_list_trusts_nobody(void **state)
{
    (void)state;
    assert_int_equal(check(alone.certificate), KW_BAD_CERTIFICATE_UNTRUSTED);
    assert_int_equal(check(leaf.certificate), KW_BAD_CERTIFICATE_CHAIN_INCOMPLETE);
    assert_int_equal(files_in("rejected"), 2);
    assert_int_equal(check(alone.certificate), KW_BAD_CERTIFICATE_UNTRUSTED); /* coming again helps nobody */
    assert_int_equal(files_in("rejected"), 2);
}

static void a_self_signed_certificate_is_trusted_by_itself(void **state)
{
    (void)state;
    assert_int_equal(check(alone.certificate), KW_BAD_CERTIFICATE_UNTRUSTED);
    assert_int_equal(kw_trust_list_add(trust, alone.certificate, KW_TRUST_TRUSTED), KW_GOOD);
    assert_int_equal(files_in("rejected"), 0);
    assert_int_equal(check(alone.certificate), KW_GOOD);
    assert_int_equal(kw_trust_list_remove(trust, kw_certificate_thumbprint(alone.certificate), true), KW_GOOD);
    assert_int_equal(check(alone.certificate), KW_BAD_CERTIFICATE_UNTRUSTED);
    assert_int_equal(files_in("rejected"), 1);
}

static void a_chain_to_a_trusted_root_is_good(void **state)
{
    (void)state;
    trust_hierarchy();
    assert_int_equal(check(leaf.certificate), KW_GOOD);
}

static void a_71_an_issuer_is_no_anchor(void **state)
{
    (void)state;
    assert_int_equal(kw_trust_list_add(trust, root.certificate, KW_TRUST_ISSUER), KW_GOOD);
    assert_int_equal(kw_trust_list_add(trust, intermediate.certificate, KW_TRUST_ISSUER), KW_GOOD);
    assert_int_equal(check(leaf.certificate), KW_BAD_CERTIFICATE_UNTRUSTED);
}

static void issuers_that_come_along_complete_a_chain_but_anchor_nothing(void **state)
{
    (void)state;
    uint8_t blob[8192];
    size_t len = 0;
    const pair *parts[] = {&leaf, &intermediate, &root};
    kw_certificate *sent = NULL;
    for (size_t i = 0; i < 3; i++) {
        const kw_bytes der = kw_certificate_der(parts[i]->certificate);
        memcpy(blob + len, der.data, der.len);
        len += der.len;
    }
    assert_int_equal(kw_certificate_parse((kw_bytes){blob, len}, &sent), KW_GOOD);
    assert_int_equal(check(sent), KW_BAD_CERTIFICATE_UNTRUSTED);
    assert_int_equal(kw_trust_list_add(trust, root.certificate, KW_TRUST_TRUSTED), KW_GOOD);
    assert_int_equal(add_crl(&root, &root, NULL, 10), KW_GOOD);
    assert_int_equal(check(sent), KW_BAD_CERTIFICATE_REVOCATION_UNKNOWN); /* trusted now; the intermediate's CRL is missing */
    kw_certificate_release(sent);
}

/* a CA of the same name with another key. */
static void a_66_a_name_alone_makes_no_chain(void **state)
{
    (void)state;
    pair fake = make("root", true, NULL, now - DAY, now + DAY, NULL);
    pair forged = make("forged", false, &fake, now - DAY, now + DAY, LEAF_URI);
    trust_hierarchy();
    assert_int_equal(check(forged.certificate), KW_BAD_CERTIFICATE_CHAIN_INCOMPLETE);
    drop(&fake);
    drop(&forged);
}

/* --- names, times, usage, policy ------------------------------------------------------------------------------------------------------ */

static void names_must_be_those_of_the_certificate(void **state)
{
    (void)state;
    trust_hierarchy();
    assert_int_equal(check_as(leaf.certificate, KW_CERT_SERVER, LEAF_URI, "plant.example", NULL), KW_GOOD);
    assert_int_equal(check_as(leaf.certificate, KW_CERT_SERVER, LEAF_URI, "PLANT.example", NULL), KW_GOOD);
    assert_int_equal(check_as(leaf.certificate, KW_CERT_SERVER, LEAF_URI, "127.0.0.1", NULL), KW_GOOD);
    assert_int_equal(check_as(leaf.certificate, KW_CERT_SERVER, LEAF_URI, "other.example", NULL), KW_BAD_CERTIFICATE_HOST_NAME_INVALID);
    for (const char *const *uri = (const char *const[]){"urn:test:leaf:x", "urn:test:lea", "URN:TEST:LEAF", NULL}; *uri != NULL; uri++) {
        assert_int_equal(check_as(leaf.certificate, KW_CERT_CLIENT, *uri, NULL, NULL), KW_BAD_CERTIFICATE_URI_INVALID); /* */
    }
}

static void a_80_times_count_for_leaf_and_issuers(void **state)
{
    (void)state;
    pair expired = make("expired", false, NULL, now - 9 * DAY, now - DAY, LEAF_URI);
    pair future = make("future", false, NULL, now + DAY, now + 9 * DAY, LEAF_URI);
    pair old_ca = make("old ca", true, NULL, now - 9 * DAY, now - DAY, NULL);
    pair young = make("young", false, &old_ca, now - DAY, now + DAY, LEAF_URI);
    assert_int_equal(check(expired.certificate), KW_BAD_CERTIFICATE_UNTRUSTED); /* who is not trusted is not told about time */
    kw_trust_list_add(trust, expired.certificate, KW_TRUST_TRUSTED);
    kw_trust_list_add(trust, future.certificate, KW_TRUST_TRUSTED);
    kw_trust_list_add(trust, old_ca.certificate, KW_TRUST_TRUSTED);
    assert_int_equal(check(expired.certificate), KW_BAD_CERTIFICATE_TIME_INVALID);
    assert_int_equal(check(future.certificate), KW_BAD_CERTIFICATE_TIME_INVALID);
    assert_int_equal(check(young.certificate), KW_BAD_CERTIFICATE_ISSUER_TIME_INVALID);
    drop(&expired);
    drop(&future);
    drop(&old_ca);
    drop(&young);
}

static void a_73_a_ca_is_no_application_and_a_leaf_no_ca(void **state)
{
    (void)state;
    pair below = make("below", false, &alone, now - DAY, now + DAY, LEAF_URI);
    kw_trust_list_add(trust, root.certificate, KW_TRUST_TRUSTED);
    kw_trust_list_add(trust, alone.certificate, KW_TRUST_TRUSTED);
    assert_int_equal(check(root.certificate), KW_BAD_CERTIFICATE_USE_NOT_ALLOWED); /* cannot encrypt keys */
    assert_int_equal(check(below.certificate), KW_BAD_CERTIFICATE_ISSUER_USE_NOT_ALLOWED);
    drop(&below);
}

static void a_81_a_policy_asks_for_key_and_hash(void **state)
{
    (void)state;
    pair curve;
    assert_int_equal(kw_private_key_generate(KW_KEY_EC_P256, 0, &curve.key), KW_GOOD);
    const kw_certificate_request request = {.common_name = "curve", .not_before = now - DAY, .not_after = now + DAY};
    assert_int_equal(kw_certificate_create(&request, curve.key, &KW_RANDOM_SYSTEM, &curve.certificate), KW_GOOD);
    kw_trust_list_add(trust, curve.certificate, KW_TRUST_TRUSTED);
    assert_int_equal(check(curve.certificate), KW_BAD_CERTIFICATE_POLICY_CHECK_FAILED);
    assert_int_equal(check_as(curve.certificate, KW_CERT_USER, NULL, NULL, NULL), KW_GOOD);
    drop(&curve);
}

/* --- revocation --------------------------------------------------------------------------------------------------------------------------- */

static void a_77_without_a_current_crl_nobody_knows(void **state)
{
    (void)state;
    kw_trust_list_add(trust, root.certificate, KW_TRUST_TRUSTED);
    kw_trust_list_add(trust, intermediate.certificate, KW_TRUST_ISSUER);
    assert_int_equal(check(leaf.certificate), KW_BAD_CERTIFICATE_REVOCATION_UNKNOWN);
    assert_int_equal(add_crl(&intermediate, &intermediate, NULL, -1), KW_GOOD); /* its time is over */
    assert_int_equal(check(leaf.certificate), KW_BAD_CERTIFICATE_REVOCATION_UNKNOWN);
    assert_int_equal(add_crl(&intermediate, &intermediate, NULL, 10), KW_GOOD);
    assert_int_equal(check(leaf.certificate), KW_BAD_CERTIFICATE_ISSUER_REVOCATION_UNKNOWN);
    assert_int_equal(add_crl(&root, &root, NULL, 10), KW_GOOD);
    assert_int_equal(check(leaf.certificate), KW_GOOD);
    const kw_certificate_checks lenient = {.role = KW_CERT_CLIENT};
    assert_int_equal(kw_trust_list_check(trust, leaf.certificate, &lenient), KW_GOOD);
}

static void a_revoked_leaf_is_refused(void **state)
{
    (void)state;
    kw_trust_list_add(trust, root.certificate, KW_TRUST_TRUSTED);
    kw_trust_list_add(trust, intermediate.certificate, KW_TRUST_ISSUER);
    assert_int_equal(add_crl(&root, &root, NULL, 10), KW_GOOD);
    assert_int_equal(add_crl(&intermediate, &intermediate, leaf.certificate, 10), KW_GOOD);
    assert_int_equal(check(leaf.certificate), KW_BAD_CERTIFICATE_REVOKED);
}

static void a_revoked_intermediate_takes_its_leaves_along(void **state)
{
    (void)state;
    kw_trust_list_add(trust, root.certificate, KW_TRUST_TRUSTED);
    kw_trust_list_add(trust, intermediate.certificate, KW_TRUST_ISSUER);
    assert_int_equal(add_crl(&root, &root, intermediate.certificate, 10), KW_GOOD);
    assert_int_equal(add_crl(&intermediate, &intermediate, NULL, 10), KW_GOOD);
    assert_int_equal(check(leaf.certificate), KW_BAD_CERTIFICATE_ISSUER_REVOKED);
}

static void a_79_a_crl_that_its_ca_did_not_sign_is_none(void **state)
{
    (void)state;
    trust_hierarchy();
    assert_int_equal(add_crl(&intermediate, &alone, leaf.certificate, 10), KW_BAD_NOT_FOUND);
    assert_int_equal(add_crl(&alone, &alone, NULL, 10), KW_BAD_NOT_FOUND);
    assert_int_equal(kw_trust_list_add_crl(trust, KW_STRING("rubbish")), KW_BAD_DECODING_ERROR);
    assert_int_equal(check(leaf.certificate), KW_GOOD);
}

/* --- files ------------------------------------------------------------------------------------------------------------------------------------ */

static void a_86_names_of_files_do_not_come_from_certificates(void **state)
{
    (void)state;
    pair nasty = make("../../../../tmp/x/\\evil", false, NULL, now - DAY, now + DAY, LEAF_URI);
    char path[128];
    struct stat info;
    assert_int_equal(check(nasty.certificate), KW_BAD_CERTIFICATE_UNTRUSTED);
    assert_int_equal(files_in("rejected"), 1);
    snprintf(path, sizeof(path), "%s/rejected", folder);
    DIR *dir = opendir(path);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        assert_true(entry->d_name[0] == '.' || (strlen(entry->d_name) == 68 && strspn(entry->d_name, "0123456789abcdef") == 64));
    }
    closedir(dir);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    drop(&nasty);
}

static void a_plain_folder_is_a_trust_list_too(void **state)
{
    (void)state;
    char path[128], *pem = NULL;
    kw_trust_list *plain = NULL;
    const kw_certificate_checks checks = {.role = KW_CERT_SERVER};
    snprintf(path, sizeof(path), "%s/plain", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(kw_trust_list_open(path, false, &KW_CLOCK_SYSTEM, &KW_LOG_QUIET, &plain), KW_GOOD);
    assert_int_equal(kw_trust_list_check(plain, alone.certificate, &checks), KW_BAD_CERTIFICATE_UNTRUSTED);
    snprintf(path, sizeof(path), "%s/plain/alone.pem", folder);
    assert_int_equal(kw_certificate_to_pem(alone.certificate, &pem), KW_GOOD);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(pem, file);
    fclose(file);
    free(pem);
    assert_int_equal(kw_trust_list_check(plain, alone.certificate, &checks), KW_GOOD); /* taken up at once */
    kw_trust_list_close(plain);
}

static void junk_behind_a_certificate_is_refused(void **state)
{
    (void)state;
    const kw_bytes der = kw_certificate_der(alone.certificate);
    uint8_t *blob = malloc(der.len + 3);
    kw_certificate *c = NULL;
    memcpy(blob, der.data, der.len);
    memset(blob + der.len, 0x30, 3);
    for (size_t junk = 1; junk <= 3; junk++) { /* */
        assert_int_equal(kw_certificate_parse((kw_bytes){blob, der.len + junk}, &c), KW_BAD_CERTIFICATE_INVALID);
    }
    for (size_t len = 0; len < der.len; len += 7) {
        assert_int_equal(kw_certificate_parse((kw_bytes){blob, len}, &c), KW_BAD_CERTIFICATE_INVALID);
    }
    free(blob);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_list, close_list)
    const struct CMUnitTest tests[] = {
        TEST(a_69_an_empty_list_trusts_nobody),
        TEST(a_self_signed_certificate_is_trusted_by_itself),
        TEST(a_chain_to_a_trusted_root_is_good),
        TEST(a_71_an_issuer_is_no_anchor),
        TEST(issuers_that_come_along_complete_a_chain_but_anchor_nothing),
        TEST(a_66_a_name_alone_makes_no_chain),
        TEST(names_must_be_those_of_the_certificate),
        TEST(a_80_times_count_for_leaf_and_issuers),
        TEST(a_73_a_ca_is_no_application_and_a_leaf_no_ca),
        TEST(a_81_a_policy_asks_for_key_and_hash),
        TEST(a_77_without_a_current_crl_nobody_knows),
        TEST(a_revoked_leaf_is_refused),
        TEST(a_revoked_intermediate_takes_its_leaves_along),
        TEST(a_79_a_crl_that_its_ca_did_not_sign_is_none),
        TEST(a_86_names_of_files_do_not_come_from_certificates),
        TEST(a_plain_folder_is_a_trust_list_too),
        TEST(junk_behind_a_certificate_is_refused),
    };
    return cmocka_run_group_tests(tests, make_hierarchy, drop_hierarchy);
}
