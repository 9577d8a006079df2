/* base64url without padding (RFC 7515, 2), canonical: one run of bytes has one text. */
#include "identity/jwt.h"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* −1: not in the alphabet. Padding, white space, '+' and '/' are not. */
static int value_of(uint8_t c)
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
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

kw_status kw_base64url_decode(kw_string text, kw_arena *arena, kw_bytes *out)
{
    if (text.len % 4 == 1) {
        return KW_BAD_DECODING_ERROR;
    }
    uint8_t *bytes = kw_arena_alloc(arena, text.len / 4 * 3 + 2);
    if (bytes == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    uint32_t held = 0;
    unsigned bits = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const int value = value_of(text.data[i]);
        if (value < 0) {
            return KW_BAD_DECODING_ERROR;
        }
        held = (held << 6 | (uint32_t)value) & 0xFFFu;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[len++] = (uint8_t)(held >> bits);
        }
    }
    if ((held & ((1u << bits) - 1u)) != 0) { /* bits that carry nothing must be zero */
        return KW_BAD_DECODING_ERROR;
    }
    *out = (kw_bytes){bytes, len};
    return KW_GOOD;
}

kw_string kw_base64url_encode(kw_arena *arena, kw_bytes bytes)
{
    uint8_t *text = kw_arena_alloc(arena, bytes.len / 3 * 4 + 4);
    size_t len = 0;
    uint32_t held = 0;
    unsigned bits = 0;
    if (text == NULL) {
        return KW_BYTES_NULL;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        held = (held << 8 | bytes.data[i]) & 0xFFFFu;
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            text[len++] = (uint8_t)ALPHABET[held >> bits & 63u];
        }
    }
    if (bits > 0) {
        text[len++] = (uint8_t)ALPHABET[held << (6 - bits) & 63u];
    }
    return (kw_string){text, len};
}
