/* The file of a store in the file system, before the engine touches it. */
#ifndef KW_STORE_FILE_H
#define KW_STORE_FILE_H

#include <keyway/status.h>

/*
 * There is a regular file that only its owner can read; made empty if `create` and missing. *why: a sentence, static.
 * Bad_NotFound, Bad_NotWritable, Bad_SecurityChecksFailed.
 */
kw_status kw_store_file_prepare(const char *path, bool create, const char **why);

#endif
