/* Rows into structures: the same loop for every table. */
#ifndef KW_STORE_ROWS_H
#define KW_STORE_ROWS_H

#include "store/sql.h"

typedef void (*kw_row_reader)(kw_statement *q, kw_arena *arena, void *row);

/* All rows of a prepared and bound query, `size` bytes each, in the arena. */
kw_status kw_rows_read(kw_statement *q, kw_arena *arena, size_t size, kw_row_reader read, void **out, size_t *count);
/* The only row; Bad_NotFound. *row is of use only when it is good. */
kw_status kw_row_read(kw_statement *q, kw_arena *arena, kw_row_reader read, void *row);

#endif
