/* The token endpoint. RFC 6749, 3.2. */
#include "authority/oauth_internal.h"

static const struct {
    const char *type;
    kw_token_way way;
    void (*run)(kw_oauth_call *call, const kw_oauth_client *client);
} GRANTS[] = {
    {"client_credentials", KW_TOKEN_WAY_CLIENT_CREDENTIALS, kw_oauth_grant_client_credentials},
    {"authorization_code", KW_TOKEN_WAY_AUTHORIZATION_CODE, kw_oauth_grant_code},
    {"urn:ietf:params:oauth:grant-type:device_code", KW_TOKEN_WAY_DEVICE_CODE, kw_oauth_grant_device},
    {"urn:ietf:params:oauth:grant-type:token-exchange", KW_TOKEN_WAY_TOKEN_EXCHANGE, kw_oauth_grant_exchange},
    {"refresh_token", KW_TOKEN_WAY_OAUTH_REFRESH, kw_oauth_grant_refresh},
};

#define GRANT_COUNT (sizeof(GRANTS) / sizeof(GRANTS[0]))

void kw_oauth_token(kw_oauth_call *call)
{
    kw_oauth_client client;
    kw_string type;
    size_t i = 0;
    if (!kw_oauth_parameter(call, "grant_type", &type)) {
        (void)kw_oauth_rate_stranger(call, KW_BYTES_NULL); /* its answer is the one or the other */
        return;
    }
    while (i < GRANT_COUNT && !kw_string_equals(type, GRANTS[i].type)) {
        i++;
    }
    call->way = i < GRANT_COUNT ? GRANTS[i].way : KW_TOKEN_WAY_OTHER;
    if (!kw_oauth_authenticate(call, &client)) {
        return;
    }
    if (i == GRANT_COUNT) {
        kw_oauth_answer_error(call, 400, type.len > 0 ? "unsupported_grant_type" : "invalid_request", "grant_type is missing or unknown");
    } else if (kw_oauth_may_use(call, &client, type)) {
        GRANTS[i].run(call, &client);
    }
}
