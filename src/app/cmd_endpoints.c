/* keyway endpoints URL: what a server offers, and by which tokens. */
#include "app/connect.h"
#include "app/output.h"
#include "crypto/certificate.h"
#include "crypto/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_ARENA ((size_t)64 << 20)

static const char *mode_name(kw_message_security_mode mode)
{
    static const char *const NAMES[] = {"Invalid", "None", "Sign", "SignAndEncrypt"};
    return mode >= 0 && mode <= KW_MESSAGE_SECURITY_MODE_SIGN_AND_ENCRYPT ? NAMES[mode] : "Invalid";
}

static const char *token_name(kw_user_token_type type)
{
    static const char *const NAMES[] = {"Anonymous", "UserName", "Certificate", "IssuedToken"};
    return type >= 0 && type <= KW_USER_TOKEN_TYPE_ISSUED_TOKEN ? NAMES[type] : "?";
}

static kw_string policy_name(kw_string uri)
{
    const uint8_t *hash = uri.data != NULL ? memrchr(uri.data, '#', uri.len) : NULL;
    return hash != NULL ? (kw_string){hash + 1, uri.len - (size_t)(hash + 1 - uri.data)} : uri;
}

static kw_string thumbprint_of(kw_arena *arena, kw_bytes der)
{
    kw_certificate *certificate = NULL;
    if (der.len == 0 || kw_status_is_bad(kw_certificate_parse(der, &certificate))) {
        return KW_BYTES_NULL;
    }
    const kw_string text = kw_arena_copy(arena, kw_string_from(kw_certificate_thumbprint_hex(certificate)));
    kw_certificate_release(certificate);
    return text;
}

static json_t *tokens_json(const kw_endpoint_description *e)
{
    json_t *array = json_array();
    for (size_t i = 0; i < e->user_identity_tokens_count; i++) {
        const kw_user_token_policy *p = &e->user_identity_tokens[i];
        json_array_append_new(array, json_pack("{s:o,s:s,s:o,s:o,s:o}", "policyId", kw_json_string(p->policy_id), "tokenType",
                                               token_name(p->token_type), "securityPolicyUri", kw_json_string(p->security_policy_uri),
                                               "issuedTokenType", kw_json_string(p->issued_token_type), "issuerEndpointUrl",
                                               kw_json_string(p->issuer_endpoint_url)));
    }
    return array;
}

static int print_json(kw_arena *arena, const kw_endpoint_description *endpoints, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        const kw_endpoint_description *e = &endpoints[i];
        json_array_append_new(
            array, json_pack("{s:o,s:o,s:s,s:o,s:i,s:o,s:o}", "endpointUrl", kw_json_string(e->endpoint_url), "applicationUri",
                             kw_json_string(e->server.application_uri), "securityMode", mode_name(e->security_mode), "securityPolicyUri",
                             kw_json_string(e->security_policy_uri), "securityLevel", (int)e->security_level, "serverCertificateThumbprint",
                             kw_json_string(thumbprint_of(arena, e->server_certificate)), "userIdentityTokens", tokens_json(e)));
    }
    return kw_print_json(array);
}

static kw_string tokens_text(kw_arena *arena, const kw_endpoint_description *e)
{
    kw_string text = KW_STRING("");
    for (size_t i = 0; i < e->user_identity_tokens_count; i++) {
        const kw_user_token_policy *p = &e->user_identity_tokens[i];
        const kw_string policy = policy_name(p->security_policy_uri);
        text = kw_arena_format(arena, "%.*s%s%s%s%.*s%s", KW_STRING_ARGS(text), i > 0 ? ", " : "", token_name(p->token_type),
                               policy.len > 0 ? "(" : "", KW_STRING_ARGS(policy), policy.len > 0 ? ")" : "");
    }
    return text;
}

static int print_table(kw_arena *arena, const kw_endpoint_description *endpoints, size_t count)
{
    kw_table *table = kw_table_new((const char *const[]){"LEVEL", "MODE", "POLICY", "URL", "USERS"}, 5);
    for (size_t i = 0; i < count; i++) {
        const kw_endpoint_description *e = &endpoints[i];
        kw_table_cell_string(table, kw_arena_format(arena, "%u", e->security_level));
        kw_table_cell(table, mode_name(e->security_mode));
        kw_table_cell_string(table, policy_name(e->security_policy_uri));
        kw_table_cell_string(table, e->endpoint_url);
        kw_table_cell_string(table, tokens_text(arena, e));
    }
    if (count > 0) {
        printf("Server       %.*s (%.*s)\n", KW_STRING_ARGS(kw_escaped(arena, endpoints[0].server.application_name.text)),
               KW_STRING_ARGS(kw_escaped(arena, endpoints[0].server.application_uri)));
        printf("Certificate  %.*s\n\n", KW_STRING_ARGS(thumbprint_of(arena, endpoints[0].server_certificate)));
    }
    kw_table_print(table);
    return KW_EXIT_DONE;
}

int kw_cmd_endpoints(const kw_command *self, int argc, char **argv)
{
    kw_connect_options options = {0};
    kw_option rows[KW_CONNECT_OPTIONS];
    kw_option_list words;
    kw_client *client = NULL;
    kw_endpoint_description *endpoints = NULL;
    size_t count = 0;
    int code = kw_options_parse(self, argc, argv, rows, kw_connect_option_rows(&options, rows), false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 1, 1)) {
        return KW_EXIT_USAGE;
    }
    code = kw_connect_client(self, &options, &client);
    if (code >= 0) {
        return code;
    }
    kw_arena *arena = kw_arena_new(ANSWER_ARENA);
    const kw_status status =
        arena != NULL ? kw_client_get_endpoints(client, words.items[0], arena, &endpoints, &count) : KW_BAD_OUT_OF_MEMORY;
    if (kw_status_is_bad(status)) {
        code = kw_fail(status, "%s", kw_client_error(client));
    } else {
        code = options.json ? print_json(arena, endpoints, count) : print_table(arena, endpoints, count);
    }
    kw_arena_free(arena);
    kw_client_free(client);
    return code;
}
