/* What an address is good for, before anything is sent to it. */
#ifndef KW_HTTP_ADDRESS_H
#define KW_HTTP_ADDRESS_H

#include <sys/socket.h>

typedef enum kw_address_kind {
    KW_ADDRESS_ORDINARY,   /* private networks too: plants live there */
    KW_ADDRESS_LOOPBACK,   /* this machine */
    KW_ADDRESS_LINK_LOCAL, /* the own cable, and where clouds hand out credentials to whoever asks */
    KW_ADDRESS_UNUSABLE    /* unspecified, multicast, broadcast, reserved, or of an unknown family */
} kw_address_kind;

/* IPv4 inside of IPv6 (mapped, compatible, NAT64, 6to4) is judged as the IPv4 address that it leads to. */
kw_address_kind kw_address_kind_of(const struct sockaddr *address, socklen_t len);

#endif
