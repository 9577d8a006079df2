#include "ua/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

kw_string kw_base64_encode(kw_arena *arena, kw_bytes bytes)
{
    const size_t len = (bytes.len + 2) / 3 * 4;
    uint8_t *text = kw_arena_alloc(arena, len);
    if (text == NULL) {
        return KW_BYTES_NULL;
    }
    size_t at = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        const size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++) {
            group = group << 8 | (k < have ? bytes.data[i + k] : 0);
        }
        for (size_t k = 0; k < 4; k++) {
            text[at++] = (uint8_t)(k <= have ? alphabet[group >> (18 - 6 * k) & 0x3F] : '=');
        }
    }
    return (kw_string){text, len};
}

static int digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

kw_status kw_base64_decode(kw_string text, kw_arena *arena, kw_bytes *out)
{
    if (text.len % 4 != 0) {
        return KW_BAD_SYNTAX_ERROR;
    }
    size_t padding = 0;
    while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=') {
        padding++;
    }
    uint8_t *bytes = kw_arena_alloc(arena, text.len / 4 * 3);
    if (bytes == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    size_t len = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < text.len - padding; i++) {
        const int value = digit(text.data[i]);
        if (value < 0) {
            return KW_BAD_SYNTAX_ERROR;
        }
        bits = (bits << 6 | (uint32_t)value) & 0xFFFFu;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[len++] = (uint8_t)(bits >> held);
        }
    }
    if ((bits & ((1u << held) - 1)) != 0) {
        return KW_BAD_SYNTAX_ERROR;
    }
    *out = (kw_bytes){bytes, len};
    return KW_GOOD;
}
