/* Small files, written so that a crash leaves the whole of one or nothing. */
#ifndef KW_BASE_FILE_H
#define KW_BASE_FILE_H

#include <keyway/bytes.h>

/* A new file with this mode, never over an old one. Bad_AlreadyExists, Bad_NotWritable. */
kw_status kw_write_new_file(const char *path, const void *data, size_t len, unsigned mode);
/* In the place of an old one, if there is one: whole, or as it was. */
kw_status kw_replace_file(const char *path, const void *data, size_t len, unsigned mode);

#endif
