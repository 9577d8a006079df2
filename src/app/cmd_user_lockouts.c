/* keyway user lockouts: who is slowed down or locked out after failed attempts, and the way back in. */
#include "app/host.h"
#include "app/lockouts.h"
#include "app/options.h"
#include "app/output.h"
#include "identity/gate.h"
#include "ua/text.h"

#include <stdio.h>
#include <string.h>

/* Failures that count today, rounded up as the servers do it. */
static unsigned failures_now(const kw_lockout *row, int64_t now, int64_t fade)
{
    return (kw_lockout_left(row->failures, now > row->updated ? now - row->updated : 0, fade) + KW_LOCKOUT_ONE - 1) / KW_LOCKOUT_ONE;
}

/* "client:…" is of the kind "client". */
static size_t kind_len(kw_string key)
{
    const uint8_t *colon = key.len > 0 ? memchr(key.data, ':', key.len) : NULL;
    return colon != NULL ? (size_t)(colon - key.data) : key.len;
}

static json_t *row_json(const kw_lockout *row, unsigned failures, kw_string until)
{
    const size_t kind = kind_len(row->key);
    const size_t who = kind < row->key.len ? kind + 1 : kind;
    return json_pack("{s:o,s:o,s:o,s:I,s:o}", "key", kw_json_string(row->key), "kind", kw_json_string((kw_string){row->key.data, kind}),
                     "who", kw_json_string((kw_string){row->key.data + who, row->key.len - who}), "failures", (json_int_t)failures,
                     "lockedUntil", kw_json_string(until));
}

/* What has faded goes when a server next writes; nobody needs to see it until then. Returns how many are left. */
static size_t drop_faded(kw_lockout *rows, size_t count, int64_t fade, int64_t now)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].locked_until > now || failures_now(&rows[i], now, fade) > 0) {
            rows[left++] = rows[i];
        }
    }
    return left;
}

static int print_rows(kw_directory *d, const kw_lockout *rows, size_t count, int64_t fade, int64_t now, bool json)
{
    json_t *array = json ? json_array() : NULL;
    kw_table *table = json ? NULL : kw_table_new((const char *const[]){"KEY", "FAILURES", "LOCKED UNTIL"}, 3);
    for (size_t i = 0; i < count; i++) {
        const bool is_locked = rows[i].locked_until > now;
        const unsigned failures = failures_now(&rows[i], now, fade);
        const kw_string until = is_locked ? kw_date_time_format(d->arena, rows[i].locked_until) : KW_BYTES_NULL;
        if (json) {
            json_array_append_new(array, row_json(&rows[i], failures, until));
        } else {
            kw_table_cell_string(table, rows[i].key);
            kw_table_cell_string(table, kw_arena_format(d->arena, "%u", failures));
            kw_table_cell_string(table, is_locked ? until : KW_STRING("-"));
        }
    }
    if (json) {
        return kw_print_json(array);
    }
    kw_table_print(table);
    return KW_EXIT_DONE;
}

static int list(kw_directory *d, bool json)
{
    kw_lockout *rows;
    size_t count;
    const kw_status status = kw_store_lockout_list(d->store, d->arena, &rows, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the failed attempts could not be read");
    }
    kw_throttle_config throttle = KW_IDENTITY_CONFIG_DEFAULT.throttle;
    kw_plan_guessing(&throttle, &d->config->guessing);
    const int64_t fade = kw_throttle_rule(&throttle).fade, now = kw_clock_utc(&KW_CLOCK_SYSTEM);
    count = drop_faded(rows, count, fade, now);
    if (count == 0 && !json) {
        puts("nobody is slowed down or locked out");
        return KW_EXIT_DONE;
    }
    return print_rows(d, rows, count, fade, now, json);
}

static int clear_one(kw_directory *d, const char *key, bool json)
{
    const kw_status status = kw_store_lockout_clear(d->store, kw_string_from(key));
    if (status == KW_BAD_NOT_FOUND) {
        return kw_fail(status, "nothing is counted for '%s'; `keyway user lockouts` shows the keys", key);
    }
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "'%s' could not be cleared", key);
    }
    if (json) {
        return kw_print_json(json_pack("{s:i}", "cleared", 1));
    }
    printf("%.*s cleared\n", KW_STRING_ARGS(kw_escaped(d->arena, kw_string_from(key))));
    return KW_EXIT_DONE;
}

static int clear_all(kw_directory *d, bool json)
{
    size_t count = 0;
    const kw_status status = kw_store_lockout_clear_all(d->store, &count);
    if (kw_status_is_bad(status)) {
        return kw_fail(status, "the failed attempts could not be cleared");
    }
    if (json) {
        return kw_print_json(json_pack("{s:I}", "cleared", (json_int_t)count));
    }
    printf("%zu cleared\n", count);
    return KW_EXIT_DONE;
}

int kw_user_lockouts(const kw_command *self, kw_directory *d, const kw_lockouts_options *options, bool json)
{
    if (options->clear != NULL && options->clear_all) {
        return kw_usage_error(self, "give one of --clear KEY and --clear-all");
    }
    if (options->clear_all) {
        return clear_all(d, json);
    }
    return options->clear != NULL ? clear_one(d, options->clear, json) : list(d, json);
}
