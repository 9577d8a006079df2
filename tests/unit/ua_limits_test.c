/* Bytes that ask for more than they bring: lengths, nesting, dimensions.. */
#include "support/test.h"
#include "ua/codec.h"

#include <pthread.h>
#include <string.h>

#define BYTES(...) ((kw_bytes){(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})})
#define INPUT_MAX ((size_t)1 << 20)

static kw_arena *arena;
static kw_writer w;

static int setup(void **state)
{
    (void)state;
    arena = kw_arena_new(64u << 20);
    kw_writer_init(&w, INPUT_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kw_arena_free(arena);
    kw_writer_clear(&w);
    return 0;
}

static kw_status decode(const kw_type *type, kw_bytes bytes)
{
    return kw_ua_decode_all(bytes, arena, NULL, type, kw_arena_alloc(arena, type->size));
}

/* `levels` arrays of one Variant each around a null Variant: that one is no level. */
static kw_bytes nested_variants(size_t levels)
{
    kw_writer_reset(&w);
    for (size_t i = 0; i < levels; i++) {
        kw_write_u8(&w, 0x80 | KW_BUILTIN_VARIANT);
        kw_write_i32(&w, 1);
    }
    kw_write_u8(&w, 0);
    return kw_writer_bytes(&w);
}

static kw_bytes nested_diagnostics(size_t levels)
{
    kw_writer_reset(&w);
    for (size_t i = 1; i < levels; i++) {
        kw_write_u8(&w, 0x40);
    }
    kw_write_u8(&w, 0);
    return kw_writer_bytes(&w);
}

/* ExtensionObjects of KeyValuePair, whose Variant holds the next: two levels each. */
static kw_bytes nested_extension_objects(size_t pairs)
{
    kw_writer_reset(&w);
    const uint32_t wrap = 4 + 1 + 4 + 6 + 1; /* id, encoding, length, key, the Variant's mask */
    for (size_t i = 0; i < pairs; i++) {
        const size_t inside = (pairs - i - 1) * wrap + 3;
        kw_write_raw(
            &w, BYTES(0x01, 0, (uint8_t)(KW_TYPE_KEY_VALUE_PAIR->binary_id & 0xFF), (uint8_t)(KW_TYPE_KEY_VALUE_PAIR->binary_id >> 8), 1));
        kw_write_u32(&w, (uint32_t)(inside + 6 + 1));
        kw_write_u16(&w, 0);
        kw_write_i32(&w, -1);
        kw_write_u8(&w, KW_BUILTIN_EXTENSION_OBJECT);
    }
    kw_write_raw(&w, BYTES(0, 0, 0));
    return kw_writer_bytes(&w);
}

static void a_hundred_levels_are_taken_and_one_more_is_not(void **state)
{
    (void)state;
    assert_int_equal(decode(KW_TYPE_VARIANT, nested_variants(100)), KW_GOOD);
    assert_int_equal(decode(KW_TYPE_VARIANT, nested_variants(101)), KW_BAD_ENCODING_LIMITS_EXCEEDED);
    assert_int_equal(decode(KW_TYPE_DIAGNOSTIC_INFO, nested_diagnostics(100)), KW_GOOD);
    assert_int_equal(decode(KW_TYPE_DIAGNOSTIC_INFO, nested_diagnostics(101)), KW_BAD_ENCODING_LIMITS_EXCEEDED);
    assert_int_equal(decode(KW_TYPE_EXTENSION_OBJECT, nested_extension_objects(50)), KW_GOOD);
    assert_int_equal(decode(KW_TYPE_EXTENSION_OBJECT, nested_extension_objects(51)), KW_BAD_ENCODING_LIMITS_EXCEEDED);
}

static void what_was_taken_can_be_sent_on(void **state)
{
    (void)state;
    kw_variant v, copy;
    assert_int_equal(kw_ua_decode_all(nested_variants(100), arena, NULL, KW_TYPE_VARIANT, &v), KW_GOOD);
    assert_int_equal(kw_ua_copy(arena, KW_TYPE_VARIANT, &v, &copy), KW_GOOD);
    assert_true(kw_ua_equal(KW_TYPE_VARIANT, &v, &copy));
    kw_writer out;
    kw_writer_init(&out, INPUT_MAX);
    assert_int_equal(kw_ua_encode(&out, KW_TYPE_VARIANT, &copy), KW_GOOD);
    const kw_variant around = kw_variant_array(KW_BUILTIN_VARIANT, &copy, 1);
    kw_writer_reset(&out);
    assert_int_equal(kw_ua_encode(&out, KW_TYPE_VARIANT, &around), KW_BAD_ENCODING_LIMITS_EXCEEDED);
    kw_writer_clear(&out);
}

static void the_levels_of_all_kinds_are_counted_together(void **state)
{
    (void)state;
    kw_writer_reset(&w);
    for (int i = 0; i < 50; i++) { /* DataValue, Variant array of DataValue, … */
        kw_write_u8(&w, 0x01);
        kw_write_u8(&w, 0x80 | KW_BUILTIN_DATA_VALUE);
        kw_write_i32(&w, 1);
    }
    const size_t before = w.len;
    kw_write_u8(&w, 0x01); /* level 101 */
    kw_write_u8(&w, 0x00);
    assert_int_equal(decode(KW_TYPE_DATA_VALUE, kw_writer_bytes(&w)), KW_BAD_ENCODING_LIMITS_EXCEEDED);
    w.data[before - 4] = 0; /* the last array is empty: 100 levels */
    assert_int_equal(decode(KW_TYPE_DATA_VALUE, (kw_bytes){w.data, before}), KW_GOOD);
}

static void *decode_deep(void *unused)
{
    (void)unused;
    kw_variant v;
    kw_diagnostic_info info;
    kw_status *statuses = kw_arena_array(arena, 3, sizeof *statuses);
    statuses[0] = kw_ua_decode_all(nested_variants(50000), arena, NULL, KW_TYPE_VARIANT, &v);
    statuses[1] = kw_ua_decode_all(nested_diagnostics(50000), arena, NULL, KW_TYPE_DIAGNOSTIC_INFO, &info);
    statuses[2] = kw_ua_decode_all(nested_variants(100), arena, NULL, KW_TYPE_VARIANT, &v);
    return statuses;
}

#if defined(__SANITIZE_ADDRESS__)
#define SMALL_STACK (512u << 10) /* its frames are several times as large */
#else
#define SMALL_STACK (64u << 10)
#endif

/* */
static void deep_nesting_does_not_take_the_stack(void **state)
{
    (void)state;
    pthread_attr_t attributes;
    pthread_t thread;
    void *result = NULL;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, SMALL_STACK), 0);
    assert_int_equal(pthread_create(&thread, &attributes, decode_deep, NULL), 0);
    pthread_join(thread, &result);
    pthread_attr_destroy(&attributes);
    const kw_status *statuses = result;
    assert_int_equal(statuses[0], KW_BAD_ENCODING_LIMITS_EXCEEDED);
    assert_int_equal(statuses[1], KW_BAD_ENCODING_LIMITS_EXCEEDED);
    assert_int_equal(statuses[2], KW_GOOD);
}

