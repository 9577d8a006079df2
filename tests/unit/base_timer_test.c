/* The wheel against a list that is searched: same timers, same moments, from a seed. */
#include "base/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TIMERS 200

typedef struct probe {
    kw_timer timer;
    uint64_t due, fired_at;
    int is_running, fired;
} probe;

static uint64_t now_ms, last_due;

static void on_fire(kw_timer *timer)
{
    probe *p = (probe *)timer;
    p->fired++;
    p->fired_at = now_ms;
    assert_true(p->due >= last_due); /* in order of due time */
    last_due = p->due;
    assert_true(p->is_running && p->due <= now_ms);
    p->is_running = 0;
}

static uint64_t earliest(const probe *probes)
{
    uint64_t e = UINT64_MAX;
    for (int i = 0; i < TIMERS; i++) {
        e = probes[i].is_running && probes[i].due < e ? probes[i].due : e;
    }
    return e;
}

static uint64_t random_delay(void)
{
    static const uint64_t SPANS[] = {3, 70, 5000, 300000, 20000000};
    return (uint64_t)rand() % SPANS[rand() % 5];
}

static void fires_what_a_plain_list_would_from(unsigned seed)
{
    static probe probes[TIMERS];
    memset(probes, 0, sizeof(probes));
    srand(seed);
    now_ms = 12345;
    kw_timers *timers = kw_timers_new(now_ms);
    for (int step = 0; step < 20000; step++) {
        probe *p = &probes[rand() % TIMERS];
        p->timer.fire = on_fire;
        if (rand() % 4 == 0) {
            kw_timer_stop(&p->timer);
            p->is_running = 0;
        } else {
            p->due = rand() % 10 == 0 ? now_ms - (uint64_t)rand() % 1000 : now_ms + random_delay(); /* some are late already */
            p->is_running = 1;
            kw_timer_start(timers, &p->timer, p->due);
        }
        assert_true(kw_timers_next(timers) == earliest(probes));
        if (rand() % 3 == 0) {
            now_ms += random_delay() / 2;
            last_due = 0;
            kw_timers_advance(timers, now_ms);
            assert_true(earliest(probes) > now_ms);
        }
    }
    kw_timers_free(timers);
}

static void fires_what_a_plain_list_would(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= (getenv("KW_LONG") != NULL ? 500 : 5); seed++) {
        fires_what_a_plain_list_would_from(seed);
    }
}

static int restarts;

static void restart_now(kw_timer *timer)
{
    restarts++;
    kw_timer_start(*(kw_timers **)(timer + 1), timer, now_ms);
}

static void a_timer_that_restarts_itself_does_not_hold_up_the_wheel(void **state)
{
    (void)state;
    struct {
        kw_timer timer;
        kw_timers *timers;
    } self = {.timer = {.fire = restart_now}};
    now_ms = 100;
    self.timers = kw_timers_new(now_ms);
    kw_timer_start(self.timers, &self.timer, 50); /* overdue already */
    kw_timers_advance(self.timers, now_ms);
    assert_int_equal(restarts, 1);
    kw_timers_advance(self.timers, now_ms);
    assert_int_equal(restarts, 2);
    kw_timers_free(self.timers);
}

static kw_timer late;
static uint64_t late_fired;

static void on_late(kw_timer *timer)
{
    (void)timer;
    late_fired++;
}

static void start_late(kw_timer *timer)
{
    kw_timer_start(*(kw_timers **)(timer + 1), &late, 0);
}

/* Started for the past while the wheel catches up with many milliseconds: it waits for the next advance, and for no more. */
static void a_timer_that_is_late_from_the_start_is_not_lost(void **state)
{
    (void)state;
    struct {
        kw_timer timer;
        kw_timers *timers;
    } first = {.timer = {.fire = start_late}};
    late = (kw_timer){.fire = on_late};
    late_fired = 0;
    first.timers = kw_timers_new(1000);
    kw_timer_start(first.timers, &first.timer, 1005);
    kw_timers_advance(first.timers, 1020);
    assert_int_equal(late_fired, 0);
    assert_true(kw_timers_next(first.timers) == 0);
    kw_timers_advance(first.timers, 1020);
    assert_int_equal(late_fired, 1);
    assert_true(kw_timers_next(first.timers) == UINT64_MAX);
    kw_timers_free(first.timers);
}

static kw_timer *victim;

static void stop_victim(kw_timer *timer)
{
    (void)timer;
    kw_timer_stop(victim);
}

static void a_timer_stopped_by_one_that_fires_with_it_does_not_fire(void **state)
{
    (void)state;
    kw_timers *timers = kw_timers_new(0);
    kw_timer a = {.fire = stop_victim}, b = {.fire = on_late};
    victim = &b;
    late_fired = 0;
    kw_timer_start(timers, &a, 500);
    kw_timer_start(timers, &b, 500);
    kw_timers_advance(timers, 1000);
    assert_int_equal(late_fired, 0);
    assert_null(b.timers);
    kw_timers_free(timers);
}

static void years_of_nothing_pass_at_once(void **state)
{
    (void)state;
    kw_timers *timers = kw_timers_new(0);
    kw_timer t = {.fire = on_late};
    late_fired = 0;
    const uint64_t decade = UINT64_C(10) * 365 * 86400 * 1000;
    kw_timer_start(timers, &t, decade);
    kw_timers_advance(timers, decade - 1);
    assert_int_equal(late_fired, 0);
    assert_true(kw_timers_next(timers) == decade);
    kw_timers_advance(timers, decade);
    assert_int_equal(late_fired, 1);
    kw_timers_free(timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_what_a_plain_list_would),
        cmocka_unit_test(a_timer_that_restarts_itself_does_not_hold_up_the_wheel),
        cmocka_unit_test(a_timer_that_is_late_from_the_start_is_not_lost),
        cmocka_unit_test(a_timer_stopped_by_one_that_fires_with_it_does_not_fire),
        cmocka_unit_test(years_of_nothing_pass_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
