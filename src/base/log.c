#include "base/log.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define VALUE_MAX 1024             /* bytes that a value takes, escapes included */
#define FIELD_MAX (VALUE_MAX + 64) /* with its key, which is ours and short, and its quotes */

typedef struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
} line;

static void put(line *l, const char *text, size_t len)
{
    const size_t room = sizeof(l->text) - 1 - l->len; /* the newline always fits */
    const size_t used = len < room ? len : room;
    memcpy(l->text + l->len, text, used);
    l->len += used;
}

static void put_text(line *l, const char *text)
{
    put(l, text, strlen(text));
}

static bool is_plain(uint8_t c)
{
    return c > 0x20 && c < 0x7F && c != '"' && c != '=' && c != '\\';
}

/* Controls (of both ranges) could drive a terminal, separators break the line, directions turn it around. */
static bool is_unsafe(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x200E || point == 0x200F || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069);
}

/* What the first code point of `value` (or its first byte, when that is not UTF-8) looks like: bytes taken, and text of at most 16. */
static size_t show_first(kw_bytes value, char text[17], size_t *shown)
{
    uint32_t point = 0;
    const size_t len = kw_utf8_first(value, &point);
    if (len > 0 && !is_unsafe(point)) {
        *shown = (size_t)snprintf(text, 17, "%s%.*s", point == '"' || point == '\\' ? "\\" : "", (int)len, (const char *)value.data);
        return len;
    }
    *shown = 0;
    for (size_t i = 0; i < (len > 0 ? len : 1); i++) {
        *shown += (size_t)snprintf(text + *shown, 17 - *shown, "\\x%02X", value.data[i]);
    }
    return len > 0 ? len : 1;
}

static bool value_is_plain(kw_bytes value)
{
    bool plain = value.len > 0 && value.len <= VALUE_MAX;
    for (size_t i = 0; plain && i < value.len; i++) {
        plain = is_plain(value.data[i]);
    }
    return plain;
}

static void put_value(line *l, kw_bytes value)
{
    if (value_is_plain(value)) {
        put(l, (const char *)value.data, value.len);
        return;
    }
    put(l, "\"", 1);
    for (size_t used = 0; value.len > 0;) {
        char text[17];
        size_t shown;
        const size_t len = show_first(value, text, &shown);
        if (used + shown > VALUE_MAX) {
            put_text(l, "...");
            break;
        }
        put(l, text, shown);
        used += shown;
        value = (kw_bytes){value.data + len, value.len - len};
    }
    put(l, "\"", 1);
}

static void put_hex(line *l, kw_bytes value)
{
    char text[3];
    const size_t shown = value.len < VALUE_MAX / 2 ? value.len : VALUE_MAX / 2;
    for (size_t i = 0; i < shown; i++) {
        snprintf(text, sizeof(text), "%02X", value.data[i]);
        put(l, text, 2);
    }
    put_text(l, shown < value.len ? "..." : "");
}

static void put_field(line *l, const kw_field *field)
{
    char number[32];
    put(l, " ", 1);
    put_text(l, field->key);
    put(l, "=", 1);
    switch (field->kind) {
    case KW_FIELD_STRING:
        put_value(l, field->as.bytes);
        break;
    case KW_FIELD_INT:
        snprintf(number, sizeof(number), "%" PRId64, field->as.integer);
        put_text(l, number);
        break;
    case KW_FIELD_STATUS:
        put_text(l, kw_status_name(field->as.status));
        break;
    case KW_FIELD_HEX:
        put_hex(l, field->as.bytes);
        break;
    }
}

static void put_time(line *l)
{
    char text[40], with_ms[48];
    const int64_t ticks = kw_clock_utc(&KW_CLOCK_SYSTEM);
    const time_t seconds = (time_t)kw_datetime_to_unix(ticks);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(with_ms, sizeof(with_ms), "%s.%03dZ ", text, (int)(ticks % KW_TICKS_PER_S / KW_TICKS_PER_MS));
    put_text(l, with_ms);
}

void kw_log_write(const kw_log *log, kw_log_level level, const char *event, const kw_field *fields, size_t count)
{
    static const char *const LEVELS[] = {"debug", "info", "warn", "error"};
    line l = {.len = 0};
    if (level < log->level || log->write == NULL) {
        return;
    }
    put_time(&l);
    put_text(&l, LEVELS[level]);
    put(&l, " ", 1);
    put_value(&l, kw_string_from(event));
    for (size_t i = 0; i < count; i++) {
        if (sizeof(l.text) - l.len < FIELD_MAX) {
            put_text(&l, " ...");
            break;
        }
        put_field(&l, &fields[i]);
    }
    l.text[l.len++] = '\n';
    log->write(log->ctx, l.text, l.len);
}

kw_field kw_field_str(const char *key, kw_string value)
{
    return (kw_field){.key = key, .kind = KW_FIELD_STRING, .as.bytes = value};
}

kw_field kw_field_text(const char *key, const char *value)
{
    return kw_field_str(key, kw_string_from(value));
}

kw_field kw_field_int(const char *key, int64_t value)
{
    return (kw_field){.key = key, .kind = KW_FIELD_INT, .as.integer = value};
}

kw_field kw_field_status(const char *key, kw_status value)
{
    return (kw_field){.key = key, .kind = KW_FIELD_STATUS, .as.status = value};
}

kw_field kw_field_hex(const char *key, kw_bytes value)
{
    return (kw_field){.key = key, .kind = KW_FIELD_HEX, .as.bytes = value};
}

/* One write(2) per line: lines of several threads do not mix. */
static void write_stderr(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    if (write(STDERR_FILENO, text, len) < 0) {
        return; /* nobody is left to tell */
    }
}

const kw_log KW_LOG_STDERR = {KW_LOG_INFO, write_stderr, NULL};
const kw_log KW_LOG_QUIET = {KW_LOG_ERROR, NULL, NULL};
