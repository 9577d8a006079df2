#include "server/turns.h"

/* What each may take of the queue, so that the next one finds room. */
#define SOURCE_SHARE 2   /* one source: half of it */
#define HOUSE_SHARE 8    /* kept for the house: an eighth */
#define SUSPECTS_SHARE 8 /* all suspects: an eighth */

/* --- what runs ---------------------------------------------------------------------------------------------------------- */

typedef struct load {
    unsigned all, entering, suspects, passwords; /* suspects are entering, too */
    unsigned of_source, passwords_of_source;
} load;

static load running_beside(const kw_turns *t, const kw_turn *turn)
{
    load l = {0};
    for (const kw_turn *r = t->running; r != NULL; r = r->next) {
        const bool is_same = r->job->source == turn->job->source;
        l.all++;
        l.entering += r->lane != KW_LANE_HOUSE;
        l.suspects += r->lane == KW_LANE_SUSPECTS;
        l.passwords += r->job->is_password;
        l.of_source += is_same;
        l.passwords_of_source += is_same && r->job->is_password;
    }
    return l;
}

static bool has_place(const kw_turns *t, const kw_turn *turn, const load *l)
{
    return l->entering + 1 < t->places && l->all < t->places && (!turn->job->is_password || l->passwords < t->passwords);
}

static bool may_enter(const kw_turns *t, const kw_turn *turn, bool is_known)
{
    const load l = running_beside(t, turn);
    const unsigned passwords = is_known ? t->passwords - 1 : 1;
    return has_place(t, turn, &l) && l.of_source + 2 < t->places && (!turn->job->is_password || l.passwords_of_source < passwords);
}

/* Not beside others, as long as it can wait: they would have the machine with one more. */
static bool may_guess(const kw_turns *t, const kw_turn *turn, bool is_overdue)
{
    const load l = running_beside(t, turn);
    return has_place(t, turn, &l) && (is_overdue ? l.suspects == 0 : l.entering == 0);
}

/* --- what waits --------------------------------------------------------------------------------------------------------- */

/* A round is not over while somebody runs who began in it. */
static uint64_t round_of(const kw_turns *t, kw_lane lane)
{
    uint64_t round = t->waiting[lane].round;
    for (const kw_turn *r = t->running; r != NULL; r = r->next) {
        round = r->lane == lane && r->round < round ? r->round : round;
    }
    return round;
}

static uint64_t round_after(const kw_turn *list, const kw_turn *turn, uint64_t round)
{
    for (; list != NULL; list = list->next) {
        const bool is_same = list->lane == turn->lane && list->job->source == turn->job->source;
        round = is_same && list->round >= round ? list->round + 1 : round;
    }
    return round;
}

static void put(kw_turns *t, kw_turn *turn, kw_lane lane)
{
    kw_turn_queue *q = &t->waiting[lane];
    turn->lane = lane;
    turn->round = lane == KW_LANE_HOUSE ? 0 : round_after(q->first, turn, round_after(t->running, turn, round_of(t, lane)));
    kw_turn **link = &q->first;
    while (*link != NULL && (*link)->round <= turn->round) {
        link = &(*link)->next;
    }
    turn->next = *link;
    *link = turn;
    q->count++;
}

static kw_turn *take(kw_turn_queue *q, kw_turn **link)
{
    kw_turn *turn = *link;
    *link = turn->next;
    q->count--;
    return turn;
}

static kw_standing standing_of(const kw_turn *turn)
{
    return turn->job->standing != NULL ? turn->job->standing(turn->job) : KW_STANDING_UNKNOWN;
}

static size_t waiting_of(const kw_turns *t, uint64_t source)
{
    size_t count = 0;
    for (const kw_turn *w = t->waiting[KW_LANE_ENTERING].first; w != NULL; w = w->next) {
        count += w->job->source == source;
    }
    return count;
}

