/* keyway trail: the audit trail, and the proof that nobody touched it. */
#include "app/directory.h"
#include "app/options.h"
#include "app/output.h"
#include "ua/text.h"

#include <inttypes.h>
#include <stdio.h>
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

static void trail_row(kw_arena *arena, const kw_audit_record *record, bool json)
{
    const kw_string time = kw_date_time_format(arena, record->time);
    if (!json) {
        printf("%" PRIu64 "  %.*s  %-20.*s %-28s %.*s  %.*s\n", record->sequence, KW_STRING_ARGS(time),
               KW_STRING_ARGS(kw_escaped(arena, record->event)), kw_status_name(record->status),
               KW_STRING_ARGS(kw_escaped(arena, record->user)), KW_STRING_ARGS(kw_escaped(arena, record->client)));
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

int kw_cmd_trail(const kw_command *self, int argc, char **argv)
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
    int code = kw_options_parse(self, argc, argv, table, sizeof(table) / sizeof(table[0]), false, &words);
    if (code >= 0) {
        return code;
    }
    if (!kw_options_arguments(self, &words, 1, 1)) {
        return KW_EXIT_USAGE;
    }
    const bool is_list = strcmp(words.items[0], "list") == 0;
    if (!is_list && strcmp(words.items[0], "check") != 0) {
        return kw_usage_error(self, "unknown word '%s'; use list or check", words.items[0]);
    }
    kw_directory d;
    code = kw_directory_open(self, directory, &d);
    if (code >= 0) {
        return code;
    }
    code = is_list ? trail_list(&d, after, json) : trail_check(&d, json);
    kw_directory_close(&d);
    return code;
}
