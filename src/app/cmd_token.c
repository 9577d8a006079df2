/* keyway token: an access token from an Authorization Service. */
#include "app/connect.h"
#include "app/directory.h"
#include "app/output.h"
#include "ua/text.h"

#include <stdio.h>
#include <unistd.h>

#define TOKEN_ARENA ((size_t)16 << 20)

typedef struct token_options {
    kw_connect_options connect;
    const char *resource;
    const char *refresh_file; /* the refresh token of the last time, and of this time after that */
    kw_option_list roles;
    const char *service; /* BrowseName; NULL: the first */
    bool one_step;
} token_options;

static int parse(const kw_command *self, int argc, char **argv, token_options *o)
{
    kw_option rows[KW_CONNECT_OPTIONS + 5];
    kw_option_list words;
    size_t count = kw_connect_option_rows(&o->connect, rows);
    rows[count++] = (kw_option){"resource", 0, KW_OPTION_TEXT, &o->resource, 0, 0};
    rows[count++] = (kw_option){"role", 0, KW_OPTION_LIST, &o->roles, 0, 0};
    rows[count++] = (kw_option){"refresh-file", 0, KW_OPTION_TEXT, &o->refresh_file, 0, 0};
    rows[count++] = (kw_option){"service", 0, KW_OPTION_TEXT, &o->service, 0, 0};
    rows[count++] = (kw_option){"one-step", 0, KW_OPTION_FLAG, &o->one_step, 0, 0};
    const int code = kw_options_parse(self, argc, argv, rows, count, false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 0, 0)) {
        return KW_EXIT_USAGE;
    }
    return o->connect.authority.url != NULL && o->resource != NULL ? -1
                                                                   : kw_usage_error(self, "--authority URL and --resource URI are needed");
}

static kw_string time_text(kw_arena *arena, kw_date_time time)
{
    return time != 0 ? kw_date_time_format(arena, time) : KW_BYTES_NULL;
}

static int print_grant(const token_options *o, const kw_token_grant *grant, kw_arena *arena)
{
    if (!o->connect.json) {
        printf("%.*s\n", KW_STRING_ARGS(grant->access_token));
        return KW_EXIT_DONE;
    }
    return kw_print_json(json_pack("{s:o,s:o,s:o,s:o}", "accessToken", kw_json_string(grant->access_token), "expires",
                                   kw_json_string(time_text(arena, grant->expires)), "refreshToken", kw_json_string(grant->refresh_token),
                                   "refreshExpires", kw_json_string(time_text(arena, grant->refresh_expires))));
}

/* A refresh token is good once: the next one is kept before anything else is done. */
static int keep_refresh_token(const char *file, const kw_token_grant *grant)
{
    if (file == NULL || grant->refresh_token.len == 0) {
        return -1;
    }
    const kw_status status = kw_replace_file(file, grant->refresh_token.data, grant->refresh_token.len, 0600);
    return kw_status_is_bad(status) ? kw_fail(status, "%s: the refresh token cannot be written here", file) : -1;
}

static int get_token(kw_client *client, const token_options *o, const kw_client_identity *identity, kw_string refresh_token)
{
    const char *roles[KW_OPTION_LIST_MAX + 1] = {NULL};
    kw_token_grant grant;
    kw_arena *arena = kw_arena_new(TOKEN_ARENA);
    if (arena == NULL) {
        return kw_fail(KW_BAD_OUT_OF_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < o->roles.count; i++) {
        roles[i] = o->roles.items[i];
    }
    const kw_client_token_wish wish = {.authority_url = o->connect.authority.url,
                                       .resource = o->resource,
                                       .self = identity,
                                       .refresh_token = refresh_token,
                                       .roles = o->roles.count > 0 ? roles : NULL,
                                       .one_step = o->one_step,
                                       .service = o->service};
    const kw_status status = kw_client_get_token(client, &wish, arena, &grant);
    int code = kw_status_is_bad(status) ? kw_fail(status, "%s", kw_client_error(client)) : keep_refresh_token(o->refresh_file, &grant);
    code = code < 0 ? print_grant(o, &grant, arena) : code;
    kw_arena_free(arena);
    return code;
}

int kw_cmd_token(const kw_command *self, int argc, char **argv)
{
    token_options o = {.resource = NULL};
    kw_client *client = NULL;
    kw_secret secret = KW_SECRET_NONE, refresh_token = KW_SECRET_NONE;
    kw_client_identity identity;
    int code = parse(self, argc, argv, &o);
    if (code >= 0) {
        return code;
    }
    code = kw_connect_identity(self, &o.connect, &secret, &identity);
    if (code < 0 && o.refresh_file != NULL && access(o.refresh_file, F_OK) == 0) {
        code = kw_connect_token_file(o.refresh_file, &refresh_token);
    }
    code = code < 0 ? kw_connect_client(self, &o.connect, &client) : code;
    code = code < 0 ? get_token(client, &o, &identity, kw_secret_bytes(&refresh_token)) : code;
    kw_client_free(client);
    kw_secret_clear(&secret);
    kw_secret_clear(&refresh_token);
    return code;
}
