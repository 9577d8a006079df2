/* Bytes from outside cannot forge a line, drive a terminal, push out other fields or act as a format. */
#include "base/log.h"
#include "support/test.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct sink {
    char text[16384];
    size_t len;
    unsigned lines;
} sink;

static void take_line(void *ctx, const char *line, size_t len)
{
    sink *s = ctx;
    assert_true(len < sizeof(s->text));
    memcpy(s->text, line, len);
    s->text[len] = '\0';
    s->len = len;
    s->lines++;
}

static kw_log log_to(sink *s)
{
    return (kw_log){KW_LOG_INFO, take_line, s};
}

/* The line after its time: "2026-01-31T12:00:00.000Z ". */
static const char *rest(const sink *s)
{
    assert_true(s->len > 25);
    for (size_t i = 0; i < 25; i++) {
        static const char FORM[] = "dddd-dd-ddTdd:dd:dd.dddZ ";
        assert_true(FORM[i] == 'd' ? s->text[i] >= '0' && s->text[i] <= '9' : s->text[i] == FORM[i]);
    }
    assert_int_equal(s->text[s->len - 1], '\n');
    assert_ptr_equal(memchr(s->text, '\n', s->len), &s->text[s->len - 1]); /* one line, whatever was in it */
    return s->text + 25;
}

static const char *line_of(sink *s, kw_string value)
{
    const kw_log log = log_to(s);
    KW_LOG(&log, KW_LOG_WARN, "event", kw_field_str("user", value), kw_field_int("session", 7));
    return rest(s);
}

static void fields_are_written_by_their_kind(void **state)
{
    (void)state;
    sink s = {.lines = 0};
    const kw_log log = log_to(&s);
    KW_LOG(&log, KW_LOG_ERROR, "session activated", kw_field_text("user", "alice"), kw_field_int("least", INT64_MIN),
           kw_field_status("why", KW_BAD_TIMEOUT), kw_field_hex("thumbprint", KW_STRING("\x01\xAB\xFF")), kw_field_text("none", NULL));
    assert_string_equal(rest(&s),
                        "error \"session activated\" user=alice least=-9223372036854775808 why=Bad_Timeout thumbprint=01ABFF none=\"\"\n");
    assert_int_equal(s.lines, 1);
}

static void lines_below_the_level_are_dropped(void **state)
{
    (void)state;
    sink s = {.lines = 0};
    const kw_log log = log_to(&s);
    KW_LOG(&log, KW_LOG_DEBUG, "fine grained", kw_field_int("n", 1));
    assert_int_equal(s.lines, 0);
    KW_LOG(&log, KW_LOG_INFO, "told", kw_field_int("n", 1));
    assert_int_equal(s.lines, 1);
    KW_LOG(&KW_LOG_QUIET, KW_LOG_ERROR, "nobody listens", kw_field_int("n", 1));
}

static void what_could_be_taken_for_structure_is_quoted(void **state)
{
    (void)state;
    sink s = {.lines = 0};
    assert_string_equal(line_of(&s, KW_STRING("plain-1.2/3@x")), "warn event user=plain-1.2/3@x session=7\n");
    assert_string_equal(line_of(&s, KW_STRING("a b")), "warn event user=\"a b\" session=7\n");
    assert_string_equal(line_of(&s, KW_STRING("x session=8")), "warn event user=\"x session=8\" session=7\n");
    assert_string_equal(line_of(&s, KW_STRING("a=b")), "warn event user=\"a=b\" session=7\n");
    assert_string_equal(line_of(&s, KW_STRING("\" session=\"8")), "warn event user=\"\\\" session=\\\"8\" session=7\n");
    assert_string_equal(line_of(&s, KW_STRING("back\\slash\\")), "warn event user=\"back\\\\slash\\\\\" session=7\n");
    assert_string_equal(line_of(&s, KW_STRING("")), "warn event user=\"\" session=7\n");
}

