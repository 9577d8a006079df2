/* UTF-8 is what RFC 3629 says and nothing else: what is refused here has been used to slip past a comparison. */
#include "base/utf8.h"
#include "support/test.h"

#include <stdint.h>
#include <string.h>

typedef struct sample {
    const char *bytes;
    size_t len;
    const char *what;
} sample;

#define SAMPLE(literal, what)                                                                                                              \
    {                                                                                                                                      \
        literal, sizeof(literal) - 1, what                                                                                                 \
    }

static const sample VALID[] = {
    SAMPLE("", "nothing"),
    SAMPLE("plain", "ASCII"),
    SAMPLE("\x7F", "the last of one byte"),
    SAMPLE("\xC2\x80", "the first of two bytes"),
    SAMPLE("\xDF\xBF", "the last of two bytes"),
    SAMPLE("\xE0\xA0\x80", "the first of three bytes"),
    SAMPLE("\xED\x9F\xBF", "the last before the surrogates"),
    SAMPLE("\xEE\x80\x80", "the first after the surrogates"),
    SAMPLE("\xEF\xBF\xBF", "the last of three bytes"),
    SAMPLE("\xF0\x90\x80\x80", "the first of four bytes"),
    SAMPLE("\xF4\x8F\xBF\xBF", "the last code point"),
    SAMPLE("Gr\xC3\xBC\xC3\x9F Gott, \xE4\xB8\x96\xE7\x95\x8C \xF0\x9F\x94\x91", "a mixture"),
};

static const sample INVALID[] = {
    SAMPLE("\x80", "a continuation without a lead"),
    SAMPLE("\xBF", "the same, the last"),
    SAMPLE("a\x80", "the same, after text"),
    SAMPLE("\xC3", "a lead alone"),
    SAMPLE("\xE2\x82", "three bytes, one missing"),
    SAMPLE("\xF0\x9F\x94", "four bytes, one missing"),
    SAMPLE("\xC3(", "a lead before ASCII"),
    SAMPLE("\xE2(\xA1", "the second byte is none"),
    SAMPLE("\xE2\x82(", "the third byte is none"),
    SAMPLE("\xF0\x90\x8C(", "the fourth byte is none"),
    SAMPLE("\xC0\x80", "NUL in two bytes"),
    SAMPLE("\xC0\xAF", "a slash in two bytes"),
    SAMPLE("\xC1\xBF", "overlong, two bytes"),
    SAMPLE("\xE0\x80\xAF", "a slash in three bytes"),
    SAMPLE("\xE0\x9F\xBF", "overlong, three bytes"),
    SAMPLE("\xF0\x80\x80\xAF", "a slash in four bytes"),
    SAMPLE("\xF0\x8F\xBF\xBF", "overlong, four bytes"),
    SAMPLE("\xED\xA0\x80", "the first surrogate"),
    SAMPLE("\xED\xBF\xBF", "the last surrogate"),
    SAMPLE("\xED\xA0\xBD\xED\xB4\x91", "a pair of surrogates"),
    SAMPLE("\xF4\x90\x80\x80", "past the last code point"),
    SAMPLE("\xF5\x80\x80\x80", "a lead past the last code point"),
    SAMPLE("\xF8\x88\x80\x80\x80", "five bytes"),
    SAMPLE("\xFC\x84\x80\x80\x80\x80", "six bytes"),
    SAMPLE("\xFE", "never a byte of UTF-8"),
    SAMPLE("\xFF", "never a byte of UTF-8"),
};

static void what_is_well_formed_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(VALID) / sizeof(VALID[0]); i++) {
        if (!kw_utf8_is_valid((kw_string){(const uint8_t *)VALID[i].bytes, VALID[i].len}, false)) {
            fail_msg("refused: %s", VALID[i].what);
        }
    }
    assert_true(kw_utf8_is_valid(KW_BYTES_NULL, false));
}

static void what_is_not_is_refused_also_inside_of_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(INVALID) / sizeof(INVALID[0]); i++) {
        uint8_t text[32] = "before";
        memcpy(text + 6, INVALID[i].bytes, INVALID[i].len);
        memcpy(text + 6 + INVALID[i].len, "after", 5);
        if (kw_utf8_is_valid((kw_string){text + 6, INVALID[i].len}, true) ||
            kw_utf8_is_valid((kw_string){text, INVALID[i].len + 11}, true)) {
            fail_msg("accepted: %s", INVALID[i].what);
        }
    }
}

static void nul_is_refused_unless_it_is_allowed(void **state)
{
    (void)state;
    assert_false(kw_utf8_is_valid(KW_STRING("ad\0min"), false));
    assert_true(kw_utf8_is_valid(KW_STRING("ad\0min"), true));
}

/* Every code point there is, encoded by the bits, comes back; every one that is none is refused. */
static void every_code_point_is_told_right(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 0x120000; point++) {
        uint8_t bytes[4];
        size_t len = 4;
        if (point < 0x80) {
            bytes[0] = (uint8_t)point;
            len = 1;
        } else if (point < 0x800) {
            bytes[0] = (uint8_t)(0xC0 | point >> 6);
            len = 2;
        } else if (point < 0x10000) {
            bytes[0] = (uint8_t)(0xE0 | point >> 12);
            len = 3;
        } else {
            bytes[0] = (uint8_t)(0xF0 | point >> 18);
        }
        for (size_t i = 1; i < len; i++) {
            bytes[i] = (uint8_t)(0x80 | (point >> 6 * (len - 1 - i) & 0x3F));
        }
        const bool exists = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
        uint32_t found = UINT32_MAX;
        assert_int_equal(kw_utf8_first((kw_bytes){bytes, len}, &found), exists ? len : 0);
        assert_int_equal(found, exists ? point : UINT32_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_well_formed_is_accepted),
        cmocka_unit_test(what_is_not_is_refused_also_inside_of_text),
        cmocka_unit_test(nul_is_refused_unless_it_is_allowed),
        cmocka_unit_test(every_code_point_is_told_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
