#include "app/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 48

static const char *command_line(const kw_command *command)
{
    return command->synopsis != NULL ? command->synopsis : "";
}

int kw_usage_error(const kw_command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "keyway %s: ", command->name);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nusage: keyway %s %s\n", command->name, command_line(command));
    return KW_EXIT_USAGE;
}

static void print_help(const kw_command *command)
{
    printf("usage: keyway %s %s\n\n%s.\n", command->name, command_line(command), command->summary);
    if (command->help != NULL) {
        printf("\n%s", command->help);
    }
}

static bool looks_like_url(const char *word)
{
    return word != NULL && (strncmp(word, "opc.tcp://", 10) == 0 || strncmp(word, "https://", 8) == 0);
}

static bool store_number(const kw_option *option, const char *text)
{
    char *end = NULL;
    const unsigned long value = strtoul(text, &end, 10);
    if (*text == '\0' || *text == '-' || *end != '\0' || value < option->min || value > option->max) {
        return false;
    }
    *(uint32_t *)option->target = (uint32_t)value;
    return true;
}

static int store_option(const kw_command *command, const kw_option *option, int argc, char **argv)
{
    switch (option->kind) {
    case KW_OPTION_FLAG:
        *(bool *)option->target = true;
        break;
    case KW_OPTION_TEXT:
        *(const char **)option->target = optarg;
        break;
    case KW_OPTION_LIST: {
        kw_option_list *list = option->target;
        if (list->count == KW_OPTION_LIST_MAX) {
            return kw_usage_error(command, "--%s: at most %d of them", option->name, KW_OPTION_LIST_MAX);
        }
        list->items[list->count++] = optarg;
        break;
    }
    case KW_OPTION_NUMBER:
        if (!store_number(option, optarg)) {
            return kw_usage_error(command, "--%s: a number from %u to %u is needed, not '%s'", option->name, option->min, option->max,
                                  optarg);
        }
        break;
    case KW_OPTION_OPTIONAL_URL: {
        kw_optional_url *url = option->target;
        url->is_given = true;
        url->url = optarg;
        if (optarg == NULL && optind < argc && looks_like_url(argv[optind])) {
            url->url = argv[optind++];
            url->from_next = true;
        }
        break;
    }
    }
    return -1;
}

/* `read --authority opc.tcp://server NODE`: the only URL is the server's. */
static void give_back_url(const kw_option *options, size_t count, kw_option_list *arguments)
{
    if (arguments->count > 0 && looks_like_url(arguments->items[0])) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        kw_optional_url *url = options[i].kind == KW_OPTION_OPTIONAL_URL ? options[i].target : NULL;
        if (url != NULL && url->from_next && arguments->count < KW_OPTION_LIST_MAX) {
            memmove(&arguments->items[1], &arguments->items[0], arguments->count * sizeof(arguments->items[0]));
            arguments->items[0] = url->url;
            arguments->count++;
            url->url = NULL;
            url->from_next = false;
        }
    }
}

int kw_options_parse(const kw_command *command, int argc, char **argv, const kw_option *options, size_t count, bool wants_url,
                     kw_option_list *arguments)
{
    struct option table[OPTIONS_MAX + 2] = {{0}};
    char letters[2 * OPTIONS_MAX + 4] = "-:"; /* arguments come in place; errors are ours to word */
    size_t used = strlen(letters);
    for (size_t i = 0; i < count && i < OPTIONS_MAX; i++) {
        const int needs = options[i].kind == KW_OPTION_FLAG           ? no_argument
                          : options[i].kind == KW_OPTION_OPTIONAL_URL ? optional_argument
                                                                      : required_argument;
        table[i] = (struct option){options[i].name, needs, NULL, 256 + (int)i};
        if (options[i].letter != 0) {
            letters[used++] = options[i].letter;
            if (needs == required_argument) {
                letters[used++] = ':';
            }
        }
    }
    table[count] = (struct option){"help", no_argument, NULL, 'h'};
    letters[used] = '\0';
    arguments->count = 0;
    optind = 0;
    for (;;) {
        const int found = getopt_long(argc, argv, letters, table, NULL);
        if (found == -1) {
            break;
        }
        if (found == 'h') {
            print_help(command);
            return KW_EXIT_DONE;
        }
        if (found == ':') {
            return kw_usage_error(command, "%s needs a value", argv[optind - 1]);
        }
        if (found == '?') {
            return kw_usage_error(command, "unknown option %s", argv[optind - 1]);
        }
        if (found == 1) {
            if (arguments->count == KW_OPTION_LIST_MAX) {
                return kw_usage_error(command, "too many arguments");
            }
            arguments->items[arguments->count++] = optarg;
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            if (found == 256 + (int)i || (options[i].letter != 0 && found == options[i].letter)) {
                const int code = store_option(command, &options[i], argc, argv);
                if (code >= 0) {
                    return code;
                }
            }
        }
    }
    for (; optind < argc && arguments->count < KW_OPTION_LIST_MAX; optind++) { /* what follows "--" */
        arguments->items[arguments->count++] = argv[optind];
    }
    if (wants_url) {
        give_back_url(options, count, arguments);
    }
    return -1;
}

bool kw_options_arguments(const kw_command *command, const kw_option_list *arguments, size_t min, size_t max)
{
    if (arguments->count < min) {
        kw_usage_error(command, "an argument is missing");
        return false;
    }
    if (arguments->count > max) {
        kw_usage_error(command, "'%s' is too much", arguments->items[max]);
        return false;
    }
    return true;
}