/* */
static void no_length_takes_memory_that_its_bytes_do_not_justify(void **state)
{
    (void)state;
    static const int32_t lengths[] = {-2, -100, INT32_MIN, 5, 70000, 1000000, 1000001, INT32_MAX, INT32_MAX / 48 + 1};
    for (uint8_t type = KW_BUILTIN_BOOLEAN; type <= KW_BUILTIN_DIAGNOSTIC_INFO; type++) {
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            uint8_t bytes[1 + 4 + 4] = {0x80 | type};
            memcpy(bytes + 1, &lengths[i], 4);
            kw_arena_reset(arena);
            kw_variant v;
            const kw_status status = kw_ua_decode_all((kw_bytes){bytes, sizeof bytes}, arena, NULL, KW_TYPE_VARIANT, &v);
            assert_true(status == KW_BAD_DECODING_ERROR || status == KW_BAD_ENCODING_LIMITS_EXCEEDED);
            assert_true(kw_arena_used(arena) <= 1024);
        }
    }
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t bytes[4 + 4] = {0};
        memcpy(bytes, &lengths[i], 4);
        assert_int_equal(decode(KW_TYPE_STRING, (kw_bytes){bytes, sizeof bytes}), KW_BAD_DECODING_ERROR);
        assert_int_equal(decode(KW_TYPE_BYTE_STRING, (kw_bytes){bytes, sizeof bytes}), KW_BAD_DECODING_ERROR);
    }
}

static void the_limits_that_are_given_count(void **state)
{
    (void)state;
    const kw_ua_limits limits = {.max_string = 3, .max_array = 2, .max_nesting = 1};
    kw_string s;
    kw_variant v;
    assert_int_equal(kw_ua_decode_all(BYTES(3, 0, 0, 0, 'a', 'b', 'c'), arena, &limits, KW_TYPE_STRING, &s), KW_GOOD);
    assert_int_equal(kw_ua_decode_all(BYTES(4, 0, 0, 0, 'a', 'b', 'c', 'd'), arena, &limits, KW_TYPE_STRING, &s),
                     KW_BAD_ENCODING_LIMITS_EXCEEDED);
    assert_int_equal(kw_ua_decode_all(BYTES(0x83, 2, 0, 0, 0, 1, 2), arena, &limits, KW_TYPE_VARIANT, &v), KW_GOOD);
    assert_int_equal(kw_ua_decode_all(BYTES(0x83, 3, 0, 0, 0, 1, 2, 3), arena, &limits, KW_TYPE_VARIANT, &v),
                     KW_BAD_ENCODING_LIMITS_EXCEEDED);
    assert_int_equal(kw_ua_decode_all(BYTES(0x98, 1, 0, 0, 0, 3, 1), arena, &limits, KW_TYPE_VARIANT, &v), KW_BAD_ENCODING_LIMITS_EXCEEDED);
}

