#include "store/rows.h"

#include "base/try.h"

#include <string.h>

#define FIRST_ROOM 16

typedef struct rows {
    uint8_t *data;
    size_t room, count;
} rows;

static kw_status grow(rows *r, kw_arena *arena, size_t size)
{
    const size_t room = r->room == 0 ? FIRST_ROOM : r->room * 2;
    uint8_t *more = kw_arena_array(arena, room, size);
    if (more == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    if (r->count > 0) {
        memcpy(more, r->data, r->count * size);
    }
    r->data = more;
    r->room = room;
    return KW_GOOD;
}

static kw_status read_all(kw_statement *q, kw_arena *arena, size_t size, kw_row_reader read, rows *r)
{
    KW_TRY(grow(r, arena, size));
    for (;;) {
        const kw_status status = kw_step(q);
        if (status != KW_GOOD) {
            return status;
        }
        if (r->count == r->room) {
            KW_TRY(grow(r, arena, size));
        }
        read(q, arena, r->data + r->count * size);
        KW_TRY(kw_statement_status(q));
        r->count++;
    }
}

kw_status kw_rows_read(kw_statement *q, kw_arena *arena, size_t size, kw_row_reader read, void **out, size_t *count)
{
    rows r = {.count = 0};
    const kw_status status = read_all(q, arena, size, read, &r);
    kw_statement_done(q);
    KW_TRY(status);
    *out = r.data;
    *count = r.count;
    return KW_GOOD;
}

kw_status kw_row_read(kw_statement *q, kw_arena *arena, kw_row_reader read, void *row)
{
    kw_status status = kw_step(q);
    if (status == KW_GOOD) {
        read(q, arena, row);
        status = kw_statement_status(q);
    } else if (status == KW_GOOD_NO_DATA) {
        status = KW_BAD_NOT_FOUND;
    }
    kw_statement_done(q);
    return status;
}
