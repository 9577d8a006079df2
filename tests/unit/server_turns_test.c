/* Who asks for much waits for himself, and nobody else does. */
#include "server/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define GUESSES 100

static void add(kw_turns *t, kw_turn *turn, uint64_t source)
{
    *turn = (kw_turn){.source = source};
    kw_turns_add(t, turn);
}

static void no_more_run_at_once_than_may(void **state)
{
    (void)state;
    kw_turns t = {.running_max = 2};
    kw_turn turns[3];
    for (size_t i = 0; i < 3; i++) {
        add(&t, &turns[i], i);
    }
    assert_ptr_equal(kw_turns_begin(&t), &turns[0]);
    assert_ptr_equal(kw_turns_begin(&t), &turns[1]);
    assert_null(kw_turns_begin(&t));
    kw_turns_end(&t, &turns[0]);
    assert_ptr_equal(kw_turns_begin(&t), &turns[2]);
    kw_turns_end(&t, &turns[2]);
    kw_turns_end(&t, &turns[1]);
    assert_null(kw_turns_begin(&t));
    assert_int_equal(t.running_count, 0);
}

static void one_source_alone_keeps_its_order_and_all_places(void **state)
{
    (void)state;
    kw_turns t = {.running_max = 2};
    kw_turn turns[4];
    for (size_t i = 0; i < 4; i++) {
        add(&t, &turns[i], 7);
    }
    for (size_t i = 0; i < 4; i += 2) {
        assert_ptr_equal(kw_turns_begin(&t), &turns[i]);
        assert_ptr_equal(kw_turns_begin(&t), &turns[i + 1]);
        kw_turns_end(&t, &turns[i]);
        kw_turns_end(&t, &turns[i + 1]);
    }
}

/* However much two others have piled up, one job of each at most goes first. */
static void a_newcomer_does_not_wait_for_what_others_piled_up(void **state)
{
    (void)state;
    kw_turns t = {.running_max = 1};
    kw_turn piled[2 * GUESSES], honest;
    for (size_t i = 0; i < 2 * GUESSES; i++) {
        add(&t, &piled[i], 1 + i % 2);
    }
    for (size_t rounds = 0; rounds < 10; rounds++) {
        kw_turn *running = kw_turns_begin(&t);
        add(&t, &honest, 3);
        size_t before = 0;
        while (running != &honest) {
            assert_non_null(running);
            kw_turns_end(&t, running);
            running = kw_turns_begin(&t);
            before++;
        }
        assert_in_range(before, 1, 3);
        kw_turns_end(&t, &honest);
    }
}

static void who_piled_up_is_not_forgotten_either(void **state)
{
    (void)state;
    kw_turns t = {.running_max = 1};
    kw_turn piled[2], others[GUESSES];
    add(&t, &piled[0], 1);
    add(&t, &piled[1], 1);
    for (size_t i = 0; i < GUESSES; i++) { /* a stream of others, each comes when the one before it began */
        add(&t, &others[i], 2);
        kw_turn *running = kw_turns_begin(&t);
        assert_non_null(running);
        kw_turns_end(&t, running);
    }
    for (const kw_turn *w = t.waiting; w != NULL; w = w->next) {
        assert_int_equal(w->source, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_run_at_once_than_may),
        cmocka_unit_test(one_source_alone_keeps_its_order_and_all_places),
        cmocka_unit_test(a_newcomer_does_not_wait_for_what_others_piled_up),
        cmocka_unit_test(who_piled_up_is_not_forgotten_either),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
