/* Who asks for much waits for himself, who guesses waits for others, and the house waits for nobody. */
#include "server/turns.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#define GUESSES 100
#define ROUNDS 20000

/* A job that only takes its turn. */
typedef struct task {
    kw_job job; /* first */
    kw_turn turn;
    kw_standing standing;
} task;

static kw_standing standing_of(const kw_job *job)
{
    return ((const task *)job)->standing;
}

static kw_turns turns(unsigned places, unsigned passwords)
{
    return (kw_turns){.places = places, .passwords = passwords, .max = 1000};
}

static kw_status add(kw_turns *t, task *one, uint64_t source, bool is_password)
{
    one->job = (kw_job){.source = source, .is_password = is_password, .standing = source != 0 ? standing_of : NULL};
    one->turn = (kw_turn){.job = &one->job};
    return kw_turns_add(t, &one->turn);
}

static void add_job(kw_turns *t, task *one, uint64_t source)
{
    one->standing = KW_STANDING_KNOWN;
    assert_status(add(t, one, source, false), KW_GOOD);
}

static void add_password(kw_turns *t, task *one, uint64_t source)
{
    one->standing = KW_STANDING_KNOWN;
    assert_status(add(t, one, source, true), KW_GOOD);
}

static void add_guess(kw_turns *t, task *one, uint64_t source)
{
    one->standing = KW_STANDING_SUSPECT;
    assert_status(add(t, one, source, true), KW_GOOD);
}

static task *begin(kw_turns *t)
{
    kw_turn *turn = kw_turns_begin(t);
    return turn != NULL ? (task *)turn->job : NULL;
}

static void end(kw_turns *t, task *one)
{
    kw_turns_end(t, &one->turn);
}

/* --- places ------------------------------------------------------------------------------------------------------------- */

static void the_house_goes_first_and_has_a_place_of_its_own(void **state)
{
    (void)state;
    kw_turns t = turns(4, 3);
    task entering[8], house[5];
    for (uint64_t i = 0; i < 8; i++) {
        add_job(&t, &entering[i], 10 + i);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_ptr_equal(begin(&t), &entering[i]);
    }
    assert_null(begin(&t)); /* one place is kept */
    for (size_t i = 0; i < 5; i++) {
        add_job(&t, &house[i], 0);
    }
    assert_ptr_equal(begin(&t), &house[0]);
    assert_null(begin(&t));
    for (size_t i = 0; i < 3; i++) {
        end(&t, &entering[i]);
        assert_ptr_equal(begin(&t), &house[i + 1]);
    }
    end(&t, &house[0]);
    assert_ptr_equal(begin(&t), &house[4]);
    assert_null(begin(&t));
}

static void few_passwords_are_hashed_at_once(void **state)
{
    (void)state;
    kw_turns t = turns(6, 2);
    task passwords[3], other;
    for (uint64_t i = 0; i < 3; i++) {
        add_password(&t, &passwords[i], 1 + i);
    }
    add_job(&t, &other, 4);
    assert_ptr_equal(begin(&t), &passwords[0]);
    assert_ptr_equal(begin(&t), &passwords[1]);
    assert_ptr_equal(begin(&t), &other);
    assert_null(begin(&t));
    end(&t, &passwords[1]);
    assert_ptr_equal(begin(&t), &passwords[2]);
}

static void one_source_keeps_its_order_and_leaves_a_place(void **state)
{
    (void)state;
    kw_turns t = turns(6, 3);
    task mine[4], other;
    for (size_t i = 0; i < 4; i++) {
        add_password(&t, &mine[i], 7);
    }
    assert_ptr_equal(begin(&t), &mine[0]);
    assert_ptr_equal(begin(&t), &mine[1]);
    assert_null(begin(&t));
    add_password(&t, &other, 8);
    assert_ptr_equal(begin(&t), &other);
    end(&t, &mine[0]);
    assert_ptr_equal(begin(&t), &mine[2]);
    end(&t, &mine[1]);
    assert_ptr_equal(begin(&t), &mine[3]);
}

