/* keyway key: the keys that sign access tokens. */
#include "app/directory.h"
#include "app/options.h"
#include "app/output.h"
#include "app/record.h"
#include "authority/authority.h"
#include "ua/text.h"

#include <stdio.h>
#include <string.h>

static int key_list(kw_directory *d, bool json)
{
    kw_signing_key *keys;
    size_t count;
    const kw_status status = kw_store_key_list(d->store, d->arena, &keys, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the signing keys could not be read");
    }
    json_t *array = json_array();
    kw_table *table = json ? NULL : kw_table_new((const char *const[]){"KEY", "ALGORITHM", "STATE", "UNTIL"}, 4);
    for (size_t i = 0; i < count; i++) {
        const kw_string until = kw_date_time_format(d->arena, keys[i].not_after);
        const char *state = keys[i].is_active ? "signs" : "verifies";
        if (json) {
            json_array_append_new(array, json_pack("{s:o,s:o,s:s,s:o}", "id", kw_json_string(keys[i].id), "alg",
                                                   kw_json_string(keys[i].alg), "state", state, "notAfter", kw_json_string(until)));
        } else {
            kw_table_cell_string(table, keys[i].id);
            kw_table_cell_string(table, keys[i].alg);
            kw_table_cell(table, state);
            kw_table_cell_string(table, until);
        }
        kw_wipe((void *)keys[i].private_key.data, keys[i].private_key.len);
    }
    if (json) {
        return kw_print_json(array);
    }
    json_decref(array);
    kw_table_print(table);
    return KW_EXIT_DONE;
}

static int key_rotate(kw_directory *d)
{
    const char *alg = d->config->authority.signing_algorithm;
    const kw_status status = kw_authority_create_key(d->store, kw_string_from(d->config->authority.service_uri),
                                                     kw_string_from(alg != NULL ? alg : "RS256"), &KW_CLOCK_SYSTEM, &KW_RANDOM_SYSTEM);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "a new signing key could not be made");
    }
    printf("a new key signs from now on; tokens of the former ones stay good until they expire\n");
    return KW_EXIT_DONE;
}

int kw_cmd_key(const kw_command *self, int argc, char **argv)
{
    const char *directory = NULL;
    bool json = false;
    kw_option_list words;
    const kw_option table[] = {{"directory", 'd', KW_OPTION_TEXT, &directory, 0, 0}, {"json", 0, KW_OPTION_FLAG, &json, 0, 0}};
    int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 1, 1)) {
        return KW_EXIT_USAGE;
    }
    const bool is_list = strcmp(words.items[0], "list") == 0;
    if (!is_list && strcmp(words.items[0], "rotate") != 0) {
        return kw_usage_error(self, "unknown word '%s'; use list or rotate", words.items[0]);
    }
    kw_directory d;
    code = kw_directory_open(self, directory, &d);
    if (code >= 0) {
        return code;
    }
    code = is_list ? key_list(&d, json) : key_rotate(&d);
    return kw_directory_end(&d, argc, argv, words.items[0], code);
}
