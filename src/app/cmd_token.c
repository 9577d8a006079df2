/* keyway token: an access token from an Authorization Service. */
#include "app/connect.h"
#include "app/output.h"

#include <stdio.h>

#define TOKEN_ARENA ((size_t)16 << 20)

int kw_cmd_token(const kw_command *self, int argc, char **argv)
{
    kw_connect_options options = {0};
    const char *resource = NULL;
    kw_option rows[KW_CONNECT_OPTIONS + 1];
    kw_option_list words;
    kw_client *client = NULL;
    kw_secret secret = KW_SECRET_NONE;
    kw_client_identity identity;
    kw_string token = KW_BYTES_NULL;
    size_t count = kw_connect_option_rows(&options, rows);
    rows[count++] = (kw_option){"resource", 0, KW_OPTION_TEXT, &resource, 0, 0};
    int code = kw_options_parse(self, argc, argv, rows, count, false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 0, 0)) {
        return KW_EXIT_USAGE;
    }
    if (options.authority.url == NULL || resource == NULL) {
        return kw_usage_error(self, "--authority URL and --resource URI are needed");
    }
    code = kw_connect_identity(self, &options, &secret, &identity);
    code = code < 0 ? kw_connect_client(self, &options, &client) : code;
    if (code < 0) {
        kw_arena *arena = kw_arena_new(TOKEN_ARENA);
        const kw_status status = arena != NULL ? kw_client_request_token(client, options.authority.url, resource, &identity, arena, &token)
                                               : KW_BAD_OUT_OF_MEMORY;
        if (kw_status_is_bad(status)) {
            code = kw_fail(status, "%s", kw_client_error(client));
        } else if (options.json) {
            code = kw_print_json(json_pack("{s:o}", "accessToken", kw_json_string(token)));
        } else {
            printf("%.*s\n", KW_STRING_ARGS(token));
            code = KW_EXIT_DONE;
        }
        kw_arena_free(arena);
    }
    kw_client_free(client);
    kw_secret_clear(&secret);
    return code;
}
