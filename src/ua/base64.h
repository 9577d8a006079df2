/* Base64 with padding (RFC 4648, 4), for opaque NodeIds in text. */
#ifndef KW_UA_BASE64_H
#define KW_UA_BASE64_H

#include "base/arena.h"

/* Null when the arena is full. */
kw_string kw_base64_encode(kw_arena *arena, kw_bytes bytes);
/* Strict: padded, no other characters, unused bits zero. Bad_SyntaxError, Bad_OutOfMemory. */
kw_status kw_base64_decode(kw_string text, kw_arena *arena, kw_bytes *out);

#endif
