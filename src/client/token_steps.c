/* StartRequestToken and FinishRequestToken, one right after the other, and RefreshToken. OPC 10000-12, 9.6 (1.05.07). */
#include "base/try.h"
#include "client/token_service.h"
#include "identity/channel_bound.h"
#include "identity/ecdh_header.h"

#define REQUESTOR_DATA 32

enum { ACCESS_TOKEN, ACCESS_TOKEN_EXPIRY, REFRESH_TOKEN, REFRESH_TOKEN_EXPIRY };

typedef struct started {
    const kw_user_token_policy *policy;
    uint8_t requestor_data[REQUESTOR_DATA];
    kw_bytes service_data;
    kw_guid request_id;
} started;

static kw_status take_grant(const kw_token_service *service, const kw_call_method_result *result, kw_arena *arena, kw_token_grant *out)
{
    const kw_string *access = kw_token_service_output(result, ACCESS_TOKEN, KW_BUILTIN_STRING);
    const kw_string *refresh = kw_token_service_output(result, REFRESH_TOKEN, KW_BUILTIN_STRING);
    const kw_date_time *expires = kw_token_service_output(result, ACCESS_TOKEN_EXPIRY, KW_BUILTIN_DATE_TIME);
    const kw_date_time *refresh_expires = kw_token_service_output(result, REFRESH_TOKEN_EXPIRY, KW_BUILTIN_DATE_TIME);
    if (access == NULL || access->len == 0) {
        return kw_client_fail(service->client, KW_BAD_TYPE_MISMATCH, "the Authorization Service answered without a token");
    }
    *out = (kw_token_grant){.access_token = kw_arena_copy(arena, *access),
                            .expires = expires != NULL ? *expires : 0,
                            .refresh_token = refresh != NULL && refresh->len > 0 ? kw_arena_copy(arena, *refresh) : KW_BYTES_NULL,
                            .refresh_expires = refresh_expires != NULL ? *refresh_expires : 0};
    return out->access_token.data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* --- StartRequestToken ------------------------------------------------------------------------------------------------------- */

static kw_status start(const kw_token_service *service, const char *resource, kw_arena *arena, started *s)
{
    const kw_string uri = kw_string_from(resource);
    const bool is_signed = s->policy->token_type == KW_USER_TOKEN_TYPE_CERTIFICATE;
    kw_call_method_result result;
    KW_TRY(kw_random_fill(service->client->env.random, s->requestor_data, REQUESTOR_DATA));
    const kw_bytes data = {is_signed ? s->requestor_data : NULL, is_signed ? REQUESTOR_DATA : 0}; /* AZ-07: unused for others */
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_STRING, &uri), kw_variant_scalar(KW_BUILTIN_STRING, &s->policy->policy_id),
                                 kw_variant_scalar(KW_BUILTIN_BYTE_STRING, &data)};
    const kw_status status = kw_client_call(service->client, &service->object, &service->start_request_token, inputs, 3, arena, &result);
    if (kw_status_is_bad(status)) {
        return kw_token_service_refusal(service, status);
    }
    const kw_bytes *service_data = kw_token_service_output(&result, 0, KW_BUILTIN_BYTE_STRING);
    const kw_guid *id = kw_token_service_output(&result, 1, KW_BUILTIN_GUID);
    if (id == NULL || (is_signed && (service_data == NULL || service_data->len < REQUESTOR_DATA))) {
        return kw_client_fail(service->client, KW_BAD_TYPE_MISMATCH, "the Authorization Service started nothing that can be finished");
    }
    s->service_data = service_data != NULL ? *service_data : KW_BYTES_NULL;
    s->request_id = *id;
    return KW_GOOD;
}

/* --- the user ---------------------------------------------------------------------------------------------------------------- */

/* ES-12: the certificate that came as ServiceData is believed like that of the channel, or not at all. */
static kw_status receiver_of(const kw_token_service *service, const started *s, kw_certificate **out)
{
    kw_client *client = service->client;
    const kw_security_policy *policy = kw_security_policy_by_uri(s->policy->security_policy_uri);
    *out = NULL;
    if (policy == NULL || policy->is_none || policy->ephemeral != KW_EPHEMERAL_NONE ||
        s->policy->token_type == KW_USER_TOKEN_TYPE_CERTIFICATE) {
        return KW_GOOD;
    }
    if (kw_status_is_bad(kw_certificate_parse(s->service_data, out))) {
        return kw_client_fail(client, KW_BAD_CERTIFICATE_INVALID, "the Authorization Service shows no certificate to encrypt for");
    }
    if (client->server_certificate != NULL && kw_bytes_equal(kw_certificate_der(*out), kw_certificate_der(client->server_certificate))) {
        return KW_GOOD;
    }
    return kw_client_check_certificate(client, *out, policy, client->endpoint->server.application_uri);
}

/* AZ-07: an EphemeralKey, signed by whom the channel belongs to. */
static kw_status key_of(const kw_token_service *service, const started *s, kw_arena *arena, kw_bytes *out)
{
    kw_client *client = service->client;
    const kw_security_policy *policy = kw_security_policy_by_uri(s->policy->security_policy_uri);
    *out = KW_BYTES_NULL;
    if (policy == NULL || policy->ephemeral == KW_EPHEMERAL_NONE || s->policy->token_type == KW_USER_TOKEN_TYPE_CERTIFICATE) {
        return KW_GOOD;
    }
    const kw_status status = kw_ecdh_decode(s->service_data, policy, client->server_certificate, arena, out);
    return kw_status_is_bad(status) ? kw_client_fail(client, status, "the key to seal secrets for is not the Authorization Service's own")
                                    : status;
}

