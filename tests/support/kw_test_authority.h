/*
 * The Authorization Service of a kw_test_world, as a Client uses it: RequestAccessToken, and identity tokens for it. Everything lives
 * in the world's arena.
 */
#ifndef KW_TEST_AUTHORITY_H
#define KW_TEST_AUTHORITY_H

#include "support/kw_test_user.h"

/* Setup of cmocka: an Authorization Service, KW_TEST_USER with the Role Operator, which tokens may give too. */
int kw_test_authority_setup(void **state);
kw_test_world *kw_test_world_with_authority(const kw_test_world_options *options);

extern const kw_node_id KW_TEST_REQUEST_ACCESS_TOKEN;

/* RequestAccessToken for this resource; token NULL: no identity. *issued may be NULL. */
kw_status kw_test_request_token_for(kw_test_client *client, const kw_test_session *session, const kw_extension_object *token,
                                    const char *resource, kw_string *issued);
/* The same for KW_TEST_SERVER. */
kw_status kw_test_request_token(kw_test_client *client, const kw_test_session *session, const kw_extension_object *token,
                                kw_string *issued);
/* The UserTokenPolicies that GetServiceDescription lists. */
const kw_user_token_policy *kw_test_authority_policies(kw_test_client *client, const kw_test_session *session, size_t *count);
/* The one of this type, or the test fails. */
const kw_user_token_policy *kw_test_authority_policy(kw_test_client *client, const kw_test_session *session, kw_user_token_type type);

/* A secret for the service; signer NULL: nobody signs. `seconds`: SigningTime is off by so many. */
kw_bytes kw_test_authority_seal(kw_test_client *client, const kw_application_identity *signer, kw_bytes secret, int seconds);

/* What a token says, without believing it; the test fails when it is none. */
kw_jwt kw_test_token_claims(kw_test_world *world, kw_string token);

#endif
