/* keyway store: a copy of all that the nodes share, and the way back. */
#include "app/directory.h"
#include "app/options.h"
#include "app/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int say(const char *done, const char *file, uint64_t rows, bool json)
{
    if (json) {
        return kw_print_json(json_pack("{s:s,s:I}", "file", file, "rows", (json_int_t)rows));
    }
    printf("%s %s: %" PRIu64 " rows\n", done, file, rows);
    return KW_EXIT_DONE;
}

static int store_backup(const char *config, const char *file, bool json)
{
    kw_directory d;
    uint64_t rows = 0;
    kw_string why;
    int code = kw_directory_open_config(config, &d);
    if (code >= 0) {
        return code;
    }
    const kw_status status = kw_store_backup(d.store, file, d.arena, &rows, &why);
    code = kw_status_is_bad(status) ? kw_fail(status, "%s: %.*s", file, KW_STRING_ARGS(why)) : say("backed up to", file, rows, json);
    kw_directory_close(&d);
    return code;
}

static int store_restore(const char *config, const char *file, bool json)
{
    kw_directory d;
    uint64_t rows = 0;
    kw_string why;
    int code = kw_directory_load(config, &d);
    if (code >= 0) {
        return code;
    }
    const kw_status status = kw_store_restore(d.store_location, file, d.arena, &rows, &why);
    if (kw_status_is_bad(status)) {
        code = kw_fail(status, "%s to %.*s: %.*s", file, KW_STRING_ARGS(kw_store_location_name(d.store_location, d.arena)),
                       KW_STRING_ARGS(why));
    } else {
        code = say("restored from", file, rows, json);
    }
    kw_directory_close(&d);
    return code;
}

int kw_cmd_store(const kw_command *self, int argc, char **argv)
{
    const char *directory = NULL;
    bool json = false;
    kw_option_list words;
    const kw_option table[] = {
        {"directory", 'd', KW_OPTION_TEXT, &directory, 0, 0},
        {"json", 0, KW_OPTION_FLAG, &json, 0, 0},
    };
    int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 2, 2)) {
        return KW_EXIT_USAGE;
    }
    const bool is_backup = strcmp(words.items[0], "backup") == 0;
    if (!is_backup && strcmp(words.items[0], "restore") != 0) {
        return kw_usage_error(self, "unknown word '%s'; use backup or restore", words.items[0]);
    }
    if (directory == NULL) {
        return kw_usage_error(self, "-d DIR is missing (the folder that `keyway init` made)");
    }
    char *config = kw_directory_path(directory, KW_DIRECTORY_CONFIG);
    code = is_backup ? store_backup(config, words.items[1], json) : store_restore(config, words.items[1], json);
    free(config);
    return code;
}
