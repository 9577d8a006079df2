/* Is this the Server that we were told to talk to? OPC 10000-4, 6.1.3. */
#include "client/client_internal.h"

#include <string.h>
#include <unistd.h>

/* A connection to a loopback address ends on this machine: its certificate may carry the machine's own name instead. */
static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static bool host_fits(const kw_certificate *certificate, const char *host)
{
    char own[256] = "";
    if (kw_certificate_matches_host(certificate, kw_string_from(host))) {
        return true;
    }
    return is_loopback(host) && gethostname(own, sizeof(own) - 1) == 0 && kw_certificate_matches_host(certificate, kw_string_from(own));
}

static const char *remedy(kw_status status)
{
    switch (status) {
    case KW_BAD_CERTIFICATE_UNTRUSTED:
        return "its certificate is not trusted; compare the thumbprint with the server's administrator, then put the certificate into the "
               "trust folder";
    case KW_BAD_CERTIFICATE_CHAIN_INCOMPLETE:
        return "the CA of its certificate is not known; put the CA's certificate into the trust folder";
    case KW_BAD_CERTIFICATE_TIME_INVALID:
    case KW_BAD_CERTIFICATE_ISSUER_TIME_INVALID:
        return "its certificate has expired or is not valid yet; check both clocks, or have it renewed";
    case KW_BAD_CERTIFICATE_URI_INVALID:
        return "its certificate belongs to another ApplicationUri";
    case KW_BAD_CERTIFICATE_REVOKED:
    case KW_BAD_CERTIFICATE_ISSUER_REVOKED:
        return "its certificate was revoked";
    case KW_BAD_CERTIFICATE_REVOCATION_UNKNOWN:
    case KW_BAD_CERTIFICATE_ISSUER_REVOCATION_UNKNOWN:
        return "there is no current revocation list of its CA; put the CRL into the trust folder";
    default:
        return "its certificate is not acceptable";
    }
}

kw_status kw_client_check_certificate(kw_client *client, const kw_certificate *certificate, const kw_security_policy *policy,
                                      kw_string application_uri)
{
    kw_url url;
    if (client->trust == NULL) {
        return kw_client_fail(client, KW_BAD_CERTIFICATE_UNTRUSTED, "no certificate is trusted yet: say with --trust DIR whom to trust");
    }
    const kw_certificate_checks checks = {
        .role = KW_CERT_SERVER, .policy = policy, .application_uri = application_uri, .require_crl = true, .keep_rejected = true};
    const kw_status status = kw_trust_list_check(client->trust, certificate, &checks);
    if (kw_status_is_bad(status)) {
        return kw_client_fail(client, status, "%s (%.*s, thumbprint %s)", remedy(status),
                              KW_STRING_ARGS(kw_certificate_subject(certificate)), kw_certificate_thumbprint_hex(certificate));
    }
    if (!client->trust_any && (kw_status_is_bad(kw_url_parse(client->url, &url)) || !host_fits(certificate, url.host))) {
        return kw_client_fail(client, KW_BAD_CERTIFICATE_HOST_NAME_INVALID,
                              "its certificate is not for this host; connect by a name that stands in it");
    }
    return KW_GOOD;
}
