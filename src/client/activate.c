/* ActivateSession, from the Client's side. OPC 10000-4, 5.7.3. */
#include "base/try.h"
#include "client/client_internal.h"
#include "identity/channel_bound.h"

static const char *kind_name(kw_user_token_type kind)
{
    switch (kind) {
    case KW_USER_TOKEN_TYPE_USER_NAME:
        return "user names";
    case KW_USER_TOKEN_TYPE_CERTIFICATE:
        return "user certificates";
    case KW_USER_TOKEN_TYPE_ISSUED_TOKEN:
        return "access tokens";
    default:
        return "anonymous users";
    }
}

static const char *refusal(kw_status status)
{
    switch (status) {
    case KW_BAD_USER_ACCESS_DENIED:
        return "the server does not let this user in: check name and password";
    case KW_BAD_IDENTITY_TOKEN_REJECTED:
        return "the server rejects this identity: a token may have expired, be for another server, or come from an issuer that it does not "
               "know";
    case KW_BAD_IDENTITY_TOKEN_INVALID:
        return "the server finds the identity malformed";
    default:
        return "the server did not activate the Session";
    }
}

/* AS-05, AS-06: proof that we are who created the Session. */
static kw_status sign_as_application(kw_client *client, const kw_security_policy *policy, kw_arena *arena, kw_signature_data *signature)
{
    if (policy->is_none) {
        return KW_GOOD;
    }
    if (policy->is_enhanced) { /* CB-02 */
        const kw_channel_binding binding = kw_client_binding(client, policy, (kw_bytes){client->server_nonce, client->server_nonce_len});
        return kw_channel_bound_sign(&binding, KW_BOUND_CLIENT, policy, client->identity.key, arena, &signature->signature);
    }
    const kw_bytes parts[] = {kw_certificate_der(client->server_certificate), {client->server_nonce, client->server_nonce_len}};
    signature->algorithm = kw_string_from(policy->asym_signature_uri);
    return kw_asym_sign(policy, client->identity.key, parts, 2, arena, &signature->signature);
}

/* IT-07, UN-04 */
static const kw_security_policy *secret_policy(const kw_user_token_policy *policy, const kw_security_policy *channel_policy)
{
    return policy->security_policy_uri.len > 0 ? kw_security_policy_by_uri(policy->security_policy_uri) : channel_policy;
}

static kw_status fill_request(kw_client *client, const kw_client_identity *identity, kw_arena *arena, kw_activate_session_request *request)
{
    const kw_endpoint_description *endpoint = client->endpoint;
    const kw_security_policy *channel_policy = kw_security_policy_by_uri(endpoint->security_policy_uri);
    if (channel_policy == NULL) {
        return kw_client_fail(client, KW_BAD_SECURITY_POLICY_REJECTED, "the policy of this endpoint is not known");
    }
    kw_token_context context = {
        .policy = kw_client_choose_token_policy(client, endpoint->user_identity_tokens, endpoint->user_identity_tokens_count, identity),
        .channel_policy = channel_policy,
        .mode = endpoint->security_mode,
        .receiver = client->server_certificate,
        .nonce = {client->server_nonce, client->server_nonce_len}};
    if (context.policy == NULL) {
        return kw_client_fail(client, KW_BAD_IDENTITY_TOKEN_INVALID,
                              "the server takes no %s at this endpoint in a way that is safe; `keyway endpoints` shows what it takes",
                              kind_name(identity->kind));
    }
    const kw_channel_binding binding = kw_client_binding(client, channel_policy, context.nonce);
    context.binding = channel_policy->is_enhanced && identity->kind == KW_USER_TOKEN_TYPE_CERTIFICATE ? &binding : NULL; /* CB-03 */
    context.receiver_key = kw_client_key_for(client, secret_policy(context.policy, channel_policy));
    /* ES-12: on a channel without security the certificate was not looked at yet. */
    if (identity->kind != KW_USER_TOKEN_TYPE_ANONYMOUS && !client->server_certificate_is_checked && client->server_certificate != NULL) {
        KW_TRY(kw_client_check_certificate(client, client->server_certificate, NULL, endpoint->server.application_uri));
        client->server_certificate_is_checked = true;
    }
    KW_TRY(kw_client_ask_for_key(client, arena, &request->request_header));
    KW_TRY(kw_client_build_token(client, &context, identity, arena, &request->user_identity_token, &request->user_token_signature));
    kw_string *locales = KW_ARENA_ARRAY(arena, kw_string, client->locale_count);
    for (size_t i = 0; locales != NULL && i < client->locale_count; i++) {
        locales[i] = kw_string_from(client->locales[i]);
    }
    request->locale_ids = locales;
    request->locale_ids_count = client->locale_count;
    return sign_as_application(client, channel_policy, arena, &request->client_signature);
}

/* Note N1: a fault brings no serverNonce, and the old one stays; a whole response that refuses may bring one, and then the old one is used up. */
static kw_status keep_nonce(kw_client *client, const kw_activate_session_response *response, kw_status status)
{
    const bool is_refused = kw_status_is_bad(status);
    if (response == NULL || (is_refused && response->server_nonce.len == 0)) {
        return status;
    }
    const kw_status nonce = kw_client_take_nonce(client, response->server_nonce);
    const kw_status key = is_refused ? KW_GOOD : kw_client_take_key(client, &response->response_header);
    const kw_status kept = kw_status_is_bad(nonce) ? nonce : key;
    return !is_refused && kw_status_is_bad(kept) ? kept : status;
}

kw_status kw_client_prove(kw_client *client, const kw_client_identity *identity)
{
    kw_arena *arena = kw_arena_new(KW_CLIENT_ARENA);
    kw_activate_session_request request = {.locale_ids = NULL};
    kw_activate_session_response *response = NULL;
    if (arena == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    kw_status status = fill_request(client, identity, arena, &request);
    if (!kw_status_is_bad(status)) {
        status = kw_client_exchange(client, client->link, &client->authentication_token, KW_TYPE_ACTIVATE_SESSION_REQUEST, &request,
                                    KW_TYPE_ACTIVATE_SESSION_RESPONSE, arena, (void **)&response);
        if (kw_status_is_bad(status) && client->error[0] == '\0') {
            kw_client_fail(client, status, "%s", refusal(status));
        }
    }
    status = keep_nonce(client, response, status);
    if (status == KW_BAD_APPLICATION_SIGNATURE_INVALID && client->is_activated) {
        client->session_is_gone = true; /* the serverNonce is another one since an answer was lost: nothing proves us here any more */
    }
    kw_arena_free(arena);
    return status;
}