static void who_has_proven_nobody_yet_hashes_one_password_at_a_time(void **state)
{
    (void)state;
    kw_turns t = turns(6, 3);
    task passwords[2], session;
    for (size_t i = 0; i < 2; i++) {
        passwords[i].standing = KW_STANDING_UNKNOWN;
        assert_status(add(&t, &passwords[i], 7, true), KW_GOOD);
    }
    session.standing = KW_STANDING_UNKNOWN;
    assert_status(add(&t, &session, 7, false), KW_GOOD);
    assert_ptr_equal(begin(&t), &passwords[0]);
    assert_ptr_equal(begin(&t), &session);
    assert_null(begin(&t));
    passwords[1].standing = KW_STANDING_KNOWN; /* by another one of his, meanwhile */
    assert_ptr_equal(begin(&t), &passwords[1]);
}

/* --- turns -------------------------------------------------------------------------------------------------------------- */

/* However much two others have piled up, one job of each at most goes first. */
static void a_newcomer_does_not_wait_for_what_others_piled_up(void **state)
{
    (void)state;
    kw_turns t = turns(4, 2);
    static task piled[2 * GUESSES];
    task honest, *running[2];
    for (size_t i = 0; i < 2 * GUESSES; i++) {
        add_password(&t, &piled[i], 1 + i % 2);
    }
    running[0] = begin(&t);
    running[1] = begin(&t);
    for (size_t rounds = 0; rounds < 20; rounds++) {
        size_t before = 0;
        add_password(&t, &honest, 3);
        assert_null(begin(&t));
        for (size_t i = rounds; running[0] != &honest && running[1] != &honest; i++) {
            end(&t, running[i % 2]);
            running[i % 2] = begin(&t);
            assert_non_null(running[i % 2]);
            before++;
        }
        assert_in_range(before, 1, 2);
        const size_t place = running[0] == &honest ? 0 : 1;
        end(&t, &honest);
        running[place] = begin(&t);
    }
}

/* --- suspects ----------------------------------------------------------------------------------------------------------- */

static void suspects_go_one_at_a_time_and_leave_a_place(void **state)
{
    (void)state;
    kw_turns t = turns(4, 2);
    task guesses[4], honest[2];
    for (uint64_t i = 0; i < 4; i++) {
        add_guess(&t, &guesses[i], 1 + i);
    }
    assert_ptr_equal(begin(&t), &guesses[0]);
    assert_null(begin(&t));
    add_password(&t, &honest[0], 9);
    assert_ptr_equal(begin(&t), &honest[0]);
    end(&t, &guesses[0]);
    assert_null(begin(&t)); /* not beside the honest one */
    add_password(&t, &honest[1], 10);
    assert_ptr_equal(begin(&t), &honest[1]);
    end(&t, &honest[0]);
    assert_null(begin(&t));
    end(&t, &honest[1]);
    assert_ptr_equal(begin(&t), &guesses[1]);
    assert_null(begin(&t));
}

static void whoever_does_not_guess_goes_before_suspects(void **state)
{
    (void)state;
    kw_turns t = turns(4, 3);
    task running, guess, honest;
    add_job(&t, &running, 1);
    assert_non_null(begin(&t));
    add_guess(&t, &guess, 3);
    assert_null(begin(&t));
    add_password(&t, &honest, 4);
    assert_ptr_equal(begin(&t), &honest);
    end(&t, &running);
    assert_null(begin(&t));
    end(&t, &honest);
    assert_ptr_equal(begin(&t), &guess);
}

