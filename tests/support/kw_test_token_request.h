/* StartRequestToken, FinishRequestToken and RefreshToken as a Client of a kw_test_world calls them. All lives in the world's arena. */
#ifndef KW_TEST_TOKEN_REQUEST_H
#define KW_TEST_TOKEN_REQUEST_H

#include "identity/jwt.h"
#include "support/kw_test_authority.h"

/* A world with an Authorization Service, KW_TEST_USER with the Roles Operator and Observer, refresh tokens of this life. */
kw_test_world *kw_test_token_world(const kw_test_world_options *options);
#define KW_TEST_REFRESH_S 7200

/* The NodeId of a Method of the service. */
kw_node_id kw_test_authority_method(kw_test_world *world, const char *name);
/* The UserTokenPolicies of the service. */
const kw_user_token_policy *kw_test_token_policy(kw_test_client *client, const kw_test_session *session, kw_user_token_type type,
                                                 bool is_clear);

typedef struct kw_test_token_start {
    const kw_user_token_policy *policy;
    kw_bytes requestor_data, service_data;
    kw_guid request_id;
} kw_test_token_start;

kw_status kw_test_token_start_with(kw_test_client *client, const kw_test_session *session, const char *resource, kw_string policy_id,
                                   kw_bytes requestor_data, kw_test_token_start *out);
/* For KW_TEST_SERVER, with fresh requestor data; must be good. */
kw_test_token_start kw_test_token_start_good(kw_test_client *client, const kw_test_session *session, kw_user_token_type type);

typedef struct kw_test_tokens {
    kw_string access, refresh;
    kw_date_time access_ends, refresh_ends;
    kw_call_method_result result;
} kw_test_tokens;

/* roles: separated by blanks; NULL: none are named */
kw_status kw_test_token_finish(kw_test_client *client, const kw_test_session *session, const kw_test_token_start *start, const char *roles,
                               const kw_test_user *user, kw_test_tokens *out);
kw_status kw_test_token_refresh(kw_test_client *client, const kw_test_session *session, const char *resource, kw_string refresh,
                                kw_test_tokens *out);

/* --- UserIdentityTokens for FinishRequestToken ------------------------------------------------------------------------------- */
/* The secret is sealed for the Certificate in ServiceData. */
kw_test_user kw_test_token_user(kw_test_client *client, const kw_test_token_start *start, const char *name, const char *password);
kw_test_user kw_test_token_issued(kw_test_client *client, const kw_test_token_start *start, kw_string jwt);
/* Signed for this request on this channel. */
kw_test_user kw_test_token_certificate(kw_test_client *client, const kw_test_token_start *start, const kw_application_identity *user);

/* Start and Finish as KW_TEST_USER with all Roles; must be good. */
kw_test_tokens kw_test_token_get(kw_test_client *client, const kw_test_session *session);
bool kw_test_token_has_role(kw_test_world *world, kw_string token, const char *role);

#endif
