/*
 * A flat JSON object as text, member by member: for what is written down about others' words. Strings are escaped, cut at a bound
 * and made UTF-8 (a byte that is none becomes U+FFFD), so that every value from outside yields a sound text.
 */
#ifndef KW_BASE_JSON_TEXT_H
#define KW_BASE_JSON_TEXT_H

#include "base/cursor.h"

void kw_json_text_begin(kw_writer *w);
/* Left out when the value is null. At most `max` bytes of it are kept. */
void kw_json_text_string(kw_writer *w, const char *name, kw_string value, size_t max);
void kw_json_text_int(kw_writer *w, const char *name, int64_t value);
void kw_json_text_end(kw_writer *w);

#endif
