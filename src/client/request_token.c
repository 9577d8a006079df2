/* Getting an access token from an Authorization Service over OPC UA. OPC 10000-12, 9; OPC 10000-6, 6.5.2. */
#include "base/try.h"
#include "client/token_service.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PROFILE_OPCUA "http://opcfoundation.org/UA/Authorization#OPCUA"

/* What issuerEndpointUrl says; strings in the arena, null where it says nothing. */
typedef struct authority_hint {
    kw_string url, resource, object;
} authority_hint;

static kw_string text_member(kw_arena *arena, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? kw_arena_copy(arena, (kw_bytes){(const uint8_t *)json_string_value(value), json_string_length(value)})
                                 : KW_BYTES_NULL;
}

static bool parse_hint(kw_arena *arena, kw_string json, authority_hint *out)
{
    json_t *object = json.len > 0 ? json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!json_is_object(object)) {
        json_decref(object);
        return false;
    }
    const kw_string profile = text_member(arena, object, "ua:authorityProfileUri");
    out->url = text_member(arena, object, "ua:authorityUrl");
    out->resource = text_member(arena, object, "ua:resourceId");
    out->object = text_member(arena, object, "ua:tokenEndpoint");
    json_decref(object);
    return out->url.len > 0 && (profile.len == 0 || kw_string_equals(profile, PROFILE_OPCUA));
}

/* The first UserTokenPolicy that leads to an Authorization Service which speaks OPC UA. */
static bool find_hint(const kw_client *client, kw_arena *arena, authority_hint *out)
{
    for (size_t i = 0; i < client->endpoint->user_identity_tokens_count; i++) {
        const kw_user_token_policy *policy = &client->endpoint->user_identity_tokens[i];
        if (policy->token_type == KW_USER_TOKEN_TYPE_ISSUED_TOKEN && parse_hint(arena, policy->issuer_endpoint_url, out)) {
            return true;
        }
    }
    *out = (authority_hint){KW_BYTES_NULL, KW_BYTES_NULL, KW_BYTES_NULL};
    return false;
}

