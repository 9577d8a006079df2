#include <keyway/bytes.h>

#include <string.h>

kw_string kw_string_from(const char *text)
{
    return text != NULL ? (kw_string){(const uint8_t *)text, strlen(text)} : KW_BYTES_NULL;
}

bool kw_bytes_equal(kw_bytes a, kw_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool kw_string_equals(kw_string s, const char *text)
{
    return text != NULL && kw_bytes_equal(s, kw_string_from(text));
}

int kw_bytes_compare(kw_bytes a, kw_bytes b)
{
    if (a.len != b.len) {
        return a.len < b.len ? -1 : 1;
    }
    return a.len == 0 ? 0 : memcmp(a.data, b.data, a.len);
}
