/* One code point at a time, for who has to look at text closer than kw_utf8_is_valid does. */
#ifndef KW_BASE_UTF8_H
#define KW_BASE_UTF8_H

#include <keyway/bytes.h>

/* How many bytes the code point at the start of `text` takes, and which it is; 0 when there is none (strict, as kw_utf8_is_valid). */
size_t kw_utf8_first(kw_bytes text, uint32_t *point);

#endif