static bool has_room(const kw_turns *t, const kw_turn *turn, kw_lane lane)
{
    if (lane == KW_LANE_HOUSE) {
        return t->count < t->max;
    }
    return t->count < t->max - t->max / HOUSE_SHARE &&
           (lane == KW_LANE_SUSPECTS ? t->waiting[lane].count < t->max / SUSPECTS_SHARE
                                     : waiting_of(t, turn->job->source) < t->max / SOURCE_SHARE);
}

kw_status kw_turns_add(kw_turns *t, kw_turn *turn)
{
    kw_lane lane = KW_LANE_HOUSE;
    if (turn->job->source != 0) {
        lane = standing_of(turn) == KW_STANDING_SUSPECT ? KW_LANE_SUSPECTS : KW_LANE_ENTERING;
    }
    if (!has_room(t, turn, lane)) {
        return KW_BAD_TOO_MANY_OPERATIONS;
    }
    t->count++;
    put(t, turn, lane);
    return KW_GOOD;
}

/* --- who is next -------------------------------------------------------------------------------------------------------- */

static kw_turn *next_of_house(kw_turns *t)
{
    kw_turn_queue *q = &t->waiting[KW_LANE_HOUSE];
    if (q->first == NULL) {
        return NULL;
    }
    const load l = running_beside(t, q->first);
    return l.all < t->places ? take(q, &q->first) : NULL;
}

/* Nobody who enters can begin: none of them has to be looked at. */
static bool is_full(const kw_turns *t)
{
    unsigned all = 0, entering = 0;
    for (const kw_turn *r = t->running; r != NULL; r = r->next) {
        all++;
        entering += r->lane != KW_LANE_HOUSE;
    }
    return all >= t->places || entering + 1 >= t->places;
}

/* Who has begun to guess while he waited goes where he belongs. */
static kw_turn *next_entering(kw_turns *t)
{
    kw_turn_queue *q = &t->waiting[KW_LANE_ENTERING];
    kw_turn **link = &q->first;
    if (is_full(t)) {
        return NULL;
    }
    while (*link != NULL) {
        const kw_standing standing = may_enter(t, *link, true) ? standing_of(*link) : KW_STANDING_UNKNOWN;
        if (standing == KW_STANDING_SUSPECT) {
            put(t, take(q, link), KW_LANE_SUSPECTS);
        } else if (may_enter(t, *link, standing == KW_STANDING_KNOWN)) {
            return take(q, link);
        } else {
            link = &(*link)->next;
        }
    }
    return NULL;
}

static kw_turn *next_suspect(kw_turns *t, bool is_overdue)
{
    kw_turn_queue *q = &t->waiting[KW_LANE_SUSPECTS];
    return q->first != NULL && may_guess(t, q->first, is_overdue) ? take(q, &q->first) : NULL;
}

static kw_turn *next(kw_turns *t)
{
    kw_turn *turn = next_of_house(t);
    if (turn == NULL && t->passed >= KW_TURNS_PATIENCE) {
        turn = next_suspect(t, true);
    }
    if (turn == NULL) {
        turn = next_entering(t);
    }
    return turn != NULL ? turn : next_suspect(t, false);
}

kw_turn *kw_turns_begin(kw_turns *t)
{
    kw_turn *turn = next(t);
    if (turn == NULL) {
        return NULL;
    }
    if (turn->lane == KW_LANE_SUSPECTS || t->waiting[KW_LANE_SUSPECTS].count == 0) {
        t->passed = 0;
    } else if (turn->lane == KW_LANE_ENTERING && running_beside(t, turn).suspects == 0) {
        t->passed++; /* it took the place of one who waits, and none of them runs */
    }
    kw_turn_queue *q = &t->waiting[turn->lane];
    q->round = turn->round > q->round ? turn->round : q->round;
    turn->next = t->running;
    t->running = turn;
    return turn;
}

void kw_turns_end(kw_turns *t, kw_turn *turn)
{
    kw_turn **link = &t->running;
    while (*link != turn) {
        link = &(*link)->next;
    }
    *link = turn->next;
    t->count--;
}
