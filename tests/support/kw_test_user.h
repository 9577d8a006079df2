/* UserIdentityTokens for kw_test_activate: right ones, and the parts to make wrong ones. Everything lives in the world's arena. */
#ifndef KW_TEST_USER_H
#define KW_TEST_USER_H

#include "identity/jwt.h"
#include "identity/secret_format.h"
#include "support/kw_test_client.h"

/* The UserTokenPolicy of the Client's endpoint with this type: the first that protects, or the one in clear. The test fails without. */
const kw_user_token_policy *kw_test_policy(kw_test_client *client, const kw_test_session *session, kw_user_token_type type);
const kw_user_token_policy *kw_test_clear_policy(kw_test_client *client, const kw_test_session *session, kw_user_token_type type);
/* All of the endpoint in use. */
const kw_endpoint_description *kw_test_endpoint(kw_test_client *client, const kw_test_session *session);

kw_test_user kw_test_nobody(void); /* the null ExtensionObject */
kw_test_user kw_test_anonymous(kw_test_client *client, const kw_test_session *session);
/* KW_TEST_USER with KW_TEST_PASSWORD */
kw_test_user kw_test_operator(kw_test_client *client, const kw_test_session *session);
/* The legacy block, as most Clients send it. */
kw_test_user kw_test_user_name(kw_test_client *client, const kw_test_session *session, const char *name, const char *password);
kw_test_user kw_test_user_name_as(kw_test_client *client, const kw_test_session *session, kw_secret_format format, const char *name,
                                  const char *password);
kw_test_user kw_test_certificate(kw_test_client *client, const kw_test_session *session, const kw_application_identity *user);
/* An RsaEncryptedSecret. */
kw_test_user kw_test_issued(kw_test_client *client, const kw_test_session *session, kw_string token);
kw_test_user kw_test_issued_as(kw_test_client *client, const kw_test_session *session, kw_secret_format format, kw_string token);

/* --- by hand --------------------------------------------------------------------------------------------------------------- */
/* Borrowed; the structure must live. */
kw_test_user kw_test_user_of(const kw_type *type, const void *token);
kw_user_name_identity_token *kw_test_user_name_token(kw_test_client *client, const kw_test_session *session, kw_secret_format format,
                                                     const char *name, const char *password);
kw_issued_identity_token *kw_test_issued_token(kw_test_client *client, const kw_test_session *session, kw_secret_format format,
                                               kw_string token);
/* Sealed for the Server by the Client's policy (Basic256Sha256 on None), with the Session's last nonce. */
kw_bytes kw_test_seal(kw_test_client *client, const kw_test_session *session, kw_secret_format format, kw_bytes secret);

/* --- JSON Web Tokens --------------------------------------------------------------------------------------------------------- */
/* {"iss":…,"sub":subject,"aud":KW_TEST_SERVER,"iat":now,"exp":now+lifetime_s<more>}; `more` begins with a comma or is "". */
kw_string kw_test_claims(kw_test_world *world, const kw_test_issuer *issuer, const char *subject, int lifetime_s, const char *more);
/* Signed with ES256. */
kw_string kw_test_jwt(kw_test_world *world, const kw_test_issuer *issuer, kw_string claims);
/* Any header, any algorithm, any key; key NULL: an empty signature. */
kw_string kw_test_jwt_with(kw_test_world *world, const char *header, kw_string claims, const char *alg, const kw_private_key *key);
/* kw_test_jwt(kw_test_claims(…)) */
kw_string kw_test_token(kw_test_world *world, const kw_test_issuer *issuer, const char *subject, int lifetime_s);

#endif
