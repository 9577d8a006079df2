/* Network addresses as text, without asking the system about anything. */
#ifndef KW_BASE_ADDRESS_H
#define KW_BASE_ADDRESS_H

#include <keyway/bytes.h>

#define KW_ADDRESS_GROUP_MAX 64

/*
 * Whom an address stands for: itself with IPv4 ("192.0.2.7", also when mapped into IPv6), its network with IPv6
 * ("2001:db8:0:1::/64": one household or machine has all of it). Anything else is taken as it is, as far as it fits. The result is
 * in `buffer`.
 */
kw_string kw_address_group(kw_string address, char buffer[KW_ADDRESS_GROUP_MAX]);

#endif