static void who_begins_to_guess_while_he_waits_is_a_suspect_by_his_turn(void **state)
{
    (void)state;
    kw_turns t = turns(4, 3);
    task piled[6], honest[2];
    for (size_t i = 0; i < 6; i++) {
        add_password(&t, &piled[i], 1);
    }
    assert_ptr_equal(begin(&t), &piled[0]);
    assert_ptr_equal(begin(&t), &piled[1]);
    for (size_t i = 0; i < 6; i++) {
        piled[i].standing = KW_STANDING_SUSPECT; /* the first was wrong */
    }
    end(&t, &piled[0]);
    assert_null(begin(&t)); /* the second has begun as everybody does */
    end(&t, &piled[1]);
    assert_ptr_equal(begin(&t), &piled[2]); /* now as a suspect */
    assert_null(begin(&t));
    add_password(&t, &honest[0], 2);
    add_password(&t, &honest[1], 3);
    assert_ptr_equal(begin(&t), &honest[0]);
    assert_ptr_equal(begin(&t), &honest[1]);
    end(&t, &honest[0]);
    end(&t, &honest[1]);
    assert_null(begin(&t)); /* one at a time */
    end(&t, &piled[2]);
    assert_ptr_equal(begin(&t), &piled[3]); /* in their order */
}

static void suspects_are_not_kept_out_for_ever(void **state)
{
    (void)state;
    kw_turns t = turns(4, 2);
    static task others[2 * GUESSES];
    task guesses[2], *running[2];
    size_t had_turns = 0, after = 0;
    add_password(&t, &others[0], 100);
    add_password(&t, &others[1], 101);
    running[0] = begin(&t);
    running[1] = begin(&t);
    add_guess(&t, &guesses[0], 1);
    add_guess(&t, &guesses[1], 2);
    for (size_t i = 2; i < 2 * GUESSES && had_turns < 2; i++) { /* there is always another one, each on his own */
        add_password(&t, &others[i], 100 + i);
        end(&t, running[i % 2]);
        running[i % 2] = begin(&t);
        assert_non_null(running[i % 2]);
        after++;
        if (running[i % 2] == &guesses[had_turns]) {
            assert_in_range(after, KW_TURNS_PATIENCE, KW_TURNS_PATIENCE + 2);
            had_turns++;
            after = 0;
        }
    }
    assert_int_equal(had_turns, 2);
}

/* --- bounds ------------------------------------------------------------------------------------------------------------- */

static void nobody_takes_the_room_of_others(void **state)
{
    (void)state;
    kw_turns t = {.places = 3, .passwords = 2, .max = 64};
    static task mine[64], his[64], guesses[64], house[64];
    size_t of_one = 0, of_suspects = 0, of_another = 0, of_house = 0;
    while (of_one < 64 && add(&t, &mine[of_one], 1, true) == KW_GOOD) {
        of_one++;
    }
    assert_int_equal(of_one, 32);
    guesses[0].standing = KW_STANDING_SUSPECT;
    while (of_suspects < 64 && add(&t, &guesses[of_suspects], 2 + of_suspects, true) == KW_GOOD) {
        guesses[++of_suspects].standing = KW_STANDING_SUSPECT;
    }
    assert_int_equal(of_suspects, 8);
    assert_status(add(&t, &guesses[of_suspects], 2, true), KW_BAD_TOO_MANY_OPERATIONS);
    while (of_another < 64 && add(&t, &his[of_another], 99, true) == KW_GOOD) {
        of_another++;
    }
    assert_int_equal(of_another, 16);
    while (of_house < 64 && add(&t, &house[of_house], 0, false) == KW_GOOD) {
        of_house++;
    }
    assert_int_equal(of_house, 8);
    assert_int_equal(t.count, 64);
    assert_ptr_equal(begin(&t), &house[0]);
    end(&t, &house[0]);
    assert_status(add(&t, &house[0], 0, false), KW_GOOD);
}

/* --- whatever is queued ------------------------------------------------------------------------------------------------- */

typedef struct crowd {
    kw_test_random random;
    kw_turns t;
    task tasks[256];
    bool is_used[256], is_running[256];
    task honest;
    bool honest_waits, honest_runs;
    size_t house;
    size_t ended; /* passwords of others since the honest one came */
} crowd;

static void note_began(crowd *c)
{
    for (task *one; (one = begin(&c->t)) != NULL;) {
        if (one == &c->honest) {
            c->honest_waits = false;
            c->honest_runs = true;
        } else {
            c->is_running[one - c->tasks] = true;
        }
    }
}

