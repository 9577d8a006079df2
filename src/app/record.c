#include "app/record.h"

#include "app/output.h"
#include "base/json_text.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_MAX 4096
#define DETAIL_MAX (4 * COMMAND_MAX)

static bool only_looks(int argc, char **argv, const char *verb)
{
    static const char *const LOOKS[] = {"list", "show", "check", "test"};
    bool looks = false;
    for (size_t i = 0; i < sizeof(LOOKS) / sizeof(LOOKS[0]); i++) {
        looks = looks || strcmp(verb, LOOKS[i]) == 0;
    }
    if (strcmp(verb, "lockouts") == 0) {
        looks = true;
        for (int i = 1; i < argc; i++) {
            looks = looks && strncmp(argv[i], "--clear", 7) != 0;
        }
    }
    return looks;
}

/* "role grant Operator --user alice": as it was typed; past COMMAND_MAX it is cut. */
static kw_string command_of(int argc, char **argv, kw_arena *arena)
{
    kw_string text = kw_string_from(argv[0]);
    for (int i = 1; i < argc && text.len < COMMAND_MAX; i++) {
        text = kw_arena_format(arena, "%.*s %s", KW_STRING_ARGS(text), argv[i]);
    }
    return text;
}

static kw_status record(kw_directory *d, int argc, char **argv, kw_status status)
{
    uint8_t buffer[DETAIL_MAX];
    kw_writer w;
    const struct passwd *account = getpwuid(getuid());
    kw_writer_init_fixed(&w, buffer, sizeof(buffer));
    kw_json_text_begin(&w);
    kw_json_text_string(&w, "command", command_of(argc, argv, d->arena), COMMAND_MAX / 2);
    kw_json_text_int(&w, "uid", getuid());
    kw_json_text_string(&w, "login", kw_string_from(account != NULL ? account->pw_name : NULL), COMMAND_MAX / 16);
    kw_json_text_end(&w);
    if (kw_status_is_bad(kw_writer_status(&w))) {
        return kw_writer_status(&w);
    }
    const kw_audit_record entry = {.event = KW_STRING("Command"),
                                   .source = kw_string_from(d->config->server.uri),
                                   .status = status,
                                   .client = KW_STRING("keyway"),
                                   .detail = kw_writer_bytes(&w)};
    return kw_store_audit_append(d->store, &entry);
}

int kw_directory_end(kw_directory *d, int argc, char **argv, const char *verb, int code)
{
    if (code != KW_EXIT_USAGE && !only_looks(argc, argv, verb)) { /* wrong usage changes nothing */
        const kw_status written = record(d, argc, argv, code == KW_EXIT_DONE ? KW_GOOD : kw_failure());
        if (kw_status_is_bad(written)) {
            code = kw_fail(written, "the audit trail could not be written");
        }
    }
    kw_directory_close(d);
    return code;
}
