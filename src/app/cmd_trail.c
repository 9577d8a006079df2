/* keyway trail, keyway log: the audit trail, and the proof that nobody touched it. */
#include "app/directory.h"
#include "app/options.h"
#include "app/output.h"
#include "ua/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 500

static int trail_check(kw_directory *d, bool json)
{
    uint64_t count = 0, first_bad = 0;
    const kw_status status = kw_store_audit_verify(d->store, &count, &first_bad);
    if (status == KW_BAD_SECURITY_CHECKS_FAILED) {
        return kw_fail(status, "the audit trail was tampered with: record %" PRIu64 " is the first that does not fit", first_bad);
    }
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the audit trail could not be read");
    }
    if (json) {
        return kw_print_json(json_pack("{s:b,s:I}", "intact", 1, "records", (json_int_t)count));
    }
    printf("%" PRIu64 " records, the chain is intact\n", count);
    return KW_EXIT_DONE;
}

/* --- for people --------------------------------------------------------------------------------------------------------------- */

static bool needs_quotes(kw_string text)
{
    bool needs = text.len == 0;
    for (size_t i = 0; i < text.len; i++) {
        needs = needs || text.data[i] == ' ' || text.data[i] == '"' || text.data[i] == '=' || text.data[i] == '\\';
    }
    return needs;
}

static void print_value(kw_string text)
{
    const bool quotes = needs_quotes(text);
    fputs(quotes ? "\"" : "", stdout);
    for (size_t i = 0; i < text.len; i++) {
        if (quotes && (text.data[i] == '"' || text.data[i] == '\\')) {
            putchar('\\');
        }
        putchar(text.data[i]);
    }
    fputs(quotes ? "\"" : "", stdout);
}

/* What a record says beyond its columns: name=value, in its own order. */
static void print_detail(kw_arena *arena, kw_string detail)
{
    json_t *all = json_loadb((const char *)detail.data, detail.len, JSON_REJECT_DUPLICATES, NULL);
    const char *name;
    json_t *value;
    json_object_foreach(all, name, value)
    {
        char *other = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        const kw_string text =
            other != NULL ? kw_string_from(other) : (kw_string){(const uint8_t *)json_string_value(value), json_string_length(value)};
        printf("  %.*s=", KW_STRING_ARGS(kw_escaped(arena, kw_string_from(name))));
        print_value(kw_escaped(arena, text));
        free(other);
    }
    json_decref(all);
}

static void print_cell(kw_arena *arena, kw_string text, int width)
{
    const kw_string shown = text.len > 0 ? kw_escaped(arena, text) : KW_STRING("-");
    printf("  %-*.*s", width, KW_STRING_ARGS(shown));
}

static void print_record(kw_arena *arena, const kw_audit_record *record)
{
    printf("%6" PRIu64, record->sequence);
    print_cell(arena, kw_date_time_format(arena, record->time), 24);
    print_cell(arena, record->event, 18);
    print_cell(arena, kw_string_from(kw_status_name(record->status)), 28);
    print_cell(arena, record->user, 16);
    print_cell(arena, record->client, 24);
    print_detail(arena, record->detail);
    putchar('\n');
}

/* --- for both ------------------------------------------------------------------------------------------------------------------ */

static void trail_row(kw_arena *arena, const kw_audit_record *record, bool json)
{
    const kw_string time = kw_date_time_format(arena, record->time);
    if (!json) {
        print_record(arena, record);
        return;
    }
    json_t *line =
        json_pack("{s:I,s:o,s:o,s:o,s:s,s:o,s:o,s:o}", "sequence", (json_int_t)record->sequence, "time", kw_json_string(time), "event",
                  kw_json_string(record->event), "source", kw_json_string(record->source), "status", kw_status_name(record->status), "user",
                  kw_json_string(record->user), "client", kw_json_string(record->client), "detail", kw_json_string(record->detail));
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
}

/* JSON comes as one object per line: a trail has no end worth waiting for. */
static int trail_list(kw_directory *d, uint32_t after, bool json)
{
    uint64_t last = after;
    if (!json) {
        printf("%6s  %-24s  %-18s  %-28s  %-16s  %-24s  %s\n", "record", "time", "event", "status", "user", "client", "detail");
    }
    for (;;) {
        kw_audit_record *records;
        size_t count;
        const kw_status status = kw_store_audit_list(d->store, last, BATCH, d->arena, &records, &count);
        if (kw_status_is_bad(status)) {
            return kw_fail(status, "the audit trail could not be read");
        }
        for (size_t i = 0; i < count; i++) {
            trail_row(d->arena, &records[i], json);
            last = records[i].sequence;
        }
        if (count < BATCH) {
            return KW_EXIT_DONE;
        }
        kw_arena_reset(d->arena);
    }
}

/* The same trail by two names: each command has its words, first the one that lists, then the one that checks. */
typedef struct trail_words {
    const char *list, *check;
    bool is_always_json; /* listed for machines alone */
} trail_words;

static int trail_do(const kw_command *self, const char *directory, const char *word, const trail_words *words, uint32_t after, bool json)
{
    const bool is_list = strcmp(word, words->list) == 0;
    kw_directory d;
    if (!is_list && strcmp(word, words->check) != 0) {
        return kw_usage_error(self, "unknown word '%s'; use %s or %s", word, words->list, words->check);
    }
    int code = kw_directory_open(self, directory, &d);
    if (code >= 0) {
        return code;
    }
    code = is_list ? trail_list(&d, after, json || words->is_always_json) : trail_check(&d, json);
    kw_directory_close(&d);
    return code;
}

static int trail_command(const kw_command *self, int argc, char **argv, const trail_words *known)
{
    const char *directory = NULL;
    uint32_t after = 0;
    bool json = false;
    kw_option_list words;
    const kw_option table[] = {
        {"directory", 'd', KW_OPTION_TEXT, &directory, 0, 0},
        {"after", 0, KW_OPTION_NUMBER, &after, 0, UINT32_MAX},
        {"json", 0, KW_OPTION_FLAG, &json, 0, 0},
    };
    const int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    return kw_options_arguments(self, &words, 1, 1) ? trail_do(self, directory, words.items[0], known, after, json) : KW_EXIT_USAGE;
}

int kw_cmd_trail(const kw_command *self, int argc, char **argv)
{
    return trail_command(self, argc, argv, &(trail_words){"list", "check", false});
}

int kw_cmd_log(const kw_command *self, int argc, char **argv)
{
    return trail_command(self, argc, argv, &(trail_words){"export", "verify", true});
}
