#include "client/client_internal.h"

#include <string.h>

#define URL_MAX 4096
#define DEFAULT_PORT "4840"

static kw_status copy_part(char *out, size_t cap, const char *from, size_t len)
{
    if (len == 0 || len >= cap) {
        return KW_BAD_TCP_ENDPOINT_URL_INVALID;
    }
    memcpy(out, from, len);
    out[len] = '\0';
    return KW_GOOD;
}

kw_status kw_url_parse(const char *text, kw_url *out)
{
    static const char SCHEME[] = "opc.tcp://";
    if (strnlen(text, URL_MAX + 1) > URL_MAX || strncmp(text, SCHEME, sizeof(SCHEME) - 1) != 0) {
        return KW_BAD_TCP_ENDPOINT_URL_INVALID;
    }
    const char *host = text + sizeof(SCHEME) - 1;
    size_t host_len = strcspn(host, ":/?#");
    const char *rest = host + host_len;
    if (*host == '[') { /* IPv6 */
        const char *close = strchr(host, ']');
        if (close == NULL) {
            return KW_BAD_TCP_ENDPOINT_URL_INVALID;
        }
        rest = close + 1;
        host++;
        host_len = (size_t)(close - host);
    }
    if (kw_status_is_bad(copy_part(out->host, sizeof(out->host), host, host_len))) {
        return KW_BAD_TCP_ENDPOINT_URL_INVALID;
    }
    if (*rest != ':') {
        return copy_part(out->port, sizeof(out->port), DEFAULT_PORT, strlen(DEFAULT_PORT));
    }
    const size_t digits = strspn(rest + 1, "0123456789");
    const char *after = rest + 1 + digits;
    if (digits > 5 || (*after != '\0' && *after != '/')) {
        return KW_BAD_TCP_ENDPOINT_URL_INVALID;
    }
    return copy_part(out->port, sizeof(out->port), rest + 1, digits);
}
