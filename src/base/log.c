#include "base/log.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define VALUE_MAX 1024 /* bytes of a value that are shown */

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

static void put_escaped(line *l, uint8_t c)
{
    char escape[5];
    if (c == '"' || c == '\\') {
        put(l, (const char[]){'\\', (char)c}, 2);
    } else {
        snprintf(escape, sizeof(escape), "\\x%02X", c);
        put(l, escape, 4);
    }
}

/* Whole UTF-8 text passes as it is, apart from control characters; anything else byte by byte. */
static void put_value(line *l, kw_bytes value)
{
    const size_t shown = value.len < VALUE_MAX ? value.len : VALUE_MAX;
    const bool is_text = kw_utf8_is_valid(value, false);
    bool plain = shown == value.len && shown > 0;
    for (size_t i = 0; i < shown; i++) {
        plain = plain && is_plain(value.data[i]);
    }
    if (plain) {
        put(l, (const char *)value.data, shown);
        return;
    }
    put(l, "\"", 1);
    for (size_t i = 0; i < shown; i++) {
        const uint8_t c = value.data[i];
        if (c == '"' || c == '\\' || c < 0x20 || c == 0x7F || (c >= 0x80 && !is_text)) {
            put_escaped(l, c);
        } else {
            put(l, (const char *)&value.data[i], 1);
        }
    }
    put_text(l, shown < value.len ? "...\"" : "\"");
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
        for (size_t i = 0; i < field->as.bytes.len && i < VALUE_MAX / 2; i++) {
            snprintf(number, sizeof(number), "%02X", field->as.bytes.data[i]);
            put(l, number, 2);
        }
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
