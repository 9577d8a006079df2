#include "http/form.h"
#include "support/kw_test_store.h"
#include "support/test.h"

#include <stdlib.h>

static int setup(void **state)
{
    *state = kw_arena_new((size_t)1 << 20);
    return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    kw_arena_free(*state);
    return 0;
}

static void names_and_values_are_decoded(void **state)
{
    kw_http_form form;
    assert_status(kw_http_form_parse(KW_STRING("scope=openid+a%2Bb&=x&&empty=&caf%C3%A9=%e2%82%ac&bare"), *state, &form), KW_GOOD);
    assert_int_equal(form.count, 4);
    assert_text(kw_http_form_get(&form, "scope", NULL), "openid a+b");
    assert_text(kw_http_form_get(&form, "caf\xC3\xA9", NULL), "\xE2\x82\xAC");
    assert_null(kw_http_form_get(&form, "empty", NULL).data);
    assert_null(kw_http_form_get(&form, "bare", NULL).data);
    assert_null(kw_http_form_get(&form, "other", NULL).data);
}

static void what_comes_twice_is_noticed(void **state)
{
    kw_http_form form;
    bool twice = false;
    assert_status(kw_http_form_parse(KW_STRING("a=1&b=2&a="), *state, &form), KW_GOOD);
    assert_text(kw_http_form_get(&form, "b", &twice), "2");
    assert_false(twice);
    assert_text(kw_http_form_get(&form, "a", &twice), "1");
    assert_true(twice);
}

static void broken_text_is_refused(void **state)
{
    static const char *const TEXTS[] = {"a=%", "a=%2", "a=%2x", "a=%zz", "%=1", "a=%00", "a=%C3%28", "a=%ED%A0%80"};
    kw_http_form form;
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        assert_status(kw_http_form_parse(kw_string_from(TEXTS[i]), *state, &form), KW_BAD_DECODING_ERROR);
    }
}

static void there_is_a_limit_of_fields(void **state)
{
    uint8_t text[400];
    kw_http_form form;
    for (size_t i = 0; i < sizeof(text); i += 4) {
        text[i] = 'a';
        text[i + 1] = '=';
        text[i + 2] = '1';
        text[i + 3] = '&';
    }
    assert_status(kw_http_form_parse((kw_string){text, 399}, *state, &form), KW_GOOD);
    assert_int_equal(form.count, 100);
    assert_status(kw_http_form_parse((kw_string){text, 400}, *state, &form), KW_BAD_ENCODING_LIMITS_EXCEEDED);
}

static void what_is_encoded_is_decoded_again(void **state)
{
    kw_http_form form;
    const kw_string encoded = kw_http_form_encode(*state, KW_STRING("a b&c=d+e/\xE2\x82\xAC~-._"));
    assert_text(encoded, "a%20b%26c%3Dd%2Be%2F%E2%82%AC~-._");
    const kw_string text = kw_arena_format(*state, "x=%.*s", KW_STRING_ARGS(encoded));
    assert_status(kw_http_form_parse(text, *state, &form), KW_GOOD);
    assert_text(kw_http_form_get(&form, "x", NULL), "a b&c=d+e/\xE2\x82\xAC~-._");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_and_values_are_decoded, setup, teardown),
        cmocka_unit_test_setup_teardown(what_comes_twice_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_text_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(there_is_a_limit_of_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_encoded_is_decoded_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