static void controls_of_every_kind_are_escaped(void **state)
{
    (void)state;
    sink s = {.lines = 0};
    assert_string_equal(line_of(&s, KW_STRING("a\r\n2026-01-01T00:00:00.000Z info forged")),
                        "warn event user=\"a\\x0D\\x0A2026-01-01T00:00:00.000Z info forged\" session=7\n");
    assert_string_equal(line_of(&s, KW_STRING("\x1B[2J\x1B]0;title\x07")), "warn event user=\"\\x1B[2J\\x1B]0;title\\x07\" session=7\n");
    assert_string_equal(line_of(&s, KW_STRING("\xC2\x9B"
                                              "2J")),
                        "warn event user=\"\\xC2\\x9B2J\" session=7\n"); /* CSI in one code point */
    assert_string_equal(line_of(&s, KW_STRING("a\0b\x7F")), "warn event user=\"a\\x00b\\x7F\" session=7\n");
    assert_string_equal(line_of(&s, KW_STRING("\xE2\x80\xA8")), "warn event user=\"\\xE2\\x80\\xA8\" session=7\n"); /* a line separator */
    assert_string_equal(line_of(&s, KW_STRING("nimda\xE2\x80\xAE")),
                        "warn event user=\"nimda\\xE2\\x80\\xAE\" session=7\n"); /* right to left */
}

static void text_stays_text_and_other_bytes_are_shown_one_by_one(void **state)
{
    (void)state;
    sink s = {.lines = 0};
    assert_string_equal(line_of(&s, KW_STRING("Gr\xC3\xBC\xC3\x9F \xF0\x9F\x94\x91")),
                        "warn event user=\"Gr\xC3\xBC\xC3\x9F \xF0\x9F\x94\x91\" session=7\n");
    assert_string_equal(line_of(&s, KW_STRING("\xC3\xBC\xFF\xC0\x80")), "warn event user=\"\xC3\xBC\\xFF\\xC0\\x80\" session=7\n");
}

static void a_value_is_never_a_format(void **state)
{
    (void)state;
    sink s = {.lines = 0};
    const kw_log log = log_to(&s);
    assert_string_equal(line_of(&s, KW_STRING("%n%s%x%999999d")), "warn event user=%n%s%x%999999d session=7\n");
    KW_LOG(&log, KW_LOG_INFO, "%n%s", kw_field_text("user", "%n"));
    assert_string_equal(rest(&s), "info %n%s user=%n\n");
}

static void long_values_are_cut_and_the_fields_after_them_stay(void **state)
{
    (void)state;
    static const struct {
        const char *unit;
        size_t shown; /* bytes that one takes in the line */
    } UNITS[] = {{"x", 1}, {" ", 1}, {"\x01", 4}, {"\xFF", 4}, {"\xC3\xBC", 2}, {"\xF0\x9F\x94\x91", 4}, {"\xE2\x80\xA8", 12}};
    for (size_t u = 0; u < sizeof(UNITS) / sizeof(UNITS[0]); u++) {
        const size_t unit_len = strlen(UNITS[u].unit), count = 100000;
        uint8_t *value = malloc(unit_len * count);
        for (size_t i = 0; i < count; i++) {
            memcpy(value + i * unit_len, UNITS[u].unit, unit_len);
        }
        sink s = {.lines = 0};
        const char *line = line_of(&s, (kw_string){value, unit_len * count});
        assert_non_null(strstr(line, "...\" session=7\n"));
        assert_int_equal(strstr(line, "...") - strstr(line, "user=\"") - 6, 1024 / UNITS[u].shown * UNITS[u].shown); /* whole units */
        assert_true(kw_utf8_is_valid((kw_string){(const uint8_t *)line, strlen(line)}, false));
        free(value);
    }
}

static void a_line_with_too_much_in_it_says_so(void **state)
{
    (void)state;
    static uint8_t value[2000];
    sink s = {.lines = 0};
    const kw_log log = log_to(&s);
    kw_field fields[20];
    memset(value, 1, sizeof(value));
    for (size_t i = 0; i < 20; i++) {
        fields[i] = kw_field_str("key", (kw_string){value, sizeof(value)});
    }
    kw_log_write(&log, KW_LOG_INFO, "many", fields, 20);
    const char *line = rest(&s);
    assert_true(s.len <= 8192);
    assert_string_equal(line + strlen(line) - 9, "...\" ...\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_written_by_their_kind),
        cmocka_unit_test(lines_below_the_level_are_dropped),
        cmocka_unit_test(what_could_be_taken_for_structure_is_quoted),
        cmocka_unit_test(controls_of_every_kind_are_escaped),
        cmocka_unit_test(text_stays_text_and_other_bytes_are_shown_one_by_one),
        cmocka_unit_test(a_value_is_never_a_format),
        cmocka_unit_test(long_values_are_cut_and_the_fields_after_them_stay),
        cmocka_unit_test(a_line_with_too_much_in_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
