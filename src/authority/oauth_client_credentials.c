/* A program that speaks for itself. RFC 6749, 4.4. */
#include "authority/oauth_internal.h"

/* Its Roles are those that the mapping rules give to its ApplicationUri; nobody but registered, proven clients gets here. */
void kw_oauth_grant_client_credentials(kw_oauth_call *call, const kw_oauth_client *client)
{
    static const char TYPE[] = "client_credentials";
    kw_string resource, scope;
    kw_identity *who = NULL;
    if (kw_oauth_is_public(client)) {
        kw_oauth_answer_error(call, 400, "unauthorized_client", "a public client cannot speak for itself");
        return;
    }
    if (!kw_oauth_target(call, client, &resource) || !kw_oauth_parameter(call, "scope", &scope)) {
        return;
    }
    const kw_string uri = client->application_uri.len > 0 ? client->application_uri : client->id;
    const kw_user_token_policy nobody = {.token_type = KW_USER_TOKEN_TYPE_ANONYMOUS};
    const kw_identity_claim claim = {.policies = &nobody,
                                     .policy_count = 1,
                                     .channel_policy = &KW_POLICY_NONE,
                                     .application_uri = uri,
                                     .address = call->request->address,
                                     .is_inside_tls = true,
                                     .is_application_proven = true};
    const kw_status status = kw_identity_prove(kw_server_gate(call->oauth->server), &claim, &who, NULL, NULL);
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, KW_BAD_RESOURCE_UNAVAILABLE);
        return;
    }
    kw_oauth_issue(call, client, who, &(kw_token_wish){.resource = resource}, TYPE, NULL);
    kw_identity_release(who);
}
