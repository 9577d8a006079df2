#include "app/verbs.h"

#include "app/record.h"

#include <stdio.h>
#include <string.h>

/* "add, remove or list" */
static void join_names(char *out, size_t cap, const kw_verb *verbs)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; verbs[i].name != NULL && len < cap; i++) {
        const char *between = i == 0 ? "" : verbs[i + 1].name == NULL ? " or " : ", ";
        len += (size_t)snprintf(out + len, cap - len, "%s%s", between, verbs[i].name);
    }
}

/* NULL: said what is wrong. */
static const kw_verb *find_verb(const kw_command *self, const kw_verb *verbs, const kw_option_list *words)
{
    char names[256];
    const kw_verb *verb = verbs;
    join_names(names, sizeof(names), verbs);
    if (words->count == 0) {
        kw_usage_error(self, "what is to be done is missing; use %s", names);
        return NULL;
    }
    while (verb->name != NULL && strcmp(verb->name, words->items[0]) != 0) {
        verb++;
    }
    if (verb->name == NULL) {
        kw_usage_error(self, "unknown word '%s'; use %s", words->items[0], names);
        return NULL;
    }
    if (words->count < 2 && verb->thing != NULL && !verb->is_optional) {
        kw_usage_error(self, "%s is missing", verb->thing);
        return NULL;
    }
    return kw_options_arguments(self, words, 1, verb->thing != NULL ? 2 : 1) ? verb : NULL;
}

int kw_verbs_run(const kw_command *self, int argc, char **argv, const kw_verb *verbs, const kw_option *own, size_t own_count,
                 const void *values)
{
    kw_verb_call call = {.command = self, .options = values};
    const char *directory = NULL;
    kw_option_list words;
    kw_option options[KW_VERB_OPTIONS_MAX + 2] = {{"directory", 'd', KW_OPTION_TEXT, &directory, 0, 0},
                                                  {"json", 0, KW_OPTION_FLAG, &call.json, 0, 0}};
    for (size_t i = 0; i < own_count && i < KW_VERB_OPTIONS_MAX; i++) {
        options[i + 2] = own[i];
    }
    int code = kw_options_parse(self, argc, argv, options, own_count + 2, false, &words);
    if (code >= 0) {
        return code;
    }
    const kw_verb *verb = find_verb(self, verbs, &words);
    if (verb == NULL) {
        return KW_EXIT_USAGE;
    }
    call.thing = words.count > 1 ? words.items[1] : NULL;
    code = kw_directory_open(self, directory, &call.directory);
    if (code >= 0) {
        return code;
    }
    return kw_directory_end(&call.directory, argc, argv, verb->name, verb->run(&call));
}
