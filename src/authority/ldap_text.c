/* Names of users as part of filters (RFC 4515, 3) and of distinguished names (RFC 4514, 2.4): always values, never syntax. */
#include "authority/ldap.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX 8192u /* of a filter or DN: escaping makes three bytes of one at most */

typedef struct text {
    char data[TEXT_MAX];
    size_t len;
    bool is_whole;
} text;

static void put(text *t, char c)
{
    if (t->len + 1 >= sizeof(t->data)) {
        t->is_whole = false;
        return;
    }
    t->data[t->len++] = c;
}

static void put_escaped(text *t, uint8_t c)
{
    static const char HEX[] = "0123456789abcdef";
    put(t, '\\');
    put(t, HEX[c >> 4]);
    put(t, HEX[c & 15]);
}

static bool is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* More than has to be: whatever is no letter or digit. Both texts allow \XX for every byte. */
static void put_value(text *t, kw_string value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (is_plain(value.data[i])) {
            put(t, (char)value.data[i]);
        } else {
            put_escaped(t, value.data[i]);
        }
    }
}

static void put_raw(text *t, kw_string value)
{
    for (size_t i = 0; i < value.len; i++) {
        put(t, (char)value.data[i]);
    }
}

static char *fill(kw_arena *arena, const char *pattern, kw_string name, kw_string dn, void (*put_name)(text *, kw_string))
{
    text t = {.is_whole = true};
    for (const char *c = pattern; *c != '\0'; c++) {
        if (c[0] == '%' && c[1] == 'u') {
            put_name(&t, name);
            c++;
        } else if (c[0] == '%' && c[1] == 'd') {
            put_value(&t, dn);
            c++;
        } else {
            put(&t, *c);
        }
    }
    return t.is_whole ? kw_arena_cstring(arena, (kw_string){(const uint8_t *)t.data, t.len}) : NULL;
}

char *kw_ldap_filter(kw_arena *arena, const char *pattern, kw_string name, kw_string dn)
{
    return fill(arena, pattern, name, dn, put_value);
}

/* In NAME@DOMAIN and DOMAIN\NAME nothing can be escaped. */
static bool can_stand_alone(kw_string name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] < ' ' || name.data[i] == '@' || name.data[i] == '\\' || name.data[i] == '/' || name.data[i] == 127) {
            return false;
        }
    }
    return name.len > 0;
}

char *kw_ldap_bind_name(kw_arena *arena, const char *pattern, kw_string name)
{
    if (strchr(pattern, '=') != NULL) {
        return fill(arena, pattern, name, KW_BYTES_NULL, put_value);
    }
    return can_stand_alone(name) ? fill(arena, pattern, name, KW_BYTES_NULL, put_raw) : NULL;
}

/* The host of ldap://HOST[:PORT], with what follows. */
static bool is_loopback(const char *host)
{
    static const char *const HERE[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof(HERE) / sizeof(HERE[0]); i++) {
        const size_t len = strlen(HERE[i]);
        if (strncmp(host, HERE[i], len) == 0 && (host[len] == '\0' || host[len] == ':' || host[len] == '/')) {
            return true;
        }
    }
    return false;
}

const char *kw_ldap_server_refused(const char *url, bool start_tls, bool allow_plain)
{
    if (strpbrk(url, " ,?") != NULL) { /* the library would see several servers, or a search */
        return "is not one server; write ldaps://HOST[:PORT], one entry each";
    }
    if (strncmp(url, "ldaps://", 8) == 0 || strncmp(url, "ldapi://", 8) == 0) {
        return start_tls ? "cannot be used with start_tls, which is for ldap://" : NULL;
    }
    if (strncmp(url, "ldap://", 7) != 0) {
        return "is not the URL of a directory; write ldaps://HOST[:PORT]";
    }
    return start_tls || allow_plain || is_loopback(url + 7)
               ? NULL
               : "would carry passwords in clear; write ldaps://, or set start_tls: true (allow_plain: true if you must)";
}
