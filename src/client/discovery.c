/* GetEndpoints, FindServers, and the choice of an endpoint. */
#include "base/try.h"
#include "client/client_internal.h"

#include <string.h>

static kw_status open_for_discovery(kw_client *client, const char *url, kw_link **out)
{
    kw_link_target target = {.endpoint_url = kw_string_from(url), .policy = &KW_POLICY_NONE, .mode = KW_MESSAGE_SECURITY_MODE_NONE};
    client->error[0] = '\0';
    if (kw_status_is_bad(kw_url_parse(url, &target.to))) {
        return kw_client_fail(client, KW_BAD_TCP_ENDPOINT_URL_INVALID, "%s is not a URL of the form opc.tcp://host:port", url);
    }
    return kw_link_open(client, &target, out);
}

kw_status kw_client_get_endpoints(kw_client *client, const char *url, kw_arena *arena, kw_endpoint_description **out, size_t *count)
{
    kw_link *link = NULL;
    KW_TRY(open_for_discovery(client, url, &link));
    kw_get_endpoints_request request = {.endpoint_url = kw_string_from(url)};
    kw_get_endpoints_response *response = NULL;
    const kw_status status = kw_client_exchange(client, link, NULL, KW_TYPE_GET_ENDPOINTS_REQUEST, &request, KW_TYPE_GET_ENDPOINTS_RESPONSE,
                                                arena, (void **)&response);
    kw_link_close(client, link);
    KW_TRY(status);
    *out = response->endpoints;
    *count = response->endpoints_count;
    return KW_GOOD;
}

kw_status kw_client_find_servers(kw_client *client, const char *url, kw_arena *arena, kw_application_description **out, size_t *count)
{
    kw_link *link = NULL;
    KW_TRY(open_for_discovery(client, url, &link));
    kw_find_servers_request request = {.endpoint_url = kw_string_from(url)};
    kw_find_servers_response *response = NULL;
    const kw_status status = kw_client_exchange(client, link, NULL, KW_TYPE_FIND_SERVERS_REQUEST, &request, KW_TYPE_FIND_SERVERS_RESPONSE,
                                                arena, (void **)&response);
    kw_link_close(client, link);
    KW_TRY(status);
    *out = response->servers;
    *count = response->servers_count;
    return KW_GOOD;
}

/* 0: cannot be used. Encryption counts before the strength of the policy. */
static unsigned score(const kw_client *client, const kw_endpoint_description *e)
{
    const kw_security_policy *policy = kw_security_policy_by_uri(e->security_policy_uri);
    const kw_security_policy *wanted = client->policy_name != NULL ? kw_security_policy_by_name(kw_string_from(client->policy_name)) : NULL;
    if (policy == NULL || !kw_string_equals(e->transport_profile_uri, KW_TRANSPORT_UATCP)) {
        return 0;
    }
    if ((wanted != NULL && policy != wanted) || (client->mode != KW_MESSAGE_SECURITY_MODE_INVALID && e->security_mode != client->mode)) {
        return 0;
    }
    if (policy->is_none) { /* by itself only when there is no certificate to do better with */
        return e->security_mode == KW_MESSAGE_SECURITY_MODE_NONE && (wanted != NULL || client->identity.key == NULL) ? 1 : 0;
    }
    if (client->identity.key == NULL || e->server_certificate.len == 0 || (policy->is_deprecated && wanted == NULL) ||
        !kw_security_policy_takes_key(policy, kw_private_key_type(client->identity.key), kw_private_key_bits(client->identity.key))) {
        return 0;
    }
    switch (e->security_mode) {
    case KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT:
        return 2000u + policy->rank;
    case KW_MESSAGE_SECURITY_MODE_SIGN:
        return 1000u + policy->rank;
    default:
        return 0;
    }
}

kw_status kw_client_choose_endpoint(kw_client *client, const kw_endpoint_description *endpoints, size_t count,
                                    const kw_endpoint_description **out)
{
    unsigned best = 0;
    for (size_t i = 0; i < count; i++) {
        const unsigned s = score(client, &endpoints[i]);
        if (s > best) {
            best = s;
            *out = &endpoints[i];
        }
    }
    if (best > 0) {
        return KW_GOOD;
    }
    return kw_client_fail(client, KW_BAD_SECURITY_POLICY_REJECTED, "%s",
                          client->identity.key == NULL ? "this server wants a Client certificate: give --cert and --key"
                          : client->policy_name != NULL || client->mode != KW_MESSAGE_SECURITY_MODE_INVALID
                              ? "no endpoint of this server fits --policy and --mode; `keyway endpoints` shows what it offers"
                              : "this server offers no security; --policy None goes on without any");
}
