#include "server/turns.h"

#include <stddef.h>

static uint64_t round_after(const kw_turn *list, uint64_t source, uint64_t round)
{
    for (; list != NULL; list = list->next) {
        round = list->source == source && list->round >= round ? list->round + 1 : round;
    }
    return round;
}

void kw_turns_add(kw_turns *t, kw_turn *turn)
{
    turn->round = round_after(t->waiting, turn->source, round_after(t->running, turn->source, t->round));
    kw_turn **link = &t->waiting;
    while (*link != NULL && (*link)->round <= turn->round) {
        link = &(*link)->next;
    }
    turn->next = *link;
    *link = turn;
}

kw_turn *kw_turns_begin(kw_turns *t)
{
    kw_turn *turn = t->waiting;
    if (turn == NULL || t->running_count >= t->running_max) {
        return NULL;
    }
    t->waiting = turn->next;
    turn->next = t->running;
    t->running = turn;
    t->running_count++;
    t->round = turn->round;
    return turn;
}

void kw_turns_end(kw_turns *t, kw_turn *turn)
{
    kw_turn **link = &t->running;
    while (*link != turn) {
        link = &(*link)->next;
    }
    *link = turn->next;
    t->running_count--;
}
