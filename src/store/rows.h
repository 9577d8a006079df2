/* Lists of rows: the same loop for every table. */
#ifndef KW_STORE_ROWS_H
#define KW_STORE_ROWS_H

#include "store/store_internal.h"

typedef void (*kw_row_reader)(kw_statement *q, kw_arena *arena, void *row);

/* All rows of a prepared (and bound) query, `size` bytes each, in the arena. The lock is held. */
kw_status kw_rows_read(kw_statement *q, kw_arena *arena, size_t size, kw_row_reader read, void **out, size_t *count);

#endif
