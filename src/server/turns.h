/*
 * Whose turn it is: a bounded number run at once, and the sources of what waits take turns, so that whoever asks for much waits for
 * himself. Start-time fair queueing: each of a source comes one round after the one before it, and never in a round that is over.
 */
#ifndef KW_SERVER_TURNS_H
#define KW_SERVER_TURNS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct kw_turn {
    uint64_t source;
    uint64_t round;
    struct kw_turn *next;
} kw_turn;

typedef struct kw_turns {
    kw_turn *waiting; /* by round, then as they came */
    kw_turn *running;
    uint64_t round; /* of the last one that began */
    unsigned running_count, running_max;
} kw_turns;

/* `turn->source` is set. */
void kw_turns_add(kw_turns *t, kw_turn *turn);
/* The next one to begin; NULL: nobody waits, or enough are running. */
kw_turn *kw_turns_begin(kw_turns *t);
void kw_turns_end(kw_turns *t, kw_turn *turn);

#endif
