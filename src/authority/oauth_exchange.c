/*
 * Token exchange: RFC 8693. A client that was given a user's token, a gateway say, gets one in that user's name for the server behind
 * it: the chained scenario of OPC 10000-12, 9, for the web.
 */
#include "authority/oauth_internal.h"

#define GRANT_TYPE "token-exchange" /* for the trail */
#define TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"
#define TYPE_JWT "urn:ietf:params:oauth:token-type:jwt"

static bool is_token_type(kw_string type)
{
    return kw_string_equals(type, TYPE_ACCESS_TOKEN) || kw_string_equals(type, TYPE_JWT);
}

static bool refuse(kw_oauth_call *call, const char *error, const char *description)
{
    kw_oauth_answer_error(call, 400, error, description);
    return false;
}

static bool read_subject(kw_oauth_call *call, kw_string *token)
{
    kw_string type, requested, actor;
    if (!kw_oauth_parameter(call, "subject_token", token) || !kw_oauth_parameter(call, "subject_token_type", &type) ||
        !kw_oauth_parameter(call, "requested_token_type", &requested) || !kw_oauth_parameter(call, "actor_token", &actor)) {
        return false;
    }
    if (token->len == 0 || !is_token_type(type)) {
        return refuse(call, "invalid_request", "subject_token is to be an access token or a JWT, and to say so");
    }
    if (requested.len > 0 && !is_token_type(requested)) {
        return refuse(call, "invalid_request", "there are only access tokens here");
    }
    return actor.len == 0 || refuse(call, "invalid_request", "the actor is the client itself");
}

void kw_oauth_grant_exchange(kw_oauth_call *call, const kw_oauth_client *client)
{
    kw_string subject, resource;
    kw_identity *who = NULL;
    const char *why = NULL;
    if (kw_oauth_is_public(client)) {
        kw_oauth_answer_error(call, 400, "unauthorized_client", "a public client cannot act for others");
        return;
    }
    if (!read_subject(call, &subject) || !kw_oauth_target(call, client, &resource)) {
        return;
    }
    const kw_status status = kw_oauth_prove_token(call, client, subject, &who, &why);
    if (kw_status_is_bad(status)) {
        kw_oauth_answer_failure(call, status);
        kw_oauth_record(call, "TokenRefused", status, KW_BYTES_NULL, client->id, resource, GRANT_TYPE, why);
        return;
    }
    const kw_token_wish wish = {.resource = resource, .actor = client->id};
    kw_oauth_issue(call, client, who, &wish, GRANT_TYPE, json_pack("{s:s}", "issued_token_type", TYPE_ACCESS_TOKEN));
    kw_identity_release(who);
}
