/* Every type that the tables describe goes over the wire and comes back as it was; what is cut short is refused. */
#include "support/test.h"
#include "support/ua_random.h"
#include "ua/codec.h"
#include "ua/text.h"

#include <stdlib.h>
#include <string.h>

#define SEEDS 6
#define ARENA_LIMIT ((size_t)64 << 20)

typedef struct fixture {
    kw_arena *values, *decoded;
    kw_writer first, second;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->values = kw_arena_new(ARENA_LIMIT);
    f->decoded = kw_arena_new(ARENA_LIMIT);
    kw_writer_init(&f->first, 16u << 20);
    kw_writer_init(&f->second, 16u << 20);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kw_arena_free(f->values);
    kw_arena_free(f->decoded);
    kw_writer_clear(&f->first);
    kw_writer_clear(&f->second);
    free(f);
    return 0;
}

typedef void (*visit)(fixture *f, const kw_type *type, const void *value);

static void for_random_value(fixture *f, const kw_type *type, uint64_t seed, visit check)
{
    kw_arena_reset(f->values);
    kw_arena_reset(f->decoded);
    kw_writer_reset(&f->first);
    kw_writer_reset(&f->second);
    kw_ua_random r = {.state = seed, .arena = f->values};
    void *value = kw_arena_alloc(f->values, type->size);
    kw_ua_random_value(&r, type, value);
    check(f, type, value);
}

static void for_every_type(fixture *f, visit check)
{
    for (int id = KW_BUILTIN_BOOLEAN; id <= KW_BUILTIN_DIAGNOSTIC_INFO; id++) {
        for (uint64_t seed = 0; seed < SEEDS * 4; seed++) {
            for_random_value(f, kw_type_builtin((kw_builtin)id), seed * 1000 + (uint64_t)id, check);
        }
    }
    for (size_t i = 0; i < kw_type_count(); i++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            for_random_value(f, kw_type_at(i), seed * 100003 + i, check);
        }
    }
}

static void check_round_trip(fixture *f, const kw_type *type, const void *value)
{
    assert_int_equal(kw_ua_encode(&f->first, type, value), KW_GOOD);
    assert_true(f->first.len >= type->min_wire_size);
    void *back = kw_arena_alloc(f->decoded, type->size);
    const kw_status status = kw_ua_decode_all(kw_writer_bytes(&f->first), f->decoded, NULL, type, back);
    if (status != KW_GOOD || !kw_ua_equal(type, value, back)) {
        fail_msg("%s: %s, %.*s", type->name, kw_status_name(status), KW_STRING_ARGS(kw_ua_format(f->values, type, value)));
    }
    assert_int_equal(kw_ua_encode(&f->second, type, back), KW_GOOD);
    assert_true(kw_bytes_equal(kw_writer_bytes(&f->first), kw_writer_bytes(&f->second)));
}

static void every_type_comes_back_equal_and_encodes_to_the_same_bytes(void **state)
{
    for_every_type(*state, check_round_trip);
}

static void check_truncations(fixture *f, const kw_type *type, const void *value)
{
    assert_int_equal(kw_ua_encode(&f->first, type, value), KW_GOOD);
    const kw_bytes whole = kw_writer_bytes(&f->first);
    void *back = malloc(type->size);
    for (size_t len = 0; len < whole.len; len += 1 + len / 512) {
        uint8_t *part = malloc(len > 0 ? len : 1); /* of its own, so that a step past the end is seen */
        if (len > 0) {
            memcpy(part, whole.data, len);
        }
        kw_arena_reset(f->decoded);
        const kw_status status = kw_ua_decode_all((kw_bytes){part, len}, f->decoded, NULL, type, back);
        free(part);
        if (status != KW_BAD_DECODING_ERROR) {
            fail_msg("%s cut at %zu of %zu: %s", type->name, len, whole.len, kw_status_name(status));
        }
    }
    free(back);
}

static void what_is_cut_short_anywhere_is_refused(void **state)
{
    for_every_type(*state, check_truncations);
}

static void check_damage(fixture *f, const kw_type *type, const void *value)
{
    kw_ua_random r = {.state = type->data_type_id};
    assert_int_equal(kw_ua_encode(&f->first, type, value), KW_GOOD);
    void *back = malloc(type->size);
    for (int i = 0; i < 30 && f->first.len > 0; i++) {
        uint8_t *copy = malloc(f->first.len);
        memcpy(copy, f->first.data, f->first.len);
        copy[kw_ua_random_next(&r) % f->first.len] = (uint8_t)kw_ua_random_next(&r);
        if (kw_ua_random_next(&r) % 2 == 0) {
            copy[kw_ua_random_next(&r) % f->first.len] = 0xFF;
        }
        kw_arena_reset(f->decoded);
        if (kw_ua_decode_all((kw_bytes){copy, f->first.len}, f->decoded, NULL, type, back) == KW_GOOD) {
            kw_writer_reset(&f->second);
            assert_int_equal(kw_ua_encode(&f->second, type, back), KW_GOOD); /* whatever was accepted is a sound value */
            const bool is_same = kw_bytes_equal(kw_writer_bytes(&f->first), kw_writer_bytes(&f->second));
            assert_int_equal(kw_ua_equal(type, value, back), is_same);
        }
        free(copy);
    }
    free(back);
}

