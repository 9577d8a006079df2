/* The wheel against a list that is searched: same timers, same moments, from a seed. */
#include "base/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

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
    return 1 + (uint64_t)rand() % SPANS[rand() % 5];
}

static void fires_what_a_plain_list_would(void **state)
{
    (void)state;
    static probe probes[TIMERS];
    srand(7);
    now_ms = 12345;
    kw_timers *timers = kw_timers_new(now_ms);
    for (int step = 0; step < 20000; step++) {
        probe *p = &probes[rand() % TIMERS];
        p->timer.fire = on_fire;
        if (rand() % 4 == 0) {
            kw_timer_stop(&p->timer);
            p->is_running = 0;
        } else {
            p->due = now_ms + random_delay();
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_what_a_plain_list_would),
        cmocka_unit_test(a_timer_that_restarts_itself_does_not_hold_up_the_wheel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
