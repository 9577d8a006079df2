/* What is written down about others' words is sound JSON, whatever they said. */
#include "base/json_text.h"
#include "support/test.h"

#include <jansson.h>
#include <string.h>

static json_t *parse(const kw_writer *w)
{
    assert_int_equal(kw_writer_status(w), KW_GOOD);
    json_t *object = json_loadb((const char *)w->data, w->len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert_non_null(object);
    return object;
}

static void members_come_in_order(void **state)
{
    (void)state;
    uint8_t buffer[256];
    kw_writer w;
    kw_writer_init_fixed(&w, buffer, sizeof(buffer));
    kw_json_text_begin(&w);
    kw_json_text_string(&w, "a", KW_STRING("one"), 10);
    kw_json_text_string(&w, "nothing", KW_BYTES_NULL, 10);
    kw_json_text_string(&w, "empty", KW_STRING(""), 10);
    kw_json_text_int(&w, "n", -42);
    kw_json_text_end(&w);
    static const char EXPECTED[] = "{\"a\":\"one\",\"empty\":\"\",\"n\":-42}";
    assert_int_equal(w.len, strlen(EXPECTED));
    assert_memory_equal(w.data, EXPECTED, w.len);
}

/* Every byte, alone and in company: what comes out can be read, and holds the byte if it was a character. */
static void every_byte_is_taken(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        const uint8_t text[] = {'<', (uint8_t)byte, '>'};
        kw_writer w;
        kw_writer_init(&w, 4096);
        kw_json_text_begin(&w);
        kw_json_text_string(&w, "v", (kw_string){text, 3}, 100);
        kw_json_text_end(&w);
        json_t *object = parse(&w);
        json_t *value = json_object_get(object, "v");
        if (byte < 0x80) {
            assert_int_equal(json_string_length(value), 3);
            assert_memory_equal(json_string_value(value), text, 3);
        } else {
            assert_string_equal(json_string_value(value), "<\xEF\xBF\xBD>");
        }
        json_decref(object);
        kw_writer_clear(&w);
    }
}

static void long_words_are_cut_between_characters(void **state)
{
    (void)state;
    for (size_t max = 0; max < 8; max++) {
        kw_writer w;
        kw_writer_init(&w, 4096);
        kw_json_text_begin(&w);
        kw_json_text_string(&w, "v", KW_STRING("\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"), max); /* four times ä */
        kw_json_text_end(&w);
        json_t *object = parse(&w);
        const char *value = json_string_value(json_object_get(object, "v"));
        assert_int_equal(strlen(value), max / 2 * 2 + strlen("\xE2\x80\xA6"));
        json_decref(object);
        kw_writer_clear(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(members_come_in_order), cmocka_unit_test(every_byte_is_taken),
                                       cmocka_unit_test(long_words_are_cut_between_characters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