/*
 * A guesser that nobody suspects yet, and many that are suspected; passwords, and what else costs on the way in; and the house, which
 * has one job at a time: with more it would go before all of them.
 */
static void somebody_comes(crowd *c)
{
    const size_t i = kw_test_random_below(&c->random, 256);
    const size_t kind = kw_test_random_below(&c->random, 8);
    if (c->is_used[i] || (kind == 0 && c->house > 0)) {
        return;
    }
    c->tasks[i].standing = kind >= 3 ? KW_STANDING_SUSPECT : kind == 1 ? KW_STANDING_KNOWN : KW_STANDING_UNKNOWN;
    const uint64_t source = kind == 0 ? 0 : kind < 3 ? 1 : 2 + kw_test_random_below(&c->random, 20);
    const bool is_password = source != 0 && kw_test_random_below(&c->random, 4) != 0;
    c->is_used[i] = add(&c->t, &c->tasks[i], source, is_password) == KW_GOOD;
    c->house += c->is_used[i] && source == 0;
    note_began(c);
}

static void somebody_ends(crowd *c)
{
    size_t i = kw_test_random_below(&c->random, 256);
    for (size_t tried = 0; tried < 256 && !c->is_running[i]; tried++) {
        i = (i + 1) % 256;
    }
    if (c->is_running[i]) {
        c->is_running[i] = c->is_used[i] = false;
        c->ended += c->tasks[i].job.is_password;
        c->house -= c->tasks[i].job.source == 0;
        end(&c->t, &c->tasks[i]);
        note_began(c);
    }
}

static void whoever_signs_in_waits_for_one_password_at_most(unsigned places, unsigned passwords)
{
    static crowd c;
    size_t signed_in = 0;
    c = (crowd){.t = {.places = places, .passwords = passwords, .max = 128}};
    kw_test_random_init(&c.random, places * 100 + passwords);
    for (size_t i = 0; i < ROUNDS; i++) {
        if (kw_test_random_below(&c.random, 3) != 0) {
            somebody_comes(&c);
        } else {
            somebody_ends(&c);
        }
        if (!c.honest_waits && !c.honest_runs && kw_test_random_below(&c.random, 4) == 0) {
            add_password(&c.t, &c.honest, 1000);
            c.honest_waits = true;
            c.ended = 0;
            note_began(&c);
        } else if (c.honest_runs && kw_test_random_below(&c.random, 4) == 0) {
            c.honest_runs = false;
            end(&c.t, &c.honest);
            signed_in++;
            note_began(&c);
        }
        assert_true(!c.honest_waits || c.ended <= 1);
    }
    assert_true(signed_in > ROUNDS / 100);
}

static void an_honest_password_waits_for_one_of_a_guesser_at_most(void **state)
{
    (void)state;
    whoever_signs_in_waits_for_one_password_at_most(4, 2); /* as with one core */
    whoever_signs_in_waits_for_one_password_at_most(4, 3);
    whoever_signs_in_waits_for_one_password_at_most(10, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_house_goes_first_and_has_a_place_of_its_own),
        cmocka_unit_test(few_passwords_are_hashed_at_once),
        cmocka_unit_test(one_source_keeps_its_order_and_leaves_a_place),
        cmocka_unit_test(who_has_proven_nobody_yet_hashes_one_password_at_a_time),
        cmocka_unit_test(a_newcomer_does_not_wait_for_what_others_piled_up),
        cmocka_unit_test(suspects_go_one_at_a_time_and_leave_a_place),
        cmocka_unit_test(whoever_does_not_guess_goes_before_suspects),
        cmocka_unit_test(who_begins_to_guess_while_he_waits_is_a_suspect_by_his_turn),
        cmocka_unit_test(suspects_are_not_kept_out_for_ever),
        cmocka_unit_test(nobody_takes_the_room_of_others),
        cmocka_unit_test(an_honest_password_waits_for_one_of_a_guesser_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
