/* keyway config check: would this configuration start? */
#include "app/access_rules.h"
#include "app/key_file.h"
#include "app/options.h"
#include "app/output.h"

#include <stdio.h>
#include <string.h>

/* Would the token do its work? */
static int check_token(const kw_directory *d)
{
    kw_own_keys own;
    if (d->config->authority.key_token == NULL) {
        return -1;
    }
    int code = kw_own_keys_init(d, &own);
    code = code < 0 ? kw_own_keys_check(&own) : code;
    const kw_status status = code < 0 ? kw_key_file_try_token(&own.file) : KW_GOOD; /* no key may be wrapped yet */
    code = kw_status_is_bad(status) ? kw_key_file_fail(status, &own.file) : code;
    kw_own_keys_clear(&own);
    return code;
}

/* Are there such nodes, Roles and permissions? */
static int check_access(const kw_directory *d, const char *file)
{
    kw_access_view view;
    const int code = kw_access_view_open(file, d->config, d->store, &view);
    kw_access_view_close(&view);
    return code;
}

int kw_cmd_config(const kw_command *self, int argc, char **argv)
{
    const char *file = NULL;
    bool json = false;
    kw_option_list words;
    const kw_option table[] = {{"config", 'c', KW_OPTION_TEXT, &file, 0, 0}, {"json", 0, KW_OPTION_FLAG, &json, 0, 0}};
    int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 1, 2)) {
        return KW_EXIT_USAGE;
    }
    if (strcmp(words.items[0], "check") != 0) {
        return kw_usage_error(self, "unknown word '%s'; use check", words.items[0]);
    }
    if (file == NULL && words.count == 2) {
        file = words.items[1];
    }
    if (file == NULL) {
        return kw_usage_error(self, "-c FILE is missing");
    }
    kw_directory d;
    code = kw_directory_open_config(file, &d);
    if (code >= 0) {
        return code;
    }
    code = check_token(&d);
    code = code < 0 ? check_access(&d, file) : code;
    kw_directory_close(&d);
    if (code >= 0) {
        return code;
    }
    if (json) {
        return kw_print_json(json_pack("{s:s,s:b}", "file", file, "valid", 1));
    }
    printf("%s is in order\n", file);
    return KW_EXIT_DONE;
}
