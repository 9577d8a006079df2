#include "http/address.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct address_range {
    uint8_t prefix[16];
    uint8_t bits;
    kw_address_kind kind;
} address_range;

/* The first that fits. */
static const address_range IPV4[] = {
    {{127}, 8, KW_ADDRESS_LOOPBACK},
    {{169, 254}, 16, KW_ADDRESS_LINK_LOCAL},
    {{100, 100, 100, 200}, 32, KW_ADDRESS_LINK_LOCAL}, /* metadata services outside of 169.254 */
    {{192, 0, 0, 192}, 32, KW_ADDRESS_LINK_LOCAL},
    {{0}, 8, KW_ADDRESS_UNUSABLE},
    {{224}, 3, KW_ADDRESS_UNUSABLE}, /* multicast, reserved, broadcast */
};

static const address_range IPV6[] = {
    {{[15] = 1}, 128, KW_ADDRESS_LOOPBACK},    {{0}, 128, KW_ADDRESS_UNUSABLE},
    {{0xfe, 0x80}, 10, KW_ADDRESS_LINK_LOCAL}, {{0xfd, 0x00, 0x0e, 0xc2}, 32, KW_ADDRESS_LINK_LOCAL}, /* a metadata service again */
    {{0xff}, 8, KW_ADDRESS_UNUSABLE},
};

/* Where an IPv4 address stands in an IPv6 one. */
static const struct {
    uint8_t prefix[16];
    uint8_t bits, offset;
} EMBEDDED[] = {
    {{[10] = 0xff, [11] = 0xff}, 96, 12}, /* mapped */
    {{0x00, 0x64, 0xff, 0x9b}, 96, 12},   /* NAT64 */
    {{0x20, 0x02}, 16, 2},                /* 6to4 */
    {{0}, 96, 12},                        /* compatible */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool begins_with(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
    const unsigned bytes = bits / 8, rest = bits % 8;
    const unsigned mask = (0xff00u >> rest) & 0xffu;
    return memcmp(address, prefix, bytes) == 0 && (rest == 0 || (address[bytes] & mask) == (prefix[bytes] & mask));
}

static kw_address_kind kind_in(const address_range *ranges, size_t count, const uint8_t *address)
{
    for (size_t i = 0; i < count; i++) {
        if (begins_with(address, ranges[i].prefix, ranges[i].bits)) {
            return ranges[i].kind;
        }
    }
    return KW_ADDRESS_ORDINARY;
}

static kw_address_kind kind_of_ipv6(const uint8_t *address)
{
    const kw_address_kind kind = kind_in(IPV6, COUNT(IPV6), address);
    for (size_t i = 0; kind == KW_ADDRESS_ORDINARY && i < COUNT(EMBEDDED); i++) {
        if (begins_with(address, EMBEDDED[i].prefix, EMBEDDED[i].bits)) {
            return kind_in(IPV4, COUNT(IPV4), address + EMBEDDED[i].offset);
        }
    }
    return kind;
}

kw_address_kind kw_address_kind_of(const struct sockaddr *address, socklen_t len)
{
    if (address->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return kind_in(IPV4, COUNT(IPV4), (const uint8_t *)&v4.sin_addr);
    }
    if (address->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        return kind_of_ipv6(v6.sin6_addr.s6_addr);
    }
    return KW_ADDRESS_UNUSABLE;
}