static void damaged_bytes_are_refused_or_become_a_sound_value(void **state)
{
    for_every_type(*state, check_damage);
}

static void check_copy(fixture *f, const kw_type *type, const void *value)
{
    void *copy = malloc(type->size);
    assert_int_equal(kw_ua_copy(f->decoded, type, value, copy), KW_GOOD);
    assert_true(kw_ua_equal(type, value, copy));
    assert_int_equal(kw_ua_encode(&f->first, type, value), KW_GOOD);
    kw_arena_free(f->values); /* the copy must not need it */
    f->values = kw_arena_new(ARENA_LIMIT);
    assert_int_equal(kw_ua_encode(&f->second, type, copy), KW_GOOD);
    assert_true(kw_bytes_equal(kw_writer_bytes(&f->first), kw_writer_bytes(&f->second)));
    free(copy);
}

static void a_copy_is_equal_and_borrows_nothing(void **state)
{
    for_every_type(*state, check_copy);
}

static void check_format(fixture *f, const kw_type *type, const void *value)
{
    const kw_string text = kw_ua_format(f->decoded, type, value);
    assert_non_null(text.data);
    for (size_t i = 0; i < text.len; i++) {
        assert_true(text.data[i] >= 0x20);
    }
}

static void every_value_has_a_text_of_one_line(void **state)
{
    for_every_type(*state, check_format);
}

static void a_full_arena_is_a_limit_and_no_crash(void **state)
{
    fixture *f = *state;
    kw_ua_random r = {.state = 7, .arena = f->values};
    kw_get_endpoints_response value;
    kw_ua_random_value(&r, KW_TYPE_GET_ENDPOINTS_RESPONSE, &value);
    value.endpoints = KW_ARENA_ARRAY(f->values, kw_endpoint_description, 40);
    value.endpoints_count = 40;
    assert_int_equal(kw_ua_encode(&f->first, KW_TYPE_GET_ENDPOINTS_RESPONSE, &value), KW_GOOD);
    kw_arena *small = kw_arena_new(1000);
    kw_get_endpoints_response back;
    assert_int_equal(kw_ua_decode_all(kw_writer_bytes(&f->first), small, NULL, KW_TYPE_GET_ENDPOINTS_RESPONSE, &back),
                     KW_BAD_ENCODING_LIMITS_EXCEEDED);
    assert_int_equal(kw_ua_copy(small, KW_TYPE_GET_ENDPOINTS_RESPONSE, &value, &back), KW_BAD_ENCODING_LIMITS_EXCEEDED);
    kw_arena_free(small);
}

/* The model has no union, but the codec knows them. */
typedef struct test_union {
    uint32_t switch_value;
    union {
        int32_t number;
        kw_string text;
    } value;
} test_union;

static const kw_type_field union_fields[] = {
    {"Number", KW_TYPE_INT32, offsetof(test_union, value.number), 0, false, false},
    {"Text", KW_TYPE_STRING, offsetof(test_union, value.text), 0, false, false},
};
static const kw_type union_type = {"TestUnion",  KW_KIND_UNION, KW_BUILTIN_EXTENSION_OBJECT, 2, sizeof(test_union), 4, 0, 0,
                                   union_fields, NULL};

static void a_union_carries_the_member_that_its_switch_names(void **state)
{
    fixture *f = *state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        for_random_value(f, &union_type, seed, check_round_trip);
        for_random_value(f, &union_type, seed, check_copy);
        for_random_value(f, &union_type, seed, check_truncations);
    }
    test_union out;
    assert_int_equal(kw_ua_decode_all((kw_bytes){(const uint8_t *)"\3\0\0\0", 4}, f->decoded, NULL, &union_type, &out),
                     KW_BAD_DECODING_ERROR);
}

static void null_and_empty_stay_apart(void **state)
{
    fixture *f = *state;
    kw_string none = KW_BYTES_NULL, empty = KW_STRING(""), back;
    assert_false(kw_ua_equal(KW_TYPE_STRING, &none, &empty));
    kw_ua_encode(&f->first, KW_TYPE_STRING, &none);
    assert_int_equal(kw_ua_decode_all(kw_writer_bytes(&f->first), f->decoded, NULL, KW_TYPE_STRING, &back), KW_GOOD);
    assert_null(back.data);
    kw_ua_encode(&f->second, KW_TYPE_STRING, &empty);
    assert_int_equal(kw_ua_decode_all(kw_writer_bytes(&f->second), f->decoded, NULL, KW_TYPE_STRING, &back), KW_GOOD);
    assert_non_null(back.data);
    assert_int_equal(back.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_type_comes_back_equal_and_encodes_to_the_same_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_cut_short_anywhere_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_bytes_are_refused_or_become_a_sound_value, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_is_equal_and_borrows_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(every_value_has_a_text_of_one_line, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_arena_is_a_limit_and_no_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(a_union_carries_the_member_that_its_switch_names, setup, teardown),
        cmocka_unit_test_setup_teardown(null_and_empty_stay_apart, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
