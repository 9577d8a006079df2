#include <keyway/bytes.h>

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

bool kw_utf8_is_valid(kw_string s, bool allow_nul)
{
    for (size_t i = 0; i < s.len;) {
        uint32_t point, smallest;
        const size_t len = sequence_of(s.data[i], &point, &smallest);
        if (len == 0 || len > s.len - i) {
            return false;
        }
        for (size_t j = 1; j < len; j++) {
            if ((s.data[i + j] & 0xC0) != 0x80) {
                return false;
            }
            point = point << 6 | (s.data[i + j] & 0x3Fu);
        }
        if (point < smallest || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF) || (point == 0 && !allow_nul)) {
            return false;
        }
        i += len;
    }
    return true;
}
