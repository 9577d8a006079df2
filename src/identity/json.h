/* Strict JSON from outside: duplicate names, NUL and invalid UTF-8 are refused, nothing is cut. */
#ifndef KW_IDENTITY_JSON_H
#define KW_IDENTITY_JSON_H

#include "base/arena.h"

#include <jansson.h>

/* An object, alone in the text; NULL: it is not. The caller decrefs. A-148: names are compared after their escapes were resolved. */
json_t *kw_json_parse_object(kw_bytes text);

/* Member that must be a String of 1 … max bytes when it is there. false: it is something else. *out null: not there. In the arena. */
bool kw_json_take_string(const json_t *object, const char *name, size_t max, kw_arena *arena, kw_string *out);
/* A String or an array of Strings, each as above, at most max_count. */
bool kw_json_take_strings(const json_t *object, const char *name, size_t max, size_t max_count, kw_arena *arena, kw_string **out,
                          size_t *count);
/* Set a member from a kw_string; false: out of memory. A null value is left out. */
bool kw_json_set_string(json_t *object, const char *name, kw_string value);
/* Compact text in the arena, members in the order in which they were set; null: out of memory. */
kw_string kw_json_dump(const json_t *value, kw_arena *arena);

#endif
