/* The text format of Prometheus. */
#include "base/metric_text.h"
#include "support/test.h"

#include <string.h>

static void check(kw_writer *w, const char *wanted)
{
    const kw_bytes got = kw_writer_bytes(w);
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.data, wanted, got.len);
    kw_writer_clear(w);
}

static void a_metric_has_help_type_and_value(void **state)
{
    kw_writer w;
    (void)state;
    kw_writer_init(&w, 4096);
    kw_metric_one(&w, "keyway_sessions", "gauge", "Sessions.", 12);
    check(&w, "# HELP keyway_sessions Sessions.\n# TYPE keyway_sessions gauge\nkeyway_sessions 12\n");
}

static void labels_are_quoted_and_escaped(void **state)
{
    const kw_metric_label labels[] = {{"a", "plain"}, {"b", "q\"b\\n\n"}};
    kw_writer w;
    (void)state;
    kw_writer_init(&w, 4096);
    kw_metric_value(&w, "m", labels, 2, 0.5);
    check(&w, "m{a=\"plain\",b=\"q\\\"b\\\\n\\n\"} 0.5\n");
}

static void large_counts_stay_whole(void **state)
{
    kw_writer w;
    (void)state;
    kw_writer_init(&w, 4096);
    kw_metric_value(&w, "m", NULL, 0, 999999999999999.0);
    check(&w, "m 999999999999999\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_metric_has_help_type_and_value),
        cmocka_unit_test(labels_are_quoted_and_escaped),
        cmocka_unit_test(large_counts_stay_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
