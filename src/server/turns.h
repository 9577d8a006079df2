/*
 * Whose turn it is on the offload pool, without threads. Three lanes, each bounded:
 *
 *   the house  jobs of live Sessions and of the Server: first, and one place is theirs alone
 *   entering   whoever is on the way in. Sources take turns (start-time fair queueing: each job of a source comes one round after the
 *              one before it, and never in a round that is over), so that whoever asks for much waits for himself; and no source has
 *              the last place, nor the last of those for passwords, so that somebody else begins at once. One that has proven nobody
 *              yet has one of those
 *   suspects   whoever guesses: one at a time, when nobody else who enters runs or could begin. When others have kept them out
 *              KW_TURNS_PATIENCE times, one goes first: they wait, but not for ever
 */
#ifndef KW_SERVER_TURNS_H
#define KW_SERVER_TURNS_H

#include "base/job.h"

#include <stddef.h>

#define KW_TURNS_PATIENCE 16

typedef enum kw_lane { KW_LANE_HOUSE, KW_LANE_ENTERING, KW_LANE_SUSPECTS, KW_LANES } kw_lane;

typedef struct kw_turn {
    kw_job *job;
    kw_lane lane;
    uint64_t round;
    struct kw_turn *next;
} kw_turn;

typedef struct kw_turn_queue {
    kw_turn *first; /* by round, then as they came */
    uint64_t round; /* the latest that somebody began in */
    size_t count;
} kw_turn_queue;

typedef struct kw_turns {
    unsigned places;    /* jobs that run at once: 3 or more */
    unsigned passwords; /* of them, those that hash a password: 2 or more */
    size_t max;         /* jobs under way, waiting or running */
    kw_turn_queue waiting[KW_LANES];
    kw_turn *running;
    size_t count;
    unsigned passed; /* turns of others that kept a suspect out */
} kw_turns;

/* `turn->job` is set. Bad_TooManyOperations: enough wait, altogether or of its kind. */
kw_status kw_turns_add(kw_turns *t, kw_turn *turn);
/* The next one to begin; NULL: nobody may now. */
kw_turn *kw_turns_begin(kw_turns *t);
void kw_turns_end(kw_turns *t, kw_turn *turn);

#endif
