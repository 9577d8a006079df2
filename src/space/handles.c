/* Open addressing, at most three quarters full; what is removed closes its gap, so that nothing is left behind. */
#include "space/handles.h"

#include <stdlib.h>

#define FIRST_ROOM ((size_t)64)

void kw_handles_clear(kw_handles *handles)
{
    free(handles->slots);
    *handles = (kw_handles){.slots = NULL};
}

uint32_t kw_handles_find(const kw_handles *handles, uint64_t hash, kw_handle_is is, const void *owner, const void *key)
{
    if (handles->room == 0) {
        return 0;
    }
    const size_t mask = handles->room - 1;
    for (size_t i = hash & mask; handles->slots[i] != 0; i = (i + 1) & mask) {
        if (is(owner, handles->slots[i], key)) {
            return handles->slots[i];
        }
    }
    return 0;
}

static void place(uint32_t *slots, size_t mask, uint64_t hash, uint32_t handle)
{
    size_t i = hash & mask;
    while (slots[i] != 0) {
        i = (i + 1) & mask;
    }
    slots[i] = handle;
}

static kw_status grow(kw_handles *handles, kw_handle_hash hash_of, const void *owner)
{
    const size_t room = handles->room > 0 ? handles->room * 2 : FIRST_ROOM;
    uint32_t *slots = calloc(room, sizeof(*slots));
    if (slots == NULL) {
        return KW_BAD_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < handles->room; i++) {
        if (handles->slots[i] != 0) {
            place(slots, room - 1, hash_of(owner, handles->slots[i]), handles->slots[i]);
        }
    }
    free(handles->slots);
    handles->slots = slots;
    handles->room = room;
    return KW_GOOD;
}

kw_status kw_handles_add(kw_handles *handles, uint32_t handle, kw_handle_hash hash_of, const void *owner)
{
    if ((handles->count + 1) * 4 > handles->room * 3) {
        const kw_status status = grow(handles, hash_of, owner);
        if (kw_status_is_bad(status)) {
            return status;
        }
    }
    place(handles->slots, handles->room - 1, hash_of(owner, handle), handle);
    handles->count++;
    return KW_GOOD;
}

/* May what belongs at `home` and lies at `from` move back to `gap`? Only if its home is not between the two. */
static bool may_move(size_t home, size_t gap, size_t from, size_t mask)
{
    return ((from - home) & mask) >= ((from - gap) & mask);
}

void kw_handles_remove(kw_handles *handles, uint32_t handle, kw_handle_hash hash_of, const void *owner)
{
    if (handles->room == 0) {
        return;
    }
    const size_t mask = handles->room - 1;
    size_t gap = hash_of(owner, handle) & mask;
    while (handles->slots[gap] != handle) {
        if (handles->slots[gap] == 0) {
            return;
        }
        gap = (gap + 1) & mask;
    }
    for (size_t i = (gap + 1) & mask; handles->slots[i] != 0; i = (i + 1) & mask) {
        if (may_move(hash_of(owner, handles->slots[i]) & mask, gap, i, mask)) {
            handles->slots[gap] = handles->slots[i];
            gap = i;
        }
    }
    handles->slots[gap] = 0;
    handles->count--;
}
