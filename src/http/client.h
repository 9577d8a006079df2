/*
 * A small GET over HTTPS, for documents that an administrator pointed at: keys of issuers, their metadata; and forms for an issuer's
 * token endpoint.
 *
 * Refused, whoever asks: other protocols, names and passwords in a URL, more than three redirects, redirects to anything but
 * HTTPS, redirects from elsewhere to this machine. No proxy, no cookies, nothing of the environment. Blocks: for jobs. Thread safe.
 */
#ifndef KW_HTTP_CLIENT_H
#define KW_HTTP_CLIENT_H

#include "base/fetch.h"

typedef struct kw_http_rules {
    bool allow_plain;      /* http:// also to other machines; to this one it always works */
    bool allow_link_local; /* addresses where clouds hand out credentials */
    size_t max_size;       /* bytes of content */
} kw_http_rules;

extern const kw_http_rules KW_HTTP_RULES_DEFAULT; /* neither; 1 MiB */

/* Borrows the rules for as long as it is used. */
kw_fetch kw_http_fetch(const kw_http_rules *rules);

#endif