static kw_status decode_matrix(const int32_t *dimensions, int32_t dimension_count, int32_t count)
{
    kw_writer_reset(&w);
    kw_write_u8(&w, 0xC0 | KW_BUILTIN_BYTE);
    kw_write_i32(&w, count);
    for (int32_t i = 0; i < count; i++) {
        kw_write_u8(&w, 0);
    }
    kw_write_i32(&w, dimension_count);
    for (int32_t i = 0; i < dimension_count; i++) {
        kw_write_i32(&w, dimensions[i]);
    }
    return decode(KW_TYPE_VARIANT, kw_writer_bytes(&w));
}

/* */
static void dimensions_must_multiply_to_the_count(void **state)
{
    (void)state;
    int32_t ones[100];
    for (size_t i = 0; i < 100; i++) {
        ones[i] = 1;
    }
    assert_int_equal(decode_matrix((const int32_t[]){2, 3}, 2, 6), KW_GOOD);
    assert_int_equal(decode_matrix((const int32_t[]){6}, 1, 6), KW_GOOD);
    assert_int_equal(decode_matrix((const int32_t[]){2, 3}, 2, 5), KW_BAD_DECODING_ERROR);
    assert_int_equal(decode_matrix((const int32_t[]){65536, 65536}, 2, 0), KW_BAD_DECODING_ERROR);
    assert_int_equal(decode_matrix((const int32_t[]){65536, 65536, 65536, 65536}, 4, 0), KW_BAD_DECODING_ERROR); /* 2^64 */
    assert_int_equal(decode_matrix((const int32_t[]){0, 4}, 2, 0), KW_BAD_DECODING_ERROR);
    assert_int_equal(decode_matrix((const int32_t[]){0, 4}, 2, 4), KW_BAD_DECODING_ERROR);
    assert_int_equal(decode_matrix((const int32_t[]){-1}, 1, 1), KW_BAD_DECODING_ERROR);
    assert_int_equal(decode_matrix((const int32_t[]){-2, -3}, 2, 6), KW_BAD_DECODING_ERROR);
    assert_int_equal(decode_matrix(NULL, 0, 1), KW_BAD_DECODING_ERROR);
    assert_int_equal(decode_matrix(ones, 100, 1), KW_BAD_DECODING_ERROR);
    assert_int_equal(decode_matrix((const int32_t[]){1}, 1, -1), KW_BAD_DECODING_ERROR); /* a null array has none */
}

/* the codec hands bytes through with their length; who gives them a meaning validates them. */
static void strings_keep_embedded_nul_and_their_length(void **state)
{
    (void)state;
    kw_string s;
    assert_int_equal(kw_ua_decode_all(BYTES(7, 0, 0, 0, 'a', 'd', 'm', 'i', 'n', 0, 'x'), arena, NULL, KW_TYPE_STRING, &s), KW_GOOD);
    assert_int_equal(s.len, 7);
    assert_false(kw_string_equals(s, "admin"));
    assert_false(kw_utf8_is_valid(s, false));
}

static void a_failed_reader_is_not_read_from(void **state)
{
    (void)state;
    kw_reader r = kw_reader_of(BYTES(1, 2, 3, 4));
    kw_reader_fail(&r, KW_BAD_TCP_MESSAGE_TOO_LARGE);
    uint32_t out = 5;
    assert_int_equal(kw_ua_decode(&r, arena, NULL, KW_TYPE_UINT32, &out), KW_BAD_TCP_MESSAGE_TOO_LARGE);
    assert_int_equal(out, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hundred_levels_are_taken_and_one_more_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_taken_can_be_sent_on, setup, teardown),
        cmocka_unit_test_setup_teardown(the_levels_of_all_kinds_are_counted_together, setup, teardown),
        cmocka_unit_test_setup_teardown(deep_nesting_does_not_take_the_stack, setup, teardown),
        cmocka_unit_test_setup_teardown(no_length_takes_memory_that_its_bytes_do_not_justify, setup, teardown),
        cmocka_unit_test_setup_teardown(the_limits_that_are_given_count, setup, teardown),
        cmocka_unit_test_setup_teardown(dimensions_must_multiply_to_the_count, setup, teardown),
        cmocka_unit_test_setup_teardown(strings_keep_embedded_nul_and_their_length, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_reader_is_not_read_from, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