/* A Client like ours, for the authority. */
static kw_status clone_client(const kw_client *client, kw_client **out)
{
    kw_client *copy = calloc(1, sizeof(*copy));
    if (copy == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    copy->env = client->env;
    copy->arena = kw_arena_new(KW_CLIENT_ARENA);
    copy->application_name = strdup(client->application_name);
    copy->application_uri = client->application_uri != NULL ? strdup(client->application_uri) : NULL;
    copy->mode = KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT; /* RT-20: nothing less will do */
    copy->trust_any = client->trust_any;
    copy->dotnet_secrets = client->dotnet_secrets;
    copy->timeout_ms = client->timeout_ms;
    copy->session_timeout_ms = client->session_timeout_ms;
    copy->reconnect_ms = copy->keep_alive_ms = KW_CLIENT_NEVER; /* it asks once */
    copy->identity.certificate = kw_certificate_retain(client->identity.certificate);
    copy->identity.key = kw_private_key_retain(client->identity.key);
    copy->trust = client->trust; /* borrowed: taken away again before the copy is freed */
    *out = copy;
    return copy->arena != NULL && copy->application_name != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

static void free_clone(kw_client *clone)
{
    if (clone != NULL) {
        kw_client_disconnect(clone);
        clone->trust = NULL;
        kw_client_free(clone);
    }
}

/* --- RequestAccessToken --------------------------------------------------------------------------------------------------------- */

static kw_status explicit_identity(const kw_token_service *service, const kw_client_identity *self, kw_arena *arena,
                                   kw_extension_object *token)
{
    kw_client *authority = service->client;
    kw_signature_data signature;
    kw_token_context context = {.policy = kw_token_service_policy(service, self),
                                .channel_policy = kw_security_policy_by_uri(authority->endpoint->security_policy_uri),
                                .mode = authority->endpoint->security_mode,
                                .receiver = authority->server_certificate,
                                .nonce = KW_BYTES_NULL};
    if (context.policy == NULL) {
        return kw_client_fail(authority, KW_BAD_IDENTITY_TOKEN_INVALID, "the Authorization Service does not take this kind of identity");
    }
    const kw_string uri = context.policy->security_policy_uri;
    context.receiver_key = kw_client_key_for(authority, uri.len > 0 ? kw_security_policy_by_uri(uri) : context.channel_policy);
    return kw_client_build_token(authority, &context, self, arena, token, &signature);
}

static kw_status request_access_token(const kw_token_service *service, const kw_client_token_wish *wish, bool is_explicit, kw_arena *arena,
                                      kw_token_grant *out)
{
    kw_extension_object identity = {.type_id = KW_NODE_ID_NULL};
    if (kw_node_id_is_null(&service->request_access_token)) {
        return kw_client_fail(service->client, KW_BAD_NOT_FOUND, "the Authorization Service has no Method that gives a token here");
    }
    if (wish->roles != NULL) {
        return kw_client_fail(service->client, KW_BAD_NOT_SUPPORTED, "the Authorization Service gives all Roles or none");
    }
    if (is_explicit) {
        KW_TRY(explicit_identity(service, wish->self, arena, &identity));
    }
    const kw_string resource_id = kw_string_from(wish->resource);
    const kw_variant inputs[] = {kw_variant_scalar(KW_BUILTIN_EXTENSION_OBJECT, &identity),
                                 kw_variant_scalar(KW_BUILTIN_STRING, &resource_id)};
    kw_call_method_result result;
    const kw_status status = kw_client_call(service->client, &service->object, &service->request_access_token, inputs, 2, arena, &result);
    if (kw_status_is_bad(status)) {
        return kw_token_service_refusal(service, status);
    }
    kw_client_drop_key(service->client); /* whether it was used or not: the next one comes with the next activation */
    const kw_string *text = kw_token_service_output(&result, 0, KW_BUILTIN_STRING);
    if (text == NULL) {
        return kw_client_fail(service->client, KW_BAD_TYPE_MISMATCH, "the Authorization Service answered without a token");
    }
    *out = (kw_token_grant){.access_token = kw_arena_copy(arena, *text)};
    return out->access_token.data != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
}

/* --- the way ------------------------------------------------------------------------------------------------------------------------ */

/* Would the service rather hear the user again? What else fails is not mended by that. */
static bool is_worth_asking_anew(kw_status status)
{
    return status == KW_BAD_IDENTITY_TOKEN_REJECTED || status == KW_BAD_METHOD_INVALID;
}

static kw_status ask(const kw_token_service *service, const kw_client_token_wish *wish, bool is_explicit, kw_arena *arena,
                     kw_token_grant *out)
{
    if (wish->refresh_token.len > 0) {
        const kw_status status = kw_token_service_refresh(service, wish, arena, out);
        if (wish->self->kind == KW_USER_TOKEN_TYPE_ANONYMOUS || !is_worth_asking_anew(status)) {
            return status;
        }
    }
    return !wish->one_step && kw_token_service_has_steps(service, wish) ? kw_token_service_start_and_finish(service, wish, arena, out)
                                                                        : request_access_token(service, wish, is_explicit, arena, out);
}

/*
 * Where the authority lets Anonymous Sessions in, the user goes as an argument (explicit); otherwise the Session itself is the
 * user's and speaks for him (implicit). A service that is named may know other users than the server does: it is told in any case.
 */
static kw_status sign_in(kw_client *authority, const kw_client_token_wish *wish, bool *is_explicit)
{
    const kw_endpoint_description *e = authority->endpoint;
    const kw_client_identity *self = wish->self;
    const kw_client_identity anonymous = {.kind = KW_USER_TOKEN_TYPE_ANONYMOUS};
    const bool takes_anonymous =
        kw_client_choose_token_policy(authority, e->user_identity_tokens, e->user_identity_tokens_count, &anonymous) != NULL;
    *is_explicit = (takes_anonymous || wish->service != NULL) && self->kind != KW_USER_TOKEN_TYPE_ANONYMOUS;
    return kw_client_activate(authority, takes_anonymous ? &anonymous : self);
}

static kw_status get_at(kw_client *authority, const char *url, kw_string object, const kw_client_token_wish *wish, kw_arena *arena,
                        kw_token_grant *out)
{
    kw_token_service service;
    bool is_explicit = false;
    KW_TRY(kw_client_connect(authority, url));
    KW_TRY(sign_in(authority, wish, &is_explicit));
    KW_TRY(kw_token_service_find(authority, object, wish->service, arena, &service));
    return ask(&service, wish, is_explicit, arena, out);
}

/* What the wish leaves open is in the endpoint of the Server that the Client is connected to. */
static kw_status complete(kw_client *client, kw_client_token_wish *wish, kw_string *object, kw_arena *arena)
{
    authority_hint hint = {KW_BYTES_NULL, KW_BYTES_NULL, KW_BYTES_NULL};
    if (client->endpoint != NULL) {
        find_hint(client, arena, &hint);
    }
    /* An Object of that name lives there and nowhere else. */
    const bool is_hinted = wish->authority_url == NULL || kw_string_equals(hint.url, wish->authority_url);
    *object = is_hinted && wish->service == NULL ? hint.object : KW_BYTES_NULL;
    if (wish->authority_url == NULL) {
        wish->authority_url = kw_arena_cstring(arena, hint.url);
    }
    if (wish->resource == NULL && client->endpoint != NULL) {
        wish->resource = kw_arena_cstring(arena, hint.resource.len > 0 ? hint.resource : client->endpoint->server.application_uri);
    }
    if (wish->authority_url == NULL || *wish->authority_url == '\0' || wish->resource == NULL) {
        return kw_client_fail(client, KW_BAD_NOT_FOUND, "the server names no Authorization Service; give its URL with --authority URL");
    }
    return KW_GOOD;
}

kw_status kw_client_get_token(kw_client *client, const kw_client_token_wish *wish, kw_arena *arena, kw_token_grant *out)
{
    kw_client_token_wish whole = *wish;
    kw_string object = KW_BYTES_NULL;
    kw_client *authority = NULL;
    client->error[0] = '\0';
    KW_TRY(complete(client, &whole, &object, arena));
    kw_status status = clone_client(client, &authority);
    if (!kw_status_is_bad(status)) {
        status = get_at(authority, whole.authority_url, object, &whole, arena, out);
    }
    if (kw_status_is_bad(status) && authority != NULL) {
        kw_client_fail(client, status, "at the Authorization Service %s: %s", whole.authority_url, authority->error);
    }
    free_clone(authority);
    return status;
}

kw_status kw_client_request_token(kw_client *client, const char *authority_url, const char *resource, const kw_client_identity *self,
                                  kw_arena *arena, kw_string *token)
{
    const kw_client_token_wish wish = {.authority_url = authority_url, .resource = resource, .self = self};
    kw_token_grant grant;
    KW_TRY(kw_client_get_token(client, &wish, arena, &grant));
    *token = grant.access_token;
    return KW_GOOD;
}