static kw_status build_token(const kw_token_service *service, const kw_client_token_wish *wish, const started *s, kw_arena *arena,
                             kw_extension_object *token, kw_signature_data *signature)
{
    kw_client *client = service->client;
    kw_certificate *receiver = NULL;
    const kw_security_policy *channel_policy = kw_security_policy_by_uri(client->endpoint->security_policy_uri);
    if (channel_policy == NULL || client->link == NULL) {
        return kw_client_fail(client, KW_BAD_CONNECTION_CLOSED, "the connection to the Authorization Service is gone");
    }
    kw_channel_binding binding = kw_client_binding(client, channel_policy, s->service_data); /* AZ-13 */
    binding.client_nonce = (kw_bytes){s->requestor_data, REQUESTOR_DATA};
    kw_status status = receiver_of(service, s, &receiver);
    kw_bytes receiver_key = KW_BYTES_NULL;
    if (!kw_status_is_bad(status)) {
        status = key_of(service, s, arena, &receiver_key);
    }
    const kw_token_context context = {.policy = s->policy,
                                      .channel_policy = channel_policy,
                                      .mode = client->endpoint->security_mode,
                                      .receiver = receiver,
                                      .receiver_key = receiver_key,
                                      .binding = &binding};
    if (!kw_status_is_bad(status)) {
        status = kw_client_build_token(client, &context, wish->self, arena, token, signature);
    }
    kw_certificate_release(receiver);
    return status;
}

/* --- FinishRequestToken ------------------------------------------------------------------------------------------------------ */

static kw_status roles_of(const kw_client_token_wish *wish, kw_arena *arena, kw_variant *out)
{
    size_t count = 0;
    while (wish->roles != NULL && wish->roles[count] != NULL) {
        count++;
    }
    kw_string *names = KW_ARENA_ARRAY(arena, kw_string, count);
    for (size_t i = 0; names != NULL && i < count; i++) {
        names[i] = kw_string_from(wish->roles[i]);
    }
    *out = kw_variant_array(KW_BUILTIN_STRING, names, count);
    return names != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static kw_status finish(const kw_token_service *service, const kw_client_token_wish *wish, const started *s, kw_arena *arena,
                        kw_token_grant *out)
{
    kw_extension_object token = {.type = NULL}, signature_object = {.type = NULL};
    kw_signature_data signature = {.algorithm = KW_BYTES_NULL};
    kw_call_method_result result;
    kw_variant roles;
    KW_TRY(build_token(service, wish, s, arena, &token, &signature));
    KW_TRY(roles_of(wish, arena, &roles));
    if (signature.signature.len > 0) { /* AZ-13: null for all but X509 users */
        signature_object = kw_extension_object_of(KW_TYPE_SIGNATURE_DATA, &signature);
    }
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_GUID, &s->request_id), roles,
                                 kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &token),
                                 kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &signature_object)};
    const kw_status status = kw_client_call(service->client, &service->object, &service->finish_request_token, inputs, 4, arena, &result);
    return kw_status_is_bad(status) ? kw_token_service_refusal(service, status) : take_grant(service, &result, arena, out);
}

bool kw_token_service_has_steps(const kw_token_service *service, const kw_client_token_wish *wish)
{
    return !kw_node_id_is_null(&service->start_request_token) && !kw_node_id_is_null(&service->finish_request_token) &&
           wish->self->kind != KW_USER_TOKEN_TYPE_ANONYMOUS && kw_token_service_policy(service, wish->self) != NULL;
}

/* AZ-09: nothing comes in between. */
kw_status kw_token_service_start_and_finish(const kw_token_service *service, const kw_client_token_wish *wish, kw_arena *arena,
                                            kw_token_grant *out)
{
    started s = {.policy = kw_token_service_policy(service, wish->self)};
    KW_TRY(start(service, wish->resource, arena, &s));
    return finish(service, wish, &s, arena, out);
}

/* --- RefreshToken ------------------------------------------------------------------------------------------------------------ */

kw_status kw_token_service_refresh(const kw_token_service *service, const kw_client_token_wish *wish, kw_arena *arena, kw_token_grant *out)
{
    const kw_string uri = kw_string_from(wish->resource);
    kw_call_method_result result;
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_STRING, &uri), kw_variant_scalar(KW_BUILTIN_STRING, &wish->refresh_token)};
    if (kw_node_id_is_null(&service->refresh_token)) {
        return kw_client_fail(service->client, KW_BAD_METHOD_INVALID, "the Authorization Service does not renew tokens");
    }
    const kw_status status = kw_client_call(service->client, &service->object, &service->refresh_token, inputs, 2, arena, &result);
    if (status == KW_BAD_IDENTITY_TOKEN_REJECTED) {
        return kw_client_fail(service->client, status, "the refresh token is not good any more; ask for a token as the user again");
    }
    return kw_status_is_bad(status) ? kw_token_service_refusal(service, status) : take_grant(service, &result, arena, out);
}
