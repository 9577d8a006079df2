#include "base/json_text.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>

static void put(kw_writer *w, const char *text)
{
    kw_write_raw(w, kw_string_from(text));
}

void kw_json_text_begin(kw_writer *w)
{
    kw_write_u8(w, '{');
}

void kw_json_text_end(kw_writer *w)
{
    kw_write_u8(w, '}');
}

static void put_character(kw_writer *w, kw_bytes character, uint32_t point)
{
    char escaped[8];
    if (point == '"' || point == '\\') {
        kw_write_u8(w, '\\');
    }
    if (point < 0x20 || point == 0x7F) {
        snprintf(escaped, sizeof(escaped), "\\u%04x", point);
        put(w, escaped);
        return;
    }
    kw_write_raw(w, character);
}

static void put_string(kw_writer *w, kw_string s, size_t max)
{
    size_t kept = 0;
    kw_write_u8(w, '"');
    while (s.len > 0) {
        uint32_t point = 0;
        const size_t len = kw_utf8_first(s, &point);
        const size_t used = len > 0 ? len : 1;
        if (kept + used > max) {
            put(w, "\xE2\x80\xA6"); /* … */
            break;
        }
        if (len > 0) {
            put_character(w, (kw_bytes){s.data, len}, point);
        } else {
            put(w, "\xEF\xBF\xBD"); /* U+FFFD */
        }
        kept += used;
        s = (kw_string){s.data + used, s.len - used};
    }
    kw_write_u8(w, '"');
}

/* Names are our own words: nothing in them needs escaping. */
static void put_name(kw_writer *w, const char *name)
{
    if (w->len > 0 && w->data[w->len - 1] != '{') {
        kw_write_u8(w, ',');
    }
    kw_write_u8(w, '"');
    put(w, name);
    put(w, "\":");
}

void kw_json_text_string(kw_writer *w, const char *name, kw_string value, size_t max)
{
    if (value.data != NULL) {
        put_name(w, name);
        put_string(w, value, max);
    }
}

void kw_json_text_int(kw_writer *w, const char *name, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRId64, value);
    put_name(w, name);
    put(w, digits);
}
