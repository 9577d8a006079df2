#include "base/utf8.h"

/* Bytes of the sequence that starts with `lead`, and the smallest code point that needs that many; 0: no lead byte. */
static size_t sequence_of(uint8_t lead, uint32_t *bits, uint32_t *smallest)
{
    if (lead < 0x80) {
        *bits = lead;
        *smallest = 0;
        return 1;
    }
    if ((lead & 0xE0) == 0xC0) {
        *bits = lead & 0x1Fu;
        *smallest = 0x80;
        return 2;
    }
    if ((lead & 0xF0) == 0xE0) {
        *bits = lead & 0x0Fu;
        *smallest = 0x800;
        return 3;
    }
    if ((lead & 0xF8) == 0xF0) {
        *bits = lead & 0x07u;
        *smallest = 0x10000;
        return 4;
    }
    return 0;
}

size_t kw_utf8_first(kw_bytes text, uint32_t *point)
{
    uint32_t bits, smallest;
    const size_t len = text.len > 0 ? sequence_of(text.data[0], &bits, &smallest) : 0;
    if (len == 0 || len > text.len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((text.data[i] & 0xC0) != 0x80) {
            return 0;
        }
        bits = bits << 6 | (text.data[i] & 0x3Fu);
    }
    if (bits < smallest || bits > 0x10FFFF || (bits >= 0xD800 && bits <= 0xDFFF)) {
        return 0;
    }
    *point = bits;
    return len;
}

bool kw_utf8_is_valid(kw_string s, bool allow_nul)
{
    while (s.len > 0) {
        uint32_t point;
        const size_t len = kw_utf8_first(s, &point);
        if (len == 0 || (point == 0 && !allow_nul)) {
            return false;
        }
        s = (kw_string){s.data + len, s.len - len};
    }
    return true;
}
