/* 72962B91-FA75-4AE6-8D28-B404DC7DAF63. OPC 10000-6, 5.1.3. */
#include "ua/text.h"

#define GUID_TEXT_LENGTH 36

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_dash_place(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

kw_status kw_guid_parse(kw_string text, kw_guid *out)
{
    uint8_t bytes[16] = {0};
    size_t digits = 0;
    if (text.len != GUID_TEXT_LENGTH) {
        return KW_BAD_SYNTAX_ERROR;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (is_dash_place(i)) {
            if (text.data[i] != '-') {
                return KW_BAD_SYNTAX_ERROR;
            }
            continue;
        }
        const int value = hex_digit(text.data[i]);
        if (value < 0) {
            return KW_BAD_SYNTAX_ERROR;
        }
        bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | value);
        digits++;
    }
    out->data1 = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    out->data2 = (uint16_t)(bytes[4] << 8 | bytes[5]);
    out->data3 = (uint16_t)(bytes[6] << 8 | bytes[7]);
    for (size_t i = 0; i < sizeof out->data4; i++) {
        out->data4[i] = bytes[8 + i];
    }
    return KW_GOOD;
}

kw_string kw_guid_format(kw_arena *arena, const kw_guid *guid)
{
    const uint8_t *d = guid->data4;
    return kw_arena_format(arena, "%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X", (unsigned)guid->data1, guid->data2, guid->data3, d[0],
                           d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
}
