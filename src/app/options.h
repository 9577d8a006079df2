/* Options as a table over getopt_long: long names, typed targets, the same error texts everywhere. */
#ifndef KW_APP_OPTIONS_H
#define KW_APP_OPTIONS_H

#include "app/app.h"

#include <stdbool.h>
#include <stddef.h>

#define KW_OPTION_LIST_MAX 64

typedef struct kw_option_list {
    const char *items[KW_OPTION_LIST_MAX];
    size_t count;
} kw_option_list;

typedef enum kw_option_kind {
    KW_OPTION_FLAG,        /* bool * */
    KW_OPTION_TEXT,        /* const char ** */
    KW_OPTION_LIST,        /* kw_option_list *: may be given several times */
    KW_OPTION_NUMBER,      /* uint32_t *: min … max */
    KW_OPTION_OPTIONAL_URL /* kw_optional_url *: `--x`, `--x=URL`, or `--x URL` when what follows looks like a URL */
} kw_option_kind;

typedef struct kw_optional_url {
    bool is_given;
    const char *url; /* NULL: not said */
    bool from_next;  /* taken from the word after it: kw_options_parse gives it back when a URL is missing among the arguments */
} kw_optional_url;

typedef struct kw_option {
    const char *name; /* long name */
    char letter;      /* or 0 */
    kw_option_kind kind;
    void *target;
    unsigned min, max; /* numbers */
} kw_option;

/*
 * Parse argv; options and arguments may be mixed. The arguments (not options) go to *arguments, at most KW_OPTION_LIST_MAX.
 * Returns -1 to go on, or the exit code: 2 after saying what is wrong on stderr, 0 after --help.
 * `wants_url`: the first argument is a URL; an optional URL taken from the next word is given back if there is none.
 */
int kw_options_parse(const kw_command *command, int argc, char **argv, const kw_option *options, size_t count, bool wants_url,
                     kw_option_list *arguments);

/* How many arguments there may be; says so on stderr otherwise. */
bool kw_options_arguments(const kw_command *command, const kw_option_list *arguments, size_t min, size_t max);
/* "keyway NAME: message" and the usage line; returns KW_EXIT_USAGE. */
int kw_usage_error(const kw_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
