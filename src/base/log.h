/*
 * Structured log lines: `2026-01-31T12:00:00.000Z level event key=value key="quoted value"`.
 *
 * Values are escaped (control characters, quotes, bytes that are not UTF-8) and capped in length, never used as a format,
 * so that bytes from outside can forge nothing. Secrets have no kw_field constructor. Thread safe.
 */
#ifndef KW_BASE_LOG_H
#define KW_BASE_LOG_H

#include <keyway/bytes.h>

typedef enum kw_log_level { KW_LOG_DEBUG, KW_LOG_INFO, KW_LOG_WARN, KW_LOG_ERROR } kw_log_level;

typedef struct kw_log {
    kw_log_level level;                                     /* lines below it are dropped */
    void (*write)(void *ctx, const char *line, size_t len); /* a whole line with its newline */
    void *ctx;
} kw_log;

typedef struct kw_field {
    const char *key;
    enum { KW_FIELD_STRING, KW_FIELD_INT, KW_FIELD_STATUS, KW_FIELD_HEX } kind;
    union {
        kw_bytes bytes;
        int64_t integer;
        kw_status status;
    } as;
} kw_field;

extern const kw_log KW_LOG_STDERR; /* level info */
extern const kw_log KW_LOG_QUIET;

kw_field kw_field_str(const char *key, kw_string value);
kw_field kw_field_text(const char *key, const char *value);
kw_field kw_field_int(const char *key, int64_t value);
kw_field kw_field_status(const char *key, kw_status value);
kw_field kw_field_hex(const char *key, kw_bytes value);

void kw_log_write(const kw_log *log, kw_log_level level, const char *event, const kw_field *fields, size_t count);

/* KW_LOG(log, KW_LOG_INFO, "session activated", kw_field_str("user", name), kw_field_int("session", id)); */
#define KW_LOG(log, level, event, ...)                                                                                                     \
    kw_log_write((log), (level), (event), (const kw_field[]){__VA_ARGS__}, sizeof((const kw_field[]){__VA_ARGS__}) / sizeof(kw_field))

#endif
