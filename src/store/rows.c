#include "store/rows.h"

#include <string.h>

#define FIRST_ROOM 16

kw_status kw_rows_read(kw_statement *q, kw_arena *arena, size_t size, kw_row_reader read, void **out, size_t *count)
{
    size_t room = FIRST_ROOM, used = 0;
    uint8_t *rows = kw_arena_array(arena, room, size);
    kw_status status = rows != NULL ? KW_GOOD : KW_BAD_OUT_OF_MEMORY;
    while (!kw_status_is_bad(status) && (status = kw_step(q)) == KW_GOOD) {
        if (used == room) {
            uint8_t *more = kw_arena_array(arena, room * 2, size);
            if (more == NULL) {
                status = KW_BAD_OUT_OF_MEMORY;
                break;
            }
            memcpy(more, rows, used * size);
            rows = more;
            room *= 2;
        }
        read(q, arena, rows + used * size);
        used++;
    }
    kw_statement_done(q);
    *out = rows;
    *count = used;
    return kw_status_is_bad(status) ? status : KW_GOOD;
}
