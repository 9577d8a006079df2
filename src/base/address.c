#include "base/address.h"

#include <stdio.h>
#include <string.h>

enum { GROUPS = 8, GROUPS_OF_NETWORK = 4 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* 1 to 4 digits; NULL: none or too many. */
static const char *take_group(const char *p, uint16_t *out)
{
    unsigned value = 0;
    int digits = 0;
    for (; hex_digit(*p) >= 0; p++, digits++) {
        value = value << 4 | (unsigned)hex_digit(*p);
        if (digits == 4) {
            return NULL;
        }
    }
    *out = (uint16_t)value;
    return digits > 0 ? p : NULL;
}

/* The groups before or after "::". NULL: malformed; otherwise where it stopped. */
static const char *take_groups(const char *p, uint16_t *groups, int *count)
{
    *count = 0;
    while (hex_digit(*p) >= 0) {
        if (*count == GROUPS) {
            return NULL;
        }
        p = take_group(p, &groups[*count]);
        if (p == NULL) {
            return NULL;
        }
        ++*count;
        if (p[0] != ':' || p[1] == ':') {
            break;
        }
        p++;
    }
    return p;
}

/* RFC 4291, 2.2, forms 1 and 2; a zone ("%eth0") does not matter. */
static bool parse_ipv6(const char *text, uint16_t out[GROUPS])
{
    uint16_t tail[GROUPS];
    int head_count = 0, tail_count = 0;
    memset(out, 0, GROUPS * sizeof(*out));
    const char *p = take_groups(text, out, &head_count);
    const bool is_short = p != NULL && p[0] == ':' && p[1] == ':';
    if (is_short) {
        p = take_groups(p + 2, tail, &tail_count);
    }
    if (p == NULL || (*p != '\0' && *p != '%')) {
        return false;
    }
    if (is_short ? head_count + tail_count >= GROUPS : head_count != GROUPS) {
        return false;
    }
    memcpy(out + GROUPS - tail_count, tail, (size_t)tail_count * sizeof(*out));
    return true;
}

kw_string kw_address_group(kw_string address, char buffer[KW_ADDRESS_GROUP_MAX])
{
    static const char MAPPED[] = "::ffff:";
    uint16_t g[GROUPS];
    char text[KW_ADDRESS_GROUP_MAX];
    snprintf(text, sizeof(text), "%.*s", KW_STRING_ARGS(address));
    if (strncmp(text, MAPPED, sizeof(MAPPED) - 1) == 0 && strchr(text, '.') != NULL) {
        snprintf(buffer, KW_ADDRESS_GROUP_MAX, "%s", text + sizeof(MAPPED) - 1);
    } else if (strchr(text, ':') != NULL && parse_ipv6(text, g)) {
        _Static_assert(GROUPS_OF_NETWORK == 4, "as many as are printed here");
        snprintf(buffer, KW_ADDRESS_GROUP_MAX, "%x:%x:%x:%x::/64", g[0], g[1], g[2], g[3]);
    } else {
        snprintf(buffer, KW_ADDRESS_GROUP_MAX, "%s", text);
    }
    return kw_string_from(buffer);
}
