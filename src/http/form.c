#include "http/form.h"

#include "base/try.h"

#include <string.h>

#define FIELDS_MAX 100

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const uint8_t lower = c | 0x20u;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static kw_status decode(kw_string text, kw_arena *arena, kw_string *out)
{
    uint8_t *bytes = kw_arena_alloc(arena, text.len + 1);
    size_t len = 0;
    if (bytes == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '%') {
            const int high = i + 2 < text.len ? digit(text.data[i + 1]) : -1;
            const int low = high >= 0 ? digit(text.data[i + 2]) : -1;
            if (low < 0) {
                return KW_BAD_DECODING_ERROR;
            }
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        bytes[len++] = c;
    }
    *out = (kw_string){bytes, len};
    return kw_utf8_is_valid(*out, false) ? KW_GOOD : KW_BAD_DECODING_ERROR;
}

/* Cuts what is before the first `end` off *rest; the whole rest when there is none. */
static kw_string cut(kw_string *rest, uint8_t end)
{
    const uint8_t *at = rest->len > 0 ? memchr(rest->data, end, rest->len) : NULL;
    const size_t len = at != NULL ? (size_t)(at - rest->data) : rest->len;
    const kw_string part = {rest->data, len};
    const size_t taken = at != NULL ? len + 1 : len;
    *rest = (kw_string){rest->data + taken, rest->len - taken};
    return part;
}

static size_t count_parts(kw_string text)
{
    size_t count = text.len > 0;
    for (size_t i = 0; i < text.len; i++) {
        count += text.data[i] == '&';
    }
    return count;
}

kw_status kw_http_form_parse(kw_string text, kw_arena *arena, kw_http_form *out)
{
    const size_t count = count_parts(text);
    *out = (kw_http_form){.count = 0};
    if (count > FIELDS_MAX) {
        return KW_BAD_ENCODING_LIMITS_EXCEEDED;
    }
    out->fields = KW_ARENA_ARRAY(arena, kw_http_field, count);
    if (out->fields == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    while (text.len > 0) {
        kw_string value = cut(&text, '&');
        const kw_string name = cut(&value, '=');
        if (name.len == 0) {
            continue;
        }
        kw_http_field *field = &out->fields[out->count];
        KW_TRY(decode(name, arena, &field->name));
        KW_TRY(decode(value, arena, &field->value));
        out->count++;
    }
    return KW_GOOD;
}

kw_string kw_http_form_get(const kw_http_form *form, const char *name, bool *twice)
{
    kw_string value = KW_BYTES_NULL;
    bool is_found = false;
    for (size_t i = 0; i < form->count; i++) {
        if (!kw_string_equals(form->fields[i].name, name)) {
            continue;
        }
        if (is_found && twice != NULL) {
            *twice = true;
        }
        if (!is_found && form->fields[i].value.len > 0) {
            value = form->fields[i].value;
        }
        is_found = true;
    }
    return value;
}

static bool is_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' || c == '~';
}

kw_string kw_http_form_encode(kw_arena *arena, kw_string text)
{
    static const char DIGITS[] = "0123456789ABCDEF";
    uint8_t *out = kw_arena_array(arena, text.len + 1, 3);
    size_t len = 0;
    if (out == NULL) {
        return KW_BYTES_NULL;
    }
    for (size_t i = 0; i < text.len; i++) {
        const uint8_t c = text.data[i];
        if (is_plain(c)) {
            out[len++] = c;
            continue;
        }
        out[len++] = '%';
        out[len++] = (uint8_t)DIGITS[c >> 4];
        out[len++] = (uint8_t)DIGITS[c & 15];
    }
    return (kw_string){out, len};
}
