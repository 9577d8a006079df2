/* Names and values as forms and queries carry them (application/x-www-form-urlencoded). */
#ifndef KW_HTTP_FORM_H
#define KW_HTTP_FORM_H

#include "base/arena.h"

typedef struct kw_http_field {
    kw_string name, value;
} kw_http_field;

typedef struct kw_http_form {
    kw_http_field *fields;
    size_t count;
} kw_http_form;

/*
 * Decode `text` ("a=1&b=two+words"). Names and values are UTF-8 without NUL and live in the arena. Bad_DecodingError: a broken
 * escape, no UTF-8; Bad_EncodingLimitsExceeded: more than 100 fields.
 */
kw_status kw_http_form_parse(kw_string text, kw_arena *arena, kw_http_form *out);
/* Its value; null when it is not there or empty: to those who speak OAuth that is the same. *twice (may be NULL) becomes true when it comes more than once. */
kw_string kw_http_form_get(const kw_http_form *form, const char *name, bool *twice);
/* The text percent-encoded, ready to stand in a query. Null on exhaustion. */
kw_string kw_http_form_encode(kw_arena *arena, kw_string text);

#endif
