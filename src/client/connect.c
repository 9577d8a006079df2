/* From a URL to a Session that waits for its user. OPC 10000-4, 5.7.2. */
#include "base/try.h"
#include "client/client_internal.h"
#include "identity/channel_bound.h"

#include <stdlib.h>
#include <string.h>

#define URL_MAX 4096

/* --- endpoints of CreateSession against those of GetEndpoints ------------------------------------------------------------ */

static bool same_policies(const kw_endpoint_description *a, const kw_endpoint_description *b)
{
    if (a->user_identity_tokens_count != b->user_identity_tokens_count) {
        return false;
    }
    for (size_t i = 0; i < a->user_identity_tokens_count; i++) {
        bool found = false;
        for (size_t j = 0; j < b->user_identity_tokens_count && !found; j++) {
            found = kw_ua_equal(KW_TYPE_USER_TOKEN_POLICY, &a->user_identity_tokens[i], &b->user_identity_tokens[j]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool same_endpoint(const kw_endpoint_description *a, const kw_endpoint_description *b)
{
    return kw_bytes_equal(a->endpoint_url, b->endpoint_url) && a->security_mode == b->security_mode &&
           kw_bytes_equal(a->security_policy_uri, b->security_policy_uri) &&
           kw_bytes_equal(a->transport_profile_uri, b->transport_profile_uri) && a->security_level == b->security_level &&
           same_policies(a, b);
}

static size_t count_uatcp(const kw_endpoint_description *list, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        n += kw_string_equals(list[i].transport_profile_uri, KW_TRANSPORT_UATCP);
    }
    return n;
}

/* As sets: order does not count. A list that was tampered with on the way to us shows here (attack A-182). */
static bool same_endpoints(const kw_endpoint_description *a, size_t a_count, const kw_endpoint_description *b, size_t b_count)
{
    if (count_uatcp(a, a_count) != count_uatcp(b, b_count)) {
        return false;
    }
    for (size_t i = 0; i < a_count; i++) {
        bool found = !kw_string_equals(a[i].transport_profile_uri, KW_TRANSPORT_UATCP);
        for (size_t j = 0; j < b_count && !found; j++) {
            found = same_endpoint(&a[i], &b[j]);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

/* --- CreateSession --------------------------------------------------------------------------------------------------------- */

static bool is_all_zero(kw_bytes b)
{
    uint8_t any = 0;
    for (size_t i = 0; i < b.len; i++) {
        any |= b.data[i];
    }
    return any == 0;
}

/* AS-61: at least 32 bytes; and never the same twice (attack A-185). */
kw_status kw_client_take_nonce(kw_client *client, kw_bytes nonce)
{
    if (nonce.len < KW_CLIENT_NONCE || nonce.len > sizeof(client->server_nonce) || is_all_zero(nonce) ||
        kw_secret_equal(nonce, (kw_bytes){client->server_nonce, client->server_nonce_len})) {
        return kw_client_fail(client, KW_BAD_NONCE_INVALID, "the server's nonce is too short, or was used before");
    }
    memcpy(client->server_nonce, nonce.data, nonce.len);
    client->server_nonce_len = nonce.len;
    return KW_GOOD;
}

kw_channel_binding kw_client_binding(const kw_client *client, const kw_security_policy *policy, kw_bytes server_nonce)
{
    return (kw_channel_binding){.thumbprint = kw_channel_thumbprint(client->link->channel),
                                .hash = policy->is_enhanced ? policy->thumbprint_hash : KW_HASH_NONE,
                                .server = client->server_certificate,
                                .client = client->identity.certificate,
                                .server_nonce = server_nonce,
                                .client_nonce = {client->client_nonce, sizeof(client->client_nonce)}};
}

/* CB-01, or over our certificate and nonce alone. */
static kw_status verify_server(const kw_client *client, const kw_security_policy *policy, kw_bytes nonce,
                               const kw_create_session_response *response)
{
    const kw_public_key *key = kw_certificate_public_key(client->server_certificate);
    const kw_signature_data *signature = &response->server_signature;
    if (policy->is_enhanced) {
        const kw_channel_binding binding = kw_client_binding(client, policy, response->server_nonce);
        return kw_channel_bound_verify(&binding, KW_BOUND_SERVER, policy, key, signature->signature);
    }
    const kw_bytes parts[] = {kw_certificate_der(client->identity.certificate), nonce};
    const char *algorithm = policy->asym_signature_uri; /* CB-07: where none is named, what stands there is ignored */
    if (algorithm != NULL && !kw_string_equals(signature->algorithm, algorithm)) {
        return KW_BAD_APPLICATION_SIGNATURE_INVALID;
    }
    return kw_asym_verify(policy, key, parts, 2, signature->signature);
}

static kw_status check_signature(kw_client *client, const kw_security_policy *policy, kw_bytes nonce,
                                 const kw_create_session_response *response)
{
    if (policy->is_none) {
        return KW_GOOD;
    }
    const kw_status status = verify_server(client, policy, nonce, response);
    return kw_status_is_bad(status)
               ? kw_client_fail(client, KW_BAD_APPLICATION_SIGNATURE_INVALID, "the server cannot prove that it owns its certificate")
               : KW_GOOD;
}

static kw_status check_response(kw_client *client, const kw_security_policy *policy, kw_bytes nonce,
                                const kw_create_session_response *response, const kw_endpoint_description *discovered,
                                size_t discovered_count)
{
    if (!policy->is_none) {
        kw_certificate *presented = NULL;
        const kw_status status = kw_certificate_parse(response->server_certificate, &presented);
        const bool same =
            !kw_status_is_bad(status) && kw_bytes_equal(kw_certificate_der(presented), kw_certificate_der(client->server_certificate));
        kw_certificate_release(presented);
        if (!same) {
            return kw_client_fail(client, KW_BAD_CERTIFICATE_INVALID,
                                  "the server shows another certificate in its Session than on its channel");
        }
    }
    KW_TRY(check_signature(client, policy, nonce, response));
    KW_TRY(kw_client_take_key(client, &response->response_header));
    if (!same_endpoints(discovered, discovered_count, response->server_endpoints, response->server_endpoints_count)) {
        return kw_client_fail(client, KW_BAD_SECURITY_CHECKS_FAILED,
                              "the endpoints that discovery showed are not those of the server: somebody may have changed them on the way");
    }
    return kw_client_take_nonce(client, response->server_nonce);
}

kw_status kw_client_create_session(kw_client *client, const kw_endpoint_description *discovered, size_t discovered_count)
{
    const kw_security_policy *policy = kw_security_policy_by_uri(client->endpoint->security_policy_uri);
    KW_TRY(kw_random_fill(client->env.random, client->client_nonce, sizeof(client->client_nonce)));
    const kw_bytes client_nonce = {client->client_nonce, sizeof(client->client_nonce)};
    kw_create_session_request request = {
        .client_description = {.application_uri =
                                   kw_string_from(client->application_uri != NULL ? client->application_uri : "urn:keyway:client"),
                               .application_name = {.text = kw_string_from(client->application_name)},
                               .application_type = KW_APPLICATION_TYPE_CLIENT},
        .endpoint_url = client->endpoint->endpoint_url,
        .session_name = kw_string_from(client->application_name),
        .client_nonce = client_nonce,
        .client_certificate =
            client->identity.certificate != NULL && !policy->is_none ? kw_certificate_chain(client->identity.certificate) : KW_BYTES_NULL,
        .requested_session_timeout = client->session_timeout_ms};
    kw_create_session_response *response = NULL;
    KW_TRY(kw_client_ask_for_key(client, client->arena, &request.request_header));
    KW_TRY(kw_client_exchange(client, client->link, NULL, KW_TYPE_CREATE_SESSION_REQUEST, &request, KW_TYPE_CREATE_SESSION_RESPONSE,
                              client->arena, (void **)&response));
    client->authentication_token = response->authentication_token;
    client->has_session = true;
    client->session_number++;
    client->last_used = kw_clock_ms(client->env.clock);
    client->revised_session_timeout = response->revised_session_timeout >= 1 && response->revised_session_timeout < (double)UINT32_MAX
                                          ? (uint64_t)response->revised_session_timeout
                                          : UINT32_MAX;
    return check_response(client, policy, client_nonce, response, discovered, discovered_count);
}

/* --- connect ----------------------------------------------------------------------------------------------------------------- */

/* The server may call itself by a name that does not lead to it from here: where the ports agree, the way that discovery took is taken again. */
static kw_status url_to_dial(const kw_client *client, kw_url *out)
{
    kw_url offered;
    char endpoint[URL_MAX + 1];
    const kw_string text = client->endpoint->endpoint_url;
    KW_TRY(kw_url_parse(client->url, out));
    if (text.len > URL_MAX) {
        return KW_GOOD;
    }
    memcpy(endpoint, text.data, text.len);
    endpoint[text.len] = '\0';
    if (!kw_status_is_bad(kw_url_parse(endpoint, &offered)) && strcmp(out->port, offered.port) != 0) {
        *out = offered;
    }
    return KW_GOOD;
}

kw_status kw_client_open_channel(kw_client *client)
{
    const kw_security_policy *policy = kw_security_policy_by_uri(client->endpoint->security_policy_uri);
    kw_link_target target = {.endpoint_url = client->endpoint->endpoint_url, .policy = policy, .mode = client->endpoint->security_mode};
    client->error[0] = '\0';
    if (client->server_certificate == NULL && client->endpoint->server_certificate.len > 0 &&
        kw_status_is_bad(kw_certificate_parse(client->endpoint->server_certificate, &client->server_certificate))) {
        return kw_client_fail(client, KW_BAD_CERTIFICATE_INVALID, "the server's certificate cannot be read");
    }
    if (!policy->is_none) {
        KW_TRY(kw_client_check_certificate(client, client->server_certificate, policy, client->endpoint->server.application_uri));
        client->server_certificate_is_checked = true;
        target.server_certificate = client->server_certificate;
    }
    KW_TRY(url_to_dial(client, &target.to));
    return kw_link_open(client, &target, &client->link);
}

static kw_status connect_session(kw_client *client)
{
    kw_endpoint_description *endpoints = NULL;
    const kw_endpoint_description *chosen = NULL;
    size_t count = 0;
    KW_TRY(kw_client_get_endpoints(client, client->url, client->arena, &endpoints, &count));
    KW_TRY(kw_client_choose_endpoint(client, endpoints, count, &chosen));
    client->endpoint = (kw_endpoint_description *)chosen;
    KW_TRY(kw_client_open_channel(client));
    return kw_client_create_session(client, endpoints, count);
}

kw_status kw_client_connect(kw_client *client, const char *url)
{
    kw_client_disconnect(client);
    client->url = strdup(url);
    if (client->url == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    const kw_status status = connect_session(client);
    if (kw_status_is_bad(status)) {
        char kept[sizeof(client->error)];
        memcpy(kept, client->error, sizeof(kept));
        kw_client_disconnect(client);
        memcpy(client->error, kept, sizeof(kept));
    }
    return status;
}

const kw_endpoint_description *kw_client_endpoint(const kw_client *client)
{
    return client->endpoint;
}

kw_status kw_client_disconnect(kw_client *client)
{
    kw_status status = KW_GOOD;
    if (client->has_session && client->link != NULL && !client->link->is_closed) {
        kw_arena *arena = kw_arena_new(KW_CLIENT_ARENA);
        kw_close_session_request request = {.delete_subscriptions = true};
        kw_close_session_response *response = NULL;
        if (arena != NULL) {
            status = kw_client_exchange(client, client->link, &client->authentication_token, KW_TYPE_CLOSE_SESSION_REQUEST, &request,
                                        KW_TYPE_CLOSE_SESSION_RESPONSE, arena, (void **)&response);
        }
        kw_arena_free(arena);
    }
    kw_client_subscriptions_free(client);
    client->is_activated = client->has_session = false; /* whose requests end now may want to begin others: there is no Session for them */
    kw_client_requests_end(client);
    kw_link_close(client, client->link);
    kw_client_forget(client);
    kw_certificate_release(client->server_certificate);
    free(client->url);
    kw_wipe(client->client_nonce, sizeof(client->client_nonce));
    kw_wipe(client->server_nonce, sizeof(client->server_nonce));
    client->link = NULL;
    client->server_certificate = NULL;
    client->server_certificate_is_checked = false;
    client->url = NULL;
    client->endpoint = NULL;
    client->has_session = client->is_activated = client->session_is_gone = false;
    client->server_nonce_len = 0;
    kw_client_drop_key(client);
    client->namespaces = NULL;
    client->namespace_count = 0;
    kw_arena_reset(client->arena);
    return status;
}
