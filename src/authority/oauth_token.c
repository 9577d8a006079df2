/* The token endpoint. RFC 6749, 3.2. */
#include "authority/oauth_internal.h"

static const struct {
    const char *type;
    void (*run)(kw_oauth_call *call, const kw_oauth_client *client);
} GRANTS[] = {
    {"client_credentials", kw_oauth_grant_client_credentials},
    {"authorization_code", kw_oauth_grant_code},
    {"urn:ietf:params:oauth:grant-type:device_code", kw_oauth_grant_device},
    {"urn:ietf:params:oauth:grant-type:token-exchange", kw_oauth_grant_exchange},
    {"refresh_token", kw_oauth_grant_refresh},
};

#define GRANT_COUNT (sizeof(GRANTS) / sizeof(GRANTS[0]))

static void grant(kw_oauth_call *call)
{
    kw_oauth_client client;
    kw_string type;
    if (!kw_oauth_parameter(call, "grant_type", &type) || !kw_oauth_authenticate(call, &client)) {
        return;
    }
    for (size_t i = 0; i < GRANT_COUNT; i++) {
        if (kw_string_equals(type, GRANTS[i].type)) {
            if (kw_oauth_may_use(call, &client, type)) {
                GRANTS[i].run(call, &client);
            }
            return;
        }
    }
    kw_oauth_answer_error(call, 400, type.len > 0 ? "unsupported_grant_type" : "invalid_request", "grant_type is missing or unknown");
}

void kw_oauth_token(kw_oauth_call *call)
{
    grant(call);
    kw_server_count_token(call->oauth->server, KW_TOKEN_WAY_OAUTH, call->response.status == 200);
}
