/* An Authorization Service as the Client finds it, and the ways to get a token from it. OPC 10000-12, 9.6. */
#ifndef KW_CLIENT_TOKEN_SERVICE_H
#define KW_CLIENT_TOKEN_SERVICE_H

#include "client/client_internal.h"

#define KW_GDS_NAMESPACE "http://opcfoundation.org/UA/GDS/"

typedef struct kw_token_service {
    kw_client *client; /* with a Session there */
    kw_node_id object;
    kw_node_id request_access_token, start_request_token, finish_request_token, refresh_token; /* null: it has none */
    kw_user_token_policy *policies;
    size_t policy_count;
} kw_token_service;

/* token_service.c. `object`: a NodeId as issuerEndpointUrl has it; null: the first there is of this BrowseName (NULL: of any). All in
 * the arena. */
kw_status kw_token_service_find(kw_client *client, kw_string object, const char *name, kw_arena *arena, kw_token_service *out);
/* The policy for this user; NULL: it takes none of this kind. */
const kw_user_token_policy *kw_token_service_policy(const kw_token_service *service, const kw_client_identity *self);
/* What a refusal means, as error of service->client. */
kw_status kw_token_service_refusal(const kw_token_service *service, kw_status status);
/* One output of a call, or NULL. */
const void *kw_token_service_output(const kw_call_method_result *result, size_t index, kw_builtin type);

/* token_steps.c */
bool kw_token_service_has_steps(const kw_token_service *service, const kw_client_token_wish *wish);
kw_status kw_token_service_start_and_finish(const kw_token_service *service, const kw_client_token_wish *wish, kw_arena *arena,
                                            kw_token_grant *out);
kw_status kw_token_service_refresh(const kw_token_service *service, const kw_client_token_wish *wish, kw_arena *arena, kw_token_grant *out);

#endif
