/* What the server says about itself: EndpointDescriptions and its ApplicationDescription. OPC 10000-4, 7.14 and 7.2. */
#include "base/try.h"
#include "server/server_internal.h"

#include <string.h>
#include <strings.h>

#define TRANSPORT_UATCP "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"

bool kw_server_can_offer(const kw_application_identity *own, const kw_security_policy *policy)
{
    if (policy->is_none) {
        return true;
    }
    return own != NULL && own->key != NULL &&
           kw_security_policy_takes_key(policy, kw_private_key_type(own->key), kw_private_key_bits(own->key));
}

bool kw_server_offers(const kw_server *server, const kw_security_policy *policy, kw_message_security_mode mode)
{
    for (size_t i = 0; i < server->config.endpoint_count; i++) {
        if (server->config.endpoints[i].policy == policy && server->config.endpoints[i].mode == mode) {
            return true;
        }
    }
    return false;
}

kw_string kw_server_host_of(kw_string url)
{
    static const char SCHEME[] = "opc.tcp://";
    const size_t skip = sizeof(SCHEME) - 1;
    if (url.len <= skip || memcmp(url.data, SCHEME, skip) != 0) {
        return KW_BYTES_NULL;
    }
    kw_string host = {url.data + skip, url.len - skip};
    const bool is_ipv6 = host.data[0] == '[';
    host.data += is_ipv6;
    host.len -= is_ipv6;
    for (size_t i = 0; i < host.len; i++) {
        const uint8_t c = host.data[i];
        if (is_ipv6 ? c == ']' : c == ':' || c == '/') {
            host.len = i;
            break;
        }
    }
    return host.len > 0 ? host : KW_BYTES_NULL;
}

static bool is_same_name(kw_string a, kw_string b)
{
    return a.len == b.len && strncasecmp((const char *)a.data, (const char *)b.data, a.len) == 0;
}

/* The name that the Client used, if it is one of ours; else the first of ours. */
static kw_string choose_host(const kw_server *server, kw_string endpoint_url)
{
    const kw_string asked = kw_server_host_of(endpoint_url);
    for (size_t i = 0; asked.data != NULL && i < server->config.host_count; i++) {
        if (is_same_name(server->config.hosts[i], asked)) {
            return server->config.hosts[i];
        }
    }
    return server->config.host_count > 0 ? server->config.hosts[0] : KW_STRING("localhost");
}

static kw_string url_for(const kw_server *server, kw_string host, kw_arena *arena)
{
    const bool is_ipv6 = host.len > 0 && memchr(host.data, ':', host.len) != NULL;
    return kw_arena_format(arena, "opc.tcp://%s%.*s%s:%u", is_ipv6 ? "[" : "", KW_STRING_ARGS(host), is_ipv6 ? "]" : "",
                           server->config.port);
}

kw_status kw_server_describe(kw_server *server, kw_string host, kw_arena *arena, kw_application_description *out)
{
    kw_string *urls = KW_ARENA_ARRAY(arena, kw_string, 1);
    if (urls == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    urls[0] = url_for(server, host, arena);
    *out = (kw_application_description){.application_uri = server->config.application_uri,
                                        .product_uri = server->config.product_uri,
                                        .application_name = {KW_STRING("en"), server->config.application_name},
                                        .application_type = KW_APPLICATION_TYPE_SERVER,
                                        .discovery_urls = urls,
                                        .discovery_urls_count = 1};
    return urls[0].data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* Relative strength, for Clients that choose by number: encryption before signing before nothing. Ranks are below 100. */
static uint8_t level_of(const kw_server_endpoint *e)
{
    if (e->mode == KW_MESSAGE_SECURITY_MODE_NONE) {
        return 0;
    }
    const unsigned base = e->mode == KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT ? 150u : 50u;
    return (uint8_t)(base + e->policy->rank);
}

static kw_status fill_endpoint(kw_server *server, const kw_server_endpoint *e, kw_string host, kw_arena *arena,
                               kw_endpoint_description *out)
{
    KW_TRY(kw_server_describe(server, host, arena, &out->server));
    out->endpoint_url = out->server.discovery_urls[0];
    out->server_certificate = kw_certificate_chain(server->env.identity->certificate);
    out->security_mode = e->mode;
    out->security_policy_uri = kw_string_from(e->policy->uri);
    out->transport_profile_uri = KW_STRING(TRANSPORT_UATCP);
    out->security_level = level_of(e);
    return kw_identity_gate_policies(server->gate, e->policy, e->mode, arena, &out->user_identity_tokens, &out->user_identity_tokens_count);
}

kw_status kw_server_endpoints(void *ctx, kw_string endpoint_url, kw_arena *arena, kw_endpoint_description **out, size_t *count)
{
    kw_server *server = ctx;
    const kw_string host = choose_host(server, endpoint_url);
    kw_endpoint_description *list = KW_ARENA_ARRAY(arena, kw_endpoint_description, server->config.endpoint_count);
    if (list == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < server->config.endpoint_count; i++) {
        KW_TRY(fill_endpoint(server, &server->config.endpoints[i], host, arena, &list[i]));
    }
    *out = list;
    *count = server->config.endpoint_count;
    return KW_GOOD;
}
