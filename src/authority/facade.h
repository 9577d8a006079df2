/* A service that stands for an external provider: RequestAccessToken hands the identityToken on, and answers with the provider's token. */
#ifndef KW_AUTHORITY_FACADE_H
#define KW_AUTHORITY_FACADE_H

#include "authority/token_call.h"

/* In the job. The provider's access token as output number `index`. `claim`: as the caller presents it, with token and policies. */
kw_status kw_facade_request(kw_token_call *t, const kw_identity_claim *claim, size_t index, kw_identity **who, const char **why);

#endif
