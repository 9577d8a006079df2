#include "app/translations.h"

#include "app/output.h"

#include <jansson.h>
#include <stdlib.h>

#define EXIT_USAGE 2

static int refuse(const char *file, const char *text, const char *what)
{
    fprintf(stderr, "%s: \"%s\": %s; an entry looks like \"Speed\": {\"de\": \"Drehzahl\"}\n", file, text, what);
    return EXIT_USAGE;
}

static int add_text(kw_space *space, const char *file, const char *text, const json_t *translations)
{
    const char *locale;
    json_t *translation;
    if (!json_is_object(translations)) {
        return refuse(file, text, "no object of locales");
    }
    json_object_foreach((json_t *)(uintptr_t)translations, locale, translation)
    {
        if (!json_is_string(translation)) {
            return refuse(file, text, "a translation is not a text");
        }
        const kw_status status = kw_space_translate(space, text, locale, json_string_value(translation));
        if (status == KW_BAD_INVALID_ARGUMENT) {
            return refuse(file, text, "a locale has no language in it");
        }
        if (kw_status_is_bad(status)) {
            return refuse(file, text, "too many locales, or no memory");
        }
    }
    return -1;
}

int kw_translations_load(kw_space *space, const char *file)
{
    json_error_t error;
    json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
    int code = -1;
    if (root == NULL) {
        fprintf(stderr, "%s: line %d: %s; application.translations names a JSON file\n", file, error.line, error.text);
        return EXIT_USAGE;
    }
    const char *text;
    json_t *translations;
    json_object_foreach(root, text, translations)
    {
        code = code < 0 ? add_text(space, file, text, translations) : code;
    }
    json_decref(root);
    return code;
}
